//! Rows as prepared statements of many values.

use sqlx::sqlite::SqliteArguments;
use sqlx::{Arguments, AssertSqlSafe, SqlSafeStr, SqlStr, SqliteConnection};

use crate::encode::columns::{ColumnType, Row};
use crate::encode::scan::put_text;
use crate::record::Operation;
use crate::sink::sql::{Place, Rows, Source, Table};

/// Rows of one statement, where the number of values allows.
const AT_ONCE: usize = 64;
/// Values that one statement may have.
const VALUES: usize = 32_766;

/// The statements of a table.
pub(super) struct Statements {
    /// Writes so many rows.
    many: SqlStr,
    rows: usize,
    one: SqlStr,
    /// Removes the row of a key.
    delete: Option<SqlStr>,
}

impl Statements {
    pub(super) fn of(table: &Table) -> Statements {
        let columns = table.columns.len();
        let rows = (VALUES / columns.max(1)).clamp(1, AT_ONCE);
        let row = format!("({})", vec!["?"; columns].join(", "));
        let insert = |rows: usize| {
            let values = vec![row.as_str(); rows].join(", ");
            let conflict = match table.key {
                Some(_) => table.conflict_clause(),
                None => String::new(),
            };
            let text = format!(
                "INSERT INTO {} ({}) VALUES {values} {conflict}",
                table.name,
                table.column_list()
            );
            AssertSqlSafe(text).into_sql_str()
        };
        let delete = table.key.as_ref().map(|_| {
            let same: Vec<String> = table
                .key_columns()
                .map(|column| format!("{} = ?", column.name))
                .collect();
            let text = format!("DELETE FROM {} WHERE {}", table.name, same.join(" AND "));
            AssertSqlSafe(text).into_sql_str()
        });
        Statements {
            many: insert(rows),
            rows,
            one: insert(1),
            delete,
        }
    }

    /// Writes rows in their order, so that the last of a key stays.
    pub(super) async fn store(
        &self,
        connection: &mut SqliteConnection,
        table: &Table,
        rows: Rows<'_>,
    ) -> Result<(), sqlx::Error> {
        let mut cells = Cells::default();
        let removes = |place: &Place| {
            let (part, k) = rows.at(*place);
            self.delete.is_some() && part.batch.operation(k) == Operation::Delete
        };
        for stretch in rows.places.chunk_by(|a, b| removes(a) == removes(b)) {
            if let (Some(delete), true) = (&self.delete, removes(&stretch[0])) {
                for &place in stretch {
                    let values = cells.key(table, rows, place)?;
                    run(connection, delete, values).await?;
                }
                continue;
            }
            for places in stretch.chunks(self.rows) {
                if places.len() == self.rows {
                    let values = cells.values(table, rows, places)?;
                    run(connection, &self.many, values).await?;
                    continue;
                }
                for place in places {
                    let values = cells.values(table, rows, std::slice::from_ref(place))?;
                    run(connection, &self.one, values).await?;
                }
            }
        }
        Ok(())
    }
}

async fn run(
    connection: &mut SqliteConnection,
    statement: &SqlStr,
    values: SqliteArguments,
) -> Result<(), sqlx::Error> {
    sqlx::query_with(statement.clone(), values)
        .execute(connection)
        .await
        .map(drop)
}

/// Turns cells into values; reused from statement to statement.
#[derive(Default)]
struct Cells {
    row: Row,
}

impl Cells {
    fn values(
        &mut self,
        table: &Table,
        rows: Rows<'_>,
        places: &[Place],
    ) -> Result<SqliteArguments, sqlx::Error> {
        let mut values = SqliteArguments::default();
        values.reserve(places.len() * table.columns.len(), 0);
        for &place in places {
            self.add(table, rows, place, 0..table.columns.len(), &mut values)?;
        }
        Ok(values)
    }

    fn key(
        &mut self,
        table: &Table,
        rows: Rows<'_>,
        place: Place,
    ) -> Result<SqliteArguments, sqlx::Error> {
        let mut values = SqliteArguments::default();
        let key = table.key.as_ref().map_or(&[][..], |key| &key.0);
        self.add(table, rows, place, key.iter().copied(), &mut values)?;
        Ok(values)
    }

    fn add(
        &mut self,
        table: &Table,
        rows: Rows<'_>,
        place: Place,
        columns: impl Iterator<Item = usize>,
        values: &mut SqliteArguments,
    ) -> Result<(), sqlx::Error> {
        let (part, k) = rows.at(place);
        let batch = &part.batch;
        let record = batch.record(k);
        table.fields.row(batch.channel(k), record, &mut self.row);
        for column in columns {
            let column = &table.columns[column];
            let number = |number: u64| number.cast_signed();
            let added = match column.source {
                Source::Field(field) => match self.row.cell(field, record) {
                    Some(value) => put_value(column.kind, value, values),
                    None => values.add(None::<i64>),
                },
                Source::Key => values.add(batch.key(k).map(text)),
                Source::Run => values.add(rows.run),
                Source::Stream => values.add(i64::from(batch.stream)),
                Source::Sequence => values.add(number(batch.first_sequence + k as u64)),
                Source::Operation => values.add(batch.operation(k).name()),
            };
            added.map_err(sqlx::Error::Encode)?;
        }
        Ok(())
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A value that isn't of its column's type is bound as text, for the table to refuse.
fn put_value(
    kind: ColumnType,
    value: &[u8],
    values: &mut SqliteArguments,
) -> Result<(), sqlx::error::BoxDynError> {
    let plain = std::str::from_utf8(value).unwrap_or_default();
    match kind {
        ColumnType::Bool if value == b"true" => return values.add(1i64),
        ColumnType::Bool if value == b"false" => return values.add(0i64),
        ColumnType::Int => {
            if let Ok(number) = plain.parse::<i64>() {
                return values.add(number);
            }
        }
        ColumnType::Float => {
            if let Ok(number) = plain.parse::<f64>() {
                return values.add(number);
            }
        }
        ColumnType::Json => return values.add(plain),
        _ => {}
    }
    let mut text = Vec::with_capacity(value.len());
    put_text(value, &mut text);
    values.add(String::from_utf8_lossy(&text).into_owned())
}
