//! Rows of a table, in the order in which they were written.

use std::borrow::Cow;

use futures::TryStreamExt;
use sqlx::sqlite::{SqliteConnectOptions, SqliteRow};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Row, SqliteConnection};

use super::Options;
use crate::encode::columns::ColumnType;
use crate::sink::SendError;
use crate::sink::sql::{RowFeed, Table};
use crate::sink::text::Feeder;

/// A connection that changes nothing.
pub(super) fn client(options: &Options) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(&options.path)
        .read_only(true)
        .busy_timeout(options.busy_timeout.0)
        .disable_statement_logging()
}

/// Sends every row of a table; where the rows say of which run they are, those of the run.
pub(super) async fn rows(
    client: SqliteConnectOptions,
    address: String,
    table: Table,
    run: String,
    feeder: Feeder,
) -> Result<(), SendError> {
    let name = table.name.plain().to_owned();
    let failed = |error: sqlx::Error| {
        SendError::fatal(format!("{address}: table {name} can't be read: {error}"))
    };
    let mut connection = SqliteConnection::connect_with(&client)
        .await
        .map_err(failed)?;
    let own = table.run_column();
    let filter = own.map(|column| format!(" WHERE {column} = ?"));
    let text = format!(
        "SELECT {} FROM {}{}",
        table.column_list(),
        table.name,
        filter.as_deref().unwrap_or_default()
    );
    let mut query = sqlx::query(AssertSqlSafe(text));
    if own.is_some() {
        query = query.bind(run);
    }
    let mut rows = query.fetch(&mut connection);
    let mut feed = RowFeed::new(feeder);
    while let Some(row) = rows.try_next().await.map_err(failed)? {
        let kinds = table.columns.iter().enumerate();
        let texts = kinds.map(|(at, column)| text_of(&row, at, column.kind));
        feed.row(&table, texts).await?;
    }
    feed.flush().await
}

/// A value as text. One of another type than the column's is read as the text that SQLite makes of it.
fn text_of(row: &SqliteRow, at: usize, kind: ColumnType) -> Option<Cow<'static, str>> {
    let whole = || row.try_get_unchecked::<Option<i64>, _>(at).ok().flatten();
    let float = || row.try_get_unchecked::<Option<f64>, _>(at).ok().flatten();
    let text = || {
        row.try_get_unchecked::<Option<String>, _>(at)
            .ok()
            .flatten()
    };
    let typed = match kind {
        ColumnType::Bool | ColumnType::Int => whole().map(|whole| whole.to_string()),
        ColumnType::Float => float().map(|float| format!("{float:?}")),
        ColumnType::String | ColumnType::Timestamp | ColumnType::Json => text(),
    };
    typed.map(Cow::Owned)
}
