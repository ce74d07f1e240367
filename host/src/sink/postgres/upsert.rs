//! A row for each key: COPY into a table of the session's own, and from there where it belongs.

use std::collections::HashSet;

use sqlx::{AssertSqlSafe, PgConnection, raw_sql};
use twox_hash::XxHash3_128;

use super::copy::Encoder;
use crate::encode::scan::{Members, same_name};
use crate::record::Operation;
use crate::sink::sql::{Identifier, Place, Rows, Source, Table};

/// Says of a row of the stage that it is to be removed.
const DELETE: &str = "wellhead_delete";

/// The rows that count: the last of each key. Those without a key are all kept, for the server to refuse.
pub(super) fn latest(table: &Table, rows: Rows<'_>) -> Vec<Place> {
    let mut seen = HashSet::with_capacity(rows.places.len());
    let mut kept = Vec::with_capacity(rows.places.len());
    let mut text = Vec::new();
    for &place in rows.places.iter().rev() {
        if key(table, rows, place, &mut text).is_none_or(|key| seen.insert(key)) {
            kept.push(place);
        }
    }
    kept.reverse();
    kept
}

/// A key's hash. A key is mostly among a record's first fields, so that no more of it is looked at. Two
/// spellings of one key are told apart here, and not by the server: then it refuses them together, and
/// takes them one by one.
fn key(table: &Table, rows: Rows<'_>, place: Place, text: &mut Vec<u8>) -> Option<u128> {
    let (part, k) = rows.at(place);
    text.clear();
    for column in table.key_columns() {
        let value = match column.source {
            Source::Key => part.batch.key(k),
            _ => Members::of(part.batch.record(k))
                .find(|(name, _)| same_name(name, column.name.plain().as_bytes()))
                .map(|(_, value)| value)
                .filter(|value| *value != b"null"),
        }?;
        text.extend_from_slice(&(value.len() as u64).to_le_bytes());
        text.extend_from_slice(value);
    }
    Some(XxHash3_128::oneshot(text))
}

/// Rows that are few enough for the general way, which is also the one that never meets a key that
/// somebody else has just written. A stretch of [`crate::sink::sql`]'s careful way isn't longer.
const FEW: usize = 1024;

/// Whether it is worth asking if all keys are new. Rows of new keys can be copied at once, which
/// takes half the time of an `INSERT … ON CONFLICT` for each.
pub(super) fn many(rows: Rows<'_>) -> bool {
    let removes = |place: &Place| {
        let (part, k) = rows.at(*place);
        part.batch.operation(k) == Operation::Delete
    };
    rows.places.len() > FEW && !rows.places.iter().any(removes)
}

/// Whether the table has none of the rows' keys. Where another session adds one after that, the
/// copy that follows is refused, and what is refused is done again the general way.
pub(super) async fn all_new(
    connection: &mut PgConnection,
    encoder: &mut Encoder,
    stage: &Identifier,
    table: &Table,
    rows: Rows<'_>,
) -> Result<bool, sqlx::Error> {
    let keys = table.only_key();
    let (target, columns) = (&table.name, keys.column_list());
    // Each key is looked up in the index, however large the planner thinks that the table is.
    let make = format!(
        "CREATE TEMP TABLE IF NOT EXISTS {stage} ON COMMIT DELETE ROWS AS \
         SELECT {columns} FROM {target} WITH NO DATA; TRUNCATE pg_temp.{stage}; \
         SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off"
    );
    raw_sql(AssertSqlSafe(make))
        .execute(&mut *connection)
        .await?;
    let copy = format!("COPY pg_temp.{stage} ({columns}) FROM STDIN");
    let end = |_| b"\n".as_slice();
    encoder.copy(connection, &copy, &keys, rows, end).await?;
    let ask = format!(
        "SELECT NOT EXISTS (SELECT 1 FROM pg_temp.{stage} AS s JOIN {target} AS t ON {})",
        same_key(table)
    );
    sqlx::query_scalar(AssertSqlSafe(ask))
        .persistent(false)
        .fetch_one(connection)
        .await
}

fn same_key(table: &Table) -> String {
    let same: Vec<String> = table
        .key_columns()
        .map(|column| format!("t.{0} = s.{0}", column.name))
        .collect();
    same.join(" AND ")
}

/// Writes rows that have a key each, and no key twice.
pub(super) async fn store(
    connection: &mut PgConnection,
    encoder: &mut Encoder,
    stage: &Identifier,
    table: &Table,
    rows: Rows<'_>,
) -> Result<(), sqlx::Error> {
    let (target, columns) = (&table.name, table.column_list());
    // Types are the table's own, which may be narrower than ours.
    let make = format!(
        "CREATE TEMP TABLE IF NOT EXISTS {stage} ON COMMIT DELETE ROWS AS \
         SELECT {columns}, false AS {DELETE} FROM {target} WITH NO DATA; TRUNCATE pg_temp.{stage}"
    );
    raw_sql(AssertSqlSafe(make))
        .execute(&mut *connection)
        .await?;
    let deletes = |place: Place| {
        let (part, k) = rows.at(place);
        part.batch.operation(k) == Operation::Delete
    };
    let copy = format!("COPY pg_temp.{stage} ({columns}, {DELETE}) FROM STDIN");
    let tail = |place| match deletes(place) {
        true => b"\tt\n".as_slice(),
        false => b"\tf\n".as_slice(),
    };
    encoder.copy(connection, &copy, table, rows, tail).await?;
    if rows.places.iter().any(|&place| deletes(place)) {
        let delete = format!(
            "DELETE FROM {target} AS t USING pg_temp.{stage} AS s WHERE s.{DELETE} AND {}",
            same_key(table)
        );
        raw_sql(AssertSqlSafe(delete))
            .execute(&mut *connection)
            .await?;
    }
    let insert = format!(
        "INSERT INTO {target} ({columns}) SELECT {columns} FROM pg_temp.{stage} WHERE NOT {DELETE} {}",
        table.conflict_clause()
    );
    raw_sql(AssertSqlSafe(insert)).execute(connection).await?;
    Ok(())
}
