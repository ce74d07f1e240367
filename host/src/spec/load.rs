//! The load: at which instants records are due.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserialize, Deserializer, Visitor};
use serde::{Serialize, Serializer};

use super::units::{Time, show_time, textual};
use crate::schedule;

/// Reads a rate such as `500/s`, `0.5/s`, `90/min`.
fn rate(text: &str) -> Result<schedule::Rate, String> {
    text.parse()
        .map_err(|error: schedule::RateError| error.to_string().replacen("; ", "\n", 1))
}

fn show_rate(rate: schedule::Rate) -> String {
    rate.to_string()
}

textual!(
    /// A rate, written `500/s`.
    Rate,
    schedule::Rate,
    rate,
    show_rate,
    "a rate such as 500/s, 0.5/s or 90/min",
    r"^\s*[0-9._]+[kM]?\s*/\s*(ms|s|sec|second|m|min|minute|h|hour|d|day)\s*$"
);

impl Rate {
    /// Records a second, for figures and estimates.
    pub fn per_second(self) -> f64 {
        self.0.per_second()
    }

    /// Whether nothing is ever due at this rate.
    pub fn is_zero(self) -> bool {
        self.0.is_zero()
    }
}

/// A beat: `records` at once in each `period`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Beat {
    /// From one beat to the next.
    pub period: Time,
    /// How many records are due at each beat; 1 when absent.
    #[serde(default = "one")]
    pub records: u64,
}

fn one() -> u64 {
    1
}

/// One stage: the rate changes linearly from one value to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Stage {
    /// How long it takes.
    #[serde(rename = "for")]
    pub length: Time,
    /// The rate at its beginning; when absent the rate at which the stage before ended, 0/s for the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Rate>,
    /// The rate at its end. The last stage's goes on afterwards.
    pub to: Rate,
}

/// A curve that comes back each period, such as that of a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sine {
    /// The lowest rate.
    pub low: Rate,
    /// The highest rate.
    pub high: Rate,
    /// From one peak to the next.
    pub period: Time,
    /// When, after the run's origin, the first peak falls; half a period when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peak: Option<Time>,
}

/// Bursts: each period begins with some time at a high rate, and goes on at a low one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Burst {
    /// The rate during a burst.
    pub peak: Rate,
    /// The rate between bursts; 0/s when absent.
    #[serde(default = "nothing")]
    pub base: Rate,
    /// From one burst's beginning to the next.
    pub every: Time,
    /// How long a burst lasts.
    #[serde(rename = "for")]
    pub length: Time,
}

fn nothing() -> Rate {
    Rate(schedule::Rate::ZERO)
}

/// The profile of a load.
#[derive(Clone, Debug, PartialEq)]
pub enum Load {
    /// Evenly.
    Constant(Rate),
    /// So many at each beat.
    Every(Beat),
    /// At random, so many on average.
    Poisson(Rate),
    /// Linear ramps, one after another.
    Stages(Vec<Stage>),
    /// Up and down.
    Sine(Sine),
    /// In bursts.
    Burst(Burst),
    /// As fast as the sinks take it.
    Max,
}

impl Default for Load {
    fn default() -> Load {
        // Ten a second is a rate; if it weren't, nothing would be due.
        Load::Constant(Rate(
            schedule::Rate::new(10, 1_000_000_000).unwrap_or(schedule::Rate::ZERO),
        ))
    }
}

/// `every: 2s`, or `every: {period: 2s, records: 10}`.
struct BeatForm(Beat);

impl<'de> Deserialize<'de> for BeatForm {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<BeatForm, D::Error> {
        struct Form;
        impl<'de> Visitor<'de> for Form {
            type Value = BeatForm;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a time such as 2s, or {period: 2s, records: 10}")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<BeatForm, E> {
                let period = Time(super::units::time(text).map_err(E::custom)?);
                Ok(BeatForm(Beat { period, records: 1 }))
            }
            fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<BeatForm, A::Error> {
                Beat::deserialize(de::value::MapAccessDeserializer::new(map)).map(BeatForm)
            }
        }
        deserializer.deserialize_any(Form)
    }
}

impl JsonSchema for BeatForm {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Every".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let (time, beat) = (
            generator.subschema_for::<Time>(),
            generator.subschema_for::<Beat>(),
        );
        json_schema!({ "anyOf": [time, beat] })
    }
}

