//! When each record is due and what time it tells: pure functions of an append-only log of segments.
//!
//! Tick `n` falls at profile time `T(n)`; its event time is the event origin of its segment plus
//! `T(n)`. Where profile time falls on the wall is kept apart, as stretches of [`crate::record::Pace`], and no byte
//! depends on it. A segment is durable before it is used; nothing here reads a clock.

mod cursor;
mod curve;
mod linear;
mod log;
mod poisson;
mod profile;
mod rate;
mod walk;

use serde::{Deserialize, Serialize};

use crate::record::Nanos;
pub use cursor::Cursor;
pub use log::Schedule;
pub use profile::{Profile, ProfileError, Stage};
pub use rate::{Rate, RateError};
use walk::{Prepared, Walk};

/// Nanoseconds in a second.
pub const SECOND: Nanos = 1_000_000_000;

/// How fast profile time goes against the wall.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Speed {
    /// So many times as fast.
    Times(f64),
    /// A backfill: as fast as the sinks take it up to the present, and from there on with the wall.
    Max,
}

/// What event time does about a pause or a crash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Gap {
    /// The event origin moves on by the gap.
    Shift,
    /// It goes on as if there had been none.
    Keep,
}

/// From which tick on which profile and event origin hold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Segment {
    /// The first tick of the segment.
    pub from_tick: u64,
    /// The tick at which its profile began.
    pub profile_tick: u64,
    /// Profile time of that tick.
    pub profile_origin: Nanos,
    /// The load.
    pub profile: Profile,
    /// Event time at profile time 0, nanoseconds since the Unix epoch.
    pub event_origin: Nanos,
    /// What the profile needs worked out once.
    #[serde(skip)]
    prepared: Prepared,
}

impl Segment {
    /// A walk over the profile, in steps of `stride` ticks.
    fn walk(&self, seed: u64, stride: u64) -> Walk {
        Walk::new(
            &self.profile,
            &self.prepared,
            stride,
            seed,
            self.profile_tick,
        )
    }
}

/// Where the ticks end: the first bound that a tick reaches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bound {
    /// Ticks of the whole emulation.
    pub ticks: Option<u64>,
    /// Profile time.
    pub time: Option<Nanos>,
    /// Event time, nanoseconds since the Unix epoch.
    pub event_time: Option<Nanos>,
}

impl Bound {
    /// Whether nothing ends it.
    pub fn is_endless(&self) -> bool {
        *self == Bound::default()
    }

    /// The first profile time past the end, in a segment of that event origin.
    fn limit(&self, event_origin: Nanos) -> Nanos {
        let told = |limit: Nanos| limit.saturating_sub(event_origin);
        let event = self.event_time.map_or(Nanos::MAX, told);
        event.min(self.time.unwrap_or(Nanos::MAX))
    }
}

/// How far may have been generated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Horizon {
    /// Nothing at or past this profile time was generated.
    pub order: Nanos,
    /// When that is due, nanoseconds since the Unix epoch.
    pub wall: Nanos,
}

/// A stretch of due instants: from that order on, this pace.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stretch {
    /// The first order that it holds for.
    pub from: Nanos,
    /// On the process's clock.
    pub base: Nanos,
    /// Profile time that falls on `base`.
    pub t0: Nanos,
    /// Profile time against the wall.
    pub speed: f64,
}

/// Names and versions of the functions here, for the manifest.
pub fn versions() -> &'static [(&'static str, u32)] {
    profile::VERSIONS
}

#[cfg(test)]
mod tests;
