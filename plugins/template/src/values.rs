//! Values that depend on other fields: a flat program over registers, made once at `open`.
//!
//! A register is a number (`f64`; booleans are 0 and 1, null is NaN) or a text (a span of the
//! registers' own bytes, as JSON has them, without quotes). Fields that others read are computed
//! at the record's beginning, or an array element's; nothing is allocated once the bytes have
//! grown to a record's length. Numbers go through the basic operations of IEEE 754 and libm alone.
//! Those that follow from a record's number alone are computed for a block of records at once
//! ([`columns`]).

mod arithmetic;
mod columns;
mod draw;
mod machine;
mod registers;
mod run;

pub(crate) use arithmetic::{Arith, TENS, Unary};
pub(crate) use machine::{Machine, Stay};
pub(crate) use registers::Registers;

/// A text: from where to where. Null ends before it begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub from: u32,
    pub to: u32,
}

impl Span {
    pub const NULL: Span = Span { from: 1, to: 0 };

    pub fn new(from: usize, to: usize) -> Span {
        Span {
            from: from as u32,
            to: to as u32,
        }
    }

    pub fn is_null(self) -> bool {
        self.from > self.to
    }
}

/// Where a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Register {
    Number(u32),
    Text(u32),
}

/// One operation. `a` and `b` are registers, `dst` is the one that is set, `to` is an operation
/// further on.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Op {
    /// What a step of the record draws.
    Draw {
        step: u32,
        dst: u32,
    },
    DrawText {
        step: u32,
        dst: u32,
    },
    /// Goes on elsewhere where a step draws null.
    NullIf {
        step: u32,
        to: u32,
    },
    /// Computes another unit.
    Run {
        unit: u32,
    },
    /// The state of a machine, of an entity or of its own.
    State {
        machine: u32,
        by: Option<Register>,
        dst: u32,
    },
    /// What all elements of an array are together.
    Total {
        total: u32,
    },
    /// Goes on where a switch says: one of the targets from `table` on.
    Switch {
        switch: u32,
        table: u32,
    },
    Copy {
        a: u32,
        dst: u32,
    },
    CopyText {
        a: u32,
        dst: u32,
    },
    Null {
        dst: u32,
    },
    NullText {
        dst: u32,
    },
    Add {
        a: u32,
        b: u32,
        dst: u32,
    },
    Sub {
        a: u32,
        b: u32,
        dst: u32,
    },
    Mul {
        a: u32,
        b: u32,
        dst: u32,
    },
    Div {
        a: u32,
        b: u32,
        dst: u32,
    },
    Less {
        a: u32,
        b: u32,
        dst: u32,
    },
    Two {
        what: Arith,
        a: u32,
        b: u32,
        dst: u32,
    },
    One {
        what: Unary,
        a: u32,
        dst: u32,
    },
    /// To so many decimals.
    Round {
        a: u32,
        digits: u8,
        dst: u32,
    },
    /// Fails beyond what has so many decimals exactly.
    Check {
        a: u32,
        digits: u8,
    },
    /// Whether two texts are the same, or aren't.
    SameText {
        a: u32,
        b: u32,
        same: bool,
        dst: u32,
    },
    Concat {
        a: u32,
        b: u32,
        dst: u32,
    },
    /// A number as text.
    Digits {
        a: u32,
        digits: u8,
        dst: u32,
    },
    Upper {
        a: u32,
        dst: u32,
    },
    Lower {
        a: u32,
        dst: u32,
    },
    Length {
        a: u32,
        dst: u32,
    },
    /// The record's number among those of all streams; in an array, the element's place.
    Index {
        dst: u32,
    },
    /// Event time in milliseconds.
    Time {
        dst: u32,
    },
    Jump {
        to: u32,
    },
    /// Goes on elsewhere where a boolean is false.
    Unless {
        a: u32,
        to: u32,
    },
    IfNull {
        a: u32,
        to: u32,
    },
    IfNullText {
        a: u32,
        to: u32,
    },
}

/// Why a value can't be computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    Zero,
    Beyond,
    Root,
    Logarithm,
}

