//! What a generator can be written in: one row a language.

use std::path::{Path, PathBuf};

use super::{ProjectError, clang, go, npm, python, rust};

/// Files of a folder: paths and texts.
pub(super) type Files = Vec<(String, String)>;

/// A language that `plugin new` writes and `plugin build` builds.
#[derive(Debug)]
pub struct Language {
    /// As users type it.
    pub name: &'static str,
    /// Another name that they may type.
    pub alias: &'static str,
    /// As people call it.
    pub title: &'static str,
    /// The file in which an author begins.
    pub begins_in: &'static str,
    /// The file by which a folder is known to be in it.
    pub(super) manifest: &'static str,
    /// Its SDK: a folder of the repository, and where a new folder has it.
    pub(super) sdk: (&'static str, &'static str),
    /// Names that its tools refuse.
    pub(super) refused: &'static [&'static str],
    /// What else a folder needs to stand alone.
    pub(super) complete: fn(&mut Files) -> Result<(), ProjectError>,
    /// Makes a component of a folder, and says where it is.
    pub(super) build: fn(&Path) -> Result<PathBuf, ProjectError>,
}

/// The files by which folders are known, for people.
pub(super) fn manifests() -> String {
    let mut names: Vec<&str> = LANGUAGES.iter().map(|language| language.manifest).collect();
    let last = names.pop().unwrap_or_default();
    format!("{} or {last}", names.join(", "))
}

/// Every language; where two have the same manifest, the one that asks for more comes first.
pub static LANGUAGES: [Language; 6] = [
    Language {
        name: "rust",
        alias: "rs",
        title: "Rust",
        begins_in: "src/lib.rs",
        manifest: "Cargo.toml",
        sdk: ("plugins/sdk", "wellhead/sdk"),
        refused: rust::REFUSED,
        complete: rust::complete,
        build: rust::build,
    },
    Language {
        name: "ts",
        alias: "typescript",
        title: "TypeScript",
        begins_in: "src/generator.ts",
        manifest: "tsconfig.json",
        sdk: ("plugins/sdk-js", "wellhead/sdk-js"),
        refused: npm::REFUSED,
        complete: |_| Ok(()),
        build: npm::build,
    },
    Language {
        name: "js",
        alias: "javascript",
        title: "JavaScript",
        begins_in: "src/generator.js",
        manifest: "package.json",
        sdk: ("plugins/sdk-js", "wellhead/sdk-js"),
        refused: npm::REFUSED,
        complete: |_| Ok(()),
        build: npm::build,
    },
    Language {
        name: "python",
        alias: "py",
        title: "Python",
        begins_in: "app.py",
        manifest: "pyproject.toml",
        sdk: ("plugins/sdk-python", "wellhead/sdk-python"),
        refused: &["wellhead"],
        complete: |_| Ok(()),
        build: python::build,
    },
    Language {
        name: "go",
        alias: "golang",
        title: "Go",
        begins_in: "generator.go",
        manifest: "go.mod",
        sdk: ("plugins/sdk-go", "wellhead/sdk-go"),
        refused: &["go", "toolchain", "main"],
        complete: |_| Ok(()),
        build: go::build,
    },
    Language {
        name: "c",
        alias: "clang",
        title: "C",
        begins_in: "generator.c",
        manifest: "compile_flags.txt",
        sdk: ("plugins/sdk-c", "wellhead/sdk-c"),
        refused: &[],
        complete: |_| Ok(()),
        build: clang::build,
    },
];

impl Language {
    /// The one that is called that.
    pub fn named(name: &str) -> Option<&'static Language> {
        let mut all = LANGUAGES.iter();
        all.find(|language| language.name == name || language.alias == name)
    }

    /// The one that a folder is in.
    ///
    /// # Errors
    /// Where it has none of the files by which one is known.
    pub(super) fn of(folder: &Path) -> Result<&'static Language, ProjectError> {
        let mut all = LANGUAGES.iter();
        all.find(|language| folder.join(language.manifest).is_file())
            .ok_or_else(|| ProjectError::NoProject(folder.to_owned()))
    }

    /// Where the repository has its example.
    pub(super) fn example(&self) -> String {
        format!("examples/generators/{}", self.name)
    }
}
