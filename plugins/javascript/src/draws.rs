//! `Key` and `Rng`: the SDK's randomness, as `plugins/sdk-js/src/rng.js` has it for tests under Node.js.

use std::sync::OnceLock;

use crate::js::{Kind, Thrown, Value};
use crate::native::{Class, function};
use crate::outside::put;
use wellhead_sdk::{Key, Rng, below};

/// The draws of an index, and the last of them.
struct Draws {
    rng: Rng,
    last: u64,
}

static KEYS: OnceLock<Class<Key>> = OnceLock::new();
static DRAWS: OnceLock<Class<Draws>> = OnceLock::new();

/// Gives `to` the two classes.
pub(crate) fn lay_out(to: &Value) {
    keys(to);
    draws(to);
}

fn keys(to: &Value) {
    let (class, constructor) = Class::new(c"Key", |_, _| {
        Err(Thrown::type_error(
            "a Key is made by settings.key(…), Key.stream or Key.shared",
        ))
    });
    class.method(c"at", 2, at);
    class.method(c"hash", 1, |key, values| {
        let key = key_of(key)?;
        Ok(Value::big(key.hash(index(values)?)))
    });
    class.method(c"hash32", 1, |key, values| {
        let key = key_of(key)?;
        Ok(Value::integer((key.hash(index(values)?) >> 32) as u32))
    });
    class.getter(c"value", |key, _| Ok(Value::big(key_of(key)?.value())));
    put(
        &constructor,
        c"stream",
        function(c"stream", 3, |_, values| {
            let stream = values.get(1).and_then(Value::to_u64);
            let stream = stream.and_then(|stream| u32::try_from(stream).ok());
            let Some(stream) = stream else {
                return Err(Thrown::type_error(
                    "a stream's index is a whole number from 0",
                ));
            };
            purpose(values.get(2), |purpose| {
                Ok(made(Key::stream(seed(values)?, stream, purpose)))
            })
        }),
    );
    put(
        &constructor,
        c"shared",
        function(c"shared", 2, |_, values| {
            purpose(values.get(1), |purpose| {
                Ok(made(Key::shared(seed(values)?, purpose)))
            })
        }),
    );
    put(to, c"Key", constructor);
    let _ = KEYS.set(class);
}

fn draws(to: &Value) {
    let (class, constructor) = Class::new(c"Rng", |_, _| {
        Ok(drawing(Draws {
            rng: Key::stream(0, 0, "").at(0),
            last: 0,
        }))
    });
    class.getter(c"high", |draws, _| {
        Ok(Value::integer((draws_of(draws)?.last >> 32) as u32))
    });
    class.getter(c"low", |draws, _| {
        Ok(Value::integer(draws_of(draws)?.last as u32))
    });
    class.method(c"step", 0, |draws, _| {
        draws_of(draws)?.step();
        Ok(Value::UNDEFINED)
    });
    class.method(c"next", 0, |draws, _| {
        Ok(Value::big(draws_of(draws)?.step()))
    });
    for name in [c"next32", c"seed32"] {
        class.method(name, 0, |draws, _| {
            Ok(Value::integer((draws_of(draws)?.step() >> 32) as u32))
        });
    }
    class.method(c"below", 1, |draws, values| {
        let n = whole(values)?;
        Ok(Value::integer(below(
            (draws_of(draws)?.step() >> 32) as u32,
            n,
        )))
    });
    class.method(c"chance", 1, |draws, values| {
        let share = match values.first().map(Value::kind) {
            Some(Kind::Int(share)) => f64::from(share),
            Some(Kind::Float(share)) => share,
            _ => f64::NAN,
        };
        let high = (draws_of(draws)?.step() >> 32) as u32;
        Ok(Value::bool(f64::from(high) < share))
    });
    put(to, c"Rng", constructor);
    let _ = DRAWS.set(class);
}

impl Draws {
    #[inline(always)]
    fn step(&mut self) -> u64 {
        self.last = self.rng.next();
        self.last
    }
}

fn made(key: Key) -> Value {
    KEYS.get()
        .map_or(Value::UNDEFINED, |class| class.object(key))
}

fn drawing(draws: Draws) -> Value {
    DRAWS
        .get()
        .map_or(Value::UNDEFINED, |class| class.object(draws))
}

#[inline(always)]
fn key_of(value: &Value) -> Result<&mut Key, Thrown> {
    let key = KEYS.get().and_then(|class| class.of(value));
    key.ok_or_else(|| Thrown::type_error("not called on a Key"))
}

#[inline(always)]
fn draws_of(value: &Value) -> Result<&mut Draws, Thrown> {
    let draws = DRAWS.get().and_then(|class| class.of(value));
    draws.ok_or_else(|| Thrown::type_error("not called on an Rng"))
}

/// `key.at(i, rng)`: an `rng` of an earlier call is used again.
fn at(key: &Value, values: &[Value]) -> Result<Value, Thrown> {
    let rng = key_of(key)?.at(index(values)?);
    let Some(again) = values.get(1).filter(|again| !again.is_undefined()) else {
        return Ok(drawing(Draws { rng, last: 0 }));
    };
    let draws = draws_of(again)?;
    draws.rng = rng;
    draws.last = 0;
    Ok(again.clone())
}

#[inline(always)]
fn index(values: &[Value]) -> Result<u64, Thrown> {
    if let Some(Kind::Int(index)) = values.first().map(Value::kind) {
        return Ok(i64::from(index) as u64);
    }
    values
        .first()
        .and_then(Value::to_u64)
        .ok_or_else(|| Thrown::range_error("an index is a whole number below 2^53, or a BigInt"))
}

fn seed(values: &[Value]) -> Result<u64, Thrown> {
    let seed = values.first().and_then(Value::to_u64);
    seed.ok_or_else(|| Thrown::type_error("a seed is a BigInt, or a whole number"))
}

fn purpose(
    value: Option<&Value>,
    then: impl FnOnce(&str) -> Result<Value, Thrown>,
) -> Result<Value, Thrown> {
    match value {
        Some(value) if value.kind() == Kind::Text => then(&value.to_owned_text()?),
        _ => Err(Thrown::type_error(
            "a key's purpose is a string, such as \"moves\"",
        )),
    }
}

#[inline(always)]
fn whole(values: &[Value]) -> Result<u32, Thrown> {
    let number = match values.first().map(Value::kind) {
        Some(Kind::Int(n @ 0..)) => return Ok(n as u32),
        Some(Kind::Float(n)) if n.trunc() == n && (0.0..=4_294_967_295.0).contains(&n) => {
            return Ok(n as u32);
        }
        _ => values.first().map(Value::to_owned_text).transpose()?,
    };
    let number = number.as_deref().unwrap_or("undefined");
    Err(Thrown::range_error(&format!(
        "below({number}): it takes a whole number from 0 to 4294967295"
    )))
}
