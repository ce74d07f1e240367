//! `replay` through the host: long files in little memory, and files that can't be replayed.

use std::fmt::Write as _;
use std::sync::Arc;

use serde_json::{Map, json};
use wellhead::plugin::{Assets, Limits, Runtime, Stream, Validate};

use crate::common::{Sandbox, program, stderr};

const MIB: usize = 1 << 20;
const LINES: u64 = 1_000_000;

/// A million objects, one a line or all in an array: about 90 MB.
fn million(array: bool) -> Vec<u8> {
    let mut text = String::with_capacity(96 << 20);
    text.push_str(if array { "[" } else { "" });
    for i in 0..LINES {
        let between = match (array, i) {
            (_, 0) => "",
            (true, _) => ",\n",
            (false, _) => "\n",
        };
        let _ = write!(
            text,
            r#"{between}{{"number":{i},"name":"object {i} of a million","tags":["a","{{b}}"],"ok":true,"of":{{"x":{}}}}}"#,
            i % 1000
        );
    }
    text.push_str(if array { "]" } else { "\n" });
    text.into_bytes()
}

/// A stream of `replay` whose guest has at most 64 MiB, from what the host is built with.
fn stream(payloads: Vec<u8>, looped: bool) -> Stream {
    let limits = Limits {
        memory_bytes: 64 * MIB,
        replace_above_bytes: 48 * MIB,
        ..Limits::default()
    };
    let runtime = Runtime::new(limits, None).unwrap();
    let plugins = program().ancestors().nth(2).unwrap().join("plugins");
    let component = std::fs::read(plugins.join("replay.wasm")).unwrap();
    let mut assets = Assets::default();
    assets.insert("payloads", payloads);
    let mut config = Map::new();
    config.insert("loop".to_owned(), json!(looped));
    let configured = runtime
        .load(&component, "replay")
        .unwrap()
        .configure(config, Arc::new(assets), Validate::Sample)
        .unwrap();
    let mut stream = configured.open(7, 0, 1, None);
    stream.start().unwrap();
    stream
}

/// The number in record `index`, asked for by itself.
fn number(stream: &mut Stream, index: u64) -> u64 {
    let batch = stream.generate(index, &[0]).unwrap();
    let record: serde_json::Value = serde_json::from_slice(batch.record(0)).unwrap();
    record["number"].as_u64().unwrap()
}

#[test]
fn a_million_lines_fit_into_64_mib() {
    for array in [false, true] {
        let mut stream = stream(million(array), false);
        let (mut next, times) = (0, [0; 4096]);
        loop {
            let batch = stream.generate(next, &times).unwrap();
            if batch.is_empty() {
                break;
            }
            let last: serde_json::Value =
                serde_json::from_slice(batch.record(batch.len() - 1)).unwrap();
            next += batch.len() as u64;
            assert_eq!(last["number"], next - 1);
        }
        assert_eq!(next, LINES);
        assert!(stream.memory() < 8 * MIB, "{} bytes", stream.memory());
        assert_eq!(stream.replacements(), 0);
        // Any of them, in any order, by an instance that has been through the file.
        for index in [0, LINES - 1, 500_000, 499_999, 3] {
            assert_eq!(number(&mut stream, index), index);
        }
    }
}

#[test]
fn a_fresh_instance_finds_what_is_far_into_a_long_file() {
    for array in [false, true] {
        let mut stream = stream(million(array), true);
        // Around again: the file is gone through once to see how long it is.
        assert_eq!(number(&mut stream, 7 * LINES + 123_456), 123_456);
        assert_eq!(number(&mut stream, 123_455), 123_455);
        assert!(stream.memory() < 8 * MIB, "{} bytes", stream.memory());
    }
}

#[test]
fn a_run_ends_after_the_last_object_unless_it_loops() {
    let sandbox = Sandbox::new();
    sandbox.write("p.json", r#"[{"a": 1}, {"a": 2}, {"a": 3}]"#);
    let run = |more: &[&str], status: i32| {
        let mut arguments = vec!["run", "replay", "--asset", "payloads=p.json"];
        arguments.extend(["--load", "max", "--to", "stdout"]);
        arguments.extend(more);
        let output = sandbox.expect(status, &arguments);
        String::from_utf8(output.stdout).unwrap()
    };
    let (one, two, three) = ("{\"a\": 1}\n", "{\"a\": 2}\n", "{\"a\": 3}\n");
    assert_eq!(run(&[], 0), [one, two, three].concat());
    assert_eq!(run(&["--streams", "2"], 0), [one, two, three].concat());
    // It was asked for five, and gives three.
    assert_eq!(run(&["--records", "5"], 1), [one, two, three].concat());
    let looped = run(&["--records", "5", "--config", "loop=true"], 0);
    assert_eq!(looped, [one, two, three, one, two].concat());
}

#[test]
fn files_that_cannot_be_replayed_are_refused_before_anything_is_sent() {
    let sandbox = Sandbox::new();
    let refused = |expected: &str| {
        let arguments = ["run", "replay", "--asset", "payloads=p", "--to", "stdout"];
        let output = sandbox.expect(2, &arguments);
        let said = stderr(&output);
        assert!(
            said.contains("`payloads`") && said.contains(expected),
            "{said}"
        );
        assert!(output.stdout.is_empty());
    };
    refused("p: No such file");
    for (text, expected) in [
        ("", "no object in the asset `payloads`"),
        ("[]", "no object in the asset `payloads`"),
        ("{\"a\": 1", "object 1 at byte 0"),
        ("[1, 2, 3]", "object 1 at byte 1: an object is expected"),
        ("a,b\n1,2\n", "begins with `a`"),
    ] {
        sandbox.write("p", text);
        refused(expected);
    }
    // Larger than what an asset may be; sparse, so that it takes no disk.
    let file = std::fs::File::create(sandbox.path("p")).unwrap();
    file.set_len((1 << 30) + 1).unwrap();
    refused("larger than the limit of 1024 MiB");
}

#[test]
fn what_is_broken_in_the_middle_ends_the_run_there() {
    let sandbox = Sandbox::new();
    sandbox.write("p", "{\"a\":1}\n{\"a\":2}\n{\"a\":}\n{\"a\":4}\n");
    let arguments = [
        "run",
        "replay",
        "--asset",
        "payloads=p",
        "--to",
        "stdout",
        "--load",
        "max",
    ];
    let output = sandbox.expect(1, &arguments);
    assert_eq!(output.stdout, b"{\"a\":1}\n{\"a\":2}\n");
    let said = stderr(&output);
    assert!(
        said.contains("object 3 at byte 21: a value is expected"),
        "{said}"
    );
}

/// A file of 1 GB is held once by the host and in pieces by the guest.
#[test]
fn a_gigabyte_is_replayed() {
    use std::io::Write as _;
    let sandbox = Sandbox::new();
    let line = format!("{{\"text\":\"{}\"}}\n", "x".repeat(1000 - 12));
    assert_eq!(line.len(), 1000);
    let block = line.repeat(1000);
    let mut file = std::fs::File::create(sandbox.path("p")).unwrap();
    for _ in 0..1000 {
        file.write_all(block.as_bytes()).unwrap();
    }
    drop(file);
    let arguments = [
        "run",
        "replay",
        "--asset",
        "payloads=p",
        "--to",
        "null",
        "--load",
        "max",
    ];
    sandbox.expect(0, &[&arguments[..], &["--report", "r.json"]].concat());
    let report = sandbox.json("r.json");
    assert_eq!(report["records"]["acknowledged"], 1_000_000, "{report}");
}
