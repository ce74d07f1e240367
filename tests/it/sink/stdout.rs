//! Standard output, which a process has one of: the test runs itself as the writer.

use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};

use serde_json::{Map, Value, json};

use super::{group, start};

/// Says to the process that it is the writer, and with which options.
const WRITER: &str = "WELLHEAD_TEST_STDOUT_WRITER";

/// Says that it goes on until its reader leaves.
const ENDLESS: &str = "WELLHEAD_TEST_STDOUT_ENDLESS";

/// This test again, as the writer.
fn writer(test: &str, options: &Value) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", &format!("sink::stdout::{test}"), "--nocapture"]);
    command
        .env(WRITER, options.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// What the writer does: records until the reader leaves, or `records` of each stream.
async fn write() -> bool {
    let Ok(options) = std::env::var(WRITER) else {
        return false;
    };
    let options: Map<String, Value> = serde_json::from_str(&options).unwrap();
    let mut fixture = start(&("stdout", options), "run-1", None).await;
    println!("\nBEGIN");
    let endless = std::env::var(ENDLESS).is_ok();
    let mut next = 0;
    while endless || next < 1_000 {
        if let Err(error) = fixture.sink.write(&group(&[next; 3], next + 100)).await {
            assert!(!error.retry);
            eprintln!("ENDED: {error}");
            return true;
        }
        next += 100;
    }
    fixture.sink.close(true).await.unwrap();
    println!("\nEND");
    assert_eq!(fixture.receipts.acknowledged(), 3_000);
    true
}

fn between_marks(text: &str) -> &str {
    let begin = text.find("BEGIN\n").unwrap() + 6;
    &text[begin..text.rfind("\nEND").unwrap()]
}

#[tokio::test(flavor = "multi_thread")]
async fn writes_every_format() {
    if write().await {
        return;
    }
    for format in ["ndjson", "json", "csv"] {
        let output = writer("writes_every_format", &json!({ "format": format }))
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let text = String::from_utf8(output.stdout).unwrap();
        let text = between_marks(&text);
        let records = match format {
            "json" => serde_json::from_str::<Vec<Value>>(text).unwrap().len(),
            "csv" => text.lines().count() - 1,
            _ => text
                .lines()
                .inspect(|line| drop(serde_json::from_str::<Value>(line).unwrap()))
                .count(),
        };
        assert_eq!(records, 3_000, "{format}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_leaves_ends_it() {
    if write().await {
        return;
    }
    let mut command = writer("a_reader_that_leaves_ends_it", &json!({}));
    let mut child = command.env(ENDLESS, "1").spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().contains(r#""n":50"#)));
    drop(lines);
    let mut said = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut said)
        .unwrap();
    child.wait().unwrap();
    assert!(
        said.contains("ENDED: standard output was closed by its reader"),
        "{said}"
    );
}
