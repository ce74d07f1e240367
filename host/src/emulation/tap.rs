//! A look at the last records released, for whoever asks; a run is never slowed by it.
//!
//! Nobody looks for most of the time: one flag is read for each release then. While somebody does, a
//! release leaves a copy of its ranges (not of its bytes), unless the looker is at it in this very
//! moment.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::record::Group;

/// Releases that are kept for after the last look: some seconds' worth, then it costs nothing again.
const ARMED: u32 = 20_000;
/// Records that can be looked at.
pub const MOST: usize = 1_000;

/// See the module.
#[derive(Default)]
pub(super) struct Tap {
    /// Releases that are still to be kept.
    left: AtomicU32,
    groups: Mutex<VecDeque<Group>>,
}

impl Tap {
    /// Leaves a release, where somebody has looked lately.
    #[inline]
    pub fn offer(&self, group: &Group) {
        let left = self.left.load(Ordering::Relaxed);
        if left > 0 {
            self.keep(group, left);
        }
    }

    fn keep(&self, group: &Group, left: u32) {
        let Ok(mut groups) = self.groups.try_lock() else {
            return;
        };
        if left == 1 {
            groups.clear();
        } else {
            let mut more: usize = groups.iter().map(Group::len).sum();
            groups.push_back(group.clone());
            while more >= MOST {
                more -= groups.pop_front().map_or(more, |oldest| oldest.len());
            }
        }
        // A look in between sets it anew: one release more or less is nothing.
        self.left.store(left - 1, Ordering::Relaxed);
    }

    /// What was left since somebody looked, oldest first; from now on releases are kept.
    pub fn look(&self) -> Vec<Group> {
        let groups = self.groups.lock();
        let groups = groups.unwrap_or_else(std::sync::PoisonError::into_inner);
        self.left.store(ARMED, Ordering::Relaxed);
        groups.iter().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::made::group;

    fn firsts(tap: &Tap) -> Vec<u64> {
        let first = |group: &Group| group.parts[0].sequences().start;
        tap.look().iter().map(first).collect()
    }

    #[test]
    fn nothing_is_kept_before_somebody_looks() {
        let tap = Tap::default();
        tap.offer(&group(0, 10));
        assert!(firsts(&tap).is_empty());
        tap.offer(&group(10, 10));
        tap.offer(&group(20, 10));
        assert_eq!(firsts(&tap), [10, 20]);
    }

    #[test]
    fn the_newest_thousand_are_kept() {
        let tap = Tap::default();
        tap.look();
        for n in 0..100 {
            tap.offer(&group(n * 90, 90));
        }
        let kept = firsts(&tap);
        assert_eq!((kept.len(), kept.last()), (12, Some(&8_910)));
        tap.offer(&group(9_000, 5_000));
        assert_eq!(firsts(&tap).last(), Some(&9_000));
    }

    #[test]
    fn it_forgets_when_nobody_looks_any_more() {
        let tap = Tap::default();
        tap.look();
        for n in 0..u64::from(ARMED) + 5 {
            tap.offer(&group(n, 1));
        }
        assert_eq!(tap.left.load(Ordering::Relaxed), 0);
        assert!(firsts(&tap).is_empty());
    }
}
