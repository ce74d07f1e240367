//! From a row to an emulation that runs, and from its end back to the row.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::Value;

use super::entry::Entry;
use super::{Phase, Server, ServerError, lock};
use crate::emulation::report::Outcome;
use crate::emulation::running::Ended;
use crate::emulation::{Emulation, EmulationError, Plan, Running};
use crate::spec::{Format, parse};
use crate::state::StoredEmulation;

/// How often those who watch are told how far it is.
const TICK: Duration = Duration::from_secs(1);
/// Emulations that are over whose events can still be looked at.
const OVER: usize = 100;
/// How long a restart waits before it looks for a sink again that isn't there.
const AGAIN: Duration = Duration::from_secs(2);

/// Why emulations are launched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Start {
    /// Somebody asks for them, or goes on with them: what keeps them from beginning ends them.
    Asked,
    /// The server was restarted: a sink that isn't there yet is waited for.
    Restored,
}

impl Server {
    /// Plans emulations of the state again after a restart and launches them; what can't be planned any
    /// more has failed.
    pub(super) async fn take_up(self: &Arc<Server>, stored: Vec<StoredEmulation>) {
        let mut plans = Vec::with_capacity(stored.len());
        for row in &stored {
            match self.replan(row) {
                Ok(plan) => plans.push(plan),
                Err(error) => {
                    let error = format!("it can't be gone on with: {error}");
                    tracing::error!(emulation = row.id, error);
                    for row in &stored {
                        let failed = Phase::Failed.name();
                        let ended =
                            self.state
                                .end_emulation(&row.id, failed, Some(&error), None, None);
                        if let Err(e) = ended.await {
                            tracing::error!(emulation = row.id, "the state can't be written: {e}");
                        }
                    }
                    return;
                }
            }
        }
        self.launch(stored, plans, Start::Restored);
    }

    /// The plan of a row, with the component that it began with.
    pub(super) fn replan(&self, row: &StoredEmulation) -> Result<Plan, ServerError> {
        let mut document = parse(&row.spec.to_string(), Format::Json, "the spec of the state")?;
        for spec in document.emulations_mut() {
            spec.name = Some(row.name.clone());
            spec.generator = format!("sha256:{}", row.component);
        }
        let plan = self.plans(&mut document, &row.run)?.pop();
        let mut plan = plan.ok_or_else(|| ServerError::system("the state", "a spec of nothing"))?;
        plan.run.clone_from(&row.run);
        Ok(plan)
    }

    /// Begins emulations that belong together, in a task of their own.
    pub(super) fn launch(
        self: &Arc<Server>,
        rows: Vec<StoredEmulation>,
        plans: Vec<Plan>,
        start: Start,
    ) {
        let entries: Vec<Arc<Entry>> = rows
            .iter()
            .zip(plans)
            .map(|(row, plan)| Arc::new(Entry::new(row, plan, Phase::of(row))))
            .collect();
        let mut all = lock(&self.entries);
        let over = all.values().filter(|entry| !entry.phase().is_live());
        let over: Vec<String> = over.map(|entry| entry.id().to_owned()).collect();
        // Their rows say how they ended; what is kept here is for those who still watch.
        for id in over.iter().take(over.len().saturating_sub(OVER)) {
            all.remove(id);
        }
        for entry in &entries {
            all.insert(entry.id().to_owned(), Arc::clone(entry));
        }
        drop(all);
        let server = Arc::clone(self);
        let mut tasks = lock(&self.tasks);
        // What is over leaves nothing behind.
        while tasks.try_join_next().is_some() {}
        tasks.spawn_on(
            async move { server.conduct(entries, start).await },
            &self.runtime,
        );
    }

    /// Prepares all, then starts all, then waits for all.
    async fn conduct(self: Arc<Server>, entries: Vec<Arc<Entry>>, start: Start) {
        let begun = match self.begin_all(&entries, start).await {
            Ok(Some(begun)) => begun,
            // The server ends, or somebody stopped them: nothing has begun.
            Ok(None) => return,
            Err(error) => {
                let error = error.to_string();
                for entry in &entries {
                    self.end(entry, Phase::Failed, Some(&error), None, None)
                        .await;
                }
                return;
            }
        };
        let supervised = entries
            .iter()
            .zip(begun)
            .map(|(entry, running)| self.supervise(entry, running));
        futures::future::join_all(supervised).await;
    }

