//! Generators that misbehave, in each way that `tests/fixtures/README.md` lists: every one ends
//! with a message that names it and the cause, and the runtime goes on as if nothing had been.

mod batch;
mod habits;
mod languages;
mod project;
mod refused;
mod registry;
mod store;
mod stream;
mod trial;
mod uploads;
mod wasi;

use std::path::PathBuf;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use serde_json::{Value, json};
use wellhead::plugin::{
    Configured, Generated, Generator, History, Limits, PluginError, Runtime, Stream, Validate,
};

use crate::common::fixture;

/// Event time of record 0; the following are a second apart.
const START: u64 = 1_700_000_000_000_000_000;

/// One runtime for all tests, which run side by side: what one guest does must not show in another.
static RUNTIME: LazyLock<Arc<Runtime>> = LazyLock::new(|| {
    let limits = Limits {
        call: Duration::from_millis(400),
        instantiate: Duration::from_millis(400),
        wall_factor: 50,
        ..Limits::default()
    };
    Runtime::new(limits, Some(target().join("test-cache/plugin"))).unwrap()
});

/// TARGET/PROFILE/deps/it-HASH is this program.
fn target() -> PathBuf {
    let own = std::env::current_exe().unwrap();
    own.ancestors().nth(3).unwrap().to_owned()
}

fn load(name: &str) -> Result<Arc<Generator>, PluginError> {
    RUNTIME.load(&fixture(name), &format!("{name}.wasm"))
}

fn configure(name: &str, config: Value) -> Result<Arc<Configured>, PluginError> {
    let Value::Object(config) = config else {
        panic!("a configuration is an object");
    };
    load(name)?.configure(config, Arc::default(), Validate::Sample)
}

fn open(name: &str, config: Value) -> Stream {
    configure(name, config).unwrap().open(42, 1, 3, None)
}

fn times(first: u64, count: usize) -> Vec<u64> {
    let time = |n| START + n * 1_000_000_000;
    (first..first + count as u64).map(time).collect()
}

struct Clock;

impl History for Clock {
    fn times(&mut self, first: u64, count: usize, into: &mut Vec<u64>) {
        into.extend(times(first, count));
    }
}

/// Every record up to `end`, asked for `size` at a time, or the error.
fn records(stream: &mut Stream, end: u64, size: usize) -> Result<Vec<Vec<u8>>, PluginError> {
    let mut all: Vec<Vec<u8>> = Vec::new();
    while (all.len() as u64) < end {
        let first = all.len() as u64;
        let count = size.min((end - first) as usize);
        let made = stream.generate(first, &times(first, count))?;
        if made.is_empty() {
            break;
        }
        all.extend((0..made.len()).map(|k| made.record(k).to_vec()));
    }
    Ok(all)
}

/// The honest generator still gives what it always gives.
fn assert_healthy() {
    let made = records(&mut open("villain", json!({})), 50, 20).unwrap();
    assert_eq!(
        String::from_utf8_lossy(&made[49]),
        r#"{"n":49,"key":"k0","time":"1700000049000000000"}"#
    );
}

/// The message of an error that has to be one, with all of that in it; what follows stays healthy.
fn assert_says<T>(case: &str, result: Result<T, PluginError>, parts: &[&str]) -> PluginError {
    let Err(error) = result else {
        panic!("{case}: went through");
    };
    let text = error.to_string();
    for part in parts {
        assert!(text.contains(part), "{case}: no {part:?} in\n{text}");
    }
    let clean = text.chars().all(|c| c == '\n' || !c.is_control());
    assert!(clean, "{case}: control characters in {text:?}");
    assert_healthy();
    error
}

#[test]
fn what_harms_ends_by_its_own_limit() {
    for (mode, call, cause) in [
        ("trap", "`generate`", "villain panics at record 30"),
        (
            "spin",
            "`generate`",
            "more than 400ms of CPU time, which is the limit",
        ),
        ("recurse", "`generate`", "used up its stack of 512 KiB"),
        ("recurse-frames", "`generate`", "out of bounds"),
        ("grow", "`generate`", "of memory, and the limit is 128 MiB"),
        ("trap-open", "`open`", "villain panics in open"),
        ("spin-open", "`open`", "CPU time, which is the limit"),
        ("grow-open", "`open`", "of memory, and the limit is 128 MiB"),
    ] {
        let mut stream = open("villain", json!({"mode": mode, "at": 30}));
        let result = records(&mut stream, 100, 20);
        let error = assert_says(
            mode,
            result,
            &["generator villain", call, "stream 1", cause],
        );
        assert!(!error.is_usage());
        let again = stream.generate(0, &times(0, 1));
        assert_says(mode, again, &["villain", "has failed before"]);
        assert_eq!(stream.memory(), 0, "{mode}: the instance is still there");
    }
    let mut refused = open("villain", json!({"mode": "refuse-open"}));
    assert_says(
        "refuse-open",
        refused.start(),
        &["villain", "stream refused"],
    );
}

#[test]
fn a_trap_comes_with_names() {
    let mut stream = open("villain", json!({"mode": "trap"}));
    let PluginError::Trap(trap) = stream.generate(0, &times(0, 1)).unwrap_err() else {
        panic!("no trap");
    };
    assert!(
        trap.log
            .iter()
            .any(|line| line.contains("villain panics at record 0"))
    );
    let named = |frame: &String| frame.contains("misbehave") || frame.contains("generate");
    assert!(trap.frames.iter().any(named), "{:?}", trap.frames);
}

#[test]
fn what_is_allowed_goes_through() {
    let honest = records(&mut open("villain", json!({})), 100, 20).unwrap();
    for mode in [
        "short",
        "keyless",
        "slow",
        "grow-refused",
        "flood-log",
        "long-log",
        "trap-drop",
        "spin-drop",
    ] {
        let made = records(&mut open("villain", json!({ "mode": mode })), 100, 20);
        assert!(made.unwrap() == honest, "{mode}");
    }
    let made = records(&mut open("villain", json!({"mode": "empty"})), 9, 9).unwrap();
    let silent: Vec<_> = made.iter().map(Vec::is_empty).collect();
    assert_eq!(
        silent,
        [false, true, false, false, true, false, false, true, false]
    );
    let Generated {
        channels,
        operations,
        ..
    } = open("villain", json!({"mode": "operations"}))
        .generate(0, &times(0, 3))
        .unwrap();
    assert_eq!((channels, operations), (vec![0, 1, 0], vec![1, 0, 2]));
    let made = records(
        &mut open("villain", json!({"mode": "ends-early", "at": 30})),
        100,
        20,
    );
    assert_eq!(made.unwrap().len(), 30);
    let error = records(
        &mut open("villain", json!({"mode": "error", "at": 30})),
        100,
        20,
    );
    assert_says(
        "error",
        error,
        &[
            "generator villain failed in stream 1 at record 30",
            "villain fails",
        ],
    );
}
