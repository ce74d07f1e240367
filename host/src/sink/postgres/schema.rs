//! Tables of the server: made from the plan, or checked against it.

use sqlx::{AssertSqlSafe, PgConnection, Row, raw_sql};

use super::fault;
use crate::encode::columns::ColumnType;
use crate::sink::SendError;
use crate::sink::sql::signals::OURS;
use crate::sink::sql::{Table, TableName};

/// Two that begin at the same time make a table once: this is what they wait for each other by.
const LOCK: i64 = 0x77_656c_6c68_6561;

/// What the catalogue says of a column.
pub(super) struct Found {
    pub name: String,
    kind: String,
    /// Whether a row may leave it out.
    optional: bool,
    pub category: String,
}

impl Found {
    /// Whether it holds whole numbers.
    pub fn is_whole(&self) -> bool {
        ["smallint", "integer", "bigint", "oid"].contains(&self.kind.as_str())
    }
}

/// A table of the server.
pub(super) struct Schema<'a> {
    pub connection: &'a mut PgConnection,
    pub address: &'a str,
    pub user: &'a str,
}

impl Schema<'_> {
    fn failed(&self, doing: &str, error: &sqlx::Error) -> SendError {
        fault::error(self.address, doing, error)
    }

    /// Whether there is such a table or view.
    pub async fn exists(&mut self, table: &TableName) -> Result<bool, SendError> {
        sqlx::query_scalar("SELECT to_regclass($1) IS NOT NULL")
            .bind(table.to_string())
            .fetch_one(&mut *self.connection)
            .await
            .map_err(|e| self.failed(&format!("looking for table {}", table.plain()), &e))
    }

    /// Makes what a statement makes, one at a time over all processes.
    async fn alone(&mut self, what: &str, statement: &str) -> Result<(), SendError> {
        let text = format!("BEGIN; SELECT pg_advisory_xact_lock({LOCK}); {statement}; COMMIT");
        let made = raw_sql(AssertSqlSafe(text))
            .execute(&mut *self.connection)
            .await;
        if let Err(error) = made {
            let said = self.failed(&format!("making {what} as user {}", self.user), &error);
            // What failed left its transaction open.
            let _ = raw_sql("ROLLBACK").execute(&mut *self.connection).await;
            let hint = format!("{}; or have it made by: {statement}", said.message);
            return Err(SendError {
                message: hint,
                ..said
            });
        }
        Ok(())
    }

    /// Makes a table with our columns.
    pub async fn create(&mut self, table: &Table) -> Result<(), SendError> {
        if let Some(schema) = &table.name.schema {
            let there: bool = sqlx::query_scalar("SELECT to_regnamespace($1) IS NOT NULL")
                .bind(schema.to_string())
                .fetch_one(&mut *self.connection)
                .await
                .map_err(|e| self.failed("looking for the schema", &e))?;
            if !there {
                let make = format!("CREATE SCHEMA IF NOT EXISTS {schema}");
                self.alone(&format!("schema {}", schema.plain()), &make)
                    .await?;
            }
        }
        let mut columns: Vec<String> = table
            .columns
            .iter()
            .map(|column| format!("{} {}", column.name, type_name(column.kind)))
            .collect();
        if table.key.is_some() {
            columns.push(format!("PRIMARY KEY ({})", table.key_list()));
        }
        let make = format!(
            "CREATE TABLE IF NOT EXISTS {0} ({1}); COMMENT ON TABLE {0} IS '{OURS}'",
            table.name,
            columns.join(", ")
        );
        let what = format!("table {}", table.name.plain());
        self.alone(&what, &make).await
    }

    /// Makes the table of watermarks.
    pub async fn create_watermarks(&mut self, name: &TableName) -> Result<(), SendError> {
        let make = format!(
            "CREATE TABLE IF NOT EXISTS {name} (run text, sink text, stream integer, \
             sequence bigint NOT NULL, acknowledged bigint NOT NULL, rejected bigint NOT NULL, \
             bytes bigint NOT NULL, PRIMARY KEY (run, sink, stream))"
        );
        self.alone(&format!("table {}", name.plain()), &make).await
    }

    /// Whether our rows fit in a table that is there, as far as the catalogue tells.
    pub async fn check(&mut self, table: &Table) -> Result<(), SendError> {
        let found = self.columns(&table.name).await?;
        let mut wrong = Vec::new();
        for column in &table.columns {
            let wanted = type_name(column.kind);
            match found.iter().find(|f| f.name == column.name.plain()) {
                None => wrong.push(format!("it has no column {} ({wanted})", column.name)),
                Some(there) if !fits(column.kind, there) => wrong.push(format!(
                    "its column {} is {}, and {wanted} doesn't fit there",
                    column.name, there.kind
                )),
                Some(_) => {}
            }
        }
        for there in &found {
            let ours = table.columns.iter().any(|c| c.name.plain() == there.name);
            if !ours && !there.optional {
                wrong.push(format!(
                    "its column \"{}\" may not be null, has no default, and no record fills it",
                    there.name
                ));
            }
        }
        if table.key.is_some() && wrong.is_empty() && !self.has_unique(table).await? {
            wrong.push(format!(
                "no unique index is on ({}), by which rows are to be found",
                table.key_list()
            ));
        }
        if wrong.is_empty() {
            return self.may_write(table).await;
        }
        Err(SendError::fatal(format!(
            "{}: table {} doesn't fit: {}; alter it, or name another with `table`",
            self.address,
            table.name.plain(),
            wrong.join("; ")
        )))
    }

    /// The columns of a table.
    pub async fn columns(&mut self, table: &TableName) -> Result<Vec<Found>, SendError> {
        let rows = sqlx::query(
            "SELECT a.attname::text, format_type(a.atttypid, a.atttypmod), t.typcategory::text, \
             NOT a.attnotnull OR a.atthasdef OR a.attidentity <> '' \
             FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid \
             WHERE a.attrelid = to_regclass($1) AND a.attnum > 0 AND NOT a.attisdropped \
             ORDER BY a.attnum",
        )
        .bind(table.to_string())
        .fetch_all(&mut *self.connection)
        .await;
        let found = rows.and_then(|rows| {
            let column = |row: &sqlx::postgres::PgRow| {
                Ok(Found {
                    name: row.try_get(0)?,
                    kind: row.try_get(1)?,
                    category: row.try_get(2)?,
                    optional: row.try_get(3)?,
                })
            };
            rows.iter().map(column).collect()
        });
        found.map_err(|e| self.failed(&format!("looking at table {}", table.plain()), &e))
    }

    async fn has_unique(&mut self, table: &Table) -> Result<bool, SendError> {
        let mut key: Vec<String> = table
            .key_columns()
            .map(|column| column.name.plain().to_owned())
            .collect();
        key.sort();
        let found = sqlx::query_scalar(
            "SELECT EXISTS (SELECT 1 FROM pg_index i WHERE i.indrelid = to_regclass($1) \
             AND i.indisunique AND i.indpred IS NULL AND i.indexprs IS NULL AND $2 = ( \
             SELECT array_agg(a.attname::text ORDER BY a.attname::text COLLATE \"C\") \
             FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS k(number, place) \
             JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.number \
             WHERE k.place <= i.indnkeyatts))",
        )
        .bind(table.name.to_string())
        .bind(key)
        .fetch_one(&mut *self.connection)
        .await;
        found.map_err(|e| self.failed("looking for a unique index", &e))
    }

    async fn may_write(&mut self, table: &Table) -> Result<(), SendError> {
        let wanted: &[&str] = match table.key {
            None => &["INSERT"],
            Some(_) => &["INSERT", "UPDATE", "SELECT"],
        };
        for right in wanted {
            let may: bool = sqlx::query_scalar("SELECT has_table_privilege(to_regclass($1), $2)")
                .bind(table.name.to_string())
                .bind(right)
                .fetch_one(&mut *self.connection)
                .await
                .map_err(|e| self.failed("asking what is allowed", &e))?;
            if !may {
                return Err(SendError::fatal(format!(
                    "{}: user {} isn't allowed {right} on table {}: GRANT {} ON {} TO the user",
                    self.address,
                    self.user,
                    table.name.plain(),
                    wanted.join(", "),
                    table.name,
                )));
            }
        }
        Ok(())
    }
}

/// The type of a column that we make.
fn type_name(kind: ColumnType) -> &'static str {
    match kind {
        ColumnType::Bool => "boolean",
        ColumnType::Int => "bigint",
        ColumnType::Float => "double precision",
        ColumnType::String => "text",
        ColumnType::Timestamp => "timestamptz",
        ColumnType::Json => "jsonb",
    }
}

/// Whether values of that kind, as text, are ever values of the column's type. Categories are those
/// of `pg_type`: Boolean, Numeric, String, Datetime, Enum, networks (I), User-defined.
fn fits(kind: ColumnType, column: &Found) -> bool {
    let category = column.category.as_str();
    let json = column.kind.starts_with("json");
    match kind {
        ColumnType::Bool => matches!(category, "B" | "S"),
        ColumnType::Int => matches!(category, "N" | "S"),
        ColumnType::Float => category == "S" || (category == "N" && !column.is_whole()),
        ColumnType::String => {
            matches!(category, "S" | "E" | "I" | "D") || (category == "U" && !json)
        }
        ColumnType::Timestamp => matches!(category, "D" | "S"),
        ColumnType::Json => json || category == "S",
    }
}
