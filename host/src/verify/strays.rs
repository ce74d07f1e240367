//! Items that no record of the window fits, and the second pass that decides what they are: a record
//! from far away, another copy of one, one that was altered, or nobody's.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use super::VerifyError;
use super::expected::{Expected, Which};
use super::feed::Found;

use super::tally::{EXAMPLES, Kind, Sample, Tally, shown};
use super::window::ByKey;
use crate::sink::read::{Kept, Look};

/// Items that may be in question at once; what is more counts as foreign.
const MOST: usize = 1 << 20;
/// Bytes that are kept of them, and of missing records that they may have been.
const BYTES: usize = 8 << 20;

/// Between two matches of a source.
struct Gap {
    place: u32,
    /// Ordinals that may stand there.
    ordinals: Range<u64>,
    /// The last that the second pass found there.
    last: Option<u64>,
}

struct Stray {
    gap: u32,
    found: Found,
    bytes: Option<Box<[u8]>>,
    fate: Fate,
}

#[derive(Clone, Copy)]
enum Fate {
    Open,
    /// A record that was missing.
    Claimed,
    /// One that was found before.
    Seen(u64, Which),
}

/// See the module.
#[derive(Default)]
pub(super) struct Strays {
    gaps: Vec<Gap>,
    list: Vec<Stray>,
    bytes: usize,
    /// There were more than can be kept.
    pub overflown: bool,
}

impl Strays {
    /// A gap begins before an ordinal.
    pub fn open(&mut self, place: u32, at: u64) -> u32 {
        self.gaps.push(Gap {
            place,
            ordinals: at..u64::MAX,
            last: None,
        });
        (self.gaps.len() - 1) as u32
    }

    /// It ends before an ordinal.
    pub fn close(&mut self, gap: u32, at: u64) {
        if let Some(gap) = self.gaps.get_mut(gap as usize) {
            gap.ordinals.end = at.max(gap.ordinals.start);
        }
    }

    /// One more item; false where there is no room.
    pub fn add(&mut self, place: u32, gap: u32, found: Found, look: Option<Look<'_>>) -> bool {
        debug_assert!(
            self.gaps
                .get(gap as usize)
                .is_some_and(|g| g.place == place)
        );
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
}

impl Absent<'_> {
    /// Whether an ordinal is missing; ordinals come in order.
    fn has(&mut self, ordinal: u64) -> bool {
        while self.ranges.get(self.at).is_some_and(|r| r.end <= ordinal) {
            self.at += 1;
        }
        self.ranges
            .get(self.at)
            .is_some_and(|range| range.contains(&ordinal))
    }

    fn is_past(&self) -> bool {
        self.at >= self.ranges.len()
    }
}

/// What the second pass keeps of missing records.
#[derive(Default)]
struct Remembered {
    records: HashMap<(u32, u64), (Which, Vec<u8>)>,
    bytes: usize,
}

/// Decides on everything that is in question, and gives how many records are missing.
pub(super) fn settle(
    tally: &mut Tally,
    missing: &[Vec<Range<u64>>],
    mut expected: Expected<'_>,
) -> Result<u64, VerifyError> {
    let mut absent: Vec<Absent> = missing
        .iter()
        .map(|ranges| Absent { ranges, at: 0 })
        .collect();
    let mut ordinals = vec![0u64; missing.len()];
    let mut claimed: HashSet<(u32, u64)> = HashSet::new();
    let mut kept = Remembered::default();
    let mut by_key: ByKey<Vec<u32>> = ByKey::default();
    for (n, stray) in tally.strays.list.iter().enumerate() {
        by_key.entry(stray.found.key).or_default().push(n as u32);
    }
    loop {
        let more = expected.next(|place, slot, look| {
            let at = place as usize;
            let (Some(absent), Some(ordinal)) = (absent.get_mut(at), ordinals.get_mut(at)) else {
                return;
            };
            let here = *ordinal;
            *ordinal += 1;
            let lacking = absent.has(here);
            if let Some(strays) = by_key.get(&slot.key)
                && tally.claim(strays, place, here, slot.which, lacking, look)
            {
                claimed.insert((place, here));
            } else if lacking && kept.bytes < BYTES {
                kept.bytes += look.record.len() + 64;
                kept.records
                    .insert((place, here), (slot.which, shown(look)));
            }
            for sample in &mut tally.samples {
                let this = |&(ordinal, which): &(u64, Which)| {
                    let same =
                        (which.stream, which.sequence) == (slot.which.stream, slot.which.sequence);
                    if ordinal == u64::MAX {
                        same
                    } else {
                        ordinal == here
                    }
                };
                if sample.expected.is_none()
                    && sample.place == place
                    && sample.which.as_ref().is_some_and(this)
                {
                    sample.expected = Some(shown(look));
                    sample.which = Some((here, slot.which));
                }
            }
        })?;
        let samples_left = tally.samples.iter().any(Sample::wants_record);
        let enough = kept.records.len() >= 4 * EXAMPLES || absent.iter().all(Absent::is_past);
        if !more || (tally.strays.is_empty() && enough && !samples_left) {
            break;
        }
    }
    Ok(tally.conclude(missing, &claimed, kept))
}

