//! One step of a record: text, and what is written or done after it.

use wellhead_sdk::Key;

use crate::number::How;
use crate::people::Kind;

/// So many bytes can be read from where any text begins: a copy of that length is the fastest.
pub(crate) const PADDING: usize = 32;

/// The length of what isn't copied so.
pub(crate) const LONG: u32 = u32::MAX;

/// Text in the program's pool.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Piece {
    pub from: u32,
    pub to: u32,
}

impl Piece {
    pub fn len(self) -> usize {
        (self.to - self.from) as usize
    }
}

/// One step: text, and the value after it.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    /// The text before it, where that is short: it is copied whole, whatever its length.
    pub short: [u8; PADDING],
    pub text: Piece,
    /// How long it is; [`LONG`] where it isn't short.
    pub length: u32,
    /// What the value is drawn from.
    pub key: Key,
    pub what: What,
}

/// What a step writes or does. Numbers are places in the program's tables.
#[derive(Clone, Copy, Debug)]
#[repr(u8)]
pub(crate) enum What {
    /// The record ends.
    End,
    /// Text alone.
    Nothing,
    Whole(How),
    /// A number that is never negative, below 2³².
    Natural(How),
    /// One of the numbers alike from the first on, and none above 255.
    Small(u8, u32),
    /// The same with two decimals.
    Cents(How),
    /// A number with so many decimals.
    Decimal(How, u8),
    /// `from` and `step`, the latter times the record's number, or the element's place; and by which of
    /// the counters it is written.
    Sequence(i64, i64, u32),
    /// What is added to a permutation's number.
    Unique(u32, i64),
    Bool(u64),
    Uuid,
    /// One of the texts from `first` on, by a table of weights.
    Choice {
        weights: u32,
        first: u32,
    },
    /// One of so many texts, each alike.
    Even {
        first: u32,
        count: u32,
    },
    Pattern(u32),
    Time {
        form: Form,
        clock: u32,
        skew: u64,
    },
    Person(u32, Kind),
    Address,
    /// A field of one of the first records of another template.
    Elsewhere(u32),
    /// `null` with this share of 2³², going on at another step.
    Null {
        share: u64,
        past: u32,
    },
    /// An array of `min` to `min + span - 1` elements; the step after its last is `past`.
    Array {
        min: u32,
        span: u32,
        past: u32,
    },
    /// The end of an array's element; the next begins at that step.
    Next(u32),
    /// Values that others read are computed in an array's element: those from one to another of the
    /// list.
    Lets(u32, u32),
    /// A value that depends on other fields.
    Value(u32),
    /// The same where it is known and isn't null: a number with so many decimals, a boolean, a text.
    Known(u32, u8),
    /// The same of a block of records, and with two decimals, and of what is 0 to 255.
    Shown(u32, u8),
    ShownCents(u32),
    ShownSmall(u32),
    KnownBool(u32),
    KnownText(u32),
    /// The same without quotes, and what the record has already.
    Part(u32),
    Again(u32),
    /// A text that another step draws, and others take in further on.
    Noted {
        text: u32,
        drawing: u32,
    },
    /// Goes on at one of two steps, by a boolean.
    If {
        number: u32,
        yes: u32,
        no: u32,
    },
    /// Goes on at one of several steps, as a switch says.
    Switch(u32),
    Jump(u32),
    /// The key's text begins, and ends.
    KeyFrom,
    KeyTo,
}

impl Step {
    pub fn new(text: &[u8], piece: Piece, key: Key, what: What) -> Step {
        let mut short = [0; PADDING];
        short
            .iter_mut()
            .zip(text)
            .for_each(|(to, from)| *to = *from);
        Step {
            short,
            text: piece,
            length: match piece.len() {
                short @ 0..=PADDING => short as u32,
                _ => LONG,
            },
            key,
            what,
        }
    }
}

impl What {
    /// The steps that it may go on at, but those of a switch.
    pub fn targets(&mut self, mut each: impl FnMut(&mut u32)) {
        match self {
            What::Null { past: to, .. }
            | What::Array { past: to, .. }
            | What::Next(to)
            | What::Jump(to) => each(to),
            What::If { yes, no, .. } => {
                each(yes);
                each(no);
            }
            _ => {}
        }
    }
}

/// How an instant is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Rfc3339,
    UnixMs,
    UnixS,
    Date,
}
