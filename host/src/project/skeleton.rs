//! A new folder.

use std::fs;
use std::path::{Path, PathBuf};

use super::ProjectError;
use super::sdk::{below, manifest, text};

/// The example's name, which the new one takes the place of.
const EXAMPLE: &str = "vehicle-telemetry";
/// Where the example finds the SDK, and where a new folder has it.
const SDK_THERE: &str = "../../../plugins/sdk";
const SDK_HERE: &str = "wellhead/sdk";

const LOCK: &str = "Cargo.lock";

/// What makes the folder stand alone, and its component fast and small.
const PROFILE: &str = r#"
# A workspace of its own, wherever it lies.
[workspace]

[profile.release]
opt-level = 3
lto = "fat"
codegen-units = 1
panic = "abort"
# Names of functions stay in, for what a trap says.
strip = "debuginfo"
"#;

/// Words that cargo or the compiler refuse as a package's name, and packages that would be in it twice.
const REFUSED: &[&str] = &[
    "abstract",
    "alloc",
    "as",
    "async",
    "await",
    "become",
    "box",
    "break",
    "build",
    "const",
    "continue",
    "core",
    "crate",
    "deps",
    "do",
    "dyn",
    "else",
    "enum",
    "examples",
    "extern",
    "false",
    "final",
    "fn",
    "for",
    "gen",
    "if",
    "impl",
    "in",
    "incremental",
    "let",
    "loop",
    "macro",
    "match",
    "mod",
    "move",
    "mut",
    "override",
    "priv",
    "proc-macro",
    "pub",
    "ref",
    "return",
    "schemars",
    "self",
    "serde",
    "static",
    "std",
    "struct",
    "super",
    "test",
    "trait",
    "true",
    "try",
    "type",
    "typeof",
    "unsafe",
    "unsized",
    "use",
    "virtual",
    "wellhead-sdk",
    "where",
    "while",
    "yield",
];

/// Writes the folder of a new generator, and says where it is: `folder`, or one of that name.
///
/// # Errors
/// Where no generator can have that name, where there is something, or nothing can be written.
pub fn create(name: &str, folder: Option<&Path>) -> Result<PathBuf, ProjectError> {
    if !is_name(name) {
        return Err(ProjectError::Name(name.to_owned()));
    }
    let folder = folder.map_or_else(|| PathBuf::from(name), Path::to_owned);
    let taken = match fs::read_dir(&folder) {
        Ok(mut entries) => entries.next().is_some(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => false,
        Err(error) => return Err(ProjectError::file(&folder, "read")(error)),
    };
    if taken {
        return Err(ProjectError::Taken(folder));
    }
    for (path, text) in files(name)? {
        let path = folder.join(path);
        let above = path.parent().unwrap_or(&folder);
        fs::create_dir_all(above).map_err(ProjectError::file(above, "made"))?;
        fs::write(&path, text).map_err(ProjectError::file(&path, "written"))?;
    }
    Ok(folder)
}

fn files(name: &str) -> Result<Vec<(String, String)>, ProjectError> {
    let mut files = Vec::new();
    for (path, text) in below("examples/generators/rust") {
        let mut text = text.replace(EXAMPLE, name);
        if path == "Cargo.toml" {
            text = text.replace(SDK_THERE, SDK_HERE) + PROFILE;
        }
        files.push((path.to_owned(), text));
    }
    for (path, text) in below("plugins/sdk") {
        let text = match path {
            "Cargo.toml" => manifest()?,
            _ => text.to_owned(),
        };
        files.push((format!("{SDK_HERE}/{path}"), text));
    }
    for (path, text) in below("wit") {
        files.push((format!("wit/{path}"), text.to_owned()));
    }
    // With more in it than is needed, which cargo takes out: versions that are known to go together.
    files.push((LOCK.to_owned(), text(LOCK)?.to_owned()));
    Ok(files)
}

fn is_name(name: &str) -> bool {
    let letters = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(letters)
        && name.len() <= 64
        && !REFUSED.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_stands_alone_under_its_own_name() {
        let files = files("water-meter").unwrap();
        let text = |path: &str| {
            let file = files.iter().find(|(name, _)| name == path);
            file.unwrap_or_else(|| panic!("no {path}")).1.as_str()
        };
        for path in [
            "src/lib.rs",
            "README.md",
            ".gitignore",
            ".cargo/config.toml",
        ] {
            assert!(!text(path).contains(EXAMPLE), "{path}");
        }
        let manifest: toml::Table = text("Cargo.toml").parse().unwrap();
        assert_eq!(manifest["package"]["name"].as_str(), Some("water-meter"));
        let sdk = manifest["dependencies"]["wellhead-sdk"]["path"].as_str();
        assert_eq!(sdk, Some("wellhead/sdk"));
        // The bindings' macro looks for it from the SDK's folder.
        assert!(text("wellhead/sdk/src/wasm.rs").contains("path: \"../../wit\""));
        assert!(text("wit/generator.wit").contains("package wellhead:generator"));
        assert!(!files.iter().any(|(path, _)| path.contains("..")));
    }

    #[test]
    fn names_that_cannot_be_are_refused() {
        for name in [
            "",
            "Meter",
            "9lives",
            "a_b",
            "../up",
            "a/b",
            "serde",
            "match",
            &"a".repeat(65),
        ] {
            let folder = Path::new("/nonexistent/folder");
            let refused = create(name, Some(folder));
            assert!(matches!(refused, Err(ProjectError::Name(_))), "{name}");
        }
        assert!(is_name("water-meter-2"));
    }
}
