//! One emulation in the server's memory.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::events::Events;
use super::lock;
use super::phase::Phase;
use crate::emulation::metrics::{Observed, last_metrics, metrics};
use crate::emulation::{Control, Plan};
use crate::state::StoredEmulation;
use crate::telemetry::metric::Metric;

/// How often it is looked whether one has begun.
const GLANCE: Duration = Duration::from_millis(10);
/// How long the metrics of one that is over are still shown: who scrapes them now and then has missed the last ones.
const SHOWN: Duration = Duration::from_secs(300);

/// See the module.
pub(super) struct Entry {
    /// Its row as it was when it was launched: what of it never changes needn't be asked for again.
    pub row: StoredEmulation,
    pub plan: Arc<Plan>,
    pub events: Events,
    /// Held around each change, from what it goes out from to what is durable and done.
    pub changing: Arc<tokio::sync::Mutex<()>>,
    now: Mutex<Now>,
}

struct Now {
    phase: Phase,
    revision: u64,
    control: Option<Control>,
    /// Why it doesn't begin yet.
    error: Option<String>,
    /// Its metrics when it was over, and when that was.
    last: Option<(Instant, Vec<Metric>)>,
}

impl Entry {
    pub fn new(stored: &StoredEmulation, plan: Plan, phase: Phase) -> Entry {
        let entry = Entry {
            row: stored.clone(),
            plan: Arc::new(plan),
            events: Events::new(),
            changing: Arc::default(),
            now: Mutex::new(Now {
                phase,
                revision: stored.revision,
                control: None,
                error: None,
                last: None,
            }),
        };
        entry.say();
        entry
    }

    pub fn id(&self) -> &str {
        &self.row.id
    }

    pub fn phase(&self) -> Phase {
        lock(&self.now).phase
    }

    pub fn revision(&self) -> u64 {
        lock(&self.now).revision
    }

    pub fn control(&self) -> Option<Control> {
        lock(&self.now).control.clone()
    }

    pub fn error(&self) -> Option<String> {
        lock(&self.now).error.clone()
    }

    /// It stands differently now, and that is durable.
    pub fn set(&self, phase: Phase, revision: u64) {
        let mut now = lock(&self.now);
        (now.phase, now.revision) = (phase, revision);
        drop(now);
        self.say();
    }

    /// It has begun. Gives how it is to be by now: it may have been paused or stopped meanwhile.
    pub fn begun(&self, control: Control) -> Phase {
        let mut now = lock(&self.now);
        now.control = Some(control);
        now.error = None;
        now.phase
    }

    /// Waits until it has begun, or won't, or the time is over.
    pub async fn begun_within(&self, time: Duration) {
        let until = tokio::time::Instant::now() + time;
        while self.control().is_none()
            && self.phase().is_live()
            && tokio::time::Instant::now() < until
        {
            tokio::time::sleep(GLANCE).await;
        }
    }

    /// It can't begin yet.
    pub fn waits(&self, error: String) {
        let changed = lock(&self.now).error.replace(error.clone()) != Some(error.clone());
        if changed {
            self.events.push("error", json!({ "error": error }));
        }
    }

    /// Its metrics: as they are, or as they were in the end, for a while.
    pub fn metrics(&self) -> Vec<Metric> {
        let (phase, control, last) = {
            let now = lock(&self.now);
            let last = now.last.as_ref().filter(|(at, _)| at.elapsed() < SHOWN);
            (
                now.phase,
                now.control.clone(),
                last.map(|(_, all)| all.clone()),
            )
        };
        match control {
            Some(control) => metrics(&[self.observed(phase, control)]),
            None => last.unwrap_or_default(),
        }
    }

    fn observed(&self, phase: Phase, control: Control) -> Observed {
        Observed {
            id: self.id().to_owned(),
            state: phase.name(),
            control,
        }
    }

    /// It is over.
    pub fn over(&self, phase: Phase, error: Option<&str>) {
        let last = self.control();
        let last = last.map(|control| last_metrics(&self.observed(phase, control)));
        let mut now = lock(&self.now);
        now.last = last.map(|all| (Instant::now(), all));
        now.phase = phase;
        now.revision += 1;
        now.control = None;
        now.error = error.map(str::to_owned);
        drop(now);
        if let Some(error) = error {
            self.events.push("error", json!({ "error": error }));
        }
        self.say();
    }

    /// How far it is, for those who watch.
    pub fn progress(&self) {
        let Some(control) = self.control() else {
            return;
        };
        let progress = control.progress();
        let left = progress.left.map(|left| left.as_secs_f64());
        self.events.push(
            "progress",
            json!({
                "released": progress.released,
                "settled": progress.settled,
                "lateness_p99_us": progress.lateness_p99,
                "left_s": left,
                "error": progress.error,
            }),
        );
    }

    fn say(&self) {
        let (phase, revision) = {
            let now = lock(&self.now);
            (now.phase, now.revision)
        };
        let status: Value = json!({ "state": phase, "revision": revision });
        self.events.push("status", status);
    }
}
