//! Words in padded slots: a word is one store of 16 or 32 bytes, whatever its length.
//!
//! A slot holds the word with its quotes, and in its last byte the length of that. So a slot of
//! 16 takes words of up to 13 bytes, one of 32 up to 29.

use crate::{Rng, Writer, below};

/// A table of words known to the compiler; `W` is the width of a slot, 16 or 32.
///
/// ```
/// use wellhead_sdk::Words;
/// static STATUS: Words<3> = Words::new(["approved", "declined", "pending"]);
/// static MERCHANT: Words<2, 32> = Words::new(["Corner Market & Sons", "Alpenblick GmbH"]);
/// ```
#[repr(C, align(16))]
pub struct Words<const N: usize, const W: usize = 16>([[u8; W]; N]);

impl<const N: usize, const W: usize> Words<N, W> {
    /// Fills the table. It doesn't compile where a word is too long or would need escaping.
    pub const fn new(words: [&str; N]) -> Self {
        let mut slots = [[0; W]; N];
        let mut i = 0;
        while i < N {
            slots[i] = slot(words[i].as_bytes());
            i += 1;
        }
        Words(slots)
    }

    /// The same, but an empty word stands for `null`.
    pub const fn or_null(words: [&str; N]) -> Self {
        let mut table = Words::new(words);
        let mut i = 0;
        while i < N {
            if words[i].is_empty() {
                let null = *b"null";
                let mut k = 0;
                while k < null.len() {
                    table.0[i][k] = null[k];
                    k += 1;
                }
                table.0[i][W - 1] = null.len() as u8;
            }
            i += 1;
        }
        table
    }

    /// The same table with another word (zeros at its end don't count) in one place.
    pub(crate) const fn with(mut self, index: usize, word: &[u8]) -> Self {
        let mut len = word.len();
        while len > 0 && word[len - 1] == 0 {
            len -= 1;
        }
        self.0[index] = slot(word.split_at(len).0);
        self
    }

    /// The bytes of a word.
    pub(crate) const fn bytes_at(&self, index: usize) -> &[u8] {
        let slot = &self.0[index];
        slot.split_at(slot[W - 1] as usize - 1).0.split_at(1).1
    }

    /// How many words there are.
    #[allow(clippy::len_without_is_empty)]
    pub const fn len(&self) -> usize {
        N
    }

    /// The word with that index.
    ///
    /// # Panics
    /// When there is none.
    #[inline(always)]
    pub fn at(&self, index: usize) -> Word<'_, W> {
        Word(&self.0[index])
    }

    /// A word chosen by 32 random bits, each with the same probability.
    #[inline(always)]
    pub fn pick(&self, random: u32) -> Word<'_, W> {
        self.at(below(random, N as u32) as usize)
    }
}

const fn slot<const W: usize>(word: &[u8]) -> [u8; W] {
    assert!(W == 16 || W == 32, "a slot has 16 or 32 bytes");
    assert!(word.len() + 3 <= W, "a word is too long for its slot");
    let mut slot = [0; W];
    slot[0] = b'"';
    let mut i = 0;
    while i < word.len() {
        assert!(
            word[i] >= 0x20 && word[i] != b'"' && word[i] != b'\\',
            "a word needs escaping"
        );
        slot[i + 1] = word[i];
        i += 1;
    }
    slot[i + 1] = b'"';
    slot[W - 1] = word.len() as u8 + 2;
    slot
}

/// A word of a [`Words`] table.
#[derive(Clone, Copy)]
pub struct Word<'a, const W: usize = 16>(pub(crate) &'a [u8; W]);

impl<'a, const W: usize> Word<'a, W> {
    /// The word itself, without quotes.
    pub fn as_str(self) -> &'a str {
        let len = self.0[W - 1] as usize;
        str::from_utf8(&self.0[1..len - 1]).unwrap_or_default()
    }
}

impl Writer<'_> {
    /// A string's opening quote and first word.
    #[inline(always)]
    pub fn begin_word<const W: usize>(&mut self, word: Word<'_, W>) {
        self.slot(word.0, (word.0[W - 1] as usize).wrapping_sub(1));
    }

    /// Another word of the same string, after a character.
    #[inline(always)]
    pub fn next_word<const W: usize>(&mut self, separator: u8, word: Word<'_, W>) {
        self.slot_after(separator, word.0, (word.0[W - 1] as usize).wrapping_sub(1));
    }

    /// A string's last word, after a character, and its closing quote.
    #[inline(always)]
    pub fn end_word<const W: usize>(&mut self, separator: u8, word: Word<'_, W>) {
        self.slot_after(separator, word.0, word.0[W - 1] as usize);
    }
}

/// What stands in a slot's last byte where the word is kept apart: too long, or with escapes.
pub(crate) const APART: u8 = u8::MAX;

/// A table of words made at `open`: from the configuration, an asset, or a faker.
///
/// Words of up to 29 bytes that need no escape are one padded copy; others are written as any
/// string is.
#[derive(Clone, Debug, Default)]
pub struct Table {
    slots: Vec<[u8; 32]>,
    apart: Vec<Box<str>>,
}

impl Table {
    /// A table of the words given.
    pub fn new<S: AsRef<str>>(words: impl IntoIterator<Item = S>) -> Table {
        let mut table = Table::default();
        words.into_iter().for_each(|word| table.push(word.as_ref()));
        table
    }

    /// A table of `n` words made by a function that draws: the way to pay a faker once.
    pub fn filled<S: AsRef<str>>(
        n: usize,
        mut rng: Rng,
        mut make: impl FnMut(&mut Rng) -> S,
    ) -> Table {
        Table::new((0..n).map(|_| make(&mut rng)))
    }

    /// Adds a word.
    pub fn push(&mut self, word: &str) {
        let plain = |&b: &u8| b >= 0x20 && b != b'"' && b != b'\\';
        let slot = if word.len() <= 29 && word.as_bytes().iter().all(plain) {
            slot(word.as_bytes())
        } else {
            self.apart.push(word.into());
            let mut slot = [0; 32];
            slot[..8].copy_from_slice(&(self.apart.len() as u64 - 1).to_le_bytes());
            slot[31] = APART;
            slot
        };
        self.slots.push(slot);
    }

    /// How many words there are.
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// The word with that index.
    ///
    /// # Panics
    /// When there is none.
    #[inline(always)]
    pub fn at(&self, index: usize) -> Entry<'_> {
        Entry {
            slot: &self.slots[index],
            apart: &self.apart,
        }
    }

    /// A word chosen by 32 random bits, each with the same probability.
    ///
    /// # Panics
    /// When the table is empty.
    #[inline(always)]
    pub fn pick(&self, random: u32) -> Entry<'_> {
        self.at(below(random, self.slots.len() as u32) as usize)
    }
}

/// A word of a [`Table`].
#[derive(Clone, Copy)]
pub struct Entry<'a> {
    pub(crate) slot: &'a [u8; 32],
    apart: &'a [Box<str>],
}

impl<'a> Entry<'a> {
    /// The word itself, without quotes.
    pub fn as_str(self) -> &'a str {
        match self.slot[31] {
            APART => self.kept_apart(),
            _ => Word(self.slot).as_str(),
        }
    }

    #[cold]
    pub(crate) fn kept_apart(self) -> &'a str {
        let mut index = [0; 8];
        index.copy_from_slice(&self.slot[..8]);
        self.apart
            .get(u64::from_le_bytes(index) as usize)
            .map_or("", |word| word)
    }
}
