//! How many of a source's records stand where they shouldn't: the fewest that would have to be taken
//! away for the rest to be in order.
//!
//! Nothing is kept of what is in order but a tail. Where something isn't, what follows is gathered
//! until all is calm again, and the longest ascending subsequence of the stretch is what was in order.

/// So many records in a row, each past everything before, and the stretch is over.
const CALM: usize = 64;
/// A stretch is ended at this length, calm or not.
const LONGEST: usize = 1 << 18;

/// A matched record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    /// Its place in the order that is kept.
    pub value: u64,
    /// Its stream.
    pub stream: u32,
    /// Its index there.
    pub index: u64,
    /// Its sequence there.
    pub sequence: u64,
}

/// The order of one source.
pub(super) struct Order {
    /// How much of what is in order is remembered.
    history: usize,
    kept: Vec<Mark>,
    /// Highest value, where something isn't in order.
    high: Option<u64>,
    calm: usize,
}

impl Order {
    pub fn new(history: usize) -> Order {
        Order {
            history,
            kept: Vec::new(),
            high: None,
            calm: 0,
        }
    }

    /// The next record of the source. What turns out to be out of order goes to `found`.
    #[inline]
    pub fn push(&mut self, mark: Mark, found: &mut Vec<Mark>) {
        let last = self.kept.last().map(|last| last.value);
        match (self.high, last) {
            (None, Some(last)) if mark.value < last => self.disturbed(mark, last, found),
            (None, _) => {
                self.kept.push(mark);
                if self.kept.len() >= 2 * self.history {
                    self.kept.drain(..self.history);
                }
            }
            (Some(high), _) => {
                self.kept.push(mark);
                if mark.value > high {
                    self.high = Some(mark.value);
                    self.calm += 1;
                } else {
                    self.calm = 0;
                }
                if self.calm >= CALM || self.kept.len() >= LONGEST {
                    self.settle(found);
                }
            }
        }
    }

    fn disturbed(&mut self, mark: Mark, last: u64, found: &mut Vec<Mark>) {
        let older = self
            .kept
            .first()
            .is_none_or(|first| mark.value < first.value);
        if older && self.kept.len() > 1 {
            // It comes so late that all that is remembered had its turn before.
            return found.push(mark);
        }
        self.high = Some(last);
        self.calm = 0;
        self.kept.push(mark);
    }

    /// Decides on what was gathered.
    pub fn settle(&mut self, found: &mut Vec<Mark>) {
        if self.high.take().is_none() {
            return;
        }
        self.calm = 0;
        let ordered = longest(&self.kept);
        let mut next = ordered.iter().copied().peekable();
        let mut kept = Vec::with_capacity(ordered.len());
        for (at, mark) in self.kept.iter().enumerate() {
            if next.next_if_eq(&at).is_some() {
                kept.push(*mark);
            } else {
                found.push(*mark);
            }
        }
        let old = kept.len().saturating_sub(self.history);
        kept.drain(..old);
        self.kept = kept;
    }
}

/// The places of a longest ascending subsequence (patience sorting).
fn longest(marks: &[Mark]) -> Vec<usize> {
    // By length: where a subsequence of that length ends lowest.
    let mut ends: Vec<usize> = Vec::new();
    let mut before = vec![usize::MAX; marks.len()];
    for (at, mark) in marks.iter().enumerate() {
        let length = ends.partition_point(|&end| marks[end].value < mark.value);
        if let Some(shorter) = length.checked_sub(1) {
            before[at] = ends[shorter];
        }
        match ends.get_mut(length) {
            Some(end) => *end = at,
            None => ends.push(at),
        }
    }
    let mut path = Vec::with_capacity(ends.len());
    let mut at = ends.last().copied();
    while let Some(place) = at {
        path.push(place);
        at = before.get(place).copied().filter(|&b| b != usize::MAX);
    }
    path.reverse();
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    fn out_of_order(values: impl IntoIterator<Item = u64>) -> Vec<u64> {
        let mut order = Order::new(256);
        let mut found = Vec::new();
        for value in values {
            let mark = Mark {
                value,
                stream: 0,
                index: value,
                sequence: value,
            };
            order.push(mark, &mut found);
        }
        order.settle(&mut found);
        let mut values: Vec<u64> = found.iter().map(|mark| mark.value).collect();
        values.sort_unstable();
        values
    }

    #[test]
    fn only_what_moved_counts() {
        assert!(out_of_order(0..10_000).is_empty());
        let later = (0..500).filter(|&v| v != 100).chain([100]).chain(500..900);
        assert_eq!(out_of_order(later), [100]);
        let earlier = (0..50).chain([400]).chain((50..900).filter(|&v| v != 400));
        assert_eq!(out_of_order(earlier), [400]);
        let swapped = (0..900).map(|v| if v % 100 < 2 { v ^ 1 } else { v });
        assert_eq!(out_of_order(swapped).len(), 9);
        let far = (0..5_000)
            .filter(|&v| v != 3)
            .chain([3])
            .chain(5_000..5_100);
        assert_eq!(out_of_order(far), [3]);
    }
}
