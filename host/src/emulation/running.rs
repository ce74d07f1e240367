//! A running emulation: threads and tasks, what can be asked of it, and how it ends.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use tokio::task::JoinHandle;

use super::calls::Calls;
use super::checkpoint::Keeper;
use super::control::Control;
use super::core::{Core, SinkView};
use super::lane::Lane;
use super::live::Live;
use super::pacer::{End, Paced, Pacer};
use super::plan::Plan;
use super::prepare::Emulation;
use super::report::Report;
use super::shared::{Limits, Shared};
use super::watch::Watch;
use super::{EmulationError, traced};
use crate::delivery::{Delivery, DeliveryError, Settled};
use crate::record::Nanos;
use crate::state::RunLock;
use crate::telemetry::{Lateness, wall};

/// An emulation that releases records.
pub struct Running {
    core: Arc<Core>,
    pacer: Option<std::thread::JoinHandle<Paced>>,
    deliveries: Vec<JoinHandle<Result<Settled, DeliveryError>>>,
    keeper: Keeper,
    timer: Option<JoinHandle<()>>,
    watch: Watch,
    _lock: Option<RunLock>,
}

impl Emulation {
    /// Begins to generate and to release. Called for all emulations of a scenario once each of
    /// them is prepared.
    ///
    /// # Errors
    /// Where a stream can't be opened or the system gives no thread.
    pub fn start(self) -> Result<Running, EmulationError> {
        let plan = Arc::clone(&self.plan);
        let clock = self.environment.clock;
        let lateness =
            || Lateness::new().map_err(|e| EmulationError::system("a histogram of lateness", e));
        let limits = Limits::of(plan.streams, plan.tuning.batch);
        let trace = self.environment.traces.as_ref().map(|traces| {
            let attributes = traced::begun(&plan, &self.sinks);
            traces.begin(clock, self.sinks.len(), attributes)
        });
        let calls = Calls::new(clock, trace.clone());
        let shared = Arc::new(Shared::new(limits, clock, lateness()?, calls));
        let overdue = match self.schedule.is_backfill() {
            true => wall().saturating_sub(self.schedule.event_origin()),
            false => self.overdue,
        };
        let live = Arc::new(Live::begin(self.schedule, overdue, clock.now()));
        // Without a state nothing can be resumed, and nobody would move the horizon on.
        let durable = self.environment.state.is_some();
        let horizon = live.log().horizon().filter(|_| durable);
        shared.set_horizon(horizon.map_or(u64::MAX, |horizon| horizon.order));
        let pace = live.pace_at(clock.now());
        shared.set_pace(pace);
        if let Some(pace) = pace {
            // Before the pacing thread does: streams begin at once.
            shared.look_ahead(pace.order_at(clock.now()), &pace);
        }
        let skip = skip_below(&plan, &self.sinks);
        let mut lanes = Vec::with_capacity(plan.mine.len());
        for &stream in &plan.mine {
            let restart = self.restarts.iter().find(|r| r.0 == stream).map(|r| &r.1);
            let producer = plan.producer_at(&live.log(), stream, restart)?;
            lanes.push(Arc::new(Lane::new(
                stream,
                Arc::clone(&shared),
                self.environment.hands.clone(),
                producer,
            )));
        }
        let (mut outlets, mut views, mut deliveries) = (Vec::new(), Vec::new(), Vec::new());
        for (number, ready) in self.sinks.into_iter().enumerate() {
            let guarantee = ready.sink.guarantee();
            if let Some(trace) = &trace {
                ready
                    .receipts
                    .show_in(Arc::clone(trace), number, &ready.kind);
            }
            let (delivery, outlet, status) = Delivery::new(
                ready.sink,
                ready.target.clone(),
                Arc::clone(&ready.receipts),
                ready.base.clone(),
                ready.on_full,
                self.cancel.clone(),
            );
            outlets.push(outlet);
            deliveries.push(tokio::spawn(delivery.run()));
            views.push(SinkView {
                kind: ready.kind,
                target: ready.target,
                guarantee,
                receipts: ready.receipts,
                status,
                acknowledged_before: ready.base.acknowledged,
                rejected_before: ready.base.rejected,
                bytes_before: ready.base.bytes,
                dropped_before: ready.base.dropped,
            });
        }
        let core = Arc::new(Core {
            plan,
            environment: self.environment,
            shared,
            lanes,
            sinks: views,
            live,
            changing: tokio::sync::Mutex::new(()),
            paused: Arc::new(AtomicBool::new(self.paused)),
            paused_since: Mutex::new(self.paused.then(|| clock.now())),
            cancel: self.cancel,
            started: clock.now(),
            timed_out: AtomicBool::new(false),
            suspended: AtomicBool::new(false),
            broken: OnceLock::new(),
        });
        let pacer = Pacer::new(&core, &skip, outlets, lateness()?);
        for lane in &core.lanes {
            lane.request();
        }
        let pacer = std::thread::Builder::new()
            .name("pace".to_owned())
            .spawn(move || pacer.run())
            .map_err(|e| EmulationError::system("the pacing thread", e))?;
        Ok(Running {
            keeper: Keeper::start(Arc::clone(&core)),
            watch: Watch::start(&core),
            timer: core
                .plan
                .wall_limit
                .map(|limit| tokio::spawn(stop_after(Arc::clone(&core), limit))),
            core,
            pacer: Some(pacer),
            deliveries,
            _lock: self.lock,
        })
    }
}