/// A failure, and of which operation. The record's number is added by whoever asked for it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Failed {
    pub op: u32,
    pub why: Failure,
}

/// Operations that are gone through at once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Run {
    pub from: u32,
    pub to: u32,
    /// Where it goes on after a failure, if anywhere.
    pub otherwise: Option<u32>,
}

/// Operations that compute one value.
#[derive(Clone, Debug)]
pub(crate) struct Unit {
    pub run: Run,
    pub value: Register,
    /// For messages: where it stands, and its text.
    pub place: String,
    pub source: String,
}

/// How the value of a unit is written.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Form {
    Number(u8),
    Bool,
    Text,
}

/// A value that is written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shown {
    pub unit: u32,
    /// Whether it was computed at the beginning.
    pub known: bool,
    pub form: Form,
}

/// Which of several branches is gone to: that of the key which a register holds.
#[derive(Clone, Debug)]
pub(crate) struct Switch {
    pub by: Register,
    pub numbers: Vec<f64>,
    pub texts: Vec<Vec<u8>>,
    /// Steps of the record: one for each key, and that of all other values.
    pub steps: Vec<u32>,
}

/// How many elements an array has, or the sum of what is in a register after the runs `from` to `to`
/// of the list, for each of them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Total {
    pub array: u32,
    pub from: u32,
    pub to: u32,
    pub of: Option<u32>,
    pub dst: u32,
}

/// A number that the record shows in units of its last decimal.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Units {
    pub number: u32,
    pub decimals: u8,
    /// Whether its digits are wanted.
    pub digits: bool,
}

/// What is computed at a record's beginning.
#[derive(Clone, Debug, Default)]
pub(crate) struct Root {
    /// Whether there is anything.
    pub wanted: bool,
    /// What follows from the record's number alone, and so is computed for several at once.
    pub columns: Vec<Run>,
    /// Which numbers of these the record shows.
    pub units: Vec<Units>,
    /// The rest: runs from one to another of the list.
    pub rest: (u32, u32),
    /// All of it, in the order in which failures are found.
    pub all: (u32, u32),
}

/// All of it. Registers begin with what is constant.
#[derive(Clone, Debug, Default)]
pub(crate) struct Values {
    pub ops: Vec<Op>,
    pub units: Vec<Unit>,
    /// What a failing operation is called in the source: operation, and where its text is.
    pub spans: Vec<(u32, u32, u32)>,
    /// What is computed at the beginning of a record or an element, scope after scope.
    pub lets: Vec<Run>,
    pub root: Root,
    pub shown: Vec<Shown>,
    pub switches: Vec<Switch>,
    pub totals: Vec<Total>,
    pub machines: Vec<Machine>,
    pub targets: Vec<u32>,
    pub numbers: Vec<f64>,
    pub texts: Vec<Span>,
    pub text: Vec<u8>,
    /// The numbers that the program's texts are, where a choice among them is read.
    pub chosen: Vec<f64>,
}

impl Values {
    /// What a failure was, and what to write instead.
    pub fn explain(&self, failed: Failed) -> String {
        let holds = |unit: &&Unit| (unit.run.from..unit.run.to).contains(&failed.op);
        let Some(unit) = self.units.iter().find(holds) else {
            return "a value can't be computed".to_owned();
        };
        let span = self.spans.iter().find(|(op, _, _)| *op == failed.op);
        let part = span
            .and_then(|(_, from, to)| unit.source.get(*from as usize..*to as usize))
            .unwrap_or(&unit.source);
        let (what, instead) = match failed.why {
            Failure::Zero => (
                "divides by zero",
                "a condition, such as if(x == 0, 0, y / x)",
            ),
            Failure::Beyond => (
                "is beyond what has all of its digits, 2^53 with its decimals",
                "a smaller range, or fewer `decimals`",
            ),
            Failure::Root => ("is the root of a negative number", "max(0, x) inside"),
            Failure::Logarithm => (
                "is the logarithm of a number that isn't above 0",
                "max(1, x) inside",
            ),
        };
        format!(
            "`{}`: `{part}` {what}; write {instead}, or what to give instead: {{$expr: {{of: …, else: \
             0}}}}",
            unit.place
        )
    }
}