    async fn begin_all(
        &self,
        entries: &[Arc<Entry>],
        start: Start,
    ) -> Result<Option<Vec<Running>>, ServerError> {
        let environment = self.environment();
        let mut prepared = Vec::with_capacity(entries.len());
        for entry in entries {
            loop {
                let stored = self.state.find(&entry.plan.run).await?;
                let preparing =
                    Emulation::prepare(Arc::clone(&entry.plan), environment.clone(), stored);
                let error = match preparing.await {
                    Ok(emulation) => {
                        prepared.push(emulation);
                        break;
                    }
                    Err(error) => error,
                };
                if start != Start::Restored || !is_passing(&error) {
                    return Err(error.into());
                }
                entry.waits(error.to_string());
                if self.given_up(entries).await {
                    return Ok(None);
                }
            }
        }
        let mut running = Vec::with_capacity(entries.len());
        for (entry, emulation) in entries.iter().zip(prepared) {
            let emulation = match entry.phase() {
                Phase::Paused => emulation.paused(),
                _ => emulation,
            };
            let one = emulation.start()?;
            let _changing = entry.changing.lock().await;
            match entry.begun(one.control()) {
                Phase::Paused => one.control().pause(),
                Phase::Stopping => one.control().stop(),
                _ => {
                    let name = Phase::Running.name();
                    let revision = self.state.set_emulation(entry.id(), name, None).await?;
                    entry.set(Phase::Running, revision);
                }
            }
            running.push(one);
        }
        // Whoever closes the server has looked for these before they were there.
        if self.closing.load(Ordering::SeqCst) {
            running.iter().for_each(|one| one.control().suspend());
        }
        Ok(Some(running))
    }

    /// Waits before another try; says whether there is to be none.
    async fn given_up(&self, entries: &[Arc<Entry>]) -> bool {
        tokio::select! {
            () = self.kill.cancelled() => return true,
            () = tokio::time::sleep(AGAIN) => {}
        }
        if self.closing.load(Ordering::SeqCst) {
            return true;
        }
        let stopped = entries.iter().any(|entry| entry.phase() == Phase::Stopping);
        if stopped {
            for entry in entries {
                self.end(entry, Phase::Stopped, None, None, None).await;
            }
        }
        stopped
    }

    async fn supervise(&self, entry: &Entry, running: Running) {
        let mut ended = std::pin::pin!(running.wait());
        let ended = loop {
            tokio::select! {
                ended = &mut ended => break ended,
                () = tokio::time::sleep(TICK) => entry.progress(),
            }
        };
        entry.progress();
        self.conclude(entry, ended).await;
    }

    async fn conclude(&self, entry: &Entry, ended: Ended) {
        let outcome = ended.report.outcome;
        let interrupted = matches!(outcome, Outcome::Stopped | Outcome::Undrained);
        if interrupted && self.closing.load(Ordering::SeqCst) && entry.phase() != Phase::Stopping {
            // The next server goes on with it, as what it is.
            return;
        }
        let report = serde_json::to_value(&ended.report).ok();
        let manifest = ended.manifest.as_ref();
        let manifest = manifest.and_then(|manifest| serde_json::to_value(manifest).ok());
        let error = ended.report.error.as_deref();
        self.end(
            entry,
            outcome.into(),
            error,
            report.as_ref(),
            manifest.as_ref(),
        )
        .await;
    }

    async fn end(
        &self,
        entry: &Entry,
        phase: Phase,
        error: Option<&str>,
        report: Option<&Value>,
        manifest: Option<&Value>,
    ) {
        let _changing = entry.changing.lock().await;
        let ended = self
            .state
            .end_emulation(entry.id(), phase.name(), error, report, manifest);
        if let Err(e) = ended.await {
            tracing::error!(emulation = entry.id(), "its end can't be written down: {e}");
        }
        entry.over(phase, error);
    }
}

/// Whether the same may work later: a sink that isn't there.
fn is_passing(error: &EmulationError) -> bool {
    matches!(error, EmulationError::Unready { source, .. } if source.retry)
}
