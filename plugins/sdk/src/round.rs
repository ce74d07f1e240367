//! Entities that take turns.

/// Whose turn it is: `size` entities in a ring, one for each index. Going on to the next index
/// takes no division.
///
/// ```
/// let mut round = wellhead_sdk::Round::new(3);
/// assert_eq!(round.at(7), (2, 1));
/// assert_eq!(round.at(8), (2, 2));
/// assert_eq!(round.at(9), (3, 0));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Round {
    size: u32,
    next: u64,
    lap: u64,
    place: u32,
}

impl Round {
    /// A ring of `size` entities; one where it is 0.
    pub const fn new(size: u32) -> Round {
        Round {
            size: if size == 0 { 1 } else { size },
            next: 0,
            lap: 0,
            place: 0,
        }
    }

    /// How often the ring has been gone around before `index`, and whose turn it is.
    #[inline(always)]
    pub fn at(&mut self, index: u64) -> (u64, u32) {
        // After the last index there is the first, which isn't the place that comes next.
        if index != self.next || index == 0 {
            self.lap = index / u64::from(self.size);
            self.place = (index % u64::from(self.size)) as u32;
        }
        let now = (self.lap, self.place);
        self.next = index.wrapping_add(1);
        self.place += 1;
        if self.place == self.size {
            self.place = 0;
            self.lap = self.lap.wrapping_add(1);
        }
        now
    }
}

#[cfg(test)]
mod tests {
    use super::Round;

    #[test]
    fn any_order_gives_the_same() {
        let mut round = Round::new(7);
        let mut check = |index: u64| assert_eq!(round.at(index), (index / 7, (index % 7) as u32));
        (0..100).for_each(&mut check);
        (0..100).rev().for_each(&mut check);
        let ends = [5, u64::MAX, u64::MAX - 1, u64::MAX, 0, 6, 7, 8];
        ends.into_iter().for_each(&mut check);
        assert_eq!(Round::new(0).at(9), (9, 0));
    }
}
