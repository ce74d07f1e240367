//! Whether the readings look like sensors', over 10⁵ of them. Each check is also put to a wrong
//! version of the same readings, named in the test, and has to reject it.

mod common;

use std::collections::{BTreeMap, BTreeSet};

use common::{Check, SECOND, START, generate, holds, open, scramble, values};

/// A reading, read back; none where a tick had no record.
#[derive(Clone, Debug)]
struct Reading {
    /// Hours since [`START`].
    hour: f64,
    device: usize,
    sensor: String,
    value: f64,
}

const MINUTE: u64 = 60 * SECOND;

/// So many ticks: all of a beat of `beat` ticks at one instant, beats `gap` nanoseconds apart.
fn readings(config: &str, ticks: u64, beat: u64, gap: u64) -> Vec<Option<Reading>> {
    let times: Vec<u64> = (0..ticks).map(|i| START + i / beat * gap).collect();
    let records = generate(&mut open(config), 0, &times);
    let read = |(value, time): (&serde_json::Value, &u64)| {
        value.is_object().then(|| Reading {
            hour: (time - START) as f64 / (60 * MINUTE) as f64,
            device: value["device_id"].as_str().expect("an id")[7..]
                .parse()
                .expect("a number"),
            sensor: value["sensor"].as_str().expect("a sensor").to_owned(),
            value: value["value"].as_f64().expect("a number"),
        })
    };
    values(&records).iter().zip(&times).map(read).collect()
}

fn there(readings: &[Option<Reading>]) -> Vec<Reading> {
    readings.iter().flatten().cloned().collect()
}

const QUIET: &str = r#""outages": 0, "stuck": 0, "gaps": 0"#;

/// Each device gives each of its sensors once a beat, and nothing else.
fn everyone_once_a_beat(readings: &[Reading], devices: usize, sensors: usize) -> Check {
    let beat = devices * sensors;
    for (number, beat) in readings.chunks(beat).enumerate() {
        let all: BTreeSet<(usize, &str)> =
            beat.iter().map(|r| (r.device, r.sensor.as_str())).collect();
        holds(
            all.len() == beat.len() && beat.iter().all(|r| r.device < devices),
            || format!("beat {number} has {} of {} readings", all.len(), beat.len()),
        )?;
    }
    Ok(())
}

