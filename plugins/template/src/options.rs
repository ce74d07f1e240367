//! Reading an operator's options. Every error names the place and says what to write instead.

use serde_json::{Map, Value};
use wellhead_sdk::Error;

/// Up to here every whole number has a double of its own, so that every reader keeps it.
pub(crate) const EXACT: i64 = 9_007_199_254_740_992;

/// An error about a place in the configuration.
pub(crate) fn wrong(place: &str, why: impl AsRef<str>) -> Error {
    Error::invalid_config(format!("`{place}`: {}", why.as_ref()))
}

/// How a sentence about an unknown word ends: with the known one that may be meant, if any is near.
pub(crate) fn nearest<'a>(wanted: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let near = |name: &&str| strsim::damerau_levenshtein(wanted, name);
    match known.into_iter().min_by_key(near) {
        Some(name) if near(&name) <= 1 + wanted.len() / 3 => format!("; did you mean `{name}`?"),
        _ => ".".to_owned(),
    }
}

/// `a`, `b`, `c`, for messages.
pub(crate) fn listed(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}

/// The options of one operator.
pub(crate) struct Options<'a> {
    /// Where the operator is: `record.customer.age.$int`.
    pub place: &'a str,
    given: Option<&'a Map<String, Value>>,
}

impl<'a> Options<'a> {
    /// The options, all of which have to be among those known. None at all where `value` is null.
    pub fn new(place: &'a str, value: &'a Value, known: &[&str]) -> Result<Options<'a>, Error> {
        let given = match value {
            Value::Null => None,
            Value::Object(given) => Some(given),
            other => {
                return Err(wrong(
                    place,
                    format!(
                        "{other} isn't a map of options; write {{{}: …}}",
                        known.join(": …, ")
                    ),
                ));
            }
        };
        let unknown = |name: &&String| !known.contains(&name.as_str());
        match given.and_then(|given| given.keys().find(unknown)) {
            None => Ok(Options { place, given }),
            Some(name) => {
                let near = nearest(name, known.iter().copied());
                let why = format!(
                    "no option is called `{name}`{near} It has {}",
                    listed(known)
                );
                Err(wrong(place, why))
            }
        }
    }

    /// What an option is set to; null is as if it weren't there.
    pub fn get(&self, name: &str) -> Option<&'a Value> {
        self.given?.get(name).filter(|value| !value.is_null())
    }

    /// What an option is set to, also to null.
    pub fn given(&self, name: &str) -> Option<&'a Value> {
        self.given?.get(name)
    }

    /// An option that has to be there.
    pub fn needed<T>(&self, name: &str, value: Option<T>) -> Result<T, Error> {
        value.ok_or_else(|| wrong(self.place, format!("`{name}` is missing; write it")))
    }

    /// A whole number, small enough for every reader.
    pub fn whole(&self, name: &str) -> Result<Option<i64>, Error> {
        let Some(value) = self.get(name) else {
            return Ok(None);
        };
        match value.as_i64() {
            Some(whole) if (-EXACT..=EXACT).contains(&whole) => Ok(Some(whole)),
            _ => Err(wrong(
                self.place,
                format!(
                    "`{name}` is {value}, and has to be a whole number from -{EXACT} to {EXACT}"
                ),
            )),
        }
    }

    /// A count between two bounds.
    pub fn count(&self, name: &str, least: i64, most: i64) -> Result<Option<u32>, Error> {
        match self.whole(name)? {
            None => Ok(None),
            Some(count) if (least..=most).contains(&count) => Ok(u32::try_from(count).ok()),
            Some(count) => Err(wrong(
                self.place,
                format!("`{name}` is {count}, and has to be between {least} and {most}"),
            )),
        }
    }

    /// Any number.
    pub fn number(&self, name: &str) -> Result<Option<f64>, Error> {
        let Some(value) = self.get(name) else {
            return Ok(None);
        };
        match value.as_f64().filter(|number| number.is_finite()) {
            Some(number) => Ok(Some(number)),
            None => Err(wrong(
                self.place,
                format!("`{name}` is {value}, and has to be a number"),
            )),
        }
    }

    /// A number above 0.
    pub fn positive(&self, name: &str) -> Result<Option<f64>, Error> {
        match self.number(name)? {
            Some(number) if number <= 0.0 => Err(wrong(
                self.place,
                format!("`{name}` is {number}, and has to be above 0"),
            )),
            number => Ok(number),
        }
    }

    /// A share between 0 and 1, as a part of 2³².
    pub fn share(&self, name: &str) -> Result<Option<u64>, Error> {
        match self.number(name)? {
            None => Ok(None),
            Some(share) if (0.0..=1.0).contains(&share) => {
                Ok(Some(libm::round(share * 4_294_967_296.0) as u64))
            }
            Some(share) => Err(wrong(
                self.place,
                format!("`{name}` is {share}, and has to be between 0 and 1"),
            )),
        }
    }

    /// Text.
    pub fn text(&self, name: &str) -> Result<Option<&'a str>, Error> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => Err(wrong(
                self.place,
                format!("`{name}` is {other}, and has to be text"),
            )),
        }
    }

    /// One of the words given, by its index; the first where the option isn't there.
    pub fn one_of(&self, name: &str, words: &[&str]) -> Result<usize, Error> {
        let Some(text) = self.text(name)? else {
            return Ok(0);
        };
        words.iter().position(|word| *word == text).ok_or_else(|| {
            let near = nearest(text, words.iter().copied());
            wrong(
                self.place,
                format!(
                    "`{name}` is `{text}`, and has to be one of {}{near}",
                    listed(words)
                ),
            )
        })
    }

    /// A length of time, in nanoseconds.
    pub fn duration(&self, name: &str) -> Result<Option<u64>, Error> {
        let Some(text) = self.text(name)? else {
            return Ok(None);
        };
        match nanos(text) {
            Some(nanos) => Ok(Some(nanos)),
            None => Err(wrong(
                self.place,
                format!(
                    "`{name}` is `{text}`; write a number and a unit, such as 500ms, 5s, 2m, 1h or 1d"
                ),
            )),
        }
    }

    /// A length of time above 0, or a range of them, in nanoseconds: `5m`, `5m..20m`.
    pub fn durations(&self, name: &str) -> Result<Option<(u64, u64)>, Error> {
        let Some(text) = self.text(name)? else {
            return Ok(None);
        };
        let (low, high) = text.split_once("..").unwrap_or((text, text));
        match (nanos(low.trim()), nanos(high.trim())) {
            (Some(low), Some(high)) if low > high => Err(wrong(
                self.place,
                format!("`{name}` is `{text}`, which is upside down; write the shorter time first"),
            )),
            (Some(low), Some(high)) if high > 0 => Ok(Some((low, high))),
            _ => Err(wrong(
                self.place,
                format!(
                    "`{name}` is `{text}`; write a time such as 10m, or a range such as 5m..20m"
                ),
            )),
        }
    }
}

/// Nanoseconds of `5s` and the like; at most ten years.
fn nanos(text: &str) -> Option<u64> {
    const UNITS: [(&str, u64); 7] = [
        ("ns", 1),
        ("us", 1_000),
        ("ms", 1_000_000),
        ("s", 1_000_000_000),
        ("m", 60_000_000_000),
        ("h", 3_600_000_000_000),
        ("d", 86_400_000_000_000),
    ];
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().ok()?;
    let (_, nanos) = UNITS.iter().find(|(name, _)| *name == unit.trim())?;
    number
        .checked_mul(*nanos)
        .filter(|nanos| *nanos <= 3650 * UNITS[6].1)
}
