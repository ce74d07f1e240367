//! A list of injuries, drawn by a seed, done to what a sink holds: all of them are found, and none more.

use std::collections::BTreeMap;
use std::io::{BufRead, BufWriter, Write};
use std::path::Path;

use serde_json::Value;

use super::{assert_counts, run, verify};
use crate::common::Sandbox;

/// What is done to one record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Injury {
    /// Left out.
    Lose,
    /// Written again so many records later.
    Repeat(usize),
    /// Written so many records later.
    Move(usize),
    /// A bit of that byte (from its end) is turned over.
    Flip(usize),
    /// Followed by a record of nobody.
    Foreign,
}

/// Injuries of so many records, far enough apart not to meet.
pub fn drawn(records: usize, apart: usize, seed: u64) -> BTreeMap<usize, Injury> {
    let mut state = seed;
    let mut draw = |below: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    let mut list = BTreeMap::new();
    let mut at = draw(apart);
    while at + 4 * apart < records {
        let injury = match draw(5) {
            0 => Injury::Lose,
            1 => Injury::Repeat(draw(apart)),
            2 => Injury::Move(1 + draw(apart - 1)),
            3 => Injury::Flip(2 + draw(40)),
            _ => Injury::Foreign,
        };
        list.insert(at, injury);
        at += 2 * apart + draw(apart);
    }
    list
}

/// Does the injuries of a list to the lines that pass.
pub struct Injurer {
    list: BTreeMap<usize, Injury>,
    passed: usize,
    later: BTreeMap<usize, Vec<u8>>,
}

impl Injurer {
    pub fn new(list: BTreeMap<usize, Injury>) -> Injurer {
        Injurer {
            list,
            passed: 0,
            later: BTreeMap::new(),
        }
    }

    /// Hands on what becomes of the next line.
    pub fn pass(&mut self, mut line: Vec<u8>, mut out: impl FnMut(&[u8])) {
        let n = self.passed;
        self.passed += 1;
        let injury = self.list.get(&n);
        match injury {
            None | Some(Injury::Repeat(_) | Injury::Foreign) => out(&line),
            Some(Injury::Lose | Injury::Move(_)) => {}
            Some(Injury::Flip(back)) => {
                let at = line.len() - back.min(&line.len());
                line[at] ^= 1;
                out(&line);
            }
        }
        if let Some(line) = self.later.remove(&n) {
            out(&line);
        }
        match injury {
            Some(Injury::Repeat(0)) => out(&line),
            Some(Injury::Repeat(by) | Injury::Move(by)) => {
                self.later.insert(n + by, line);
            }
            Some(Injury::Foreign) => out(format!("{{\"nobody\":{n}}}").as_bytes()),
            _ => {}
        }
    }

    /// All have passed: gives how many there were.
    pub fn end(&self) -> usize {
        assert!(self.later.is_empty(), "injuries reach past the end");
        self.passed
    }
}

/// How many of each kind.
pub fn counts(list: &BTreeMap<usize, Injury>) -> Vec<(&'static str, u64)> {
    let of = |what: fn(&Injury) -> bool| list.values().filter(|i| what(i)).count() as u64;
    vec![
        ("missing", of(|i| *i == Injury::Lose)),
        ("repeated", of(|i| matches!(i, Injury::Repeat(_)))),
        ("reordered", of(|i| matches!(i, Injury::Move(_)))),
        ("altered", of(|i| matches!(i, Injury::Flip(_)))),
        ("foreign", of(|i| *i == Injury::Foreign)),
    ]
}

/// Rewrites a file of lines.
fn injure(from: &Path, to: &Path, list: &BTreeMap<usize, Injury>) {
    let lines = std::io::BufReader::new(std::fs::File::open(from).unwrap()).split(b'\n');
    let mut out = BufWriter::new(std::fs::File::create(to).unwrap());
    let mut injurer = Injurer::new(list.clone());
    for line in lines {
        injurer.pass(line.unwrap(), |line| {
            out.write_all(line).unwrap();
            out.write_all(b"\n").unwrap();
        });
    }
    injurer.end();
}

#[test]
fn all_that_was_done_to_a_million_records_is_found() {
    let sandbox = Sandbox::new();
    run(
        &sandbox,
        "transaction",
        "--load max --records 1000000 --to file:o.ndjson",
    );
    let list = drawn(1_000_000, 400, 11);
    assert!(list.len() > 500, "{}", list.len());
    injure(
        &sandbox.path("o.ndjson"),
        &sandbox.path("bad.ndjson"),
        &list,
    );
    let report = verify(&sandbox, 1, &["--from", "file:bad.ndjson"]);
    assert_counts(&report, &counts(&list));
    assert_eq!(report["outcome"], "differs");
    let examples = report["examples"].as_array().unwrap();
    for kind in ["missing", "repeated", "reordered", "altered", "foreign"] {
        let mine: Vec<&Value> = examples.iter().filter(|e| e["kind"] == kind).collect();
        assert_eq!(mine.len(), 10, "{kind}");
        if kind == "foreign" {
            assert!(mine[0]["found"].as_str().unwrap().contains("nobody"));
            continue;
        }
        // One stream without faults: the index is the line.
        for example in mine {
            let index = example["index"].as_u64().unwrap() as usize;
            assert!(list.contains_key(&index), "{example:#}");
            assert!(
                example["expected"].as_str().unwrap().starts_with('{'),
                "{example:#}"
            );
        }
    }
}

