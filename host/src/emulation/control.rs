//! What can be asked of a running emulation: stop, pause, resume, another load, how it goes.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::EmulationError;
use super::core::{Core, SinkView, stored};
use super::live::Change;
use super::report::{Outcome, Report};
use crate::record::{Channel, Group};
use crate::schedule::{Profile, Schedule};
use crate::telemetry::Lateness;
use crate::telemetry::metric::Buckets;

/// How far an emulation is.
#[derive(Clone, Debug, Default)]
pub struct Progress {
    /// Records released by this execution.
    pub released: u64,
    /// Of those, settled by every sink.
    pub settled: u64,
    /// Due instant to release, microseconds, up to a moment ago.
    pub lateness_p99: Option<u64>,
    /// Wall time to the end, where it has one that can be told.
    pub left: Option<Duration>,
    /// What stalls a sink.
    pub error: Option<String>,
    /// The rule of `expect` that is ending it, with what was measured.
    pub broken: Option<String>,
}

/// Steers a running emulation; copies steer the same one.
#[derive(Clone)]
pub struct Control(pub(super) Arc<Core>);

impl Control {
    /// Stops the schedule: what is due goes out and is settled, the rest stays for a resume.
    pub fn stop(&self) {
        self.0.shared.stop();
    }

    /// Stops it so that it is gone on with later, also where a stop would be its end.
    pub fn suspend(&self) {
        self.0.suspended.store(true, Ordering::SeqCst);
        self.stop();
    }

    /// Ends at once: what isn't settled yet is left.
    pub fn kill(&self) {
        self.0.cancel.cancel();
        self.0.shared.nudge();
    }

    /// Releases nothing from now on, until [`Control::resume`].
    pub fn pause(&self) {
        let mut since = lock(&self.0.paused_since);
        if since.is_none() {
            *since = Some(self.0.environment.clock.now());
            self.0.paused.store(true, Ordering::Release);
        }
    }

    /// Goes on after a pause, in a new segment that is durable before the first release.
    ///
    /// # Errors
    /// Where the state can't be written; the emulation stays paused then.
    pub async fn resume(&self) -> Result<(), EmulationError> {
        let core = &self.0;
        let Some(since) = *lock(&core.paused_since) else {
            return Ok(());
        };
        let now = core.environment.clock.now();
        self.change(|change| {
            core.live.resumed(
                now,
                now.saturating_sub(since),
                change.released,
                change.generated,
            )
        })?;
        *lock(&core.paused_since) = None;
        core.paused.store(false, Ordering::Release);
        core.shared.nudge();
        Ok(())
    }

    /// Another load from now on, as a new segment.
    ///
    /// # Errors
    /// Where the state can't be written; the old load goes on then.
    pub fn set_load(&self, profile: Profile) -> Result<(), EmulationError> {
        self.change(|change| self.0.live.with_load(profile, change))
    }

    /// Changes the schedule while no stream generates: durable first, then used.
    fn change(&self, edit: impl FnOnce(Change) -> Schedule) -> Result<(), EmulationError> {
        let core = &self.0;
        let handle = tokio::runtime::Handle::current();
        let _changing = tokio::task::block_in_place(|| handle.block_on(core.changing.lock()));
        let mut producers: Vec<_> = core.lanes.iter().map(|lane| lane.producer()).collect();
        let streams = u64::from(core.plan.streams);
        let highest = producers
            .iter()
            .filter_map(|p| Some((p.cursor.index().checked_sub(1)?, p.cursor.stream())))
            .map(|(index, stream)| index * streams + u64::from(stream) + 1)
            .max();
        let changed = edit(Change {
            generated: highest.unwrap_or(0),
            released: core.shared.released(),
            now: core.environment.clock.now(),
            seed: core.plan.seed,
        });
        if let Some(state) = &core.environment.state {
            let stored = stored(&changed)?;
            // The guards don't travel between threads: the write is waited for on this one.
            tokio::task::block_in_place(|| {
                handle.block_on(state.save_schedule(&core.plan.run, &stored))
            })?;
        }
        core.live.replace(changed);
        let log = core.live.log();
        for (lane, producer) in core.lanes.iter().zip(&mut producers) {
            producer.cursor.set_log(&log);
            lane.refresh(producer);
        }
        Ok(())
    }

    /// Whether it releases nothing for now.
    pub fn is_paused(&self) -> bool {
        self.0.paused.load(Ordering::Acquire)
    }

    /// The newest records that were released since somebody first asked, oldest first and at most a
    /// thousand or so; a run that nobody asks of keeps none.
    pub fn last_released(&self) -> Vec<Group> {
        self.0.shared.tap.look()
    }

    /// The generator's channels; a record names its own by its place here.
    pub fn channels(&self) -> &[Channel] {
        &self.0.plan.configured.channels
    }

    /// Whether records are JSON values.
    pub fn is_json(&self) -> bool {
        self.0.plan.json()
    }

    /// Counts as they stand.
    pub fn status(&self) -> Report {
        self.0.report(Outcome::Running, None)
    }

    /// Due instant to release, so far.
    pub fn lateness(&self) -> Lateness {
        self.0.shared.lateness()
    }

    /// Due instant to receipt, of the slowest sink, so far.
    pub fn receipt_lateness(&self) -> Option<Lateness> {
        let sinks = self.0.sinks.iter().map(|sink| sink.receipts.lateness());
        sinks.max_by_key(|lateness| lateness.percentiles().map(|p| p.p99))
    }

    /// What calls to the generator took so far.
    pub fn calls(&self) -> Buckets {
        self.0.shared.calls.took()
    }

    /// What deliveries took so far, sink by sink.
    pub fn deliveries(&self) -> Vec<Buckets> {
        let sinks = self.0.sinks.iter();
        sinks.map(|sink| sink.receipts.deliveries()).collect()
    }

    /// Bytes of the generator's largest instance.
    pub fn guest_memory(&self) -> u64 {
        self.0.shared.guest_memory()
    }

    /// How far it is, cheaply.
    pub fn progress(&self) -> Progress {
        let core = &self.0;
        let settled = core.sinks.iter().map(|sink| {
            let counts = sink.receipts.snapshot();
            counts.acknowledged + counts.rejected + counts.dropped
        });
        Progress {
            released: core.shared.released_records(),
            settled: settled.min().unwrap_or(0),
            lateness_p99: core.shared.lateness().percentiles().map(|p| p.p99),
            left: core.left(),
            error: core.sinks.iter().find_map(SinkView::error),
            broken: (core.broken.get()).map(|rule| format!("{}: {}", rule.rule, rule.value)),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
