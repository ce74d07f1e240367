//! Metrics as values: what Prometheus is told on a question and OTLP every few seconds is one list.

use std::sync::atomic::{AtomicU64, Ordering};

/// Upper bounds of the buckets of durations, in microseconds; what is longer comes after the last.
const BOUNDS: [u64; 20] = [
    10,
    25,
    50,
    100,
    250,
    500,
    1_000,
    2_500,
    5_000,
    10_000,
    25_000,
    50_000,
    100_000,
    250_000,
    500_000,
    1_000_000,
    2_500_000,
    10_000_000,
    60_000_000,
    600_000_000,
];

/// One metric with all its series.
#[derive(Clone, Debug)]
pub struct Metric {
    /// Without the endings that its kind and unit give it in a format: `wellhead_lateness`.
    pub name: &'static str,
    /// In one sentence.
    pub help: &'static str,
    /// Of its values.
    pub unit: Unit,
    /// How its values are to be read.
    pub kind: Kind,
    /// Its series.
    pub series: Vec<Series>,
}

/// What a value counts in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Said by the name.
    None,
    /// Seconds.
    Seconds,
    /// Bytes.
    Bytes,
}

/// How the values of a metric are to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// They only rise.
    Counter,
    /// They stand where they stand.
    Gauge,
    /// They are distributions.
    Histogram,
}

/// The value under one set of labels.
#[derive(Clone, Debug)]
pub struct Series {
    /// Names and values.
    pub labels: Labels,
    /// As it stands.
    pub value: Value,
}

/// Names and values of labels: never a device, a stream or the text of an error, of which there may be
/// any number.
pub type Labels = Vec<(&'static str, String)>;

/// A value by the metric's kind.
#[derive(Clone, Debug)]
pub enum Value {
    /// Of a counter or a gauge.
    Number(u64),
    /// Of a histogram.
    Buckets(Box<Buckets>),
}

/// How durations are distributed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Buckets {
    counts: [u64; BOUNDS.len() + 1],
    sum_s: f64,
}

impl Buckets {
    /// So many durations of that length.
    pub fn record(&mut self, nanos: u64, times: u64) {
        self.counts[bucket(nanos / 1_000)] += times;
        self.sum_s += nanos as f64 / 1e9 * times as f64;
    }

    /// So many durations of whole microseconds, whose sum is known better than by them.
    pub(super) fn count_micros(&mut self, micros: u64, times: u64) {
        self.counts[bucket(micros)] += times;
    }

    pub(super) fn set_sum_s(&mut self, sum_s: f64) {
        self.sum_s = sum_s;
    }

    /// Upper bounds in seconds; the last bucket has none.
    pub fn bounds_s() -> impl Iterator<Item = f64> {
        BOUNDS.iter().map(|&micros| micros as f64 / 1e6)
    }

    /// How many are in each bucket alone.
    pub fn counts(&self) -> &[u64] {
        &self.counts
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// All together, in seconds.
    pub fn sum_s(&self) -> f64 {
        self.sum_s
    }
}

fn bucket(micros: u64) -> usize {
    BOUNDS.partition_point(|&bound| bound < micros)
}

/// Durations that threads add without waiting for each other.
#[derive(Debug, Default)]
pub struct Durations {
    counts: [AtomicU64; BOUNDS.len() + 1],
    sum: AtomicU64,
}

impl Durations {
    /// One of that length.
    pub fn record(&self, nanos: u64) {
        self.counts[bucket(nanos / 1_000)].fetch_add(1, Ordering::Relaxed);
        self.sum.fetch_add(nanos, Ordering::Relaxed);
    }

    /// As they stand; the newest may be in a part of it already.
    pub fn buckets(&self) -> Buckets {
        let mut counts = [0; BOUNDS.len() + 1];
        for (count, all) in counts.iter_mut().zip(&self.counts) {
            *count = all.load(Ordering::Relaxed);
        }
        Buckets {
            counts,
            sum_s: self.sum.load(Ordering::Relaxed) as f64 / 1e9,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_in_the_bucket_whose_bound_it_reaches() {
        let durations = Durations::default();
        for nanos in [0, 10_000, 11_000, 600_000_000_000, u64::MAX >> 8] {
            durations.record(nanos);
        }
        let buckets = durations.buckets();
        assert_eq!(buckets.counts()[..2], [2, 1]);
        assert_eq!(buckets.counts()[BOUNDS.len() - 1..], [1, 1]);
        assert_eq!(buckets.count(), 5);
        let mut same = Buckets::default();
        same.record(10_000, 2);
        assert_eq!(same.counts()[0], 2);
        assert_eq!(same.sum_s(), 2e-5);
        assert_eq!(Buckets::bounds_s().count() + 1, same.counts().len());
    }
}
