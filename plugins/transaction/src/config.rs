//! What users can set.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wellhead_sdk::Error;

/// Configuration of `transaction`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// How many customers pay. Customer `i` is profile `i` of `user-profile` under the same seed.
    #[schemars(range(min = 1, max = 1_000_000_000))]
    pub customers: u32,
    /// How many merchants there are in each category of each country.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub merchants: u32,
    /// The share of payments that are fraud, 0 to 1.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub fraud: f64,
    /// The share of ordinary payments that are declined, 0 to 1. Large amounts are declined three
    /// times as often, fraud at a rate of its own.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub declines: f64,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            customers: 10_000,
            merchants: 40,
            fraud: 0.002,
            declines: 0.03,
        }
    }
}

impl Config {
    /// What the schema says too, for those who run the generator without a host.
    pub(crate) fn check(&self) -> Result<(), Error> {
        if !(1..=1_000_000_000).contains(&self.customers) {
            return Err(Error::invalid_config(
                "`customers` must be between 1 and 1000000000",
            ));
        }
        if !(1..=1_000_000).contains(&self.merchants) {
            return Err(Error::invalid_config(
                "`merchants` must be between 1 and 1000000",
            ));
        }
        for (name, share) in [("fraud", self.fraud), ("declines", self.declines)] {
            if !(0.0..=1.0).contains(&share) {
                return Err(Error::invalid_config(format!(
                    "`{name}` is a share, between 0 and 1, not {share}"
                )));
            }
        }
        Ok(())
    }
}

/// A share as a part of 2³²; 1 as the largest there is.
pub(crate) fn part_of_2_32(share: f64) -> u32 {
    (share * 4_294_967_296.0) as u32
}
