//! What is no generator, or says what it may not: refused before anything runs.

use serde_json::{Value, json};

use super::{assert_says, configure, load};

#[test]
fn what_is_no_generator_is_refused_by_name() {
    for (name, parts) in [
        (
            "core-plain",
            ["core WebAssembly module", "wasm-tools component new"],
        ),
        (
            "core-unwrapped",
            ["core WebAssembly module", "wasm-tools component new"],
        ),
        (
            "truncated",
            ["not a valid component", "build or download it again"],
        ),
        ("text", ["WebAssembly text", "wasm-tools parse"]),
        ("empty", ["is empty", "component is needed"]),
        ("foreign-world", ["another world", "wit/generator.wit"]),
        (
            "foreign-import",
            ["`acme:station/forecast@1.0.0`", "compose it"],
        ),
        ("version-1.1.0", ["version 1.1.0", "serves 1.0"]),
        ("version-2.0.0", ["version 2.0.0", "serves 1.0"]),
    ] {
        let error = assert_says(name, load(name), &parts);
        assert!(error.to_string().starts_with(&format!("{name}.wasm")));
        assert!(error.is_usage(), "{name}");
    }
}

#[test]
fn a_description_that_lies_is_refused() {
    for (name, reason) in [
        ("wrong-name", "name \"Villain!\""),
        ("empty-name", "name \"\""),
        ("long-name", "at most 64 characters"),
        ("bad-semver", "version \"1.0\""),
        ("long-version", "at most 64 characters"),
        ("long-summary", "summary is 501 bytes"),
        ("bad-content-type", "no media type"),
        ("long-content-type", "the limit is 128"),
        ("many-labels", "64 labels"),
        ("long-label", "the limit is 256"),
        ("schema-no-json", "config-schema is not JSON"),
        ("schema-no-schema", "config-schema is no schema"),
        ("schema-scalar", "config-schema is not of an object"),
        ("schema-remote-ref", "has to begin with `#`"),
        ("schema-dangling-ref", "leads nowhere"),
        ("schema-deep", "64 levels"),
        ("schema-big", "the limit is 262144"),
        ("schema-default", "at: \"soon\" is not of type \"integer\""),
    ] {
        let parts = [name, "breaks the contract in `describe`", reason];
        assert!(assert_says(name, load(name), &parts).is_usage());
    }
    for (name, reason) in [
        ("describe-trap", "villain panics in describe"),
        ("describe-spin", "CPU time, which is the limit"),
        ("describe-grow", "of memory, and the limit is 128 MiB"),
        ("describe-recurse", "stack"),
    ] {
        let parts = [name, "was ended in `describe`", reason];
        assert!(assert_says(name, load(name), &parts).is_usage());
    }
    assert!(load("describe-asset").is_ok(), "an asset was there");
    // It counts its calls: each instance is asked once, before anything else.
    for _ in 0..2 {
        let version = load("each-time").unwrap().description.version.to_string();
        assert_eq!(version, "1.0.0");
    }
}

#[test]
fn channels_are_checked_with_the_configuration() {
    for (mode, reason) in [
        ("no-channels", "0 channels"),
        ("many-channels", "257 channels"),
        ("channel-name", "../Record"),
        ("channel-twice", "two channels `record`"),
        ("channel-schema", "is no schema"),
        ("channel-remote-ref", "has to begin with `#`"),
        ("channel-dangling-ref", "leads nowhere"),
        ("channel-deep", "64 levels"),
        ("channel-big", "the limit is 262144"),
        ("channels-big-together", "all schemas together"),
    ] {
        let result = configure("villain", json!({ "mode": mode }));
        assert_says(
            mode,
            result,
            &["villain", "breaks the contract in `channels`", reason],
        );
    }
    for (mode, parts) in [
        ("refuse-channels", ["refuses its configuration", "the moon"]),
        (
            "trap-channels",
            ["ended in `channels`", "panics in channels"],
        ),
        ("spin-channels", ["ended in `channels`", "CPU time"]),
    ] {
        let error = assert_says(mode, configure("villain", json!({ "mode": mode })), &parts);
        assert!(error.is_usage(), "{mode}");
    }
    // With its defaults alone it can't say; with its configuration it can.
    assert_says(
        "needs-config",
        configure("needs-config", json!({})),
        &["`mode` is missing"],
    );
    assert!(configure("needs-config", json!({"mode": "honest"})).is_ok());
}

#[test]
fn a_configuration_is_validated_with_its_path() {
    for (config, part) in [
        (
            json!({"mdoe": "honest"}),
            "unknown field `mdoe`, did you mean `mode`?",
        ),
        (
            json!({"at": "soon"}),
            "at: \"soon\" is not of type \"integer\"",
        ),
        (json!({"at": -1}), "at: -1 is less than the minimum of 0"),
        (json!({"mode": "kind"}), "mode: \"kind\" is not one of"),
    ] {
        let parts = ["villain", part, "plugin inspect villain"];
        assert_says(part, configure("villain", config), &parts);
    }
    // The guest itself fails on a whole number that isn't digits alone.
    let text = r#"{"at": 5.0, "size": 1e3}"#;
    let configured = configure("villain", serde_json::from_str(text).unwrap()).unwrap();
    let filled = Value::Object(configured.config.clone());
    assert_eq!(
        filled.to_string(),
        r#"{"at":5,"size":1000,"mode":"honest"}"#
    );
}
