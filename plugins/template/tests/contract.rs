//! The same record however it is come by, its outer form, and its schema.

mod common;

use common::{ORDER, SECOND, generate, open, settings, times, values};
use serde_json::{Value, json};
use template::{GENERATOR, Template};
use wellhead_sdk::Stream;

#[test]
fn batches_of_any_size_give_the_same() {
    common::batches_leave_no_trace::<Template>(ORDER);
}

#[test]
fn records_are_the_same_in_any_order() {
    common::order_leaves_no_trace::<Template>(ORDER);
}

#[test]
fn the_seed_and_the_stream_matter() {
    common::seed_and_stream_matter::<Template>(ORDER);
}

#[test]
fn without_a_configuration_there_is_a_record_too() {
    common::fields_follow_the_schema::<Template>(&GENERATOR, "{}");
}

#[test]
fn extremes_of_time_and_size_are_fine() {
    common::extremes_are_fine::<Template>(ORDER);
    common::extremes_are_fine::<Template>("{}");
}

fn schema(config: &str) -> (String, Value) {
    let mut channels = (GENERATOR.channels)(config).unwrap();
    let channel = channels.remove(0);
    assert!(channels.is_empty());
    (channel.name, serde_json::from_str(&channel.schema).unwrap())
}

/// The bytes that a seed gives may change only with the generator's version; `WELLHEAD_BLESS=1`
/// writes them.
#[test]
fn bytes_are_as_they_were() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/order.ndjson");
    let records = generate(&mut open(ORDER), 0, &times(3, SECOND));
    let seen: String = records.iter().map(|r| format!("{}\n", r.text)).collect();
    if std::env::var("WELLHEAD_BLESS").is_ok() {
        std::fs::write(path, &seen).unwrap();
    }
    assert_eq!(seen, std::fs::read_to_string(path).unwrap());
    for (record, value) in records.iter().zip(values(&records)) {
        assert_eq!(record.key.parse().ok(), value["customer"]["id"].as_u64());
    }
}

#[test]
fn records_are_valid_against_their_schema_and_in_its_order() {
    for config in [ORDER, "{}"] {
        let (_, schema) = schema(config);
        let validator = jsonschema::draft202012::new(&schema).unwrap();
        for record in generate(&mut open(config), 0, &times(20_000, SECOND)) {
            let value: Value = serde_json::from_str(&record.text).unwrap();
            assert!(!record.text.contains('\n'));
            if let Err(error) = validator.validate(&value) {
                panic!("{error}: {value}");
            }
            let names = |v: &Value| v.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
            assert_eq!(names(&value), names(&schema["properties"]));
        }
    }
}

/// Types, ranges and choices are the description's, so that columns and checks are.
#[test]
fn the_schema_is_the_descriptions() {
    let (name, schema) = schema(ORDER);
    assert_eq!(name, "order");
    let of = |field: &str| schema["properties"][field].clone();
    assert_eq!(of("id"), json!({"type": "integer", "minimum": 1}));
    assert_eq!(
        of("amount"),
        json!({"type": "number", "minimum": 1.0, "maximum": 500.0})
    );
    assert_eq!(of("channel"), json!({"enum": ["web", "shop", "phone"]}));
    assert_eq!(
        of("code"),
        json!({"type": "string", "pattern": "^(?:[A-Z]{3}\\-[0-9]{4})$"})
    );
    assert_eq!(of("at"), json!({"type": "string", "format": "date-time"}));
    assert_eq!(
        of("coupon"),
        json!({"type": ["string", "null"], "pattern": "^(?:SAVE[0-9]{2})$"})
    );
    assert_eq!(of("gift"), json!({"type": "boolean"}));
    assert_eq!(of("$price"), json!({"const": "$5"}));
    assert_eq!(of("maybe")["type"], json!(["object", "null"]));
    assert_eq!(of("lines")["items"]["properties"]["sku"]["maximum"], 9999);
    let all: Vec<&String> = schema["properties"].as_object().unwrap().keys().collect();
    let required: Vec<&str> = schema["required"]
        .as_array()
        .unwrap()
        .iter()
        .map(|v| v.as_str().unwrap())
        .collect();
    assert_eq!(all, required);
}

/// The fields of a description, over so many records.
fn field(record: Value, name: &str, n: u64) -> Vec<Value> {
    let config = json!({"record": record}).to_string();
    let records = generate(&mut open(&config), 0, &times(n, SECOND));
    values(&records).iter().map(|v| v[name].clone()).collect()
}

#[test]
fn a_field_that_is_added_changes_no_other() {
    let age = json!({"$int": {"min": 0, "max": 1_000_000}});
    let alone = field(json!({"age": age}), "age", 100);
    assert_eq!(
        alone,
        field(
            json!({"name": {"$fake": "name"}, "age": age, "x": "$uuid"}),
            "age",
            100
        )
    );
    assert_ne!(
        alone,
        field(json!({"years": age}), "years", 100),
        "another path draws others"
    );
    let nulled = field(
        json!({"age": {"$null": {"share": 0.5, "of": age}}}),
        "age",
        100,
    );
    assert!(
        alone
            .iter()
            .zip(&nulled)
            .all(|(a, b)| b.is_null() || a == b)
    );
}

#[test]
fn unique_values_never_come_twice_in_their_range() {
    let unique = json!({"id": {"$unique": {"min": -500, "max": 9_499}}});
    let all = field(unique, "id", 20_000);
    let mut ids: Vec<i64> = all[..10_000].iter().map(|v| v.as_i64().unwrap()).collect();
    assert_eq!(
        all[..10_000],
        all[10_000..],
        "it begins anew after its range"
    );
    let in_order = ids.windows(2).filter(|pair| pair[1] == pair[0] + 1).count();
    assert!(
        in_order < 10,
        "{in_order} are next to each other: no permutation but a sequence"
    );
    ids.sort_unstable();
    assert!(ids.into_iter().eq(-500..9_500));
}

