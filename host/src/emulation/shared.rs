//! What the threads of one emulation share: limits, marks and counts, all of them atomics.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};
use std::thread::Thread;

use super::calls::Calls;
use super::pool::{Share, When};
use super::tap::Tap;
use crate::plugin;
use crate::record::{Nanos, Pace};
use crate::telemetry::{Clock, Lateness};

/// How far ahead of its due instants a paced emulation is generated, in wall time.
pub const LOOKAHEAD: Nanos = 1_000_000_000;
/// Who is later than this can't keep up, and has no right any more to go before those who can.
const BEHIND: Nanos = 50_000_000;

/// Bounds of one emulation's queues.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Records in one call to a generator, at most. Fewer than 100 make the call dear; more than
    /// a thousand gain nothing.
    pub batch_records: usize,
    /// Bytes in the queue of one stream above which it isn't worked on.
    pub queue_bytes: u64,
}

impl Limits {
    /// Bytes that the queues of an emulation may hold together, but for what many streams need for calls
    /// that pay the boundary seldom (768 KiB each).
    const QUEUES: u64 = 64 << 20;

    /// For an emulation of so many streams, with another batch size where tests want one.
    pub fn of(streams: u32, batch: Option<usize>) -> Limits {
        let each = Limits::QUEUES / u64::from(streams.max(1));
        Limits {
            batch_records: batch.unwrap_or(1_000).max(1),
            queue_bytes: each.clamp(768 << 10, 4 << 20),
        }
    }

    /// Records in a call where one takes `weight` bytes: two calls fill the queue.
    pub fn batch(&self, weight: usize) -> usize {
        let half = usize::try_from(self.queue_bytes / 2).unwrap_or(usize::MAX);
        (half / (weight + 32)).clamp(1, self.batch_records)
    }
}

/// Shared by lanes, pacer, deliveries and status.
pub struct Shared {
    /// Bounds of the queues.
    pub limits: Limits,
    /// The process's clock.
    pub clock: Clock,
    /// Set once: finish the call in hand, release what is due, drain.
    stop: AtomicBool,
    /// The highest profile time that may be generated.
    ahead: AtomicU64,
    /// The highest profile time that is durable as a promise (`on_gap: shift`); no bound elsewhere.
    horizon: AtomicU64,
    /// Everything below was released.
    released: AtomicU64,
    /// The same, moved on also where there was nothing to release.
    reached: AtomicU64,
    /// Where a backfill went over to real time; the largest before it has.
    seam: AtomicU64,
    pace: RwLock<Option<Pace>>,
    lateness: Mutex<Lateness>,
    released_records: AtomicU64,
    released_bytes: AtomicU64,
    last_release: AtomicU64,
    guest_memory: AtomicU64,
    /// What calls to the generator take.
    pub calls: Arc<Calls>,
    /// Its part of the workers.
    pub share: Arc<Share>,
    /// The last records released, where somebody looks.
    pub(super) tap: Tap,
    pacer: OnceLock<Thread>,
}

impl Shared {
    /// Before the first release.
    pub fn new(limits: Limits, clock: Clock, lateness: Lateness, calls: Calls) -> Shared {
        Shared {
            limits,
            clock,
            stop: AtomicBool::new(false),
            ahead: AtomicU64::new(u64::MAX),
            horizon: AtomicU64::new(u64::MAX),
            released: AtomicU64::new(0),
            reached: AtomicU64::new(0),
            seam: AtomicU64::new(u64::MAX),
            pace: RwLock::new(None),
            lateness: Mutex::new(lateness),
            released_records: AtomicU64::new(0),
            released_bytes: AtomicU64::new(0),
            last_release: AtomicU64::new(0),
            guest_memory: AtomicU64::new(0),
            calls: Arc::new(calls),
            share: Arc::default(),
            tap: Tap::default(),
            pacer: OnceLock::new(),
        }
    }

