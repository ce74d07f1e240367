//! From sources to a component.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::Value;

use super::ProjectError;
use super::toolchain::Toolchain;

/// Builds the generator of a folder, and gives the component's file, which lies in that folder. What the
/// compiler says goes to standard error.
///
/// # Errors
/// Where there is no compiler, or it refuses, or what it makes is no generator.
pub fn build(folder: &Path) -> Result<PathBuf, ProjectError> {
    let manifest = folder.join("Cargo.toml");
    if !manifest.is_file() {
        return Err(ProjectError::NoProject(folder.to_owned()));
    }
    let module = compiled(folder, &manifest)?;
    let core = fs::read(&module).map_err(ProjectError::file(&module, "read"))?;
    let component = wellhead_pack::wrap(&core).map_err(|error| ProjectError::NoComponent {
        path: module.clone(),
        error,
    })?;
    let name = module.file_stem().unwrap_or_default().to_string_lossy();
    let path = folder.join(format!("{}.wasm", name.replace('_', "-")));
    fs::write(&path, component).map_err(ProjectError::file(&path, "written"))?;
    Ok(path)
}

/// Compiles, and gives the core module's file.
fn compiled(folder: &Path, manifest: &Path) -> Result<PathBuf, ProjectError> {
    let absolute = fs::canonicalize(manifest).map_err(ProjectError::file(manifest, "read"))?;
    let mut cargo = Toolchain::find(folder)?.cargo();
    cargo.args(["--message-format", "json-render-diagnostics"]);
    // Settings of the folder (`.cargo/config.toml`) count where it is worked in.
    cargo
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    let failed = |error| ProjectError::file(Path::new("cargo"), "run")(error);
    let mut child = cargo.spawn().map_err(failed)?;
    let mut module = None;
    if let Some(said) = child.stdout.take() {
        for line in BufReader::new(said).lines() {
            let line = line.map_err(failed)?;
            module = module_of(&line, &absolute).or(module);
        }
    }
    let status = child.wait().map_err(failed)?;
    if !status.success() {
        return Err(ProjectError::Refused(folder.to_owned()));
    }
    module.ok_or_else(|| ProjectError::NoLibrary(folder.to_owned()))
}

/// The module, where a line of cargo's is about that manifest's library.
fn module_of(line: &str, manifest: &Path) -> Option<PathBuf> {
    let said: Value = serde_json::from_str(line).ok()?;
    let here = said["manifest_path"].as_str().map(Path::new) == Some(manifest);
    if said["reason"] != "compiler-artifact" || !here {
        return None;
    }
    let mut files = said["filenames"].as_array()?.iter();
    files.find_map(|file| {
        let path = PathBuf::from(file.as_str()?);
        (path.extension()? == "wasm").then_some(path)
    })
}
