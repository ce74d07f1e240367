//! What is wrong with a spec is said with its place.

use super::super::*;
use super::{problem, shown};

#[test]
fn unknown_fields_have_a_place_and_a_near_name() {
    assert_eq!(
        shown("generator: transaction\nstraems: 2\n"),
        "test:2:1: unknown field `straems`; did you mean `streams`?"
    );
    assert_eq!(
        shown("generator: transaction\nuntil:\n  recrods: 2\n"),
        "test:3:3: unknown field `recrods`; did you mean `records`?"
    );
    assert_eq!(
        shown("generator: t\nfaults:\n  late: {share: 0.1, bye: 5s}\n"),
        "test:3:22: unknown field `bye`; did you mean `by`?"
    );
    assert_eq!(
        shown("generator: t\nload: {sinus: {low: 1/s}}\n"),
        "test:2:8: `sinus` is not one of constant, every, poisson, stages, sine, burst; did you mean `sine`?"
    );
    assert_eq!(
        shown("genrator: t\n"),
        "test:1:1: unknown field `genrator`; did you mean `generator`?"
    );
    let toml = problem("generator = \"t\"\n[until]\nrecrods = 2\n", Format::Toml);
    assert_eq!(
        toml.to_string(),
        "test:3:1: unknown field `recrods`; did you mean `records`?"
    );
    let json = problem(
        "{\"generator\": \"t\",\n \"until\": {\"recrods\": 2}}",
        Format::Json,
    );
    assert_eq!(
        json.to_string(),
        "test:2:12: unknown field `recrods`; did you mean `records`?"
    );
}

#[test]
fn wrong_types_have_a_place() {
    assert_eq!(
        shown("generator: t\nstreams: many\n"),
        "test:2:10: expected a whole number, not negative, found the text \"many\""
    );
    assert_eq!(
        shown("generator: t\nseed: -1\n"),
        "test:2:7: expected a whole number from 0 to 18446744073709551615, found the number -1"
    );
    assert_eq!(
        shown("generator: t\nload: 500\n"),
        "test:2:7: expected a rate with its unit such as 500/s, or max, or a profile, found the number 500"
    );
    assert_eq!(
        shown("generator: [t]\n"),
        "test:1:12: expected text, found a list"
    );
    assert_eq!(
        shown("generator: t\nvalidate: some\n"),
        "test:2:11: `some` is not one of off, sample, all"
    );
    let toml = problem("generator = \"t\"\nuntil = 5\n", Format::Toml);
    assert_eq!(
        toml.to_string(),
        "test:2:9: expected a map, found the number 5"
    );
    let json = problem(
        "{\"generator\": \"t\",\n\t\"load\": {\"every\": {\"period\": 2}}}",
        Format::Json,
    );
    assert!(
        json.to_string()
            .starts_with("test:2:31: expected a time with its unit"),
        "{json}"
    );
}

#[test]
fn units_are_explained() {
    assert_eq!(
        shown("generator: t\nload: 500\\s\n"),
        "test:2:7: `500\\s` is not a load; write a rate such as 500/s, or max, every:2s, poisson:500/s, or a map: {stages: …}, {sine: …}, {burst: …}"
    );
    assert!(shown("generator: t\nload: -5/s\n").contains("negative"));
    assert!(shown("generator: t\nload: 0/s\n").starts_with("test:2:7: at a rate of 0 nothing"));
    assert!(shown("generator: t\nuntil: {time: 10}\n").contains("a time with its unit"));
    assert!(shown("generator: t\nuntil: {time: 10 parsecs}\n").contains("is not a time"));
    assert!(shown("generator: t\nclock: {start: yesterday}\n").contains("is not an instant"));
    assert!(shown("generator: t\nclock: {speed: -1}\n").contains("not above 0"));
}

