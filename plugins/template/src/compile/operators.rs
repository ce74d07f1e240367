//! The operators that aren't numbers or people: each adds its steps and gives its schema.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use wellhead_sdk::Error;
use wellhead_sdk::dist::Weighted;

use super::values::nullable_later;
use super::{At, Compiler, is_nested, operator};
use crate::options::{EXACT, Options, nearest, wrong};
use crate::pattern::{Parsed, parse};
use crate::program::{Form, LOOPS, What};
use crate::unique::Permutation;

/// All operators, for messages.
const KNOWN: [&str; 16] = [
    "$int",
    "$float",
    "$bool",
    "$choice",
    "$pattern",
    "$uuid",
    "$time",
    "$sequence",
    "$unique",
    "$null",
    "$array",
    "$fake",
    "$ref",
    "$expr",
    "$case",
    "$states",
];
/// How many choices an operator may have.
const CHOICES: usize = 10_000;
/// Elements of an array.
const ELEMENTS: i64 = 10_000;

impl Compiler<'_> {
    /// An operator by its name.
    pub(super) fn operator(&mut self, at: &At, name: &str, given: &Value) -> Result<Value, Error> {
        let place = format!("{}.{name}", at.place);
        let options = |known: &[&str]| Options::new(&place, given, known);
        match name {
            "$int" => self.int(at, &options(&super::spread::INT)?),
            "$float" => self.float(at, &options(&super::spread::FLOAT)?),
            "$bool" => self.bool(at, &options(&["share"])?),
            "$choice" => self.choice(at, &place, given),
            "$pattern" => self.pattern(at, &place, given),
            "$uuid" => {
                options(&[])?;
                self.step(&at.path, What::Uuid, 38);
                Ok(json!({"type": "string", "format": "uuid"}))
            }
            "$time" => self.time(at, &options(&["format", "skew"])?),
            "$sequence" => self.sequence(&options(&["from", "step"])?),
            "$unique" => self.unique(at, &options(&["min", "max"])?),
            "$null" => self.null(at, &options(&["share", "of"])?),
            "$array" => self.array(at, &options(&["min", "max", "of"])?),
            "$expr" => self.expr(at, &place, given),
            "$case" => self.case(at, &options(&["by", "when", "else"])?),
            "$states" => self.states(at, &options(&["initial", "states", "by"])?),
            "$fake" => self.fake(at, &place, given),
            "$ref" => {
                let known = ["generator", "field", "count", "person", "of"];
                self.reference(at, &options(&known)?)
            }
            _ => Err(wrong(
                &at.place,
                format!(
                    "no operator is called `{name}`{} Text that begins with a dollar sign is \
                     written `${name}`",
                    nearest(name, KNOWN)
                ),
            )),
        }
    }

    fn bool(&mut self, at: &At, options: &Options<'_>) -> Result<Value, Error> {
        let share = options.share("share")?.unwrap_or(1 << 31);
        self.step(&at.path, What::Bool(share), 5);
        Ok(json!({"type": "boolean"}))
    }

    /// A map of texts and their weights, or a list of values, some of them with a weight.
    fn choice(&mut self, at: &At, place: &str, given: &Value) -> Result<Value, Error> {
        let choices = match given {
            Value::Object(weights) => weights
                .iter()
                .map(|(text, weight)| Ok((Value::from(text.as_str()), weight_of(place, weight)?)))
                .collect::<Result<Vec<_>, Error>>()?,
            Value::Array(items) => items
                .iter()
                .enumerate()
                .map(|(i, item)| listed_choice(&format!("{place}[{i}]"), item))
                .collect::<Result<Vec<_>, Error>>()?,
            _ => Vec::new(),
        };
        if choices.is_empty() || choices.len() > CHOICES {
            return Err(wrong(
                place,
                format!(
                    "it has {} choices, and needs 1 to {CHOICES}: a list, [a, b], or weights, \
                     {{a: 6, b: 3}}",
                    choices.len()
                ),
            ));
        }
        let texts: Vec<String> = choices.iter().map(|(value, _)| value.to_string()).collect();
        let longest = texts.iter().map(String::len).max().unwrap_or(0) as u64;
        let (first, count) = (self.program.texts.len() as u32, choices.len() as u32);
        for text in &texts {
            let piece = self.piece(text.as_bytes());
            self.program.texts.push(piece);
        }
        let weights: Vec<f64> = choices.iter().map(|(_, weight)| *weight).collect();
        let what = match weights
            .iter()
            .all(|weight| *weight == weights[0] && *weight > 0.0)
        {
            true => What::Even { first, count },
            false => {
                let table = Weighted::new(&whole_weights(&weights));
                let table = table
                    .ok_or_else(|| wrong(place, "all weights are 0; write one that is above 0"))?;
                self.program.weights.push(table);
                let weights = self.program.weights.len() as u32 - 1;
                What::Choice { weights, first }
            }
        };
        self.step(&at.path, what, longest);
        let mut seen = BTreeSet::new();
        let values: Vec<Value> = choices
            .into_iter()
            .zip(&texts)
            .filter(|((_, weight), text)| *weight > 0.0 && seen.insert(text.as_str()))
            .map(|((value, _), _)| value)
            .collect();
        Ok(json!({"enum": values}))
    }

    fn pattern(&mut self, at: &At, place: &str, given: &Value) -> Result<Value, Error> {
        let Value::String(text) = given else {
            return Err(wrong(
                place,
                format!("it is {given}, and has to be text, such as \"[A-Z]{{3}}-[0-9]{{4}}\""),
            ));
        };
        let Parsed {
            pattern,
            expression,
            longest,
        } = parse(text).map_err(|why| wrong(place, why))?;
        self.program.patterns.push(pattern);
        let which = self.program.patterns.len() as u32 - 1;
        self.step(&at.path, What::Pattern(which), longest);
        Ok(json!({"type": "string", "pattern": expression}))
    }

    fn time(&mut self, at: &At, options: &Options<'_>) -> Result<Value, Error> {
        let skew = options.duration("skew")?.unwrap_or(0);
        let forms = ["rfc3339", "unix_ms", "unix_s", "date"];
        let (form, schema, longest) = match options.one_of("format", &forms)? {
            1 => (Form::UnixMs, json!({"type": "integer", "minimum": 0}), 14),
            2 => (Form::UnixS, json!({"type": "integer", "minimum": 0}), 11),
            3 => (Form::Date, json!({"type": "string", "format": "date"}), 12),
            _ => (
                Form::Rfc3339,
                json!({"type": "string", "format": "date-time"}),
                29,
            ),
        };
        // What has no skew has the same second, so the first clock is for all of that.
        let clock = match (form, skew) {
            (Form::Rfc3339, 1..) => self.program.clocks.max(1),
            _ => 0,
        };
        self.program.clocks = self.program.clocks.max(clock + 1);
        self.step(&at.path, What::Time { form, clock, skew }, longest);
        Ok(schema)
    }

    fn sequence(&mut self, options: &Options<'_>) -> Result<Value, Error> {
        let from = options.whole("from")?.unwrap_or(0);
        let step = options.whole("step")?.unwrap_or(1);
        let counter = self.program.counters;
        self.program.counters += 1;
        self.step("", What::Sequence(from, step, counter), 20);
        Ok(match step {
            1.. => json!({"type": "integer", "minimum": from}),
            _ => json!({"type": "integer", "maximum": from}),
        })
    }

    fn unique(&mut self, at: &At, options: &Options<'_>) -> Result<Value, Error> {
        let place = options.place;
        if at.in_array() {
            return Err(wrong(
                place,
                "an array's elements have no number of their own; write `$int`, or `$sequence`, \
                 which counts them",
            ));
        }
        let low = options.whole("min")?.unwrap_or(1);
        let high = options.needed("max", options.whole("max")?)?;
        upright(place, low, high)?;
        let n = (high - low) as u64 + 1;
        let key = self.settings.shared_key(&format!("template.{}", at.path));
        self.program.permutations.push(Permutation::new(n, key));
        let which = self.program.permutations.len() as u32 - 1;
        self.step(&at.path, What::Unique(which, low), 17);
        Ok(json!({"type": "integer", "minimum": low, "maximum": high}))
    }

    fn null(&mut self, at: &At, options: &Options<'_>) -> Result<Value, Error> {
        let share = options.needed("share", options.share("share")?)?;
        let of = options.needed("of", options.get("of"))?;
        let step = self.step(
            &format!("{}$null", at.path),
            What::Null { share, past: 0 },
            4,
        );
        let schema = self.value(&at.inside("$null.of"), of)?;
        if !self.text.is_empty() {
            // The value's last text belongs to it alone, not to what follows.
            self.step("", What::Nothing, 0);
        }
        let past = self.next_step();
        self.program.steps[step].what = What::Null { share, past };
        Ok(nullable(schema))
    }

    fn array(&mut self, at: &At, options: &Options<'_>) -> Result<Value, Error> {
        let place = options.place;
        let min = options.count("min", 0, ELEMENTS)?.unwrap_or(1);
        let max = options.needed("max", options.count("max", 0, ELEMENTS)?)?;
        upright(place, i64::from(min), i64::from(max))?;
        let of = options.needed("of", options.get("of"))?;
        let mut element = at.element();
        if element.loops > LOOPS {
            return Err(wrong(
                place,
                format!("arrays are more than {LOOPS} deep; write fewer"),
            ));
        }
        self.write("[");
        let span = max - min + 1;
        let what = What::Array { min, span, past: 0 };
        let begun = self.step(&format!("{}[]", at.path), what, 1);
        let first = self.next_step();
        element.scope = self.begin_scope();
        let begins = self.next_step();
        let items = self.repeated(&element, of, max)?;
        self.place_field(&element, of, is_nested(&items), begins);
        self.step("", What::Next(first), 0);
        let past = self.next_step();
        self.program.steps[begun].what = What::Array { min, span, past };
        Ok(json!({"type": "array", "minItems": min, "maxItems": max, "items": items}))
    }
}

