//! What a run is expected to reach: `expect: {rate: ">= 99%", release_p99: "< 5ms", rejected: 0}`.

mod metrics;

use std::fmt;

use serde_json::{Map, Value, json};

use super::place::suggest;
use super::units::{decimal, show_time, time};
use crate::record::Nanos;
pub use metrics::METRICS;

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
            let mut known: Vec<&str> = METRICS.iter().map(|(metric, ..)| *metric).collect();
            known.push("abort");
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

    /// Whether it can be told while the run goes on: a count that may only grow can pass its upper
    /// bound for good, and a rate or a percentile is what it is so far; a lower bound of a count may
    /// still be reached.
    pub fn tells_early(&self) -> bool {
        let upper = matches!(
            self.comparison,
            Comparison::Less | Comparison::AtMost | Comparison::Equal
        );
        match self.unit {
            Unit::Rate => self.comparison != Comparison::Unequal,
            Unit::Time => upper,
            Unit::Count => upper && self.metric != "ended_early",
        }
    }

    /// Whether it holds of a value so far, for a rule that can be told early: what is to be equal in
    /// the end only mustn't be more before.
    pub fn holds_so_far(&self, value: f64) -> bool {
        let (Bound::Number(bound) | Bound::Share(bound) | Bound::Time(bound)) = self.bound;
        match (self.unit, self.comparison) {
            (Unit::Count | Unit::Time, Comparison::Equal) => value <= bound,
            _ => self.holds(value),
        }
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

/// What a run is expected to reach, and whether it goes on when it can't any more.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Expect {
    /// Each is to hold.
    pub rules: Vec<Rule>,
    /// A rule that doesn't hold any more ends the run, from so many nanoseconds after its start on.
    pub abort: Option<Nanos>,
}

/// Before it, a rate or a percentile means little.
const SETTLED: Nanos = 5_000_000_000;

/// From when on a rule may end the run: `true` (5 s), or a time.
fn abort(value: &Value) -> Option<Option<Nanos>> {
    match value {
        Value::Bool(true) => Some(Some(SETTLED)),
        Value::Bool(false) => Some(None),
        Value::String(text) => time(text).ok().map(Some),
        _ => None,
    }
}

impl Expect {
    /// From a spec's map, or what is wrong and under which name.
    pub(super) fn read(map: &Map<String, Value>) -> Result<Expect, (String, String)> {
        let mut expect = Expect::default();
        for (name, value) in map {
            let wrong = |message| (name.clone(), message);
            if name == "abort" {
                expect.abort = abort(value).ok_or_else(|| {
                    wrong("`abort` is true, false or a time\nwrite true, or 30s to begin half a minute after the start".to_owned())
                })?;
                continue;
            }
            let one = std::slice::from_ref(value);
            let texts = match value {
                Value::Array(several) if !several.is_empty() => several.as_slice(),
                _ => one,
            };
            for value in texts {
                let text = match value {
                    Value::String(text) => text.clone(),
                    Value::Number(number) => number.to_string(),
                    _ => String::new(),
                };
                let rule = Rule::parse(name, &text).map_err(wrong)?;
                expect.rules.push(rule);
            }
        }
        Ok(expect)
    }

    /// Lays a flag's text over it, `rate>=99%` or `abort`: the first rule on something replaces the
    /// spec's, those after it are added.
    ///
    /// # Errors
    /// What is wrong and what to write (behind a line feed).
    pub fn flags(&mut self, texts: &[String]) -> Result<(), String> {
        let mut given: Vec<Rule> = Vec::new();
        for text in texts {
            let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
            let text = text.trim();
            let end = text.find(|c| !word(c)).unwrap_or(text.len());
            let (name, rest) = text.split_at(end);
            match (name, rest.trim()) {
                ("abort", "") => self.abort = Some(SETTLED),
                ("abort", after) => {
                    let after = after.trim_start_matches(['=', ' ']);
                    self.abort = Some(time(after)?);
                }
                (_, "") => {
                    return Err(format!(
                        "`{text}` has no bound\nwrite NAME and its bound, such as 'rate>=99%', or abort"
                    ));
                }
                (name, bound) => given.push(Rule::parse(name, bound)?),
            }
        }
        let named = |rule: &Rule| given.iter().any(|new| new.metric == rule.metric);
        self.rules.retain(|rule| !named(rule));
        self.rules.extend(given);
        Ok(())
    }

    /// As a spec writes it.
    pub(super) fn written(&self) -> Map<String, Value> {
        let mut map = Map::new();
        for rule in &self.rules {
            let text = json!(rule.condition());
            match map.get_mut(rule.metric) {
                None => drop(map.insert(rule.metric.to_owned(), text)),
                Some(Value::Array(several)) => several.push(text),
                Some(one) => *one = json!([one.take(), text]),
            }
        }
        if let Some(after) = self.abort {
            map.insert("abort".to_owned(), json!(show_time(after)));
        }
        map
    }
}

/// The JSON Schema of the map.
pub(super) fn schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    let mut properties: Map<String, Value> = METRICS
        .iter()
        .map(|(name, unit, meaning)| {
            let one = match unit {
                Unit::Count => json!({ "type": ["number", "string"] }),
                _ => json!({ "type": "string" }),
            };
            let several = json!({ "type": "array", "items": one, "minItems": 1 });
            (
                (*name).to_owned(),
                json!({ "anyOf": [one, several], "description": meaning }),
            )
        })
        .collect();
    properties.insert(
        "abort".to_owned(),
        json!({
            "type": ["boolean", "string"],
            "description": "ends the run once a rule can't hold any more, or doesn't 5 s after the start (or after the time given)"
        }),
    );
    schemars::json_schema!({
        "type": "object",
        "properties": properties,
        "additionalProperties": false
    })
}
