//! The record on which the SDK's writer was first measured: 13 flat fields, about 231 bytes, from
//! three random numbers. It shows what a generator reaches whose records cost nothing but to
//! write; the stock generators, which draw more, are measured against it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wellhead_sdk::{Cents, Channel, Error, Generator, Key, Out, Settings, Tick, Words, record};

static CURRENCY: Words<4> = Words::new(["USD", "EUR", "GBP", "JPY"]);
static STATUS: Words<3> = Words::new(["approved", "declined", "pending"]);
static CITY: Words<8> = Words::new([
    "Berlin", "Paris", "London", "Madrid", "Oslo", "Rome", "Vienna", "Lisbon",
]);
static FIRST: Words<16> = Words::new([
    "Olivia", "Noah", "Amelia", "Liam", "Ava", "Ethan", "Mia", "Lucas", "Isla", "Mason", "Zoe",
    "Logan", "Ella", "Jack", "Ruby", "Leo",
]);
static LAST: Words<16> = Words::new([
    "Smith", "Jones", "Taylor", "Brown", "Wilson", "Evans", "Thomas", "Roberts", "Walker",
    "Wright", "Hall", "Green", "Wood", "Clarke", "Hughes", "Lewis",
]);

/// Nothing can be configured.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {}

/// The generator.
pub struct Yardstick {
    records: Key,
}

impl Generator for Yardstick {
    const NAME: &'static str = "yardstick";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const SUMMARY: &'static str = "A flat record to measure other generators against.";

    type Config = Config;

    fn channels(_: &Config) -> Result<Vec<Channel>, Error> {
        let schema = r#"{"type":"object","required":["id","user_id","amount","ip"]}"#;
        Ok(vec![Channel::with_schema("record", schema)])
    }

    fn open(_: Config, settings: &Settings, _: Option<&[u8]>) -> Result<Self, Error> {
        Ok(Yardstick {
            records: settings.key("yardstick"),
        })
    }

    #[inline(always)]
    fn record(&mut self, tick: Tick, out: &mut Out<'_>) -> Result<(), Error> {
        let mut random = self.records.at(tick.index);
        let (a, b, c) = (random.next(), random.next(), random.next());
        let user = (a % 100_000) as u32;
        record!(out, {
            "id": tick.index,
            "ts": tick.time,
            "user_id": user,
            "first": FIRST.at((b & 15) as usize),
            "last": LAST.at((b >> 4 & 15) as usize),
            "merchant": LAST.at((b >> 8 & 15) as usize),
            "amount": Cents(((b >> 32) % 1_000_000) as u32),
            "currency": CURRENCY.at((b >> 12 & 3) as usize),
            "city": CITY.at((b >> 14 & 7) as usize),
            "country": "DE",
            "ip": (a as u32).to_le_bytes(),
            "card": c % 10_000_000_000_000_000,
            "status": STATUS.at(((b >> 20) % 3) as usize),
        });
        out.key(user);
        Ok(())
    }
}

wellhead_sdk::export!(Yardstick);
