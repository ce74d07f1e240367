//! What users can set.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wellhead_sdk::Error;

/// Configuration of `machine-signal`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// How many machines there are, at least one for each stream. They take turns.
    #[schemars(range(min = 1, max = 100_000))]
    pub machines: u32,
    /// Seconds from one record of a machine to its next: what durations and ramps are counted in.
    /// They last as long as they should under a load of `machines` records every `period`.
    #[schemars(range(min = 0.001, max = 3600.0))]
    pub period: f64,
    /// Errors in an hour that a machine runs, on average.
    #[schemars(range(min = 0.0, max = 60.0))]
    pub error_rate: f64,
    /// Kilowatts that a machine is rated at, on average; each lies between half of it and half as
    /// much again.
    #[schemars(range(min = 0.1, max = 10_000.0))]
    pub rated_power: f64,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            machines: 10,
            period: 1.0,
            error_rate: 2.0,
            rated_power: 30.0,
        }
    }
}

impl Config {
    /// What the schema says too, for those who run the generator without a host.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let within = [
            ("machines", f64::from(self.machines), 1.0, 100_000.0),
            ("period", self.period, 0.001, 3600.0),
            ("error_rate", self.error_rate, 0.0, 60.0),
            ("rated_power", self.rated_power, 0.1, 10_000.0),
        ];
        for (name, value, least, most) in within {
            if !(least..=most).contains(&value) {
                return Err(Error::invalid_config(format!(
                    "`{name}` is {value}, and has to be between {least} and {most}"
                )));
            }
        }
        Ok(())
    }
}
