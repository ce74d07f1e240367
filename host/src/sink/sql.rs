//! What the sinks of SQL databases share: names, tables with the columns of channels, and the
//! transaction that carries records and the watermark together.

mod careful;
mod identifier;
mod options;
mod read;
pub mod signals;
mod table;
mod writer;

use async_trait::async_trait;

use super::SendError;
pub(super) use super::pending::{Mark, Place, Rows};
pub(super) use identifier::{Identifier, TableName};
pub(super) use options::{Mode, TableOptions};
pub(super) use read::{RowFeed, SqlReader};
pub(super) use table::{Source, Table, Tables};
pub(super) use writer::SqlSink;

/// The table in which runs keep how far they are, beside the tables that they write.
pub(super) const WATERMARKS: &str = "wellhead_watermarks";

/// Whose watermarks a row of that table is.
#[derive(Clone, Debug)]
pub(super) struct Owner {
    /// Identity of the run.
    pub run: String,
    /// Which of the run's sinks: its template of the table's name.
    pub sink: String,
}

/// What a database didn't do.
#[derive(Debug)]
pub(super) enum Failure {
    /// A row is at fault: the reason, and which of the rows where the database says so.
    Row(String, Option<usize>),
    /// Anything else.
    Other(SendError),
}

impl From<SendError> for Failure {
    fn from(error: SendError) -> Failure {
        Failure::Other(error)
    }
}

/// A step of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Begin,
    Commit,
    Rollback,
    /// A place to go back to.
    Save,
    /// Goes back to it, and forgets it.
    Undo,
    /// Forgets it.
    Keep,
}

/// One connection to a database: what PostgreSQL and SQLite do each in their own way.
#[async_trait]
pub(super) trait Database: Send {
    /// Makes a connection where there is none.
    async fn connect(&mut self) -> Result<(), SendError>;

    /// Drops the connection, in whatever state it is.
    fn disconnect(&mut self);

    /// Looks whether the tables that are there fit, and changes nothing.
    async fn look(&mut self, tables: &[Table]) -> Result<(), SendError>;

    /// Makes the tables that are missing, if it is to, and that of the watermarks.
    async fn make(&mut self, tables: &[Table]) -> Result<(), SendError>;

    /// Makes sure that each of these streams has a row of watermarks; `anew` sets them to 0.
    async fn begin_run(
        &mut self,
        owner: &Owner,
        streams: &[u32],
        anew: bool,
    ) -> Result<(), SendError>;

    /// The watermarks of all streams.
    async fn marks(&mut self, owner: &Owner) -> Result<Vec<Mark>, SendError>;

    /// Takes a step of a transaction.
    async fn step(&mut self, step: Step) -> Result<(), SendError>;

    /// Writes rows to a table, within the transaction. Of a mode with keys the last row of a key counts.
    async fn store(&mut self, table: &Table, rows: Rows<'_>) -> Result<(), Failure>;

    /// Moves watermarks from one place to another, within the transaction. False where one isn't
    /// where it should be: then somebody else moved it.
    async fn advance(
        &mut self,
        owner: &Owner,
        from: &[Mark],
        to: &[Mark],
    ) -> Result<bool, SendError>;

    /// Where the records go, for messages.
    fn address(&self) -> &str;
}
