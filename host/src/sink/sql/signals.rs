//! The newest rows of a table, read back: whoever fills it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Number;

use super::{Identifier, TableName};
use crate::sink::SendError;

/// What stands for the channel in a table's name.
const CHANNEL: &str = "{channel}";
/// Names that an answer lists at most.
pub(in crate::sink) const MOST: usize = 100;
/// Written into the tables that a sink makes, so that they can be told from others'.
pub(in crate::sink) const OURS: &str = "made by wellhead";

/// A row: id, signal_type, value as JSON, timestamp.
pub(in crate::sink) type SignalRow = (Option<i64>, String, Option<String>, Option<String>);

/// One signal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Signal {
    /// The table's `id`; its row's place, where it has no such column.
    pub id: i64,
    /// Which kind: the channel.
    pub signal_type: String,
    /// The value; none where the row has none.
    pub value: Option<Number>,
    /// When, as the table has it: RFC 3339.
    pub timestamp: String,
}

/// The newest of a channel.
#[derive(Clone, Debug)]
pub enum Newest {
    /// They, newest first.
    Rows(Vec<Signal>),
    /// There is no such channel; there are these.
    Unknown(Vec<String>),
}

/// A database whose newest rows can be read.
#[async_trait]
pub trait SignalSource: Send + Sync {
    /// The newest of a channel, `limit` at most.
    async fn newest(&self, channel: &str, limit: u32) -> Result<Newest, SendError>;

    /// Whether the database is there.
    async fn ping(&self) -> Result<(), SendError>;
}

/// What a table holds of what signals need.
#[derive(Clone, Debug, Default)]
pub(in crate::sink) struct Shape {
    /// Whether there is an integer column `id`.
    pub id: bool,
    /// Whether there is a column `signal_type`, so that the table may hold several channels.
    pub typed: bool,
    /// Whether there is a column `value`, and whether it holds numbers.
    pub value: Option<bool>,
    /// Whether there is a column `timestamp`, and whether it is one by its type.
    pub timestamp: Option<bool>,
    /// Whether a sink of ours made it.
    pub ours: bool,
}

/// What PostgreSQL and SQLite do each in their own way.
#[async_trait]
pub(in crate::sink) trait SignalDatabase: Send + Sync {
    /// A table's columns; none where there is no such table.
    async fn shape(&self, table: &TableName) -> Result<Option<Shape>, SendError>;

    /// Tables that could hold signals.
    async fn tables(&self) -> Result<Vec<String>, SendError>;

    /// Makes an index where it isn't there yet.
    async fn index(
        &self,
        name: &Identifier,
        table: &TableName,
        columns: &str,
    ) -> Result<(), SendError>;

    /// The newest rows.
    async fn rows(
        &self,
        table: &TableName,
        shape: &Shape,
        channel: &str,
        limit: u32,
    ) -> Result<Vec<SignalRow>, SendError>;

    /// The kinds of signal in a table.
    async fn kinds(&self, table: &TableName) -> Result<Vec<String>, SendError>;

    /// See [`SignalSource::ping`].
    async fn ping(&self) -> Result<(), SendError>;

    /// Where it is, for messages.
    fn address(&self) -> &str;
}

/// See [`SignalSource`].
pub(in crate::sink) struct Signals<D> {
    database: D,
    schema: Option<Identifier>,
    /// With `{channel}` in it, or without.
    table: String,
    known: Mutex<HashMap<String, Arc<Shape>>>,
}

impl<D: SignalDatabase> Signals<D> {
    pub(in crate::sink) fn new(
        database: D,
        schema: Option<Identifier>,
        table: &str,
    ) -> Result<Signals<D>, SendError> {
        let rest = table.replacen(CHANNEL, "c", 1);
        if rest.contains(['{', '}']) {
            return Err(SendError::fatal(format!(
                "`table` is `{table}`: the one field that it may have is {CHANNEL}, once"
            )));
        }
        Identifier::new(rest).map_err(|e| SendError::fatal(format!("the table of signals {e}")))?;
        Ok(Signals {
            database,
            schema,
            table: table.to_owned(),
            known: Mutex::default(),
        })
    }

    /// What a table is like: asked once, while it is as it was.
    async fn shape(&self, table: &TableName) -> Result<Option<Arc<Shape>>, SendError> {
        let name = table.name.plain();
        let known = self.known().get(name).map(Arc::clone);
        if known.is_some() {
            return Ok(known);
        }
        let Some(shape) = self.database.shape(table).await? else {
            return Ok(None);
        };
        for (column, there) in [
            ("value", shape.value.is_some()),
            ("timestamp", shape.timestamp.is_some()),
        ] {
            if !there {
                return Err(SendError::fatal(format!(
                    "{}: table {} has no column `{column}`: signals have value, timestamp and, where a table holds several channels, signal_type",
                    self.database.address(),
                    table.plain()
                )));
            }
        }
        if shape.ours {
            let name = index_name(table)?;
            let columns = index_columns(&shape);
            if let Err(error) = self.database.index(&name, table, columns).await {
                // Without it a look takes longer, and is as right.
                tracing::warn!("no index for signals: {}", error.message);
            }
        }
        let shape = Arc::new(shape);
        self.known().insert(name.to_owned(), Arc::clone(&shape));
        Ok(Some(shape))
    }

