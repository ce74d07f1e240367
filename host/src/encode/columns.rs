//! Records as rows: the typed columns that a channel's schema gives.

use std::collections::HashMap;

use serde_json::Value;

use super::EncodeError;
use super::scan::{Members, same_name};
use super::schema::Schema;
use crate::record::Channel;

/// The column of records whose schema names no properties, or that aren't JSON.
pub const WHOLE_RECORD: &str = "record";

/// What a column holds. Every column may also be null.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnType {
    /// `true` or `false`.
    Bool,
    /// A whole number.
    Int,
    /// Any number.
    Float,
    /// Text.
    String,
    /// An instant, as RFC 3339 writes it.
    Timestamp,
    /// JSON text of anything else.
    Json,
}

impl ColumnType {
    /// As users read it in messages.
    pub fn name(self) -> &'static str {
        match self {
            ColumnType::Bool => "boolean",
            ColumnType::Int => "integer",
            ColumnType::Float => "number",
            ColumnType::String => "string",
            ColumnType::Timestamp => "timestamp",
            ColumnType::Json => "json",
        }
    }

    /// What a value may be that is the one or the other.
    fn or(self, other: ColumnType) -> ColumnType {
        use ColumnType::{Float, Int, Json, String, Timestamp};
        match (self, other) {
            (one, same) if one == same => one,
            (Int | Float, Int | Float) => Float,
            (String | Timestamp, String | Timestamp) => String,
            _ => Json,
        }
    }
}

/// One column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// The property's name.
    pub name: String,
    /// What it holds.
    pub kind: ColumnType,
}

/// The columns of one target (a file, a table), and where each channel's fields go in them.
#[derive(Clone, Debug)]
pub struct Columns {
    list: Vec<Column>,
    /// By the emulation's channel; nothing for a channel that doesn't go to this target.
    layouts: Vec<Option<Layout>>,
}

#[derive(Clone, Debug)]
enum Layout {
    /// The record as it is, in that column.
    Whole(usize),
    /// Each field by name, in the schema's order.
    Fields(Vec<(Box<[u8]>, usize)>),
}

impl Columns {
    /// The columns that the channels with those indices need together: by name, in the order of
    /// channels and properties.
    ///
    /// # Errors
    /// Where two channels give the same name to different types.
    pub fn of(
        channels: &[Channel],
        json: bool,
        wanted: impl IntoIterator<Item = usize>,
    ) -> Result<Columns, EncodeError> {
        let mut columns = Columns {
            list: Vec::new(),
            layouts: vec![None; channels.len()],
        };
        let mut owners: HashMap<String, (usize, usize)> = HashMap::new();
        for index in wanted {
            let channel = &channels[index];
            let properties = match json {
                true => Schema::new(&channel.schema).properties(),
                false => Vec::new(),
            };
            let mut place = |name: &str, kind: ColumnType| {
                let (column, owner) = *owners.entry(name.to_owned()).or_insert_with(|| {
                    columns.list.push(Column {
                        name: name.to_owned(),
                        kind,
                    });
                    (columns.list.len() - 1, index)
                });
                let known = columns.list[column].kind;
                if known == kind {
                    return Ok(column);
                }
                Err(EncodeError::ColumnTypes {
                    column: name.to_owned(),
                    one: channels[owner].name.clone(),
                    one_type: known.name(),
                    other: channel.name.clone(),
                    other_type: kind.name(),
                })
            };
            columns.layouts[index] = Some(if properties.is_empty() {
                let kind = if json {
                    ColumnType::Json
                } else {
                    ColumnType::String
                };
                Layout::Whole(place(WHOLE_RECORD, kind)?)
            } else {
                let fields: Result<_, EncodeError> = properties
                    .into_iter()
                    .map(|(name, schema)| {
                        Ok((name.as_bytes().into(), place(name, column_type(schema))?))
                    })
                    .collect();
                Layout::Fields(fields?)
            });
        }
        Ok(columns)
    }

    /// The columns, in order.
    pub fn list(&self) -> &[Column] {
        &self.list
    }

