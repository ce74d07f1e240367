//! What rules can be about.

use super::Unit;

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
        "copies added, and records lost, damaged or put off by faults",
    ),
    (
        "ended_early",
        Unit::Count,
        "records missing to `until` when the generator ended before it",
    ),
];
