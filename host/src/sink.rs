//! Where records go: what every sink offers, and the table of the kinds there are.
//!
//! A new sink is one file in `sink/` and one row in [`SINKS`]. [`crate::delivery`] wraps each with
//! retry, checkpoints, rejected records and counts; a sink only talks to its service, says of each
//! error whether it is worth another try, and settles what the service has taken.

mod codec;
mod flight;
mod login;
pub mod options;
mod pending;
pub mod read;
pub mod receipts;
pub mod rejects;
mod room;
mod shared;
mod stretches;
mod text;
pub mod tls;
mod tracker;

pub mod file;
pub mod http;
pub mod kafka;
pub mod mqtt;
pub mod null;
pub mod postgres;
pub mod s3;
mod sql;
pub use sql::signals;
pub mod sqlite;
pub mod stdout;

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use serde_json::{Map, Value};
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio_util::sync::CancellationToken;

use crate::record::{Channel, Group};
pub use receipts::{Receipts, Rejection};

/// Runs what computes or waits for the disk without holding up the other tasks of its thread.
fn blocking<T>(work: impl FnOnce() -> T) -> T {
    match Handle::try_current() {
        Ok(handle) if handle.runtime_flavor() == RuntimeFlavor::MultiThread => {
            tokio::task::block_in_place(work)
        }
        _ => work(),
    }
}

/// What a sink promises of a record that it settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Guarantee {
    /// It was handed over; nobody confirmed it.
    Sent,
    /// Confirmed; a crash may repeat it.
    AtLeastOnce,
    /// Confirmed, and once, also across a crash.
    ExactlyOnce,
}

/// What becomes of records that a sink has no room for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnFull {
    /// The schedule waits for the sink.
    #[default]
    Wait,
    /// This sink doesn't get them, and they are counted.
    Drop,
}

/// The next sequence of each stream: everything below is settled and durable.
pub type Watermark = Vec<u64>;

/// What a commit confirms.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Receipt {
    /// Everything below is settled and durable in the sink.
    pub watermark: Watermark,
    /// Where the sink stands, for its own [`Sink::recover`] (a file's offset). Null where it needs none.
    #[serde(default)]
    pub position: Value,
}

impl Receipt {
    /// Of a sink that needs no position.
    pub fn at(watermark: Watermark) -> Receipt {
        Receipt {
            watermark,
            position: Value::Null,
        }
    }
}

/// What a sink is told of the emulation that it serves.
#[derive(Clone)]
pub struct Context {
    /// Identity of the run, which survives a resume.
    pub run: String,
    /// Name of the emulation, for messages.
    pub emulation: String,
    /// The sink's place among those of the emulation.
    pub sink: usize,
    /// The generator's channels; a record names its channel by its index here.
    pub channels: Arc<[Channel]>,
    /// Whether records are JSON values (else opaque bytes).
    pub json: bool,
    /// How many streams the whole emulation has.
    pub streams: u32,
    /// Those that this process delivers: all of them, or a shard's.
    pub mine: Arc<[u32]>,
    /// Where the sink says what was taken and what was refused.
    pub receipts: Arc<Receipts>,
    /// Fires when the emulation is to end at once: every wait also waits on it.
    pub cancel: CancellationToken,
}

/// Why a sink couldn't do what it was asked.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct SendError {
    /// Whether the same call may work later (a broker that is down), or never will.
    pub retry: bool,
    /// What was wrong, where (host, topic, file) and what to do, without secrets.
    pub message: String,
}

impl SendError {
    /// Worth another try.
    pub fn transient(message: impl Into<String>) -> SendError {
        SendError {
            retry: true,
            message: message.into(),
        }
    }

    /// No use trying again.
    pub fn fatal(message: impl Into<String>) -> SendError {
        SendError {
            retry: false,
            message: message.into(),
        }
    }
}

/// Why a sink's block in a spec can't be used.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct ConfigError {
    /// The option that is wrong, where it is one.
    pub option: Option<String>,
    /// What was wrong and what to do.
    pub message: String,
}

impl ConfigError {
    /// About the block as a whole.
    pub fn new(message: impl Into<String>) -> ConfigError {
        ConfigError {
            option: None,
            message: message.into(),
        }
    }

    /// About one option.
    pub fn option(name: impl Into<String>, message: impl Into<String>) -> ConfigError {
        ConfigError {
            option: Some(name.into()),
            message: message.into(),
        }
    }
}

/// A sink in use. Delivery calls, in this order: `prepare`, `recover`, then `write` and `commit`
/// again and again, then `close`.
#[async_trait]
pub trait Sink: Send {
    /// What a settled record is worth.
    fn guarantee(&self) -> Guarantee;

    /// Logs in and looks whether records would be taken, and changes nothing. A sink without a
    /// service has nothing to look for.
    async fn probe(&mut self) -> Result<(), SendError> {
        Ok(())
    }

    /// Logs in, makes what is missing, and finds out whether records would be taken. Nothing is sent.
    async fn prepare(&mut self) -> Result<(), SendError> {
        Ok(())
    }

    /// Goes back to where an earlier execution of this run stood: `saved` is the newest receipt
    /// of a commit that the state holds (an empty one where a run ended before its first), none for a
    /// new run. Gives the watermark from which records are to be sent again;
    /// a sink that carries its own watermark may know better than `saved`.
    async fn recover(&mut self, saved: Option<&Receipt>) -> Result<Option<Watermark>, SendError> {
        Ok(saved.map(|receipt| receipt.watermark.clone()))
    }

