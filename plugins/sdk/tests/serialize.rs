//! The serializer against `serde_json`, on every shape that `serde` has; Miri runs this file.

use serde::Serialize;
use std::collections::BTreeMap;
use wellhead_sdk::ser::Json;
use wellhead_sdk::{Cents, Words, Writer};

fn ours<T: Serialize + ?Sized>(value: &T) -> Result<String, String> {
    let mut buffer = Vec::new();
    let mut writer = Writer::new(&mut buffer);
    value
        .serialize(Json(&mut writer))
        .map_err(|e| e.to_string())?;
    writer.finish();
    Ok(String::from_utf8(buffer).unwrap())
}

fn same<T: Serialize + ?Sized>(value: &T) {
    assert_eq!(ours(value).unwrap(), serde_json::to_string(value).unwrap());
}

#[derive(Serialize)]
struct Unit;
#[derive(Serialize)]
struct Newtype(u8);
#[derive(Serialize)]
struct Tuple(u8, &'static str);
#[derive(Serialize)]
enum Variants {
    Unit,
    Newtype(i8),
    Tuple(u8, f32),
    Struct { a: Option<u8>, b: char },
}
#[derive(Serialize, PartialEq, Eq, PartialOrd, Ord)]
enum Name {
    #[serde(rename = "quo\"ted")]
    Quoted,
}
#[derive(Serialize)]
#[serde(tag = "kind")]
enum Tagged {
    A { x: u64 },
}
#[derive(Serialize)]
struct Everything {
    none: Option<i32>,
    some: Option<i32>,
    flag: bool,
    small: [i8; 3],
    text: &'static str,
    letter: char,
    wide: (i128, u128),
    floats: Vec<f64>,
    single: f32,
    unit: (),
    nested: Vec<Tagged>,
    #[serde(flatten)]
    rest: BTreeMap<String, u16>,
}

#[test]
fn shapes() {
    same(&Unit);
    same(&Newtype(7));
    same(&Tuple(1, "x\ny"));
    same(
        &[
            Variants::Unit,
            Variants::Newtype(-1),
            Variants::Tuple(1, 0.1),
            Variants::Struct { a: None, b: '"' },
        ][..],
    );
    same(&Vec::<u8>::new());
    same(&BTreeMap::<u8, u8>::new());
    same(&Everything {
        none: None,
        some: Some(-5),
        flag: false,
        small: [-128, 0, 127],
        text: "q\"x\\",
        letter: 'é',
        wide: (i128::MIN, u128::MAX),
        floats: vec![0.1, -0.0, 1e300, f64::NAN, f64::INFINITY],
        single: 16_777_216.0,
        unit: (),
        nested: vec![Tagged::A { x: u64::MAX }],
        rest: BTreeMap::from([("k".to_owned(), 1), ("l".to_owned(), 65_535)]),
    });
}

#[test]
fn keys() {
    same(&BTreeMap::from([("a\"b", 1), ("", 2)]));
    same(&BTreeMap::from([(-1_i64, 1), (i64::MAX, 2)]));
    same(&BTreeMap::from([(u128::MAX, 1)]));
    same(&BTreeMap::from([(true, 1), (false, 2)]));
    same(&BTreeMap::from([('x', [1, 2])]));
    same(&BTreeMap::from([(Name::Quoted, 1)]));
    for refused in [
        ours(&BTreeMap::from([((1, 2), 3)])),
        ours(&BTreeMap::from([(None::<u8>, 3)])),
    ] {
        assert!(refused.unwrap_err().contains("must be a string"));
    }
}

#[test]
fn the_crates_own_values() {
    static WORDS: Words<1> = Words::new(["word"]);
    assert_eq!(ours(&Cents(1250)).unwrap(), "12.50");
    assert_eq!(ours(&[Some(Cents(5)), None]).unwrap(), "[0.05,null]");
    assert_eq!(ours(&WORDS.at(0)).unwrap(), "\"word\"");
}
