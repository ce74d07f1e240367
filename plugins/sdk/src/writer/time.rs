//! RFC 3339, its text up to the second kept until the second changes.

use super::Writer;
use super::copy::copy_padded;
use super::number::text8;

/// Nanoseconds in a second.
const SECOND: u64 = 1_000_000_000;

/// Turns nanoseconds since the Unix epoch into text. Keep one in the generator.
#[derive(Clone, Debug)]
pub struct Clock {
    second: u64,
    day: u64,
    /// `2024-01-01T00:00:00.`, and room to copy 32 bytes.
    text: [u8; 32],
}

/// An instant in UTC with microseconds: `2024-01-01T00:00:00.000000Z`, in quotes.
#[derive(Clone, Copy)]
pub struct Time<'a> {
    pub(crate) clock: &'a [u8; 32],
    pub(crate) micros: u32,
}

/// A day, counted from the Unix epoch (negative before it, from year 0 on): `1984-03-12`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Date(pub i32);

impl Time<'_> {
    /// The 27 characters.
    pub(crate) fn to_text(self) -> [u8; 27] {
        let mut text = [b'Z'; 27];
        text[..20].copy_from_slice(&self.clock[..20]);
        text[20..26].copy_from_slice(&text8(self.micros).to_le_bytes()[2..]);
        text
    }
}

impl Default for Clock {
    fn default() -> Self {
        Clock::new()
    }
}

impl Clock {
    /// A clock that has not been asked yet.
    pub const fn new() -> Clock {
        Clock {
            second: u64::MAX,
            day: u64::MAX,
            text: *b"0000-00-00T00:00:00.000000Z     ",
        }
    }

    /// The text of an instant. Every one that a `u64` holds (to the year 2554) has one.
    #[inline(always)]
    pub fn at(&mut self, nanos: u64) -> Time<'_> {
        let second = nanos / SECOND;
        if second != self.second {
            self.set(second);
        }
        Time {
            micros: ((nanos - second * SECOND) / 1000) as u32,
            clock: &self.text,
        }
    }

    #[inline(never)]
    fn set(&mut self, second: u64) {
        let (day, rest) = (second / 86_400, (second % 86_400) as u32);
        if day != self.day {
            self.set_day(day);
        }
        let clock = text8(rest / 3600 * 10_000 + rest / 60 % 60 * 100 + rest % 60).to_le_bytes();
        self.text[11..13].copy_from_slice(&clock[2..4]);
        self.text[14..16].copy_from_slice(&clock[4..6]);
        self.text[17..19].copy_from_slice(&clock[6..8]);
        self.second = second;
    }

    fn set_day(&mut self, day: u64) {
        let (year, month, of_month) = date(day + EPOCH);
        let text = text8(year * 10_000 + month * 100 + of_month).to_le_bytes();
        self.text[0..4].copy_from_slice(&text[0..4]);
        self.text[5..7].copy_from_slice(&text[4..6]);
        self.text[8..10].copy_from_slice(&text[6..8]);
        self.day = day;
    }
}

/// Days from 1 March of year 0 to the Unix epoch.
const EPOCH: u64 = 719_468;

/// Year, month and day of a day since 1 March of year 0, in the Gregorian calendar, which repeats
/// after 400 years.
const fn date(shifted: u64) -> (u32, u32, u32) {
    let (era, of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * of_year + 2) / 153;
    let of_month = of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    let year = year_of_era + era * 400 + (month <= 2) as u64;
    (year as u32, month as u32, of_month as u32)
}

impl<const CHECKED: bool> Writer<'_, CHECKED> {
    /// The 10 characters of a date, without quotes.
    #[inline(always)]
    pub fn date(&mut self, date: Date) {
        let (year, month, day) = self::date(i64::from(date.0).wrapping_add(EPOCH as i64) as u64);
        self.word64(text8(year) >> 32, 4);
        let text = text8(month * 100 + day) >> 32;
        let dash = u64::from(b'-');
        self.word64(
            dash | (text & 0xffff) << 8 | dash << 24 | text >> 16 << 32,
            6,
        );
    }

    /// The 27 characters of an instant, without quotes.
    #[inline(always)]
    pub fn time(&mut self, time: Time<'_>) {
        // SAFETY: 28 bytes, all stored, within the slack.
        unsafe {
            copy_padded::<2>(time.clock.as_ptr(), self.p);
            // Six digits and the Z.
            self.store64(20, text8(time.micros) >> 16 | u64::from(b'Z') << 48);
            self.advance(27);
        }
    }
}
