//! Making records natively, and reading them.
#![allow(dead_code)] // not every test file needs each of these

use machine_signal::MachineSignal;
use serde_json::Value;
use wellhead_sdk::{Batch, Settings, Stream};

/// 2024-01-01T00:00:00Z.
pub const START: u64 = 1_704_067_200_000_000_000;
pub const SECOND: u64 = 1_000_000_000;

/// What one tick gave: its channel, key and text, which is empty where nothing happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    pub channel: u8,
    pub key: String,
    pub text: String,
}

pub fn settings(config: &str, stream: u32, streams: u32) -> Settings {
    Settings {
        config: config.to_owned(),
        seed: 42,
        stream_index: stream,
        stream_count: streams,
    }
}

pub fn open(config: &str) -> Stream<MachineSignal> {
    Stream::open(&settings(config, 0, 1), None).expect("opens")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}

pub fn records(batch: &Batch) -> Vec<Record> {
    let keys: Vec<String> = batch.record_keys().map(text).collect();
    let one = |(i, bytes): (usize, &[u8])| Record {
        channel: batch.channels.get(i).copied().unwrap_or(0),
        key: keys.get(i).cloned().unwrap_or_default(),
        text: text(bytes),
    };
    batch.records().enumerate().map(one).collect()
}

/// Record `first` and those after it, one for each time, however the stream cuts its batches;
/// fewer where it ends.
pub fn generate(stream: &mut Stream<MachineSignal>, first: u64, times: &[u64]) -> Vec<Record> {
    let mut all = Vec::new();
    while all.len() < times.len() {
        let rest = &times[all.len()..];
        let batch = stream
            .generate(first + all.len() as u64, rest)
            .expect("generates");
        if batch.is_empty() {
            break;
        }
        all.extend(records(&batch));
    }
    all
}

/// Times from [`START`], so many nanoseconds apart.
pub fn times(n: u64, gap: u64) -> Vec<u64> {
    (0..n).map(|i| START + i * gap).collect()
}

/// The values of all records; null where nothing happened.
pub fn values(records: &[Record]) -> Vec<Value> {
    let one = |record: &Record| match record.text.as_str() {
        "" => Value::Null,
        text => serde_json::from_str(text).expect("JSON"),
    };
    records.iter().map(one).collect()
}

pub type Check = Result<(), String>;

pub fn holds(what: bool, why: impl FnOnce() -> String) -> Check {
    if what { Ok(()) } else { Err(why()) }
}

/// Deterministic numbers for the wrong versions.
pub fn scramble(i: usize) -> usize {
    let mut z = (i as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    (z ^ (z >> 27)) as usize >> 8
}