    /// Whether the service itself keeps the watermark, so that a run can be gone on with where
    /// nothing else is left of it.
    fn carries_watermark(&self) -> bool {
        false
    }

    /// What lies below the watermark that [`Sink::recover`] gave, where the sink keeps count beside
    /// its watermark: it may be more, or less, than the state knows of.
    fn recovered(&self) -> Option<receipts::Snapshot> {
        None
    }

    /// Takes a group. What the service has (or will surely not take) is settled by
    /// [`Receipts::settle`], in this call or later. After an error that is worth a retry the call is made again
    /// with what wasn't settled of the group.
    async fn write(&mut self, group: &Group) -> Result<(), SendError>;

    /// Makes durable what was settled so far, without waiting for what is in flight.
    async fn commit(&mut self) -> Result<Receipt, SendError>;

    /// Waits until everything written is settled and durable. `finished` says that the run is over (a file gets
    /// its final name); else it will be resumed.
    async fn close(&mut self, finished: bool) -> Result<Receipt, SendError> {
        let _ = finished;
        self.commit().await
    }
}

/// The parsed block of a sink in a spec.
pub trait Config: Send + Sync + std::fmt::Debug {
    /// Where the records go, as a person writes it, without secrets: `kafka://host:9092/payments`.
    fn target(&self) -> String;

    /// Checks the block against what will be sent, touching nothing: templates name channels and fields that
    /// exist, columns agree.
    fn check(&self, channels: &[Channel], json: bool) -> Result<(), ConfigError>;

    /// Whether it makes something of the records' JSON (columns, an array), so that it can't take one whose
    /// bytes are damaged as it is.
    fn reads_records(&self) -> bool {
        false
    }

    /// Paths (as templates) that it writes, so that two sinks on one file are refused.
    fn files(&self) -> Vec<PathBuf> {
        Vec::new()
    }

    /// What reads back what the sink holds of a run. Doesn't connect.
    ///
    /// # Errors
    /// Where there is nothing to read back: most often since the sink keeps nothing.
    fn reader(&self, reading: &read::Reading) -> Result<Box<dyn read::Reader>, SendError> {
        let _ = reading;
        Err(SendError::fatal(format!(
            "{} keeps nothing that could be read back: write down what arrives there, a record a line, \
             and verify that by --from file:PATH",
            self.target()
        )))
    }

    /// What reads the newest rows of a table, whoever fills it. Doesn't connect.
    ///
    /// # Errors
    /// Where it is no database, or there can be no such table.
    fn signals(&self, table: &str) -> Result<Arc<dyn sql::signals::SignalSource>, SendError> {
        let _ = table;
        Err(SendError::fatal(format!(
            "{} is no database: signals are read from a postgres or sqlite connection",
            self.target()
        )))
    }

    /// A sink of this block. Doesn't connect.
    fn open(&self, context: Context) -> Result<Box<dyn Sink>, SendError>;
}

/// A sink URL as typed after `--to`, taken apart: `kind://authority/path?query` or `kind:path?query`.
#[derive(Clone, Debug, Default)]
pub struct Address {
    /// User, password, host and port, undecoded: `user:pw@host:9092`. Empty where there is none.
    pub authority: String,
    /// What follows, without the query, percent-decoded but for `{…}` templates being kept: `out/{channel}.ndjson`.
    pub path: String,
    /// The block's options, percent-decoded.
    pub query: Vec<(String, String)>,
}

/// Makes a block from its options.
pub type Configure = fn(&Map<String, Value>) -> Result<Arc<dyn Config>, ConfigError>;

/// What a sink touches: what somebody may say of it who isn't trusted with the whole machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Nothing.
    Nothing,
    /// This process's own output.
    Process,
    /// Files: these options are their paths.
    Files(&'static [&'static str]),
    /// A service: these options say where it is, as whom to log in, and which files that takes.
    Service(&'static [&'static str]),
}

/// One kind of sink.
pub struct Kind {
    /// As written in `type:` and as the scheme of a URL.
    pub name: &'static str,
    /// One sentence for `wellhead sinks`.
    pub summary: &'static str,
    /// What it touches.
    pub reach: Reach,
    /// JSON Schema of the block's options, with defaults and descriptions; a secret is `writeOnly`.
    pub schema: fn() -> schemars::Schema,
    /// Options from the address part of a URL (not the query).
    pub from_address: fn(&Address) -> Result<Map<String, Value>, ConfigError>,
    /// A block from its options.
    pub configure: Configure,
}

/// Every kind of sink there is.
pub static SINKS: &[Kind] = &[
    file::KIND,
    http::KIND,
    http::SECURE,
    kafka::KIND,
    mqtt::KIND,
    null::KIND,
    postgres::KIND,
    s3::KIND,
    sqlite::KIND,
    stdout::KIND,
];

/// The kind of that name.
pub fn find(name: &str) -> Option<&'static Kind> {
    SINKS.iter().find(|kind| kind.name == name)
}

/// Options whose names are also common parameters of endpoints.
const SHARED_NAMES: [&str; 9] = [
    "format", "headers", "health", "key", "method", "password", "timeout", "token", "username",
];

/// The option that a name in the query of an endpoint's URL stands for: `batch`, or `wh-timeout`
/// where the endpoint could have a parameter of that name. None where it is the endpoint's own.
pub fn own_option<'a>(name: &'a str, schema: &Value) -> Option<&'a str> {
    name.strip_prefix("wh-").or_else(|| {
        let common = ["connection", "on_full"].contains(&name);
        let known = common || schema["properties"].get(name).is_some();
        (known && !SHARED_NAMES.contains(&name)).then_some(name)
    })
}
