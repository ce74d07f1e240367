//! How emulations stand.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::entry::Entry;
use super::events::Event;
use super::{Phase, Server, ServerError, lock};
use crate::emulation::Control;
use crate::emulation::metrics::metrics;
use crate::emulation::report::Report;
use crate::state::{Filter, StoredEmulation};
use crate::telemetry::metric::Metric;

/// An emulation as it stands: the fields of its report as far as it is, with what the server adds.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct EmulationStatus {
    /// Its identity; those made later sort after it.
    pub id: String,
    /// Where it is between its request and its end.
    pub state: Phase,
    /// By its spec, or its generator.
    pub name: String,
    /// What the emulations of one scenario share.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scenario: Option<String>,
    /// When it was asked for, RFC 3339.
    pub created: String,
    /// One more with each change; its ETag.
    pub revision: u64,
    /// Why it doesn't begin, doesn't go on, or failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// What was asked for, with its seed.
    pub spec: Value,
    /// The report so far: `generator`, `run`, `seed`, `streams`, `records`, `bytes`, `rate`, `lateness_us`, `sinks`, …
    #[serde(flatten)]
    #[schemars(with = "Option<Report>")]
    pub report: Map<String, Value>,
}

/// Some of many, and how to get the next.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Page {
    /// Newest first.
    pub items: Vec<EmulationStatus>,
    /// `cursor` of the next page; none on the last.
    pub next: Option<String>,
}

impl Server {
    /// One emulation as it stands.
    ///
    /// # Errors
    /// Where there is none of that identity, or the state can't be read.
    pub async fn status(&self, id: &str) -> Result<EmulationStatus, ServerError> {
        // Of one that goes on, all that changes is in memory.
        let row = match self.live_entry(id) {
            Some(entry) => entry.row.clone(),
            None => self.row(id).await?,
        };
        Ok(self.status_of(row))
    }

    /// Emulations, newest first.
    ///
    /// # Errors
    /// Where the state can't be read.
    pub async fn list(&self, mut filter: Filter) -> Result<Page, ServerError> {
        let most = filter.limit.max(1);
        // One more says whether there is another page.
        filter.limit = most + 1;
        let mut rows = self.state.emulations(&filter).await?;
        let more = rows.len() > most as usize;
        rows.truncate(most as usize);
        let next = rows.last().filter(|_| more).map(|last| last.id.clone());
        let items = rows.into_iter().map(|row| self.status_of(row)).collect();
        Ok(Page { items, next })
    }

    fn status_of(&self, row: StoredEmulation) -> EmulationStatus {
        let entry = self.live_entry(&row.id);
        let stored = Phase::of(&row);
        let mut report = match (&entry, row.report) {
            (Some(entry), _) => entry
                .control()
                .map_or_else(Map::new, |control| so_far(&control)),
            (None, Some(Value::Object(report))) => report,
            (None, _) => Map::new(),
        };
        // What the server says of it stands before what the report would.
        for own in ["name", "outcome", "error"] {
            report.shift_remove(own);
        }
        let error = match &entry {
            Some(entry) => entry.error(),
            None => row.error,
        };
        EmulationStatus {
            state: entry.as_ref().map_or(stored, |entry| entry.phase()),
            revision: entry
                .as_ref()
                .map_or(row.revision, |entry| entry.revision()),
            id: row.id,
            name: row.name,
            scenario: row.scenario,
            created: row.created,
            error,
            spec: row.spec,
            report,
        }
    }

    /// The report: the final one, or as it would be now.
    ///
    /// # Errors
    /// Where there is no such emulation, or it hasn't begun.
    pub async fn report(&self, id: &str) -> Result<Value, ServerError> {
        if let Some(control) = self.control(id) {
            return Ok(Value::Object(so_far(&control)));
        }
        let row = self.row(id).await?;
        let phase = Phase::of(&row);
        row.report.ok_or_else(|| not_yet(id, phase, "report"))
    }

    /// The manifest of one that is over.
    ///
    /// # Errors
    /// Where there is no such emulation, or none yet.
    pub async fn manifest(&self, id: &str) -> Result<Value, ServerError> {
        let row = self.row(id).await?;
        let phase = Phase::of(&row);
        row.manifest.ok_or_else(|| not_yet(id, phase, "manifest"))
    }

    /// What happens to it, for those who watch.
    ///
    /// # Errors
    /// Where there is no such emulation.
    pub async fn watch(&self, id: &str) -> Result<Watching, ServerError> {
        let entry = self.entry(id);
        if entry.is_none() {
            self.row(id).await?;
        }
        Ok(Watching { entry })
    }

    /// The metrics of those that have begun and go on, or went on some minutes ago.
    pub fn metrics(&self) -> Vec<Metric> {
        let entries: Vec<Arc<Entry>> = lock(&self.entries).values().cloned().collect();
        let mut all = metrics(&[]);
        for entry in entries {
            for (row, more) in all.iter_mut().zip(entry.metrics()) {
                row.series.extend(more.series);
            }
        }
        all
    }

    pub(super) fn control(&self, id: &str) -> Option<Control> {
        self.entry(id).and_then(|entry| entry.control())
    }
}

/// Somebody's view of an emulation's events.
pub struct Watching {
    /// None where it was over when the server began.
    entry: Option<Arc<Entry>>,
}

impl Watching {
    /// What happened after that event, or all that is kept.
    pub fn after(&self, id: Option<u64>) -> Vec<Event> {
        let entry = self.entry.as_ref();
        entry.map_or_else(Vec::new, |entry| entry.events.after(id))
    }

    /// Tells when something happens, where something may.
    pub fn subscribe(&self) -> Option<tokio::sync::watch::Receiver<u64>> {
        Some(self.entry.as_ref()?.events.subscribe())
    }

    /// Whether nothing more will happen.
    pub fn is_over(&self) -> bool {
        self.entry
            .as_ref()
            .is_none_or(|entry| !entry.phase().is_live())
    }
}

fn so_far(control: &Control) -> Map<String, Value> {
    match serde_json::to_value(control.status()) {
        Ok(Value::Object(map)) => map,
        _ => Map::new(),
    }
}

fn not_yet(id: &str, phase: Phase, what: &'static str) -> ServerError {
    ServerError::NotYet {
        id: id.to_owned(),
        phase,
        what,
    }
}
