//! Faults, and the order that they make: from index to sequence, for one stream.
//!
//! Which records a fault hits, and how, is a pure function of (seed, stream, index) and of what the
//! record says of itself (profile time, channel, event time, bytes), so that what happened can be told
//! again without a copy. Release order is `(T + delay, tick, copy)`; a record's sequence is its place
//! in it. Records that say "nothing here" are taken out.
//!
//! One record meets the faults in this order: dropped or corrupted (one draw, so that the shares are
//! of all records), late, reordered, doubled; then what would come is held to the end of a burst, and
//! lost where it falls into a gap.

mod builder;
mod config;
mod corrupt;
mod draw;
mod held;
mod ledger;
mod strike;
mod windows;

use crate::record::{Batch, Nanos};
use builder::Builder;
pub use config::{
    After, Burst, Corrupt, Drop, Duplicate, Faults, Gap, Late, Reorder, Scope, Within,
};
pub use corrupt::Kind;
use draw::{again, between, draw, hits, key, part, point};
use held::Waiting;
pub use held::{Held, HeldEntry};
pub use ledger::{ByFault, Done, FaultCounts, Line};
use windows::{Passed, Windows};

/// Names and versions of the functions here, for the manifest.
pub fn versions() -> &'static [(&'static str, u32)] {
    &[("fault", 1), ("sequence", 1)]
}

/// Draws of each purpose.
#[derive(Debug)]
struct Keys {
    late: u64,
    duplicate: u64,
    loss: u64,
    reorder: u64,
}

/// Brings the records of one stream into the order in which they are released.
#[derive(Debug)]
pub struct Sequencer {
    faults: Faults,
    stream: u32,
    keys: Keys,
    windows: Windows,
    sequence: u64,
    counts: FaultCounts,
    waiting: Waiting,
    /// Bytes of the record that is being damaged.
    damaged: Vec<u8>,
    /// What the ledger says; none where nobody asked for one.
    lines: Option<Vec<Line>>,
}

/// What happens to one record, but for windows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Fate {
    dropped: bool,
    /// Draw of the damage.
    corrupted: Option<u64>,
    late: Nanos,
    /// Falls back by so much time.
    back: Nanos,
    /// Falls back behind the record so many further on.
    behind: u64,
    copied: bool,
}

