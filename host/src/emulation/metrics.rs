//! The metrics of emulations: what their reports say, at the moment of the question.

use std::collections::BTreeMap;

use super::Control;
use super::report::{Report, SinkReport};
use crate::telemetry::metric::{Buckets, Kind, Labels, Metric, Series, Unit, Value};

const STATE: &str = "wellhead_emulation_state";

/// An emulation that is asked.
pub struct Observed {
    /// What the label `emulation` is to say.
    pub id: String,
    /// Where it is between its begin and its end.
    pub state: &'static str,
    /// To ask it by.
    pub control: Control,
}

/// All metrics of these emulations.
pub fn metrics(emulations: &[Observed]) -> Vec<Metric> {
    let seen: Vec<Seen> = emulations.iter().map(Seen::of).collect();
    let rows = ROWS.iter().map(|row| Metric {
        name: row.name,
        help: row.help,
        unit: row.unit,
        kind: row.kind,
        series: seen.iter().flat_map(row.of).collect(),
    });
    rows.collect()
}

/// What stays true of an emulation that is over: its state, and what only ever rose.
pub fn last_metrics(emulation: &Observed) -> Vec<Metric> {
    let mut all = metrics(std::slice::from_ref(emulation));
    for row in &mut all {
        if row.kind == Kind::Gauge && row.name != STATE {
            row.series.clear();
        }
    }
    all
}

/// One emulation at the moment of the question.
struct Seen {
    id: String,
    state: &'static str,
    report: Report,
    /// As labels name them: by kind, numbered where a kind is there twice.
    sinks: Vec<String>,
    release: Buckets,
    receipt: Option<Buckets>,
    generate: Buckets,
    deliver: Vec<Buckets>,
    waiting: u64,
    memory: u64,
}

impl Seen {
    fn of(observed: &Observed) -> Seen {
        let control = &observed.control;
        let progress = control.progress();
        let report = control.status();
        Seen {
            id: observed.id.clone(),
            state: observed.state,
            sinks: names(&report.sinks),
            report,
            release: control.lateness().buckets(),
            receipt: control.receipt_lateness().map(|all| all.buckets()),
            generate: control.calls(),
            deliver: control.deliveries(),
            waiting: progress.released.saturating_sub(progress.settled),
            memory: control.guest_memory(),
        }
    }

    fn labels(&self) -> Labels {
        let generator = self.report.generator.name.clone();
        vec![("emulation", self.id.clone()), ("generator", generator)]
    }

    fn with(&self, name: &'static str, value: &str) -> Labels {
        let mut labels = self.labels();
        labels.push((name, value.to_owned()));
        labels
    }

    fn alone(&self, value: u64) -> Vec<Series> {
        vec![number(self.labels(), value)]
    }

    fn each_sink(&self, of: impl Fn(&SinkReport) -> u64) -> Vec<Series> {
        let sinks = self.sinks.iter().zip(&self.report.sinks);
        let series =
            |(name, sink): (&String, &SinkReport)| number(self.with("sink", name), of(sink));
        sinks.map(series).collect()
    }

    fn faulted(&self) -> Vec<Series> {
        let each = self.report.records.faults.each();
        let series = |(name, count)| number(self.with("fault", name), count);
        Vec::from(each.map(series))
    }

    fn lateness(&self) -> Vec<Series> {
        let release = histogram(self.with("to", "release"), &self.release);
        let receipt = self.receipt.iter();
        let receipt = receipt.map(|all| histogram(self.with("to", "receipt"), all));
        std::iter::once(release).chain(receipt).collect()
    }

    fn delivered(&self) -> Vec<Series> {
        let sinks = self.sinks.iter().zip(&self.deliver);
        sinks
            .map(|(name, took)| histogram(self.with("sink", name), took))
            .collect()
    }
}

