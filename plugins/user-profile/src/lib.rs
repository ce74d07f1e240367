//! User profiles: names, addresses, mail and telephone that agree with where people live.
//! See this folder's README.md for fields and options.
//!
//! Profile `i` is person `i` of the seed, whom `transaction` knows as customer `i`.

mod schema;

pub use schema::Profile;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wellhead_sdk::dist::Curve;
use wellhead_sdk::person::{Mail, People, PostalCode, Street};
use wellhead_sdk::{Channel, Clock, Date, Error, Generator, Out, Settings, Tick, record};

/// Configuration of `user-profile`.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// How many profiles there are; the streams end after them. 0 for as many as are asked for.
    pub profiles: u64,
}

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
            "gender": person.gender(),
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