impl Sequencer {
    /// Before the first record of `stream`.
    pub fn new(faults: Faults, seed: u64, stream: u32) -> Sequencer {
        let key = |purpose: u64| key(seed, stream, purpose);
        let faults = faults.of_stream(stream);
        Sequencer {
            windows: Windows::new(&faults, seed, stream),
            faults,
            stream,
            keys: Keys {
                late: key(0x6c61_7465),
                duplicate: key(0x6475_706c),
                loss: key(0x6c6f_7373),
                reorder: key(0x72_656f_7264),
            },
            sequence: 0,
            counts: FaultCounts::default(),
            waiting: Waiting::default(),
            damaged: Vec::new(),
            lines: None,
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

    /// Whether something of an index below that one is held back.
    pub fn holds_below(&self, index: u64) -> bool {
        self.waiting.has_below(index)
    }

    /// Bytes held back.
    pub fn held_bytes(&self) -> usize {
        self.waiting.bytes()
    }

    /// From now on keeps a line for each faulted record, for [`Sequencer::take_lines`].
    pub fn keep_lines(&mut self) {
        self.lines.get_or_insert_default();
    }

    /// The lines since the last call: released records in sequence order, lost ones between them
    /// where that was found out. The order doesn't depend on the sizes of batches.
    pub fn take_lines(&mut self) -> Vec<Line> {
        self.lines.as_mut().map(std::mem::take).unwrap_or_default()
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
        // Records from here on go out as they are, all at once.
        let mut plain = 0;
        for k in 0..batch.len() {
            let (index, time) = (batch.index(k).0, batch.order[k]);
            if self.waiting.has_before((time, index, 0)) {
                self.pass(&batch, plain..k, &mut builder, out);
                plain = k;
                self.release_before((time, index, 0), &mut builder, out);
            }
            // What it wakes comes a nanosecond later at least, so behind this record.
            self.due_with(index, time);
            let fate = match batch.record(k).is_empty() {
                true => None,
                false => Some((self.fate(&batch, k), self.windows_of(&batch, k))),
            };
            if let Some((fate, windows)) = fate
                && fate == Fate::default()
                && self.windows.pass(windows, time) == Passed::At(time)
            {
                continue;
            }
            self.pass(&batch, plain..k, &mut builder, out);
            plain = k + 1;
            match fate {
                Some(fate) => self.strike(&batch, k, fate, &mut builder, out),
                None => self.counts.skipped += 1,
            }
        }
        self.pass(&batch, plain..batch.len(), &mut builder, out);
        if let Some(&last) = batch.order.last() {
            self.waiting.set_newest(last);
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
        self.due_with(u64::MAX, self.waiting.newest());
        self.release_before((Nanos::MAX, u64::MAX, u8::MAX), &mut builder, out);
        builder.flush(out);
    }

    /// Where it stands, without the bytes held back.
    pub fn snapshot(&self) -> Held {
        let (entries, windows) = self.waiting.entries();
        Held {
            sequence: self.sequence,
            counts: self.counts,
            newest: self.waiting.newest(),
            entries,
            windows,
        }
    }

    /// Stands where a snapshot was taken. What was held back there was released since: it only
    /// counts, so that what follows has its sequence.
    pub fn restore(&mut self, held: Held) {
        self.sequence = held.sequence;
        self.counts = held.counts;
        self.waiting
            .restore(held.newest, held.entries, &held.windows);
    }

    /// By how much the original of an index is late.
    fn delay(&self, index: u64) -> Nanos {
        let Some(late) = &self.faults.late else {
            return 0;
        };
        let draw = draw(self.keys.late, index);
        match hits(draw, late.share) {
            true => between(late.min, late.max, again(draw)),
            false => 0,
        }
    }

    /// Whether an index has a copy.
    fn copies(&self, index: u64) -> bool {
        let share = self.faults.duplicate.as_ref().map_or(0.0, |d| d.share);
        hits(draw(self.keys.duplicate, index), share)
    }

    /// By how much time, and behind how many records, an index falls back.
    fn falls(&self, index: u64) -> (Nanos, u64) {
        let Some(reorder) = &self.faults.reorder else {
            return (0, 0);
        };
        let drawn = draw(self.keys.reorder, index);
        match (hits(drawn, reorder.share), reorder.within) {
            (false, _) => (0, 0),
            (true, Within::Records(n)) => (0, between(1, n.max(1), again(drawn))),
            (true, Within::Time(time)) => (between(1, time.max(1), again(drawn)), 0),
        }
    }

    /// Whether an index is dropped, and the draw of its damage where it is corrupted; each only where
    /// that fault has the record.
    fn loss(&self, index: u64, drops: Option<f64>, corrupts: Option<f64>) -> (bool, Option<u64>) {
        let drawn = draw(self.keys.loss, index);
        let dropped = drops.map_or(0, part);
        let at = point(drawn);
        let damaged = at >= dropped && at - dropped < corrupts.map_or(0, part);
        (at < dropped, damaged.then(|| again(drawn)))
    }

    fn fate(&self, batch: &Batch, k: usize) -> Fate {
        let faults = &self.faults;
        let (index, event) = (batch.index(k).0, batch.times[k]);
        let channel = batch.channels.get(k).copied().unwrap_or(0);
        let has = |scope: &Scope| scope.has(channel, event);
        let mut fate = Fate::default();
        let drops = faults.drop.as_ref().filter(|f| has(&f.scope));
        let corrupts = faults.corrupt.as_ref().filter(|f| has(&f.scope));
        if drops.is_some() || corrupts.is_some() {
            let (drops, corrupts) = (drops.map(|f| f.share), corrupts.map(|f| f.share));
            (fate.dropped, fate.corrupted) = self.loss(index, drops, corrupts);
        }
        if faults.late.as_ref().is_some_and(|f| has(&f.scope)) {
            fate.late = self.delay(index);
        }
        if faults.reorder.as_ref().is_some_and(|f| has(&f.scope)) {
            (fate.back, fate.behind) = self.falls(index);
        }
        if faults.duplicate.as_ref().is_some_and(|f| has(&f.scope)) {
            fate.copied = self.copies(index);
        }
        fate
    }

    fn windows_of(&self, batch: &Batch, k: usize) -> u8 {
        let channel = batch.channels.get(k).copied().unwrap_or(0);
        self.windows.of(channel, batch.times[k])
    }

    /// Releases records as they are.
    fn pass(
        &mut self,
        batch: &Batch,
        range: std::ops::Range<usize>,
        builder: &mut Builder,
        out: &mut Vec<Batch>,
    ) {
        let records = range.len() as u64;
        builder.add(self.sequence, batch, range, out);
        self.sequence += records;
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
