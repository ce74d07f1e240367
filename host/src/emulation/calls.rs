//! What the calls to an emulation's generator take.

use std::sync::Arc;

use crate::record::{Batch, Nanos};
use crate::telemetry::Clock;
use crate::telemetry::metric::{Buckets, Durations};
use crate::telemetry::traces::{KeyValue, Trace, number};

/// Shared by all streams of an emulation; workers add to it without waiting for each other.
pub struct Calls {
    clock: Clock,
    took: Durations,
    trace: Option<Arc<Trace>>,
}

/// A call that is to be in the trace.
pub struct Shown {
    begun: Nanos,
    ended: Nanos,
    /// Index of its first record.
    first: u64,
    records: usize,
    bytes: usize,
}

impl Calls {
    /// Before the first call, with the emulation's trace where there is one.
    pub fn new(clock: Clock, trace: Option<Arc<Trace>>) -> Calls {
        Calls {
            clock,
            took: Durations::default(),
            trace,
        }
    }

    /// When a call begins.
    pub fn begin(&self) -> Nanos {
        self.clock.now()
    }

    /// The call that began then, for so many records from that index on, is over. Gives it back where it is
    /// to be shown.
    pub fn end(&self, begun: Nanos, first: u64, records: usize, bytes: usize) -> Option<Shown> {
        let ended = self.clock.now();
        self.took.record(ended.saturating_sub(begun));
        let taken = self.trace.as_ref().is_some_and(|trace| trace.takes());
        taken.then_some(Shown {
            begun,
            ended,
            first,
            records,
            bytes,
        })
    }

    /// Puts a call into the trace, before anybody can take what it made ready.
    pub fn show(&self, call: &Shown, stream: u32, ready: &[Batch]) {
        let Some(trace) = &self.trace else { return };
        let end = |batch: &Batch| batch.first_sequence + batch.len() as u64;
        let last = ready.last().and_then(|batch| end(batch).checked_sub(1));
        trace.generated(
            call.begun..call.ended,
            last.map(|sequence| (stream, sequence)),
            vec![
                KeyValue::new("wellhead.stream", i64::from(stream)),
                KeyValue::new("wellhead.index", number(call.first)),
                KeyValue::new("wellhead.records", number(call.records as u64)),
                KeyValue::new("wellhead.bytes", number(call.bytes as u64)),
            ],
        );
    }

    /// The emulation's trace.
    pub fn trace(&self) -> Option<&Arc<Trace>> {
        self.trace.as_ref()
    }

    /// What they took so far.
    pub fn took(&self) -> Buckets {
        self.took.buckets()
    }
}
