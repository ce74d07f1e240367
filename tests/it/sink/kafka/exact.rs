//! `exactly_once`: what a reader of committed records finds, and who may write.

use std::time::Duration;

use serde_json::{Value, json};

use super::outage::Broker;
use super::{Topic, one, unique};
use crate::common::service;
use crate::sink::{
    Fixture, RECORDS, STREAMS, Service, batch, group, in_order, message, open, send,
};

/// Each with a run of its own: watermarks of all are in one topic.
struct Exact {
    topic: Topic,
    run: String,
}

impl Exact {
    fn new(options: Value) -> Option<Exact> {
        Some(Exact::at(service("WELLHEAD_TEST_KAFKA")?, options))
    }

    fn at(brokers: String, more: Value) -> Exact {
        let mut options =
            json!({"partitions": 3, "exactly_once": true, "transaction": {"interval": "40ms"}});
        for (name, value) in more.as_object().unwrap() {
            options[name] = value.clone();
        }
        Exact {
            topic: Topic::at(brokers, options),
            run: unique("exact"),
        }
    }

    async fn start(&self, saved: Option<&wellhead::sink::Receipt>) -> Fixture {
        let mut fixture = open(&self.topic.block(), &self.run, &[0; STREAMS as usize]);
        fixture.sink.prepare().await.unwrap();
        let watermark = fixture.sink.recover(saved).await.unwrap().unwrap();
        fixture.receipts.rewind(&watermark);
        fixture
    }
}

/// One after the other: the suite's run has one name, and with it one transactional id.
#[tokio::test(flavor = "multi_thread")]
async fn transactions_pass_the_suite() {
    let options = json!({"partitions": 4, "exactly_once": true, "transaction": {"records": 700}});
    let Some(topic) = Topic::new(options) else {
        return;
    };
    crate::sink::delivers(&topic).await;
    // Bytes end transactions too, and a queue that is always full.
    let small = json!({"partitions": 2, "exactly_once": true, "transaction": {"size": "20KB"},
        "queue.buffering.max.messages": 50, "linger.ms": 0});
    crate::sink::delivers(&Topic::new(small).unwrap()).await;
    let options =
        json!({"partitions": 4, "exactly_once": true, "transaction": {"interval": "5ms"}});
    let topic = Topic::new(options).unwrap();
    crate::sink::survives_an_abort(&topic).await;
    crate::sink::takes_no_record_twice(&Topic::new(topic.options.clone()).unwrap()).await;
    crate::sink::passes_what_was_dropped(&Topic::new(topic.options.clone()).unwrap()).await;
}

