//! Rows of a table, by COPY: the server streams them, in its text format.

use std::borrow::Cow;

use futures::TryStreamExt;
use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection, PgConnection};

use super::fault;
use crate::encode::columns::ColumnType;
use crate::sink::SendError;
use crate::sink::sql::{RowFeed, Table};
use crate::sink::text::Feeder;

/// Sends every row of a table; where the rows say of which run they are, those of the run.
pub(super) async fn rows(
    client: PgConnectOptions,
    address: String,
    table: Table,
    run: String,
    feeder: Feeder,
) -> Result<(), SendError> {
    let failed = |doing: &str, error: &sqlx::Error| fault::error(&address, doing, error);
    let mut connection = PgConnection::connect_with(&client)
        .await
        .map_err(|e| failed("logging in to read", &e))?;
    let doing = format!("reading table {}", table.name.plain());
    let mut rows = connection
        .copy_out_raw(&statement(&table, &run))
        .await
        .map_err(|e| failed(&doing, &e))?;
    let mut feed = RowFeed::new(feeder);
    let mut rest: Vec<u8> = Vec::new();
    while let Some(piece) = rows.try_next().await.map_err(|e| failed(&doing, &e))? {
        rest.extend_from_slice(&piece);
        let mut at = 0;
        while let Some(length) = memchr::memchr(b'\n', &rest[at..]) {
            let line = &rest[at..at + length];
            feed.row(&table, line.split(|&b| b == b'\t').map(unescaped))
                .await?;
            at += length + 1;
        }
        rest.drain(..at);
    }
    feed.flush().await
}

fn statement(table: &Table, run: &str) -> String {
    let columns = table.columns.iter().map(|column| {
        let name = &column.name;
        match column.kind {
            ColumnType::Bool => format!("{name}::boolean"),
            ColumnType::Int => format!("{name}::bigint"),
            ColumnType::Float => format!("{name}::double precision"),
            ColumnType::String => format!("{name}::text"),
            ColumnType::Timestamp => format!(
                "to_char({name}::timestamptz AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"
            ),
            ColumnType::Json => format!("{name}::jsonb"),
        }
    });
    let columns: Vec<String> = columns.collect();
    let own = table
        .run_column()
        .map(|name| format!(" WHERE {name} = '{}'", run.replace('\'', "''")))
        .unwrap_or_default();
    format!(
        "COPY (SELECT {} FROM {}{own}) TO STDOUT",
        columns.join(", "),
        table.name
    )
}

/// A field of COPY's text format; none is null.
fn unescaped(field: &[u8]) -> Option<Cow<'_, str>> {
    if field == b"\\N" {
        return None;
    }
    if !field.contains(&b'\\') {
        return Some(String::from_utf8_lossy(field));
    }
    let mut out = Vec::with_capacity(field.len());
    let mut bytes = field.iter().copied();
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'\\' => match bytes.next() {
                Some(b'b') => 8,
                Some(b'f') => 12,
                Some(b'n') => b'\n',
                Some(b'r') => b'\r',
                Some(b't') => b'\t',
                Some(b'v') => 11,
                Some(other) => other,
                None => b'\\',
            },
            other => other,
        });
    }
    Some(Cow::Owned(String::from_utf8_lossy(&out).into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_lose_their_escapes() {
        let text = |field: &str| unescaped(field.as_bytes()).map(Cow::into_owned);
        assert_eq!(text("\\N"), None);
        assert_eq!(text(""), Some(String::new()));
        assert_eq!(text("a\\tb\\\\N\\n"), Some("a\tb\\N\n".to_owned()));
    }
}
