//! SQLite: one file and no server. Rows and watermark are in one transaction, so that each record
//! is in its table exactly once; or a row for each key.

mod connection;
mod insert;
mod read;
mod schema;
mod signals;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::options::{Span, parse};
use super::read::{Reader, Reading};
use super::sql::signals::{SignalSource, Signals};
use super::sql::{SqlReader, SqlSink, TableOptions, Tables};
use super::{Address, Config, ConfigError, Context, Kind, Reach, SendError, Sink};
use crate::record::Channel;

/// The row of the table of sinks.
pub const KIND: Kind = Kind {
    name: "sqlite",
    summary: "Writes tables of a SQLite file, exactly once; upsert and delete by key. No server.",
    reach: Reach::Files(&["path"]),
    schema: || schemars::schema_for!(Options),
    from_address,
    configure: |given| {
        let options: Options = parse("sqlite", given)?;
        options.check()?;
        Ok(Arc::new(SqliteConfig { options }))
    },
};

/// Options of SQLite.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
struct Options {
    /// The file. It is made where it is missing, with the folders above it.
    path: PathBuf,
    /// What goes where.
    #[serde(flatten)]
    tables: TableOptions,
    /// When a commit counts: full (on the disk), normal (a power cut may take the newest commits back;
    /// the run then goes on from there) or off (it may also damage the file).
    #[serde(default)]
    synchronous: Synchronous,
    /// How long to wait for another program that has the file locked, before it is tried again.
    #[serde(default = "busy_timeout")]
    busy_timeout: Span,
}

fn busy_timeout() -> Span {
    Span(Duration::from_secs(5))
}

/// When a commit counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
enum Synchronous {
    #[default]
    Full,
    Normal,
    Off,
}

impl Options {
    fn check(&self) -> Result<(), ConfigError> {
        let path = self.path.to_string_lossy();
        if path.is_empty() || path.ends_with('/') || path == ":memory:" {
            let message = format!("`path` is \"{path}\", which is no file: write signals.db");
            return Err(ConfigError::option("path", message));
        }
        self.tables.check()
    }
}

/// `sqlite:signals.db`, `sqlite:///absolute/signals.db`.
fn from_address(address: &Address) -> Result<Map<String, Value>, ConfigError> {
    if !address.authority.is_empty() {
        return Err(ConfigError::option(
            "path",
            "sqlite takes a path, not a host: write sqlite:signals.db, or sqlite:///absolute/signals.db",
        ));
    }
    let mut options = Map::new();
    if !address.path.is_empty() {
        options.insert("path".to_owned(), Value::from(address.path.clone()));
    }
    Ok(options)
}

/// A block of options that has been read.
#[derive(Debug)]
struct SqliteConfig {
    options: Options,
}

impl SqliteConfig {
    fn tables(&self, channels: &[Channel], json: bool) -> Result<Tables, ConfigError> {
        Tables::plan(&self.options.tables, None, channels, json)
    }
}

impl Config for SqliteConfig {
    fn target(&self) -> String {
        let (path, table) = (self.options.path.display(), &self.options.tables.table);
        format!("sqlite:{path}?table={table}")
    }

    fn check(&self, channels: &[Channel], json: bool) -> Result<(), ConfigError> {
        self.tables(channels, json).map(drop)
    }

    fn reads_records(&self) -> bool {
        true
    }

    fn reader(&self, reading: &Reading) -> Result<Box<dyn Reader>, SendError> {
        let tables = self
            .tables(&reading.channels, reading.json)
            .map_err(|error| SendError::fatal(error.message))?;
        let address = format!("sqlite:{}", self.options.path.display());
        let database = (read::client(&self.options), address);
        Ok(SqlReader::over(tables, reading, database, read::rows))
    }

    fn signals(&self, table: &str) -> Result<Arc<dyn SignalSource>, SendError> {
        let database = signals::File::new(&self.options);
        Ok(Arc::new(Signals::new(database, None, table)?))
    }

    fn open(&self, context: Context) -> Result<Box<dyn Sink>, SendError> {
        let tables = self
            .tables(&context.channels, context.json)
            .map_err(|error| SendError::fatal(error.message))?;
        let options = &self.options.tables;
        let database = connection::Sqlite::new(&self.options);
        let name = options.table.clone();
        Ok(Box::new(SqlSink::new(
            database, tables, options, name, context,
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_address_is_a_path() {
        let address = Address {
            path: "out/signals.db".to_owned(),
            ..Address::default()
        };
        let options = from_address(&address).unwrap();
        let config = (KIND.configure)(&options).unwrap();
        assert_eq!(config.target(), "sqlite:out/signals.db?table={channel}");
        let host = Address {
            authority: "host".to_owned(),
            ..Address::default()
        };
        assert!(from_address(&host).is_err());
    }

    #[test]
    fn wrong_options_are_named() {
        for (option, value) in [
            ("path", json!({"path": "out/"})),
            ("path", json!({"path": ":memory:"})),
            ("synchronous", json!({"path": "a", "synchronous": "maybe"})),
            ("key", json!({"path": "a", "key": "id"})),
            ("tabel", json!({"path": "a", "tabel": "x"})),
        ] {
            let error = (KIND.configure)(value.as_object().unwrap())
                .map(|_| ())
                .unwrap_err();
            assert_eq!(error.option.as_deref(), Some(option), "{value}: {error}");
        }
    }
}
