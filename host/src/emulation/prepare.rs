//! From a plan to an emulation that is ready to release: state, lock, sinks, watermarks.

use std::sync::Arc;

use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::core::stored;
use super::cut::timestamp;
use super::plan::Plan;
use super::{EmulationError, ledger, pool};
use crate::delivery::SinkPoint;
use crate::schedule::Schedule;
use crate::sink::receipts::Snapshot;
use crate::sink::rejects::RejectFile;
use crate::sink::{Context, OnFull, Receipts, SendError, Sink};
use crate::state::{Restart, RunLock, State, StoredRun};
use crate::telemetry::traces::Traces;
use crate::telemetry::{Clock, Lateness};

/// What emulations of one process share.
#[derive(Clone)]
pub struct Environment {
    /// The process's clock.
    pub clock: Clock,
    /// The worker threads.
    pub hands: pool::Hands,
    /// Where runs and checkpoints are kept; none for a run that can't be resumed.
    pub state: Option<State>,
    /// Fires when everything is to end at once.
    pub cancel: CancellationToken,
    /// What makes traces, where somebody takes them.
    pub traces: Option<Traces>,
    /// Go on where a sink itself says that it stands, though the state knows nothing of the run.
    pub go_on: bool,
    /// Wall clock at the start, nanoseconds since the Unix epoch: the origin of all emulations of
    /// a scenario.
    pub now: u64,
}

/// A sink that is logged in and stands where the run goes on.
pub(super) struct ReadySink {
    pub kind: String,
    pub target: String,
    pub sink: Box<dyn Sink>,
    pub receipts: Arc<Receipts>,
    pub base: SinkPoint,
    pub on_full: OnFull,
}

/// An emulation that is ready: nothing of it was released yet by this execution.
pub struct Emulation {
    pub(super) plan: Arc<Plan>,
    pub(super) environment: Environment,
    pub(super) schedule: Schedule,
    pub(super) sinks: Vec<ReadySink>,
    pub(super) restarts: Vec<(u32, Restart)>,
    pub(super) lock: Option<RunLock>,
    pub(super) cancel: CancellationToken,
    /// What is ordered before this is overdue: an earlier execution released it, or promised it.
    pub(super) overdue: u64,
    /// It begins with a pause.
    pub(super) paused: bool,
}

impl Emulation {
    /// Prepares a plan. With `resume` an earlier execution of the run is gone on with.
    ///
    /// # Errors
    /// Where the state, a sink, or what the run began with says no: nothing was sent then.
    pub async fn prepare(
        plan: Arc<Plan>,
        environment: Environment,
        resume: Option<StoredRun>,
    ) -> Result<Emulation, EmulationError> {
        let lock = match &environment.state {
            Some(state) => Some(state.lock(&plan.run)?),
            None => None,
        };
        if let Some(path) = &plan.ledger {
            ledger::begin(path)?;
        }
        let schedule = match &resume {
            Some(stored) => plan.resumed_schedule(stored, environment.now)?,
            None => plan.first_schedule(environment.now),
        };
        refuse_future(&plan, &schedule, environment.now)?;
        let points = resume
            .as_ref()
            .map_or_else(Vec::new, |r| r.receipts.clone());
        let cancel = environment.cancel.child_token();
        let sinks = ready_sinks(&plan, &environment, &points, resume.is_some(), &cancel).await?;
        let restarts = resume
            .as_ref()
            .map_or_else(Vec::new, |r| r.restarts.clone());
        reachable(&sinks, &restarts)?;
        if let Some(state) = &environment.state {
            let stored = stored(&schedule)?;
            match &resume {
                Some(run) => state.save_schedule(&run.id, &stored).await?,
                None => {
                    state
                        .begin(&plan.run, &plan.name, &plan.comparable(), &stored)
                        .await?;
                }
            }
        }
        Ok(Emulation {
            restarts,
            overdue: resume
                .as_ref()
                .map_or(0, |run| plan.overdue(run, environment.now)),
            plan,
            environment,
            schedule,
            sinks,
            lock,
            cancel,
            paused: false,
        })
    }

