//! What a record is made of: a flat list of steps, each with the text before it.
//!
//! Made once at `open`, and gone through for each record. Nothing is parsed or allocated there: a
//! step copies its text, draws from its own key at the record's index, and writes a value.

use std::ops::Range;

use wellhead_sdk::bounded::{Bounded, Digits};
use wellhead_sdk::dist::Weighted;
use wellhead_sdk::{Clock, Date, Key, Put, Rng, Tick, Uuid, Writer, lit};

use crate::number::{self, Counter, Numbers};
use crate::pattern::Pattern;
use crate::people::Source;
pub(crate) use crate::step::{Form, PADDING, Piece, Step, What};
use crate::unique::Permutation;
use crate::values::{Registers, Span, Values};

/// Arrays within arrays.
pub(crate) const LOOPS: usize = 4;

/// What stands for a key where a value can't be computed; the registers say why.
pub(crate) const FAILED: (usize, usize) = (usize::MAX, 0);
/// And where there is no room for the record.
pub(crate) const FULL: (usize, usize) = (usize::MAX, 1);

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
    /// And counters.
    pub counters: u32,
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
    counters: Vec<Counter>,
    loops: [Loop; LOOPS],
    pub registers: Registers,
    /// How far the numbers of a stream's records are apart.
    pub by: u64,
}

