//! Options of an MQTT block.

use std::borrow::Cow;
use std::path::PathBuf;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use secrecy::SecretString;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use super::messages::valid_topic;
use crate::sink::ConfigError;
use crate::sink::options::Span;

/// Options of MQTT.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub(super) struct Options {
    /// The broker: host, or host:port (1883, or 8883 with TLS).
    pub(super) host: String,
    /// Where the records go. {channel}, {stream} and {run} stand for what they say, any other
    /// name in braces for a field of the record: sensors/{device_id}
    pub(super) topic: String,
    /// 0 (sent, never acknowledged), 1 or 2.
    #[serde(default = "one")]
    pub(super) qos: u8,
    /// Whether the broker keeps the newest message of a topic for those who come later.
    #[serde(default)]
    pub(super) retain: bool,
    /// 3.1.1 or 5.
    #[serde(default)]
    pub(super) version: Version,
    /// How many connections: 1, a number (records are shared out by key, or by stream where they have
    /// none), or per-key (one for each key, such as each device).
    #[serde(default)]
    pub(super) clients: Clients,
    /// The key by which records are shared out: "{device_id}". The generator's own when absent.
    #[serde(default)]
    pub(super) key: Option<String>,
    /// How many clients `per-key` may open.
    #[serde(default = "max_targets")]
    pub(super) max_targets: usize,
    /// The client's name, with a number or key after it where there are several; made up when absent.
    #[serde(default)]
    pub(super) client_id: Option<String>,
    /// User name.
    #[serde(default)]
    pub(super) username: Option<String>,
    /// Password.
    #[serde(default)]
    #[schemars(with = "Option<String>", extend("writeOnly" = true))]
    pub(super) password: Option<SecretString>,
    /// Whether the connection is over TLS. When absent: with any tls_ option.
    #[serde(default)]
    tls: Option<bool>,
    /// File of the certificates (PEM) that the broker's is checked against; the system's when absent.
    #[serde(default)]
    pub(super) tls_ca: Option<PathBuf>,
    /// File of our own certificate (PEM). Needs `tls_ca`.
    #[serde(default)]
    pub(super) tls_cert: Option<PathBuf>,
    /// File of its private key (PEM).
    #[serde(default)]
    pub(super) tls_key: Option<PathBuf>,
    /// How long a quiet connection waits before it asks whether the broker is there.
    #[serde(default = "keep_alive")]
    pub(super) keep_alive: Span,
    /// What the broker publishes when a client is gone without leave: {topic, payload, qos, retain}
    #[serde(default)]
    pub(super) will: Option<Will>,
    /// Adds the user properties wellhead-run, wellhead-stream, wellhead-sequence and
    /// wellhead-operation. MQTT 5 only.
    #[serde(default)]
    pub(super) meta_properties: bool,
    /// Adds a field of that name that says whether a record appends, upserts or deletes.
    #[serde(default)]
    pub(super) operation_field: Option<String>,
    /// Messages of a client that may wait for their acknowledgement; a broker of MQTT 5 may allow
    /// fewer. When absent 1000; 20 at QoS 2 of MQTT 3.1.1, where a broker can't say what it allows and
    /// throws out who sends more (Mosquitto's own default).
    #[serde(default)]
    max_inflight: Option<u16>,
    /// How long a message may wait for its acknowledgement, over all reconnects, before the emulation fails.
    #[serde(default = "timeout")]
    pub(super) timeout: Span,
    /// How long the broker may take to answer at the start.
    #[serde(default = "connect_timeout")]
    pub(super) connect_timeout: Span,
}

fn one() -> u8 {
    1
}

fn max_targets() -> usize {
    1000
}

fn keep_alive() -> Span {
    Span(Duration::from_secs(30))
}

fn timeout() -> Span {
    Span(Duration::from_secs(300))
}

fn connect_timeout() -> Span {
    Span(Duration::from_secs(10))
}

/// Version of the protocol.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Version {
    #[default]
    V4,
    V5,
}

impl Serialize for Version {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(match self {
            Version::V4 => "3.1.1",
            Version::V5 => "5",
        })
    }
}

impl<'de> Deserialize<'de> for Version {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Version, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::String(text) if text == "3.1.1" => Ok(Version::V4),
            Value::String(text) if text == "5" || text == "5.0" => Ok(Version::V5),
            Value::Number(number) if number.as_f64() == Some(5.0) => Ok(Version::V5),
            other => Err(D::Error::custom(format!("{other} isn't 3.1.1 or 5"))),
        }
    }
}

