//! What a run is expected to reach: `expect: {rate: ">= 99%", release_p99: "< 5ms", rejected: 0}`.

use std::fmt;

use serde_json::{Map, Value, json};

use super::place::suggest;
use super::units::{decimal, show_time, time};

/// What is measured, and in what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Nanoseconds.
    Time,
    /// Records a second; a bound in percent is a share of what the load asked for.
    Rate,
    /// Records; a bound in percent is a share of what was generated.
    Count,
}

/// Everything that a rule can be about, with its meaning.
pub const METRICS: &[(&str, Unit, &str)] = &[
    (
        "rate",
        Unit::Rate,
        "records released a second; in percent of what the load asks for",
    ),
    (
        "release_p50",
        Unit::Time,
        "half of the records were released at most so late",
    ),
    (
        "release_p90",
        Unit::Time,
        "90 % of the records were released at most so late",
    ),
    (
        "release_p99",
        Unit::Time,
        "99 % of the records were released at most so late",
    ),
    (
        "release_p999",
        Unit::Time,
        "99.9 % of the records were released at most so late",
    ),
    (
        "release_max",
        Unit::Time,
        "all records were released at most so late",
    ),
    (
        "receipt_p50",
        Unit::Time,
        "half of the records were confirmed at most so late",
    ),
    (
        "receipt_p90",
        Unit::Time,
        "90 % of the records were confirmed at most so late",
    ),
    (
        "receipt_p99",
        Unit::Time,
        "99 % of the records were confirmed at most so late",
    ),
    (
        "receipt_p999",
        Unit::Time,
        "99.9 % of the records were confirmed at most so late",
    ),
    (
        "receipt_max",
        Unit::Time,
        "all records were confirmed at most so late",
    ),
    (
        "generated",
        Unit::Count,
        "ticks for which the generator was asked",
    ),
    (
        "skipped",
        Unit::Count,
        "ticks at which the generator had nothing to say",
    ),
    (
        "sent",
        Unit::Count,
        "records handed to sinks that give no receipts",
    ),
    (
        "acknowledged",
        Unit::Count,
        "records that every sink confirmed",
    ),
    (
        "rejected",
        Unit::Count,
        "records that a sink refused for good",
    ),
    (
        "dropped",
        Unit::Count,
        "records dropped because the spec says so",
    ),
    ("retried", Unit::Count, "writes tried again after an error"),
    (
        "resent",
        Unit::Count,
        "records sent again after a resume or a reconnect",
    ),
    (
        "faulted",
        Unit::Count,
        "copies added and records delayed by faults",
    ),
    (
        "ended_early",
        Unit::Count,
        "records missing to `until` when the generator ended before it",
    ),
];

/// How a value is compared with its bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `==`
    Equal,
    /// `!=`
    Unequal,
    /// `>=`
    AtLeast,
    /// `>`
    More,
}

/// Longest first, so that `<=` isn't taken for `<`.
const COMPARISONS: &[(&str, Comparison)] = &[
    ("<=", Comparison::AtMost),
    (">=", Comparison::AtLeast),
    ("==", Comparison::Equal),
    ("!=", Comparison::Unequal),
    ("<", Comparison::Less),
    (">", Comparison::More),
    ("=", Comparison::Equal),
];

/// What a value is compared with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Bound {
    /// A number: of records, or of records a second.
    Number(f64),
    /// A share (0.99 is 99 %).
    Share(f64),
    /// Nanoseconds.
    Time(f64),
}

/// One rule.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// What is measured: a name of [`METRICS`].
    pub metric: &'static str,
    /// In what it is measured.
    pub unit: Unit,
    /// How it is compared.
    pub comparison: Comparison,
    /// With what.
    pub bound: Bound,
}

