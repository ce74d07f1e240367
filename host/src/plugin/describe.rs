//! Checks what a generator says of itself against the contract.

use semver::Version;
use serde_json::{Map, Value};

use super::bindings::contract;
use super::config;
use super::schema::Schema;
use crate::record::Channel;

const NAME_CHARS: usize = 64;
const SUMMARY_BYTES: usize = 500;
const CONTENT_TYPE_BYTES: usize = 128;
const LABELS: usize = 64;
const LABEL_BYTES: usize = 256;
const CHANNELS: usize = 256;
const SCHEMAS_BYTES: usize = 4 << 20;

/// What a generator says of itself, checked. See `generator.wit` for each field.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Description {
    /// As users type it.
    pub name: String,
    /// Of the generator.
    pub version: Version,
    /// One sentence.
    pub summary: String,
    /// JSON Schema of the configuration.
    pub config_schema: Value,
    /// Media type of every record.
    pub content_type: String,
    /// Whether records may be asked for in any order.
    pub random_access: bool,
    /// Free-form pairs.
    pub labels: Vec<(String, String)>,
}

impl Description {
    /// Whether every record is a JSON value on a line of its own.
    pub fn is_json(&self) -> bool {
        let essence = self.content_type.split(';').next().unwrap_or_default();
        let essence = essence.trim().to_ascii_lowercase();
        essence == "application/json" || essence.ends_with("+json")
    }
}

/// Checks a description; the error says which field is wrong and how.
pub(super) fn check(said: contract::Description) -> Result<(Description, Schema), String> {
    if !is_name(&said.name, b"-") {
        return Err(format!(
            "name {:?} is not of the form [a-z][a-z0-9-]*, at most {NAME_CHARS} characters",
            cut(&said.name)
        ));
    }
    let version = Version::parse(&said.version)
        .ok()
        .filter(|_| said.version.len() <= NAME_CHARS)
        .ok_or_else(|| {
            let version = cut(&said.version);
            format!("version {version:?} is no semantic version of at most {NAME_CHARS} characters")
        })?;
    at_most("summary", said.summary.len(), SUMMARY_BYTES)?;
    if said.summary.chars().any(char::is_control) {
        return Err("summary has control characters in it".into());
    }
    at_most("content-type", said.content_type.len(), CONTENT_TYPE_BYTES)?;
    if !is_media_type(&said.content_type) {
        let content_type = cut(&said.content_type);
        return Err(format!("content-type {content_type:?} is no media type"));
    }
    if said.labels.len() > LABELS {
        return Err(format!("there are more than {LABELS} labels"));
    }
    for (name, value) in &said.labels {
        at_most("a label", name.len().max(value.len()), LABEL_BYTES)?;
    }
    let schema = check_config_schema(&said.config_schema)
        .map_err(|reason| format!("config-schema {reason}"))?;
    let description = Description {
        name: said.name,
        version,
        summary: said.summary,
        config_schema: schema.value.clone(),
        content_type: said.content_type,
        random_access: said.random_access,
        labels: said.labels,
    };
    Ok((description, schema))
}

/// A configuration is an object, and what the schema itself fills in has to be valid.
fn check_config_schema(text: &str) -> Result<Schema, String> {
    let schema = Schema::parse(text)?;
    let object = |kind: &Value| kind == "object";
    let kind = schema.value.get("type");
    if kind.is_some_and(|kind| {
        !object(kind) && !kind.as_array().is_some_and(|any| any.iter().any(object))
    }) {
        return Err("is not of an object".into());
    }
    let mut defaults = Value::Object(Map::new());
    config::fill(&schema.value, &mut defaults)
        .map_err(|config::Endless| "has defaults that bring in further defaults without end")?;
    // What is wrong with the whole is that something is missing, which a user may give.
    let mut faults = schema.faults(&defaults).into_iter();
    match faults.find(|fault| !fault.path.is_empty()) {
        Some(fault) => Err(format!("has a default that is not valid: {fault}")),
        None => Ok(schema),
    }
}

/// Checks the channels of a configuration.
pub(super) fn check_channels(
    said: Vec<contract::Channel>,
) -> Result<(Vec<Channel>, Vec<Schema>), String> {
    if said.is_empty() || said.len() > CHANNELS {
        let count = said.len();
        return Err(format!(
            "there are {count} channels; 1 to {CHANNELS} may be"
        ));
    }
    let bytes = said.iter().map(|channel| channel.schema.len()).sum();
    at_most("all schemas together", bytes, SCHEMAS_BYTES)?;
    let mut channels: Vec<Channel> = Vec::with_capacity(said.len());
    let mut schemas = Vec::with_capacity(said.len());
    for contract::Channel { name, schema } in said {
        if !is_name(&name, b"_") {
            return Err(format!(
                "channel name {:?} is not of the form [a-z][a-z0-9_]*, at most {NAME_CHARS} characters",
                cut(&name)
            ));
        }
        if channels.iter().any(|other| other.name == name) {
            return Err(format!("there are two channels `{name}`"));
        }
        let checked = Schema::parse(&schema)
            .map_err(|reason| format!("the schema of channel `{name}` {reason}"))?;
        channels.push(Channel {
            name,
            schema: checked.value.clone(),
        });
        schemas.push(checked);
    }
    Ok((channels, schemas))
}

