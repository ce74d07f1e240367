//! Apache Kafka, by librdkafka: idempotent producer, receipts only from the broker's
//! acknowledgements, or (`exactly_once`) from committed transactions.

mod client;
mod exact;
mod ledger;
mod messages;
mod options;
mod producer;
mod read;
mod reports;
mod routes;
mod security;
mod transactions;
mod transactor;

use std::sync::Arc;

use rdkafka::ClientConfig;
use serde_json::{Map, Value};

use super::login::login;
use super::read::{Reader, Reading};
use super::{Address, Config, ConfigError, Context, Kind, Reach, SendError, Sink};
use crate::record::Channel;
use options::Options;
use routes::Rules;

/// The row of the table of sinks.
pub const KIND: Kind = Kind {
    name: "kafka",
    summary: "Produces to Apache Kafka: topics by template, keys, headers, tombstones; SASL, TLS.",
    reach: Reach::Service(&[
        "brokers",
        "librdkafka",
        "security_protocol",
        "sasl_mechanism",
        "username",
        "password",
        "tls_ca",
        "tls_cert",
        "tls_key",
        "tls_key_password",
        "tls_verify",
    ]),
    schema: || schemars::schema_for!(Options),
    from_address,
    configure: |given| {
        Ok(Arc::new(KafkaConfig::new(super::options::parse(
            "kafka", given,
        )?)?))
    },
};

/// `kafka://user:password@host:9092,host:9092/topic`.
fn from_address(address: &Address) -> Result<Map<String, Value>, ConfigError> {
    let mut options = Map::new();
    let login = login(&address.authority)?;
    let mut set = |name: &str, value: &str| {
        if !value.is_empty() {
            options.insert(name.to_owned(), Value::from(value));
        }
    };
    set("brokers", login.hosts);
    set("topic", address.path.trim_matches('/'));
    set("username", &login.username);
    set("password", &login.password);
    Ok(options)
}

/// A block of options that has been read.
#[derive(Debug)]
struct KafkaConfig {
    options: Options,
    rules: Rules,
    client: ClientConfig,
}

impl KafkaConfig {
    fn new(options: Options) -> Result<KafkaConfig, ConfigError> {
        options.check()?;
        Ok(KafkaConfig {
            rules: Rules::parse(&options)?,
            client: options.client()?,
            options,
        })
    }
}

impl Config for KafkaConfig {
    fn target(&self) -> String {
        format!("kafka://{}/{}", self.options.brokers, self.options.topic)
    }

    fn check(&self, channels: &[Channel], json: bool) -> Result<(), ConfigError> {
        self.rules.check(channels, json)
    }

    fn reader(&self, reading: &Reading) -> Result<Box<dyn Reader>, SendError> {
        Ok(Box::new(read::KafkaReader {
            options: self.options.clone(),
            rules: self.rules.clone(),
            client: self.client.clone(),
            reading: reading.clone(),
        }))
    }

