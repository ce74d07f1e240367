//! The compliance suite: what every sink has to do, whatever it writes to. A sink's own file names
//! a [`Service`] and calls each check; what it alone can do is tested there.

pub mod disk;
pub mod file;
pub mod http;
mod kafka;
pub mod mqtt;
pub mod postgres;
pub mod s3;
mod several;
pub mod sqlite;
mod stdout;
mod tls;

use std::collections::HashSet;
use std::sync::Arc;

use serde_json::{Map, Value, json};
use tokio_util::sync::CancellationToken;
use wellhead::record::{Batch, Channel, Group, Origin, Part};
use wellhead::sink::rejects::{RejectFile, Rejected};
use wellhead::sink::{Context, Guarantee, Receipt, Receipts, SendError, Sink};
use wellhead::telemetry::{Clock, Lateness};

use crate::common::Sandbox;

/// Streams of the emulation that the suite plays.
pub const STREAMS: u32 = 3;
/// Records of each.
pub const RECORDS: u64 = 4_000;

/// Where a check's records go, and how they are read back without the sink's help.
pub trait Service {
    /// Kind and options of a block that writes to a place of its own.
    fn block(&self) -> (&'static str, Map<String, Value>);
    /// What is there: records as (stream, number), those of one stream in the order in which a
    /// reader finds them.
    fn read(&self) -> Vec<(u32, u64)>;
}

/// Objects whose field `who` says what is given, replayed into one sink by a run; gives its report.
fn replayed(sandbox: &Sandbox, who: &[&str], sink: &Value) -> Value {
    let line = |who: &&str| json!({ "who": who }).to_string() + "\n";
    sandbox.write("in.ndjson", &who.iter().map(line).collect::<String>());
    let spec = json!({"generator": "replay", "assets": {"payloads": "in.ndjson"}, "load": "max",
        "rejected": "rejected.ndjson", "sinks": [sink]});
    sandbox.write("spec.json", &spec.to_string());
    sandbox.run(&["run", "spec.json", "--report", "report.json"]);
    sandbox.json("report.json")
}

/// The file of refused records, for looking at.
pub struct Refused {
    folder: tempfile::TempDir,
    file: Arc<RejectFile>,
}

impl Refused {
    fn new(run: &str) -> Refused {
        let folder = tempfile::tempdir().unwrap();
        let file = RejectFile::open(&folder.path().join("rejected"), run, |_, _| 0).unwrap();
        Refused {
            folder,
            file: Arc::new(file),
        }
    }

