//! Draws by counter: each a pure function of a key and a number, so that any of them can be told
//! again without those before it.

use crate::record::Nanos;

const GAMMA: u64 = 0x9E37_79B9_7F4A_7C15;

fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// What all draws of one purpose are made from, in one stream.
pub(super) fn key(seed: u64, stream: u32, purpose: u64) -> u64 {
    mix(mix(seed ^ purpose) ^ u64::from(stream).wrapping_mul(GAMMA))
}

/// The draw of that number.
pub(super) fn draw(key: u64, number: u64) -> u64 {
    mix(key ^ number.wrapping_mul(GAMMA))
}

/// Another draw, made from one.
pub(super) fn again(draw: u64) -> u64 {
    mix(draw ^ GAMMA)
}

/// How many of 2⁵³ draws are a share of them.
pub(super) fn part(share: f64) -> u64 {
    (share.clamp(0.0, 1.0) * 9_007_199_254_740_992.0) as u64
}

/// Which of 2⁵³ a draw is.
pub(super) fn point(draw: u64) -> u64 {
    draw >> 11
}

/// Whether a draw is among a share of all draws; of a share of 1, every one is.
pub(super) fn hits(draw: u64, share: f64) -> bool {
    point(draw) < part(share)
}

/// A number between two, both included, by a draw.
pub(super) fn between(min: Nanos, max: Nanos, draw: u64) -> Nanos {
    let span = u128::from(max.saturating_sub(min)) + 1;
    min.saturating_add(((u128::from(draw) * span) >> 64) as u64)
}
