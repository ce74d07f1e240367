//! Damage to a record's bytes: what, where, by draws alone.
//!
//! A damaged record stays deliverable line by line: it isn't empty, it has no line feed that it
//! hadn't before, and JSON, which is UTF-8, stays UTF-8.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::draw::{again, between};
use super::ledger::Done;
use crate::encode::scan::Members;

/// What is done to a record's bytes.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "Damage")]
pub enum Kind {
    /// One bit of a printable character changes, to another printable one.
    BitFlip,
    /// The end is cut off.
    Truncate,
    /// The value of a field is of another type: a number becomes text, text a number.
    WrongType,
    /// A field is taken out.
    MissingField,
    /// The value of a field becomes null.
    Null,
    /// A field is added that no schema knows.
    ExtraField,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Kind; 6] = [
        Kind::BitFlip,
        Kind::Truncate,
        Kind::WrongType,
        Kind::MissingField,
        Kind::Null,
        Kind::ExtraField,
    ];

    /// As a spec names it.
    pub fn name(self) -> &'static str {
        match self {
            Kind::BitFlip => "bit_flip",
            Kind::Truncate => "truncate",
            Kind::WrongType => "wrong_type",
            Kind::MissingField => "missing_field",
            Kind::Null => "null",
            Kind::ExtraField => "extra_field",
        }
    }

    /// Whether it knows nothing of what the bytes mean, so that what was JSON may be none after it.
    pub fn is_blind(self) -> bool {
        matches!(self, Kind::BitFlip | Kind::Truncate)
    }
}

/// What was done to a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Damage {
    /// Byte and bit.
    Flipped(usize, u8),
    /// How many bytes are left.
    Cut(usize),
    /// The kind, and where the field's name is: in the record, or in the damaged one where it is an extra field.
    Field(Kind, Range<usize>),
}

impl Damage {
    /// For the ledger.
    pub fn told(&self, record: &[u8], damaged: &[u8]) -> Done {
        let (mut byte, mut bit, mut length, mut field) = (None, None, None, None);
        let kind = match self {
            Damage::Flipped(at, which) => {
                (byte, bit) = (Some(*at), Some(*which));
                Kind::BitFlip
            }
            Damage::Cut(left) => {
                length = Some(*left);
                Kind::Truncate
            }
            Damage::Field(kind, name) => {
                let text = match kind {
                    Kind::ExtraField => damaged,
                    _ => record,
                };
                let name = text.get(name.clone()).unwrap_or_default();
                field = Some(String::from_utf8_lossy(name).into_owned());
                *kind
            }
        };
        Done::Corrupt {
            kind,
            byte,
            bit,
            length,
            field,
        }
    }
}

/// Writes the damaged record. The kind is drawn by weight; one that can't be done to this record
/// gives way to the next in the list. None where none can: then the record stays as it is.
pub(super) fn damage(
    record: &[u8],
    kinds: &[(Kind, u32)],
    drawn: u64,
    out: &mut Vec<u8>,
) -> Option<Damage> {
    let total: u64 = kinds.iter().map(|(_, weight)| u64::from(*weight)).sum();
    let mut left = between(0, total.checked_sub(1)?, drawn);
    let chosen = kinds.iter().position(|(_, weight)| {
        let weight = u64::from(*weight);
        let here = left < weight;
        left = left.saturating_sub(weight);
        here
    })?;
    let (before, from) = kinds.split_at(chosen);
    let mut able = from.iter().chain(before).filter(|(_, weight)| *weight > 0);
    able.find_map(|(kind, _)| {
        out.clear();
        apply(*kind, record, again(drawn), out)
    })
}

fn apply(kind: Kind, record: &[u8], drawn: u64, out: &mut Vec<u8>) -> Option<Damage> {
    match kind {
        Kind::BitFlip => flip(record, drawn, out),
        Kind::Truncate => truncate(record, drawn, out),
        Kind::ExtraField => add_field(record, drawn, out),
        Kind::WrongType | Kind::MissingField | Kind::Null => {
            let members = || Members::of(record);
            let fits = |value: &[u8]| kind != Kind::Null || value != b"null";
            let count = members().filter(|(_, value)| fits(value)).count() as u64;
            let chosen = between(0, count.checked_sub(1)?, drawn) as usize;
            let (key, value) = members().filter(|(_, value)| fits(value)).nth(chosen)?;
            let (key, value) = (place(record, key), place(record, value));
            match kind {
                Kind::MissingField => take_out(record, &key, &value, out),
                Kind::Null => replace(record, &value, b"null", out),
                _ => retype(record, &value, out),
            }
            Some(Damage::Field(kind, key))
        }
    }
}

