//! Text by a pattern: the part of regular expressions that has an end.

mod made;
mod parse;

use wellhead_sdk::{Rng, Writer};

pub(crate) use parse::{Parsed, parse};

/// Steps that a pattern may turn into, and characters of a class.
const LONGEST: usize = 4096;

/// One step of a pattern.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Op {
    /// Text as it is: bytes of the pattern's pool.
    Text { from: u32, to: u32 },
    /// `min` to `min + span - 1` of `count` bytes, each alike.
    Bytes {
        from: u32,
        count: u32,
        min: u16,
        span: u16,
    },
    /// The same where the bytes follow one another, from `first` on.
    Run {
        first: u8,
        count: u8,
        min: u16,
        span: u16,
    },
    /// The same where characters take several bytes: `count` entries of the table of pieces.
    Wide {
        from: u32,
        count: u32,
        min: u16,
        span: u16,
    },
    /// Goes on at one of so many places, each alike.
    Fork { from: u32, count: u32 },
    /// Goes on at a place further on.
    Jump(u32),
}

/// A pattern, ready to be filled.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pattern {
    pub ops: Vec<Op>,
    pub bytes: Vec<u8>,
    /// Places in `bytes` of characters of several bytes.
    pub pieces: Vec<(u32, u32)>,
    /// Places that forks go on at.
    pub targets: Vec<u32>,
    /// Bytes of the longest text.
    pub longest: u64,
}

impl Pattern {
    /// Writes a JSON string that the pattern describes.
    #[inline(never)]
    pub fn put(&self, mut random: Rng, w: &mut Writer<'_>) {
        w.byte(b'"');
        let mut at = 0;
        while let Some(op) = self.ops.get(at) {
            at += 1;
            match *op {
                Op::Text { from, to } => w.bytes(&self.bytes[from as usize..to as usize]),
                Op::Bytes {
                    from,
                    count,
                    min,
                    span,
                } => {
                    let set = &self.bytes[from as usize..(from + count) as usize];
                    let left = repetitions(&mut random, min, span);
                    fours(left, w, || {
                        let bits = random.next();
                        [0, 1, 2, 3]
                            .map(|k| u64::from(set[place(bits, k, count)]) << (8 * k))
                            .into_iter()
                            .fold(0, |word, byte| word | byte)
                    });
                }
                Op::Run {
                    first,
                    count,
                    min,
                    span,
                } => {
                    let left = repetitions(&mut random, min, span);
                    let bytes = u64::from(first) * 0x0101_0101;
                    fours(left, w, || bytes + places(random.next(), count));
                }
                Op::Wide {
                    from,
                    count,
                    min,
                    span,
                } => {
                    let set = &self.pieces[from as usize..(from + count) as usize];
                    for _ in 0..repetitions(&mut random, min, span) {
                        let (from, to) = set[random.below(count) as usize];
                        w.bytes(&self.bytes[from as usize..to as usize]);
                    }
                }
                Op::Fork { from, count } => {
                    at = self.targets[(from + random.below(count)) as usize] as usize;
                }
                Op::Jump(to) => at = to as usize,
            }
        }
        w.byte(b'"');
    }
}

/// So many bytes, four of them at a time, though fewer may be left: a loop costs more. Most patterns
/// have no more than four of a kind, and so no loop at all.
#[inline(always)]
fn fours(mut left: u32, w: &mut Writer<'_>, mut next: impl FnMut() -> u64) {
    if left == 0 {
        return;
    }
    if left > 4 {
        while left > 4 {
            w.word64(next(), 4);
            left -= 4;
        }
    }
    w.word64(next(), left as usize);
}

/// How often something comes.
#[inline(always)]
fn repetitions(random: &mut Rng, min: u16, span: u16) -> u32 {
    match span {
        1 => u32::from(min),
        _ => u32::from(min) + random.below(u32::from(span)),
    }
}

/// One of `count` places, by a quarter of 64 random bits.
#[inline(always)]
const fn place(bits: u64, quarter: u32, count: u32) -> usize {
    (((bits >> (16 * quarter) & 0xffff) * count as u64) >> 16) as usize
}

/// The same for all four quarters, each in a byte.
#[inline(always)]
const fn places(bits: u64, count: u8) -> u64 {
    const QUARTERS: u64 = 0x0000_ffff_0000_ffff;
    let even = (bits & QUARTERS) * count as u64;
    let odd = (bits >> 16 & QUARTERS) * count as u64;
    (even >> 16 & 0xff) | (even >> 32 & 0xff_0000) | (odd >> 8 & 0xff00) | (odd >> 24 & 0xff00_0000)
}

#[cfg(test)]
mod tests {
    use super::{place, places};

    #[test]
    fn four_places_at_once_are_those_of_each() {
        for n in 0..2_000_u64 {
            let (bits, count) = (n.wrapping_mul(0x9E37_79B9_7F4A_7C15), 1 + (n % 95) as u8);
            let each = [0, 1, 2, 3].map(|k| place(bits, k, u32::from(count)) as u8);
            assert_eq!(places(bits, count), u64::from(u32::from_le_bytes(each)));
        }
        assert_eq!(places(u64::MAX, 10), 0x0909_0909);
    }
}
