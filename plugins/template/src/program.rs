//! What a record is made of: a flat list of steps, each with the text before it.
//!
//! Made once at `open`, and gone through for each record. Nothing is parsed or allocated there: a
//! step copies its text, draws from its own key at the record's index, and writes a value.

use wellhead_sdk::dist::Weighted;
use wellhead_sdk::{Clock, Date, Key, Put, Rng, Tick, Uuid, Writer, lit};

use crate::number::{self, How, Numbers};
use crate::pattern::Pattern;
use crate::people::{Kind, Source};
use crate::unique::Permutation;
use crate::values::{Registers, Values};

/// Arrays within arrays.
pub(crate) const LOOPS: usize = 4;

/// So many bytes can be read from where any text begins: a copy of that length is the fastest.
pub(crate) const PADDING: usize = 32;

/// What stands for a key where a value can't be computed; the registers say why.
pub(crate) const FAILED: (usize, usize) = (usize::MAX, 0);

/// Text in the program's pool.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Piece {
    pub from: u32,
    pub to: u32,
}

/// One step: text, and the value after it.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    /// The text before it, where that is short: it is copied whole, whatever its length.
    pub short: [u8; PADDING],
    pub text: Piece,
    /// What the value is drawn from.
    pub key: Key,
    pub what: What,
}

/// What a step writes or does. Numbers are places in the program's tables.
#[derive(Clone, Copy, Debug)]
pub(crate) enum What {
    /// The record ends.
    End,
    /// Text alone.
    Nothing,
    Whole(How),
    /// A number that is never negative, below 2³².
    Natural(How),
    /// The same with two decimals.
    Cents(How),
    /// A number with so many decimals.
    Decimal(How, u8),
    /// `from` and `step`: the latter times the record's number, or the element's place.
    Sequence(i64, i64),
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
    /// Values that others read are computed: units from one to another of the list.
    Lets(u32, u32),
    /// A value that depends on other fields.
    Value(u32),
    /// The same where it is known and isn't null: a number with so many decimals, a boolean, a text.
    Known(u32, u8),
    KnownBool(u32),
    KnownText(u32),
    /// Goes on at one of several steps, as a switch says.
    Switch(u32),
    Jump(u32),
    /// The key's text begins, and ends.
    KeyFrom,
    KeyTo,
}

/// How an instant is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Rfc3339,
    UnixMs,
    UnixS,
    Date,
}

/// A field of another template's records: `from` and `step` times the record's number, or where that
/// goes in a permutation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Elsewhere {
    pub count: u64,
    pub from: i64,
    pub step: i64,
    pub permutation: Option<u32>,
}

/// The steps of a record and what they refer to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Program {
    pub steps: Vec<Step>,
    /// All text there is, one after another, and [`PADDING`] bytes that are none.
    pub pool: Vec<u8>,
    pub numbers: Numbers,
    pub weights: Vec<Weighted>,
    pub texts: Vec<Piece>,
    pub patterns: Vec<Pattern>,
    pub people: Vec<Source>,
    pub permutations: Vec<Permutation>,
    pub elsewhere: Vec<Elsewhere>,
    /// How many clocks the steps need.
    pub clocks: u32,
    /// What depends on other fields.
    pub values: Values,
}

/// An array that is being written.
#[derive(Clone, Copy, Debug)]
struct Loop {
    /// Elements that are still to come, and the one at hand.
    left: u32,
    /// Where each element's draws come from.
    elements: Rng,
    outer: Scope,
}

/// What draws are addressed by, and what sequences count: a record, or an element of an array.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Scope {
    pub address: u64,
    pub count: u64,
}

/// What a stream keeps between records, none of which a record's bytes depend on.
#[derive(Clone, Debug)]
pub(crate) struct Scratch {
    pub clocks: Vec<Clock>,
    loops: [Loop; LOOPS],
    pub registers: Registers,
}

impl Scratch {
    pub fn new(program: &Program) -> Scratch {
        Scratch {
            clocks: vec![Clock::new(); program.clocks as usize],
            loops: [Loop::NONE; LOOPS],
            registers: Registers::new(&program.values),
        }
    }
}

impl Scratch {
    /// Begins an array of `count` elements, 1 at least. Gives the first one's scope.
    #[inline(always)]
    fn begin(&mut self, depth: usize, count: u32, elements: Rng, outer: Scope) -> Scope {
        self.loops[depth] = Loop {
            left: count + 1,
            elements,
            outer,
        };
        let before = Scope {
            address: 0,
            count: u64::MAX,
        };
        self.next(depth, before).1
    }

    /// After an element: whether there is another, and its scope, or that around the array.
    #[inline(always)]
    fn next(&mut self, depth: usize, scope: Scope) -> (bool, Scope) {
        let inner = &mut self.loops[depth];
        inner.left = inner.left.saturating_sub(1);
        if inner.left == 0 {
            return (false, inner.outer);
        }
        let count = scope.count.wrapping_add(1);
        let address = inner.elements.next();
        (true, Scope { address, count })
    }
}

