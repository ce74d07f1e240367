//! A row for each key: COPY into a table of the session's own, and from there where it belongs.

use std::collections::HashSet;

use sqlx::{AssertSqlSafe, PgConnection, raw_sql};
use xxhash_rust::xxh3::Xxh3;

use super::copy::Encoder;
use crate::encode::columns::Row;
use crate::record::Operation;
use crate::sink::sql::{Identifier, Place, Rows, Source, Table};

/// Says of a row of the stage that it is to be removed.
const DELETE: &str = "wellhead_delete";

/// The rows that count: the last of each key. Those without a key are all kept, for the server to refuse.
pub(super) fn latest(table: &Table, rows: Rows<'_>) -> Vec<Place> {
    let mut seen = HashSet::with_capacity(rows.places.len());
    let mut row = Row::default();
    let mut kept = Vec::with_capacity(rows.places.len());
    for &place in rows.places.iter().rev() {
        if key(table, rows, place, &mut row).is_none_or(|key| seen.insert(key)) {
            kept.push(place);
        }
    }
    kept.reverse();
    kept
}

fn key(table: &Table, rows: Rows<'_>, place: Place, row: &mut Row) -> Option<u128> {
    let (part, k) = rows.at(place);
    let mut hash = Xxh3::new();
    if !table
        .key_columns()
        .all(|column| column.source == Source::Key)
    {
        let batch = &part.batch;
        table.fields.row(batch.channel(k), batch.record(k), row);
    }
    for column in table.key_columns() {
        let value = match column.source {
            Source::Field(field) => row.cell(field, part.batch.record(k)),
            Source::Key => part.batch.key(k),
            _ => None,
        }?;
        hash.update(&(value.len() as u64).to_le_bytes());
        hash.update(value);
    }
    Some(hash.digest128())
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
        let same: Vec<String> = table
            .key_columns()
            .map(|column| format!("t.{0} = s.{0}", column.name))
            .collect();
        let delete = format!(
            "DELETE FROM {target} AS t USING pg_temp.{stage} AS s WHERE s.{DELETE} AND {}",
            same.join(" AND ")
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
