//! Operators between values, and before them.

use super::{Coder, LONGEST_TEXT, Word, Wrong};
use crate::compile::values::{Kind, Made};
use crate::values::{Arith, Op, Unary};

/// What binds less than everything else.
const CONDITION: u8 = 1;
const PREFIX: u8 = 9;

/// An operator between two values, and how strongly it binds.
pub(super) fn infix(word: &Word) -> Option<(&'static str, u8)> {
    let Word::Sign(sign) = word else {
        return None;
    };
    let binds = match *sign {
        "?" => CONDITION,
        "??" => 2,
        "||" => 3,
        "&&" => 4,
        "==" | "!=" => 5,
        "<" | "<=" | ">" | ">=" => 6,
        "+" | "-" => 7,
        "*" | "/" | "%" => 8,
        _ => return None,
    };
    Some((sign, binds))
}

impl Coder<'_, '_, '_> {
    /// What follows an operator, which has been read. `since` is how many nulls there were before
    /// its left side, and the word that begins it.
    pub(super) fn operator(
        &mut self,
        sign: &'static str,
        binds: u8,
        left: Made,
        since: (usize, usize),
    ) -> Result<Made, Wrong> {
        let at = self.at - 1;
        match sign {
            "?" => self.condition(left, at),
            "??" => self.or_else(left, binds, since.0, at),
            "&&" | "||" => self.logic(sign, left, binds, at),
            "==" | "!=" if self.word() == &Word::Null => {
                self.at += 1;
                Ok(self.is_null(left, sign == "==", since.0))
            }
            "==" | "!=" => {
                let right = self.expression(binds + 1)?;
                self.same(left, right, sign == "==", at)
            }
            _ => {
                let left = self.solid(left);
                let right = self.expression(binds + 1)?;
                let right = self.solid(right);
                self.arithmetic(sign, left, right, (since.1, at))
            }
        }
    }

    fn arithmetic(
        &mut self,
        sign: &str,
        left: Made,
        right: Made,
        (first, at): (usize, usize),
    ) -> Result<Made, Wrong> {
        if sign == "+" && (left.is_text() || right.is_text()) {
            return self.concat(left, right, at);
        }
        let (Kind::Number(p), Kind::Number(q)) = (left.kind, right.kind) else {
            let other = match left.kind {
                Kind::Number(_) => right.kind,
                kind => kind,
            };
            return Err((
                format!(
                    "`{sign}` is for numbers, and one side of it is {}",
                    other.name()
                ),
                at,
            ));
        };
        if matches!(sign, "/" | "%") && right.constant && right.most == 0.0 {
            return Err((
                "it always divides by zero; write another number".to_owned(),
                at,
            ));
        }
        let (a, b, dst) = (left.register, right.register, self.compiler.number());
        let most = p.zip(q).map(|(p, q)| p.max(q));
        let two = |what, a, b| (Op::Two { what, a, b, dst }, Kind::Bool);
        let (op, kind) = match sign {
            "+" => (Op::Add { a, b, dst }, Kind::Number(most)),
            "-" => (Op::Sub { a, b, dst }, Kind::Number(most)),
            "*" => {
                let digits = p.zip(q).map(|(p, q)| p + q).filter(|digits| *digits <= 7);
                (Op::Mul { a, b, dst }, Kind::Number(digits))
            }
            "/" => (Op::Div { a, b, dst }, Kind::Number(None)),
            "%" => {
                let what = Arith::Remainder;
                (Op::Two { what, a, b, dst }, Kind::Number(most))
            }
            "<" => (Op::Less { a, b, dst }, Kind::Bool),
            "<=" => two(Arith::AtMost, a, b),
            ">" => (Op::Less { a: b, b: a, dst }, Kind::Bool),
            _ => two(Arith::AtMost, b, a),
        };
        let most = match sign {
            "+" | "-" => left.most + right.most,
            "*" if left.most > 0.0 && right.most > 0.0 => left.most * right.most,
            "%" => left.most,
            _ => f64::INFINITY,
        };
        self.emit_failing(op, first, self.at);
        Ok(Made::of(kind, dst).within(most))
    }

    /// Text behind text; numbers are written with their decimals.
    fn concat(&mut self, left: Made, right: Made, at: usize) -> Result<Made, Wrong> {
        let (left, right) = (self.as_text(left, at)?, self.as_text(right, at)?);
        let (Kind::Text(p), Kind::Text(q)) = (left.kind, right.kind) else {
            return Ok(left);
        };
        if p + q > LONGEST_TEXT {
            return Err((
                format!(
                    "the text may have {} bytes, and the limit is {LONGEST_TEXT}",
                    p + q
                ),
                at,
            ));
        }
        let dst = self.compiler.text_register();
        let (a, b) = (left.register, right.register);
        self.emit(Op::Concat { a, b, dst });
        Ok(Made::of(Kind::Text(p + q), dst))
    }

    pub(super) fn as_text(&mut self, value: Made, at: usize) -> Result<Made, Wrong> {
        let value = self.solid(value);
        let a = value.register;
        match value.kind {
            Kind::Text(_) => Ok(value),
            Kind::Number(Some(digits)) => {
                let dst = self.compiler.text_register();
                if !value.is_exact(digits) {
                    self.emit_failing(Op::Check { a, digits }, at, self.at);
                }
                self.emit(Op::Digits { a, digits, dst });
                Ok(Made::of(Kind::Text(20), dst))
            }
            Kind::Number(None) => Err((
                "how many decimals has this number as text? Write round(…, 2)".to_owned(),
                at,
            )),
            kind => Err((
                format!(
                    "{} isn't text; write a condition, such as x ? 'yes' : 'no'",
                    kind.name()
                ),
                at,
            )),
        }
    }

    /// Equality, for which null is a value like any other.
    fn same(&mut self, left: Made, right: Made, same: bool, at: usize) -> Result<Made, Wrong> {
        let dst = self.compiler.number();
        let (a, b) = (left.register, right.register);
        match (left.kind, right.kind) {
            (Kind::Text(_), Kind::Text(_)) => self.emit(Op::SameText { a, b, same, dst }),
            (Kind::Number(_), Kind::Number(_)) | (Kind::Bool, Kind::Bool) => {
                let what = if same { Arith::Same } else { Arith::Other };
                self.emit(Op::Two { what, a, b, dst })
            }
            (one, other) => {
                return Err((
                    format!("{} is never the same as {}", one.name(), other.name()),
                    at,
                ));
            }
        };
        Ok(Made::of(Kind::Bool, dst))
    }

    /// `x == null`: where it goes for null, that says it.
    fn is_null(&mut self, left: Made, same: bool, since: usize) -> Made {
        self.solid(left);
        let dst = self.compiler.number();
        let answers = [
            self.compiler.constant_bool(!same),
            self.compiler.constant_bool(same),
        ];
        self.emit(Op::Copy {
            a: answers[0].register,
            dst,
        });
        let done = self.emit(Op::Jump { to: 0 });
        self.land_nulls(since);
        self.emit(Op::Copy {
            a: answers[1].register,
            dst,
        });
        self.land(done);
        Made::of(Kind::Bool, dst)
    }

    /// `a ?? b`: what to take for null.
    fn or_else(&mut self, left: Made, binds: u8, since: usize, at: usize) -> Result<Made, Wrong> {
        let left = self.solid(left);
        let slot = self.compiler.slot();
        self.compiler.store(left, slot);
        let done = self.emit(Op::Jump { to: 0 });
        self.land_nulls(since);
        let right = self.expression(binds)?;
        self.compiler.store(right, slot);
        self.land(done);
        let both = left.kind.joined(right.kind).map_err(|why| (why, at))?;
        Ok(slot.holding(Made {
            nullable: right.nullable,
            most: left.most.max(right.most),
            ..Made::of(both, 0)
        }))
    }

    /// `a && b`, `a || b`: the right side only where it matters.
    fn logic(&mut self, sign: &str, left: Made, binds: u8, at: usize) -> Result<Made, Wrong> {
        let left = self.truth(left, at)?;
        let dst = self.compiler.number();
        let a = left.register;
        self.emit(Op::Copy { a, dst });
        let mut skip = self.emit(Op::Unless { a: dst, to: 0 });
        if sign == "||" {
            let past = self.emit(Op::Jump { to: 0 });
            self.land(skip);
            skip = past;
        }
        let right = self.expression(binds + 1)?;
        let right = self.truth(right, at)?;
        self.emit(Op::Copy {
            a: right.register,
            dst,
        });
        self.land(skip);
        Ok(Made::of(Kind::Bool, dst))
    }

    pub(super) fn truth(&mut self, value: Made, at: usize) -> Result<Made, Wrong> {
        match value.kind {
            Kind::Bool => Ok(self.solid(value)),
            kind => Err((
                format!(
                    "a condition has to be true or false, and this is {}; write a comparison, \
                     such as x > 0",
                    kind.name()
                ),
                at,
            )),
        }
    }

    fn condition(&mut self, chosen: Made, at: usize) -> Result<Made, Wrong> {
        self.choose(chosen, at, ":", CONDITION)
    }

    /// One of two values, of which only that one is computed.
    pub(super) fn choose(
        &mut self,
        condition: Made,
        at: usize,
        between: &str,
        binds: u8,
    ) -> Result<Made, Wrong> {
        let condition = self.truth(condition, at)?;
        let slot = self.compiler.slot();
        let other = self.emit(Op::Unless {
            a: condition.register,
            to: 0,
        });
        let yes = self.expression(0)?;
        self.compiler.store(yes, slot);
        let done = self.emit(Op::Jump { to: 0 });
        match self.next() {
            Word::Sign(sign) if sign == between => {}
            _ => {
                return Err((
                    format!("a condition has two values; write `{between}` and the other one"),
                    self.at - 1,
                ));
            }
        }
        self.land(other);
        let no = self.expression(binds)?;
        self.compiler.store(no, slot);
        self.land(done);
        let kind = yes.kind.joined(no.kind).map_err(|why| (why, at))?;
        Ok(slot.holding(Made {
            nullable: yes.nullable || no.nullable,
            most: yes.most.max(no.most),
            ..Made::of(kind, 0)
        }))
    }

    /// A sign before a value.
    pub(super) fn before(&mut self, sign: &str, at: usize) -> Result<Made, Wrong> {
        let value = self.expression(PREFIX)?;
        if sign == "!" {
            let value = self.truth(value, at)?;
            return Ok(self.unary(Unary::Not, value, Kind::Bool, at));
        }
        let value = self.solid(value);
        match value.kind {
            Kind::Number(_) if sign == "+" => Ok(value),
            Kind::Number(_) => Ok(self.unary(Unary::Negative, value, value.kind, at)),
            kind => Err((
                format!(
                    "`{sign}` is for numbers, and what follows is {}",
                    kind.name()
                ),
                at,
            )),
        }
    }

    pub(super) fn unary(&mut self, what: Unary, value: Made, kind: Kind, at: usize) -> Made {
        let dst = self.compiler.number();
        let a = value.register;
        self.emit_failing(Op::One { what, a, dst }, at, self.at);
        let most = match what {
            Unary::Negative | Unary::Absolute => value.most,
            Unary::Floor | Unary::Ceiling => value.most + 1.0,
            Unary::Sine | Unary::Cosine => 1.0,
            _ => f64::INFINITY,
        };
        Made::of(kind, dst).within(most)
    }
}
