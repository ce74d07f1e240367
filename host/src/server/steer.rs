//! What can be asked of an emulation: pause, resume, another load, stop, delete.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::OwnedMutexGuard;

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
            let (entry, _changing) = server.changing(&id, "paused", &expected).await?;
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
            if server.live_entry(&id).is_none() {
                return server.go_on(&id, expected, &who).await;
            }
            let (entry, _changing) = server.changing(&id, "resumed", &expected).await?;
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
        let phase = Phase::of(&row);
        if !phase.is_resumable() {
            return Err(unfit(id, phase, "resumed"));
        }
        revision_fits(id, row.revision, &expected)?;
        let plan = self.replan(&row)?;
        let starting = Phase::Starting.name();
        let audit = Audit::new(who, "emulation.resume", id);
        row.revision = self.state.set_emulation(id, starting, Some(&audit)).await?;
        row.state = starting.to_owned();
        self.launch(vec![row], vec![plan], Start::Asked);
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
            let (entry, _changing) = server.changing(&id, "stopped", &expected).await?;
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
            server.going_on(&id, what).await?.begun_within(BEGIN).await;
            let (entry, _changing) = server.changing(&id, what, &expected).await?;
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
        let phase = entry.map_or(Phase::of(&row), |entry| entry.phase());
        if phase.is_live() {
            return Err(unfit(id, phase, "deleted"));
        }
        revision_fits(id, row.revision, &expected)?;
        let audit = Audit::new(who, "emulation.delete", id);
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
        let audit = Audit::new(who, what, entry.id());
        let revision = self
            .state
            .set_emulation(entry.id(), phase.name(), Some(&audit))
            .await?;
        entry.set(phase, revision);
        Ok(())
    }

    pub(super) fn entry(&self, id: &str) -> Option<Arc<Entry>> {
        lock(&self.entries).get(id).cloned()
    }

    /// The same, if it isn't over.
    pub(super) fn live_entry(&self, id: &str) -> Option<Arc<Entry>> {
        self.entry(id).filter(|entry| entry.phase().is_live())
    }

    pub(super) async fn row(&self, id: &str) -> Result<StoredEmulation, ServerError> {
        let row = self.state.emulation(id).await?;
        row.ok_or_else(|| ServerError::Unknown(id.to_owned()))
    }

    /// The emulation of that identity, which isn't over.
    async fn going_on(&self, id: &str, what: &'static str) -> Result<Arc<Entry>, ServerError> {
        match self.live_entry(id) {
            Some(entry) => Ok(entry),
            None => Err(unfit(id, Phase::of(&self.row(id).await?), what)),
        }
    }

    /// The same, held so that nobody else changes it, where it stands as expected.
    async fn changing(
        &self,
        id: &str,
        what: &'static str,
        expected: &Expected,
    ) -> Result<(Arc<Entry>, OwnedMutexGuard<()>), ServerError> {
        let entry = self.going_on(id, what).await?;
        let changing = Arc::clone(&entry.changing).lock_owned().await;
        // It may have ended meanwhile.
        match entry.phase() {
            phase if !phase.is_live() => Err(unfit(id, phase, what)),
            _ => revision_fits(id, entry.revision(), expected).map(|()| (entry, changing)),
        }
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
