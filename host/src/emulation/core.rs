//! The parts of a running emulation that status, checkpoints and the end look at.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::lane::Lane;
use super::live::Live;
use super::pacer::{End, Paced};
use super::plan::Plan;
use super::prepare::Environment;
use super::report::{
    ExpectReport, GeneratorId, LatenessReport, Outcome, Records, Report, SinkReport,
};
use super::running::Ended;
use super::shared::Shared;
use super::{EmulationError, cut, expect, ledger};
use crate::delivery::Status;
use crate::record::Nanos;
use crate::schedule::Schedule;
use crate::sink::{Guarantee, Receipts};

/// What the outside sees of one sink.
pub(super) struct SinkView {
    pub kind: String,
    pub target: String,
    pub guarantee: Guarantee,
    pub receipts: Arc<Receipts>,
    pub status: Arc<Status>,
    pub acknowledged_before: u64,
    pub rejected_before: u64,
    pub bytes_before: u64,
    pub dropped_before: u64,
}

/// Parts of a running emulation that status, checkpoints and the end look at.
pub(super) struct Core {
    pub plan: Arc<Plan>,
    pub environment: Environment,
    pub shared: Arc<Shared>,
    pub lanes: Vec<Arc<Lane>>,
    pub sinks: Vec<SinkView>,
    pub live: Arc<Live>,
    /// Held around each change of the schedule, from reading it to its replacement.
    pub changing: tokio::sync::Mutex<()>,
    pub paused: Arc<AtomicBool>,
    pub paused_since: Mutex<Option<Nanos>>,
    pub cancel: CancellationToken,
    pub started: u64,
    /// The wall limit of an unpaced run has passed.
    pub timed_out: AtomicBool,
    /// Whoever stopped it means to go on with it: no stop is its end.
    pub suspended: AtomicBool,
    /// The rule of `expect` that ended the run.
    pub broken: OnceLock<ExpectReport>,
}

impl Core {
    pub async fn conclude(
        self: &Arc<Core>,
        paced: Paced,
        finished: bool,
        mut errors: Vec<String>,
    ) -> Ended {
        let mut outcome = match &paced.end {
            End::Failed(message) => {
                errors.insert(0, message.clone());
                Outcome::Failed
            }
            End::Cancelled if errors.is_empty() => Outcome::Undrained,
            _ if self.cancel.is_cancelled() => Outcome::Undrained,
            _ if !errors.is_empty() => Outcome::Failed,
            End::Cancelled => Outcome::Undrained,
            End::Complete if paced.ended_early && !self.plan.is_endless() => Outcome::EndedEarly,
            End::Complete => Outcome::Finished,
            End::Stopped if self.broken.get().is_some() => Outcome::Aborted,
            End::Stopped if finished => Outcome::Finished,
            End::Stopped => Outcome::Stopped,
        };
        let core = Arc::clone(self);
        let below = (paced.end != End::Complete).then_some(paced.below);
        let hashes = tokio::task::spawn_blocking(move || cut::hashes(&core, below)).await;
        let hashes = match hashes {
            Ok(Ok(hashes)) => Some(hashes),
            Ok(Err(e)) => {
                errors.push(e.to_string());
                None
            }
            Err(e) => {
                errors.push(e.to_string());
                None
            }
        };
        if let Err(e) = self.write_ledger(below).await {
            errors.push(e.to_string());
            outcome = Outcome::Failed;
        }
        let over = matches!(outcome, Outcome::Finished | Outcome::EndedEarly);
        if over && let Some(state) = &self.environment.state {
            let name = if outcome == Outcome::Finished {
                "finished"
            } else {
                "ended early"
            };
            if let Err(e) = state.finish(&self.plan.run, name).await {
                errors.push(e.to_string());
            }
        }
        // What ended a stream is said by whoever waited for it.
        errors.dedup();
        let error = (!errors.is_empty()).then(|| errors.join("; "));
        let mut report = self.report(outcome, error);
        let hashes = hashes.map(|hashes| {
            report.records.generated = hashes.iter().map(|(hash, _)| hash.records).sum();
            report
                .records
                .count(hashes.iter().map(|(_, counts)| *counts));
            hashes.into_iter().map(|(hash, _)| hash).collect()
        });
        report.expect = self.expect(&report, paced.end == End::Complete);
        let manifest = hashes.and_then(|hashes| self.manifest(hashes, below).ok());
        Ended {
            report,
            manifest,
            lateness: self.shared.lateness(),
        }
    }

