//! Faults on their way through the program: the same whatever the workers and calls, across a kill and a
//! stop, counted in the report and told in the ledger.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::common::{Sandbox, signal, stderr, until, wait};

/// All faults at once.
const FAULTS: &str = r#"
faults:
  duplicate: { share: 2%, after: 7 }
  late: { share: 2%, by: 10ms..100ms }
  reorder: { share: 5%, within: 20 }
  drop: 1%
  corrupt: 1%
  gap: { every: 500ms, for: 20ms }
  burst: { every: 300ms, for: 30ms }
"#;

fn spec(sandbox: &Sandbox, load: &str, records: u64, streams: u32) {
    let text = format!(
        "name: f\ngenerator: transaction\nseed: 7\nstreams: {streams}\nload: {load}\n\
         clock: {{ start: 2024-01-01T00:00:00Z }}\nuntil: {{ records: {records} }}\n\
         sinks: [{{ type: file, path: out.ndjson }}]\n{FAULTS}"
    );
    sandbox.write("f.yaml", &text);
}

const OUTPUTS: [&str; 6] = [
    "--ledger",
    "l.ndjson",
    "--report",
    "r.json",
    "--manifest",
    "m.json",
];

fn arguments<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&["run", "f.yaml", "--run", "r"], &OUTPUTS[..], more].concat()
}

fn lines(sandbox: &Sandbox, name: &str) -> Vec<Value> {
    let text = std::fs::read_to_string(sandbox.path(name)).unwrap();
    let read = |line: &str| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
    text.lines().map(read).collect()
}

/// File, ledger and counts of a run that has ended.
fn results(sandbox: &Sandbox) -> (Vec<u8>, Vec<u8>, Value) {
    let read = |name: &str| std::fs::read(sandbox.path(name)).unwrap();
    let mut records = sandbox.json("r.json")["records"].take();
    // How often something was sent again is of an execution, not of the run.
    records["resent"].take();
    records["retried"].take();
    (read("out.ndjson"), read("l.ndjson"), records)
}

/// How often the ledger tells of each fault; what a copy inherits counts once.
fn told(ledger: &[Value]) -> BTreeMap<String, u64> {
    let mut told = BTreeMap::new();
    for line in ledger {
        for fault in line["faults"].as_array().unwrap() {
            let name = fault["fault"].as_str().unwrap();
            let inherited = ["late", "reorder", "corrupt"].contains(&name);
            if line["copy"] == 0 || !inherited {
                *told.entry(name.to_owned()).or_default() += 1;
            }
        }
    }
    told
}

#[test]
fn workers_and_batches_leave_no_trace_in_faults() {
    let run = |more: &[&str]| {
        let sandbox = Sandbox::new();
        spec(&sandbox, "5000/s", 20_000, 3);
        sandbox.expect(0, &arguments(&[&["--speed", "max"], more].concat()));
        let records = sandbox.json("r.json")["records"].take();
        assert_eq!(
            serde_json::to_value(told(&lines(&sandbox, "l.ndjson"))).unwrap(),
            records["faults"],
            "the report counts what the ledger tells"
        );
        results(&sandbox)
    };
    let whole = run(&["--workers", "1"]);
    for (name, count) in whole.2["faults"].as_object().unwrap() {
        assert!(count.as_u64().unwrap() > 100, "{name}: {count}");
    }
    for more in [
        ["--workers", "2"],
        ["--batch", "1"],
        ["--batch", "777"],
        ["--recycle", "3"],
    ] {
        let again = run(&more);
        assert_eq!(again.2, whole.2, "{more:?}");
        assert!(again.0 == whole.0, "{more:?}: the file differs");
        assert!(again.1 == whole.1, "{more:?}: the ledger differs");
    }
}

/// Bytes of the unfinished file.
fn partial_bytes(sandbox: &Sandbox) -> u64 {
    let files = std::fs::read_dir(sandbox.path("")).unwrap();
    let partial = files.filter_map(|entry| {
        let entry = entry.unwrap();
        let name = entry.file_name().to_string_lossy().into_owned();
        let unfinished = name.contains("partial") && name.contains("out");
        unfinished.then(|| entry.metadata().map_or(0, |m| m.len()))
    });
    partial.sum()
}

