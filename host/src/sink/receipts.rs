//! What a sink has taken and what it refused: counts, watermarks and lateness.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use super::SendError;
use super::flight::Flight;
use super::rejects::RejectFile;
use crate::record::{Group, Nanos, Part};
use crate::telemetry::metric::Buckets;
use crate::telemetry::traces::Trace;
use crate::telemetry::{Clock, Lateness};

/// A record that the sink refused for good.
#[derive(Clone, Debug)]
pub struct Rejection {
    /// Index of the record in its part's batch.
    pub record: usize,
    /// The service's reason.
    pub reason: String,
}

/// Counts and watermark as they stood together at one instant.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// The next sequence of each stream: everything below is settled.
    pub watermark: Vec<u64>,
    /// Records that the service has.
    pub acknowledged: u64,
    /// Records that the service refused for good.
    pub rejected: u64,
    /// Bytes of the acknowledged records, without keys and framing.
    pub bytes: u64,
    /// Records that were left out since there was no room for them.
    pub dropped: u64,
}

/// What a sink tells of work that it does by itself, out of delivery's sight: retries of its own,
/// repeats after a reconnect, counts that only its kind of service has.
#[derive(Clone, Debug, Default)]
pub struct Told {
    /// Sends tried again after an error.
    pub retried: u64,
    /// Records sent again.
    pub resent: u64,
    /// The error that stalls it, while it does.
    pub error: Option<String>,
    /// Counts by name: `status_2xx`.
    pub details: BTreeMap<&'static str, u64>,
}

/// Neighbouring records of a stream, as a sink remembers them whose unit is too large to keep the
/// records themselves until it is complete.
#[derive(Clone, Debug, Default)]
pub struct Stretch {
    /// Sequence of the record that follows the last.
    pub end: u64,
    /// How many the service has.
    pub acknowledged: u64,
    /// How many it refused for good.
    pub rejected: u64,
    /// Bytes of the acknowledged.
    pub bytes: u64,
    /// When the first and the last were due, on the process's clock; none where nothing is due.
    pub due: Option<(Nanos, Nanos)>,
}

struct Inner {
    counts: Snapshot,
    lateness: Lateness,
    /// The first refusal that couldn't be written down.
    failed: Option<String>,
    told: Told,
    flight: Flight,
}

impl Inner {
    /// After counts have moved: which groups are through by that.
    fn land(&mut self, clock: Clock) {
        let settled = self.counts.acknowledged + self.counts.rejected;
        self.flight.settled(settled, clock);
    }
}

/// Counts of one sink over one execution, shared by the sink, delivery and reports.
pub struct Receipts {
    inner: Mutex<Inner>,
    rejects: Option<(String, Arc<RejectFile>)>,
    clock: Clock,
    changed: tokio::sync::Notify,
    /// The emulation's trace, the sink's number there, and what it is called.
    trace: OnceLock<(Arc<Trace>, usize, String)>,
}

impl Receipts {
    /// Empty counts for as many streams as `from` has watermarks. `rejects` is where refused
    /// records are written, and the name of the sink there.
    pub fn new(
        from: &[u64],
        clock: Clock,
        lateness: Lateness,
        rejects: Option<(String, Arc<RejectFile>)>,
    ) -> Receipts {
        Receipts {
            inner: Mutex::new(Inner {
                counts: Snapshot {
                    watermark: from.to_vec(),
                    ..Snapshot::default()
                },
                lateness,
                failed: None,
                told: Told::default(),
                flight: Flight::default(),
            }),
            rejects,
            clock,
            changed: tokio::sync::Notify::new(),
            trace: OnceLock::new(),
        }
    }

    /// Everything in `part` is settled: the service has it, but for what it refused. Parts of one
    /// stream are settled in the order of their sequences; what a part leaves out after the one before
    /// was dropped.
    pub fn settle(&self, part: &Part, rejections: &[Rejection]) {
        for rejection in rejections {
            // Said by `sync_rejects`, before a watermark that passes it.
            let _ = self.write_down(part, rejection);
        }
        self.settle_written(part, rejections);
    }

    /// Writes down a refused record ahead of [`Receipts::settle_written`]: for a sink that moves its
    /// own watermark past it.
    ///
    /// # Errors
    /// Where the file of rejected records can't be written.
    pub fn write_down(&self, part: &Part, rejection: &Rejection) -> Result<(), SendError> {
        let Some((sink, file)) = &self.rejects else {
            return Ok(());
        };
        file.write(sink, part, rejection).map_err(|e| {
            let message = e.to_string();
            self.lock().failed.get_or_insert(message.clone());
            SendError::fatal(message)
        })
    }

    /// The same as [`Receipts::settle`], with rejections that are written down.
    pub fn settle_written(&self, part: &Part, rejections: &[Rejection]) {
        let refused: u64 = rejections
            .iter()
            .map(|r| part.batch.record(r.record).len() as u64)
            .sum();
        let mut inner = self.lock();
        let counts = &mut inner.counts;
        counts.rejected += rejections.len() as u64;
        counts.acknowledged += (part.len() - rejections.len()) as u64;
        counts.bytes += part.bytes() - refused;
        if let Some(next) = counts.watermark.get_mut(part.stream() as usize) {
            counts.dropped += part.sequences().start.saturating_sub(*next);
            *next = part.sequences().end;
        }
        if let Some(pace) = part.pace {
            let now = self.clock.now();
            for &order in &part.batch.order[part.range.clone()] {
                inner.lateness.record(now.saturating_sub(pace.due(order)));
            }
        }
        inner.land(self.clock);
        drop(inner);
        self.changed.notify_one();
    }

