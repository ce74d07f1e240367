//! What is wrong with a reference to a generator, or with the folder of components.

use std::io;
use std::path::PathBuf;

use semver::Version;

use super::PREFIX;
use crate::plugin::PluginError;

/// What is wrong with a reference to a generator, or with the folder.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Nothing has that name.
    #[error("there is no generator `{reference}`{}; there are {known}", meant(.near))]
    Unknown {
        /// As it was given.
        reference: String,
        /// The name most like it.
        near: Option<String>,
        /// What there is.
        known: String,
    },
    /// The name is known, and the version isn't.
    #[error("generator `{name}` has no version {version} here; there are {known}")]
    Version {
        /// The name.
        name: String,
        /// As it was given.
        version: String,
        /// What there is.
        known: String,
    },
    /// Nothing has that digest, or more than one thing.
    #[error(
        "{count} components here have a digest that begins with `{digits}`; give {PREFIX} and the whole digest, as `wellhead plugin list --json` shows it"
    )]
    Digest {
        /// As they were given.
        digits: String,
        /// How many there are.
        count: usize,
    },
    /// A file that can't be read.
    #[error("the generator file {} cannot be read: {reason}", .path.display())]
    File {
        /// As it was given.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// A path where none is allowed.
    #[error(
        "`{0}` is a path, and here a generator is named by its name or digest; add the file with `wellhead plugin add`"
    )]
    Path(String),
    /// A place in a registry where none is allowed.
    #[error(
        "`{0}` is in a registry, and what runs has to be here: fetch it with `wellhead plugin add {0}`, and then name it by its name or digest"
    )]
    Address(String),
    /// Another component has that name and version.
    #[error(
        "{name}@{version} is another component already ({PREFIX}{digest}); give the new one another version, or remove the old one first"
    )]
    Taken {
        /// Of both.
        name: String,
        /// Of both.
        version: Version,
        /// Of the one that is here.
        digest: String,
    },
    /// The name of a stock generator.
    #[error("`{0}` is a stock generator's name, which stays its own; give yours another name")]
    Stock(String),
    /// A stock generator, which can't be removed.
    #[error("`{0}` is a stock generator and part of the program; only added ones can be removed")]
    Removal(String),
    /// A component that something needs.
    #[error("{name}@{version} is in use; stop and delete the emulations that run it first")]
    InUse {
        /// Of the component.
        name: String,
        /// Of the component.
        version: Version,
    },
    /// Several versions, where one is meant.
    #[error("`{name}` has several versions here: {known}; say which, as {name}@VERSION")]
    Several {
        /// The name.
        name: String,
        /// What there is.
        known: String,
    },
    /// A component that isn't what it was.
    #[error("the component {} is damaged: its digest is not {PREFIX}{digest}; add it again", .path.display())]
    Damaged {
        /// Where it is.
        path: PathBuf,
        /// What its digest should be.
        digest: String,
    },
    /// The folder can't be used.
    #[error("the plugin folder cannot be used at {}: {error}", .path.display())]
    Io {
        /// Which file or folder.
        path: PathBuf,
        /// Why not.
        error: io::Error,
    },
    /// The generator itself.
    #[error(transparent)]
    Plugin(#[from] PluginError),
}

fn meant(near: &Option<String>) -> String {
    let name = |near: &String| format!(", did you mean `{near}`?");
    near.as_ref().map(name).unwrap_or_default()
}
