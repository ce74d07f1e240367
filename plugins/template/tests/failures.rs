//! Expressions that can't be computed for a record, and what holds of them as of any other field.

mod common;

use common::{SECOND, generate, open, times, values};
use serde_json::{Value, json};
use template::Template;

/// The records of a description.
fn records(record: &Value, n: u64) -> Vec<Value> {
    let config = json!({ "record": record }).to_string();
    values(&generate(&mut open(&config), 0, &times(n, SECOND)))
}

fn fields() -> Value {
    json!({"a": 7, "b": 2, "z": 0})
}

/// What an expression gives beside those.
fn of(expression: &Value, fields: &Value) -> Value {
    let mut record = fields.clone();
    record["x"] = json!({ "$expr": expression });
    records(&record, 1)[0]["x"].clone()
}

const DEPENDING: &str = r#"{"key": "label", "record": {
    "label": {"$expr": "name + '/' + n"}, "name": {"$fake": "name"}, "n": {"$int": {"min": 1, "max": 99}},
    "state": {"$states": {"by": "n", "states": {"off": {"for": "1m..9m", "to": "on"}, "on": {"for": "1h", "to": {"off": 1, "hot": 2}}, "hot": {"for": "1s..1h", "to": "on"}}}},
    "power": {"$case": {"by": "state", "when": {"off": 0, "on": {"$float": {"min": 1, "max": 2}}}, "else": {"$expr": "n / 7"}}},
    "lines": {"$array": {"min": 0, "max": 3, "of": {"x": {"$int": {"min": 1, "max": 9}}, "y": {"$expr": "x * n"}}}}
}}"#;

#[test]
fn batches_and_order_leave_no_trace() {
    common::batches_leave_no_trace::<Template>(DEPENDING);
    common::order_leaves_no_trace::<Template>(DEPENDING);
    common::seed_and_stream_matter::<Template>(DEPENDING);
    common::extremes_are_fine::<Template>(DEPENDING);
    let records = generate(&mut open(DEPENDING), 0, &times(50, SECOND));
    for (record, value) in records.iter().zip(values(&records)) {
        assert_eq!(record.key, value["label"].as_str().unwrap());
    }
}

const NUMBERS: &str = r#"{"record": {
    "i": {"$sequence": {}}, "x": {"$float": {"min": -9, "max": 9, "decimals": 4}}, "device": {"$int": {"min": 1, "max": 40}},
    "wave": {"$expr": {"of": "sin(x) * cos(index / 7) + exp(x / 3)", "decimals": 7}},
    "root": {"$expr": {"of": "sqrt(abs(x)) + ln(1 + abs(x)) + pow(abs(x), 1.7)", "decimals": 7}},
    "rest": {"$expr": {"of": "(x % 1.3) / (i % 5)", "decimals": 6, "else": null}},
    "thirds": {"$expr": "round(x / 3, 5)"}, "day": {"$expr": "floor(time / 86400000) + ceil(x)"},
    "word": {"$expr": "upper(name) + '/' + length(name) + (x > 0 ? ' +' : ' -')"}, "name": {"$fake": "name"},
    "state": {"$states": {"by": "device", "states": {"on": {"for": "100ms..2s", "to": {"off": 2, "hot": 1}}, "off": {"for": "300ms", "to": "on"}, "hot": {"for": "1ms..50ms", "to": "on"}}}},
    "heat": {"$case": {"by": "state", "when": {"hot": {"$int": {"min": 80, "max": 99}}}, "else": {"$expr": "x ?? 0"}}}
}}"#;

/// The same bits on every machine, in a component and natively; `WELLHEAD_BLESS=1` writes them.
#[test]
fn bytes_are_as_they_were() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/numbers.ndjson");
    let records = generate(&mut open(NUMBERS), 0, &times(40, SECOND / 10));
    let seen: String = records.iter().map(|r| format!("{}\n", r.text)).collect();
    if std::env::var("WELLHEAD_BLESS").is_ok() {
        std::fs::write(path, &seen).unwrap();
    }
    assert_eq!(seen, std::fs::read_to_string(path).unwrap());
}

/// Other fields' bytes are the same with and without what reads them.
#[test]
fn reading_a_field_changes_nothing_of_it() {
    let plain = json!({"a": {"$int": {"min": 1, "max": 999}}, "b": {"$fake": "name"}, "c": {"$array": {"max": 3, "of": "$uuid"}}});
    let mut reading = plain.clone();
    reading["x"] = json!({"$expr": "b + a"});
    for (without, mut with) in records(&plain, 200).into_iter().zip(records(&reading, 200)) {
        with.as_object_mut().unwrap().remove("x");
        assert_eq!(without, with);
    }
}

/// A failing record is an error with its number, after all that came before it, and again.
#[test]
fn what_cannot_be_computed_is_an_error_of_its_record() {
    let config = json!({"record": {
        "n": {"$sequence": {"from": 5, "step": -1}},
        "in": {"share": {"$expr": "100 / n"}},
    }})
    .to_string();
    let mut stream = open(&config);
    let batch = stream.generate(0, &times(10, SECOND)).unwrap();
    assert_eq!(batch.len(), 5);
    for _ in 0..2 {
        let why = stream
            .generate(5, &times(10, SECOND))
            .unwrap_err()
            .to_string();
        for words in [
            "`record.in.share.$expr`",
            "`100 / n` divides by zero",
            "else: 0",
            "if(x == 0, 0, y / x)",
        ] {
            assert!(why.contains(words), "{why}");
        }
    }
    assert_eq!(stream.generate(6, &times(1, SECOND)).unwrap().len(), 1);
}

#[test]
fn failures_say_what_they_are_and_else_goes_on() {
    for (expression, words) in [
        ("1 / z", "`1 / z` divides by zero"),
        ("2 + a % z", "`a % z` divides by zero"),
        ("sqrt(0 - a)", "root of a negative number"),
        ("ln(z)", "logarithm"),
        ("exp(1000)", "beyond"),
        ("pow(10, 17)", "beyond"),
        ("9007199254740992 * a", "beyond"),
    ] {
        let mut record = fields();
        record["x"] = json!({ "$expr": expression });
        let config = json!({ "record": record }).to_string();
        let why = open(&config)
            .generate(0, &times(1, SECOND))
            .unwrap_err()
            .to_string();
        assert!(
            why.contains(words) && why.contains("`record.x.$expr`"),
            "{why}"
        );
        for otherwise in [json!(-1), json!(null)] {
            let with = json!({"of": expression, "else": otherwise});
            let seen = of(&with, &fields());
            assert_eq!(seen.as_f64(), otherwise.as_f64(), "{expression}");
        }
    }
    let fine = json!({"of": "a / b", "else": 0});
    assert_eq!(of(&fine, &fields()), json!(3.5));
    let text = json!({"of": "'r' + round(a / z)", "else": "none"});
    assert_eq!(of(&text, &fields()), json!("none"));
    let flag = json!({"of": "a / z > 1", "else": false});
    assert_eq!(of(&flag, &fields()), json!(false));
}
