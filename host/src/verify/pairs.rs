//! Missing records and items of nobody, paired: where both lie between the same matched records, the
//! one was altered into the other.

use std::collections::HashMap;

use super::expected::Which;
use super::strays::{Fate, Stray};
use super::tally::{EXAMPLES, Kind, Tally};

/// Missing records that one item is compared with, where the first needn't be it.
const TRIED: usize = 64;

/// A missing record.
pub(super) struct Lacking {
    pub place: u32,
    pub track: usize,
    /// Where in that order.
    pub value: u64,
    pub ordinal: u64,
    pub which: Which,
    pub bytes: Option<Vec<u8>>,
    pub used: bool,
}

/// Counts what the strays turn out to be, takes the first of what is missing as examples, and gives how
/// many missing records were altered.
pub(super) fn pair(tally: &mut Tally, lacking: &mut [Lacking]) -> u64 {
    lacking.sort_unstable_by_key(|lack| (lack.place, lack.track, lack.value));
    let mut strays = std::mem::take(&mut tally.strays.list);
    // Where gaps overlap, those go first that have least to choose from; else they stay in order.
    strays.sort_by_cached_key(|stray| choice(tally, stray, lacking));
    let mut from: HashMap<(u32, usize), usize> = HashMap::new();
    let mut altered = 0;
    for stray in strays {
        let found = |stray: Stray| stray.bytes.map(<[u8]>::into_vec);
        let Some(gap) = tally.strays.gaps.get(stray.gap) else {
            continue;
        };
        let place = gap.place;
        match stray.fate {
            Fate::Claimed => {}
            Fate::Seen(ordinal, which) => {
                tally.repeated += 1;
                let which = Some((ordinal, which));
                tally.sample(Kind::Repeated, place, which, found(stray), None);
            }
            Fate::Open => match partner(tally, &stray, lacking, &mut from) {
                None => {
                    tally.foreign += 1;
                    tally.sample(Kind::Foreign, place, None, found(stray), None);
                }
                Some(at) => {
                    let lack = &mut lacking[at];
                    lack.used = true;
                    altered += 1;
                    tally.altered += 1;
                    let (which, should) = ((lack.ordinal, lack.which), lack.bytes.clone());
                    tally.sample(Kind::Altered, place, Some(which), found(stray), should);
                }
            },
        }
    }
    let mut rest: Vec<&Lacking> = lacking.iter().filter(|lack| !lack.used).collect();
    rest.sort_unstable_by_key(|lack| (lack.place, lack.ordinal));
    for lack in rest.into_iter().take(EXAMPLES) {
        let which = Some((lack.ordinal, lack.which));
        tally.sample(Kind::Missing, lack.place, which, None, lack.bytes.clone());
    }
    altered
}

/// Missing records of a gap in one of its orders.
fn within(
    lacking: &[Lacking],
    place: u32,
    track: usize,
    range: &std::ops::Range<u64>,
) -> (usize, usize) {
    let at =
        |value| lacking.partition_point(|l| (l.place, l.track, l.value) < (place, track, value));
    (at(range.start), at(range.end))
}

/// How many missing records a stray may have been; none are asked for where no gap overlaps another.
fn choice(tally: &Tally, stray: &Stray, lacking: &[Lacking]) -> usize {
    let gap = tally.strays.gaps.get(stray.gap);
    let Some(gap) = gap.filter(|gap| gap.loose && matches!(stray.fate, Fate::Open)) else {
        return 0;
    };
    let count = |(track, range)| {
        let (start, end) = within(lacking, gap.place, track, range);
        end.saturating_sub(start)
    };
    gap.ranges().map(count).sum()
}

/// The missing record that a stray was: the first of its gap; or where others lie between, one that it
/// still looks like.
fn partner(
    tally: &Tally,
    stray: &Stray,
    lacking: &[Lacking],
    from: &mut HashMap<(u32, usize), usize>,
) -> Option<usize> {
    let gap = tally.strays.gaps.get(stray.gap)?;
    for (track, range) in gap.ranges() {
        let (start, end) = within(lacking, gap.place, track, range);
        if start >= end {
            continue;
        }
        let first = from.entry((stray.gap, track)).or_insert(start);
        while *first < end && lacking[*first].used {
            *first += 1;
        }
        let mut open = (*first..end).filter(|&at| !lacking[at].used).take(TRIED);
        let found = match gap.loose {
            true => open.find(|&at| similar(stray.bytes.as_deref(), lacking[at].bytes.as_deref())),
            false => open.next(),
        };
        if found.is_some() {
            return found;
        }
    }
    None
}

/// Whether most of one is still there in the other. Where either isn't known, it may be.
fn similar(a: Option<&[u8]>, b: Option<&[u8]>) -> bool {
    let (Some(a), Some(b)) = (a, b) else {
        return true;
    };
    let shorter = a.len().min(b.len());
    let begin = a.iter().zip(b).take_while(|(a, b)| a == b).count();
    let both = a.iter().rev().zip(b.iter().rev());
    let end = both
        .take(shorter - begin)
        .take_while(|(a, b)| a == b)
        .count();
    2 * (begin + end) >= a.len().max(b.len())
}
