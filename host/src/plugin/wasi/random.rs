//! Randomness from (seed, stream), such that no record shows how records were asked for.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::bindings::wasi::random::{insecure, insecure_seed, random};
use super::{Ground, Guest, Level};

/// Bytes of one draw.
const BYTES: u64 = 1 << 20;

const GAMMA: u64 = 0x9E37_79B9_7F4A_7C15;
const STARTING: u64 = 0x7761_7369_0000_0001;
const STANDING: u64 = 0x7761_7369_0000_0002;
const SEED: u64 = 0x7761_7369_0000_0003;

/// The source of one instance.
///
/// While it starts and opens its stream, draws follow one another: every instance of the stream makes the same
/// ones. After that how many were made before a record depends on batches, on instances that were replaced and
/// on where a run was taken up, so a draw that went on would make records that can't be made again. So it
/// stands: every draw is the first one of a sequence of its own.
pub(super) struct Random {
    ground: Ground,
    /// Words drawn so far.
    drawn: u64,
    stands: bool,
    /// Whether this instance's log has it that draws stand.
    noted: bool,
    /// Whether anybody was told.
    told: Arc<AtomicBool>,
}

/// SplitMix64's finalizer.
fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

impl Random {
    pub fn new(ground: Ground, told: Arc<AtomicBool>) -> Random {
        Random {
            ground,
            drawn: 0,
            stands: false,
            noted: false,
            told,
        }
    }

    pub fn stand(&mut self) {
        self.stands = true;
    }

    /// The word of that number for a purpose. Records depend on it: it never changes.
    fn word(&self, purpose: u64, number: u64) -> u64 {
        let Ground { seed, stream, .. } = self.ground;
        let key = mix(mix(seed ^ purpose) ^ u64::from(stream).wrapping_mul(GAMMA));
        mix(key ^ number.wrapping_mul(GAMMA))
    }

    fn bytes(&mut self, length: usize) -> Vec<u8> {
        let (purpose, begin) = match self.stands {
            false => (STARTING, self.drawn),
            true => (STANDING, 0),
        };
        let words = length.div_ceil(8) as u64;
        if !self.stands {
            self.drawn += words;
        }
        let words = begin..begin + words;
        let words = words.flat_map(|number| self.word(purpose, number).to_le_bytes());
        words.take(length).collect()
    }
}

impl Guest {
    fn draw(&mut self, length: u64) -> wasmtime::Result<Vec<u8>> {
        if length > BYTES {
            return Err(wasmtime::format_err!(
                "it asked for {length} random bytes at once, and the limit is {BYTES}"
            ));
        }
        let random = &mut self.wasi.random;
        if random.stands && !std::mem::replace(&mut random.noted, true) {
            let first = !random.told.swap(true, Ordering::Relaxed);
            self.log.note(
                Level::Warn,
                "random bytes drawn after `open` are the same at every draw, since records must not depend on how they are asked for: draw in `open`, or derive from the settings' seed and the record's index",
                first,
            );
        }
        Ok(self.wasi.random.bytes(length as usize))
    }

    fn draw_word(&mut self) -> wasmtime::Result<u64> {
        let bytes = self.draw(8)?;
        let word = |word, (at, byte): (usize, &u8)| word | u64::from(*byte) << (8 * at);
        Ok(bytes.iter().enumerate().fold(0, word))
    }
}

impl random::Host for Guest {
    fn get_random_bytes(&mut self, length: u64) -> wasmtime::Result<Vec<u8>> {
        self.draw(length)
    }

    fn get_random_u64(&mut self) -> wasmtime::Result<u64> {
        self.draw_word()
    }
}

impl insecure::Host for Guest {
    fn get_insecure_random_bytes(&mut self, length: u64) -> wasmtime::Result<Vec<u8>> {
        self.draw(length)
    }

    fn get_insecure_random_u64(&mut self) -> wasmtime::Result<u64> {
        self.draw_word()
    }
}

impl insecure_seed::Host for Guest {
    fn insecure_seed(&mut self) -> wasmtime::Result<(u64, u64)> {
        let random = &self.wasi.random;
        Ok((random.word(SEED, 0), random.word(SEED, 1)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn random(seed: u64, stream: u32) -> Random {
        let clock = 0;
        let ground = Ground {
            seed,
            stream,
            clock,
        };
        Random::new(ground, Arc::default())
    }

    #[test]
    fn draws_follow_one_another_until_they_stand() {
        let mut one = random(7, 2);
        let (first, second) = (one.bytes(16), one.bytes(16));
        assert_ne!(first, second);
        one.stand();
        let standing = one.bytes(16);
        assert_eq!(one.bytes(16), standing);
        assert_eq!(one.bytes(5), standing[..5]);
        assert!(standing != first && standing != second);
        // Another instance makes the same ones, however it was used after it was open.
        let mut other = random(7, 2);
        assert_eq!(other.bytes(13), first[..13]);
        assert_eq!(other.bytes(16), second);
        other.stand();
        assert_eq!(other.bytes(16), standing);
    }

    #[test]
    fn seed_and_stream_decide() {
        let first = |seed, stream| random(seed, stream).bytes(8);
        let all = [first(0, 0), first(0, 1), first(1, 0), first(1, 1)];
        for (at, one) in all.iter().enumerate() {
            assert!(!all[at + 1..].contains(one));
        }
        // As long as there are runs to be made again, these are what they are.
        assert_eq!(
            hex::encode(random(7, 2).bytes(16)),
            "d2c3cf3887a1bf5208a628a7867a38d1"
        );
    }
}
