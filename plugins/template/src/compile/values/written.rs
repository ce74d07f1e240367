//! What steps do once it is known who reads what.

use std::collections::BTreeSet;

use wellhead_sdk::bounded::MOST_DECIMALS;

use super::joined::{Content, Part};
use super::{Coder, Kind};
use crate::compile::Compiler;
use crate::program::What;
use crate::values::{Form, Op, Register, Units};

impl Compiler<'_> {
    /// What is known when it is written, and never null, is written without a call.
    pub(super) fn write_known(&mut self) {
        for expr in &self.waiting.exprs {
            let step = &mut self.program.steps[expr.step as usize].what;
            let (Some(done), What::Value(shown)) = (expr.done, *step) else {
                continue;
            };
            let (made, shown) = (done.made, self.program.values.shown[shown as usize]);
            if shown.known && !made.nullable {
                *step = match (Coder::register(made), shown.form) {
                    (Register::Text(text), _) => What::KnownText(text),
                    (Register::Number(number), Form::Number(decimals)) => {
                        What::Known(number, decimals)
                    }
                    (Register::Number(number), _) => What::KnownBool(number),
                };
            }
        }
        self.branch_by_truth();
    }

    /// Numbers of these units that are written are put into whole units for a block of records.
    pub(super) fn show_units(&mut self, columns: &[u32]) {
        let mut small = BTreeSet::new();
        let mut known = BTreeSet::new();
        for unit in columns {
            let unit = &self.program.values.units[*unit as usize];
            let ops = &self.program.values.ops[unit.run.from as usize..unit.run.to as usize];
            if let Register::Number(number) = unit.value {
                known.insert(number);
                if let [Op::Draw { step, .. }] = ops
                    && let What::Small(..) = self.program.steps[*step as usize].what
                {
                    small.insert(number);
                }
            }
        }
        let root = &mut self.program.values.root;
        let mut show = |number: u32, decimals: u8, digits: bool| {
            let shown = Units {
                number,
                decimals,
                digits,
            };
            let place = root.units.iter().position(|other| *other == shown);
            place.unwrap_or_else(|| {
                root.units.push(shown);
                root.units.len() - 1
            }) as u32
        };
        for step in &mut self.program.steps {
            step.what = match step.what {
                What::Known(number, decimals) if known.contains(&number) => {
                    let is_small = decimals == 0 && small.contains(&number);
                    let units = show(number, decimals, !is_small && decimals <= MOST_DECIMALS);
                    match decimals {
                        _ if is_small => What::ShownSmall(units),
                        2 => What::ShownCents(units),
                        _ => What::Shown(units, decimals),
                    }
                }
                what => what,
            };
        }
    }

    /// A choice between what is given for true and for false needs no table.
    fn branch_by_truth(&mut self) {
        for step in &mut self.program.steps {
            let What::Switch(number) = step.what else {
                continue;
            };
            let by = self.waiting.known[self.waiting.cases[number as usize].field];
            let switch = &self.program.values.switches[number as usize];
            if let Some(by) = by.filter(|by| by.kind == Kind::Bool && !by.nullable) {
                step.what = What::If {
                    number: by.register,
                    yes: switch.steps[switch.place_of(1.0)],
                    no: switch.steps[switch.place_of(0.0)],
                };
            }
        }
    }

    /// A text of the record that only texts further on take in is drawn as it is written, and they
    /// copy it from there.
    pub(super) fn write_before_read(&mut self) {
        for field in 0..self.waiting.fields.len() {
            let Some((text, drawing)) = self.drawn_text(field) else {
                continue;
            };
            let step = self.waiting.fields[field].step;
            if !self.is_read(text, step) {
                self.program.steps[step as usize].what = What::Noted { text, drawing };
                let unit = self.waiting.units[field];
                self.waiting.scopes[0]
                    .units
                    .retain(|other| Some(*other) != unit);
                let joined = self
                    .waiting
                    .exprs
                    .iter_mut()
                    .filter_map(|expr| expr.joined.as_mut());
                for part in joined.flat_map(|joined| &mut joined.parts) {
                    if part.content == Content::Text(text) {
                        part.content = Content::Again(text);
                    }
                }
            }
        }
    }

    /// The text register of a field that is always there, and the step that draws it.
    fn drawn_text(&self, field: usize) -> Option<(u32, u32)> {
        let (unit, field) = (self.waiting.units[field]?, &self.waiting.fields[field]);
        let What::KnownText(text) = self.program.steps[field.step as usize].what else {
            return None;
        };
        let run = self.program.values.units[unit as usize].run;
        let ops = &self.program.values.ops[run.from as usize..run.to as usize];
        match ops {
            [Op::DrawText { step, dst }]
                if *dst == text && field.scope == 0 && field.part.is_empty() =>
            {
                Some((text, *step))
            }
            _ => None,
        }
    }

    /// Whether anything reads a text but what is written further on than `step` in the record.
    fn is_read(&self, text: u32, step: u32) -> bool {
        let values = &self.program.values;
        let by_op = values.ops.iter().any(|op| match *op {
            Op::CopyText { a, .. }
            | Op::IfNullText { a, .. }
            | Op::Upper { a, .. }
            | Op::Lower { a, .. }
            | Op::Length { a, .. } => a == text,
            Op::SameText { a, b, .. } | Op::Concat { a, b, .. } => a == text || b == text,
            Op::State { by, .. } => by == Some(Register::Text(text)),
            _ => false,
        });
        let mut switches = values.switches.iter();
        let by_switch = switches.any(|switch| switch.by == Register::Text(text));
        let reads = |part: &Part| part.content == Content::Text(text);
        let by_part = self.waiting.exprs.iter().any(|expr| {
            let joined = expr.joined.as_ref().filter(|_| expr.step < step);
            joined.is_some_and(|joined| joined.parts.iter().any(reads))
        });
        let by_unit = values
            .units
            .iter()
            .filter(|unit| unit.value == Register::Text(text));
        let by_step = self
            .program
            .steps
            .iter()
            .filter(|step| matches!(step.what, What::KnownText(read) if read == text));
        by_op || by_switch || by_part || by_unit.count() > 1 || by_step.count() > 1
    }
}
