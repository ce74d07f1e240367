//! Drafts of a template: from a schema, a table's definition, or a sample of records to the description that the
//! `template` generator takes. What nobody can know is guessed, and each guess says so.

mod avro;
mod node;
mod numbers;
mod rows;
mod sample;
mod schema;
mod sql;
mod strings;
mod write;

use serde_json::Value;

pub use node::Node;

/// What a draft is made from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// JSON records: a line each, or an array.
    Json,
    /// Rows with a header.
    Csv,
    /// JSON Schema.
    JsonSchema,
    /// An OpenAPI document, of which one schema is taken.
    OpenApi,
    /// An Avro schema.
    Avro,
    /// `CREATE TABLE`.
    Sql,
}

/// Why there can be no draft.
#[derive(Debug, thiserror::Error)]
pub enum DraftError {
    /// It can't be read as what it is.
    #[error("this isn't {what}: {why}")]
    Syntax {
        /// What was expected.
        what: &'static str,
        /// What is wrong, and where.
        why: String,
    },
    /// There is nothing that a record could be made like.
    #[error("there is no record, table or object in it{0}")]
    Nothing(&'static str),
    /// There are several, or none of that name.
    #[error("{wanted}: say which with --of NAME; there are {}", .names.join(", "))]
    Which {
        /// What was asked for.
        wanted: String,
        /// What there is.
        names: Vec<String>,
    },
}

/// A description, and what is to be said of it.
#[derive(Debug)]
pub struct Draft {
    /// What a record is called: a name that a channel can have.
    pub channel: String,
    /// Its fields.
    pub record: Vec<(String, Node)>,
    /// From what it was made.
    pub from: String,
}

/// What a text is, by its file's name and by its looks.
pub fn source_of(file: &str, text: &str) -> Source {
    let ending = file.rsplit_once('.').map_or("", |(_, ending)| ending);
    match ending.to_ascii_lowercase().as_str() {
        "sql" | "ddl" => return Source::Sql,
        "csv" => return Source::Csv,
        "avsc" => return Source::Avro,
        "ndjson" | "jsonl" => return Source::Json,
        // No schema is a list, and a sample may be large.
        _ if text.trim_start().starts_with('[') => return Source::Json,
        _ => {}
    }
    let value = document(text);
    let Some(value) = value.as_ref().and_then(Value::as_object) else {
        let upper = text.trim_start().get(..6).map(str::to_ascii_uppercase);
        return match upper.as_deref() {
            Some("CREATE") => Source::Sql,
            _ if text.trim_start().starts_with('{') => Source::Json,
            _ => Source::Csv,
        };
    };
    let has = |name: &str| value.contains_key(name);
    if has("openapi") || has("swagger") {
        Source::OpenApi
    } else if value.get("type") == Some(&Value::from("record")) && has("fields") {
        Source::Avro
    } else if has("$schema") || (has("properties") && has("type")) || has("$defs") {
        Source::JsonSchema
    } else {
        Source::Json
    }
}

/// Drafts a description: of the schema or table that is named, where there are several.
///
/// # Errors
/// Where the text isn't what it should be, or has no record, or several.
pub fn draft(
    source: Source,
    file: &str,
    text: &str,
    of: Option<&str>,
) -> Result<Draft, DraftError> {
    let stem = file.rsplit('/').next().unwrap_or(file);
    let stem = stem.split('.').next().unwrap_or(stem);
    let (name, record, from) = match source {
        Source::Json => sample::of(rows::json(text)?, stem)?,
        Source::Csv => sample::of(rows::csv(text)?, stem)?,
        Source::JsonSchema => schema::of_schema(&parsed(text, "JSON Schema")?, stem)?,
        Source::OpenApi => schema::of_openapi(&parsed(text, "an OpenAPI document")?, of)?,
        Source::Avro => avro::of(&parsed(text, "an Avro schema")?)?,
        Source::Sql => sql::of(text, of)?,
    };
    if record.is_empty() {
        return Err(DraftError::Nothing(""));
    }
    let channel = channel_of(&name);
    Ok(Draft {
        channel,
        record,
        from,
    })
}

impl Draft {
    /// As a spec in YAML, which runs as it is.
    pub fn to_yaml(&self) -> String {
        write::spec(self)
    }
}

fn document(text: &str) -> Option<Value> {
    // YAML takes JSON too, but is slow on what is large; and lines of text are YAML.
    match serde_json::from_str(text) {
        Ok(value) => Some(value),
        Err(_) if text.trim_start().starts_with('{') => None,
        Err(_) => serde_saphyr::from_str(text).ok().filter(Value::is_object),
    }
}

fn parsed(text: &str, what: &'static str) -> Result<Value, DraftError> {
    let json = match serde_json::from_str(text) {
        Ok(value) => return Ok(value),
        Err(error) => error,
    };
    let braces = text.trim_start().starts_with(['{', '[']);
    match serde_saphyr::from_str(text) {
        Ok(value) => Ok(value),
        Err(error) => Err(DraftError::Syntax {
            what,
            why: if braces {
                json.to_string()
            } else {
                error.to_string()
            },
        }),
    }
}

/// A name as a channel can have it.
fn channel_of(name: &str) -> String {
    let (mut channel, mut last) = (String::new(), '_');
    for c in name.chars() {
        let word = c.is_ascii_alphanumeric();
        let begins = c.is_ascii_uppercase() && last.is_ascii_lowercase();
        if (begins || !word) && !channel.ends_with('_') {
            channel.push('_');
        }
        if word {
            channel.push(c.to_ascii_lowercase());
        }
        last = c;
    }
    let channel = channel.trim_matches('_');
    match channel.chars().next() {
        Some('a'..='z') => channel.chars().take(64).collect(),
        _ => "record".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_known_by_its_looks() {
        for (file, text, source) in [
            ("x.ndjson", "{}", Source::Json),
            ("x.json", "{\"a\": 1}\n{\"a\": 2}", Source::Json),
            ("x.json", "[{\"a\": 1}]", Source::Json),
            (
                "x.json",
                r#"{"type": "object", "properties": {}}"#,
                Source::JsonSchema,
            ),
            ("x.json", r#"{"openapi": "3.1.0"}"#, Source::OpenApi),
            ("x.yaml", "openapi: 3.1.0\ninfo: {}\n", Source::OpenApi),
            (
                "x.json",
                r#"{"type": "record", "name": "a", "fields": []}"#,
                Source::Avro,
            ),
            ("x", "create table t (a int)", Source::Sql),
            ("x", "a,b\n1,2\n", Source::Csv),
        ] {
            assert_eq!(source_of(file, text), source, "{file} {text}");
        }
    }

    #[test]
    fn channels_have_names_that_they_can_have() {
        for (name, channel) in [
            ("OrderLine", "order_line"),
            ("orders-2024", "orders_2024"),
            ("public.Users", "public_users"),
            ("2024", "record"),
            ("URL", "url"),
        ] {
            assert_eq!(channel_of(name), channel);
        }
    }
}
