//! Manifests of shards make that of the whole, byte for byte.

use serde_json::Value;

use super::{assert_counts, verify};
use crate::common::{Sandbox, signal, stderr, until, wait};

fn run(sandbox: &Sandbox, manifest: &str, more: &[&str]) {
    let flags = "run transaction --seed 7 --streams 5 --start 2024-01-01T00:00:00Z --load max \
                 --records 20000 --to null --manifest";
    let mut arguments: Vec<&str> = flags.split_whitespace().collect();
    arguments.push(manifest);
    arguments.extend(more);
    sandbox.expect(0, &arguments);
}

#[test]
fn shards_merge_to_the_manifest_of_the_whole() {
    let sandbox = Sandbox::new();
    run(&sandbox, "whole.json", &[]);
    let whole = sandbox.json("whole.json");
    for shards in [1, 2, 5] {
        let names: Vec<String> = (0..shards).map(|i| format!("{shards}-{i}.json")).collect();
        for (i, name) in names.iter().enumerate() {
            let run_id = format!("r{shards}-{i}");
            let shard = format!("{i}/{shards}");
            run(&sandbox, name, &["--shard", &shard, "--run", &run_id]);
        }
        let mut arguments = vec!["verify", "--merge", "--manifest", "m.json"];
        // The order in which they are given is nothing.
        arguments.extend(names.iter().rev().map(String::as_str));
        sandbox.expect(0, &arguments);
        let merged = sandbox.json("m.json");
        for part in ["identity", "digest", "streams"] {
            assert_eq!(
                merged[part].to_string(),
                whole[part].to_string(),
                "{part} of {shards} shards"
            );
        }
        let report = verify(&sandbox, 0, &[]);
        assert_eq!(report["streams"].as_array().unwrap().len(), 5);
    }
    let refused = |files: &[&str], said: &str| {
        let mut arguments = vec!["verify", "--merge"];
        arguments.extend(files);
        let text = stderr(&sandbox.expect(2, &arguments));
        assert!(text.contains(said), "{said}: {text}");
    };
    refused(&["2-0.json"], "streams are in none of the manifests");
    refused(&["2-0.json", "5-0.json", "2-1.json"], "stream 0 is both in");
    run_with_seed(&sandbox);
    refused(&["2-0.json", "other.json"], "seed");
}

fn run_with_seed(sandbox: &Sandbox) {
    let flags = "run transaction --seed 8 --streams 5 --start 2024-01-01T00:00:00Z --load max \
                 --records 20000 --to null --manifest other.json --shard 1/2 --run other";
    let arguments: Vec<&str> = flags.split_whitespace().collect();
    sandbox.expect(0, &arguments);
    let other: Value = sandbox.json("other.json");
    assert_eq!(other["streams"].as_array().unwrap().len(), 2);
}

/// What the whole is compared by.
fn identity(manifest: &Value) -> String {
    let parts = ["identity", "digest", "streams"];
    parts.map(|part| manifest[part].to_string()).join("\n")
}

/// Bytes of a stream's file while it is written.
fn written(sandbox: &Sandbox, stream: usize) -> u64 {
    let name = format!("o-{stream}.ndjson.");
    let entries = std::fs::read_dir(sandbox.path("")).unwrap();
    entries
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(&name))
        .map(|entry| entry.metadata().map_or(0, |metadata| metadata.len()))
        .sum()
}

/// So many shards at once, of which each is killed and started again; and the whole that they make.
fn restarted(shards: usize) -> String {
    let sandbox = Sandbox::new();
    let start = |shard: usize, resume: bool| {
        let text = format!(
            "{WHOLE} --shard {shard}/{shards} --state state-{shard} --manifest {shard}.json \
             --report {shard}.report.json"
        );
        let arguments: Vec<&str> = text.split_whitespace().collect();
        let more: &[&str] = if resume { &["--resume"] } else { &[] };
        let mut command = sandbox.command(&[&arguments[..], more].concat());
        command.spawn().unwrap()
    };
    let one = |shard: usize| {
        let killed = start(shard, false);
        let least = 20_000 * (1 + (shard + shards) as u64 % 5);
        until("its file has grown", || written(&sandbox, shard) > least);
        signal(killed.id(), rustix::process::Signal::KILL);
        assert!(!wait(killed).status.success(), "it had ended already");
        let output = wait(start(shard, true));
        assert!(output.status.success(), "{}", stderr(&output));
    };
    std::thread::scope(|scope| {
        for shard in 0..shards {
            let one = &one;
            scope.spawn(move || one(shard));
        }
    });
    let names: Vec<String> = (0..shards).map(|shard| format!("{shard}.json")).collect();
    let mut arguments = vec!["verify", "--merge", "--manifest", "m.json"];
    arguments.extend(names.iter().map(String::as_str));
    sandbox.expect(0, &arguments);
    let report = verify(&sandbox, 0, &["--from"]);
    assert_counts(&report, &[]);
    assert_eq!(report["matched"], 12_000);
    identity(&sandbox.json("m.json"))
}

/// Five seconds of a run.
const WHOLE: &str = "run transaction --seed 7 --streams 5 --start 2024-01-01T00:00:00Z \
                     --load 2400/s --records 12000 --to file:o-{stream}.ndjson";

#[test]
fn shards_that_were_killed_and_started_again_merge_to_the_same_manifest() {
    let whole = Sandbox::new();
    let text = format!("{WHOLE} --manifest m.json");
    let arguments: Vec<&str> = text.split_whitespace().collect();
    let merged = std::thread::scope(|scope| {
        let one = scope.spawn(|| whole.expect(0, &arguments));
        let merged = [1, 2, 5].map(|shards| (shards, scope.spawn(move || restarted(shards))));
        let merged = merged.map(|(shards, made)| (shards, made.join().unwrap()));
        one.join().unwrap();
        merged
    });
    let wanted = identity(&whole.json("m.json"));
    for (shards, made) in merged {
        assert!(made == wanted, "{shards} shards:\n{made}\n{wanted}");
    }
}
