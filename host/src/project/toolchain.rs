//! Which compiler there is for WebAssembly: Rust's own with its target, or Debian's, which brings the standard
//! library as sources. `plugins/build.sh` looks for the same.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::ProjectError;
use super::tool::on_path;

/// What is compiled for.
pub(super) const TARGET: &str = "wasm32-unknown-unknown";
/// Debian's packages that do it.
pub(super) const DEBIAN: &str = "rustc-web cargo-web rust-web-src lld-22";

const DEBIAN_RUSTC: &str = "/usr/bin/rustc";
const DEBIAN_CARGO: &str = "/usr/bin/cargo";
const LINKERS: [&str; 2] = ["wasm-ld-22", "wasm-ld"];

/// A compiler.
#[derive(Debug)]
pub(super) enum Toolchain {
    /// It has the target.
    Target,
    /// It has the standard library's sources, and that linker.
    Sources(PathBuf),
}

impl Toolchain {
    /// The one to be used in a folder, which may say so by itself (`rust-toolchain.toml`).
    pub fn find(folder: &Path) -> Result<Toolchain, ProjectError> {
        let sysroot = sysroot("rustc", folder);
        let libraries = sysroot.as_deref().map(|root| libraries(root, TARGET));
        if libraries.is_some_and(|path| path.is_dir()) {
            return Ok(Toolchain::Target);
        }
        let debian = self::sysroot(DEBIAN_RUSTC, folder).filter(|root| {
            let sources = root.join("lib/rustlib/src/rust/library/core/Cargo.toml");
            sources.is_file() && Path::new(DEBIAN_CARGO).is_file()
        });
        match (debian.and_then(|_| linker()), sysroot) {
            (Some(linker), _) => Ok(Toolchain::Sources(linker)),
            (None, Some(_)) => Err(ProjectError::NoTarget),
            (None, None) => Err(ProjectError::NoCompiler),
        }
    }

    /// Cargo, which compiles a library for the target.
    pub fn cargo(&self) -> Command {
        let mut cargo = match self {
            Toolchain::Target => Command::new("cargo"),
            Toolchain::Sources(_) => Command::new(DEBIAN_CARGO),
        };
        cargo.args(["build", "--release", "--lib", "--target", TARGET]);
        if let Toolchain::Sources(linker) = self {
            cargo.args(["-Z", "build-std=std,panic_abort"]);
            cargo.env("RUSTC", DEBIAN_RUSTC);
            // A stable compiler builds the standard library only where it is told that it may.
            cargo.env("RUSTC_BOOTSTRAP", "1");
            cargo.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker);
        }
        cargo
    }
}

fn sysroot(rustc: &str, folder: &Path) -> Option<PathBuf> {
    let mut command = Command::new(rustc);
    command.args(["--print", "sysroot"]).current_dir(folder);
    let output = command.stderr(Stdio::null()).output().ok()?;
    let path = String::from_utf8(output.stdout).ok()?;
    output
        .status
        .success()
        .then(|| PathBuf::from(path.trim_end()))
}

fn libraries(sysroot: &Path, target: &str) -> PathBuf {
    sysroot.join("lib/rustlib").join(target).join("lib")
}

fn linker() -> Option<PathBuf> {
    LINKERS.iter().find_map(|name| on_path(name))
}
