//! Clocks, histograms, metrics, traces and log levels (leaf).

pub mod logs;
pub mod metric;
pub mod otlp;
pub mod traces;

use std::time::Instant;

use hdrhistogram::Histogram;
use rustix::thread::ClockId;
use rustix::time::Timespec;

use metric::Buckets;

/// The process's monotonic clock, in nanoseconds since it was made. Copies agree.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    base: Instant,
}

impl Clock {
    /// A clock that stands at zero now.
    pub fn start() -> Clock {
        Clock {
            base: Instant::now(),
        }
    }

    /// Nanoseconds since the clock was made.
    pub fn now(&self) -> u64 {
        u64::try_from(self.base.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    /// Sleeps until `instant` of this clock, by the kernel's absolute timer, so that being
    /// descheduled between the question and the sleep costs nothing.
    pub fn sleep_until(&self, instant: u64) {
        let now = self.now();
        if instant <= now {
            return;
        }
        let wake = rustix::time::clock_gettime(ClockId::Monotonic);
        let nanos = wake.tv_nsec as u64 + (instant - now);
        let request = Timespec {
            tv_sec: wake.tv_sec + (nanos / 1_000_000_000) as i64,
            tv_nsec: (nanos % 1_000_000_000) as _,
        };
        // A signal ends the sleep early; the caller looks at the clock again anyhow.
        let _ = rustix::thread::clock_nanosleep_absolute(ClockId::Monotonic, &request);
    }
}

/// The wall clock, nanoseconds since the Unix epoch.
pub fn wall() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |t| u64::try_from(t.as_nanos()).unwrap_or(u64::MAX))
}

/// This process for another's reader: "process 71 on host-3 since 2026-01-01T00:00:00Z".
pub fn this_process() -> String {
    let host = match host() {
        name if name.is_empty() => "a host without a name".to_owned(),
        name => name,
    };
    let since = jiff::Timestamp::now();
    format!("process {} on {host} since {since:.0}", std::process::id())
}

/// What the system calls this machine; empty where it has no name.
fn host() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname");
    let name = name.or_else(|_| std::env::var("HOSTNAME"));
    name.unwrap_or_default().trim().to_owned()
}

/// A histogram of lateness in microseconds, up to an hour, to three digits.
#[derive(Clone, Debug)]
pub struct Lateness(Histogram<u64>);

/// Percentiles of lateness in microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, serde::Serialize, schemars::JsonSchema)]
pub struct Percentiles {
    /// Half of the records were at most this late.
    pub p50: u64,
    /// Nine in ten.
    pub p90: u64,
    /// Ninety-nine in a hundred.
    pub p99: u64,
    /// All but one in a thousand.
    pub p999: u64,
    /// The latest of all.
    pub max: u64,
}

impl Lateness {
    /// Without a value.
    ///
    /// # Errors
    /// Where the histogram library refuses its bounds, which are constants.
    pub fn new() -> Result<Lateness, hdrhistogram::CreationError> {
        Histogram::new_with_bounds(1, 3_600_000_000, 3).map(Lateness)
    }

    /// One record that came `nanos` after its due instant.
    #[inline]
    pub fn record(&mut self, nanos: u64) {
        self.0.saturating_record(nanos / 1000);
    }

    /// So many records whose lateness goes evenly from the one to the other.
    pub fn record_between(&mut self, from: u64, to: u64, records: u64) {
        // More points than this are finer than what the lateness of a large unit means.
        const POINTS: u64 = 64;
        let points = records.min(POINTS);
        let (low, span) = (from.min(to), from.abs_diff(to));
        for point in 0..points {
            let count = records * (point + 1) / points - records * point / points;
            let nanos = low + span / points * point + span / points / 2;
            self.0.saturating_record_n(nanos / 1000, count);
        }
    }

    /// Forgets every value.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// Adds what another histogram holds.
    pub fn merge(&mut self, other: &Lateness) {
        // Bounds agree, so that nothing is refused.
        let _ = self.0.add(&other.0);
    }

    /// How many records it holds.
    pub fn count(&self) -> u64 {
        self.0.len()
    }

    /// The usual percentiles; none where no record was due.
    pub fn percentiles(&self) -> Option<Percentiles> {
        (!self.0.is_empty()).then(|| Percentiles {
            p50: self.0.value_at_quantile(0.5),
            p90: self.0.value_at_quantile(0.9),
            p99: self.0.value_at_quantile(0.99),
            p999: self.0.value_at_quantile(0.999),
            max: self.0.max(),
        })
    }

    /// The same more coarsely, for metrics.
    pub fn buckets(&self) -> Buckets {
        let mut buckets = Buckets::default();
        for step in self.0.iter_recorded() {
            let micros = self.0.lowest_equivalent(step.value_iterated_to());
            buckets.count_micros(micros, step.count_at_value());
        }
        buckets.set_sum_s(self.0.mean() * self.0.len() as f64 / 1e6);
        buckets
    }

    /// How many records were at most `micros` late, for a picture.
    pub fn count_between(&self, low: u64, high: u64) -> u64 {
        self.0.count_between(low, high)
    }
}
