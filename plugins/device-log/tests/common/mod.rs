//! Making records natively, and reading them.

use device_log::DeviceLog;
use serde_json::Value;
use wellhead_sdk::{Batch, Settings, Stream};

/// 2024-01-01T00:00:00Z.
pub const START: u64 = 1_704_067_200_000_000_000;
pub const SECOND: u64 = 1_000_000_000;

pub fn settings(config: &str, stream: u32, streams: u32) -> Settings {
    Settings {
        config: config.to_owned(),
        seed: 42,
        stream_index: stream,
        stream_count: streams,
    }
}

pub fn open(settings: &Settings) -> Stream<DeviceLog> {
    Stream::open(settings, None).expect("opens")
}

/// The records of a batch, as text, each with its key.
#[allow(dead_code)] // not every test file needs each of these
pub fn records(batch: &Batch) -> Vec<(String, String)> {
    let pieces = |bytes: &[u8], ends: &[u32]| {
        let starts = std::iter::once(0).chain(ends.iter().copied());
        starts
            .zip(ends)
            .map(|(from, to)| {
                String::from_utf8(bytes[from as usize..*to as usize].to_vec()).expect("UTF-8")
            })
            .collect::<Vec<_>>()
    };
    pieces(&batch.payload, &batch.ends)
        .into_iter()
        .zip(pieces(&batch.keys, &batch.key_ends))
        .collect()
}

/// Record `first` and those after it, one for each time, however the stream cuts its batches.
#[allow(dead_code)]
pub fn generate(
    stream: &mut Stream<DeviceLog>,
    first: u64,
    times: &[u64],
) -> Vec<(String, String)> {
    let mut all = Vec::new();
    while all.len() < times.len() {
        let batch = stream
            .generate(first + all.len() as u64, &times[all.len()..])
            .expect("generates");
        all.extend(records(&batch));
    }
    all
}

/// A line, read back.
#[allow(dead_code)]
#[derive(Clone, Debug)]
pub struct Line {
    /// Seconds since [`START`].
    pub second: f64,
    pub device: String,
    pub site: String,
    pub model: String,
    pub firmware: Vec<u32>,
    pub component: String,
    pub severity: String,
    pub event: String,
    pub state: String,
    pub uptime: u64,
    pub incident: Option<u64>,
}

#[allow(dead_code)]
pub fn read(record: &str, time: u64) -> Line {
    let value: Value = serde_json::from_str(record).expect("JSON");
    let text = |name: &str| value[name].as_str().expect(name).to_owned();
    Line {
        second: (time - START) as f64 / SECOND as f64,
        device: text("device_id"),
        site: text("site"),
        model: text("model"),
        firmware: text("firmware")
            .split('.')
            .map(|part| part.parse().expect("a number"))
            .collect(),
        component: text("component"),
        severity: text("severity"),
        event: text("event"),
        state: text("state"),
        uptime: value["uptime_s"].as_u64().expect("uptime"),
        incident: value["incident"].as_u64(),
    }
}

/// 10⁵ lines, `gap` nanoseconds apart.
#[allow(dead_code)]
pub fn lines(config: &str, gap: u64) -> Vec<Line> {
    let times: Vec<u64> = (0..100_000).map(|i| START + i * gap).collect();
    let mut stream = open(&settings(config, 0, 1));
    generate(&mut stream, 0, &times)
        .iter()
        .zip(times)
        .map(|((record, key), time)| {
            let line = read(record, time);
            assert_eq!(&line.device, key);
            line
        })
        .collect()
}
