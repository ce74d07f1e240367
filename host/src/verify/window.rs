//! The expected records of a place that are looked at, by their ordinals and by their keys.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasherDefault, Hasher};

use super::expected::Slot;

/// Records of one key that are looked at, before an ordinal and from it on.
const NEAR: usize = 32;

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

    /// Begins with another ordinal; nothing was pushed yet.
    pub fn skip(&mut self, records: u64) {
        self.base = records;
        self.indexed = records;
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

    /// Puts the ordinals with a key into `out`, lowest first: those nearest to an ordinal, some before it
    /// and as many from it on.
    pub fn alike(&mut self, key: u128, at: u64, out: &mut Vec<u64>) {
        self.index_all();
        out.clear();
        match self.index.get(&key) {
            None => {}
            Some(Ordinals::One(ordinal)) => out.push(*ordinal),
            Some(Ordinals::Many(many)) => {
                let here = many.partition_point(|&ordinal| ordinal < at);
                let near = here.saturating_sub(NEAR)..(here + NEAR).min(many.len());
                out.extend(many.range(near));
            }
        }
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
