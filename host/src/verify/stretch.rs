//! What a place holds exactly as it is expected, from its beginning on: bytes are compared with bytes,
//! and nothing is hashed. Where that ends, the place is told of the last of it, as if it had been gone
//! through record by record, and goes on with the rest by itself.

use std::collections::VecDeque;
use std::sync::mpsc::Sender;

use super::VerifyError;
use super::expected::{Looks, Slot};
use super::place::Place;
use super::tally::Tally;
use crate::record::Group;

/// Bytes that are remembered: few enough to stay in a cache while others are generated. What was found
/// before that and is there once more is for the second pass to tell.
const MOST: u64 = if cfg!(test) { 8 << 10 } else { 1 << 20 };
/// What a record takes besides its bytes, roughly.
const RECORD: u64 = 32;

/// A group that was found as it is, wholly or up to where the stretch ends.
struct Seen {
    group: Group,
    records: u64,
    refused: u64,
    bytes: u64,
}

/// See the module.
#[derive(Default)]
pub(super) struct Stretch {
    /// The last groups.
    seen: VecDeque<Seen>,
    /// How much that is.
    records: u64,
    bytes: u64,
    /// Records before those.
    before: u64,
}

impl Stretch {
    /// Compares a group with what comes next in the place, the only one so far. False where they differ:
    /// what follows is [`Stretch::end`].
    pub fn follow(
        &mut self,
        group: Group,
        looks: &mut Looks<'_>,
        place: &mut Place,
        tally: &mut Tally,
        done: &Sender<Group>,
    ) -> Result<bool, VerifyError> {
        let feed = place.only();
        let walked = looks.walk(&group, |number, look| {
            let same = number == 0 && feed.next()?.is_some_and(|item| item == look);
            if same {
                feed.advance();
            }
            Ok(same)
        })?;
        tally.matched += walked.records;
        let bytes: u64 = group.parts.iter().map(|part| part.bytes()).sum();
        let seen = Seen {
            bytes: bytes + RECORD * group.len() as u64,
            records: walked.records,
            refused: walked.refused,
            group,
        };
        self.records += seen.records;
        self.bytes += seen.bytes;
        self.seen.push_back(seen);
        self.forget(looks, tally.limits.behind, done);
        Ok(walked.whole)
    }

    /// Lets go of what nobody will ask for.
    fn forget(&mut self, looks: &mut Looks<'_>, behind: u64, done: &Sender<Group>) {
        while self.seen.len() > 1
            && let Some(first) = self.seen.front()
            && (self.records - first.records >= behind || self.bytes > MOST)
        {
            self.records -= first.records;
            self.bytes -= first.bytes;
            self.before += first.records;
            looks.refused += first.refused;
            if let Some(first) = self.seen.pop_front() {
                let _ = done.send(first.group);
            }
        }
    }

    /// Hands over: the place learns what was found, and `rest` is given what wasn't yet.
    pub fn end(
        self,
        looks: &mut Looks<'_>,
        place: &mut Place,
        tally: &mut Tally,
        mut rest: impl FnMut(u32, Slot),
    ) {
        place.skip(self.before, tally);
        let mut left = self.records;
        for seen in self.seen {
            looks.each(&seen.group, |number, slot, _| {
                if left > 0 {
                    left -= 1;
                    place.found(slot, tally);
                } else {
                    rest(number, slot);
                }
            });
        }
    }

    /// Nothing follows, neither there nor here.
    pub fn close(self, looks: &mut Looks<'_>) {
        looks.refused += self.seen.iter().map(|seen| seen.refused).sum::<u64>();
    }
}
