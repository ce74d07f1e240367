//! Avro schemas (<https://avro.apache.org/docs/1.12.0/specification/>).

use std::collections::HashMap;

use serde_json::{Value, json};

use super::DraftError;
use super::node::{DEEPEST, Fields, Node};
use super::schema::string;

/// A draft of a record schema.
pub(super) fn of(root: &Value) -> Result<(String, Fields, String), DraftError> {
    let mut named = HashMap::new();
    names(root, &mut named);
    match (Reading { named }).node(root, "", 0) {
        Node::Object(fields) => {
            let name = root["name"].as_str().unwrap_or("record").to_owned();
            Ok((name, fields, "an Avro schema".to_owned()))
        }
        Node::One { .. } => Err(DraftError::Nothing(
            ": an Avro schema of a record has `type: record` and `fields`",
        )),
    }
}

/// Types are named where they first stand, and called by that name elsewhere.
fn names<'a>(schema: &'a Value, named: &mut HashMap<&'a str, &'a Value>) {
    match schema {
        Value::Array(union) => union.iter().for_each(|part| names(part, named)),
        Value::Object(object) => {
            if let (Some(name), true) = (schema["name"].as_str(), schema["type"].is_string()) {
                named.entry(name).or_insert(schema);
            }
            for part in ["type", "items", "values"] {
                if let Some(part) = object.get(part).filter(|part| !part.is_string()) {
                    names(part, named);
                }
            }
            for field in schema["fields"].as_array().into_iter().flatten() {
                if !field["type"].is_string() {
                    names(&field["type"], named);
                }
            }
        }
        _ => {}
    }
}

struct Reading<'a> {
    named: HashMap<&'a str, &'a Value>,
}

impl Reading<'_> {
    fn node(&self, schema: &Value, name: &str, depth: usize) -> Node {
        if depth > DEEPEST {
            return Node::too_deep();
        }
        match schema {
            Value::Array(union) => self.union(union, name, depth),
            Value::String(kind) => self.kind(kind, schema, name, depth),
            Value::Object(_) => match &schema["type"] {
                Value::String(kind) => self.kind(kind, schema, name, depth),
                within => self.node(within, name, depth + 1),
            },
            _ => Node::guessed(Value::Null, "no type that Avro has"),
        }
    }

    fn union(&self, union: &[Value], name: &str, depth: usize) -> Node {
        let mut others = union.iter().filter(|part| *part != "null");
        let node = match others.next() {
            Some(first) => self.node(first, name, depth + 1),
            None => return Node::known(Value::Null),
        };
        node.nullable(union.iter().any(|part| part == "null"))
    }

    fn kind(&self, kind: &str, schema: &Value, name: &str, depth: usize) -> Node {
        let logical = schema["logicalType"].as_str().unwrap_or_default();
        match (kind, logical) {
            ("record" | "error", _) => {
                let fields = schema["fields"].as_array().into_iter().flatten();
                let field = |field: &Value| {
                    let name = field["name"].as_str().unwrap_or_default();
                    // A logical type may stand beside the field's type, by mistake and by habit.
                    (name.to_owned(), self.node(&field["type"], name, depth + 1))
                };
                Node::Object(fields.map(field).collect())
            }
            ("enum", _) => {
                let symbols = schema["symbols"].as_array();
                let symbols = symbols.into_iter().flatten().map(|symbol| (symbol, 1));
                Node::known(Node::choice(symbols))
            }
            ("array", _) => {
                let item = self.node(&schema["items"], name, depth + 1);
                let value = json!({ "$array": { "min": 1, "max": 3, "of": item.value() } });
                Node::guessed(value, "how many")
            }
            ("map", _) => {
                let value = self.node(&schema["values"], name, depth + 1).value();
                Node::guessed(
                    json!({ "a": value.clone(), "b": value }),
                    "the names in a map",
                )
            }
            ("int", "date") => Node::guessed(
                json!({ "$int": { "min": 0, "max": 20_000 } }),
                "days since 1970",
            ),
            ("int" | "long", "time-millis") => {
                Node::known(json!({ "$int": { "min": 0, "max": 86_399_999 } }))
            }
            ("long", "time-micros") => {
                Node::known(json!({ "$int": { "min": 0, "max": 86_399_999_999_u64 } }))
            }
            ("long", "timestamp-millis" | "local-timestamp-millis") => {
                Node::known(json!({ "$time": { "format": "unix_ms" } }))
            }
            ("long", "timestamp-micros" | "timestamp-nanos" | "local-timestamp-micros") => {
                let value = json!({ "$time": { "format": "unix_ms" } });
                Node::guessed(
                    value,
                    "in milliseconds: a template has nothing finer as a number",
                )
            }
            ("int" | "long", _) => {
                Node::guessed(json!({ "$int": { "min": 0, "max": 1000 } }), "the range")
            }
            ("float" | "double", _) => {
                Node::guessed(json!({ "$float": { "min": 0, "max": 1000 } }), "the range")
            }
            ("bytes" | "fixed", "decimal") => {
                let scale = schema["scale"].as_u64().unwrap_or(0).min(7);
                let value = json!({ "$float": { "min": 0, "max": 1000, "decimals": scale } });
                Node::guessed(value, "the range")
            }
            ("boolean", _) => Node::known(json!("$bool")),
            ("null", _) => Node::known(Value::Null),
            ("string", "uuid") => Node::known(json!("$uuid")),
            ("string", _) => string(&Value::Null, name),
            ("bytes", _) => Node::guessed(json!({ "$pattern": "[0-9a-f]{16}" }), "bytes"),
            ("fixed", _) => {
                let size = schema["size"].as_u64().unwrap_or(8).clamp(1, 64);
                Node::guessed(
                    json!({ "$pattern": format!("[0-9a-f]{{{size}}}") }),
                    "bytes",
                )
            }
            (other, _) => match self.named.get(other.rsplit('.').next().unwrap_or(other)) {
                Some(found) => self.node(found, name, depth + 1),
                None => Node::guessed(Value::Null, format!("{other} isn't in this file")),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schema_becomes_a_record() {
        let schema = json!({"type": "record", "name": "com.x.Payment", "fields": [
            {"name": "id", "type": {"type": "string", "logicalType": "uuid"}},
            {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
            {"name": "amount", "type": {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 3}},
            {"name": "state", "type": {"type": "enum", "name": "State", "symbols": ["NEW", "PAID"]}},
            {"name": "before", "type": ["null", "State"]},
            {"name": "lines", "type": {"type": "array", "items": {"type": "record", "name": "Line", "fields": [
                {"name": "n", "type": "int"}]}}},
            {"name": "email", "type": "string"}
        ]});
        let (name, fields, _) = of(&schema).unwrap();
        assert_eq!(name, "com.x.Payment");
        let record = Node::object_value(&fields);
        assert_eq!(record["id"], "$uuid");
        assert_eq!(record["at"], json!({"$time": {"format": "unix_ms"}}));
        assert_eq!(record["amount"]["$float"]["decimals"], 3);
        assert_eq!(
            record["before"]["$null"]["of"],
            json!({"$choice": ["NEW", "PAID"]})
        );
        assert!(record["lines"]["$array"]["of"]["n"]["$int"].is_object());
        assert_eq!(record["email"], json!({"$fake": "email"}));
    }
}
