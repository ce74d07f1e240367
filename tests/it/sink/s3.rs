//! S3 against a real MinIO, read back by its own client `mc`.

mod access;
mod faults;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::{Map, Value, json};

use super::file::{gather, records};
use super::{RECORDS, STREAMS, Service, batch, group, message, send, start};
use crate::common::service;
use wellhead::record::{Group, Part};

/// A bucket of a check's own, and how a block writes to it.
pub struct Bucket {
    pub endpoint: String,
    pub key: String,
    pub secret: String,
    pub name: String,
    options: Value,
}

impl Bucket {
    pub fn new(options: Value) -> Option<Bucket> {
        let endpoint = service("WELLHEAD_TEST_MINIO")?;
        let key = service("WELLHEAD_TEST_MINIO_ACCESS_KEY")?;
        let secret = service("WELLHEAD_TEST_MINIO_SECRET_KEY")?;
        Some(Bucket::at(endpoint, &key, &secret, options))
    }

    fn at(endpoint: String, key: &str, secret: &str, options: Value) -> Bucket {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let n = NEXT.fetch_add(1, Ordering::Relaxed);
        Bucket {
            endpoint,
            key: key.to_owned(),
            secret: secret.to_owned(),
            name: format!("suite-{}-{n}", std::process::id()),
            options,
        }
    }

    /// What `mc` says; `BUCKET` in an argument is the bucket.
    fn mc(&self, arguments: &[&str]) -> Result<String, String> {
        let (scheme, host) = self.endpoint.split_once("://").unwrap();
        let folder = tempfile::tempdir().unwrap();
        let at = format!("it/{}", self.name);
        let output = Command::new(mc())
            .arg("--quiet")
            .arg("--config-dir")
            .arg(folder.path())
            .args(arguments.iter().map(|a| a.replace("BUCKET", &at)))
            .env(
                "MC_HOST_it",
                format!("{scheme}://{}:{}@{host}", self.key, self.secret),
            )
            .output()
            .unwrap();
        let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        match output.status.success() {
            true => Ok(said(&output.stdout)),
            false => Err(said(&output.stderr) + &said(&output.stdout)),
        }
    }

    /// Every object with its bytes, by name.
    pub fn bytes(&self) -> BTreeMap<String, Vec<u8>> {
        let folder = self.copy();
        let mut found = BTreeMap::new();
        walk(folder.path(), "", &mut found);
        found
    }

    /// All objects as files.
    pub fn copy(&self) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let to = folder.path().to_str().unwrap();
        let copied = self.mc(&["cp", "--recursive", "BUCKET/", to]);
        if let Err(said) = copied {
            // A bucket without an object can't be copied.
            assert!(self.names().is_empty(), "{said}");
        }
        folder
    }

    /// Every object with its text, decompressed, by name.
    pub fn texts(&self) -> BTreeMap<String, String> {
        let folder = self.copy();
        for (name, bytes) in self.bytes() {
            if name.ends_with(".parquet") {
                let path = folder.path().join(name);
                std::fs::write(path.with_extension("ndjson"), lines_of(bytes)).unwrap();
                std::fs::remove_file(path).unwrap();
            }
        }
        let mut found = BTreeMap::new();
        gather(folder.path(), folder.path(), &mut found);
        found
    }

    pub fn names(&self) -> Vec<String> {
        let listed = self.mc(&["ls", "--recursive", "--json", "BUCKET"]);
        let listed = listed.unwrap();
        let key = |line: &str| {
            let line: Value = serde_json::from_str(line).unwrap();
            line["key"].as_str().unwrap().to_owned()
        };
        listed.lines().map(key).collect()
    }

    /// Uploads that were begun and not completed.
    fn unfinished(&self) -> usize {
        let listed = self.mc(&["ls", "--recursive", "--incomplete", "BUCKET"]);
        listed.unwrap().lines().count()
    }
}

/// A Parquet file's rows as NDJSON, by arrow's own reader and writer.
pub(super) fn lines_of(parquet: Vec<u8>) -> Vec<u8> {
    let reader = ParquetRecordBatchReaderBuilder::try_new(bytes::Bytes::from(parquet)).unwrap();
    let mut writer = arrow_json::LineDelimitedWriter::new(Vec::new());
    for rows in reader.build().unwrap() {
        writer.write(&rows.unwrap()).unwrap();
    }
    writer.finish().unwrap();
    writer.into_inner()
}

fn walk(folder: &std::path::Path, prefix: &str, found: &mut BTreeMap<String, Vec<u8>>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        match entry.file_type().unwrap().is_dir() {
            true => walk(&entry.path(), &format!("{name}/"), found),
            false => drop(found.insert(name, std::fs::read(entry.path()).unwrap())),
        }
    }
}

