//! JSON Schema, and the schemas of an OpenAPI document.

use serde_json::{Value, json};

use super::DraftError;
use super::node::{DEEPEST, Fields, Node};
use super::strings::{person, words};

/// Repetitions that a `*` or `+` stands for.
const MORE: usize = 8;

/// A draft of what a schema describes.
pub(super) fn of_schema(root: &Value, stem: &str) -> Result<(String, Fields, String), DraftError> {
    let name = root["title"].as_str().unwrap_or(stem).to_owned();
    Ok((name, fields_of(root, root)?, "a JSON Schema".to_owned()))
}

/// A draft of one of an OpenAPI document's schemas.
pub(super) fn of_openapi(
    root: &Value,
    of: Option<&str>,
) -> Result<(String, Fields, String), DraftError> {
    let schemas = match &root["components"]["schemas"] {
        Value::Object(schemas) => schemas,
        // Swagger, the version before.
        _ => root["definitions"]
            .as_object()
            .ok_or(DraftError::Nothing(": it has no components.schemas"))?,
    };
    let names = || schemas.keys().cloned().collect();
    let (name, schema) = match of {
        Some(of) => schemas.get_key_value(of).ok_or_else(|| DraftError::Which {
            wanted: format!("there is no schema {of}"),
            names: names(),
        })?,
        None if schemas.len() == 1 => schemas.iter().next().ok_or(DraftError::Nothing(""))?,
        None => {
            return Err(DraftError::Which {
                wanted: "there are several schemas".to_owned(),
                names: names(),
            });
        }
    };
    let from = format!("{name} of an OpenAPI document");
    Ok((name.clone(), fields_of(schema, root)?, from))
}

fn fields_of(schema: &Value, root: &Value) -> Result<Fields, DraftError> {
    match (Reading { root }).node(schema, "", 0) {
        Node::Object(fields) => Ok(fields),
        Node::One { .. } => Err(DraftError::Nothing(
            ": the schema is of no object with properties",
        )),
    }
}

struct Reading<'a> {
    root: &'a Value,
}

impl Reading<'_> {
    fn node(&self, schema: &Value, name: &str, depth: usize) -> Node {
        if depth > DEEPEST {
            return Node::too_deep();
        }
        if let Some(reference) = schema["$ref"].as_str() {
            let found = reference
                .strip_prefix('#')
                .and_then(|path| self.root.pointer(path));
            return match found {
                Some(found) => self.node(found, name, depth + 1),
                None => Node::guessed(Value::Null, format!("{reference} isn't in this file")),
            };
        }
        if let Some(value) = schema.get("const") {
            return Node::known(Node::fixed(value));
        }
        if let Some(values) = schema["enum"].as_array() {
            return choice(values);
        }
        if let Some(all) = schema["allOf"].as_array() {
            return self.merged(schema, all, name, depth);
        }
        for kind in ["oneOf", "anyOf"] {
            if let Some(several) = schema[kind].as_array() {
                return self.first(several, name, depth);
            }
        }
        let (kind, nullable) = kind_of(schema);
        let node = match kind {
            "object" => self.object(schema, depth),
            "array" => self.array(schema, name, depth),
            "integer" => number(schema, true),
            "number" => number(schema, false),
            "boolean" => Node::known(json!("$bool")),
            "null" => return Node::known(Value::Null),
            _ => string(schema, name),
        };
        node.nullable(nullable)
    }

    fn object(&self, schema: &Value, depth: usize) -> Node {
        let properties = schema["properties"].as_object();
        let each = properties.into_iter().flatten();
        let fields = each.map(|(name, schema)| (name.clone(), self.node(schema, name, depth + 1)));
        Node::Object(fields.collect())
    }

    fn merged(&self, schema: &Value, all: &[Value], name: &str, depth: usize) -> Node {
        let mut fields = Fields::new();
        let parts = all.iter().chain(schema.get("properties").map(|_| schema));
        let mut last = None;
        for part in parts {
            let node = match part == schema {
                true => self.object(schema, depth),
                false => self.node(part, name, depth + 1),
            };
            match node {
                Node::Object(more) => {
                    fields.retain(|(name, _)| !more.iter().any(|(other, _)| other == name));
                    fields.extend(more);
                }
                other => last = Some(other),
            }
        }
        match last {
            Some(other) if fields.is_empty() => other,
            _ => Node::Object(fields),
        }
    }

    fn first(&self, several: &[Value], name: &str, depth: usize) -> Node {
        let null = |schema: &&Value| schema["type"] == "null";
        let nullable = several.iter().any(|schema| null(&schema));
        let mut others = several.iter().filter(|schema| !null(schema));
        let node = match others.next() {
            Some(first) => self.node(first, name, depth + 1),
            None => Node::known(Value::Null),
        };
        let node = match (others.count(), node) {
            (0, node) => node,
            (more, Node::One { value, .. }) => {
                Node::guessed(value, format!("the first of {} alternatives", more + 1))
            }
            (_, node) => node,
        };
        node.nullable(nullable)
    }

    fn array(&self, schema: &Value, name: &str, depth: usize) -> Node {
        let item = self.node(&schema["items"], name, depth + 1);
        let least = schema["minItems"].as_u64();
        let most = schema["maxItems"].as_u64().map(|most| most.min(10_000));
        let max = most.unwrap_or(least.unwrap_or(1).max(1) + 2);
        let min = least.unwrap_or(1).min(max);
        let note = most.is_none().then_some("guessed: how many");
        Node::list(min, max, &item, note)
    }
}

