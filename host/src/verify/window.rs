//! The expected records of a place that are looked at, by their ordinals and by their keys.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasherDefault, Hasher};

use super::expected::{Slot, Which};

/// How far an item may be from where it is expected.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// Expected records that are kept behind and looked at ahead.
    pub behind: u64,
    /// Those that are looked at once nothing fits any more.
    pub grown: u64,
}

impl Limits {
    /// Slots of all places together, roughly: 64 bytes each.
    const SLOTS: u64 = 1 << 19;

    pub fn of(places: usize) -> Limits {
        let grown = (Limits::SLOTS / places.max(1) as u64).max(256);
        Limits {
            behind: (grown / 8).clamp(64, 1 << 16),
            grown,
        }
    }
}

/// Keys are hashes already.
#[derive(Default)]
pub(super) struct Plain(u64);

impl Hasher for Plain {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.0 ^= u64::from_le_bytes(word);
        }
    }
    fn write_u128(&mut self, key: u128) {
        self.0 = key as u64;
    }
}

/// Hash maps by key.
pub(super) type ByKey<T> = HashMap<u128, T, BuildHasherDefault<Plain>>;

/// The ordinals of one key within the window, lowest first.
enum Ordinals {
    One(u64),
    Many(VecDeque<u64>),
}

/// What an item may be.
#[derive(Clone, Copy, Default)]
pub(super) struct Choice {
    /// The next record with its key that wasn't found yet.
    pub forward: Option<u64>,
    /// The newest before it.
    pub back: Option<u64>,
    /// One that was.
    pub taken: Option<u64>,
}

/// Expected records between two ordinals.
pub(super) struct Window {
    slots: VecDeque<Slot>,
    /// Ordinal of the first.
    base: u64,
    index: ByKey<Ordinals>,
    /// Ordinals below are in the index.
    indexed: u64,
}

impl Window {
    pub fn new() -> Window {
        Window {
            slots: VecDeque::new(),
            base: 0,
            index: ByKey::default(),
            indexed: 0,
        }
    }

    #[inline]
    pub fn push(&mut self, slot: Slot) {
        self.slots.push_back(slot);
    }

    /// The first ordinal.
    pub fn base(&self) -> u64 {
        self.base
    }

    /// One past the last ordinal.
    pub fn end(&self) -> u64 {
        self.base + self.slots.len() as u64
    }

    #[inline]
    pub fn get(&self, ordinal: u64) -> Option<&Slot> {
        let at = usize::try_from(ordinal.checked_sub(self.base)?).ok()?;
        self.slots.get(at)
    }

    #[inline]
    pub fn get_mut(&mut self, ordinal: u64) -> Option<&mut Slot> {
        let at = usize::try_from(ordinal.checked_sub(self.base)?).ok()?;
        self.slots.get_mut(at)
    }

    /// What an item with that key may be, of a source that stands at an ordinal; `onward` says of a
    /// record whether it may follow there. None where no record has the key.
    pub fn find(
        &mut self,
        key: u128,
        at: u64,
        onward: impl Fn(u64, &Which) -> bool,
    ) -> Option<Choice> {
        /// Records with one key behind a source that are looked at.
        const BACK: usize = 256;
        self.index_all();
        let ordinals = self.index.get(&key)?;
        let mut choice = Choice::default();
        let mut look = |ordinal: u64| {
            let Some(slot) = self.get(ordinal) else {
                return false;
            };
            if slot.taken {
                choice.taken = Some(ordinal);
            } else if onward(ordinal, &slot.which) {
                choice.forward = Some(ordinal);
            } else {
                choice.back = Some(ordinal);
            }
            choice.forward.is_some()
        };
        match ordinals {
            Ordinals::One(ordinal) => {
                look(*ordinal);
            }
            Ordinals::Many(many) => {
                let here = many.partition_point(|&ordinal| ordinal < at);
                let mut near = many.range(here.saturating_sub(BACK)..);
                let _ = near.any(|&ordinal| look(ordinal));
            }
        }
        Some(choice)
    }

    /// Lets go of the first.
    pub fn pop(&mut self) -> Option<(u64, Slot)> {
        let slot = self.slots.pop_front()?;
        let ordinal = self.base;
        self.base += 1;
        if ordinal < self.indexed
            && let Some(there) = self.index.get_mut(&slot.key)
        {
            let empty = match there {
                Ordinals::One(_) => true,
                Ordinals::Many(many) => {
                    many.pop_front();
                    many.is_empty()
                }
            };
            if empty {
                self.index.remove(&slot.key);
            }
        }
        Some((ordinal, slot))
    }

    fn index_all(&mut self) {
        let from = self.indexed.max(self.base);
        for (n, slot) in self.slots.range((from - self.base) as usize..).enumerate() {
            let ordinal = from + n as u64;
            self.index
                .entry(slot.key)
                .and_modify(|there| match there {
                    Ordinals::One(first) => {
                        *there = Ordinals::Many(VecDeque::from([*first, ordinal]));
                    }
                    Ordinals::Many(many) => many.push_back(ordinal),
                })
                .or_insert(Ordinals::One(ordinal));
        }
        self.indexed = self.end();
    }
}
