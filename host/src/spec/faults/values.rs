//! What faults are written with: shares, spans, a number of records or a time.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};
use serde::{Serialize, Serializer};

use super::super::units::{Time, show_time, textual, time};
use crate::record::Nanos;

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

pub(super) struct ShareVisitor;

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

/// Makes a type that is written as a number of records or as a time.
macro_rules! records_or_time {
    ($(#[$doc:meta])* $name:ident { $(#[$records:meta])* Records, $(#[$times:meta])* Time }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name {
            $(#[$records])*
            Records(u64),
            $(#[$times])*
            Time(Nanos),
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<$name, D::Error> {
                struct Form;
                impl Visitor<'_> for Form {
                    type Value = $name;
                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str("a number of records, or a time such as 5s")
                    }
                    fn visit_u64<E>(self, records: u64) -> Result<$name, E> {
                        Ok($name::Records(records))
                    }
                    fn visit_str<E: de::Error>(self, text: &str) -> Result<$name, E> {
                        time(text).map($name::Time).map_err(E::custom)
                    }
                }
                deserializer.deserialize_any(Form)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                match self {
                    $name::Records(records) => serializer.serialize_u64(*records),
                    $name::Time(nanos) => serializer.serialize_str(&show_time(*nanos)),
                }
            }
        }

        impl JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(generator: &mut SchemaGenerator) -> Schema {
                let time = generator.subschema_for::<Time>();
                json_schema!({ "anyOf": [{ "type": "integer", "minimum": 0 }, time] })
            }
        }
    };
}

records_or_time!(
    /// When a copy follows its original.
    After {
        /// At the instant of the stream's record so many further on; 0 is right behind the original.
        Records,
        /// So much profile time later.
        Time
    }
);

records_or_time!(
    /// How far back a record may fall.
    Within {
        /// Behind the stream's record 1 to so many further on.
        Records,
        /// By up to so much profile time.
        Time
    }
);

/// Reads a share alone, or a map of the form `F`.
pub(super) struct ShareOr<F>(pub PhantomData<F>);

impl<'de, F: Deserialize<'de> + From<Share>> Visitor<'de> for ShareOr<F> {
    type Value = F;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a share such as 0.01, or a map such as {share: 0.01}")
    }

    fn visit_u64<E: de::Error>(self, share: u64) -> Result<F, E> {
        ShareVisitor.visit_u64(share).map(F::from)
    }

    fn visit_i64<E: de::Error>(self, share: i64) -> Result<F, E> {
        ShareVisitor.visit_i64(share).map(F::from)
    }

    fn visit_f64<E: de::Error>(self, share: f64) -> Result<F, E> {
        ShareVisitor.visit_f64(share).map(F::from)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<F, E> {
        ShareVisitor.visit_str(text).map(F::from)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<F, A::Error> {
        F::deserialize(de::value::MapAccessDeserializer::new(map))
    }
}
