//! What a generator is: the trait that authors implement, and the plain types around it.

use crate::{Key, Out};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use std::fmt;

/// A data source: one kind of stream of records, made from a seed.
///
/// Record `i` may depend on the configuration, the settings, `i`, its event time, and, where
/// [`RANDOM_ACCESS`](Self::RANDOM_ACCESS) is false, on the records before it; on nothing else.
pub trait Generator: Sized + 'static {
    /// The name that users type: `[a-z][a-z0-9-]*`, at most 64 characters.
    const NAME: &'static str;
    /// Semantic version, usually `env!("CARGO_PKG_VERSION")`.
    const VERSION: &'static str;
    /// One sentence for a listing, at most 500 bytes.
    const SUMMARY: &'static str;
    /// Media type of every record. JSON records are one value without a line feed.
    const CONTENT_TYPE: &'static str = "application/json";
    /// Whether any record may be asked for in any order. Say false only where a record needs
    /// those before it, and then implement [`save`](Self::save) if the state can be kept.
    const RANDOM_ACCESS: bool = true;
    /// Free-form name and value pairs for people and tools, at most 64 of 256 bytes each.
    const LABELS: &'static [(&'static str, &'static str)] = &[];

    /// About how many bytes a record has: room for the first batch. Later ones are measured.
    const RECORD_BYTES: usize = 256;

    /// The configuration. Its JSON Schema is published with the defaults that `serde` knows
    /// (`#[serde(default)]` and a `Default` or a function for each field), and the host fills
    /// them in before `open`.
    type Config: DeserializeOwned + JsonSchema;

    /// The channels that this configuration gives, 1 to 256, the same for every stream.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] where the configuration makes no sense.
    fn channels(config: &Self::Config) -> Result<Vec<Channel>, Error>;

    /// A stream at its first record, or where `state` (made by [`save`](Self::save)) was taken.
    /// The place for everything that costs: tables, distributions, floating point.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] where the configuration makes no sense, [`Error::Failed`] where
    /// the stream can't begin for another reason, such as a `state` that it doesn't know.
    fn open(config: Self::Config, settings: &Settings, state: Option<&[u8]>)
    -> Result<Self, Error>;

    /// Writes the record of one tick into `out`, or nothing where nothing happens at it.
    ///
    /// Mark it `#[inline(always)]`: the batch loop then keeps its state in registers.
    ///
    /// # Errors
    /// [`Error::Failed`] ends the stream at this record; what came before it is delivered, and
    /// what this call wrote is dropped.
    fn record(&mut self, tick: Tick, out: &mut Out<'_>) -> Result<(), Error>;

    /// The state after the last record, at most 1 MiB; none where there is nothing to keep.
    fn save(&self) -> Option<Vec<u8>> {
        None
    }
}

/// The instant of one record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tick {
    /// The record's index in its stream, from 0.
    pub index: u64,
    /// Event time in nanoseconds since the Unix epoch.
    pub time: u64,
}

/// What a stream is opened with.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The configuration as a JSON object.
    pub config: String,
    /// The emulation's seed, the same for every emulation of a scenario.
    pub seed: u64,
    /// Which stream this one is, from 0.
    pub stream_index: u32,
    /// How many streams share the work.
    pub stream_count: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            config: "{}".to_owned(),
            seed: 0,
            stream_index: 0,
            stream_count: 1,
        }
    }
}

impl Settings {
    /// Randomness for what this stream alone sees: its records.
    pub fn key(&self, purpose: &str) -> Key {
        Key::stream(self.seed, self.stream_index, purpose)
    }

    /// Randomness for what all streams and all generators of a scenario share: entities.
    pub fn shared_key(&self, purpose: &str) -> Key {
        Key::shared(self.seed, purpose)
    }

    /// How many of `total` entities belong to this stream, which are those whose number leaves
    /// the remainder `stream_index` when divided by `stream_count`.
    pub fn share_of(&self, total: u64) -> u64 {
        let (index, count) = (u64::from(self.stream_index), u64::from(self.stream_count));
        (total + count - 1 - index) / count
    }
}

/// One kind of record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Channel {
    /// `[a-z][a-z0-9_]*`, at most 64 characters, unique in the generator.
    pub name: String,
    /// JSON Schema (draft 2020-12) of one record, as JSON text.
    pub schema: String,
}

impl Channel {
    /// A channel whose records look like `T`.
    pub fn of<T: JsonSchema>(name: &str) -> Channel {
        Channel {
            name: name.to_owned(),
            schema: schema_of::<T>(),
        }
    }

    /// A channel with a schema as JSON text.
    pub fn with_schema(name: &str, schema: &str) -> Channel {
        Channel {
            name: name.to_owned(),
            schema: schema.to_owned(),
        }
    }
}

/// What a generator says of itself; see the constants of [`Generator`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    /// See [`Generator::NAME`].
    pub name: String,
    /// See [`Generator::VERSION`].
    pub version: String,
    /// See [`Generator::SUMMARY`].
    pub summary: String,
    /// JSON Schema of [`Generator::Config`].
    pub config_schema: String,
    /// See [`Generator::CONTENT_TYPE`].
    pub content_type: String,
    /// See [`Generator::RANDOM_ACCESS`].
    pub random_access: bool,
    /// See [`Generator::LABELS`].
    pub labels: Vec<(String, String)>,
}

/// The description of a generator.
pub fn describe<G: Generator>() -> Description {
    Description {
        name: G::NAME.to_owned(),
        version: G::VERSION.to_owned(),
        summary: G::SUMMARY.to_owned(),
        config_schema: schema_of::<G::Config>(),
        content_type: G::CONTENT_TYPE.to_owned(),
        random_access: G::RANDOM_ACCESS,
        labels: G::LABELS
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
    }
}

fn schema_of<T: JsonSchema>() -> String {
    schemars::schema_for!(T).as_value().to_string()
}

/// Parses a configuration.
///
/// # Errors
/// [`Error::InvalidConfig`] with what `serde` says: the field, and where in the text it is.
pub(crate) fn parse_config<G: Generator>(config: &str) -> Result<G::Config, Error> {
    serde_json::from_str(config).map_err(|e| Error::InvalidConfig(e.to_string()))
}

/// Why a generator can't do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// The configuration is valid against its schema and still makes no sense. Says why, for
    /// the person who wrote it.
    InvalidConfig(String),
    /// The generator can't go on. Says why.
    Failed(String),
}

impl Error {
    /// [`Error::InvalidConfig`] from anything that reads as text.
    pub fn invalid_config(why: impl Into<String>) -> Error {
        Error::InvalidConfig(why.into())
    }

    /// [`Error::Failed`] from anything that reads as text.
    pub fn failed(why: impl Into<String>) -> Error {
        Error::Failed(why.into())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::InvalidConfig(why) => write!(f, "invalid configuration: {why}"),
            Error::Failed(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for Error {}