#[test]
fn neighbours_and_long_stretches_are_told_apart() {
    let sandbox = Sandbox::new();
    run(
        &sandbox,
        "transaction",
        "--load max --records 300000 --to file:o.ndjson",
    );
    let text = std::fs::read_to_string(sandbox.path("o.ndjson")).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let check = |lines: Vec<&str>, status: i32, wanted: &[(&str, u64)]| {
        sandbox.write("bad.ndjson", &(lines.join("\n") + "\n"));
        let report = verify(&sandbox, status, &["--from", "file:bad.ndjson"]);
        assert_counts(&report, wanted);
    };
    check(lines.clone(), 0, &[]);
    check(Vec::new(), 1, &[("missing", 300_000)]);
    // A hundred thousand are gone from the middle, and the last.
    let gone = [&lines[..50_000], &lines[150_000..299_999]].concat();
    check(gone, 1, &[("missing", 100_001)]);
    // So many of another run come in between.
    let others: Vec<String> = (0..100_000).map(|i| format!("{{\"other\":{i}}}")).collect();
    let others: Vec<&str> = others.iter().map(String::as_str).collect();
    let more = [&lines[..10], &others[..], &lines[10..]].concat();
    check(more, 1, &[("foreign", 100_000)]);
    // A stretch comes twice, as after a crash.
    let twice = [&lines[..200_000], &lines[120_000..]].concat();
    check(twice, 1, &[("repeated", 80_000)]);
    // One moved up, one moved down by far, two exchanged.
    let mut moved = lines.clone();
    let late = moved.remove(1_000);
    moved.insert(290_000, late);
    let early = moved.remove(250_000);
    moved.insert(249_000, early);
    moved.swap(5_000, 5_001);
    check(moved, 1, &[("reordered", 3)]);
    // A record beside one that is gone was repeated: that isn't an altered one.
    let mut mixed = lines.clone();
    mixed[70_000] = mixed[69_999];
    check(mixed, 1, &[("missing", 1), ("repeated", 1)]);
}

/// What a broker or an endpoint received is verified by a capture, whose order nobody promises.
#[test]
fn a_capture_of_another_sink_may_be_in_any_order() {
    let sandbox = Sandbox::new();
    let flags = "--streams 3 --load max --records 30000 --to";
    run(&sandbox, "transaction", &format!("{flags} file:o.ndjson"));
    run(&sandbox, "transaction", &format!("{flags} null"));
    let text = std::fs::read_to_string(sandbox.path("o.ndjson")).unwrap();
    let mut lines: Vec<&str> = text.lines().collect();
    for stretch in lines.chunks_mut(97) {
        stretch.reverse();
    }
    lines.remove(5_000);
    sandbox.write("got.ndjson", &(lines.join("\n") + "\n"));
    let report = verify(&sandbox, 1, &["--from", "file:got.ndjson"]);
    assert_counts(&report, &[("missing", 1)]);
    let note = report["notes"][0].as_str().unwrap();
    assert!(note.contains("captured"), "{note}");
}

#[test]
fn an_altered_record_shows_which_field() {
    let sandbox = Sandbox::new();
    run(
        &sandbox,
        "transaction",
        "--load max --records 1000 --to file:o.ndjson",
    );
    let text = std::fs::read_to_string(sandbox.path("o.ndjson")).unwrap();
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let mut record: Value = serde_json::from_str(&lines[500]).unwrap();
    let amount = record["amount"].clone();
    record["amount"] = Value::from(-1);
    lines[500] = record.to_string();
    sandbox.write("bad.ndjson", &(lines.join("\n") + "\n"));
    let report = verify(&sandbox, 1, &["--from", "file:bad.ndjson"]);
    assert_counts(&report, &[("altered", 1)]);
    let example = &report["examples"][0];
    assert_eq!(
        (&example["stream"], &example["index"]),
        (&0.into(), &500.into())
    );
    let diff = serde_json::json!([{"field": "/amount", "expected": amount, "found": -1}]);
    assert_eq!(example["diff"], diff, "{example:#}");
}

#[test]
fn a_loop_of_alike_records_is_followed() {
    let sandbox = Sandbox::new();
    let objects: String = (0..7).map(|i| format!("{{\"i\":{i}}}\n")).collect();
    sandbox.write("few.ndjson", &objects);
    let arguments = "run replay --asset payloads=few.ndjson --seed 1 --start 2024-01-01T00:00:00Z \
                     --load max --records 50000 --to file:o.ndjson --manifest m.json";
    let mut arguments: Vec<&str> = arguments.split_whitespace().collect();
    arguments.extend(["--config", r#"{"loop": true}"#]);
    sandbox.expect(0, &arguments);
    assert_counts(&verify(&sandbox, 0, &["--from"]), &[]);
    let text = std::fs::read_to_string(sandbox.path("o.ndjson")).unwrap();
    let mut lines: Vec<&str> = text.lines().collect();
    lines.remove(30_000);
    lines.remove(10_000);
    lines.insert(20_000, r#"{"i":99}"#);
    sandbox.write("bad.ndjson", &(lines.join("\n") + "\n"));
    let report = verify(&sandbox, 1, &["--from", "file:bad.ndjson"]);
    assert_counts(&report, &[("missing", 2), ("foreign", 1)]);
}
