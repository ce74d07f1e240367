//! `machine-signal`: what machines say of themselves: their state, their power, their errors.
//!
//! Machines take turns, a record each. A machine's life ([`life`]) is counted in its own records
//! and drawn by shift, so that any record can be made at any time. The record that a phase begins
//! with is its change of state (after the error, where one stopped the machine); all others are
//! readings of power.

mod config;
mod life;
mod record;

use wellhead_sdk::dist::Curve;
use wellhead_sdk::{
    Channel, Clock, Error, Fixed, Generator, Key, Out, Round, Settings, Tick, below, record,
};

pub use config::Config;
use life::{Machine, Rules, State};
use record::{ERRORS, ErrorSignal, MachineId, Power, STATES, StateChange};

/// Channels by their index.
const STATE_CHANGE: u8 = 0;
const POWER: u8 = 1;
const ERROR: u8 = 2;

/// Standard deviation of power around its level, in parts of 2¹⁶ of that: about 1.5 %.
const NOISE: f64 = 983.0;

/// The generator.
pub struct MachineSignal {
    rules: Rules,
    machines: Vec<Machine>,
    turns: Round,
    /// The shift and the slot that a lap of the turns belongs to.
    lap: u64,
    shift: u64,
    slot: u32,
    /// A machine's number is its place times `step`, and `first`.
    first: u32,
    step: u32,
    ratings: Key,
    /// Half of the average rating, in watts.
    half_rating: u32,
    readings: Key,
    noise: Curve,
    clock: Clock,
}

impl Generator for MachineSignal {
    const NAME: &'static str = "machine-signal";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const SUMMARY: &'static str = "States, power and errors of machines: power follows the state, errors stop it until a reset.";
    const RECORD_BYTES: usize = 160;
    type Config = Config;

    fn channels(config: &Config) -> Result<Vec<Channel>, Error> {
        config.check()?;
        Ok(vec![
            Channel::of::<StateChange>("state_change"),
            Channel::of::<Power>("power"),
            Channel::of::<ErrorSignal>("error"),
        ])
    }

    fn open(config: Config, settings: &Settings, _: Option<&[u8]>) -> Result<Self, Error> {
        config.check()?;
        let own = settings.share_of(u64::from(config.machines)) as u32;
        if own == 0 {
            return Err(Error::invalid_config(format!(
                "`machines` is {} and there are {} streams, but each stream needs a machine of its \
                 own; set fewer streams or more machines",
                config.machines, settings.stream_count
            )));
        }
        let rules = Rules::new(&config, settings.shared_key("life"));
        Ok(MachineSignal {
            machines: vec![Machine::new(&rules); own as usize],
            rules,
            turns: Round::new(own),
            lap: u64::MAX,
            shift: 0,
            slot: 0,
            first: settings.stream_index,
            step: settings.stream_count,
            ratings: settings.shared_key("machine"),
            half_rating: (config.rated_power * 500.0) as u32,
            readings: settings.key("power"),
            noise: Curve::normal(0.0, NOISE),
            clock: Clock::new(),
        })
    }

    #[inline(always)]
    fn record(&mut self, tick: Tick, out: &mut Out<'_>) -> Result<(), Error> {
        let (lap, place) = self.turns.at(tick.index);
        if lap != self.lap {
            self.lap = lap;
            self.shift = lap / u64::from(self.rules.shift);
            self.slot = (lap % u64::from(self.rules.shift)) as u32;
        }
        let number = self.first + place * self.step;
        let machine = &mut self.machines[place as usize];
        machine.go_to(&self.rules, number, self.shift, self.slot);
        let phase = &machine.phase;
        let timestamp = self.clock.at(tick.time);
        let machine_id = MachineId(number);
        let since = self.slot - phase.begin;
        let by_error = phase.state == State::Stopped;

        if since > u32::from(by_error) {
            let random = self.readings.hash(tick.index);
            let level = i64::from(self.rules.power(phase, self.slot));
            let noise = i64::from(self.noise.draw(random as u32));
            let rating = self.ratings.hash(u64::from(number)) as u32;
            let rating = i64::from(self.half_rating + below(rating, 2 * self.half_rating));
            let watts = (rating * (level + ((level * noise) >> 16))) >> 16;
            record!(out, {
                "signal_type": "power",
                "value": Fixed::<3>(watts.max(0)),
                "timestamp": timestamp,
                "machine_id": machine_id,
                "unit": "kW",
                "state": STATES.at(phase.state as usize),
            });
            out.channel(POWER);
        } else if by_error && since == 0 {
            record!(out, {
                "signal_type": "error",
                "value": 101 + u32::from(phase.error),
                "timestamp": timestamp,
                "machine_id": machine_id,
                "unit": "code",
                "error": ERRORS.at(phase.error as usize),
            });
            out.channel(ERROR);
        } else {
            record!(out, {
                "signal_type": "state_change",
                "value": phase.state as u32,
                "timestamp": timestamp,
                "machine_id": machine_id,
                "unit": "state",
                "state": STATES.at(phase.state as usize),
                "previous": STATES.at(phase.previous as usize),
            });
            out.channel(STATE_CHANGE);
        }
        out.key(machine_id);
        Ok(())
    }
}

wellhead_sdk::export!(MachineSignal);
