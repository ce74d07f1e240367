//! What makes no sense is refused, with its place and what to write instead.

mod common;

use serde_json::{Value, json};
use template::Template;

/// A field `x` with that value is refused in these words.
fn refused(value: &Value, expected: &[&str]) {
    let config = json!({"record": {"x": value}}).to_string();
    for words in expected {
        common::refuses::<Template>(&[(&config, 1, words)]);
    }
}

#[test]
fn numbers_that_make_no_sense() {
    refused(
        &json!({"$int": {"min": 90, "max": 18}}),
        &["`record.x.$int`", "`min` is 90, which is above `max`, 18"],
    );
    refused(&json!({"$int": {"min": 1}}), &["`max` is missing"]);
    refused(
        &json!({"$int": {"min": 1.5, "max": 2}}),
        &["`min` is 1.5", "whole number"],
    );
    refused(
        &json!({"$int": {"min": 0, "max": 9_007_199_254_740_993_i64}}),
        &["9007199254740992"],
    );
    refused(
        &json!({"$int": {"min": 0, "max": 9, "distrbution": "normal"}}),
        &["`distrbution`", "did you mean `distribution`?"],
    );
    refused(
        &json!({"$int": {"min": 0, "max": 9, "distribution": "gauss"}}),
        &["`gauss`", "`uniform`, `normal`"],
    );
    refused(
        &json!({"$int": {"min": 0, "max": 9, "sigma": 2}}),
        &[
            "`sigma` says nothing of the distribution `uniform`",
            "log-normal",
        ],
    );
    refused(
        &json!({"$int": {"min": 0, "max": 9, "distribution": "normal", "mean": 500, "deviation": 1}}),
        &["almost nothing"],
    );
    refused(
        &json!({"$int": {"min": 0, "max": 9, "distribution": "normal", "deviation": 0}}),
        &["`deviation` is 0, and has to be above 0"],
    );
    refused(
        &json!({"$int": {"min": 5, "max": 9, "distribution": "exponential", "mean": 5}}),
        &["`mean` is 5, and has to be above `min`, 5"],
    );
    refused(
        &json!({"$int": {"min": 0, "max": 1_000_000, "distribution": "zipf"}}),
        &["at most 100000"],
    );
    refused(
        &json!({"$float": {"min": 2, "max": 1}}),
        &["`record.x.$float`", "`min` is 2"],
    );
    refused(
        &json!({"$float": {"min": 0.1, "max": 0.2, "decimals": 0}}),
        &["no number of 0 decimals", "more `decimals`"],
    );
    refused(
        &json!({"$float": {"min": 0, "max": 1e12, "decimals": 5}}),
        &["fewer decimals"],
    );
    refused(
        &json!({"$float": {"min": 0, "max": 1, "decimals": 8}}),
        &["`decimals` is 8, and has to be between 0 and 7"],
    );
    refused(
        &json!({"$unique": {"min": 2, "max": 1}}),
        &["`record.x.$unique`", "`min` is 2"],
    );
}

#[test]
fn operators_that_make_no_sense() {
    refused(
        &json!({"$itn": {"min": 1}}),
        &[
            "`record.x`",
            "no operator is called `$itn`; did you mean `$int`?",
            "`$$itn`",
        ],
    );
    refused(&json!("$uid"), &["did you mean `$uuid`?"]);
    refused(&json!("$int"), &["`record.x.$int`", "`min` is missing"]);
    refused(
        &json!({"$int": {"min": 1, "max": 2}, "y": 1}),
        &["`$int` stands beside other fields"],
    );
    refused(&json!({"$int": 5}), &["5 isn't a map of options"]);
    refused(
        &json!({"$bool": {"share": 1.5}}),
        &[
            "`record.x.$bool`",
            "`share` is 1.5, and has to be between 0 and 1",
        ],
    );
    refused(
        &json!({"$null": {"share": -1, "of": 1}}),
        &["`share` is -1"],
    );
    refused(&json!({"$null": {"share": 0.5}}), &["`of` is missing"]);
    refused(
        &json!({"$choice": {"a": 0, "b": 0}}),
        &["`record.x.$choice`", "all weights are 0"],
    );
    refused(&json!({"$choice": []}), &["it has 0 choices"]);
    refused(&json!({"$choice": {"a": "many"}}), &["the weight \"many\""]);
    refused(
        &json!({"$choice": [1, {"$int": {}}]}),
        &["`record.x.$choice[1]`", "`$int` can't be chosen"],
    );
    refused(
        &json!({"$fake": "nmae"}),
        &[
            "`record.x.$fake`",
            "no faker is called `nmae`; did you mean `name`?",
        ],
    );
    refused(
        &json!({"$fake": {"kind": "name", "locale": "de-AT"}}),
        &["no `locale` is called `de-AT`", "`de-DE`"],
    );
    refused(
        &json!({"$ref": {"generator": "device-log"}}),
        &["`device-log`", "`user-profile`"],
    );
    refused(
        &json!({"$ref": {"generator": "user-profile", "field": "mail"}}),
        &["no field is called `mail`", "did you mean `email`?"],
    );
    refused(
        &json!({"$ref": {"generator": "user-profile", "count": 0}}),
        &["`count` is 0"],
    );
    let elsewhere = |of: Value, count: i64| json!({"$ref": {"generator": "template", "field": "id", "of": of, "count": count}});
    refused(
        &elsewhere(json!("$uuid"), 5),
        &["`of` is \"$uuid\"", "a `$sequence` or a `$unique`"],
    );
    refused(&elsewhere(json!("$sequence"), 0), &["`count` is 0"]);
    refused(
        &elsewhere(json!({"$unique": {"min": 5, "max": 1}}), 5),
        &["`record.x.$ref.of.$unique`", "`min` is 5"],
    );
    refused(
        &json!({"$ref": {"generator": "user-profile", "of": "$uuid"}}),
        &["of another `template` is; leave it out"],
    );
    refused(
        &json!({"$time": {"skew": "5 parsecs"}}),
        &["`record.x.$time`", "`5 parsecs`", "500ms"],
    );
    refused(
        &json!({"$time": {"format": "iso"}}),
        &["`format` is `iso`", "`rfc3339`"],
    );
    refused(&json!({"": 1}), &["`record.x`", "a field has no name"]);
    refused(
        &json!([1, {"$int": {"min": 2, "max": 1}}]),
        &["`record.x[1].$int`"],
    );
}

