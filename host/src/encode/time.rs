//! Event time in names: the parts of a date and a clock, in UTC.

use std::io::Write;

use crate::record::Nanos;

const MINUTE: Nanos = 60_000_000_000;

/// A part of a point in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// 2024
    Year,
    /// 01
    Month,
    /// 31
    Day,
    /// 2024-01-31
    Date,
    /// 05
    Hour,
    /// 59
    Minute,
}

impl Unit {
    /// From the name in a template.
    pub fn parse(name: &str) -> Option<Unit> {
        Some(match name {
            "year" => Unit::Year,
            "month" => Unit::Month,
            "day" => Unit::Day,
            "date" => Unit::Date,
            "hour" => Unit::Hour,
            "minute" => Unit::Minute,
            _ => return None,
        })
    }

    /// For so long, from a multiple of it since the Unix epoch on, the text is the same: a day
    /// also for months and years, whose lengths differ.
    pub fn nanos(self) -> Nanos {
        match self {
            Unit::Minute => MINUTE,
            Unit::Hour => 60 * MINUTE,
            Unit::Year | Unit::Month | Unit::Day | Unit::Date => 24 * 60 * MINUTE,
        }
    }

    /// Appends what it is of a point in time since the Unix epoch.
    pub fn put(self, time: Nanos, out: &mut Vec<u8>) {
        let minutes = time / MINUTE;
        let (year, month, day) = date(minutes / (24 * 60));
        // Writing to memory doesn't fail.
        let _ = match self {
            Unit::Year => write!(out, "{year:04}"),
            Unit::Month => write!(out, "{month:02}"),
            Unit::Day => write!(out, "{day:02}"),
            Unit::Date => write!(out, "{year:04}-{month:02}-{day:02}"),
            Unit::Hour => write!(out, "{:02}", minutes / 60 % 24),
            Unit::Minute => write!(out, "{:02}", minutes % 60),
        };
    }
}

/// Year, month and day of a number of days since the Unix epoch.
fn date(days: u64) -> (i16, i8, i8) {
    let second = i64::try_from(days).unwrap_or(0).saturating_mul(86_400);
    let time = jiff::Timestamp::from_second(second).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    let date = jiff::tz::Offset::UTC.to_datetime(time);
    (date.year(), date.month(), date.day())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_the_calendar() {
        let text = |second: u64| {
            let mut out = Vec::new();
            for unit in [
                Unit::Date,
                Unit::Hour,
                Unit::Minute,
                Unit::Year,
                Unit::Month,
                Unit::Day,
            ] {
                unit.put(second * 1_000_000_000, &mut out);
                out.push(b' ');
            }
            String::from_utf8(out).unwrap()
        };
        assert_eq!(text(0), "1970-01-01 00 00 1970 01 01 ");
        assert_eq!(text(1_709_251_199), "2024-02-29 23 59 2024 02 29 ");
        assert_eq!(text(4_102_444_800), "2100-01-01 00 00 2100 01 01 ");
        assert_eq!(
            text(u64::MAX / 1_000_000_000),
            "2554-07-21 23 34 2554 07 21 "
        );
    }
}
