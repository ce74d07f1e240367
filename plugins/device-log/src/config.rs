//! What users can set.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wellhead_sdk::Error;

use crate::mix::Mix;

/// Configuration of `device-log`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// How many devices the fleet has, at least one for each stream.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub devices: u32,
    /// How often each severity is logged by a device that is well, relative to the others.
    pub severities: Severities,
    /// Incidents a day that strike a group of 16 devices, on average.
    #[schemars(range(min = 0.0, max = 24.0))]
    pub incident_rate: f64,
    /// How many times as many lines a device logs in an incident or an update.
    #[schemars(range(min = 1, max = 1000))]
    pub burst: u32,
}

/// Weights of the severities; their sum doesn't matter.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Severities {
    /// Weight of `debug`.
    #[schemars(range(min = 0.0, max = 1_000_000.0))]
    pub debug: f64,
    /// Weight of `info`.
    #[schemars(range(min = 0.0, max = 1_000_000.0))]
    pub info: f64,
    /// Weight of `warning`.
    #[schemars(range(min = 0.0, max = 1_000_000.0))]
    pub warning: f64,
    /// Weight of `error`.
    #[schemars(range(min = 0.0, max = 1_000_000.0))]
    pub error: f64,
    /// Weight of `critical`.
    #[schemars(range(min = 0.0, max = 1_000_000.0))]
    pub critical: f64,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            devices: 1000,
            severities: Severities::default(),
            incident_rate: 0.5,
            burst: 20,
        }
    }
}

impl Default for Severities {
    fn default() -> Self {
        Severities {
            debug: 18.0,
            info: 72.0,
            warning: 8.0,
            error: 1.8,
            critical: 0.2,
        }
    }
}

impl Config {
    /// The severities of a device that is well.
    ///
    /// # Errors
    /// Where every weight is 0.
    pub(crate) fn well(&self) -> Result<Mix, Error> {
        let s = &self.severities;
        let weights = [s.debug, s.info, s.warning, s.error, s.critical];
        // In millionths of a million: whole numbers, so that no rounding differs anywhere.
        let whole = weights.map(|weight| (weight * 1_000_000.0) as u64);
        if whole.iter().all(|&weight| weight == 0) {
            return Err(Error::invalid_config(
                "`severities` are all 0, so there is nothing to log; set one above 0",
            ));
        }
        Ok(Mix::new(whole))
    }
}
