//! What steps draw, for all records of a block.

use std::array::from_fn;

use wellhead_sdk::{Key, Tick, below};

use super::{Column, LANES, Mask, TURN};
use crate::number::How;
use crate::program::{Program, Scope, What};
use crate::values::Registers;
use crate::values::arithmetic::TENS;

/// Sums of whole numbers below this are exact.
const EXACT: u64 = 1 << 52;

type Random = [u64; LANES];

impl Program {
    /// What a step draws for each record.
    #[inline(never)]
    pub(super) fn draw(
        &self,
        (step, dst): (u32, u32),
        here: Option<&Mask>,
        r: &mut Registers,
        scopes: &[Scope; LANES],
    ) {
        let drawing = &self.steps[step as usize];
        let random = randoms(drawing.key, scopes[0].address);
        let drawn = match drawing.what {
            What::Whole(how) | What::Natural(how) => self.numbers_of(how, 1.0, &random),
            What::Small(low, span) => even(low.into(), span, 1.0, &random),
            What::Cents(how) => self.numbers_of(how, 100.0, &random),
            What::Decimal(how, digits) => self.numbers_of(how, TENS[usize::from(digits)], &random),
            what @ (What::Even { .. } | What::Choice { .. }) => each(&random, |random| {
                self.values.chosen[self.chosen(what, random)]
            }),
            _ => {
                let tick = Tick { index: 0, time: 0 };
                from_fn(|k| self.drawn(step, tick, scopes[k]))
            }
        };
        r.set_each(dst, here, |k| drawn[k]);
    }

    /// Numbers in units, so many of which are one. Each kind has a loop of its own.
    #[inline(always)]
    fn numbers_of(&self, how: How, unit: f64, random: &Random) -> Column {
        match how {
            How::Even { low, span } if low.unsigned_abs() < EXACT => {
                even(low as f64, span, unit, random)
            }
            How::Curve { curve, low, most } => each(random, |random| {
                let how = How::Curve { curve, low, most };
                self.numbers.draw(how, random) as f64 / unit
            }),
            how => each(random, |random| {
                self.numbers.draw(how, random) as f64 / unit
            }),
        }
    }
}

/// What is drawn from at consecutive addresses.
#[inline(always)]
fn randoms(key: Key, first: u64) -> Random {
    let mut random = [0; LANES];
    for (turn, random) in random.as_chunks_mut::<TURN>().0.iter_mut().enumerate() {
        for (k, random) in random.iter_mut().enumerate() {
            *random = key.hash(first.wrapping_add((turn * TURN + k) as u64));
        }
    }
    random
}

#[inline(always)]
fn each(random: &Random, make: impl Fn(u64) -> f64) -> Column {
    let mut made = [0.0; LANES];
    let turns = made.as_chunks_mut::<TURN>().0.iter_mut();
    for (made, random) in turns.zip(random.as_chunks::<TURN>().0) {
        for (made, random) in made.iter_mut().zip(random) {
            *made = make(*random);
        }
    }
    made
}

/// `span` values alike, from `low` on.
#[inline(always)]
fn even(low: f64, span: u32, unit: f64, random: &Random) -> Column {
    each(random, |random| {
        (low + f64::from(below((random >> 32) as u32, span))) / unit
    })
}
