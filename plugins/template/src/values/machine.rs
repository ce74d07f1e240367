//! State machines that nobody carries along: where a machine is at an instant follows from seed,
//! entity and event time.
//!
//! Time is cut into windows, an entity's all as long as some of the machine's cycles take on
//! average, and none beginning when another entity's does. Each window begins as its entity comes
//! into the initial state. From there states and stays are drawn until it comes back to the
//! initial state about when the window ends; the rest of the way is made up for by all stays
//! together, each within its own range. So transitions are only those that are written, also
//! from one window to the next, and what a record costs is bounded by a window's stays. The stay
//! that was found is kept, since an entity's next record is mostly within it.

use wellhead_sdk::dist::Weighted;
use wellhead_sdk::{Key, Rng, mix};

use super::{Registers, Span};
use crate::number::below_wide;

/// Stays that are kept, of all machines together: one for each of so many entities. A power of two.
pub(super) const CACHED: usize = 4096;
/// Stays of a window: a machine that its checks let through never gets there.
const MOST: u32 = 4096;

/// A state: how long it is stayed in, and where it leads to.
#[derive(Clone, Debug)]
pub(crate) struct Stay {
    pub name: Span,
    pub low: u64,
    pub high: u64,
    pub to: Vec<u32>,
    pub weights: Option<Weighted>,
}

/// A machine, ready to be asked.
#[derive(Clone, Debug)]
pub(crate) struct Machine {
    pub key: Key,
    /// The first is the initial one.
    pub states: Vec<Stay>,
    pub window: u64,
}

/// A stay that was found: of whom, from when to when.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Cached {
    entity: u64,
    from: u64,
    to: u64,
    machine: u32,
    state: u32,
}

/// How a window's stays come to end with it.
#[derive(Clone, Copy, Debug)]
struct Fit {
    stays: u32,
    off: u64,
    way: Way,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Way {
    /// Each this share nearer to its longest.
    Longer(f64),
    /// Each this share nearer to its shortest.
    Shorter(f64),
    /// Where ranges leave no room for that: each so many times as long.
    Times(f64),
}

impl Fit {
    fn new(stays: u32, total: u64, low: u64, high: u64, window: u64) -> Fit {
        let off = total.abs_diff(window);
        let way = match total < window {
            true if high >= window => Way::Longer(off as f64 / (high - total) as f64),
            false if low <= window && total > low => {
                Way::Shorter(off as f64 / (total - low) as f64)
            }
            _ => Way::Times(window as f64 / total.max(1) as f64),
        };
        Fit { stays, off, way }
    }

    fn better(self, other: Option<Fit>) -> Fit {
        let forced = |fit: &Fit| match fit.way {
            Way::Times(times) => times != 1.0,
            _ => false,
        };
        match other {
            Some(other) if (forced(&other), other.off) <= (forced(&self), self.off) => other,
            _ => self,
        }
    }

    fn applied(self, stay: u64, state: &Stay) -> u64 {
        match self.way {
            Way::Longer(share) => stay + ((state.high - stay) as f64 * share) as u64,
            Way::Shorter(share) => stay - ((stay - state.low) as f64 * share) as u64,
            Way::Times(times) => (stay as f64 * times) as u64,
        }
    }
}

impl Machine {
    /// The state of an entity at an instant, as text.
    pub fn at(&self, entity: u64, time: u64, number: u32, registers: &mut Registers) -> Span {
        let share = CACHED / registers.machines;
        let place =
            number as usize % registers.machines * share + (mix(entity) as usize & (share - 1));
        let kept = &mut registers.stays[place];
        let same = kept.entity == entity && kept.machine == number;
        if !same || time < kept.from || time >= kept.to {
            *kept = Cached {
                machine: number,
                ..self.found(entity, time)
            };
        }
        self.states[kept.state as usize].name
    }

    #[inline(never)]
    fn found(&self, entity: u64, time: u64) -> Cached {
        let base = self.key.hash(entity);
        let offset = below_wide(base, self.window);
        let shifted = time.saturating_add(offset);
        let (window, within) = (shifted / self.window, shifted % self.window);
        let random = self.key.at(base.wrapping_add(window));
        let fit = self.fit(random);
        let mut random = random;
        let (mut state, mut from) = (0, 0);
        for n in 1..=fit.stays {
            let current = &self.states[state as usize];
            let (stay, next) = self.stay(state, &mut random);
            let to = match n == fit.stays {
                true => self.window,
                false => (from + fit.applied(stay, current)).min(self.window),
            };
            if within < to {
                let begun = (shifted - within).saturating_add(from);
                return Cached {
                    entity,
                    from: begun.saturating_sub(offset),
                    to: begun.saturating_add(to - from).saturating_sub(offset),
                    state,
                    machine: 0,
                };
            }
            (state, from) = (next, to);
        }
        Cached::default()
    }

    /// Which return to the initial state ends the window.
    fn fit(&self, mut random: Rng) -> Fit {
        let (mut total, mut low, mut high) = (0_u64, 0_u64, 0_u64);
        let (mut state, mut best) = (0, None);
        for stays in 1..=MOST {
            let current = &self.states[state as usize];
            let (stay, next) = self.stay(state, &mut random);
            total = total.saturating_add(stay);
            low = low.saturating_add(current.low);
            high = high.saturating_add(current.high);
            state = next;
            if state == 0 || stays == MOST {
                let fit = Fit::new(stays, total, low, high, self.window).better(best);
                if total >= self.window {
                    return fit;
                }
                best = Some(fit);
            }
        }
        best.unwrap_or_else(|| Fit::new(MOST, total, low, high, self.window))
    }

    /// How long a state is stayed in, and which comes next.
    #[inline(always)]
    fn stay(&self, state: u32, random: &mut Rng) -> (u64, u32) {
        let state = &self.states[state as usize];
        let stay = state.low + below_wide(random.next(), state.high - state.low + 1);
        let next = match &state.weights {
            Some(weights) => weights.draw(random.next()),
            None => 0,
        };
        (stay, state.to[next])
    }
}