/// The topic knows how far the run is, whatever the state says.
#[tokio::test(flavor = "multi_thread")]
async fn the_watermark_is_in_kafka() {
    let Some(exact) = Exact::new(json!({})) else {
        return;
    };
    let mut fixture = exact.start(None).await;
    send(&mut fixture, &[0; 3], 1_500).await;
    fixture.sink.close(false).await.unwrap();
    drop(fixture);
    let nothing = wellhead::sink::Receipt::at(vec![0; 3]);
    let mut fixture = exact.start(Some(&nothing)).await;
    assert_eq!(fixture.receipts.watermark(), [1_500; 3]);
    assert_eq!(fixture.sink.recovered().unwrap().acknowledged, 4_500);
    send(&mut fixture, &[1_500; 3], RECORDS).await;
    fixture.sink.close(true).await.unwrap();
    in_order(&exact.topic, true);

    // A state that knows more than Kafka is of another Kafka.
    let ahead = wellhead::sink::Receipt::at(vec![RECORDS + 1; 3]);
    let mut fixture = open(&exact.topic.block(), &exact.run, &[0; 3]);
    fixture.sink.prepare().await.unwrap();
    let said = message(fixture.sink.recover(Some(&ahead)).await);
    assert!(
        said.contains("wellhead.watermarks") && said.contains("4000") && said.contains("4001"),
        "{said}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_fenced_is_told_by_whom() {
    let Some(exact) = Exact::new(json!({})) else {
        return;
    };
    let mut first = exact.start(None).await;
    send(&mut first, &[0; 3], 500).await;
    let saved = first.sink.commit().await.unwrap();
    // The first has a transaction open.
    first.sink.write(&group(&[500; 3], 700)).await.unwrap();
    let mut second = exact.start(Some(&saved)).await;
    let from = second.receipts.watermark();
    let said = message(first.sink.close(false).await);
    let process = format!("process {} on ", std::process::id());
    for part in [
        process.as_str(),
        &exact.run,
        "--resume",
        "--run",
        "wellhead-exact",
    ] {
        assert!(said.contains(part), "{part} is missing: {said}");
    }
    send(&mut second, &from, RECORDS).await;
    second.sink.close(true).await.unwrap();
    in_order(&exact.topic, true);
}

/// A topic that is compacted takes no record without a key, and refuses the whole batch for one.
#[tokio::test(flavor = "multi_thread")]
async fn a_refused_record_is_singled_out_of_its_transaction() {
    let options = json!({"partitions": 1, "topic_config": {"cleanup.policy": "compact"}});
    let Some(exact) = Exact::new(options) else {
        return;
    };
    let mut fixture = exact.start(None).await;
    let mut batch = batch(0, 0, 1_000);
    // Records 300 and 701 lose their keys, of two bytes each.
    for k in [300, 701] {
        let end = batch.key_ends[k] as usize;
        batch.keys.drain(end - 2..end);
        batch.key_ends[k..].iter_mut().for_each(|end| *end -= 2);
    }
    fixture.sink.write(&one(batch)).await.unwrap();
    fixture.sink.close(true).await.unwrap();
    let refused: Vec<u64> = fixture.refused.all().iter().map(|r| r.1).collect();
    assert_eq!(refused, [300, 701]);
    assert_eq!(
        (fixture.receipts.acknowledged(), fixture.receipts.rejected()),
        (998, 2)
    );
    assert!(
        fixture.receipts.told().resent > 0,
        "the rest was sent again"
    );
    let expected: Vec<(u32, u64)> = (0..1_000)
        .filter(|n| ![300, 701].contains(n))
        .map(|n| (0, n))
        .collect();
    assert_eq!(exact.topic.read(), expected);
}

/// A topic made from a field has a limit of its own: only the record that is larger is refused.
#[tokio::test(flavor = "multi_thread")]
async fn topics_of_fields_have_limits_too() {
    for exactly_once in [false, true] {
        let options = json!({"partitions": 1, "exactly_once": exactly_once,
            "topic_config": {"max.message.bytes": 5000}});
        let Some(mut topic) = Topic::new(options) else {
            return;
        };
        topic.options["topic"] = json!(format!("{}.{{kind}}", topic.name));
        let mut fixture = open(&topic.block(), &unique("limits"), &[0; 3]);
        fixture.sink.prepare().await.unwrap();
        fixture.sink.recover(None).await.unwrap();
        let mut batch = batch(0, 0, 600);
        let large = format!(
            r#"{{"stream":0,"n":450,"pad":"{}","kind":"k0"}}"#,
            "x".repeat(6_000)
        );
        let (start, end) = (batch.ends[449] as usize, batch.ends[450] as usize);
        batch.payload.splice(start..end, large.bytes());
        let grown = (large.len() - (end - start)) as u32;
        batch.ends[450..].iter_mut().for_each(|end| *end += grown);
        fixture.sink.write(&one(batch)).await.unwrap();
        fixture.sink.close(true).await.unwrap();
        let refused: Vec<u64> = fixture.refused.all().iter().map(|r| r.1).collect();
        assert_eq!(refused, [450], "exactly_once: {exactly_once}");
        let found: usize = (0..5)
            .map(|kind| {
                topic
                    .messages(&format!("{}.k{kind}", topic.name), "%s")
                    .len()
            })
            .sum();
        assert_eq!(found, 599, "exactly_once: {exactly_once}");
    }
}

/// What delivery does: again and again, while that is worth it.
async fn insist(fixture: &mut Fixture, from: &[u64], to: u64) {
    while let Err(again) = fixture.sink.write(&group(from, to)).await {
        assert!(again.retry, "{again}");
    }
}

async fn finish(fixture: &mut Fixture) {
    while let Err(again) = fixture.sink.close(true).await {
        assert!(again.retry, "{again}");
    }
}

/// Brokers that die in the middle, and brokers that give up on a transaction that takes too long.
#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_dies_costs_no_record_and_repeats_none() {
    let patience = "transaction.abort.timed.out.transaction.cleanup.interval.ms=300";
    let Some(broker) = Broker::start(&["--set", patience]) else {
        return;
    };
    let exact = Exact::at(
        broker.address.clone(),
        json!({"transaction": {"interval": "200ms"}}),
    );
    let mut fixture = exact.start(None).await;
    send(&mut fixture, &[0; 3], 1_000).await;
    broker.tell("kill");
    let again = std::thread::spawn({
        let at = broker.folder.path().join("broker");
        move || super::run(&mut Broker::command("restart", &at))
    });
    for n in 10..15 {
        insist(&mut fixture, &[n * 100; 3], n * 100 + 100).await;
    }
    tokio::task::spawn_blocking(move || again.join().unwrap())
        .await
        .unwrap();
    insist(&mut fixture, &[1_500; 3], RECORDS).await;
    finish(&mut fixture).await;
    in_order(&exact.topic, true);

    let slow = Exact::at(broker.address.clone(), json!({"timeout": "1s"}));
    let mut fixture = slow.start(None).await;
    fixture.sink.write(&group(&[0; 3], 1)).await.unwrap();
    // Longer than the interval, `timeout` and a second.
    tokio::time::sleep(Duration::from_millis(3_500)).await;
    insist(&mut fixture, &[1; 3], RECORDS).await;
    finish(&mut fixture).await;
    in_order(&slow.topic, true);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transactional_id_that_is_denied_is_said_by_name() {
    let Some(broker) = Broker::start(&["--acl"]) else {
        return;
    };
    let exact = Exact::at(broker.address.clone(), json!({}));
    let mut fixture = open(&exact.topic.block(), "denied-run", &[0; 3]);
    let said = message(fixture.sink.prepare().await);
    for part in [
        "isn't allowed",
        "wellhead-denied-run-0",
        "Describe and Write",
    ] {
        assert!(said.contains(part), "{part} is missing: {said}");
    }
    let mut topic = exact.topic;
    topic.options["topic"] = json!("readonly-exact");
    let mut fixture = open(&topic.block(), &exact.run, &[0; 3]);
    fixture.sink.prepare().await.unwrap();
    fixture.sink.recover(None).await.unwrap();
    let mut written = fixture.sink.write(&group(&[0; 3], 10)).await;
    if written.is_ok() {
        written = fixture.sink.close(true).await.map(drop);
    }
    let said = message(written);
    assert!(said.contains("readonly-exact"), "{said}");
}
