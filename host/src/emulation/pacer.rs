//! The pacing thread: releases records when they are due, in one order over all streams.
//!
//! It sleeps to absolute instants, since a runtime's timer wheel rounds up to a millisecond. Above
//! some thousand records a second it releases what is due in one go. Of the data path it alone
//! reads a clock for what it does with records; others measure calls, and order them, by one.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use super::core::Core;
use super::lane::{Ended, Lane};
use super::live::Live;
use super::shared::Shared;
use crate::delivery::Outlet;
use crate::record::{Batch, Group, Nanos, Pace, Part};
use crate::telemetry::Lateness;

/// Releases closer together than this go out together.
const TOGETHER: Nanos = 500_000;
/// And an unpaced release waits so long for each stream, which is many times what looking at it costs.
const LOOK: Nanos = 2_000;
/// Longest sleep, so that a stop, a pause or another rate take hold soon.
const NAP: Nanos = 20_000_000;
/// How long those who look at lateness wait for it at most.
const SHOWN: Nanos = 1_000_000_000;

/// How pacing ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// Every stream gave all it had.
    Complete,
    /// It was told to stop.
    Stopped,
    /// A stream failed.
    Failed(String),
    /// A sink went away or the emulation was cancelled.
    Cancelled,
}

/// What pacing leaves behind.
#[derive(Clone, Debug)]
pub struct Paced {
    /// How it ended.
    pub end: End,
    /// Everything ordered below this was released.
    pub below: Nanos,
    /// Whether a generator ended before `until`.
    pub ended_early: bool,
    /// When the first record was released, on the process's clock.
    pub first: Option<Nanos>,
}

impl Paced {
    /// The thread itself broke.
    pub fn broken(message: &str) -> Paced {
        Paced {
            end: End::Failed(message.to_owned()),
            below: 0,
            ended_early: false,
            first: None,
        }
    }
}

/// Where a stream's next record is.
struct Front {
    lane: Arc<Lane>,
    batch: Option<Arc<Batch>>,
    at: usize,
    /// Sequences below were settled by every sink in an earlier execution.
    skip_below: u64,
    over: bool,
}

/// The state of the pacing thread.
pub struct Pacer {
    shared: Arc<Shared>,
    fronts: Vec<Front>,
    outlets: Vec<Outlet>,
    live: Arc<Live>,
    paused: Arc<AtomicBool>,
    cancel: CancellationToken,
    runtime: Handle,
    lateness: Lateness,
    /// When it was last handed over.
    told: Nanos,
    streams: u32,
    failed: Option<String>,
    ended_early: bool,
    look: Nanos,
    /// What goes out was due long ago, by its event time, and isn't late.
    backfilling: bool,
}

impl Pacer {
    /// Before the first release. `skip_below` has one sequence for each lane.
    pub(super) fn new(
        core: &Core,
        skip_below: &[u64],
        outlets: Vec<Outlet>,
        lateness: Lateness,
    ) -> Pacer {
        let fronts = core
            .lanes
            .iter()
            .zip(skip_below)
            .map(|(lane, &skip_below)| Front {
                lane: Arc::clone(lane),
                batch: None,
                at: 0,
                skip_below,
                over: false,
            })
            .collect();
        Pacer {
            shared: Arc::clone(&core.shared),
            fronts,
            outlets,
            live: Arc::clone(&core.live),
            paused: Arc::clone(&core.paused),
            cancel: core.cancel.clone(),
            runtime: Handle::current(),
            lateness,
            told: 0,
            streams: core.plan.streams,
            failed: None,
            ended_early: false,
            look: 0,
            backfilling: core.live.log().is_backfill(),
        }
    }

