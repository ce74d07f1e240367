//! Wrong batches and wrong records: each names its rule and its place.

use std::sync::Arc;

use serde_json::{Value, json};
use wellhead::plugin::Validate;

use super::{assert_says, load, open, records, times};

#[test]
fn a_wrong_batch_names_rule_and_record() {
    for (mode, rule, record) in [
        ("ends-descend", "`ends` descends from", "at record 21"),
        ("ends-short", "the last of `ends`", "from record 20 on"),
        ("ends-beyond", "the last of `ends`", "from record 20 on"),
        ("no-ends", "there are no records", "from record 20 on"),
        (
            "key-ends-count",
            "`key-ends` has 21 entries for 20",
            "from record 20 on",
        ),
        ("key-ends-descend", "`key-ends` descends", "at record 21"),
        (
            "key-ends-short",
            "the last of `key-ends`",
            "from record 20 on",
        ),
        (
            "unknown-channel",
            "channel 9 where there are 1",
            "at record 20",
        ),
        (
            "channels-count",
            "`channels` has 21 entries",
            "from record 20 on",
        ),
        ("unknown-operation", "operation 3", "at record 20"),
        (
            "operations-count",
            "`operations` has 21 entries",
            "from record 20 on",
        ),
        ("upsert-without-key", "without a key", "at record 30"),
        ("delete-without-key", "without a key", "at record 30"),
        ("not-utf8", "not UTF-8", "at record 30"),
        ("split-char", "inside a character", "at record 20"),
        ("line-feed", "line feed", "at record 30"),
        ("too-many", "and 20 records were asked for", "from record"),
    ] {
        let mut stream = open("villain", json!({"mode": mode, "at": 30}));
        let parts = ["generator villain", "wrong batch in stream 1", rule, record];
        assert_says(mode, records(&mut stream, 100, 20), &parts);
    }
    // More than a call may pass is not even copied; a little less is counted, and refused.
    for (size, parts) in [
        (
            30 << 20,
            [
                "villain",
                "ended in `generate`",
                "in one call, which is the limit",
            ],
        ),
        (
            (16 << 20) + 1,
            ["villain", "payload and keys are", "the limit of a batch is"],
        ),
    ] {
        let config = json!({"mode": "oversized", "size": size});
        assert_says(
            "oversized",
            open("villain", config).generate(0, &times(0, 1)),
            &parts,
        );
    }
}

#[test]
fn records_are_checked_against_their_schema() {
    for (mode, parts) in [
        (
            "invalid-record",
            ["text: 12 is not of type \"string\"", "channel `record`"],
        ),
        ("not-json", ["not one JSON value", "channel `record`"]),
        ("two-values", ["not one JSON value", "channel `record`"]),
    ] {
        let mut stream = open("villain", json!({"mode": mode, "at": 30}));
        let error = assert_says(mode, records(&mut stream, 100, 20), &parts);
        assert!(error.to_string().contains("at index 30"), "{error}");
    }
    // Beyond the first thousand every thousandth is looked at; with `all` each, with `off` none.
    let config = json!({"mode": "invalid-record", "at": 1500});
    let Value::Object(config) = config else {
        unreachable!()
    };
    for (validate, end) in [
        (Validate::Sample, Some("at index 2000")),
        (Validate::All, Some("at index 1500")),
        (Validate::Off, None),
    ] {
        let generator = load("villain").unwrap();
        let configured = generator.configure(config.clone(), Arc::default(), validate);
        let mut stream = configured.unwrap().open(1, 0, 1, None);
        match (records(&mut stream, 2500, 300), end) {
            (Ok(made), None) => assert_eq!(made.len(), 2500),
            (result, end) => {
                assert_says("validate", result, &[end.unwrap_or("an error")]);
            }
        }
    }
    assert!(
        records(&mut open("octets", json!({})), 10, 10).is_ok(),
        "not JSON, and checked as such"
    );
}
