//! Faults, and the order that they make: from index to sequence, for one stream.
//!
//! Which records a fault hits, and how, is a pure function of (seed, stream, index), so that what
//! happened can be told again without a copy. Release order is `(T + delay, tick, copy)`; a
//! record's sequence is its place in it. Records that say "nothing here" are taken out.

mod held;

use serde::{Deserialize, Serialize};

use crate::record::{Batch, Nanos};
use held::{Builder, Entry, Waiting};
pub use held::{Held, HeldEntry};

/// Names and versions of the functions here, for the manifest.
pub fn versions() -> &'static [(&'static str, u32)] {
    &[("fault", 1), ("sequence", 1)]
}

/// Which faults an emulation has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Faults {
    /// Some records come twice.
    pub duplicate: Option<Duplicate>,
    /// Some records come late; their event time stays.
    pub late: Option<Late>,
}

/// A share of the records comes a second time.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Duplicate {
    /// Between 0 and 1.
    pub share: f64,
    /// When the copy comes.
    pub after: After,
}

/// When a copy comes: never before the original, also where that is late.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum After {
    /// Right behind the stream's record so many further on (one nanosecond of profile time after it, so
    /// behind all of its beat), or behind its last; 0: right behind the original, at its instant.
    Records(u64),
    /// So much profile time after the original.
    Time(Nanos),
}

/// A share of the records comes late.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Late {
    /// Between 0 and 1.
    pub share: f64,
    /// Least delay, in profile time.
    pub min: Nanos,
    /// Largest delay.
    pub max: Nanos,
}

impl Faults {
    /// Whether there is none.
    pub fn is_none(&self) -> bool {
        *self == Faults::default()
    }

    /// The longest that a record is held back, in profile time, but for copies that wait for a
    /// number of records.
    pub fn window(&self) -> Nanos {
        let copy = match self.duplicate.map(|d| d.after) {
            Some(After::Time(time)) => time,
            _ => 0,
        };
        self.late.map_or(0, |late| late.max).saturating_add(copy)
    }

    /// About how many records are held back at once, at most, in an emulation of that many streams
    /// at `per_second` records a second of profile time: what the memory for them is worked out from.
    pub fn held(&self, per_second: f64, streams: u32) -> f64 {
        let late = self
            .late
            .map_or(0.0, |l| l.share * (l.max as f64 / 1e9) * per_second);
        let copies = self.duplicate.map_or(0.0, |d| {
            let behind = self.late.map_or(0.0, |l| l.share * (l.max as f64 / 1e9));
            match d.after {
                After::Records(n) => {
                    d.share * (n as f64 * f64::from(streams) + behind * per_second)
                }
                After::Time(time) => d.share * (time as f64 / 1e9 + behind) * per_second,
            }
        });
        late + copies
    }
}

/// How many records something happened to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FaultCounts {
    /// Said nothing, and went nowhere.
    pub skipped: u64,
    /// Came a second time.
    pub duplicate: u64,
    /// Came late.
    pub late: u64,
}

const GAMMA: u64 = 0x9E37_79B9_7F4A_7C15;

fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// Whether a draw is among a share of all draws; of a share of 1, every one is.
fn hits(draw: u64, share: f64) -> bool {
    (draw >> 11) < (share.clamp(0.0, 1.0) * 9_007_199_254_740_992.0) as u64
}

/// A time between two, by a draw.
fn between(min: Nanos, max: Nanos, draw: u64) -> Nanos {
    let span = u128::from(max.saturating_sub(min)) + 1;
    min.saturating_add(((u128::from(draw) * span) >> 64) as u64)
}

/// Brings the records of one stream into the order in which they are released.
#[derive(Debug)]
pub struct Sequencer {
    faults: Faults,
    stream: u32,
    late_key: u64,
    duplicate_key: u64,
    sequence: u64,
    counts: FaultCounts,
    waiting: Waiting,
}

impl Sequencer {
    /// Before the first record of `stream`.
    pub fn new(faults: Faults, seed: u64, stream: u32) -> Sequencer {
        let key = |purpose: u64| mix(mix(seed ^ purpose) ^ u64::from(stream).wrapping_mul(GAMMA));
        Sequencer {
            faults,
            stream,
            late_key: key(0x6c61_7465),
            duplicate_key: key(0x6475_706c),
            sequence: 0,
            counts: FaultCounts::default(),
            waiting: Waiting::default(),
        }
    }

    /// What happened so far.
    pub fn counts(&self) -> FaultCounts {
        self.counts
    }

    /// The sequence of the next record that is released.
    pub fn next_sequence(&self) -> u64 {
        self.sequence
    }

