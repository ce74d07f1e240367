//! The objects of a file, in order; any batch size, any order, broken files.

mod common;

use common::{SECOND, START, generate, records, settings, times, values};
use replay::{GENERATOR, Replay};
use serde_json::json;
use wellhead_sdk::{Error, Stream, native};

/// Lays a file out as the asset, for this thread.
fn file(text: impl AsRef<[u8]>) {
    native::set_asset("payloads", text.as_ref().to_vec());
}

fn open(config: &str) -> Stream<Replay> {
    Stream::open(&settings(config, 0, 1), None).unwrap_or_else(|error| panic!("{error}"))
}

fn texts(stream: &mut Stream<Replay>, n: u64) -> Vec<String> {
    let records = generate(stream, 0, &times(n, SECOND));
    records.into_iter().map(|record| record.text).collect()
}

/// `n` objects of many lengths, some with what makes parsers stumble.
fn objects(n: usize) -> Vec<String> {
    let one = |i: usize| match i % 5 {
        0 => format!(r#"{{"i":{i}}}"#),
        1 => format!(r#"{{"i": {i}, "text": "{}"}}"#, "x".repeat(i % 700)),
        2 => format!(r#"{{"i":{i},"quotes":"\"}}{{][\\","more":[{{}},[]]}}"#),
        3 => format!(r#"{{"city":"Zürich","i":{i},"nested":{{"i":-1}}}}"#),
        _ => format!(r#"{{"f":-1.5e-7,"i":{i},"none":null,"yes":true}}"#),
    };
    (0..n).map(one).collect()
}

#[test]
fn layouts_give_the_same_objects() {
    let objects = objects(3000);
    for text in [
        objects.join("\n"),
        format!("\n\n{}\n \t\r\n", objects.join("\r\n\n")),
        format!("\u{feff}{}\n", objects.join("\n")),
        format!("[{}]", objects.join(",")),
        format!(" \r\n[\n{}\n]\n\n", objects.join("\n,\r\n  ")),
    ] {
        file(&text);
        let all = texts(&mut open("{}"), 4000);
        assert_eq!(all.len(), 3000);
        assert!(all == objects, "{}", &text[..80]);
        let looped = texts(&mut open(r#"{"loop": true}"#), 7000);
        for (i, text) in looped.iter().enumerate() {
            assert_eq!(*text, objects[i % 3000], "record {i}");
        }
    }
}

#[test]
fn objects_over_several_lines_become_one() {
    let values: Vec<_> = (0..100)
        .map(|i| json!({"i": i, "a b": " x\n ", "l": [1, {}]}))
        .collect();
    file(serde_json::to_string_pretty(&values).unwrap());
    let records = generate(&mut open("{}"), 0, &times(100, SECOND));
    assert_eq!(common::values(&records), values);
    assert!(
        records
            .iter()
            .all(|record| !record.text.contains(['\n', '\t']) && !record.text.contains(": "))
    );
}

#[test]
fn batches_order_and_streams_leave_no_trace() {
    // More than a piece of the file, more than one place to go back to.
    let objects = objects(5003);
    for text in [objects.join("\n"), format!("[{}]", objects.join(", "))] {
        file(&text);
        let config = r#"{"loop": true}"#;
        let whole = texts(&mut open(config), 12_000);
        for size in [1, 777] {
            let mut stream = open(config);
            let mut pieces = Vec::new();
            for first in (0..12_000).step_by(size) {
                let times = times(size.min(12_000 - first) as u64, SECOND);
                let mut batch = generate(&mut stream, first as u64, &times);
                pieces.extend(batch.drain(..).map(|record| record.text));
            }
            assert!(pieces == whole, "batches of {size}");
        }
        let mut stream = open(config);
        for i in (0..12_000).rev().step_by(97).chain([5002, 5003, 0, 11_999]) {
            let again = records(&stream.generate(i as u64, &[START]).unwrap());
            assert_eq!(again[0].text, whole[i], "record {i}");
            let fresh = records(&open(config).generate(i as u64, &[START]).unwrap());
            assert_eq!(fresh[0].text, whole[i], "record {i}");
        }
        let far = records(&stream.generate(u64::MAX / 2, &[START]).unwrap());
        assert_eq!(far[0].text, objects[(u64::MAX / 2 % 5003) as usize]);
        for streams in [3, 7] {
            for index in 0..streams {
                let settings = settings("{}", index, streams);
                let own = texts(&mut Stream::open(&settings, None).unwrap(), 6000);
                let expected: Vec<_> = objects
                    .iter()
                    .skip(index as usize)
                    .step_by(streams as usize)
                    .collect();
                assert!(own.iter().eq(expected), "stream {index} of {streams}");
            }
        }
    }
}

#[test]
fn times_are_kept_moved_or_set() {
    file(
        r#"[{"ts":"2020-05-01T00:00:00.500Z","v":1},{"v":2,"ts":"2020-05-01T00:01:00Z"},
            {"ts":1588291320,"v":3}]"#,
    );
    let all = |config: &str| {
        let records = generate(&mut open(config), 0, &times(4, 60 * SECOND));
        values(&records)
            .iter()
            .map(|v| v["ts"].clone())
            .collect::<Vec<_>>()
    };
    let kept = all(r#"{"time_field": "ts"}"#);
    assert_eq!(
        kept,
        [
            json!("2020-05-01T00:00:00.500Z"),
            json!("2020-05-01T00:01:00Z"),
            json!(1_588_291_320)
        ]
    );
    // By a constant; around again after the mean gap.
    let config = r#"{"times": "shift", "time_field": "ts", "start": "2024-01-01T00:00:00.5Z", "loop": true}"#;
    let moved = all(config);
    assert_eq!(
        moved,
        [
            json!("2024-01-01T00:00:00.500Z"),
            json!("2024-01-01T00:01:00Z"),
            json!(1_704_067_320),
            json!("2024-01-01T00:02:59.750Z")
        ]
    );
    let fresh = records(&open(config).generate(3, &[START]).unwrap());
    assert!(fresh[0].text.contains("00:02:59.750Z"), "{}", fresh[0].text);
    let set = all(r#"{"times": "ignore", "time_field": "ts", "loop": true}"#);
    assert_eq!(
        set,
        [
            json!("2024-01-01T00:00:00.000Z"),
            json!("2024-01-01T00:01:00Z"),
            json!(1_704_067_320),
            json!("2024-01-01T00:03:00.000Z")
        ]
    );
}

fn refusal(config: &str) -> String {
    match Stream::<Replay>::open(&settings(config, 0, 1), None) {
        Err(Error::InvalidConfig(why)) => why,
        other => panic!("{config} gave {:?}", other.err()),
    }
}

#[test]
fn files_without_objects_are_refused() {
    assert!(refusal("{}").contains("--asset payloads=FILE"));
    for (text, expected) in [
        ("", "no object in the asset `payloads`"),
        (" \n\n", "no object"),
        ("[]", "no object"),
        ("\u{feff}[ ]\n", "no object"),
        ("<xml/>", "begins with `<`"),
        ("\u{1f}\u{8b}", "begins with the byte 0x1f"),
        ("\"text\"", "begins with `\"`"),
        ("[1, 2]", "object 1 at byte 1: an object is expected"),
        (
            "[{\"a\":1",
            "object 1 at byte 1: the file ends in the middle",
        ),
        ("{\"a\":\n1}", "object 1 at byte 5: the line ends"),
        (
            "{\"a\":1} {\"a\":2}",
            "something follows this object in its line",
        ),
        ("{'a':1}", "object 1 at byte 1: a name in quotes"),
    ] {
        file(text);
        let why = refusal("{}");
        assert!(why.contains(expected), "{text:?}: {why}");
    }
}

#[test]
fn a_file_that_breaks_off_gives_what_it_has() {
    for (end, expected) in [
        (
            "{\"a\":}\n{\"a\":1}",
            "object 101 at byte 1105: a value is expected",
        ),
        (
            "{\"a\":",
            "object 101 at byte 1100: the file ends in the middle of this object",
        ),
        ("[]\n", "object 101 at byte 1100: an object is expected"),
    ] {
        let good: String = (0..100)
            .map(|i| format!("{{\"i\":{}}}\n", 1000 + i))
            .collect();
        file(format!("{good}{end}"));
        let mut stream = open("{}");
        let batch = stream.generate(0, &times(200, SECOND)).unwrap();
        assert_eq!(batch.len(), 100);
        let why = stream
            .generate(100, &times(100, SECOND))
            .unwrap_err()
            .to_string();
        assert!(why.contains(expected), "{why}");
        // Fewer calls don't change what is said.
        let alone = open("{}").generate(100, &[START]).unwrap_err().to_string();
        assert_eq!(alone, why);
    }
    for (text, expected) in [
        (
            "[{\"i\":0},{\"i\":1}",
            "object 3 at byte 16: the file ends, and the array isn't closed",
        ),
        (
            "[{\"i\":0} {\"i\":1}]",
            "object 2 at byte 9: `,` or `]` is expected",
        ),
        ("[{\"i\":0},]", "object 2 at byte 9: an object is expected"),
        (
            "[{\"i\":0}]x",
            "object 2 at byte 9: something follows the array",
        ),
    ] {
        file(text);
        let mut stream = open("{}");
        let n = stream.generate(0, &times(9, SECOND)).unwrap().len() as u64;
        let why = stream
            .generate(n, &times(9, SECOND))
            .unwrap_err()
            .to_string();
        assert!(why.contains(expected), "{text}: {why}");
    }
}

#[test]
fn settings_that_make_no_sense_are_refused() {
    file("{\"ts\":1}\n{\"x\":1}\n");
    for (config, expected) in [
        (r#"{"times": "shift"}"#, "`time_field`"),
        (r#"{"times": "shift", "time_field": "ts"}"#, "`start`"),
        (
            r#"{"times": "shift", "time_field": "ts", "start": "noon"}"#,
            "`start` is `noon`",
        ),
        (
            r#"{"times": "shift", "time_field": "x", "start": "2024-01-01T00:00:00Z"}"#,
            "object 1 has no time",
        ),
        (r#"{"times": "later"}"#, "later"),
        (r#"{"asset": "other"}"#, "no asset `other`"),
    ] {
        let why = refusal(config);
        assert!(why.contains(expected), "{config}: {why}");
    }
    let mut stream = open(r#"{"times": "ignore", "time_field": "ts"}"#);
    assert_eq!(stream.generate(0, &[START, START]).unwrap().len(), 1);
    let why = stream.generate(1, &[START]).unwrap_err().to_string();
    assert!(
        why.contains("object 2 has no time in its field `ts`"),
        "{why}"
    );
}

/// 10⁵ records in a loop: every object as often as any other, in the order of the file.
fn in_order(all: &[String], objects: &[String]) -> Result<(), String> {
    let wrong = all
        .iter()
        .enumerate()
        .find(|(i, text)| **text != objects[i % objects.len()]);
    wrong.map_or(Ok(()), |(i, _)| Err(format!("record {i} is another")))
}

#[test]
fn a_loop_keeps_its_order_over_many_records() {
    let objects = objects(997);
    file(objects.join("\n"));
    let all = texts(&mut open(r#"{"loop": true}"#), 100_000);
    in_order(&all, &objects).unwrap();
    let mut drawn = all.clone();
    for (i, text) in drawn.iter_mut().enumerate() {
        text.clone_from(&objects[common::scramble(i) % objects.len()]);
    }
    in_order(&drawn, &objects).expect_err("objects drawn for each record");
    let mut skipping = all;
    skipping.remove(50_000);
    in_order(&skipping, &objects).expect_err("one object left out");
}

#[test]
fn there_is_one_channel_with_or_without_the_file() {
    let channels = (GENERATOR.channels)("{}").unwrap();
    assert_eq!((channels.len(), channels[0].name.as_str()), (1, "event"));
}
