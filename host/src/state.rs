//! What survives a crash: runs, schedules and checkpoints, in SQLite.
//!
//! Every commit is durable before it is relied on (`synchronous=FULL`, write-ahead log). A run is
//! locked by a file beside the database, so that of two processes on one run the second is told
//! who holds it; the operating system frees the lock when its holder dies.

mod lock;
mod service;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Row, SqlitePool};

pub use lock::RunLock;
pub use service::{Answer, Audit, Filter, StoredEmulation};

use crate::delivery::SinkPoint;

/// Why the state couldn't be read or written.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// The folder can't be used.
    #[error("the state folder {path} can't be used: {source}; name another with --state DIR")]
    Folder {
        /// Which folder or file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// SQLite's answer.
    #[error(
        "the state in {path} can't be read or written: {source}; mend that, or name another with --state DIR"
    )]
    Database {
        /// Which database.
        path: PathBuf,
        /// SQLite's reason.
        source: sqlx::Error,
    },
    /// The disk is full.
    #[error(
        "the state in {path} can't be written, since the disk is full: {source}; make room there, and try again"
    )]
    Full {
        /// Which database.
        path: PathBuf,
        /// SQLite's reason.
        source: sqlx::Error,
    },
    /// SQLite says that the file isn't what it wrote.
    #[error(
        "the state in {path} is damaged: {source}; put back a copy of it, or name another with --state DIR and begin another run"
    )]
    Corrupt {
        /// Which database.
        path: PathBuf,
        /// SQLite's reason.
        source: sqlx::Error,
    },
    /// Written by a newer program, or damaged.
    #[error(
        "the state in {path} doesn't fit this version of wellhead: {source}; use the newer version, or another --state DIR"
    )]
    Version {
        /// Which database.
        path: PathBuf,
        /// What the migration found.
        source: sqlx::migrate::MigrateError,
    },
    /// A row that isn't what was written.
    #[error(
        "the state of run {run} is damaged ({what}): {source}; put back a copy of it, or begin another run"
    )]
    Damaged {
        /// Which run.
        run: String,
        /// Which part of it.
        what: &'static str,
        /// Why it can't be read.
        source: serde_json::Error,
    },
    /// Another process has the run.
    #[error("run {run} is held by {holder}; stop that process first, or begin another run")]
    Held {
        /// Which run.
        run: String,
        /// Process and time, as it wrote them.
        holder: String,
    },
}

/// Where a stream can be taken up again: a hash block boundary at or below the lowest index that
/// isn't settled.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Restart {
    /// Index of the next record.
    pub index: u64,
    /// The chain's digest there, in hex.
    pub hash: String,
    /// Sequence and held-back entries of the faults there.
    pub held: crate::fault::Held,
    /// The generator's own state, in hex, where it keeps one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub save: Option<String>,
}

/// A run as it stands in the state.
#[derive(Clone, Debug)]
pub struct StoredRun {
    /// Its identity.
    pub id: String,
    /// What a resume compares, canonical JSON.
    pub identity: Value,
    /// Segments, due origins, horizon.
    pub schedule: Value,
    /// Counts up to the newest checkpoint.
    pub progress: Value,
    /// None while unfinished.
    pub outcome: Option<String>,
    /// By stream.
    pub restarts: Vec<(u32, Restart)>,
    /// By the sink's place in the spec.
    pub receipts: Vec<(u32, SinkPoint)>,
}

/// What a checkpoint writes, all or nothing.
#[derive(Clone, Debug, Default)]
pub struct Checkpoint {
    /// Streams whose restart moved.
    pub restarts: Vec<(u32, Restart)>,
    /// Sinks whose receipt moved.
    pub receipts: Vec<(u32, SinkPoint)>,
    /// Counts.
    pub progress: Value,
}

/// The state folder.
#[derive(Clone, Debug)]
pub struct State {
    pool: SqlitePool,
    folder: PathBuf,
}

