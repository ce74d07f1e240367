//! From sources to a component.

use std::fs;
use std::path::{Path, PathBuf};

use super::ProjectError;
use super::language::Language;

/// Builds the generator of a folder by its language's own tools, and gives the component's file, which lies in
/// that folder. What the tools say goes to standard error.
///
/// # Errors
/// Where a tool is missing or too old, or refuses, or what it makes is no generator.
pub fn build(folder: &Path) -> Result<PathBuf, ProjectError> {
    (Language::of(folder)?.build)(folder)
}

/// Wraps a core module into the component of that name.
pub(super) fn wrap(folder: &Path, name: &str, module: &Path) -> Result<PathBuf, ProjectError> {
    let core = fs::read(module).map_err(ProjectError::file(module, "read"))?;
    wrap_made(folder, name, module, &core)
}

/// The same of a module in memory, which was made of the file at `from`.
pub(super) fn wrap_made(
    folder: &Path,
    name: &str,
    from: &Path,
    core: &[u8],
) -> Result<PathBuf, ProjectError> {
    let component = wellhead_pack::wrap(core).map_err(|error| ProjectError::NoComponent {
        path: from.to_owned(),
        error,
    })?;
    let path = folder.join(format!("{name}.wasm"));
    fs::write(&path, component).map_err(ProjectError::file(&path, "written"))?;
    Ok(path)
}

/// The text of a folder's file.
pub(super) fn text(folder: &Path, name: &str) -> Result<String, ProjectError> {
    let path = folder.join(name);
    fs::read_to_string(&path).map_err(ProjectError::file(&path, "read"))
}

/// The component that a tool was to write.
pub(super) fn written(folder: &Path, name: &str) -> Result<PathBuf, ProjectError> {
    let path = folder.join(format!("{name}.wasm"));
    match path.is_file() {
        true => Ok(path),
        false => Err(ProjectError::NothingBuilt(path)),
    }
}
