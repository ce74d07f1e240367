//! How many of a source's records stand where they shouldn't: the fewest that would have to be taken
//! away for the rest to be in order.
//!
//! Nothing is kept of what is in order but a tail. Where something isn't, what follows is gathered
//! until all is calm again, and the longest ascending subsequence of the stretch is what was in order.
//! Where several expected records are alike, an item may stand for any of them, and counts as in order
//! if one of them is.

/// So many records in a row, each past the one before, and the stretch may be over.
const CALM: usize = 64;
/// A stretch is ended at this length, calm or not.
const LONGEST: usize = 1 << 18;

/// A record that was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    /// What it was found by.
    pub key: u128,
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
    /// Something of what was in order is forgotten.
    forgotten: bool,
    /// Highest value, where something isn't in order.
    high: Option<u64>,
    /// Where the last ascending run of that stretch begins.
    run: usize,
    /// How long that run has to be before it is looked at again.
    patience: usize,
}

impl Order {
    pub fn new(history: usize) -> Order {
        Order {
            history,
            kept: Vec::new(),
            forgotten: false,
            high: None,
            run: 0,
            patience: CALM,
        }
    }

    /// There was something in order before all that comes, and nothing is known of it.
    pub fn forget(&mut self) {
        self.forgotten = true;
    }

    /// The next record of the source, and whether it seems to stand in its turn; `alike` puts all the
    /// places that one may stand for into a list.
    /// What turns out to be out of order goes to `found`. Says one past the last that is in order, where
    /// that was decided anew.
    #[inline]
    pub fn push(
        &mut self,
        mut mark: Mark,
        mut in_turn: bool,
        found: &mut Vec<Mark>,
        mut alike: impl FnMut(&Mark, &mut Vec<u64>),
    ) -> Option<u64> {
        let last = self.kept.last().map(|last| last.value);
        if let Some(last) = last.filter(|&last| mark.value <= last) {
            // Another that is alike may be in its turn here, whichever was taken.
            let mut places = Vec::new();
            alike(&mark, &mut places);
            if let Some(later) = places.into_iter().find(|&place| place > last) {
                mark.value = later;
                in_turn = false;
            }
        }
        let Some(high) = self.high else {
            match last {
                Some(last) if mark.value <= last => self.disturbed(mark, last, found),
                _ => {
                    self.kept.push(mark);
                    if self.kept.len() >= 2 * self.history {
                        self.kept.drain(..self.history);
                        self.forgotten = true;
                    }
                }
            }
            return None;
        };
        if last.is_some_and(|last| mark.value <= last) {
            self.run = self.kept.len();
            self.patience = CALM;
        }
        self.kept.push(mark);
        let over = mark.value > high;
        self.high = Some(high.max(mark.value));
        let long = in_turn && self.kept.len() - self.run >= self.patience;
        let calm = long && (over || self.outweighs());
        if calm || self.kept.len() >= LONGEST {
            self.settle(found, alike);
            return self.kept.last().map(|last| last.value + 1);
        }
        None
    }

    /// Whether the run is longer than all that it goes back before.
    fn outweighs(&mut self) -> bool {
        let run = self.kept.len() - self.run;
        self.patience = 2 * run;
        let (before, run_marks) = self.kept.split_at(self.run);
        let first = run_marks.first().map_or(0, |mark| mark.value);
        let against = before.iter().rev().take(2 * run);
        against.filter(|mark| mark.value >= first).count() < run
    }

    fn disturbed(&mut self, mark: Mark, last: u64, found: &mut Vec<Mark>) {
        let older = self
            .kept
            .first()
            .is_none_or(|first| mark.value < first.value);
        if older && self.forgotten {
            // It comes so late that all that is remembered had its turn before.
            return found.push(mark);
        }
        self.high = Some(last);
        self.run = self.kept.len();
        self.patience = CALM;
        self.kept.push(mark);
    }