    /// The ledger, where one was asked for; before the run is said to be over, since a run that is
    /// can't be gone on with.
    async fn write_ledger(self: &Arc<Core>, below: Option<Nanos>) -> Result<(), EmulationError> {
        let Some(path) = self.plan.ledger.clone() else {
            return Ok(());
        };
        let core = Arc::clone(self);
        let written = tokio::task::spawn_blocking(move || ledger::write(&core, &path, below));
        written
            .await
            .map_err(|e| EmulationError::system("the ledger", e))?
    }

    /// Each rule of the spec against the final report; the one that ended the run as it was then.
    fn expect(&self, report: &Report, complete: bool) -> Vec<ExpectReport> {
        let ticks = self.plan.bound.ticks.unwrap_or(0);
        let missing = ticks.saturating_sub(report.records.generated);
        let rules = &self.plan.expect.rules;
        let mut found = expect::evaluate(rules, report, self.asked_rate(), missing);
        if let Some(broken) = self.broken.get().filter(|_| !complete) {
            let same = |rule: &&mut ExpectReport| rule.rule == broken.rule;
            found.iter_mut().filter(same).for_each(|rule| {
                rule.value.clone_from(&broken.value);
                rule.held = false;
            });
        }
        found
    }

    /// What the load has asked for so far, going by how well it was kept up with since the pace last
    /// changed: a load that comes in beats is no stall between them. None before it was long enough.
    pub fn asked_so_far(&self, rate: f64, least: Duration) -> Option<f64> {
        /// The pacer's naps, and the time that a release takes.
        const SLACK: f64 = 5e7;
        let pace = self.shared.pace()?;
        let now = pace.order_at(self.environment.clock.now());
        let asked = now.saturating_sub(pace.t0) as f64;
        let kept = self.shared.reached().saturating_sub(pace.t0) as f64 + SLACK * pace.speed;
        let long = asked / pace.speed >= least.as_nanos().max(1) as f64;
        long.then(|| rate * asked / kept.min(asked))
    }

    /// Records a second that the load asked for, on the average over what was released.
    fn asked_rate(&self) -> Option<f64> {
        if self.live.log().is_backfill() {
            return None;
        }
        let pace = self.live.pace_at(self.environment.clock.now())?;
        let released = self.shared.released_records();
        let time = self.shared.released().saturating_sub(pace.t0) as f64 / 1e9 / pace.speed;
        (time > 0.0).then(|| released as f64 / time)
    }

    /// Event time at which a backfill went over to real time, RFC 3339.
    pub fn live_from(&self) -> Option<String> {
        let log = self.live.log();
        let seam = log.seam().or(self.shared.seam())?;
        Some(cut::timestamp(log.event_origin().saturating_add(seam)))
    }

    /// Wall time to the end: what bounds profile time or ticks, at the pace and load of now.
    pub fn left(&self) -> Option<Duration> {
        let pace = self.shared.pace()?;
        let now = pace.order_at(self.environment.clock.now());
        let last = self.plan.bound.ticks.and_then(|ticks| ticks.checked_sub(1));
        let by_ticks = last.map(|tick| self.live.log().time_of(tick, self.plan.seed));
        let end = [by_ticks, self.plan.bound.time]
            .into_iter()
            .flatten()
            .min()?;
        let left = end.saturating_sub(now) as f64 / pace.speed;
        Some(Duration::from_nanos(left as u64))
    }

