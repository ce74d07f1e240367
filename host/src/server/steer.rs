//! What can be asked of an emulation: pause, resume, another load, stop, delete.

use std::sync::Arc;
use std::time::Duration;

use super::entry::Entry;
use super::launch::Start;
use super::{Phase, Server, ServerError, lock};
use crate::emulation::from_spec::profile;
use crate::emulation::{GRACE, Plan};
use crate::schedule::Profile;
use crate::spec::{Load, Problem, SpecError};
use crate::state::{Audit, StoredEmulation};

/// How long a change of the load waits for an emulation that is only starting.
const BEGIN: Duration = Duration::from_secs(10);

/// What a change goes out from: any revision, or one of those.
pub type Expected = Option<Vec<u64>>;

impl Server {
    /// Releases nothing from now on. An emulation that is paused stays so.
    ///
    /// # Errors
    /// Where it is over, or being stopped.
    pub async fn pause(
        self: &Arc<Server>,
        id: &str,
        expected: Expected,
        who: &str,
    ) -> Result<(), ServerError> {
        let (server, id, who) = (Arc::clone(self), id.to_owned(), who.to_owned());
        self.on_runtime(async move {
            let entry = server.going_on(&id, "paused").await?;
            let _changing = entry.changing.lock().await;
            same(&entry, &expected)?;
            match entry.phase() {
                Phase::Paused => return Ok(()),
                Phase::Starting | Phase::Running => {}
                phase => return Err(unfit(&id, phase, "paused")),
            }
            server
                .turn(&entry, Phase::Paused, "emulation.pause", &who)
                .await?;
            if let Some(control) = entry.control() {
                control.pause();
            }
            Ok(())
        })
        .await
    }

    /// Goes on after a pause, or with a run that was stopped, was aborted or has failed.
    ///
    /// # Errors
    /// Where it is finished, or being stopped.
    pub async fn resume(
        self: &Arc<Server>,
        id: &str,
        expected: Expected,
        who: &str,
    ) -> Result<(), ServerError> {
        let (server, id, who) = (Arc::clone(self), id.to_owned(), who.to_owned());
        self.on_runtime(async move {
            let Some(entry) = server.entry(&id).filter(|entry| entry.phase().is_live()) else {
                return server.go_on(&id, expected, &who).await;
            };
            let _changing = entry.changing.lock().await;
            same(&entry, &expected)?;
            match entry.phase() {
                Phase::Running | Phase::Starting => return Ok(()),
                Phase::Paused => {}
                phase => return Err(unfit(&id, phase, "resumed")),
            }
            let begun = entry.control();
            if let Some(control) = &begun {
                control.resume().await?;
            }
            let phase = match begun {
                Some(_) => Phase::Running,
                None => Phase::Starting,
            };
            server.turn(&entry, phase, "emulation.resume", &who).await
        })
        .await
    }

    /// Goes on with one that was over.
    async fn go_on(
        self: &Arc<Server>,
        id: &str,
        expected: Expected,
        who: &str,
    ) -> Result<(), ServerError> {
        let mut row = self.row(id).await?;
        let phase: Phase = row.state.parse().unwrap_or(Phase::Failed);
        if !phase.is_resumable() {
            return Err(unfit(id, phase, "resumed"));
        }
        revision_fits(id, row.revision, &expected)?;
        let plan = self.replan(&row)?;
        let starting = Phase::Starting.name();
        let audit = audit(who, "emulation.resume", id);
        row.revision = self.state.set_emulation(id, starting, Some(&audit)).await?;
        row.state = starting.to_owned();
        self.launch(vec![row], vec![plan], Start::Resumed);
        Ok(())
    }

    /// Ends the schedule: what is due goes out and is settled.
    ///
    /// # Errors
    /// Where it is over.
    pub async fn stop(
        self: &Arc<Server>,
        id: &str,
        expected: Expected,
        who: &str,
    ) -> Result<(), ServerError> {
        let (server, id, who) = (Arc::clone(self), id.to_owned(), who.to_owned());
        self.on_runtime(async move {
            let entry = server.going_on(&id, "stopped").await?;
            let _changing = entry.changing.lock().await;
            same(&entry, &expected)?;
            if entry.phase() == Phase::Stopping {
                return Ok(());
            }
            server
                .turn(&entry, Phase::Stopping, "emulation.stop", &who)
                .await?;
            if let Some(control) = entry.control() {
                control.stop();
            }
            let late = Arc::clone(&entry);
            let kill = server.kill.clone();
            lock(&server.tasks).spawn(async move {
                tokio::select! {
                    () = end_in_time(&late) => {}
                    () = kill.cancelled() => {}
                }
            });
            Ok(())
        })
        .await
    }

