//! `wellhead plugin new`, `build` and `run`, with the compiler that builds the stock generators.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;

use super::languages::{command, run};
use crate::common::{Sandbox, stderr};

fn change(folder: &Path, from: &str, to: &str) {
    let path = folder.join("src/lib.rs");
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "{from} isn't in the example");
    fs::write(path, text.replace(from, to)).unwrap();
}

/// One test, since what cargo compiles at the same time waits for one another anyway.
#[test]
fn a_new_generator_builds_holds_and_is_shown_again_when_it_changes() {
    let sandbox = Sandbox::new();
    let (_, said) = run(&sandbox, 0, &["plugin", "new", "water-meter"]);
    assert!(said.contains("wellhead plugin run water-meter"), "{said}");
    let folder = sandbox.path("water-meter");

    let (_, said) = run(&sandbox, 0, &["plugin", "build", "water-meter"]);
    assert!(
        said.contains("water-meter.wasm is water-meter 0.1.0, "),
        "{said}"
    );
    let component = "water-meter/water-meter.wasm";
    assert!(sandbox.path(component).is_file());
    run(
        &sandbox,
        0,
        &["plugin", "test", component, "--records", "5000"],
    );
    run(&sandbox, 0, &["plugin", "add", component]);
    let emulation = [
        "run",
        "water-meter",
        "--seed",
        "3",
        "--records",
        "500",
        "--to",
        "file:out.ndjson",
    ];
    run(&sandbox, 0, &emulation);
    let out = fs::read_to_string(sandbox.path("out.ndjson")).unwrap();
    assert_eq!(out.lines().count(), 500);
    assert!(out.starts_with(r#"{"vehicle":"vehicle-0","at":""#), "{out}");

    let shown = [
        "plugin",
        "run",
        "water-meter",
        "-n",
        "2",
        "--config",
        "vehicles=1",
    ];
    let mut child = command(&sandbox, &shown).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    for _ in 0..2 {
        let line = lines.next().unwrap().unwrap();
        assert!(line.starts_with(r#"{"vehicle":"vehicle-0""#), "{line}");
    }
    change(
        &folder,
        "lit!(writer, \"\\\"vehicle-\")",
        "lit!(writer, \"\\\"meter-\")",
    );
    for _ in 0..2 {
        let line = lines.next().unwrap().unwrap();
        assert!(line.starts_with(r#"{"vehicle":"meter-0""#), "{line}");
    }
    child.kill().unwrap();
    child.wait().unwrap();

    change(&folder, "let own =", "let own: String =");
    let (_, said) = run(&sandbox, 1, &["plugin", "build", "water-meter"]);
    assert!(
        said.contains("src/lib.rs") && said.contains("water-meter doesn't build: see above"),
        "{said}"
    );
}

#[test]
fn what_cannot_be_made_or_built_is_said() {
    let sandbox = Sandbox::new();
    for name in ["Meter", "../up"] {
        let (_, said) = run(&sandbox, 2, &["plugin", "new", name]);
        assert!(said.contains("can't be a generator's name"), "{said}");
    }
    let (_, said) = run(&sandbox, 2, &["plugin", "new", "serde"]);
    assert!(said.contains("a word of Rust's or of its tools'"), "{said}");
    fs::create_dir(sandbox.path("meter")).unwrap();
    sandbox.write("meter/notes.txt", "mine");
    let (_, said) = run(&sandbox, 2, &["plugin", "new", "meter"]);
    assert!(
        said.contains("isn't empty: name another folder with --dir"),
        "{said}"
    );
    let (_, said) = run(&sandbox, 2, &["plugin", "build", "meter"]);
    assert!(said.contains("meter has no Cargo.toml"), "{said}");

    fs::create_dir(sandbox.path("broken")).unwrap();
    for (manifest, text) in [("pyproject.toml", "[project"), ("package.json", "{,}")] {
        sandbox.write(&format!("broken/{manifest}"), text);
        let (_, said) = run(&sandbox, 2, &["plugin", "build", "broken"]);
        assert!(
            said.contains(&format!("{manifest} can't be read")),
            "{said}"
        );
        fs::remove_file(sandbox.path(&format!("broken/{manifest}"))).unwrap();
    }

    // Neither of the two compilers.
    run(&sandbox, 0, &["plugin", "new", "gauge"]);
    let mut blind = command(&sandbox, &["plugin", "build", "gauge"]);
    let output = blind.env("PATH", sandbox.path("meter")).output().unwrap();
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(
        said.contains("rustup target add wasm32-unknown-unknown"),
        "{said}"
    );
}
