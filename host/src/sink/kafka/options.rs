//! Options of a Kafka block, and the settings of librdkafka that they make.

use std::fmt;
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::config::RDKafkaLogLevel;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::exact::Transaction;
use super::security::Security;
use crate::sink::ConfigError;
use crate::sink::options::Span;

/// Options of Kafka.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub(super) struct Options {
    /// Where to connect first: host:port, several by commas or as a list.
    pub(super) brokers: Brokers,
    /// Where the records go. {channel}, {stream} and {run} stand for what they say, any other
    /// name in braces for a field of the record: orders.{address.country}
    pub(super) topic: String,
    /// Makes topics that are missing.
    #[serde(default = "yes")]
    pub(super) create: bool,
    /// Partitions of a topic that is made; the broker's default when absent.
    #[serde(default)]
    pub(super) partitions: Option<i32>,
    /// Replicas of a topic that is made; the broker's default when absent.
    #[serde(default)]
    pub(super) replication: Option<i32>,
    /// Settings of a topic that is made, by Kafka's names: {cleanup.policy: compact}
    #[serde(default)]
    pub(super) topic_config: Map<String, Value>,
    /// How many topics a template with fields may name.
    #[serde(default = "max_targets")]
    pub(super) max_targets: usize,
    /// The message key: "{customer_id}". The generator's own key when absent; no key where a
    /// record lacks the field.
    #[serde(default)]
    pub(super) key: Option<String>,
    /// Message headers by name, their values templates.
    #[serde(default)]
    pub(super) headers: Map<String, Value>,
    /// Adds the headers wellhead-run, wellhead-stream, wellhead-sequence and wellhead-operation.
    #[serde(default)]
    pub(super) meta_headers: bool,
    /// The message's time: sent (when it is produced) or event (the record's event time).
    #[serde(default)]
    pub(super) timestamp: MessageTime,
    /// Lets the broker drop what a retry would repeat. true unless acks is 0 or 1.
    #[serde(default)]
    pub(super) idempotent: Option<bool>,
    /// Whose acknowledgement counts: all, 1 (the leader's) or 0 (none: records are sent, not acknowledged).
    #[serde(default)]
    pub(super) acks: Acks,
    /// Sends in transactions that carry the watermark, so that a reader of committed records gets
    /// each once, also after a crash.
    #[serde(default)]
    pub(super) exactly_once: bool,
    /// When a transaction ends, with `exactly_once`: at whichever of its bounds comes first.
    #[serde(default)]
    pub(super) transaction: Option<Transaction>,
    /// none, gzip, snappy, lz4 or zstd.
    #[serde(default)]
    compression: Codec,
    /// How long a message waits for others of its batch, in milliseconds (librdkafka: 5).
    #[serde(default, rename = "linger.ms")]
    linger_ms: Option<f64>,
    /// Bytes of a batch (librdkafka: 1000000).
    #[serde(default, rename = "batch.size")]
    pub(super) batch_size: Option<u32>,
    /// Messages of a batch (librdkafka: 10000).
    #[serde(default, rename = "batch.num.messages")]
    batch_num_messages: Option<u32>,
    /// Messages that may wait for the broker (librdkafka: 100000).
    #[serde(default, rename = "queue.buffering.max.messages")]
    queue_messages: Option<u32>,
    /// KiB of messages that may wait for the broker.
    #[serde(default = "queue_kbytes", rename = "queue.buffering.max.kbytes")]
    queue_kbytes: u32,
    /// Any other setting of librdkafka by its name.
    #[serde(default)]
    pub(super) librdkafka: Map<String, Value>,
    /// How the connection is secured.
    #[serde(flatten)]
    pub(super) security: Security,
    /// How long a record may wait for its acknowledgement, over all retries, before the emulation fails.
    #[serde(default = "timeout")]
    pub(super) timeout: Span,
    /// How long brokers may take to answer at the start.
    #[serde(default = "connect_timeout")]
    pub(super) connect_timeout: Span,
}

fn yes() -> bool {
    true
}

fn max_targets() -> usize {
    1000
}

/// librdkafka's own default is a gigabyte, which is a lot of memory for a broker that is away.
fn queue_kbytes() -> u32 {
    64 * 1024
}

fn timeout() -> Span {
    Span(Duration::from_secs(300))
}

fn connect_timeout() -> Span {
    Span(Duration::from_secs(10))
}

/// Brokers to connect to first.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
#[schemars(inline)]
pub(super) enum Brokers {
    /// `host:port,host:port`
    Text(String),
    /// One by one.
    List(Vec<String>),
}

impl fmt::Display for Brokers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Brokers::Text(text) => f.write_str(text),
            Brokers::List(list) => f.write_str(&list.join(",")),
        }
    }
}

/// What a message's timestamp says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub(super) enum MessageTime {
    // When it was produced.
    #[default]
    Sent,
    // When it happened, by the emulation's clock.
    Event,
}

/// Whose acknowledgement counts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
#[schemars(inline)]
pub(super) enum Acks {
    /// `all`, or a number as text.
    Text(String),
    /// -1 is all.
    Number(i32),
}

impl Default for Acks {
    fn default() -> Acks {
        Acks::Text("all".to_owned())
    }
}