impl Scratch {
    pub fn new(program: &Program, by: u64) -> Scratch {
        Scratch {
            clocks: vec![Clock::new(); program.clocks as usize],
            counters: vec![Counter::default(); program.counters as usize],
            loops: [Loop::NONE; LOOPS],
            registers: Registers::new(&program.values),
            by,
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
    /// nowhere when there is none, [`FAILED`] when a value can't be computed, [`FULL`] when there is no
    /// room.
    #[inline(always)]
    pub fn run(
        &self,
        scratch: &mut Scratch,
        tick: Tick,
        number: u64,
        w: &mut Bounded<'_>,
    ) -> (usize, usize) {
        let mut scope = Scope {
            address: tick.index,
            count: number,
        };
        let (mut key, mut depth, mut at) = ((0, 0), 0, 0);
        // What may be long, or isn't inlined.
        macro_rules! aside {
            ($write:expr) => {
                if w.aside($write).is_none() {
                    return FULL;
                }
            };
        }
        if self.values.root.wanted && !self.begin(scratch, tick, scope) {
            return FAILED;
        }
        loop {
            let step = &self.steps[at];
            at += 1;
            let mut length = step.length as usize;
            if length > PADDING {
                aside!(|w| self.long_text(step.text, w));
                length = 0;
            }
            let Some(room) = w.room() else {
                return FULL;
            };
            let v = room.after(&step.short, length);
            let random = || step.key.hash(scope.address);
            match step.what {
                What::End => return key,
                What::Nothing => {}
                What::Whole(how) => v.i64(self.numbers.draw(how, random())),
                What::Natural(how) => v.u32(self.numbers.draw(how, random()) as u32),
                What::Small(low, span) => {
                    let off = wellhead_sdk::below((random() >> 32) as u32, span);
                    v.u8(low.wrapping_add(off as u8));
                }
                What::Cents(how) => v.cents(self.numbers.draw(how, random()) as u32),
                What::Decimal(how, decimals) => {
                    v.decimal(self.numbers.draw(how, random()), decimals);
                }
                What::Known(number, decimals) => {
                    v.decimal(scratch.registers.units(number, decimals), decimals);
                }
                What::Shown(units, decimals) => match scratch.registers.digits(units) {
                    Digits::NONE => v.decimal(scratch.registers.shown(units), decimals),
                    digits => v.digits(digits, decimals),
                },
                What::ShownCents(units) => match scratch.registers.digits(units) {
                    Digits::NONE => v.decimal(scratch.registers.shown(units), 2),
                    digits => v.digits(digits, 2),
                },
                What::ShownSmall(units) => v.u8(scratch.registers.shown(units) as u8),
                What::KnownBool(number) => {
                    v.bool(scratch.registers.get(number) != 0.0);
                }
                What::KnownText(text) => {
                    let bytes = scratch.registers.bytes(text);
                    aside!(|w| put_bytes(bytes, true, w));
                }
                What::Part(text) => match scratch.registers.bytes(text) {
                    short if short.len() <= PADDING => v.bytes(short),
                    long => aside!(|w| put_bytes(long, false, w)),
                },
                What::Again(text) => {
                    let span = scratch.registers.texts[text as usize];
                    let range = span.from as usize..span.to as usize;
                    match range.len() <= PADDING {
                        true => v.again(range),
                        false => aside!(|w| put_again(range, w)),
                    }
                }
                What::Sequence(from, step, counter) => {
                    let number = from.wrapping_add(step.wrapping_mul(scope.count as i64));
                    scratch.counters[counter as usize].put(number, v);
                }
                What::Unique(which, low) => {
                    let place = self.permutations[which as usize].at(scope.count);
                    v.i64(low.wrapping_add(place as i64));
                }
                What::Bool(share) => v.bool(random() >> 32 < share),
                What::Uuid => v.uuid(Uuid(random(), step.key.at(scope.address).next())),
                What::Choice { weights, first } => {
                    let place = self.weights[weights as usize].draw(random());
                    let text = self.texts[first as usize + place];
                    match self.short_text(text) {
                        Some(short) => v.text(short, text.len()),
                        None => aside!(|w| self.long_text(text, w)),
                    }
                }
                What::Even { first, count } => {
                    let place = wellhead_sdk::below((random() >> 32) as u32, count);
                    let text = self.texts[(first + place) as usize];
                    match self.short_text(text) {
                        Some(short) => v.text(short, text.len()),
                        None => aside!(|w| self.long_text(text, w)),
                    }
                }
                What::Pattern(which) => {
                    let pattern = &self.patterns[which as usize];
                    aside!(|w| pattern.put(step.key.at(scope.address), w));
                }
                What::Time { form, clock, skew } => {
                    let time = number::skewed(tick.time, skew, random());
                    let clock = &mut scratch.clocks[clock as usize];
                    match form {
                        Form::Rfc3339 => v.time(clock.at(time)),
                        _ => aside!(|w| put_time(form, time, clock, w)),
                    }
                }
                What::Person(source, kind) => {
                    let source = &self.people[source as usize];
                    aside!(|w| source.put(kind, scope.address, w));
                }
                What::Address => aside!(|w| put_address(random(), w)),
                What::Elsewhere(which) => v.i64(self.elsewhere(which, random())),
                What::Null { share, past } => {
                    if random() >> 32 < share {
                        v.null();
                        at = past as usize;
                    }
                }
                What::Array { min, span, past } => {
                    let mut elements = step.key.at(scope.address);
                    let count = min + elements.below(span);
                    if count == 0 {
                        v.byte(b']');
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
                        v.byte(b',');
                        at = first as usize;
                    } else {
                        v.byte(b']');
                        depth -= 1;
                    }
                }
                What::Lets(from, to) => {
                    if !self.lets((from, to), scratch, tick, scope) {
                        return FAILED;
                    }
                }
                What::Value(which) => {
                    let Some((from, to, quoted)) = self.shown(which, scratch, tick, scope) else {
                        return FAILED;
                    };
                    let bytes = &scratch.registers.text[from..to];
                    aside!(|w| put_bytes(bytes, quoted, w));
                }
                What::Noted { text, drawing } => {
                    let from = w.position() + 1;
                    match &self.steps[drawing as usize] {
                        Step {
                            what: What::Pattern(which),
                            key,
                            ..
                        } => {
                            let pattern = &self.patterns[*which as usize];
                            aside!(|w| pattern.put(key.at(scope.address), w));
                        }
                        _ => aside!(|w| self.put_text(drawing, scratch, tick, scope, w)),
                    }
                    scratch.registers.texts[text as usize] = Span::new(from, w.position() - 1);
                }
                What::If { number, yes, no } => {
                    let holds = scratch.registers.get(number) != 0.0;
                    at = if holds { yes } else { no } as usize;
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

    /// Bytes that begin with a text, where it isn't longer.
    #[inline(always)]
    fn short_text(&self, piece: Piece) -> Option<&[u8; PADDING]> {
        let from = self.pool[piece.from as usize..].first_chunk();
        from.filter(|_| piece.len() <= PADDING)
    }

    #[inline(never)]
    fn long_text(&self, piece: Piece, w: &mut Writer<'_>) {
        w.bytes(&self.pool[piece.from as usize..piece.to as usize]);
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

#[inline(never)]
fn put_bytes(bytes: &[u8], quoted: bool, w: &mut Writer<'_>) {
    if quoted {
        w.byte(b'"');
    }
    w.bytes(bytes);
    if quoted {
        w.byte(b'"');
    }
}

#[inline(never)]
fn put_again(range: Range<usize>, w: &mut Writer<'_>) {
    w.again(range);
}

#[inline(never)]
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
#[inline(never)]
pub(crate) fn put_address(random: u64, w: &mut Writer<'_>) {
    lit!(w, "\"10.");
    w.u8(random as u8);
    w.byte(b'.');
    w.u8((random >> 8) as u8);
    w.byte(b'.');
    w.u8((random >> 16) as u8);
    w.byte(b'"');
}
