//! What a run is expected to reach, in a spec and as flags.

use super::super::expect::Expect;
use super::super::*;

fn read(text: &str) -> Expect {
    let text = format!("generator: t\nexpect: {text}\n");
    let document = parse(&text, Format::Yaml, "test").unwrap();
    document.emulations()[0].expect.clone()
}

fn shown(expect: &Expect) -> Vec<String> {
    expect.rules.iter().map(ToString::to_string).collect()
}

fn flags(expect: &mut Expect, texts: &[&str]) -> Result<(), String> {
    let texts: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
    expect.flags(&texts)
}

#[test]
fn a_flag_takes_the_place_of_the_specs_rule_on_the_same() {
    let mut expect = read("{rate: '>= 99%', rejected: 0}");
    assert_eq!(expect.abort, None);
    let given = ["rate>=50/s", " rate <= 60/s", "release_p99<5ms", "abort"];
    flags(&mut expect, &given).unwrap();
    let rules = [
        "rejected == 0",
        "rate >= 50/s",
        "rate <= 60/s",
        "release_p99 < 5ms",
    ];
    assert_eq!(shown(&expect), rules);
    assert_eq!(expect.abort, Some(5_000_000_000));
    flags(&mut expect, &["abort=30s", "rejected=3"]).unwrap();
    assert_eq!(expect.abort, Some(30_000_000_000));
    assert!(shown(&expect).contains(&"rejected == 3".to_owned()));
    for (text, part) in [
        ("rate", "`rate` has no bound"),
        ("rat>=5/s", "did you mean `rate`?"),
        ("rate>=5", "is no bound for rate"),
        ("abort=soon", "is not a time"),
        ("", "has no bound"),
    ] {
        let found = flags(&mut expect, &[text]).unwrap_err();
        assert!(found.contains(part), "{text}: {found}");
    }
}

#[test]
fn what_is_written_reads_as_it_was() {
    for text in [
        "{rate: ['>= 50/s', '<= 60/s'], faulted: '<= 2%', abort: true}",
        "{release_p99: '< 5ms', abort: 90s}",
        "{rejected: 0, abort: false}",
    ] {
        let expect = read(text);
        let again = serde_json::Value::Object(expect.written()).to_string();
        assert_eq!(read(&again), expect, "{again}");
    }
}

#[test]
fn only_what_can_be_told_early_is() {
    let early = |text: &str| read(&format!("{{{text}}}")).rules[0].tells_early();
    for text in [
        "rate: '>= 99%'",
        "release_p99: '< 5ms'",
        "rejected: 0",
        "faulted: '<= 2%'",
    ] {
        assert!(early(text), "{text}");
    }
    for text in [
        "acknowledged: '>= 99%'",
        "release_p99: '> 5ms'",
        "ended_early: 0",
        "sent: '!= 5'",
    ] {
        assert!(!early(text), "{text}");
    }
    let exact = &read("{acknowledged: 100}").rules[0];
    assert!(exact.tells_early() && exact.holds_so_far(99.0) && !exact.holds(99.0));
    assert!(!exact.holds_so_far(101.0));
}
