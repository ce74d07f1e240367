//! State machines over event time, and what depends on the state.

mod common;

use std::collections::BTreeMap;

use common::{Check, SECOND, START, generate, holds, open, settings, times, values};
use serde_json::{Value, json};
use template::Template;
use wellhead_sdk::Stream;

const MINUTE: u64 = 60 * SECOND;

fn machine() -> Value {
    json!({"initial": "idle", "states": {
        "idle": {"for": "5m..20m", "to": {"running": 0.9, "error": 0.1}},
        "running": {"for": "30m..2h", "to": {"idle": 3, "error": 1}},
        "error": {"for": "10m", "to": {"repair": 1}},
        "repair": {"for": "2m..4m", "to": "idle"},
    }})
}

/// States at times from [`START`] on.
fn seen(states: &Value, n: u64, gap: u64) -> Vec<String> {
    let config = json!({"record": {"x": {"$states": states}}}).to_string();
    let records = values(&generate(&mut open(&config), 0, &times(n, gap)));
    records
        .iter()
        .map(|v| v["x"].as_str().unwrap().to_owned())
        .collect()
}

/// Each state and how many records it lasts, without the first and the last.
fn stays(all: &[String]) -> Vec<(String, u64)> {
    let runs: Vec<(String, u64)> = all
        .chunk_by(|a, b| a == b)
        .map(|run| (run[0].clone(), run.len() as u64))
        .collect();
    runs[1..runs.len() - 1].to_vec()
}

/// Whether transitions are those written, and each stay lies in its range, to one record.
fn follows(stays: &[(String, u64)], gap: u64) -> Check {
    let allowed = |from: &str| match from {
        "idle" => ["running", "error"].as_slice(),
        "running" => &["idle", "error"],
        "error" => &["repair"],
        _ => &["idle"],
    };
    let range = |state: &str| match state {
        "idle" => (5, 20),
        "running" => (30, 120),
        "error" => (10, 10),
        _ => (2, 4),
    };
    for pair in stays.windows(2) {
        holds(allowed(&pair[0].0).contains(&pair[1].0.as_str()), || {
            format!("{} leads to {}", pair[0].0, pair[1].0)
        })?;
    }
    for (state, records) in stays {
        let (low, high) = range(state);
        let time = records * gap;
        holds(
            time + gap >= low * MINUTE && time <= high * MINUTE + gap,
            || format!("{state} lasts {} s", time / SECOND),
        )?;
    }
    Ok(())
}

#[test]
fn transitions_and_durations_are_those_written() {
    let gap = 10 * SECOND;
    let all = seen(&machine(), 600_000, gap);
    let stays = stays(&all);
    assert!(stays.len() > 2_000, "{}", stays.len());
    follows(&stays, gap).unwrap();
    let mut short = stays.clone();
    short[100].1 = 1;
    follows(&short, gap).expect_err("a stay that was cut");
    let mut jump = stays;
    jump.retain(|(state, _)| state != "repair");
    follows(&jump, gap).expect_err("a state left out");
}

fn near(what: &str, seen: f64, expected: f64, off: f64) -> Check {
    holds((seen - expected).abs() <= off, || {
        format!("{what} is {seen:.4}, not {expected:.4}")
    })
}

/// How often each transition is taken, and how long stays are on average.
fn is_spread(stays: &[(String, u64)], gap: u64) -> Check {
    let mut counts: BTreeMap<(&str, &str), f64> = BTreeMap::new();
    let mut sums: BTreeMap<&str, (f64, f64)> = BTreeMap::new();
    for pair in stays.windows(2) {
        *counts.entry((&pair[0].0, &pair[1].0)).or_default() += 1.0;
        let sum = sums.entry(&pair[0].0).or_default();
        *sum = (
            sum.0 + (pair[0].1 * gap) as f64 / MINUTE as f64,
            sum.1 + 1.0,
        );
    }
    let share = |from, to, other| {
        let count = |to| counts.get(&(from, to)).copied().unwrap_or(0.0);
        count(to) / (count(to) + count(other))
    };
    near(
        "idle to error",
        share("idle", "error", "running"),
        0.1,
        0.02,
    )?;
    near(
        "running to error",
        share("running", "error", "idle"),
        0.25,
        0.03,
    )?;
    let mean = |state| sums[state].0 / sums[state].1;
    near("idle", mean("idle"), 12.5, 0.4)?;
    near("running", mean("running"), 75.0, 2.0)?;
    near("repair", mean("repair"), 3.0, 0.1)
}

