//! Specs in every format, and what becomes of them.

mod errors;
mod examples;
mod expectations;
mod faults;
mod sinks;

use serde_json::json;

use super::*;
use crate::schedule::Speed;

const YAML: &str = r#"name: card-payments
generator: transaction            # by name
config: { customers: 10000, nested: { share: 0.5 } }
assets: { holidays: ./holidays.json }
seed: "18446744073709551615"
streams: 4
load: 500/s
clock: { start: 2024-01-01T00:00:00Z, speed: 60 }
until: { records: 1000000, time: 10m }
faults: { duplicate: 0.01, late: { share: 2%, by: 5s..2m } }
validate: off
rejected: rejected.ndjson
sinks:
  - type: kafka
    brokers: [localhost:9092]
    topic: "payments.{channel}"
    key: "{customer_id}"
    password: hunter2
  - file:out/{channel}.ndjson
expect: { rate: ">= 99%", release_p99: "< 5ms", rejected: 0 }
"#;

const TOML: &str = r#"name = "card-payments"
generator = "transaction"
seed = "18446744073709551615"
streams = 4
load = "500/s"
validate = "off"
rejected = "rejected.ndjson"

[config]
customers = 10000
nested = { share = 0.5 }

[assets]
holidays = "./holidays.json"

[clock]
start = 2024-01-01T00:00:00Z
speed = 60

[until]
records = 1000000
time = "10m"

[faults]
duplicate = 0.01
late = { share = "2%", by = "5s..2m" }

[[sinks]]
type = "kafka"
brokers = ["localhost:9092"]
topic = "payments.{channel}"
key = "{customer_id}"
password = "hunter2"

[[sinks]]
type = "file"
path = "out/{channel}.ndjson"

[expect]
rate = ">= 99%"
release_p99 = "< 5ms"
rejected = 0
"#;

const JSON: &str = r#"{
  "name": "card-payments", "generator": "transaction",
  "config": {"customers": 10000, "nested": {"share": 0.5}},
  "assets": {"holidays": "./holidays.json"},
  "seed": 18446744073709551615, "streams": 4, "load": "500/s",
  "clock": {"start": "2024-01-01T00:00:00Z", "speed": 60},
  "until": {"records": 1000000, "time": "10m"},
  "faults": {"duplicate": 0.01, "late": {"share": "2%", "by": "5s..2m"}},
	"validate": "off", "rejected": "rejected.ndjson",
  "sinks": [{"type": "kafka", "brokers": ["localhost:9092"], "topic": "payments.{channel}",
             "key": "{customer_id}", "password": "hunter2"},
            "file:out/{channel}.ndjson"],
  "expect": {"rate": ">= 99%", "release_p99": "< 5ms", "rejected": 0}
}"#;

fn one(text: &str) -> Spec {
    match parse(text, Format::Yaml, "test.yaml").unwrap() {
        Document::One(spec) => *spec,
        Document::Scenario { .. } => panic!("a scenario"),
    }
}

fn problem(text: &str, format: Format) -> Problem {
    parse(text, format, "test").unwrap_err().problems.remove(0)
}

fn shown(text: &str) -> String {
    problem(text, Format::Yaml).to_string()
}

#[test]
fn the_three_formats_say_the_same() {
    let spec = one(YAML);
    assert_eq!(spec.seed, Some(u64::MAX));
    assert_eq!(spec.streams, 4);
    assert_eq!(
        spec.config,
        *json!({"customers": 10000, "nested": {"share": 0.5}})
            .as_object()
            .unwrap()
    );
    assert_eq!(spec.clock.speed, Speed::Times(60.0));
    assert_eq!(spec.clock.start, Some(1_704_067_200_000_000_000));
    assert_eq!(spec.until.time, Some(600_000_000_000));
    assert_eq!(spec.validate, Validate::Off);
    assert_eq!(
        spec.faults.late.as_ref().unwrap().by.0.most,
        120_000_000_000
    );
    assert_eq!(spec.sinks.len(), 2);
    assert_eq!(spec.expect.rules.len(), 3);
    for (text, format) in [(TOML, Format::Toml), (JSON, Format::Json)] {
        let other = parse(text, format, "other").unwrap();
        assert_eq!(other.emulations()[0].redacted(), spec.redacted());
    }
}