    /// Finds the cells of a record of that channel. Fields that no column is for are left out.
    pub fn row(&self, channel: usize, record: &[u8], row: &mut Row) {
        row.cells.clear();
        row.cells.resize(self.list.len(), (0, 0));
        match self.layouts.get(channel).and_then(Option::as_ref) {
            None => {}
            Some(&Layout::Whole(column)) => row.cells[column] = (0, record.len()),
            Some(Layout::Fields(fields)) => {
                // Generators write fields in the schema's order, mostly: the next one is tried first.
                let mut next = 0;
                let start = record.as_ptr() as usize;
                for (key, value) in Members::of(record) {
                    let found = (next..fields.len())
                        .chain(0..next)
                        .find(|&f| same_name(key, &fields[f].0));
                    let Some(field) = found else { continue };
                    next = field + 1;
                    if value != b"null" {
                        row.cells[fields[field].1] = (value.as_ptr() as usize - start, value.len());
                    }
                }
            }
        }
    }
}

/// Where in a record each column's value is. Reused from record to record.
#[derive(Clone, Debug, Default)]
pub struct Row {
    /// Place and length; no length means null.
    cells: Vec<(usize, usize)>,
}

impl Row {
    /// The JSON text of a column's value in the record that [`Columns::row`] was given (for a
    /// whole record that isn't JSON, its bytes). Nothing where it is null or missing.
    pub fn cell<'a>(&self, column: usize, record: &'a [u8]) -> Option<&'a [u8]> {
        let (start, length) = *self.cells.get(column)?;
        if length == 0 {
            return None;
        }
        record.get(start..start + length)
    }
}

/// What the values that a schema allows have in common.
fn column_type(schema: Schema<'_>) -> ColumnType {
    possible(schema, 0).unwrap_or(ColumnType::Json)
}

/// Nothing where the schema allows null alone.
fn possible(schema: Schema<'_>, depth: usize) -> Option<ColumnType> {
    let Some(keywords) = schema.keywords().filter(|_| depth < 16) else {
        return Some(ColumnType::Json);
    };
    let timestamp = keywords.get("format").and_then(Value::as_str) == Some("date-time");
    let named = |name: &Value| match name.as_str() {
        Some("null") => None,
        Some("boolean") => Some(ColumnType::Bool),
        Some("integer") => Some(ColumnType::Int),
        Some("number") => Some(ColumnType::Float),
        Some("string") if timestamp => Some(ColumnType::Timestamp),
        Some("string") => Some(ColumnType::String),
        _ => Some(ColumnType::Json),
    };
    let nested = |schemas: &Value| {
        let schemas = schemas.as_array().into_iter().flatten();
        union(schemas.map(|inner| possible(schema.at(inner), depth + 1)))
    };
    if let Some(kind) = keywords.get("type") {
        return match kind {
            Value::Array(kinds) => union(kinds.iter().map(named)),
            one => named(one),
        };
    }
    if let Some(value) = keywords.get("const") {
        return of_value(value);
    }
    if let Some(Value::Array(values)) = keywords.get("enum") {
        return union(values.iter().map(of_value));
    }
    if let Some(schemas) = keywords.get("anyOf").or_else(|| keywords.get("oneOf")) {
        return nested(schemas);
    }
    // Every one of `allOf` holds: the first that says something narrower than "anything" decides.
    let all = keywords
        .get("allOf")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    all.map(|inner| possible(schema.at(inner), depth + 1))
        .find(|kind| *kind != Some(ColumnType::Json))
        .unwrap_or(Some(ColumnType::Json))
}

fn union(kinds: impl Iterator<Item = Option<ColumnType>>) -> Option<ColumnType> {
    kinds.flatten().reduce(ColumnType::or)
}

