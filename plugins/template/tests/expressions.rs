//! Expressions over fields of the record.

mod common;

use common::{SECOND, START, generate, open, settings, times, values};
use serde_json::{Value, json};
use template::{GENERATOR, Template};
use wellhead_sdk::Stream;

/// So many records of a description.
fn records(record: &Value, n: u64) -> Vec<Value> {
    let config = json!({ "record": record }).to_string();
    let all = generate(&mut open(&config), 0, &times(n, SECOND));
    assert_eq!(all.len() as u64, n);
    let schema = schema(record);
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    let all = values(&all);
    for value in &all {
        if let Err(error) = validator.validate(value) {
            panic!("{error}: {value} is not {schema}");
        }
    }
    all
}

fn schema(record: &Value) -> Value {
    let config = json!({ "record": record }).to_string();
    let channels = (GENERATOR.channels)(&config).unwrap();
    serde_json::from_str(&channels[0].schema).unwrap()
}

/// What an expression gives beside some fields, which don't change.
fn of(expression: &Value, fields: &Value) -> Value {
    let mut record = fields.as_object().unwrap().clone();
    record.insert("x".to_owned(), json!({ "$expr": expression }));
    records(&Value::Object(record), 1)[0]["x"].clone()
}

fn fields() -> Value {
    json!({
        "a": 7, "b": 2, "z": 0, "p": 1.25, "q": -0.5, "yes": true, "no": false, "none": null,
        "s": "ab", "t": "c\"\\\n\u{e9}", "n": {"x": 3, "m": {"y": 4}}, "list": [5, 6], "unit-price": 8,
    })
}

#[test]
fn operators_are_those_of_arithmetic() {
    for (expression, expected) in [
        ("a + b * 3", json!(13)),
        ("(a + b) * 3", json!(27)),
        ("a - b - 1", json!(4)),
        ("-a + +b", json!(-5)),
        ("a / b", json!(3.5)),
        ("a / 3", json!(2.33)),
        ("a % 4", json!(3)),
        ("-a % 4", json!(-3)),
        ("p * q", json!(-0.625)),
        ("p + a", json!(8.25)),
        ("a > b && !(a < b)", json!(true)),
        ("a <= 7 and b >= 3 or no", json!(false)),
        ("a == 7 and b != 7", json!(true)),
        ("a > b ? 'more' : 'less'", json!("more")),
        ("a < b ? 1 : a < 8 ? 2 : 3", json!(2)),
        ("if(z == 0, 0, a / z)", json!(0.0)),
        ("z != 0 && a / z > 1", json!(false)),
        ("z == 0 || a / z > 1", json!(true)),
        ("n.x + n.m.y", json!(7)),
        ("list[0] * list[1]", json!(30)),
        ("`unit-price` * 2", json!(16)),
        ("1 < 2 == true", json!(true)),
    ] {
        assert_eq!(of(&json!(expression), &fields()), expected, "{expression}");
    }
}

#[test]
fn functions_are_what_their_names_say() {
    for (expression, expected) in [
        ("round(p)", json!(1)),
        ("round(2.5) + round(-2.5) * 10", json!(-27)),
        ("round(a / 3, 3)", json!(2.333)),
        ("floor(q) + ceil(q)", json!(-1)),
        ("abs(q)", json!(0.5)),
        ("min(a, b, p)", json!(1.25)),
        ("max(a, b)", json!(7)),
        ("sqrt(16)", json!(4.0)),
        ("pow(2, 10)", json!(1024.0)),
        ("round(exp(2), 5)", json!(7.38906)),
        ("round(ln(7), 5)", json!(1.94591)),
        ("round(sin(1) * sin(1) + cos(1) * cos(1), 5)", json!(1.0)),
        ("upper(s) + lower('XY')", json!("ABxy")),
        ("upper(t)", json!("C\"\\\n\u{c9}")),
        ("length(t)", json!(5)),
        ("length('')", json!(0)),
        ("text(a) + text(p)", json!("71.25")),
    ] {
        assert_eq!(of(&json!(expression), &fields()), expected, "{expression}");
    }
}

