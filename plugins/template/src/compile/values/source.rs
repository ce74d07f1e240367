//! Fields that are read: the same draws as their steps make, as values.

use serde_json::Value;
use wellhead_sdk::Error;

use super::made::decimals;
use super::{Kind, Made, Slot};
use crate::compile::{Compiler, operator};
use crate::options::wrong;
use crate::people::Kind as Of;
use crate::program::{Form, What};
use crate::values::{Op, TENS};

/// Units that are the same after a division by a power of ten and back: two roundings are off by
/// far less than a half.
const CERTAIN: f64 = (1_u64 << 50) as f64;

impl Compiler<'_> {
    /// Computes a field at the beginning of its record or element; all that it reads is known.
    pub(super) fn know(&mut self, number: usize) -> Result<(), Error> {
        let field = &self.waiting.fields[number];
        let (step, end, scope) = (field.step, field.end, field.scope);
        let place = field.place.clone();
        let value = field.value.clone().unwrap_or_default();
        for step in field.step..field.end {
            if let What::Value(expr) = self.program.steps[step as usize].what {
                self.compute(expr as usize)?;
            }
        }
        let direct = match (
            self.program.steps.get(step as usize).map(|s| s.what),
            &value,
        ) {
            (Some(What::Value(expr)), Value::Object(fields)) => {
                let name = operator(fields).map(|(name, _)| name);
                matches!(name, Some("$expr" | "$states")).then_some(expr as usize)
            }
            _ => None,
        };
        let (unit, made) = match direct {
            Some(expr) => {
                let done = self.compute(expr)?;
                self.program.values.shown[expr].known = true;
                (done.unit, done.made)
            }
            None => {
                let (from, slot) = (self.program.values.ops.len() as u32, self.slot());
                let made = slot.holding(self.read_as(&value, step, slot, &place)?);
                if step < end {
                    self.write_once(step, made);
                }
                (self.unit(from, made, None, place, String::new()), made)
            }
        };
        self.waiting.scopes[scope].units.push(unit);
        self.waiting.units[number] = Some(unit);
        self.waiting.known[number] = Some(made);
        Ok(())
    }

    /// Operations that put what is described into a slot, as the steps from `step` on write it.
    fn read_as(
        &mut self,
        value: &Value,
        step: u32,
        slot: Slot,
        place: &str,
    ) -> Result<Made, Error> {
        let described = match value {
            Value::Object(fields) => operator(fields),
            Value::String(text) if text.starts_with('$') && !text.starts_with("$$") => {
                Some((text.as_str(), &Value::Null))
            }
            _ => None,
        };
        let Some((name, options)) = described else {
            let made = self.constant_value(value);
            self.store(made, slot);
            return Ok(made);
        };
        match (name, self.program.steps[step as usize].what) {
            ("$null", _) => {
                let skip = self.emit(Op::NullIf { step, to: 0 });
                let made = self.read_as(&options["of"], step + 1, slot, place)?;
                let done = self.emit(Op::Jump { to: 0 });
                let to = self.here();
                self.program.values.ops[skip] = Op::NullIf { step, to };
                self.store(Made::null(), slot);
                self.program.values.ops[done] = Op::Jump { to: self.here() };
                Ok(Made {
                    nullable: true,
                    ..made
                })
            }
            ("$case", What::Switch(case)) => self.branches(options, case, slot, place),
            (_, What::Value(expr)) => {
                let done = self.compute(expr as usize)?;
                self.emit(Op::Run { unit: done.unit });
                self.store(done.made, slot);
                Ok(done.made)
            }
            (_, what) => self.draw(what, step, slot, place),
        }
    }

    /// What is drawn for those who read it isn't drawn again where it is written: what draws it goes
    /// behind the record's end. Numbers so long as they come back from a register as they were.
    fn write_once(&mut self, step: u32, made: Made) {
        let drawing = &mut self.program.steps[step as usize];
        let known = match (drawing.what, made.kind) {
            (
                What::Pattern(_)
                | What::Uuid
                | What::Time { .. }
                | What::Person(..)
                | What::Address,
                Kind::Text(_),
            ) => What::KnownText(made.register),
            (
                What::Whole(_)
                | What::Natural(_)
                | What::Small(..)
                | What::Cents(_)
                | What::Decimal(..),
                Kind::Number(Some(digits)),
            ) if made.most * TENS[usize::from(digits)] < CERTAIN => {
                What::Known(made.register, digits)
            }
            (What::Bool(_), _) => What::KnownBool(made.register),
            _ => return,
        };
        if let Some(Op::DrawText { step, .. } | Op::Draw { step, .. }) =
            self.program.values.ops.last_mut()
        {
            let moved = drawing.clone();
            drawing.what = known;
            *step = self.program.steps.len() as u32;
            self.program.steps.push(moved);
        }
    }

    fn branches(
        &mut self,
        options: &Value,
        case: u32,
        slot: Slot,
        place: &str,
    ) -> Result<Made, Error> {
        let known = &self.waiting.cases[case as usize];
        let (keys, steps) = (known.keys.clone(), known.steps.clone());
        let table = self.program.values.targets.len() as u32;
        self.program
            .values
            .targets
            .resize(table as usize + keys.len() + 1, 0);
        self.emit(Op::Switch {
            switch: case,
            table,
        });
        let mut made: Option<Made> = None;
        let mut ends = Vec::new();
        let branches = keys.iter().map(|key| &options["when"][key]);
        for (n, (value, step)) in branches.chain([&options["else"]]).zip(steps).enumerate() {
            self.program.values.targets[table as usize + n] = self.here();
            let branch = self.read_as(value, step, slot, place)?;
            ends.push(self.emit(Op::Jump { to: 0 }));
            made = Some(match made {
                None => branch,
                Some(made) => Made {
                    kind: made
                        .kind
                        .joined(branch.kind)
                        .map_err(|why| wrong(place, why))?,
                    nullable: made.nullable || branch.nullable,
                    most: made.most.max(branch.most),
                    ..made
                },
            });
        }
        let to = self.here();
        for end in ends {
            self.program.values.ops[end] = Op::Jump { to };
        }
        Ok(made.unwrap_or_else(Made::null))
    }

    /// What a step draws.
    fn draw(&mut self, what: What, step: u32, slot: Slot, place: &str) -> Result<Made, Error> {
        let (kind, nullable) = self.drawn_kind(what, place)?;
        self.emit(match kind {
            Kind::Text(_) => Op::DrawText {
                step,
                dst: slot.text,
            },
            _ => Op::Draw {
                step,
                dst: slot.number,
            },
        });
        let most = match what {
            What::Whole(how) | What::Natural(how) => self.program.numbers.most(how),
            What::Small(low, span) => f64::from(low) + f64::from(span),
            What::Cents(how) => self.program.numbers.most(how) / 100.0,
            What::Decimal(how, digits) => {
                self.program.numbers.most(how) / TENS[usize::from(digits)]
            }
            _ => f64::INFINITY,
        };
        let made = slot.holding(Made::of(kind, 0).within(most));
        Ok(Made { nullable, ..made })
    }

    fn drawn_kind(&mut self, what: What, place: &str) -> Result<(Kind, bool), Error> {
        let kind = match what {
            What::Whole(_)
            | What::Natural(_)
            | What::Small(..)
            | What::Sequence(..)
            | What::Unique(..)
            | What::Elsewhere(_)
            | What::Person(_, Of::Number)
            | What::Time {
                form: Form::UnixMs | Form::UnixS,
                ..
            } => Kind::Number(Some(0)),
            What::Cents(_) => Kind::Number(Some(2)),
            What::Decimal(_, digits) => Kind::Number(Some(digits)),
            What::Bool(_) => Kind::Bool,
            What::Choice { weights, first } => {
                let count = self.program.weights[weights as usize].len();
                return self.chosen_kind(first, count as u32, place);
            }
            What::Even { first, count } => return self.chosen_kind(first, count, place),
            What::Uuid => Kind::Text(36),
            What::Time { .. } => Kind::Text(27),
            What::Person(_, of) => Kind::Text(of.longest() as u32),
            What::Address => Kind::Text(15),
            What::Pattern(which) => {
                Kind::Text(self.program.patterns[which as usize].longest as u32)
            }
            _ => {
                return Err(wrong(
                    place,
                    "it is an object or an array, and an expression reads single values",
                ));
            }
        };
        Ok((kind, false))
    }

    /// Choices are of one kind, or null.
    fn chosen_kind(&mut self, first: u32, count: u32, place: &str) -> Result<(Kind, bool), Error> {
        let (mut kind, mut nullable) = (Kind::Null, false);
        let (first, end) = (first as usize, (first + count) as usize);
        self.program
            .values
            .chosen
            .resize(self.program.texts.len(), f64::NAN);
        for choice in first..end {
            let text = self.program.texts[choice];
            let json = &self.program.pool[text.from as usize..text.to as usize];
            let value: Value = serde_json::from_slice(json).unwrap_or_default();
            let own = match &value {
                Value::Null => {
                    nullable = true;
                    continue;
                }
                Value::String(_) => Kind::Text(text.to - text.from - 2),
                Value::Bool(is) => {
                    self.program.values.chosen[choice] = f64::from(u8::from(*is));
                    Kind::Bool
                }
                Value::Number(number) => {
                    self.program.values.chosen[choice] = number.as_f64().unwrap_or(f64::NAN);
                    Kind::Number(decimals(&number.to_string()))
                }
                _ => {
                    return Err(wrong(
                        place,
                        "one of its choices is an object or an array, and an expression reads \
                         single values",
                    ));
                }
            };
            kind = kind.joined(own).map_err(|why| wrong(place, why))?;
        }
        Ok((kind, nullable))
    }

    fn emit(&mut self, op: Op) -> usize {
        self.program.values.ops.push(op);
        self.program.values.ops.len() - 1
    }

    fn here(&self) -> u32 {
        self.program.values.ops.len() as u32
    }
}