/// Past a block boundary, so that what was held back there is in the snapshot that it restarts from.
#[test]
fn a_killed_run_has_the_same_faults_as_one_in_one_piece() {
    let one = Sandbox::new();
    spec(&one, "60000/s", 150_000, 1);
    one.expect(0, &arguments(&["--speed", "max"]));
    let whole = results(&one);
    for share in [30, 75] {
        let broken = Sandbox::new();
        spec(&broken, "60000/s", 150_000, 1);
        let child = broken.command(&arguments(&[])).spawn().unwrap();
        let id = child.id();
        let bytes = whole.0.len() as u64 * share / 100;
        until("the file has grown", || partial_bytes(&broken) > bytes);
        signal(id, rustix::process::Signal::KILL);
        assert!(
            !wait(child).status.success(),
            "it ended before it was killed"
        );
        assert!(!broken.path("l.ndjson").exists());
        broken.expect(0, &arguments(&["--resume"]));
        let resumed = results(&broken);
        assert_eq!(resumed.2, whole.2, "killed at {share} %");
        assert!(
            resumed.0 == whole.0,
            "killed at {share} %: the file differs"
        );
        assert!(
            resumed.1 == whole.1,
            "killed at {share} %: the ledger differs"
        );
    }
}

#[test]
fn a_stopped_run_tells_of_what_it_released_and_of_nothing_else() {
    let sandbox = Sandbox::new();
    spec(&sandbox, "2000/s", 10_000_000, 2);
    let child = sandbox.command(&arguments(&[])).spawn().unwrap();
    let id = child.id();
    until("it writes", || partial_bytes(&sandbox) > 500_000);
    signal(id, rustix::process::Signal::TERM);
    assert_eq!(wait(child).status.code(), Some(143));
    let report = sandbox.json("r.json");
    let released = report["records"]["acknowledged"].as_u64().unwrap();
    let ledger = lines(&sandbox, "l.ndjson");
    let sequences = ledger.iter().filter_map(|line| line["sequence"].as_u64());
    // Two streams: each has about half of what was released.
    assert!(sequences.clone().count() > 50);
    assert!(sequences.max().unwrap() <= released / 2 + 200);
    let counted = &report["records"]["faults"];
    for name in ["drop", "corrupt"] {
        let told = told(&ledger).get(name).copied().unwrap_or(0);
        let counted = counted[name].as_u64().unwrap();
        // Counted when its tick passes, told when it is released: a corrupted one may be held back yet.
        let held = if name == "drop" { 0 } else { 20 };
        assert!(
            told <= counted && counted <= told + held,
            "{name}: {told} of {counted}"
        );
    }
}

#[test]
fn the_table_counts_each_fault() {
    let sandbox = Sandbox::new();
    spec(&sandbox, "5000/s", 5_000, 1);
    let said = stderr(&sandbox.expect(0, &arguments(&["--speed", "max"])));
    let report = sandbox.json("r.json");
    let by = report["records"]["faults"].as_object().unwrap();
    let sum: u64 = by.values().filter_map(Value::as_u64).sum();
    assert_eq!(report["records"]["faulted"].as_u64(), Some(sum));
    for (name, count) in by {
        assert!(
            said.contains(&format!("{name} {count}")),
            "{name} {count}: {said}"
        );
    }
}

fn refused(text: &str) -> String {
    let sandbox = Sandbox::new();
    sandbox.write("s.yaml", text);
    stderr(&sandbox.expect(2, &["check", "s.yaml"]))
}

#[test]
fn faults_that_do_not_fit_generator_or_sinks_are_refused() {
    let sinks = |sinks: &str, corrupt: &str| {
        refused(&format!(
            "generator: transaction\nsinks: [{sinks}]\nfaults:\n  corrupt: {corrupt}\n"
        ))
    };
    for sink in [
        "{ type: file, path: a.csv }",
        "{ type: file, path: a.json }",
        "{ type: stdout }, { type: sqlite, path: a.db, table: t }",
        "{ type: postgres, host: h, user: u, database: d, table: t }",
        "{ type: s3, bucket: bbb, format: parquet }",
        "{ type: http, url: 'http://h/', format: csv, batch: 5 }",
    ] {
        let found = sinks(
            sink,
            "{ share: 0.1, kinds: [null_, truncate] }"
                .replace("null_", "\"null\"")
                .as_str(),
        );
        assert!(
            found.contains("damages bytes (truncate)"),
            "{sink}: {found}"
        );
        assert!(found.contains("s.yaml:4"), "{sink}: {found}");
    }
    let found = refused(
        "generator: transaction\nsinks: [{ type: \"null\" }]\nfaults:\n  drop: { share: 0.1, channels: [transactoin] }\n",
    );
    assert!(found.contains("no channel `transactoin`"), "{found}");
    assert!(found.contains("did you mean `transaction`?"), "{found}");
    let sandbox = Sandbox::new();
    sandbox.write(
        "s.yaml",
        "generator: transaction\nsinks: [{ type: file, path: a.csv }]\nfaults: { corrupt: { share: 0.1, kinds: [wrong_type, extra_field] } }\n",
    );
    sandbox.expect(0, &["check", "s.yaml"]);
}