#[test]
fn texts_are_put_together_and_compared() {
    for (expression, expected) in [
        ("s + '-' + a + \"/\" + p", json!("ab-7/1.25")),
        ("'it\\'s ' + t", json!("it's c\"\\\n\u{e9}")),
        ("s == 'ab' && s != 'abc'", json!(true)),
        ("t == 'c\"\\\\\n\u{e9}'", json!(true)),
        ("'x' + (s + s) + s", json!("xababab")),
        ("s + 'x' == 'abx'", json!(true)),
    ] {
        assert_eq!(of(&json!(expression), &fields()), expected, "{expression}");
    }
}

/// Null is the same as null; anything that is computed of it is null, up to `??`.
#[test]
fn null_goes_through_unless_something_is_said() {
    for (expression, expected) in [
        ("n_ + 1", json!(null)),
        ("(n_ + 1) * 2 ?? 5", json!(5)),
        ("n_ ?? t_ ?? 3", json!(3)),
        ("n_ == null", json!(true)),
        ("n_ != null", json!(false)),
        ("a == null", json!(false)),
        ("n_ + 1 == null", json!(true)),
        ("t_ == null", json!(true)),
        ("a + (n_ ?? 1)", json!(8)),
        ("n_ == a", json!(false)),
        ("n_ != a", json!(true)),
        ("n_ == n_", json!(true)),
        ("w_ == 'x'", json!(false)),
        ("(w_ ?? 'none') + '!'", json!("none!")),
        ("w_ + '!'", json!(null)),
        ("b_ ? 1 : 2", json!(null)),
        ("yes ? null : 1", json!(null)),
        ("yes ? 'x' : null", json!("x")),
    ] {
        let mut all = fields();
        let never = |of: Value| json!({"$null": {"share": 1, "of": of}});
        all["n_"] = never(json!({"$int": {"min": 1, "max": 9}}));
        all["t_"] = never(json!(4));
        all["w_"] = never(json!({"$pattern": "[a-z]{3}"}));
        all["b_"] = never(json!("$bool"));
        assert_eq!(of(&json!(expression), &all), expected, "{expression}");
    }
}