impl Sample {
    fn wants_record(&self) -> bool {
        self.expected.is_none() && self.which.is_some()
    }
}

impl Tally {
    /// An expected record has the key of some strays. Says whether one of them is it.
    fn claim(
        &mut self,
        strays: &[u32],
        place: u32,
        ordinal: u64,
        which: Which,
        lacking: bool,
        look: Look<'_>,
    ) -> bool {
        for &n in strays {
            let stray = &mut self.strays.list[n as usize];
            let gap = &mut self.strays.gaps[stray.gap as usize];
            if gap.place != place || matches!(stray.fate, Fate::Claimed) {
                continue;
            }
            if !lacking {
                stray.fate = Fate::Seen(ordinal, which);
                continue;
            }
            stray.fate = Fate::Claimed;
            self.matched += 1;
            let turn = gap.ordinals.contains(&ordinal) && gap.last.is_none_or(|l| l < ordinal);
            gap.last = Some(ordinal);
            if !turn && self.kept != Kept::Nothing {
                let at = Some((ordinal, which));
                self.count(Kind::Reordered, place, at, Some(look));
            }
            return true;
        }
        false
    }

    /// Pairs what is left, gap by gap, and counts.
    fn conclude(
        &mut self,
        missing: &[Vec<Range<u64>>],
        claimed: &HashSet<(u32, u64)>,
        kept: Remembered,
    ) -> u64 {
        let strays = std::mem::take(&mut self.strays.list);
        let gaps = std::mem::take(&mut self.strays.gaps);
        let mut used: HashSet<(u32, u64)> = HashSet::new();
        // Where each gap's search for missing records goes on.
        let mut from: HashMap<u32, u64> = HashMap::new();
        for stray in strays {
            let gap = &gaps[stray.gap as usize];
            let found = stray.bytes.map(<[u8]>::into_vec);
            match stray.fate {
                Fate::Claimed => continue,
                Fate::Seen(ordinal, which) => {
                    self.repeated += 1;
                    self.sample(Kind::Repeated, gap.place, Some((ordinal, which)), found);
                    continue;
                }
                Fate::Open => {}
            }
            let start = *from.get(&stray.gap).unwrap_or(&gap.ordinals.start);
            let ranges = missing
                .get(gap.place as usize)
                .map_or(&[][..], Vec::as_slice);
            let partner = absent_in(ranges, start..gap.ordinals.end)
                .find(|&o| !claimed.contains(&(gap.place, o)) && !used.contains(&(gap.place, o)));
            match partner {
                None => {
                    from.insert(stray.gap, u64::MAX);
                    self.foreign += 1;
                    self.sample(Kind::Foreign, gap.place, None, found);
                }
                Some(ordinal) => {
                    from.insert(stray.gap, ordinal + 1);
                    used.insert((gap.place, ordinal));
                    self.altered += 1;
                    let record = kept.records.get(&(gap.place, ordinal));
                    let which = record.map(|(which, _)| (ordinal, *which));
                    self.sample(Kind::Altered, gap.place, which, found);
                    self.complete(gap.place, ordinal, record);
                }
            }
        }
        let mut count = 0;
        for (place, ranges) in missing.iter().enumerate() {
            let place = place as u32;
            let all: u64 = ranges.iter().map(|range| range.end - range.start).sum();
            let gone = |set: &HashSet<(u32, u64)>| set.iter().filter(|(p, _)| *p == place).count();
            count += all - (gone(claimed) + gone(&used)) as u64;
        }
        let mut rest: Vec<(u32, u64)> = kept.records.keys().copied().collect();
        rest.retain(|at| !used.contains(at) && !claimed.contains(at));
        rest.sort_unstable();
        for at in rest.into_iter().take(EXAMPLES) {
            let record = kept.records.get(&at);
            let which = record.map(|(which, _)| (at.1, *which));
            self.sample(Kind::Missing, at.0, which, None);
            self.complete(at.0, at.1, record);
        }
        count
    }

    /// Says what the newest example should have been.
    fn complete(&mut self, place: u32, ordinal: u64, record: Option<&(Which, Vec<u8>)>) {
        let newest = self.samples.last_mut().filter(|sample| {
            sample.place == place && sample.which.is_some_and(|(o, _)| o == ordinal)
        });
        if let (Some(sample), Some((_, bytes))) = (newest, record) {
            sample.expected = Some(bytes.clone());
        }
    }
}

/// The missing ordinals within a range.
fn absent_in(ranges: &[Range<u64>], within: Range<u64>) -> impl Iterator<Item = u64> {
    let first = ranges.partition_point(|range| range.end <= within.start);
    ranges[first..]
        .iter()
        .take_while(move |range| range.start < within.end)
        .flat_map(move |range| range.start.max(within.start)..range.end.min(within.end))
}
