//! Times as files have them: read, moved, and written in the form that they had.

use wellhead_sdk::{Date, Writer};

const SECOND: i64 = 1_000_000_000;
const DAY: i64 = 86_400 * SECOND;

/// An instant, and how it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    /// Nanoseconds since the Unix epoch: the years 1678 to 2261.
    pub nanos: i64,
    form: Form,
    /// Digits after the point, 0 to 9.
    decimals: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// RFC 3339: what stands between day and time; the zone as minutes from UTC, if it is said.
    Text {
        between: u8,
        zone: Option<i16>,
        utc: u8,
    },
    /// A number of units of so many nanoseconds.
    Number { unit: i64 },
}

/// The digits that `text` begins with, at least `least` of them, as a number; and the rest.
fn digits(text: &[u8], least: usize, most: usize) -> Option<(i64, &[u8])> {
    let n = text
        .iter()
        .take(most)
        .take_while(|b| b.is_ascii_digit())
        .count();
    if n < least {
        return None;
    }
    let number = text[..n].iter().try_fold(0_i64, |sum, digit| {
        sum.checked_mul(10)?.checked_add(i64::from(digit - b'0'))
    })?;
    Some((number, &text[n..]))
}

fn after(text: &[u8], byte: u8) -> Option<&[u8]> {
    text.strip_prefix(&[byte])
}

/// A point and digits, if there is one: nanoparts, how many digits (up to nine count), the rest.
fn fraction(text: &[u8]) -> Option<(i64, u8, &[u8])> {
    let Some(rest) = after(text, b'.') else {
        return Some((0, 0, text));
    };
    let (mut part, rest) = digits(rest, 1, 9)?;
    let n = text.len() - rest.len() - 1;
    for _ in n..9 {
        part *= 10;
    }
    let more = rest.iter().take_while(|b| b.is_ascii_digit()).count();
    Some((part, n as u8, &rest[more..]))
}

impl Stamp {
    /// From a JSON value; none where it is no time.
    pub fn read(value: &[u8]) -> Option<Stamp> {
        match value {
            [b'"', text @ .., b'"'] => Stamp::text(text),
            _ => Stamp::number(value),
        }
    }

