//! `wellhead plugin test` and `bench`: stock generators hold, and what is broken on purpose is found.

use serde_json::Value;

use crate::common::{STOCK, Sandbox, fixture_path, stderr};

fn strs<'a>(first: &[&'a str], more: &[&'a str]) -> Vec<&'a str> {
    [first, more].concat()
}

fn villain() -> String {
    fixture_path("villain").to_str().unwrap().to_owned()
}

fn findings(output: &std::process::Output) -> Vec<Value> {
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn stock_generators_hold_what_runs_rely_on() {
    for generator in STOCK {
        let sandbox = Sandbox::new();
        let needs = sandbox.needs(generator);
        let test = ["plugin", "test", generator, "--records", "4000", "--json"];
        let found = findings(&sandbox.expect(0, &strs(&test, &needs)));
        assert_eq!(found.len(), 9, "{generator}: {found:#?}");
        for one in &found {
            assert_ne!(one["outcome"], "failed", "{generator}: {one:#}");
            assert!(one["seen"].as_str().is_some_and(|seen| !seen.is_empty()));
        }
        assert_eq!(found[0]["outcome"], "passed", "{generator}");
    }
}

#[test]
fn what_is_broken_is_found_and_said() {
    let villain = villain();
    for (config, check, said) in [
        (
            r#"{"mode": "uneven"}"#,
            "other calls",
            "in calls for 1 record",
        ),
        (
            r#"{"mode": "stateful"}"#,
            "any order, or a saved state",
            "in any order",
        ),
        (r#"{"mode": "leak", "size": 2000}"#, "memory", "given back"),
        (
            r#"{"mode": "honest"}"#,
            "settings at their bounds",
            "which its schema allows",
        ),
        (
            r#"{"mode": "invalid-record", "at": 30}"#,
            "records",
            "index 30",
        ),
        (
            r#"{"mode": "trap", "at": 30}"#,
            "records",
            "panics at record 30",
        ),
    ] {
        let sandbox = Sandbox::new();
        let test = [
            "plugin",
            "test",
            &villain,
            "--records",
            "3000",
            "--config",
            config,
        ];
        let found = findings(&sandbox.expect(1, &strs(&test, &["--json"])));
        let one = found.iter().find(|one| one["check"] == check).unwrap();
        assert_eq!(one["outcome"], "failed", "{config}: {found:#?}");
        assert!(
            one["seen"].as_str().unwrap().contains(said),
            "{config}: {one:#}"
        );
        assert!(!one["why"].as_str().unwrap().is_empty());
    }
}

/// What a person sees: the first record that differs, both ways, and why that matters.
#[test]
fn a_difference_is_shown() {
    let (sandbox, villain) = (Sandbox::new(), villain());
    let test = ["plugin", "test", &villain, "--records", "3000"];
    let output = sandbox.expect(1, &strs(&test, &["--config", "mode=uneven"]));
    let said = stderr(&output);
    for part in [
        "ok      records: 3000 records",
        "FAILED  other calls",
        "first at record 1",
        "\"place\":1}",
        "\"place\":0}",
        "why it matters: how many records a call asks for",
    ] {
        assert!(said.contains(part), "{part} is missing: {said}");
    }
}

#[test]
fn speeds_are_compared_with_a_stock_generator() {
    let sandbox = Sandbox::new();
    let bench = ["plugin", "bench", "device-log", "--seconds", "1", "--json"];
    let rows: Vec<Value> = serde_json::from_slice(&sandbox.expect(0, &bench).stdout).unwrap();
    let names: Vec<&Value> = rows.iter().map(|row| &row["generator"]).collect();
    assert_eq!(names, ["transaction", "device-log"]);
    assert_eq!(rows[0]["ratio"], 1.0);
    for row in &rows {
        for figure in [
            "records_per_second",
            "record_bytes",
            "memory_bytes",
            "first_record_ms",
        ] {
            assert!(row[figure].as_f64().unwrap() > 0.0, "{figure}: {row:#}");
        }
    }
    let refused = [
        "--server",
        "http://127.0.0.1:1",
        "plugin",
        "test",
        "transaction",
    ];
    assert!(stderr(&sandbox.expect(2, &refused)).contains("on this machine"));
}
