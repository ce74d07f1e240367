//! Several sinks of one emulation: each has its own counts and its own lateness.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;

use super::http::server::{Answer, Server};
use crate::common::{Sandbox, settled, stderr, until, wait};

/// Runs a file beside an endpoint that takes a tenth of a second for each batch.
async fn beside_a_slow_one(
    status: i32,
    head: &str,
    more: &str,
) -> (serde_json::Value, usize, usize) {
    let server = Server::ruled(|_| Answer::Late(Duration::from_millis(100))).await;
    let sandbox = Sandbox::new();
    let spec = format!(
        "generator: transaction\nseed: 7\n{head}\nsinks:\n  - file:out.ndjson\n  \
         - {{ type: http, url: \"{}/in\", batch: 1000, ordered: all, {more} }}\n",
        server.address
    );
    sandbox.write("spec.yaml", &spec);
    let arguments = ["run", "spec.yaml", "--report", "r.json"];
    tokio::task::block_in_place(|| sandbox.expect(status, &arguments));
    let lines = std::fs::read_to_string(sandbox.path("out.ndjson")).unwrap();
    let taken = server.taken().into_iter();
    let posted = taken.map(|seen| seen.body.split(|byte| *byte == b'\n').count() - 1);
    (sandbox.json("r.json"), lines.lines().count(), posted.sum())
}

/// One that may drop doesn't hold the others back: what it has no room for is counted, and a rule turns
/// that into the exit status.
#[tokio::test(flavor = "multi_thread")]
async fn one_that_may_drop_holds_nobody_back() {
    let head = "load: max\nuntil: { records: 200000 }\nexpect: { dropped: 0 }";
    let (report, written, posted) = beside_a_slow_one(3, head, "on_full: drop").await;
    let sinks = &report["sinks"];
    assert_eq!(
        (sinks[0]["acknowledged"].as_u64(), written),
        (Some(200_000), 200_000),
        "{report}"
    );
    assert_eq!(sinks[0]["dropped"], 0, "{report}");
    let dropped = sinks[1]["dropped"].as_u64().unwrap();
    assert!(dropped > 0, "{report}");
    assert_eq!(
        sinks[1]["acknowledged"].as_u64(),
        Some(posted as u64),
        "{report}"
    );
    assert_eq!(posted as u64 + dropped, 200_000);
    assert_eq!(report["records"]["dropped"], dropped);
}

/// Without that all of them get everything, each as late as it is itself.
#[tokio::test(flavor = "multi_thread")]
async fn each_is_as_late_as_it_is_itself() {
    let head = "load: 4000/s\nuntil: { records: 6000 }";
    let (report, written, posted) = beside_a_slow_one(0, head, "on_full: wait").await;
    assert_eq!((written, posted), (6_000, 6_000));
    let late = |sink: usize| report["sinks"][sink]["receipt_us"]["p50"].as_u64().unwrap();
    // The endpoint's own tenth of a second is in each of its receipts.
    assert!(late(1) >= 100_000 && late(0) < late(1), "{report}");
}

/// One that stalls holds the schedule back, and with it the others: they get no further than what may
/// wait for it.
#[tokio::test(flavor = "multi_thread")]
async fn one_that_may_not_drop_holds_the_others_back() {
    const RECORDS: u64 = 400_000;
    let gate = Arc::new(Semaphore::new(0));
    let held = Arc::clone(&gate);
    let server = Server::ruled(move |_| Answer::Held(Arc::clone(&held))).await;
    let sandbox = Sandbox::new();
    let spec = format!(
        "generator: transaction\nseed: 7\nload: max\nuntil: {{ records: {RECORDS} }}\nsinks:\n  \
         - file:out.ndjson\n  - {{ type: http, url: \"{}/in\", batch: 1000, timeout: 120s }}\n",
        server.address
    );
    sandbox.write("spec.yaml", &spec);
    let arguments = ["run", "spec.yaml", "--run", "r", "--report", "r.json"];
    let child = sandbox.command(&arguments).spawn().unwrap();
    let partial = sandbox.path("out.ndjson.r.partial");
    let written = || std::fs::metadata(&partial).map_or(0, |file| file.len());
    let (stalled, output) = tokio::task::block_in_place(|| {
        until("the endpoint is asked", || server.busiest() > 0);
        until("the file is begun", || written() > 0);
        let bytes = settled("the file grows no more", Duration::from_secs(1), written);
        gate.close();
        (bytes, wait(child))
    });
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let whole = std::fs::metadata(sandbox.path("out.ndjson")).unwrap().len();
    assert!(stalled < whole / 2, "{stalled} of {whole} bytes");
    let report = sandbox.json("r.json");
    for sink in report["sinks"].as_array().unwrap() {
        assert_eq!(sink["acknowledged"], RECORDS, "{report}");
        assert_eq!(sink["dropped"], 0, "{report}");
    }
}

/// No service is needed to say so, and none is asked.
#[test]
fn names_that_are_too_long_are_refused_before_anything_is_sent() {
    let sandbox = Sandbox::new();
    let long = "x".repeat(70_000);
    for (to, why) in [
        (
            format!("kafka://127.0.0.1:9/{}", &long[..250]),
            "1 to 249 letters",
        ),
        (
            format!("postgres://u@127.0.0.1:9/d?table={}", &long[..64]),
            "63 is the most",
        ),
        (
            format!(
                "s3://{}/p?endpoint=http://127.0.0.1:9&access_key=a&secret_key=b",
                &long[..64]
            ),
            "3 to 63 lower-case letters",
        ),
        (
            format!("mqtt://127.0.0.1:9/{long}"),
            "longer than 65,535 bytes",
        ),
        (format!("sqlite:{}.db?table=t", &long[..300]), "opening it"),
    ] {
        let arguments = ["run", "transaction", "--records", "10", "--to", &to];
        let said = stderr(&sandbox.expect(2, &arguments));
        // It may be broken over lines.
        let words: Vec<&str> = said
            .split_whitespace()
            .filter(|word| *word != "│")
            .collect();
        assert!(words.join(" ").contains(why), "{why}: {said}");
    }
}
