//! Short codes of digits and letters by a pattern: postal codes, telephone and licence numbers.

use super::Writer;
use super::number::digits8;
use crate::below;

/// A pattern of at most 16 characters: `#` is a random digit, `@` a random letter from A to P,
/// anything else itself.
///
/// ```
/// use wellhead_sdk::Pattern;
/// static PLATE: Pattern = Pattern::new("@@-####");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Pattern {
    /// What each character begins at: `0`, `A`, or itself.
    base: [u64; 2],
    /// Ones in all bits of the low half of digits, and of letters.
    digits: [u64; 2],
    letters: [u64; 2],
    len: usize,
}

/// A [`Pattern`] filled in by a random number.
#[derive(Clone, Copy, Debug)]
pub struct Filled<'a>(pub &'a Pattern, pub u64);

impl Pattern {
    /// Reads a pattern. It doesn't compile when it is too long.
    pub const fn new(pattern: &str) -> Pattern {
        let text = pattern.as_bytes();
        assert!(text.len() <= 16, "a pattern has at most 16 characters");
        let (mut base, mut digits, mut letters) = ([0; 2], [0; 2], [0; 2]);
        let mut i = 0;
        while i < text.len() {
            let (word, shift) = (i / 8, i % 8 * 8);
            let start = match text[i] {
                b'#' => {
                    digits[word] |= 0x0f << shift;
                    b'0'
                }
                b'@' => {
                    letters[word] |= 0x0f << shift;
                    b'A'
                }
                other => {
                    assert!(other >= 0x20 && other != b'"' && other != b'\\');
                    other
                }
            };
            base[word] |= (start as u64) << shift;
            i += 1;
        }
        Pattern {
            base,
            digits,
            letters,
            len: text.len(),
        }
    }
}

impl Writer<'_> {
    /// A filled pattern, without quotes.
    #[inline(always)]
    pub fn pattern(&mut self, filled: Filled<'_>) {
        let Filled(pattern, random) = filled;
        let half = |word: usize, random: u64, digits: u32| {
            pattern.base[word]
                + (digits8(digits) & pattern.digits[word])
                + (random & pattern.letters[word])
        };
        let (high, low) = ((random >> 32) as u32, random as u32);
        let first = half(0, random, below(high, 100_000_000));
        let second = half(1, random >> 4, below(low, 100_000_000));
        // SAFETY: 16 bytes, all stored, within the slack; `Pattern::new` makes none longer.
        unsafe {
            self.store64(0, first);
            self.store64(8, second);
            self.advance(pattern.len);
        }
    }
}
