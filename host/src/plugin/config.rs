//! Fills in what a configuration leaves out, and writes its numbers in one way, before it is
//! validated and handed to the generator.

use serde_json::{Map, Value};

use super::schema::target;

/// Up to here every whole number has a double of its own.
const EXACT: f64 = 9_007_199_254_740_992.0;
/// References followed one after another; a schema that was checked has no endless ones.
const REFERENCES: usize = 64;
/// Levels of schema and value together.
const DEPTH: usize = 256;
/// Places visited: more than any configuration has, and defaults that bring further defaults end.
const PLACES: usize = 1_000_000;

/// The defaults of a schema bring in further defaults without end.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Endless;

/// Fills in the `default`s of `properties`, at any depth: through references and `allOf`, in the
/// items of lists, and in the one alternative of `oneOf` or `anyOf` that a value can be: the only
/// one that isn't null, or the only one whose constants agree.
pub(super) fn fill(schema: &Value, value: &mut Value) -> Result<(), Endless> {
    let left = PLACES;
    Filler { root: schema, left }.at(schema, value, 0)
}

struct Filler<'a> {
    root: &'a Value,
    left: usize,
}

impl<'a> Filler<'a> {
    fn at(&mut self, schema: &'a Value, value: &mut Value, depth: usize) -> Result<(), Endless> {
        self.left = self.left.checked_sub(1).ok_or(Endless)?;
        if depth > DEPTH {
            return Err(Endless);
        }
        for inner in same_place(self.root, schema, value) {
            self.at(inner, value, depth + 1)?;
        }
        match value {
            Value::Object(fields) => self.object(schema, fields, depth + 1),
            Value::Array(items) => self.array(schema, items, depth + 1),
            _ => Ok(()),
        }
    }

    fn object(
        &mut self,
        schema: &'a Value,
        fields: &mut Map<String, Value>,
        depth: usize,
    ) -> Result<(), Endless> {
        let properties = schema.get("properties").and_then(Value::as_object);
        for (name, property) in properties.into_iter().flatten() {
            if !fields.contains_key(name) {
                let Some(default) = default_of(self.root, property) else {
                    continue;
                };
                fields.insert(name.clone(), default.clone());
            }
            if let Some(value) = fields.get_mut(name) {
                self.at(property, value, depth)?;
            }
        }
        let others = schema.get("additionalProperties");
        if let Some(others) = others.filter(|others| others.is_object()) {
            let named = |name: &String| properties.is_some_and(|all| all.contains_key(name));
            for (_, value) in fields.iter_mut().filter(|(name, _)| !named(name)) {
                self.at(others, value, depth)?;
            }
        }
        Ok(())
    }

    fn array(
        &mut self,
        schema: &'a Value,
        items: &mut [Value],
        depth: usize,
    ) -> Result<(), Endless> {
        let first = schema.get("prefixItems").and_then(Value::as_array);
        let first = first.map(Vec::as_slice).unwrap_or_default();
        for (n, value) in items.iter_mut().enumerate() {
            if let Some(schema) = first.get(n).or_else(|| schema.get("items")) {
                self.at(schema, value, depth)?;
            }
        }
        Ok(())
    }
}

/// The schemas that hold for `value` besides `schema`'s own keywords.
fn same_place<'a>(root: &'a Value, schema: &'a Value, value: &Value) -> Vec<&'a Value> {
    let reference = schema.get("$ref").and_then(Value::as_str);
    let mut found: Vec<_> = reference
        .and_then(|to| target(root, to))
        .into_iter()
        .collect();
    let all = schema.get("allOf").and_then(Value::as_array);
    found.extend(all.into_iter().flatten());
    for name in ["oneOf", "anyOf"] {
        let alternatives = schema.get(name).and_then(Value::as_array);
        let mut fitting = alternatives.into_iter().flatten().filter(|alternative| {
            let through = alternative.get("$ref").and_then(Value::as_str);
            let meant = through
                .and_then(|to| target(root, to))
                .unwrap_or(alternative);
            fits(meant, value)
        });
        if let (Some(only), None) = (fitting.next(), fitting.next()) {
            found.push(only);
        }
    }
    found
}

/// Whether type and constants of an alternative allow `value`, as far as can be seen at a glance.
fn fits(alternative: &Value, value: &Value) -> bool {
    if alternative.get("type").and_then(Value::as_str) == Some("null") && !value.is_null() {
        return false;
    }
    let properties = alternative.get("properties").and_then(Value::as_object);
    properties.into_iter().flatten().all(|(name, property)| {
        let constant = property.get("const");
        constant.is_none_or(|constant| value.get(name) == Some(constant))
    })
}

