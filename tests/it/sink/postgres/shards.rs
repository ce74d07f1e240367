//! One run on several machines without a disk of their own, as a Kubernetes Indexed Job would have it.

use std::path::Path;
use std::process::Child;

use serde_json::{Value, json};

use super::Database;
use crate::common::{Sandbox, signal, stderr, until, wait};

const SHARDS: usize = 5;
const RECORDS: u64 = 24_000;

/// The Job as it stands in `deploy/kubernetes`: its spec, and the arguments of its pods.
fn job() -> (String, Vec<String>) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/kubernetes/job.yaml");
    let text = std::fs::read_to_string(path).unwrap();
    let after = |what: &str| text.split_once(what).unwrap().1;
    let spec = after("  spec.yaml: |\n").split("\n---").next().unwrap();
    let spec = spec.replace("\n    ", "\n").trim_start().to_owned();
    let args = after("          args:\n").lines();
    let args = args.map_while(|line| line.strip_prefix("            - "));
    let args = args.map(|arg| arg.trim_matches('"').to_owned()).collect();
    (spec, args)
}

/// The Job's spec, shorter, into a table.
fn spec(table: &str) -> String {
    let (mut spec, _) = job();
    let block = format!("- {{ type: postgres, table: {table}, linger: 10ms }}");
    for (from, to) in [
        ("records: 1000000", &format!("records: {RECORDS}")),
        ("load: 5000/s", &"load: 6000/s".to_owned()),
        ("by: 100ms..2s", &"by: 10ms..200ms".to_owned()),
        ("- type: postgres\n    table: payments", &block),
    ] {
        assert!(spec.contains(from), "{spec}");
        spec = spec.replace(from, to);
    }
    spec
}

/// A pod: a state that nobody has seen before, and its index in the environment.
fn pod(database: &Database, table: &str, index: usize) -> (Sandbox, Child) {
    let sandbox = Sandbox::new();
    sandbox.write("spec.yaml", &spec(table));
    let (_, args) = job();
    let own = |arg: &String| match arg.as_str() {
        "/etc/wellhead/spec.yaml" => "spec.yaml".to_owned(),
        "/tmp/state" => sandbox.path("pod").display().to_string(),
        _ => arg.clone(),
    };
    let args: Vec<String> = args.iter().map(own).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let mut command = sandbox.command(&args);
    let child = command
        .env("JOB_COMPLETION_INDEX", index.to_string())
        .env("DATABASE_URL", &database.url)
        .spawn();
    (sandbox, child.unwrap())
}

#[test]
fn shards_without_a_disk_are_killed_and_started_again_and_the_union_is_exact() {
    let Some(database) = Database::new(json!({})) else {
        return;
    };
    let whole = Sandbox::new();
    whole.write("spec.yaml", &spec("whole"));
    let mut command = whole.command(&["run", "spec.yaml", "--manifest", "m.json"]);
    let output = wait(command.env("DATABASE_URL", &database.url).spawn().unwrap());
    assert!(output.status.success(), "{}", stderr(&output));

    let mut pods: Vec<_> = (0..SHARDS)
        .map(|index| pod(&database, "parts", index))
        .collect();
    let there = "SELECT to_regclass('parts') IS NOT NULL";
    for (index, least) in [(0, RECORDS / 10), (2, RECORDS / 3), (0, RECORDS / 2)] {
        until("enough has arrived", || {
            database.ask(there) == ["t"] && database.count("parts") >= least
        });
        signal(pods[index].1.id(), rustix::process::Signal::KILL);
        let (_, killed) = std::mem::replace(&mut pods[index], pod(&database, "parts", index));
        assert!(
            !wait(killed).status.success(),
            "it ended before it was killed"
        );
    }
    let mut streams: Vec<Value> = Vec::new();
    for (_sandbox, child) in pods {
        let output = wait(child);
        assert!(output.status.success(), "{}", stderr(&output));
        let manifest: Value = serde_json::from_slice(&output.stdout).unwrap();
        streams.extend(manifest["streams"].as_array().unwrap().clone());
    }
    let marks = "SELECT sum(acknowledged) FROM wellhead_watermarks WHERE run LIKE 'spec-%'";
    assert_eq!(database.ask(marks), [database.count("parts").to_string()]);
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
