//! `vehicle-telemetry`: where the vehicles of a fleet are, and when one goes too fast.
//!
//! A record is a function of the configuration, the seed, its index, its event time, and the state: what
//! the records before it left. No clock, no other randomness: so that a run can be repeated to the byte.

use std::f64::consts::FRAC_1_SQRT_2;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wellhead_sdk::{
    Channel, Clock, Error, Fixed, Generator, Key, Out, Put, Settings, Text, Tick, Writer, lit,
    record,
};

/// What users can set. The comments are what they read in the generator's schema.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// How many vehicles there are, at least one for each stream. They take turns.
    #[schemars(range(min = 1, max = 10_000))]
    pub vehicles: u32,
    /// The speed in km/h from which on a vehicle may be reported.
    #[schemars(range(min = 1, max = 200))]
    pub limit: u32,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            vehicles: 50,
            limit: 120,
        }
    }
}

/// A vehicle says where it is. The record's schema is made of this; `record!` writes the bytes.
#[derive(JsonSchema)]
#[allow(dead_code)]
struct Position {
    /// Which vehicle, which is also the key.
    vehicle: String,
    /// When, in UTC with microseconds.
    #[schemars(extend("format" = "date-time"))]
    at: String,
    latitude: f64,
    longitude: f64,
    /// Kilometres an hour.
    #[schemars(range(min = 0.0, max = 160.0))]
    speed: f64,
    /// Kilometres that it has gone.
    odometer: f64,
}

/// A vehicle goes too fast.
#[derive(JsonSchema)]
#[allow(dead_code)]
struct Alert {
    vehicle: String,
    #[schemars(extend("format" = "date-time"))]
    at: String,
    /// `speeding`.
    alert: String,
    speed: f64,
    limit: u32,
}

/// Channels by their index.
const POSITION: u8 = 0;
const ALERT: u8 = 1;

/// Tenths of a kilometre an hour.
const FASTEST: u32 = 1_600;
/// Millimetres of a ten-millionth of a degree along a meridian.
const STEP: i64 = 11;
/// Where all begin, in ten-millionths of a degree: latitude and longitude.
const DEPOT: [i64; 2] = [488_566_000, 23_522_000];
/// Eight directions: north, north-east, and so on round, in parts of 2¹⁰.
const DIAGONAL: i64 = (FRAC_1_SQRT_2 * 1024.0) as i64;
const DIRECTIONS: [[i64; 2]; 8] = [
    [1024, 0],
    [DIAGONAL, DIAGONAL],
    [0, 1024],
    [-DIAGONAL, DIAGONAL],
    [-1024, 0],
    [-DIAGONAL, -DIAGONAL],
    [0, -1024],
    [DIAGONAL, -DIAGONAL],
];

/// What is known of a vehicle after its last record.
#[derive(Clone, Copy, Debug, Default)]
struct Vehicle {
    /// Event time of that record in milliseconds; 0 before the first.
    at: u64,
    /// Tenths of a kilometre an hour.
    speed: u32,
    direction: u32,
    /// Ten-millionths of a degree away from the depot.
    away: [i64; 2],
    /// Millimetres.
    odometer: u64,
}

/// A vehicle's name, as value and as key.
#[derive(Clone, Copy)]
struct Name(u32);

impl Text for Name {
    #[inline(always)]
    fn text(self, writer: &mut Writer<'_>) {
        lit!(writer, "vehicle-");
        self.0.text(writer);
    }
}

impl Put for Name {
    #[inline(always)]
    fn put(self, writer: &mut Writer<'_>) {
        lit!(writer, "\"vehicle-");
        self.0.text(writer);
        lit!(writer, "\"");
    }
}

/// The generator: one stream of it.
pub struct Telemetry {
    vehicles: Vec<Vehicle>,
    limit: u32,
    /// A vehicle's number is its place times `step`, and `first`: each stream has its own.
    first: u32,
    step: u32,
    moves: Key,
    clock: Clock,
}

impl Generator for Telemetry {
    const NAME: &'static str = env!("CARGO_PKG_NAME");
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const SUMMARY: &'static str = "Where the vehicles of a fleet are, and when one goes too fast.";
    // A record needs those before it. Where yours don't, leave this and `save` out: a resume is at once then.
    const RANDOM_ACCESS: bool = false;
    const RECORD_BYTES: usize = 160;
    type Config = Config;

    fn channels(_: &Config) -> Result<Vec<Channel>, Error> {
        Ok(vec![
            Channel::of::<Position>("position"),
            Channel::of::<Alert>("alert"),
        ])
    }

    fn open(config: Config, settings: &Settings, state: Option<&[u8]>) -> Result<Self, Error> {
        let own = settings.share_of(config.vehicles.into()) as usize;
        if own == 0 {
            return Err(Error::invalid_config(format!(
                "`vehicles` is {} and there are {} streams: each needs a vehicle of its own",
                config.vehicles, settings.stream_count
            )));
        }
        let vehicles = match state {
            None => vec![Vehicle::default(); own],
            Some(state) => restored(state, own)?,
        };
        Ok(Telemetry {
            vehicles,
            limit: config.limit * 10,
            first: settings.stream_index,
            step: settings.stream_count,
            moves: settings.key("moves"),
            clock: Clock::new(),
        })
    }

