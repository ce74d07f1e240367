//! The same record however it is come by, and its outer form.

mod common;

use common::{SECOND, START, generate, open, read, settings};

fn times(n: u64, gap: u64) -> Vec<u64> {
    (0..n).map(|i| START + i * gap).collect()
}

#[test]
fn batches_of_any_size_give_the_same() {
    let times = times(5000, SECOND);
    let whole = generate(&mut open(&settings("{}", 1, 3)), 0, &times);
    for size in [1, 7, 999] {
        let mut stream = open(&settings("{}", 1, 3));
        let mut pieces = Vec::new();
        for (k, piece) in times.chunks(size).enumerate() {
            pieces.extend(generate(&mut stream, (k * size) as u64, piece));
        }
        assert!(pieces == whole, "batches of {size}");
    }
}

#[test]
fn records_are_the_same_in_any_order() {
    // Half an hour apart, so that windows are entered forwards, backwards and by leaps.
    let times = times(3000, 1800 * SECOND);
    let mut stream = open(&settings(r#"{"incident_rate": 6}"#, 0, 1));
    let forwards = generate(&mut stream, 0, &times);
    for i in (0..3000).rev().step_by(13).chain([0, 2999, 1, 2]) {
        let again = generate(&mut stream, i as u64, &times[i..=i]);
        assert_eq!(again[0], forwards[i], "record {i}");
        let mut fresh = open(&settings(r#"{"incident_rate": 6}"#, 0, 1));
        assert_eq!(
            generate(&mut fresh, i as u64, &times[i..=i])[0],
            forwards[i]
        );
    }
}

#[test]
fn streams_share_out_the_devices_and_see_the_same_fleet() {
    let times = times(20_000, SECOND);
    let mut incidents = Vec::new();
    for stream in 0..3 {
        let mut own = std::collections::BTreeSet::new();
        for ((record, _), time) in generate(&mut open(&settings("{}", stream, 3)), 0, &times)
            .iter()
            .zip(&times)
        {
            let line = read(record, *time);
            let number: u32 = line.device[3..].parse().unwrap();
            assert_eq!(number % 3, stream, "{}", line.device);
            own.extend(line.incident);
        }
        incidents.push(own);
    }
    assert!(incidents[0].len() > 3);
    assert_eq!(incidents[0], incidents[1]);
    assert_eq!(incidents[0], incidents[2]);
}

#[test]
fn the_seed_and_the_stream_matter() {
    let times = times(100, SECOND);
    let one = generate(&mut open(&settings("{}", 0, 2)), 0, &times);
    let other_stream = generate(&mut open(&settings("{}", 1, 2)), 0, &times);
    let mut other = settings("{}", 0, 2);
    other.seed = 43;
    let other_seed = generate(&mut open(&other), 0, &times);
    assert_ne!(one, other_stream);
    assert_ne!(one, other_seed);
}

#[test]
fn extremes_of_time_and_size_are_fine() {
    for config in [
        r#"{"devices": 1}"#,
        r#"{"devices": 1000000, "incident_rate": 24, "burst": 1000}"#,
    ] {
        let mut stream = open(&settings(config, 0, 1));
        for time in [0, 1, START, u64::MAX - 1, u64::MAX] {
            let records = generate(&mut stream, u64::MAX - 2, &[time]);
            serde_json::from_str::<serde_json::Value>(&records[0].0).expect("JSON");
        }
    }
}

#[test]
fn records_have_their_size() {
    let times = times(100_000, SECOND / 100);
    let records = generate(&mut open(&settings("{}", 0, 1)), 0, &times);
    let mean = records.iter().map(|(r, _)| r.len()).sum::<usize>() / records.len();
    assert!((200..=300).contains(&mean), "{mean} bytes on average");
    assert!(
        records
            .iter()
            .all(|(r, _)| r.len() < 400 && !r.contains('\n'))
    );
}

#[test]
fn what_makes_no_sense_is_refused() {
    use wellhead_sdk::{Error, Generator, Stream};
    let why = |config: &str, streams: u32| match Stream::<device_log::DeviceLog>::open(
        &settings(config, streams - 1, streams),
        None,
    ) {
        Err(Error::InvalidConfig(why)) => why,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("{config} with {streams} streams was accepted"),
    };
    assert!(why(r#"{"devices": 2}"#, 3).contains("3 streams"));
    let silent = r#"{"severities": {"debug":0,"info":0,"warning":0,"error":0,"critical":0}}"#;
    assert!(why(silent, 1).contains("severities"));
    let config = serde_json::from_str(silent).unwrap();
    assert!(device_log::DeviceLog::channels(&config).is_err());
    assert!(why(r#"{"device": 2}"#, 1).contains("device"));
}
