//! What is logged, how, and where to: of the settings file, or of a file of its own.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Environment, SettingsError};
use crate::spec::{Format, Problem, SpecError, Text};

/// How logs are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// Text on a terminal, else JSON.
    #[default]
    Auto,
    /// For people.
    Text,
    /// A JSON object a line.
    Json,
}

/// What is logged, and how.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LogSettings {
    /// error, warn, info, debug or trace, or levels by target (`info,wellhead::sink=debug`).
    /// Environment: WELLHEAD_LOG_LEVEL, LOG_LEVEL.
    #[serde(default)]
    pub level: Option<String>,
    /// Levels of targets beside it: "wellhead::sink::http" = "debug".
    #[serde(default)]
    pub levels: BTreeMap<String, String>,
    /// `auto` is text on a terminal, else JSON. Environment: WELLHEAD_LOG_FORMAT.
    #[serde(default)]
    pub format: LogFormat,
    /// The file that logs are appended to; standard error when absent.
    #[serde(default)]
    pub destination: Option<PathBuf>,
}

impl LogSettings {
    /// Reads a file (TOML) that holds nothing else.
    ///
    /// # Errors
    /// One that can't be read, and what is wrong in it.
    pub fn read(path: &Path) -> Result<LogSettings, SettingsError> {
        let text = std::fs::read_to_string(path).map_err(|source| SettingsError::LogConfig {
            path: path.to_owned(),
            source,
        })?;
        let name = path.display().to_string();
        let said = Text::read(&text, Format::Toml, &name).and_then(|text| text.get());
        said.map_err(|problem| SpecError::from(problem).into())
    }

    /// With what the environment lays over it.
    pub(super) fn under(mut self, environment: &Environment) -> Result<LogSettings, Problem> {
        let level = environment.get("WELLHEAD_LOG_LEVEL");
        if let Some(level) = level.or(environment.get("LOG_LEVEL")) {
            self.level = Some(level.to_owned());
        }
        self.format = match environment.get("WELLHEAD_LOG_FORMAT") {
            None => self.format,
            Some("auto") => LogFormat::Auto,
            Some("text") => LogFormat::Text,
            Some("json") => LogFormat::Json,
            Some(other) => {
                let message = format!("WELLHEAD_LOG_FORMAT is `{other}`");
                return Err(Problem::new(message).help("set it to auto, text or json"));
            }
        };
        Ok(self)
    }
}
