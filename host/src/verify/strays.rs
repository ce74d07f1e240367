//! Items that no record of the window fits, and the second pass that decides what they are: a record
//! from far away, another copy of one, one that was altered, or nobody's.

use std::collections::HashMap;
use std::ops::Range;

use super::VerifyError;
use super::expected::{Slot, Which};
use super::feed::Found;
use super::gaps::{Cover, Gaps};
use super::pairs::{Lacking, pair};
use super::tally::{EXAMPLES, Kind, MOST, Sample, Tally, shown};
use super::turn::position;
use super::window::ByKey;
use crate::sink::read::{Kept, Look};

/// Bytes that are kept of them, and of missing records that they may have been.
const BYTES: usize = 8 << 20;

pub(super) struct Stray {
    pub gap: u32,
    found: Found,
    pub bytes: Option<Box<[u8]>>,
    pub fate: Fate,
}

#[derive(Clone, Copy)]
pub(super) enum Fate {
    Open,
    /// A record that was missing.
    Claimed,
    /// One that was found before.
    Seen(u64, Which),
}

/// See the module.
#[derive(Default)]
pub(super) struct Strays {
    pub gaps: Gaps,
    pub list: Vec<Stray>,
    bytes: usize,
    /// There were more than can be kept.
    pub overflown: bool,
}

impl Strays {
    /// One more item; false where there is no room.
    pub fn add(&mut self, gap: u32, found: Found, look: Option<Look<'_>>) -> bool {
        if self.list.len() >= MOST {
            self.overflown = true;
            return false;
        }
        let bytes = look
            .filter(|_| self.bytes < BYTES)
            .map(|look| shown(look).into_boxed_slice());
        self.bytes += bytes.as_ref().map_or(0, |bytes| bytes.len());
        self.list.push(Stray {
            gap,
            found,
            bytes,
            fate: Fate::Open,
        });
        true
    }

    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }
}

/// Missing records by ordinal, walked along with the second pass.
struct Absent<'a> {
    ranges: &'a [Range<u64>],
    at: usize,
    ordinal: u64,
}

impl Absent<'_> {
    /// The next ordinal, and whether it is missing.
    fn next(&mut self) -> (u64, bool) {
        let ordinal = self.ordinal;
        self.ordinal += 1;
        while self.ranges.get(self.at).is_some_and(|r| r.end <= ordinal) {
            self.at += 1;
        }
        let range = self.ranges.get(self.at);
        (ordinal, range.is_some_and(|range| range.contains(&ordinal)))
    }

    fn is_past(&self) -> bool {
        self.at >= self.ranges.len()
    }
}

/// The second pass over all that is expected.
struct Second<'a> {
    tally: &'a mut Tally,
    tracks: u32,
    absent: Vec<Absent<'a>>,
    by_key: ByKey<Vec<u32>>,
    cover: Cover,
    /// Where each gap's claims have come to, by order.
    last: HashMap<(u32, usize), u64>,
    claimed: u64,
    /// Missing records that lie in a gap, and the first that don't.
    lacking: Vec<Lacking>,
    beside: usize,
    bytes: usize,
}

