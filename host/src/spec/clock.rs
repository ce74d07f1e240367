//! The clock, the end, and how records are checked.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserialize, Deserializer, Visitor};
use serde::{Serialize, Serializer};

use super::units::{Instant, Time, Whole};
use crate::record::Nanos;
use crate::schedule::{Gap, Speed};

/// A speed as people write it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SpeedText(pub Speed);

impl std::str::FromStr for SpeedText {
    type Err = String;

    fn from_str(text: &str) -> Result<SpeedText, String> {
        match text.trim() {
            "max" => Ok(SpeedText(Speed::Max)),
            number => match number.parse::<f64>() {
                Ok(times) => SpeedText::times(times),
                Err(_) => Err(format!(
                    "`{text}` is not a speed\nwrite a number such as 60, or max"
                )),
            },
        }
    }
}

impl SpeedText {
    fn times(times: f64) -> Result<SpeedText, String> {
        if times.is_finite() && times > 0.0 {
            Ok(SpeedText(Speed::Times(times)))
        } else {
            Err(format!(
                "the speed {times} is not above 0\nwrite a number such as 60, or max"
            ))
        }
    }
}

impl<'de> Deserialize<'de> for SpeedText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<SpeedText, D::Error> {
        struct Form;
        impl Visitor<'_> for Form {
            type Value = SpeedText;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a speed: a number above 0, or max")
            }
            fn visit_u64<E: de::Error>(self, times: u64) -> Result<SpeedText, E> {
                SpeedText::times(times as f64).map_err(E::custom)
            }
            fn visit_i64<E: de::Error>(self, times: i64) -> Result<SpeedText, E> {
                SpeedText::times(times as f64).map_err(E::custom)
            }
            fn visit_f64<E: de::Error>(self, times: f64) -> Result<SpeedText, E> {
                SpeedText::times(times).map_err(E::custom)
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<SpeedText, E> {
                text.parse().map_err(E::custom)
            }
        }
        deserializer.deserialize_any(Form)
    }
}

impl Serialize for SpeedText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Speed::Times(times) => serializer.serialize_f64(times),
            Speed::Max => serializer.serialize_str("max"),
        }
    }
}

impl JsonSchema for SpeedText {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Speed".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "anyOf": [{ "type": "number", "exclusiveMinimum": 0 }, { "type": "string" }]
        })
    }
}

/// What becomes of the time in which an emulation was paused, or not running at all.
#[derive(Clone, Copy, serde::Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(rename = "Gap")]
enum GapText {
    /// Event time moves on by it.
    Shift,
    /// Event time goes on as if there had been none.
    Keep,
}

/// The clock: from profile time to event time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Clock {
    /// Event time of the run's origin, nanoseconds since the Unix epoch; none for the run's start.
    pub start: Option<Nanos>,
    /// How fast it goes.
    pub speed: Speed,
    /// Event time from tick to tick under `load: max`.
    pub step: Nanos,
    /// As written; [`Clock::gap`] says what holds.
    pub on_gap: Option<Gap>,
}

impl Default for Clock {
    fn default() -> Clock {
        Clock {
            start: None,
            speed: Speed::Times(1.0),
            step: 1_000_000,
            on_gap: None,
        }
    }
}

impl Clock {
    /// What becomes of a gap: as written, else `shift` for a realtime clock and `keep` with a
    /// `start`; a clock at full speed always keeps.
    pub fn gap(&self) -> Gap {
        match (self.speed, self.on_gap, self.start) {
            (Speed::Max, ..) => Gap::Keep,
            (_, Some(gap), _) => gap,
            (_, None, Some(_)) => Gap::Keep,
            (_, None, None) => Gap::Shift,
        }
    }
}

/// The clock as a map.
#[derive(serde::Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ClockForm {
    /// Event time of the run's origin; the run's start, rounded down to the second, when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    start: Option<Instant>,
    /// How many times faster than the wall event time goes; `max` is a backfill. 1 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    speed: Option<SpeedText>,
    /// Event time from tick to tick under `load: max`; 1ms when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    step: Option<Time>,
    /// `shift` moves event time on by the time in which the emulation was paused or not running,
    /// `keep` doesn't. `shift` when absent and there is no `start`, else `keep`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    on_gap: Option<GapText>,
}