/// The type, and whether it may be null.
fn kind_of(schema: &Value) -> (&str, bool) {
    let nullable = schema["nullable"] == true;
    match &schema["type"] {
        Value::String(kind) => (kind, nullable),
        Value::Array(kinds) => {
            let kinds: Vec<&str> = kinds.iter().filter_map(Value::as_str).collect();
            let kind = kinds.iter().find(|kind| **kind != "null");
            (
                kind.copied().unwrap_or("null"),
                nullable || kinds.contains(&"null"),
            )
        }
        _ if schema.get("properties").is_some() => ("object", nullable),
        _ if schema.get("items").is_some() => ("array", nullable),
        _ => ("string", nullable),
    }
}

fn choice(values: &[Value]) -> Node {
    match values {
        [only] => Node::known(Node::fixed(only)),
        values => Node::known(Node::choice(values.iter().map(|value| (value, 1)))),
    }
}

fn number(schema: &Value, whole: bool) -> Node {
    let of = |names: [&str; 2], step: f64| {
        let exclusive = schema[names[1]].as_f64().map(|bound| bound + step);
        schema[names[0]]
            .as_f64()
            .map(|bound| match schema[names[1]] == true {
                // OpenAPI 3.0 and drafts before 6 have a flag beside the bound.
                true => bound + step,
                false => bound,
            })
            .or(exclusive)
    };
    let step = if whole { 1.0 } else { 0.01 };
    let least = of(["minimum", "exclusiveMinimum"], step);
    let most = of(["maximum", "exclusiveMaximum"], -step);
    let min = least.unwrap_or_else(|| most.map_or(0.0, |most| (most - 1000.0).min(0.0)));
    let max = most.unwrap_or(if min < 1000.0 { 1000.0 } else { min * 2.0 });
    let number = |value: f64| match value.fract() == 0.0 {
        true => json!(value as i64),
        false => json!(value),
    };
    let operator = if whole { "$int" } else { "$float" };
    let value = json!({ operator: { "min": number(min), "max": number(max) } });
    match (least, most) {
        (Some(_), Some(_)) => Node::known(value),
        (None, None) => Node::guessed(value, "the range"),
        (Some(_), None) => Node::guessed(value, "the largest"),
        (None, Some(_)) => Node::guessed(value, "the least"),
    }
}

/// Text as a schema describes it.
pub(super) fn string(schema: &Value, name: &str) -> Node {
    let format = match schema["format"].as_str().unwrap_or_default() {
        "uuid" => Some(json!("$uuid")),
        "date-time" => Some(json!("$time")),
        "date" => Some(json!({ "$time": { "format": "date" } })),
        "email" | "idn-email" => Some(json!({ "$fake": "email" })),
        "ipv4" => Some(json!({ "$fake": "ipv4" })),
        "uri" | "url" | "uri-reference" => {
            Some(json!({ "$pattern": "https://example\\.com/[a-z]{4,12}" }))
        }
        "time" => Some(json!({ "$pattern": "(0[0-9]|1[0-9]|2[0-3])(:[0-5][0-9]){2}Z" })),
        "hostname" => Some(json!({ "$pattern": "[a-z]{3,12}\\.example\\.com" })),
        "ipv6" => Some(json!({ "$pattern": "2001:db8(:[0-9a-f]{4}){6}" })),
        _ => None,
    };
    if let Some(value) = format {
        return Node::known(value);
    }
    if let Some(pattern) = schema["pattern"].as_str() {
        return match bounded(pattern) {
            Some((pattern, false)) => Node::known(json!({ "$pattern": pattern })),
            Some((pattern, true)) => Node::guessed(json!({ "$pattern": pattern }), "how long"),
            None => Node::guessed(words(4, 12), format!("a template can't have {pattern}")),
        };
    }
    let bound = |name: &str| schema[name].as_u64().and_then(|n| usize::try_from(n).ok());
    let (least, most) = (bound("minLength"), bound("maxLength"));
    if let (None, Some(kind)) = (least, person(name)) {
        return Node::guessed(json!({ "$fake": kind }), "by its name");
    }
    let min = least.unwrap_or(most.unwrap_or(4).min(4));
    let value = words(min, most.unwrap_or(min.max(4) + 8).min(min.max(4) + 28));
    Node::guessed(value, "text without a meaning")
}