    /// Whether the emulation is to end.
    pub fn stopping(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Ends the emulation: what is due goes out, the rest stays for a resume.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::SeqCst);
        self.nudge();
    }

    /// The pacing thread says who it is, so that it can be woken.
    pub fn i_am_the_pacer(&self) {
        let _ = self.pacer.set(std::thread::current());
    }

    /// Wakes the pacing thread where it waits for records.
    pub fn nudge(&self) {
        if let Some(thread) = self.pacer.get() {
            thread.unpark();
        }
    }

    /// The highest profile time that may be generated.
    pub fn ahead(&self) -> Nanos {
        self.ahead
            .load(Ordering::Acquire)
            .min(self.horizon.load(Ordering::Acquire))
    }

    /// Moves the mark on to what is worth generating where profile time stands at `order`.
    pub fn look_ahead(&self, order: Nanos, pace: &Pace) {
        let ahead = (LOOKAHEAD as f64 * pace.speed) as u64;
        self.ahead
            .store(order.saturating_add(ahead), Ordering::Release);
    }

    /// Bounds nothing for now: profile time doesn't go by.
    pub fn look_anywhere(&self) {
        self.ahead.store(u64::MAX, Ordering::Release);
    }

    /// Moves the durable horizon on; it was written down before.
    pub fn set_horizon(&self, horizon: Nanos) {
        self.horizon.store(horizon, Ordering::Release);
    }

    /// Whether a stream whose next record is at `known` should be worked on: where something is
    /// far enough ahead to be worth a call.
    pub fn wants_ahead(&self, known: Nanos) -> bool {
        let ahead = self.ahead();
        if ahead == u64::MAX {
            return true;
        }
        let speed = self.pace().map_or(1.0, |pace| pace.speed);
        let worth = (LOOKAHEAD as f64 * speed) as u64 / 4;
        known.saturating_add(worth) <= ahead
    }

    /// When work on a stream whose next record is at `known` is needed: at its due instant, unless it is behind
    /// that already.
    pub fn needed_at(&self, known: Nanos) -> When {
        let due = self.pace().map(|pace| pace.due(known));
        match due {
            Some(due) if due.saturating_add(BEHIND) >= self.clock.now() => When::Due(due),
            _ => When::Whenever(known),
        }
    }

    /// Where profile time falls on the wall now; none where nothing is due.
    pub fn pace(&self) -> Option<Pace> {
        *self.pace.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Another due segment begins.
    pub fn set_pace(&self, pace: Option<Pace>) {
        *self.pace.write().unwrap_or_else(PoisonError::into_inner) = pace;
    }

    /// Everything ordered below this was released.
    pub fn released(&self) -> Nanos {
        self.released.load(Ordering::Acquire)
    }

    /// The schedule was looked through up to there, and nothing before it is left to release.
    pub fn reach(&self, below: Nanos) {
        self.reached.store(below, Ordering::Release);
    }

    /// How far the schedule was kept up with: it stands still while sinks or generators are behind.
    pub fn reached(&self) -> Nanos {
        self.reached.load(Ordering::Acquire)
    }

    /// Profile time at which this execution's backfill went over to real time, once it has.
    pub fn seam(&self) -> Option<Nanos> {
        Some(self.seam.load(Ordering::Acquire)).filter(|&seam| seam != u64::MAX)
    }

    /// A backfill has gone over to real time.
    pub fn set_seam(&self, seam: Nanos) {
        self.seam.store(seam, Ordering::Release);
    }

    /// Counts a release, and takes what was measured of its lateness.
    pub fn release(&self, below: Nanos, records: u64, bytes: u64) {
        self.reach(below);
        self.released.store(below, Ordering::Release);
        self.released_records.fetch_add(records, Ordering::Relaxed);
        self.released_bytes.fetch_add(bytes, Ordering::Relaxed);
        self.last_release.store(self.clock.now(), Ordering::Relaxed);
    }

    /// Records released by this execution.
    pub fn released_records(&self) -> u64 {
        self.released_records.load(Ordering::Relaxed)
    }

    /// When the last release was, on the process's clock.
    pub fn last_release(&self) -> Nanos {
        self.last_release.load(Ordering::Relaxed)
    }

    /// Bytes released by this execution.
    pub fn released_bytes(&self) -> u64 {
        self.released_bytes.load(Ordering::Relaxed)
    }

    /// Due instant to release, so far.
    pub fn lateness(&self) -> Lateness {
        self.lateness
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Adds to the lateness.
    pub fn add_lateness(&self, more: &Lateness) {
        self.lateness
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .merge(more);
    }

    /// The largest memory of any instance, for status.
    pub fn memory(&self, stream: &plugin::Stream) {
        self.guest_memory
            .fetch_max(stream.memory() as u64, Ordering::Relaxed);
    }

    /// Bytes of the largest instance.
    pub fn guest_memory(&self) -> u64 {
        self.guest_memory.load(Ordering::Relaxed)
    }
}