    /// The same emulation, which releases nothing before [`super::Control::resume`].
    #[must_use]
    pub fn paused(mut self) -> Emulation {
        self.paused = true;
        self
    }
}

impl Emulation {
    /// Logs in to each sink of a plan and says which are there; nothing is sent.
    ///
    /// # Errors
    /// The first sink that can't be reached or refuses.
    pub async fn connect(plan: &Arc<Plan>) -> Result<Vec<String>, EmulationError> {
        let pool = pool::Pool::start(1).map_err(|e| EmulationError::system("a thread", e))?;
        let environment = Environment {
            clock: Clock::start(),
            hands: pool.hands(),
            state: None,
            cancel: CancellationToken::new(),
            traces: None,
            go_on: false,
            now: 0,
        };
        let mut targets = Vec::with_capacity(plan.sinks.len());
        for (n, planned) in plan.sinks.iter().enumerate() {
            let target = planned.config.target();
            let unready = |source: SendError| EmulationError::Unready {
                target: target.clone(),
                source,
            };
            let receipts = receipts(plan, &environment, None)?;
            let context = context(plan, n, receipts, &environment.cancel);
            let mut sink = planned.config.open(context).map_err(unready)?;
            sink.probe().await.map_err(unready)?;
            targets.push(target);
        }
        Ok(targets)
    }
}

/// A backfill that begins in the future would wait for it, which nobody asks for.
fn refuse_future(plan: &Plan, schedule: &Schedule, now: u64) -> Result<(), EmulationError> {
    match plan.start {
        Some(start) if schedule.is_backfill() && start > now => Err(EmulationError::Spec(format!(
            "the clock's start {} lies in the future, and `speed: max` is a backfill up to the present; \
             write an earlier start, or `load: max` for records of any time",
            timestamp(start)
        ))),
        _ => Ok(()),
    }
}

async fn ready_sinks(
    plan: &Plan,
    environment: &Environment,
    points: &[(u32, SinkPoint)],
    resumed: bool,
    cancel: &CancellationToken,
) -> Result<Vec<ReadySink>, EmulationError> {
    let point = |n: usize| {
        points
            .iter()
            .find(|(sink, _)| *sink as usize == n)
            .map(|(_, point)| point.clone())
    };
    let rejects = rejects(plan)?;
    let mut ready: Vec<ReadySink> = Vec::with_capacity(plan.sinks.len());
    for (n, planned) in plan.sinks.iter().enumerate() {
        let target = planned.config.target();
        let unready = |source: SendError| EmulationError::Unready {
            target: target.clone(),
            source,
        };
        let rejects = rejects.clone().map(|file| (label(n, &target), file));
        let receipts = receipts(plan, environment, rejects)?;
        let context = context(plan, n, Arc::clone(&receipts), cancel);
        let mut sink = planned.config.open(context).map_err(unready)?;
        sink.prepare().await.map_err(unready)?;
        let resumed = resumed || (environment.go_on && sink.carries_watermark());
        // A run that ended before its first commit has a receipt of nothing: it isn't a new one.
        let mut base = point(n).filter(|_| resumed).unwrap_or_default();
        base.receipt.watermark.resize(plan.streams as usize, 0);
        let saved = resumed.then_some(&base.receipt);
        let found = sink.recover(saved).await.map_err(unready)?;
        if resumed && let Some(watermark) = found {
            rebase(&mut base, watermark, sink.recovered());
        }
        base.receipt.watermark.resize(plan.streams as usize, 0);
        receipts.rewind(&base.receipt.watermark);
        ready.push(ReadySink {
            kind: planned.kind.clone(),
            target,
            sink,
            receipts,
            base,
            on_full: planned.on_full,
        });
    }
    if let Some(file) = rejects {
        let settled = |sink: &str, stream: u32| {
            let of = |(n, ready): &(usize, &ReadySink)| label(*n, &ready.target) == sink;
            let found = ready.iter().enumerate().find(of);
            found.map_or(0, |(_, ready)| ready.receipts.settled(stream))
        };
        file.cut(settled)?;
    }
    Ok(ready)
}

