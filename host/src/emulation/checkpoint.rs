//! Keeps the state in step with a running emulation: horizon, restarts, receipts.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::json;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::EmulationError;
use super::core::{Core, stored};
use super::shared::LOOKAHEAD;
use crate::schedule::{Horizon, Schedule};
use crate::state::{Checkpoint, State};
use crate::telemetry::wall;

/// How often the horizon moves on; a checkpoint is taken every second time.
const EVERY: Duration = Duration::from_millis(500);

/// The task that writes checkpoints.
pub(super) struct Keeper {
    core: Arc<Core>,
    task: Option<JoinHandle<Result<(), EmulationError>>>,
    stop: CancellationToken,
}

impl Keeper {
    /// Starts to keep the state; does nothing where there is none.
    pub fn start(core: Arc<Core>) -> Keeper {
        let stop = CancellationToken::new();
        let task = core.environment.state.clone().map(|state| {
            let (core, stop) = (Arc::clone(&core), stop.clone());
            tokio::spawn(async move { keep(&core, &state, &stop).await })
        });
        Keeper { core, task, stop }
    }

    /// Ends the task and writes the last checkpoint.
    ///
    /// # Errors
    /// Where the state can't be written.
    pub async fn finish(&mut self) -> Result<(), EmulationError> {
        self.stop.cancel();
        let Some(task) = self.task.take() else {
            return Ok(());
        };
        task.await
            .map_err(|e| EmulationError::system("the checkpoint task", e))??;
        if let Some(state) = &self.core.environment.state {
            join(&self.core, state).await?;
            checkpoint(&self.core, state).await?;
        }
        Ok(())
    }
}

/// A state that can't be written ends the emulation: it could promise nothing any more.
async fn keep(
    core: &Arc<Core>,
    state: &State,
    stop: &CancellationToken,
) -> Result<(), EmulationError> {
    let outcome = keep_until(core, state, stop).await;
    if outcome.is_err() {
        core.shared.stop();
    }
    outcome
}

async fn keep_until(
    core: &Arc<Core>,
    state: &State,
    stop: &CancellationToken,
) -> Result<(), EmulationError> {
    let mut turn = tokio::time::interval(EVERY);
    turn.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    turn.tick().await;
    let mut even = false;
    loop {
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            _ = turn.tick() => {}
        }
        move_horizon(core, state).await?;
        join(core, state).await?;
        even = !even;
        if even {
            checkpoint(core, state).await?;
        }
    }
}

/// Moves the horizon on with profile time: written down first, then generated up to.
async fn move_horizon(core: &Core, state: &State) -> Result<(), EmulationError> {
    // A pause begins another segment when it ends: until then no more is promised.
    if core.paused.load(Ordering::Acquire) {
        return Ok(());
    }
    let Some(pace) = core.shared.pace() else {
        return Ok(());
    };
    let _changing = core.changing.lock().await;
    let ahead = (LOOKAHEAD as f64 * pace.speed) as u64;
    let horizon = Horizon {
        order: pace
            .order_at(core.environment.clock.now())
            .saturating_add(ahead),
        wall: wall().saturating_add(LOOKAHEAD),
    };
    if let Some(schedule) = core.live.with_horizon(horizon) {
        replace(core, state, schedule).await?;
        core.shared.set_horizon(horizon.order);
    }
    Ok(())
}

/// Another schedule: durable first, then used.
async fn replace(core: &Core, state: &State, schedule: Schedule) -> Result<(), EmulationError> {
    state
        .save_schedule(&core.plan.run, &stored(&schedule)?)
        .await?;
    core.live.replace(schedule);
    Ok(())
}

/// Writes down where a backfill went over to real time, once it has.
async fn join(core: &Core, state: &State) -> Result<(), EmulationError> {
    let Some(seam) = core.shared.seam() else {
        return Ok(());
    };
    let _changing = core.changing.lock().await;
    match core.live.with_seam(seam) {
        Some(schedule) => replace(core, state, schedule).await,
        None => Ok(()),
    }
}

/// Writes where every sink stands, and for each stream the newest restart below all of them.
async fn checkpoint(core: &Arc<Core>, state: &State) -> Result<(), EmulationError> {
    let points: Vec<_> = core.sinks.iter().map(|sink| sink.status.point()).collect();
    let settled = |stream: u32| {
        points
            .iter()
            .filter_map(|point| point.receipt.watermark.get(stream as usize).copied())
            .min()
            .unwrap_or(0)
    };
    let mut restarts = Vec::new();
    for lane in &core.lanes {
        if let Some(restart) = lane.settled_restart(settled(lane.stream)) {
            restarts.push((lane.stream, restart));
        }
    }
    let point = Checkpoint {
        restarts,
        receipts: points
            .into_iter()
            .enumerate()
            .map(|(n, point)| (n as u32, point))
            .collect(),
        progress: json!({ "released": core.shared.released() }),
    };
    state.save_checkpoint(&core.plan.run, &point).await?;
    Ok(())
}
