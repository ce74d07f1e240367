//! Kafka, S3, PostgreSQL and SQLite, read back from the real services.

use std::collections::BTreeMap;
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::{Message, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use serde_json::Value;

use super::damage::{Injury, counts, drawn};
use super::{assert_counts, run, verify};
use crate::common::{Sandbox, service, signal, until, wait};

/// One message as it stands in a partition.
struct Raw {
    key: Option<Vec<u8>>,
    value: Vec<u8>,
    headers: Option<OwnedHeaders>,
}

/// All messages of a topic of one partition.
fn messages(broker: &str, topic: &str) -> Vec<Raw> {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", broker)
        .set("group.id", "it-verify")
        .set("enable.auto.commit", "false")
        .create()
        .unwrap();
    let (low, end) = consumer
        .fetch_watermarks(topic, 0, Duration::from_secs(10))
        .unwrap();
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(topic, 0, Offset::Beginning)
        .unwrap();
    consumer.assign(&list).unwrap();
    let mut all = Vec::new();
    while (all.len() as i64) < end - low {
        let message = consumer
            .poll(Duration::from_secs(30))
            .expect("a message within half a minute")
            .unwrap();
        all.push(Raw {
            key: message.key().map(<[u8]>::to_vec),
            value: message.payload().unwrap_or_default().to_vec(),
            headers: message.headers().map(|headers| headers.detach()),
        });
    }
    all
}

/// Writes messages to another topic with the injuries done to them.
fn rewritten(broker: &str, topic: &str, messages: &[Raw], list: &BTreeMap<usize, Injury>) {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", broker);
    let admin: AdminClient<DefaultClientContext> = config.create().unwrap();
    let new = NewTopic::new(topic, 1, TopicReplication::Fixed(1));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let made = runtime.block_on(admin.create_topics([&new], &AdminOptions::new()));
    made.unwrap().remove(0).unwrap();
    let producer: BaseProducer = config
        .set("enable.idempotence", "true")
        .set("queue.buffering.max.messages", "1000000")
        .create()
        .unwrap();
    let send = |raw: &Raw, value: &[u8]| {
        let mut record = BaseRecord::to(topic).partition(0).payload(value);
        if let Some(key) = &raw.key {
            record = record.key(key.as_slice());
        }
        if let Some(headers) = &raw.headers {
            record = record.headers(headers.clone());
        }
        producer.send(record).map_err(|(e, _)| e).unwrap();
    };
    let mut later: BTreeMap<usize, usize> = BTreeMap::new();
    for (n, raw) in messages.iter().enumerate() {
        match list.get(&n) {
            None | Some(Injury::Repeat(_) | Injury::Foreign) => send(raw, &raw.value),
            Some(Injury::Lose | Injury::Move(_)) => {}
            Some(Injury::Flip(back)) => {
                let mut value = raw.value.clone();
                let at = value.len() - back;
                value[at] ^= 1;
                send(raw, &value);
            }
        }
        if let Some(from) = later.remove(&n) {
            send(&messages[from], &messages[from].value);
        }
        match list.get(&n) {
            Some(Injury::Repeat(0)) => send(raw, &raw.value),
            Some(Injury::Repeat(by) | Injury::Move(by)) => {
                later.insert(n + by, n);
            }
            Some(Injury::Foreign) => {
                let nobody = Raw {
                    key: None,
                    value: format!("{{\"nobody\":{n}}}").into_bytes(),
                    headers: None,
                };
                send(&nobody, &nobody.value);
            }
            _ => {}
        }
        if n % 1_000 == 0 {
            producer.poll(Duration::ZERO);
        }
    }
    producer.flush(Duration::from_secs(30)).unwrap();
}

#[test]
fn what_was_done_to_a_topic_is_found_by_content_and_by_headers() {
    let Some(broker) = service("WELLHEAD_TEST_KAFKA") else {
        return;
    };
    for (meta, streams) in [(false, 1), (false, 2), (true, 2)] {
        let sandbox = Sandbox::new();
        let topic = format!("verify-{meta}-{streams}-{}", std::process::id());
        let to = format!("kafka://{broker}/{topic}?partitions=1&meta_headers={meta}");
        run(
            &sandbox,
            "transaction",
            &format!("--streams {streams} --load max --records 60000 --to {to}"),
        );
        assert_counts(&verify(&sandbox, 0, &["--from"]), &[]);
        let all = messages(&broker, &topic);
        assert_eq!(all.len(), 60_000);
        let list = drawn(all.len(), 100, 17);
        rewritten(&broker, &format!("{topic}-bad"), &all, &list);
        let from = format!("kafka://{broker}/{topic}-bad?meta_headers={meta}");
        let report = verify(&sandbox, 1, &["--from", &from]);
        assert_counts(&report, &counts(&list));
        let altered = report["examples"].as_array().unwrap();
        let altered = altered.iter().find(|e| e["kind"] == "altered").unwrap();
        assert!(
            altered["expected"].is_string() && altered["found"].is_string(),
            "{altered:#}"
        );
    }
}

/// Copies have the same content: which of them stands where, only their neighbours say.
#[test]
fn partitions_keys_and_faults_are_followed() {
    let Some(broker) = service("WELLHEAD_TEST_KAFKA") else {
        return;
    };
    let sandbox = Sandbox::new();
    let topic = format!("verify-parts-{}", std::process::id());
    let spec = format!(
        "generator: machine-signal
streams: 3
load: 20000/s
clock: {{start: 2024-01-01T00:00:00Z, speed: max}}
until: {{records: 60000}}
faults: {{duplicate: {{share: 0.05, after: 20ms}}, late: {{share: 0.05, by: 1ms..100ms}}}}
sinks: [{{type: kafka, brokers: '{broker}', topic: '{topic}.{{channel}}', key: '{{machine_id}}', partitions: 4}}]
"
    );
    sandbox.write("spec.yaml", &spec);
    sandbox.expect(0, &["run", "spec.yaml", "--manifest", "m.json"]);
    let report = verify(&sandbox, 0, &["--from"]);
    assert_counts(&report, &[]);
    assert!(report["matched"].as_u64().unwrap() > 20_000, "{report:#}");
}

/// At least once: what was in flight may be there twice, and nothing else is wrong.
#[test]
fn a_killed_run_into_kafka_verifies_but_for_repeats() {
    let Some(broker) = service("WELLHEAD_TEST_KAFKA") else {
        return;
    };
    let sandbox = Sandbox::new();
    let to = format!(
        "kafka://{broker}/verify-killed-{}?partitions=3",
        std::process::id()
    );
    let flags = "run transaction --seed 7 --streams 2 --start 2024-01-01T00:00:00Z --load 8000/s \
                 --records 24000 --run r --manifest m.json --to";
    let mut arguments: Vec<&str> = flags.split_whitespace().collect();
    arguments.push(&to);
    let child = sandbox.command(&arguments).spawn().unwrap();
    let id = child.id();
    let topic = to.rsplit('/').next().unwrap().split('?').next().unwrap();
    until("something has arrived", || arrived(&broker, topic) > 3_000);
    signal(id, rustix::process::Signal::KILL);
    assert!(
        !wait(child).status.success(),
        "it ended before it was killed"
    );
    arguments.push("--resume");
    sandbox.expect(0, &arguments);
    let report = verify(&sandbox, 0, &["--from", "--allow-repeated"]);
    let repeated = report["repeated"].as_u64().unwrap();
    assert_counts(&report, &[("repeated", repeated)]);
    assert_eq!(report["matched"], 24_000);
}

fn arrived(broker: &str, topic: &str) -> i64 {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", broker)
        .create()
        .unwrap();
    (0..3)
        .filter_map(|partition| {
            let wait = Duration::from_secs(5);
            consumer.fetch_watermarks(topic, partition, wait).ok()
        })
        .map(|(low, high)| high - low)
        .sum()
}

#[test]
fn objects_are_read_back_in_each_format() {
    let Some(endpoint) = service("WELLHEAD_TEST_MINIO") else {
        return;
    };
    let bucket = format!("verify-{}", std::process::id());
    let mut first = None;
    for options in [
        "mode=chunked&records=3000",
        "format=csv&compression=gzip&mode=grouped&interval=1s",
        "format=json&compression=zstd&mode=chunked&records=5000",
        "format=parquet&compression=snappy&mode=chunked&records=4000",
    ] {
        let sandbox = Sandbox::new();
        let to = format!("{}{bucket}/{{channel}}?{options}{}", "s3://", s3(&endpoint));
        let flags = "--streams 2 --load 5000/s --speed max --records 20000";
        run(&sandbox, "machine-signal", &format!("{flags} --to {to}"));
        let report = verify(&sandbox, 0, &["--from", &to]);
        assert_counts(&report, &[]);
        assert!(report["matched"].as_u64().unwrap() > 5_000, "{report:#}");
        first.get_or_insert((sandbox, to));
    }
    // Another run's manifest finds none of its objects there.
    let (sandbox, to) = first.unwrap();
    run(
        &sandbox,
        "machine-signal",
        "--load max --records 500 --to null --run other",
    );
    let report = verify(&sandbox, 1, &["--from", &to]);
    assert_counts(
        &report,
        &[("missing", report["expected"].as_u64().unwrap())],
    );
}

/// What the tests' S3 takes, as the end of a query.
fn s3(endpoint: &str) -> String {
    let of = |name: &str| service(name).unwrap_or_default();
    format!(
        "&endpoint={endpoint}&access_key={}&secret_key={}",
        of("WELLHEAD_TEST_MINIO_ACCESS_KEY"),
        of("WELLHEAD_TEST_MINIO_SECRET_KEY")
    )
}

#[test]
fn rows_of_sqlite_are_compared_as_values() {
    for (generator, options) in [
        ("transaction", "table=t"),
        ("machine-signal", "meta_columns=true"),
        ("iot-sensor", "table=all"),
    ] {
        let sandbox = Sandbox::new();
        let to = format!("sqlite:o.db?{options}");
        let flags = format!("--streams 2 --load max --records 20000 --to {to}");
        run(&sandbox, generator, &flags);
        let report = verify(&sandbox, 0, &["--from"]);
        assert_counts(&report, &[]);
        if options == "table=t" {
            let sql = "UPDATE t SET amount = -1 WHERE rowid = 700; DELETE FROM t WHERE rowid = 900; \
                       INSERT INTO t SELECT * FROM t WHERE rowid = 1000;";
            let status = std::process::Command::new("sqlite3")
                .arg(sandbox.path("o.db"))
                .arg(sql)
                .status();
            let Ok(status) = status else { continue };
            assert!(status.success());
            let report = verify(&sandbox, 1, &["--from"]);
            assert_counts(&report, &[("altered", 1), ("missing", 1), ("repeated", 1)]);
            let examples = report["examples"].as_array().unwrap();
            let altered = examples.iter().find(|e| e["kind"] == "altered").unwrap();
            assert_eq!(altered["diff"][0]["field"], "/amount", "{altered:#}");
            assert_eq!(altered["diff"][0]["found"], Value::from(-1));
        }
    }
}

#[test]
fn rows_of_postgres_are_compared_as_values() {
    let Some(url) = service("WELLHEAD_TEST_POSTGRES") else {
        return;
    };
    for generator in ["transaction", "machine-signal"] {
        let sandbox = Sandbox::new();
        let table = format!(
            "verify_{}_{}",
            generator.replace('-', "_"),
            std::process::id()
        );
        let sep = if url.contains('?') { '&' } else { '?' };
        let to = format!("{url}{sep}table={table}&meta_columns=true");
        let flags = format!("--streams 2 --load max --records 20000 --to {to}");
        run(&sandbox, generator, &flags);
        let report = verify(&sandbox, 0, &["--from", &to]);
        assert_counts(&report, &[]);
        assert!(report["matched"].as_u64().unwrap() > 10_000, "{report:#}");
    }
}
