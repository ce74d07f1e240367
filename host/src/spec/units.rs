//! Numbers with units as people write them: times, instants, shares, whole numbers.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserialize, Deserializer, Visitor};
use serde::{Serialize, Serializer};

use crate::record::Nanos;

/// Units of time and their nanoseconds, longest first.
const UNITS: &[(&str, u64)] = &[
    ("d", 86_400_000_000_000),
    ("h", 3_600_000_000_000),
    ("m", 60_000_000_000),
    ("s", 1_000_000_000),
    ("ms", 1_000_000),
    ("us", 1_000),
    ("µs", 1_000),
    ("ns", 1),
];

/// A length of time such as `10m`, `1h30m`, `2.5s`, `250ms`, in nanoseconds.
///
/// # Errors
/// What is wrong with it and how it is written, in one sentence.
pub fn time(text: &str) -> Result<Nanos, String> {
    let wrong = || {
        format!(
            "`{text}` is not a time\nwrite a number and a unit (ns, us, ms, s, m, h, d), such as 250ms, 10s or 1h30m"
        )
    };
    let mut rest = text.trim();
    let mut total: u128 = 0;
    if rest.is_empty() {
        return Err(wrong());
    }
    while !rest.is_empty() {
        let digits = rest
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .ok_or_else(wrong)?;
        let (number, after) = rest.split_at(digits);
        let letters = after
            .find(|c: char| !c.is_alphabetic())
            .unwrap_or(after.len());
        let (unit, after) = after.split_at(letters);
        let (_, scale) = UNITS
            .iter()
            .find(|(name, _)| *name == unit)
            .ok_or_else(wrong)?;
        let (number, divisor) = decimal(number).ok_or_else(wrong)?;
        total += (number * u128::from(*scale) + divisor / 2) / divisor;
        rest = after;
    }
    u64::try_from(total)
        .map_err(|_| format!("`{text}` is longer than 584 years\nwrite a shorter time"))
}

/// A decimal number without a sign, exactly: numerator and power of ten. At most 20 digits.
pub fn decimal(text: &str) -> Option<(u128, u128)> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = whole.len() + fraction.len();
    let plain = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    if digits == 0 || digits > 20 || !plain(whole) || !plain(fraction) {
        return None;
    }
    let number = format!("{whole}{fraction}").parse().ok()?;
    Some((number, 10_u128.pow(u32::try_from(fraction.len()).ok()?)))
}

/// A time as [`time`] reads it, with the largest unit that leaves a whole number.
pub fn show_time(nanos: Nanos) -> String {
    let fits = |(_, scale): &&(&str, u64)| nanos != 0 && nanos.is_multiple_of(*scale);
    match UNITS.iter().find(fits) {
        Some((unit, scale)) => format!("{}{unit}", nanos / scale),
        None => format!("{}s", nanos / 1_000_000_000),
    }
}

/// An instant such as `2024-01-01T00:00:00Z`, or a date, which is its midnight in UTC; nanoseconds
/// since the Unix epoch.
///
/// # Errors
/// What is wrong with it and how it is written, in one sentence.
pub fn instant(text: &str) -> Result<Nanos, String> {
    let text = text.trim();
    let date_only = text.len() == 10 && text.bytes().filter(|&b| b == b'-').count() == 2;
    let full = if date_only {
        Cow::Owned(format!("{text}T00:00:00Z"))
    } else {
        Cow::Borrowed(text)
    };
    let stamp: jiff::Timestamp = full.parse().map_err(|_| {
        format!("`{text}` is not an instant\nwrite it with a time zone, such as 2024-01-01T00:00:00Z, or as a date, such as 2024-01-01")
    })?;
    u64::try_from(stamp.as_nanosecond()).map_err(|_| {
        format!("`{text}` is before 1970 or after 2554\nwrite an instant between them")
    })
}

/// An instant as [`instant`] reads it, in UTC.
pub fn show_instant(nanos: Nanos) -> String {
    match jiff::Timestamp::from_nanosecond(i128::from(nanos)) {
        Ok(stamp) => stamp.to_string(),
        Err(_) => format!("{nanos}ns"),
    }
}

/// A whole number that may be written as text, since JSON clients lose digits past 2⁵³.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Whole(pub u64);

impl<'de> Deserialize<'de> for Whole {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Whole, D::Error> {
        struct WholeVisitor;
        impl Visitor<'_> for WholeVisitor {
            type Value = Whole;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a whole number from 0 to 18446744073709551615")
            }
            fn visit_u64<E>(self, value: u64) -> Result<Whole, E> {
                Ok(Whole(value))
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Whole, E> {
                let number = text.parse();
                number
                    .map(Whole)
                    .map_err(|_| E::invalid_type(de::Unexpected::Str(text), &self))
            }
        }
        deserializer.deserialize_any(WholeVisitor)
    }
}

impl Serialize for Whole {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0 <= 1 << 53 {
            serializer.serialize_u64(self.0)
        } else {
            serializer.collect_str(&self.0)
        }
    }
}

impl JsonSchema for Whole {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Whole".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "anyOf": [
                { "type": "integer", "minimum": 0, "maximum": u64::MAX },
                { "type": "string", "pattern": "^[0-9]{1,20}$" }
            ]
        })
    }
}

/// Makes a type that is written as text: `$parse` reads it, `$show` writes it.
macro_rules! textual {
    ($(#[$doc:meta])* $name:ident, $inner:ty, $parse:path, $show:path, $expecting:literal, $pattern:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct $name(pub $inner);

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<$name, D::Error> {
                struct TextVisitor;
                impl Visitor<'_> for TextVisitor {
                    type Value = $name;
                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str($expecting)
                    }
                    fn visit_str<E: de::Error>(self, text: &str) -> Result<$name, E> {
                        $parse(text).map($name).map_err(E::custom)
                    }
                }
                deserializer.deserialize_any(TextVisitor)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&$show(self.0))
            }
        }

        impl JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": "string", "description": $expecting, "pattern": $pattern })
            }
        }
    };
}
pub(super) use textual;

textual!(
    /// A length of time, written `10s`, in nanoseconds.
    Time,
    Nanos,
    time,
    show_time,
    "a time with its unit, such as 250ms, 10s or 1h30m",
    r"^\s*([0-9.]+(ns|us|µs|ms|s|m|h|d))+\s*$"
);

textual!(
    /// An instant, written `2024-01-01T00:00:00Z`, in nanoseconds since the Unix epoch.
    Instant,
    Nanos,
    instant,
    show_instant,
    "an instant such as 2024-01-01T00:00:00Z",
    r"^\s*[0-9]{4}-[0-9]{2}-[0-9]{2}([Tt ].*)?$"
);
