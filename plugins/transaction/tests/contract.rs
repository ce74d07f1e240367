//! What the contract asks: any batch size, any order, records of the schema, clear refusals.

use serde_json::Value;
use transaction::{GENERATOR, Transactions};
use wellhead_sdk::{Error, Settings, Stream};

fn open(config: &str) -> Stream<Transactions> {
    let settings = Settings {
        config: config.to_owned(),
        seed: 42,
        ..Settings::default()
    };
    Stream::open(&settings, None).unwrap()
}

fn times(first: u64, n: u64) -> Vec<u64> {
    (first..first + n)
        .map(|i| 1_704_067_200_000_000_000 + i * 1_234_567_891)
        .collect()
}

#[test]
fn records_do_not_depend_on_batches_or_order() {
    let config = r#"{"fraud": 0.2}"#;
    let whole = open(config).generate(0, &times(0, 700)).unwrap();
    for size in [1, 3, 64, 699] {
        let (mut payload, mut keys, mut stream) = (Vec::new(), Vec::new(), open(config));
        for first in (0..700).step_by(size) {
            let n = 700.min(first + size as u64) - first;
            let batch = stream.generate(first, &times(first, n)).unwrap();
            payload.extend(batch.payload);
            keys.extend(batch.keys);
        }
        assert!(
            payload == whole.payload && keys == whole.keys,
            "batches of {size}"
        );
    }
    let mut stream = open(config);
    let late = stream.generate(690, &times(690, 10)).unwrap();
    let early = stream.generate(0, &times(0, 10)).unwrap();
    assert!(whole.payload.ends_with(&late.payload) && whole.payload.starts_with(&early.payload));
}

#[test]
fn records_have_the_fields_of_the_schema_in_its_order() {
    let channels = (GENERATOR.channels)("{}").unwrap();
    assert_eq!(
        (channels.len(), channels[0].name.as_str()),
        (1, "transaction")
    );
    let schema: Value = serde_json::from_str(&channels[0].schema).unwrap();
    let names = |v: &Value| v.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let batch = open(r#"{"fraud": 0.2}"#)
        .generate(0, &times(0, 500))
        .unwrap();
    for record in batch.records() {
        let record: Value = serde_json::from_slice(record).unwrap();
        assert_eq!(names(&record), names(&schema["properties"]));
        for (field, definition) in [("card", "Card"), ("merchant", "Merchant")] {
            assert_eq!(
                names(&record[field]),
                names(&schema["$defs"][definition]["properties"])
            );
        }
        for (field, definition) in [
            ("entry_mode", "EntryMode"),
            ("status", "Status"),
            ("decline_reason", "DeclineReason"),
            ("fraud_pattern", "FraudPattern"),
        ] {
            let known = schema["$defs"][definition]["enum"].as_array().unwrap();
            assert!(
                record[field].is_null() || known.contains(&record[field]),
                "{record}"
            );
        }
        let known = schema["$defs"]["Category"]["enum"].as_array().unwrap();
        assert!(known.contains(&record["merchant"]["category"]));
        let known = schema["$defs"]["Network"]["enum"].as_array().unwrap();
        assert!(known.contains(&record["card"]["network"]));
        assert!(record["amount"].as_f64().unwrap() >= 0.01);
    }
}

#[test]
fn refusals_name_the_field() {
    for (config, expected) in [
        (r#"{"customers": 0}"#, "`customers`"),
        (r#"{"merchants": 0}"#, "`merchants`"),
        (r#"{"fraud": 1.5}"#, "`fraud`"),
        (r#"{"declines": -0.1}"#, "`declines`"),
        (r#"{"custmers": 1}"#, "custmers"),
    ] {
        match (GENERATOR.channels)(config) {
            Err(Error::InvalidConfig(why)) => assert!(why.contains(expected), "{why}"),
            other => panic!("{config} gave {other:?}"),
        }
    }
    let extremes = r#"{"customers": 1000000000, "merchants": 1000000, "fraud": 1, "declines": 1}"#;
    assert_eq!(
        open(extremes)
            .generate(u64::MAX - 5, &times(0, 5))
            .unwrap()
            .len(),
        5
    );
}
