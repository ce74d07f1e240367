//! Functions by name.

use super::{Coder, LONGEST_TEXT, Word, Wrong};
use crate::compile::values::{Kind, Made};
use crate::options::{listed, nearest};
use crate::values::{Arith, Op, Unary};

/// All functions, for messages.
const KNOWN: [&str; 19] = [
    "if", "round", "floor", "ceil", "abs", "min", "max", "sqrt", "pow", "exp", "ln", "sin", "cos",
    "text", "upper", "lower", "length", "sum", "count",
];

/// Whether a function is of all elements of an array.
pub(in crate::compile) fn is_total(name: &str) -> bool {
    name == "sum" || name == "count"
}

impl Coder<'_, '_, '_> {
    /// What a function gives; its name has been read.
    pub(super) fn call(&mut self, name: &str, at: usize) -> Result<Made, Wrong> {
        if !KNOWN.contains(&name) {
            let near = nearest(name, KNOWN);
            return Err((
                format!(
                    "no function is called `{name}`{near} There are {}",
                    listed(&KNOWN)
                ),
                at,
            ));
        }
        self.next();
        if name == "if" {
            let condition = self.expression(0)?;
            match self.next() {
                Word::Sign(",") => {}
                _ => return Err(count(name, "if(condition, value, other value)", at)),
            }
            let value = self.choose(condition, at, ",", 0)?;
            self.closed()?;
            return Ok(value);
        }
        if is_total(name) {
            return self.total(name == "sum", at);
        }
        let mut given = Vec::new();
        while self.word() != &Word::Sign(")") {
            let value = self.expression(0)?;
            given.push(self.solid(value));
            if self.word() != &Word::Sign(",") {
                break;
            }
            self.next();
        }
        self.closed()?;
        match (name, given.as_slice()) {
            ("min" | "max", [first, rest @ ..]) => self.extreme(name, *first, rest, at),
            ("round", [value]) => self.rounded(*value, 0, at),
            ("round", [value, digits]) => {
                let digits = self.digits(*digits, at)?;
                self.rounded(*value, digits, at)
            }
            ("pow", [a, b]) => {
                let (a, b) = (self.numeric(name, *a, at)?, self.numeric(name, *b, at)?);
                let dst = self.compiler.number();
                let (a, b, what) = (a.register, b.register, Arith::Power);
                self.emit_failing(Op::Two { what, a, b, dst }, at, self.at);
                Ok(Made::of(Kind::Number(None), dst))
            }
            ("text", [value]) => self.as_text(*value, at),
            ("upper" | "lower" | "length", [value]) => self.of_text(name, *value, at),
            (_, [value]) if name != "pow" => self.of_number(name, *value, at),
            _ => Err(count(name, shape(name), at)),
        }
    }

    /// `sum(lines.price)`, `count(lines)`.
    fn total(&mut self, sum: bool, at: usize) -> Result<Made, Wrong> {
        let totals = self.source.totals;
        let added = match self.next() {
            Word::Name(name) => totals.iter().find(|added| added.name == name),
            _ => None,
        };
        let Some(added) = added.filter(|_| self.word() == &Word::Sign(")")) else {
            return Err((
                "it takes the path to an array: sum(lines.price), count(lines)".to_owned(),
                at,
            ));
        };
        self.next();
        self.compiler.total(added, sum).map_err(|why| (why, at))
    }

    /// A function of one number.
    fn of_number(&mut self, name: &str, value: Made, at: usize) -> Result<Made, Wrong> {
        let value = self.numeric(name, value, at)?;
        let unknown = Kind::Number(None);
        let (what, kind) = match name {
            "floor" => (Unary::Floor, Kind::Number(Some(0))),
            "ceil" => (Unary::Ceiling, Kind::Number(Some(0))),
            "abs" => (Unary::Absolute, value.kind),
            "sqrt" => (Unary::Root, unknown),
            "exp" => (Unary::Exponential, unknown),
            "ln" => (Unary::Logarithm, unknown),
            "sin" => (Unary::Sine, unknown),
            _ => (Unary::Cosine, unknown),
        };
        Ok(self.unary(what, value, kind, at))
    }

    fn extreme(
        &mut self,
        name: &str,
        first: Made,
        rest: &[Made],
        at: usize,
    ) -> Result<Made, Wrong> {
        let what = if name == "min" {
            Arith::Least
        } else {
            Arith::Most
        };
        let mut best = self.numeric(name, first, at)?;
        for other in rest {
            let other = self.numeric(name, *other, at)?;
            let kind = best.kind.joined(other.kind).map_err(|why| (why, at))?;
            let (a, b, dst) = (best.register, other.register, self.compiler.number());
            self.emit(Op::Two { what, a, b, dst });
            best = Made::of(kind, dst).within(best.most.max(other.most));
        }
        Ok(best)
    }

    fn rounded(&mut self, value: Made, digits: u8, at: usize) -> Result<Made, Wrong> {
        let a = self.numeric("round", value, at)?.register;
        let dst = self.compiler.number();
        self.emit(Op::Round { a, digits, dst });
        Ok(Made::of(Kind::Number(Some(digits)), dst).within(value.most + 1.0))
    }

    /// How many decimals `round` is asked for: a number that is written there.
    fn digits(&self, value: Made, at: usize) -> Result<u8, Wrong> {
        let constant = value.constant.then(|| {
            let numbers = &self.compiler.program.values.numbers;
            numbers.get(value.register as usize).copied()
        });
        match constant
            .flatten()
            .filter(|_| value.kind == Kind::Number(Some(0)))
        {
            Some(digits) if digits <= 7.0 => Ok(digits as u8),
            _ => Err((
                "`round` takes how many decimals as a number from 0 to 7: round(x, 2)".to_owned(),
                at,
            )),
        }
    }

    fn of_text(&mut self, name: &str, value: Made, at: usize) -> Result<Made, Wrong> {
        let Kind::Text(longest) = value.kind else {
            return Err((
                format!("`{name}` is for text, and this is {}", value.kind.name()),
                at,
            ));
        };
        let a = value.register;
        if name == "length" {
            let dst = self.compiler.number();
            self.emit(Op::Length { a, dst });
            return Ok(Made::of(Kind::Number(Some(0)), dst));
        }
        let dst = self.compiler.text_register();
        self.emit(match name {
            "upper" => Op::Upper { a, dst },
            _ => Op::Lower { a, dst },
        });
        // A character may become three, each as long.
        Ok(Made::of(Kind::Text((3 * longest).min(LONGEST_TEXT)), dst))
    }

    fn numeric(&self, name: &str, value: Made, at: usize) -> Result<Made, Wrong> {
        match value.kind {
            Kind::Number(_) => Ok(value),
            kind => Err((
                format!("`{name}` is for numbers, and this is {}", kind.name()),
                at,
            )),
        }
    }
}

fn count(name: &str, shape: &str, at: usize) -> Wrong {
    (format!("`{name}` takes other values; write {shape}"), at)
}

fn shape(name: &str) -> &'static str {
    match name {
        "round" => "round(x) or round(x, 2)",
        "min" => "min(x, y)",
        "max" => "max(x, y)",
        "pow" => "pow(x, y)",
        _ => "one value in its parentheses",
    }
}
