//! The Rust SDK as files of a folder that stands alone.

use toml::{Table, Value};

use super::ProjectError;

// `FILES`: paths from the repository's root, with their texts.
include!(concat!(env!("OUT_DIR"), "/project.rs"));

/// The files below a folder of the repository: paths from there, with their texts.
pub(super) fn below(folder: &str) -> impl Iterator<Item = (&'static str, &'static str)> {
    FILES.iter().filter_map(move |(path, text)| {
        let rest = path.strip_prefix(folder)?.strip_prefix('/')?;
        Some((rest, *text))
    })
}

/// A file of the repository.
pub(super) fn text(path: &str) -> Result<&'static str, ProjectError> {
    let file = FILES.iter().find(|(name, _)| *name == path);
    let missing = || ProjectError::Sdk(format!("it has no {path}"));
    file.map(|(_, text)| *text).ok_or_else(missing)
}

/// The SDK's manifest with what it takes from the workspace written out.
pub(super) fn manifest() -> Result<String, ProjectError> {
    let broken = |why: &str| ProjectError::Sdk(why.to_owned());
    let of = |path: &str| -> Result<Table, ProjectError> {
        text(path)?
            .parse()
            .map_err(|error| broken(&format!("{path}: {error}")))
    };
    let root = of("Cargo.toml")?;
    let workspace = root.get("workspace").and_then(Value::as_table);
    let workspace = workspace.ok_or_else(|| broken("no workspace"))?;
    let shared = |part: &str| workspace.get(part).and_then(Value::as_table);
    let mut manifest = of("plugins/sdk/Cargo.toml")?;
    manifest.remove("dev-dependencies");
    resolve(&mut manifest, "package", shared("package"));
    resolve(&mut manifest, "dependencies", shared("dependencies"));
    for target in tables(&mut manifest, "target") {
        resolve(target, "dependencies", shared("dependencies"));
    }
    toml::to_string(&manifest).map_err(|error| broken(&error.to_string()))
}

fn tables<'a>(within: &'a mut Table, name: &str) -> impl Iterator<Item = &'a mut Table> {
    let all = within.get_mut(name).and_then(Value::as_table_mut);
    let each = all.into_iter().flat_map(|all| all.iter_mut());
    each.filter_map(|(_, value)| value.as_table_mut())
}

/// Puts the workspace's entries where a part says `workspace = true`; what else it says stays.
fn resolve(manifest: &mut Table, part: &str, shared: Option<&Table>) {
    let part = manifest.get_mut(part).and_then(Value::as_table_mut);
    for (name, entry) in part.into_iter().flat_map(|part| part.iter_mut()) {
        let Some(table) = entry.as_table_mut() else {
            continue;
        };
        if table.remove("workspace").is_none() {
            continue;
        }
        match shared.and_then(|shared| shared.get(name)) {
            Some(Value::Table(more)) => table.extend(more.clone()),
            Some(version @ Value::String(_)) if !table.is_empty() => {
                table.insert("version".to_owned(), version.clone());
            }
            Some(value) => *entry = value.clone(),
            None => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_manifest_needs_no_workspace() {
        let text = manifest().unwrap();
        assert!(!text.contains("workspace"), "{text}");
        let manifest: Table = text.parse().unwrap();
        assert_eq!(manifest["package"]["edition"].as_str(), Some("2024"));
        assert!(manifest["dependencies"]["serde"]["version"].is_str());
        assert_eq!(
            manifest["dependencies"]["fake"]["optional"].as_bool(),
            Some(true)
        );
        assert!(manifest["target"].to_string().contains("wit-bindgen"));
    }
}