/// Two series under the same labels would be one for whoever reads them.
fn names(sinks: &[SinkReport]) -> Vec<String> {
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    let mut names = Vec::with_capacity(sinks.len());
    for SinkReport { kind, .. } in sinks {
        let nth = seen.entry(kind).or_default();
        *nth += 1;
        names.push(match *nth {
            1 => kind.clone(),
            nth => format!("{kind}-{nth}"),
        });
    }
    names
}

fn number(labels: Labels, value: u64) -> Series {
    let value = Value::Number(value);
    Series { labels, value }
}

fn histogram(labels: Labels, buckets: &Buckets) -> Series {
    let value = Value::Buckets(Box::new(buckets.clone()));
    Series { labels, value }
}

struct Row {
    name: &'static str,
    help: &'static str,
    unit: Unit,
    kind: Kind,
    of: fn(&Seen) -> Vec<Series>,
}

const fn row(
    name: &'static str,
    help: &'static str,
    kind: Kind,
    of: fn(&Seen) -> Vec<Series>,
) -> Row {
    let unit = Unit::None;
    Row {
        name,
        help,
        unit,
        kind,
        of,
    }
}

impl Row {
    const fn in_unit(mut self, unit: Unit) -> Row {
        self.unit = unit;
        self
    }
}

/// Everything there is, as `interface.md` names it.
const ROWS: &[Row] = &[
    row(
        "wellhead_records_generated",
        "Records released, of this execution",
        Kind::Counter,
        |one| one.alone(one.report.records.generated),
    ),
    row(
        "wellhead_records_acknowledged",
        "Records that the sink confirmed, or was handed where it confirms nothing",
        Kind::Counter,
        |one| one.each_sink(|sink| sink.acknowledged),
    ),
    row(
        "wellhead_records_rejected",
        "Records that the sink refused for good",
        Kind::Counter,
        |one| one.each_sink(|sink| sink.rejected),
    ),
    row(
        "wellhead_records_dropped",
        "Records left out for want of room (on_full: drop)",
        Kind::Counter,
        |one| one.each_sink(|sink| sink.dropped),
    ),
    row(
        "wellhead_records_retried",
        "Writes tried again after an error",
        Kind::Counter,
        |one| one.each_sink(|sink| sink.retried),
    ),
    row(
        "wellhead_records_resent",
        "Records sent again after a reconnect",
        Kind::Counter,
        |one| one.each_sink(|sink| sink.resent),
    ),
    row(
        "wellhead_records_faulted",
        "What faults did to records",
        Kind::Counter,
        Seen::faulted,
    ),
    row(
        "wellhead_bytes_acknowledged",
        "Bytes of the confirmed records",
        Kind::Counter,
        |one| one.each_sink(|sink| sink.bytes),
    ),
    row(
        "wellhead_lateness",
        "Due instant to release, or to the receipt of the slowest sink",
        Kind::Histogram,
        Seen::lateness,
    )
    .in_unit(Unit::Seconds),
    row(
        "wellhead_generate",
        "A call to the generator, which makes a batch",
        Kind::Histogram,
        |one| vec![histogram(one.labels(), &one.generate)],
    )
    .in_unit(Unit::Seconds),
    row(
        "wellhead_deliver",
        "A group of records from its first write to its receipt, or to being handed over where there is none",
        Kind::Histogram,
        Seen::delivered,
    )
    .in_unit(Unit::Seconds),
    row(
        "wellhead_queue_records",
        "Records released and not settled yet",
        Kind::Gauge,
        |one| one.alone(one.waiting),
    ),
    row(
        "wellhead_sink_stalled",
        "1 while an error holds the sink up",
        Kind::Gauge,
        |one| one.each_sink(|sink| sink.error.is_some().into()),
    ),
    row(
        "wellhead_plugin_memory",
        "Memory of the largest instance of the generator",
        Kind::Gauge,
        |one| one.alone(one.memory),
    )
    .in_unit(Unit::Bytes),
    row(
        STATE,
        "1 for the state in which the emulation is",
        Kind::Gauge,
        |one| vec![number(one.with("state", one.state), 1)],
    ),
];