    /// Another load from now on.
    ///
    /// # Errors
    /// Where it is over or hasn't begun, or the load makes no sense.
    pub async fn set_load(
        self: &Arc<Server>,
        id: &str,
        load: Load,
        expected: Expected,
        who: &str,
    ) -> Result<(), ServerError> {
        let (server, id, who) = (Arc::clone(self), id.to_owned(), who.to_owned());
        self.on_runtime(async move {
            let what = "given another load";
            let entry = server.going_on(&id, what).await?;
            entry.begun_within(BEGIN).await;
            let _changing = entry.changing.lock().await;
            same(&entry, &expected)?;
            let phase = entry.phase();
            let control = entry.control().filter(|_| phase != Phase::Stopping);
            let Some(control) = control else {
                return Err(unfit(&id, phase, what));
            };
            control.set_load(paced(&load, &entry.plan)?)?;
            server.turn(&entry, phase, "emulation.load", &who).await
        })
        .await
    }

    /// Forgets one that is over, with its run; what its sinks hold stays.
    ///
    /// # Errors
    /// Where it still goes on.
    pub async fn delete(
        self: &Arc<Server>,
        id: &str,
        expected: Expected,
        who: &str,
    ) -> Result<(), ServerError> {
        let row = self.row(id).await?;
        let entry = self.entry(id);
        let phase: Phase = row.state.parse().unwrap_or(Phase::Failed);
        let phase = entry.map_or(phase, |entry| entry.phase());
        if phase.is_live() {
            return Err(unfit(id, phase, "deleted"));
        }
        revision_fits(id, row.revision, &expected)?;
        let audit = audit(who, "emulation.delete", id);
        self.state.delete_emulation(id, &row.run, &audit).await?;
        lock(&self.entries).remove(id);
        Ok(())
    }

    /// Makes another phase durable, then known.
    async fn turn(
        &self,
        entry: &Entry,
        phase: Phase,
        what: &'static str,
        who: &str,
    ) -> Result<(), ServerError> {
        let audit = audit(who, what, &entry.id);
        let revision = self
            .state
            .set_emulation(&entry.id, phase.name(), Some(&audit))
            .await?;
        entry.set(phase, revision);
        Ok(())
    }

    pub(super) fn entry(&self, id: &str) -> Option<Arc<Entry>> {
        lock(&self.entries).get(id).cloned()
    }

    pub(super) async fn row(&self, id: &str) -> Result<StoredEmulation, ServerError> {
        let row = self.state.emulation(id).await?;
        row.ok_or_else(|| ServerError::Unknown(id.to_owned()))
    }

    /// The emulation of that identity, which isn't over.
    async fn going_on(&self, id: &str, what: &'static str) -> Result<Arc<Entry>, ServerError> {
        if let Some(entry) = self.entry(id).filter(|entry| entry.phase().is_live()) {
            return Ok(entry);
        }
        let phase = self.row(id).await?.state.parse().unwrap_or(Phase::Failed);
        Err(unfit(id, phase, what))
    }
}

/// Ends what isn't drained in time: nobody stands by to do it.
async fn end_in_time(entry: &Entry) {
    let mut events = entry.events.subscribe();
    let over = async { while entry.phase().is_live() && events.changed().await.is_ok() {} };
    if tokio::time::timeout(GRACE, over).await.is_err()
        && let Some(control) = entry.control()
    {
        control.kill();
    }
}

/// A load that an emulation can go over to: what is due stays due, and what isn't has no instants to go on from.
fn paced(load: &Load, plan: &Plan) -> Result<Profile, SpecError> {
    let wrong = |message: String| SpecError::from(Problem::new(message));
    let unpaced = |profile: &Profile| matches!(profile, Profile::Max { .. });
    let profile = profile(load, 1).map_err(|e| wrong(format!("load: {e}")))?;
    match unpaced(&profile) || unpaced(&plan.profile) {
        true => Err(wrong("`load: max` has no due instants: an emulation can't go over to it, nor from it; start another one".to_owned())),
        false => Ok(profile),
    }
}

fn same(entry: &Entry, expected: &Expected) -> Result<(), ServerError> {
    revision_fits(&entry.id, entry.revision(), expected)
}

fn revision_fits(id: &str, is: u64, expected: &Expected) -> Result<(), ServerError> {
    match expected {
        Some(wanted) if !wanted.contains(&is) => {
            let wanted: Vec<String> = wanted.iter().map(u64::to_string).collect();
            Err(ServerError::Revision {
                id: id.to_owned(),
                is,
                wanted: wanted.join(" or "),
            })
        }
        _ => Ok(()),
    }
}

fn unfit(id: &str, phase: Phase, what: &'static str) -> ServerError {
    ServerError::Phase {
        id: id.to_owned(),
        phase,
        what,
    }
}

fn audit(who: &str, what: &'static str, target: &str) -> Audit {
    Audit {
        who: who.to_owned(),
        what,
        target: target.to_owned(),
    }
}
