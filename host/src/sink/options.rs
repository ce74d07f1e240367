//! The options of a sink's block: reading them with errors that name the option, and the types
//! of sizes and durations that several sinks share.

use std::borrow::Cow;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{DeserializeOwned, Error};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use super::ConfigError;
use crate::encode::template::{Template, TemplateError, suggestion};
use crate::record::Channel;

/// Reads the options of a block.
///
/// # Errors
/// An unknown option (with the nearest name), a value of the wrong type, an option that is missing.
pub fn parse<T: DeserializeOwned + JsonSchema>(
    kind: &str,
    options: &Map<String, Value>,
) -> Result<T, ConfigError> {
    let schema = schemars::schema_for!(T);
    let known: Vec<&str> = schema
        .get("properties")
        .and_then(Value::as_object)
        .map(|properties| properties.keys().map(String::as_str).collect())
        .unwrap_or_default();
    for name in options.keys() {
        if !known.contains(&name.as_str()) {
            let hint = suggestion(name, &known);
            return Err(ConfigError::option(
                name,
                format!("`{name}` isn't an option of {kind}; {hint}"),
            ));
        }
    }
    serde_json::from_value(Value::Object(options.clone())).map_err(|error| {
        let text = error.to_string();
        match culprit::<T>(options, &text) {
            Some(name) => ConfigError::option(name, format!("`{name}` of {kind}: {text}")),
            None => ConfigError::new(format!("{kind}: {text}")),
        }
    })
}

/// The option without which the error would be another one. serde doesn't say.
fn culprit<'a, T: DeserializeOwned>(
    options: &'a Map<String, Value>,
    text: &str,
) -> Option<&'a str> {
    options.keys().map(String::as_str).find(|name| {
        let mut rest = options.clone();
        rest.shift_remove(*name);
        match serde_json::from_value::<T>(Value::Object(rest)) {
            Ok(_) => true,
            Err(other) => other.to_string() != text,
        }
    })
}

/// A template of the option with that name.
///
/// # Errors
/// Where its braces don't pair up.
pub fn template(option: &str, text: &str) -> Result<Template, ConfigError> {
    Template::parse(text).map_err(|error| of_template(option, &error))
}

/// Checks that the channels have what the templates of a block name, each with the option that it is.
///
/// # Errors
/// The first that names what a channel doesn't have.
pub fn check_templates<'a>(
    templates: impl IntoIterator<Item = (&'a str, &'a Template)>,
    channels: &[Channel],
    json: bool,
) -> Result<(), ConfigError> {
    templates.into_iter().try_for_each(|(option, template)| {
        template
            .check(channels, json)
            .map_err(|error| of_template(option, &error))
    })
}

/// A template's error as one of the option with that name.
pub fn of_template(option: &str, error: &TemplateError) -> ConfigError {
    ConfigError::option(option, format!("`{option}`: {error}"))
}

/// A duration: `500ms`, `30s`, `1h 30m`, or a number of seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span(pub Duration);

/// A number of bytes: `64KiB`, `100MB`, or a plain number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size(pub u64);

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text = jiff::SignedDuration::try_from(self.0).map_err(serde::ser::Error::custom)?;
        serializer.collect_str(&format_args!("{text:#}"))
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Span, D::Error> {
        let wrong = |given: &dyn std::fmt::Display| {
            D::Error::custom(format!(
                "{given} isn't a duration; write it as 500ms, 30s, 5m or 1h"
            ))
        };
        match Value::deserialize(deserializer)? {
            Value::Number(seconds) => seconds
                .as_f64()
                .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
                .map(Span)
                .ok_or_else(|| wrong(&seconds)),
            Value::String(text) => text
                .parse::<jiff::SignedDuration>()
                .ok()
                .and_then(|span| Duration::try_from(span).ok())
                .map(Span)
                .ok_or_else(|| wrong(&format_args!("\"{text}\""))),
            other => Err(wrong(&other)),
        }
    }
}

