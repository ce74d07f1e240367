//! Unique values without a store: a permutation of the record's number.

use wellhead_sdk::{Key, Rng};

/// How often the halves are mixed: four rounds are what Luby and Rackoff need.
const ROUNDS: usize = 4;

/// A permutation of `0..n`.
///
/// An alternating Feistel network over the least power of two that holds `n` (Schneier and Kelsey,
/// "Unbalanced Feistel Networks and Block Cipher Design", 1996): each half in turn is changed by
/// what the other says, so every step can be undone. What falls outside of `0..n` is put through
/// again until it doesn't (cycle walking, Black and Rogaway, "Ciphers with Arbitrary Finite
/// Domains", 2002), less than once on average.
#[derive(Clone, Copy, Debug)]
pub struct Permutation {
    n: u64,
    low_bits: u32,
    low_mask: u64,
    high_mask: u64,
    keys: [u64; ROUNDS],
}

impl Permutation {
    /// The permutation of `0..n` that a key gives; `n` is at least 1 and at most 2⁶².
    pub fn new(n: u64, key: Key) -> Permutation {
        let bits = (64 - n.saturating_sub(1).leading_zeros()).max(2);
        let low_bits = bits / 2;
        let mut random: Rng = key.at(0);
        Permutation {
            n: n.max(1),
            low_bits,
            low_mask: (1 << low_bits) - 1,
            high_mask: (1 << (bits - low_bits)) - 1,
            keys: std::array::from_fn(|_| random.next()),
        }
    }

    /// Where number `i` goes. After `n` numbers it begins anew.
    #[inline(always)]
    pub fn at(&self, i: u64) -> u64 {
        let mut x = if i < self.n { i } else { i % self.n };
        loop {
            x = self.step(x);
            if x < self.n {
                return x;
            }
        }
    }

    #[inline(always)]
    fn step(&self, x: u64) -> u64 {
        let (mut low, mut high) = (x & self.low_mask, x >> self.low_bits);
        let [a, b, c, d] = self.keys;
        high ^= said(low, a) & self.high_mask;
        low ^= said(high, b) & self.low_mask;
        high ^= said(low, c) & self.high_mask;
        low ^= said(high, d) & self.low_mask;
        high << self.low_bits | low
    }
}

/// What one half says to the other in a round.
#[inline(always)]
const fn said(half: u64, key: u64) -> u64 {
    let x = (half ^ key).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (x ^ x >> 32).wrapping_mul(0xBF58_476D_1CE4_E5B9) >> 32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_comes_once_whatever_their_count() {
        for n in (1..70).chain([255, 256, 257, 1000, 65_537]) {
            let permutation = Permutation::new(n, Key::shared(n, "x"));
            let mut seen: Vec<u64> = (0..n).map(|i| permutation.at(i)).collect();
            assert!((0..n).all(|i| permutation.at(i + n) == seen[i as usize]));
            seen.sort_unstable();
            assert!(seen.iter().copied().eq(0..n), "{n}");
        }
    }

    #[test]
    fn large_ranges_are_fine() {
        let permutation = Permutation::new(1 << 62, Key::shared(1, "x"));
        assert!((0..1000).all(|i| permutation.at(i) < 1 << 62));
    }
}
