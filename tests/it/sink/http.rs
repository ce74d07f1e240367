//! HTTP against an endpoint that counts, and answers as badly as endpoints do.

pub mod connections;
mod faults;
pub mod server;

use std::io::Read;
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::{Service, batch, start};
use crate::common::{Sandbox, signal, until, wait};
use server::{Answer, Seen, Server};
use wellhead::record::{Batch, Group, Part};

/// An endpoint, and the options of a block that posts there.
struct Endpoint {
    server: Server,
    options: Value,
}

impl Endpoint {
    async fn new(options: Value) -> Endpoint {
        Endpoint {
            server: Server::start().await,
            options,
        }
    }

    /// The records of a request, by lines.
    fn records(seen: &Seen) -> Vec<(u32, u64)> {
        let mut text = String::new();
        if seen.headers.contains_key("content-encoding") {
            let mut body = flate(&seen.body);
            body.read_to_string(&mut text).unwrap();
        } else {
            text = String::from_utf8(seen.body.clone()).unwrap();
        }
        let lines = text.lines().map(|line| line.trim_end_matches(','));
        lines
            .filter(|line| line.starts_with('{'))
            .map(|line| {
                let record: Value = serde_json::from_str(line).unwrap();
                let number = |name: &str| record[name].as_u64().unwrap();
                (number("stream") as u32, number("n"))
            })
            .collect()
    }
}

/// Unpacks with the system's own gzip, which knows nothing of us.
fn flate(body: &[u8]) -> impl Read {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("body.gz");
    std::fs::write(&file, body).unwrap();
    let output = std::process::Command::new("gzip")
        .arg("-dc")
        .arg(&file)
        .output()
        .unwrap();
    assert!(output.status.success());
    std::io::Cursor::new(output.stdout)
}

impl Service for Endpoint {
    fn block(&self) -> (&'static str, Map<String, Value>) {
        let mut options = json!({"url": format!("{}/in", self.server.address)});
        for (name, value) in self.options.as_object().unwrap() {
            options[name] = value.clone();
        }
        ("http", options.as_object().unwrap().clone())
    }

