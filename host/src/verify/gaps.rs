//! Where an item lies that nobody expects: between which matched records of its source.

use std::collections::HashMap;
use std::ops::Range;

/// Numbers that are kept of all gaps together.
const MOST: usize = 4 << 20;

/// Between two matches of a source, in each of the orders that it keeps.
pub(super) struct Gap {
    /// Where.
    pub place: u32,
    /// Other records lie between, too: those of other streams, or what other sources hold.
    pub loose: bool,
    /// By order; none where there are too many gaps.
    ranges: Box<[Range<u64>]>,
}

impl Gap {
    /// What may stand there, by order.
    pub fn ranges(&self) -> impl Iterator<Item = (usize, &Range<u64>)> {
        self.ranges.iter().enumerate()
    }

    /// Whether that may stand there.
    pub fn holds(&self, track: usize, value: u64) -> bool {
        self.ranges
            .get(track)
            .is_some_and(|range| range.contains(&value))
    }
}

/// All gaps of all sources.
#[derive(Default)]
pub(super) struct Gaps {
    list: Vec<Gap>,
    numbers: usize,
}

impl Gaps {
    /// A gap begins where each of the orders goes on.
    pub fn open(&mut self, place: u32, starts: Vec<u64>, loose: bool) -> u32 {
        self.numbers += starts.len();
        let ranges = match self.numbers > MOST {
            true => Box::default(),
            false => starts.into_iter().map(|start| start..u64::MAX).collect(),
        };
        self.list.push(Gap {
            place,
            loose,
            ranges,
        });
        (self.list.len() - 1) as u32
    }

    /// It ends, in one order, before what was matched there.
    pub fn close(&mut self, gap: u32, track: usize, value: u64) {
        let gap = self.list.get_mut(gap as usize);
        if let Some(range) = gap.and_then(|gap| gap.ranges.get_mut(track)) {
            range.end = value.max(range.start);
        }
    }

    /// One of them.
    pub fn get(&self, gap: u32) -> Option<&Gap> {
        self.list.get(gap as usize)
    }

    /// What lies in any of them.
    pub fn cover(&self) -> Cover {
        let mut by_order: HashMap<(u32, usize), Vec<Range<u64>>> = HashMap::new();
        for gap in &self.list {
            for (track, range) in gap.ranges().filter(|(_, range)| !range.is_empty()) {
                let all = by_order.entry((gap.place, track)).or_default();
                all.push(range.clone());
            }
        }
        for ranges in by_order.values_mut() {
            ranges.sort_unstable_by_key(|range| range.start);
            ranges.dedup_by(|next, last| {
                let joined = next.start <= last.end;
                if joined {
                    last.end = last.end.max(next.end);
                }
                joined
            });
        }
        Cover(by_order)
    }
}

/// Disjoint ranges by place and order.
pub(super) struct Cover(HashMap<(u32, usize), Vec<Range<u64>>>);

impl Cover {
    /// Whether something may lie in a gap.
    pub fn holds(&self, place: u32, track: usize, value: u64) -> bool {
        let ranges = self.0.get(&(place, track)).map_or(&[][..], Vec::as_slice);
        let after = ranges.partition_point(|range| range.start <= value);
        after
            .checked_sub(1)
            .is_some_and(|at| ranges[at].contains(&value))
    }
}