impl Acks {
    /// As librdkafka writes it. Nothing where there is no such setting.
    pub(super) fn number(&self) -> Option<i32> {
        let number = match self {
            Acks::Text(text) if text == "all" => -1,
            Acks::Text(text) => text.parse().ok()?,
            Acks::Number(number) => *number,
        };
        (-1..=1).contains(&number).then_some(number)
    }

    /// Whether the broker says nothing.
    pub(super) fn none(&self) -> bool {
        self.number() == Some(0)
    }
}

/// How batches are compressed.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
enum Codec {
    #[default]
    None,
    Gzip,
    Snappy,
    Lz4,
    Zstd,
}

/// Settings that options of ours make: given twice, one would silently win.
const OURS: [(&str, &str); 20] = [
    ("bootstrap.servers", "brokers"),
    ("metadata.broker.list", "brokers"),
    ("enable.idempotence", "idempotent"),
    ("acks", "acks"),
    ("request.required.acks", "acks"),
    ("message.timeout.ms", "timeout"),
    ("delivery.timeout.ms", "timeout"),
    ("transactional.id", "exactly_once"),
    ("transaction.timeout.ms", "transaction"),
    ("compression.type", "compression"),
    ("compression.codec", "compression"),
    ("security.protocol", "security_protocol"),
    ("sasl.mechanism", "sasl_mechanism"),
    ("sasl.mechanisms", "sasl_mechanism"),
    ("sasl.username", "username"),
    ("sasl.password", "password"),
    ("ssl.ca.location", "tls_ca"),
    ("ssl.certificate.location", "tls_cert"),
    ("ssl.key.location", "tls_key"),
    ("ssl.key.password", "tls_key_password"),
];

impl Options {
    /// What types alone don't rule out.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let wrong = |option: &str, message: String| Err(ConfigError::option(option, message));
        if self
            .brokers
            .to_string()
            .split(',')
            .all(|broker| broker.trim().is_empty())
        {
            return wrong(
                "brokers",
                "`brokers` names none: write host:9092".to_owned(),
            );
        }
        for (option, value) in [
            ("partitions", self.partitions),
            ("replication", self.replication),
        ] {
            if value.is_some_and(|value| value < 1) {
                return wrong(option, format!("`{option}` has to be 1 or more"));
            }
        }
        if self.max_targets == 0 {
            return wrong(
                "max_targets",
                "`max_targets` has to be 1 or more".to_owned(),
            );
        }
        match self.acks.number() {
            None => return wrong("acks", "`acks` is all, 1 or 0".to_owned()),
            Some(0 | 1) if self.idempotent == Some(true) => {
                return wrong(
                    "idempotent",
                    "`idempotent: true` needs `acks: all`".to_owned(),
                );
            }
            Some(_) => {}
        }
        self.check_transactions()?;
        self.security.check()?;
        for name in self.librdkafka.keys() {
            if let Some((_, option)) = OURS.iter().find(|(ours, _)| ours == name) {
                return wrong(
                    "librdkafka",
                    format!("`{name}` in `librdkafka` is set by the option `{option}`: use that"),
                );
            }
        }
        Ok(())
    }

    /// The settings of librdkafka, each known to be one.
    pub(super) fn client(&self) -> Result<ClientConfig, ConfigError> {
        let mut config = ClientConfig::new();
        config.set_log_level(RDKafkaLogLevel::Warning);
        let acks = self.acks.number().unwrap_or(-1);
        config
            .set("client.id", "wellhead")
            .set("bootstrap.servers", self.brokers.to_string())
            .set("acks", acks.to_string())
            .set(
                "enable.idempotence",
                self.idempotent.unwrap_or(acks == -1).to_string(),
            )
            .set(
                "message.timeout.ms",
                self.timeout
                    .0
                    .as_millis()
                    .clamp(1, i32::MAX as u128)
                    .to_string(),
            )
            .set(
                "compression.type",
                format!("{:?}", self.compression).to_lowercase(),
            )
            .set("queue.buffering.max.kbytes", self.queue_kbytes.to_string());
        let numbers = [
            ("linger.ms", self.linger_ms.map(|value| value.to_string())),
            ("batch.size", self.batch_size.map(|value| value.to_string())),
            (
                "batch.num.messages",
                self.batch_num_messages.map(|value| value.to_string()),
            ),
            (
                "queue.buffering.max.messages",
                self.queue_messages.map(|value| value.to_string()),
            ),
        ];
        for (name, value) in numbers {
            if let Some(value) = value {
                config.set(name, value);
                known(&config, name)?;
            }
        }
        self.security.apply(&mut config);
        for (name, value) in &self.librdkafka {
            let text = match value {
                Value::String(text) => text.clone(),
                Value::Number(_) | Value::Bool(_) => value.to_string(),
                _ => {
                    let message =
                        format!("`{name}` in `librdkafka` is text, a number or true or false");
                    return Err(ConfigError::option("librdkafka", message));
                }
            };
            config.set(name, text);
            known(&config, "librdkafka")?;
        }
        known(&config, "brokers")?;
        Ok(config)
    }
}

/// Asks librdkafka whether it knows all settings so far; what it doesn't is blamed on `option`.
fn known(config: &ClientConfig, option: &str) -> Result<(), ConfigError> {
    config.create_native_config().map(drop).map_err(|error| {
        let reason = match error {
            rdkafka::error::KafkaError::ClientConfig(_, reason, _, _) => reason,
            other => other.to_string(),
        };
        ConfigError::option(option, format!("`{option}`: {reason}"))
    })
}
