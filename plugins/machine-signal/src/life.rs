//! What a machine goes through: shifts of eight hours, each drawn from the seed by (machine,
//! shift), so that any moment can be had without those before the shift.
//!
//! Time is counted in the machine's own records. So each change of state is the record of exactly
//! one tick, whatever the load: it comes once, and none is missed.

use wellhead_sdk::dist::Curve;
use wellhead_sdk::{Key, Rng, below};

use crate::Config;
use crate::record::WHICH_ERROR;

const SHIFT_SECONDS: f64 = 8.0 * 3600.0;
/// A shift's last part, of 32, in which the machine is off: so the next one begins from there.
const BREAK_PART: u32 = 1;
/// What a phase has at least: an error, a change of state, and a reading.
const SHORTEST: u32 = 3;
/// Time constant of ramps.
const RAMP_SECONDS: f64 = 6.0;
/// Steps of the table of ramps for each time constant.
const RAMP_STEPS: f64 = 16.0;
const RAMP_POINTS: usize = 128;

/// What a machine does. The numbers are those of the records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Off,
    Idle,
    Starting,
    Running,
    /// By an error, until somebody resets it.
    Stopped,
    Resetting,
}

/// A stretch of one state.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Phase {
    pub state: State,
    pub previous: State,
    /// The error that it begins with, where it stopped the machine.
    pub error: u8,
    /// Whether an error ends it.
    fails: bool,
    /// Its records within the shift.
    pub begin: u32,
    end: u32,
    /// Power in parts of 2¹⁶ of what the machine is rated at: where it comes from and goes to.
    from: i32,
    to: i32,
}

/// What is the same for all machines.
#[derive(Clone, Debug)]
pub(crate) struct Rules {
    key: Key,
    /// Records of a shift, and the first of them that belongs to the break.
    pub shift: u32,
    rest: u32,
    /// Records of a second, in parts of 2¹⁶.
    pace: u64,
    /// Milliseconds of running until an error, where there are errors.
    failing: Option<Curve>,
    /// How much of a step is left, in parts of 2¹⁶, and how many points of that a record goes on,
    /// in parts of 2⁸.
    ramp: [i32; RAMP_POINTS],
    ramp_step: u64,
}

impl Rules {
    pub fn new(config: &Config, key: Key) -> Rules {
        let ramp = std::array::from_fn(|i| (65_536.0 * libm::exp(-(i as f64) / RAMP_STEPS)) as i32);
        let shift = (SHIFT_SECONDS / config.period).clamp(64.0, 1e9) as u32;
        Rules {
            key,
            shift,
            rest: shift - (shift / 32 * BREAK_PART).max(SHORTEST),
            pace: (65_536.0 / config.period) as u64,
            failing: (config.error_rate > 0.0)
                .then(|| Curve::exponential(3_600_000.0 / config.error_rate)),
            ramp,
            ramp_step: (config.period / RAMP_SECONDS * RAMP_STEPS * 256.0) as u64,
        }
    }

    /// Records of so many milliseconds.
    fn records(&self, ms: u32) -> u32 {
        let records = (u64::from(ms) * self.pace / 1000) >> 16;
        records.clamp(u64::from(SHORTEST), 1 << 30) as u32
    }

    /// What is left of the way from one power to the next after so many records.
    #[inline(always)]
    fn left(&self, records: u32) -> i32 {
        let point = (u64::from(records) * self.ramp_step) >> 8;
        match self.ramp.get(point as usize) {
            Some(left) => *left,
            None => 0,
        }
    }

    /// Power at a record of the phase, in parts of 2¹⁶ of what the machine is rated at.
    #[inline(always)]
    pub fn power(&self, phase: &Phase, slot: u32) -> i32 {
        let way = i64::from(phase.from - phase.to);
        phase.to + ((way * i64::from(self.left(slot - phase.begin))) >> 16) as i32
    }
}