impl JsonSchema for Version {
    fn schema_name() -> Cow<'static, str> {
        "MqttVersion".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": ["string", "integer"]})
    }
}

/// How many connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Clients {
    Number(usize),
    PerKey,
}

impl Default for Clients {
    fn default() -> Clients {
        Clients::Number(1)
    }
}

impl Serialize for Clients {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Clients::Number(number) => serializer.serialize_u64(*number as u64),
            Clients::PerKey => serializer.serialize_str("per-key"),
        }
    }
}

impl<'de> Deserialize<'de> for Clients {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Clients, D::Error> {
        let given = Value::deserialize(deserializer)?;
        let number = match &given {
            Value::String(text) if text == "per-key" => return Ok(Clients::PerKey),
            Value::String(text) => text.parse().ok(),
            other => other
                .as_u64()
                .and_then(|number| usize::try_from(number).ok()),
        };
        match number {
            Some(number) if number > 0 => Ok(Clients::Number(number)),
            _ => Err(D::Error::custom(format!(
                "{given} isn't 1 or more, or per-key"
            ))),
        }
    }
}

impl JsonSchema for Clients {
    fn schema_name() -> Cow<'static, str> {
        "MqttClients".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": ["integer", "string"]})
    }
}

/// What the broker publishes when a client is gone without leave.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
pub(super) struct Will {
    /// Where.
    pub(super) topic: String,
    /// What.
    #[serde(default)]
    pub(super) payload: String,
    /// 0, 1 or 2.
    #[serde(default)]
    pub(super) qos: u8,
    /// Whether it is kept.
    #[serde(default)]
    pub(super) retain: bool,
}

impl Options {
    /// Whether the connection is over TLS.
    pub(super) fn over_tls(&self) -> bool {
        let any = self.tls_ca.is_some() || self.tls_cert.is_some();
        self.tls.unwrap_or(any)
    }

    /// Messages of a client that may wait for their acknowledgement.
    pub(super) fn window(&self) -> u16 {
        let default = match (self.version, self.qos) {
            (Version::V4, 2) => 20,
            // The client goes through its whole window at each acknowledgement: 20,000 took three
            // quarters of its time. A thousand is 20,000/s at 50 ms to the broker and back.
            _ => 1_000,
        };
        self.max_inflight.unwrap_or(default)
    }

    /// Host and port; nothing where they can't be told apart.
    pub(super) fn address(&self) -> Option<(&str, u16)> {
        let default = if self.over_tls() { 8883 } else { 1883 };
        let (host, port) = match self.host.rsplit_once(':') {
            // Colons of an IPv6 address without brackets aren't a port's.
            Some((host, port)) if !host.contains(':') || host.ends_with(']') => {
                (host, port.parse().ok()?)
            }
            _ => (self.host.as_str(), default),
        };
        (!host.is_empty()).then_some((host, port))
    }

    /// What types alone don't rule out.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let wrong = |option: &str, message: String| Err(ConfigError::option(option, message));
        if self.address().is_none() {
            return wrong("host", "`host` has to be HOST or HOST:PORT".to_owned());
        }
        if self.qos > 2 {
            return wrong("qos", "`qos` is 0, 1 or 2".to_owned());
        }
        for (option, number) in [
            ("max_targets", self.max_targets),
            ("max_inflight", self.window().into()),
        ] {
            if number == 0 {
                return wrong(option, format!("`{option}` has to be 1 or more"));
            }
        }
        let pairs = [
            (
                "password",
                self.password.is_some(),
                "username",
                self.username.is_some(),
            ),
            (
                "tls_cert",
                self.tls_cert.is_some(),
                "tls_key",
                self.tls_key.is_some(),
            ),
            (
                "tls_key",
                self.tls_key.is_some(),
                "tls_cert",
                self.tls_cert.is_some(),
            ),
            (
                "tls_cert",
                self.tls_cert.is_some(),
                "tls_ca",
                self.tls_ca.is_some(),
            ),
        ];
        for (given, has, needed, there) in pairs {
            if has && !there {
                return wrong(given, format!("`{given}` without `{needed}`"));
            }
        }
        if self.meta_properties && self.version != Version::V5 {
            return wrong(
                "meta_properties",
                "`meta_properties` need `version: 5`: MQTT 3.1.1 has no user properties".to_owned(),
            );
        }
        if let Some(will) = &self.will {
            valid_topic(&will.topic)
                .map_err(|why| ConfigError::option("will", format!("`will`: {why}")))?;
            if will.qos > 2 {
                return wrong("will", "`will`: its `qos` is 0, 1 or 2".to_owned());
            }
        }
        Ok(())
    }
}
