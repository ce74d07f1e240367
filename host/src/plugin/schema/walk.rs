//! What may make evaluating a schema go wrong: references that leave it, lead nowhere, come back to
//! themselves or double again and again.

use std::collections::HashMap;

use serde_json::Value;

use super::shorten;

/// How many subschemas a schema may come to when every reference is written out.
const EXPANDED: u64 = 200_000;
/// Keywords whose value is one schema for the same place of the instance.
const IN_PLACE: [&str; 4] = ["not", "if", "then", "else"];
/// Keywords whose value is a list of schemas for the same place.
const IN_PLACE_LISTS: [&str; 3] = ["allOf", "anyOf", "oneOf"];
/// Keywords whose value is one schema for places further down.
const BELOW: [&str; 7] = [
    "items",
    "contains",
    "additionalProperties",
    "unevaluatedProperties",
    "unevaluatedItems",
    "propertyNames",
    "contentSchema",
];
/// Keywords whose value is a map of schemas for places further down.
const BELOW_MAPS: [&str; 2] = ["properties", "patternProperties"];
/// Keywords whose value is a reference.
const REFERENCES: [&str; 2] = ["$ref", "$dynamicRef"];

/// Refuses a schema whose references leave it, lead nowhere, or make evaluating it endless.
pub(super) fn check(schema: &Value) -> Result<(), String> {
    check_references(schema, schema)?;
    Walk::default().schema(schema, schema)?;
    Ok(())
}

/// Every reference stays within the schema and leads somewhere.
fn check_references(root: &Value, value: &Value) -> Result<(), String> {
    match value {
        Value::Array(items) => items
            .iter()
            .try_for_each(|item| check_references(root, item)),
        Value::Object(fields) => {
            for name in REFERENCES {
                let Some(Value::String(to)) = fields.get(name) else {
                    continue;
                };
                let shown = shorten(to);
                if !to.starts_with('#') {
                    return Err(format!(
                        "refers to `{shown}`; a `{name}` has to begin with `#`"
                    ));
                }
                if target(root, to).is_none() {
                    return Err(format!("refers to `{shown}`, which leads nowhere"));
                }
            }
            fields
                .values()
                .try_for_each(|item| check_references(root, item))
        }
        _ => Ok(()),
    }
}

/// What `#/a/b` or `#anchor` refers to.
pub(in crate::plugin) fn target<'a>(root: &'a Value, reference: &str) -> Option<&'a Value> {
    let fragment = reference.strip_prefix('#')?;
    if fragment.is_empty() || fragment.starts_with('/') {
        return root.pointer(&percent_decoded(fragment)?);
    }
    anchored(root, fragment)
}

fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        if *first == b'%' {
            let code = hex::decode(tail.get(..2)?).ok()?;
            bytes.extend(code);
            rest = &tail[2..];
        } else {
            bytes.push(*first);
            rest = tail;
        }
    }
    String::from_utf8(bytes).ok()
}

fn anchored<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    match value {
        Value::Array(items) => items.iter().find_map(|item| anchored(item, name)),
        Value::Object(fields) => {
            let is = |key| fields.get(key).and_then(Value::as_str) == Some(name);
            if is("$anchor") || is("$dynamicAnchor") {
                return Some(value);
            }
            fields.values().find_map(|item| anchored(item, name))
        }
        _ => None,
    }
}

/// Goes through a schema as a validator would, and refuses what would not end or take for ever:
/// a reference that comes back to itself at the same place of the instance, and references that
/// double again and again.
#[derive(Default)]
struct Walk {
    /// Size of each subschema with its references written out; none while it is being measured.
    sizes: HashMap<*const Value, Option<u64>>,
    /// Subschemas that apply to the same place as the one in hand.
    here: Vec<*const Value>,
}

impl Walk {
    fn schema(&mut self, root: &Value, schema: &Value) -> Result<u64, String> {
        let identity: *const Value = schema;
        if self.here.contains(&identity) {
            return Err("refers to itself at the same place, which has no end".into());
        }
        match self.sizes.get(&identity) {
            Some(Some(size)) => return Ok(*size),
            // A reference back from further down: it ends where the instance does.
            Some(None) => return Ok(1),
            None => {}
        }
        self.sizes.insert(identity, None);
        self.here.push(identity);
        let in_place = self.all(root, in_place(root, schema));
        self.here.pop();
        let outer = std::mem::take(&mut self.here);
        let below = self.all(root, below(schema));
        self.here = outer;
        let size = in_place?.saturating_add(below?).saturating_add(1);
        if size > EXPANDED {
            return Err(format!(
                "comes to more than {EXPANDED} subschemas when its references are written out"
            ));
        }
        self.sizes.insert(identity, Some(size));
        Ok(size)
    }

    fn all(&mut self, root: &Value, schemas: Vec<&Value>) -> Result<u64, String> {
        let mut sum: u64 = 0;
        for schema in schemas {
            sum = sum.saturating_add(self.schema(root, schema)?);
        }
        Ok(sum)
    }
}

/// Subschemas for the same place of the instance.
fn in_place<'a>(root: &'a Value, schema: &'a Value) -> Vec<&'a Value> {
    let mut found = Vec::new();
    for name in REFERENCES {
        let reference = schema.get(name).and_then(Value::as_str);
        found.extend(reference.and_then(|to| target(root, to)));
    }
    found.extend(IN_PLACE.iter().filter_map(|name| schema.get(name)));
    for name in IN_PLACE_LISTS {
        let list = schema.get(name).and_then(Value::as_array);
        found.extend(list.into_iter().flatten());
    }
    let dependent = schema.get("dependentSchemas").and_then(Value::as_object);
    found.extend(dependent.into_iter().flat_map(|map| map.values()));
    found
}

fn below(schema: &Value) -> Vec<&Value> {
    let mut found: Vec<_> = BELOW.iter().filter_map(|name| schema.get(name)).collect();
    for name in BELOW_MAPS {
        let map = schema.get(name).and_then(Value::as_object);
        found.extend(map.into_iter().flat_map(|map| map.values()));
    }
    let tuple = schema.get("prefixItems").and_then(Value::as_array);
    found.extend(tuple.into_iter().flatten());
    found
}
