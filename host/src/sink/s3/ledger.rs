//! What was taken of one stream and isn't settled, and which objects are still to be completed.

use std::collections::BTreeSet;

use crate::sink::Receipts;
use crate::sink::receipts::Stretch;
use crate::sink::stretches::Stretches;

/// One stream.
#[derive(Default)]
pub(super) struct Ledger {
    /// The next sequence that isn't in an object.
    pub(super) taken: u64,
    /// Which interval of profile time its open objects are of.
    pub(super) window: u64,
    stretches: Stretches,
    /// First sequences of the objects that aren't complete.
    unfinished: BTreeSet<u64>,
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
        self.stretches.pin();
    }

    /// The next records were taken.
    pub(super) fn note(&mut self, stretch: Stretch) {
        self.taken = stretch.end;
        self.stretches.note(stretch);
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
        self.stretches.settle(stream, watermark, receipts);
    }
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
}