#[test]
fn patterns_without_end_or_sense() {
    for (pattern, expected) in [
        ("[a-z]*", "`*` has no end; write a bound such as {0,10}"),
        ("[a-z]+", "`+` has no end; write a bound such as {1,10}"),
        ("a{3,}", "`{3,}` has no end; write a bound such as {3,10}"),
        ("a{3,1}", "`{3,1}` is upside down; write {1,3}"),
        ("a{1000}", "up to 64"),
        ("a{x}", "`{x}` isn't a bound"),
        ("a{3", "a `{` is never closed"),
        ("[z-a]", "`z-a` is upside down"),
        ("[]", "`[]` is empty"),
        ("[^a]", "`[^…]` leaves too much"),
        ("[a", "a `[` is never closed"),
        ("(a", "a `(` is never closed"),
        ("a)", "a `)` has no `(`"),
        ("a.b", "write `\\.` for a full stop"),
        ("^a$", "`^` isn't needed"),
        ("?a", "`?` follows nothing"),
        ("a{2}?", "`?` follows another repetition"),
        ("(?=a)", "only `(?:…)` is known"),
        ("\\s", "`\\s` isn't known"),
        ("a\\", "ends with a `\\`"),
        ("a\nb", "control character"),
        ("((((((((((a))))))))))", "groups are more than 8 deep"),
        ("((((a{64}){64}){64}){64}){64}", "smaller bounds"),
    ] {
        refused(
            &json!({"$pattern": pattern}),
            &["`record.x.$pattern`", expected],
        );
    }
    refused(&json!({"$pattern": 5}), &["it is 5, and has to be text"]);
}

#[test]
fn arrays_and_levels_beyond_their_bounds() {
    refused(
        &json!({"$array": {"min": 3, "max": 1, "of": 1}}),
        &["`record.x.$array`", "`min` is 3"],
    );
    refused(
        &json!({"$array": {"max": 10_001, "of": 1}}),
        &["`max` is 10001, and has to be between 0 and 10000"],
    );
    refused(
        &json!({"$array": {"max": 5000, "of": {"$array": {"max": 5000, "of": "$uuid"}}}}),
        &["`record`", "the limit is 262144", "lower the `max`"],
    );
    refused(
        &json!({"$array": {"max": 2, "of": {"id": {"$unique": {"max": 9}}}}}),
        &["`record.x.$array.of.id.$unique`", "no number of their own"],
    );
    let five = (0..5).fold(json!(1), |of, _| json!({"$array": {"max": 1, "of": of}}));
    refused(&five, &["arrays are more than 4 deep"]);
    let deep = |levels: usize| (0..levels).fold(json!(1), |inner, _| json!({"x": inner}));
    refused(&deep(17), &["objects and arrays are more than 16 deep"]);
    refused(&deep(60), &["more than 48 levels deep"]);
    refused(
        &json!({"$choice": (0..10_000).map(|i| format!("{i:040}")).collect::<Vec<_>>()}),
        &["its schema has"],
    );
}

#[test]
fn what_surrounds_the_record() {
    common::refuses::<Template>(&[
        (
            r#"{"record": {}}"#,
            1,
            "`record` is empty; write a field at least",
        ),
        (r#"{"record": []}"#, 1, "`record` has to be an object"),
        (r#"{"record": {"a": 1, "a": 2}}"#, 1, "`a` is there twice"),
        (r#"{"channel": "Order"}"#, 1, "`channel` is `Order`"),
        (r#"{"records": {"a": 1}}"#, 1, "records"),
        (
            r#"{"key": "nmae"}"#,
            1,
            "no single value of the record is at `nmae`; did you mean `name`?",
        ),
        (
            r#"{"key": "a", "record": {"a": {"b": 1}}}"#,
            1,
            "`a` is an object; write one of its fields, such as `a.b`",
        ),
        (
            r#"{"key": "a.b", "record": {"a": {"$array": {"max": 2, "of": {"b": 1}}}}}"#,
            1,
            "of a field that is in no array",
        ),
        (
            r#"{"record": {"a": {"$int": {"min": 1, "max": 2}, "b": 1}}}"#,
            1,
            "`record.a`: `$int` stands beside",
        ),
    ]);
}
