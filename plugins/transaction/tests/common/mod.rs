//! Records to look at, and how to look at them.
#![allow(dead_code)]

use serde_json::Value;
use std::collections::HashMap;
use std::sync::LazyLock;
use transaction::Transactions;
use wellhead_sdk::{Settings, Stream};

pub const N: u64 = 100_000;
/// 2024-01-01T00:00:00Z, and a record each 864 ms: the records cover a day.
pub const START: u64 = 1_704_067_200_000_000_000;
pub const STEP: u64 = 864_000_000;

pub fn settings(config: &str, seed: u64, stream_index: u32, stream_count: u32) -> Settings {
    Settings {
        config: config.to_owned(),
        seed,
        stream_index,
        stream_count,
    }
}

pub fn records(settings: &Settings, n: u64) -> Vec<Value> {
    let mut stream = Stream::<Transactions>::open(settings, None).unwrap();
    let mut values = Vec::new();
    while (values.len() as u64) < n {
        let first = values.len() as u64;
        let times: Vec<u64> = (first..n.min(first + 1_000))
            .map(|i| START + i * STEP)
            .collect();
        let batch = stream.generate(first, &times).unwrap();
        for (record, key) in batch.records().zip(batch.record_keys()) {
            let value: Value = serde_json::from_slice(record).unwrap();
            assert_eq!(value["customer_id"].to_string().as_bytes(), key);
            values.push(value);
        }
    }
    values
}

pub static DEFAULTS: LazyLock<Vec<Value>> = LazyLock::new(|| records(&settings("{}", 7, 0, 1), N));

pub fn text<'a>(record: &'a Value, path: &str) -> &'a str {
    record.pointer(path).and_then(Value::as_str).unwrap_or("")
}

pub fn amount(record: &Value) -> f64 {
    record["amount"].as_f64().unwrap()
}

pub fn share(records: &[Value], holds: impl Fn(&Value) -> bool) -> f64 {
    records.iter().filter(|r| holds(r)).count() as f64 / records.len() as f64
}

pub fn by_customer(records: &[Value]) -> HashMap<u64, Vec<&Value>> {
    let mut customers: HashMap<u64, Vec<&Value>> = HashMap::new();
    for record in records {
        let id = record["customer_id"].as_u64().unwrap();
        customers.entry(id).or_default().push(record);
    }
    customers
}

/// The hour on the clock where the customer lives.
pub fn local_hour(record: &Value) -> u32 {
    let utc: u32 = text(record, "/timestamp")[11..13].parse().unwrap();
    let offset = match text(record, "/home_country") {
        "US" => 18,
        "GB" => 0,
        _ => 1,
    };
    (utc + offset) % 24
}