#[test]
fn shares_and_means_are_those_written() {
    let gap = 10 * SECOND;
    let stays = stays(&seen(&machine(), 1_000_000, gap));
    is_spread(&stays, gap).unwrap();
    let longer: Vec<(String, u64)> = stays
        .iter()
        .map(|(state, n)| (state.clone(), if state == "idle" { n + 6 } else { *n }))
        .collect();
    is_spread(&longer, gap).expect_err("a minute more in one state");
}

/// Cycles of fixed times are kept to the nanosecond's neighbourhood, over windows' ends too.
#[test]
fn a_machine_without_chance_goes_round_like_a_clock() {
    let clock = json!({"states": {"red": {"for": "50s", "to": "green"}, "green": {"for": "40s", "to": "amber"}, "amber": {"for": "4s", "to": "red"}}});
    let all = seen(&clock, 100_000, SECOND);
    for (state, seconds) in stays(&all) {
        let expected = match state.as_str() {
            "red" => 50,
            "green" => 40,
            _ => 4,
        };
        assert_eq!(seconds, expected, "{state}");
    }
}

const FLEET: &str = r#"{"record": {
    "device": {"$int": {"min": 1, "max": 3000}},
    "state": {"$states": {"by": "device", "states": {"idle": {"for": "5m..20m", "to": {"running": 9, "error": 1}}, "running": {"for": "1h..4h", "to": "idle"}, "error": {"for": "10m", "to": "idle"}}}},
    "power": {"$case": {"by": "state", "when": {"running": {"$int": {"min": 100, "max": 200}}, "idle": 5}, "else": 0}},
    "level": {"$case": {"by": "state", "when": {"error": {"$choice": {"ERROR": 9, "FATAL": 1}}}, "else": {"$choice": {"INFO": 9, "WARN": 1}}}}
}}"#;

/// The same device at the same instant is in the same state, whichever record and stream says so.
#[test]
fn a_device_is_in_one_state_at_an_instant() {
    let mut seen: BTreeMap<u64, String> = BTreeMap::new();
    let (mut again, mut states) = (0, BTreeMap::new());
    let instant = vec![START + 77 * MINUTE; 20_000];
    for stream in 0..3 {
        let mut stream = Stream::<Template>::open(&settings(FLEET, stream, 3), None).unwrap();
        for value in values(&generate(&mut stream, 0, &instant)) {
            let state = value["state"].as_str().unwrap().to_owned();
            let power = value["power"].as_u64().unwrap();
            match state.as_str() {
                "running" => assert!((100..=200).contains(&power), "{value}"),
                "idle" => assert_eq!(power, 5),
                _ => assert_eq!(power, 0),
            }
            let level = value["level"].as_str().unwrap();
            assert_eq!(
                state == "error",
                level == "ERROR" || level == "FATAL",
                "{value}"
            );
            let before = seen.insert(value["device"].as_u64().unwrap(), state.clone());
            if let Some(before) = before {
                assert_eq!(before, state);
                again += 1;
            } else {
                *states.entry(state).or_insert(0.0) += 1.0;
            }
        }
    }
    assert!(again > 50_000, "{again}");
    // Of 12.5 idle, 135 running after nine of ten, 1 in error.
    let share = |state: &str| states[state] / seen.len() as f64;
    near("running", share("running"), 135.0 / 148.5, 0.02).unwrap();
    near("idle", share("idle"), 12.5 / 148.5, 0.02).unwrap();
    near("running", share("idle"), 135.0 / 148.5, 0.02).expect_err("the other state");
}

