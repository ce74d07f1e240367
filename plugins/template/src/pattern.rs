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
    #[inline(always)]
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
                    let mut left = repetitions(&mut random, min, span);
                    while left > 0 {
                        // Four at once, though fewer may be left: a loop would cost more.
                        let bits = random.next();
                        let word = [0, 1, 2, 3]
                            .map(|k| u64::from(set[place(bits, k, count)]) << (8 * k))
                            .into_iter()
                            .fold(0, |word, byte| word | byte);
                        let n = left.min(4);
                        w.word64(word, n as usize);
                        left -= n;
                    }
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
