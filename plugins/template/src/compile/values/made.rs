//! What is known of a value before there is one: its kind, and where it will be.

use serde_json::{Value, json};

use crate::compile::Compiler;
use crate::options::EXACT;
use crate::values::{Op, Span, TENS};

/// What a value is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Kind {
    /// With so many decimals; none where they have no end, or nobody knows.
    Number(Option<u8>),
    Bool,
    /// Of so many bytes at most.
    Text(u32),
    Null,
}

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Kind::Number(_) => "a number",
            Kind::Bool => "true or false",
            Kind::Text(_) => "text",
            Kind::Null => "null",
        }
    }

    /// What holds both.
    pub fn joined(self, other: Kind) -> Result<Kind, String> {
        match (self, other) {
            (Kind::Null, kind) | (kind, Kind::Null) => Ok(kind),
            (Kind::Number(a), Kind::Number(b)) => Ok(Kind::Number(a.zip(b).map(|(a, b)| a.max(b)))),
            (Kind::Text(a), Kind::Text(b)) => Ok(Kind::Text(a.max(b))),
            (Kind::Bool, Kind::Bool) => Ok(Kind::Bool),
            (one, other) => Err(format!(
                "one value is {} and the other {}; write values of one kind",
                one.name(),
                other.name()
            )),
        }
    }
}

/// A value that an operation makes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Made {
    pub kind: Kind,
    /// Of texts or of numbers, as the kind says.
    pub register: u32,
    pub nullable: bool,
    /// Whether it stands in the description.
    pub constant: bool,
    /// No number is farther from 0, as far as that is known.
    pub most: f64,
}

impl Made {
    pub fn of(kind: Kind, register: u32) -> Made {
        Made {
            kind,
            register,
            nullable: false,
            constant: false,
            most: f64::INFINITY,
        }
    }

    /// The same, no farther from 0 than that.
    pub fn within(self, most: f64) -> Made {
        Made { most, ..self }
    }

    /// Whether every number of so many decimals has all of its digits.
    pub fn is_exact(self, decimals: u8) -> bool {
        self.most * TENS[usize::from(decimals)] <= EXACT as f64
    }

    pub fn null() -> Made {
        Made {
            nullable: true,
            ..Made::of(Kind::Null, 0).within(0.0)
        }
    }

    pub fn is_text(self) -> bool {
        matches!(self.kind, Kind::Text(_))
    }

    pub fn schema(self) -> Value {
        let kind = match self.kind {
            Kind::Number(Some(0)) => "integer",
            Kind::Number(_) => "number",
            Kind::Bool => "boolean",
            Kind::Text(_) => "string",
            Kind::Null => "null",
        };
        match self.nullable {
            true => json!({"type": [kind, "null"]}),
            false => json!({ "type": kind }),
        }
    }
}

/// A register of each kind, for what comes from several places.
#[derive(Clone, Copy)]
pub(crate) struct Slot {
    pub number: u32,
    pub text: u32,
}

impl Slot {
    /// The same value, in here.
    pub fn holding(self, made: Made) -> Made {
        Made {
            register: match made.kind {
                Kind::Text(_) => self.text,
                _ => self.number,
            },
            constant: false,
            ..made
        }
    }
}

impl Compiler<'_> {
    pub fn slot(&mut self) -> Slot {
        Slot {
            number: self.number(),
            text: self.text_register(),
        }
    }

    /// Copies a value; null into both.
    pub fn store(&mut self, made: Made, slot: Slot) {
        let (a, ops) = (made.register, &mut self.program.values.ops);
        match made.kind {
            Kind::Text(_) => ops.push(Op::CopyText { a, dst: slot.text }),
            Kind::Null => {
                ops.push(Op::Null { dst: slot.number });
                ops.push(Op::NullText { dst: slot.text });
            }
            _ => ops.push(Op::Copy {
                a,
                dst: slot.number,
            }),
        }
    }

    pub fn constant_number(&mut self, number: f64, digits: u8) -> Made {
        let register = self.number();
        self.program.values.numbers[register as usize] = number;
        Made {
            constant: true,
            ..Made::of(Kind::Number(Some(digits)), register).within(number.abs())
        }
    }

    pub fn constant_bool(&mut self, is: bool) -> Made {
        Made {
            kind: Kind::Bool,
            ..self.constant_number(f64::from(u8::from(is)), 0)
        }
    }

    pub fn constant_text(&mut self, text: &str) -> Made {
        let register = self.text_register();
        let span = self.constant_span(text);
        self.program.values.texts[register as usize] = span;
        Made {
            constant: true,
            ..Made::of(Kind::Text(span.to - span.from), register)
        }
    }

    /// Text among the constants, as JSON has it.
    pub fn constant_span(&mut self, text: &str) -> Span {
        let values = &mut self.program.values;
        let from = values.text.len() as u32;
        values.text.extend(escaped(text));
        let to = values.text.len() as u32;
        Span { from, to }
    }

    /// A value of the description; what is no single value counts as null.
    pub fn constant_value(&mut self, value: &Value) -> Made {
        match value {
            Value::Number(number) => {
                let digits = decimals(&number.to_string()).unwrap_or(7);
                self.constant_number(number.as_f64().unwrap_or(0.0), digits)
            }
            Value::Bool(is) => self.constant_bool(*is),
            Value::String(text) => {
                let text = match text.strip_prefix('$') {
                    Some(rest) if rest.starts_with('$') => rest,
                    _ => text,
                };
                self.constant_text(text)
            }
            _ => Made::null(),
        }
    }
}

/// Text as JSON has it, without quotes.
pub(super) fn escaped(text: &str) -> Vec<u8> {
    let json = Value::from(text).to_string();
    json.get(1..json.len() - 1).unwrap_or_default().into()
}

/// How many decimals a number is written with, where that is 7 at most.
pub(super) fn decimals(number: &str) -> Option<u8> {
    if number.contains(['e', 'E']) {
        return None;
    }
    let after = number.split_once('.').map_or("", |(_, after)| after);
    let after = after.trim_end_matches('0').len();
    u8::try_from(after).ok().filter(|after| *after <= 7)
}

/// The types of all schemas, where each says its own.
pub(super) fn types(schemas: &[Value]) -> Option<Value> {
    let mut kinds: Vec<String> = Vec::new();
    for schema in schemas {
        match (&schema["type"], super::schema::listed(schema)) {
            (Value::String(kind), _) => kinds.push(kind.clone()),
            (Value::Array(several), _) => {
                kinds.extend(
                    several
                        .iter()
                        .filter_map(|kind| kind.as_str().map(str::to_owned)),
                );
            }
            (_, Some(values)) => kinds.extend(values.iter().map(|value| kind_of(value).to_owned())),
            _ => return None,
        }
    }
    if kinds.iter().any(|kind| kind == "number") {
        kinds.retain(|kind| kind != "integer");
    }
    kinds.sort_unstable();
    kinds.dedup();
    match kinds.as_slice() {
        [one] => Some(Value::from(one.as_str())),
        several => Some(json!(several)),
    }
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}
