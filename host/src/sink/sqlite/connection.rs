//! The file while it is open, and what a sink does in it.

use std::collections::HashMap;
use std::path::PathBuf;

use async_trait::async_trait;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Row, SqliteConnection, raw_sql};

use super::insert::Statements;
use super::{Options, Synchronous, schema};
use crate::sink::SendError;
use crate::sink::sql::{Database, Failure, Mark, Owner, Rows, Step, Table, WATERMARKS};

/// SQLite's result codes, without what is added to them: a constraint, a type, a size that the row
/// is to blame for.
const OF_ROWS: [i32; 3] = [18, 19, 20];
/// Locked by another program, an error of the system, a full disk, a schema that was changed.
const FOR_NOW: [i32; 5] = [5, 6, 10, 13, 17];
const FULL: i32 = 13;
const CANNOT_OPEN: i32 = 14;

/// A file, and the connection to it while it is open.
pub(super) struct Sqlite {
    client: SqliteConnectOptions,
    path: PathBuf,
    create: bool,
    address: String,
    connection: Option<SqliteConnection>,
    /// By table.
    statements: HashMap<usize, Statements>,
}

impl Sqlite {
    pub(super) fn new(options: &Options) -> Sqlite {
        let client = SqliteConnectOptions::new()
            .filename(&options.path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(match options.synchronous {
                Synchronous::Full => SqliteSynchronous::Full,
                Synchronous::Normal => SqliteSynchronous::Normal,
                Synchronous::Off => SqliteSynchronous::Off,
            })
            .busy_timeout(options.busy_timeout.0)
            .disable_statement_logging();
        Sqlite {
            client,
            path: options.path.clone(),
            create: options.tables.create,
            address: format!("sqlite:{}", options.path.display()),
            connection: None,
            statements: HashMap::new(),
        }
    }

    fn lost(&self) -> SendError {
        SendError::transient(format!("{}: it isn't open", self.address))
    }

    fn connection(&mut self) -> Result<&mut SqliteConnection, SendError> {
        let lost = self.lost();
        self.connection.as_mut().ok_or(lost)
    }

    fn failed(&self, doing: &str, error: &sqlx::Error) -> SendError {
        let message = format!("{}: {doing}: {}", self.address, said(error));
        match (code(error), error) {
            (Some(FULL), _) => SendError::transient(message + "; make room on its disk"),
            (Some(CANNOT_OPEN), _) => SendError::fatal(
                message + "; is there something else of that name, and may the folder be written?",
            ),
            (Some(code), _) if FOR_NOW.contains(&code) => SendError::transient(message),
            (_, sqlx::Error::Io(_) | sqlx::Error::WorkerCrashed) => SendError::transient(message),
            _ => SendError::fatal(message),
        }
    }

    async fn open(&mut self) -> Result<(), SendError> {
        if self.connection.is_none() {
            let opened = SqliteConnection::connect_with(&self.client).await;
            self.connection = Some(opened.map_err(|error| self.failed("opening it", &error))?);
        }
        Ok(())
    }

    async fn check(&mut self, table: &Table) -> Result<(), SendError> {
        let name = table.name.plain();
        let misfits = schema::misfits(self.connection()?, table).await;
        let misfits = misfits.map_err(|e| self.failed(&format!("looking at table {name}"), &e))?;
        if misfits.is_empty() {
            return Ok(());
        }
        Err(SendError::fatal(format!(
            "{}: table {name} doesn't fit: {}; alter it, or name another with `table`",
            self.address,
            misfits.join("; ")
        )))
    }

    async fn exists(&mut self, name: &str) -> Result<bool, SendError> {
        let found = schema::exists(self.connection()?, name).await;
        found.map_err(|e| self.failed(&format!("looking for table {name}"), &e))
    }

    fn missing(&self, table: &Table) -> SendError {
        SendError::fatal(format!(
            "{}: there is no table {}: make it, or let it be made with `create`",
            self.address,
            table.name.plain()
        ))
    }
}

/// The primary result code of an error of SQLite's.
fn code(error: &sqlx::Error) -> Option<i32> {
    let sqlx::Error::Database(error) = error else {
        return None;
    };
    Some(error.code()?.parse::<i32>().ok()? & 0xff)
}

/// SQLite's own words.
fn said(error: &sqlx::Error) -> String {
    match error {
        sqlx::Error::Database(error) => error.message().to_owned(),
        other => other.to_string(),
    }
}

#[async_trait]
impl Database for Sqlite {
    async fn connect(&mut self) -> Result<(), SendError> {
        if let Some(folder) = self.path.parent()
            && self.connection.is_none()
        {
            std::fs::create_dir_all(folder).map_err(|error| {
                SendError::fatal(format!(
                    "{}: its folder can't be made: {error}",
                    self.address
                ))
            })?;
        }
        self.open().await
    }

    fn disconnect(&mut self) {
        self.connection = None;
    }

    async fn look(&mut self, tables: &[Table]) -> Result<(), SendError> {
        if !self.path.exists() {
            // It would be made, tables and all.
            return match tables.first().filter(|_| !self.create) {
                Some(table) => Err(self.missing(table)),
                None => Ok(()),
            };
        }
        // Even the way of keeping a journal would be a change.
        let client = SqliteConnectOptions::new().filename(&self.path);
        let opened = SqliteConnection::connect_with(&client.read_only(true)).await;
        self.connection = Some(opened.map_err(|error| self.failed("opening it", &error))?);
        for table in tables {
            if self.exists(table.name.name.plain()).await? {
                self.check(table).await?;
            } else if !self.create {
                return Err(self.missing(table));
            }
        }
        self.disconnect();
        Ok(())
    }

