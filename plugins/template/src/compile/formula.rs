//! Expressions: from text to operations in one pass, each as soon as its operands are known.
//!
//! Operators bind as in C and JavaScript. An operand that may be null is looked at before it is
//! used, and the expression goes on where null is asked for: at `??`, or at its own end.

mod functions;
mod operators;
mod tokens;

pub(super) use functions::is_total;
pub(super) use tokens::{Token, Word, tokens};

use serde_json::Value;
use wellhead_sdk::Error;

use super::Compiler;
use super::values::{Added, Kind, Made, Slot};
use crate::options::wrong;
use crate::values::{Op, Register};

/// Parentheses within parentheses: a component's stack is small.
const DEEPEST: usize = 24;
/// Bytes of a text that an expression makes.
pub(super) const LONGEST_TEXT: u32 = 4096;

/// What an expression is made from.
pub(super) struct Source<'s> {
    pub place: &'s str,
    pub text: &'s str,
    pub tokens: &'s [Token],
    /// The field of each name that is read, where it isn't one that every record has.
    pub reads: &'s [(String, usize)],
    /// What each name means that is added up or counted.
    pub totals: &'s [Added],
    pub decimals: Option<u8>,
    pub otherwise: Option<&'s Value>,
}

/// What went wrong, and at which word.
pub(super) type Wrong = (String, usize);

/// An expression that is being compiled.
pub(super) struct Coder<'c, 'a, 's> {
    pub compiler: &'c mut Compiler<'a>,
    pub source: Source<'s>,
    at: usize,
    depth: usize,
    /// Jumps to where null is asked for.
    nulls: Vec<usize>,
}

impl<'c, 'a, 's> Coder<'c, 'a, 's> {
    /// Compiles it. Gives its value, the first operation, and where it goes on after a failure.
    pub fn compile(
        compiler: &'c mut Compiler<'a>,
        source: Source<'s>,
    ) -> Result<(Made, Option<u32>), Error> {
        let mut coder = Coder {
            compiler,
            source,
            at: 0,
            depth: 0,
            nulls: Vec::new(),
        };
        coder.whole().map_err(|(why, word)| {
            let (place, text) = (coder.source.place, coder.source.text);
            let from = coder.source.tokens.get(word).map_or(0, |token| token.from);
            let near: String = text
                .get(from..)
                .unwrap_or_default()
                .chars()
                .take(24)
                .collect();
            match near.as_str() {
                "" => wrong(place, format!("{why} (at the end of `{text}`)")),
                near => wrong(place, format!("{why} (at `{near}`)")),
            }
        })
    }

    fn whole(&mut self) -> Result<(Made, Option<u32>), Wrong> {
        let value = self.expression(0)?;
        if self.word() != &Word::End {
            return Err((
                "something stands between two values; write an operator there, such as + or *"
                    .to_owned(),
                self.at,
            ));
        }
        let mut made = self.finished(value)?;
        if self.nulls.is_empty() && self.source.otherwise.is_none() {
            return Ok((made, None));
        }
        let slot = self.compiler.slot();
        self.compiler.store(made, slot);
        let done = self.emit(Op::Jump { to: 0 });
        if !self.nulls.is_empty() {
            made.nullable = true;
            self.land_nulls(0);
            self.emit(Op::Null { dst: slot.number });
            self.emit(Op::NullText { dst: slot.text });
        }
        let mut otherwise = None;
        if let Some(value) = self.source.otherwise {
            let skip = self.emit(Op::Jump { to: 0 });
            otherwise = Some(self.here());
            made = self.instead(made, value, slot)?;
            self.land(skip);
        }
        self.land(done);
        Ok((slot.holding(made), otherwise))
    }

    /// What is written has its decimals, and others read what is written.
    fn finished(&mut self, value: Made) -> Result<Made, Wrong> {
        let end = self.source.tokens.len().saturating_sub(1);
        let Kind::Number(digits) = value.kind else {
            return match (self.source.decimals, value.kind) {
                (_, Kind::Null) => Err(("it is always null; write `null` alone".to_owned(), end)),
                (Some(_), kind) => Err((
                    format!("`decimals` says nothing of {}; leave it out", kind.name()),
                    end,
                )),
                (None, _) => Ok(value),
            };
        };
        let wanted = self.source.decimals.or(digits).unwrap_or(2);
        let mut a = value.register;
        let rounded = match self.compiler.program.values.ops.last() {
            Some(Op::Round { digits, dst, .. }) => *dst == a && *digits == wanted,
            _ => false,
        };
        // A single word is as it is written; of whole numbers only whole ones are made.
        let exact = digits == Some(wanted) && (wanted == 0 || end == 1);
        if !rounded && !exact {
            let dst = self.compiler.number();
            self.emit(Op::Round {
                a,
                digits: wanted,
                dst,
            });
            a = dst;
        }
        // Rounding adds half a unit at most.
        if !value.within(value.most + 1.0).is_exact(wanted) {
            self.emit_failing(Op::Check { a, digits: wanted }, 0, end);
        }
        Ok(Made {
            kind: Kind::Number(Some(wanted)),
            register: a,
            most: value.most + 1.0,
            ..value
        })
    }

