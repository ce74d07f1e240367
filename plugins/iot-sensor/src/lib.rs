//! `iot-sensor`: readings of devices with sensors.
//!
//! Devices and their sensors take turns, a record each. What one reads at an instant is a function
//! of seed, device, sensor and event time ([`sensor`], [`trouble`]); nothing is kept for a device,
//! so a hundred thousand cost what ten do.

mod config;
mod sensor;
mod trouble;

use schemars::JsonSchema;
use wellhead_sdk::{
    Channel, Clock, Error, Fixed, Generator, Key, Out, Put, Round, Settings, Table, Text, Tick,
    Writer, lit, record,
};

pub use config::{Config, Known, Own, Sensor};
use sensor::{Cycle, Instant, Reader};
use trouble::{Trouble, WINDOW};

/// A reading.
#[derive(JsonSchema)]
#[allow(dead_code)] // its shape makes the schema; `record!` writes the bytes
struct Reading {
    /// The device, which is also the key.
    #[schemars(regex(pattern = "^device-[0-9]{8}$"))]
    device_id: String,
    /// What is measured.
    sensor: String,
    /// In `unit`, with three decimals.
    value: f64,
    /// Of `value`.
    unit: String,
    /// When, in UTC with microseconds.
    #[schemars(extend("format" = "date-time"))]
    timestamp: String,
}

/// A device's number as users see it: `device-00000012`.
#[derive(Clone, Copy)]
struct DeviceId(u32);

impl Text for DeviceId {
    #[inline(always)]
    fn text(self, writer: &mut Writer<'_>) {
        lit!(writer, "device-");
        writer.digits8(self.0);
    }
}

impl Put for DeviceId {
    #[inline(always)]
    fn put(self, writer: &mut Writer<'_>) {
        lit!(writer, "\"device-");
        writer.digits8(self.0);
        writer.byte(b'"');
    }
}

/// The generator.
pub struct IotSensor {
    /// Turns of this stream's devices and their sensors.
    turns: Round,
    readers: Vec<Reader>,
    names: Table,
    units: Table,
    /// A device's number is its place times `step`, and `first`.
    first: u32,
    step: u32,
    identities: Key,
    readings: Key,
    outages: Trouble,
    stuck: Trouble,
    /// The share of readings that are missing, of 2³².
    gaps: u64,
    cycle: Cycle,
    clock: Clock,
    /// The last event time asked for, and what was worked out of it.
    time: u64,
    now: Instant,
    window: u64,
}

impl Generator for IotSensor {
    const NAME: &'static str = "iot-sensor";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const SUMMARY: &'static str = "Readings of devices with sensors, with a daily cycle, drift, outages, gaps and stuck values.";
    const RECORD_BYTES: usize = 128;
    type Config = Config;

    fn channels(config: &Config) -> Result<Vec<Channel>, Error> {
        config.check()?;
        Ok(vec![Channel::of::<Reading>("reading")])
    }

    fn open(config: Config, settings: &Settings, _: Option<&[u8]>) -> Result<Self, Error> {
        config.check()?;
        let own = settings.share_of(u64::from(config.devices)) as u32;
        if own == 0 {
            return Err(Error::invalid_config(format!(
                "`devices` is {} and there are {} streams, but each stream needs a device of its \
                 own; set fewer streams or more devices",
                config.devices, settings.stream_count
            )));
        }
        let measures: Vec<Own> = config.sensors.iter().map(Sensor::measures).collect();
        Ok(IotSensor {
            turns: Round::new(own * config.sensors.len() as u32),
            readers: config.sensors.iter().map(Reader::new).collect(),
            names: Table::new(measures.iter().map(|own| &own.name)),
            units: Table::new(measures.iter().map(|own| &own.unit)),
            first: settings.stream_index,
            step: settings.stream_count,
            identities: settings.shared_key("sensor"),
            readings: settings.key("reading"),
            outages: Trouble::new(settings.shared_key("outage"), config.outages, 2, 60),
            stuck: Trouble::new(settings.shared_key("stuck"), config.stuck, 10, 120),
            gaps: (config.gaps * 4_294_967_296.0) as u64,
            cycle: Cycle::new(),
            clock: Clock::new(),
            time: 0,
            now: Instant::default(),
            window: 0,
        })
    }

    #[inline(always)]
    fn record(&mut self, tick: Tick, out: &mut Out<'_>) -> Result<(), Error> {
        let (_, place) = self.turns.at(tick.index);
        if tick.time != self.time {
            self.time = tick.time;
            self.now = Instant::of(tick.time);
            self.window = tick.time / WINDOW;
        }
        let kinds = self.readers.len() as u32;
        let (own, kind) = (place / kinds, place % kinds);
        let device = self.first + own * self.step;
        let random = self.readings.hash(tick.index);
        if random >> 32 < self.gaps || self.outages.since(device, self.window, self.time).is_some()
        {
            // Nothing happens at this tick: no record.
            return Ok(());
        }
        // 64 is more than any device has: another number for each sensor there is.
        let who = device << 6 | kind;
        let identity = self.identities.hash(u64::from(who));
        let reader = &self.readers[kind as usize];
        let value = match self.stuck.since(who, self.window, self.time) {
            None => reader.read(&self.cycle, identity, self.now, random as u32),
            Some((since, noise)) => reader.read(&self.cycle, identity, Instant::of(since), noise),
        };
        record!(out, {
            "device_id": DeviceId(device),
            "sensor": self.names.at(kind as usize),
            "value": Fixed::<3>(value),
            "unit": self.units.at(kind as usize),
            "timestamp": self.clock.at(tick.time),
        });
        out.key(DeviceId(device));
        Ok(())
    }
}

wellhead_sdk::export!(IotSensor);
