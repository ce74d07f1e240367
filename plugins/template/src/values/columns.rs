//! Numbers of several records at once, for an operation costs more to find than to do.
//!
//! What follows from a record's number alone is computed for [`LANES`] records that follow one
//! another, operation by operation: a register has a place for each of them. Where an operation
//! jumps, the records part: each waits until the others have come to where it goes on, which is
//! always further on, and what is done meanwhile leaves its registers as they are. Where one can't
//! be computed, the whole block is computed record by record instead, and the right one fails.

mod draws;
mod numbers;

use std::array::from_fn;

use super::arithmetic::{TENS, even_units, nearest};
use super::{Op, Register, Registers, Run, Values};
use crate::program::{Program, Scope, Scratch};
use wellhead_sdk::Tick;
use wellhead_sdk::bounded::Digits;

/// Records of a block.
pub(super) const LANES: usize = 32;
/// Registers that all records of a block have their own of: half a megabyte.
const MOST: usize = 2048;

/// How many are done in a turn of a loop, and in how many turns.
const TURN: usize = 8;
const TURNS: usize = LANES / TURN;

type Column = [f64; LANES];
type Turn = [f64; TURN];
type Mask = [bool; LANES];

/// Where each record of a block goes on.
struct Lanes {
    resume: [u32; LANES],
    /// Whether one of them is further on than the others.
    apart: bool,
}

impl Lanes {
    /// Which records are at an operation.
    fn at(&self, at: u32) -> Mask {
        self.resume.map(|resume| resume <= at)
    }

    /// Those of them that a condition holds for go on elsewhere.
    fn part(&mut self, at: u32, leave: Mask, to: u32) {
        for (resume, leave) in self.resume.iter_mut().zip(leave) {
            if leave && *resume <= at {
                *resume = to;
                self.apart = true;
            }
        }
    }

    /// The next operation that a record is at.
    fn meet(&mut self, at: u32) -> u32 {
        let least = self.resume.iter().copied().fold(u32::MAX, u32::min);
        let at = at.max(least);
        self.apart = self.resume.iter().any(|resume| *resume > at);
        at
    }
}

impl Values {
    /// How far the registers of a record lie apart, as a power of two.
    pub(crate) fn shift(&self) -> u32 {
        match self.root.columns.is_empty() || self.numbers.len() > MOST {
            true => 0,
            false => LANES.trailing_zeros(),
        }
    }
}

impl Program {
    /// A record begins: what is read of it is computed. False where that fails.
    #[inline(always)]
    pub(crate) fn begin(&self, scratch: &mut Scratch, tick: Tick, scope: Scope) -> bool {
        scratch.registers.begin();
        let root = &self.values.root;
        let mut runs = root.all;
        if scratch.registers.shift > 0 {
            let (block, lane) = (tick.index / LANES as u64, tick.index as usize % LANES);
            if scratch.registers.block != block {
                self.block(scratch, lane, scope);
                scratch.registers.block = block;
            }
            scratch.registers.lane = lane;
            if !scratch.registers.computed {
                return self.record_alone(scratch, tick, scope);
            }
            runs = root.rest;
        }
        runs.0 == runs.1 || self.lets(runs, scratch, tick, scope)
    }

    /// Computes a record of a block in which another may fail.
    #[cold]
    #[inline(never)]
    fn record_alone(&self, scratch: &mut Scratch, tick: Tick, scope: Scope) -> bool {
        let fine = self.lets(self.values.root.all, scratch, tick, scope);
        self.shown_units(&mut scratch.registers, false);
        fine
    }

    /// Computes the columns of the block that a record is in.
    #[inline(never)]
    fn block(&self, scratch: &mut Scratch, lane: usize, scope: Scope) {
        let before = lane as u64;
        let by = scratch.by;
        let first = Scope {
            address: scope.address.wrapping_sub(before),
            count: scope.count.wrapping_sub(before.wrapping_mul(by)),
        };
        let scopes = from_fn(|k| Scope {
            address: first.address.wrapping_add(k as u64),
            count: first.count.wrapping_add((k as u64).wrapping_mul(by)),
        });
        let r = &mut scratch.registers;
        let all = || Lanes {
            resume: [0; LANES],
            apart: false,
        };
        let mut runs = self.values.root.columns.iter();
        r.computed = runs.all(|run| self.columns(*run, all(), r, &scopes));
        if r.computed {
            self.shown_units(r, true);
        }
    }

