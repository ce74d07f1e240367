//! Where an emulation of the server is between its request and its end.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::emulation::report::Outcome;
use crate::state::StoredEmulation;

/// See the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Its sinks are being logged in to.
    Starting,
    /// It releases records.
    Running,
    /// It releases none until it is resumed.
    Paused,
    /// What is due goes out and is settled.
    Stopping,
    /// It was stopped, and drained; resuming goes on with it.
    Stopped,
    /// Everything that `until` asked for was settled.
    Finished,
    /// The generator ended before `until` did.
    EndedEarly,
    /// A rule of `expect` stopped it; resuming goes on with it.
    Aborted,
    /// Something broke; `error` says what. Resuming tries again.
    Failed,
    /// It was stopped, and not everything could be drained in time; resuming goes on with it.
    Undrained,
}

impl Phase {
    /// Every one.
    pub const ALL: [Phase; 10] = [
        Phase::Starting,
        Phase::Running,
        Phase::Paused,
        Phase::Stopping,
        Phase::Stopped,
        Phase::Finished,
        Phase::EndedEarly,
        Phase::Aborted,
        Phase::Failed,
        Phase::Undrained,
    ];

    /// Of a row; one that can't be read counts as failed.
    pub(super) fn of(row: &StoredEmulation) -> Phase {
        row.state.parse().unwrap_or(Phase::Failed)
    }

    /// As it is written.
    pub fn name(self) -> &'static str {
        match self {
            Phase::Starting => "starting",
            Phase::Running => "running",
            Phase::Paused => "paused",
            Phase::Stopping => "stopping",
            Phase::Stopped => "stopped",
            Phase::Finished => "finished",
            Phase::EndedEarly => "ended_early",
            Phase::Aborted => "aborted",
            Phase::Failed => "failed",
            Phase::Undrained => "undrained",
        }
    }

    /// Whether it still goes on.
    pub fn is_live(self) -> bool {
        matches!(
            self,
            Phase::Starting | Phase::Running | Phase::Paused | Phase::Stopping
        )
    }

    /// Whether there is something left to go on with.
    pub fn is_resumable(self) -> bool {
        matches!(
            self,
            Phase::Stopped | Phase::Aborted | Phase::Failed | Phase::Undrained
        )
    }
}

impl From<Outcome> for Phase {
    fn from(outcome: Outcome) -> Phase {
        match outcome {
            Outcome::Running => Phase::Running,
            Outcome::Finished => Phase::Finished,
            Outcome::Stopped => Phase::Stopped,
            Outcome::Aborted => Phase::Aborted,
            Outcome::EndedEarly => Phase::EndedEarly,
            Outcome::Failed => Phase::Failed,
            Outcome::Undrained => Phase::Undrained,
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Phase {
    type Err = String;

    fn from_str(text: &str) -> Result<Phase, String> {
        let found = Phase::ALL.into_iter().find(|phase| phase.name() == text);
        found.ok_or_else(|| {
            let names: Vec<&str> = Phase::ALL.iter().map(|phase| phase.name()).collect();
            format!(
                "there is no state `{text}`; there are: {}",
                names.join(", ")
            )
        })
    }
}