/// Whether the streams can begin where each sink stands: a sink that has less than the state knows of was
/// written to, or put back, by somebody else.
fn reachable(sinks: &[ReadySink], restarts: &[(u32, Restart)]) -> Result<(), EmulationError> {
    for ready in sinks {
        for (stream, restart) in restarts {
            let (stands, begins) = (ready.receipts.settled(*stream), restart.held.sequence);
            if stands < begins {
                return Err(EmulationError::Unready {
                    target: ready.target.clone(),
                    source: SendError::fatal(format!(
                        "it has stream {stream} up to record {stands}, and this run can begin again at record {begins} at \
                         the earliest: what lies between was lost there; begin another run (without --resume)"
                    )),
                });
            }
        }
    }
    Ok(())
}

fn receipts(
    plan: &Plan,
    environment: &Environment,
    rejects: Option<(String, Arc<RejectFile>)>,
) -> Result<Arc<Receipts>, EmulationError> {
    let lateness =
        Lateness::new().map_err(|e| EmulationError::system("a histogram of lateness", e))?;
    let from = vec![0; plan.streams as usize];
    Ok(Arc::new(Receipts::new(
        &from,
        environment.clock,
        lateness,
        rejects,
    )))
}

fn context(
    plan: &Plan,
    sink: usize,
    receipts: Arc<Receipts>,
    cancel: &CancellationToken,
) -> Context {
    Context {
        run: plan.run.clone(),
        emulation: plan.name.clone(),
        sink,
        channels: plan.configured.channels.clone().into(),
        json: plan.json(),
        streams: plan.streams,
        mine: plan.mine.clone().into(),
        receipts,
        cancel: cancel.clone(),
    }
}

/// The sink knows better than the state: what it holds beyond, or no longer holds, is counted so;
/// by itself where it keeps count.
fn rebase(base: &mut SinkPoint, watermark: Vec<u64>, recovered: Option<Snapshot>) {
    if let Some(counts) = recovered {
        base.acknowledged = counts.acknowledged;
        base.rejected = counts.rejected;
        base.bytes = counts.bytes;
        base.dropped = counts.dropped;
        base.receipt.watermark = watermark;
        return;
    }
    let total = |w: &[u64]| w.iter().sum::<u64>();
    let (before, after) = (total(&base.receipt.watermark), total(&watermark));
    base.acknowledged = (base.acknowledged + after).saturating_sub(before);
    if after == 0 {
        base.bytes = 0;
        base.rejected = 0;
        base.dropped = 0;
    }
    base.receipt.watermark = watermark;
}

fn label(n: usize, target: &str) -> String {
    format!("{n} {target}")
}

/// The file of refused records, as an earlier execution left it: what is to be refused again is
/// known only when each sink says where it goes on.
fn rejects(plan: &Plan) -> Result<Option<Arc<RejectFile>>, EmulationError> {
    let Some(path) = &plan.rejected else {
        return Ok(None);
    };
    let all = |_: &str, _: u32| u64::MAX;
    Ok(Some(Arc::new(RejectFile::open(path, &plan.run, all)?)))
}

/// What differs between what a run began with and what it is asked to go on with, for a person.
pub(super) fn difference(began: &Value, asked: &Value) -> Option<String> {
    let empty = json!({});
    let (a, b) = (
        began.as_object().or(empty.as_object())?,
        asked.as_object().or(empty.as_object())?,
    );
    let mut keys: Vec<&String> = a.keys().chain(b.keys()).collect();
    keys.sort();
    keys.dedup();
    let changed: Vec<String> = keys
        .into_iter()
        .filter(|key| a.get(*key) != b.get(*key))
        .map(|key| {
            let show = |v: Option<&Value>| v.map_or("nothing".to_owned(), Value::to_string);
            format!("{key} was {} and is {}", show(a.get(key)), show(b.get(key)))
        })
        .collect();
    (!changed.is_empty()).then(|| changed.join("; "))
}
