//! `verify`: a run that holds is found to hold, and what a test did to it is found, all and nothing else.

mod bad;
mod captures;
mod damage;
mod merge;
mod parquet;
mod services;
mod upsert;

use serde_json::Value;

use crate::common::{STOCK, Sandbox, signal, until, wait};

/// Counts of a report that have to be as given; the others have to be zero.
pub fn assert_counts(report: &Value, wanted: &[(&str, u64)]) {
    for name in ["missing", "repeated", "reordered", "altered", "foreign"] {
        let want = wanted.iter().find(|(n, _)| *n == name).map_or(0, |w| w.1);
        assert_eq!(report[name], want, "{name} in {report:#}");
    }
    let sum = |names: &[&str]| {
        names
            .iter()
            .map(|n| report[n].as_u64().unwrap())
            .sum::<u64>()
    };
    assert_eq!(
        sum(&["expected"]),
        sum(&["matched", "missing", "altered", "rejected"]),
        "{report:#}"
    );
}

/// Runs a generator with a fixed start, and gives the manifest's name.
pub fn run(sandbox: &Sandbox, generator: &str, flags: &str) {
    let mut arguments = vec!["run", generator];
    arguments.extend("--seed 7 --start 2024-01-01T00:00:00Z --manifest m.json".split_whitespace());
    arguments.extend(flags.split_whitespace());
    arguments.extend(sandbox.needs(generator));
    sandbox.expect(0, &arguments);
}

/// Verifies, and gives the report.
pub fn verify(sandbox: &Sandbox, status: i32, flags: &[&str]) -> Value {
    let mut arguments = vec!["verify", "m.json", "--report", "v.json"];
    arguments.extend(flags);
    sandbox.expect(status, &arguments);
    sandbox.json("v.json")
}

#[test]
fn each_generator_gives_what_its_manifest_says() {
    for generator in STOCK {
        let sandbox = Sandbox::new();
        let flags = "--streams 3 --load max --records 20000 --to file:o.ndjson";
        run(&sandbox, generator, flags);
        let report = verify(&sandbox, 0, &[]);
        assert_eq!(report["outcome"], "verified");
        assert_eq!(report["streams"].as_array().unwrap().len(), 3);
        assert!(report.get("expected").is_none(), "{report:#}");
        let report = verify(&sandbox, 0, &["--from"]);
        assert_counts(&report, &[]);
        assert!(report["matched"].as_u64().unwrap() > 10_000, "{report:#}");
    }
}

#[test]
fn every_form_of_a_file_is_read_back() {
    for (sink, streams) in [
        ("file:o.ndjson", 1),
        ("file:o.json", 3),
        ("file:o.csv", 3),
        ("file:o.ndjson.gz", 2),
        ("file:o.csv.zst", 1),
        ("file:out/{channel}-{stream}.ndjson?rotate_size=100KB", 2),
        ("file:o.json.zst?rotate_every=1s", 2),
        ("file:o.ndjson?operation_field=op", 1),
        ("file:o/{device}/{channel}.csv", 2),
    ] {
        let sandbox = Sandbox::new();
        let (generator, sink) = match sink.contains("{device}") {
            true => ("iot-sensor", sink.replace("{device}", "{device_id}")),
            false => ("machine-signal", sink.to_owned()),
        };
        let flags = format!("--streams {streams} --load 5000/s --speed max --records 20000");
        run(&sandbox, generator, &format!("{flags} --to {sink}"));
        let report = verify(&sandbox, 0, &["--from"]);
        assert_counts(&report, &[]);
        assert!(
            report["matched"].as_u64().unwrap() > 5_000,
            "{sink}: {report:#}"
        );
    }
}

#[test]
fn faults_are_expected() {
    let sandbox = Sandbox::new();
    let spec = r#"
generator: transaction
streams: 3
load: 10000/s
clock: {start: 2024-01-01T00:00:00Z, speed: max}
until: {records: 50000}
faults: {duplicate: {share: 0.05, after: 20ms}, late: {share: 0.05, by: 1ms..300ms}}
sinks: [{type: file, path: o.ndjson}]
"#;
    sandbox.write("spec.yaml", spec);
    sandbox.expect(0, &["run", "spec.yaml", "--manifest", "m.json"]);
    let report = verify(&sandbox, 0, &["--from"]);
    assert_counts(&report, &[]);
    assert!(report["matched"].as_u64().unwrap() > 52_000, "{report:#}");
}

#[test]
fn a_run_that_was_stopped_holds_what_was_released() {
    let sandbox = Sandbox::new();
    let spec = r#"
generator: transaction
seed: 3
streams: 2
load: 2000/s
faults: {duplicate: {share: 0.1, after: 50ms}, late: {share: 0.1, by: 1ms..400ms}}
sinks: [{type: file, path: o.ndjson}]
"#;
    sandbox.write("spec.yaml", spec);
    let arguments = ["run", "spec.yaml", "--manifest", "m.json"];
    let child = sandbox.command(&arguments).spawn().unwrap();
    let id = child.id();
    until("it has written", || sandbox_bytes(&sandbox) > 200_000);
    signal(id, rustix::process::Signal::TERM);
    assert_eq!(wait(child).status.code(), Some(0));
    let report = verify(&sandbox, 0, &["--from"]);
    assert_counts(&report, &[]);
    assert!(report["matched"].as_u64().unwrap() > 300, "{report:#}");
}

/// Bytes of all files beside the state.
pub fn sandbox_bytes(sandbox: &Sandbox) -> u64 {
    std::fs::read_dir(sandbox.path(""))
        .unwrap()
        .filter_map(|entry| {
            let entry = entry.unwrap();
            let ours = entry.file_name().to_string_lossy().starts_with("o.");
            ours.then(|| entry.metadata().map_or(0, |m| m.len()))
        })
        .sum()
}

#[test]
fn a_killed_and_resumed_run_verifies() {
    let mut seed = 5u64;
    for (generator, sink) in [
        ("transaction", "file:o.ndjson"),
        ("device-log", "file:o.csv"),
        ("iot-sensor", "file:o.ndjson.gz"),
    ] {
        let sandbox = Sandbox::new();
        let flags = "--seed 7 --streams 3 --start 2024-01-01T00:00:00Z --load 4000/s --records 6000 \
                     --run r --manifest m.json";
        let mut arguments = vec!["run", generator, "--to", sink];
        arguments.extend(flags.split_whitespace());
        let child = sandbox.command(&arguments).spawn().unwrap();
        let id = child.id();
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let bytes = 1 + (seed >> 33) % 60_000;
        until("the file has grown", || sandbox_bytes(&sandbox) > bytes);
        signal(id, rustix::process::Signal::KILL);
        assert!(
            !wait(child).status.success(),
            "it ended before it was killed"
        );
        arguments.push("--resume");
        sandbox.expect(0, &arguments);
        assert_counts(&verify(&sandbox, 0, &["--from"]), &[]);
    }
}