impl State {
    /// Opens the state in `folder`, making it where it is missing.
    ///
    /// # Errors
    /// Where the folder can't be made, or holds the state of a newer version.
    pub async fn open(folder: &Path) -> Result<State, StateError> {
        let in_folder = |source| StateError::Folder {
            path: folder.to_owned(),
            source,
        };
        std::fs::create_dir_all(folder.join("locks")).map_err(in_folder)?;
        let path = folder.join("state.db");
        let options = SqliteConnectOptions::new()
            .filename(&path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(std::time::Duration::from_secs(10));
        let pool = SqlitePoolOptions::new()
            .max_connections(2)
            // SQLite itself rolls back what a full disk stops, and the client loses count of what is open:
            // a transaction left so would swallow everything after it. Nothing open is an error, and good.
            .after_release(|connection, _| {
                Box::pin(
                    async move { Ok(sqlx::raw_sql("ROLLBACK").execute(connection).await.is_err()) },
                )
            })
            .connect_with(options)
            .await
            .map_err(|source| told(path.clone(), source))?;
        sqlx::migrate!("./migrations")
            .run(&pool)
            .await
            .map_err(|source| match source {
                sqlx::migrate::MigrateError::Execute(source) => told(path, source),
                source => StateError::Version { path, source },
            })?;
        Ok(State {
            pool,
            folder: folder.to_owned(),
        })
    }

    /// Where the state is.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Records a run before anything of it is generated.
    ///
    /// # Errors
    /// Where the database can't be written, or knows the run already.
    pub async fn begin(
        &self,
        id: &str,
        name: &str,
        identity: &Value,
        schedule: &Value,
    ) -> Result<(), StateError> {
        sqlx::query(
            "INSERT INTO runs (id, name, begun, identity, schedule) \
             VALUES (?1, ?2, (SELECT coalesce(max(begun), 0) + 1 FROM runs), ?3, ?4)",
        )
        .bind(id)
        .bind(name)
        .bind(identity.to_string())
        .bind(schedule.to_string())
        .execute(&self.pool)
        .await
        .map_err(|e| self.failed(e))?;
        // Out of the log: whatever befalls that later, the run is known.
        sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)")
            .execute(&self.pool)
            .await
            .map_err(|e| self.failed(e))?;
        Ok(())
    }

    /// Forgets a run of which nothing was sent.
    ///
    /// # Errors
    /// Where the database can't be written.
    pub async fn forget(&self, id: &str) -> Result<(), StateError> {
        sqlx::query("DELETE FROM runs WHERE id = ?1")
            .bind(id)
            .execute(&self.pool)
            .await
            .map_err(|e| self.failed(e))?;
        Ok(())
    }

    /// The newest run of that name, or the run of that identity.
    ///
    /// # Errors
    /// Where the database can't be read or a row is damaged.
    pub async fn newest(&self, name: &str) -> Result<Option<StoredRun>, StateError> {
        let id: Option<String> =
            sqlx::query_scalar("SELECT id FROM runs WHERE name = ?1 ORDER BY begun DESC LIMIT 1")
                .bind(name)
                .fetch_optional(&self.pool)
                .await
                .map_err(|e| self.failed(e))?;
        match id {
            Some(id) => self.find(&id).await,
            None => Ok(None),
        }
    }

    /// The run of that identity.
    ///
    /// # Errors
    /// Where the database can't be read or a row is damaged.
    pub async fn find(&self, id: &str) -> Result<Option<StoredRun>, StateError> {
        let Some(row) =
            sqlx::query("SELECT identity, schedule, progress, outcome FROM runs WHERE id = ?1")
                .bind(id)
                .fetch_optional(&self.pool)
                .await
                .map_err(|e| self.failed(e))?
        else {
            return Ok(None);
        };
        Ok(Some(StoredRun {
            id: id.to_owned(),
            identity: parsed(id, "identity", row.get(0))?,
            schedule: parsed(id, "schedule", row.get(1))?,
            progress: parsed(id, "progress", row.get(2))?,
            outcome: row.get(3),
            restarts: self
                .rows(
                    id,
                    "SELECT stream, body FROM restarts WHERE run = ?1 ORDER BY stream",
                )
                .await?,
            receipts: self
                .rows(
                    id,
                    "SELECT sink, body FROM receipts WHERE run = ?1 ORDER BY sink",
                )
                .await?,
        }))
    }