    /// Everything below these sequences that isn't settled was dropped. To be called once nothing is in flight.
    pub(crate) fn pass(&self, ends: &[u64]) {
        let mut inner = self.lock();
        let counts = &mut inner.counts;
        for (next, &end) in counts.watermark.iter_mut().zip(ends) {
            counts.dropped += end.saturating_sub(*next);
            *next = end.max(*next);
        }
    }

    /// As [`Receipts::settle`], for records that are no longer at hand. Their due instants are
    /// taken to lie evenly between the first and the last; refused ones are written down already.
    pub fn settle_stretch(&self, stream: u32, stretch: &Stretch) {
        let mut inner = self.lock();
        let counts = &mut inner.counts;
        counts.rejected += stretch.rejected;
        counts.acknowledged += stretch.acknowledged;
        counts.bytes += stretch.bytes;
        if let Some(next) = counts.watermark.get_mut(stream as usize) {
            let passed = stretch.end.saturating_sub(*next);
            counts.dropped += passed.saturating_sub(stretch.acknowledged + stretch.rejected);
            *next = stretch.end;
        }
        if let Some((first, last)) = stretch.due {
            let now = self.clock.now();
            let records = stretch.acknowledged + stretch.rejected;
            let (most, least) = (now.saturating_sub(first), now.saturating_sub(last));
            inner.lateness.record_between(most, least, records);
        }
        inner.land(self.clock);
        drop(inner);
        self.changed.notify_one();
    }

    /// The group is about to be handed to the sink for the first time.
    pub(crate) fn begin(&self, group: &Group) {
        let records = group.len();
        let span = self.trace.get().and_then(|(trace, number, kind)| {
            let parts = group.parts.iter();
            let parts = parts.map(|part| (part.stream(), part.sequences()));
            trace.delivering(*number, kind, records, parts)
        });
        let now = self.clock.now();
        let mut inner = self.lock();
        let settled = inner.counts.acknowledged + inner.counts.rejected;
        inner.flight.begin(now, records as u64, settled, span);
    }

    /// Shows deliveries in the emulation's trace from now on.
    pub(crate) fn show_in(&self, trace: Arc<Trace>, number: usize, kind: &str) {
        // An execution has one trace.
        let _ = self.trace.set((trace, number, kind.to_owned()));
    }

    /// What groups took from the first write to their receipt (to being handed over, where there is none).
    pub fn deliveries(&self) -> Buckets {
        self.lock().flight.took().clone()
    }

    /// The next sequence of each stream: everything below is settled.
    pub fn watermark(&self) -> Vec<u64> {
        self.lock().counts.watermark.clone()
    }

    /// The next sequence of one stream.
    pub fn settled(&self, stream: u32) -> u64 {
        let inner = self.lock();
        inner
            .counts
            .watermark
            .get(stream as usize)
            .copied()
            .unwrap_or(0)
    }

    /// Where the streams begin again after [`crate::sink::Sink::recover`].
    pub fn rewind(&self, watermark: &[u64]) {
        self.lock().counts.watermark = watermark.to_vec();
    }

    /// Counts and watermark together.
    pub fn snapshot(&self) -> Snapshot {
        self.lock().counts.clone()
    }

    /// Records that the service has.
    pub fn acknowledged(&self) -> u64 {
        self.lock().counts.acknowledged
    }

    /// Records that the service refused for good.
    pub fn rejected(&self) -> u64 {
        self.lock().counts.rejected
    }

    /// Bytes of the records that the service has, without keys and framing.
    pub fn bytes(&self) -> u64 {
        self.lock().counts.bytes
    }

    /// Due instant to receipt.
    pub fn lateness(&self) -> Lateness {
        self.lock().lateness.clone()
    }

    /// How long ago that record of a part was due; none where nothing is due.
    pub fn since_due(&self, part: &Part, record: usize) -> Option<Duration> {
        let order = *part.batch.order.get(record)?;
        let due = part.pace?.due(order);
        Some(Duration::from_nanos(self.clock.now().saturating_sub(due)))
    }

    /// Tells of what the sink does by itself.
    pub fn tell(&self, tell: impl FnOnce(&mut Told)) {
        tell(&mut self.lock().told);
    }

    /// What the sink told.
    pub fn told(&self) -> Told {
        self.lock().told.clone()
    }

    /// Makes the refused records durable, before a watermark that passes them is.
    ///
    /// # Errors
    /// Where the file of rejected records can't be written: the watermark may not move then.
    pub fn sync_rejects(&self) -> Result<(), SendError> {
        if let Some(message) = &self.lock().failed {
            return Err(SendError::fatal(message.clone()));
        }
        match &self.rejects {
            Some((_, file)) => file.sync().map_err(|e| SendError::fatal(e.to_string())),
            None => Ok(()),
        }
    }

    /// Waits until something more is settled (one waiter).
    pub async fn changed(&self) {
        self.changed.notified().await;
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
