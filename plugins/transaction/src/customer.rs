//! Who pays: a few often, most seldom, each at their own hours.

use wellhead_sdk::person::{COUNTRIES, People, Person};
use wellhead_sdk::{Settings, below};

/// Nanoseconds in an hour.
const HOUR: u64 = 3_600_000_000_000;

/// The customers of one stream.
pub(crate) struct Customers {
    people: People,
    /// How many belong to this stream, and which: `first`, `first + step`, …
    share: u32,
    first: u32,
    step: u32,
}

/// A customer at the instant of a payment.
#[derive(Clone, Copy)]
pub(crate) struct Customer {
    pub id: u32,
    pub person: Person,
    /// Where they live, 0 to 7.
    pub country: usize,
    /// The hour on their clock, 0 to 46 (modulo 24).
    pub hour: usize,
}

/// The hour of the day in UTC, 0 to 23.
#[inline(always)]
pub(crate) fn utc_hour(nanos: u64) -> u32 {
    ((nanos / HOUR) % 24) as u32
}

/// Hours ahead of UTC by country, modulo 24.
static UTC_OFFSET: [u8; COUNTRIES] = offsets();

const fn offsets() -> [u8; COUNTRIES] {
    let mut offsets = [0; COUNTRIES];
    let mut i = 0;
    while i < COUNTRIES {
        offsets[i] = wellhead_sdk::person::ALL_COUNTRIES[i].utc_offset() as u8;
        i += 1;
    }
    offsets
}

/// The hours at which eight kinds of people pay, a bit for each hour of two days.
static USUAL_HOURS: [u64; 8] = [
    hours(6, 20),  // early birds
    hours(7, 21),  // families
    hours(8, 20),  // pensioners
    hours(11, 23), // students
    hours(12, 22), // office: lunch and after work
    hours(16, 24), // after work only
    hours(9, 19),  // at home by day
    hours(17, 28), // evenings, nights and shifts
];

/// From one hour to before another, which may lie on the next day.
const fn hours(from: u32, to: u32) -> u64 {
    let mut mask = 0_u64;
    let mut hour = from;
    while hour < to {
        mask |= 1 << (hour % 24) | 1 << (hour % 24 + 24);
        hour += 1;
    }
    mask
}

impl Customers {
    pub fn new(customers: u32, settings: &Settings) -> Customers {
        // With more streams than customers, some streams share one.
        let share = settings.share_of(u64::from(customers)).max(1) as u32;
        Customers {
            people: People::new(settings.seed),
            share,
            first: settings.stream_index % customers,
            step: settings.stream_count,
        }
    }

    /// The customer of a payment. Of two candidates the one who is usually awake now pays.
    #[inline(always)]
    pub fn draw(&self, random: u64, utc_hour: u32) -> Customer {
        let first = self.at(self.skewed(random as u32), utc_hour);
        let second = self.at(self.skewed((random >> 32) as u32), utc_hour);
        if first.is_usual() { first } else { second }
    }

    /// Somebody, each with the same probability: thieves don't choose.
    #[cold]
    pub fn victim(&self, random: u32, utc_hour: u32) -> Customer {
        self.at(below(random, self.share), utc_hour)
    }

    /// A customer's number in this stream. Low numbers, the oldest customers, pay most: one in a
    /// hundred makes a tenth of the payments.
    #[inline(always)]
    fn skewed(&self, random: u32) -> u32 {
        let squared = (u64::from(random) * u64::from(random)) >> 32;
        below(squared as u32, self.share)
    }

    #[inline(always)]
    fn at(&self, number: u32, utc_hour: u32) -> Customer {
        let id = number.wrapping_mul(self.step).wrapping_add(self.first);
        let person = self.people.person(u64::from(id));
        let country = person.country_index();
        Customer {
            id,
            person,
            country,
            hour: utc_hour as usize + usize::from(UTC_OFFSET[country]),
        }
    }
}

impl Customer {
    /// Whether they usually pay at this hour.
    #[inline(always)]
    fn is_usual(&self) -> bool {
        let kind = (self.person.hash() >> 33) as usize & 7;
        USUAL_HOURS[kind] >> self.hour & 1 == 1
    }
}