/// Where a piece of a text lies in it.
fn place(text: &[u8], piece: &[u8]) -> Range<usize> {
    let start = (piece.as_ptr() as usize).saturating_sub(text.as_ptr() as usize);
    start..start + piece.len()
}

fn printable(byte: u8) -> bool {
    (0x20..=0x7e).contains(&byte)
}

fn flip(record: &[u8], drawn: u64, out: &mut Vec<u8>) -> Option<Damage> {
    let last = record.len().checked_sub(1)?;
    let at = between(0, last as u64, drawn) as usize;
    let first_bit = (again(drawn) % 8) as u8;
    let bits = || (0..8).map(|n| (first_bit + n) % 8);
    // From the drawn byte on and around, so that a printable character becomes another one.
    let found = (at..record.len()).chain(0..at).find_map(|at| {
        let byte = record[at];
        let bit = bits().find(|bit| printable(byte) && printable(byte ^ (1 << bit)))?;
        Some((at, bit))
    });
    // Opaque bytes without a printable one: any bit that makes no line feed.
    let any = || {
        bits()
            .find(|bit| record[at] ^ (1 << bit) != b'\n')
            .map(|bit| (at, bit))
    };
    let (at, bit) = found.or_else(any)?;
    out.extend_from_slice(record);
    out[at] ^= 1 << bit;
    Some(Damage::Flipped(at, bit))
}

fn truncate(record: &[u8], drawn: u64, out: &mut Vec<u8>) -> Option<Damage> {
    let most = record.len().checked_sub(1).filter(|most| *most > 0)?;
    let continues = |at: usize| record[at] & 0xC0 == 0x80;
    let mut left = between(1, most as u64, drawn) as usize;
    while left > 1 && continues(left) {
        left -= 1;
    }
    while left < record.len() && continues(left) {
        left += 1;
    }
    if left == record.len() {
        return None;
    }
    out.extend_from_slice(&record[..left]);
    Some(Damage::Cut(left))
}

fn replace(record: &[u8], what: &Range<usize>, by: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(&record[..what.start]);
    out.extend_from_slice(by);
    out.extend_from_slice(&record[what.end..]);
}

/// A number or a truth becomes text, everything else a number or a text.
fn retype(record: &[u8], value: &Range<usize>, out: &mut Vec<u8>) {
    let text = &record[value.clone()];
    match text.first() {
        Some(b'"') | Some(b'n') => replace(record, value, b"0", out),
        Some(b'{' | b'[') => replace(record, value, b"\"\"", out),
        _ => {
            let quoted = [b"\"".as_slice(), text, b"\""].concat();
            replace(record, value, &quoted, out);
        }
    }
}

/// Takes out a member and the comma that parts it from the next, or from the one before.
fn take_out(record: &[u8], key: &Range<usize>, value: &Range<usize>, out: &mut Vec<u8>) {
    let mut begin = key.start.saturating_sub(1);
    let mut end = value.end;
    let blank = |at: usize| record.get(at).is_some_and(u8::is_ascii_whitespace);
    let mut after = end;
    while blank(after) {
        after += 1;
    }
    if record.get(after) == Some(&b',') {
        end = after + 1;
        while blank(end) {
            end += 1;
        }
    } else if let Some(comma) = record[..begin].trim_ascii_end().strip_suffix(b",") {
        begin = comma.len();
    }
    replace(record, &(begin..end), b"", out);
}

fn add_field(record: &[u8], drawn: u64, out: &mut Vec<u8>) -> Option<Damage> {
    let open = record.trim_ascii_end().strip_suffix(b"}")?;
    if open.trim_ascii_start().first() != Some(&b'{') {
        return None;
    }
    out.extend_from_slice(open);
    if open.trim_ascii() != b"{" {
        out.push(b',');
    }
    let name = format!("unexpected_{:04x}", drawn >> 48);
    let begin = out.len() + 1;
    out.extend_from_slice(format!("\"{name}\":{}", drawn % 1_000).as_bytes());
    out.extend_from_slice(&record[open.len()..]);
    Some(Damage::Field(Kind::ExtraField, begin..begin + name.len()))
}
