//! Faults as a spec writes them.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserialize, Deserializer, Visitor};
use serde::{Serialize, Serializer};

use super::units::{Time, show_time, textual, time};
use crate::record::Nanos;

/// What is done to records on purpose on their way, so that pipelines meet it.
#[derive(Clone, Debug, Default, PartialEq, serde::Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Faults {
    /// A share of the records comes twice: `0.01`, or `{share: 0.01, after: 5s}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duplicate: Option<Duplicate>,
    /// A share of the records comes late: `{share: 0.02, by: 5s..2m}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub late: Option<Late>,
}

impl Faults {
    /// Whether nothing is done to any record.
    pub fn is_none(&self) -> bool {
        *self == Faults::default()
    }
}

/// A share of something, from 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Share(pub f64);

impl Share {
    fn checked(share: f64) -> Result<Share, String> {
        if (0.0..=1.0).contains(&share) {
            Ok(Share(share))
        } else {
            Err(format!(
                "the share {share} is not between 0 and 1\nwrite 0.01 or 1% for one in a hundred"
            ))
        }
    }
}

impl std::str::FromStr for Share {
    type Err = String;

    fn from_str(text: &str) -> Result<Share, String> {
        let trimmed = text.trim();
        let (number, scale) = match trimmed.strip_suffix('%') {
            Some(percent) => (percent.trim(), 100.0),
            None => (trimmed, 1.0),
        };
        match number.parse::<f64>() {
            Ok(number) => Share::checked(number / scale),
            Err(_) => Err(format!(
                "`{text}` is not a share\nwrite 0.01 or 1% for one in a hundred"
            )),
        }
    }
}

struct ShareVisitor;

impl Visitor<'_> for ShareVisitor {
    type Value = Share;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a share from 0 to 1, such as 0.01 or 1%")
    }

    fn visit_u64<E: de::Error>(self, share: u64) -> Result<Share, E> {
        Share::checked(share as f64).map_err(E::custom)
    }

    fn visit_i64<E: de::Error>(self, share: i64) -> Result<Share, E> {
        Share::checked(share as f64).map_err(E::custom)
    }

    fn visit_f64<E: de::Error>(self, share: f64) -> Result<Share, E> {
        Share::checked(share).map_err(E::custom)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Share, E> {
        text.parse().map_err(E::custom)
    }
}

impl<'de> Deserialize<'de> for Share {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Share, D::Error> {
        deserializer.deserialize_any(ShareVisitor)
    }
}

impl Serialize for Share {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.0)
    }
}

impl JsonSchema for Share {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Share".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "anyOf": [
                { "type": "number", "minimum": 0, "maximum": 1 },
                { "type": "string", "pattern": r"^\s*[0-9.]+\s*%?\s*$" }
            ]
        })
    }
}

/// From a shortest to a longest time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Between {
    /// The shortest, nanoseconds.
    pub least: Nanos,
    /// The longest, nanoseconds; not below the shortest.
    pub most: Nanos,
}

fn between(text: &str) -> Result<Between, String> {
    let (least, most) = text.split_once("..").unwrap_or((text, text));
    let (least, most) = (time(least)?, time(most)?);
    if least > most {
        return Err(format!(
            "`{text}` begins above its end\nwrite the shorter time first, such as 5s..2m"
        ));
    }
    Ok(Between { least, most })
}

fn show_between(span: Between) -> String {
    format!("{}..{}", show_time(span.least), show_time(span.most))
}

textual!(
    /// A time, or two with `..` between them, each as likely as any other.
    Span,
    Between,
    between,
    show_between,
    "a time such as 5s, or two such as 5s..2m",
    r"^\s*[0-9].*$"
);

/// When a copy follows its original.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum After {
    /// At the instant of the stream's record so many further on; 0 is right behind the original.
    Records(u64),
    /// So much profile time later.
    Time(Nanos),
}

impl<'de> Deserialize<'de> for After {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<After, D::Error> {
        struct Form;
        impl Visitor<'_> for Form {
            type Value = After;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number of records, or a time such as 5s")
            }
            fn visit_u64<E>(self, records: u64) -> Result<After, E> {
                Ok(After::Records(records))
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<After, E> {
                time(text).map(After::Time).map_err(E::custom)
            }
        }
        deserializer.deserialize_any(Form)
    }
}

impl Serialize for After {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            After::Records(records) => serializer.serialize_u64(*records),
            After::Time(nanos) => serializer.serialize_str(&show_time(*nanos)),
        }
    }
}

impl JsonSchema for After {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "After".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let time = generator.subschema_for::<Time>();
        json_schema!({ "anyOf": [{ "type": "integer", "minimum": 0 }, time] })
    }
}

/// Copies of records.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Duplicate {
    /// How many of the records get a copy.
    pub share: Share,
    /// When the copy follows.
    pub after: After,
}

/// A share alone, or a map.
#[derive(serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Duplicate")]
struct DuplicateForm {
    /// How many of the records get a copy: 0.01 or 1%.
    share: Share,
    /// When the copy follows: a number of the stream's records, or a time such as 5s;
    /// right behind the original when absent.
    #[serde(default)]
    after: Option<After>,
}

impl Duplicate {
    fn at_once(share: Share) -> Duplicate {
        let after = After::Records(0);
        Duplicate { share, after }
    }
}

impl<'de> Deserialize<'de> for Duplicate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Duplicate, D::Error> {
        struct Form;
        impl<'de> Visitor<'de> for Form {
            type Value = Duplicate;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a share such as 0.01, or a map such as {share: 0.01, after: 5s}")
            }
            fn visit_u64<E: de::Error>(self, share: u64) -> Result<Duplicate, E> {
                ShareVisitor.visit_u64(share).map(Duplicate::at_once)
            }
            fn visit_i64<E: de::Error>(self, share: i64) -> Result<Duplicate, E> {
                ShareVisitor.visit_i64(share).map(Duplicate::at_once)
            }
            fn visit_f64<E: de::Error>(self, share: f64) -> Result<Duplicate, E> {
                ShareVisitor.visit_f64(share).map(Duplicate::at_once)
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Duplicate, E> {
                ShareVisitor.visit_str(text).map(Duplicate::at_once)
            }
            fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<Duplicate, A::Error> {
                let form = DuplicateForm::deserialize(de::value::MapAccessDeserializer::new(map))?;
                Ok(Duplicate {
                    share: form.share,
                    after: form.after.unwrap_or(After::Records(0)),
                })
            }
        }
        deserializer.deserialize_any(Form)
    }
}

impl JsonSchema for Duplicate {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "DuplicateFault".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let share = generator.subschema_for::<Share>();
        let form = generator.subschema_for::<DuplicateForm>();
        json_schema!({ "anyOf": [share, form] })
    }
}

/// Records that come late.
#[derive(Clone, Copy, Debug, PartialEq, serde::Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Late {
    /// How many of the records come late: 0.02 or 2%.
    pub share: Share,
    /// By how much: 30s, or any time from the first to the second, 5s..2m.
    pub by: Span,
}
