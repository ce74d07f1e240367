//! `Tick`: the instant of a record.

use std::sync::OnceLock;

use crate::js::{Thrown, Value};
use crate::native::Class;
use crate::outside::put;
use wellhead_sdk::{Clock, Writer};

/// Event time, and the text of its second once that was asked for.
pub(crate) struct Instant {
    pub(crate) time: u64,
    clock: Clock,
    text: Vec<u8>,
}

static TICKS: OnceLock<Class<Instant>> = OnceLock::new();

/// Gives `to` the class.
pub(crate) fn lay_out(to: &Value) {
    let (class, constructor) = Class::new(c"Tick", |_, _| Ok(tick()));
    class.getter(c"time", |tick, _| Ok(Value::big(of(tick)?.time)));
    class.getter(c"millis", |tick, _| {
        Ok(Value::number((of(tick)?.time / 1_000_000) as f64))
    });
    class.getter(c"seconds", |tick, _| {
        Ok(Value::number((of(tick)?.time / 1_000_000_000) as f64))
    });
    class.getter(c"nanos", |tick, _| {
        Ok(Value::integer((of(tick)?.time % 1_000_000_000) as u32))
    });
    class.getter(c"text", |tick, _| Ok(of(tick)?.text()));
    put(to, c"Tick", constructor);
    let _ = TICKS.set(class);
}

/// A tick that is still to be set.
pub(crate) fn tick() -> Value {
    let instant = Instant {
        time: 0,
        clock: Clock::new(),
        text: Vec::new(),
    };
    let tick = TICKS
        .get()
        .map_or(Value::UNDEFINED, |class| class.object(instant));
    put(&tick, c"index", Value::integer(0));
    tick
}

#[inline(always)]
pub(crate) fn of(value: &Value) -> Result<&mut Instant, Thrown> {
    let instant = TICKS.get().and_then(|class| class.of(value));
    instant.ok_or_else(|| Thrown::type_error("not called on a Tick"))
}

impl Instant {
    /// The instant in UTC with microseconds.
    fn text(&mut self) -> Value {
        self.text.clear();
        let mut writer = Writer::new(&mut self.text);
        writer.time(self.clock.at(self.time));
        writer.finish();
        Value::text(std::str::from_utf8(&self.text).unwrap_or_default())
    }
}