/// MinIO's client, built where it is missing.
fn mc() -> &'static PathBuf {
    static MC: OnceLock<PathBuf> = OnceLock::new();
    MC.get_or_init(|| {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/services.sh");
        PathBuf::from(run(Command::new(script).arg("mc")).trim())
    })
}

fn run(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {said}");
    String::from_utf8(output.stdout).unwrap()
}

impl Service for Bucket {
    fn block(&self) -> (&'static str, Map<String, Value>) {
        let mut options = json!({
            "bucket": self.name, "endpoint": self.endpoint,
            "access_key": self.key, "secret_key": self.secret, "connect_timeout": "1s",
        });
        for (name, value) in self.options.as_object().unwrap() {
            options[name] = value.clone();
        }
        ("s3", options.as_object().unwrap().clone())
    }

    fn read(&self) -> Vec<(u32, u64)> {
        let texts = self.texts();
        texts
            .iter()
            .flat_map(|(name, text)| records(name, text))
            .collect()
    }
}

/// Ways to write that differ in where objects end and in what is in them.
fn ways() -> Option<Vec<Bucket>> {
    let ways = [
        json!({"records": 500}),
        json!({"bytes": "30KB", "format": "csv", "compression": "gzip", "prefix": ""}),
        json!({"mode": "grouped", "interval": "0.0007s", "format": "json"}),
        json!({"records": 333, "bytes": "20KB", "compression": "zstd", "level": 1,
               "prefix": "raw/{channel}/dt={date}/hour={hour}"}),
        json!({}),
        json!({"records": 700, "format": "parquet"}),
    ];
    ways.into_iter().map(Bucket::new).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn delivers() {
    for bucket in ways().unwrap_or_default() {
        super::delivers(&bucket).await;
        assert_eq!(bucket.unfinished(), 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn survives_an_abort() {
    for bucket in ways().unwrap_or_default() {
        super::survives_an_abort(&bucket).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn takes_no_record_twice() {
    for bucket in ways().unwrap_or_default() {
        super::takes_no_record_twice(&bucket).await;
    }
}

#[tokio::test]
async fn works_on_a_runtime_of_one_thread() {
    let Some(bucket) = Bucket::new(json!({"records": 1000})) else {
        return;
    };
    super::delivers(&bucket).await;
}

/// A stop ends open objects short, so that a reader sees all that went out, and leaves them
/// unsettled: the next execution makes them again, whole, under the same names.
#[tokio::test(flavor = "multi_thread")]
async fn goes_on_after_a_stop() {
    for bucket in ways().unwrap_or_default() {
        let block = bucket.block();
        let mut fixture = start(&block, "run-1", None).await;
        send(&mut fixture, &[0; 3], 1_777).await;
        let saved = fixture.sink.close(false).await.unwrap();
        drop(fixture);
        assert_eq!(bucket.read().len(), 3 * 1_777);
        let stopped = bucket.names();
        let mut fixture = start(&block, "run-1", Some(&saved)).await;
        send(&mut fixture, &saved.watermark, RECORDS).await;
        fixture.sink.close(true).await.unwrap();
        super::in_order(&bucket, true);
        let names = bucket.names();
        assert!(stopped.iter().all(|name| names.contains(name)), "{names:?}");
        let mut whole = Bucket::new(bucket.options.clone()).unwrap();
        whole.options = bucket.options.clone();
        let mut fixture = start(&whole.block(), "run-1", None).await;
        send(&mut fixture, &[0; 3], RECORDS).await;
        fixture.sink.close(true).await.unwrap();
        assert_eq!(bucket.texts(), whole.texts());
    }
}

/// The same records are in the same objects however they were grouped, committed, aborted and
/// gone on with, also where the watermark waits for one of several partitions.
#[tokio::test(flavor = "multi_thread")]
async fn where_objects_end_depends_on_the_records_alone() {
    for options in [
        json!({"records": 70, "prefix": "{channel}/{kind}"}),
        json!({"bytes": "7KB", "prefix": "{kind}", "concurrency": 1}),
        json!({"mode": "grouped", "interval": "0.0009s", "prefix": "{kind}", "format": "csv"}),
    ] {
        let Some(whole) = Bucket::new(options.clone()) else {
            return;
        };
        let mut fixture = start(&whole.block(), "run-1", None).await;
        send(&mut fixture, &[0; 3], RECORDS).await;
        fixture.sink.close(true).await.unwrap();
        let texts = whole.texts();
        assert!(texts.len() > 30, "{:?}", texts.keys());

        let broken = Bucket::new(options).unwrap();
        let block = broken.block();
        let mut saved = None;
        let mut skipped = false;
        for until in (400..RECORDS).step_by(400) {
            let mut fixture = start(&block, "run-1", saved.as_ref()).await;
            let from = saved
                .as_ref()
                .map_or(vec![0; 3], |saved: &wellhead::sink::Receipt| {
                    saved.watermark.clone()
                });
            send(&mut fixture, &from, until).await;
            fixture.sink.commit().await.unwrap();
            let receipt = fixture.sink.commit().await.unwrap();
            skipped |= receipt.position.to_string().contains("below");
            saved = Some(serde_json::from_str(&serde_json::to_string(&receipt).unwrap()).unwrap());
            send(&mut fixture, &[until; 3], until + 150).await;
        }
        assert!(skipped, "no watermark waited for another partition");
        let from = saved.as_ref().unwrap().watermark.clone();
        let mut fixture = start(&block, "run-1", saved.as_ref()).await;
        send(&mut fixture, &from, RECORDS).await;
        fixture.sink.close(true).await.unwrap();
        assert_eq!(broken.texts(), texts);
    }
}

/// Another run writes beside, the same run over what it wrote.
#[tokio::test(flavor = "multi_thread")]
async fn names_are_the_runs_own() {
    let Some(bucket) = Bucket::new(json!({"records": 400, "prefix": "{run}/{channel}"})) else {
        return;
    };
    for (run, objects) in [("a/b", 3), ("a/b", 3), ("c", 6)] {
        let mut fixture = start(&bucket.block(), run, None).await;
        send(&mut fixture, &[0; 3], 400).await;
        fixture.sink.close(true).await.unwrap();
        assert_eq!(bucket.names().len(), objects);
    }
    assert_eq!(
        bucket.names()[0],
        "a-b/main/a-b-main-00000-00000000000000000000.ndjson"
    );
}

/// Objects above a part's size go up in parts, several at once, and are seen when they are whole.
#[tokio::test(flavor = "multi_thread")]
async fn a_large_object_is_seen_when_it_is_whole() {
    let Some(bucket) = Bucket::new(json!({"bytes": "1GB", "part_size": "5MiB"})) else {
        return;
    };
    let mut fixture = start(&bucket.block(), "run-1", None).await;
    const LARGE: u64 = 150_000;
    for from in (0..LARGE).step_by(10_000) {
        fixture
            .sink
            .write(&group(&[from; 3], from + 10_000))
            .await
            .unwrap();
    }
    fixture.sink.commit().await.unwrap();
    assert_eq!(bucket.names(), Vec::<String>::new());
    assert_eq!(fixture.receipts.acknowledged(), 0);
    fixture.sink.close(true).await.unwrap();
    assert_eq!(bucket.names().len(), STREAMS as usize);
    assert_eq!(fixture.receipts.acknowledged(), 3 * LARGE);
    let bytes = bucket.bytes();
    for (stream, object) in bytes.values().enumerate() {
        let expected = batch(stream as u32, 0, LARGE);
        let mut lines = object.split(|&byte| byte == b'\n');
        assert!((0..LARGE as usize).all(|k| lines.next() == Some(expected.record(k))));
        assert_eq!(lines.next(), Some(b"".as_slice()));
    }
    assert_eq!(bucket.unfinished(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_without_the_field_is_refused_alone() {
    let Some(bucket) = Bucket::new(json!({"prefix": "{pad}"})) else {
        return;
    };
    let mut fixture = start(&bucket.block(), "run-1", None).await;
    let mut batch = batch(0, 0, 3);
    let records = [
        r#"{"stream":0,"n":0,"pad":"a"}"#,
        r#"{"stream":0,"n":1}"#,
        r#"{"stream":0,"n":2,"pad":"a"}"#,
    ];
    batch.payload = records.concat().into_bytes();
    batch.ends = vec![28, 46, 74];
    let part = Part {
        range: 0..3,
        batch: batch.into(),
        pace: None,
    };
    let parts = vec![part];
    fixture
        .sink
        .write(&Group { parts, streams: 3 })
        .await
        .unwrap();
    fixture.sink.close(true).await.unwrap();
    assert_eq!(bucket.read(), [(0, 0), (0, 2)]);
    let refused = fixture.refused.all();
    assert_eq!((refused.len(), refused[0].1), (1, 1));
    assert_eq!(
        (fixture.receipts.acknowledged(), fixture.receipts.rejected()),
        (2, 1)
    );
    assert_eq!(fixture.receipts.watermark()[0], 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn too_many_open_objects_are_refused_by_name() {
    let Some(bucket) = Bucket::new(json!({"prefix": "{n}", "max_targets": 10})) else {
        return;
    };
    let mut fixture = start(&bucket.block(), "run-1", None).await;
    let said = message(fixture.sink.write(&group(&[0; 3], 100)).await);
    assert!(
        said.contains("more than 10 objects") && said.contains("max_targets"),
        "{said}"
    );
}
