//! What users can set.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wellhead_sdk::Error;

use crate::times::Stamp;

/// Configuration of `replay`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The asset that is replayed: a JSON array of objects, or an object a line (NDJSON).
    #[schemars(length(min = 1))]
    pub asset: String,
    /// Begin again after the last object, instead of ending.
    #[serde(rename = "loop")]
    pub looped: bool,
    /// What becomes of the time in each object.
    pub times: Times,
    /// The field of an object that has its time: RFC 3339, or a number since the Unix epoch, in
    /// seconds, milliseconds, microseconds or nanoseconds by its size.
    pub time_field: Option<String>,
    /// For `times: shift`, the time that the first object gets, RFC 3339.
    pub start: Option<String>,
}

/// What becomes of the time in each object.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Times {
    /// It stays as it is in the file.
    #[default]
    Keep,
    /// All are moved alike, so that the first is `start`; around again, they go on from there.
    Shift,
    /// That of the file doesn't matter: each object gets the event time of its record.
    Ignore,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            asset: "payloads".to_owned(),
            looped: false,
            times: Times::Keep,
            time_field: None,
            start: None,
        }
    }
}

impl Config {
    /// The field to look for, if times change, and the time that the first object gets.
    pub(crate) fn check(&self) -> Result<(&str, Option<Stamp>), Error> {
        let wrong = |why: &str| Err(Error::invalid_config(why));
        let field = self.time_field.as_deref().unwrap_or_default();
        if self.times == Times::Keep {
            return Ok(("", None));
        }
        if field.is_empty() {
            return wrong(
                "`times` is to change, and `time_field` doesn't say where they are; set it",
            );
        }
        if field.contains(['"', '\\']) || field.contains(char::is_control) {
            return wrong("`time_field` can't have quotes, backslashes or control characters");
        }
        match (self.times, &self.start) {
            (Times::Shift, None) => wrong(
                "`times: shift` takes a `start`, which is the time that the first object gets",
            ),
            (Times::Shift, Some(text)) => match Stamp::read(format!("\"{text}\"").as_bytes()) {
                Some(stamp) => Ok((field, Some(stamp))),
                None => Err(Error::invalid_config(format!(
                    "`start` is `{text}`, and has to be like 2024-01-01T00:00:00Z"
                ))),
            },
            _ => Ok((field, None)),
        }
    }
}
