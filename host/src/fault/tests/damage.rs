//! Damaged records stay deliverable, and each kind does what it says.

use serde_json::Value;

use super::super::corrupt::{Damage, damage};
use super::super::draw::draw;
use super::*;

const RECORDS: &[&str] = &[
    r#"{"a":1,"b":"two","c":[1,2],"d":null,"e":true,"f":{"g":"h"}}"#,
    r#" { "naïve" : "größer 漢字 😀" , "n" : -1.5e3 } "#,
    r#"{"quote":"a \"b\\","tab":"\t"}"#,
    r#"{"only":"one"}"#,
    "{}",
    "[1,2,3]",
    "7",
    "漢字",
    "plain text, no JSON",
];

fn one(kind: Kind, record: &str, number: u64) -> Option<(Damage, Vec<u8>)> {
    let mut out = Vec::new();
    let kinds = [(kind, 1)];
    let damage = damage(record.as_bytes(), &kinds, draw(9, number), &mut out)?;
    Some((damage, out))
}

/// Whether a damaged record can be delivered in a line.
fn deliverable(record: &[u8]) -> bool {
    !record.is_empty() && !record.contains(&b'\n') && std::str::from_utf8(record).is_ok()
}

#[test]
fn what_is_damaged_differs_and_stays_deliverable() {
    for record in RECORDS {
        for kind in Kind::ALL {
            for number in 0..200 {
                let Some((_, damaged)) = one(kind, record, number) else {
                    continue;
                };
                let shown = String::from_utf8_lossy(&damaged);
                assert_ne!(damaged, record.as_bytes(), "{kind:?} of {record}");
                // Text without a printable ASCII character is no JSON: its bits flip as they come.
                let opaque = kind == Kind::BitFlip && record.starts_with('漢');
                assert!(
                    opaque || deliverable(&damaged),
                    "{kind:?} of {record}: {shown}"
                );
            }
        }
    }
    for wrong in [b"".as_slice(), b"a\nb", &"ö".as_bytes()[..1]] {
        assert!(!deliverable(wrong), "damage to the framing would pass");
    }
}

#[test]
fn opaque_bytes_get_no_line_feed() {
    let record: Vec<u8> = vec![0x0b, 0x08, 0x0e, 0x1a, 0x02, 0x8a];
    for number in 0..500 {
        let mut out = Vec::new();
        damage(&record, &[(Kind::BitFlip, 1)], draw(9, number), &mut out).unwrap();
        let pairs = record.iter().zip(&out);
        let flipped: u32 = pairs.map(|(a, b)| (a ^ b).count_ones()).sum();
        assert_eq!(flipped, 1);
        assert!(!out.contains(&b'\n'));
    }
}

/// Whether a kind did what it says to that field.
fn did(kind: Kind, field: &str, before: &Value, after: &Value) -> bool {
    let (old, new) = (before.get(field), after.get(field));
    let (was, is) = (before.as_object().unwrap(), after.as_object().unwrap());
    let type_of = |value: Option<&Value>| value.map(std::mem::discriminant);
    match kind {
        Kind::MissingField => old.is_some() && new.is_none() && is.len() + 1 == was.len(),
        Kind::Null => old.is_some() && new == Some(&Value::Null) && is.len() == was.len(),
        Kind::ExtraField => old.is_none() && new.is_some() && is.len() == was.len() + 1,
        _ => old.is_some() && type_of(old) != type_of(new) && is.len() == was.len(),
    }
}

#[test]
fn what_knows_json_leaves_it_json() {
    for record in &RECORDS[..4] {
        let before: Value = serde_json::from_str(record).unwrap();
        for kind in Kind::ALL.into_iter().filter(|kind| !kind.is_blind()) {
            for number in 0..100 {
                let (damage, damaged) = one(kind, record, number).unwrap();
                let shown = String::from_utf8_lossy(&damaged);
                let after: Value = serde_json::from_str(&shown).unwrap();
                let told = damage.told(record.as_bytes(), &damaged);
                let Done::Corrupt { field, .. } = told else {
                    panic!("{told:?}");
                };
                let field = field.unwrap();
                assert!(
                    did(kind, &field, &before, &after),
                    "{kind:?} {field}: {shown}"
                );
                assert!(
                    !did(kind, &field, &before, &before),
                    "nothing done would pass"
                );
            }
        }
    }
}

#[test]
fn what_cannot_be_done_gives_way_to_the_next_or_to_nothing() {
    assert!(one(Kind::Truncate, "7", 1).is_none());
    assert!(one(Kind::Null, "[1]", 1).is_none() && one(Kind::ExtraField, "7", 1).is_none());
    assert!(one(Kind::MissingField, "{}", 1).is_none());
    let mut out = Vec::new();
    let kinds = [
        (Kind::MissingField, 1),
        (Kind::BitFlip, 0),
        (Kind::ExtraField, 1),
    ];
    for number in 0..20 {
        let done = damage(b"{}", &kinds, draw(9, number), &mut out);
        let extra = matches!(done, Some(Damage::Field(Kind::ExtraField, _)));
        assert!(extra, "{done:?}");
    }
    assert_eq!(damage(b"{}", &[], 5, &mut out), None);
}
