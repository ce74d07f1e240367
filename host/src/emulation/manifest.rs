//! What reproduces a run, and the hashes with which anybody can check that it did.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

/// Versions of the functions that bytes depend on, so that a change of one shows.
pub type Functions = BTreeMap<String, u32>;

/// All that the bytes of a run depend on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Identity {
    /// The generator as it names itself.
    pub generator: String,
    /// Its version.
    pub version: String,
    /// SHA-256 of the component, in hex.
    pub component: String,
    /// The spec's configuration with the generator's defaults filled in.
    pub config: Value,
    /// SHA-256 of each asset, in hex.
    pub assets: BTreeMap<String, String>,
    /// The seed.
    pub seed: u64,
    /// How many streams the whole emulation has.
    pub streams: u32,
    /// The spec without secrets, for people and for `verify`.
    pub spec: Value,
    /// Event segments of the schedule.
    pub segments: Value,
    /// Versions of schedule, hash and faults.
    pub functions: Functions,
    /// What each stream gave.
    pub streams_generated: Vec<StreamHash>,
}

/// Records of one stream and their hash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StreamHash {
    /// Which stream.
    pub index: u32,
    /// How many records (empty ones counted).
    pub records: u64,
    /// Chained XXH3-128 over them, in hex.
    pub xxh3_128: String,
}

/// What differs from one execution to the next; nothing compares it.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Timings {
    /// Identity of the run.
    pub run: String,
    /// Version of the host.
    pub host: String,
    /// When this execution began, RFC 3339.
    pub started: String,
    /// Due segments of the schedule, with their origins.
    pub due: Value,
    /// Event time at which a backfill went over to real time, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub live_from: Option<String>,
}

/// A manifest as it is written.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Manifest {
    /// What reproduces the run.
    pub identity: Value,
    /// SHA-256 of `identity` as canonical JSON (keys sorted, no blanks), in hex.
    pub digest: String,
    /// What each stream gave: the part of the identity that is compared first.
    pub streams: Vec<StreamHash>,
    /// What no comparison looks at.
    pub timings: Timings,
}

impl Manifest {
    /// Seals an identity.
    ///
    /// # Errors
    /// Where the identity doesn't serialise (a number that JSON has no form for).
    pub fn seal(identity: &Identity, timings: Timings) -> Result<Manifest, serde_json::Error> {
        let value = serde_json::to_value(identity)?;
        let digest = hex::encode(Sha256::digest(canonical(&value).to_string().as_bytes()));
        Ok(Manifest {
            identity: value,
            digest,
            streams: identity.streams_generated.clone(),
            timings,
        })
    }
}

/// The same value with the keys of every object sorted.
pub fn canonical(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let sorted: BTreeMap<_, _> = map.iter().collect();
            Value::Object(
                sorted
                    .into_iter()
                    .map(|(k, v)| (k.clone(), canonical(v)))
                    .collect(),
            )
        }
        Value::Array(items) => Value::Array(items.iter().map(canonical).collect()),
        other => other.clone(),
    }
}

/// JSON Schema of a manifest.
pub fn schema() -> schemars::Schema {
    schemars::schema_for!(Manifest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn order_of_keys_is_no_difference() {
        let (a, b) = (
            json!({"b": {"y": 1, "x": 2}, "a": [1]}),
            json!({"a": [1], "b": {"x": 2, "y": 1}}),
        );
        assert_eq!(canonical(&a).to_string(), canonical(&b).to_string());
        assert_ne!(
            canonical(&a).to_string(),
            canonical(&json!({"a": [2]})).to_string()
        );
    }
}
