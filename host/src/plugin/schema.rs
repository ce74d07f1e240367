//! JSON Schemas that a generator brings along: checked before they are used, since a schema is
//! foreign input too, and evaluating it happens in the host.

mod walk;

use jsonschema::{Draft, PatternOptions, ValidationError, Validator, error::ValidationErrorKind};
use serde_json::Value;

pub(super) use walk::target;

/// Bytes of one schema.
const SCHEMA_BYTES: usize = 256 << 10;
/// Levels of JSON in a schema.
const SCHEMA_DEPTH: usize = 64;
/// Bytes that one pattern may compile to.
const PATTERN_BYTES: usize = 1 << 20;
/// How many faults are told of at once.
const FAULTS: usize = 10;
/// Characters of one fault: a message quotes the value it is about, which may be of any length.
const FAULT_CHARS: usize = 300;

/// Something in a value that its schema doesn't allow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Where: `customers.0.name`; empty for the whole.
    pub path: String,
    /// What is wrong.
    pub message: String,
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.path.as_str() {
            "" => write!(f, "{}", self.message),
            path => write!(f, "{path}: {}", self.message),
        }
    }
}

/// A schema that may be used.
pub(super) struct Schema {
    pub value: Value,
    validator: Validator,
}

impl Schema {
    /// Parses and checks a schema; the error says what is wrong with it.
    pub fn parse(text: &str) -> Result<Schema, String> {
        if text.len() > SCHEMA_BYTES {
            let length = text.len();
            return Err(format!("is {length} bytes; the limit is {SCHEMA_BYTES}"));
        }
        let value: Value =
            serde_json::from_str(text).map_err(|error| format!("is not JSON: {error}"))?;
        if !value.is_object() && !value.is_boolean() {
            return Err("is neither an object nor true or false".into());
        }
        if depth(&value) > SCHEMA_DEPTH {
            return Err(format!("is more than {SCHEMA_DEPTH} levels deep"));
        }
        match value.get("$schema") {
            None => {}
            Some(draft) if draft.as_str().is_some_and(is_2020_12) => {}
            Some(draft) => return Err(format!("is of {draft}; draft 2020-12 is the one served")),
        }
        walk::check(&value)?;
        let validator = jsonschema::options()
            .with_draft(Draft::Draft202012)
            // A backtracking engine would let a pattern take as long as it likes.
            .with_pattern_options(PatternOptions::regex().size_limit(PATTERN_BYTES))
            .build(&value)
            .map_err(|error| format!("is no schema: {}", shorten(&error.to_string())))?;
        Ok(Schema { value, validator })
    }

    /// Whether a value is valid.
    pub fn is_valid(&self, value: &Value) -> bool {
        self.validator.is_valid(value)
    }

    /// What is wrong with a value; at most the first few faults, one a place.
    pub fn faults(&self, value: &Value) -> Vec<Fault> {
        let errors = self.validator.iter_errors(value).take(FAULTS);
        errors.map(|error| self.fault(&error)).collect()
    }

    fn fault(&self, error: &ValidationError<'_>) -> Fault {
        let pointer = error.instance_path().to_string();
        let mut message = shorten(&error.to_string());
        if let ValidationErrorKind::AdditionalProperties { unexpected } = error.kind() {
            message = self.unknown(error, unexpected);
        }
        Fault {
            path: dotted(&pointer),
            message,
        }
    }

    /// Names the unknown properties, and what was perhaps meant.
    fn unknown(&self, error: &ValidationError<'_>, unexpected: &[String]) -> String {
        let location = error.schema_path().to_string();
        let parent = location.rsplit_once('/').map_or("", |(parent, _)| parent);
        let owner = self.value.pointer(parent);
        let known = owner
            .and_then(|owner| owner.get("properties")?.as_object())
            .map(|properties| properties.keys().map(String::as_str).collect::<Vec<_>>())
            .unwrap_or_default();
        let each = unexpected.iter().map(|name| {
            let name = shorten(name);
            match nearest(&name, known.iter().copied()) {
                Some(near) => format!("unknown field `{name}`, did you mean `{near}`?"),
                None if known.is_empty() => format!("unknown field `{name}`"),
                None => format!("unknown field `{name}`; there are {}", known.join(", ")),
            }
        });
        each.collect::<Vec<_>>().join("; ")
    }
}

/// The name that is most like `name`, if any is like it.
pub(super) fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    known
        .map(|candidate| (strsim::jaro_winkler(name, candidate), candidate))
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, candidate)| candidate)
}

fn is_2020_12(draft: &str) -> bool {
    draft.trim_end_matches('#') == "https://json-schema.org/draft/2020-12/schema"
}

fn shorten(text: &str) -> String {
    let mut short: String = super::bindings::printable(text);
    if let Some((end, _)) = short.char_indices().nth(FAULT_CHARS) {
        short.truncate(end);
        short.push('…');
    }
    short
}