    /// The report as things stand.
    pub fn report(&self, outcome: Outcome, error: Option<String>) -> Report {
        let elapsed = self.environment.clock.now().saturating_sub(self.started);
        let elapsed_s = elapsed as f64 / 1e9;
        // While it goes on, a stall of the sinks is to show; at the end, what came after the last release isn't.
        let released_s = match outcome {
            Outcome::Running => elapsed_s,
            _ => self.shared.last_release().saturating_sub(self.started) as f64 / 1e9,
        };
        let sinks: Vec<SinkReport> = self.sinks.iter().map(SinkView::report).collect();
        let with = |sent: bool| {
            sinks
                .iter()
                .filter(move |s| (s.guarantee == Guarantee::Sent) == sent)
        };
        let mut records = Records {
            acknowledged: with(false).map(|s| s.acknowledged).min().unwrap_or(0),
            sent: with(true).map(|s| s.acknowledged).min().unwrap_or(0),
            rejected: sinks.iter().map(|s| s.rejected).sum(),
            dropped: sinks.iter().map(|s| s.dropped).sum(),
            retried: sinks.iter().map(|s| s.retried).sum(),
            resent: sinks.iter().map(|s| s.resent).sum(),
            ..Records::default()
        };
        if outcome != Outcome::Running {
            for lane in &self.lanes {
                records.generated += lane.producer().chain.records();
            }
        } else {
            records.generated = self.shared.released_records();
        }
        records.count(self.lanes.iter().map(|lane| lane.counts()));
        let receipt = self
            .sinks
            .iter()
            .filter_map(|s| s.receipts.lateness().percentiles())
            .max_by_key(|p| p.p99);
        Report {
            name: self.plan.name.clone(),
            outcome,
            error,
            generator: GeneratorId {
                name: self.plan.configured.generator.description.name.clone(),
                version: self
                    .plan
                    .configured
                    .generator
                    .description
                    .version
                    .to_string(),
                digest: self.plan.configured.generator.digest.clone(),
            },
            run: self.plan.run.clone(),
            seed: self.plan.seed,
            streams: self.plan.streams,
            records,
            bytes: sinks.iter().map(|s| s.bytes).max().unwrap_or(0),
            elapsed_s,
            live_from: self.live_from(),
            rate: self.shared.released_records() as f64 / released_s.max(1e-3),
            lateness_us: LatenessReport {
                release: self.shared.lateness().percentiles(),
                receipt,
            },
            sinks,
            expect: Vec::new(),
            manifest: None,
        }
    }
}

impl SinkView {
    /// What stalls the sink, while it does.
    pub(super) fn error(&self) -> Option<String> {
        self.status.error().or_else(|| self.receipts.told().error)
    }

    fn report(&self) -> SinkReport {
        let counts = self.receipts.snapshot();
        let told = self.receipts.told();
        SinkReport {
            kind: self.kind.clone(),
            target: self.target.clone(),
            guarantee: self.guarantee,
            acknowledged: self.acknowledged_before + counts.acknowledged,
            rejected: self.rejected_before + counts.rejected,
            dropped: self.dropped_before + counts.dropped,
            retried: self.status.retried() + told.retried,
            resent: self.status.resent() + told.resent,
            bytes: self.bytes_before + counts.bytes,
            receipt_us: self.receipts.lateness().percentiles(),
            error: self.error(),
            details: told
                .details
                .iter()
                .map(|(name, count)| ((*name).to_owned(), *count))
                .collect(),
        }
    }
}

/// A schedule as the state keeps it.
pub(super) fn stored(schedule: &Schedule) -> Result<serde_json::Value, EmulationError> {
    serde_json::to_value(schedule)
        .map_err(|e| EmulationError::system("writing the schedule down", e))
}