    #[inline(always)]
    fn record(&mut self, tick: Tick, out: &mut Out<'_>) -> Result<(), Error> {
        let place = (tick.index % self.vehicles.len() as u64) as usize;
        let vehicle = &mut self.vehicles[place];
        let mut random = self.moves.at(tick.index);
        vehicle.go_to(tick.time / 1_000_000, random.next());
        let name = Name(self.first + place as u32 * self.step);
        let at = self.clock.at(tick.time);
        let speed = Fixed::<1>(vehicle.speed.into());
        if vehicle.speed >= self.limit && random.below(4) == 0 {
            record!(out, { "vehicle": name, "at": at, "alert": "speeding", "speed": speed, "limit": self.limit / 10 });
            out.channel(ALERT);
        } else {
            record!(out, {
                "vehicle": name,
                "at": at,
                "latitude": Fixed::<7>(DEPOT[0] + vehicle.away[0]),
                "longitude": Fixed::<7>(DEPOT[1] + vehicle.away[1]),
                "speed": speed,
                "odometer": Fixed::<3>((vehicle.odometer / 1_000) as i64),
            });
            out.channel(POSITION);
        }
        out.key(name);
        Ok(())
    }

    /// What `open` is given where a run goes on.
    fn save(&self) -> Option<Vec<u8>> {
        Some(
            self.vehicles
                .iter()
                .flat_map(Vehicle::words)
                .flat_map(u64::to_le_bytes)
                .collect(),
        )
    }
}

impl Vehicle {
    /// Numbers of a vehicle in a saved state.
    const WORDS: usize = 6;

    /// Drives on until `now`, in milliseconds; then speed and direction change a little.
    #[inline(always)]
    fn go_to(&mut self, now: u64, random: u64) {
        // An hour at most, in which a vehicle goes no further than 160 km.
        let passed = match self.at {
            0 => 0,
            at => now.saturating_sub(at).min(3_600_000),
        };
        self.at = now;
        // A tenth of a kilometre an hour is 1/36 of a millimetre in a millisecond.
        let gone = u64::from(self.speed) * passed / 36;
        self.odometer += gone;
        let direction = DIRECTIONS[(self.direction & 7) as usize];
        for (away, part) in self.away.iter_mut().zip(direction) {
            // Within a degree of the depot; whoever is further away begins there again.
            let moved = *away + gone as i64 * part / (1_024 * STEP);
            *away = if moved.abs() > 10_000_000 { 0 } else { moved };
        }
        let faster = (random & 255) as u32;
        self.speed = (self.speed + faster).saturating_sub(120).min(FASTEST);
        if (random >> 8) & 15 == 0 {
            self.direction = (random >> 12) as u32 & 7;
        }
    }

    fn words(&self) -> [u64; Vehicle::WORDS] {
        let [latitude, longitude] = self.away.map(|away| away as u64);
        [
            self.at,
            self.speed.into(),
            self.direction.into(),
            latitude,
            longitude,
            self.odometer,
        ]
    }
}

/// The vehicles of a saved state.
fn restored(state: &[u8], count: usize) -> Result<Vec<Vehicle>, Error> {
    let (words, rest) = state.as_chunks::<8>();
    let (vehicles, more) = words.as_chunks::<{ Vehicle::WORDS }>();
    if vehicles.len() != count || !rest.is_empty() || !more.is_empty() {
        return Err(Error::failed(format!(
            "the saved state has {} bytes, and that of {count} vehicles has {}",
            state.len(),
            count * Vehicle::WORDS * 8
        )));
    }
    let vehicle = |words: &[[u8; 8]; Vehicle::WORDS]| {
        let [at, speed, direction, latitude, longitude, odometer] = words.map(u64::from_le_bytes);
        Vehicle {
            at,
            speed: speed as u32,
            direction: direction as u32,
            away: [latitude as i64, longitude as i64],
            odometer,
        }
    };
    Ok(vehicles.iter().map(vehicle).collect())
}

wellhead_sdk::export!(Telemetry);

/// On this machine, with no WebAssembly: `cargo test`. What the host relies on besides, `wellhead plugin test` tries.
#[cfg(test)]
mod tests {
    use super::*;
    use wellhead_sdk::Stream;

    fn records(first: u64, count: u64, state: Option<&[u8]>) -> (Vec<String>, Vec<u8>) {
        let mut stream = Stream::<Telemetry>::open(&Settings::default(), state).unwrap();
        let second = |index: u64| 1_767_225_600_000_000_000 + index * 1_000_000_000;
        let times: Vec<u64> = (first..first + count).map(second).collect();
        let batch = stream.generate(first, &times).unwrap();
        let text = |record: &[u8]| String::from_utf8(record.to_vec()).unwrap();
        (batch.records().map(text).collect(), stream.save().unwrap())
    }

    #[test]
    fn a_saved_state_goes_on_as_if_nothing_had_been() {
        let (whole, _) = records(0, 300, None);
        let (begin, state) = records(0, 123, None);
        let (end, _) = records(123, 177, Some(&state));
        assert_eq!(whole, [begin, end].concat());
        assert!(Stream::<Telemetry>::open(&Settings::default(), Some(&state[1..])).is_err());
    }

    #[test]
    fn vehicles_take_turns_and_some_go_too_fast() {
        let (records, _) = records(0, 20_000, None);
        assert!(
            records[51]
                .starts_with(r#"{"vehicle":"vehicle-1","at":"2026-01-01T00:00:51.000000Z","#)
        );
        let alerts = records.iter().filter(|record| record.contains("speeding"));
        assert!((100..5_000).contains(&alerts.count()));
    }
}
