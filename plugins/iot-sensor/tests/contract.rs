//! The same record however it is come by, and its outer form.

mod common;

use common::{SECOND, START, generate, open, settings, times, values};
use iot_sensor::{GENERATOR, IotSensor};
use wellhead_sdk::{Error, Settings, Stream};

const CONFIG: &str = r#"{"devices": 7, "outages": 2, "stuck": 2, "gaps": 0.1}"#;

#[test]
fn batches_of_any_size_give_the_same() {
    let times = times(5000, SECOND / 3);
    let stream = || Stream::<IotSensor>::open(&settings(CONFIG, 1, 3), None).unwrap();
    let whole = generate(&mut stream(), 0, &times);
    for size in [1, 7, 999] {
        let (mut pieces, mut stream) = (Vec::new(), stream());
        for (k, piece) in times.chunks(size).enumerate() {
            pieces.extend(generate(&mut stream, (k * size) as u64, piece));
        }
        assert!(pieces == whole, "batches of {size}");
    }
}

#[test]
fn records_are_the_same_in_any_order() {
    let times = times(4000, 600 * SECOND);
    let mut stream = open(CONFIG);
    let forwards = generate(&mut stream, 0, &times);
    for i in (0..4000).rev().step_by(13).chain([0, 3999, 1, 2]) {
        let again = generate(&mut stream, i as u64, &times[i..=i]);
        assert_eq!(again[0], forwards[i], "record {i}");
        let fresh = generate(&mut open(CONFIG), i as u64, &times[i..=i]);
        assert_eq!(fresh[0], forwards[i], "record {i}");
    }
}

#[test]
fn the_seed_and_the_stream_matter() {
    let times = times(300, SECOND);
    let of = |settings: &Settings| generate(&mut Stream::open(settings, None).unwrap(), 0, &times);
    let one = of(&settings(CONFIG, 0, 2));
    assert_ne!(one, of(&settings(CONFIG, 1, 2)));
    let seed = 43;
    assert_ne!(
        one,
        of(&Settings {
            seed,
            ..settings(CONFIG, 0, 2)
        })
    );
}

#[test]
fn records_have_the_fields_of_their_schema_in_its_order() {
    let channels = (GENERATOR.channels)(CONFIG).unwrap();
    let names = |v: &serde_json::Value| v.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let schemas: Vec<serde_json::Value> = channels
        .iter()
        .map(|c| serde_json::from_str(&c.schema).unwrap())
        .collect();
    let records = generate(&mut open(CONFIG), 0, &times(20_000, SECOND));
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

#[test]
fn extremes_of_time_and_size_are_fine() {
    for config in [
        r#"{"devices": 1, "sensors": ["battery"]}"#,
        r#"{"devices": 1000000, "outages": 4, "stuck": 4, "gaps": 0.5}"#,
        r#"{"sensors": [{"name": "x", "mean": 1e9, "amplitude": -1e9, "drift": 1e6, "noise": 4e5}]}"#,
    ] {
        let mut stream = open(config);
        for time in [0, 1, START, u64::MAX - 1, u64::MAX] {
            for first in [0, 1 << 40, u64::MAX - 2] {
                values(&generate(&mut stream, first, &[time]));
            }
        }
    }
}

#[test]
fn what_makes_no_sense_is_refused() {
    for (config, streams, expected) in [
        (r#"{"devices": 2}"#, 3, "3 streams"),
        (r#"{"devices": 0}"#, 1, "`devices`"),
        (r#"{"sensors": []}"#, 1, "`sensors`"),
        (
            r#"{"sensors": ["humidity", "humidity"]}"#,
            1,
            "`humidity` twice",
        ),
        (r#"{"sensors": [{"name": "a b", "mean": 1}]}"#, 1, "`a b`"),
        (
            r#"{"sensors": [{"name": "a", "mean": 1, "noise": -1}]}"#,
            1,
            "`noise` of sensor `a`",
        ),
        (
            r#"{"sensors": [{"name": "a", "mean": 1, "min": 2, "max": 1}]}"#,
            1,
            "`min`",
        ),
        (r#"{"gaps": 2}"#, 1, "`gaps`"),
        (r#"{"outages": -1}"#, 1, "`outages`"),
        (r#"{"device": 1}"#, 1, "device"),
    ] {
        match Stream::<IotSensor>::open(&settings(config, streams - 1, streams), None) {
            Err(Error::InvalidConfig(why)) => assert!(why.contains(expected), "{why}"),
            other => panic!("{config} gave {:?}", other.err()),
        }
    }
}
