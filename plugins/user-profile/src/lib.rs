//! User profiles: names, addresses, mail and telephone that agree with where people live.
//! See this folder's README.md for fields and options.
//!
//! Profile `i` is person `i` of the seed, whom `transaction` knows as customer `i`.

mod schema;

pub use schema::Profile;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wellhead_sdk::dist::Curve;
use wellhead_sdk::person::{Country, People, Person};
use wellhead_sdk::{
    Channel, Clock, Date, Error, Generator, Out, Put, Settings, Tick, Words, Writer, record,
};

/// Configuration of `user-profile`.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// How many profiles there are; the streams end after them. 0 for as many as are asked for.
    pub profiles: u64,
}

static GENDER: Words<2> = Words::new(["male", "female"]);

/// Domains that nobody has: all of them are reserved for examples.
static MAIL_DOMAIN: Words<8, 32> = Words::new([
    "example.com",
    "example.org",
    "example.net",
    "mail.example.com",
    "post.example.org",
    "inbox.example.net",
    "home.example.com",
    "web.example.net",
]);

/// The purposes of the numbers that decide the rest of a person.
const BIRTH: u64 = 0x6269_7274_6800_0001;
const HOUSE: u64 = 0x686f_7573_6500_0001;

/// Birthdays in days since the Unix epoch: their middle (1981) and spread (16 years), and the
/// first and last there are (1932 and 2007).
const BIRTH_MEAN: f64 = 4_100.0;
const BIRTH_DEVIATION: f64 = 5_800.0;
const OLDEST: i32 = -13_880;
const YOUNGEST: i32 = 13_514;

/// The generator.
pub struct UserProfiles {
    people: People,
    birthdays: Curve,
    houses: Curve,
    /// Profiles in all, and which are this stream's: `first`, `first + step`, …
    profiles: u64,
    first: u64,
    step: u64,
    clock: Clock,
}

impl Generator for UserProfiles {
    const NAME: &'static str = "user-profile";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const SUMMARY: &'static str = "People with names, addresses, mail and telephone that agree \
        with where they live: the customers of `transaction`.";
    const LABELS: &'static [(&'static str, &'static str)] = &[("domain", "people")];

    const RECORD_BYTES: usize = 380;

    type Config = Config;

    fn channels(_: &Config) -> Result<Vec<Channel>, Error> {
        Ok(vec![Channel::of::<Profile>("profile")])
    }

    fn open(config: Config, settings: &Settings, _: Option<&[u8]>) -> Result<Self, Error> {
        Ok(UserProfiles {
            people: People::new(settings.seed),
            birthdays: Curve::normal(BIRTH_MEAN, BIRTH_DEVIATION),
            houses: Curve::exponential(28.0),
            profiles: match config.profiles {
                0 => u64::MAX,
                n => n,
            },
            first: u64::from(settings.stream_index),
            step: u64::from(settings.stream_count),
            clock: Clock::new(),
        })
    }

    #[inline(always)]
    fn record(&mut self, tick: Tick, out: &mut Out<'_>) -> Result<(), Error> {
        let id = tick.index.wrapping_mul(self.step).wrapping_add(self.first);
        if id >= self.profiles {
            out.end_stream();
            return Ok(());
        }
        let person = self.people.person(id);
        let (country, city) = (person.country(), person.city());
        let birthday = self.birthdays.draw(person.draw(BIRTH) as u32);
        let house = person.draw(HOUSE);

        record!(out, {
            "user_id": id,
            "first_name": person.first_name(),
            "last_name": person.last_name(),
            "gender": GENDER.at(usize::from(person.is_female())),
            "birth_date": Date(birthday.clamp(OLDEST, YOUNGEST)),
            "email": Mail(person, id),
            "phone": person.phone(),
            "locale": country.locale(),
            "country": country.code(),
            "address": {
                "street": Street(person, 1 + self.houses.draw_u32(house as u32)),
                "postal_code": PostalCode(person),
                "city": city.name(),
                "region": city.region(),
                "country": country.code(),
            },
            "registered_at": self.clock.at(tick.time),
        });
        out.key(id);
        Ok(())
    }
}

wellhead_sdk::export!(UserProfiles);

/// An address of electronic mail that fits the name; the number makes it nobody else's.
struct Mail(Person, u64);

impl Put for Mail {
    #[inline(always)]
    fn put(self, writer: &mut Writer<'_>) {
        let Mail(person, id) = self;
        writer.begin_word(person.mail_first_name());
        writer.next_word(b'.', person.mail_last_name());
        writer.u64(id);
        writer.end_word(b'@', MAIL_DOMAIN.at((person.hash() >> 40) as usize & 7));
    }
}

/// Street and number in the order that the country has.
struct Street(Person, u32);

impl Put for Street {
    #[inline(always)]
    fn put(self, writer: &mut Writer<'_>) {
        let Street(person, number) = self;
        match person.country() {
            Country::UnitedStates | Country::UnitedKingdom | Country::France => {
                writer.byte(b'"');
                writer.u32(number);
                writer.end_word(b' ', person.street());
            }
            _ => {
                writer.begin_word(person.street());
                writer.byte(b' ');
                writer.u32(number);
                writer.byte(b'"');
            }
        }
    }
}

/// A postal code of the city.
struct PostalCode(Person);

impl Put for PostalCode {
    #[inline(always)]
    fn put(self, writer: &mut Writer<'_>) {
        writer.begin_word(self.0.city().postal_prefix());
        writer.pattern(self.0.postal_rest());
        writer.byte(b'"');
    }
}