/// The YAML parser gives JSON its places: whatever is JSON has to come through it unchanged.
#[test]
fn json_comes_through_as_it_is() {
    let (name, long) = ("x".repeat(1_000), "x".repeat(5_000));
    let texts = [
        r#"{"a":1,"b":[{"c":{}},[]],"d":"","e":null,"f":true}"#.to_owned(),
        "{\"a\"\t:\n\t1\r\n,\n\"b\" : [1\n,\n2]}".to_owned(),
        r#"{"n":[0, 0.5, 1e3, -2.5E-3, 18446744073709551615, -9223372036854775808]}"#.to_owned(),
        r##"{"s":["no", "yes", "null", "~", "1", "0x1", "a: b", "# c", "- d", "*e", "&f", "!g", "%h", "@i", "{j}"]}"##.to_owned(),
        r##"{"u":"\ud83d\ude00\u00e9\/\b\f\n\r\t\"\\ ü 😀", "": "no name", "a b:c#d": 1}"##.to_owned(),
        format!("{{\"{name}\":\"{long}\"}}"),
    ];
    for text in texts {
        let want: Value = serde_json::from_str(&text).unwrap();
        let read = Text::read(&text, Format::Json, "t");
        let got: Value = read
            .unwrap_or_else(|p| panic!("{p}: {text}"))
            .get()
            .unwrap();
        assert_eq!(got, want, "{text}");
    }
}

#[test]
fn what_is_redacted_is_a_spec_of_the_same_without_secrets() {
    let spec = one(YAML);
    let redacted = spec.redacted();
    let text = redacted.to_string();
    assert!(!text.contains("hunter2"), "{text}");
    assert!(!format!("{spec:?}").contains("hunter2"));
    let again = parse(&text, Format::Json, "again").unwrap();
    assert_eq!(again.emulations()[0].redacted(), redacted);
    let mut options = spec.sinks[0].options.clone();
    spec.sinks[0].secrets.restore(&mut options);
    assert_eq!(options["password"], "hunter2");
}

#[test]
fn the_least_spec_has_defaults() {
    let spec = one("generator: transaction");
    assert_eq!(spec.streams, 1);
    assert_eq!(spec.load.to_string(), "10/s");
    assert_eq!(spec.clock, Clock::default());
    assert!(spec.until.is_never());
    assert_eq!(spec.display_name(), "transaction");
    assert_eq!(
        spec.redacted(),
        json!({"generator": "transaction", "load": "10/s"})
    );
    assert_eq!(
        one("generator: ./build/my-gen.wasm").display_name(),
        "my-gen"
    );
    assert_eq!(
        one("generator: transaction@1.0.0").display_name(),
        "transaction"
    );
}

#[test]
fn loads_of_every_kind() {
    for (text, written) in [
        ("500/s", json!("500/s")),
        ("max", json!("max")),
        ("every:2s", json!({"every": {"period": "2s", "records": 1}})),
        ("poisson:90/min", json!({"poisson": "1.5/s"})),
        (
            "{every: 2s}",
            json!({"every": {"period": "2s", "records": 1}}),
        ),
        (
            "{every: {period: 2s, records: 10}}",
            json!({"every": {"period": "2s", "records": 10}}),
        ),
        (
            "{stages: [{for: 10s, to: 500/s}]}",
            json!({"stages": [{"for": "10s", "to": "500/s"}]}),
        ),
        (
            "{sine: {low: 1/s, high: 5/s, period: 24h, peak: 14h}}",
            json!({"sine": {"low": "1/s", "high": "5/s", "period": "1d", "peak": "14h"}}),
        ),
        (
            "{burst: {peak: 5/s, every: 1m, for: 5s}}",
            json!({"burst": {"peak": "5/s", "base": "0/s", "every": "1m", "for": "5s"}}),
        ),
    ] {
        let flag: Load = text.parse().unwrap();
        assert_eq!(serde_json::to_value(&flag).unwrap(), written);
        assert_eq!(
            one(&format!("generator: t\nload: {text}\n")).load,
            flag,
            "{text}"
        );
        let again = one(&json!({"generator": "t", "load": written}).to_string());
        assert_eq!(again.load, flag);
    }
}

const SCENARIO: &str = r#"name: shop
seed: 7
until: { records: 0 }
sinks: [ "file:out/{channel}.ndjson" ]
emulations:
  - generator: user-profile
    load: max
    until: { records: 5 }
  - name: payments
    generator: transaction
    seed: 8
"#;

