//! One tree for the three formats: every value and every name with its bytes in the text.

use std::fmt;
use std::ops::Range;

use serde::Deserialize;
use serde::de::{self, MapAccess, SeqAccess, Visitor};
use toml::de::{DeTable, DeValue};

use super::Format;

/// A value and where it stands.
#[derive(Clone, PartialEq)]
pub struct Node {
    /// Its bytes in the text; of a list or a map at least its beginning.
    pub span: Range<usize>,
    /// What it is.
    pub data: Data,
}

/// What a value is, in any of the formats.
#[derive(Clone, PartialEq)]
pub enum Data {
    /// `null`, or nothing written.
    Null,
    /// True or false.
    Bool(bool),
    /// A whole number.
    Integer(i128),
    /// Any other number.
    Float(f64),
    /// Text; in TOML also a date.
    Text(String),
    /// Values in order.
    List(Vec<Node>),
    /// Named values in the order in which they are written, no name twice.
    Map(Vec<(Key, Node)>),
}

/// A name in a map and where it stands.
#[derive(Clone, PartialEq)]
pub struct Key {
    /// The name.
    pub text: String,
    /// Its bytes in the text.
    pub span: Range<usize>,
}

/// Why a text is not of its format.
pub struct SyntaxError {
    /// The parser's reason.
    pub message: String,
    /// Where, as far as the parser knows.
    pub span: Option<Range<usize>>,
}

/// Reads a text into a tree.
pub fn parse(text: &str, format: Format) -> Result<Node, SyntaxError> {
    match format {
        Format::Yaml => yaml(text),
        Format::Toml => toml(text),
        Format::Json => json(text),
    }
}

/// YAML reads JSON, so it gives the places; the JSON parser goes first, since it takes nothing else.
/// What is JSON and not YAML is a name of more than 1,024 characters, or one that comes twice.
fn json(text: &str) -> Result<Node, SyntaxError> {
    serde_json::from_str::<de::IgnoredAny>(text).map_err(|error| {
        let at = offset(text, error.line(), error.column());
        let full = error.to_string();
        let message = full.split(" at line ").next().unwrap_or(&full);
        SyntaxError {
            message: format!("this is not JSON: {message}"),
            span: Some(at..at),
        }
    })?;
    yaml(text)
}

/// Byte offset of a line and column (bytes, both from 1).
fn offset(text: &str, line: usize, column: usize) -> usize {
    let starts = text.split_inclusive('\n').take(line.saturating_sub(1));
    let start: usize = starts.map(str::len).sum();
    (start + column.saturating_sub(1)).min(text.len())
}

fn yaml(text: &str) -> Result<Node, SyntaxError> {
    let options = serde_saphyr::options! { strict_booleans: true, with_snippet: false };
    serde_saphyr::from_str_with_options::<YamlNode>(text, options)
        .map(|node| node.0)
        .map_err(|error| {
            let span = error.location().map(|location| bytes(&location));
            let full = error.render_with_formatter(&serde_saphyr::UserMessageFormatter);
            let message = full.split(" at line ").next().unwrap_or(&full);
            SyntaxError {
                message: message.to_owned(),
                span,
            }
        })
}

fn bytes(location: &serde_saphyr::Location) -> Range<usize> {
    let span = location.span();
    let start = usize::try_from(span.byte_offset().unwrap_or(0)).unwrap_or(0);
    let length = usize::try_from(span.byte_len().unwrap_or(0)).unwrap_or(0);
    start..start + length
}

struct YamlNode(Node);

impl<'de> Deserialize<'de> for YamlNode {
    fn deserialize<D: de::Deserializer<'de>>(deserializer: D) -> Result<YamlNode, D::Error> {
        let spanned = serde_saphyr::Spanned::<YamlData>::deserialize(deserializer)?;
        Ok(YamlNode(Node {
            span: bytes(&spanned.referenced),
            data: spanned.value.0,
        }))
    }
}

struct YamlData(Data);

impl<'de> Deserialize<'de> for YamlData {
    fn deserialize<D: de::Deserializer<'de>>(deserializer: D) -> Result<YamlData, D::Error> {
        deserializer.deserialize_any(DataVisitor).map(YamlData)
    }
}

struct DataVisitor;

impl<'de> Visitor<'de> for DataVisitor {
    type Value = Data;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Data, E> {
        Ok(Data::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Data, E> {
        Ok(Data::Integer(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Data, E> {
        Ok(Data::Integer(value.into()))
    }

    fn visit_i128<E>(self, value: i128) -> Result<Data, E> {
        Ok(Data::Integer(value))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Data, E> {
        Ok(Data::Float(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Data, E> {
        Ok(Data::Text(value.to_owned()))
    }

    fn visit_unit<E>(self) -> Result<Data, E> {
        Ok(Data::Null)
    }

    fn visit_none<E>(self) -> Result<Data, E> {
        Ok(Data::Null)
    }

    fn visit_some<D: de::Deserializer<'de>>(self, deserializer: D) -> Result<Data, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Data, A::Error> {
        let mut items = Vec::new();
        while let Some(YamlNode(node)) = seq.next_element()? {
            items.push(node);
        }
        Ok(Data::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Data, A::Error> {
        let mut entries = Vec::new();
        while let Some(name) = map.next_key::<serde_saphyr::Spanned<String>>()? {
            let YamlNode(node) = map.next_value()?;
            let span = bytes(&name.referenced);
            let text = name.value;
            entries.push((Key { text, span }, node));
        }
        Ok(Data::Map(entries))
    }
}

fn toml(text: &str) -> Result<Node, SyntaxError> {
    let table = DeTable::parse(text).map_err(|error| SyntaxError {
        message: format!("this is not TOML: {}", error.message()),
        span: error.span(),
    })?;
    let span = table.span();
    Ok(Node {
        span: span.start..span.start,
        data: toml_table(table.get_ref())?,
    })
}

fn toml_table(table: &DeTable<'_>) -> Result<Data, SyntaxError> {
    let mut entries = Vec::new();
    for (name, value) in table {
        let key = Key {
            text: name.get_ref().to_string(),
            span: name.span(),
        };
        let data = toml_data(value.get_ref(), &value.span())?;
        let span = value.span();
        entries.push((key, Node { span, data }));
    }
    // The parser sorts by name; users (and generated columns) go by the order of the text.
    entries.sort_by_key(|(key, _)| key.span.start);
    Ok(Data::Map(entries))
}

fn toml_data(value: &DeValue<'_>, span: &Range<usize>) -> Result<Data, SyntaxError> {
    let refused = |what: &str| SyntaxError {
        message: format!("this number {what}"),
        span: Some(span.clone()),
    };
    Ok(match value {
        DeValue::String(text) => Data::Text(text.to_string()),
        DeValue::Boolean(value) => Data::Bool(*value),
        DeValue::Datetime(instant) => Data::Text(instant.to_string()),
        DeValue::Integer(number) => Data::Integer(
            i128::from_str_radix(number.as_str(), number.radix())
                .map_err(|_| refused("is too large"))?,
        ),
        DeValue::Float(number) => match number.as_str().parse::<f64>() {
            Ok(number) if number.is_finite() => Data::Float(number),
            _ => return Err(refused("has no finite value")),
        },
        DeValue::Array(items) => Data::List(
            items
                .iter()
                .map(|item| {
                    let span = item.span();
                    let data = toml_data(item.get_ref(), &span)?;
                    Ok(Node { span, data })
                })
                .collect::<Result<_, _>>()?,
        ),
        DeValue::Table(table) => toml_table(table)?,
    })
}
