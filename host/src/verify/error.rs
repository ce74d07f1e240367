//! Why something couldn't be verified.

use crate::emulation::EmulationError;
use crate::sink::SendError;
use crate::spec::SpecError;

/// Why a run couldn't be verified.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// A file isn't a manifest that can be relied on.
    #[error("the manifest {path} {what}")]
    Manifest {
        /// Which.
        path: String,
        /// What is wrong with it.
        what: String,
    },
    /// Manifests of shards don't make a whole.
    #[error("{0}")]
    Merge(String),
    /// The spec in the manifest can't be used.
    #[error("the manifest can't be gone through again: {0}")]
    Spec(String),
    /// The spec in the manifest, or a sink, is wrong; it shows where.
    #[error(transparent)]
    Document(#[from] SpecError),
    /// Another component.
    #[error(
        "the run was made by {wanted} with digest sha256:{digest}, and what was found has sha256:{found}; \
         give the component by --component FILE, or add it: wellhead plugin add FILE"
    )]
    Component {
        /// Name and version.
        wanted: String,
        /// Its digest.
        digest: String,
        /// That of the one at hand.
        found: String,
    },
    /// Another asset.
    #[error(
        "asset `{name}` of the run has digest sha256:{digest}, and the file at hand has {found}; \
         give the right one by --asset {name}=FILE"
    )]
    Asset {
        /// Its name.
        name: String,
        /// Its digest.
        digest: String,
        /// That of the file.
        found: String,
    },
    /// Generator, assets or configuration can't be used.
    #[error(transparent)]
    Emulation(#[from] EmulationError),
    /// The generator failed on the way.
    #[error("{0}")]
    Generator(String),
    /// The sink can't be read.
    #[error("{}", .0.message)]
    Sink(SendError),
    /// A table that keeps the last row of each key has too many.
    #[error(
        "a table with `mode: upsert` keeps the last record of each key, and the run has more than {0} keys, \
         which is all that verify remembers; use `mode: append` where more are to be verified"
    )]
    Keys(usize),
    /// The file of rejected records can't be read.
    #[error("the file of rejected records {path} can't be read: {source}")]
    Rejected {
        /// Which.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// The system refused something.
    #[error("the system refuses: {0}")]
    System(String),
}
