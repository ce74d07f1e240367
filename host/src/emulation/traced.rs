//! What an emulation's span says of it: names and counts, never what is in a configuration or an address.

use super::plan::Plan;
use super::prepare::ReadySink;
use super::report::Report;
use crate::telemetry::traces::{KeyValue, number};

/// At its begin.
pub(super) fn begun(plan: &Plan, sinks: &[ReadySink]) -> Vec<KeyValue> {
    let generator = &plan.configured.generator;
    let kinds: Vec<&str> = sinks.iter().map(|sink| sink.kind.as_str()).collect();
    vec![
        KeyValue::new("wellhead.run", plan.run.clone()),
        KeyValue::new("wellhead.emulation", plan.name.clone()),
        KeyValue::new("wellhead.generator", generator.description.name.clone()),
        KeyValue::new(
            "wellhead.generator.version",
            generator.description.version.to_string(),
        ),
        KeyValue::new("wellhead.generator.digest", generator.digest.clone()),
        // Of 64 bits, and attributes have 63.
        KeyValue::new("wellhead.seed", plan.seed.to_string()),
        KeyValue::new("wellhead.streams", i64::from(plan.streams)),
        KeyValue::new("wellhead.sinks", kinds.join(",")),
    ]
}

/// At its end.
pub(super) fn ended(report: &Report) -> Vec<KeyValue> {
    let records = &report.records;
    let outcome = serde_json::to_value(report.outcome).unwrap_or_default();
    let mut attributes = vec![KeyValue::new(
        "wellhead.outcome",
        outcome.as_str().unwrap_or_default().to_owned(),
    )];
    for (name, count) in [
        ("wellhead.records.generated", records.generated),
        ("wellhead.records.acknowledged", records.acknowledged),
        ("wellhead.records.sent", records.sent),
        ("wellhead.records.rejected", records.rejected),
        ("wellhead.records.dropped", records.dropped),
        ("wellhead.records.faulted", records.faulted),
    ] {
        attributes.push(KeyValue::new(name, number(count)));
    }
    attributes
}
