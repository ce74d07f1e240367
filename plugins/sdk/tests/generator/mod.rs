//! For the tests of generators, which take this file in by its path: making records natively, reading
//! them, and what holds of every generator with random access.
#![allow(dead_code)] // not every test file needs each of these

use serde_json::Value;
use wellhead_sdk::native::Entry;
use wellhead_sdk::{Batch, Error, Generator, Settings, Stream};

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

pub fn open<G: Generator>(config: &str) -> Stream<G> {
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
pub fn generate<G: Generator>(stream: &mut Stream<G>, first: u64, times: &[u64]) -> Vec<Record> {
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

/// Batches of any size give the same records.
pub fn batches_leave_no_trace<G: Generator>(config: &str) {
    let times = times(5000, SECOND / 3);
    let stream = || Stream::<G>::open(&settings(config, 1, 3), None).unwrap();
    let whole = generate(&mut stream(), 0, &times);
    for size in [1, 7, 999] {
        let (mut pieces, mut stream) = (Vec::new(), stream());
        for (k, piece) in times.chunks(size).enumerate() {
            pieces.extend(generate(&mut stream, (k * size) as u64, piece));
        }
        assert!(pieces == whole, "batches of {size}");
    }
}

/// A record is the same by itself as after those before it, in a stream that is new or not.
pub fn order_leaves_no_trace<G: Generator>(config: &str) {
    let times = times(4000, 600 * SECOND);
    let mut stream = open::<G>(config);
    let forwards = generate(&mut stream, 0, &times);
    for i in (0..4000).rev().step_by(13).chain([0, 3999, 1, 2]) {
        let again = generate(&mut stream, i as u64, &times[i..=i]);
        assert_eq!(again[0], forwards[i], "record {i}");
        let fresh = generate(&mut open::<G>(config), i as u64, &times[i..=i]);
        assert_eq!(fresh[0], forwards[i], "record {i}");
    }
}

/// Another seed or another stream gives other records.
pub fn seed_and_stream_matter<G: Generator>(config: &str) {
    let times = times(300, SECOND);
    let of =
        |settings: &Settings| generate(&mut Stream::<G>::open(settings, None).unwrap(), 0, &times);
    let one = of(&settings(config, 0, 2));
    assert_ne!(one, of(&settings(config, 1, 2)));
    let seed = 43;
    assert_ne!(
        one,
        of(&Settings {
            seed,
            ..settings(config, 0, 2)
        })
    );
}

/// Records have the fields of their channel's schema, in its order, and `value` is a number.
pub fn fields_follow_the_schema<G: Generator>(generator: &Entry, config: &str) {
    let channels = (generator.channels)(config).unwrap();
    let names = |v: &serde_json::Value| v.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let schemas: Vec<serde_json::Value> = channels
        .iter()
        .map(|c| serde_json::from_str(&c.schema).unwrap())
        .collect();
    let records = generate(&mut open::<G>(config), 0, &times(20_000, SECOND));
    let mut seen = vec![0; channels.len()];
    for (record, value) in records.iter().zip(values(&records)) {
        if value.is_null() {
            continue;
        }
        let channel = record.channel as usize;
        seen[channel] += 1;
        assert_eq!(names(&value), names(&schemas[channel]["properties"]));
        assert!(
            value["value"].is_number() && record.text.len() < 250,
            "{}",
            record.text
        );
    }
    assert!(seen.iter().all(|&n| n > 0), "{seen:?}");
}

/// The ends of time and of indices are fine.
pub fn extremes_are_fine<G: Generator>(config: &str) {
    let mut stream = open::<G>(config);
    for time in [0, 1, START, u64::MAX - 1, u64::MAX] {
        for first in [0, 1 << 40, u64::MAX - 2] {
            values(&generate(&mut stream, first, &[time]));
        }
    }
}

/// Each configuration is refused for so many streams, in words that have the expected ones in them.
pub fn refuses<G: Generator>(cases: &[(&str, u32, &str)]) {
    for &(config, streams, expected) in cases {
        match Stream::<G>::open(&settings(config, streams - 1, streams), None) {
            Err(Error::InvalidConfig(why)) => assert!(why.contains(expected), "{why}"),
            other => panic!("{config} gave {:?}", other.err()),
        }
    }
}