/// A range that isn't upside down.
pub(super) fn upright(place: &str, low: i64, high: i64) -> Result<(), Error> {
    if low <= high {
        return Ok(());
    }
    Err(wrong(
        place,
        format!("`min` is {low}, which is above `max`, {high}; write {{min: {high}, max: {low}}}"),
    ))
}

/// A choice in a list: a value, or `{value: …, weight: …}`.
fn listed_choice(place: &str, item: &Value) -> Result<(Value, f64), Error> {
    let (value, weight) = match item {
        Value::Object(fields) if fields.len() == 2 => {
            match (fields.get("value"), fields.get("weight")) {
                (Some(value), Some(weight)) => (value, weight_of(place, weight)?),
                _ => (item, 1.0),
            }
        }
        _ => (item, 1.0),
    };
    plain(place, value)?;
    Ok((unescaped(value), weight))
}

/// A choice is one of several values that are there; an operator would make new ones.
fn plain(place: &str, value: &Value) -> Result<(), Error> {
    let operator = match value {
        Value::Object(fields) => operator(fields).map(|(name, _)| name),
        Value::String(text) if text.starts_with('$') && !text.starts_with("$$") => Some(&**text),
        _ => None,
    };
    if let Some(name) = operator {
        return Err(wrong(
            place,
            format!("`{name}` can't be chosen, only values; write `${name}` if it is text"),
        ));
    }
    match value {
        Value::Array(items) => items.iter().try_for_each(|item| plain(place, item)),
        Value::Object(fields) => fields.values().try_for_each(|item| plain(place, item)),
        _ => Ok(()),
    }
}