/// Where a machine is in its life.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Machine {
    shift: u64,
    random: Rng,
    pub phase: Phase,
}

impl Machine {
    /// One that has not been asked yet.
    pub fn new(rules: &Rules) -> Machine {
        Machine {
            shift: u64::MAX,
            random: rules.key.at(0),
            phase: Phase {
                state: State::Off,
                previous: State::Off,
                error: 0,
                fails: false,
                begin: 0,
                end: 0,
                from: 0,
                to: 0,
            },
        }
    }

    /// Goes to a record of a shift. Forwards within a shift it costs what lies between.
    #[inline(always)]
    pub fn go_to(&mut self, rules: &Rules, number: u32, shift: u64, slot: u32) {
        if shift != self.shift || slot < self.phase.begin {
            self.begin(rules, number, shift);
        }
        while slot >= self.phase.end {
            self.next(rules);
        }
    }

    #[inline(never)]
    fn begin(&mut self, rules: &Rules, number: u32, shift: u64) {
        self.shift = shift;
        self.random = rules.key.at(shift << 20 | u64::from(number));
        self.phase = Machine::new(rules).phase;
        // From off, at the power of that.
        self.phase.to = level(State::Off, 0);
        self.phase.from = self.phase.to;
        let (length, _) = self.length(rules, State::Idle);
        self.phase = Phase {
            state: State::Idle,
            previous: State::Off,
            end: clipped(rules, length),
            from: self.phase.to,
            to: level(State::Idle, self.random.next() as u32),
            ..self.phase
        };
    }

    #[inline(never)]
    fn next(&mut self, rules: &Rules) {
        let last = self.phase;
        let state = match last.state {
            _ if last.end >= rules.rest => State::Off,
            State::Off | State::Resetting => State::Idle,
            State::Idle => State::Starting,
            State::Starting => State::Running,
            State::Running if last.fails => State::Stopped,
            State::Running => State::Idle,
            State::Stopped => State::Resetting,
        };
        let (length, fails) = self.length(rules, state);
        let luck = self.random.next();
        let end = match state {
            State::Off => rules.shift,
            _ => clipped(rules, last.end + length),
        };
        self.phase = Phase {
            state,
            previous: last.state,
            error: WHICH_ERROR[(luck >> 56) as usize],
            fails,
            begin: last.end,
            end,
            from: rules.power(&last, last.end),
            to: level(state, luck as u32),
        };
    }

    /// How many records a state lasts, and whether an error ends it before its time.
    fn length(&mut self, rules: &Rules, state: State) -> (u32, bool) {
        let random = &mut self.random;
        let (least, span) = match state {
            State::Off => (0, 1),
            State::Idle => (20_000, 280_000),
            State::Starting => (10_000, 30_000),
            State::Running => (180_000, 1_620_000),
            State::Stopped => (60_000, 840_000),
            State::Resetting => (10_000, 50_000),
        };
        let ms = least + random.below(span);
        let until_error = match &rules.failing {
            Some(failing) if state == State::Running => failing.draw_u32(random.next() as u32),
            _ => u32::MAX,
        };
        (rules.records(ms.min(until_error)), until_error < ms)
    }
}

/// An end that leaves no stump before the break.
fn clipped(rules: &Rules, end: u32) -> u32 {
    if end.saturating_add(SHORTEST) > rules.rest {
        rules.rest
    } else {
        end
    }
}

/// Power of a state, in parts of 2¹⁶ of what a machine is rated at, by 32 random bits.
fn level(state: State, random: u32) -> i32 {
    let (percent, span) = match state {
        State::Off => (1, 0),
        State::Idle => (9, 5),
        State::Starting => (90, 15),
        State::Running => (50, 35),
        State::Stopped => (4, 2),
        State::Resetting => (12, 4),
    };
    (percent * 65_536 / 100 + below(random, span * 65_536 / 100)) as i32
}
