//! Python: the SDK's own `build.py` gets componentize-py, and makes the component.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use toml::Table;

use super::ProjectError;
use super::build::{text, written};
use super::tool::{self, Tool};

const PYTHON: Tool = Tool {
    names: &["python3", "python"],
    title: "Python",
    version: &["--version"],
    least: (3, 10),
    how: "see https://www.python.org, or on Debian, as root, `apt-get install python3 python3-venv`",
};

/// Builds the project of a folder. What it needs besides Python is installed there, where it isn't yet.
pub(super) fn build(folder: &Path) -> Result<PathBuf, ProjectError> {
    let python = PYTHON.find()?;
    let manifest = text(folder, "pyproject.toml")?;
    let manifest: Table = manifest
        .parse()
        .map_err(ProjectError::manifest::<toml::de::Error>(
            folder,
            "pyproject.toml",
        ))?;
    let at = |path: [&str; 3]| {
        let [first, second, third] = path;
        let value = manifest.get(first)?.get(second)?;
        let value = if third.is_empty() {
            value
        } else {
            value.get(third)?
        };
        value.as_str().filter(|text| !text.is_empty())
    };
    let name = at(["project", "name", ""])
        .ok_or_else(|| ProjectError::NoName(folder.join("pyproject.toml")))?;
    let sdk = at(["tool", "wellhead", "sdk"]).unwrap_or("wellhead/sdk-python");
    let mut build = tool::command(python, folder);
    build.arg(Path::new(sdk).join("build.py")).arg(".");
    // All that it prints is where the component is.
    tool::run(build.stdout(Stdio::null()), folder)?;
    written(folder, name)
}
