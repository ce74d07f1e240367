//! One run on several machines without a disk of their own, as a Kubernetes Indexed Job would have it.

use std::process::Child;

use serde_json::json;

use super::Database;
use crate::common::{Sandbox, signal, until, wait};

const SHARDS: usize = 3;
const RECORDS: u64 = 24_000;

/// The emulation, and where its records go.
fn emulation(database: &Database, table: &str) -> [String; 2] {
    let spec = format!(
        "{{generator: transaction, seed: 7, streams: 5, load: 6000/s, until: {{records: {RECORDS}}},\n\
         clock: {{start: 2024-01-01T00:00:00Z}}, faults: {{duplicate: 0.01, late: {{share: 0.05, by: 10ms..200ms}}}}}}"
    );
    [spec, format!("{}?table={table}&linger=10ms", database.url)]
}

/// A pod: a state that nobody has seen before, and its index in the environment.
fn pod([spec, to]: &[String; 2], index: usize) -> (Sandbox, Child) {
    let sandbox = Sandbox::new();
    sandbox.write("spec.yaml", spec);
    let shard = format!("/{SHARDS}");
    let arguments = [
        "run",
        "spec.yaml",
        "--to",
        to,
        "--shard",
        &shard,
        "--resume",
        "--manifest",
        "m.json",
        "--report",
        "r.json",
    ];
    let mut command = sandbox.command(&arguments);
    let child = command
        .env("JOB_COMPLETION_INDEX", index.to_string())
        .spawn();
    (sandbox, child.unwrap())
}

#[test]
fn shards_without_a_disk_are_killed_and_started_again_and_the_union_is_exact() {
    let Some(database) = Database::new(json!({})) else {
        return;
    };
    let whole = Sandbox::new();
    let [spec, to] = emulation(&database, "whole");
    whole.write("spec.yaml", &spec);
    whole.expect(
        0,
        &["run", "spec.yaml", "--to", &to, "--manifest", "m.json"],
    );

    let parts = emulation(&database, "parts");
    let mut pods: Vec<_> = (0..SHARDS).map(|index| pod(&parts, index)).collect();
    let there = "SELECT to_regclass('parts') IS NOT NULL";
    for (index, least) in [(0, RECORDS / 10), (2, RECORDS / 3), (0, RECORDS / 2)] {
        until("enough has arrived", || {
            database.ask(there) == ["t"] && database.count("parts") >= least
        });
        signal(pods[index].1.id(), rustix::process::Signal::KILL);
        let (_, killed) = std::mem::replace(&mut pods[index], pod(&parts, index));
        assert!(
            !wait(killed).status.success(),
            "it ended before it was killed"
        );
    }
    let mut streams = Vec::new();
    for (index, (sandbox, child)) in pods.into_iter().enumerate() {
        let output = wait(child);
        assert!(
            output.status.success(),
            "{}",
            crate::common::stderr(&output)
        );
        let manifest = sandbox.json("m.json");
        let of = manifest["streams"].as_array().unwrap().clone();
        let report = sandbox.json("r.json");
        let marks = format!(
            "SELECT sum(acknowledged) FROM wellhead_watermarks WHERE run = '{}' AND stream % {SHARDS} = {index}",
            report["run"].as_str().unwrap()
        );
        let acknowledged = report["records"]["acknowledged"].to_string();
        assert_eq!(database.ask(&marks), [acknowledged], "{report}");
        streams.extend(of);
    }
    streams.sort_by_key(|stream| stream["index"].as_u64());
    assert_eq!(json!(streams), whole.json("m.json")["streams"]);
    for (one, other) in [("whole", "parts"), ("parts", "whole")] {
        let difference = format!(
            "SELECT count(*) FROM (SELECT t::text FROM {one} t EXCEPT ALL SELECT t::text FROM {other} t) d"
        );
        assert_eq!(database.ask(&difference), ["0"], "{one} beyond {other}");
    }
    assert!(database.count("whole") > RECORDS, "faults have copied some");
}
