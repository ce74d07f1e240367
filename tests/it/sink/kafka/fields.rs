//! Records whose fields try to be more than a part of a topic, a key or a header; and what is promised
//! where the broker answers less, or nothing.

use serde_json::{Value, json};

use super::{run, unique};
use crate::common::{Sandbox, service};
use crate::sink::replayed;

const FORGED: &str = "x\r\nwellhead-stream: 9";

#[test]
fn fields_make_no_other_topics_and_no_other_headers() {
    let Some(brokers) = service("WELLHEAD_TEST_KAFKA") else {
        return;
    };
    let (sandbox, prefix) = (Sandbox::new(), unique("fields"));
    let long = "l".repeat(300);
    let refused = [FORGED, "../../__consumer_offsets", "a b", "é", &long];
    let all = [&refused[..], &["fine", "..", ""]].concat();
    let block = json!({"type": "kafka", "brokers": brokers, "partitions": 1,
        "topic": format!("{prefix}.{{who}}"), "key": "{who}"});
    let report = replayed(&sandbox, &all, &block);
    assert_eq!(report["records"]["acknowledged"], 3, "{report:#}");
    assert_eq!(report["records"]["rejected"], refused.len(), "{report:#}");
    let rejected = std::fs::read_to_string(sandbox.path("rejected.ndjson")).unwrap();
    assert_eq!(rejected.matches("can't be a topic").count(), refused.len());
    let listed = run(std::process::Command::new("kcat").args(["-b", &brokers, "-L", "-J"]));
    let listed: Value = serde_json::from_str(&listed).unwrap();
    let topics = listed["topics"].as_array().unwrap();
    let mut ours: Vec<&str> = topics
        .iter()
        .filter_map(|topic| topic["topic"].as_str()?.strip_prefix(&prefix))
        .collect();
    ours.sort_unstable();
    assert_eq!(ours, [".", "...", ".fine"]);
}

#[test]
fn fields_stay_in_their_header_and_their_key() {
    let Some(brokers) = service("WELLHEAD_TEST_KAFKA") else {
        return;
    };
    let (sandbox, topic) = (Sandbox::new(), unique("headers"));
    let block = json!({"type": "kafka", "brokers": brokers, "partitions": 1, "topic": topic,
        "key": "{who}", "headers": {"from": "{who}"}, "meta_headers": true});
    let report = replayed(&sandbox, &[FORGED], &block);
    assert_eq!(report["records"]["acknowledged"], 1, "{report:#}");
    let mut read = std::process::Command::new("kcat");
    read.args(["-b", &brokers, "-t", &topic, "-C", "-o", "beginning"]);
    let found = run(read.args(["-e", "-q", "-f", "%K|%k|%h"]));
    let length = FORGED.len();
    assert!(
        found.starts_with(&format!("{length}|{FORGED}|from={FORGED},")),
        "{found:?}"
    );
    // The one that we wrote says which stream it was.
    assert!(found.contains(",wellhead-stream=0"), "{found:?}");
}

/// Without an answer nothing is acknowledged, whatever arrives.
#[test]
fn what_counts_is_what_the_broker_answers() {
    let Some(brokers) = service("WELLHEAD_TEST_KAFKA") else {
        return;
    };
    for (acks, acknowledged, sent) in [("0", 0, 3), ("1", 3, 0), ("all", 3, 0)] {
        let (sandbox, topic) = (Sandbox::new(), unique("acks"));
        let block = json!({"type": "kafka", "brokers": brokers, "partitions": 1, "topic": topic,
            "acks": acks});
        let report = replayed(&sandbox, &["a", "b", "c"], &block);
        assert_eq!(
            report["records"]["acknowledged"], acknowledged,
            "{acks}: {report:#}"
        );
        assert_eq!(report["records"]["sent"], sent, "{acks}: {report:#}");
        let mut read = std::process::Command::new("kcat");
        read.args(["-b", &brokers, "-t", &topic, "-C", "-o", "beginning"]);
        assert_eq!(run(read.args(["-e", "-q"])).lines().count(), 3, "{acks}");
    }
}
