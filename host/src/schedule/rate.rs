//! Rates as exact fractions, so that a schedule never drifts.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Records a time: `500/s`, `90/min`, `0.5/s`, `2k/s`, `10/h`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Records …
    records: u64,
    /// … in so many nanoseconds. Both are reduced.
    nanos: u64,
}

/// A text that is no rate.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no rate: {why}; write for example 500/s, 90/min, 0.5/s or 2k/s")]
pub struct RateError {
    text: String,
    why: &'static str,
}

const UNITS: [(&str, u64); 7] = [
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("sec", 1_000_000_000),
    ("m", 60_000_000_000),
    ("min", 60_000_000_000),
    ("h", 3_600_000_000_000),
    ("d", 86_400_000_000_000),
];

impl Rate {
    /// Nothing is ever due.
    pub const ZERO: Rate = Rate {
        records: 0,
        nanos: 1,
    };

    /// Whether nothing is ever due.
    pub fn is_zero(self) -> bool {
        self.records == 0
    }

    /// `records` in `nanos` nanoseconds; none where either is 0.
    pub fn new(records: u64, nanos: u64) -> Option<Rate> {
        let divisor = gcd(records, nanos);
        (records > 0 && nanos > 0).then(|| Rate {
            records: records / divisor,
            nanos: nanos / divisor,
        })
    }

    /// Records in [`Rate::nanos`] nanoseconds.
    pub fn records(self) -> u64 {
        self.records
    }

    /// See [`Rate::records`].
    pub fn nanos(self) -> u64 {
        self.nanos
    }

    /// Records a second.
    pub fn per_second(self) -> f64 {
        self.records as f64 * 1e9 / self.nanos as f64
    }
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a.max(1) } else { gcd(b, a % b) }
}

impl FromStr for Rate {
    type Err = RateError;

    fn from_str(text: &str) -> Result<Rate, RateError> {
        let wrong = |why| RateError {
            text: text.to_owned(),
            why,
        };
        let (number, unit) = text
            .trim()
            .split_once('/')
            .ok_or(wrong("it has no unit of time"))?;
        let unit = unit.trim();
        let nanos = UNITS
            .iter()
            .find(|(name, _)| *name == unit)
            .ok_or(wrong("its unit of time is none of ms, s, min, h, d"))?
            .1;
        let number = number.trim();
        let (number, times) = match number.char_indices().last() {
            Some((at, 'k')) => (&number[..at], 1_000),
            Some((at, 'M')) => (&number[..at], 1_000_000),
            _ => (number, 1),
        };
        let number = number.replace('_', "");
        if number.starts_with('-') {
            return Err(wrong("it is negative"));
        }
        let (whole, part) = number.split_once('.').unwrap_or((&number, ""));
        if part.len() > 6 {
            return Err(wrong("it has more than six decimals"));
        }
        let digits: u64 = format!("{whole}{part}")
            .parse()
            .map_err(|_| wrong("what stands before the slash is no number"))?;
        let scale = 10u64.pow(part.len() as u32);
        let records = digits.checked_mul(times).ok_or(wrong("it is too large"))?;
        let nanos = nanos.checked_mul(scale).ok_or(wrong("it is too small"))?;
        let rate = Rate::new(records, nanos).unwrap_or(Rate::ZERO);
        if rate.per_second() > 1e9 {
            return Err(wrong(
                "it is more than a record a nanosecond; use load: max",
            ));
        }
        Ok(rate)
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (unit, nanos) in [
            ("s", 1_000_000_000u64),
            ("min", 60_000_000_000),
            ("h", 3_600_000_000_000),
        ] {
            let records = u128::from(self.records) * u128::from(nanos) * 1_000_000;
            if records.is_multiple_of(u128::from(self.nanos)) {
                let millionths = records / u128::from(self.nanos);
                let (whole, part) = (millionths / 1_000_000, millionths % 1_000_000);
                if part == 0 {
                    return write!(f, "{whole}/{unit}");
                }
                let part = format!("{part:06}");
                return write!(f, "{whole}.{}/{unit}", part.trim_end_matches('0'));
            }
        }
        write!(f, "{}/d", self.per_second() * 86_400.0)
    }
}

impl Serialize for Rate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (self.records, self.nanos).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Rate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Rate, D::Error> {
        let (records, nanos) = <(u64, u64)>::deserialize(deserializer)?;
        Ok(Rate::new(records, nanos).unwrap_or(Rate::ZERO))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts() {
        for (text, per_second, shown) in [
            ("500/s", 500.0, "500/s"),
            ("90/min", 1.5, "1.5/s"),
            ("0.5/s", 0.5, "0.5/s"),
            ("2k/s", 2000.0, "2000/s"),
            ("1/h", 1.0 / 3600.0, "1/h"),
            ("1_000/s", 1000.0, "1000/s"),
            ("7/min", 7.0 / 60.0, "7/min"),
        ] {
            let rate: Rate = text.parse().unwrap();
            assert!((rate.per_second() - per_second).abs() < 1e-12, "{text}");
            assert_eq!(rate.to_string(), shown);
        }
        for text in [
            "-5/s",
            "5",
            "5/x",
            "x/s",
            "2000M/s",
            "1e3/s",
            "0.0000001/s",
            "0.000001/d",
            "",
        ] {
            assert!(text.parse::<Rate>().is_err(), "{text}");
        }
    }
}
