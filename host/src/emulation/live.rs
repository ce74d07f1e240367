//! The schedule of a running emulation: one log that grows, seen by all its threads.

use std::sync::{Arc, PoisonError, RwLock};

use crate::record::{Nanos, Pace};
use crate::schedule::{Horizon, Profile, Schedule};

/// Shared by pacer, lanes, checkpoints and control.
pub struct Live {
    log: RwLock<Arc<Schedule>>,
}

impl Live {
    /// A schedule whose first release falls on `now` of the process's clock: everything ordered
    /// before `from` is overdue.
    pub fn begin(mut schedule: Schedule, from: Nanos, now: Nanos) -> Live {
        schedule.due_from(from, now);
        Live {
            log: RwLock::new(Arc::new(schedule)),
        }
    }

    /// What is ordered from `order` on is due from `now` on, where it would have been due later or
    /// earlier: a run that goes on where its sinks stand.
    pub fn go_on_at(&self, order: Nanos, now: Nanos) {
        let mut schedule = Schedule::clone(&self.log());
        if schedule
            .pace_at(now)
            .is_some_and(|pace| pace.order_at(now) < order)
        {
            schedule.due_from(order, now);
            self.replace(schedule);
        }
    }

    /// The log as it stands.
    pub fn log(&self) -> Arc<Schedule> {
        Arc::clone(&self.log.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Another log, which is durable.
    pub fn replace(&self, schedule: Schedule) {
        *self.log.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(schedule);
    }

    /// Where due instants are now.
    pub fn pace_at(&self, now: Nanos) -> Option<Pace> {
        self.log().pace_at(now)
    }

    /// The log with its horizon at `horizon`, where there is one and that moves it on.
    pub fn with_horizon(&self, horizon: Horizon) -> Option<Schedule> {
        let log = self.log();
        let old = log.horizon()?;
        (horizon.order > old.order).then(|| {
            let mut moved = Schedule::clone(&log);
            moved.set_horizon(horizon);
            moved
        })
    }

    /// The log of a backfill that has gone over to real time at `seam`, unless it says so already.
    pub fn with_seam(&self, seam: Nanos) -> Option<Schedule> {
        let log = self.log();
        (log.is_backfill() && log.seam().is_none()).then(|| {
            let mut joined = Schedule::clone(&log);
            joined.set_seam(seam);
            joined
        })
    }

    /// The log after a pause that lasted `gap`: due instants go on at `now` with the order
    /// `released`, event times shift from `tick` on where they do.
    pub fn resumed(&self, now: Nanos, gap: Nanos, released: Nanos, tick: u64) -> Schedule {
        let mut schedule = Schedule::clone(&self.log());
        schedule.resume(tick, released, now.saturating_sub(gap), now);
        schedule
    }

    /// The log with another load; see [`Schedule::set_load`].
    pub fn with_load(&self, profile: Profile, change: Change) -> Schedule {
        let mut schedule = Schedule::clone(&self.log());
        schedule.set_load(
            profile,
            change.generated,
            change.seed,
            change.released,
            change.now,
        );
        schedule
    }
}

/// Where an emulation stands when its load changes.
#[derive(Clone, Copy, Debug)]
pub struct Change {
    /// One past the highest tick that any stream has generated.
    pub generated: u64,
    /// The first order that wasn't released.
    pub released: Nanos,
    /// The process's clock.
    pub now: Nanos,
    /// The emulation's seed.
    pub seed: u64,
}
