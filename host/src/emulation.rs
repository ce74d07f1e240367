//! One emulation: its streams, its life cycle, its report.
//!
//! ```text
//! Plan (checked, nothing touched) → prepare (state, sinks) → start (threads, tasks) → wait → Report
//! ```
//!
//! The data path ends by closing channels: the pacer drops its outlets, deliveries drain and close
//! their sinks, and the receipts' counts are the result.

pub mod calls;
pub mod chain;
mod checkpoint;
mod control;
mod core;
mod cut;
mod engine;
pub mod expect;
mod faults;
pub mod from_spec;
pub mod lane;
mod ledger;
pub mod live;
pub mod manifest;
pub mod metrics;
pub mod pacer;
pub mod plan;
pub mod pool;
mod prepare;
pub mod preview;
pub mod report;
pub mod running;
pub mod shared;
mod tap;
mod traced;
mod watch;

use crate::delivery::DeliveryError;
use crate::plugin::PluginError;
use crate::plugin::store::StoreError;
use crate::sink::rejects::RejectError;
use crate::sink::{ConfigError, SendError};
use crate::spec::SpecError;
use crate::state::StateError;
use crate::telemetry::Clock;
use tokio_util::sync::CancellationToken;

pub use control::{Control, Progress};
pub use cut::functions;
pub use engine::Engine;
pub use plan::Plan;
pub use prepare::{Emulation, Environment};
pub use running::Running;
pub use watch::GRACE;

/// Why an emulation couldn't be prepared, run or ended.
#[derive(Debug, thiserror::Error)]
pub enum EmulationError {
    /// The spec, or a sink's block in it, is wrong; it shows where.
    #[error(transparent)]
    Document(#[from] SpecError),
    /// The generator can't be found.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The generator can't be used as the spec says.
    #[error(transparent)]
    Plugin(#[from] PluginError),
    /// A generator failed while it generated.
    #[error("{message}")]
    Generator {
        /// The generator.
        name: String,
        /// Cause, and what to do; it names the generator.
        message: String,
    },
    /// A sink's block can't be used.
    #[error("sink {kind}: {source}")]
    SinkConfig {
        /// Kind of the sink.
        kind: String,
        /// What was wrong.
        source: ConfigError,
    },
    /// A sink can't be reached or logged in to; nothing was sent.
    #[error("{target}: {source}")]
    Unready {
        /// Where.
        target: String,
        /// What it said.
        source: SendError,
    },
    /// The state can't be used.
    #[error(transparent)]
    State(#[from] StateError),
    /// A resume doesn't fit what the run began with.
    #[error(
        "run {run} can't be resumed: {what}; put it back, or begin another run without --resume"
    )]
    Differs {
        /// Which run.
        run: String,
        /// What differs, from what to what.
        what: String,
    },
    /// A run that is over can't be gone on with.
    #[error("run {run} is over ({outcome}); begin another run without --resume")]
    Over {
        /// Which run.
        run: String,
        /// How it ended.
        outcome: String,
    },
    /// The file of rejected records.
    #[error(transparent)]
    Rejects(#[from] RejectError),
    /// The ledger can't be written.
    #[error("the ledger {path} can't be written: {source}")]
    Ledger {
        /// Its path.
        path: String,
        /// The system's answer.
        source: std::io::Error,
    },
    /// The spec asks for what can't be.
    #[error("{0}")]
    Spec(String),
    /// A sink failed for good.
    #[error(transparent)]
    Delivery(#[from] DeliveryError),
    /// The system refused a thread, a histogram or a file.
    #[error("{what}: {reason}")]
    System {
        /// What was asked for.
        what: &'static str,
        /// The system's answer.
        reason: String,
    },
}

/// Runs one plan to its end, without a state: what a program that embeds the library needs.
///
/// # Errors
/// Whatever keeps it from starting; what goes wrong later is in the report.
pub async fn run(plan: Plan, workers: usize) -> Result<running::Ended, EmulationError> {
    let pool = pool::Pool::start(workers).map_err(|e| EmulationError::system("threads", e))?;
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let environment = Environment {
        go_on: false,
        clock: Clock::start(),
        hands: pool.hands(),
        state: None,
        cancel: CancellationToken::new(),
        traces: None,
        now: since.map_or(0, |t| t.as_nanos() as u64),
    };
    let emulation = Emulation::prepare(std::sync::Arc::new(plan), environment, None).await?;
    Ok(emulation.start()?.wait().await)
}

impl EmulationError {
    fn system(what: &'static str, reason: impl std::fmt::Display) -> EmulationError {
        EmulationError::System {
            what,
            reason: reason.to_string(),
        }
    }
}
