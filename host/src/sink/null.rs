//! Counts records and forgets them: for measuring.

use std::sync::Arc;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{
    Address, Config, ConfigError, Context, Guarantee, Kind, Reach, Receipt, SendError, Sink,
    options,
};
use crate::record::{Channel, Group};

/// The row of the table of sinks.
pub const KIND: Kind = Kind {
    name: "null",
    summary: "Counts records and forgets them, for measuring.",
    reach: Reach::Nothing,
    schema: || schemars::schema_for!(Options),
    from_address,
    configure: |given| {
        let options: Options = options::parse("null", given)?;
        Ok(Arc::new(options))
    },
};

/// There are none.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Options {}

fn from_address(address: &Address) -> Result<Map<String, Value>, ConfigError> {
    if address.authority.is_empty() && address.path.is_empty() {
        return Ok(Map::new());
    }
    Err(ConfigError::new(
        "null takes no address: write `null` alone",
    ))
}

impl Config for Options {
    fn target(&self) -> String {
        "null".to_owned()
    }

    fn check(&self, _: &[Channel], _: bool) -> Result<(), ConfigError> {
        Ok(())
    }

    fn open(&self, context: Context) -> Result<Box<dyn Sink>, SendError> {
        Ok(Box::new(Null { context }))
    }
}

struct Null {
    context: Context,
}

#[async_trait]
impl Sink for Null {
    fn guarantee(&self) -> Guarantee {
        Guarantee::AtLeastOnce
    }

    async fn write(&mut self, group: &Group) -> Result<(), SendError> {
        for part in group.parts.iter().filter(|part| !part.is_empty()) {
            self.context.receipts.settle(part, &[]);
        }
        Ok(())
    }

    async fn commit(&mut self) -> Result<Receipt, SendError> {
        Ok(Receipt::at(self.context.receipts.watermark()))
    }
}
