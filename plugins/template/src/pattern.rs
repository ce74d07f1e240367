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
                    draws(&mut random, count, min, span, |place| w.byte(set[place]));
                }
                Op::Wide {
                    from,
                    count,
                    min,
                    span,
                } => {
                    let set = &self.pieces[from as usize..(from + count) as usize];
                    draws(&mut random, count, min, span, |place| {
                        let (from, to) = set[place];
                        w.bytes(&self.bytes[from as usize..to as usize]);
                    });
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

/// Calls `each` with `min` to `min + span - 1` places among `count`. A draw is good for four.
#[inline(always)]
fn draws(random: &mut Rng, count: u32, min: u16, span: u16, mut each: impl FnMut(usize)) {
    let mut left = u32::from(min);
    if span > 1 {
        left += random.below(u32::from(span));
    }
    while left > 0 {
        let mut bits = random.next();
        for _ in 0..left.min(4) {
            each((((bits & 0xffff) * u64::from(count)) >> 16) as usize);
            bits >>= 16;
        }
        left = left.saturating_sub(4);
    }
}