/// Decides on everything that is in question, and gives how many records are missing. `next` goes
/// through all that is expected once more, and says whether there is more.
pub(super) fn settle(
    tally: &mut Tally,
    missing: &[Vec<Range<u64>>],
    tracks: u32,
    mut next: impl FnMut(&mut dyn FnMut(u32, Slot, Look<'_>)) -> Result<bool, VerifyError>,
) -> Result<u64, VerifyError> {
    let mut by_key: ByKey<Vec<u32>> = ByKey::default();
    for (n, stray) in tally.strays.list.iter().enumerate() {
        by_key.entry(stray.found.key).or_default().push(n as u32);
    }
    let absent = missing.iter().map(|ranges| Absent {
        ranges,
        at: 0,
        ordinal: 0,
    });
    let mut second = Second {
        tracks,
        absent: absent.collect(),
        by_key,
        cover: tally.strays.gaps.cover(),
        last: HashMap::new(),
        claimed: 0,
        lacking: Vec::new(),
        beside: 0,
        bytes: 0,
        tally,
    };
    while next(&mut |place, slot, look| second.one(place, &slot, look))? && !second.is_done() {}
    let Second {
        tally,
        claimed,
        mut lacking,
        ..
    } = second;
    let altered = pair(tally, &mut lacking);
    let gone = missing
        .iter()
        .flatten()
        .map(|range| range.end - range.start);
    Ok(gone.sum::<u64>() - claimed - altered)
}

impl Second<'_> {
    /// The next record that is expected.
    fn one(&mut self, place: u32, slot: &Slot, look: Look<'_>) {
        let Some(absent) = self.absent.get_mut(place as usize) else {
            return;
        };
        let (ordinal, lacking) = absent.next();
        if !self.claim(place, ordinal, slot, lacking, look) && lacking {
            self.remember(place, ordinal, slot.which, look);
        }
        self.tally.complete(place, ordinal, slot.which, look);
    }

    /// Whether nothing can be learnt from the rest.
    fn is_done(&self) -> bool {
        self.tally.strays.is_empty()
            && (self.beside >= EXAMPLES || self.absent.iter().all(Absent::is_past))
            && !self.tally.samples.iter().any(Sample::wants_record)
    }

    /// A missing record that may have been altered, or that makes an example.
    fn remember(&mut self, place: u32, ordinal: u64, which: Which, look: Look<'_>) {
        let (track, value) = position(self.tracks, ordinal, &which);
        if !self.cover.holds(place, track, value) {
            self.beside += 1;
            if self.beside > EXAMPLES {
                return;
            }
        } else if self.lacking.len() >= MOST {
            return;
        }
        let bytes = (self.bytes < BYTES).then(|| shown(look));
        self.bytes += bytes.as_ref().map_or(0, Vec::len);
        self.lacking.push(Lacking {
            place,
            track,
            value,
            ordinal,
            which,
            bytes,
            used: false,
        });
    }

    /// Whether one of the strays is this record, which was missing.
    fn claim(
        &mut self,
        place: u32,
        ordinal: u64,
        slot: &Slot,
        lacking: bool,
        look: Look<'_>,
    ) -> bool {
        let Some(strays) = self.by_key.get(&slot.key) else {
            return false;
        };
        for &n in strays {
            let Some(stray) = self.tally.strays.list.get_mut(n as usize) else {
                continue;
            };
            let Some(gap) = self.tally.strays.gaps.get(stray.gap) else {
                continue;
            };
            if gap.place != place || matches!(stray.fate, Fate::Claimed) {
                continue;
            }
            if !lacking {
                stray.fate = Fate::Seen(ordinal, slot.which);
                continue;
            }
            stray.fate = Fate::Claimed;
            let (track, value) = position(self.tracks, ordinal, &slot.which);
            let last = self.last.insert((stray.gap, track), value);
            let in_turn = gap.holds(track, value) && last.is_none_or(|last| last < value);
            self.claimed += 1;
            self.tally.matched += 1;
            if !in_turn && self.tally.kept != Kept::Nothing {
                let which = Some((ordinal, slot.which));
                self.tally.count(Kind::Reordered, place, which, Some(look));
            }
            return true;
        }
        false
    }
}

impl Tally {
    /// Says in the examples of a record what it should have been.
    pub(super) fn complete(&mut self, place: u32, here: u64, which: Which, look: Look<'_>) {
        for sample in self.samples.iter_mut().filter(|s| s.expected.is_none()) {
            let this = sample.which.is_some_and(|(ordinal, of)| match ordinal {
                u64::MAX => (of.stream, of.sequence) == (which.stream, which.sequence),
                _ => ordinal == here,
            });
            if this && sample.place == place {
                sample.expected = Some(shown(look));
                sample.which = Some((here, which));
            }
        }
    }
}
