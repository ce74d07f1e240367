//! What follows from a record's number alone, and so may be computed for several records at once.

use std::collections::BTreeSet;

use crate::compile::Compiler;
use crate::program::What;
use crate::values::{Op, Register};

impl Compiler<'_> {
    /// The units of these that may, and the others, both in their order.
    pub(super) fn columnar(&self, units: Vec<u32>) -> (Vec<u32>, Vec<u32>) {
        // Numbers that the others compute, and so aren't there before.
        let mut late = BTreeSet::new();
        units.into_iter().partition(|unit| {
            let register = self.program.values.units[*unit as usize].value;
            let columnar =
                matches!(register, Register::Number(_)) && self.is_columnar(*unit, &late);
            if !columnar {
                self.sets(*unit, &mut late);
            }
            columnar
        })
    }

    fn ops(&self, unit: u32) -> &[Op] {
        let run = self.program.values.units[unit as usize].run;
        &self.program.values.ops[run.from as usize..run.to as usize]
    }

    fn is_columnar(&self, unit: u32, late: &BTreeSet<u32>) -> bool {
        self.ops(unit).iter().all(|op| {
            let plain = match *op {
                Op::Draw { step, .. } => {
                    !matches!(self.program.steps[step as usize].what, What::Time { .. })
                }
                Op::Run { unit } => self.is_columnar(unit, late),
                Op::Switch { switch, .. } => {
                    match self.program.values.switches[switch as usize].by {
                        Register::Number(by) => !late.contains(&by),
                        Register::Text(_) => false,
                    }
                }
                Op::DrawText { .. }
                | Op::State { .. }
                | Op::Total { .. }
                | Op::CopyText { .. }
                | Op::SameText { .. }
                | Op::Concat { .. }
                | Op::Digits { .. }
                | Op::Upper { .. }
                | Op::Lower { .. }
                | Op::Length { .. }
                | Op::Time { .. }
                | Op::IfNullText { .. } => false,
                _ => true,
            };
            let reads = |number: &Option<u32>| number.is_some_and(|number| late.contains(&number));
            plain && !numbers(op).0.iter().any(reads)
        })
    }

    /// The numbers that a unit sets.
    fn sets(&self, unit: u32, all: &mut BTreeSet<u32>) {
        for op in self.ops(unit) {
            match *op {
                Op::Run { unit } => self.sets(unit, all),
                Op::Total { total } => {
                    all.insert(self.program.values.totals[total as usize].dst);
                }
                _ => all.extend(numbers(op).1),
            }
        }
    }
}

/// The numbers that an operation reads by itself, and the one that it sets.
fn numbers(op: &Op) -> ([Option<u32>; 2], Option<u32>) {
    match *op {
        Op::Add { a, b, dst }
        | Op::Sub { a, b, dst }
        | Op::Mul { a, b, dst }
        | Op::Div { a, b, dst }
        | Op::Less { a, b, dst }
        | Op::Two { a, b, dst, .. } => ([Some(a), Some(b)], Some(dst)),
        Op::Round { a, dst, .. } | Op::One { a, dst, .. } | Op::Copy { a, dst } => {
            ([Some(a), None], Some(dst))
        }
        Op::Check { a, .. }
        | Op::Unless { a, .. }
        | Op::IfNull { a, .. }
        | Op::Digits { a, .. } => ([Some(a), None], None),
        Op::Draw { dst, .. }
        | Op::Null { dst }
        | Op::Index { dst }
        | Op::Time { dst }
        | Op::Length { dst, .. }
        | Op::SameText { dst, .. } => ([None, None], Some(dst)),
        _ => ([None, None], None),
    }
}