#[test]
fn scenarios_share_what_they_do_not_set() {
    let text = SCENARIO.replace("records: 0", "records: 100");
    let document = parse(&text, Format::Yaml, "test").unwrap();
    let [profiles, payments] = document.emulations() else {
        panic!("{document:?}");
    };
    assert_eq!((profiles.seed, payments.seed), (Some(7), Some(8)));
    assert_eq!(
        (profiles.until.records, payments.until.records),
        (Some(5), Some(100))
    );
    assert_eq!(payments.sinks.len(), 1);
    assert_eq!(document.name(), "shop");
    // What is shared has its place where it is shared, and is said once.
    let error = parse(SCENARIO, Format::Yaml, "test").unwrap_err();
    assert_eq!(error.problems.len(), 1);
    assert!(
        error.to_string().starts_with("test:3:19: `records: 0`"),
        "{error}"
    );
    let twins = "emulations: [{generator: t}, {generator: t}]";
    assert!(shown(twins).contains("two emulations are named `t`"));
    assert!(shown("emulations: []").contains("at least one"));
    assert!(shown("emulations: [{genrator: t}]").contains("did you mean `generator`?"));
}

#[test]
fn flags_go_over_the_spec() {
    let mut document = parse(YAML, Format::Yaml, "test").unwrap();
    let overrides = Overrides {
        config: vec![
            ("nested.share".to_owned(), json!(0.7)),
            ("more".to_owned(), json!([1])),
        ],
        seed: Some(9),
        records: Some(5),
        speed: Some(Speed::Max),
        sinks: vec![SinkBlock::from_url("stdout").unwrap()],
        format: Some("csv".to_owned()),
        ..Overrides::default()
    };
    // At full speed the spec's expectations about time make no sense any longer.
    let error = overrides
        .clone()
        .apply(&mut document)
        .unwrap_err()
        .to_string();
    assert!(error.contains("can't be measured"), "{error}");
    document.emulations_mut()[0].expect.rules.clear();
    overrides.apply(&mut document).unwrap();
    let spec = &document.emulations()[0];
    assert_eq!(spec.config["nested"], json!({"share": 0.7}));
    assert_eq!(spec.config["customers"], 10000);
    assert_eq!((spec.seed, spec.until.records), (Some(9), Some(5)));
    assert_eq!(spec.sinks[0].options["format"], "csv");
    let mut scenario = parse(
        &SCENARIO.replace("records: 0", "records: 9"),
        Format::Yaml,
        "t",
    )
    .unwrap();
    let one = Overrides {
        config: vec![("a".to_owned(), json!(1))],
        ..Overrides::default()
    };
    assert!(
        one.apply(&mut scenario)
            .unwrap_err()
            .to_string()
            .contains("can't tell which emulation")
    );
}

#[test]
fn rules_hold_or_not() {
    let rule = Rule::parse("rate", ">= 99%").unwrap();
    assert!(rule.holds(0.99) && !rule.holds(0.98));
    assert_eq!(rule.to_string(), "rate >= 99%");
    let rule = Rule::parse("release_p99", "< 5ms").unwrap();
    assert!(rule.holds(4_999_999.0) && !rule.holds(5_000_000.0));
    let rule = Rule::parse("rejected", "0").unwrap();
    assert!(rule.holds(0.0) && !rule.holds(1.0) && rule.decides());
    assert_eq!(
        Rule::parse("rate", "> 500/s").unwrap().to_string(),
        "rate > 500/s"
    );
    assert_eq!(
        Rule::parse("acknowledged", "<= 1.5").unwrap().bound,
        expect::Bound::Number(1.5)
    );
}

#[test]
fn the_schema_agrees_with_the_parser() {
    let schema = schema().to_value();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let valid = |value: &Value| validator.is_valid(value);
    let full: Value = serde_json::from_str(JSON).unwrap();
    assert!(
        valid(&full),
        "{:?}",
        validator
            .iter_errors(&full)
            .map(|e| e.to_string())
            .collect::<Vec<_>>()
    );
    assert!(valid(&one(YAML).redacted()));
    for (pointer, wrong) in [
        ("/streams", json!("many")),
        ("/straems", json!(1)),
        ("/until/recrods", json!(1)),
        ("/load", json!({"sinus": "5/s"})),
        ("/sinks/0/topc", json!("a")),
        ("/sinks/0/type", json!("kafak")),
        ("/expect/rat", json!("> 5%")),
        ("/clock/on_gap", json!("jump")),
        ("/generator", Value::Null),
    ] {
        let mut broken = full.clone();
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        broken.pointer_mut(parent).unwrap()[name] = wrong;
        assert!(!valid(&broken), "{pointer}");
        assert!(
            parse(&broken.to_string(), Format::Json, "t").is_err(),
            "{pointer}"
        );
    }
    let scenario = parse(
        &SCENARIO.replace("records: 0", "records: 9"),
        Format::Yaml,
        "t",
    )
    .unwrap();
    let members: Vec<Value> = scenario.emulations().iter().map(Spec::redacted).collect();
    assert!(valid(&json!({"seed": 5, "emulations": members})));
    assert!(!valid(&json!({"generator": "t", "emulations": members})));
}
