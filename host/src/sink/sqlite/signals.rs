//! The newest rows of a table of the file.

use async_trait::async_trait;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool, SqlitePoolOptions};
use sqlx::{AssertSqlSafe, ConnectOptions, Row, raw_sql};

use super::Options;
use crate::sink::SendError;
use crate::sink::sql::signals::{MOST, OURS, Shape, SignalDatabase, SignalRow, kinds};
use crate::sink::sql::{Identifier, TableName};

/// Connections at most.
const CONNECTIONS: u32 = 4;

/// See the module.
pub(super) struct File {
    pool: SqlitePool,
    address: String,
}

impl File {
    pub(super) fn new(options: &Options) -> File {
        let client = SqliteConnectOptions::new()
            .filename(&options.path)
            .create_if_missing(false)
            .busy_timeout(options.busy_timeout.0)
            .disable_statement_logging();
        File {
            pool: SqlitePoolOptions::new()
                .max_connections(CONNECTIONS)
                .connect_lazy_with(client),
            address: format!("sqlite:{}", options.path.display()),
        }
    }

    fn failed(&self, error: &sqlx::Error) -> SendError {
        SendError::transient(format!("{}: signals can't be read: {error}", self.address))
    }
}

#[async_trait]
impl SignalDatabase for File {
    async fn shape(&self, table: &TableName) -> Result<Option<Shape>, SendError> {
        let name = table.name.plain();
        let columns = sqlx::query("SELECT lower(name), upper(type) FROM pragma_table_info(?1)")
            .bind(name)
            .fetch_all(&self.pool)
            .await
            .map_err(|error| self.failed(&error))?;
        if columns.is_empty() {
            return Ok(None);
        }
        let mut shape = Shape::default();
        for column in &columns {
            let text = |at: usize| column.try_get::<String, _>(at).unwrap_or_default();
            match text(0).as_str() {
                "id" => shape.id = text(1).contains("INT"),
                "signal_type" => shape.typed = true,
                "value" => shape.value = Some(true),
                "timestamp" => shape.timestamp = Some(true),
                _ => {}
            }
        }
        shape.ours = sqlx::query_scalar(
            "SELECT count(*) > 0 FROM sqlite_schema WHERE name = ?1 COLLATE NOCASE AND instr(sql, ?2) > 0",
        )
        .bind(name)
        .bind(OURS)
        .fetch_one(&self.pool)
        .await
        .map_err(|error| self.failed(&error))?;
        Ok(Some(shape))
    }

    async fn tables(&self) -> Result<Vec<String>, SendError> {
        sqlx::query_scalar(
            "SELECT name FROM sqlite_schema AS s WHERE type IN ('table', 'view') AND 2 = \
             (SELECT count(*) FROM pragma_table_info(s.name) AS c \
             WHERE lower(c.name) IN ('value', 'timestamp')) ORDER BY name LIMIT ?1",
        )
        .bind(MOST as i64)
        .fetch_all(&self.pool)
        .await
        .map_err(|error| self.failed(&error))
    }

    async fn index(
        &self,
        name: &Identifier,
        table: &TableName,
        columns: &str,
    ) -> Result<(), SendError> {
        let table = &table.name;
        let make = format!("CREATE INDEX IF NOT EXISTS {name} ON {table} ({columns})");
        let made = raw_sql(AssertSqlSafe(make)).execute(&self.pool).await;
        made.map(drop).map_err(|error| self.failed(&error))
    }

    async fn rows(
        &self,
        table: &TableName,
        shape: &Shape,
        channel: &str,
        limit: u32,
    ) -> Result<Vec<SignalRow>, SendError> {
        let id = if shape.id { "id" } else { "rowid" };
        let (kind, own) = match shape.typed {
            true => ("signal_type", "WHERE signal_type = ?1"),
            false => ("?1", ""),
        };
        let text = format!(
            "SELECT {id}, {kind}, json_quote(value), CAST(\"timestamp\" AS TEXT) FROM {} {own} \
             ORDER BY \"timestamp\" DESC, {id} DESC LIMIT ?2",
            table.name
        );
        let query = sqlx::query_as(AssertSqlSafe(text))
            .bind(channel)
            .bind(i64::from(limit));
        let rows = query.fetch_all(&self.pool).await;
        rows.map_err(|error| self.failed(&error))
    }

    async fn kinds(&self, table: &TableName) -> Result<Vec<String>, SendError> {
        sqlx::query_scalar(AssertSqlSafe(kinds(table)))
            .fetch_all(&self.pool)
            .await
            .map_err(|error| self.failed(&error))
    }

    async fn ping(&self) -> Result<(), SendError> {
        let one = sqlx::query("SELECT 1").execute(&self.pool).await;
        one.map(drop).map_err(|error| self.failed(&error))
    }

    fn address(&self) -> &str {
        &self.address
    }
}