#[test]
fn the_ledgers_of_a_scenario_have_names_of_their_own() {
    let sandbox = Sandbox::new();
    sandbox.write(
        "s.yaml",
        "load: max\nseed: 1\nuntil: { records: 500 }\nfaults: { drop: 5% }\nsinks: [{ type: \"null\" }]\n\
         emulations:\n  - { name: a, generator: transaction }\n  - { name: b, generator: device-log }\n",
    );
    let said = stderr(&sandbox.expect(2, &["run", "s.yaml", "--ledger", "l.ndjson"]));
    assert!(said.contains("write {emulation} into the name"), "{said}");
    sandbox.expect(0, &["run", "s.yaml", "--ledger", "l/{emulation}.ndjson"]);
    for name in ["l/a.ndjson", "l/b.ndjson"] {
        let ledger = lines(&sandbox, name);
        assert!((5..60).contains(&ledger.len()), "{name}: {}", ledger.len());
    }
    let said = stderr(&sandbox.expect(2, &["run", "s.yaml", "--ledger", "/proc/{emulation}/l"]));
    assert!(
        said.contains("the ledger /proc/a/l can't be written"),
        "{said}"
    );
}

const ENDLESS: &str = "generator: transaction\nseed: 1\nload: 1000/s\nsinks: [{ type: file, path: out.ndjson }]\nfaults: { drop: 50% }\n";

#[test]
fn an_expectation_that_is_broken_for_good_ends_the_run() {
    let sandbox = Sandbox::new();
    sandbox.write(
        "e.yaml",
        &format!("{ENDLESS}expect: {{ faulted: '<= 100', rejected: 0, abort: true }}\n"),
    );
    let output = sandbox.expect(3, &["run", "e.yaml", "--report", "r.json"]);
    let report = sandbox.json("r.json");
    assert_eq!(report["outcome"], "aborted", "{report}");
    assert_eq!(report["expect"][0]["rule"], "faulted <= 100");
    assert_eq!(report["expect"][0]["held"], false);
    assert_eq!(report["expect"][1]["held"], true);
    let value = report["expect"][0]["value"].as_str().unwrap();
    assert!(value.ends_with("when it ended the run"), "{value}");
    let said = stderr(&output);
    assert!(said.contains("stopped by an `expect`"), "{said}");
    assert!(
        said.contains("expect faulted <= 100") && said.contains(value),
        "{said}"
    );
    // Drained, and it can be gone on with.
    let records = &report["records"];
    let drained =
        records["generated"].as_u64().unwrap() - records["faults"]["drop"].as_u64().unwrap();
    assert_eq!(records["acknowledged"].as_u64(), Some(drained), "{report}");
    sandbox.expect(
        0,
        &[
            "run",
            "e.yaml",
            "--resume",
            "--expect",
            "faulted>0",
            "--records",
            "2000",
            "--report",
            "r.json",
        ],
    );
}

#[test]
fn rules_come_as_flags_too() {
    let sandbox = Sandbox::new();
    sandbox.write(
        "e.yaml",
        &format!("{ENDLESS}expect: {{ faulted: 0 }}\nuntil: {{ records: 500 }}\n"),
    );
    let run = |status, flags: &[&str]| {
        let mut all = vec!["run", "e.yaml", "--report", "r.json"];
        flags.iter().for_each(|flag| all.extend(["--expect", flag]));
        let said = stderr(&sandbox.expect(status, &all));
        (said, sandbox.json("r.json"))
    };
    let (said, _) = run(3, &[]);
    assert!(said.contains("expect faulted == 0"), "{said}");
    let (_, report) = run(
        0,
        &[
            "faulted>=20%",
            "faulted<=80%",
            "rate>1/s",
            "receipt_max<10s",
        ],
    );
    let rules: Vec<&str> = report["expect"]
        .as_array()
        .unwrap()
        .iter()
        .map(|rule| rule["rule"].as_str().unwrap())
        .collect();
    assert_eq!(
        rules,
        [
            "faulted >= 20%",
            "faulted <= 80%",
            "rate > 1/s",
            "receipt_max < 10s"
        ]
    );
    let (said, _) = run(2, &["ratte>=1/s"]);
    assert!(
        said.contains("--expect: nothing is measured as `ratte`"),
        "{said}"
    );
    // A percentile that can't hold ends it, once it means something.
    let (_, report) = run(3, &["release_max<1ns", "abort=1ms"]);
    assert!(
        ["aborted", "finished"].contains(&report["outcome"].as_str().unwrap()),
        "{report}"
    );
}
