//! Python: componentize-py takes an interpreter, the SDK and the author's module into one component.

use std::path::{Path, PathBuf};

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
/// What makes a component of Python: the version that the SDK is tested with.
const COMPONENTIZE: &str = "componentize-py==0.25.1";

/// Installs what is needed into the folder's own environment, where it isn't there yet, and builds.
pub(super) fn build(folder: &Path) -> Result<PathBuf, ProjectError> {
    let manifest = text(folder, "pyproject.toml")?;
    let name = name(&manifest).ok_or_else(|| ProjectError::NoName(folder.join("pyproject.toml")))?;
    let componentize = componentize(folder)?;
    let mut build = tool::command(componentize, folder);
    build.args(["-d", "wit", "-w", "plugin", "componentize", "--stub-wasi"]);
    build.args(["-p", ".", "-p", "wellhead/sdk-python", "app", "-o"]);
    tool::run(build.arg(format!("{name}.wasm")), folder)?;
    written(folder, &name)
}

/// The tool: that of the folder's environment, which is made where there is none.
fn componentize(folder: &Path) -> Result<PathBuf, ProjectError> {
    let here = Path::new(".venv/bin/componentize-py");
    if !folder.join(here).is_file() {
        let python = PYTHON.find()?;
        eprintln!("making .venv in {} with {COMPONENTIZE}, once", folder.display());
        let mut make = tool::command(python, folder);
        tool::run(make.args(["-m", "venv", ".venv"]), folder)?;
        let mut install = tool::command(folder.join(".venv/bin/pip"), folder);
        tool::run(install.args(["install", "--quiet", COMPONENTIZE]), folder)?;
    }
    let path = folder.join(here);
    std::fs::canonicalize(&path).map_err(ProjectError::file(&path, "found"))
}

/// The project's name.
fn name(manifest: &str) -> Option<String> {
    let manifest: Table = manifest.parse().ok()?;
    let name = manifest.get("project")?.get("name")?.as_str()?;
    (!name.is_empty()).then(|| name.to_owned())
}