    /// The lowest index of which something is held back.
    pub fn oldest_held(&self) -> Option<u64> {
        self.waiting.oldest()
    }

    /// Bytes held back.
    pub fn held_bytes(&self) -> usize {
        self.waiting.bytes()
    }

    /// Takes a batch in index order and gives what can be released, in sequence order. Without
    /// faults and empty records the batch passes through as it is.
    pub fn push(&mut self, mut batch: Batch, out: &mut Vec<Batch>) {
        if self.faults.is_none() && self.waiting.is_empty() && !has_empty(&batch.ends) {
            batch.first_sequence = self.sequence;
            self.sequence += batch.len() as u64;
            if !batch.is_empty() {
                out.push(batch);
            }
            return;
        }
        let mut builder = Builder::new(batch.stream);
        builder.reserve(&batch);
        for k in 0..batch.len() {
            let (index, time) = (batch.index(k).0, batch.order[k]);
            self.waiting.due_with(index, time);
            self.release_before((time, index, 0), &mut builder, out);
            if batch.record(k).is_empty() {
                self.counts.skipped += 1;
                continue;
            }
            let order = time.saturating_add(self.delay(index));
            if order == time {
                builder.add(self.sequence, &batch, k, (time, index, 0), out);
                self.sequence += 1;
            } else {
                self.counts.late += 1;
                self.waiting.hold(Entry::of(&batch, k, (order, index, 0)));
            }
            self.copy(&batch, k, order);
        }
        builder.flush(out);
    }

    /// Gives what is held back and comes before profile time `next`, at which the stream's next record falls.
    pub fn advance(&mut self, next: Nanos, out: &mut Vec<Batch>) {
        if !self.waiting.is_empty() {
            let mut builder = Builder::new(self.stream);
            self.release_before((next, 0, 0), &mut builder, out);
            builder.flush(out);
        }
    }

    /// The stream is over: everything held back, in order.
    pub fn finish(&mut self, out: &mut Vec<Batch>) {
        let mut builder = Builder::new(self.stream);
        self.waiting.all_due();
        self.release_before((Nanos::MAX, u64::MAX, u8::MAX), &mut builder, out);
        builder.flush(out);
    }

    /// Where it stands, without the bytes held back.
    pub fn snapshot(&self) -> Held {
        Held {
            sequence: self.sequence,
            counts: self.counts,
            newest: self.waiting.newest(),
            entries: self.waiting.entries(),
        }
    }

    /// Stands where a snapshot was taken. What was held back there was released since: it only
    /// counts, so that what follows has its sequence.
    pub fn restore(&mut self, held: Held) {
        self.sequence = held.sequence;
        self.counts = held.counts;
        self.waiting.restore(held.newest, held.entries);
    }

    /// By how much the original of an index is late.
    fn delay(&self, index: u64) -> Nanos {
        let Some(late) = self.faults.late else {
            return 0;
        };
        let draw = mix(self.late_key ^ index.wrapping_mul(GAMMA));
        match hits(draw, late.share) {
            true => between(late.min, late.max, mix(draw ^ GAMMA)),
            false => 0,
        }
    }

    /// Whether an index has a copy.
    fn copies(&self, index: u64) -> bool {
        let draw = mix(self.duplicate_key ^ index.wrapping_mul(GAMMA));
        let share = self.faults.duplicate.map_or(0.0, |d| d.share);
        hits(draw, share)
    }

    fn copy(&mut self, batch: &Batch, k: usize, order: Nanos) {
        let index = batch.index(k).0;
        let Some(duplicate) = self.faults.duplicate.filter(|_| self.copies(index)) else {
            return;
        };
        self.counts.duplicate += 1;
        match duplicate.after {
            After::Records(0) => self.waiting.hold(Entry::of(batch, k, (order, index, 1))),
            After::Records(n) => {
                let entry = Entry::of(batch, k, (order, index, 1));
                self.waiting.hold_until(index.saturating_add(n), entry);
            }
            After::Time(time) => {
                let order = order.saturating_add(time);
                self.waiting.hold(Entry::of(batch, k, (order, index, 1)));
            }
        }
    }

    fn release_before(&mut self, place: held::Place, builder: &mut Builder, out: &mut Vec<Batch>) {
        while let Some(entry) = self.waiting.pop_before(place) {
            builder.add_entry(self.sequence, entry, out);
            self.sequence += 1;
        }
    }
}

/// Whether any record has no byte. It looks at all of them, which is faster than to stop at the first.
fn has_empty(ends: &[u32]) -> bool {
    let same = ends
        .windows(2)
        .fold(false, |same, pair| same | (pair[0] == pair[1]));
    same || ends.first() == Some(&0)
}

#[cfg(test)]
mod tests;