/// `load: max` has no due instants: the wall's time ends it, and what was released by then is the run.
async fn stop_after(core: Arc<Core>, limit: Nanos) {
    tokio::select! {
        () = tokio::time::sleep(std::time::Duration::from_nanos(limit)) => {
            core.timed_out.store(true, Ordering::SeqCst);
            core.shared.stop();
        }
        () = core.cancel.cancelled() => {}
    }
}

/// Per lane, the lowest sequence that some sink still wants.
fn skip_below(plan: &Plan, sinks: &[super::prepare::ReadySink]) -> Vec<u64> {
    plan.mine
        .iter()
        .map(|&stream| {
            sinks
                .iter()
                .map(|sink| sink.receipts.settled(stream))
                .min()
                .unwrap_or(0)
        })
        .collect()
}

impl Running {
    /// How to steer it.
    pub fn control(&self) -> Control {
        Control(Arc::clone(&self.core))
    }

    /// Waits for the end: everything settled, checkpoint, manifest.
    pub async fn wait(mut self) -> Ended {
        let pacer = self.pacer.take();
        let paced =
            tokio::task::spawn_blocking(move || pacer.map(std::thread::JoinHandle::join)).await;
        let paced = match paced {
            Ok(Some(Ok(paced))) => paced,
            _ => Paced::broken("the pacing thread ended by a panic; please report it"),
        };
        if let Some(timer) = self.timer.take() {
            timer.abort();
            // Aborted or done: either way it holds nothing any more.
            let _ = timer.await;
        }
        // What is left is to drain: no rule speaks of that, but one that ended the run bounds it.
        if self.core.broken.get().is_none() {
            self.watch.finish().await;
        }
        let over = self.core.plan.is_endless() || self.core.timed_out.load(Ordering::SeqCst);
        let finished = match paced.end {
            End::Complete => true,
            End::Stopped if self.core.suspended.load(Ordering::SeqCst) => false,
            End::Stopped => over && self.core.broken.get().is_none(),
            End::Failed(_) | End::Cancelled => false,
        };
        let mut errors = Vec::new();
        for delivery in self.deliveries.drain(..) {
            let closed = match delivery.await {
                Ok(Ok(settled)) => settled.close(finished).await,
                Ok(Err(e)) => Err(e),
                Err(e) => Err(DeliveryError::broken(&e.to_string())),
            };
            if let Err(e) = closed {
                errors.push(e.to_string());
            }
        }
        self.watch.finish().await;
        self.core.shared.stop();
        if let Err(e) = self.keeper.finish().await {
            errors.push(e.to_string());
        }
        let ended = self.core.conclude(paced, finished, errors).await;
        if let Some(trace) = self.core.shared.calls.trace() {
            trace.end(traced::ended(&ended.report), ended.report.error.as_deref());
        }
        ended
    }
}

/// An emulation that is over.
pub struct Ended {
    /// What happened.
    pub report: Report,
    /// What reproduces it; none where it couldn't be made.
    pub manifest: Option<super::manifest::Manifest>,
    /// Due instant to release.
    pub lateness: Lateness,
}