/// Sequences and unique values are of all streams together.
#[test]
fn streams_share_out_sequences_and_unique_values() {
    let config = r#"{"record": {"n": {"$sequence": {"from": 10, "step": 5}}, "id": {"$unique": {"max": 900}}}}"#;
    let mut all = Vec::new();
    for stream in 0..3 {
        let mut stream = Stream::<Template>::open(&settings(config, stream, 3), None).unwrap();
        all.extend(values(&generate(&mut stream, 0, &times(300, SECOND))));
    }
    for (name, expected) in [
        ("n", (0..900).map(|i| 10 + 5 * i).collect::<Vec<i64>>()),
        ("id", (1..=900).collect()),
    ] {
        let mut seen: Vec<i64> = all.iter().map(|v| v[name].as_i64().unwrap()).collect();
        seen.sort_unstable();
        assert_eq!(seen, expected, "{name}");
    }
}

/// The key is the value's text, whatever the value is.
#[test]
fn keys_are_the_text_of_their_field() {
    for (value, key) in [
        (json!("a \"b\" \\ \n é"), "a \"b\" \\ \n é"),
        (json!(""), ""),
        (json!(7), "7"),
        (json!(true), "true"),
        (json!(null), ""),
        (json!("null"), "null"),
    ] {
        let config = json!({"key": "a.b", "record": {"x": 1, "a": {"b": value}}}).to_string();
        let records = generate(&mut open(&config), 0, &times(2, SECOND));
        assert_eq!(records[1].key, key, "{}", records[1].text);
    }
}

/// A user of `user-profile` is the same person here.
#[test]
fn references_are_the_users_of_user_profile() {
    let field =
        |name: &str| json!({"$ref": {"generator": "user-profile", "field": name, "count": 200}});
    let names = [
        "user_id",
        "first_name",
        "last_name",
        "email",
        "phone",
        "country",
        "gender",
    ];
    let record: serde_json::Map<String, Value> = names
        .iter()
        .map(|name| (name.to_string(), field(name)))
        .collect();
    let config = json!({"record": record}).to_string();
    let users = values(&generate(
        &mut Stream::<user_profile::UserProfiles>::open(&settings("{}", 0, 1), None).unwrap(),
        0,
        &times(200, SECOND),
    ));
    let records = values(&generate(&mut open(&config), 0, &times(2_000, SECOND)));
    let mut seen = std::collections::BTreeSet::new();
    for record in records {
        let id = record["user_id"].as_u64().unwrap() as usize;
        seen.insert(id);
        for name in names {
            assert_eq!(record[name], users[id][name], "{name} of user {id}");
        }
    }
    assert!(seen.len() > 190, "{} users were referred to", seen.len());
}

/// Another template's records, by what follows from their numbers; those of one object are one.
#[test]
fn references_are_the_records_of_another_template() {
    let customers = r#"{"record": {"n": {"$sequence": {"from": 7, "step": 3}}, "c": {"id": {"$unique": {"min": 1000, "max": 9999}}}}}"#;
    let mut known = std::collections::BTreeMap::new();
    for stream in 0..3 {
        let mut stream = Stream::<Template>::open(&settings(customers, stream, 3), None).unwrap();
        for record in values(&generate(&mut stream, 0, &times(100, SECOND))) {
            known.insert(record["c"]["id"].to_string(), record["n"].clone());
        }
    }
    let of = |field: &str, of: Value| json!({"$ref": {"generator": "template", "field": field, "of": of, "count": 300}});
    let config = json!({"record": {
        "id": of("c.id", json!({"$unique": {"min": 1000, "max": 9999}})),
        "n": of("n", json!({"$sequence": {"from": 7, "step": 3}})),
        "twice": {"$expr": "id * 2"},
    }})
    .to_string();
    let (_, schema) = schema(&config);
    assert_eq!(
        schema["properties"]["n"],
        json!({"type": "integer", "minimum": 7, "maximum": 904})
    );
    let mut seen = std::collections::BTreeSet::new();
    for record in values(&generate(&mut open(&config), 0, &times(5_000, SECOND))) {
        let id = record["id"].to_string();
        assert_eq!(known.get(&id), Some(&record["n"]), "{record}");
        assert_eq!(
            record["twice"].as_u64(),
            record["id"].as_u64().map(|id| 2 * id)
        );
        seen.insert(id);
    }
    assert!(seen.len() > 290, "{} of 300 were referred to", seen.len());
}

/// The people of one object are one person; another object's are others.
#[test]
fn fakes_of_an_object_agree() {
    let config = json!({"record": {
        "a": {"first": {"$fake": "first_name"}, "name": {"$fake": "name"}, "mail": {"$fake": "email"}},
        "b": {"name": {"$fake": {"kind": "name", "locale": "de-DE"}}, "country": {"$fake": {"kind": "country", "locale": "de-DE"}},
              "other": {"$fake": {"kind": "name", "person": "other"}}},
    }})
    .to_string();
    let records = values(&generate(&mut open(&config), 0, &times(1_000, SECOND)));
    let same = records
        .iter()
        .filter(|r| r["a"]["name"] == r["b"]["name"])
        .count();
    let others = records
        .iter()
        .filter(|r| r["b"]["other"] == r["b"]["name"])
        .count();
    assert!(same < 20 && others < 20, "{same}, {others}");
    for record in &records {
        let (first, name) = (
            record["a"]["first"].as_str().unwrap(),
            record["a"]["name"].as_str().unwrap(),
        );
        assert!(name.starts_with(&format!("{first} ")), "{record}");
        assert_eq!(record["b"]["country"], "DE");
    }
}
