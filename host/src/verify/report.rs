//! What `verify` says in the end, as JSON and as types.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::rerun::{Rerun, StreamOf};
use super::tally::{Kind, Sample};
use crate::emulation::report::GeneratorId;

/// Fields that a difference shows.
const FIELDS: usize = 32;

/// Whether the run is what its manifest says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The same bytes, and the sink holds what it should.
    Verified,
    /// Something differs.
    Differs,
}

/// Counts of records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Counts {
    /// What the run released: matched, missing, altered and rejected.
    pub expected: u64,
    /// Found as they should be, wherever.
    pub matched: u64,
    /// Not found.
    pub missing: u64,
    /// Found once more than they should be.
    pub repeated: u64,
    /// Found, but not in the order that the sink promises to keep.
    pub reordered: u64,
    /// Found with other content.
    pub altered: u64,
    /// Found, and never given by the run.
    pub foreign: u64,
    /// Refused by the sink, as the run itself reported.
    pub rejected: u64,
}

/// A stream that was generated again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct StreamCheck {
    /// Which.
    pub index: u32,
    /// Records by the manifest.
    pub records: u64,
    /// Whether there are as many now, with the same hash.
    pub held: bool,
    /// What came out, where it didn't hold: how many, and their hash.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub found: Option<(u64, String)>,
}

impl StreamCheck {
    pub(super) fn new(stream: &StreamOf, (_, records, hash): (u32, u64, String)) -> StreamCheck {
        let held = records == stream.records && hash == stream.hash;
        StreamCheck {
            index: stream.index,
            records: stream.records,
            held,
            found: (!held).then_some((records, hash)),
        }
    }
}

/// A field that isn't as it should be.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct FieldDiff {
    /// Where, by a JSON pointer.
    pub field: String,
    /// What the run gave; absent where it has no such field.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected: Option<Value>,
    /// What the sink holds; absent where it has no such field.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub found: Option<Value>,
}

/// A record that something is wrong with.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Example {
    /// What.
    pub kind: Kind,
    /// File, topic, table, or beginning of the objects' names.
    pub place: String,
    /// Stream of the record; none of a foreign one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stream: Option<u32>,
    /// Its index in the stream, before faults.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub index: Option<u64>,
    /// 1 is the copy that a fault made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub copy: Option<u8>,
    /// Its place among the stream's releases.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sequence: Option<u64>,
    /// What the sink holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub found: Option<String>,
    /// What the record should be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected: Option<String>,
    /// Where the two differ, if both are JSON.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub diff: Vec<FieldDiff>,
}

impl Example {
    pub(super) fn of(sample: Sample, places: &[String]) -> Example {
        let text = |bytes: &Vec<u8>| String::from_utf8_lossy(bytes).into_owned();
        let json = |bytes: &Option<Vec<u8>>| {
            bytes
                .as_ref()
                .and_then(|bytes| serde_json::from_slice::<Value>(bytes).ok())
        };
        let mut diff = Vec::new();
        if let (Kind::Altered, Some(expected), Some(found)) =
            (sample.kind, json(&sample.expected), json(&sample.found))
        {
            differences(&mut String::new(), Some(&expected), Some(&found), &mut diff);
        }
        let which = sample.which.map(|(_, which)| which);
        Example {
            kind: sample.kind,
            place: places
                .get(sample.place as usize)
                .cloned()
                .unwrap_or_default(),
            stream: which.map(|w| w.stream),
            index: which.map(|w| w.index),
            copy: which.map(|w| w.copy),
            sequence: which.map(|w| w.sequence),
            found: sample.found.as_ref().map(text),
            expected: sample.expected.as_ref().map(text),
            diff,
        }
    }
}

fn differences(
    path: &mut String,
    expected: Option<&Value>,
    found: Option<&Value>,
    out: &mut Vec<FieldDiff>,
) {
    if expected == found || out.len() >= FIELDS {
        return;
    }
    let length = path.len();
    let mut inner = |name: &str, a: Option<&Value>, b: Option<&Value>| {
        path.push('/');
        path.push_str(&name.replace('~', "~0").replace('/', "~1"));
        differences(path, a, b, out);
        path.truncate(length);
    };
    match (expected, found) {
        (Some(Value::Object(a)), Some(Value::Object(b))) => {
            for (name, value) in a {
                inner(name, Some(value), b.get(name));
            }
            for (name, value) in b.iter().filter(|(name, _)| !a.contains_key(*name)) {
                inner(name, None, Some(value));
            }
        }
        (Some(Value::Array(a)), Some(Value::Array(b))) => {
            for at in 0..a.len().max(b.len()) {
                inner(&at.to_string(), a.get(at), b.get(at));
            }
        }
        _ => out.push(FieldDiff {
            field: path.clone(),
            expected: expected.cloned(),
            found: found.cloned(),
        }),
    }
}

/// The report of `verify`.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Report {
    /// Whether all holds.
    pub outcome: Outcome,
    /// Name of the emulation.
    pub name: String,
    /// Identity of the run.
    pub run: String,
    /// What made the records.
    pub generator: GeneratorId,
    /// The sink, where one was read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// What was found there.
    #[serde(flatten)]
    pub counts: Option<Counts>,
    /// The first of each kind.
    pub examples: Vec<Example>,
    /// Each stream's hash beside the manifest's.
    pub streams: Vec<StreamCheck>,
    /// What should be known besides.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// How long it took.
    pub elapsed_s: f64,
}

impl Report {
    /// Of a run that was gone through again, and of what a sink holds of it.
    pub fn new(rerun: &Rerun, streams: Vec<StreamCheck>, counts: Option<Counts>) -> Report {
        let plan = &rerun.plan;
        let generator = &plan.configured.generator;
        let mut report = Report {
            outcome: Outcome::Verified,
            name: plan.name.clone(),
            run: plan.run.clone(),
            generator: GeneratorId {
                name: generator.description.name.clone(),
                version: generator.description.version.to_string(),
                digest: generator.digest.clone(),
            },
            from: None,
            counts,
            examples: Vec::new(),
            streams,
            notes: Vec::new(),
            elapsed_s: 0.0,
        };
        report.decide(false);
        report
    }

    /// Settles the outcome; with `repeats` records that are there twice are no difference.
    pub fn decide(&mut self, repeats: bool) {
        let counts = self.counts.unwrap_or_default();
        let wrong = counts.missing
            + counts.reordered
            + counts.altered
            + counts.foreign
            + if repeats { 0 } else { counts.repeated };
        let held = self.streams.iter().all(|stream| stream.held);
        self.outcome = match wrong == 0 && held {
            true => Outcome::Verified,
            false => Outcome::Differs,
        };
    }
}

/// JSON Schema of a report.
pub fn schema() -> schemars::Schema {
    schemars::schema_for!(Report)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_difference_names_the_fields() {
        let mut out = Vec::new();
        let (a, b) = (
            json!({"id": 1, "to": {"city": "A", "zip": "1"}, "tags": [1, 2], "gone": true}),
            json!({"id": 1, "to": {"city": "B", "zip": "1"}, "tags": [1], "new": null}),
        );
        differences(&mut String::new(), Some(&a), Some(&b), &mut out);
        let fields: Vec<&str> = out.iter().map(|diff| diff.field.as_str()).collect();
        assert_eq!(fields, ["/to/city", "/tags/1", "/gone", "/new"]);
        assert_eq!(out[0].expected, Some(json!("A")));
        assert_eq!(out[0].found, Some(json!("B")));
        assert_eq!((&out[2].found, &out[3].expected), (&None, &None));
    }
}
