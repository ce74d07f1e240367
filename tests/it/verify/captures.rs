//! What a real broker handed on and a real server received, written down and verified.

use super::{assert_counts, run, verify};
use crate::common::{Sandbox, service};
use crate::sink::http::server::Server;
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
