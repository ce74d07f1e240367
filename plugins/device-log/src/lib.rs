//! `device-log`: the log lines of a fleet of devices.
//!
//! What a device does at an instant (is it well, in trouble, booting, taking an update; since
//! when is it up) is a function of the fleet's incidents, and those are drawn by window from the
//! seed ([`fleet`]). So no state is carried from record to record: any record can be made at any
//! time. A record picks a device, asks the fleet what goes on there, and picks a line that fits
//! ([`lines`]).

mod config;
mod fleet;
mod incidents;
mod lines;
mod mix;
mod record;

use wellhead_sdk::{
    Channel, Clock, Error, Generator, Key, Out, Settings, Table, Tick, below, record,
};

pub use config::{Config, Severities};
use fleet::{Fleet, GROUP, Phase};
use incidents::Kind;
use lines::{FAILURES, Line, ORDINARY, sequence};
use mix::Mix;
use record::{Device, Firmware, LogRecord, MODELS, STATES, site_name};

/// Groups of a site.
const SITE: u32 = 4;
const NANOS_IN_MILLI: u64 = 1_000_000;

/// The generator.
pub struct DeviceLog {
    lines: Key,
    devices: Key,
    fleet: Fleet,
    /// Severities of a device that is well, and of one in each phase of an incident.
    well: Mix,
    onset: Mix,
    failing: Mix,
    clock: Clock,
    sites: Table,
}

impl Generator for DeviceLog {
    const NAME: &'static str = "device-log";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const SUMMARY: &'static str =
        "Log lines of a fleet of devices, with incidents that come in bursts, boots and updates.";
    type Config = Config;

    fn channels(config: &Config) -> Result<Vec<Channel>, Error> {
        config.well()?;
        Ok(vec![Channel::of::<LogRecord>("log")])
    }

    fn open(config: Config, settings: &Settings, _: Option<&[u8]>) -> Result<Self, Error> {
        let sites = (0..config.devices.div_ceil(GROUP * SITE)).map(site_name);
        Ok(DeviceLog {
            sites: Table::new(sites),
            lines: settings.key("lines"),
            devices: settings.shared_key("device"),
            fleet: Fleet::new(&config, settings)?,
            well: config.well()?,
            onset: Mix::new([2, 40, 50, 8, 0]),
            failing: Mix::new([1, 14, 25, 48, 12]),
            clock: Clock::new(),
        })
    }

    #[inline(always)]
    fn record(&mut self, tick: Tick, out: &mut Out<'_>) -> Result<(), Error> {
        let ms = tick.time / NANOS_IN_MILLI;
        if !self.fleet.knows(ms) {
            self.fleet.go_to(ms);
        }
        let mut random = self.lines.at(tick.index);
        let (who, what) = (random.next(), random.next());
        let device = self.fleet.pick(who);
        let identity = self.devices.hash(u64::from(device));
        let now = self.fleet.now(device, identity, ms);

        let chance = what as u32;
        let choice = (what >> 32) as u32;
        let line = match now.phase {
            Phase::Well => &ORDINARY[self.well.pick(chance)][(choice >> 29) as usize],
            Phase::Onset(kind) => trouble(kind, self.onset.pick(chance), choice),
            Phase::Failing(kind) => trouble(kind, self.failing.pick(chance), choice),
            // Three lines of four are the sequence's own.
            Phase::Sequence(kind, step) if chance < 3 << 30 => sequence(kind, step),
            Phase::Sequence(..) => local(self.well.pick(chance << 2), choice),
        };
        let number = line.low + below(choice << 3, line.span);

        let model = (identity >> 8) as usize & 7;
        record!(out, {
            "ts": self.clock.at(tick.time),
            "device_id": Device(device),
            "site": self.sites.at((device / (GROUP * SITE)) as usize),
            "model": MODELS.at(model),
            "firmware": Firmware { model, release: now.release },
            "component": line.component.at(0),
            "severity": line.severity.at(0),
            "event": line.event.at(0),
            "message": line.message(number),
            "state": STATES.at(now.state),
            "uptime_s": now.uptime_s,
            "incident": now.incident
        });
        out.key(Device(device));
        Ok(())
    }
}

/// An ordinary line that needs no uplink.
#[inline(always)]
fn local(severity: usize, choice: u32) -> &'static Line {
    &ORDINARY[severity][(choice >> 30) as usize]
}

/// A line of a device in an incident. What is no trouble is an ordinary line, since the rest of
/// the device goes on.
#[inline(always)]
fn trouble(kind: Kind, severity: usize, choice: u32) -> &'static Line {
    match severity.checked_sub(2) {
        Some(trouble) => &FAILURES[kind as usize][trouble][(choice >> 30) as usize],
        None => local(severity, choice),
    }
}

wellhead_sdk::export!(DeviceLog);