#[test]
fn every_device_comes_once_a_period() {
    let config = format!(r#"{{"devices": 20, {QUIET}}}"#);
    let all = there(&readings(&config, 100_000, 100, MINUTE));
    assert_eq!(all.len(), 100_000);
    everyone_once_a_beat(&all, 20, 5).unwrap();
    let mut drawn = all.clone();
    for (i, reading) in drawn.iter_mut().enumerate() {
        reading.device = scramble(i) % 20;
    }
    everyone_once_a_beat(&drawn, 20, 5).expect_err("devices drawn for each record");
}

/// Mean of what `pick` says of those that it takes.
fn mean(readings: &[Reading], pick: impl Fn(&Reading) -> Option<f64>) -> f64 {
    let taken: Vec<f64> = readings.iter().filter_map(pick).collect();
    taken.iter().sum::<f64>() / taken.len().max(1) as f64
}

/// Warm in the afternoon and cold at night, by as much as configured.
fn follows_the_day(readings: &[Reading], mean_value: f64, amplitude: f64) -> Check {
    let at = |hour: f64| {
        mean(readings, |r| {
            ((r.hour % 24.0 - hour).abs() < 1.0).then_some(r.value)
        })
    };
    for (hour, expected) in [
        (15.0, amplitude),
        (3.0, -amplitude),
        (9.0, 0.0),
        (21.0, 0.0),
    ] {
        let seen = at(hour) - mean_value;
        holds((seen - expected).abs() < 0.1 * amplitude.abs(), || {
            format!("{seen:.2} from the mean at {hour} h, not {expected:.2}")
        })?;
    }
    Ok(())
}

#[test]
fn temperature_follows_the_day() {
    let config = format!(
        r#"{{"devices": 50, {QUIET}, "sensors": [{{"name": "t", "mean": 20, "amplitude": 5, "noise": 0.5}}]}}"#
    );
    let all = there(&readings(&config, 100_000, 50, 2 * MINUTE));
    follows_the_day(&all, 20.0, 5.0).unwrap();
    let mut any = all.clone();
    for (i, reading) in any.iter_mut().enumerate() {
        reading.value = all[scramble(i) % all.len()].value;
    }
    follows_the_day(&any, 20.0, 5.0).expect_err("readings of any hour");
}

/// Around the mean with the deviation configured, on a bell curve.
fn is_noisy(readings: &[Reading], expected: f64) -> Check {
    let middle = mean(readings, |r| Some(r.value));
    let deviation = mean(readings, |r| Some((r.value - middle) * (r.value - middle))).sqrt();
    holds((deviation / expected - 1.0).abs() < 0.02, || {
        format!("a deviation of {deviation:.3}, not {expected}")
    })?;
    let far = mean(readings, |r| {
        Some(f64::from(u8::from(
            (r.value - middle).abs() > 2.0 * deviation,
        )))
    });
    holds((0.040..0.051).contains(&far), || {
        format!("{far:.4} of the readings are two deviations off, not 0.0455")
    })
}

#[test]
fn noise_is_normal() {
    let config = format!(r#"{{{QUIET}, "sensors": [{{"name": "x", "mean": -7, "noise": 2.5}}]}}"#);
    let all = there(&readings(&config, 100_000, 10, SECOND));
    is_noisy(&all, 2.5).unwrap();
    let mut uniform = all.clone();
    for (i, reading) in uniform.iter_mut().enumerate() {
        // The same deviation, from another distribution.
        let share = (scramble(i) % 1_000_000) as f64 / 1_000_000.0;
        reading.value = -7.0 + (share - 0.5) * 2.5 * 12.0_f64.sqrt();
    }
    is_noisy(&uniform, 2.5).expect_err("uniform noise");
}

/// Off by so much more a day, until the calibration after 90 days.
fn drifts(readings: &[Reading], a_day: f64) -> Check {
    let mut last: BTreeMap<usize, &Reading> = BTreeMap::new();
    let (mut slopes, mut back) = (Vec::new(), 0);
    for reading in readings {
        if let Some(before) = last.insert(reading.device, reading) {
            let change = reading.value - before.value;
            if change < -a_day * 20.0 {
                back += 1;
            } else {
                slopes.push(change / (reading.hour - before.hour) * 24.0);
            }
        }
    }
    let slope = slopes.iter().sum::<f64>() / slopes.len() as f64;
    // A device's own is between half of it and half as much again.
    holds((slope / a_day - 1.0).abs() < 0.15, || {
        format!("{slope:.3} a day, not {a_day}")
    })?;
    let days = readings[readings.len() - 1].hour / 24.0;
    let expected = last.len() as f64 * days / 90.0;
    holds((f64::from(back) / expected - 1.0).abs() < 0.1, || {
        format!("{back} calibrations, not {expected:.0}")
    })
}

#[test]
fn sensors_drift_until_they_are_calibrated() {
    let config = format!(
        r#"{{"devices": 100, {QUIET}, "sensors": [{{"name": "x", "mean": 0, "drift": 2}}]}}"#
    );
    let all = there(&readings(&config, 100_000, 100, 24 * 60 * MINUTE));
    drifts(&all, 2.0).unwrap();
    let mut steady = all.clone();
    for reading in &mut steady {
        reading.value = 90.0;
    }
    drifts(&steady, 2.0).expect_err("sensors without drift");
}

/// Which ticks have no record: by beat (minutes), by device, all of its sensors together.
fn outages_are_of_devices(
    readings: &[Option<Reading>],
    devices: usize,
    sensors: usize,
    share: f64,
) -> Check {
    let beat = devices * sensors;
    let (mut whole, mut part, mut begun) = (0, 0, 0);
    let mut before = vec![false; devices];
    for beat in readings.chunks_exact(beat) {
        for (device, own) in beat.chunks(sensors).enumerate() {
            let missing = own.iter().filter(|r| r.is_none()).count();
            let out = missing == sensors;
            whole += usize::from(out);
            part += usize::from(missing > 0 && !out);
            begun += usize::from(out && !before[device]);
            before[device] = out;
        }
    }
    let seen = (whole * sensors) as f64 / readings.len() as f64;
    holds(part * 50 < whole, || {
        format!("{part} devices were out in part, {whole} as a whole")
    })?;
    holds((seen / share - 1.0).abs() < 0.3, || {
        format!("{seen:.4} are out, not {share:.4}")
    })?;
    let length = whole as f64 / begun.max(1) as f64;
    holds((10.0..40.0).contains(&length), || {
        format!("an outage lasts {length:.1} minutes")
    })
}

#[test]
fn outages_take_whole_devices_for_a_while() {
    // 21.3 minutes is an outage's mean: 2 and a third of 58.
    let config = r#"{"devices": 50, "sensors": ["temperature", "humidity"], "outages": 2, "stuck": 0, "gaps": 0}"#;
    let all = readings(config, 200_000, 100, MINUTE);
    let share = 2.0 * 21.3 / 1440.0;
    outages_are_of_devices(&all, 50, 2, share).unwrap();
    let spread: Vec<Option<Reading>> = (0..all.len())
        .map(|i| all[scramble(i) % all.len()].clone())
        .collect();
    outages_are_of_devices(&spread, 50, 2, share).expect_err("gaps here and there");
    // Gaps alone are those.
    let gaps = readings(
        r#"{"outages": 0, "stuck": 0, "gaps": 0.03}"#,
        100_000,
        50,
        SECOND,
    );
    let missing = gaps.iter().filter(|r| r.is_none()).count();
    assert!((2_730..3_270).contains(&missing), "{missing} gaps");
}

/// The share of readings that are exactly the one before them of that sensor, in runs.
fn values_get_stuck(readings: &[Reading], share: f64) -> Check {
    let mut last: BTreeMap<(usize, &str), f64> = BTreeMap::new();
    let (mut same, mut runs) = (0, 0);
    let mut in_run: BTreeSet<(usize, &str)> = BTreeSet::new();
    for reading in readings {
        let who = (reading.device, reading.sensor.as_str());
        if last.insert(who, reading.value) == Some(reading.value) {
            same += 1;
            runs += usize::from(in_run.insert(who));
        } else {
            in_run.remove(&who);
        }
    }
    let seen = same as f64 / readings.len() as f64;
    holds((seen / share - 1.0).abs() < 0.3, || {
        format!("{seen:.4} are stuck, not {share:.4}")
    })?;
    let length = same as f64 / runs.max(1) as f64;
    holds(length > 15.0, || format!("stuck for {length:.1} readings"))
}

#[test]
fn values_stay_as_they_were_when_a_sensor_is_stuck() {
    // Pressure has few values that come twice by chance; 46.7 minutes is a stretch's mean.
    let config = r#"{"devices": 50, "sensors": ["pressure"], "outages": 0, "stuck": 2, "gaps": 0}"#;
    let all = there(&readings(config, 150_000, 50, MINUTE));
    let share = 2.0 * 46.7 / 1440.0;
    values_get_stuck(&all, share).unwrap();
    let mut free = all.clone();
    for (i, reading) in free.iter_mut().enumerate() {
        reading.value += (scramble(i) % 100) as f64 / 1000.0;
    }
    values_get_stuck(&free, share).expect_err("values that move");
}

/// Charge falls between two chargings, and stays between 0 and 100.
fn batteries_run_down(readings: &[Reading]) -> Check {
    let mut last: BTreeMap<usize, f64> = BTreeMap::new();
    let (mut charged, mut rises) = (0, 0);
    for reading in readings {
        holds((0.0..=100.0).contains(&reading.value), || {
            format!("{reading:?}")
        })?;
        if let Some(before) = last.insert(reading.device, reading.value) {
            charged += usize::from(reading.value > before + 50.0);
            rises += usize::from(reading.value > before && reading.value <= before + 50.0);
        }
    }
    let pairs = readings.len() - last.len();
    holds(charged > 50 && rises * 20 < pairs, || {
        format!("{charged} charged, {rises} rises in {pairs}")
    })
}

#[test]
fn batteries_fall_until_they_are_charged() {
    let config = format!(r#"{{"devices": 50, "sensors": ["battery"], {QUIET}}}"#);
    let all = there(&readings(&config, 100_000, 50, 2 * 24 * 60 * MINUTE));
    batteries_run_down(&all).unwrap();
    let mut random = all.clone();
    for (i, reading) in random.iter_mut().enumerate() {
        reading.value = (scramble(i) % 100) as f64;
    }
    batteries_run_down(&random).expect_err("charge drawn for each record");
}

#[test]
fn known_sensors_read_what_they_should() {
    let config = format!(r#"{{"devices": 40, {QUIET}}}"#);
    let all = there(&readings(&config, 100_000, 200, 7 * MINUTE));
    for (sensor, least, most) in [
        ("temperature", 20.5, 21.8),
        ("humidity", 47.0, 50.5),
        ("pressure", 1012.5, 1013.5),
        ("vibration", 1.7, 2.0),
        ("battery", 40.0, 75.0),
    ] {
        let mean = mean(&all, |r| (r.sensor == sensor).then_some(r.value));
        assert!(
            (least..most).contains(&mean),
            "{sensor}: {mean:.2} on average"
        );
    }
}
