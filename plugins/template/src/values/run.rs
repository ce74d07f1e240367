//! Going through the operations.

use wellhead_sdk::{Tick, Writer, mix};

use super::arithmetic::{TENS, nearest, one, truth, two};
use super::{Failed, Failure, Form, Op, Register, Registers, Run, Span, Switch};
use crate::options::EXACT;
use crate::program::{Program, Scope, Scratch, What};

/// Text to be written, and whether in quotes.
pub(crate) type Text = (usize, usize, bool);

impl Program {
    /// What other fields read, and what is always written: runs `from` to `to` of the list.
    #[inline(never)]
    pub(crate) fn lets(
        &self,
        (from, to): (u32, u32),
        scratch: &mut Scratch,
        tick: Tick,
        scope: Scope,
    ) -> bool {
        let runs = &self.values.lets[from as usize..to as usize];
        runs.iter()
            .all(|run| self.run_ops(*run, scratch, tick, scope))
    }

    /// The text of a value; none where it can't be computed.
    #[inline(never)]
    pub(crate) fn shown(
        &self,
        which: u32,
        scratch: &mut Scratch,
        tick: Tick,
        scope: Scope,
    ) -> Option<Text> {
        let shown = self.values.shown[which as usize];
        let unit = &self.values.units[shown.unit as usize];
        if !shown.known && !self.run_ops(unit.run, scratch, tick, scope) {
            return None;
        }
        let registers = &mut scratch.registers;
        let number = match unit.value {
            Register::Number(number) => registers.get(number),
            Register::Text(text) => match registers.texts[text as usize] {
                span if span.is_null() => return Some(registers.add(b"null")),
                span => return Some((span.from as usize, span.to as usize, true)),
            },
        };
        Some(match shown.form {
            _ if number.is_nan() => registers.add(b"null"),
            Form::Number(decimals) => registers.add_number(number, decimals),
            Form::Bool if number == 0.0 => registers.add(b"false"),
            Form::Bool | Form::Text => registers.add(b"true"),
        })
    }

    /// Which step a switch goes to.
    #[inline(never)]
    pub(crate) fn branch(&self, switch: u32, scratch: &Scratch) -> usize {
        let switch = &self.values.switches[switch as usize];
        switch.steps[switch.place(&scratch.registers)] as usize
    }

    /// Goes through operations. False where one fails; then the registers say which.
    fn run_ops(&self, run: Run, scratch: &mut Scratch, tick: Tick, scope: Scope) -> bool {
        let ops = &self.values.ops[..run.to as usize];
        let mut at = run.from as usize;
        while let Some(op) = ops.get(at) {
            at += 1;
            let r = &mut scratch.registers;
            let failure = match *op {
                Op::Add { a, b, dst } => r.set(dst, r.get(a) + r.get(b)),
                Op::Sub { a, b, dst } => r.set(dst, r.get(a) - r.get(b)),
                Op::Mul { a, b, dst } => r.set(dst, r.get(a) * r.get(b)),
                Op::Div { a, b, dst } => match r.get(b) {
                    0.0 => Some(Failure::Zero),
                    b => r.set(dst, r.get(a) / b),
                },
                Op::Less { a, b, dst } => r.set(dst, truth(r.get(a) < r.get(b))),
                Op::Round { a, digits, dst } => {
                    let unit = TENS[usize::from(digits)];
                    r.set(dst, nearest(r.get(a) * unit) / unit)
                }
                Op::Check { a, digits } => {
                    let units = r.get(a).abs() * TENS[usize::from(digits)];
                    (units > EXACT as f64).then_some(Failure::Beyond)
                }
                Op::Copy { a, dst } => r.set(dst, r.get(a)),
                Op::Draw { step, dst } => r.set(dst, self.drawn(step, tick, scope)),
                Op::DrawText { step, dst } => {
                    let span = self.drawn_text(step, scratch, tick, scope);
                    scratch.registers.texts[dst as usize] = span;
                    None
                }
                Op::Run { unit } => {
                    let run = self.values.units[unit as usize].run;
                    if !self.run_ops(run, scratch, tick, scope) {
                        return false;
                    }
                    None
                }
                Op::Total { total } => {
                    if !self.total(total, scratch, tick, scope) {
                        return false;
                    }
                    None
                }
                Op::Two { .. } | Op::One { .. } => r.arithmetic(op),
                _ => {
                    at = self.go_on(op, at, r, tick, scope);
                    None
                }
            };
            match (failure, run.otherwise) {
                (None, _) => {}
                (Some(_), Some(otherwise)) => at = otherwise as usize,
                (Some(why), None) => {
                    scratch.registers.failed = Some(Failed {
                        op: at as u32 - 1,
                        why,
                    });
                    return false;
                }
            }
        }
        true
    }