/// Devices go their own ways.
#[test]
fn devices_change_at_different_times() {
    let config = json!({"record": {"d": {"$sequence": {}}, "x": {"$states": {"by": "d", "states": {
        "a": {"for": "10m", "to": "b"}, "b": {"for": "10m", "to": "a"},
    }}}}});
    let at = |minute: u64| {
        let instant = vec![START + minute * MINUTE; 1_000];
        values(&generate(&mut open(&config.to_string()), 0, &instant))
    };
    let (before, after) = (at(0), at(1));
    let changed = before
        .iter()
        .zip(&after)
        .filter(|(a, b)| a["x"] != b["x"])
        .count();
    near(
        "changed in a tenth of the time",
        changed as f64 / 1000.0,
        0.1,
        0.03,
    )
    .unwrap();
    let half = before.iter().filter(|v| v["x"] == "a").count();
    near("in one state", half as f64 / 1000.0, 0.5, 0.05).unwrap();
    let later = at(20);
    assert!(
        before.iter().zip(&later).all(|(a, b)| a["x"] == b["x"]),
        "it comes back"
    );
}

/// A case goes by anything that a field may be.
#[test]
fn cases_go_by_texts_numbers_and_booleans() {
    let record = json!({
        "n": {"$int": {"min": 1, "max": 4}}, "f": {"$choice": [0.5, 2]}, "yes": "$bool",
        "word": {"$choice": ["a \"b\"", "$$c"]}, "odd": {"$expr": "n % 2 == 1"},
        "maybe": {"$null": {"share": 0.5, "of": {"$int": {"min": 1, "max": 1}}}},
        "by_n": {"$case": {"by": "n", "when": {"1": "one", "2": {"two": {"$case": {"by": "yes", "when": {"true": 1, "false": [2]}}}}}, "else": null}},
        "by_f": {"$case": {"by": "f", "when": {"0.5": 1, "2": 2}}},
        "by_word": {"$case": {"by": "word", "when": {"a \"b\"": 1, "$c": 2}}},
        "by_odd": {"$case": {"by": "odd", "when": {"true": 1, "false": 2}}},
        "by_maybe": {"$case": {"by": "maybe", "when": {"1": "one"}, "else": "null"}},
    });
    let config = json!({ "record": record }).to_string();
    for value in values(&generate(&mut open(&config), 0, &times(1_000, SECOND))) {
        let n = value["n"].as_u64().unwrap();
        let expected = match (n, value["yes"].as_bool().unwrap()) {
            (1, _) => json!("one"),
            (2, true) => json!({"two": 1}),
            (2, false) => json!({"two": [2]}),
            _ => json!(null),
        };
        assert_eq!(value["by_n"], expected);
        assert_eq!(value["by_f"], json!(if value["f"] == 0.5 { 1 } else { 2 }));
        assert_eq!(
            value["by_word"],
            json!(if value["word"] == "$c" { 2 } else { 1 })
        );
        assert_eq!(value["by_odd"], json!(2 - n % 2));
        let maybe = if value["maybe"].is_null() {
            "null"
        } else {
            "one"
        };
        assert_eq!(value["by_maybe"], maybe);
    }
}

/// However many machines there are, each keeps to itself.
#[test]
fn many_machines_do_not_mix_up() {
    let machine = |minutes: u64| json!({"$states": {"by": "d", "states": {"a": {"for": format!("{minutes}m"), "to": "b"}, "b": {"for": format!("{minutes}m"), "to": "a"}}}});
    let mut record = json!({"d": {"$int": {"min": 1, "max": 9}}});
    for n in 0..130 {
        record[format!("m{n}")] = machine(n + 1);
    }
    let states = |record: &Value| {
        let config = json!({ "record": record }).to_string();
        values(&generate(&mut open(&config), 0, &times(300, MINUTE / 2)))
    };
    let all = states(&record);
    for n in [0, 1, 63, 64, 65, 128, 129] {
        let name = format!("m{n}");
        let alone = states(&json!({"d": record["d"], &name: record[&name]}));
        assert!(
            all.iter().zip(&alone).all(|(a, b)| a[&name] == b[&name]),
            "{name}"
        );
    }
}
