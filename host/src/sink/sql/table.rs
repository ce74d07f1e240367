//! Which tables there are, and what is in their columns.

use super::identifier::{Identifier, TableName, list};
use super::{Mode, TableOptions, WATERMARKS};
use crate::encode::columns::{ColumnType, Columns};
use crate::encode::template::{Place, Template, suggestion};
use crate::record::Channel;
use crate::sink::ConfigError;
use crate::sink::options;

/// The generator's key, where no field is one.
const KEY: &str = "_key";

/// Where a column's value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// A column of [`Table::fields`].
    Field(usize),
    /// The generator's key.
    Key,
    /// Identity of the run.
    Run,
    /// The record's stream.
    Stream,
    /// Its sequence there.
    Sequence,
    /// Whether it appends, upserts or deletes.
    Operation,
}

/// A column that is written.
#[derive(Clone, Debug)]
pub struct TableColumn {
    /// Its name.
    pub name: Identifier,
    /// What it holds.
    pub kind: ColumnType,
    /// From where.
    pub source: Source,
}

/// What finds a row, as indices of columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key(pub Vec<usize>);

/// One table.
#[derive(Clone, Debug)]
pub struct Table {
    /// Which of the sink's tables.
    pub index: usize,
    /// Its name.
    pub name: TableName,
    /// All columns that are written, in order.
    pub columns: Vec<TableColumn>,
    /// Finds the fields of a record.
    pub fields: Columns,
    /// Of `mode: upsert`.
    pub key: Option<Key>,
}

impl Table {
    /// The names of its columns, for a statement.
    pub fn column_list(&self) -> String {
        list(self.columns.iter().map(|column| &column.name))
    }

    /// The column that says of which run a row is, where there is one.
    pub fn run_column(&self) -> Option<&Identifier> {
        let run = self.columns.iter().find(|c| c.source == Source::Run);
        run.map(|column| &column.name)
    }

    /// The columns of its key; none where it has no key.
    pub fn key_columns(&self) -> impl Iterator<Item = &TableColumn> {
        let key = self.key.iter().flat_map(|key| &key.0);
        key.map(|&column| &self.columns[column])
    }

    /// The same table with no columns but those of its key.
    pub fn only_key(&self) -> Table {
        Table {
            columns: self.key_columns().cloned().collect(),
            key: None,
            ..self.clone()
        }
    }

    /// Their names, for a statement.
    pub fn key_list(&self) -> String {
        list(self.key_columns().map(|column| &column.name))
    }

    /// The columns that a row of the same key takes over, as `"a" = excluded."a"`.
    pub fn update_list(&self) -> String {
        let key = self.key.as_ref().map_or(&[][..], |key| &key.0);
        let others = self.columns.iter().enumerate();
        let others = others.filter(|(index, _)| !key.contains(index));
        let set: Vec<String> = others
            .map(|(_, column)| format!("{0} = excluded.{0}", column.name))
            .collect();
        set.join(", ")
    }

    /// What becomes of a row whose key is there.
    pub fn conflict_clause(&self) -> String {
        let update = self.update_list();
        let then = match update.as_str() {
            "" => "NOTHING".to_owned(),
            update => format!("UPDATE SET {update}"),
        };
        format!("ON CONFLICT ({}) DO {then}", self.key_list())
    }
}

/// The tables of a sink, and which channel goes to which.
#[derive(Clone, Debug)]
pub struct Tables {
    /// Each once.
    pub list: Vec<Table>,
    /// By channel.
    pub of_channel: Vec<usize>,
}

impl Tables {
    /// What the options make of the channels.
    ///
    /// # Errors
    /// A template, a name or a key that can't be, or channels that disagree about a column.
    pub fn plan(
        options: &TableOptions,
        schema: Option<&str>,
        channels: &[Channel],
        json: bool,
    ) -> Result<Tables, ConfigError> {
        let template = template(&options.table)?;
        let schema = match schema {
            None => None,
            Some(name) => Some(identifier("schema", "the schema", name)?),
        };
        let mut names: Vec<String> = Vec::new();
        let mut of_channel = Vec::with_capacity(channels.len());
        for channel in channels {
            let name = named(&template, &channel.name);
            let known = names.iter().position(|known| *known == name);
            of_channel.push(known.unwrap_or(names.len()));
            if known.is_none() {
                names.push(name);
            }
        }
        let mut tables = Vec::with_capacity(names.len());
        for (index, name) in names.into_iter().enumerate() {
            let wanted = of_channel.iter().enumerate();
            let wanted = wanted.filter(|(_, table)| **table == index).map(|(c, _)| c);
            let fields = Columns::of(channels, json, wanted)
                .map_err(|error| ConfigError::new(format!("table `{name}`: {error}")))?;
            if name == WATERMARKS {
                let message = format!("`{WATERMARKS}` is where runs keep how far they are");
                return Err(ConfigError::option("table", message));
            }
            let name = TableName {
                schema: schema.clone(),
                name: identifier("table", "the table", &name)?,
            };
            tables.push(Table::new(index, name, fields, options)?);
        }
        Ok(Tables {
            list: tables,
            of_channel,
        })
    }
}

