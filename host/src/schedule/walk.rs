//! A walk over one profile, and what is worked out once for all who walk it.

use std::sync::{Arc, OnceLock};

use super::curve::{self, Curve};
use super::linear::Linear;
use super::poisson::{Process, Walker};
use super::{Profile, Rate, Stage};
use crate::record::Nanos;

/// Straight pieces that stand for one swing of a sine; they leave it by less than 5·10⁻⁶ of the
/// amplitude.
const KNOTS: u64 = 1024;

fn level(rate: Rate) -> curve::Level {
    curve::level(rate.records(), rate.nanos())
}

fn ramps(stages: &[Stage]) -> Curve {
    Curve::ramps(
        stages
            .iter()
            .map(|s| (s.length, level(s.from), level(s.to))),
    )
}

fn bursts(peak: Rate, base: Rate, every: Nanos, length: Nanos) -> Curve {
    let (peak, base) = (level(peak), level(base));
    Curve::cycle([
        (length, peak, peak),
        (every.saturating_sub(length), base, base),
    ])
}

fn swings(low: Rate, high: Rate, period: Nanos, peak: Nanos) -> Curve {
    let (low, high) = (level(low), level(high));
    let knot = |n: u64| ((u128::from(n) * u128::from(period)) / u128::from(KNOTS)) as u64;
    let at = |n: u64| {
        let t = (knot(n) % period) as f64 - (peak % period) as f64;
        let turn = libm::cos(std::f64::consts::TAU * t / period as f64);
        low + ((high - low) as f64 * (0.5 + 0.5 * turn)) as curve::Level
    };
    Curve::cycle((0..KNOTS).map(|n| (knot(n + 1) - knot(n), at(n), at(n + 1))))
}

/// What a profile needs worked out once, shared by all that walk it. No part of its value.
#[derive(Clone, Debug, Default)]
pub(super) struct Prepared(OnceLock<Shared>);

#[derive(Clone, Debug)]
enum Shared {
    Curve(Curve),
    Poisson(Arc<Process>),
}

impl PartialEq for Prepared {
    fn eq(&self, _: &Prepared) -> bool {
        true
    }
}

impl Prepared {
    fn curve(&self, make: impl FnOnce() -> Curve) -> Walk {
        match self.0.get_or_init(|| Shared::Curve(make())) {
            Shared::Curve(curve) => Walk::Curve(curve.clone()),
            Shared::Poisson(process) => Walk::Poisson(Walker::new(Arc::clone(process))),
        }
    }

    fn poisson(&self, rate: Rate, seed: u64, origin: u64) -> Walk {
        let make = || Arc::new(Process::new(rate.per_second(), seed, origin));
        let process = match self.0.get_or_init(|| Shared::Poisson(make())) {
            Shared::Poisson(process) if process.seed() == seed => Arc::clone(process),
            _ => make(),
        };
        Walk::Poisson(Walker::new(process))
    }
}

/// A walk over one profile.
#[derive(Clone, Debug)]
pub(super) enum Walk {
    Linear(Linear),
    Every { period: Nanos, records: u64 },
    Curve(Curve),
    Poisson(Walker),
}

impl Walk {
    /// A walk in steps of `stride` ticks. `seed` and `origin` (the tick at which the profile began)
    /// key what is random.
    pub fn new(
        profile: &Profile,
        prepared: &Prepared,
        stride: u64,
        seed: u64,
        origin: u64,
    ) -> Walk {
        match *profile {
            Profile::Constant(rate) => {
                Walk::Linear(Linear::new(rate.nanos(), rate.records(), stride))
            }
            Profile::Max { step } => Walk::Linear(Linear::new(step, 1, stride)),
            Profile::Every { period, records } => Walk::Every {
                period,
                records: records.max(1),
            },
            Profile::Poisson(rate) => prepared.poisson(rate, seed, origin),
            Profile::Stages(ref stages) => prepared.curve(|| ramps(stages)),
            Profile::Sine {
                low,
                high,
                period,
                peak,
            } => prepared.curve(|| swings(low, high, period, peak)),
            Profile::Burst {
                peak,
                base,
                every,
                length,
            } => prepared.curve(|| bursts(peak, base, every, length)),
        }
    }

    /// When tick `k` falls; none where it never does.
    #[inline]
    pub fn at(&mut self, k: u64) -> Option<Nanos> {
        match self {
            Walk::Linear(linear) => Some(linear.at(k)),
            Walk::Every { period, records } => (k / *records).checked_mul(*period),
            Walk::Curve(curve) => curve.at(k),
            Walk::Poisson(walker) => Some(walker.at(k)),
        }
    }

    /// Appends `origin + f` of the ticks `k`, `k + stride`, …: `n` of them, fewer where no more fall.
    pub fn extend(&mut self, k: u64, stride: u64, n: usize, origin: Nanos, out: &mut Vec<Nanos>) {
        let ticks = (0..n as u64).map(|j| k.saturating_add(j.saturating_mul(stride)));
        let from = |offset: Nanos| origin.saturating_add(offset);
        match self {
            Walk::Linear(linear) => linear.extend(k, n, origin, out),
            Walk::Every { period, records } => {
                out.extend(
                    ticks
                        .map_while(|k| (k / *records).checked_mul(*period))
                        .map(from),
                );
            }
            Walk::Curve(curve) => out.extend(ticks.map_while(|k| curve.at(k)).map(from)),
            Walk::Poisson(walker) => out.extend(ticks.map(|k| from(walker.at(k)))),
        }
    }

    /// How many ticks fall before `t`.
    pub fn below(&self, t: Nanos) -> u64 {
        match self {
            _ if t == 0 => 0,
            Walk::Linear(linear) => linear.below(t),
            Walk::Every { period, records } => {
                t.div_ceil((*period).max(1)).saturating_mul(*records)
            }
            Walk::Curve(curve) => curve.below(t),
            Walk::Poisson(walker) => walker.below(t),
        }
    }
}