    /// Goes through operations for all records of a block. False where one fails.
    fn columns(
        &self,
        run: Run,
        mut lanes: Lanes,
        r: &mut Registers,
        scopes: &[Scope; LANES],
    ) -> bool {
        let ops = &self.values.ops[..run.to as usize];
        let mut at = run.from;
        loop {
            if lanes.apart {
                at = lanes.meet(at);
            }
            let Some(op) = ops.get(at as usize) else {
                return true;
            };
            let here = lanes.apart.then(|| lanes.at(at));
            let here = here.as_ref();
            let failing = match *op {
                Op::Draw { step, dst } => {
                    self.draw((step, dst), here, r, scopes);
                    None
                }
                Op::Index { dst } => {
                    r.set_each(dst, here, |k| scopes[k].count as f64);
                    None
                }
                Op::Run { unit } => {
                    if !self.columns_of(unit, lanes.at(at), r, scopes) {
                        return false;
                    }
                    None
                }
                Op::Jump { .. }
                | Op::Unless { .. }
                | Op::IfNull { .. }
                | Op::NullIf { .. }
                | Op::Switch { .. } => {
                    self.part(op, at, &mut lanes, r, scopes);
                    None
                }
                _ => r.column_op(op, here),
            };
            if let Some(mut failing) = failing {
                if let Some(here) = here {
                    failing = from_fn(|k| failing[k] && here[k]);
                }
                match run.otherwise {
                    _ if failing == [false; LANES] => {}
                    Some(otherwise) => lanes.part(at, failing, otherwise),
                    None => return false,
                }
            }
            at += 1;
        }
    }

    /// Another unit, for those records that are here.
    fn columns_of(
        &self,
        unit: u32,
        here: Mask,
        r: &mut Registers,
        scopes: &[Scope; LANES],
    ) -> bool {
        let lanes = Lanes {
            resume: here.map(|here| if here { 0 } else { u32::MAX }),
            apart: here.contains(&false),
        };
        self.columns(self.values.units[unit as usize].run, lanes, r, scopes)
    }

    /// Where records go on after a jump.
    #[inline(never)]
    fn part(&self, op: &Op, at: u32, lanes: &mut Lanes, r: &Registers, scopes: &[Scope; LANES]) {
        match *op {
            Op::Jump { to } => lanes.part(at, [true; LANES], to),
            Op::Unless { a, to } => lanes.part(at, r.column(a).map(|a| a == 0.0), to),
            Op::IfNull { a, to } => lanes.part(at, r.column(a).map(f64::is_nan), to),
            Op::NullIf { step, to } => {
                let null = scopes.map(|scope| self.draws_null(step, scope));
                lanes.part(at, null, to);
            }
            Op::Switch { switch, table } => {
                let switch = &self.values.switches[switch as usize];
                let Register::Number(by) = switch.by else {
                    return;
                };
                let by = *r.column(by);
                for (k, by) in by.into_iter().enumerate() {
                    let place = table as usize + switch.place_of(by);
                    lanes.part(at, from_fn(|lane| lane == k), self.values.targets[place]);
                }
            }
            _ => {}
        }
    }

    /// Puts the numbers that the record shows into whole units: of all records of a block, or of the
    /// one at hand.
    fn shown_units(&self, r: &mut Registers, all: bool) {
        for (place, shown) in self.values.root.units.iter().enumerate() {
            let unit = TENS[usize::from(shown.decimals)];
            let at = place * LANES + r.lane;
            if !all {
                let number = r.numbers[shown.number as usize * LANES + r.lane];
                r.units[at] = nearest(number * unit) as i64;
                if shown.digits {
                    [r.digits[at]] = Digits::of(&[r.units[at]]);
                }
                continue;
            }
            let numbers = r.numbers.as_chunks::<TURN>().0;
            let numbers = &numbers[shown.number as usize * TURNS..][..TURNS];
            let units = &mut r.units.as_chunks_mut::<TURN>().0[place * TURNS..][..TURNS];
            if !units_of(numbers, unit, units, even_units) {
                units_of(numbers, unit, units, |units| (nearest(units) as i64, true));
            }
            if shown.digits {
                let digits = &mut r.digits.as_chunks_mut::<TURN>().0[place * TURNS..][..TURNS];
                for (digits, units) in digits.iter_mut().zip(units) {
                    *digits = Digits::of(units);
                }
            }
        }
    }
}

/// Numbers in whole units; false where one isn't for that.
#[inline(always)]
fn units_of(
    numbers: &[Turn],
    unit: f64,
    shown: &mut [[i64; TURN]],
    make: impl Fn(f64) -> (i64, bool),
) -> bool {
    let mut all = true;
    for (shown, numbers) in shown.iter_mut().zip(numbers) {
        for (shown, number) in shown.iter_mut().zip(numbers) {
            let (units, fine) = make(number * unit);
            *shown = units;
            all &= fine;
        }
    }
    all
}
