//! What is secret in a spec, and how it is kept from being shown.

use std::collections::BTreeMap;

use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};

use super::options::resolve;
use super::place::push_step;
use super::tree::{Data, Node};

/// Parts of names whose values are secret wherever no schema says what they are.
const WORDS: &[&str] = &[
    "password",
    "passwd",
    "passphrase",
    "secret",
    "token",
    "credential",
    "private_key",
    "privatekey",
    "api_key",
    "apikey",
    "authorization",
    "key.pem",
    "jaas",
    "userinfo",
];

/// Whether a name says that its value is a secret.
pub fn is_secret_name(name: &str) -> bool {
    let lower = name.to_ascii_lowercase().replace('-', "_");
    WORDS.iter().any(|word| lower.contains(word))
}

/// Overwrites with `*`, byte for byte, what follows the names of secrets, and passwords in URLs.
/// It looks at the text alone, since it goes before the parser; it rather takes too much.
pub fn blot(text: &str) -> String {
    let lower = text.to_ascii_lowercase().replace('-', "_").into_bytes();
    let mut bytes = text.as_bytes().to_vec();
    for word in WORDS {
        for at in memchr::memmem::find_iter(&lower, word.as_bytes()) {
            if let Some((start, end)) = value_after(&lower, at + word.len()) {
                bytes[start..end].fill(b'*');
            }
        }
    }
    for at in memchr::memmem::find_iter(text.as_bytes(), b"://") {
        if let Some((start, end)) = url_password(text.as_bytes(), at + 3) {
            bytes[start..end].fill(b'*');
        }
    }
    // Whole values are overwritten, so no character is cut in half; if one were, it would be shown as such.
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The stretch of the value after a name that ends about `at`: `name: value`, `"name": "value"`.
fn value_after(text: &[u8], mut at: usize) -> Option<(usize, usize)> {
    let skip = |mut at: usize, wanted: fn(u8) -> bool| {
        while text.get(at).copied().is_some_and(wanted) {
            at += 1;
        }
        at
    };
    at = skip(at, |b| {
        b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.')
    });
    at = skip(at, |b| matches!(b, b'"' | b'\'' | b' ' | b'\t'));
    if !matches!(text.get(at), Some(b':' | b'=')) {
        return None;
    }
    at = skip(at + 1, |b| matches!(b, b' ' | b'\t'));
    let quote = *text.get(at)?;
    let end = if matches!(quote, b'"' | b'\'') {
        at += 1;
        let mut end = at;
        while text.get(end).is_some_and(|&b| b != quote) {
            end += 1 + usize::from(text[end] == b'\\');
        }
        end.min(text.len())
    } else {
        skip(at, |b| b != b'\n')
    };
    Some((at, end))
}

/// The password in `user:password@host`, which begins at `at`.
fn url_password(text: &[u8], at: usize) -> Option<(usize, usize)> {
    let rest = &text[at..];
    let end = rest
        .iter()
        .position(|b| b.is_ascii_whitespace() || matches!(b, b'/' | b'"' | b'\'' | b','))
        .unwrap_or(rest.len());
    let host = rest[..end].iter().rposition(|&b| b == b'@')?;
    let colon = rest[..host].iter().position(|&b| b == b':')?;
    Some((at + colon + 1, at + host))
}

/// Overwrites in `text` every value of the tree whose name says that it is a secret: block scalars,
/// which [`blot`] can't tell, are found here.
pub fn blot_tree(node: &Node, text: &mut [u8]) {
    match &node.data {
        Data::List(items) => items.iter().for_each(|item| blot_tree(item, text)),
        Data::Map(entries) => {
            for (key, value) in entries {
                if !is_secret_name(&key.text) {
                    blot_tree(value, text);
                } else if let (Data::Text(_), Some(bytes)) =
                    (&value.data, text.get_mut(value.span.clone()))
                {
                    for byte in bytes.iter_mut().filter(|byte| **byte != b'\n') {
                        *byte = b'*';
                    }
                }
            }
        }
        _ => {}
    }
}

/// Secrets taken out of a sink's options: where each was (a JSON pointer) and its value as JSON text.
#[derive(Clone, Debug, Default)]
pub struct Secrets(BTreeMap<String, SecretString>);

impl Secrets {
    /// Takes out of `options` what `schema` (a JSON Schema of an object) marks `writeOnly` or
    /// `x-secret`, what the name says is secret where the schema doesn't know it, and URLs with a password.
    pub fn take(options: &mut Map<String, Value>, schema: &Value) -> Secrets {
        let mut secrets = Secrets::default();
        secrets.walk(options, schema, schema, &mut String::new());
        secrets
    }

    fn walk(
        &mut self,
        options: &mut Map<String, Value>,
        schema: &Value,
        root: &Value,
        pointer: &mut String,
    ) {
        let length = pointer.len();
        let taken: Vec<String> = options
            .iter()
            .filter(|(name, value)| is_secret(name, value, schema, root))
            .map(|(name, _)| name.clone())
            .collect();
        for name in taken {
            if let Some(value) = options.shift_remove(&name) {
                push_step(pointer, &name);
                let text = SecretString::from(value.to_string());
                self.0.insert(pointer.clone(), text);
                pointer.truncate(length);
            }
        }
        for (name, value) in options.iter_mut() {
            let inner = property(schema, root, name).cloned().unwrap_or(Value::Null);
            push_step(pointer, name);
            match value {
                Value::Object(map) => self.walk(map, &inner, root, pointer),
                Value::Array(items) => {
                    let within = pointer.len();
                    let inner = resolve(&inner, root).get("items").cloned();
                    let inner = inner.unwrap_or(Value::Null);
                    for (i, item) in items.iter_mut().enumerate() {
                        push_step(pointer, &i.to_string());
                        if let Value::Object(map) = item {
                            self.walk(map, &inner, root, pointer);
                        }
                        pointer.truncate(within);
                    }
                }
                _ => {}
            }
            pointer.truncate(length);
        }
    }

    /// Puts the secrets back where they were: the only way to them.
    pub fn restore(&self, options: &mut Map<String, Value>) {
        for (pointer, secret) in &self.0 {
            let Ok(value) = serde_json::from_str::<Value>(secret.expose_secret()) else {
                continue;
            };
            let (parent, name) = pointer.rsplit_once('/').unwrap_or(("", pointer));
            let name = name.replace("~1", "/").replace("~0", "~");
            if parent.is_empty() {
                options.insert(name, value);
                continue;
            }
            let mut all = Value::Object(std::mem::take(options));
            if let Some(Value::Object(map)) = all.pointer_mut(parent) {
                map.insert(name, value);
            }
            if let Value::Object(map) = all {
                *options = map;
            }
        }
    }

    /// Whether the option at `pointer` is among them.
    pub fn contains(&self, pointer: &str) -> bool {
        self.0.contains_key(pointer)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The schema of a property of an object's schema.
fn property<'a>(schema: &'a Value, root: &'a Value, name: &str) -> Option<&'a Value> {
    resolve(schema, root).get("properties")?.get(name)
}

fn is_secret(name: &str, value: &Value, schema: &Value, root: &Value) -> bool {
    let marked = |schema: &Value| {
        ["writeOnly", "x-secret"]
            .iter()
            .any(|mark| schema[*mark] == true)
    };
    if let Value::String(text) = value
        && let Some(at) = text.find("://")
        && url_password(text.as_bytes(), at + 3).is_some()
    {
        return true;
    }
    match property(schema, root, name) {
        Some(inner) => marked(inner) || marked(resolve(inner, root)),
        None => is_secret_name(name),
    }
}
