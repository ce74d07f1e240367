//! Manifests of shards make that of the whole, byte for byte.

use serde_json::Value;

use super::verify;
use crate::common::{Sandbox, stderr};

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
