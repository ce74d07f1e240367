//! The writer against the standard library's formatting and `serde_json`; Miri runs this file.

use serde_json::Value;
use wellhead_sdk::{
    Cents, Clock, Date, Each, Filled, Fixed, Joined, Key, Pan, Pattern, Put, Rng, Table, Text,
    Uuid, Words, Writer, lit, object,
};

/// How often random tests repeat: fewer under Miri, which is a thousand times slower.
const ROUNDS: u64 = if cfg!(miri) { 40 } else { 4_000 };

fn random(purpose: &str) -> Rng {
    Key::shared(1, purpose).at(0)
}

/// What is written, from an empty buffer and from one with room: growing must not show.
fn written(mut write: impl FnMut(&mut Writer<'_>)) -> String {
    const TIMES: usize = 30;
    let (mut small, mut large) = (Vec::new(), Vec::with_capacity(1 << 16));
    for buffer in [&mut small, &mut large] {
        for _ in 0..TIMES {
            let mut writer = Writer::new(buffer);
            write(&mut writer);
            writer.finish();
        }
    }
    let mut long = Vec::new();
    let mut writer = Writer::new(&mut long);
    for _ in 0..TIMES {
        write(&mut writer);
    }
    writer.finish();
    assert_eq!(small, large);
    assert_eq!(small, long);
    let one = small.len() / TIMES;
    assert!(one == 0 || small.chunks(one).all(|chunk| chunk == &small[..one]));
    String::from_utf8(small[..one].to_vec()).unwrap()
}

fn json(value: impl Put + Clone) -> String {
    written(|w| value.clone().put(w))
}

fn text(value: impl Text + Clone) -> String {
    written(|w| value.clone().text(w))
}

#[test]
fn whole_numbers() {
    let mut random = random("whole");
    let edges = [
        0,
        1,
        9,
        10,
        99,
        100,
        255,
        256,
        99_999_999,
        100_000_000,
        u64::MAX,
    ];
    let wide = [
        9_999_999_999_999_999,
        10_000_000_000_000_000,
        4_294_967_295,
        4_294_967_296,
    ];
    let drawn = (0..ROUNDS).map(|k| random.next() >> (k % 64));
    for v in edges
        .into_iter()
        .chain(wide)
        .chain(drawn.collect::<Vec<_>>())
    {
        assert_eq!(json(v), v.to_string());
        assert_eq!(text(v), v.to_string());
        assert_eq!(json(v as u32), (v as u32).to_string());
        assert_eq!(json(v as u16), (v as u16).to_string());
        assert_eq!(json(v as i64), (v as i64).to_string());
        assert_eq!(json(v as i32), (v as i32).to_string());
    }
    for v in 0..=255_u8 {
        assert_eq!(json(v), v.to_string());
        assert_eq!(json(v as i8), (v as i8).to_string());
    }
    assert_eq!(json(i64::MIN), i64::MIN.to_string());
}

#[test]
fn decimals() {
    let mut random = random("decimals");
    for v in [0, 1, 9, 10, 99, 100, 101, 9_999_999, 10_000_000, u32::MAX] {
        assert_eq!(json(Cents(v)), format!("{}.{:02}", v / 100, v % 100));
    }
    for k in 0..ROUNDS {
        let v = (random.next() >> (k % 40)) as u32;
        assert_eq!(json(Cents(v)), format!("{}.{:02}", v / 100, v % 100));
        let v = (random.next() as i64) >> (k % 64);
        let sign = if v < 0 { "-" } else { "" };
        let m = v.unsigned_abs();
        assert_eq!(json(Fixed::<1>(v)), format!("{sign}{}.{}", m / 10, m % 10));
        let (unit, five) = (100_000, json(Fixed::<5>(v)));
        assert_eq!(five, format!("{sign}{}.{:05}", m / unit, m % unit));
        let (unit, seven) = (10_000_000, json(Fixed::<7>(v)));
        assert_eq!(seven, format!("{sign}{}.{:07}", m / unit, m % unit));
    }
}

#[test]
fn decimals_known_at_run_time_are_those_known_before() {
    let mut random = random("decimals at run time");
    let edges = [
        0,
        1,
        -1,
        9,
        100,
        9_999_999,
        -9_999_999,
        10_000_000,
        i64::MIN,
        i64::MAX,
    ];
    let drawn: Vec<i64> = (0..ROUNDS)
        .map(|k| (random.next() as i64) >> (k % 64))
        .collect();
    for v in edges.into_iter().chain(drawn) {
        let (sign, m) = (if v < 0 { "-" } else { "" }, v.unsigned_abs());
        assert_eq!(written(|w| w.decimal(v, 0)), v.to_string());
        for decimals in 1..=7_u8 {
            let (unit, width) = (10_u64.pow(decimals.into()), usize::from(decimals));
            let expected = format!("{sign}{}.{:0width$}", m / unit, m % unit);
            assert_eq!(written(|w| w.decimal(v, decimals)), expected);
        }
    }
}

#[test]
fn what_was_written_is_written_again() {
    for n in [0, 1, 7, 31, 33, 3_000] {
        let text = "abcdefgh".repeat(n).split_off(n);
        let twice = written(|w| {
            let from = w.position();
            w.bytes(text.as_bytes());
            let to = w.position();
            w.aside(|w| w.byte(b'/'));
            w.again(from..to);
        });
        assert_eq!(twice, format!("{text}/{text}"));
    }
    // What isn't there yet, or upside down, is nothing.
    assert_eq!(written(|w| w.again(w.position()..w.position() + 1)), "");
    assert_eq!(
        written(|w| w.again(std::ops::Range { start: 1, end: 0 })),
        ""
    );
}

#[test]
fn floats_are_those_of_serde_json() {
    let mut random = random("floats");
    let edges = [
        0.0,
        -0.0,
        1.0,
        -1.5,
        0.1,
        1e21,
        1e-7,
        f64::MAX,
        f64::MIN_POSITIVE,
    ];
    let drawn = (0..ROUNDS)
        .map(|_| f64::from_bits(random.next()))
        .collect::<Vec<_>>();
    for v in edges
        .into_iter()
        .chain(drawn)
        .chain([f64::NAN, f64::INFINITY])
    {
        assert_eq!(json(v), serde_json::to_string(&v).unwrap());
    }
}

#[test]
fn strings_of_every_length_and_escape() {
    let odd = [
        '"', '\\', '\u{0}', '\n', '\t', '\u{8}', '\u{c}', '\r', '\u{1f}', 'é', '\u{7f}', '🦀',
    ];
    let mut random = random("strings");
    let lengths = if cfg!(miri) { 40 } else { 100 };
    for length in 0..lengths {
        for turn in 0..if cfg!(miri) { 2 } else { 40 } {
            let special = turn % 2 == 1;
            let s: String = (0..length)
                .map(|_| match random.below(9) {
                    0 if special => odd[random.below(odd.len() as u32) as usize],
                    _ => char::from(b'a' + random.below(26) as u8),
                })
                .collect();
            assert_eq!(json(s.as_str()), serde_json::to_string(&s).unwrap());
            assert_eq!(text(s.as_str()), s);
        }
    }
    // One odd byte at each place, where the scan changes from one size of step to another.
    for length in 1..70 {
        for at in 0..length {
            let mut s = vec![b'x'; length];
            s[at] = b"\"\\\x1f"[at % 3];
            let s = String::from_utf8(s).unwrap();
            assert_eq!(json(s.as_str()), serde_json::to_string(&s).unwrap());
        }
    }
}

#[test]
fn instants() {
    let mut clock = Clock::new();
    for (nanos, expected) in [
        (0, "1970-01-01T00:00:00.000000Z"),
        (951_782_399_999_999_000, "2000-02-28T23:59:59.999999Z"),
        (951_868_799_000_001_000, "2000-02-29T23:59:59.000001Z"),
        (1_704_067_200_000_000_999, "2024-01-01T00:00:00.000000Z"),
        (1_704_067_200_123_456_789, "2024-01-01T00:00:00.123456Z"),
        (4_107_542_399_123_456_000, "2100-02-28T23:59:59.123456Z"),
        (4_107_542_400_000_000_000, "2100-03-01T00:00:00.000000Z"),
        (u64::MAX, "2554-07-21T23:34:33.709551Z"),
    ] {
        assert_eq!(
            written(|w| clock.at(nanos).put(w)),
            format!("\"{expected}\"")
        );
        assert_eq!(written(|w| clock.at(nanos).text(w)), expected);
        assert_eq!(
            serde_json::to_string(&clock.at(nanos)).unwrap(),
            format!("\"{expected}\"")
        );
    }
}

#[test]
fn dates_on_both_sides_of_the_epoch() {
    for (day, expected) in [
        (0, "1970-01-01"),
        (-1, "1969-12-31"),
        (-25_567, "1900-01-01"),
        (11_016, "2000-02-29"),
        (19_723, "2024-01-01"),
    ] {
        assert_eq!(json(Date(day)), format!("\"{expected}\""));
    }
}

#[test]
fn identifiers() {
    assert_eq!(json(Uuid(0, 0)), "\"00000000-0000-4000-8000-000000000000\"");
    let mut random = random("uuid");
    for _ in 0..ROUNDS / 10 {
        let (a, b) = (random.next(), random.next());
        let s = text(Uuid(a, b));
        let (c, d) = (a & !0xf000 | 0x4000, b & (u64::MAX >> 2) | 1 << 63);
        let (e, f, g) = (c >> 32, c >> 16 & 0xffff, c & 0xffff);
        assert_eq!(
            s,
            format!(
                "{e:08x}-{f:04x}-{g:04x}-{:04x}-{:012x}",
                d >> 48,
                d & 0xffff_ffff_ffff
            )
        );
    }
}

/// The check as ISO/IEC 7812-1 writes it: from the right, every second digit doubled.
fn passes_luhn(digits: &str) -> bool {
    let sum: u32 = digits
        .bytes()
        .rev()
        .map(|b| u32::from(b - b'0'))
        .enumerate()
        .map(|(i, d)| {
            if i % 2 == 1 {
                d * 2 / 10 + d * 2 % 10
            } else {
                d
            }
        })
        .sum();
    sum.is_multiple_of(10)
}

#[test]
fn card_numbers_pass_luhn() {
    assert!(passes_luhn("4111111111111111") && !passes_luhn("4111111111111112"));
    let mut random = random("pan");
    for _ in 0..ROUNDS {
        let first = 400_000_000_000_000 + random.next() % 100_000_000_000_000;
        let long = text(Pan {
            first,
            short: false,
        });
        assert_eq!((long.len(), &long[..15]), (16, first.to_string().as_str()));
        assert!(passes_luhn(&long), "{long}");
        let first = 37_000_000_000_000 + random.next() % 1_000_000_000_000;
        let short = text(Pan { first, short: true });
        assert_eq!(
            (short.len(), &short[..14]),
            (15, first.to_string().as_str())
        );
        assert!(passes_luhn(&short), "{short}");
    }
}

#[test]
fn patterns() {
    static PATTERN: Pattern = Pattern::new("+4 ##-@@ (###) #");
    let mut random = random("pattern");
    let mut seen = [false; 10];
    for _ in 0..ROUNDS {
        let s = text(Filled(&PATTERN, random.next()));
        assert_eq!(s.len(), 16);
        for (got, want) in s.bytes().zip("+4 ##-@@ (###) #".bytes()) {
            match want {
                b'#' => assert!(got.is_ascii_digit(), "{s}"),
                b'@' => assert!((b'A'..=b'P').contains(&got), "{s}"),
                _ => assert_eq!(got, want, "{s}"),
            }
        }
        seen[usize::from(s.as_bytes()[3] - b'0')] = true;
    }
    assert!(cfg!(miri) || seen == [true; 10]);
}

static NARROW: Words<4> = Words::new(["", "a", "Jürgen", "thirteen byte"]);
static WIDE: Words<2, 32> = Words::new(["x", "a name of twenty-nine bytes, "]);
static NULLABLE: Words<2, 32> = Words::or_null(["", "because"]);

#[test]
fn words() {
    for (i, word) in ["", "a", "Jürgen", "thirteen byte"].into_iter().enumerate() {
        assert_eq!(json(NARROW.at(i)), format!("\"{word}\""));
        assert_eq!(text(NARROW.at(i)), word);
        assert_eq!(NARROW.at(i).as_str(), word);
    }
    assert_eq!(json(WIDE.at(1)), "\"a name of twenty-nine bytes, \"");
    assert_eq!(json(Joined(NARROW.at(2), b' ', WIDE.at(0))), "\"Jürgen x\"");
    assert_eq!(json(NULLABLE.at(0)), "null");
    assert_eq!(json(NULLABLE.at(1)), "\"because\"");
    let words = [
        "short",
        "",
        "with \"quotes\"",
        "a word that is longer than twenty-nine bytes",
        "🦀",
    ];
    let table = Table::new(words);
    for (i, word) in words.into_iter().enumerate() {
        assert_eq!(json(table.at(i)), serde_json::to_string(word).unwrap());
        assert_eq!(text(table.at(i)), word);
        assert_eq!(
            serde_json::to_string(&table.at(i)).unwrap(),
            json(table.at(i))
        );
    }
}

#[test]
fn objects_and_arrays() {
    let got = written(|w| {
        object!(w, {
            "a": 1_u8,
            "nested": { "deeper": { "b": true, "none": None::<u32> }, "some": Some("x") },
            "empty": {},
            "array": [1_u32, 2, 3],
            "slice": &[-1_i32][..],
            "each": Each((0..3_u64).map(|k| k * k)),
            "unit": (),
            "a key that is so long that with its punctuation it takes more than sixty-four bytes": 1_u8,
        });
    });
    let expected = r#"{"a":1,"nested":{"deeper":{"b":true,"none":null},"some":"x"},"empty":{},"array":[1,2,3],"slice":[-1],"each":[0,1,4],"unit":null,"a key that is so long that with its punctuation it takes more than sixty-four bytes":1}"#;
    assert_eq!(got, expected);
    serde_json::from_str::<Value>(&got).unwrap();
}

#[test]
fn what_is_not_finished_is_not_there() {
    let mut buffer = b"before".to_vec();
    for n in [0, 10, 5_000] {
        let mut writer = Writer::new(&mut buffer);
        lit!(writer, "dropped");
        writer.bytes(&vec![b'x'; n]);
        assert_eq!(buffer, b"before");
    }
}
