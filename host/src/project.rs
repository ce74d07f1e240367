//! Generators as their authors have them: a folder with sources. `wellhead plugin new` writes one, and
//! `plugin build` makes a component of it.
//!
//! What is written is the example of `examples/generators`, with the SDK beside it: nothing that a reader of
//! the one would not find in the other.

mod build;
mod clang;
mod go;
mod javascript;
mod language;
mod npm;
mod python;
mod rust;
mod sdk;
mod skeleton;
mod tool;
mod toolchain;
mod watch;

use std::path::PathBuf;

pub use build::build;
pub use language::{LANGUAGES, Language};
pub use skeleton::create;
pub use watch::Sources;

/// Why a folder can't be made or built.
#[derive(Debug, thiserror::Error)]
pub enum ProjectError {
    /// A name that no generator can have.
    #[error(
        "{0:?} can't be a generator's name: it is of the form [a-z][a-z0-9-]*, at most 64 characters"
    )]
    Name(String),
    /// A name that a language's tools don't take.
    #[error(
        "{name:?} is a word of {title}'s or of its tools': give the generator another name",
        title = .language.title
    )]
    Reserved {
        /// Which.
        name: String,
        /// Whose.
        language: &'static Language,
    },
    /// There is something already.
    #[error("{} is there already, and isn't empty: name another folder with --dir", .0.display())]
    Taken(PathBuf),
    /// A file or folder can't be read or written.
    #[error("{} can't be {done}: {error}", .path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What should be done with it.
        done: &'static str,
        /// What the system says.
        error: std::io::Error,
    },
    /// No generator's sources.
    #[error(
        "{} has no {}: name the folder of a generator, or make one with `wellhead plugin new NAME`",
        .0.display(),
        language::manifests()
    )]
    NoProject(PathBuf),
    /// A manifest that doesn't say what it is about.
    #[error("{} gives its generator no name, as every language's own tools want it", .0.display())]
    NoName(PathBuf),
    /// A manifest that is none.
    #[error("{} can't be read: {error}", .path.display())]
    Manifest {
        /// Which.
        path: PathBuf,
        /// What is wrong with it, and where.
        error: String,
    },
    /// A program isn't there.
    #[error("{title} isn't installed (there is no `{names}` on the PATH): it takes {least} or newer; {how}", names = .names.join("` or `"))]
    NoTool {
        /// What it is called.
        title: &'static str,
        /// The programs that were looked for.
        names: &'static [&'static str],
        /// The least version that would do.
        least: String,
        /// How to get it.
        how: &'static str,
    },
    /// A program is too old.
    #[error("{title} is too old: {} is {found}, and it takes {least} or newer; {how}", .path.display())]
    OldTool {
        /// What it is called.
        title: &'static str,
        /// Which was found.
        path: PathBuf,
        /// Its version.
        found: String,
        /// The least version that would do.
        least: String,
        /// How to get it.
        how: &'static str,
    },
    /// The tools were content, and wrote nothing.
    #[error("the build ended well, but there is no {}: it has to write the component there", .0.display())]
    NothingBuilt(PathBuf),
    /// There is no compiler.
    #[error(
        "Rust isn't installed: `curl https://sh.rustup.rs -sSf | sh` and `rustup target add \
         wasm32-unknown-unknown`, or on Debian, as root, `apt-get install {packages}`",
        packages = toolchain::DEBIAN
    )]
    NoCompiler,
    /// The compiler has no library for WebAssembly.
    #[error(
        "this Rust can't compile for WebAssembly: `rustup target add wasm32-unknown-unknown`, or on Debian, as \
         root, `apt-get install {packages}`",
        packages = toolchain::DEBIAN
    )]
    NoTarget,
    /// The compiler refused.
    #[error("{} doesn't build: see above", .0.display())]
    Refused(PathBuf),
    /// It built, and there is no module.
    #[error(
        "{} builds no WebAssembly module: its Cargo.toml needs `[lib]` with `crate-type = [\"cdylib\"]`",
        .0.display()
    )]
    NoLibrary(PathBuf),
    /// It is no generator.
    #[error("{}: {error}", .path.display())]
    NoComponent {
        /// The module.
        path: PathBuf,
        /// Why no component can be made of it.
        error: wellhead_pack::WrapError,
    },
    /// A module in JavaScript throws, or worse, when it is loaded.
    #[error("the generator's module can't be loaded:\n{0}")]
    Module(String),
    /// This program was built where there was no clang.
    #[error(
        "this wellhead was built without JavaScript's engine, since there was no clang: install clang 14 or newer (on \
         Debian, as root, `apt-get install clang`), and build wellhead again with `make build`"
    )]
    NoEngine,
    /// What this program brings along can't be written out.
    #[error("the SDK that this program has in it is broken: {0}")]
    Sdk(String),
}

impl ProjectError {
    /// A component can't be called as its generator is.
    pub fn renaming(path: &std::path::Path) -> impl FnOnce(std::io::Error) -> ProjectError {
        ProjectError::file(path, "renamed")
    }

    fn manifest<E: std::fmt::Display>(
        folder: &std::path::Path,
        name: &str,
    ) -> impl FnOnce(E) -> ProjectError {
        let path = folder.join(name);
        move |error| ProjectError::Manifest {
            path,
            error: error.to_string().trim_end().to_owned(),
        }
    }

    fn file(
        path: &std::path::Path,
        done: &'static str,
    ) -> impl FnOnce(std::io::Error) -> ProjectError {
        let path = path.to_owned();
        move |error| ProjectError::File { path, done, error }
    }
}
