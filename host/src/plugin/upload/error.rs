//! Why a component was not taken in.

use std::fmt;
use std::time::Duration;

use crate::plugin::limits::Bytes;
use crate::plugin::store::StoreError;
use crate::plugin::{PluginError, Problem};

/// Why an upload was not taken in. Nothing of it is left.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UploadError {
    /// Too many at a time.
    #[error("too many generators are being taken in at the moment; try again in {retry_after:?}")]
    Busy {
        /// When to come again.
        retry_after: Duration,
    },
    /// Longer than a component may be: as it was declared, or as it came.
    #[error("{origin} is larger than {}, which is the limit of a component", Bytes(*.limit))]
    TooLarge {
        /// Where it comes from.
        origin: String,
        /// In bytes.
        limit: usize,
    },
    /// Not as long as was declared.
    #[error(
        "{received} bytes of {origin} came, and {declared} were declared; send it again, and whole"
    )]
    Length {
        /// Where it comes from.
        origin: String,
        /// In bytes.
        declared: u64,
        /// In bytes; of one that is longer, those up to where that was seen.
        received: u64,
    },
    /// It broke off.
    #[error("{origin} broke off after {received} bytes: {reason}; send it again")]
    CutOff {
        /// Where it comes from.
        origin: String,
        /// In bytes.
        received: u64,
        /// What the transport says.
        reason: String,
    },
    /// It came too slowly.
    #[error("{origin} was given up after {received} bytes: {pace}")]
    Slow {
        /// Where it comes from.
        origin: String,
        /// In bytes.
        received: u64,
        /// In what way.
        pace: Pace,
    },
    /// It is no generator that this host can run, or its name is taken, or the store can't be written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// In what way an upload was too slow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// Nothing came for so long.
    Nothing(Duration),
    /// Less than so many bytes a second came on the whole.
    Below(u32),
    /// It wasn't whole after so long.
    Unfinished(Duration),
}

impl fmt::Display for Pace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Pace::Nothing(time) => write!(f, "nothing came for {time:?}"),
            Pace::Below(pace) => write!(f, "it came with less than {pace} bytes a second"),
            Pace::Unfinished(time) => write!(f, "it wasn't whole after {time:?}"),
        }
    }
}

impl From<PluginError> for UploadError {
    fn from(error: PluginError) -> UploadError {
        UploadError::Store(StoreError::Plugin(error))
    }
}

impl UploadError {
    /// It is no component by its beginning.
    pub(super) fn refused(origin: &str, problem: Problem) -> UploadError {
        crate::plugin::compile::refused(origin, problem).into()
    }
}
