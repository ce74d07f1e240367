//! What a run says of itself at its end: the final report, as JSON and as types.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use crate::fault::{ByFault, FaultCounts};
use crate::telemetry::Percentiles;

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It still goes on (a status, not a final report).
    Running,
    /// Everything that `until` asked for was settled, or a run without an end was stopped and drained.
    Finished,
    /// A signal or a call stopped it before `until`; drained and resumable.
    Stopped,
    /// An `expect` with `abort` that didn't hold stopped it; drained and resumable.
    Aborted,
    /// The generator ended before `until` did.
    EndedEarly,
    /// Something broke; `error` says what.
    Failed,
    /// Not everything generated could be drained in the time given; `error` says what was left.
    Undrained,
}

/// Which component made the records.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct GeneratorId {
    /// As it calls itself.
    pub name: String,
    /// Its semantic version.
    pub version: String,
    /// SHA-256 of the component's bytes, in hex.
    pub digest: String,
}

/// Counts of records over the whole run, resumes included, each sequence once.
#[derive(Clone, Copy, Debug, Default, Serialize, serde::Deserialize, JsonSchema)]
pub struct Records {
    /// Ticks for which the generator was asked.
    pub generated: u64,
    /// Of those, ticks at which it had nothing to say.
    pub skipped: u64,
    /// Handed to a sink that gives no receipts.
    pub sent: u64,
    /// Confirmed by every sink that gives receipts (the least of them).
    pub acknowledged: u64,
    /// Refused by a sink for good.
    pub rejected: u64,
    /// Left out for want of room by sinks whose block says `on_full: drop`, all of them together.
    pub dropped: u64,
    /// Writes tried again after an error.
    pub retried: u64,
    /// Records sent again after a resume or a reconnect.
    pub resent: u64,
    /// Copies added, and records lost, damaged or put off by faults: the sum of `faults`. A record that
    /// several hit counts for each of them.
    pub faulted: u64,
    /// The same by fault.
    pub faults: ByFault,
}

impl Records {
    /// Takes what happened to the records of each stream.
    pub(super) fn count(&mut self, streams: impl Iterator<Item = FaultCounts>) {
        (self.skipped, self.faults) = (0, ByFault::default());
        for counts in streams {
            self.skipped += counts.skipped;
            self.faults += counts.by;
        }
        self.faulted = self.faults.total();
    }
}

/// Lateness in microseconds.
#[derive(Clone, Copy, Debug, Default, Serialize, JsonSchema)]
pub struct LatenessReport {
    /// Due instant to release.
    pub release: Option<Percentiles>,
    /// Due instant to receipt, of the slowest sink.
    pub receipt: Option<Percentiles>,
}

/// One sink's part.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct SinkReport {
    /// `kafka`, `file`, …
    pub kind: String,
    /// Where records went, without secrets.
    pub target: String,
    /// `sent`, `at_least_once` or `exactly_once`.
    pub guarantee: crate::sink::Guarantee,
    /// Confirmed, or handed over where there are no receipts.
    pub acknowledged: u64,
    /// Refused for good.
    pub rejected: u64,
    /// Left out for want of room, where the block says `on_full: drop`.
    pub dropped: u64,
    /// Writes tried again.
    pub retried: u64,
    /// Records sent again.
    pub resent: u64,
    /// Bytes of the confirmed records.
    pub bytes: u64,
    /// Due instant to receipt, in microseconds.
    pub receipt_us: Option<Percentiles>,
    /// The last error, while it lasts.
    pub error: Option<String>,
    /// Counts that only this kind of sink has: responses by class of their status.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub details: BTreeMap<String, u64>,
}

/// Whether a rule of `expect` held.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ExpectReport {
    /// As written in the spec: `rate >= 99%`.
    pub rule: String,
    /// What was measured.
    pub value: String,
    /// Whether it held.
    pub held: bool,
}

/// The report of one emulation.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Report {
    /// Name of the emulation.
    pub name: String,
    /// How it ended.
    pub outcome: Outcome,
    /// Why, where it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Which component made the records.
    pub generator: GeneratorId,
    /// Identity of the run.
    pub run: String,
    /// The seed, given or drawn.
    pub seed: u64,
    /// How many streams.
    pub streams: u32,
    /// Counts of records.
    pub records: Records,
    /// Bytes of the records that were confirmed (or sent), without keys and framing.
    pub bytes: u64,
    /// Seconds from the first release to the end, of this execution.
    pub elapsed_s: f64,
    /// Event time at which a backfill went over to real time, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub live_from: Option<String>,
    /// Records released a second, of this execution.
    pub rate: f64,
    /// Lateness against the due instants.
    pub lateness_us: LatenessReport,
    /// Each sink.
    pub sinks: Vec<SinkReport>,
    /// Each rule of `expect`.
    pub expect: Vec<ExpectReport>,
    /// Where the manifest was written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub manifest: Option<String>,
}

/// A scenario's report.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ScenarioReport {
    /// One for each emulation, in the order of the spec.
    pub emulations: Vec<Report>,
}

/// JSON Schema of the report of one emulation.
pub fn schema() -> schemars::Schema {
    schemars::schema_for!(Report)
}
