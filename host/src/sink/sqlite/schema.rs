//! Tables of the file: made from the plan, or checked against it.

use sqlx::{AssertSqlSafe, Row, SqliteConnection, raw_sql};

use crate::encode::columns::ColumnType;
use crate::sink::sql::signals::OURS;
use crate::sink::sql::{Table, WATERMARKS};

/// What the file says of a column.
struct Found {
    name: String,
    kind: String,
    optional: bool,
    key: bool,
}

/// Whether there is such a table or view.
pub(super) async fn exists(
    connection: &mut SqliteConnection,
    name: &str,
) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar("SELECT count(*) > 0 FROM sqlite_schema WHERE name = ?1 COLLATE NOCASE")
        .bind(name)
        .fetch_one(connection)
        .await
}

/// Makes a table with our columns, whose types are kept to.
pub(super) async fn create(
    connection: &mut SqliteConnection,
    table: &Table,
) -> Result<(), sqlx::Error> {
    let mut columns: Vec<String> = table
        .columns
        .iter()
        .map(|column| format!("{} {}", column.name, type_name(column.kind)))
        .collect();
    if table.key.is_some() {
        // In SQLite a primary key alone doesn't keep null out.
        for &key in table.key.iter().flat_map(|key| &key.0) {
            columns[key].push_str(" NOT NULL");
        }
        columns.push(format!("PRIMARY KEY ({})", table.key_list()));
    }
    let make = format!(
        "CREATE TABLE IF NOT EXISTS {} ({} /* {OURS} */) STRICT",
        table.name,
        columns.join(", ")
    );
    raw_sql(AssertSqlSafe(make)).execute(connection).await?;
    Ok(())
}

/// Makes the table of watermarks.
pub(super) async fn create_watermarks(
    connection: &mut SqliteConnection,
) -> Result<(), sqlx::Error> {
    let make = format!(
        "CREATE TABLE IF NOT EXISTS {WATERMARKS} (run TEXT NOT NULL, sink TEXT NOT NULL, \
         stream INTEGER NOT NULL, sequence INTEGER NOT NULL, acknowledged INTEGER NOT NULL, \
         rejected INTEGER NOT NULL, bytes INTEGER NOT NULL, PRIMARY KEY (run, sink, stream)) \
         STRICT, WITHOUT ROWID"
    );
    raw_sql(AssertSqlSafe(make)).execute(connection).await?;
    Ok(())
}

/// What of our rows doesn't fit in a table that is there.
pub(super) async fn misfits(
    connection: &mut SqliteConnection,
    table: &Table,
) -> Result<Vec<String>, sqlx::Error> {
    let found = columns(connection, table).await?;
    let mut wrong = Vec::new();
    for column in &table.columns {
        let wanted = type_name(column.kind);
        let there = found
            .iter()
            .find(|f| f.name.eq_ignore_ascii_case(column.name.plain()));
        match there {
            None => wrong.push(format!("it has no column {} ({wanted})", column.name)),
            Some(there) if !fits(column.kind, &there.kind) => wrong.push(format!(
                "its column {} is {}, and {wanted} doesn't fit there",
                column.name, there.kind
            )),
            Some(_) => {}
        }
    }
    for there in &found {
        let same = |name: &str| there.name.eq_ignore_ascii_case(name);
        if !there.optional && !table.columns.iter().any(|c| same(c.name.plain())) {
            wrong.push(format!(
                "its column \"{}\" may not be null, has no default, and no record fills it",
                there.name
            ));
        }
    }
    if table.key.is_some() && wrong.is_empty() && !has_unique(connection, table, &found).await? {
        wrong.push(format!(
            "no unique index is on ({}), by which rows are to be found",
            table.key_list()
        ));
    }
    Ok(wrong)
}

async fn columns(
    connection: &mut SqliteConnection,
    table: &Table,
) -> Result<Vec<Found>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT name, type, \"notnull\" = 0 OR dflt_value IS NOT NULL OR pk > 0, pk > 0 \
         FROM pragma_table_info(?1)",
    )
    .bind(table.name.name.plain())
    .fetch_all(connection)
    .await?;
    let column = |row: &sqlx::sqlite::SqliteRow| {
        Ok(Found {
            name: row.try_get(0)?,
            kind: row.try_get(1)?,
            optional: row.try_get(2)?,
            key: row.try_get(3)?,
        })
    };
    rows.iter().map(column).collect()
}

async fn has_unique(
    connection: &mut SqliteConnection,
    table: &Table,
    found: &[Found],
) -> Result<bool, sqlx::Error> {
    let sorted = |names: Vec<&str>| {
        let mut names: Vec<String> = names.iter().map(|n| n.to_ascii_lowercase()).collect();
        names.sort();
        names
    };
    let key = sorted(table.key_columns().map(|c| c.name.plain()).collect());
    let primary = found.iter().filter(|column| column.key);
    if sorted(primary.map(|column| column.name.as_str()).collect()) == key {
        return Ok(true);
    }
    let indexes = sqlx::query_scalar::<_, String>(
        "SELECT group_concat(lower(i.name), char(0)) FROM pragma_index_list(?1) AS l, \
         pragma_index_info(l.name) AS i WHERE l.\"unique\" AND NOT l.partial GROUP BY l.name",
    )
    .bind(table.name.name.plain())
    .fetch_all(connection)
    .await?;
    Ok(indexes
        .iter()
        .any(|columns| sorted(columns.split('\0').collect()) == key))
}

/// The type of a column that we make.
fn type_name(kind: ColumnType) -> &'static str {
    match kind {
        ColumnType::Bool | ColumnType::Int => "INTEGER",
        ColumnType::Float => "REAL",
        ColumnType::String | ColumnType::Timestamp | ColumnType::Json => "TEXT",
    }
}

/// Whether a column of a declared type keeps values of that kind as they are, by the rules of
/// affinity: a text column would turn numbers into text, a numeric one texts into numbers.
fn fits(kind: ColumnType, declared: &str) -> bool {
    let declared = declared.to_ascii_uppercase();
    let has = |words: &[&str]| words.iter().any(|word| declared.contains(word));
    let whole = has(&["INT"]);
    let text = !whole && has(&["CHAR", "CLOB", "TEXT"]);
    let any = declared.is_empty() || has(&["BLOB", "ANY"]);
    let real = !whole && !text && has(&["REAL", "FLOA", "DOUB"]);
    match kind {
        _ if any => true,
        ColumnType::Bool | ColumnType::Int => !text && !real,
        ColumnType::Float => !text && !whole,
        ColumnType::String | ColumnType::Timestamp | ColumnType::Json => !whole && !real,
    }
}
