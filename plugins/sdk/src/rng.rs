//! Randomness addressed by (seed, stream, index, purpose), with no state to carry along.

const GAMMA: u64 = 0x9E37_79B9_7F4A_7C15;
/// What stands for the stream where all streams share: one more than any stream's index.
const SHARED: u64 = 1 << 32;

/// SplitMix64's finaliser: a bijection that leaves no pattern of its input.
#[inline(always)]
pub const fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// `0..n` from 32 random bits; 0 when `n` is 0.
#[inline(always)]
pub const fn below(random: u32, n: u32) -> u32 {
    ((random as u64 * n as u64) >> 32) as u32
}

const fn hash(text: &str) -> u64 {
    let bytes = text.as_bytes();
    let mut h = 0xCBF2_9CE4_8422_2325_u64;
    let mut i = 0;
    while i < bytes.len() {
        h = (h ^ bytes[i] as u64).wrapping_mul(0x0000_0100_0000_01B3);
        i += 1;
    }
    h
}

/// Randomness for one purpose: draws for any index, in any order.
///
/// # The algorithm
/// All arithmetic wraps in 64 bits.
///
/// ```text
/// GAMMA   = 0x9E3779B97F4A7C15
/// mix(z)  : z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
///           z = (z ^ z>>27) * 0x94D049BB133111EB
///           z ^ z>>31                                    (SplitMix64's finaliser)
/// hash(s) : h = 0xCBF29CE484222325; for each byte b of s: h = (h ^ b) * 0x100000001B3   (FNV-1a)
/// key     : mix(mix(mix(seed + GAMMA) + stream) ^ hash(purpose))
///           stream = the stream's index, or 2^32 for what all streams share
/// draw j of index i (j from 0): mix(mix(key ^ i*GAMMA) + (j+1)*GAMMA)
/// ```
///
/// # Test vectors
/// | key | index | draws |
/// |---|---|---|
/// | `stream(0, 0, "")` | 0 | `107dd45b542a8186` `62f3785044b822a7` |
/// | `stream(42, 3, "records")` | 7 | `87da5b8426a7deba` `f0c3c42965b2c068` |
/// | `shared(42, "person")` | 1000 | `a2b91c2af158a0b2` `777f1e3cebc518db` |
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key(u64);

impl Key {
    /// For what one stream alone sees.
    pub const fn stream(seed: u64, stream: u32, purpose: &str) -> Key {
        Key::new(seed, stream as u64, purpose)
    }

    /// For what all streams, and all generators under the same seed, see alike.
    pub const fn shared(seed: u64, purpose: &str) -> Key {
        Key::new(seed, SHARED, purpose)
    }

    const fn new(seed: u64, stream: u64, purpose: &str) -> Key {
        let keyed = mix(seed.wrapping_add(GAMMA)).wrapping_add(stream);
        Key(mix(mix(keyed) ^ hash(purpose)))
    }

    /// The key itself, for those who draw in another way.
    pub const fn value(self) -> u64 {
        self.0
    }

    /// The draws of index `i`.
    #[inline(always)]
    pub const fn at(self, i: u64) -> Rng {
        Rng(self.start(i))
    }

    /// One number for index `i`: as good as a draw of [`at`](Self::at), at half its cost, and
    /// not among those draws.
    #[inline(always)]
    pub const fn hash(self, i: u64) -> u64 {
        self.start(i)
    }

    #[inline(always)]
    const fn start(self, i: u64) -> u64 {
        mix(self.0 ^ i.wrapping_mul(GAMMA))
    }
}

/// The draws of one index, one after another.
#[derive(Clone, Copy, Debug)]
pub struct Rng(u64);

impl Rng {
    /// The next 64 random bits.
    #[inline(always)]
    pub const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(GAMMA);
        mix(self.0)
    }

    /// A number in `0..n`, from one draw; 0 when `n` is 0.
    #[inline(always)]
    pub const fn below(&mut self, n: u32) -> u32 {
        below((self.next() >> 32) as u32, n)
    }

    /// Whether something happens whose probability is `share` of 2³².
    #[inline(always)]
    pub const fn chance(&mut self, share: u32) -> bool {
        ((self.next() >> 32) as u32) < share
    }
}