/// A pattern as `template` takes it, and whether it had no end before; none where it can't be had.
fn bounded(pattern: &str) -> Option<(String, bool)> {
    let text = pattern.strip_prefix('^').unwrap_or(pattern);
    // A dollar sign with a backslash before it is meant as one.
    let text = match text.strip_suffix('$') {
        Some(rest) if !rest.ends_with('\\') => rest,
        _ => text,
    };
    let mut out = String::new();
    let mut changed = !pattern.starts_with('^');
    let mut class = false;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next()? {
                's' => out.push(' '),
                'b' | 'B' | 'D' | 'S' | 'W' | 'p' | 'P' | 'u' | 'x' | 'k' | '1'..='9' => {
                    return None;
                }
                escaped => out.extend(['\\', escaped]),
            },
            '[' if !class => {
                if chars.peek() == Some(&'^') {
                    return None;
                }
                class = true;
                out.push(c);
            }
            ']' => {
                class = false;
                out.push(c);
            }
            _ if class => out.push(c),
            '^' | '$' => return None,
            '.' => {
                changed = true;
                out.push_str("[a-z]");
            }
            '*' | '+' => {
                changed = true;
                out.push_str(&format!("{{{},{MORE}}}", u8::from(c == '+')));
                chars.next_if_eq(&'?');
            }
            '(' => {
                out.push(c);
                if chars.next_if_eq(&'?').is_some() {
                    chars.next_if_eq(&':')?;
                    out.push_str("?:");
                }
            }
            '{' => {
                let bounds: String = std::iter::from_fn(|| chars.next_if(|c| *c != '}')).collect();
                chars.next();
                match bounds.strip_suffix(',') {
                    Some(least) => {
                        let least: usize = least.trim().parse().ok()?;
                        changed = true;
                        out.push_str(&format!("{{{least},{}}}", (least + MORE).min(64)));
                    }
                    None => out.push_str(&format!("{{{bounds}}}")),
                }
            }
            other => out.push(other),
        }
    }
    Some((out, changed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schema_becomes_a_record() {
        let schema = json!({
            "title": "Order Line", "type": "object", "required": ["id"],
            "$defs": {"money": {"type": "number", "minimum": 0, "exclusiveMaximum": 100}},
            "properties": {
                "id": {"type": "string", "format": "uuid"},
                "sku": {"type": "string", "pattern": "^[A-Z]{3}-\\d+$"},
                "price": {"$ref": "#/$defs/money"},
                "count": {"type": ["integer", "null"], "minimum": 1, "maximum": 9},
                "state": {"enum": ["new", "paid"]},
                "city": {"type": "string"},
                "tags": {"type": "array", "items": {"const": "a"}, "minItems": 2, "maxItems": 2},
                "to": {"allOf": [{"properties": {"zip": {"type": "string", "maxLength": 3}}}]},
                "loop": {"$ref": "#"}
            }
        });
        let (name, fields, _) = of_schema(&schema, "x").unwrap();
        assert_eq!(name, "Order Line");
        let record = Node::object_value(&fields);
        assert_eq!(record["id"], "$uuid");
        assert_eq!(record["sku"], json!({"$pattern": "[A-Z]{3}-\\d{1,8}"}));
        assert_eq!(record["price"], json!({"$float": {"min": 0, "max": 99.99}}));
        assert_eq!(
            record["count"],
            json!({"$null": {"share": 0.1, "of": {"$int": {"min": 1, "max": 9}}}})
        );
        assert_eq!(record["state"], json!({"$choice": ["new", "paid"]}));
        assert_eq!(record["city"], json!({"$fake": "city"}));
        assert_eq!(
            record["tags"],
            json!({"$array": {"min": 2, "max": 2, "of": "a"}})
        );
        assert_eq!(record["to"], json!({"zip": {"$fake": "postal_code"}}));
        assert!(record["loop"]["loop"]["id"].is_string());
    }

    #[test]
    fn patterns_get_an_end() {
        assert_eq!(bounded("^a.b*$"), Some(("a[a-z]b{0,8}".to_owned(), true)));
        assert_eq!(
            bounded("^[a.*]{2}\\.x$"),
            Some(("[a.*]{2}\\.x".to_owned(), false))
        );
        assert_eq!(
            bounded("^(?:ab){3,}$"),
            Some(("(?:ab){3,11}".to_owned(), true))
        );
        for none in ["^(?=a)b$", "^[^a]$", "a\\b"] {
            assert_eq!(bounded(none), None, "{none}");
        }
    }
}