    async fn make(&mut self, tables: &[Table]) -> Result<(), SendError> {
        for table in tables {
            let name = table.name.name.plain();
            if !self.exists(name).await? {
                if !self.create {
                    return Err(self.missing(table));
                }
                let made = schema::create(self.connection()?, table).await;
                made.map_err(|e| self.failed(&format!("making table {name}"), &e))?;
            }
            self.check(table).await?;
        }
        let made = schema::create_watermarks(self.connection()?).await;
        made.map_err(|e| self.failed(&format!("making table {WATERMARKS}"), &e))
    }

    async fn begin_run(
        &mut self,
        owner: &Owner,
        streams: &[u32],
        anew: bool,
    ) -> Result<(), SendError> {
        let then = match anew {
            true => "UPDATE SET sequence = 0, acknowledged = 0, rejected = 0, bytes = 0",
            false => "NOTHING",
        };
        let insert = format!(
            "INSERT INTO {WATERMARKS} SELECT ?1, ?2, value, 0, 0, 0, 0 \
             FROM json_each(?3) WHERE true ON CONFLICT (run, sink, stream) DO {then}"
        );
        let made = sqlx::query(AssertSqlSafe(insert))
            .bind(&owner.run)
            .bind(&owner.sink)
            .bind(format!("{streams:?}"))
            .execute(self.connection()?)
            .await;
        made.map(drop)
            .map_err(|error| self.failed("setting watermarks", &error))
    }

    async fn marks(&mut self, owner: &Owner) -> Result<Vec<Mark>, SendError> {
        let select = format!(
            "SELECT stream, sequence, acknowledged, rejected, bytes FROM {WATERMARKS} \
             WHERE run = ?1 AND sink = ?2"
        );
        let rows = sqlx::query(AssertSqlSafe(select))
            .bind(&owner.run)
            .bind(&owner.sink)
            .fetch_all(self.connection()?)
            .await;
        let marks: Result<Vec<Mark>, sqlx::Error> = rows.and_then(|rows| {
            let mark = |row: &sqlx::sqlite::SqliteRow| {
                let number = |column: usize| row.try_get::<i64, _>(column).map(i64::cast_unsigned);
                Ok(Mark {
                    stream: u32::try_from(number(0)?).unwrap_or(u32::MAX),
                    sequence: number(1)?,
                    acknowledged: number(2)?,
                    rejected: number(3)?,
                    bytes: number(4)?,
                })
            };
            rows.iter().map(mark).collect()
        });
        marks.map_err(|error| self.failed("reading watermarks", &error))
    }

    async fn step(&mut self, step: Step) -> Result<(), SendError> {
        let (statement, doing) = match step {
            // At once the one that writes: one that became it in the middle could fail there.
            Step::Begin => ("BEGIN IMMEDIATE", "beginning a transaction"),
            Step::Commit => ("COMMIT", "committing"),
            Step::Rollback => ("ROLLBACK", "rolling back"),
            Step::Save => ("SAVEPOINT wellhead", "setting a savepoint"),
            Step::Undo => (
                "ROLLBACK TO wellhead; RELEASE wellhead",
                "going back to a savepoint",
            ),
            Step::Keep => ("RELEASE wellhead", "forgetting a savepoint"),
        };
        let done = raw_sql(statement).execute(self.connection()?).await;
        done.map(drop).map_err(|error| self.failed(doing, &error))
    }

    async fn store(&mut self, table: &Table, rows: Rows<'_>) -> Result<(), Failure> {
        let Some(connection) = self.connection.as_mut() else {
            return Err(self.lost().into());
        };
        let statements = self.statements.entry(table.index);
        let statements = statements.or_insert_with(|| Statements::of(table));
        let done = statements.store(connection, table, rows).await;
        done.map_err(|error| match code(&error) {
            Some(code) if OF_ROWS.contains(&code) => Failure::Row(said(&error), None),
            _ => {
                let doing = format!("writing to table {}", table.name.plain());
                Failure::Other(self.failed(&doing, &error))
            }
        })
    }

    async fn advance(
        &mut self,
        owner: &Owner,
        from: &[Mark],
        to: &[Mark],
    ) -> Result<bool, SendError> {
        let update = format!(
            "UPDATE {WATERMARKS} SET sequence = ?5, acknowledged = ?6, rejected = ?7, bytes = ?8 \
             WHERE run = ?1 AND sink = ?2 AND stream = ?3 AND sequence = ?4"
        );
        let update = sqlx::SqlSafeStr::into_sql_str(AssertSqlSafe(update));
        let mut moved = 0;
        for (from, to) in from.iter().zip(to) {
            let done = sqlx::query(update.clone())
                .bind(&owner.run)
                .bind(&owner.sink)
                .bind(i64::from(to.stream))
                .bind(from.sequence.cast_signed())
                .bind(to.sequence.cast_signed())
                .bind(to.acknowledged.cast_signed())
                .bind(to.rejected.cast_signed())
                .bind(to.bytes.cast_signed())
                .execute(self.connection()?)
                .await;
            let done = done.map_err(|error| self.failed("moving the watermark", &error))?;
            moved += done.rows_affected();
        }
        Ok(moved == to.len() as u64)
    }

    fn address(&self) -> &str {
        &self.address
    }
}
