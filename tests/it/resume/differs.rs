//! What may not change between a run and its resume, each refused with both values.

use serde_json::json;

use super::{partial_bytes, strs};
use crate::common::{Sandbox, signal, stderr, until, wait};

/// The spec, with one thing changed.
fn spec(changed: &str, to: &str) -> String {
    let mut lines = vec![
        ("generator", "replay"),
        ("config", "{loop: true, times: ignore, time_field: ts}"),
        ("assets", "{payloads: one.ndjson}"),
        ("seed", "1"),
        ("streams", "2"),
        ("load", "200/s"),
        ("clock", "{start: 2024-01-01T00:00:00Z}"),
        ("faults", "{duplicate: 0.01}"),
        ("sinks", "[\"file:o.ndjson\"]"),
        ("until", "{records: 1000}"),
    ];
    for line in &mut lines {
        if line.0 == changed {
            line.1 = to;
        }
    }
    let line = |(name, value): &(&str, &str)| format!("{name}: {value}\n");
    lines.iter().map(line).collect()
}

#[test]
fn every_difference_is_named_with_both_values() {
    let sandbox = Sandbox::new();
    let objects = |text: &str| -> String {
        (0..50)
            .map(|n| json!({"n": n, "text": text, "ts": "2020-01-01T00:00:00Z"}).to_string() + "\n")
            .collect()
    };
    sandbox.write("one.ndjson", &objects("one"));
    sandbox.write("two.ndjson", &objects("two"));
    sandbox.write("spec.yaml", &spec("", ""));
    let arguments = ["run", "spec.yaml", "--run", "r"];
    let child = sandbox.command(&arguments).spawn().unwrap();
    until("it writes", || partial_bytes(&sandbox) > 0);
    signal(child.id(), rustix::process::Signal::KILL);
    wait(child);
    let before = partial_bytes(&sandbox);
    let resumed: Vec<String> = arguments
        .iter()
        .chain(&["--resume"])
        .map(|text| (*text).to_owned())
        .collect();
    for (changed, to, said) in [
        (
            "config",
            "{loop: false, times: ignore, time_field: ts}",
            ["config was", "false"],
        ),
        (
            "assets",
            "{payloads: two.ndjson}",
            ["assets was", "payloads"],
        ),
        ("seed", "2", ["seed was 1", "is 2"]),
        ("streams", "3", ["streams was 2", "is 3"]),
        ("load", "300/s", ["load was", "and is"]),
        (
            "clock",
            "{start: 2025-01-01T00:00:00Z}",
            ["start was", "1735689600"],
        ),
        (
            "clock",
            "{start: 2024-01-01T00:00:00Z, speed: 2}",
            ["speed was", "2.0"],
        ),
        ("faults", "{duplicate: 0.02}", ["faults was", "0.02"]),
        (
            "sinks",
            "[\"file:other.ndjson\"]",
            ["sinks was", "other.ndjson"],
        ),
        ("generator", "transaction", ["component was", "config was"]),
    ] {
        let mut text = spec(changed, to);
        if changed == "generator" {
            text = text.replace("assets", "#").replace("config", "#");
        }
        sandbox.write("spec.yaml", &text);
        let refused = sandbox.expect(2, &strs(&resumed));
        let message = stderr(&refused);
        for part in said
            .iter()
            .chain(&["run r can't be resumed", "without --resume"])
        {
            assert!(
                message.contains(part),
                "{changed}: {part} is missing: {message}"
            );
        }
        assert_eq!(
            partial_bytes(&sandbox),
            before,
            "{changed}: nothing is sent"
        );
    }
    // What isn't part of the bytes may change.
    sandbox.write("spec.yaml", &spec("until", "{records: 600}"));
    sandbox.expect(0, &strs(&resumed));
}
