//! A new folder.

use std::fs;
use std::path::{Path, PathBuf};

use super::ProjectError;
use super::language::{Files, Language};
use super::sdk::below;

/// The examples' name, which the new one takes the place of.
const EXAMPLE: &str = "vehicle-telemetry";
/// The way from an example to the repository's root.
const ROOT: &str = "../../..";

/// Writes the folder of a new generator, and says where it is: `folder`, or one of that name.
///
/// # Errors
/// Where no generator can have that name, where there is something, or nothing can be written.
pub fn create(
    language: &'static Language,
    name: &str,
    folder: Option<&Path>,
) -> Result<PathBuf, ProjectError> {
    if !is_name(name) {
        return Err(ProjectError::Name(name.to_owned()));
    }
    if language.refused.contains(&name) {
        let name = name.to_owned();
        return Err(ProjectError::Reserved { name, language });
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
    for (path, text) in files(language, name)? {
        let path = folder.join(path);
        let above = path.parent().unwrap_or(&folder);
        fs::create_dir_all(above).map_err(ProjectError::file(above, "made"))?;
        fs::write(&path, text).map_err(ProjectError::file(&path, "written"))?;
    }
    Ok(folder)
}

fn files(language: &Language, name: &str) -> Result<Files, ProjectError> {
    let (there, here) = language.sdk;
    let there_from_example = format!("{ROOT}/{there}");
    let mut files = Files::new();
    for (path, text) in below(&language.example()) {
        let text = text.replace(EXAMPLE, name);
        files.push((path.to_owned(), text.replace(&there_from_example, here)));
    }
    for (path, text) in below(there) {
        files.push((format!("{here}/{path}"), text.to_owned()));
    }
    for (path, text) in below("wit") {
        files.push((format!("wit/{path}"), text.to_owned()));
    }
    (language.complete)(&mut files)?;
    Ok(files)
}

fn is_name(name: &str) -> bool {
    let letters = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(letters)
        && name.len() <= 64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::project::language::LANGUAGES;

    #[test]
    fn a_folder_of_rust_stands_alone() {
        let rust = Language::named("rust").unwrap();
        let files = files(rust, "water-meter").unwrap();
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
    fn every_folder_goes_by_its_own_name_and_finds_its_sdk() {
        for language in &LANGUAGES {
            let files = files(language, "water-meter").unwrap();
            let of = |path: &str| files.iter().find(|(name, _)| name == path);
            for path in [
                language.manifest,
                language.begins_in,
                "README.md",
                ".gitignore",
            ] {
                assert!(of(path).is_some(), "{} has no {path}", language.name);
            }
            // The repository's own lock file names all that is in it.
            for (path, text) in files.iter().filter(|(path, _)| path != "Cargo.lock") {
                assert!(!text.contains(EXAMPLE), "{}: {path}", language.name);
                assert!(
                    !path.contains("..") && !text.contains(ROOT),
                    "{}: {path}",
                    language.name
                );
            }
            let (_, here) = language.sdk;
            let within = files.iter().filter(|(path, _)| path.starts_with(here));
            assert!(within.count() > 2, "{} has no SDK", language.name);
            assert!(of("wit/generator.wit").is_some());
        }
    }

    #[test]
    fn names_that_cannot_be_are_refused() {
        let folder = Path::new("/nonexistent/folder");
        let refused = |language: &str, name: &str| {
            create(Language::named(language).unwrap(), name, Some(folder)).unwrap_err()
        };
        for name in [
            "",
            "Meter",
            "9lives",
            "a_b",
            "../up",
            "a/b",
            &"a".repeat(65),
        ] {
            for language in &LANGUAGES {
                let refused = refused(language.name, name);
                assert!(matches!(refused, ProjectError::Name(_)), "{name}");
            }
        }
        for (language, name) in [("rust", "serde"), ("rust", "match"), ("python", "wellhead")] {
            let said = refused(language, name).to_string();
            assert!(
                said.contains(name) && said.contains("another name"),
                "{said}"
            );
        }
        assert!(is_name("water-meter-2"));
    }
}