impl Program {
    /// Writes a record, which is number `number` of all streams. Says where the key's text is;
    /// nowhere when there is none, [`FAILED`] when a value can't be computed.
    #[inline(always)]
    pub fn run(
        &self,
        scratch: &mut Scratch,
        tick: Tick,
        number: u64,
        w: &mut Writer<'_>,
    ) -> (usize, usize) {
        let mut scope = Scope {
            address: tick.index,
            count: number,
        };
        let (mut key, mut depth, mut at) = ((0, 0), 0, 0);
        loop {
            let step = &self.steps[at];
            at += 1;
            let length = (step.text.to - step.text.from) as usize;
            match length {
                0..=PADDING => w.prefix(&step.short, length),
                _ => self.text(step.text, w),
            }
            let random = || step.key.hash(scope.address);
            match step.what {
                What::End => return key,
                What::Nothing => {}
                What::Whole(how) => w.i64(self.numbers.draw(how, random())),
                What::Natural(how) => w.u32(self.numbers.draw(how, random()) as u32),
                What::Cents(how) => w.cents(self.numbers.draw(how, random()) as u32),
                What::Decimal(..) | What::Known(..) => {
                    // One place for both: writing decimals is much code.
                    let (units, decimals) = match step.what {
                        What::Decimal(how, decimals) => {
                            (self.numbers.draw(how, random()), decimals)
                        }
                        What::Known(number, decimals) => {
                            (scratch.registers.units(number, decimals), decimals)
                        }
                        _ => (0, 0),
                    };
                    number::decimal(w, units, decimals);
                }
                What::KnownBool(number) => (scratch.registers.get(number) != 0.0).put(w),
                What::KnownText(text) => {
                    w.byte(b'"');
                    w.bytes(scratch.registers.bytes(text));
                    w.byte(b'"');
                }
                What::Sequence(from, step) => {
                    w.i64(from.wrapping_add(step.wrapping_mul(scope.count as i64)));
                }
                What::Unique(which, low) => {
                    let place = self.permutations[which as usize].at(scope.count);
                    w.i64(low.wrapping_add(place as i64));
                }
                What::Bool(share) => (random() >> 32 < share).put(w),
                What::Uuid => Uuid(random(), step.key.at(scope.address).next()).put(w),
                What::Choice { weights, first } => {
                    let place = self.weights[weights as usize].draw(random());
                    self.text(self.texts[first as usize + place], w);
                }
                What::Even { first, count } => {
                    let place = wellhead_sdk::below((random() >> 32) as u32, count);
                    self.text(self.texts[(first + place) as usize], w);
                }
                What::Pattern(which) => {
                    self.patterns[which as usize].put(step.key.at(scope.address), w);
                }
                What::Time { form, clock, skew } => {
                    let time = number::skewed(tick.time, skew, random());
                    put_time(form, time, &mut scratch.clocks[clock as usize], w);
                }
                What::Person(source, kind) => {
                    self.people[source as usize].put(kind, scope.address, w);
                }
                What::Address => put_address(random(), w),
                What::Elsewhere(which) => w.i64(self.elsewhere(which, random())),
                What::Null { share, past } => {
                    if random() >> 32 < share {
                        lit!(w, "null");
                        at = past as usize;
                    }
                }
                What::Array { min, span, past } => {
                    let mut elements = step.key.at(scope.address);
                    let count = min + elements.below(span);
                    if count == 0 {
                        w.byte(b']');
                        at = past as usize;
                    } else {
                        scope = scratch.begin(depth, count, elements, scope);
                        depth += 1;
                    }
                }
                What::Next(first) => {
                    let (more, next) = scratch.next(depth - 1, scope);
                    scope = next;
                    if more {
                        w.byte(b',');
                        at = first as usize;
                    } else {
                        w.byte(b']');
                        depth -= 1;
                    }
                }
                What::Lets(from, to) => {
                    if depth == 0 {
                        scratch.registers.begin();
                    }
                    if !self.lets((from, to), scratch, tick, scope) {
                        return FAILED;
                    }
                }
                What::Value(which) => {
                    let Some((from, to, quoted)) = self.shown(which, scratch, tick, scope) else {
                        return FAILED;
                    };
                    if quoted {
                        w.byte(b'"');
                    }
                    w.bytes(&scratch.registers.text[from..to]);
                    if quoted {
                        w.byte(b'"');
                    }
                }
                What::Switch(which) => at = self.branch(which, scratch),
                What::Jump(to) => at = to as usize,
                What::KeyFrom => key.0 = w.position(),
                What::KeyTo => key.1 = w.position(),
            }
        }
    }

    /// A field of another template's record, which a draw chooses.
    #[inline(never)]
    pub(crate) fn elsewhere(&self, which: u32, random: u64) -> i64 {
        let field = self.elsewhere[which as usize];
        let mut number = number::below_wide(random, field.count);
        if let Some(permutation) = field.permutation {
            number = self.permutations[permutation as usize].at(number);
        }
        let off = field.step.wrapping_mul(number as i64);
        field.from.wrapping_add(off)
    }

    #[inline(always)]
    fn text(&self, piece: Piece, w: &mut Writer<'_>) {
        let from = &self.pool[piece.from as usize..];
        w.prefix(from, (piece.to - piece.from) as usize);
    }
}

impl Loop {
    const NONE: Loop = Loop {
        left: 0,
        elements: Key::shared(0, "").at(0),
        outer: Scope {
            address: 0,
            count: 0,
        },
    };
}

#[inline(always)]
pub(crate) fn put_time(form: Form, time: u64, clock: &mut Clock, w: &mut Writer<'_>) {
    const MS: u64 = 1_000_000;
    match form {
        Form::Rfc3339 => clock.at(time).put(w),
        Form::UnixMs => w.u64(time / MS),
        Form::UnixS => w.u64(time / (1000 * MS)),
        Form::Date => Date((time / (86_400_000 * MS)) as i32).put(w),
    }
}

/// An address of the networks that are set aside for private use, 10.0.0.0/8.
#[inline(always)]
pub(crate) fn put_address(random: u64, w: &mut Writer<'_>) {
    lit!(w, "\"10.");
    w.u8(random as u8);
    w.byte(b'.');
    w.u8((random >> 8) as u8);
    w.byte(b'.');
    w.u8((random >> 16) as u8);
    w.byte(b'"');
}
