//! What is computed for a block of records at once is what each of them alone gives.

mod common;

use common::{SECOND, generate, open, times, values};
use serde_json::{Value, json};
use template::Template;

/// Conditions, nulls and failures part the records of a block; texts of parts are written in steps.
const PARTING: &str = r#"{"key": "label", "record": {
    "i": {"$int": {"min": 0, "max": 3}}, "x": {"$float": {"min": -9, "max": 9, "decimals": 3}},
    "maybe": {"$null": {"share": 0.4, "of": {"$int": {"min": 1, "max": 300}}}},
    "code": {"$pattern": "[A-P]{3}-[0-9]{4,6}"},
    "ratio": {"$expr": {"of": "x / i", "decimals": 3, "else": -1}},
    "root": {"$expr": {"of": "sqrt(x)", "else": null}},
    "tier": {"$expr": "x > 5 ? 3 : x > 0 && i != 2 ? index % 2 : maybe ?? -1"},
    "half": {"$expr": "round(i / 2)"},
    "high": {"$expr": "tier >= 1"},
    "fee": {"$case": {"by": "high", "when": {"true": {"$expr": "tier * 2.5"}, "false": {"$float": {"min": 1, "max": 2}}}}},
    "group": {"$case": {"by": "i", "when": {"0": 10, "2": {"$int": {"min": 20, "max": 29}}}, "else": {"$null": {"share": 0.5, "of": 30}}}},
    "of_group": {"$expr": "(group ?? 0) + half"},
    "label": {"$expr": "code + '/' + i + \"\\\"\" + (x / 7 > 1 ? 'a' : 'b') + round(x / 7, 2)"},
    "fixed": {"$expr": "'a' + 'b'"},
    "lines": {"$array": {"min": 0, "max": 2, "of": {"n": {"$expr": "i + index"}, "at": {"$expr": "code + '#' + n"}}}}
}}"#;

#[test]
fn a_record_is_the_same_alone_and_in_a_block() {
    common::batches_leave_no_trace::<Template>(PARTING);
    common::order_leaves_no_trace::<Template>(PARTING);
    let all = generate(&mut open(PARTING), 0, &times(100, SECOND));
    for (record, value) in all.iter().zip(values(&all)) {
        let (i, x) = (value["i"].as_f64().unwrap(), value["x"].as_f64().unwrap());
        let ratio = value["ratio"].as_f64().unwrap();
        assert!(
            (ratio - if i == 0.0 { -1.0 } else { x / i }).abs() <= 0.0006,
            "{value}"
        );
        assert_eq!(value["root"].is_null(), x < 0.0);
        assert_eq!(value["half"], json!([0, 1, 1, 2][i as usize]));
        assert_eq!(value["fixed"], "ab");
        assert_eq!(record.key, value["label"].as_str().unwrap());
        let begin = format!("{}/{i}\"", value["code"].as_str().unwrap());
        assert!(value["label"].as_str().unwrap().starts_with(&begin));
        for (n, line) in value["lines"].as_array().unwrap().iter().enumerate() {
            let at = format!("{}#{}", value["code"].as_str().unwrap(), i as usize + n);
            assert_eq!(line["at"], at);
        }
    }
}

/// One record of a block fails, and nothing of it shows in those before and after.
#[test]
fn only_the_record_that_fails_does() {
    let fields =
        json!({"i": {"$int": {"min": 0, "max": 40}}, "x": {"$float": {"min": 1, "max": 9}}});
    let config = |expression: Value| {
        let mut record = fields.clone();
        record["y"] = json!({ "$expr": expression });
        record["text"] = json!({"$expr": "'x' + round(x * 2, 1) + '/' + y"});
        json!({ "record": record }).to_string()
    };
    let strict = config(json!("round(x / i, 2)"));
    let lenient = config(json!({"of": "round(x / i, 2)", "else": -1}));
    let expected = values(&generate(&mut open(&lenient), 0, &times(200, SECOND)));
    let (mut stream, times) = (open(&strict), times(200, SECOND));
    let mut failed = 0;
    for (index, expected) in (0_u64..).zip(&expected) {
        match stream.generate(index, &times[index as usize..][..1]) {
            Ok(batch) => {
                let record: Value = serde_json::from_slice(&batch.payload).unwrap();
                assert_eq!(&record, expected);
            }
            Err(why) => {
                assert_eq!(expected["i"], 0, "{why}");
                failed += 1;
            }
        }
    }
    assert!((1..20).contains(&failed), "{failed}");
}
