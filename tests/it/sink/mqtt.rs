//! MQTT against a real Mosquitto, read back by `mosquitto_sub`.

pub mod broker;
mod fields;
mod outage;

use std::process::Command;

use serde_json::{Map, Value, json};

use super::{RECORDS, STREAMS, Service, batch, group, message, start};
use crate::common::{Sandbox, service, signal, until, wait};
use broker::{Subscriber, unique};
use wellhead::record::{Batch, Group, Part};

/// A topic of a check's own, and who listens there.
struct Topic {
    host: String,
    name: String,
    options: Value,
    subscriber: Subscriber,
}

impl Topic {
    fn new(options: Value) -> Option<Topic> {
        Some(Topic::at(service("WELLHEAD_TEST_MQTT")?, options))
    }

    fn at(host: String, options: Value) -> Topic {
        let name = unique("suite");
        let subscriber = Subscriber::start(&host, &format!("{name}/#"), "%p");
        Topic {
            host,
            name,
            options,
            subscriber,
        }
    }
}

impl Service for Topic {
    fn block(&self) -> (&'static str, Map<String, Value>) {
        let mut options = json!({"host": self.host, "topic": format!("{}/all", self.name)});
        for (name, value) in self.options.as_object().unwrap() {
            options[name] = value.clone();
        }
        ("mqtt", options.as_object().unwrap().clone())
    }

    fn read(&self) -> Vec<(u32, u64)> {
        let records = self.subscriber.lines(3 * RECORDS as usize);
        let place = |record: &String| {
            let record: Value = serde_json::from_str(record).unwrap();
            let number = |name: &str| record[name].as_u64().unwrap();
            (number("stream") as u32, number("n"))
        };
        records.iter().map(place).collect()
    }
}

/// Every version and level of service.
fn suites() -> Option<Vec<Topic>> {
    let mut all = Vec::new();
    for version in ["3.1.1", "5"] {
        for qos in 0..3 {
            all.push(Topic::new(json!({"version": version, "qos": qos}))?);
        }
    }
    Some(all)
}

