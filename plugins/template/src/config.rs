//! What users can set: the record, and which of its fields is the key.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use wellhead_sdk::Error;

use crate::nested;

/// Configuration of `template`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// What the one channel is called: lower-case letters, digits and `_`, a letter first.
    #[schemars(regex(pattern = "^[a-z][a-z0-9_]{0,63}$"))]
    pub channel: String,
    /// The field whose text is a record's key, as a path with dots: `customer.id`. Records have
    /// no key when it is absent.
    pub key: Option<String>,
    /// The record: names and what stands there. An object whose only member's name begins with
    /// `$` is made anew for each record (`{$int: {min: 1, max: 6}}`); anything else is itself.
    #[serde(deserialize_with = "nested::fields")]
    pub record: Map<String, Value>,
}

impl Default for Config {
    fn default() -> Self {
        let record = json!({
            "id": {"$sequence": {"from": 1}},
            "name": {"$fake": "name"},
            "at": {"$time": {"format": "rfc3339"}},
            "value": {"$float": {
                "min": 0, "max": 100, "distribution": "normal", "mean": 50, "deviation": 15,
                "decimals": 2
            }},
        });
        Config {
            channel: "record".to_owned(),
            key: None,
            record: match record {
                Value::Object(fields) => fields,
                _ => Map::new(),
            },
        }
    }
}

impl Config {
    /// What the schema says too: how the channel may be called, and that a record has fields.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let name = &self.channel;
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
        let begins = name.bytes().next().is_some_and(|b| b.is_ascii_lowercase());
        if !begins || name.len() > 64 || !name.bytes().all(plain) {
            return Err(Error::invalid_config(format!(
                "`channel` is `{name}`, and has to be 1 to 64 lower-case letters, digits and `_`, \
                 a letter first"
            )));
        }
        if self.record.is_empty() {
            return Err(Error::invalid_config(
                "`record` is empty; write a field at least, such as `id: $uuid`",
            ));
        }
        Ok(())
    }
}
