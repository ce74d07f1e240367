//! The log itself: what is appended when, and what it says of a tick or an instant.

use serde::{Deserialize, Serialize};

use super::walk::Prepared;
use super::{Bound, Gap, Horizon, Profile, SECOND, Segment, Speed, Stretch};
use crate::record::{Nanos, Pace};

/// The log of an emulation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Schedule {
    segments: Vec<Segment>,
    stretches: Vec<Stretch>,
    speed: Speed,
    gap: Gap,
    /// With [`Gap::Shift`]: how far may have been generated.
    horizon: Option<Horizon>,
    /// Where a backfill went over to real time.
    #[serde(default)]
    seam: Option<Nanos>,
}

impl Schedule {
    /// A run that begins: profile time 0 falls on `event_origin`. Where it shifts, nothing may be
    /// generated before the horizon is set.
    pub fn begin(profile: Profile, speed: Speed, gap: Gap, event_origin: Nanos) -> Schedule {
        let shifts = gap == Gap::Shift && speed != Speed::Max && profile.is_paced();
        let horizon = shifts.then_some(Horizon { order: 0, wall: 0 });
        Schedule {
            segments: vec![Segment {
                from_tick: 0,
                profile_tick: 0,
                profile_origin: 0,
                profile,
                event_origin,
                prepared: Prepared::default(),
            }],
            stretches: Vec::new(),
            speed,
            gap: horizon.map_or(Gap::Keep, |_| Gap::Shift),
            horizon,
            seam: None,
        }
    }

    /// The log that has those segments, of a run that is gone through again: nothing is due in it. None
    /// where there is no segment.
    pub fn of_segments(segments: Vec<Segment>) -> Option<Schedule> {
        (!segments.is_empty()).then_some(Schedule {
            segments,
            stretches: Vec::new(),
            speed: Speed::Max,
            gap: Gap::Keep,
            horizon: None,
            seam: None,
        })
    }

    /// Whether records are due at instants, or go out as fast as the sinks take them.
    pub fn is_paced(&self) -> bool {
        self.last().profile.is_paced()
    }

    /// Whether records are due when their event time comes, however long ago that was.
    pub fn is_backfill(&self) -> bool {
        self.speed == Speed::Max && self.is_paced()
    }

    /// Profile time at which a backfill went over to real time.
    pub fn seam(&self) -> Option<Nanos> {
        self.seam
    }

    /// Keeps the first seam: what follows a later stall or resume is overdue, not a backfill of its own.
    pub fn set_seam(&mut self, seam: Nanos) {
        self.seam.get_or_insert(seam);
    }

    /// The segments that bytes depend on.
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// Where profile time fell on the wall.
    pub fn stretches(&self) -> &[Stretch] {
        &self.stretches
    }

    /// Event time at profile time 0, by the newest segment.
    pub fn event_origin(&self) -> Nanos {
        self.last().event_origin
    }

    /// Event time at which the run began, whatever was shifted or changed since.
    pub fn beginning(&self) -> Nanos {
        let first = self.segments.first();
        first.map_or(0, |segment| segment.event_origin)
    }

    /// How far may have been generated; none where nothing bounds it.
    pub fn horizon(&self) -> Option<Horizon> {
        self.horizon
    }

    /// Moves the horizon on; it never goes back.
    pub fn set_horizon(&mut self, horizon: Horizon) {
        if let Some(old) = &mut self.horizon
            && horizon.order > old.order
        {
            *old = horizon;
        }
    }

    /// Profile time `order` falls on `base` of the process's clock, from there on.
    pub fn due_from(&mut self, order: Nanos, base: Nanos) {
        if self.is_paced() {
            self.stretches.push(Stretch {
                from: order,
                base,
                t0: order,
                speed: match self.speed {
                    Speed::Times(speed) => speed,
                    // Profile time and event time go alike.
                    Speed::Max => 1.0,
                },
            });
        }
    }

    /// Forgets where profile time fell on a clock that is gone.
    pub fn forget_pace(&mut self) {
        self.stretches.clear();
    }

    /// Goes on after a pause from `begin` to `end` of the process's clock: what is released after it is
    /// due so much later, and was overdue before as it was; event time shifts from `tick`, one past the
    /// highest that was generated, where the schedule shifts. A backfill makes up for the pause.
    pub fn resume(&mut self, tick: u64, released: Nanos, begin: Nanos, end: Nanos) {
        if self.is_backfill() {
            return;
        }
        let gap = end.saturating_sub(begin);
        let current = self
            .stretches
            .iter()
            .rposition(|stretch| stretch.base <= begin)
            .unwrap_or(0);
        let later: Vec<Stretch> = self.stretches[current.min(self.stretches.len())..]
            .iter()
            .map(|stretch| Stretch {
                from: stretch.from.max(released),
                base: stretch.base.saturating_add(gap),
                ..*stretch
            })
            .collect();
        self.stretches.extend(later);
        self.shift(tick, gap);
    }

    /// The event origin moves on by `gap` nanoseconds of wall time, from tick `tick` on, where the
    /// schedule shifts.
    pub fn shift(&mut self, tick: u64, gap: Nanos) {
        let Speed::Times(speed) = self.speed else {
            return;
        };
        if self.gap != Gap::Shift || gap == 0 || !self.is_paced() {
            return;
        }
        let mut segment = self.last().clone();
        segment.from_tick = tick.max(segment.from_tick);
        let gap = (gap as f64 * speed) as Nanos;
        segment.event_origin = segment.event_origin.saturating_add(gap);
        self.segments.push(segment);
    }

