use serde_json::json;

use super::*;

fn read(value: &Value) -> Result<S3Config, ConfigError> {
    let mut options = json!({"bucket": "data", "access_key": "u", "secret_key": "hunter2"});
    for (name, value) in value.as_object().unwrap() {
        options[name] = value.clone();
    }
    let options = options.as_object().unwrap();
    S3Config::new(super::super::options::parse("s3", options)?)
}

fn channels(names: &[&str]) -> Vec<Channel> {
    let schema = json!({"properties": {"id": {"type": "integer"}, "hour": {"type": "integer"}}});
    let channel = |name: &&str| Channel {
        name: (*name).to_owned(),
        schema: schema.clone(),
    };
    names.iter().map(channel).collect()
}

#[test]
fn an_address_gives_bucket_and_prefix() {
    let address = Address {
        authority: "data".to_owned(),
        path: "raw/{channel}/".to_owned(),
        query: Vec::new(),
    };
    let options = Value::Object(from_address(&address).unwrap());
    assert_eq!(
        options,
        json!({"bucket": "data", "prefix": "raw/{channel}"})
    );
    let config = read(&options).unwrap();
    assert_eq!(config.target(), "s3://data/raw/{channel}");
    let shown = format!("{config:?}");
    assert!(!shown.contains("hunter2"), "{shown}");
    let host = Address {
        authority: "host:9000".to_owned(),
        ..Address::default()
    };
    assert!(from_address(&host).is_err());
}

#[test]
fn modes_say_where_objects_end() {
    let cut = |value: Value| read(&value).unwrap().cut;
    assert_eq!(cut(json!({})).bytes, 64 << 20);
    let records = cut(json!({"records": 10}));
    assert_eq!((records.records, records.bytes), (10, u64::MAX));
    let grouped = cut(json!({"mode": "grouped"}));
    assert_eq!(
        (grouped.every, grouped.records),
        (Some(60_000_000_000), u64::MAX)
    );
    let ending = |value: Value| read(&value).unwrap().ending();
    assert_eq!(
        ending(json!({"format": "csv", "compression": "gzip"})),
        ".csv.gz"
    );
    assert_eq!(
        ending(json!({"format": "parquet", "compression": "zstd"})),
        ".parquet"
    );
}

#[test]
fn wrong_options_are_named() {
    for (option, value) in [
        ("bucket", json!({"bucket": "No"})),
        ("secret_key", json!({"access_key": null})),
        (
            "access_key",
            json!({"endpoint": "http://h", "access_key": null, "secret_key": null}),
        ),
        ("endpoint", json!({"endpoint": "h:9000"})),
        ("prefix", json!({"prefix": "a//b"})),
        ("prefix", json!({"prefix": "a{b"})),
        ("part_size", json!({"part_size": "1MiB"})),
        ("records", json!({"records": 0})),
        ("records", json!({"mode": "grouped", "records": 5})),
        ("interval", json!({"interval": "1m"})),
        ("interval", json!({"mode": "grouped", "interval": "0s"})),
        ("compression", json!({"compression": "snappy"})),
        (
            "compression",
            json!({"compression": "gzip", "format": "parquet"}),
        ),
        ("level", json!({"level": 3})),
        ("timeout", json!({"timeout": "0s"})),
        ("record", json!({"record": 5})),
    ] {
        let error = read(&value).unwrap_err();
        assert_eq!(error.option.as_deref(), Some(option), "{value}: {error}");
    }
}

#[test]
fn open_objects_have_to_fit_the_memory() {
    let two = channels(&["a", "b"]);
    let check = |value: Value| read(&value).unwrap().check(&two, true);
    assert!(check(json!({"prefix": "{channel}/{id}/{hour}"})).is_ok());
    let error = check(json!({"prefix": "{id}", "max_targets": 1000})).unwrap_err();
    assert!(error.message.contains("1000 × 8 MiB = 8000 MiB"), "{error}");
    let error = check(json!({"max_memory": "8MiB"})).unwrap_err();
    assert!(error.message.contains("max_memory"), "{error}");
    // Parquet gathers rows and a row group besides.
    let error = check(json!({"max_memory": "40MiB", "format": "parquet"})).unwrap_err();
    assert!(error.message.contains("2 × 24 MiB = 48 MiB"), "{error}");
    assert!(check(json!({"max_memory": "48MiB", "format": "parquet"})).is_ok());
    assert!(
        check(json!({"prefix": "{idd}"}))
            .unwrap_err()
            .message
            .contains("`id`")
    );
    // An hour is event time, unless it is said to be the field.
    assert!(
        read(&json!({"prefix": "{hour}"}))
            .unwrap()
            .prefix
            .finest_unit()
            .is_some()
    );
    assert!(
        read(&json!({"prefix": "{.hour}"}))
            .unwrap()
            .prefix
            .has_fields()
    );
}
