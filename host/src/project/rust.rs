//! Rust: cargo compiles to a core module, which is wrapped.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::Value;

use super::ProjectError;
use super::build::wrap;
use super::language::Files;
use super::sdk::{manifest, text};
use super::toolchain::Toolchain;

const LOCK: &str = "Cargo.lock";

/// What makes the folder stand alone, and its component fast and small.
const PROFILE: &str = r#"
# A workspace of its own, wherever it lies.
[workspace]

[profile.release]
opt-level = 3
lto = "fat"
codegen-units = 1
panic = "abort"
# Names of functions stay in, for what a trap says.
strip = "debuginfo"
"#;

/// Words that cargo or the compiler refuse as a package's name, and packages that would be in it twice.
pub(super) const REFUSED: &[&str] = &[
    "abstract",
    "alloc",
    "as",
    "async",
    "await",
    "become",
    "box",
    "break",
    "build",
    "const",
    "continue",
    "core",
    "crate",
    "deps",
    "do",
    "dyn",
    "else",
    "enum",
    "examples",
    "extern",
    "false",
    "final",
    "fn",
    "for",
    "gen",
    "if",
    "impl",
    "in",
    "incremental",
    "let",
    "loop",
    "macro",
    "match",
    "mod",
    "move",
    "mut",
    "override",
    "priv",
    "proc-macro",
    "pub",
    "ref",
    "return",
    "schemars",
    "self",
    "serde",
    "static",
    "std",
    "struct",
    "super",
    "test",
    "trait",
    "true",
    "try",
    "type",
    "typeof",
    "unsafe",
    "unsized",
    "use",
    "virtual",
    "wellhead-sdk",
    "where",
    "while",
    "yield",
];

/// Makes the manifests stand alone, and pins what they ask for.
pub(super) fn complete(files: &mut Files) -> Result<(), ProjectError> {
    for (path, text) in files.iter_mut() {
        match path.as_str() {
            "Cargo.toml" => text.push_str(PROFILE),
            "wellhead/sdk/Cargo.toml" => *text = manifest()?,
            _ => {}
        }
    }
    // With more in it than is needed, which cargo takes out: versions that are known to go together.
    files.push((LOCK.to_owned(), text(LOCK)?.to_owned()));
    Ok(())
}

/// Builds the crate of a folder.
pub(super) fn build(folder: &Path) -> Result<PathBuf, ProjectError> {
    let module = compiled(folder, &folder.join("Cargo.toml"))?;
    let name = module.file_stem().unwrap_or_default().to_string_lossy();
    wrap(folder, &name.replace('_', "-"), &module)
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
