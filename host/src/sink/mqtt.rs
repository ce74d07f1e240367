//! MQTT 3.1.1 and 5, by the maintained fork of rumqttc: its tracked publishes say of each message
//! when the broker acknowledged it, which rumqttc 0.25 doesn't.

mod courier;
mod link;
mod messages;
mod options;
mod publisher;
mod v4;
mod v5;

use std::sync::Arc;

use serde_json::{Map, Value};

use super::login::login;
use super::{Address, Config, ConfigError, Context, Kind, Reach, SendError, Sink};
use crate::record::Channel;
use messages::Rules;
use options::Options;

/// The row of the table of sinks.
pub const KIND: Kind = Kind {
    name: "mqtt",
    summary: "Publishes to an MQTT broker (3.1.1 and 5): topics by template, QoS 0, 1, 2; one client or many; TLS.",
    reach: Reach::Service(&[
        "host", "username", "password", "tls", "tls_ca", "tls_cert", "tls_key",
    ]),
    schema: || schemars::schema_for!(Options),
    from_address,
    configure: |given| {
        Ok(Arc::new(MqttConfig::new(super::options::parse(
            "mqtt", given,
        )?)?))
    },
};

/// `mqtt://user:password@host:1883/sensors/{device_id}`.
fn from_address(address: &Address) -> Result<Map<String, Value>, ConfigError> {
    let login = login(&address.authority)?;
    let mut options = Map::new();
    for (name, value) in [
        ("host", login.hosts),
        ("topic", address.path.as_str()),
        ("username", &login.username),
        ("password", &login.password),
    ] {
        if !value.is_empty() {
            options.insert(name.to_owned(), value.into());
        }
    }
    Ok(options)
}

/// A block of options that has been read.
#[derive(Debug)]
struct MqttConfig {
    options: Options,
    rules: Rules,
}

impl MqttConfig {
    fn new(options: Options) -> Result<MqttConfig, ConfigError> {
        options.check()?;
        Ok(MqttConfig {
            rules: Rules::parse(&options)?,
            options,
        })
    }
}

impl Config for MqttConfig {
    fn target(&self) -> String {
        format!("mqtt://{}/{}", self.options.host, self.options.topic)
    }

    fn check(&self, channels: &[Channel], json: bool) -> Result<(), ConfigError> {
        self.rules.check(&self.options, channels, json)
    }

    fn open(&self, context: Context) -> Result<Box<dyn Sink>, SendError> {
        let sink = publisher::MqttSink::new(self.options.clone(), &self.rules, context)?;
        Ok(Box::new(sink))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(value: Value) -> Result<MqttConfig, ConfigError> {
        MqttConfig::new(super::super::options::parse(
            "mqtt",
            value.as_object().unwrap(),
        )?)
    }

    #[test]
    fn an_address_gives_host_topic_and_login() {
        let address = Address {
            authority: "us%40er:p%3Aw@one:1884".to_owned(),
            path: "sensors/{device_id}".to_owned(),
            query: Vec::new(),
        };
        let options = from_address(&address).unwrap();
        assert_eq!(
            Value::Object(options.clone()),
            json!({"host": "one:1884", "topic": "sensors/{device_id}", "username": "us@er", "password": "p:w"})
        );
        let config = read(Value::Object(options)).unwrap();
        assert_eq!(config.target(), "mqtt://one:1884/sensors/{device_id}");
        let shown = format!("{config:?}");
        assert!(!shown.contains("p:w"), "{shown}");
    }

    #[test]
    fn wrong_options_are_named() {
        for (option, more) in [
            ("host", json!({"host": ""})),
            ("host", json!({"host": "a:b"})),
            ("topic", json!({"topic": "a/#"})),
            ("topic", json!({"topic": ""})),
            ("topic", json!({"topic": "a{b"})),
            ("qos", json!({"qos": 3})),
            ("version", json!({"version": "4"})),
            ("clients", json!({"clients": 0})),
            ("clients", json!({"clients": "many"})),
            ("max_inflight", json!({"max_inflight": 0})),
            ("password", json!({"password": "x"})),
            ("tls_cert", json!({"tls_cert": "a", "tls_ca": "b"})),
            ("tls_cert", json!({"tls_cert": "a", "tls_key": "b"})),
            ("meta_properties", json!({"meta_properties": true})),
            ("will", json!({"will": {"topic": "a/+", "payload": "gone"}})),
            ("max_targets", json!({"max_targets": 0})),
        ] {
            let mut all = json!({"host": "a", "topic": "t"});
            all.as_object_mut()
                .unwrap()
                .extend(more.as_object().unwrap().clone());
            let error = read(all).map(|_| ()).unwrap_err();
            assert_eq!(error.option.as_deref(), Some(option), "{more}: {error}");
        }
        for version in [json!(5), json!("5"), json!("3.1.1")] {
            assert!(read(json!({"host": "a", "topic": "t", "version": version})).is_ok());
        }
    }

    #[test]
    fn templates_are_checked_against_the_channels() {
        let config = read(json!({"host": "a", "topic": "t/{cty}"})).unwrap();
        let channels = [Channel {
            name: "c".to_owned(),
            schema: json!({"properties": {"id": {}, "city": {}}}),
        }];
        let error = config.check(&channels, true).unwrap_err();
        assert_eq!(error.option.as_deref(), Some("topic"));
        assert!(error.message.contains("`city`"), "{error}");
    }
}