fn of_value(value: &Value) -> Option<ColumnType> {
    match value {
        Value::Null => None,
        Value::Bool(_) => Some(ColumnType::Bool),
        Value::Number(number) if number.is_f64() => Some(ColumnType::Float),
        Value::Number(_) => Some(ColumnType::Int),
        Value::String(_) => Some(ColumnType::String),
        Value::Array(_) | Value::Object(_) => Some(ColumnType::Json),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn channel(name: &str, schema: Value) -> Channel {
        Channel {
            name: name.to_owned(),
            schema,
        }
    }

    fn kinds(columns: &Columns) -> Vec<(&str, ColumnType)> {
        columns
            .list()
            .iter()
            .map(|c| (c.name.as_str(), c.kind))
            .collect()
    }

    #[test]
    fn types_come_from_the_schema_in_its_order() {
        let schema = json!({
            "properties": {
                "z": {"type": "string"},
                "at": {"type": ["string", "null"], "format": "date-time"},
                "a": {"anyOf": [{"$ref": "#/$defs/count"}, {"type": "null"}]},
                "amount": {"type": ["integer", "number"]},
                "flag": {"enum": [true, false, null]},
                "level": {"$ref": "#/$defs/level"},
                "mixed": {"type": ["string", "integer"]},
                "tags": {"type": "array"},
                "any": true,
                "wrapped": {"allOf": [{"description": "x"}, {"$ref": "#/$defs/level"}]},
                "nothing": {"type": "null"},
            },
            "$defs": {"count": {"type": "integer"}, "level": {"enum": ["low", "high"]}}
        });
        let columns = Columns::of(&[channel("c", schema)], true, [0]).unwrap();
        use ColumnType::{Bool, Float, Int, Json, String, Timestamp};
        assert_eq!(
            kinds(&columns),
            [
                ("z", String),
                ("at", Timestamp),
                ("a", Int),
                ("amount", Float),
                ("flag", Bool),
                ("level", String),
                ("mixed", Json),
                ("tags", Json),
                ("any", Json),
                ("wrapped", String),
                ("nothing", Json),
            ]
        );
    }

    #[test]
    fn channels_share_columns_by_name_unless_their_types_differ() {
        let power = channel(
            "power",
            json!({"properties": {"id": {"type": "integer"}, "watts": {"type": "number"}}}),
        );
        let error = channel(
            "error",
            json!({"properties": {"code": {"type": "string"}, "id": {"type": "integer"}}}),
        );
        let other = channel("other", json!({"properties": {"id": {"type": "string"}}}));
        let channels = [power, error, other];
        let columns = Columns::of(&channels, true, [0, 1]).unwrap();
        let names: Vec<_> = kinds(&columns).iter().map(|(name, _)| *name).collect();
        assert_eq!(names, ["id", "watts", "code"]);
        let mut row = Row::default();
        let record = br#"{"code":"E1","id":7}"#;
        columns.row(1, record, &mut row);
        assert_eq!(row.cell(0, record), Some(b"7".as_slice()));
        assert_eq!(row.cell(1, record), None);
        assert_eq!(row.cell(2, record), Some(b"\"E1\"".as_slice()));
        let refused = Columns::of(&channels, true, 0..3).unwrap_err().to_string();
        assert!(
            refused.contains("`id`") && refused.contains("power") && refused.contains("other"),
            "{refused}"
        );
    }

    #[test]
    fn without_properties_the_record_is_the_column() {
        let columns = Columns::of(&[channel("c", json!(true))], true, [0]).unwrap();
        assert_eq!(kinds(&columns), [("record", ColumnType::Json)]);
        let opaque = Columns::of(
            &[channel("c", json!({"properties": {"a": true}}))],
            false,
            [0],
        )
        .unwrap();
        assert_eq!(kinds(&opaque), [("record", ColumnType::String)]);
        let mut row = Row::default();
        opaque.row(0, b"a,b", &mut row);
        assert_eq!(row.cell(0, b"a,b"), Some(b"a,b".as_slice()));
    }

    #[test]
    fn nulls_missing_and_unknown_fields() {
        let schema = json!({"properties": {"a": {"type": "integer"}, "b": {"type": "string"}}});
        let columns = Columns::of(&[channel("c", schema)], true, [0]).unwrap();
        let mut row = Row::default();
        let record = br#"{"extra":[1],"b":"x","a":null}"#;
        columns.row(0, record, &mut row);
        assert_eq!(row.cell(0, record), None);
        assert_eq!(row.cell(1, record), Some(b"\"x\"".as_slice()));
        columns.row(0, b"not json", &mut row);
        assert_eq!(row.cell(1, record), None);
    }
}
