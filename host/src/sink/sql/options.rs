//! The options that the sinks of SQL databases share.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::sink::ConfigError;
use crate::sink::options::{Size, Span};

/// What goes where, and how much of it at once.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub struct TableOptions {
    /// The table. {channel} stands for the record's channel: by default each has a table of its name.
    #[serde(default = "table")]
    pub table: String,
    /// Makes tables that are missing, with the columns and types of the channels' schemas. Those that
    /// are there are checked against them in any case.
    #[serde(default = "yes")]
    pub create: bool,
    /// append (each record is a row) or upsert (a row for each key: a record replaces it, a delete removes it).
    #[serde(default)]
    pub mode: Mode,
    /// Columns that find the row with mode: upsert, one or several. When absent, the generator's key
    /// does, in a column _key.
    #[serde(default)]
    pub key: Option<Names>,
    /// Adds the columns wellhead_run, wellhead_stream, wellhead_sequence and wellhead_operation.
    #[serde(default)]
    pub meta_columns: bool,
    /// Bytes of records that one transaction holds at most.
    #[serde(default = "transaction_size")]
    pub transaction_size: Size,
    /// How long rows may wait for others of their transaction. A transaction that is full doesn't wait.
    #[serde(default = "linger")]
    pub linger: Span,
}

fn table() -> String {
    "{channel}".to_owned()
}

fn yes() -> bool {
    true
}

fn transaction_size() -> Size {
    Size(8 << 20)
}

fn linger() -> Span {
    Span(Duration::from_millis(50))
}

/// What a record does to the table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum Mode {
    #[default]
    Append,
    Upsert,
}

/// Column names.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
#[schemars(inline)]
pub enum Names {
    /// `one,two`
    Text(String),
    /// One by one.
    List(Vec<String>),
}

impl Names {
    /// One by one.
    pub fn list(&self) -> Vec<&str> {
        match self {
            Names::Text(text) => text.split(',').map(str::trim).collect(),
            Names::List(list) => list.iter().map(String::as_str).collect(),
        }
    }
}

impl TableOptions {
    /// What types alone don't rule out.
    ///
    /// # Errors
    /// Options that contradict each other or make no sense.
    pub fn check(&self) -> Result<(), ConfigError> {
        if self.key.is_some() && self.mode == Mode::Append {
            return Err(ConfigError::option(
                "key",
                "`key` finds rows to replace, which `mode: append` never does: set `mode: upsert`",
            ));
        }
        if self.transaction_size.0 == 0 {
            return Err(ConfigError::option(
                "transaction_size",
                "`transaction_size` has to be more than nothing",
            ));
        }
        Ok(())
    }
}
