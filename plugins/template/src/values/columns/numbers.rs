//! Operations on the numbers of a block's records.

use super::{Column, LANES, Mask, TURN, TURNS, Turn};
use crate::options::EXACT;
use crate::values::arithmetic::{TENS, WHOLE, nearest, nearest_small, one, same, truth, two};
use crate::values::{Arith, Failure, Op, Registers};

impl Registers {
    pub(super) fn column(&self, number: u32) -> &Column {
        &self.numbers.as_chunks().0[number as usize]
    }

    /// Sets a register of the records that are here; all of them without a mask. A turn of the loop
    /// is for several, since a component looks at its deadline in each.
    #[inline(always)]
    fn set_turns(&mut self, dst: u32, here: Option<&Mask>, make: impl Fn(&[Turn], usize) -> Turn) {
        for turn in 0..TURNS {
            let made = make(self.numbers.as_chunks().0, turn);
            let to = &mut self.numbers.as_chunks_mut().0[dst as usize * TURNS + turn];
            match here {
                None => *to = made,
                Some(here) => {
                    for k in 0..TURN {
                        to[k] = if here[turn * TURN + k] {
                            made[k]
                        } else {
                            to[k]
                        };
                    }
                }
            }
        }
    }

    #[inline(always)]
    pub(super) fn set_each(&mut self, dst: u32, here: Option<&Mask>, make: impl Fn(usize) -> f64) {
        self.set_turns(dst, here, |_, turn| {
            let mut made = [0.0; TURN];
            for (k, made) in made.iter_mut().enumerate() {
                *made = make(turn * TURN + k);
            }
            made
        });
    }

    #[inline(always)]
    fn two(
        &mut self,
        (a, b, dst): (u32, u32, u32),
        here: Option<&Mask>,
        make: impl Fn(f64, f64) -> f64,
    ) -> Option<Mask> {
        self.set_turns(dst, here, |numbers, turn| {
            let (a, b) = (
                &numbers[a as usize * TURNS + turn],
                &numbers[b as usize * TURNS + turn],
            );
            let mut made = [0.0; TURN];
            for k in 0..TURN {
                made[k] = make(a[k], b[k]);
            }
            made
        });
        None
    }

    #[inline(always)]
    fn one(
        &mut self,
        a: u32,
        dst: u32,
        here: Option<&Mask>,
        make: impl Fn(f64) -> f64,
    ) -> Option<Mask> {
        self.two((a, a, dst), here, |a, _| make(a))
    }

    /// For which records something holds of a number, if for any.
    #[inline(always)]
    fn which(&self, number: u32, holds: impl Fn(f64) -> bool) -> Option<Mask> {
        let mut any = false;
        for turn in self.column(number).as_chunks::<TURN>().0 {
            for number in turn {
                any |= holds(*number);
            }
        }
        any.then(|| self.column(number).map(holds))
    }

    /// Whether one of the numbers has so many units that [`nearest_small`] isn't for it. Null counts
    /// as one.
    #[inline(always)]
    fn is_large(&self, number: u32, unit: f64) -> bool {
        let small = |number: f64| (number * unit).abs() < WHOLE;
        self.which(number, |number| !small(number)).is_some()
    }

    /// What changes numbers alone. Says for which records it fails, if any.
    #[inline(never)]
    pub(super) fn column_op(&mut self, op: &Op, here: Option<&Mask>) -> Option<Mask> {
        match *op {
            Op::Add { a, b, dst } => self.two((a, b, dst), here, |a, b| a + b),
            Op::Sub { a, b, dst } => self.two((a, b, dst), here, |a, b| a - b),
            Op::Mul { a, b, dst } => self.two((a, b, dst), here, |a, b| a * b),
            Op::Div { a, b, dst } => {
                self.two((a, b, dst), here, |a, b| a / b);
                self.which(b, |b| b == 0.0)
            }
            Op::Less { a, b, dst } => self.two((a, b, dst), here, |a, b| truth(a < b)),
            Op::Round { a, digits, dst } => self.round(a, digits, dst, here),
            Op::Check { a, digits } => {
                let unit = TENS[usize::from(digits)];
                self.which(a, |a| a.abs() * unit > EXACT as f64)
            }
            Op::Copy { a, dst } => self.one(a, dst, here, |a| a),
            Op::Null { dst } => {
                self.set_each(dst, here, |_| f64::NAN);
                None
            }
            Op::Two { what, a, b, dst } => match what {
                Arith::AtMost => self.two((a, b, dst), here, |a, b| truth(a <= b)),
                Arith::Same => self.two((a, b, dst), here, |a, b| truth(same(a, b))),
                Arith::Other => self.two((a, b, dst), here, |a, b| truth(!same(a, b))),
                _ => {
                    let (a, b) = (*self.column(a), *self.column(b));
                    self.or_fail(dst, here, |k| two(what, a[k], b[k]))
                }
            },
            Op::One { what, a, dst } => {
                let a = *self.column(a);
                self.or_fail(dst, here, |k| one(what, a[k]))
            }
            // A text of no one's: where a number is chosen, none is there.
            _ => None,
        }
    }

    #[inline(always)]
    fn round(&mut self, a: u32, digits: u8, dst: u32, here: Option<&Mask>) -> Option<Mask> {
        let unit = TENS[usize::from(digits)];
        match self.is_large(a, unit) {
            true => self.one(a, dst, here, |a| nearest(a * unit) / unit),
            false => self.one(a, dst, here, |a| nearest_small(a * unit) / unit),
        }
    }

    /// What may fail, for each record that is here.
    fn or_fail(
        &mut self,
        dst: u32,
        here: Option<&Mask>,
        make: impl Fn(usize) -> Result<f64, Failure>,
    ) -> Option<Mask> {
        let here = here.copied().unwrap_or([true; LANES]);
        let (mut values, mut failing) = ([0.0; LANES], [false; LANES]);
        for k in (0..LANES).filter(|k| here[*k]) {
            match make(k) {
                Ok(value) => values[k] = value,
                Err(_) => failing[k] = true,
            }
        }
        self.set_each(dst, Some(&here), |k| values[k]);
        failing.contains(&true).then_some(failing)
    }
}
