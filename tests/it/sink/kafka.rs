//! Kafka against a real broker, read back by `kcat`.

mod exact;
mod fields;
mod outage;

use std::process::{Command, Output};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};

use super::{Service, batch, group, message, start};
use crate::common::service;
use wellhead::record::{Batch, Group, Part};

/// A topic of a check's own.
struct Topic {
    brokers: String,
    name: String,
    options: Value,
}

impl Topic {
    fn new(options: Value) -> Option<Topic> {
        Some(Topic::at(service("WELLHEAD_TEST_KAFKA")?, options))
    }

    fn at(brokers: String, options: Value) -> Topic {
        Topic {
            brokers,
            name: unique("suite"),
            options,
        }
    }

    /// Every message, a line each, as `format` says; partition by partition.
    fn messages(&self, topic: &str, format: &str) -> Vec<String> {
        let mut command = Command::new("kcat");
        command.args([
            "-b",
            &self.brokers,
            "-t",
            topic,
            "-C",
            "-o",
            "beginning",
            "-e",
            "-q",
            "-f",
        ]);
        let output = run(command.arg(format!("{format}\n")));
        output.lines().map(str::to_owned).collect()
    }

    fn topics(&self) -> Value {
        serde_json::from_str(&run(Command::new("kcat").args([
            "-b",
            &self.brokers,
            "-L",
            "-J",
        ])))
        .unwrap()
    }

    fn partitions(&self, topic: &str) -> Option<usize> {
        let all = self.topics();
        let found = all["topics"]
            .as_array()
            .unwrap()
            .iter()
            .find(|found| found["topic"] == topic)?;
        Some(found["partitions"].as_array().unwrap().len())
    }
}

fn unique(name: &str) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!(
        "{name}-{}-{}",
        std::process::id(),
        NEXT.fetch_add(1, Ordering::Relaxed)
    )
}

fn run(command: &mut Command) -> String {
    let Output {
        status,
        stdout,
        stderr,
    } = command.output().unwrap();
    assert!(
        status.success(),
        "{command:?}: {}",
        String::from_utf8_lossy(&stderr)
    );
    String::from_utf8(stdout).unwrap()
}

impl Service for Topic {
    fn block(&self) -> (&'static str, Map<String, Value>) {
        let mut options = json!({"brokers": self.brokers, "topic": self.name});
        for (name, value) in self.options.as_object().unwrap() {
            options[name] = value.clone();
        }
        ("kafka", options.as_object().unwrap().clone())
    }

    fn read(&self) -> Vec<(u32, u64)> {
        let records = self.messages(&self.name, "%s");
        let place = |record: &String| {
            let record: Value = serde_json::from_str(record).unwrap();
            (
                record["stream"].as_u64().unwrap() as u32,
                record["n"].as_u64().unwrap(),
            )
        };
        records.iter().map(place).collect()
    }
}

/// The batch's keys are one a stream, so each stream is in one partition, in order.
fn suite() -> Option<Topic> {
    Topic::new(json!({"partitions": 4}))
}

