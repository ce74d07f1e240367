//! Load profiles: pure functions from a tick to its profile time.
//!
//! `k` counts ticks and `f(k)` nanoseconds from the tick at which the profile began; `f` never
//! descends. How they are worked out is in `walk`.

use serde::{Deserialize, Serialize};

use super::Rate;
use super::curve::LONGEST;
use crate::record::Nanos;

/// Versions of the functions, for the manifest: what bytes depend on changes only with a new number.
pub(super) const VERSIONS: &[(&str, u32)] = &[
    ("profile.constant", 1),
    ("profile.every", 1),
    ("profile.poisson", 1),
    ("profile.stages", 1),
    ("profile.sine", 1),
    ("profile.burst", 1),
    ("profile.max", 1),
];

/// How load changes over profile time. Made by the functions below, which check it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Profile {
    /// Evenly: `f(k) = round(k / rate)`, halves up.
    Constant(Rate),
    /// `records` ticks at once each `period` nanoseconds: `f(k) = ⌊k / records⌋ · period`.
    Every {
        /// Between two beats, nanoseconds.
        period: Nanos,
        /// Ticks at each.
        records: u64,
    },
    /// A Poisson process of that mean rate: the count of each second is a draw keyed by (seed,
    /// tick at which the profile began, second), its instants are sorted uniforms.
    Poisson(Rate),
    /// Straight ramps of the rate, one after another; the last one's final rate goes on. `f(k)` is the
    /// nanosecond in which the integral of the rate passes `k`.
    Stages(Vec<Stage>),
    /// A daily curve: `rate(t) = (high + low)/2 + (high − low)/2 · cos(2π (t − peak) / period)`, as
    /// 1,024 straight pieces a period; `f` as of stages.
    Sine {
        /// The lowest rate.
        low: Rate,
        /// The highest rate.
        high: Rate,
        /// From one peak to the next, nanoseconds.
        period: Nanos,
        /// When the first peak falls, nanoseconds from the profile's beginning.
        peak: Nanos,
    },
    /// `peak` for the first `length` of each `every` nanoseconds, `base` for the rest; `f` as of stages.
    Burst {
        /// The rate in a burst.
        peak: Rate,
        /// The rate between bursts.
        base: Rate,
        /// From one burst's beginning to the next.
        every: Nanos,
        /// How long a burst lasts.
        length: Nanos,
    },
    /// As fast as the sinks take it: nothing is due; `f(k) = k · step`.
    Max {
        /// Nanoseconds of event time from one tick to the next.
        step: Nanos,
    },
}

/// A straight ramp.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stage {
    /// How long it lasts, nanoseconds.
    pub length: Nanos,
    /// The rate at its beginning.
    pub from: Rate,
    /// The rate at its end.
    pub to: Rate,
}

/// A load that can't be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProfileError {
    /// Nothing would ever be due.
    #[error("nothing is ever due at {0}; write a rate above 0, such as 10/s")]
    Nothing(Rate),
    /// No record at a beat.
    #[error("a beat of 0 records says nothing; write at least 1")]
    NoRecords,
    /// A time of 0.
    #[error("the {0} is 0; write a time above 0, such as 10s")]
    NoTime(&'static str),
    /// A time that the arithmetic can't hold.
    #[error("the {0} is longer than 104 days; write a shorter one")]
    TooLong(&'static str),
    /// A time that can't be cut into pieces.
    #[error("the period of a sine is below 1 ms; write a longer one, or its average rate")]
    TooShort,
    /// A Poisson process too fast or too slow to draw by the second.
    #[error(
        "poisson works from 1/d to 10000000/s, and {0} isn't between; write another rate, or a constant one"
    )]
    Poisson(Rate),
    /// No stage.
    #[error("there is no stage; write at least one, such as {{for: 1m, to: 100/s}}")]
    NoStage,
    /// A trough above the peak.
    #[error("the lowest rate, {low}, is above the highest, {high}; swap them")]
    Inverted {
        /// The lowest as given.
        low: Rate,
        /// The highest as given.
        high: Rate,
    },
    /// A burst that doesn't end before the next.
    #[error("a burst lasts longer than the time from one to the next; make it shorter")]
    Overlap,
}

/// A length of a piece that the arithmetic can hold.
fn length(what: &'static str, length: Nanos) -> Result<Nanos, ProfileError> {
    match length {
        0 => Err(ProfileError::NoTime(what)),
        1..=LONGEST => Ok(length),
        _ => Err(ProfileError::TooLong(what)),
    }
}