impl<'de> Deserialize<'de> for Clock {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Clock, D::Error> {
        struct Form;
        impl<'de> Visitor<'de> for Form {
            type Value = Clock;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("`realtime`, or a map such as {start: 2024-01-01T00:00:00Z, speed: 60}")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Clock, E> {
                match text {
                    "realtime" => Ok(Clock::default()),
                    _ => Err(E::invalid_value(de::Unexpected::Str(text), &self)),
                }
            }
            fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<Clock, A::Error> {
                let form = ClockForm::deserialize(de::value::MapAccessDeserializer::new(map))?;
                let standard = Clock::default();
                Ok(Clock {
                    start: form.start.map(|start| start.0),
                    speed: form.speed.map_or(standard.speed, |speed| speed.0),
                    step: form.step.map_or(standard.step, |step| step.0),
                    on_gap: form.on_gap.map(|gap| match gap {
                        GapText::Shift => Gap::Shift,
                        GapText::Keep => Gap::Keep,
                    }),
                })
            }
        }
        deserializer.deserialize_any(Form)
    }
}

impl Serialize for Clock {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let standard = Clock::default();
        if *self == standard {
            return serializer.serialize_str("realtime");
        }
        ClockForm {
            start: self.start.map(Instant),
            speed: (self.speed != standard.speed).then_some(SpeedText(self.speed)),
            step: (self.step != standard.step).then_some(Time(self.step)),
            on_gap: self.on_gap.map(|gap| match gap {
                Gap::Shift => GapText::Shift,
                Gap::Keep => GapText::Keep,
            }),
        }
        .serialize(serializer)
    }
}

impl JsonSchema for Clock {
    fn schema_name() -> Cow<'static, str> {
        "Clock".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let form = generator.subschema_for::<ClockForm>();
        json_schema!({
            "description": "What event time records carry: `realtime` (when absent), or a map.",
            "anyOf": [{ "const": "realtime" }, form]
        })
    }
}

/// When an emulation ends: at whichever comes first. Nothing set means when it is stopped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Until {
    /// After so many ticks of all streams together.
    pub records: Option<u64>,
    /// Before the first tick whose profile time is this or more, nanoseconds.
    pub time: Option<Nanos>,
    /// Before the first tick whose event time is this or more, nanoseconds since the Unix epoch.
    pub event_time: Option<Nanos>,
}

impl Until {
    /// Whether it never ends by itself.
    pub fn is_never(&self) -> bool {
        *self == Until::default()
    }
}

/// When the emulation ends: at whichever comes first.
#[derive(serde::Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Until")]
struct UntilForm {
    /// After so many ticks of all streams together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    records: Option<Whole>,
    /// After so much profile time (at speed 60, ten minutes of it are ten seconds of the wall's).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    time: Option<Time>,
    /// Before this event time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    event_time: Option<Instant>,
}

impl<'de> Deserialize<'de> for Until {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Until, D::Error> {
        let form = UntilForm::deserialize(deserializer)?;
        Ok(Until {
            records: form.records.map(|records| records.0),
            time: form.time.map(|time| time.0),
            event_time: form.event_time.map(|instant| instant.0),
        })
    }
}

impl Serialize for Until {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        UntilForm {
            records: self.records.map(Whole),
            time: self.time.map(Time),
            event_time: self.event_time.map(Instant),
        }
        .serialize(serializer)
    }
}

impl JsonSchema for Until {
    fn schema_name() -> Cow<'static, str> {
        "Until".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        UntilForm::json_schema(generator)
    }
}

/// Which records are checked against their channel's schema.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Validate {
    /// None.
    Off,
    /// The first thousand of each stream, then one in a thousand.
    #[default]
    Sample,
    /// All.
    All,
}
