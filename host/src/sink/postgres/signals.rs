//! The newest rows of a table of the server.

use std::time::Duration;

use async_trait::async_trait;
use sqlx::postgres::{PgPool, PgPoolOptions};
use sqlx::{AssertSqlSafe, raw_sql};

use super::fault;
use super::options::Options;
use super::schema::Schema;
use crate::sink::SendError;
use crate::sink::sql::signals::{MOST, OURS, Shape, SignalDatabase, SignalRow, kinds};
use crate::sink::sql::{Identifier, TableName};

/// Connections at most.
const CONNECTIONS: u32 = 8;
/// How long a look may take, with the wait for a connection.
const PATIENCE: Duration = Duration::from_secs(10);
/// The same, of a look at whether the server is there.
const GLANCE: Duration = Duration::from_secs(2);

/// See the module.
pub(super) struct Server {
    pool: PgPool,
    schema: Option<Identifier>,
    address: String,
    user: String,
}

impl Server {
    pub(super) fn new(options: &Options, schema: Option<Identifier>) -> Server {
        let client = options.client().options([("timezone", "UTC")]);
        Server {
            pool: PgPoolOptions::new()
                .max_connections(CONNECTIONS)
                .acquire_timeout(PATIENCE)
                .connect_lazy_with(client),
            schema,
            address: options.address(),
            user: options.user.clone(),
        }
    }

    fn failed(&self, error: &sqlx::Error) -> SendError {
        fault::error(&self.address, "reading signals", error)
    }

    async fn within<T>(
        &self,
        time: Duration,
        work: impl Future<Output = Result<T, sqlx::Error>>,
    ) -> Result<T, SendError> {
        match tokio::time::timeout(time, work).await {
            Ok(done) => done.map_err(|error| self.failed(&error)),
            Err(_) => Err(SendError::transient(format!(
                "{}: no answer within {time:?}",
                self.address
            ))),
        }
    }
}

#[async_trait]
impl SignalDatabase for Server {
    async fn shape(&self, table: &TableName) -> Result<Option<Shape>, SendError> {
        let mut connection = self.within(PATIENCE, self.pool.acquire()).await?;
        let mut catalogue = Schema {
            connection: &mut connection,
            address: &self.address,
            user: &self.user,
        };
        if !catalogue.exists(table).await? {
            return Ok(None);
        }
        let mut shape = Shape::default();
        for column in catalogue.columns(table).await? {
            match column.name.as_str() {
                "id" => shape.id = column.is_whole(),
                "signal_type" => shape.typed = true,
                "value" => shape.value = Some(column.category == "N"),
                "timestamp" => shape.timestamp = Some(column.category == "D"),
                _ => {}
            }
        }
        let said = sqlx::query_scalar::<_, Option<String>>(
            "SELECT obj_description(to_regclass($1), 'pg_class')",
        )
        .bind(table.to_string())
        .fetch_one(&mut *connection);
        shape.ours = self.within(PATIENCE, said).await?.as_deref() == Some(OURS);
        Ok(Some(shape))
    }

    async fn tables(&self) -> Result<Vec<String>, SendError> {
        let names = sqlx::query_scalar(
            "SELECT c.relname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
             WHERE n.nspname = coalesce($1, current_schema()) AND c.relkind IN ('r','p','v','m','f') \
             AND 2 = (SELECT count(*) FROM pg_attribute a WHERE a.attrelid = c.oid \
             AND a.attname IN ('value','timestamp')) ORDER BY 1 LIMIT $2",
        )
        .bind(self.schema.as_ref().map(Identifier::plain))
        .bind(MOST as i64)
        .fetch_all(&self.pool);
        self.within(PATIENCE, names).await
    }

    async fn index(
        &self,
        name: &Identifier,
        table: &TableName,
        columns: &str,
    ) -> Result<(), SendError> {
        // Writers aren't held up; it may take as long as it takes.
        let make = format!("CREATE INDEX CONCURRENTLY IF NOT EXISTS {name} ON {table} ({columns})");
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
        // A row's place ascends where rows are only added.
        let (id, order) = match shape.id {
            true => ("id::bigint", "id"),
            false => (
                "((ctid::text::point)[0]::bigint << 16) + (ctid::text::point)[1]::bigint",
                "ctid",
            ),
        };
        let value = match shape.value {
            Some(true) => "to_json(value)::text",
            _ => "to_json(value::text::double precision)::text",
        };
        let time = match shape.timestamp {
            Some(true) => "to_json(\"timestamp\") #>> '{}'",
            _ => "\"timestamp\"::text",
        };
        let (kind, own) = match shape.typed {
            true => ("signal_type::text", "WHERE signal_type = $1"),
            false => ("$1::text", ""),
        };
        let text = format!(
            "SELECT {id}, {kind}, {value}, {time} FROM {table} {own} \
             ORDER BY \"timestamp\" DESC, {order} DESC LIMIT $2"
        );
        let query = sqlx::query_as(AssertSqlSafe(text))
            .bind(channel)
            .bind(i64::from(limit))
            .fetch_all(&self.pool);
        let mut rows: Vec<SignalRow> = self.within(PATIENCE, query).await?;
        for time in rows.iter_mut().filter_map(|row| row.3.as_mut()) {
            if let Some(utc) = time.strip_suffix("+00:00") {
                *time = format!("{utc}Z");
            }
        }
        Ok(rows)
    }

    async fn kinds(&self, table: &TableName) -> Result<Vec<String>, SendError> {
        let query = sqlx::query_scalar(AssertSqlSafe(kinds(table))).fetch_all(&self.pool);
        self.within(PATIENCE, query).await
    }

    async fn ping(&self) -> Result<(), SendError> {
        let one = sqlx::query("SELECT 1").execute(&self.pool);
        self.within(GLANCE, one).await.map(drop)
    }

    fn address(&self) -> &str {
        &self.address
    }
}