/// `/a/0/b` as `a.0.b`.
fn dotted(pointer: &str) -> String {
    let parts = pointer.split('/').skip(1);
    let parts: Vec<_> = parts
        .map(|part| part.replace("~1", "/").replace("~0", "~"))
        .collect();
    parts.join(".")
}

fn depth(value: &Value) -> usize {
    // serde_json itself stops at 128 levels, so this recursion is bounded.
    1 + match value {
        Value::Array(items) => items.iter().map(depth).max().unwrap_or(0),
        Value::Object(fields) => fields.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn refused(schema: &Value) -> String {
        match Schema::parse(&schema.to_string()) {
            Ok(_) => panic!("{schema} was taken"),
            Err(reason) => reason,
        }
    }

    #[test]
    fn what_is_no_schema_is_refused() {
        assert!(refused(&json!({"type": "nothing"})).contains("no schema"));
        assert!(refused(&json!([1])).contains("neither"));
        assert!(
            refused(&json!({"$schema": "http://json-schema.org/draft-07/schema#"}))
                .contains("draft")
        );
        let mut deep = json!({});
        for _ in 0..64 {
            deep = json!({"items": deep});
        }
        assert!(refused(&deep).contains("deep"));
        assert!(Schema::parse(&format!("\"{}\"", "x".repeat(SCHEMA_BYTES))).is_err());
        assert!(Schema::parse("{").is_err());
    }

    #[test]
    fn references_stay_inside_and_lead_somewhere() {
        let remote = refused(&json!({"$ref": "https://example.org/schema"}));
        assert!(remote.contains("begin with `#`"), "{remote}");
        assert!(refused(&json!({"$ref": "#/$defs/none"})).contains("nowhere"));
        assert!(refused(&json!({"$ref": "#none"})).contains("nowhere"));
        let good = json!({"properties": {"a": {"$ref": "#/$defs/x%20y"}, "b": {"$ref": "#here"}},
            "$defs": {"x y": {"type": "integer"}, "z": {"$anchor": "here", "type": "string"}}});
        let good = Schema::parse(&good.to_string()).ok().unwrap();
        assert!(good.is_valid(&json!({"a": 1, "b": "c"})));
        assert!(!good.is_valid(&json!({"a": "x"})));
        assert!(!good.is_valid(&json!({"b": 1})));
    }

    #[test]
    fn a_schema_without_end_is_refused() {
        assert!(refused(&json!({"$ref": "#"})).contains("no end"));
        let round = json!({"$ref": "#/$defs/a", "$defs": {
            "a": {"anyOf": [{"$ref": "#/$defs/b"}]}, "b": {"not": {"$ref": "#/$defs/a"}}}});
        assert!(refused(&round).contains("no end"));
        // A tree is recursive and ends where the instance does.
        let tree = json!({"type": "object", "properties": {"next": {"$ref": "#"}}});
        let tree = Schema::parse(&tree.to_string()).ok().unwrap();
        assert!(tree.is_valid(&json!({"next": {"next": {}}})));
        assert!(!tree.is_valid(&json!({"next": {"next": 1}})));
    }

    #[test]
    fn references_that_double_are_refused() {
        let mut defs = serde_json::Map::new();
        defs.insert("a0".into(), json!({"type": "integer"}));
        for n in 1..40 {
            let to = json!({"$ref": format!("#/$defs/a{}", n - 1)});
            defs.insert(format!("a{n}"), json!({"allOf": [to, to]}));
        }
        let bomb = json!({"$ref": "#/$defs/a39", "$defs": defs});
        assert!(refused(&bomb).contains("written out"));
    }

    #[test]
    fn patterns_run_in_linear_time() {
        let evil = Schema::parse(&json!({"pattern": "^(a+)+$"}).to_string())
            .ok()
            .unwrap();
        let started = std::time::Instant::now();
        assert!(!evil.is_valid(&json!("a".repeat(40) + "b")));
        assert!(started.elapsed().as_secs() < 2);
        assert!(refused(&json!({"pattern": "(x{1000}){1000}"})).contains("schema"));
    }

    #[test]
    fn faults_name_path_and_nearest_name() {
        let schema = json!({"properties": {"shop": {"additionalProperties": false, "properties":
            {"customers": {"type": "integer", "minimum": 1}, "currency": {}}}}});
        let schema = Schema::parse(&schema.to_string()).ok().unwrap();
        let faults = schema.faults(&json!({"shop": {"custmers": 1, "customers": 0}}));
        let all: Vec<_> = faults.iter().map(Fault::to_string).collect();
        let all = all.join("\n");
        assert!(
            all.contains("shop: unknown field `custmers`, did you mean `customers`?"),
            "{all}"
        );
        assert!(
            all.contains("shop.customers: 0 is less than the minimum of 1"),
            "{all}"
        );
        let far = schema.faults(&json!({"shop": {"zzz": 1}}));
        assert!(
            far[0].message.contains("there are customers, currency"),
            "{}",
            far[0]
        );
    }
}
