//! Brokers that go away, come back, stay away, or don't let everybody in: each test has its own.

use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::json;

use super::{Topic, run};
use crate::common::service;
use crate::sink::{RECORDS, Service, group, in_order, message, open, send, start};

/// A broker of the test's own, which it may stop, kill and start again.
pub struct Broker {
    pub folder: tempfile::TempDir,
    pub address: String,
}

impl Broker {
    pub fn start(arguments: &[&str]) -> Option<Broker> {
        service("WELLHEAD_TEST_KAFKA")?;
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path().join("broker");
        let mut command = Broker::command("start", &at);
        let address = run(command.args(arguments)).trim().to_owned();
        Some(Broker { folder, address })
    }

    pub fn command(verb: &str, at: &std::path::Path) -> Command {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/services.sh");
        let mut command = Command::new(script);
        command.args(["kafka-private", verb]).arg(at);
        command
    }

    pub fn tell(&self, verb: &str) {
        run(&mut Broker::command(
            verb,
            &self.folder.path().join("broker"),
        ));
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        let _ = Broker::command("kill", &self.folder.path().join("broker")).output();
    }
}

/// A broker that goes away in the middle and comes back: nothing is lost, nothing repeated.
#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_goes_away_and_comes_back_costs_nothing() {
    let Some(broker) = Broker::start(&[]) else {
        return;
    };
    let topic = Topic::at(
        broker.address.clone(),
        json!({"partitions": 2, "linger.ms": 1}),
    );
    let mut fixture = start(&topic.block(), "run-1", None).await;
    let mut done = 0;
    for (round, verb) in ["stop", "kill", "pause"].into_iter().enumerate() {
        let until = RECORDS / 4 * (round as u64 + 1);
        // Some are with the broker, some on their way, some still to come when it goes.
        fixture
            .sink
            .write(&group(&[done; 3], until - 300))
            .await
            .unwrap();
        let back = if verb == "pause" { "resume" } else { "restart" };
        let away = std::thread::spawn({
            let at = broker.folder.path().join("broker");
            move || {
                run(&mut Broker::command(verb, &at));
                std::thread::park_timeout(Duration::from_secs(3));
                run(&mut Broker::command(back, &at));
            }
        });
        for part in 0..10 {
            let from = until - 300 + part * 30;
            fixture
                .sink
                .write(&group(&[from; 3], from + 30))
                .await
                .unwrap();
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        tokio::task::spawn_blocking(move || away.join().unwrap())
            .await
            .unwrap();
        done = until;
    }
    send(&mut fixture, &[done; 3], RECORDS).await;
    fixture.sink.close(true).await.unwrap();
    in_order(&topic, true);
    assert_eq!(fixture.receipts.acknowledged(), 3 * RECORDS);
}

/// One that doesn't come back within `timeout` ends the emulation, and the error says which.
#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_stays_away_fails_the_emulation() {
    let Some(broker) = Broker::start(&[]) else {
        return;
    };
    let topic = Topic::at(
        broker.address.clone(),
        json!({"partitions": 1, "timeout": "3s"}),
    );
    let mut fixture = start(&topic.block(), "run-1", None).await;
    fixture.sink.write(&group(&[0; 3], 100)).await.unwrap();
    while fixture.receipts.acknowledged() < 300 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    broker.tell("kill");
    fixture.sink.write(&group(&[100; 3], 200)).await.unwrap();
    let begun = Instant::now();
    let said = message(fixture.sink.close(true).await);
    assert!(
        begun.elapsed() < Duration::from_secs(60),
        "{:?}",
        begun.elapsed()
    );
    assert!(
        said.contains(&broker.address) && said.contains(&topic.name) && said.contains("timeout"),
        "{said}"
    );
    assert_eq!(fixture.receipts.acknowledged(), 300);
}

/// Cancelling ends a wait for a broker that is away.
#[tokio::test(flavor = "multi_thread")]
async fn cancelling_ends_every_wait() {
    let Some(broker) = Broker::start(&[]) else {
        return;
    };
    let topic = Topic::at(
        broker.address.clone(),
        json!({"partitions": 1, "queue.buffering.max.messages": 20}),
    );
    let mut fixture = start(&topic.block(), "run-1", None).await;
    broker.tell("kill");
    let cancel = fixture.cancel.clone();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(500)).await;
        cancel.cancel();
    });
    let begun = Instant::now();
    let said = message(fixture.sink.write(&group(&[0; 3], 500)).await);
    assert!(said.contains("stopped while"), "{said}");
    drop(fixture);
    assert!(
        begun.elapsed() < Duration::from_secs(30),
        "{:?}",
        begun.elapsed()
    );
}

/// Topics that may not be made, and topics that may be made and not be written to.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_allowed_is_said_by_name() {
    let Some(broker) = Broker::start(&["--acl"]) else {
        return;
    };
    let mut topic = Topic::at(broker.address.clone(), json!({"partitions": 1}));
    topic.options["topic"] = json!("denied-topic");
    let mut fixture = open(&topic.block(), "run-1", &[0; 3]);
    let said = message(fixture.sink.prepare().await);
    assert!(
        said.contains("denied-topic") && said.contains("isn't allowed"),
        "{said}"
    );
    topic.options["topic"] = json!("readonly-topic");
    let mut fixture = start(&topic.block(), "run-1", None).await;
    fixture.sink.write(&group(&[0; 3], 10)).await.unwrap();
    fixture.sink.close(true).await.unwrap();
    let refused = fixture.refused.all();
    assert_eq!((refused.len(), fixture.receipts.acknowledged()), (30, 0));
    assert!(
        refused[0].2.contains("readonly-topic") && refused[0].2.contains("isn't allowed"),
        "{}",
        refused[0].2
    );
    assert_eq!(fixture.receipts.watermark(), [10; 3]);
}