impl Profile {
    /// Evenly at that rate.
    ///
    /// # Errors
    /// Where the rate is 0.
    pub fn constant(rate: Rate) -> Result<Profile, ProfileError> {
        match rate.is_zero() {
            true => Err(ProfileError::Nothing(rate)),
            false => Ok(Profile::Constant(rate)),
        }
    }

    /// `records` at once each `period` nanoseconds.
    ///
    /// # Errors
    /// Where either is 0.
    pub fn every(period: Nanos, records: u64) -> Result<Profile, ProfileError> {
        match (period, records) {
            (0, _) => Err(ProfileError::NoTime("period")),
            (_, 0) => Err(ProfileError::NoRecords),
            _ => Ok(Profile::Every { period, records }),
        }
    }

    /// A Poisson process of that mean rate.
    ///
    /// # Errors
    /// Where the rate is below 1/d or above 10⁷/s.
    pub fn poisson(rate: Rate) -> Result<Profile, ProfileError> {
        if rate.is_zero() {
            return Err(ProfileError::Nothing(rate));
        }
        match rate.per_second() {
            0.000_011..=10_000_000.0 => Ok(Profile::Poisson(rate)),
            _ => Err(ProfileError::Poisson(rate)),
        }
    }

    /// Ramps, one after another.
    ///
    /// # Errors
    /// Where there is none, one has no length or one above 104 days, or all rates are 0.
    pub fn stages(stages: Vec<Stage>) -> Result<Profile, ProfileError> {
        let last = stages.last().ok_or(ProfileError::NoStage)?.to;
        for stage in &stages {
            length("length of a stage", stage.length)?;
        }
        if stages.iter().all(|s| s.from.is_zero() && s.to.is_zero()) {
            return Err(ProfileError::Nothing(last));
        }
        Ok(Profile::Stages(stages))
    }

    /// Up and down between two rates.
    ///
    /// # Errors
    /// Where the lower rate is the higher one, the higher is 0, or the period is below 1 ms or above 104 days.
    pub fn sine(
        low: Rate,
        high: Rate,
        period: Nanos,
        peak: Nanos,
    ) -> Result<Profile, ProfileError> {
        length("period", period)?;
        if high.is_zero() {
            return Err(ProfileError::Nothing(high));
        }
        if low.per_second() > high.per_second() {
            return Err(ProfileError::Inverted { low, high });
        }
        if period < 1_000_000 {
            return Err(ProfileError::TooShort);
        }
        Ok(Profile::Sine {
            low,
            high,
            period,
            peak,
        })
    }

    /// Bursts of `length` at `peak`, one `every` so many nanoseconds, and `base` between.
    ///
    /// # Errors
    /// Where a time is 0 or above 104 days, a burst is longer than its period, or the peak is 0.
    pub fn burst(
        peak: Rate,
        base: Rate,
        every: Nanos,
        lasts: Nanos,
    ) -> Result<Profile, ProfileError> {
        length("time from one burst to the next", every)?;
        length("length of a burst", lasts)?;
        if peak.is_zero() {
            return Err(ProfileError::Nothing(peak));
        }
        if lasts > every {
            return Err(ProfileError::Overlap);
        }
        Ok(Profile::Burst {
            peak,
            base,
            every,
            length: lasts,
        })
    }

    /// As fast as the sinks take it, `step` nanoseconds of event time from one tick to the next.
    ///
    /// # Errors
    /// Where the step is 0.
    pub fn max(step: Nanos) -> Result<Profile, ProfileError> {
        match step {
            0 => Err(ProfileError::NoTime("step of the clock")),
            _ => Ok(Profile::Max { step }),
        }
    }

    /// Whether its ticks are due at instants.
    pub fn is_paced(&self) -> bool {
        !matches!(self, Profile::Max { .. })
    }

    /// Records a second at the highest, for estimates; infinite where the sinks decide.
    pub fn highest(&self) -> f64 {
        match self {
            Profile::Constant(rate) | Profile::Poisson(rate) => rate.per_second(),
            Profile::Every { period, records } => *records as f64 * 1e9 / *period as f64,
            Profile::Stages(stages) => stages
                .iter()
                .map(|s| s.from.per_second().max(s.to.per_second()))
                .fold(0.0, f64::max),
            Profile::Sine { high, .. } => high.per_second(),
            Profile::Burst { peak, base, .. } => peak.per_second().max(base.per_second()),
            Profile::Max { .. } => f64::INFINITY,
        }
    }
}