/// A load that needs more than a word.
#[derive(serde::Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum LoadForm {
    /// Evenly: the same as the rate alone.
    Constant(Rate),
    /// So many at each beat.
    Every(BeatForm),
    /// At random, so many on average.
    Poisson(Rate),
    /// Linear ramps, one after another.
    Stages(Vec<Stage>),
    /// Up and down.
    Sine(Sine),
    /// In bursts.
    Burst(Burst),
}

impl From<LoadForm> for Load {
    fn from(form: LoadForm) -> Load {
        match form {
            LoadForm::Constant(rate) => Load::Constant(rate),
            LoadForm::Every(beat) => Load::Every(beat.0),
            LoadForm::Poisson(rate) => Load::Poisson(rate),
            LoadForm::Stages(stages) => Load::Stages(stages),
            LoadForm::Sine(sine) => Load::Sine(sine),
            LoadForm::Burst(burst) => Load::Burst(burst),
        }
    }
}

/// As typed after `--load`: `500/s`, `max`, `every:2s`, `poisson:500/s`, or the map of a spec.
impl std::str::FromStr for Load {
    type Err = String;

    fn from_str(text: &str) -> Result<Load, String> {
        let trimmed = text.trim();
        if trimmed.starts_with('{') {
            return super::form::from_flag::<Load>(trimmed);
        }
        match trimmed.split_once(':') {
            None if trimmed == "max" => Ok(Load::Max),
            None if trimmed.contains('/') => rate(trimmed).map(|rate| Load::Constant(Rate(rate))),
            Some(("constant", rest)) => rate(rest).map(|rate| Load::Constant(Rate(rate))),
            Some(("poisson", rest)) => rate(rest).map(|rate| Load::Poisson(Rate(rate))),
            Some(("every", rest)) => {
                let period = Time(super::units::time(rest)?);
                Ok(Load::Every(Beat { period, records: 1 }))
            }
            _ => Err(format!(
                "`{text}` is not a load\nwrite a rate such as 500/s, or max, every:2s, poisson:500/s, or a map: {{stages: …}}, {{sine: …}}, {{burst: …}}"
            )),
        }
    }
}

impl<'de> Deserialize<'de> for Load {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Load, D::Error> {
        struct Form;
        impl<'de> Visitor<'de> for Form {
            type Value = Load;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a rate with its unit such as 500/s, or max, or a profile")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Load, E> {
                text.parse().map_err(E::custom)
            }
            fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<Load, A::Error> {
                LoadForm::deserialize(de::value::MapAccessDeserializer::new(map)).map(Load::from)
            }
        }
        deserializer.deserialize_any(Form)
    }
}

impl Serialize for Load {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let named = |name: &str, value: serde_json::Value| serde_json::json!({ name: value });
        let value =
            |value: serde_json::Result<serde_json::Value>| value.map_err(serde::ser::Error::custom);
        match self {
            Load::Max => serializer.serialize_str("max"),
            Load::Constant(rate) => rate.serialize(serializer),
            Load::Every(beat) => {
                named("every", value(serde_json::to_value(beat))?).serialize(serializer)
            }
            Load::Poisson(rate) => {
                named("poisson", value(serde_json::to_value(rate))?).serialize(serializer)
            }
            Load::Stages(stages) => {
                named("stages", value(serde_json::to_value(stages))?).serialize(serializer)
            }
            Load::Sine(sine) => {
                named("sine", value(serde_json::to_value(sine))?).serialize(serializer)
            }
            Load::Burst(burst) => {
                named("burst", value(serde_json::to_value(burst))?).serialize(serializer)
            }
        }
    }
}

impl JsonSchema for Load {
    fn schema_name() -> Cow<'static, str> {
        "Load".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let form = generator.subschema_for::<LoadForm>();
        json_schema!({
            "description": "When records are due: a rate such as 500/s, `max`, `every:2s`, `poisson:500/s`, or a profile as a map. 10/s when absent.",
            "anyOf": [{ "type": "string" }, form]
        })
    }
}

/// For messages.
impl fmt::Display for Load {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Load::Max => f.write_str("max"),
            Load::Constant(rate) => write!(f, "{}", rate.0),
            Load::Every(beat) => write!(f, "{} every {}", beat.records, show_time(beat.period.0)),
            Load::Poisson(rate) => write!(f, "poisson {}", rate.0),
            Load::Stages(stages) => write!(f, "{} stages", stages.len()),
            Load::Sine(_) => f.write_str("sine"),
            Load::Burst(_) => f.write_str("burst"),
        }
    }
}
