//! Expressions in arrays, and of them.

mod common;

use common::{SECOND, generate, open, times, values};
use serde_json::{Value, json};

/// So many records of a description.
fn records(record: &Value, n: u64) -> Vec<Value> {
    let config = json!({ "record": record }).to_string();
    values(&generate(&mut open(&config), 0, &times(n, SECOND)))
}

/// In an array each element has its own, and reads what is around it.
#[test]
fn elements_of_arrays_read_their_own() {
    let record = json!({
        "rate": {"$float": {"min": 1, "max": 2}},
        "lines": {"$array": {"min": 0, "max": 5, "of": {
            "total": {"$expr": "round(price * n * rate, 2)"},
            "price": {"$float": {"min": 1, "max": 50}},
            "n": {"$int": {"min": 1, "max": 9}},
            "at": {"$expr": "'line ' + index"},
            "parts": {"$array": {"max": 3, "of": {"sum": {"$expr": "total + own"}, "own": {"$int": {"min": 0, "max": 9}}}}},
        }}},
        "double": {"$expr": "rate * 2"},
    });
    let number = |value: &Value| value.as_f64().unwrap();
    let mut lines = 0;
    for value in records(&record, 1_000) {
        assert_eq!(number(&value["double"]), number(&value["rate"]) * 2.0);
        for (i, line) in value["lines"].as_array().unwrap().iter().enumerate() {
            let exact = number(&line["price"]) * number(&line["n"]) * number(&value["rate"]);
            assert!(
                (number(&line["total"]) - exact).abs() <= 0.005_000_1,
                "{value}"
            );
            assert_eq!(line["at"], json!(format!("line {i}")));
            for part in line["parts"].as_array().unwrap() {
                let sum = number(&line["total"]) + number(&part["own"]);
                assert!((number(&part["sum"]) - sum).abs() < 1e-9, "{value}");
            }
            lines += 1;
        }
    }
    assert!(lines > 2_000, "{lines}");
}

/// What all elements are together, wherever the array stands.
#[test]
fn arrays_are_added_up_and_counted() {
    let record = json!({
        "total": {"$expr": "sum(order.lines.total)"},
        "order": {
            "rate": {"$expr": "1 + rebate"}, "rebate": {"$choice": [0.25, 0.5]},
            "lines": {"$array": {"min": 0, "max": 4, "of": {
                "price": {"$float": {"min": 1, "max": 50}}, "n": {"$int": {"min": 1, "max": 9}},
                "total": {"$expr": "price * n * rate"}, "own": {"$expr": "sum(parts)"}, "share": {"$expr": "all / total"}, "all": {"$expr": "order.all"},
                "maybe": {"$null": {"share": 0.5, "of": 1}}, "name": {"$fake": "name"}, "label": {"$expr": "name + '!'"},
                "parts": {"$array": {"min": 0, "max": 3, "of": {"$int": {"min": 1, "max": 9}}}},
            }}},
            "all": {"$expr": "sum(lines.total)"},
            "mean": {"$expr": {"of": "sum(lines.price) / count(lines)", "else": null}},
        },
        "lines": {"$expr": "count(order.lines)"},
        "maybe": {"$expr": "sum(order.lines.maybe)"},
        "characters": {"$expr": "sum(order.lines.own) + lines"},
    });
    let number = |value: &Value| value.as_f64().unwrap_or(0.0);
    for value in records(&record, 1_000) {
        let lines = value["order"]["lines"].as_array().unwrap();
        let sum = |name: &str| lines.iter().map(|line| number(&line[name])).sum::<f64>();
        assert!(
            (number(&value["total"]) - sum("total")).abs() < 1e-6,
            "{value}"
        );
        assert_eq!(value["lines"], json!(lines.len()));
        assert_eq!(value["maybe"], json!(sum("maybe") as u64));
        match lines.len() {
            0 => assert_eq!(value["order"]["mean"], json!(null)),
            n => {
                let mean = number(&value["order"]["mean"]);
                assert!(
                    (mean - sum("price") / n as f64).abs() <= 0.005_000_1,
                    "{value}"
                );
            }
        }
        for line in lines {
            let share = number(&value["total"]) / number(&line["total"]);
            assert!(
                (number(&line["share"]) - share).abs() <= 0.005_000_1,
                "{value}"
            );
            let parts = line["parts"].as_array().unwrap();
            assert_eq!(
                number(&line["own"]),
                parts.iter().map(number).sum::<f64>(),
                "{value}"
            );
        }
        assert_eq!(
            number(&value["characters"]),
            sum("own") + lines.len() as f64
        );
    }
}
