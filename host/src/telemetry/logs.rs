//! What the process logs, and how that is changed while it runs.

use std::collections::BTreeMap;
use std::sync::{Mutex, OnceLock, PoisonError};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tracing_subscriber::filter::{EnvFilter, LevelFilter};
use tracing_subscriber::{Registry, reload};

/// Targets with a level of their own, at most.
const TARGETS: usize = 100;

/// What is logged.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LogLevels {
    /// off, error, warn, info, debug or trace, or levels by target as well (`info,wellhead::sink=debug`).
    pub level: String,
    /// Levels of targets beside it: {"wellhead::sink::http": "debug"}.
    #[serde(default)]
    pub levels: BTreeMap<String, String>,
}

/// Why levels can't be had.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// They can't be read.
    #[error("log level {text}: {why}; write error, warn, info, debug or trace")]
    Unreadable {
        /// What was asked for.
        text: String,
        /// What is wrong with it.
        why: String,
    },
    /// The program that this is part of logs in its own way.
    #[error("the logs of this process are set up elsewhere; change their levels there")]
    Foreign,
}

impl LogLevels {
    /// As one text: the levels of targets behind the general one.
    pub fn text(&self) -> String {
        let targets = self.levels.iter();
        let directives: Vec<String> = std::iter::once(self.level.to_lowercase())
            .chain(targets.map(|(target, level)| format!("{target}={level}")))
            .collect();
        directives.join(",")
    }

    /// What lets through as much.
    ///
    /// # Errors
    /// Where a level is none, or a target can't be one.
    pub fn filter(&self) -> Result<EnvFilter, LogError> {
        let text = self.text();
        let wrong = |why: String| LogError::Unreadable {
            text: text.clone(),
            why,
        };
        // A single word that is no level would be taken for a target.
        let alone = !self.level.contains(['=', ',']);
        if alone && !is_level(&self.level) {
            return Err(wrong("there is no such level".to_owned()));
        }
        if self.levels.len() > TARGETS {
            return Err(wrong(format!("there are over {TARGETS} targets")));
        }
        for (target, level) in &self.levels {
            let named = |c: char| c.is_ascii_alphanumeric() || "_-:.".contains(c);
            if target.is_empty() || !target.chars().all(named) {
                return Err(wrong(format!("`{target}` is no target")));
            }
            if !is_level(level) {
                return Err(wrong(format!("`{level}` of {target} is no level")));
            }
        }
        EnvFilter::try_new(&text).map_err(|e| wrong(e.to_string()))
    }
}

/// The library takes nothing at all for a level, too.
fn is_level(text: &str) -> bool {
    !text.is_empty() && text.parse::<LevelFilter>().is_ok()
}

struct Current {
    levels: Mutex<LogLevels>,
    handle: reload::Handle<EnvFilter, Registry>,
}

/// A process has one way of logging.
static CURRENT: OnceLock<Current> = OnceLock::new();

/// These are the levels from now on, and `handle` changes them. Called once, where logging is set up.
pub fn begin(levels: LogLevels, handle: reload::Handle<EnvFilter, Registry>) {
    let levels = Mutex::new(levels);
    // Whoever came first has set it up.
    let _ = CURRENT.set(Current { levels, handle });
}

/// What is logged now.
///
/// # Errors
/// Where that is set up elsewhere.
pub fn levels() -> Result<LogLevels, LogError> {
    let current = CURRENT.get().ok_or(LogError::Foreign)?;
    let levels = current.levels.lock();
    Ok(levels.unwrap_or_else(PoisonError::into_inner).clone())
}

/// Logs so much from now on.
///
/// # Errors
/// Where a level can't be read: nothing changes then.
pub fn set(levels: LogLevels) -> Result<(), LogError> {
    let filter = levels.filter()?;
    let current = CURRENT.get().ok_or(LogError::Foreign)?;
    // Held over both, so that what is said is what holds.
    let mut now = current
        .levels
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    current
        .handle
        .reload(filter)
        .map_err(|_| LogError::Foreign)?;
    *now = levels;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn levels(level: &str, targets: &[(&str, &str)]) -> LogLevels {
        let owned = |(target, level): &(&str, &str)| (target.to_string(), level.to_string());
        LogLevels {
            level: level.to_owned(),
            levels: targets.iter().map(owned).collect(),
        }
    }

    #[test]
    fn levels_by_target_stand_behind_the_general_one() {
        let all = levels("WARN", &[("wellhead::sink", "debug"), ("hyper", "off")]);
        assert_eq!(all.text(), "warn,hyper=off,wellhead::sink=debug");
        assert!(all.filter().is_ok());
        assert!(levels("info,wellhead::api=trace", &[]).filter().is_ok());
    }

    #[test]
    fn what_is_no_level_is_said() {
        for wrong in [
            levels("loud", &[]),
            levels("", &[]),
            levels("info", &[("wellhead", "loud")]),
            levels("info", &[("a=debug,b", "info")]),
            levels("info", &[("[span{field=x}]", "info")]),
            levels("info", &[("", "info")]),
        ] {
            let error = wrong.filter().unwrap_err().to_string();
            assert!(error.contains("write error, warn, info"), "{error}");
        }
    }
}