    async fn rows<T: serde::de::DeserializeOwned>(
        &self,
        id: &str,
        query: &'static str,
    ) -> Result<Vec<(u32, T)>, StateError> {
        sqlx::query(query)
            .bind(id)
            .fetch_all(&self.pool)
            .await
            .map_err(|e| self.failed(e))?
            .into_iter()
            .map(|row| Ok((row.get::<u32, _>(0), parsed(id, "checkpoint", row.get(1))?)))
            .collect()
    }

    /// Replaces the schedule: durable before any of it is used.
    ///
    /// # Errors
    /// Where the database can't be written.
    pub async fn save_schedule(&self, id: &str, schedule: &Value) -> Result<(), StateError> {
        sqlx::query("UPDATE runs SET schedule = ?2 WHERE id = ?1")
            .bind(id)
            .bind(schedule.to_string())
            .execute(&self.pool)
            .await
            .map_err(|e| self.failed(e))?;
        Ok(())
    }

    /// Writes a checkpoint, all or nothing.
    ///
    /// # Errors
    /// Where the database can't be written.
    pub async fn save_checkpoint(&self, id: &str, point: &Checkpoint) -> Result<(), StateError> {
        let mut tx = self.pool.begin().await.map_err(|e| self.failed(e))?;
        for (stream, restart) in &point.restarts {
            sqlx::query("INSERT OR REPLACE INTO restarts (run, stream, body) VALUES (?1, ?2, ?3)")
                .bind(id)
                .bind(stream)
                .bind(encoded(id, restart)?)
                .execute(&mut *tx)
                .await
                .map_err(|e| self.failed(e))?;
        }
        for (sink, receipt) in &point.receipts {
            sqlx::query("INSERT OR REPLACE INTO receipts (run, sink, body) VALUES (?1, ?2, ?3)")
                .bind(id)
                .bind(sink)
                .bind(encoded(id, receipt)?)
                .execute(&mut *tx)
                .await
                .map_err(|e| self.failed(e))?;
        }
        sqlx::query("UPDATE runs SET progress = ?2 WHERE id = ?1")
            .bind(id)
            .bind(point.progress.to_string())
            .execute(&mut *tx)
            .await
            .map_err(|e| self.failed(e))?;
        tx.commit().await.map_err(|e| self.failed(e))
    }

    /// Marks a run as over: it can't be resumed.
    ///
    /// # Errors
    /// Where the database can't be written.
    pub async fn finish(&self, id: &str, outcome: &str) -> Result<(), StateError> {
        sqlx::query("UPDATE runs SET outcome = ?2 WHERE id = ?1")
            .bind(id)
            .bind(outcome)
            .execute(&self.pool)
            .await
            .map_err(|e| self.failed(e))?;
        Ok(())
    }

    /// Closes the database; what was committed is on disk already.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    fn failed(&self, source: sqlx::Error) -> StateError {
        told(self.folder.join("state.db"), source)
    }
}

/// Tells a full disk, and a damaged file, from one that can't be used now.
fn told(path: PathBuf, source: sqlx::Error) -> StateError {
    let code = source.as_database_error().and_then(|error| error.code());
    let code: Option<u32> = code.and_then(|code| code.parse().ok());
    // Whatever the details above the lowest byte: SQLITE_FULL, SQLITE_CORRUPT and SQLITE_NOTADB.
    match code.map(|code| code & 0xff) {
        Some(13) => StateError::Full { path, source },
        Some(11 | 26) => StateError::Corrupt { path, source },
        _ => StateError::Database { path, source },
    }
}

fn parsed<T: serde::de::DeserializeOwned>(
    run: &str,
    what: &'static str,
    text: String,
) -> Result<T, StateError> {
    serde_json::from_str(&text).map_err(|source| StateError::Damaged {
        run: run.to_owned(),
        what,
        source,
    })
}

fn encoded<T: Serialize>(run: &str, value: &T) -> Result<String, StateError> {
    serde_json::to_string(value).map_err(|source| StateError::Damaged {
        run: run.to_owned(),
        what: "checkpoint",
        source,
    })
}