    /// Decides on what was gathered.
    pub fn settle(&mut self, found: &mut Vec<Mark>, mut alike: impl FnMut(&Mark, &mut Vec<u64>)) {
        if self.high.take().is_none() {
            return;
        }
        let first = self.kept.windows(2).position(|w| w[1].value <= w[0].value);
        let disturbed = self
            .kept
            .split_off(first.map_or(self.kept.len(), |at| at + 1));
        let mut values: Vec<Vec<u64>> = Vec::with_capacity(disturbed.len());
        let mut places_of = |mark: &Mark| {
            let mut places = Vec::new();
            alike(mark, &mut places);
            places.push(mark.value);
            places.sort_unstable();
            places.dedup();
            places
        };
        values.extend(disturbed.iter().map(&mut places_of));
        // What comes before all of these stays in order, whatever they are.
        let low = values.iter().flat_map(|places| places.first()).min();
        let sure = low.map_or(self.kept.len(), |&low| {
            self.kept.partition_point(|mark| mark.value < low)
        });
        let unsure: Vec<Mark> = self.kept.drain(sure..).collect();
        let mut all: Vec<Vec<u64>> = unsure.iter().map(&mut places_of).collect();
        all.append(&mut values);
        let floor = self.kept.last().map(|mark| mark.value);
        let ordered = longest(&all, floor);
        let mut next = ordered.into_iter().peekable();
        for (at, mark) in unsure.into_iter().chain(disturbed).enumerate() {
            match next.next_if(|&(place, _)| place == at) {
                Some((_, value)) => self.kept.push(Mark { value, ..mark }),
                None => found.push(mark),
            }
        }
        let old = self.kept.len().saturating_sub(self.history);
        self.kept.drain(..old);
        self.forgotten |= old > 0;
    }
}

/// The places of a longest ascending subsequence above a floor (patience sorting), where each place has
/// several values to choose from, lowest first; with the chosen ones.
fn longest(places: &[Vec<u64>], floor: Option<u64>) -> Vec<(usize, u64)> {
    struct Node {
        place: usize,
        value: u64,
        before: Option<usize>,
    }
    let mut nodes: Vec<Node> = Vec::with_capacity(places.len());
    // By length: where a subsequence of that length ends lowest.
    let mut ends: Vec<usize> = Vec::new();
    for (place, values) in places.iter().enumerate() {
        // Highest first, so that no place follows upon itself.
        for &value in values.iter().rev() {
            if floor.is_some_and(|floor| value <= floor) {
                break;
            }
            let length = ends.partition_point(|&end| nodes[end].value < value);
            nodes.push(Node {
                place,
                value,
                before: length.checked_sub(1).map(|shorter| ends[shorter]),
            });
            match ends.get_mut(length) {
                Some(end) => *end = nodes.len() - 1,
                None => ends.push(nodes.len() - 1),
            }
        }
    }
    let mut path = Vec::with_capacity(ends.len());
    let mut at = ends.last().copied();
    while let Some(node) = at.and_then(|at| nodes.get(at)) {
        path.push((node.place, node.value));
        at = node.before;
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
                key: value.into(),
                value,
                stream: 0,
                index: value,
                sequence: value,
            };
            order.push(mark, true, &mut found, |_, _| {});
        }
        order.settle(&mut found, |_, _| {});
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
        let stretch = (0..500).chain(400..500).chain(500..900);
        assert_eq!(out_of_order(stretch), (400..500).collect::<Vec<u64>>());
    }

    /// 5 and 9 are alike: whichever was taken for the other, both are where they should be.
    #[test]
    fn one_of_several_alike_is_where_it_can_be() {
        let mut order = Order::new(256);
        let mut found = Vec::new();
        let alike = |mark: &Mark, places: &mut Vec<u64>| {
            if mark.key == 5 {
                places.extend([5, 9]);
            }
        };
        for value in [3, 4, 9, 6, 7, 8, 5, 10, 11] {
            let mark = Mark {
                key: if value == 9 { 5 } else { value.into() },
                value,
                stream: 0,
                index: 0,
                sequence: 0,
            };
            order.push(mark, true, &mut found, alike);
        }
        order.settle(&mut found, alike);
        assert_eq!(found, []);
    }
}
