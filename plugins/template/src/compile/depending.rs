//! `$expr` and `$case`: what depends on other fields.

use serde_json::{Map, Value, json};
use wellhead_sdk::Error;

use super::formula::tokens;
use super::values::{Body, Case, Kind, one_of_several};
use super::{At, Compiler, operator};
use crate::options::{Options, listed, nearest, wrong};
use crate::program::What;

/// Bytes of an expression.
const LONGEST: usize = 1024;
/// Branches of a `$case`.
const BRANCHES: usize = 1000;

/// Whether anything in a description depends on other fields.
pub(super) fn depends(value: &Value) -> bool {
    match value {
        Value::Object(fields) => {
            let name = operator(fields).map(|(name, _)| name);
            matches!(name, Some("$expr" | "$case" | "$states")) || fields.values().any(depends)
        }
        Value::Array(items) => items.iter().any(depends),
        _ => false,
    }
}

impl Compiler<'_> {
    /// `{$expr: "a + b"}`, or `{$expr: {of: "a / b", decimals: 3, else: 0}}`.
    pub(super) fn expr(&mut self, at: &At, place: &str, given: &Value) -> Result<Value, Error> {
        let short = given.is_string().then(|| json!({ "of": given }));
        let options = Options::new(
            place,
            short.as_ref().unwrap_or(given),
            &["of", "decimals", "else"],
        )?;
        let text = options.needed("of", options.text("of")?)?;
        if text.len() > LONGEST {
            return Err(wrong(
                place,
                format!(
                    "the expression has {} bytes, and the limit is {LONGEST}; make a field of a part",
                    text.len()
                ),
            ));
        }
        let tokens = tokens(text).map_err(|(why, from)| {
            let near: String = text
                .get(from..)
                .unwrap_or_default()
                .chars()
                .take(24)
                .collect();
            wrong(place, format!("{why} (at `{near}`)"))
        })?;
        let otherwise = options.given("else").cloned();
        if otherwise
            .as_ref()
            .is_some_and(|value| value.is_array() || value.is_object())
        {
            return Err(wrong(
                place,
                "`else` has to be a single value, such as 0 or null",
            ));
        }
        let body = Body::Formula {
            text: text.to_owned(),
            tokens,
            decimals: options.count("decimals", 0, 7)?.map(|digits| digits as u8),
            otherwise,
        };
        Ok(self.wait(at, place, body))
    }

    /// `{$case: {by: state, when: {running: …, idle: …}, else: …}}`.
    pub(super) fn case(&mut self, at: &At, options: &Options<'_>) -> Result<Value, Error> {
        let place = options.place;
        let by = options.needed("by", options.text("by")?)?;
        let when = match options.needed("when", options.get("when"))? {
            Value::Object(when) if (1..=BRANCHES).contains(&when.len()) => when,
            other => {
                return Err(wrong(
                    place,
                    format!(
                        "`when` is {other}, and has to say what to give for each value of `{by}`: \
                         {{value: …, other: …}}"
                    ),
                ));
            }
        };
        let number = self.waiting.cases.len();
        self.step("", What::Switch(number as u32), 0);
        let otherwise = options.given("else");
        self.waiting.cases.push(Case {
            path: at.path.clone(),
            place: place.to_owned(),
            by: by.to_owned(),
            keys: when.keys().cloned().collect(),
            steps: Vec::new(),
            otherwise: otherwise.is_some(),
            field: 0,
        });
        let (steps, schemas) = self.case_branches(at, when, otherwise)?;
        self.waiting.cases[number].steps = steps;
        Ok(one_of_several(schemas))
    }

    /// The branches one after another, of which a record has the longest at most.
    fn case_branches(
        &mut self,
        at: &At,
        when: &Map<String, Value>,
        otherwise: Option<&Value>,
    ) -> Result<(Vec<u32>, Vec<Value>), Error> {
        let (before, mut longest) = (self.longest, 0);
        let (mut steps, mut jumps, mut schemas) = (Vec::new(), Vec::new(), Vec::new());
        let named = |key: &String| format!("$case.when.{key}");
        let branches = when.iter().map(|(key, value)| (named(key), value));
        let last = otherwise.map(|value| ("$case.else".to_owned(), value));
        for (option, value) in branches.chain(last) {
            steps.push(self.next_step());
            schemas.push(self.value(&at.inside(&option), value)?);
            jumps.push(self.step("", What::Jump(0), 0));
            longest = longest.max(self.longest);
            self.longest = before;
        }
        self.longest = longest;
        let past = self.next_step();
        for jump in jumps {
            self.program.steps[jump].what = What::Jump(past);
        }
        if otherwise.is_none() {
            steps.push(past);
        }
        Ok((steps, schemas))
    }

    /// Every value of the field has a branch, and every branch a value, as far as these are known.
    pub(super) fn check_branches(&self, case: &Case) -> Result<(), Error> {
        let place = &case.place;
        let Some(values) = self.values_of(case.field) else {
            return match case.otherwise {
                true => Ok(()),
                false => Err(wrong(
                    place,
                    format!("`{}` may have other values; write `else` for them", case.by),
                )),
            };
        };
        let known: Vec<&str> = values.iter().map(String::as_str).collect();
        if let Some(key) = case.keys.iter().find(|key| !values.contains(key)) {
            let near = nearest(key, known.iter().copied());
            let has = listed(&known);
            return Err(wrong(
                place,
                format!("`{}` is never `{key}`{near} It is one of {has}", case.by),
            ));
        }
        let missing = values.iter().find(|value| !case.keys.contains(value));
        match missing.filter(|_| !case.otherwise) {
            None => Ok(()),
            Some(value) => Err(wrong(
                place,
                format!(
                    "`{}` may be `{value}`, which has no branch; write it, or `else` for all others",
                    case.by
                ),
            )),
        }
    }

    /// All values of a field, as texts, where they are few and written.
    fn values_of(&self, field: usize) -> Option<Vec<String>> {
        let known = self.waiting.known[field]?;
        if known.nullable {
            return None;
        }
        if known.kind == Kind::Bool {
            return Some(vec!["true".to_owned(), "false".to_owned()]);
        }
        let Some(Value::Object(described)) = &self.waiting.fields[field].value else {
            return None;
        };
        match operator(described)? {
            ("$states", options) => Some(options["states"].as_object()?.keys().cloned().collect()),
            ("$choice", Value::Object(weights)) => Some(weights.keys().cloned().collect()),
            ("$choice", Value::Array(items)) => items.iter().map(chosen).collect(),
            _ => None,
        }
    }
}

/// A choice as text.
fn chosen(item: &Value) -> Option<String> {
    match item.get("value").unwrap_or(item) {
        Value::String(text) if text.starts_with("$$") => Some(text[1..].to_owned()),
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}