#[test]
fn what_is_no_yaml_toml_or_json_has_a_place() {
    let yaml = problem("generator: t\n  load: [1\n", Format::Yaml);
    assert!(yaml.place.is_some(), "{yaml}");
    let toml = problem("generator = \"t\"\nload = \n", Format::Toml).to_string();
    assert!(toml.starts_with("test:2:"), "{toml}");
    let json = problem("{\"generator\": \"t\",\n \"load\" 5}", Format::Json).to_string();
    assert!(json.starts_with("test:2:9: this is not JSON"), "{json}");
    assert!(shown("generator: t\ngenerator: u\n").contains("test:2:1"));
    assert!(shown("").contains("a spec is a map"));
    assert!(shown("- a\n").contains("a spec is a map"));
    assert!(shown("load: 5/s\n").contains("`generator` is missing"));
}

#[test]
fn parts_that_disagree_are_found_all_at_once() {
    let text = "generator: t\nstreams: 0\nuntil: {records: 0, time: 0s}\nload: max\nexpect: {release_p99: < 5ms}\n";
    let error = parse(text, Format::Yaml, "test").unwrap_err();
    let lines: Vec<String> = error.problems.iter().map(Problem::to_string).collect();
    assert_eq!(lines.len(), 4, "{lines:#?}");
    assert!(
        lines[0].starts_with("test:2:10: `streams` is 0"),
        "{}",
        lines[0]
    );
    assert!(
        lines[1].starts_with("test:3:18: `records: 0`"),
        "{}",
        lines[1]
    );
    for (text, part) in [
        ("load: {stages: []}", "there are no stages"),
        (
            "load: {stages: [{for: 1s, to: 0/s}]}",
            "the run would never end",
        ),
        (
            "load: {sine: {low: 5/s, high: 1/s, period: 1h}}",
            "`low` is above `high`",
        ),
        (
            "load: {burst: {peak: 5/s, every: 1s, for: 1s}}",
            "`for` is not below `every`",
        ),
        ("load: {every: {period: 0s}}", "this time is 0"),
        (
            "load: {every: {period: 1s, records: 0}}",
            "no record at a beat",
        ),
        ("clock: {start: 2024-01-01, step: 0s}", "`step` is 0"),
        (
            "clock: {start: 2024-01-01}\nuntil: {event_time: 2023-01-01}",
            "not after the clock's start",
        ),
        (
            "load: 1000000/s\nfaults: {late: {share: 0.5, by: 1h}}",
            "hold back about",
        ),
        (
            "faults: {late: {share: 1.5, by: 1h}}",
            "not between 0 and 1",
        ),
        (
            "faults: {late: {share: 0.5, by: 2m..1m}}",
            "begins above its end",
        ),
        ("expect: {rat: 5}", "did you mean `rate`?"),
        ("expect: {rate: 5}", "is no bound for rate"),
        ("expect: {rejected: [[1]]}", "is no bound for rejected"),
        ("expect: {abort: maybe}", "`abort` is true, false or a time"),
        ("expect: {abrot: true}", "did you mean `abort`?"),
        ("name: a/b", "can't be a name"),
    ] {
        let found = shown(&format!("generator: t\n{text}\n"));
        assert!(found.contains(part), "{text}: {found}");
        assert!(
            found.starts_with("test:2:") || found.starts_with("test:3:"),
            "{text}: {found}"
        );
    }
}

#[test]
fn shards_need_what_makes_them_agree() {
    let sharded = |text: &str, shard| {
        let mut document = parse(text, Format::Yaml, "test").unwrap();
        Overrides {
            shard: Some(shard),
            ..Overrides::default()
        }
        .apply(&mut document)
    };
    let good = "generator: t\nseed: 1\nstreams: 2\nclock: {start: 2024-01-01}\n";
    assert!(sharded(good, (1, 2)).is_ok());
    assert!(
        sharded(good, (2, 2))
            .unwrap_err()
            .to_string()
            .contains("no shard 2 of 2")
    );
    let error = sharded("generator: t\n", (0, 2)).unwrap_err();
    assert_eq!(error.problems.len(), 4, "{error}");
    let max = format!("{good}load: max\nuntil: {{time: 10s}}\n");
    assert!(
        sharded(&max, (0, 2))
            .unwrap_err()
            .to_string()
            .contains("an end that all shards can tell")
    );
}