    fn open(&self, context: Context) -> Result<Box<dyn Sink>, SendError> {
        let (options, config) = (self.options.clone(), self.client.clone());
        Ok(match options.exactly_once {
            true => Box::new(transactions::TransactionalSink::new(
                options,
                config,
                &self.rules,
                context,
            )?),
            false => Box::new(producer::KafkaSink::new(
                options,
                config,
                &self.rules,
                context,
            )),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(value: Value) -> Result<KafkaConfig, ConfigError> {
        KafkaConfig::new(super::super::options::parse(
            "kafka",
            value.as_object().unwrap(),
        )?)
    }

    #[test]
    fn an_address_gives_brokers_topic_and_login() {
        let address = Address {
            authority: "us%40er:p%3Aw@one:9092,two:9093".to_owned(),
            path: "/payments.{channel}".to_owned(),
            query: Vec::new(),
        };
        let options = from_address(&address).unwrap();
        assert_eq!(
            Value::Object(options.clone()),
            json!({"brokers": "one:9092,two:9093", "topic": "payments.{channel}", "username": "us@er", "password": "p:w"})
        );
        let config = read(Value::Object(options)).unwrap();
        assert_eq!(
            config.target(),
            "kafka://one:9092,two:9093/payments.{channel}"
        );
        let shown = format!("{config:?}");
        assert!(!shown.contains("p:w"), "{shown}");
    }

    #[test]
    fn settings_reach_librdkafka_by_their_names() {
        let config = read(json!({
            "brokers": ["a:1", "b:2"], "topic": "t", "linger.ms": 7, "acks": "all", "compression": "zstd",
            "timeout": "90s", "username": "u", "password": "p", "sasl_mechanism": "SCRAM-SHA-512",
            "tls_ca": "ca.pem", "librdkafka": {"batch.num.messages": 500, "partitioner": "murmur2_random"},
        }))
        .unwrap();
        let of = |name: &str| config.client.get(name).unwrap_or("-").to_owned();
        assert_eq!(of("bootstrap.servers"), "a:1,b:2");
        assert_eq!(of("linger.ms"), "7");
        assert_eq!(of("compression.type"), "zstd");
        assert_eq!(of("message.timeout.ms"), "90000");
        assert_eq!(of("enable.idempotence"), "true");
        assert_eq!(of("security.protocol"), "sasl_ssl");
        assert_eq!(of("sasl.mechanism"), "SCRAM-SHA-512");
        assert_eq!(of("ssl.ca.location"), "ca.pem");
        assert_eq!(of("batch.num.messages"), "500");
        assert_eq!(of("partitioner"), "murmur2_random");
    }

    #[test]
    fn wrong_options_are_named() {
        let with = |more: Value| {
            let mut all = json!({"brokers": "a:1", "topic": "t"});
            all.as_object_mut()
                .unwrap()
                .extend(more.as_object().unwrap().clone());
            read(all)
        };
        for (option, more) in [
            ("topic", json!({"topic": "a{b"})),
            ("topic", json!({"topic": "not/a/topic"})),
            ("topic", json!({"topic": ""})),
            ("brokers", json!({"brokers": []})),
            ("partitions", json!({"partitions": 0})),
            ("replication", json!({"replication": -2})),
            ("acks", json!({"acks": "2"})),
            ("idempotent", json!({"acks": 1, "idempotent": true})),
            ("librdkafka", json!({"librdkafka": {"lingr.ms": 1}})),
            ("librdkafka", json!({"librdkafka": {"sasl.password": "x"}})),
            ("librdkafka", json!({"librdkafka": {"linger.ms": "soon"}})),
            ("linger.ms", json!({"linger.ms": "soon"})),
            ("password", json!({"password": "x"})),
            ("tls_cert", json!({"tls_cert": "a"})),
            ("headers", json!({"headers": {"a": 1}})),
            ("max_targets", json!({"max_targets": 0})),
            ("topics", json!({"topics": "x"})),
            ("transaction", json!({"transaction": {"records": 10}})),
            (
                "transaction",
                json!({"exactly_once": true, "transaction": {"records": 0}}),
            ),
            (
                "transaction",
                json!({"exactly_once": true, "transaction": {"interval": "1h"}}),
            ),
            ("acks", json!({"exactly_once": true, "acks": 1})),
            (
                "idempotent",
                json!({"exactly_once": true, "idempotent": false}),
            ),
        ] {
            let error = with(more.clone()).map(|_| ()).unwrap_err();
            assert_eq!(error.option.as_deref(), Some(option), "{more}: {error}");
        }
        assert!(
            with(json!({"acks": 1}))
                .unwrap()
                .client
                .get("enable.idempotence")
                == Some("false")
        );
    }

    #[test]
    fn templates_are_checked_against_the_channels() {
        let config = read(json!({"brokers": "a:1", "topic": "t.{cty}", "key": "{id}"})).unwrap();
        let channels = [Channel {
            name: "c".to_owned(),
            schema: json!({"properties": {"id": {}, "city": {}}}),
        }];
        let error = config.check(&channels, true).unwrap_err();
        assert_eq!(error.option.as_deref(), Some("topic"));
        assert!(error.message.contains("`city`"), "{error}");
    }
}
