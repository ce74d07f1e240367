//! Numbers: how they are drawn, in whole units, and written.

use wellhead_sdk::bounded::Value;
use wellhead_sdk::dist::{Curve, Weighted};
use wellhead_sdk::{Writer, below};

use crate::step::PADDING;

/// How a number is drawn: whole units from `low` on.
#[derive(Clone, Copy, Debug)]
pub(crate) enum How {
    /// `span` values alike.
    Even { low: i64, span: u32 },
    /// The same for more than 2³² of them.
    Wide { low: i64, span: u64 },
    /// A curve over `low` to `low + most`.
    Curve { curve: u32, low: i64, most: u64 },
    /// The first most often.
    Zipf { ranks: u32, low: i64 },
}

/// A curve, and how many of its steps make a unit (`fine`) or how many units a step (`coarse`),
/// both as powers of two.
#[derive(Clone, Debug)]
pub(crate) struct Scaled {
    pub curve: Curve,
    pub fine: u32,
    pub coarse: u32,
}

/// What draws refer to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Numbers {
    pub curves: Vec<Scaled>,
    pub ranks: Vec<Weighted>,
}

impl Numbers {
    /// No number of units is farther from 0.
    pub fn most(&self, how: How) -> f64 {
        let (low, span) = match how {
            How::Even { low, span } => (low, u64::from(span)),
            How::Wide { low, span } => (low, span),
            How::Curve { low, most, .. } => (low, most),
            How::Zipf { ranks, low } => (low, self.ranks[ranks as usize].len() as u64),
        };
        low.unsigned_abs() as f64 + span as f64
    }

    /// A number of units, from 64 random bits.
    #[inline(always)]
    pub fn draw(&self, how: How, random: u64) -> i64 {
        // Most are drawn so: a comparison costs less than a jump by a table.
        if let How::Even { low, span } = how {
            return low + i64::from(below((random >> 32) as u32, span));
        }
        match how {
            How::Even { low, .. } => low,
            How::Wide { low, span } => low.wrapping_add(below_wide(random, span) as i64),
            How::Curve { curve, low, most } => {
                let scaled = &self.curves[curve as usize];
                let step = u64::from(scaled.curve.draw_u32((random >> 32) as u32));
                let between = random & ((1 << scaled.coarse) - 1);
                let units = (step << scaled.coarse | between) >> scaled.fine;
                low.wrapping_add(units.min(most) as i64)
            }
            How::Zipf { ranks, low } => low + self.ranks[ranks as usize].draw(random) as i64,
        }
    }
}

/// Writes numbers most of which follow one another: all but their last two digits stay for a while.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counter {
    hundreds: u64,
    text: [u8; PADDING],
    length: u32,
}

impl Counter {
    #[inline(always)]
    pub fn put(&mut self, number: i64, v: Value<'_, '_>) {
        let hundreds = number as u64 / 100;
        if number < 100 {
            return v.i64(number);
        }
        if hundreds != self.hundreds {
            self.set(hundreds);
        }
        let last = number as u64 - hundreds * 100;
        let tens = (last * 103) >> 10;
        let digits = tens | (last - tens * 10) << 8 | u64::from_le_bytes(*b"00\0\0\0\0\0\0");
        v.text_and_word(&self.text, self.length as usize, digits, 2);
    }

    #[cold]
    #[inline(never)]
    fn set(&mut self, hundreds: u64) {
        let mut text = Vec::new();
        let mut writer = Writer::new(&mut text);
        writer.u64(hundreds);
        writer.finish();
        self.text[..text.len()].copy_from_slice(&text);
        self.length = text.len() as u32;
        self.hundreds = hundreds;
    }
}

/// `0..n` from 64 random bits, without a product of 128: what the lowest halves carry is left out.
#[inline(always)]
pub(crate) const fn below_wide(random: u64, n: u64) -> u64 {
    let (high, low) = (random >> 32, random & 0xffff_ffff);
    let (n_high, n_low) = (n >> 32, n & 0xffff_ffff);
    high * n_high + ((high * n_low) >> 32) + ((low * n_high) >> 32)
}

/// An instant, up to `skew` before or after.
#[inline(always)]
pub(crate) const fn skewed(time: u64, skew: u64, random: u64) -> u64 {
    if skew == 0 {
        return time;
    }
    let off = below_wide(random, 2 * skew + 1);
    time.saturating_add(off).saturating_sub(skew)
}