/// Text that begins with a dollar sign is written with two.
fn unescaped(value: &Value) -> Value {
    match value {
        Value::String(text) if text.starts_with("$$") => Value::from(&text[1..]),
        Value::Array(items) => items.iter().map(unescaped).collect(),
        Value::Object(fields) => fields
            .iter()
            .map(|(name, value)| (name.clone(), unescaped(value)))
            .collect(),
        other => other.clone(),
    }
}

pub(super) fn weight_of(place: &str, weight: &Value) -> Result<f64, Error> {
    let fine = |weight: &f64| (0.0..=EXACT as f64).contains(weight);
    weight.as_f64().filter(fine).ok_or_else(|| {
        wrong(
            place,
            format!("the weight {weight} has to be a number from 0 on"),
        )
    })
}

/// Weights in the table's units: as they are where they are whole and small, else in parts of the
/// largest.
pub(super) fn whole_weights(weights: &[f64]) -> Vec<u32> {
    let largest = weights.iter().copied().fold(0.0, f64::max);
    if weights.iter().all(|weight| weight.fract() == 0.0) && largest <= f64::from(u32::MAX) {
        return weights.iter().map(|weight| *weight as u32).collect();
    }
    let scaled = |weight: &f64| match *weight {
        0.0 => 0,
        weight => libm::round(weight / largest * f64::from(1_u32 << 31)).max(1.0) as u32,
    };
    weights.iter().map(scaled).collect()
}

/// A schema that also allows null.
pub(super) fn nullable(mut schema: Value) -> Value {
    if let Some(later) = nullable_later(&schema) {
        return later;
    }
    if let Some(Value::Array(branches)) = schema.get_mut("anyOf") {
        branches.push(json!({"type": "null"}));
    }
    match schema.get("const") {
        Some(Value::Null) => return schema,
        Some(constant) => return json!({"enum": [constant, null]}),
        None => {}
    }
    match (schema.get("enum").cloned(), schema.get("type").cloned()) {
        (Some(Value::Array(mut values)), _) => {
            if !values.contains(&Value::Null) {
                values.push(Value::Null);
            }
            schema["enum"] = Value::Array(values);
        }
        (_, Some(Value::String(kind))) => schema["type"] = json!([kind, "null"]),
        (_, Some(Value::Array(mut kinds))) => {
            if !kinds.contains(&json!("null")) {
                kinds.push(json!("null"));
            }
            schema["type"] = Value::Array(kinds);
        }
        _ => {}
    }
    schema
}