impl Table {
    fn new(
        index: usize,
        name: TableName,
        fields: Columns,
        options: &TableOptions,
    ) -> Result<Table, ConfigError> {
        let mut columns: Vec<TableColumn> = Vec::new();
        let mut add = |column: &str, kind, source| {
            let name = identifier("table", &format!("column of `{}`:", name.plain()), column)?;
            // SQLite tells names apart by more than their case.
            let taken = |other: &TableColumn| other.name.plain().eq_ignore_ascii_case(column);
            if columns.iter().any(taken) {
                let message = format!("there would be two columns `{column}`");
                return Err(ConfigError::new(message));
            }
            columns.push(TableColumn { name, kind, source });
            Ok(())
        };
        let upsert = options.mode == Mode::Upsert;
        if upsert && options.key.is_none() {
            add(KEY, ColumnType::String, Source::Key)?;
        }
        for (index, column) in fields.list().iter().enumerate() {
            add(&column.name, column.kind, Source::Field(index))?;
        }
        if options.meta_columns {
            add("wellhead_run", ColumnType::String, Source::Run)?;
            add("wellhead_stream", ColumnType::Int, Source::Stream)?;
            add("wellhead_sequence", ColumnType::Int, Source::Sequence)?;
            add("wellhead_operation", ColumnType::String, Source::Operation)?;
        }
        let key = match &options.key {
            _ if !upsert => None,
            None => Some(Key(vec![0])),
            Some(names) => Some(key(&names.list(), &name, &columns)?),
        };
        Ok(Table {
            index,
            name,
            columns,
            fields,
            key,
        })
    }
}

fn key(names: &[&str], table: &TableName, columns: &[TableColumn]) -> Result<Key, ConfigError> {
    let mut key = Vec::with_capacity(names.len());
    for name in names {
        match columns.iter().position(|c| c.name.plain() == *name) {
            Some(column) => key.push(column),
            None => {
                let known: Vec<&str> = columns.iter().map(|c| c.name.plain()).collect();
                let message = format!(
                    "`{name}` isn't a column of `{}`; {}",
                    table.plain(),
                    suggestion(name, &known)
                );
                return Err(ConfigError::option("key", message));
            }
        }
    }
    key.sort_unstable();
    key.dedup();
    match key.is_empty() {
        true => Err(ConfigError::option("key", "`key` names no column")),
        false => Ok(Key(key)),
    }
}

/// Tables are few and known before the start, so that a channel alone may choose among them.
fn template(text: &str) -> Result<Template, ConfigError> {
    let template = options::template("table", text)?;
    let place = |channel| Place {
        run: "",
        channel,
        stream: 0,
        record: b"",
    };
    let plain = |value: &[u8], out: &mut Vec<u8>| out.extend_from_slice(value);
    let whole = template.render(place("c"), &mut Vec::new(), plain);
    match whole && !template.has_stream() && !text.contains("{run}") {
        true => Ok(template),
        false => Err(ConfigError::option(
            "table",
            "`table` may hold {channel} and nothing else in braces: a table is made before its records are known",
        )),
    }
}

fn named(template: &Template, channel: &str) -> String {
    let place = Place {
        run: "",
        channel,
        stream: 0,
        record: b"",
    };
    let mut name = Vec::new();
    template.render(place, &mut name, |value, out| out.extend_from_slice(value));
    String::from_utf8_lossy(&name).into_owned()
}

fn identifier(option: &str, what: &str, name: &str) -> Result<Identifier, ConfigError> {
    Identifier::new(name).map_err(|wrong| ConfigError::option(option, format!("{what} {wrong}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn channels() -> [Channel; 2] {
        let channel = |name: &str, properties| Channel {
            name: name.to_owned(),
            schema: json!({ "properties": properties }),
        };
        [
            channel(
                "power",
                json!({"id": {"type": "integer"}, "watts": {"type": "number"}}),
            ),
            channel(
                "error",
                json!({"id": {"type": "integer"}, "code": {"type": "string"}}),
            ),
        ]
    }

    fn plan(options: serde_json::Value) -> Result<Tables, ConfigError> {
        let options: TableOptions = serde_json::from_value(options).unwrap();
        Tables::plan(&options, None, &channels(), true)
    }

    #[test]
    fn each_channel_has_a_table_unless_told_otherwise() {
        let tables = plan(json!({})).unwrap();
        assert_eq!(tables.of_channel, [0, 1]);
        assert_eq!(tables.list[1].name.plain(), "error");
        let one = plan(json!({"table": "signals", "meta_columns": true})).unwrap();
        assert_eq!(one.of_channel, [0, 0]);
        assert_eq!(
            one.list[0].column_list(),
            "\"id\", \"watts\", \"code\", \"wellhead_run\", \"wellhead_stream\", \"wellhead_sequence\", \"wellhead_operation\""
        );
    }

    #[test]
    fn keys_are_columns_or_the_generators() {
        let by_field = plan(json!({"mode": "upsert", "key": "id"})).unwrap();
        assert_eq!(
            by_field.list[0].conflict_clause(),
            "ON CONFLICT (\"id\") DO UPDATE SET \"watts\" = excluded.\"watts\""
        );
        let all = plan(json!({"mode": "upsert", "key": ["id", "watts"], "table": "power"}));
        assert!(all.unwrap().list[0].conflict_clause().contains("\"code\""));
        let own = plan(json!({"mode": "upsert"})).unwrap();
        assert_eq!(own.list[0].key_list(), "\"_key\"");
        let wrong = plan(json!({"mode": "upsert", "key": "watt"})).unwrap_err();
        assert!(wrong.message.contains("`watts`"), "{wrong}");
    }

    #[test]
    fn names_that_cannot_be_are_refused() {
        for (table, part) in [
            ("t{id}", "{channel}"),
            ("t{stream}", "{channel}"),
            ("t{run}", "{channel}"),
            (WATERMARKS, "how far"),
            ("", "no name"),
            (&"x".repeat(70), "70 bytes"),
        ] {
            let error = plan(json!({ "table": table })).unwrap_err();
            assert_eq!(error.option.as_deref(), Some("table"), "{table}");
            assert!(error.message.contains(part), "{error}");
        }
    }
}
