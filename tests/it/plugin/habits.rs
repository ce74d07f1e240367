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

/// The fixture of a language as a generator.
fn built(sandbox: &Sandbox, folder: &Path, language: &str) -> Arc<wellhead::plugin::Generator> {
    run(sandbox, 0, &["plugin", "build", folder.to_str().unwrap()]);
    let entries = std::fs::read_dir(folder).unwrap();
    let mut paths = entries.map(|entry| entry.unwrap().path());
    let component = paths.find(|path| path.extension().is_some_and(|e| e == "wasm"));
    let runtime = Runtime::new(Limits::default(), None).unwrap();
    let bytes = std::fs::read(component.unwrap()).unwrap();
    runtime.load(&bytes, language).unwrap()
}

fn are_said(language: &str) {
    if service("WELLHEAD_TEST_LANGUAGES").is_none() {
        return;
    }
    let sandbox = Sandbox::new();
    let folder = copied(&sandbox, language);
    let generator = built(&sandbox, &folder, language);
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

/// What a module does while it is loaded is done in the build, which says what is wrong with it, and where.
#[test]
fn a_javascript_module_that_cannot_be_loaded_is_said() {
    if service("WELLHEAD_TEST_LANGUAGES").is_none() {
        return;
    }
    let sandbox = Sandbox::new();
    let folder = copied(&sandbox, "js");
    for (source, status, said) in [
        ("export default 7;", 2, "isn't what defineGenerator gives"),
        ("\nnull.x;\nexport default {};", 2, "generator.js:2"),
        // That is the bundler's to say, and its status.
        ("import { none } from './none.js';", 1, "can't be built:"),
    ] {
        std::fs::write(folder.join("generator.js"), source).unwrap();
        let build = ["plugin", "build", folder.to_str().unwrap()];
        let (_, error) = run(&sandbox, status, &build);
        assert!(error.contains(said), "{source}: {error}");
    }
}

/// Records of the engine's and of Node.js', as one text: the SDK says what is hot twice, and it has to be the same.
#[test]
fn javascript_writes_every_kind_of_record_as_node_does() {
    const MANY: usize = 4_000;
    // Prints what a stream has under Node.js: its columns, in hexadecimal.
    const PRINT: &str = r#"
        import { openStream } from "@wellhead/sdk/testing";
        import generator from "./generator.js";
        const stream = openStream(generator, { config: { habit: "kinds" }, seed: 42 });
        const times = Array.from({ length: Number(process.argv[1]) }, (_, k) => 1_700_000_000_123_456_789n + BigInt(k) * 77_000_000_007n);
        const batch = stream.batch(0, times);
        for (const column of ["payload", "ends", "keys", "keyEnds", "channels", "operations"])
          console.log(Buffer.from(batch[column].buffer, batch[column].byteOffset, batch[column].byteLength).toString("hex"));"#;
    if service("WELLHEAD_TEST_LANGUAGES").is_none() {
        return;
    }
    let sandbox = Sandbox::new();
    let folder = copied(&sandbox, "js");
    let generator = built(&sandbox, &folder, "js");
    let mut node = Command::new("node");
    node.args(["--input-type=module", "-e", PRINT, &MANY.to_string()]);
    let printed = node.current_dir(&folder).output().unwrap();
    assert!(printed.status.success(), "{printed:?}");
    let printed = String::from_utf8(printed.stdout).unwrap();
    let Value::Object(config) = json!({ "habit": "kinds" }) else {
        unreachable!("an object is an object");
    };
    let configured = generator.configure(config, Arc::default(), Validate::Off);
    let instant = |k| 1_700_000_000_123_456_789 + k * 77_000_000_007;
    let instants: Vec<u64> = (0..MANY as u64).map(instant).collect();
    let mut stream = configured.unwrap().open(42, 0, 1, None);
    let made = stream.generate(0, &instants).unwrap();
    assert_eq!(made.len(), MANY);
    let numbers = |column: &[u32]| column.iter().flat_map(|end| end.to_le_bytes()).collect();
    let columns: [Vec<u8>; 6] = [
        made.payload,
        numbers(&made.ends),
        made.keys,
        numbers(&made.key_ends),
        made.channels,
        made.operations,
    ];
    for (place, (own, node)) in columns.iter().zip(printed.lines()).enumerate() {
        let node = hex::decode(node).unwrap();
        let differs = own.iter().zip(&node).position(|(own, node)| own != node);
        let around = |bytes: &[u8]| {
            let from = differs.unwrap_or(0).saturating_sub(100);
            String::from_utf8_lossy(&bytes[from..bytes.len().min(from + 200)]).into_owned()
        };
        assert!(
            *own == node,
            "column {place}: {}\nNode: {}",
            around(own),
            around(&node)
        );
    }
}
