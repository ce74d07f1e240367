//! Same input, same bytes: whatever the batch size, the workers, the shards, or a forced replacement
//! of instances. And the same bytes natively as through WebAssembly.

use serde_json::Value;

use crate::common::{STOCK, Sandbox, json};

/// More than a hash block, so that a boundary is crossed.
const RECORDS: &str = "70001";

fn hashes(generator: &str, streams: u32, more: &[&str]) -> Value {
    let sandbox = Sandbox::new();
    let streams = streams.to_string();
    let mut arguments = vec!["run", generator];
    arguments.extend(sandbox.needs(generator));
    arguments.extend([
        "--seed",
        "7",
        "--streams",
        &streams,
        "--start",
        "2024-01-01T00:00:00Z",
        "--records",
        RECORDS,
        "--load",
        "max",
        "--to",
        "null",
        "--manifest",
        "m.json",
    ]);
    arguments.extend(more);
    sandbox.expect(0, &arguments);
    sandbox.json("m.json")["streams"].clone()
}

#[test]
fn workers_and_batches_leave_no_trace() {
    for generator in STOCK {
        for streams in [1, 3, 7] {
            let want = hashes(generator, streams, &["--workers", "1"]);
            for more in [
                ["--workers", "2"],
                ["--batch", "1"],
                ["--batch", "777"],
                ["--recycle", "3"],
            ] {
                let got = hashes(generator, streams, &more);
                assert_eq!(got, want, "{generator}, {streams} streams, {more:?}");
            }
        }
    }
}

#[test]
fn shards_make_up_the_whole() {
    for generator in STOCK {
        for streams in [3, 7] {
            let whole = hashes(generator, streams, &[]);
            let mut parts: Vec<Value> = ["0/2", "1/2"]
                .iter()
                .flat_map(|shard| {
                    let part = hashes(generator, streams, &["--shard", shard]);
                    part.as_array().unwrap().clone()
                })
                .collect();
            parts.sort_by_key(|s| s["index"].as_u64());
            assert_eq!(Value::Array(parts), whole, "{generator}, {streams} streams");
        }
    }
}

/// The golden hashes of ten thousand records of each stock generator under seed 7, three streams.
///
/// They may change only with the version of that generator (a new minor version at least), or with
/// a new version of the schedule or the hash; say in the commit which. `WELLHEAD_BLESS=1` writes them.
#[test]
fn goldens() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("goldens/stock.json");
    let mut now = serde_json::Map::new();
    for generator in STOCK {
        let sandbox = Sandbox::new();
        let mut arguments = vec!["run", generator];
        arguments.extend(sandbox.needs(generator));
        arguments.extend([
            "--seed",
            "7",
            "--streams",
            "3",
            "--start",
            "2024-01-01T00:00:00Z",
            "--records",
            "10000",
            "--load",
            "max",
            "--to",
            "null",
            "--manifest",
            "m.json",
        ]);
        sandbox.expect(0, &arguments);
        let manifest = sandbox.json("m.json");
        let key = format!(
            "{generator}@{}",
            manifest["identity"]["version"].as_str().unwrap()
        );
        now.insert(key, manifest["streams"].clone());
    }
    let now = Value::Object(now);
    if std::env::var("WELLHEAD_BLESS").is_ok() {
        std::fs::write(&path, format!("{now:#}\n")).unwrap();
    }
    assert_eq!(
        now,
        json(&path),
        "the bytes changed: read the comment above this test"
    );
}

/// The first 1,000 records of the run are what `preview` shows.
#[test]
fn preview_is_the_beginning_of_the_run() {
    let sandbox = Sandbox::new();
    let common = [
        "transaction",
        "--streams",
        "3",
        "--seed",
        "7",
        "--start",
        "2024-01-01T00:00:00Z",
    ];
    let preview = {
        let mut arguments = vec!["preview"];
        arguments.extend(common);
        arguments.extend(["-n", "1000"]);
        sandbox.expect(0, &arguments).stdout
    };
    let mut arguments = vec!["run"];
    arguments.extend(common);
    arguments.extend([
        "--records",
        "5000",
        "--speed",
        "max",
        "--to",
        "file:run.ndjson",
    ]);
    sandbox.expect(0, &arguments);
    let run = std::fs::read(sandbox.path("run.ndjson")).unwrap();
    assert_eq!(preview.iter().filter(|b| **b == b'\n').count(), 1000);
    assert!(
        run.starts_with(&preview),
        "the run begins with other bytes than the preview"
    );
}
