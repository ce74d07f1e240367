//! What was taken of one stream and isn't settled: counts by stretches, and which objects are
//! still to be completed. The records themselves aren't kept.

use std::collections::{BTreeSet, VecDeque};

use crate::sink::Receipts;
use crate::sink::receipts::Stretch;

/// Stretches are put together once there are more than this. What that costs is that lateness is
/// spread evenly over longer ones.
const MOST: usize = 4096;

/// One stream.
#[derive(Default)]
pub(super) struct Ledger {
    /// The next sequence that isn't in an object.
    pub(super) taken: u64,
    /// Which interval of profile time its open objects are of.
    pub(super) window: u64,
    stretches: VecDeque<Entry>,
    /// First sequences of the objects that aren't complete.
    unfinished: BTreeSet<u64>,
}

struct Entry {
    stretch: Stretch,
    /// An object begins here, so that the watermark may come to lie here.
    pinned: bool,
}

impl Ledger {
    /// Of a stream that goes on with that sequence.
    pub(super) fn at(taken: u64) -> Ledger {
        Ledger {
            taken,
            ..Ledger::default()
        }
    }

    /// An object begins with the next record.
    pub(super) fn begin(&mut self) {
        self.unfinished.insert(self.taken);
    }

    /// The next records were taken.
    pub(super) fn note(&mut self, stretch: Stretch) {
        let pinned = self.unfinished.contains(&self.taken);
        self.taken = stretch.end;
        self.stretches.push_back(Entry { stretch, pinned });
        if self.stretches.len() > MOST {
            self.thin();
        }
    }

    /// The object that began with that sequence is complete.
    pub(super) fn complete(&mut self, first: u64) {
        self.unfinished.remove(&first);
    }

    /// Everything below is in complete objects.
    fn watermark(&self) -> u64 {
        self.unfinished.first().copied().unwrap_or(self.taken)
    }

    /// Settles what lies below the watermark.
    pub(super) fn settle(&mut self, stream: u32, receipts: &Receipts) {
        let watermark = self.watermark();
        while let Some(entry) = self.stretches.front()
            && entry.stretch.end <= watermark
        {
            receipts.settle_stretch(stream, &entry.stretch);
            self.stretches.pop_front();
        }
    }

    /// Puts neighbours together, two by two.
    fn thin(&mut self) {
        let mut thinned: VecDeque<Entry> = VecDeque::with_capacity(MOST);
        let mut joinable = false;
        for entry in self.stretches.drain(..) {
            match thinned.back_mut() {
                Some(last) if joinable && !entry.pinned => {
                    join(&mut last.stretch, &entry.stretch);
                    joinable = false;
                }
                _ => {
                    thinned.push_back(entry);
                    joinable = true;
                }
            }
        }
        self.stretches = thinned;
    }
}

fn join(one: &mut Stretch, next: &Stretch) {
    one.end = next.end;
    one.acknowledged += next.acknowledged;
    one.rejected += next.rejected;
    one.bytes += next.bytes;
    one.due = match (one.due, next.due) {
        (Some((first, _)), Some((_, last))) => Some((first, last)),
        (due, None) | (None, due) => due,
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::{Clock, Lateness};

    fn receipts() -> Receipts {
        Receipts::new(&[0], Clock::start(), Lateness::new().unwrap(), None)
    }

    fn stretch(end: u64, records: u64) -> Stretch {
        Stretch {
            end,
            acknowledged: records,
            bytes: records * 10,
            due: Some((0, 0)),
            ..Stretch::default()
        }
    }

    #[test]
    fn the_oldest_object_that_is_open_holds_the_watermark_back() {
        let (mut ledger, receipts) = (Ledger::at(0), receipts());
        ledger.begin();
        ledger.note(stretch(10, 10));
        ledger.begin();
        ledger.note(stretch(15, 5));
        ledger.note(stretch(20, 5));
        ledger.complete(10);
        ledger.settle(0, &receipts);
        assert_eq!(receipts.watermark(), [0]);
        ledger.begin();
        ledger.complete(0);
        ledger.settle(0, &receipts);
        assert_eq!(receipts.watermark(), [20]);
        assert_eq!((receipts.acknowledged(), receipts.bytes()), (20, 200));
        ledger.complete(20);
        ledger.note(stretch(21, 1));
        ledger.settle(0, &receipts);
        assert_eq!(receipts.watermark(), [21]);
    }

    #[test]
    fn a_long_wait_costs_little_memory_and_no_count() {
        let (mut ledger, receipts) = (Ledger::at(0), receipts());
        ledger.begin();
        for n in 0..1_000_000 {
            if n == 700_000 {
                ledger.begin();
            }
            ledger.note(stretch(n + 1, 1));
            assert!(ledger.stretches.len() <= MOST);
        }
        ledger.complete(0);
        ledger.settle(0, &receipts);
        assert_eq!(receipts.watermark(), [700_000]);
        assert_eq!(receipts.lateness().count(), 700_000);
        ledger.complete(700_000);
        ledger.settle(0, &receipts);
        assert_eq!(receipts.acknowledged(), 1_000_000);
    }
}
