//! Bad habits in each language: an exception, a value that JSON doesn't have, a clock that stands still. What comes of
//! each is in `tests/fixtures/LANGUAGE/habits.json`, in the author's words: never a trap that says nothing.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use serde_json::{Value, json};
use wellhead::plugin::{Limits, Runtime, Validate};

use super::languages::run;
use super::times;
use crate::common::{Sandbox, json, service};

/// Records that are asked for; the fourth is the one with the habit.
const RECORDS: u64 = 10;

fn root() -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().unwrap().canonicalize().unwrap()
}

/// A copy of the fixture that finds the SDKs as the fixture does.
fn copied(sandbox: &Sandbox, language: &str) -> PathBuf {
    let folder = sandbox.path("tests/fixtures");
    std::fs::create_dir_all(&folder).unwrap();
    for shared in ["plugins", "wit"] {
        std::os::unix::fs::symlink(root().join(shared), sandbox.path(shared)).unwrap();
    }
    let from = root().join("tests/fixtures").join(language);
    let copied = Command::new("cp").arg("-r").arg(from).arg(&folder).status();
    assert!(copied.unwrap().success());
    folder.join(language)
}

/// How many records came, and the error after them.
fn outcome(generator: &Arc<wellhead::plugin::Generator>, habit: &str) -> (u64, Option<String>) {
    let Value::Object(config) = json!({ "habit": habit }) else {
        unreachable!("an object is an object");
    };
    let configured = match generator.configure(config, Arc::default(), Validate::Sample) {
        Ok(configured) => configured,
        Err(error) => return (0, Some(error.to_string())),
    };
    let mut stream = configured.open(42, 0, 1, None);
    let mut count = 0;
    while count < RECORDS {
        match stream.generate(count, &times(count, (RECORDS - count) as usize)) {
            Ok(made) if made.is_empty() => break,
            Ok(made) => count += made.len() as u64,
            Err(error) => return (count, Some(error.to_string())),
        }
    }
    (count, None)
}

fn are_said(language: &str) {
    if service("WELLHEAD_TEST_LANGUAGES").is_none() {
        return;
    }
    let sandbox = Sandbox::new();
    let folder = copied(&sandbox, language);
    run(&sandbox, 0, &["plugin", "build", folder.to_str().unwrap()]);
    let entries = std::fs::read_dir(&folder).unwrap();
    let mut paths = entries.map(|entry| entry.unwrap().path());
    let component = paths.find(|path| path.extension().is_some_and(|e| e == "wasm"));
    let runtime = Runtime::new(Limits::default(), None).unwrap();
    let bytes = std::fs::read(component.unwrap()).unwrap();
    let generator = runtime.load(&bytes, language).unwrap();

    let habits = json(&folder.join("habits.json"));
    let habits = habits.as_array().unwrap();
    assert!(habits.len() > 8);
    for habit in habits {
        let (count, error) = outcome(&generator, habit["habit"].as_str().unwrap());
        if let Some(records) = habit["records"].as_u64() {
            assert_eq!(count, records, "{habit}: {error:?}");
        }
        let said = ["open", "error", "trap"]
            .iter()
            .find_map(|kind| habit[kind].as_str());
        match (said, error) {
            (Some(said), Some(error)) => assert!(error.contains(said), "{habit}\n{error}"),
            (None, None) => {}
            (_, error) => panic!("{habit}: {error:?}"),
        }
    }
}

#[test]
fn are_said_in_javascript() {
    are_said("js");
}

#[test]
fn are_said_in_python() {
    are_said("python");
}

#[test]
fn are_said_in_go() {
    are_said("go");
}

#[test]
fn are_said_in_c() {
    are_said("c");
}
