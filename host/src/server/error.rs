//! Why the server couldn't do what it was asked.

use std::path::PathBuf;

use crate::emulation::EmulationError;
use crate::plugin::store::StoreError;
use crate::plugin::{PluginError, UploadError};
use crate::spec::SpecError;
use crate::state::StateError;

use super::phase::Phase;

/// See the module. Each says what was wrong and what to do.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The spec is wrong, or asks for what a spec over REST may not.
    #[error(transparent)]
    Spec(#[from] SpecError),
    /// The emulation can't be planned, begun or changed.
    #[error(transparent)]
    Emulation(#[from] EmulationError),
    /// A generator can't be found or kept.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A generator can't be used so.
    #[error(transparent)]
    Plugin(#[from] PluginError),
    /// An upload can't be taken in.
    #[error(transparent)]
    Upload(#[from] UploadError),
    /// The state can't be read or written.
    #[error(transparent)]
    State(#[from] StateError),
    /// There is no such emulation.
    #[error("there is no emulation {0}; GET /api/v1/emulations lists them")]
    Unknown(String),
    /// It isn't in a state in which that can be done.
    #[error("emulation {id} is {phase}: it can't be {what}")]
    Phase {
        /// Which.
        id: String,
        /// How it stands.
        phase: Phase,
        /// What was asked for: `paused`, `resumed`, …
        what: &'static str,
    },
    /// Somebody changed it since it was looked at.
    #[error(
        "emulation {id} is at revision {is}, not {wanted}: look at it again, and repeat the change if it is still wanted"
    )]
    Revision {
        /// Which.
        id: String,
        /// Its revision.
        is: u64,
        /// What the request goes out from.
        wanted: String,
    },
    /// The same key stands for another request.
    #[error(
        "the idempotency key was used for another request; take a new one for each new request"
    )]
    Key,
    /// There is as much as the server takes on.
    #[error(
        "{limit} emulations are going on, which is the limit; stop one first, or raise --emulations of `wellhead serve`"
    )]
    Full {
        /// How many.
        limit: usize,
    },
    /// An emulation that goes on writes the same file.
    #[error("emulation {emulation} writes {} too; name another file, or stop that one first", .file.display())]
    Written {
        /// Below the folder of files.
        file: PathBuf,
        /// Which.
        emulation: String,
    },
    /// The report or the manifest isn't there.
    #[error("emulation {id} is {phase} and has no {what} yet; it is written at the end")]
    NotYet {
        /// Which.
        id: String,
        /// How it stands.
        phase: Phase,
        /// `report` or `manifest`.
        what: &'static str,
    },
    /// A request asks for what makes no sense.
    #[error("{0}")]
    Request(String),
    /// No database is named.
    #[error(
        "this server reads no signals: name a database in its settings ([signals] connection = \"NAME\"), or by DB_HOST and the like"
    )]
    NoSignals,
    /// There is no such channel.
    #[error("there are no signals of `{channel}`; there are: {there}")]
    Channel {
        /// What was asked for.
        channel: String,
        /// What there is.
        there: String,
    },
    /// The database can't be read.
    #[error("{0}")]
    Signals(String),
    /// The server ends.
    #[error("the server is ending; try again once it is back")]
    Closing,
    /// The system refused something.
    #[error("{what}: {reason}")]
    System {
        /// What was asked for.
        what: &'static str,
        /// Its answer.
        reason: String,
    },
}

impl ServerError {
    pub(super) fn system(what: &'static str, reason: impl std::fmt::Display) -> ServerError {
        ServerError::System {
            what,
            reason: reason.to_string(),
        }
    }
}