/// The default that stands beside a reference, or else the one that it leads to.
fn default_of<'a>(root: &'a Value, mut property: &'a Value) -> Option<&'a Value> {
    for _ in 0..REFERENCES {
        if let Some(default) = property.get("default") {
            return Some(default);
        }
        property = target(root, property.get("$ref")?.as_str()?)?;
    }
    None
}

/// Writes whole numbers up to 2⁵³ as digits alone: `1e3` and `1000.0` become `1000`.
pub(super) fn normalise(value: &mut Value) {
    match value {
        Value::Number(number) => {
            let float = number.as_f64().filter(|_| number.is_f64());
            if let Some(whole) = float.filter(|f| f.fract() == 0.0 && f.abs() <= EXACT) {
                *value = Value::from(whole as i64);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(normalise),
        Value::Object(fields) => fields.values_mut().for_each(normalise),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn filled(schema: &Value, mut value: Value) -> Value {
        fill(schema, &mut value).unwrap();
        normalise(&mut value);
        value
    }

    #[test]
    fn defaults_are_filled_in_at_any_depth() {
        let schema = json!({"properties": {
            "a": {"default": 1},
            "b": {"$ref": "#/$defs/b", "default": {}},
            "c": {"type": "array", "items": {"$ref": "#/$defs/b"}},
            "d": {"properties": {"x": {"default": 1}}},
            "e": {"$ref": "#/$defs/five"},
            "m": {"additionalProperties": {"$ref": "#/$defs/b"}}},
            "$defs": {"b": {"properties": {"y": {"default": [2]}, "z": {"default": null}}},
                "five": {"default": 5}}});
        assert_eq!(
            filled(
                &schema,
                json!({"a": 7, "c": [{}, {"y": 0}], "m": {"k": {}}})
            ),
            json!({"a": 7, "c": [{"y": [2], "z": null}, {"y": 0, "z": null}],
                "m": {"k": {"y": [2], "z": null}}, "b": {"y": [2], "z": null}, "e": 5})
        );
    }

    #[test]
    fn all_of_and_the_only_fitting_alternative_are_followed() {
        let schema = json!({"allOf": [{"properties": {"a": {"default": 1}}}], "properties": {
            "maybe": {"anyOf": [{"$ref": "#/$defs/o"}, {"type": "null"}]},
            "kind": {"oneOf": [
                {"properties": {"t": {"const": "x"}, "p": {"default": 1}}},
                {"properties": {"t": {"const": "y"}, "q": {"default": 2}}}]},
            "either": {"anyOf": [{"properties": {"p": {"default": 1}}}, {"properties": {"q": {"default": 2}}}]}},
            "$defs": {"o": {"properties": {"n": {"default": 3}}}}});
        assert_eq!(
            filled(
                &schema,
                json!({"maybe": {}, "kind": {"t": "y"}, "either": {}})
            ),
            json!({"maybe": {"n": 3}, "kind": {"t": "y", "q": 2}, "either": {}, "a": 1})
        );
        assert_eq!(
            filled(&schema, json!({"maybe": null}))["maybe"],
            Value::Null
        );
    }

    #[test]
    fn a_recursive_schema_ends() {
        let schema = json!({"properties": {"next": {"$ref": "#"}, "n": {"default": 0}}});
        assert_eq!(
            filled(&schema, json!({"next": {"next": {}}})),
            json!({"next": {"next": {"n": 0}, "n": 0}, "n": 0})
        );
    }

    #[test]
    fn defaults_without_end_are_refused() {
        let schema = json!({"properties": {
            "a": {"$ref": "#", "default": {}}, "b": {"$ref": "#", "default": {}}}});
        assert_eq!(fill(&schema, &mut json!({})), Err(Endless));
    }

    #[test]
    fn whole_numbers_are_digits_alone() {
        let value: Value = serde_json::from_str(
            "[1e3, 2.0, -0.0, 0.5, 9007199254740992.0, 1e300, 18446744073709551615, {\"a\": -3.0}]",
        )
        .unwrap();
        let text = filled(&json!({}), value).to_string();
        assert_eq!(
            text,
            "[1000,2,0,0.5,9007199254740992,1e+300,18446744073709551615,{\"a\":-3}]"
        );
    }
}