    /// Releases until every stream is over, or a stop.
    pub fn run(mut self) -> Paced {
        self.shared.i_am_the_pacer();
        // Without it the kernel may round a sleep up by 50 µs. Where it is refused, so it is.
        let _ = rustix::thread::set_current_timer_slack(std::num::NonZeroU64::new(1));
        self.pass_settled();
        let mut first = None;
        let mut below = 0;
        let end = loop {
            if self.cancel.is_cancelled() {
                break End::Cancelled;
            }
            if let Some(message) = self.failed.take() {
                break End::Failed(message);
            }
            let stopping = self.shared.stopping();
            let now = self.shared.clock.now();
            if self.paused.load(Ordering::Acquire) {
                if stopping {
                    // What has become due meanwhile is for whoever goes on with the run.
                    break End::Stopped;
                }
                self.sleep_until(now + NAP);
                continue;
            }
            let wall = self.live.pace_at(now);
            let limit = self.limit(now, wall);
            let pace = wall.filter(|_| !self.backfilling);
            self.shared.set_pace(pace);
            let group = self.collect(limit, pace);
            if group.is_empty() {
                self.shared.reach(limit);
            } else {
                first.get_or_insert(now);
                below = below.max(limit);
                if !self.release(group, limit, pace) {
                    break End::Cancelled;
                }
            }
            if stopping {
                break End::Stopped;
            }
            if self.fronts.iter().all(|front| front.over) {
                break match self.failed.take() {
                    Some(message) => End::Failed(message),
                    None => End::Complete,
                };
            }
            self.join(now, limit, wall);
            self.wait(now, pace);
        };
        self.shared.add_lateness(&self.lateness);
        Paced {
            end,
            below: below.max(self.shared.released()),
            ended_early: self.ended_early,
            first,
        }
    }

    /// What all sinks have already is generated but not waited for: time goes on with the first record
    /// that some sink wants. Where event time shifts, the horizon says that instead.
    fn pass_settled(&mut self) {
        let log = self.live.log();
        let paced = log.is_paced() && !log.is_backfill() && log.horizon().is_none();
        if !paced || self.fronts.iter().all(|front| front.skip_below == 0) {
            return;
        }
        self.shared.look_anywhere();
        while self.fronts.iter().any(Front::passes) && !self.ending() {
            for front in &mut self.fronts {
                front.refill(&mut self.failed, &mut self.ended_early);
                front.lane.request();
            }
            std::thread::park_timeout(Duration::from_millis(2));
        }
        if let Some(first) = self.fronts.iter().filter_map(Front::head).min() {
            self.live.go_on_at(first, self.shared.clock.now());
        }
    }

    fn ending(&self) -> bool {
        self.cancel.is_cancelled() || self.shared.stopping() || self.failed.is_some()
    }

    /// The first order that isn't to be released now: not due, or not certain to be next.
    fn limit(&self, now: Nanos, pace: Option<Pace>) -> Nanos {
        let due = match pace {
            None => u64::MAX,
            Some(pace) => {
                let order = pace.order_at(now);
                self.shared.look_ahead(order, &pace);
                order.saturating_add(1)
            }
        };
        let mut limit = due;
        for front in &self.fronts {
            if !front.over {
                limit = limit.min(front.certain());
            }
        }
        limit
    }

    /// Once all that is due was released a backfill is over: from there on records are due.
    fn join(&mut self, now: Nanos, limit: Nanos, wall: Option<Pace>) {
        if !self.backfilling || wall.is_none_or(|wall| limit <= wall.order_at(now)) {
            return;
        }
        // One that ends in the past never gets there: nothing is left then.
        if self.fronts.iter().any(|front| !front.over) {
            self.backfilling = false;
            self.shared.set_seam(limit);
        }
    }

    fn collect(&mut self, limit: Nanos, pace: Option<Pace>) -> Group {
        let mut group = Group {
            parts: Vec::new(),
            streams: self.streams,
        };
        for front in &mut self.fronts {
            // After `certain` was read: what it promises is in the queue by now.
            front.refill(&mut self.failed, &mut self.ended_early);
            while let Some(part) = front.take_below(limit, pace) {
                group.parts.push(part);
                front.refill(&mut self.failed, &mut self.ended_early);
            }
        }
        group
    }