/// Whatever draws a field, an expression reads what is written.
#[test]
fn all_kinds_of_fields_are_read_as_they_are_written() {
    let record = json!({
        "copy": {"int": {"$expr": "int"}, "wide": {"$expr": "wide"}, "cents": {"$expr": "cents"},
            "five": {"$expr": "five"}, "zipf": {"$expr": "zipf"}, "yes": {"$expr": "yes"},
            "sequence": {"$expr": "sequence"}, "unique": {"$expr": "unique"}, "word": {"$expr": "word"},
            "even": {"$expr": "even"}, "mixed": {"$expr": "mixed"}, "pattern": {"$expr": "pattern"},
            "uuid": {"$expr": "uuid"}, "at": {"$expr": "at"}, "ms": {"$expr": "ms"}, "s": {"$expr": "s"},
            "day": {"$expr": "day"}, "name": {"$expr": "name"}, "ip": {"$expr": "ip"}, "user": {"$expr": "user"},
            "mail": {"$expr": "mail"}, "maybe": {"$expr": "maybe"}, "deep": {"$expr": "deep"},
            "nested": {"$expr": "in.ner"}, "second": {"$expr": "where[1]"}, "third": {"$expr": "third"},
            "case": {"$expr": "case"}, "text_case": {"$expr": "text_case"}},
        "int": {"$int": {"min": -5, "max": 5}},
        "wide": {"$int": {"min": -9_007_199_254_740_992_i64, "max": 9_007_199_254_740_992_i64}},
        "cents": {"$float": {"min": 0, "max": 100}},
        "five": {"$float": {"min": -90, "max": 90, "decimals": 5, "distribution": "normal"}},
        "zipf": {"$int": {"min": 1, "max": 50, "distribution": "zipf"}},
        "yes": "$bool", "sequence": {"$sequence": {"from": 5, "step": -3}}, "unique": {"$unique": {"max": 500}},
        "word": {"$choice": {"a\"b": 1, "c": 2}}, "even": {"$choice": [1, 2.5, -3]},
        "mixed": {"$choice": ["x", null, "$$y"]}, "pattern": {"$pattern": "[a-c\"é]{2,5}"},
        "uuid": "$uuid", "at": {"$time": {"skew": "5s"}}, "ms": {"$time": {"format": "unix_ms", "skew": "1s"}},
        "s": {"$time": {"format": "unix_s"}}, "day": {"$time": {"format": "date"}},
        "name": {"$fake": "name"}, "ip": {"$fake": "ipv4"},
        "user": {"$ref": {"generator": "user-profile"}}, "mail": {"$ref": {"generator": "user-profile", "field": "email"}},
        "maybe": {"$null": {"share": 0.5, "of": {"$int": {"min": 1, "max": 3}}}},
        "deep": {"$null": {"share": 0.3, "of": {"$null": {"share": 0.3, "of": "const"}}}},
        "in": {"ner": {"$pattern": "[x-z]"}}, "where": [1, {"$float": {"min": 0, "max": 1}}],
        "third": {"$expr": {"of": "int / 3", "decimals": 3}},
        "case": {"$case": {"by": "word", "when": {"c": {"$int": {"min": 1, "max": 9}}, "a\"b": {"$null": {"share": 0.5, "of": 2.5}}}}},
        "text_case": {"$case": {"by": "yes", "when": {"true": {"$fake": "city"}, "false": {"$expr": "'no ' + word"}}}},
    });
    for value in records(&record, 2_000) {
        for (name, copy) in value["copy"].as_object().unwrap() {
            let written = match name.as_str() {
                "nested" => &value["in"]["ner"],
                "second" => &value["where"][1],
                name => &value[name],
            };
            let same = match (copy.as_f64(), written.as_f64()) {
                (Some(copy), Some(written)) => copy == written,
                _ => copy == written,
            };
            assert!(same, "{name}: {copy} of {written}");
        }
    }
}

/// The issue's own example, and what reads it before and behind it.
#[test]
fn a_total_is_what_its_fields_say_whatever_their_order() {
    let record = json!({
        "half": {"$expr": "round(total / 2, 2)"},
        "total": {"$expr": "round(quantity * unit_price * (1 + tax), 2)"},
        "quantity": {"$int": {"min": 1, "max": 9}},
        "unit_price": {"$float": {"min": 0.5, "max": 99}},
        "tax": {"$choice": [0.07, 0.19]},
        "large": {"$expr": "total > 300"},
        "label": {"$expr": "upper(code) + '-' + quantity"},
        "code": {"$pattern": "[a-z]{3}"},
    });
    let number = |value: &Value| value.as_f64().unwrap();
    for value in records(&record, 5_000) {
        let exact = number(&value["quantity"])
            * number(&value["unit_price"])
            * (1.0 + number(&value["tax"]));
        let total = number(&value["total"]);
        assert!((total - exact).abs() <= 0.005_000_1, "{value}");
        assert!(
            (number(&value["half"]) - total / 2.0).abs() <= 0.005_000_1,
            "{value}"
        );
        assert_eq!(value["large"], json!(total > 300.0));
        let label = format!(
            "{}-{}",
            value["code"].as_str().unwrap().to_uppercase(),
            value["quantity"]
        );
        assert_eq!(value["label"], json!(label));
    }
}

#[test]
fn every_record_has_an_index_and_a_time() {
    let config =
        r#"{"record": {"i": {"$expr": "index"}, "t": {"$expr": "time"}, "n": {"$sequence": {}}}}"#;
    let mut stream = Stream::<Template>::open(&settings(config, 1, 3), None).unwrap();
    for (n, value) in values(&generate(&mut stream, 0, &times(20, SECOND)))
        .iter()
        .enumerate()
    {
        assert_eq!(value["i"], json!(3 * n + 1));
        assert_eq!(value["i"], value["n"]);
        assert_eq!(value["t"], json!(START / 1_000_000 + 1000 * n as u64));
    }
    let own = json!({"index": 5, "x": {"$expr": "index"}});
    assert_eq!(
        records(&own, 2)[1]["x"],
        5,
        "a field of that name goes first"
    );
}