fn at_most(what: &str, length: usize, limit: usize) -> Result<(), String> {
    if length <= limit {
        return Ok(());
    }
    Err(format!("{what} is {length} bytes; the limit is {limit}"))
}

fn is_name(name: &str, also: &[u8]) -> bool {
    name.len() <= NAME_CHARS
        && name.starts_with(|first: char| first.is_ascii_lowercase())
        && name
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || also.contains(&b))
}

/// `type/subtype` in the characters of RFC 6838, perhaps with parameters.
fn is_media_type(text: &str) -> bool {
    let essence = text.split(';').next().unwrap_or_default().trim();
    let part = |part: &str| {
        let known = |b: u8| b.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&b);
        part.starts_with(|first: char| first.is_ascii_alphanumeric()) && part.bytes().all(known)
    };
    let printable = text.bytes().all(|b| (b' '..=b'~').contains(&b));
    let halves = essence.split_once('/');
    printable && halves.is_some_and(|(kind, subtype)| part(kind) && part(subtype))
}

/// The beginning of what a guest said, for a message.
fn cut(text: &str) -> &str {
    &text[..text.floor_char_boundary(80)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> contract::Description {
        contract::Description {
            name: "card-payments2".into(),
            version: "1.2.3-rc.1".into(),
            summary: "Payments.".into(),
            config_schema: r#"{"type": "object"}"#.into(),
            content_type: "application/json".into(),
            random_access: true,
            labels: vec![("a".into(), "b".into())],
        }
    }

    fn refused(change: impl FnOnce(&mut contract::Description)) -> String {
        let mut said = good();
        change(&mut said);
        check(said).map(|(said, _)| said).unwrap_err()
    }

    #[test]
    fn a_good_description_passes() {
        let (said, schema) = check(good()).unwrap_or_else(|reason| panic!("{reason}"));
        assert_eq!(said.version, Version::parse("1.2.3-rc.1").unwrap());
        assert!(said.is_json() && schema.is_valid(&serde_json::json!({})));
    }

    #[test]
    fn every_field_is_checked() {
        for name in ["", "A", "1a", "a_b", "a b", "../a", &"a".repeat(65)] {
            assert!(refused(|d| d.name = name.into()).starts_with("name"));
        }
        for version in [
            "",
            "1",
            "1.2",
            "v1.2.3",
            &format!("1.2.3-{}", "a".repeat(64)),
        ] {
            assert!(refused(|d| d.version = version.into()).starts_with("version"));
        }
        assert!(refused(|d| d.summary = "x".repeat(501)).contains("501"));
        assert!(refused(|d| d.summary = "\u{1b}[2J".into()).contains("control"));
        for kind in ["", "json", "a/", "/b", "a/b\n", "a b/c"] {
            assert!(refused(|d| d.content_type = kind.into()).contains("media type"));
        }
        assert!(refused(|d| d.content_type = format!("a/{}", "b".repeat(127))).contains("129"));
        assert!(refused(|d| d.labels = vec![d.labels[0].clone(); 65]).contains("64 labels"));
        assert!(refused(|d| d.labels[0].1 = "x".repeat(257)).contains("label"));
        for schema in [
            "{",
            r#"{"type": "string"}"#,
            r#"{"properties": {"n": {"type": "integer", "default": "soon"}}}"#,
            r##"{"properties": {"n": {"$ref": "#", "default": {}}}}"##,
        ] {
            let reason = refused(|d| d.config_schema = schema.into());
            assert!(reason.starts_with("config-schema"), "{reason}");
        }
        // What a user has to give may be missing from the defaults.
        let mut needy = good();
        needy.config_schema = r#"{"required": ["n"], "type": ["object", "null"]}"#.into();
        assert!(check(needy).is_ok());
    }

    #[test]
    fn json_is_known_by_its_media_type() {
        let said = |kind: &str| {
            let mut said = good();
            said.content_type = kind.into();
            check(said).map(|(said, _)| said.is_json()).unwrap()
        };
        assert!(said("application/cloudevents+json"));
        assert!(said("application/json; charset=utf-8"));
        assert!(!said("text/csv"));
    }

    fn channel(name: &str, schema: &str) -> contract::Channel {
        contract::Channel {
            name: name.into(),
            schema: schema.into(),
        }
    }

    #[test]
    fn channels_are_checked() {
        let refused = |said| check_channels(said).map(|_| ()).unwrap_err();
        assert!(check_channels(vec![channel("a", "true"), channel("b_1", "{}")]).is_ok());
        assert!(refused(vec![]).contains("0 channels"));
        let many = |count| (0..count).map(|n| channel(&format!("c{n}"), "{}"));
        assert!(check_channels(many(256).collect()).is_ok());
        assert!(refused(many(257).collect()).contains("257"));
        assert!(refused(vec![channel("a-b", "{}")]).contains("a-b"));
        assert!(refused(vec![channel("a", "{}"), channel("a", "{}")]).contains("two"));
        assert!(refused(vec![channel("a", "{")]).contains("channel `a`"));
        let remote = r#"{"$ref": "https://example.org"}"#;
        assert!(refused(vec![channel("a", remote)]).contains("begin with `#`"));
        let large = format!("{{\"title\": \"{}\"}}", "x".repeat(250 << 10));
        let large = (0..17).map(|n| channel(&format!("c{n}"), &large)).collect();
        assert!(refused(large).contains("together"));
    }
}