#[tokio::test(flavor = "multi_thread")]
async fn delivers() {
    let Some(topic) = suite() else { return };
    super::delivers(&topic).await;
    assert_eq!(topic.partitions(&topic.name), Some(4));
    // Batches that are small, and a queue that is always full.
    let small = json!({"partitions": 2, "queue.buffering.max.messages": 50, "linger.ms": 0, "compression": "zstd", "key": "{stream}"});
    super::delivers(&Topic::new(small).unwrap()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn survives_an_abort() {
    let Some(topic) = suite() else { return };
    super::survives_an_abort(&topic).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn goes_on_after_a_stop() {
    let Some(topic) = suite() else { return };
    super::goes_on_after_a_stop(&topic).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn takes_no_record_twice() {
    let Some(topic) = suite() else { return };
    super::takes_no_record_twice(&topic).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn passes_what_was_dropped() {
    let Some(topic) = suite() else { return };
    super::passes_what_was_dropped(&topic).await;
}

fn one(batch: Batch) -> Group {
    let part = Part {
        range: 0..batch.len(),
        batch: batch.into(),
        pace: None,
    };
    Group {
        parts: vec![part],
        streams: super::STREAMS,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_carry_keys_headers_times_and_tombstones() {
    let options = json!({
        "partitions": 1, "key": "{kind}-{stream}", "meta_headers": true, "timestamp": "event",
        "headers": {"source": "{channel}", "none": "{missing}"},
    });
    let Some(topic) = Topic::new(options) else {
        return;
    };
    let mut options = topic.block();
    options.1["headers"]["none"] = Value::from("{pad}");
    let mut fixture = start(&options, "ID/name", None).await;
    let mut batch = batch(2, 0, 3);
    batch.operations = vec![0, 1, 2];
    batch.channels = vec![0, 1, 0];
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap()
        .as_millis() as u64;
    batch.times = vec![
        now * 1_000_000,
        (now + 1) * 1_000_000 + 999,
        (now + 2) * 1_000_000,
    ];
    fixture.sink.write(&one(batch)).await.unwrap();
    fixture.sink.close(true).await.unwrap();
    let found = topic.messages(&topic.name, "%k %S %T %h");
    let meta = |n: u64, operation: &str| {
        format!(
            "wellhead-run=ID/name,wellhead-stream=2,wellhead-sequence={n},wellhead-operation={operation}"
        )
    };
    assert_eq!(
        found[0],
        format!("k0-2 39 {now} source=main,none=,{}", meta(0, "append"))
    );
    assert!(
        found[1].starts_with("k1-2 ") && found[1].contains(&format!(" {} source=other,", now + 1)),
        "{found:?}"
    );
    assert!(found[1].ends_with(&meta(1, "upsert")));
    // A length of -1 is a message without a value: a tombstone.
    assert!(
        found[2].starts_with("k2-2 -1 ") && found[2].ends_with(&meta(2, "delete")),
        "{found:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn topics_are_made_for_channels_and_fields() {
    let Some(mut topic) =
        Topic::new(json!({"partitions": 3, "topic_config": {"cleanup.policy": "compact"}}))
    else {
        return;
    };
    let name = unique("made");
    topic.options["topic"] = json!(format!("{name}.{{channel}}.{{kind}}"));
    topic.options["max_targets"] = json!(6);
    let mut fixture = start(&topic.block(), "run-1", None).await;
    fixture.sink.write(&group(&[0; 3], 100)).await.unwrap();
    fixture.sink.close(true).await.unwrap();
    for kind in 0..5 {
        let made = format!("{name}.main.k{kind}");
        assert_eq!(topic.partitions(&made), Some(3), "{made}");
        assert_eq!(topic.messages(&made, "%s").len(), 60);
    }
    topic.options["topic"] = json!(format!("{name}-{{n}}"));
    let mut fixture = start(&topic.block(), "run-1", None).await;
    let said = message(fixture.sink.write(&group(&[0; 3], 100)).await);
    assert!(said.contains("more than 6 topics"), "{said}");
    // What went out before is known to be there.
    let settled = fixture.receipts.acknowledged();
    assert!(settled <= 18, "{settled}");

    topic.options["topic"] = json!(unique("never"));
    topic.options["create"] = json!(false);
    let mut fixture = super::open(&topic.block(), "run-1", &[0; 3]);
    let said = message(fixture.sink.prepare().await);
    assert!(
        said.contains("has no topic never") && said.contains("`create`"),
        "{said}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_is_too_large_is_refused_alone() {
    let limits = [
        // The producer's own limit, and the topic's, which batches are kept below.
        json!({"partitions": 1, "librdkafka": {"message.max.bytes": 5000}}),
        json!({"partitions": 1, "topic_config": {"max.message.bytes": 5000}}),
    ];
    for options in limits {
        let Some(topic) = Topic::new(options) else {
            return;
        };
        let mut fixture = start(&topic.block(), "run-1", None).await;
        let mut batch = batch(0, 0, 1_000);
        let large = format!(r#"{{"stream":0,"n":700,"pad":"{}"}}"#, "x".repeat(6_000));
        let (start, end) = (batch.ends[699] as usize, batch.ends[700] as usize);
        batch.payload.splice(start..end, large.bytes());
        let grown = large.len() - (end - start);
        batch.ends[700..]
            .iter_mut()
            .for_each(|end| *end += grown as u32);
        fixture.sink.write(&one(batch)).await.unwrap();
        fixture.sink.close(true).await.unwrap();
        let refused = fixture.refused.all();
        assert_eq!(
            (refused.len(), refused[0].1),
            (1, 700),
            "{}: {:?}",
            topic.options,
            &refused[..refused.len().min(3)]
        );
        assert!(refused[0].2.contains("larger than"), "{}", refused[0].2);
        assert_eq!(
            (fixture.receipts.acknowledged(), fixture.receipts.rejected()),
            (999, 1)
        );
        let expected: Vec<(u32, u64)> = (0..1_000).filter(|n| *n != 700).map(|n| (0, n)).collect();
        assert_eq!(topic.read(), expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_never_comes_is_said_by_name_within_the_set_time() {
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let topic = Topic::at(
        format!("127.0.0.1:{port}"),
        json!({"connect_timeout": "1s"}),
    );
    let begun = Instant::now();
    let mut fixture = super::open(&topic.block(), "run-1", &[0; 3]);
    let said = message(fixture.sink.prepare().await);
    assert!(
        begun.elapsed() < Duration::from_secs(30),
        "{:?}",
        begun.elapsed()
    );
    assert!(
        said.contains(&topic.brokers)
            && said.contains("refused")
            && said.contains("connect_timeout"),
        "{said}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn logs_in_and_says_what_is_wrong_when_it_cannot() {
    let (Some(sasl), Some(both)) = (
        service("WELLHEAD_TEST_KAFKA_SASL"),
        service("WELLHEAD_TEST_KAFKA_SASL_TLS"),
    ) else {
        return;
    };
    let user = service("WELLHEAD_TEST_KAFKA_USER").unwrap();
    let password = service("WELLHEAD_TEST_KAFKA_PASSWORD").unwrap();
    let ca = service("WELLHEAD_TEST_KAFKA_CA").unwrap();
    for mechanism in ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] {
        for (brokers, protocol) in [(&sasl, "sasl_plaintext"), (&both, "sasl_ssl")] {
            let mut options = json!({
                "username": user, "password": password, "sasl_mechanism": mechanism,
                "security_protocol": protocol, "partitions": 1,
            });
            if protocol == "sasl_ssl" {
                options["tls_ca"] = json!(ca);
            }
            let topic = Topic::at(brokers.clone(), options);
            let mut fixture = start(&topic.block(), "run-1", None).await;
            fixture.sink.write(&group(&[0; 3], 10)).await.unwrap();
            fixture.sink.close(true).await.unwrap();
            assert_eq!(
                fixture.receipts.acknowledged(),
                30,
                "{mechanism} {protocol}"
            );
        }
    }
    let wrong = json!({"username": user, "password": "wrong-secret", "security_protocol": "sasl_plaintext", "connect_timeout": "120s"});
    let topic = Topic::at(sasl, wrong);
    let begun = Instant::now();
    let mut fixture = super::open(&topic.block(), "run-1", &[0; 3]);
    let said = message(fixture.sink.prepare().await);
    assert!(
        said.contains("refuses the connection") && said.contains("uthentication"),
        "{said}"
    );
    assert!(!said.contains("wrong-secret"), "{said}");
    assert!(
        begun.elapsed() < Duration::from_secs(60),
        "a wrong password needs no waiting"
    );
    // Without the authority's certificate the broker's can't be checked.
    let topic = Topic::at(
        both,
        json!({"username": user, "password": password, "connect_timeout": "5s"}),
    );
    let mut fixture = super::open(&topic.block(), "run-1", &[0; 3]);
    let said = message(fixture.sink.prepare().await);
    assert!(said.contains("certificate"), "{said}");
}