    fn text(text: &[u8]) -> Option<Stamp> {
        let (year, rest) = digits(text, 4, 4)?;
        let (month, rest) = digits(after(rest, b'-')?, 2, 2)?;
        let (day, rest) = digits(after(rest, b'-')?, 2, 2)?;
        let (&between, rest) = rest.split_first()?;
        let (hour, rest) = digits(rest, 2, 2)?;
        let (minute, rest) = digits(after(rest, b':')?, 2, 2)?;
        let (second, rest) = digits(after(rest, b':')?, 2, 2)?;
        let (part, decimals, rest) = fraction(rest)?;
        let fits = (1..=12).contains(&month) && (1..=31).contains(&day);
        if !fits || hour > 23 || minute > 59 || second > 60 || !b"Tt ".contains(&between) {
            return None;
        }
        let (zone, utc) = match rest {
            [] => (None, 0),
            [utc @ (b'Z' | b'z')] => (Some(0), *utc),
            [sign @ (b'+' | b'-'), rest @ ..] => {
                let (hours, rest) = digits(rest, 2, 2)?;
                let (minutes, []) = digits(after(rest, b':')?, 2, 2)? else {
                    return None;
                };
                let zone = (hours * 60 + minutes) as i16;
                (Some(if *sign == b'-' { -zone } else { zone }), 0)
            }
            _ => return None,
        };
        let seconds = days(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second
            - i64::from(zone.unwrap_or(0)) * 60;
        Some(Stamp {
            nanos: seconds.checked_mul(SECOND)?.checked_add(part)?,
            form: Form::Text { between, zone, utc },
            decimals,
        })
    }

    fn number(text: &[u8]) -> Option<Stamp> {
        let (negative, text) = match text {
            [b'-', rest @ ..] => (true, rest),
            _ => (false, text),
        };
        let (whole, rest) = digits(text, 1, 19)?;
        let (part, decimals, []) = fraction(rest)? else {
            return None;
        };
        let unit = match whole {
            0..100_000_000_000 => SECOND,
            100_000_000_000..100_000_000_000_000 => SECOND / 1000,
            100_000_000_000_000..100_000_000_000_000_000 => SECOND / 1_000_000,
            _ => 1,
        };
        let nanos = whole
            .checked_mul(unit)?
            .checked_add(part / (SECOND / unit))?;
        Some(Stamp {
            nanos: if negative { -nanos } else { nanos },
            form: Form::Number { unit },
            decimals,
        })
    }

    /// Writes another instant in the form of this one; what is finer than that is cut off.
    pub fn write(&self, nanos: i64, writer: &mut Writer<'_>) {
        match self.form {
            Form::Number { unit } => {
                let nanos = if nanos < 0 {
                    writer.byte(b'-');
                    nanos.unsigned_abs()
                } else {
                    nanos as u64
                };
                let unit = unit as u64;
                writer.u64(nanos / unit);
                let part = nanos % unit * (SECOND as u64 / unit);
                self.fraction(part as i64, writer);
            }
            Form::Text { between, zone, utc } => {
                let offset = zone.unwrap_or(0);
                let local = nanos.saturating_add(i64::from(offset) * 60 * SECOND);
                writer.byte(b'"');
                writer.date(Date(local.div_euclid(DAY) as i32));
                writer.byte(between);
                let rest = local.rem_euclid(DAY);
                let second = rest / SECOND;
                two(writer, second / 3600);
                writer.byte(b':');
                two(writer, second / 60 % 60);
                writer.byte(b':');
                two(writer, second % 60);
                self.fraction(rest % SECOND, writer);
                match zone {
                    Some(0) if utc != 0 => writer.byte(utc),
                    Some(zone) => {
                        writer.byte(if zone < 0 { b'-' } else { b'+' });
                        let zone = i64::from(zone.unsigned_abs());
                        two(writer, zone / 60);
                        writer.byte(b':');
                        two(writer, zone % 60);
                    }
                    None => {}
                }
                writer.byte(b'"');
            }
        }
    }

    fn fraction(&self, mut nanos: i64, writer: &mut Writer<'_>) {
        if self.decimals > 0 {
            writer.byte(b'.');
        }
        let mut unit = SECOND / 10;
        for _ in 0..self.decimals {
            writer.byte(b'0' + (nanos / unit) as u8);
            nanos %= unit;
            unit = (unit / 10).max(1);
        }
    }
}

fn two(writer: &mut Writer<'_>, number: i64) {
    writer.byte(b'0' + (number / 10) as u8);
    writer.byte(b'0' + (number % 10) as u8);
}

/// Days from the Unix epoch to a date of the Gregorian calendar.
fn days(year: i64, month: i64, day: i64) -> i64 {
    // Years that begin in March have their odd day at the end.
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moved(value: &str, by: i64) -> Option<String> {
        let stamp = Stamp::read(value.as_bytes())?;
        let mut buf = Vec::new();
        let mut writer = Writer::new(&mut buf);
        stamp.write(stamp.nanos + by, &mut writer);
        writer.finish();
        Some(String::from_utf8(buf).unwrap())
    }

    #[test]
    fn every_form_is_kept() {
        for value in [
            "\"2024-02-29T23:59:59Z\"",
            "\"2024-02-29 23:59:59.120\"",
            "\"1969-12-31T23:59:59.999999999Z\"",
            "\"2024-01-01T00:00:00+05:30\"",
            "\"2024-12-31t00:00:00.5-08:00\"",
            "\"2000-01-01T00:00:00+00:00\"",
            "1704067200",
            "1704067200.25",
            "1704067200123",
            "1704067200123456",
            "1704067200123456789",
            "0",
        ] {
            assert_eq!(moved(value, 0).as_deref(), Some(value));
        }
        let day = 86_400 * SECOND;
        let other = moved("\"2024-02-28T12:00:00Z\"", day);
        assert_eq!(other.as_deref(), Some("\"2024-02-29T12:00:00Z\""));
        assert_eq!(
            moved("1704067200.25", -SECOND).as_deref(),
            Some("1704067199.25")
        );
        let utc = Stamp::read(b"\"2024-01-01T00:00:00+05:30\"").unwrap();
        assert_eq!(utc.nanos, 1_704_047_400 * SECOND);
    }

    #[test]
    fn what_is_no_time_is_none() {
        for value in [
            "\"\"",
            "\"noon\"",
            "null",
            "true",
            "\"2024-01-01\"",
            "\"2024-13-01T00:00:00Z\"",
            "\"2024-01-01T24:00:00Z\"",
            "\"2024-01-01T00:00:00Zulu\"",
            "1e9",
            "12.",
            "{}",
            "\"3000-01-01T00:00:00Z\"",
        ] {
            assert_eq!(Stamp::read(value.as_bytes()), None, "{value}");
        }
    }
}
