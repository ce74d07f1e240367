//! The connections to the state's database.

use std::path::Path;
use std::time::Duration;

use sqlx::SqlitePool;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};

/// How long another process may keep the database to itself.
const BUSY: Duration = Duration::from_secs(30);
/// How long a call may wait for those before it, on a disk that hardly answers.
const TURN: Duration = Duration::from_secs(300);

/// One connection to write by, and two to read by. Whoever writes waits for their turn: two connections
/// that write would wait for each other as SQLite does, by trying again, and one of them may starve until it
/// gives up.
///
/// # Errors
/// Where the database can't be opened.
pub(super) async fn open(path: &Path) -> Result<(SqlitePool, SqlitePool), sqlx::Error> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(BUSY);
    let pool = |connections: u32| {
        SqlitePoolOptions::new()
            .max_connections(connections)
            .acquire_timeout(TURN)
            // SQLite itself rolls back what a full disk stops, and the client loses count of what is open:
            // a transaction left so would swallow everything after it. Nothing open is an error, and good.
            .after_release(|connection, _| {
                Box::pin(
                    async move { Ok(sqlx::raw_sql("ROLLBACK").execute(connection).await.is_err()) },
                )
            })
            .connect_with(options.clone())
    };
    let writer = pool(1).await?;
    Ok((writer, pool(2).await?))
}