impl JsonSchema for Span {
    fn schema_name() -> Cow<'static, str> {
        "Duration".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": ["string", "number"]})
    }
}

const UNITS: [(&str, u64); 9] = [
    ("", 1),
    ("B", 1),
    ("KB", 1000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("KIB", 1 << 10),
    ("MIB", 1 << 20),
    ("GIB", 1 << 30),
    ("TB", 1_000_000_000_000),
];

impl std::str::FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Size, String> {
        let wrong = || format!("\"{text}\" isn't a size; write it as 65536, 64KiB or 100MB");
        let trimmed = text.trim();
        let digits = trimmed
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(trimmed.len());
        let unit = trimmed[digits..].trim().to_ascii_uppercase();
        let number: u64 = trimmed[..digits].parse().map_err(|_| wrong())?;
        let (_, factor) = UNITS
            .iter()
            .find(|(name, _)| *name == unit)
            .ok_or_else(wrong)?;
        number.checked_mul(*factor).map(Size).ok_or_else(wrong)
    }
}

impl Serialize for Size {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(self.0)
    }
}

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Size, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::Number(number) => number.to_string().parse().map_err(D::Error::custom),
            Value::String(text) => text.parse().map_err(D::Error::custom),
            other => Err(D::Error::custom(format!(
                "{other} isn't a size; write it as 65536, 64KiB or 100MB"
            ))),
        }
    }
}

impl JsonSchema for Size {
    fn schema_name() -> Cow<'static, str> {
        "Size".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": ["integer", "string"], "minimum": 0})
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[derive(Debug, Deserialize, JsonSchema)]
    struct Options {
        topic: String,
        #[serde(default)]
        partitions: Option<i32>,
        #[serde(default)]
        timeout: Option<Span>,
        #[serde(default)]
        size: Option<Size>,
    }

    fn read(value: Value) -> Result<Options, ConfigError> {
        parse("kafka", value.as_object().unwrap())
    }

    #[test]
    fn errors_name_the_option() {
        let unknown = read(json!({"topic": "a", "partitons": 3})).unwrap_err();
        assert_eq!(unknown.option.as_deref(), Some("partitons"));
        assert!(
            unknown.message.contains("`partitions`"),
            "{}",
            unknown.message
        );
        let wrong = read(json!({"topic": "a", "size": 7, "partitions": "many"})).unwrap_err();
        assert_eq!(wrong.option.as_deref(), Some("partitions"));
        let missing = read(json!({"partitions": 1})).unwrap_err();
        assert!(missing.message.contains("topic"), "{}", missing.message);
        let span = read(json!({"topic": "a", "timeout": "soon"})).unwrap_err();
        assert!(
            span.message.contains("\"soon\" isn't a duration"),
            "{}",
            span.message
        );
    }

    #[test]
    fn durations_and_sizes() {
        let options = read(json!({"topic": "a", "timeout": "1h 30m", "size": "64KiB"})).unwrap();
        assert_eq!((options.topic.as_str(), options.partitions), ("a", None));
        assert_eq!(options.timeout, Some(Span(Duration::from_secs(5400))));
        assert_eq!(options.size, Some(Size(65536)));
        assert_eq!("10 mb".parse(), Ok(Size(10_000_000)));
        assert_eq!(
            read(json!({"topic": "a", "timeout": 0.5})).unwrap().timeout,
            Some(Span(Duration::from_millis(500)))
        );
        assert_eq!(
            serde_json::to_value(Span(Duration::from_secs(300))).unwrap(),
            json!("5m")
        );
        assert!(read(json!({"topic": "a", "timeout": "-1s"})).is_err());
        for wrong in ["", "MB", "-1", "1.5MB", "99999999999GB"] {
            assert!(wrong.parse::<Size>().is_err(), "{wrong}");
        }
    }
}