    fn read(&self) -> Vec<(u32, u64)> {
        let taken = self.server.taken();
        taken.iter().flat_map(Endpoint::records).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn delivers() {
    // The batch's keys are one a stream, so each stream is in order, whatever goes beside it.
    super::delivers(&Endpoint::new(json!({})).await).await;
    let all = json!({"ordered": "all", "batch": 7, "batch_wait": "10ms"});
    super::delivers(&Endpoint::new(all).await).await;
    let gzip = json!({"batch": 500, "format": "json", "compression": "gzip"});
    super::delivers(&Endpoint::new(gzip).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn survives_an_abort() {
    super::survives_an_abort(&Endpoint::new(json!({"batch": 20, "batch_wait": "1ms"})).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn goes_on_after_a_stop() {
    super::goes_on_after_a_stop(&Endpoint::new(json!({"batch": 100})).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn takes_no_record_twice() {
    super::takes_no_record_twice(&Endpoint::new(json!({"batch": 50})).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn passes_what_was_dropped() {
    super::passes_what_was_dropped(&Endpoint::new(json!({"batch": 50})).await).await;
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

/// A login, headers, a path and a query made of fields; the record is the body as it is.
#[tokio::test(flavor = "multi_thread")]
async fn requests_are_what_the_block_says() {
    let mut endpoint = Endpoint::new(json!({
        "method": "PUT", "headers": {"x-source": "lab", "content-type": "text/x-own"}, "meta_headers": true,
        "username": "me", "password": "s:3",
    }))
    .await;
    let url = format!(
        "{}/d/{{kind}}/{{channel}}?p={{pad}}",
        endpoint.server.address
    );
    endpoint.options["url"] = url.into();
    let mut fixture = start(&endpoint.block(), "run-1", None).await;
    let mut batch = batch(2, 0, 3);
    batch.operations = vec![0, 1, 2];
    let bodies: Vec<Vec<u8>> = (0..3).map(|k| batch.record(k).to_vec()).collect();
    fixture.sink.write(&one(batch)).await.unwrap();
    fixture.sink.close(true).await.unwrap();
    let seen = endpoint.server.seen();
    assert_eq!(seen.len(), 3);
    assert_eq!(seen[1].method.as_str(), "PUT");
    assert_eq!(seen[0].path, "/d/k0/main?p=");
    assert_eq!(seen[1].path, "/d/k1/main?p=x%22%C3%A9");
    let header = |name: &str| seen[1].headers[name].to_str().unwrap().to_owned();
    assert_eq!(header("authorization"), "Basic bWU6czoz");
    assert_eq!(
        (header("x-source"), header("content-type")),
        ("lab".into(), "text/x-own".into())
    );
    assert_eq!(header("wellhead-run"), "run-1");
    assert_eq!(
        (header("wellhead-stream"), header("wellhead-sequence")),
        ("2".into(), "1".into())
    );
    assert_eq!(header("wellhead-operation"), "upsert");
    for (seen, body) in seen.iter().zip(bodies) {
        assert_eq!(seen.body, body);
    }

    endpoint.options =
        json!({"token": "t0k", "batch": 3, "format": "csv", "operation_field": "op"});
    let mut fixture = start(&endpoint.block(), "run-2", None).await;
    fixture
        .sink
        .write(&one(super::batch(0, 0, 3)))
        .await
        .unwrap();
    fixture.sink.close(true).await.unwrap();
    let last = endpoint.server.seen().pop().unwrap();
    assert_eq!(last.headers["authorization"], "Bearer t0k");
    assert_eq!(last.headers["content-type"], "text/csv; charset=utf-8");
    let text = String::from_utf8(last.body).unwrap();
    assert!(
        text.starts_with("stream,n,pad,kind,op\r\n0,0,\"\",k0,append"),
        "{text}"
    );
}

/// Batches of different URLs, where nothing is ordered, fill up side by side; what waits goes at the end.
#[tokio::test(flavor = "multi_thread")]
async fn batches_are_by_url_and_do_not_wait_for_ever() {
    let mut endpoint = Endpoint::new(json!({
        "batch": 10, "ordered": "none", "batch_wait": "30s", "max_targets": 5
    }))
    .await;
    endpoint.options["url"] = format!("{}/{{kind}}", endpoint.server.address).into();
    let mut fixture = start(&endpoint.block(), "run-1", None).await;
    fixture.sink.write(&one(batch(0, 0, 52))).await.unwrap();
    until("whole batches are there", || {
        endpoint.server.seen().len() >= 5
    });
    for seen in endpoint.server.seen() {
        let records = Endpoint::records(&seen);
        assert_eq!(records.len(), 10);
        assert!(
            records
                .iter()
                .all(|(_, n)| seen.path == format!("/k{}", n % 5)),
            "{seen:?}"
        );
    }
    assert_eq!(endpoint.server.seen().len(), 5);
    fixture.sink.close(true).await.unwrap();
    assert_eq!(
        (endpoint.server.seen().len(), endpoint.read().len()),
        (7, 52)
    );

    endpoint.options["batch_wait"] = "50ms".into();
    let mut fixture = start(&endpoint.block(), "run-2", None).await;
    fixture.sink.write(&one(batch(0, 0, 3))).await.unwrap();
    until("it doesn't wait for more", || {
        fixture.receipts.acknowledged() == 3
    });
}

/// As many at the same time as allowed and no more, and yet each key in its order, retries included.
#[tokio::test(flavor = "multi_thread")]
async fn keys_keep_their_order_beside_each_other() {
    let server = Server::ruled(|_| Answer::Late(Duration::from_millis(2))).await;
    server.script((0..40).map(|n| match n % 4 {
        0 => Answer::Status(503),
        1 => Answer::Reset,
        _ => Answer::Late(Duration::from_millis(5)),
    }));
    let options = json!({"key": "{kind}", "concurrency": 7});
    let endpoint = Endpoint { server, options };
    let mut fixture = start(&endpoint.block(), "run-1", None).await;
    fixture.sink.write(&one(batch(0, 0, 600))).await.unwrap();
    fixture.sink.close(true).await.unwrap();
    assert_eq!(fixture.receipts.acknowledged(), 600);
    let read = endpoint.read();
    assert_eq!(read.len(), 600);
    for kind in 0..5 {
        let of_key: Vec<u64> = read.iter().map(|r| r.1).filter(|n| n % 5 == kind).collect();
        assert!(of_key.is_sorted(), "{of_key:?}");
    }
    let busiest = endpoint.server.busiest();
    assert!((2..=7).contains(&busiest), "{busiest}");
    let told = fixture.receipts.told();
    assert_eq!(told.retried, 20, "{told:?}");
    assert_eq!(
        (
            told.details["status_2xx"],
            told.details["status_5xx"],
            told.details["no_answer"]
        ),
        (600, 10, 10)
    );
}

/// A killed run goes on: nothing is lost, and only what lies above the watermark comes again.
#[tokio::test(flavor = "multi_thread")]
async fn a_killed_run_goes_on_without_loss() {
    let server = Server::start().await;
    let to = format!("{}/in?ordered=all&wh-timeout=5s&site=a%20b", server.address);
    let sandbox = Sandbox::new();
    let arguments = [
        "run",
        "transaction",
        "--seed",
        "7",
        "--start",
        "2024-01-01T00:00:00Z",
        "--load",
        "1000/s",
        "--records",
        "4000",
        "--run",
        "crash",
        "--to",
        &to,
        "--report",
        "r.json",
    ];
    let child = sandbox.command(&arguments).spawn().unwrap();
    let id = child.id();
    until("it is well on its way", || server.seen().len() >= 1_500);
    signal(id, rustix::process::Signal::KILL);
    assert!(!wait(child).status.success());
    let before = server.seen().len();
    let again: Vec<&str> = arguments.iter().copied().chain(["--resume"]).collect();
    tokio::task::block_in_place(|| sandbox.expect(0, &again));
    let report = sandbox.json("r.json");
    assert_eq!(report["records"]["acknowledged"], 4000, "{report}");
    let sink = &report["sinks"][0];
    assert!(
        sink["details"]["status_2xx"].as_u64().unwrap() >= 4000 - before as u64,
        "{sink}"
    );
    let bodies: Vec<Vec<u8>> = server.seen().into_iter().map(|seen| seen.body).collect();
    let resumed = &bodies[before..];
    let distinct: std::collections::HashSet<&Vec<u8>> = bodies.iter().collect();
    assert_eq!(distinct.len(), 4000);
    // What comes again is one stretch that ends where the first execution did.
    let repeated = bodies.len() - 4000;
    assert_eq!(&bodies[before - repeated..before], &resumed[..repeated]);
    assert!(
        server
            .seen()
            .iter()
            .all(|seen| seen.path == "/in?site=a%20b")
    );
}

/// Every response has its line: status, jitter against the ideal tick, failure rate.
#[tokio::test(flavor = "multi_thread")]
async fn responses_are_logged_where_that_is_wanted() {
    let server = Server::start().await;
    server.script([Answer::Status(404)]);
    let to = format!("{}/in?log_responses=true", server.address);
    let sandbox = Sandbox::new();
    let output = tokio::task::block_in_place(|| {
        let arguments = [
            "run",
            "transaction",
            "--load",
            "100/s",
            "--records",
            "10",
            "--to",
            &to,
            "--log-level",
            "info",
        ];
        sandbox.expect(1, &arguments)
    });
    let said = crate::common::stderr(&output);
    let lines: Vec<&str> = said
        .lines()
        .filter(|line| line.contains("jitter_ms"))
        .collect();
    assert_eq!(lines.len(), 10, "{said}");
    assert!(
        lines[0].contains("404") && lines[0].contains("failure_rate"),
        "{}",
        lines[0]
    );
    assert!(
        lines[9].contains("200") && lines[9].contains("0.1"),
        "{}",
        lines[9]
    );
}
