//! What a channel's JSON Schema says of the fields that a record has.

use serde_json::{Map, Value};

use super::path::Path;

/// No chain of references in a schema that makes sense is longer.
const LONGEST_CHAIN: usize = 32;

/// A channel's schema, and a place in it.
#[derive(Clone, Copy, Debug)]
pub struct Schema<'a> {
    root: &'a Value,
    here: &'a Value,
}

impl<'a> Schema<'a> {
    /// The schema of a whole record.
    pub fn new(root: &'a Value) -> Schema<'a> {
        Schema { root, here: root }.followed()
    }

    /// The schema's own keywords; none of a schema that is `true` or `false`.
    pub fn keywords(&self) -> Option<&'a Map<String, Value>> {
        self.here.as_object()
    }

    /// Another place in the same document, its `$ref` followed.
    pub fn at(&self, here: &'a Value) -> Schema<'a> {
        Schema {
            root: self.root,
            here,
        }
        .followed()
    }

    fn followed(mut self) -> Schema<'a> {
        for _ in 0..LONGEST_CHAIN {
            let Some(reference) = self.here.get("$ref").and_then(Value::as_str) else {
                break;
            };
            match self.target(reference) {
                Some(target) => self.here = target,
                None => break,
            }
        }
        self
    }

    /// Where `#`, `#/json/pointer` or `#anchor` leads.
    fn target(&self, reference: &str) -> Option<&'a Value> {
        let fragment = reference.strip_prefix('#')?;
        if fragment.is_empty() || fragment.starts_with('/') {
            return self.root.pointer(&percent_decoded(fragment)?);
        }
        let definitions = self.root.get("$defs").and_then(Value::as_object)?;
        definitions
            .values()
            .find(|schema| schema.get("$anchor").and_then(Value::as_str) == Some(fragment))
    }

    /// The properties by name, in the schema's order: its own and those of its `allOf`. Empty
    /// where the schema names none.
    pub fn properties(&self) -> Vec<(&'a str, Schema<'a>)> {
        let mut properties = Vec::new();
        self.gather(&mut properties, 0);
        properties
    }

    fn gather(&self, into: &mut Vec<(&'a str, Schema<'a>)>, depth: usize) {
        let Some(keywords) = self.keywords().filter(|_| depth < LONGEST_CHAIN) else {
            return;
        };
        for (name, schema) in keywords
            .get("properties")
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
        {
            if into.iter().all(|(seen, _)| seen != name) {
                into.push((name, self.at(schema)));
            }
        }
        for part in keywords
            .get("allOf")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            self.at(part).gather(into, depth + 1);
        }
    }

    /// Whether a record may have that field. Where the schema names no properties, nothing speaks
    /// against it. The error is the names that there are instead.
    pub fn admits(&self, path: &Path) -> Result<(), Vec<&'a str>> {
        let mut here = *self;
        for name in path.names() {
            let properties = here.properties();
            if properties.is_empty() {
                return Ok(());
            }
            match properties.iter().find(|(known, _)| *known == name) {
                Some((_, schema)) => here = schema.unwrapped(),
                None => return Err(properties.into_iter().map(|(known, _)| known).collect()),
            }
        }
        Ok(())
    }

    /// The one alternative that isn't null, where there are alternatives and only one is left.
    fn unwrapped(self) -> Schema<'a> {
        let alternatives = self
            .keywords()
            .and_then(|keywords| keywords.get("anyOf").or_else(|| keywords.get("oneOf")))
            .and_then(Value::as_array);
        let mut left = alternatives
            .into_iter()
            .flatten()
            .map(|schema| self.at(schema))
            .filter(|schema| schema.here.get("type").and_then(Value::as_str) != Some("null"));
        match (left.next(), left.next()) {
            (Some(only), None) => only,
            _ => self,
        }
    }
}

/// A URI fragment's `%41` as characters. Nothing where it isn't UTF-8.
fn percent_decoded(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let code = (bytes[at] == b'%')
            .then(|| text.get(at + 1..at + 3))
            .flatten()
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        out.push(code.unwrap_or(bytes[at]));
        at += if code.is_some() { 3 } else { 1 };
    }
    String::from_utf8(out).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn references_are_followed_and_circles_end() {
        let root = json!({
            "$ref": "#/$defs/record",
            "$defs": {
                "record": {"properties": {"a": {"$ref": "#/$defs/a%20b"}, "c": {"$ref": "#circle"}}},
                "a b": {"type": "string"},
                "circle": {"$anchor": "circle", "$ref": "#/$defs/circle"},
            }
        });
        let properties = Schema::new(&root).properties();
        assert_eq!(properties[0].0, "a");
        assert_eq!(properties[0].1.keywords().unwrap()["type"], "string");
        assert_eq!(properties[1].0, "c");
    }

    #[test]
    fn fields_are_looked_up_through_nesting_and_null() {
        let root = json!({"properties": {
            "address": {"anyOf": [{"properties": {"city": {"type": "string"}}}, {"type": "null"}]},
            "free": {"type": "object"},
        }});
        let schema = Schema::new(&root);
        let admits = |text: &str| schema.admits(&Path::parse(text).unwrap());
        assert_eq!(admits("address.city"), Ok(()));
        assert_eq!(admits("address.street"), Err(vec!["city"]));
        assert_eq!(admits("free.anything"), Ok(()));
        assert_eq!(admits("adress"), Err(vec!["address", "free"]));
    }
}