/// What others read is what the record shows, not what is behind its last decimal.
#[test]
fn decimals_are_those_that_are_written() {
    let record = json!({"a": 0.1, "b": 0.2, "sum": {"$expr": "a + b"}, "same": {"$expr": "sum == 0.3"},
        "third": {"$expr": "1 / 3"}, "one": {"$expr": "third * 3 == 0.99"}});
    let value = &records(&record, 1)[0];
    assert_eq!(
        (&value["same"], &value["one"]),
        (&json!(true), &json!(true)),
        "{value}"
    );
}

/// Within `$null`, `$case` and objects, expressions are computed where they are written.
#[test]
fn parts_that_are_not_there_are_not_computed() {
    let record = json!({
        "n": {"$int": {"min": 0, "max": 3}},
        "kind": {"$expr": "n == 0 ? 'none' : 'some'"},
        "share": {"$case": {"by": "kind", "when": {"some": {"$expr": "1 / n"}}, "else": null}},
        "part": {"$null": {"share": 0.5, "of": {"twice": {"$expr": "own * 2"}, "own": {"$int": {"min": 1, "max": 9}}}}},
    });
    let mut nulls = 0;
    for value in records(&record, 1_000) {
        let n = value["n"].as_f64().unwrap();
        match n {
            0.0 => assert_eq!(value["share"], json!(null)),
            n => assert_eq!(value["share"], json!((100.0 / n).round() / 100.0)),
        }
        match &value["part"] {
            Value::Null => nulls += 1,
            part => assert_eq!(
                part["twice"].as_i64(),
                part["own"].as_i64().map(|own| 2 * own)
            ),
        }
    }
    assert!((400..600).contains(&nulls), "{nulls}");
}

#[test]
fn schemas_are_of_the_kind_that_comes_out() {
    let record = json!({
        "a": {"$int": {"min": 1, "max": 9}}, "p": {"$float": {"min": 0, "max": 1}},
        "m": {"$null": {"share": 0.5, "of": 3}}, "s": "$uuid",
        "whole": {"$expr": "a * 2"}, "tenth": {"$expr": "a / 2"}, "none": {"$expr": {"of": "a / 2", "decimals": 0}},
        "flag": {"$expr": "a > 2"}, "word": {"$expr": "s + a"}, "maybe": {"$expr": "m + 1"},
        "other": {"$expr": {"of": "a / a", "else": null}}, "null": {"$null": {"share": 0.1, "of": {"$expr": "p"}}},
        "case": {"$case": {"by": "flag", "when": {"true": {"$expr": "a"}}, "else": {"$expr": "p"}}},
        "words": {"$case": {"by": "flag", "when": {"true": "x", "false": {"$choice": ["x", "y"]}}}},
    });
    let schema = schema(&record);
    let of = |name: &str| schema["properties"][name].clone();
    assert_eq!(of("whole"), json!({"type": "integer"}));
    assert_eq!(of("tenth"), json!({"type": "number"}));
    assert_eq!(of("none"), json!({"type": "integer"}));
    assert_eq!(of("flag"), json!({"type": "boolean"}));
    assert_eq!(of("word"), json!({"type": "string"}));
    assert_eq!(of("maybe"), json!({"type": ["integer", "null"]}));
    assert_eq!(of("other"), json!({"type": ["number", "null"]}));
    assert_eq!(of("null"), json!({"type": ["number", "null"]}));
    assert_eq!(
        of("case"),
        json!({"type": "number", "anyOf": [{"type": "integer"}, {"type": "number"}]})
    );
    assert_eq!(of("words"), json!({"enum": ["x", "y"]}));
    records(&record, 500);
}