    /// Another load: for event times from `tick`, one past the highest tick that was generated, on;
    /// for due instants at once. Everything ordered before `released` was released; `now` is on the
    /// process's clock.
    ///
    /// The first tick that wasn't released falls when it did, or one step of the new load from now if
    /// that is sooner, so that a slow load doesn't hold back a fast one. What lies between was
    /// generated under the old load; it is spread evenly over the time that the new one takes for as many ticks.
    pub fn set_load(
        &mut self,
        profile: Profile,
        tick: u64,
        seed: u64,
        released: Nanos,
        now: Nanos,
    ) {
        let tick = tick.max(self.last().from_tick);
        let old = self.pace_at(now);
        let first = self
            .ticks_below(released, seed, &Bound::default())
            .min(tick);
        let before = tick
            .checked_sub(1)
            .map_or(0, |last| self.time_of(last, seed));
        let (first_time, end) = (self.time_of(first, seed), self.time_of(tick, seed));
        let mut segment = Segment {
            from_tick: tick,
            profile_tick: tick,
            profile_origin: 0,
            profile,
            event_origin: self.last().event_origin,
            prepared: Prepared::default(),
        };
        let mut walk = segment.walk(seed, 1);
        let zero = walk.at(0).unwrap_or(0);
        let mut taken = |ticks: u64| walk.at(ticks).map_or(SECOND, |t| t - zero);
        let step = if tick == 0 { 0 } else { taken(1) };
        let reached = old.map_or(0, |pace| reached(pace, now));
        let begins = before
            .saturating_add(step)
            .max(reached)
            .min(end.max(before));
        segment.profile_origin = begins;
        self.segments.push(segment);
        if !self.is_paced() {
            self.stretches.clear();
            return;
        }
        let Speed::Times(speed) = self.speed else {
            return;
        };
        let wall = |profile: Nanos| (profile as f64 / speed) as Nanos;
        let (from, target) = (first_time.min(begins + zero), begins + zero);
        let soonest = now.saturating_add(wall(taken(1)));
        let due = old.map_or(now, |pace| pace.due(from).min(soonest));
        let spread = target - from;
        let lasts = wall(taken(tick - first)).max(1);
        if spread > 0 {
            let slope = spread as f64 / lasts as f64;
            self.stretches.push(Stretch::through(from, due, slope, now));
            self.stretches.push(Stretch {
                from: target,
                base: due.saturating_add(lasts),
                t0: target,
                speed,
            });
        } else {
            self.stretches.push(Stretch::through(from, due, speed, now));
        }
    }

    /// Profile time of one tick; the largest where it never falls.
    pub fn time_of(&self, tick: u64, seed: u64) -> Nanos {
        let segment = &self.segments[self.segment_of(tick)];
        let offset = segment.walk(seed, 1).at(tick - segment.profile_tick);
        offset.map_or(Nanos::MAX, |offset| {
            segment.profile_origin.saturating_add(offset)
        })
    }

    /// How many ticks of the emulation fall before profile time `below` and within the bound.
    pub fn ticks_below(&self, below: Nanos, seed: u64, bound: &Bound) -> u64 {
        let mut count = 0;
        for (n, segment) in self.segments.iter().enumerate() {
            let end = self.end_of(n);
            if end <= segment.from_tick {
                continue;
            }
            let limit = bound.limit(segment.event_origin).min(below);
            let offset = limit.saturating_sub(segment.profile_origin);
            let fallen = segment
                .profile_tick
                .saturating_add(segment.walk(seed, 1).below(offset));
            count = fallen.clamp(segment.from_tick, end);
            if count < end {
                break;
            }
        }
        count.min(bound.ticks.unwrap_or(u64::MAX))
    }

    /// Where due instants are at `now`: the newest stretch that has begun on the wall.
    pub fn pace_at(&self, now: Nanos) -> Option<Pace> {
        let stretch = self
            .stretches
            .iter()
            .rev()
            .find(|stretch| stretch.base <= now)
            .or(self.stretches.last())?;
        Some(Pace {
            base: stretch.base,
            t0: stretch.t0,
            speed: stretch.speed,
        })
    }

    /// Which segment a tick is of.
    pub(super) fn segment_of(&self, tick: u64) -> usize {
        let after = self.segments.partition_point(|s| s.from_tick <= tick);
        after.saturating_sub(1)
    }

    /// One past the last tick of a segment.
    pub(super) fn end_of(&self, segment: usize) -> u64 {
        self.segments
            .get(segment + 1)
            .map_or(u64::MAX, |s| s.from_tick)
    }

    fn last(&self) -> &Segment {
        // There is one from the beginning, and none is ever taken away.
        &self.segments[self.segments.len() - 1]
    }
}

/// Which profile time is due now.
fn reached(pace: Pace, now: Nanos) -> Nanos {
    let passed = now.saturating_sub(pace.base) as f64 * pace.speed;
    pace.t0.saturating_add(passed as Nanos)
}

impl Stretch {
    /// On which `order` is due at `due`, and which holds from `now` on, also where that is sooner.
    fn through(order: Nanos, due: Nanos, speed: f64, now: Nanos) -> Stretch {
        let early = (due.saturating_sub(now) as f64 * speed) as Nanos;
        let (base, t0) = match order.checked_sub(early) {
            Some(t0) => (due.min(now), t0),
            None => (due, order),
        };
        Stretch {
            from: order,
            base,
            t0,
            speed,
        }
    }
}
