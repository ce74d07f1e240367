//! What was taken of one stream and isn't settled, since its unit (an object, a file) isn't complete: counts
//! by stretches. The records themselves aren't kept.

use std::collections::VecDeque;

use super::Receipts;
use super::receipts::Stretch;

/// Stretches are put together once there are more than this. What that costs is that lateness is
/// spread evenly over longer ones.
const MOST: usize = 4096;

/// Stretches of one stream, one after another.
#[derive(Default)]
pub(super) struct Stretches {
    list: VecDeque<Entry>,
    pin: bool,
}

struct Entry {
    stretch: Stretch,
    /// A unit begins here, so that the watermark may come to lie here.
    pinned: bool,
}

impl Stretches {
    /// A unit begins with the next record.
    pub(super) fn pin(&mut self) {
        self.pin = true;
    }

    /// The next records were taken.
    pub(super) fn note(&mut self, stretch: Stretch) {
        let pinned = std::mem::take(&mut self.pin);
        self.list.push_back(Entry { stretch, pinned });
        if self.list.len() > MOST {
            self.thin();
        }
    }

    /// Settles what lies below that sequence.
    pub(super) fn settle(&mut self, stream: u32, below: u64, receipts: &Receipts) {
        while let Some(entry) = self.list.front()
            && entry.stretch.end <= below
        {
            receipts.settle_stretch(stream, &entry.stretch);
            self.list.pop_front();
        }
    }

    /// Puts neighbours together, two by two.
    fn thin(&mut self) {
        let mut thinned: VecDeque<Entry> = VecDeque::with_capacity(MOST);
        let mut joinable = false;
        for entry in self.list.drain(..) {
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
        self.list = thinned;
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

    #[test]
    fn a_long_wait_costs_little_memory_and_no_count() {
        let receipts = Receipts::new(&[0], Clock::start(), Lateness::new().unwrap(), None);
        let mut stretches = Stretches::default();
        for n in 0..1_000_000 {
            if n == 700_000 {
                stretches.pin();
            }
            stretches.note(Stretch {
                end: n + 1,
                acknowledged: 1,
                due: Some((0, 0)),
                ..Stretch::default()
            });
            assert!(stretches.list.len() <= MOST);
        }
        stretches.settle(0, 700_000, &receipts);
        assert_eq!(receipts.watermark(), [700_000]);
        assert_eq!(receipts.lateness().count(), 700_000);
        stretches.settle(0, 1_000_000, &receipts);
        assert_eq!(receipts.acknowledged(), 1_000_000);
    }
}
