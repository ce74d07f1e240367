//! Texts that are put together only to be written: their parts are written one after another, and
//! nowhere else before.

use std::collections::{BTreeMap, BTreeSet};

use crate::compile::Compiler;
use crate::program::{Step, What};
use crate::values::{Op, Register};

/// A text of several parts, and what stands behind the last.
#[derive(Clone, Debug)]
pub(crate) struct Joined {
    pub parts: Vec<Part>,
    end: Vec<u8>,
}

/// What changes in such a text, and the text before it.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    before: Vec<u8>,
    pub content: Content,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Content {
    /// A register's.
    Text(u32),
    /// What the record has already.
    Again(u32),
    /// With so many decimals.
    Number(u32, u8),
}

impl Compiler<'_> {
    /// The parts of the text that the last unit puts together, if it does; its operations are those
    /// that are left. Nothing else may read that text.
    pub(super) fn joined(&mut self, unit: u32) -> Option<Joined> {
        let run = self.program.values.units[unit as usize].run;
        let Register::Text(text) = self.program.values.units[unit as usize].value else {
            return None;
        };
        let (mut contents, mut dropped) = (Vec::new(), Vec::new());
        self.parts_of(text, run.from, &mut contents, &mut dropped);
        if dropped.is_empty() || run.otherwise.is_some() {
            return None;
        }
        self.drop_ops(&dropped);
        self.program.values.units[unit as usize].run.to = self.program.values.ops.len() as u32;
        let (mut parts, mut text) = (Vec::new(), vec![b'"']);
        for content in contents {
            match self.constant_part(content) {
                Some(bytes) => text.extend(bytes),
                None => parts.push(Part {
                    before: std::mem::take(&mut text),
                    content,
                }),
            }
        }
        text.push(b'"');
        Some(Joined { parts, end: text })
    }

    /// Each part of a joined text becomes a step of its own, and so others are further on.
    pub(super) fn part_steps(&mut self) {
        let mut joined = BTreeMap::new();
        for expr in &mut self.waiting.exprs {
            if let Some(text) = expr.joined.take() {
                joined.insert(expr.step, text);
            }
        }
        if joined.is_empty() {
            return;
        }
        let entered = self.entered();
        let (mut places, mut end) = (Vec::new(), Vec::new());
        let old = std::mem::take(&mut self.program.steps);
        for (number, step) in old.into_iter().enumerate() {
            let text = self.program.pool[step.text.from as usize..step.text.to as usize].to_vec();
            if !end.is_empty() && entered.contains(&(number as u32)) {
                self.push_step(&step, &std::mem::take(&mut end), What::Nothing);
            }
            places.push(self.program.steps.len() as u32);
            let mut before = std::mem::take(&mut end);
            before.extend(text);
            let Some(text) = joined.remove(&(number as u32)) else {
                match before.len() == step.text.len() {
                    true => self.program.steps.push(step),
                    false => self.push_step(&step, &before, step.what),
                }
                continue;
            };
            for part in text.parts {
                before.extend(part.before);
                let what = match part.content {
                    Content::Text(text) => What::Part(text),
                    Content::Again(text) => What::Again(text),
                    Content::Number(number, decimals) => What::Known(number, decimals),
                };
                self.push_step(&step, &std::mem::take(&mut before), what);
            }
            end = before;
            end.extend(text.end);
        }
        self.move_steps(&places);
    }

    /// A step like another, with text before it.
    fn push_step(&mut self, like: &Step, text: &[u8], what: What) {
        let text_of = self.piece(text);
        self.program
            .steps
            .push(Step::new(text, text_of, like.key, what));
    }

    /// The steps that others go on at.
    fn entered(&self) -> BTreeSet<u32> {
        let mut entered = BTreeSet::new();
        for step in &self.program.steps {
            step.what.clone().targets(|to| entered.extend([*to]));
        }
        let switches = &self.program.values.switches;
        entered.extend(switches.iter().flat_map(|switch| &switch.steps));
        entered
    }

    /// Whatever names a step names where it is now.
    fn move_steps(&mut self, places: &[u32]) {
        let moved = |step: &mut u32| *step = places[*step as usize];
        for step in &mut self.program.steps {
            step.what.targets(moved);
            if let What::Noted { drawing, .. } = &mut step.what {
                moved(drawing);
            }
        }
        let values = &mut self.program.values;
        let switches = values.switches.iter_mut();
        switches
            .flat_map(|switch| &mut switch.steps)
            .for_each(moved);
        values
            .totals
            .iter_mut()
            .for_each(|total| moved(&mut total.array));
        for op in &mut values.ops {
            if let Op::Draw { step, .. } | Op::DrawText { step, .. } | Op::NullIf { step, .. } = op
            {
                moved(step);
            }
        }
        let scopes = self.waiting.scopes.iter_mut().skip(1);
        scopes.for_each(|scope| moved(&mut scope.step));
    }

    /// What a text register is put together from by operations since `from`, and which these are.
    fn parts_of(&self, text: u32, from: u32, kinds: &mut Vec<Content>, dropped: &mut Vec<u32>) {
        // From right to left, with a stack of its own: a chain may be long.
        let mut open = vec![text];
        let ops = &self.program.values.ops;
        while let Some(text) = open.pop() {
            let made = (from as usize..ops.len())
                .rev()
                .find_map(|at| match ops[at] {
                    Op::Concat { a, b, dst } if dst == text => Some((at, Ok((a, b)))),
                    Op::Digits { a, digits, dst } if dst == text => Some((at, Err((a, digits)))),
                    _ => None,
                });
            match made {
                Some((at, Ok((a, b)))) => {
                    dropped.push(at as u32);
                    open.extend([a, b]);
                }
                Some((at, Err((number, digits)))) => {
                    dropped.push(at as u32);
                    kinds.push(Content::Number(number, digits));
                }
                None => kinds.push(Content::Text(text)),
            }
        }
        kinds.reverse();
    }

    /// The bytes of a text that stands in the description.
    fn constant_part(&self, kind: Content) -> Option<Vec<u8>> {
        let Content::Text(text) = kind else {
            return None;
        };
        let span = self.program.values.texts[text as usize];
        let bytes = self
            .program
            .values
            .text
            .get(span.from as usize..span.to as usize);
        bytes.map(<[u8]>::to_vec)
    }

    /// Leaves out some of the last unit's operations. What goes on further on still does.
    fn drop_ops(&mut self, dropped: &[u32]) {
        let moved = |at: u32| at - dropped.iter().filter(|op| **op < at).count() as u32;
        let first = dropped.iter().copied().fold(u32::MAX, u32::min);
        let values = &mut self.program.values;
        for (at, mut op) in (first..).zip(values.ops.split_off(first as usize)) {
            if !dropped.contains(&at) {
                shift(&mut op, moved);
                values.ops.push(op);
            }
        }
        let spans = values.spans.iter_mut().rev();
        for (op, _, _) in spans.take_while(|(op, _, _)| *op >= first) {
            *op = moved(*op);
        }
    }
}

/// Where a jump goes on.
fn shift(op: &mut Op, moved: impl Fn(u32) -> u32) {
    match op {
        Op::Jump { to }
        | Op::Unless { to, .. }
        | Op::IfNull { to, .. }
        | Op::IfNullText { to, .. }
        | Op::NullIf { to, .. } => *to = moved(*to),
        _ => {}
    }
}
