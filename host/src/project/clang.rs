//! C: clang and its linker, with the flags that the folder keeps for editors too.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::ProjectError;
use super::build::{text, wrap};
use super::tool::{self, Tool};

/// The newest first: Debian 12's own is the oldest that will do, and often has no linker beside it.
const CLANG: Tool = Tool {
    names: &[
        "clang-22", "clang-21", "clang-20", "clang-19", "clang", "clang-18", "clang-17",
        "clang-16", "clang-15", "clang-14",
    ],
    title: "clang",
    version: &["--version"],
    least: (14, 0),
    how: "on Debian 12, as root, `apt-get install clang-22 lld-22`; elsewhere LLVM with lld: https://llvm.org",
};
const LINKER: Tool = Tool {
    names: &["wasm-ld"],
    title: "clang's linker for WebAssembly",
    version: &[],
    ..CLANG
};

/// Besides the folder's own flags: what a component needs, SIMD and bulk memory, which the host has, and a
/// small stack, since it holds many instances.
const FLAGS: [&str; 9] = [
    "--target=wasm32-unknown-unknown",
    "-O3",
    "-ffreestanding",
    "-nostdlib",
    "-msimd128",
    "-mbulk-memory",
    "-Wl,--no-entry",
    "-Wl,-z,stack-size=65536",
    "-Wl,--stack-first",
];

/// Builds the sources of a folder: every `.c` of it but `test.c`.
pub(super) fn build(folder: &Path) -> Result<PathBuf, ProjectError> {
    let clang = CLANG.find()?;
    if !has_linker(&clang) {
        return Err(LINKER.missing());
    }
    let flags = text(folder, "compile_flags.txt")?;
    let temporary = tempfile::tempdir().map_err(ProjectError::file(folder, "built"))?;
    let module = temporary.path().join("core.wasm");
    let mut command = tool::command(clang, folder);
    command
        .args(flags.lines().map(str::trim).filter(|flag| !flag.is_empty()))
        .args(FLAGS)
        .arg("-o")
        .arg(&module)
        .args(sources(folder)?);
    tool::run(&mut command, folder)?;
    wrap(folder, "generator", &module)
}

fn has_linker(clang: &Path) -> bool {
    let mut asked = Command::new(clang);
    asked.args([FLAGS[0], "-print-prog-name=wasm-ld"]);
    let said = asked.stdin(Stdio::null()).stderr(Stdio::null()).output();
    // It says the bare name of what it doesn't have.
    said.is_ok_and(|said| {
        let path = String::from_utf8_lossy(&said.stdout);
        let path = Path::new(path.trim_end());
        path.is_absolute() && path.is_file() || tool::on_path("wasm-ld").is_some()
    })
}

fn sources(folder: &Path) -> Result<Vec<String>, ProjectError> {
    let entries = fs::read_dir(folder).map_err(ProjectError::file(folder, "read"))?;
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let mut sources: Vec<String> = names
        .filter(|name| name.ends_with(".c") && name != "test.c")
        .collect();
    // What the linker puts where doesn't depend on the disk.
    sources.sort();
    Ok(sources)
}