    /// Goes through the elements of an array, as they will be written. Null adds nothing.
    #[inline(never)]
    fn total(&self, which: u32, scratch: &mut Scratch, tick: Tick, scope: Scope) -> bool {
        let total = self.values.totals[which as usize];
        let step = &self.steps[total.array as usize];
        let What::Array { min, span, .. } = step.what else {
            return true;
        };
        let mut elements = step.key.at(scope.address);
        let length = min + elements.below(span);
        let mut sum = 0.0;
        for count in 0..u64::from(length) {
            let Some(of) = total.of else {
                sum = f64::from(length);
                break;
            };
            let address = elements.next();
            let element = Scope { address, count };
            if !self.lets((total.from, total.to), scratch, tick, element) {
                return false;
            }
            let number = scratch.registers.get(of);
            sum += if number.is_nan() { 0.0 } else { number };
        }
        scratch.registers.set(total.dst, sum);
        true
    }

    /// What never fails, and is not so frequent. Says where it goes on.
    #[inline(never)]
    fn go_on(&self, op: &Op, next: usize, r: &mut Registers, tick: Tick, scope: Scope) -> usize {
        let jumps = |jumps: bool, to: u32| if jumps { to as usize } else { next };
        match *op {
            Op::Jump { to } => return to as usize,
            Op::Unless { a, to } => return jumps(r.get(a) == 0.0, to),
            Op::IfNull { a, to } => return jumps(r.get(a).is_nan(), to),
            Op::IfNullText { a, to } => return jumps(r.texts[a as usize].is_null(), to),
            Op::NullIf { step, to } => return jumps(self.draws_null(step, scope), to),
            Op::Switch { switch, table } => {
                let place = self.values.switches[switch as usize].place(r);
                return self.values.targets[table as usize + place] as usize;
            }
            Op::Null { dst } => drop(r.set(dst, f64::NAN)),
            Op::Index { dst } => drop(r.set(dst, scope.count as f64)),
            Op::Time { dst } => drop(r.set(dst, (tick.time / 1_000_000) as f64)),
            Op::State { machine, by, dst } => {
                let entity = by.map_or(0, |by| r.entity(by));
                let which = &self.values.machines[machine as usize];
                r.texts[dst as usize] = which.at(entity, tick.time, machine, r);
            }
            _ => r.text_op(op),
        }
        next
    }
}

impl Switch {
    /// Which key a number is.
    pub(crate) fn place_of(&self, number: f64) -> usize {
        let found = self.numbers.iter().position(|key| *key == number);
        found.unwrap_or(self.numbers.len())
    }

    /// Which key a register holds; the place after the last where it is none.
    fn place(&self, registers: &Registers) -> usize {
        match self.by {
            Register::Number(number) => self.place_of(registers.get(number)),
            Register::Text(text) => {
                let null = registers.texts[text as usize].is_null();
                let text = registers.bytes(text);
                let found = self.texts.iter().position(|key| key == text && !null);
                found.unwrap_or(self.texts.len())
            }
        }
    }
}

impl Registers {
    /// What isn't so frequent.
    #[inline(never)]
    fn arithmetic(&mut self, op: &Op) -> Option<Failure> {
        let (dst, result) = match *op {
            Op::Two { what, a, b, dst } => (dst, two(what, self.get(a), self.get(b))),
            Op::One { what, a, dst } => (dst, one(what, self.get(a))),
            _ => return None,
        };
        match result {
            Ok(value) => self.set(dst, value),
            Err(why) => Some(why),
        }
    }

    /// What tells entities apart.
    fn entity(&self, by: Register) -> u64 {
        match by {
            Register::Number(number) => mix(self.get(number).to_bits()),
            Register::Text(text) => {
                let words = self.bytes(text).chunks(8).map(|bytes| {
                    let mut word = [0; 8];
                    word.iter_mut()
                        .zip(bytes)
                        .for_each(|(to, from)| *to = *from);
                    u64::from_le_bytes(word)
                });
                words.fold(1, |hash, word| mix(hash ^ word).wrapping_add(hash))
            }
        }
    }