    /// Stream, sequence and reason of each.
    pub fn all(&self) -> Vec<(u32, u64, String)> {
        self.file.sync().unwrap();
        let text = std::fs::read_to_string(self.folder.path().join("rejected")).unwrap();
        let lines = text
            .lines()
            .map(|line| serde_json::from_str::<Rejected>(line).unwrap());
        lines
            .map(|line| (line.stream, line.sequence, line.reason))
            .collect()
    }
}

/// A sink in use, and what is known of it from outside.
pub struct Fixture {
    pub sink: Box<dyn Sink>,
    pub receipts: Arc<Receipts>,
    pub refused: Refused,
    pub cancel: CancellationToken,
}

pub fn channels() -> Arc<[Channel]> {
    let properties = json!({
        "stream": {"type": "integer"}, "n": {"type": "integer"}, "pad": {"type": "string"},
        "kind": {"type": "string"},
    });
    let channel = |name: &str| Channel {
        name: name.to_owned(),
        schema: json!({ "properties": properties }),
    };
    Arc::new([channel("main"), channel("other")])
}

/// Opens a block's sink for a run, as it is before `prepare`.
pub fn open(block: &(&'static str, Map<String, Value>), run: &str, from: &[u64]) -> Fixture {
    let refused = Refused::new(run);
    let log = (block.0.to_owned(), Arc::clone(&refused.file));
    let receipts = Receipts::new(from, Clock::start(), Lateness::new().unwrap(), Some(log));
    let receipts = Arc::new(receipts);
    let cancel = CancellationToken::new();
    let config = (wellhead::sink::find(block.0).unwrap().configure)(&block.1).unwrap();
    config.check(&channels(), true).unwrap();
    let context = Context {
        run: run.to_owned(),
        emulation: "suite".to_owned(),
        sink: 0,
        channels: channels(),
        json: true,
        streams: STREAMS,
        mine: (0..STREAMS).collect(),
        receipts: Arc::clone(&receipts),
        cancel: cancel.clone(),
    };
    Fixture {
        sink: config.open(context).unwrap(),
        receipts,
        refused,
        cancel,
    }
}

/// The same, prepared, and recovered from a receipt where there is one.
pub async fn start(
    block: &(&'static str, Map<String, Value>),
    run: &str,
    saved: Option<&Receipt>,
) -> Fixture {
    let none = vec![0; STREAMS as usize];
    let from = saved.map_or(none, |receipt| receipt.watermark.clone());
    let mut fixture = open(block, run, &from);
    fixture.sink.prepare().await.unwrap();
    let recovered = fixture.sink.recover(saved).await.unwrap();
    if let Some(watermark) = recovered {
        fixture.receipts.rewind(&watermark);
    }
    fixture
}

/// A record that says where it belongs. Sizes vary, and some of it needs escapes.
fn record(stream: u32, n: u64) -> String {
    let pad = "x\\\"é".repeat((n % 37) as usize);
    format!(
        r#"{{"stream":{stream},"n":{n},"pad":"{pad}","kind":"k{}"}}"#,
        n % 5
    )
}

/// A batch of a stream, from a sequence on.
pub fn batch(stream: u32, first: u64, count: u64) -> Batch {
    let numbers = first..first + count;
    let (mut payload, mut ends, mut keys, mut key_ends) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for n in numbers.clone() {
        payload.extend_from_slice(record(stream, n).as_bytes());
        ends.push(payload.len() as u32);
        keys.extend_from_slice(format!("s{stream}").as_bytes());
        key_ends.push(keys.len() as u32);
    }
    Batch {
        stream,
        payload,
        ends,
        keys,
        key_ends,
        channels: Vec::new(),
        operations: Vec::new(),
        times: numbers.clone().map(|n| n * 1_000_000).collect(),
        order: numbers.map(|n| n * 1_000).collect(),
        origin: Origin::Dense(first),
        first_sequence: first,
    }
}

/// One group with the records of every stream from `from` on and below `to`, in parts that don't
/// begin where batches do.
pub fn group(from: &[u64], to: u64) -> Group {
    let mut parts = Vec::new();
    for stream in 0..STREAMS {
        let first = from[stream as usize];
        if first >= to {
            continue;
        }
        let before = first.min(3);
        let batch = Arc::new(batch(stream, first - before, to - first + before));
        let (start, end) = (before as usize, batch.len());
        let middle = start + (end - start) / 3;
        for range in [start..middle, middle..end] {
            parts.push(Part {
                batch: Arc::clone(&batch),
                range,
                pace: None,
            });
        }
    }
    Group {
        parts,
        streams: STREAMS,
    }
}

/// Sends what lies between two numbers of every stream, in groups of changing size; after an
/// error that is worth it, again what isn't settled.
pub async fn send(fixture: &mut Fixture, from: &[u64], to: u64) {
    let mut next = from.to_vec();
    let mut step = 1;
    while next.iter().any(|&next| next < to) {
        let until = next.iter().min().unwrap() + step;
        fixture
            .sink
            .write(&group(&next, until.min(to)))
            .await
            .unwrap();
        next.iter_mut()
            .for_each(|next| *next = (*next).max(until.min(to)));
        step = (step * 3) % 701 + 1;
    }
}

fn in_order(service: &dyn Service, exact: bool) {
    let found = service.read();
    for stream in 0..STREAMS {
        let mut expected = 0;
        for &(_, n) in found.iter().filter(|(of, _)| *of == stream) {
            match exact {
                true => assert_eq!(n, expected, "stream {stream}"),
                // A repeat begins where the watermark was, and goes on from there.
                false => assert!(
                    n <= expected,
                    "stream {stream}: {n} where {expected} was due"
                ),
            }
            expected = n + 1;
        }
        assert_eq!(expected, RECORDS, "stream {stream}");
    }
}

/// Everything arrives, in order within each stream, and receipts count what a reader counts.
pub async fn delivers(service: &dyn Service) {
    let mut fixture = start(&service.block(), "run-1", None).await;
    send(&mut fixture, &[0; 3], RECORDS / 2).await;
    let middle = fixture.sink.commit().await.unwrap();
    assert!(
        middle.watermark.iter().all(|&next| next <= RECORDS / 2),
        "{middle:?}"
    );
    send(&mut fixture, &[RECORDS / 2; 3], RECORDS).await;
    let last = fixture.sink.close(true).await.unwrap();
    assert_eq!(last.watermark, [RECORDS; 3]);
    assert_eq!(fixture.receipts.watermark(), [RECORDS; 3]);
    in_order(service, true);
    assert_eq!(fixture.receipts.acknowledged(), service.read().len() as u64);
    let bytes: usize = (0..STREAMS)
        .map(|stream| batch(stream, 0, RECORDS).payload.len())
        .sum();
    assert_eq!(fixture.receipts.bytes(), bytes as u64);
    assert_eq!(fixture.receipts.rejected(), 0);
}

/// After an end in the middle, the newest receipt is enough to go on: nothing is lost, and nothing
/// is there twice where the sink promises that.
pub async fn survives_an_abort(service: &dyn Service) {
    let block = service.block();
    let mut saved = None;
    let mut guarantee = Guarantee::Sent;
    for (commit_at, abort_at) in [(1_000, 1_400), (1_000, 1_000), (1_200, 2_500)] {
        let mut fixture = start(&block, "run-1", saved.as_ref()).await;
        let from = saved
            .as_ref()
            .map_or(vec![0; 3], |receipt: &Receipt| receipt.watermark.clone());
        send(&mut fixture, &from, commit_at).await;
        let receipt = fixture.sink.commit().await.unwrap();
        // It goes through the state's database as text.
        saved = Some(serde_json::from_str(&serde_json::to_string(&receipt).unwrap()).unwrap());
        send(&mut fixture, &[commit_at; 3], abort_at).await;
        guarantee = fixture.sink.guarantee();
    }
    let from = saved.as_ref().unwrap().watermark.clone();
    let mut fixture = start(&block, "run-1", saved.as_ref()).await;
    send(&mut fixture, &from, RECORDS).await;
    fixture.sink.close(true).await.unwrap();
    in_order(service, guarantee == Guarantee::ExactlyOnce);
}

/// An end in good order that isn't the run's end: the next execution goes on without a repeat.
pub async fn goes_on_after_a_stop(service: &dyn Service) {
    let block = service.block();
    let mut fixture = start(&block, "run-1", None).await;
    send(&mut fixture, &[0; 3], 1_777).await;
    let saved = fixture.sink.close(false).await.unwrap();
    assert_eq!(saved.watermark, [1_777; 3]);
    drop(fixture);
    let mut fixture = start(&block, "run-1", Some(&saved)).await;
    send(&mut fixture, &saved.watermark, RECORDS).await;
    fixture.sink.close(true).await.unwrap();
    in_order(service, true);
}

/// A group of which a part has been taken before gives each record once.
pub async fn takes_no_record_twice(service: &dyn Service) {
    let mut fixture = start(&service.block(), "run-1", None).await;
    fixture.sink.write(&group(&[0; 3], 500)).await.unwrap();
    fixture
        .sink
        .write(&group(&[0, 200, 499], 800))
        .await
        .unwrap();
    send(&mut fixture, &[800; 3], RECORDS).await;
    fixture.sink.close(true).await.unwrap();
    in_order(service, true);
}

/// What a group leaves out after the one before had no room (`on_full: drop`), and is counted so.
pub async fn passes_what_was_dropped(service: &dyn Service) {
    let mut fixture = start(&service.block(), "run-1", None).await;
    fixture.sink.write(&group(&[0; 3], 100)).await.unwrap();
    fixture.sink.write(&group(&[250; 3], 300)).await.unwrap();
    fixture.sink.close(true).await.unwrap();
    let counts = fixture.receipts.snapshot();
    assert_eq!((counts.acknowledged, counts.dropped), (450, 450));
    assert_eq!(counts.watermark, [300; 3]);
    assert_eq!(service.read().len(), 450);
}

/// What an error says, where one is expected.
pub fn message<T: std::fmt::Debug>(result: Result<T, SendError>) -> String {
    result.unwrap_err().message
}

/// Where records are counted by what they are, not by where: each once.
pub fn distinct(found: &[(u32, u64)]) -> usize {
    found.iter().collect::<HashSet<_>>().len()
}

#[tokio::test(flavor = "multi_thread")]
async fn null_acknowledges_everything() {
    let mut fixture = start(&("null", Map::new()), "run-1", None).await;
    send(&mut fixture, &[0; 3], RECORDS).await;
    assert_eq!(
        fixture.sink.close(true).await.unwrap().watermark,
        [RECORDS; 3]
    );
    assert_eq!(fixture.receipts.acknowledged(), 3 * RECORDS);
}

#[test]
fn every_kind_describes_its_options() {
    for kind in wellhead::sink::SINKS {
        let schema = (kind.schema)();
        let properties = schema.get("properties").and_then(Value::as_object);
        for (name, property) in properties.into_iter().flatten() {
            assert!(
                property.get("description").is_some(),
                "{}: `{name}` has no description",
                kind.name
            );
        }
    }
}