    /// Gives the group to every sink; waits for those that are behind.
    fn release(&mut self, group: Group, limit: Nanos, pace: Option<Pace>) -> bool {
        let (records, bytes) = (
            group.len() as u64,
            group.parts.iter().map(Part::bytes).sum(),
        );
        if let Some(pace) = pace {
            let now = self.shared.clock.now();
            for part in &group.parts {
                for &order in &part.batch.order[part.range.clone()] {
                    self.lateness.record(now.saturating_sub(pace.due(order)));
                }
            }
            if self.lateness.count() >= 1_000 || now >= self.told + SHOWN {
                self.told = now;
                self.shared.add_lateness(&self.lateness);
                self.lateness.clear();
            }
        }
        self.shared.tap.offer(&group);
        for outlet in &self.outlets {
            if !outlet.send(group.clone(), bytes, &self.runtime, &self.cancel) {
                return false;
            }
        }
        self.shared.release(limit, records, bytes);
        true
    }

    /// Sleeps to the next due instant, or until records come.
    fn wait(&mut self, now: Nanos, pace: Option<Pace>) {
        // Lanes ask for themselves when something is taken; what time alone makes due is looked
        // for now and then.
        if now >= self.look {
            self.look = now + NAP / 2;
            for front in &self.fronts {
                front.lane.request();
            }
        }
        // Nothing is due: waking this thread and the sinks for each call of a generator would cost
        // more than it gains.
        let Some(pace) = pace else {
            let gather = TOGETHER.max(LOOK * self.fronts.len() as Nanos);
            return self.sleep_until(now + gather);
        };
        let head = self.fronts.iter().filter_map(Front::head).min();
        let certain = self
            .fronts
            .iter()
            .filter(|front| !front.over)
            .map(Front::certain)
            .min()
            .unwrap_or(u64::MAX);
        match head {
            Some(head) if head < certain => {
                let due = pace.due(head).max(now + TOGETHER);
                self.sleep_until(due.min(now + NAP));
            }
            None if certain != u64::MAX && pace.due(certain) > now + NAP => {
                self.sleep_until(now + NAP);
            }
            _ => std::thread::park_timeout(Duration::from_millis(2)),
        }
    }

    fn sleep_until(&self, instant: Nanos) {
        self.shared.clock.sleep_until(instant);
    }
}

impl Front {
    /// Everything ordered before this is in hand or in the lane's queue, once asked for after.
    fn certain(&self) -> Nanos {
        self.lane.known()
    }

    /// Whether it is still among what is settled.
    fn passes(&self) -> bool {
        self.skip_below > 0 && self.batch.is_none() && !self.over
    }

    fn head(&self) -> Option<Nanos> {
        let batch = self.batch.as_ref()?;
        batch.order.get(self.at).copied()
    }

    fn refill(&mut self, failed: &mut Option<String>, ended_early: &mut bool) {
        while self.batch.is_none() && !self.over {
            match self.lane.take() {
                Some(batch) => {
                    self.at = 0;
                    let skip = self.skip_below.saturating_sub(batch.first_sequence);
                    self.at = usize::try_from(skip).unwrap_or(usize::MAX).min(batch.len());
                    if self.at < batch.len() {
                        self.batch = Some(batch);
                    }
                }
                None => {
                    match self.lane.ended() {
                        None => return,
                        Some(Ended::Until) => {}
                        Some(Ended::Generator) => *ended_early = true,
                        Some(Ended::Failed(message)) => {
                            failed.get_or_insert(message);
                        }
                    }
                    self.over = true;
                }
            }
        }
    }

    fn take_below(&mut self, limit: Nanos, pace: Option<Pace>) -> Option<Part> {
        let batch = self.batch.as_ref()?;
        let start = self.at;
        let end = start + batch.order[start..].partition_point(|&order| order < limit);
        if end == start {
            return None;
        }
        let part = Part {
            batch: Arc::clone(batch),
            range: start..end,
            pace,
        };
        self.at = end;
        if end == batch.len() {
            self.batch = None;
        }
        Some(part)
    }
}