    /// What an author gives where the value can't be computed.
    fn instead(&mut self, made: Made, value: &Value, slot: Slot) -> Result<Made, Wrong> {
        let other = self.compiler.constant_value(value);
        let fits = match (made.kind, other.kind) {
            (Kind::Number(Some(_)), Kind::Number(Some(0))) => true,
            (Kind::Number(Some(has)), Kind::Number(Some(wants))) => wants <= has,
            (Kind::Bool, Kind::Bool) | (Kind::Text(_), Kind::Text(_)) | (_, Kind::Null) => true,
            _ => false,
        };
        if !fits {
            return Err((
                format!(
                    "`else` is {value}, and has to be {}, as the expression is",
                    made.kind.name()
                ),
                0,
            ));
        }
        self.compiler.store(other, slot);
        let kind = match (made.kind, other.kind) {
            (Kind::Text(a), Kind::Text(b)) => Kind::Text(a.max(b)),
            (kind, _) => kind,
        };
        Ok(Made {
            kind,
            nullable: made.nullable || other.kind == Kind::Null,
            most: made.most.max(other.most),
            ..made
        })
    }

    pub(super) fn expression(&mut self, least: u8) -> Result<Made, Wrong> {
        if self.depth >= DEEPEST {
            return Err((
                format!("parentheses are more than {DEEPEST} deep; make a field of a part"),
                self.at,
            ));
        }
        self.depth += 1;
        let (nulls, begun) = (self.nulls.len(), self.at);
        let mut left = self.value()?;
        while let Some((sign, binds)) = operators::infix(self.word()) {
            if binds < least {
                break;
            }
            self.at += 1;
            left = self.operator(sign, binds, left, (nulls, begun))?;
        }
        self.depth -= 1;
        Ok(left)
    }

    /// A value with what stands before it.
    fn value(&mut self) -> Result<Made, Wrong> {
        let at = self.at;
        let word = self.next();
        match word {
            Word::Number(number, digits) => Ok(self.compiler.constant_number(number, digits)),
            Word::Text(text) => Ok(self.compiler.constant_text(&text)),
            Word::Bool(is) => Ok(self.compiler.constant_bool(is)),
            Word::Null => Ok(Made::null()),
            Word::Name(name) => self.read(&name, at),
            Word::Function(name) => self.call(&name, at),
            Word::Sign("(") => {
                let inner = self.expression(0)?;
                self.closed()?;
                Ok(inner)
            }
            Word::Sign(sign @ ("-" | "!" | "+")) => self.before(sign, at),
            Word::End => Err((
                "it ends where a value has to be; write a field's name or a number".to_owned(),
                at,
            )),
            Word::Sign(sign) => Err((
                format!(
                    "`{sign}` stands where a value has to be; write a field's name or a number"
                ),
                at,
            )),
        }
    }

    /// A field, or what every record has.
    fn read(&mut self, name: &str, at: usize) -> Result<Made, Wrong> {
        let field = self.source.reads.iter().find(|(read, _)| read == name);
        if let Some((_, field)) = field {
            let known = self.compiler.waiting.known.get(*field).copied().flatten();
            return known.ok_or_else(|| (format!("`{name}` isn't known here"), at));
        }
        let dst = self.compiler.number();
        self.emit(match name {
            "index" => Op::Index { dst },
            _ => Op::Time { dst },
        });
        Ok(Made::of(Kind::Number(Some(0)), dst))
    }

    pub(super) fn closed(&mut self) -> Result<(), Wrong> {
        match self.next() {
            Word::Sign(")") => Ok(()),
            _ => Err((
                "a `(` isn't closed before this; write a `)`".to_owned(),
                self.at - 1,
            )),
        }
    }

    pub(super) fn word(&self) -> &Word {
        self.source
            .tokens
            .get(self.at)
            .map_or(&Word::End, |token| &token.what)
    }

    pub(super) fn next(&mut self) -> Word {
        let word = self.word().clone();
        self.at += 1;
        word
    }

    pub(super) fn emit(&mut self, op: Op) -> usize {
        self.compiler.program.values.ops.push(op);
        self.compiler.program.values.ops.len() - 1
    }

    /// An operation that may fail, with the words that it is called by.
    pub(super) fn emit_failing(&mut self, op: Op, first: usize, end: usize) {
        let op = self.emit(op) as u32;
        let tokens = self.source.tokens;
        let from = tokens.get(first).map_or(0, |token| token.from);
        let to = end.checked_sub(1).and_then(|last| tokens.get(last));
        let to = to.map_or(self.source.text.len(), |token| token.to);
        let span = (op, from as u32, to as u32);
        self.compiler.program.values.spans.push(span);
    }

    pub(super) fn here(&self) -> u32 {
        self.compiler.program.values.ops.len() as u32
    }

    /// A jump goes on here.
    pub(super) fn land(&mut self, jump: usize) {
        let here = self.here();
        match &mut self.compiler.program.values.ops[jump] {
            Op::Jump { to }
            | Op::Unless { to, .. }
            | Op::IfNull { to, .. }
            | Op::IfNullText { to, .. } => *to = here,
            _ => {}
        }
    }

    /// Nulls found since so many others go on here.
    pub(super) fn land_nulls(&mut self, since: usize) {
        for jump in self.nulls.split_off(since) {
            self.land(jump);
        }
    }

    /// A value that is used, and so isn't null from here on.
    pub(super) fn solid(&mut self, value: Made) -> Made {
        let a = value.register;
        if value.nullable {
            let jump = match value.kind {
                Kind::Text(_) => self.emit(Op::IfNullText { a, to: 0 }),
                Kind::Null => self.emit(Op::Jump { to: 0 }),
                _ => self.emit(Op::IfNull { a, to: 0 }),
            };
            self.nulls.push(jump);
        }
        Made {
            nullable: false,
            ..value
        }
    }

    /// Where a value is, for a unit.
    pub fn register(made: Made) -> Register {
        match made.kind {
            Kind::Text(_) => Register::Text(made.register),
            _ => Register::Number(made.register),
        }
    }
}