impl Rule {
    /// A rule from its name and its text, `>= 99%`; a number alone means exactly so many.
    ///
    /// # Errors
    /// What is wrong and what to write (behind a line feed).
    pub fn parse(name: &str, text: &str) -> Result<Rule, String> {
        let Some((metric, unit, _)) = METRICS.iter().find(|(metric, ..)| *metric == name) else {
            let known: Vec<&str> = METRICS.iter().map(|(metric, ..)| *metric).collect();
            return Err(format!(
                "nothing is measured as `{name}`\n{}",
                suggest(name, &known)
            ));
        };
        let text = text.trim();
        let (comparison, rest) = COMPARISONS
            .iter()
            .find_map(|(sign, comparison)| Some((*comparison, text.strip_prefix(sign)?)))
            .unwrap_or((Comparison::Equal, text));
        let bound = bound(rest.trim(), *unit).ok_or_else(|| {
            let example = match unit {
                Unit::Time => "< 5ms",
                Unit::Rate => ">= 99% or >= 500/s",
                Unit::Count => "<= 10, >= 99% or 0",
            };
            format!("`{text}` is no bound for {name}\nwrite <, <=, ==, !=, >= or > and a value, such as {example}")
        })?;
        let unit = *unit;
        Ok(Rule {
            metric,
            unit,
            comparison,
            bound,
        })
    }

    /// Whether the rule holds of a value, which is in the unit of the bound: a number, a share
    /// (0.99), or nanoseconds.
    pub fn holds(&self, value: f64) -> bool {
        let (Bound::Number(bound) | Bound::Share(bound) | Bound::Time(bound)) = self.bound;
        match self.comparison {
            Comparison::Less => value < bound,
            Comparison::AtMost => value <= bound,
            Comparison::Equal => value == bound,
            Comparison::Unequal => value != bound,
            Comparison::AtLeast => value >= bound,
            Comparison::More => value > bound,
        }
    }

    /// Whether the rule decides over an exit status that rejected, dropped or ended-early records
    /// would give.
    pub fn decides(&self) -> bool {
        matches!(self.metric, "rejected" | "dropped" | "ended_early")
    }

    /// Comparison and bound: `>= 99%`.
    pub fn condition(&self) -> String {
        let sign = COMPARISONS
            .iter()
            .find(|(_, comparison)| *comparison == self.comparison);
        let sign = sign.map_or("==", |(sign, _)| *sign);
        match self.bound {
            Bound::Share(share) => format!("{sign} {}%", tidy(share * 100.0)),
            Bound::Time(nanos) => format!("{sign} {}", show_time(nanos as u64)),
            Bound::Number(rate) if self.unit == Unit::Rate => format!("{sign} {}/s", tidy(rate)),
            Bound::Number(number) => format!("{sign} {}", tidy(number)),
        }
    }
}

/// As a report shows it: `rate >= 99%`.
impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.metric, self.condition())
    }
}

/// A number without the dust of a division.
fn tidy(number: f64) -> f64 {
    (number * 1e9).round() / 1e9
}

fn bound(text: &str, unit: Unit) -> Option<Bound> {
    let number = |text: &str| {
        let (number, divisor) = decimal(text.trim())?;
        Some(number as f64 / divisor as f64)
    };
    if unit == Unit::Time {
        return time(text).ok().map(|nanos| Bound::Time(nanos as f64));
    }
    if let Some(percent) = text.strip_suffix('%') {
        return number(percent).map(|percent| Bound::Share(percent / 100.0));
    }
    match unit {
        Unit::Rate => {
            let rate: crate::schedule::Rate = text.parse().ok()?;
            Some(Bound::Number(rate.per_second()))
        }
        _ => number(text).map(Bound::Number),
    }
}

/// The rules of a spec's map, or what is wrong and under which name.
pub(super) fn rules(map: &Map<String, Value>) -> Result<Vec<Rule>, (String, String)> {
    let read = |(name, value): (&String, &Value)| {
        let text = match value {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            _ => String::new(),
        };
        Rule::parse(name, &text).map_err(|message| (name.clone(), message))
    };
    map.iter().map(read).collect()
}

/// The JSON Schema of the map.
pub(super) fn schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    let properties: Map<String, Value> = METRICS
        .iter()
        .map(|(name, unit, meaning)| {
            let types = match unit {
                Unit::Count => json!(["number", "string"]),
                _ => json!("string"),
            };
            (
                (*name).to_owned(),
                json!({ "type": types, "description": meaning }),
            )
        })
        .collect();
    schemars::json_schema!({
        "type": "object",
        "properties": properties,
        "additionalProperties": false
    })
}
