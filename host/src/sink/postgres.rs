//! PostgreSQL: COPY with the watermark in the same transaction, so that each record is in its
//! table exactly once; or a row for each key.

mod connection;
mod copy;
mod fault;
mod options;
mod read;
mod schema;
mod signals;
mod upsert;

use std::sync::Arc;

use super::read::{Reader, Reading};
use super::sql::signals::{SignalSource, Signals};
use super::sql::{Identifier, SqlReader, SqlSink, Tables};
use super::{Config, ConfigError, Context, Kind, Reach, SendError, Sink};
use crate::record::Channel;
use options::Options;

/// The row of the table of sinks.
pub const KIND: Kind = Kind {
    name: "postgres",
    summary: "Writes PostgreSQL tables: COPY, exactly once; upsert and delete by key; TLS.",
    reach: Reach::Service(&[
        "host",
        "port",
        "database",
        "user",
        "password",
        "sslmode",
        "sslrootcert",
        "sslcert",
        "sslkey",
    ]),
    schema: || schemars::schema_for!(Options),
    from_address: options::from_address,
    configure: |given| {
        let options: Options = super::options::parse("postgres", given)?;
        options.check()?;
        Ok(Arc::new(PostgresConfig { options }))
    },
};

/// A block of options that has been read.
#[derive(Debug)]
struct PostgresConfig {
    options: Options,
}

impl PostgresConfig {
    fn tables(&self, channels: &[Channel], json: bool) -> Result<Tables, ConfigError> {
        let options = &self.options;
        Tables::plan(&options.tables, options.schema.as_deref(), channels, json)
    }

    fn table(&self) -> String {
        match &self.options.schema {
            Some(schema) => format!("{schema}.{}", self.options.tables.table),
            None => self.options.tables.table.clone(),
        }
    }
}

impl Config for PostgresConfig {
    fn target(&self) -> String {
        format!("{}?table={}", self.options.address(), self.table())
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
        let database = (self.options.client(), self.options.address());
        Ok(SqlReader::over(tables, reading, database, read::rows))
    }

    fn signals(&self, table: &str) -> Result<Arc<dyn SignalSource>, SendError> {
        // The plan of a sink refuses a schema that is no identifier.
        let schema = self.options.schema.as_deref().map(Identifier::new);
        let schema = schema.and_then(Result::ok);
        let database = signals::Server::new(&self.options, schema.clone());
        Ok(Arc::new(Signals::new(database, schema, table)?))
    }

    fn open(&self, context: Context) -> Result<Box<dyn Sink>, SendError> {
        let tables = self
            .tables(&context.channels, context.json)
            .map_err(|error| SendError::fatal(error.message))?;
        let database = connection::Postgres::new(&self.options);
        Ok(Box::new(SqlSink::new(
            database,
            tables,
            &self.options.tables,
            self.table(),
            context,
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::options::from_address;
    use super::*;
    use crate::sink::Address;
    use serde_json::{Value, json};

    fn read(value: Value) -> Result<Arc<dyn Config>, ConfigError> {
        (KIND.configure)(value.as_object().unwrap())
    }

    #[test]
    fn an_address_gives_server_login_and_database() {
        let address = Address {
            authority: "us%40er:p%3Aw@[::1]:5433".to_owned(),
            path: "data".to_owned(),
            query: Vec::new(),
        };
        let options = from_address(&address).unwrap();
        assert_eq!(
            Value::Object(options.clone()),
            json!({"host": "::1", "port": 5433, "user": "us@er", "password": "p:w", "database": "data"})
        );
        let config = read(Value::Object(options)).unwrap();
        assert_eq!(
            config.target(),
            "postgres://[::1]:5433/data?table={channel}"
        );
        let shown = format!("{config:?}");
        assert!(!shown.contains("p:w"), "{shown}");
        let wrong = Address {
            authority: "host:http".to_owned(),
            ..Address::default()
        };
        assert!(from_address(&wrong).unwrap_err().message.contains("`http`"));
    }

    #[test]
    fn wrong_options_are_named() {
        for (option, value) in [
            ("port", json!({"port": 0})),
            ("port", json!({"port": "many"})),
            ("sslmode", json!({"sslmode": "maybe"})),
            (
                "sslrootcert",
                json!({"sslmode": "disable", "sslrootcert": "ca.pem"}),
            ),
            ("sslcert", json!({"sslcert": "a.pem"})),
            ("key", json!({"key": "id"})),
            ("mode", json!({"mode": "replace"})),
            ("transaction_size", json!({"transaction_size": 0})),
            ("tabel", json!({"tabel": "x"})),
        ] {
            let error = read(value.clone()).map(|_| ()).unwrap_err();
            assert_eq!(error.option.as_deref(), Some(option), "{value}: {error}");
        }
    }
}