    fn known(&self) -> std::sync::MutexGuard<'_, HashMap<String, Arc<Shape>>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Channels whose tables are named by them.
    async fn named(&self) -> Result<Vec<String>, SendError> {
        let (before, after) = self.table.split_once(CHANNEL).unwrap_or((&self.table, ""));
        let tables = self.database.tables().await?;
        let channel = |name: &String| {
            let channel = name.strip_prefix(before)?.strip_suffix(after)?;
            (!channel.is_empty()).then(|| channel.to_owned())
        };
        Ok(tables.iter().filter_map(channel).take(MOST).collect())
    }
}

#[async_trait]
impl<D: SignalDatabase> SignalSource for Signals<D> {
    async fn newest(&self, channel: &str, limit: u32) -> Result<Newest, SendError> {
        let by_name = self.table.contains(CHANNEL);
        let name = Identifier::new(self.table.replacen(CHANNEL, channel, 1));
        let table = name.map(|name| TableName {
            schema: self.schema.clone(),
            name,
        });
        // No table has a name that none can have.
        let Ok(table) = table else {
            return Ok(Newest::Unknown(self.named().await?));
        };
        let Some(shape) = self.shape(&table).await? else {
            return match by_name {
                true => Ok(Newest::Unknown(self.named().await?)),
                false => Err(SendError::fatal(format!(
                    "{}: there is no table {} yet",
                    self.database.address(),
                    table.plain()
                ))),
            };
        };
        let rows = self.database.rows(&table, &shape, channel, limit).await;
        let rows = rows.inspect_err(|_| {
            // It may be another table by now.
            self.known().remove(table.name.plain());
        })?;
        if rows.is_empty() && shape.typed && !by_name {
            let kinds = self.database.kinds(&table).await?;
            if !kinds.iter().any(|kind| kind == channel) {
                return Ok(Newest::Unknown(kinds));
            }
        }
        Ok(Newest::Rows(rows.into_iter().map(signal).collect()))
    }

    async fn ping(&self) -> Result<(), SendError> {
        self.database.ping().await
    }
}

fn signal((id, signal_type, value, timestamp): SignalRow) -> Signal {
    Signal {
        id: id.unwrap_or_default(),
        signal_type,
        value: number(value),
        timestamp: timestamp.unwrap_or_default(),
    }
}

/// A JSON number as text, whole where it is whole.
fn number(text: Option<String>) -> Option<Number> {
    let number: Number = serde_json::from_str(&text?).ok()?;
    match number.as_f64() {
        // All whole numbers of a double up to there are exact.
        Some(float) if float.fract() == 0.0 && float.abs() < 9e15 => Some((float as i64).into()),
        _ => Some(number),
    }
}

/// The kinds of a table, found from one to the next: an index is enough for it.
pub(in crate::sink) fn kinds(table: &TableName) -> String {
    format!(
        "WITH RECURSIVE kinds(kind) AS (SELECT min(signal_type) FROM {table} UNION ALL \
         SELECT (SELECT min(signal_type) FROM {table} WHERE signal_type > kind) FROM kinds \
         WHERE kind IS NOT NULL) SELECT kind FROM kinds WHERE kind IS NOT NULL LIMIT {MOST}"
    )
}

/// The name of an index of ours on a table.
fn index_name(table: &TableName) -> Result<Identifier, SendError> {
    let mut name = table.name.plain().to_owned();
    let mut end = name.len().min(47);
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    name.truncate(end);
    Identifier::new(format!("{name}_wellhead_newest")).map_err(SendError::fatal)
}

/// What an index of ours is over.
fn index_columns(shape: &Shape) -> &'static str {
    match (shape.typed, shape.id) {
        (true, true) => "signal_type, \"timestamp\", id",
        (true, false) => "signal_type, \"timestamp\"",
        (false, true) => "\"timestamp\", id",
        (false, false) => "\"timestamp\"",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_whole_where_they_are() {
        let of = |text: &str| number(Some(text.to_owned())).map(|n| n.to_string());
        assert_eq!(of("4.0").as_deref(), Some("4"));
        assert_eq!(of("104").as_deref(), Some("104"));
        assert_eq!(of("15.966").as_deref(), Some("15.966"));
        assert_eq!(of("-3.0").as_deref(), Some("-3"));
        assert_eq!(of("\"NaN\""), None);
        assert_eq!(number(None), None);
    }

    #[test]
    fn an_index_has_a_name_that_fits() {
        let table = TableName {
            schema: None,
            name: Identifier::new("é".repeat(31)).unwrap(),
        };
        let name = index_name(&table).unwrap();
        assert!(name.plain().ends_with("_wellhead_newest"), "{name}");
    }
}
