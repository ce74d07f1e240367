//! Faults as a spec writes them.

use super::super::*;
use super::shown;
use crate::fault;

const ALL: &str = r#"
generator: t
streams: 3
faults:
  duplicate: 1%
  late: { share: 2%, by: 5s..2m, streams: [0, 2] }
  reorder: { share: 0.05, within: 10 }
  drop: { share: 0.001, channels: [power], between: { from: 2024-01-01 } }
  corrupt: { share: 0.002, kinds: { bit_flip: 3, "null": 1 } }
  gap: { every: 10m, for: 30s }
  burst: { every: 5m, for: 10s, share: 50% }
"#;

fn spec(text: &str) -> Spec {
    let document = parse(text, Format::Yaml, "test").unwrap();
    document.emulations()[0].clone()
}

#[test]
fn every_fault_reaches_the_engine_and_is_written_as_it_was() {
    let spec = spec(ALL);
    let known = |name: &str| (name == "power").then_some(4);
    let engine = spec.faults.engine(&known, true);
    let drop = engine.drop.as_ref().unwrap();
    assert_eq!(drop.scope.channels, Some(vec![4]));
    assert_eq!(
        drop.scope.between,
        Some((1_704_067_200_000_000_000, u64::MAX))
    );
    assert_eq!(
        engine.late.as_ref().unwrap().scope.streams,
        Some(vec![0, 2])
    );
    let kinds = &engine.corrupt.as_ref().unwrap().kinds;
    assert_eq!(kinds, &[(fault::Kind::BitFlip, 3), (fault::Kind::Null, 1)]);
    assert_eq!(engine.gap.as_ref().unwrap().length, 30_000_000_000);
    assert_eq!(engine.burst.as_ref().unwrap().share, 0.5);
    let again = serde_json::to_string(&spec.redacted()).unwrap();
    let again = parse(&again, Format::Json, "again").unwrap();
    assert_eq!(again.emulations()[0].faults, spec.faults);
}

#[test]
fn damage_fits_the_content() {
    let spec = spec("generator: t\nfaults: { corrupt: 0.1, drop: 0.1 }\n");
    let kinds = |json| {
        let engine = spec.faults.engine(&|_| None, json);
        engine.corrupt.unwrap().kinds.len()
    };
    assert_eq!((kinds(true), kinds(false)), (6, 2));
}

#[test]
fn shares_that_meet_add_up_to_one_at_most() {
    let apart = "generator: t\nfaults: {drop: {share: 0.6, channels: [a]}, corrupt: {share: 0.6, channels: [b]}}\n";
    assert!(parse(apart, Format::Yaml, "test").is_ok());
    let whole = "generator: t\nfaults: {drop: 0.5, corrupt: 0.5}\n";
    assert!(parse(whole, Format::Yaml, "test").is_ok());
    let found = shown("generator: t\nfaults:\n  drop: 0.6\n  corrupt: 0.5\n");
    let expected = "test:4:12: `drop` and `corrupt` add up to 1.1000, and a record can't be both";
    assert!(found.starts_with(expected), "{found}");
}

#[test]
fn what_makes_no_sense_is_shown_at_its_place() {
    for (text, part) in [
        (
            "drop: {share: 0.1, streams: [1]}",
            "there is no stream 1: there are 1, counted from 0",
        ),
        ("drop: {share: 0.1, channels: []}", "no channel is named"),
        (
            "drop: {share: 0.1, chanels: [a]}",
            "did you mean `channels`?",
        ),
        ("drop: 1.5", "not between 0 and 1"),
        (
            "late: {share: 0.1, by: 1s, between: {from: 2024-01-02, to: 2024-01-01}}",
            "`to` is not after `from`",
        ),
        ("gap: {every: 1m, for: 1m}", "`for` is not below `every`"),
        ("gap: {every: 1m, for: 0s}", "this time is 0"),
        ("burst: {every: 1m, for: 2m}", "`for` is above `every`"),
        ("burst: {for: 2m}", "`every` is missing"),
        (
            "reorder: {share: 0.1, within: 0}",
            "nothing can change places",
        ),
        ("reorder: 0.1", "expected"),
        (
            "corrupt: {share: 0.1, kinds: []}",
            "no kind of damage is left",
        ),
        (
            "corrupt: {share: 0.1, kinds: [bitflip]}",
            "did you mean `bit_flip`?",
        ),
        ("lat: {share: 0.1, by: 1s}", "did you mean `late`?"),
    ] {
        let found = shown(&format!("generator: t\nfaults:\n  {text}\n"));
        assert!(found.contains(part), "{text}: {found}");
        assert!(found.starts_with("test:3:"), "{text}: {found}");
    }
}

#[test]
fn what_is_held_back_fits_into_memory() {
    let held = |load: &str, faults: &str| {
        let text = format!("generator: t\nstreams: 4\nload: {load}\nfaults: {{{faults}}}\n");
        parse(&text, Format::Yaml, "test").map_err(|e| e.to_string())
    };
    let burst = held("1000000/s", "burst: {every: 1h, for: 1m}").unwrap_err();
    assert!(
        burst.contains("hold back about 60000000 records"),
        "{burst}"
    );
    let two = "late: {share: 0.1, by: 60s}, reorder: {share: 0.1, within: 60s}";
    let sum = held("100000/s", two).unwrap_err();
    assert!(
        sum.contains("these faults together would hold back about 1200000"),
        "{sum}"
    );
    // What a fault leaves alone isn't held back.
    let one = "late: {share: 0.1, by: 60s, streams: [1]}, reorder: {share: 0.1, within: 60s}";
    assert!(held("100000/s", one).is_ok());
    let many = held("1/s", "reorder: {share: 1, within: 1000000}").unwrap_err();
    assert!(many.contains("hold back about 4000000 records"), "{many}");
    assert!(
        held(
            "1000000/s",
            "drop: 0.5, corrupt: 0.5, gap: {every: 1h, for: 1m}"
        )
        .is_ok()
    );
}
