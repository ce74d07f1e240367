//! What a real broker handed on and a real server received, written down and verified.

use std::io::{BufWriter, Write};
use std::sync::{Arc, Mutex};

use super::damage::{Injurer, counts, drawn};
use super::{assert_counts, run, verify};
use crate::common::{Sandbox, service};
use crate::sink::http::server::{Answer, Server};
use crate::sink::mqtt::broker::{Subscriber, unique};

const FLAGS: &str = "--streams 3 --load 3000/s --records 6000 --to";

fn written_down(sandbox: &Sandbox, text: &str) {
    sandbox.write("got.ndjson", text);
    let report = verify(sandbox, 0, &["--from", "file:got.ndjson"]);
    assert_counts(&report, &[]);
    assert_eq!(report["matched"], 6_000, "{report:#}");
    let note = report["notes"][0].as_str().unwrap();
    assert!(note.contains("captured"), "{note}");
    // One line fewer, and it is said.
    let cut = text.find('\n').unwrap() + 1;
    sandbox.write("got.ndjson", &text[cut..]);
    let report = verify(sandbox, 1, &["--from", "file:got.ndjson"]);
    assert_counts(&report, &[("missing", 1)]);
}

#[test]
fn what_a_subscriber_received_is_verified() {
    let Some(host) = service("WELLHEAD_TEST_MQTT") else {
        return;
    };
    let (sandbox, name) = (Sandbox::new(), unique("capture"));
    let subscriber = Subscriber::start(&host, &format!("{name}/#"), "%p");
    let to = format!("mqtt://{host}/{name}/all?qos=1");
    run(&sandbox, "transaction", &format!("{FLAGS} {to}"));
    let text = subscriber.lines(6_000).join("\n") + "\n";
    written_down(&sandbox, &text);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_server_received_is_verified() {
    let server = Server::start().await;
    let sandbox = Sandbox::new();
    let to = format!("{}/in", server.address);
    tokio::task::block_in_place(|| {
        run(&sandbox, "transaction", &format!("{FLAGS} {to}"));
        let mut text = String::new();
        for request in server.taken() {
            text.push_str(std::str::from_utf8(&request.body).unwrap().trim_end());
            text.push('\n');
        }
        written_down(&sandbox, &text);
    });
}

/// A proxy that loses, repeats, moves and alters what it writes down of a million records, as a list says,
/// and that answers as if it did not: all of that is found, and none more. What it moved is no difference,
/// since nobody promises the order of what an endpoint wrote down.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_proxy_does_to_a_million_records_is_found() {
    let sandbox = Sandbox::new();
    let list = drawn(1_000_000, 400, 23);
    let got = std::fs::File::create(sandbox.path("got.ndjson")).unwrap();
    let passing = (Injurer::new(list.clone()), BufWriter::new(got));
    let proxy = Arc::new(Mutex::new(passing));
    let passes = Arc::clone(&proxy);
    let server = Server::ruled(move |seen| {
        let mut proxy = passes.lock().unwrap();
        let (injurer, out) = &mut *proxy;
        for line in seen.body.trim_ascii_end().split(|&byte| byte == b'\n') {
            injurer.pass(line.to_vec(), |line| {
                out.write_all(line).unwrap();
                out.write_all(b"\n").unwrap();
            });
        }
        Answer::Ok
    })
    .await;
    let to = format!("{}/in?batch=1000&ordered=all", server.address);
    tokio::task::block_in_place(|| {
        let flags = format!("--load max --records 1000000 --to {to}");
        run(&sandbox, "machine-signal", &flags);
        let mut proxy = proxy.lock().unwrap();
        assert_eq!(proxy.0.end(), 1_000_000);
        proxy.1.flush().unwrap();
        let report = verify(&sandbox, 1, &["--from", "file:got.ndjson"]);
        let mut wanted = counts(&list);
        wanted.retain(|(kind, _)| *kind != "reordered");
        assert_counts(&report, &wanted);
    });
}
