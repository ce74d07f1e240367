//! What a step of the record draws, as a value: the same as it writes.

use wellhead_sdk::{Put, Tick, Uuid, Writer, below};

use super::Span;
use super::arithmetic::TENS;
use crate::number;
use crate::people::Kind;
use crate::program::{Form, Program, Scope, Scratch, What, put_address, put_time};

const MS: u64 = 1_000_000;

impl Program {
    /// A number, or a boolean as 0 or 1.
    #[inline(always)]
    pub(super) fn drawn(&self, step: u32, tick: Tick, scope: Scope) -> f64 {
        let step = &self.steps[step as usize];
        let random = || step.key.hash(scope.address);
        match step.what {
            What::Whole(how) | What::Natural(how) => self.numbers.draw(how, random()) as f64,
            What::Small(low, span) => {
                f64::from(low) + f64::from(below((random() >> 32) as u32, span))
            }
            What::Cents(how) => self.numbers.draw(how, random()) as f64 / 100.0,
            What::Decimal(how, digits) => {
                self.numbers.draw(how, random()) as f64 / TENS[usize::from(digits)]
            }
            What::Sequence(from, by, _) => {
                from.wrapping_add(by.wrapping_mul(scope.count as i64)) as f64
            }
            What::Unique(which, low) => {
                let place = self.permutations[which as usize].at(scope.count);
                low.wrapping_add(place as i64) as f64
            }
            What::Bool(share) => f64::from(u8::from(random() >> 32 < share)),
            What::Time { form, skew, .. } => {
                let time = number::skewed(tick.time, skew, random());
                let unit = if form == Form::UnixMs { MS } else { 1000 * MS };
                (time / unit) as f64
            }
            What::Person(source, Kind::Number) => {
                self.people[source as usize].user(scope.address) as f64
            }
            What::Elsewhere(which) => self.elsewhere(which, random()) as f64,
            What::Choice { .. } | What::Even { .. } => {
                self.values.chosen[self.chosen(step.what, random())]
            }
            _ => f64::NAN,
        }
    }

    /// Which of the program's texts is chosen.
    #[inline(always)]
    pub(super) fn chosen(&self, what: What, random: u64) -> usize {
        match what {
            What::Choice { weights, first } => {
                first as usize + self.weights[weights as usize].draw(random)
            }
            What::Even { first, count } => (first + below((random >> 32) as u32, count)) as usize,
            _ => 0,
        }
    }

    /// A text, written behind those that there are.
    pub(super) fn drawn_text(
        &self,
        step: u32,
        scratch: &mut Scratch,
        tick: Tick,
        scope: Scope,
    ) -> Span {
        let mut text = std::mem::take(&mut scratch.registers.text);
        let from = text.len();
        let mut writer = Writer::new(&mut text);
        self.put_text(step, scratch, tick, scope, &mut writer);
        writer.finish();
        let (to, first) = (text.len(), text.get(from).copied());
        scratch.registers.text = text;
        match first {
            Some(b'"') => Span::new(from + 1, to - 1),
            _ => Span::NULL,
        }
    }

    /// Writes a text with its quotes, or null.
    #[inline(never)]
    pub(crate) fn put_text(
        &self,
        step: u32,
        scratch: &mut Scratch,
        tick: Tick,
        scope: Scope,
        w: &mut Writer<'_>,
    ) {
        let step = &self.steps[step as usize];
        let random = || step.key.hash(scope.address);
        match step.what {
            What::Pattern(which) => {
                self.patterns[which as usize].put(step.key.at(scope.address), w);
            }
            What::Uuid => Uuid(random(), step.key.at(scope.address).next()).put(w),
            What::Choice { .. } | What::Even { .. } => {
                let text = self.texts[self.chosen(step.what, random())];
                w.bytes(&self.pool[text.from as usize..text.to as usize]);
            }
            What::Time { form, clock, skew } => {
                let time = number::skewed(tick.time, skew, random());
                put_time(form, time, &mut scratch.clocks[clock as usize], w);
            }
            What::Person(source, kind) => self.people[source as usize].put(kind, scope.address, w),
            What::Address => put_address(random(), w),
            _ => {}
        }
    }

    /// Whether a step draws null.
    #[inline(always)]
    pub(super) fn draws_null(&self, step: u32, scope: Scope) -> bool {
        let step = &self.steps[step as usize];
        match step.what {
            What::Null { share, .. } => step.key.hash(scope.address) >> 32 < share,
            _ => false,
        }
    }
}