#[tokio::test(flavor = "multi_thread")]
async fn delivers() {
    for topic in suites().unwrap_or_default() {
        super::delivers(&topic).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn delivers_by_many_clients_and_small_windows() {
    // The batch's keys are one a stream, so each stream is in order.
    for options in [
        json!({"clients": 3}),
        json!({"clients": "per-key", "version": 5, "qos": 2}),
        json!({"max_inflight": 3}),
        json!({"max_inflight": 1, "version": 5, "qos": 2}),
    ] {
        let Some(topic) = Topic::new(options) else {
            return;
        };
        super::delivers(&topic).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn survives_an_abort() {
    for (version, qos) in [("3.1.1", 1), ("5", 2)] {
        let Some(topic) = Topic::new(json!({"version": version, "qos": qos})) else {
            return;
        };
        super::survives_an_abort(&topic).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn goes_on_after_a_stop() {
    for topic in suites().unwrap_or_default() {
        super::goes_on_after_a_stop(&topic).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn takes_no_record_twice() {
    let Some(topic) = Topic::new(json!({})) else {
        return;
    };
    super::takes_no_record_twice(&topic).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn passes_what_was_dropped() {
    let Some(topic) = Topic::new(json!({})) else {
        return;
    };
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
        streams: STREAMS,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn topics_are_made_of_channels_and_fields() {
    let Some(mut topic) = Topic::new(json!({})) else {
        return;
    };
    let subscriber = Subscriber::start(&topic.host, &format!("{}/#", topic.name), "%t %p");
    topic.options["topic"] = format!("{}/{{channel}}/{{kind}}", topic.name).into();
    topic.options["operation_field"] = "op".into();
    let mut fixture = start(&topic.block(), "run-1", None).await;
    let mut given = batch(1, 0, 10);
    given.channels = (0..10).map(|n| n % 2).collect();
    given.operations = (0..10).map(|n| n % 3).collect();
    fixture.sink.write(&one(given)).await.unwrap();
    // A topic that nobody may publish to is refused, record by record.
    let mut wrong = batch(1, 10, 1);
    let text = r#"{"stream":1,"n":10,"kind":"a/#"}"#;
    wrong.payload = text.into();
    wrong.ends = vec![text.len() as u32];
    fixture.sink.write(&one(wrong)).await.unwrap();
    fixture.sink.close(true).await.unwrap();
    let lines = subscriber.lines(10);
    for (n, line) in lines.iter().enumerate() {
        let channel = ["main", "other"][n % 2];
        assert!(
            line.starts_with(&format!("{}/{channel}/k{} {{", topic.name, n % 5)),
            "{line}"
        );
        let operation = ["append", "upsert", "delete"][n % 3];
        assert!(
            line.ends_with(&format!("\"op\":\"{operation}\"}}")),
            "{line}"
        );
    }
    let refused = fixture.refused.all();
    assert_eq!((refused.len(), refused[0].1), (1, 10));
    assert!(
        refused[0].2.contains("can't be a topic"),
        "{}",
        refused[0].2
    );
    assert_eq!(fixture.receipts.acknowledged(), 10);
}

/// User properties say which record it is; a message that is kept is there for those who come later.
#[tokio::test(flavor = "multi_thread")]
async fn properties_and_retained_messages() {
    let Some(topic) = Topic::new(json!({"version": 5, "meta_properties": true, "retain": true}))
    else {
        return;
    };
    let mut fixture = start(&topic.block(), "run-1", None).await;
    fixture.sink.write(&one(batch(2, 0, 3))).await.unwrap();
    fixture.sink.close(true).await.unwrap();
    let late = Subscriber::start(&topic.host, &format!("{}/#", topic.name), "%P %p");
    let lines = late.lines(1);
    assert_eq!(lines.len(), 1);
    for part in [
        "wellhead-run:run-1",
        "wellhead-stream:2",
        "wellhead-sequence:2",
        "wellhead-operation:append",
    ] {
        assert!(lines[0].contains(part), "{}", lines[0]);
    }
    let (host, port) = topic.host.split_once(':').unwrap();
    let name = format!("{}/all", topic.name);
    let clear = Command::new("mosquitto_pub")
        .args(["-h", host, "-p", port, "-r", "-n", "-t", &name])
        .status();
    assert!(clear.unwrap().success());
}

#[tokio::test(flavor = "multi_thread")]
async fn logs_in_and_says_what_is_wrong_when_it_cannot() {
    let (Some(auth), Some(tls)) = (
        service("WELLHEAD_TEST_MQTT_AUTH"),
        service("WELLHEAD_TEST_MQTT_TLS"),
    ) else {
        return;
    };
    let user = service("WELLHEAD_TEST_MQTT_USER").unwrap();
    let password = service("WELLHEAD_TEST_MQTT_PASSWORD").unwrap();
    let ca = service("WELLHEAD_TEST_MQTT_CA").unwrap();
    for version in ["3.1.1", "5"] {
        let block = |host: &str, more: Value| {
            let mut all = json!({"host": host, "topic": unique("login"), "version": version, "username": user});
            all.as_object_mut()
                .unwrap()
                .extend(more.as_object().unwrap().clone());
            ("mqtt", all.as_object().unwrap().clone())
        };
        for (host, more) in [
            (&auth, json!({"password": password})),
            (&tls, json!({"password": password, "tls_ca": ca})),
        ] {
            let mut fixture = start(&block(host, more), "run-1", None).await;
            fixture.sink.write(&group(&[0; 3], 10)).await.unwrap();
            fixture.sink.close(true).await.unwrap();
            assert_eq!(fixture.receipts.acknowledged(), 30, "{version} {host}");
        }
        for (host, more, expected) in [
            (&auth, json!({"password": "wrong-secret"}), "`password`"),
            (
                &tls,
                json!({"password": password, "tls": true}),
                "ertificate",
            ),
        ] {
            let begun = std::time::Instant::now();
            let mut block = block(host, more);
            block.1.insert("connect_timeout".to_owned(), json!("120s"));
            let mut fixture = super::open(&block, "run-1", &[0; 3]);
            let said = message(fixture.sink.prepare().await);
            assert!(
                said.contains(expected) && said.contains(host.as_str()),
                "{version}: {said}"
            );
            assert!(!said.contains("wrong-secret"), "{said}");
            assert!(
                begun.elapsed().as_secs() < 60,
                "what waiting won't mend needs no waiting"
            );
        }
    }
}

/// A broker that wants to know its clients by their certificates. (The server's own serves for one.)
#[tokio::test(flavor = "multi_thread")]
async fn shows_a_certificate_of_its_own() {
    let (Some(host), Some(ca)) = (
        service("WELLHEAD_TEST_MQTT_MUTUAL"),
        service("WELLHEAD_TEST_MQTT_CA"),
    ) else {
        return;
    };
    for version in ["3.1.1", "5"] {
        let block = |certificate: bool| {
            let mut all =
                json!({"host": host, "topic": unique("mutual"), "version": version, "tls_ca": ca});
            if certificate {
                all["tls_cert"] = ca.replace("ca.pem", "server.crt").into();
                all["tls_key"] = ca.replace("ca.pem", "server.key").into();
            }
            ("mqtt", all.as_object().unwrap().clone())
        };
        let mut fixture = start(&block(true), "run-1", None).await;
        fixture.sink.write(&group(&[0; 3], 10)).await.unwrap();
        fixture.sink.close(true).await.unwrap();
        assert_eq!(fixture.receipts.acknowledged(), 30, "{version}");
        let mut stranger = super::open(&block(false), "run-1", &[0; 3]);
        let said = message(stranger.sink.prepare().await);
        assert!(said.contains(&host), "{version}: {said}");
    }
}

/// The last will is the broker's to publish once the program is gone without leave, and not when it
/// took its leave.
#[tokio::test(flavor = "multi_thread")]
async fn a_will_is_published_after_a_kill_alone() {
    let Some(host) = service("WELLHEAD_TEST_MQTT") else {
        return;
    };
    for (version, killed) in [("3.1.1", true), ("5", true), ("5", false)] {
        let name = unique("will");
        let subscriber = Subscriber::start(&host, &format!("{name}/#"), "%t %p");
        let sandbox = Sandbox::new();
        let records = if killed { 1_000_000 } else { 50 };
        sandbox.write(
            "s.yaml",
            &format!(
                "{{generator: transaction, seed: 7, load: 500/s, until: {{records: {records}}}, sinks: [{{type: mqtt, \
                 host: '{host}', topic: {name}/all, version: '{version}', will: {{topic: {name}/gone, payload: bye, qos: 1}}}}]}}"
            ),
        );
        let child = sandbox.command(&["run", "s.yaml"]).spawn().unwrap();
        let id = child.id();
        if killed {
            until("it publishes", || subscriber.count() > 0);
            signal(id, rustix::process::Signal::KILL);
        }
        wait(child);
        let gone = format!("{name}/gone bye");
        if killed {
            until("the will is there", || subscriber.lines(1).contains(&gone));
        } else {
            assert!(!subscriber.lines(50).contains(&gone));
        }
    }
}

/// A killed run goes on: nothing is lost, and only what lies above the watermark comes again.
#[tokio::test(flavor = "multi_thread")]
async fn a_killed_run_goes_on_without_loss() {
    let Some(host) = service("WELLHEAD_TEST_MQTT") else {
        return;
    };
    let name = unique("crash");
    let subscriber = Subscriber::start(&host, &name, "%p");
    let to = format!("mqtt://{host}/{name}?qos=1&version=5");
    let sandbox = Sandbox::new();
    let arguments = [
        "run",
        "transaction",
        "--seed",
        "7",
        "--start",
        "2024-01-01T00:00:00Z",
        "--load",
        "2000/s",
        "--records",
        "6000",
        "--run",
        "crash",
        "--to",
        &to,
        "--report",
        "r.json",
    ];
    let child = sandbox.command(&arguments).spawn().unwrap();
    let id = child.id();
    until("it is well on its way", || subscriber.count() >= 2_500);
    signal(id, rustix::process::Signal::KILL);
    assert!(!wait(child).status.success());
    let again: Vec<&str> = arguments.iter().copied().chain(["--resume"]).collect();
    tokio::task::block_in_place(|| sandbox.expect(0, &again));
    assert_eq!(sandbox.json("r.json")["records"]["acknowledged"], 6000);
    let lines = subscriber.lines(6_000);
    let mut order = Vec::new();
    let mut seen = std::collections::HashMap::new();
    for line in &lines {
        let next = seen.len();
        order.push(*seen.entry(line).or_insert(next));
    }
    assert_eq!(seen.len(), 6000);
    // One step back, to the watermark, and from there on in order.
    let steps = order
        .windows(2)
        .filter(|pair| pair[1] != pair[0] + 1)
        .count();
    assert!(steps <= 1, "{steps} steps back");
}
