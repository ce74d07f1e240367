//! Files against readers that share no code with the sink.

mod faults;
mod parquet;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use serde_json::{Map, Value, json};

use super::s3::lines_of;
use super::{RECORDS, Service, batch, group, message, send, start};
use wellhead::record::{Group, Part};

/// A folder, and how a block writes to it.
struct Files {
    folder: tempfile::TempDir,
    options: Value,
}

impl Files {
    fn new(path: &str, options: Value) -> Files {
        let folder = tempfile::tempdir().unwrap();
        let mut options = options;
        options["path"] = Value::from(folder.path().join(path).to_str().unwrap());
        Files { folder, options }
    }

    /// Every file below the folder with its text, by name.
    fn texts(&self) -> BTreeMap<String, String> {
        let mut found = BTreeMap::new();
        gather(self.folder.path(), self.folder.path(), &mut found);
        found
    }
}

pub(super) fn gather(root: &Path, folder: &Path, found: &mut BTreeMap<String, String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            gather(root, &path, found);
        } else {
            let name = path
                .strip_prefix(root)
                .unwrap()
                .to_str()
                .unwrap()
                .to_owned();
            found.insert(name, text(&path));
        }
    }
}

/// What a file says, decompressed by the tools that users have.
fn text(path: &Path) -> String {
    let tool = match path.extension().and_then(|extension| extension.to_str()) {
        Some("gz") => "gzip",
        Some("zst") => "zstd",
        Some("parquet") => {
            return String::from_utf8(lines_of(std::fs::read(path).unwrap())).unwrap();
        }
        _ => return std::fs::read_to_string(path).unwrap(),
    };
    let output = Command::new(tool).arg("-dc").arg(path).output();
    let output =
        output.unwrap_or_else(|error| panic!("{tool}: {error}; install the package {tool}"));
    assert!(
        output.status.success(),
        "{tool}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

/// The records of a file's text.
pub(super) fn records(name: &str, text: &str) -> Vec<(u32, u64)> {
    let place = |record: &Value| {
        (
            record["stream"].as_u64().unwrap() as u32,
            record["n"].as_u64().unwrap(),
        )
    };
    if name.contains(".json") {
        return serde_json::from_str::<Vec<Value>>(text)
            .unwrap()
            .iter()
            .map(place)
            .collect();
    }
    if name.contains(".csv") {
        let mut lines = text.split("\r\n");
        assert_eq!(lines.next(), Some("stream,n,pad,kind"));
        let row = |line: &str| {
            let mut cells = line.split(',');
            let mut next = || cells.next().unwrap().parse::<u64>().unwrap();
            (next() as u32, next())
        };
        return lines.filter(|line| !line.is_empty()).map(row).collect();
    }
    text.lines()
        .map(|line| place(&serde_json::from_str(line).unwrap()))
        .collect()
}

impl Service for Files {
    fn block(&self) -> (&'static str, Map<String, Value>) {
        ("file", self.options.as_object().unwrap().clone())
    }

    fn read(&self) -> Vec<(u32, u64)> {
        let texts = self.texts();
        texts
            .iter()
            .flat_map(|(name, text)| records(name, text))
            .collect()
    }
}

/// Ways to write that differ in what a checkpoint has to remember.
fn ways() -> Vec<Files> {
    vec![
        Files::new("out.ndjson", json!({})),
        Files::new("out.csv", json!({})),
        Files::new("out.json", json!({})),
        Files::new("out.ndjson.gz", json!({})),
        Files::new("out.json.zst", json!({"level": 1})),
        Files::new("{channel}/{stream}.csv.gz", json!({})),
        Files::new("deep/er/out.ndjson", json!({"rotate_size": "30KB"})),
        Files::new("out.json.gz", json!({"rotate_every": "0.0007s"})),
        Files::new(
            "{stream}.ndjson.zst",
            json!({"rotate_size": 20_000, "rotate_every": "0.0011s"}),
        ),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn delivers() {
    for files in ways() {
        super::delivers(&files).await;
        let names: Vec<String> = files.texts().into_keys().collect();
        assert!(
            names.iter().all(|name| !name.contains("partial")),
            "{names:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn survives_an_abort() {
    for files in ways() {
        super::survives_an_abort(&files).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn goes_on_after_a_stop() {
    for files in ways() {
        super::goes_on_after_a_stop(&files).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn takes_no_record_twice() {
    for files in ways() {
        super::takes_no_record_twice(&files).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn passes_what_was_dropped() {
    for files in ways() {
        super::passes_what_was_dropped(&files).await;
    }
}

#[tokio::test]
async fn works_on_a_runtime_of_one_thread() {
    super::delivers(&Files::new("out.ndjson", json!({}))).await;
}

/// Streams are merged by their order keys: one file holds all records in the order of their ticks.
#[tokio::test(flavor = "multi_thread")]
async fn one_file_holds_the_streams_in_the_order_of_their_ticks() {
    let files = Files::new("out.ndjson", json!({}));
    let mut fixture = start(&files.block(), "run-1", None).await;
    send(&mut fixture, &[0; 3], 1_000).await;
    fixture.sink.close(true).await.unwrap();
    let expected: Vec<(u32, u64)> = (0..1_000)
        .flat_map(|n| (0..3).map(move |stream| (stream, n)))
        .collect();
    assert_eq!(files.read(), expected);
}

/// Rotation is by bytes and profile time alone: the same records are in the same files however
/// they were grouped and committed.
#[tokio::test(flavor = "multi_thread")]
async fn where_files_are_cut_depends_on_the_records_alone() {
    let mut seen = Vec::new();
    for commits in [false, true] {
        let files = Files::new(
            "out.ndjson",
            json!({"rotate_size": 50_000, "rotate_every": "0.0013s"}),
        );
        let mut fixture = start(&files.block(), "run-1", None).await;
        if commits {
            for to in 1..=8 {
                let from = [(to - 1) * RECORDS / 8; 3];
                fixture
                    .sink
                    .write(&group(&from, to * RECORDS / 8))
                    .await
                    .unwrap();
                fixture.sink.commit().await.unwrap();
            }
        } else {
            send(&mut fixture, &[0; 3], RECORDS).await;
        }
        fixture.sink.close(true).await.unwrap();
        let texts = files.texts();
        assert!(texts.len() > 5, "{:?}", texts.keys());
        assert!(texts.contains_key("out-000000.ndjson"));
        seen.push(texts);
    }
    assert_eq!(seen[0], seen[1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_has_its_name_only_when_it_is_complete() {
    let files = Files::new("out.json", json!({}));
    let name = files.folder.path().join("out.json");
    std::fs::write(&name, "of a finished run").unwrap();
    let mut fixture = start(&files.block(), "a/b", None).await;
    send(&mut fixture, &[0; 3], 100).await;
    fixture.sink.commit().await.unwrap();
    assert_eq!(std::fs::read_to_string(&name).unwrap(), "of a finished run");
    assert!(files.folder.path().join("out.json.a-b.partial").exists());
    fixture.sink.close(true).await.unwrap();
    assert_eq!(files.read().len(), 300);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_without_records_leaves_a_file_that_can_be_read() {
    for (name, expected) in [
        ("a.ndjson", ""),
        ("a.json", "[]\n"),
        ("a.csv", "stream,n,pad,kind\r\n"),
    ] {
        let files = Files::new(name, json!({}));
        let mut fixture = start(&files.block(), "run-1", None).await;
        fixture.sink.close(true).await.unwrap();
        assert_eq!(files.texts()[name], expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_unfinished_run_is_not_overwritten() {
    let files = Files::new("out.ndjson", json!({}));
    let mut first = start(&files.block(), "first", None).await;
    send(&mut first, &[0; 3], 10).await;
    first.sink.close(false).await.unwrap();
    let mut second = super::open(&files.block(), "second", &[0; 3]);
    let said = message(second.sink.prepare().await);
    assert!(
        said.contains("run first") && said.contains("--resume"),
        "{said}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn fields_make_paths_and_too_many_are_refused() {
    let files = Files::new("{kind}/all.ndjson", json!({}));
    let mut fixture = start(&files.block(), "run-1", None).await;
    send(&mut fixture, &[0; 3], 1_000).await;
    fixture.sink.close(true).await.unwrap();
    let names: Vec<String> = files.texts().into_keys().collect();
    assert_eq!(
        names,
        [
            "k0/all.ndjson",
            "k1/all.ndjson",
            "k2/all.ndjson",
            "k3/all.ndjson",
            "k4/all.ndjson"
        ]
    );
    assert_eq!(super::distinct(&files.read()), 3_000);

    let files = Files::new("{n}.ndjson", json!({"max_targets": 10}));
    let mut fixture = start(&files.block(), "run-1", None).await;
    let said = message(fixture.sink.write(&group(&[0; 3], 100)).await);
    assert!(
        said.contains("more than 10 files") && said.contains("max_targets"),
        "{said}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_without_the_field_is_refused_alone() {
    let files = Files::new("{pad}.ndjson", json!({}));
    let mut fixture = start(&files.block(), "run-1", None).await;
    let mut batch = batch(0, 0, 3);
    let records = [
        r#"{"stream":0,"n":0,"pad":"a"}"#,
        r#"{"stream":0,"n":1}"#,
        r#"{"stream":0,"n":2,"pad":"a"}"#,
    ];
    batch.payload = records.concat().into_bytes();
    batch.ends = records
        .iter()
        .scan(0, |end, record| {
            *end += record.len() as u32;
            Some(*end)
        })
        .collect();
    let part = Part {
        range: 0..3,
        batch: batch.into(),
        pace: None,
    };
    fixture
        .sink
        .write(&Group {
            parts: vec![part],
            streams: 3,
        })
        .await
        .unwrap();
    fixture.sink.close(true).await.unwrap();
    assert_eq!(files.read(), [(0, 0), (0, 2)]);
    let refused = fixture.refused.all();
    assert_eq!((refused.len(), refused[0].1), (1, 1));
    assert_eq!(
        (fixture.receipts.acknowledged(), fixture.receipts.rejected()),
        (2, 1)
    );
}