    /// Adds JSON that isn't a text.
    fn add(&mut self, json: &[u8]) -> Text {
        let from = self.text.len();
        self.text.extend_from_slice(json);
        (from, self.text.len(), false)
    }

    fn add_number(&mut self, number: f64, decimals: u8) -> Text {
        let from = self.text.len();
        let units = nearest(number * TENS[usize::from(decimals)]) as i64;
        let mut writer = Writer::new(&mut self.text);
        writer.decimal(units, decimals);
        writer.finish();
        (from, self.text.len(), false)
    }

    /// What operations on texts do.
    #[inline(never)]
    fn text_op(&mut self, op: &Op) {
        match *op {
            Op::CopyText { a, dst } => self.texts[dst as usize] = self.texts[a as usize],
            Op::NullText { dst } => self.texts[dst as usize] = Span::NULL,
            Op::SameText { a, b, same, dst } => {
                let nulls = self.texts[a as usize].is_null() == self.texts[b as usize].is_null();
                let is = nulls && self.bytes(a) == self.bytes(b);
                self.set(dst, truth(is == same));
            }
            Op::Concat { a, b, dst } => self.concat(a, b, dst),
            Op::Digits { a, digits, dst } => {
                let (from, to, _) = self.add_number(self.get(a), digits);
                self.texts[dst as usize] = Span {
                    from: from as u32,
                    to: to as u32,
                };
            }
            Op::Upper { a, dst } => self.mapped(a, dst, char::to_uppercase),
            Op::Lower { a, dst } => self.mapped(a, dst, char::to_lowercase),
            Op::Length { a, dst } => {
                let text = std::str::from_utf8(self.bytes(a)).unwrap_or_default();
                let escapes = Escapes(text.chars()).count();
                self.set(dst, escapes as f64);
            }
            _ => {}
        }
    }

    /// What ends where all texts end is gone on with: a chain copies each part once.
    fn concat(&mut self, a: u32, b: u32, dst: u32) {
        let (first, second) = (self.texts[a as usize], self.texts[b as usize]);
        let mut from = first.from;
        if first.to as usize != self.text.len() {
            from = self.text.len() as u32;
            self.text
                .extend_from_within(first.from as usize..first.to as usize);
        }
        self.text
            .extend_from_within(second.from as usize..second.to as usize);
        let to = self.text.len() as u32;
        self.texts[dst as usize] = Span { from, to };
    }

    /// Every character in another case; what is escaped stays as it is.
    fn mapped<I: Iterator<Item = char>>(&mut self, a: u32, dst: u32, map: fn(char) -> I) {
        let (span, spare) = (self.texts[a as usize], &mut self.spare);
        spare.clear();
        let bytes = &self.text[span.from as usize..span.to as usize];
        for part in Escapes(std::str::from_utf8(bytes).unwrap_or_default().chars()) {
            let mut room = [0; 4];
            match part {
                Part::Plain(c) => map(c)
                    .for_each(|c| spare.extend_from_slice(c.encode_utf8(&mut room).as_bytes())),
                Part::Escaped(text) => spare.extend_from_slice(text.as_bytes()),
            }
        }
        let from = self.text.len() as u32;
        self.text.extend_from_slice(spare);
        let to = self.text.len() as u32;
        self.texts[dst as usize] = Span { from, to };
    }
}

/// A character of JSON's text.
enum Part<'a> {
    Plain(char),
    Escaped(&'a str),
}

/// The characters of a text, each escape as one.
struct Escapes<'a>(std::str::Chars<'a>);

impl<'a> Iterator for Escapes<'a> {
    type Item = Part<'a>;

    fn next(&mut self) -> Option<Part<'a>> {
        let rest = self.0.as_str();
        let first = self.0.next()?;
        if first != '\\' {
            return Some(Part::Plain(first));
        }
        let length = if rest[1..].starts_with('u') { 6 } else { 2 };
        let escape = rest.get(..length).unwrap_or(rest);
        self.0 = rest[escape.len()..].chars();
        Some(Part::Escaped(escape))
    }
}
