//! Python: the SDK's own `build.py` gets componentize-py, and makes the component.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use toml::Table;

use super::ProjectError;
use super::build::{text, written};
use super::tool::{self, Tool};

// `PYTHON`: what the SDK has in C, as `plugins/build.sh` made it; nothing where this program was built without.
include!(concat!(env!("OUT_DIR"), "/python.rs"));

const INTERPRETER: Tool = Tool {
    names: &["python3", "python"],
    title: "Python",
    version: &["--version"],
    least: (3, 10),
    how: "see https://www.python.org, or on Debian, as root, `apt-get install python3 python3-venv`",
};

/// Builds the project of a folder. What it needs besides Python is installed there, where it isn't yet.
pub(super) fn build(folder: &Path) -> Result<PathBuf, ProjectError> {
    let python = INTERPRETER.find()?;
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
    let temporary = tempfile::tempdir().map_err(ProjectError::file(folder, "built"))?;
    if let Some(module) = PYTHON {
        let path = temporary.path().join("python.so");
        std::fs::write(&path, module).map_err(ProjectError::file(&path, "written"))?;
        build.env("WELLHEAD_NATIVE", path);
    }
    // All that it prints is where the component is.
    tool::run(build.stdout(Stdio::null()), folder)?;
    written(folder, name)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_module_in_c_is_there() {
        match super::PYTHON {
            Some(module) => assert!(module.starts_with(b"\0asm")),
            None => {
                eprintln!("LEFT OUT: this was built without the module, for there was no clang");
                assert!(std::env::var_os("CI").is_none(), "CI has clang");
            }
        }
    }
}
