//! The options of exactly-once delivery, and the settings that they make.

use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::config::RDKafkaLogLevel;
use schemars::JsonSchema;
use serde::Deserialize;

use super::options::Options;
use crate::sink::ConfigError;
use crate::sink::options::{Size, Span};

/// When a transaction ends.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(inline)]
pub(super) struct Transaction {
    /// Once it has that many records.
    pub(super) records: usize,
    /// Once its records have that many bytes: they are kept until it is committed.
    pub(super) size: Size,
    /// Once it is that old; at most a second later where no records come.
    pub(super) interval: Span,
}

impl Default for Transaction {
    fn default() -> Transaction {
        Transaction {
            records: 250_000,
            size: Size(32 * 1024 * 1024),
            interval: Span(Duration::from_secs(1)),
        }
    }
}

impl Options {
    /// What types alone don't rule out.
    pub(super) fn check_transactions(&self) -> Result<(), ConfigError> {
        let wrong = |option: &str, message: &str| Err(ConfigError::option(option, message));
        if !self.exactly_once {
            return match self.transaction {
                Some(_) => wrong("transaction", "`transaction` needs `exactly_once: true`"),
                None => Ok(()),
            };
        }
        if self.acks.number() != Some(-1) {
            return wrong("acks", "`exactly_once: true` needs `acks: all`");
        }
        if self.idempotent == Some(false) {
            let message = "`exactly_once: true` needs `idempotent`: leave it out";
            return wrong("idempotent", message);
        }
        let bounds = self.transaction.clone().unwrap_or_default();
        let longest = Duration::from_secs(600);
        if bounds.records == 0 || bounds.size.0 == 0 {
            return wrong(
                "transaction",
                "a transaction has 1 record and 1 byte at least",
            );
        }
        if bounds.interval.0.is_zero() || bounds.interval.0 > longest {
            let message = "`interval` of a transaction is more than nothing and at most 10m";
            return wrong("transaction", message);
        }
        Ok(())
    }

    /// The settings of a producer of transactions. The brokers end a transaction whose producer is
    /// gone, and readers wait for that: its messages are given up before, and it is begun anew.
    pub(super) fn transactional(&self, config: &ClientConfig, id: &str) -> ClientConfig {
        let interval = self.transaction.clone().unwrap_or_default().interval.0;
        let message = self.timeout.0.min(Duration::from_secs(60));
        let message = message.max(Duration::from_secs(1));
        let whole = interval + message + Duration::from_secs(1);
        let mut config = config.clone();
        config
            .set("transactional.id", id)
            .set("message.timeout.ms", message.as_millis().to_string())
            .set("transaction.timeout.ms", whole.as_millis().to_string());
        config
    }

    /// The settings of a reader.
    pub(super) fn reader(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set_log_level(RDKafkaLogLevel::Warning);
        config
            .set("client.id", "wellhead")
            .set("bootstrap.servers", self.brokers.to_string());
        self.security.apply(&mut config);
        for (name, value) in &self.librdkafka {
            let shared = ["sasl.", "ssl.", "socket.", "broker.", "reconnect."];
            if shared.iter().any(|prefix| name.starts_with(prefix)) {
                let text = value
                    .as_str()
                    .map_or_else(|| value.to_string(), str::to_owned);
                config.set(name, text);
            }
        }
        config
    }
}
