//! Records to look at: the first of a generator, and the last that an emulation released.

use std::sync::Arc;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Server, ServerError, drawn};
use crate::emulation::Control;
use crate::emulation::plan::Tuning;
use crate::emulation::preview::{Window, preview};
use crate::plugin::store::StoreError;
use crate::record::{Batch, Channel, Group};
use crate::spec::{Document, is_path};
use crate::telemetry::wall;

/// Records of a preview at most.
const MOST: usize = 1_000;
/// How long a look waits for the first record.
const LOOK: Duration = Duration::from_secs(1);
const GLANCE: Duration = Duration::from_millis(20);

/// What to preview.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PreviewRequest {
    /// The generator's configuration.
    pub config: Map<String, Value>,
    /// What all randomness comes from; drawn when absent.
    pub seed: Option<u64>,
    /// How many records; 10 when absent, 1,000 at most.
    pub records: Option<usize>,
}

/// A record as it was released, or would be.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Released {
    /// Its channel.
    pub channel: String,
    /// Its stream.
    pub stream: u32,
    /// Its index there.
    pub index: u64,
    /// Its event time, nanoseconds since the Unix epoch.
    pub time: u64,
    /// Its key, if it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The record: a JSON value where the generator makes JSON, else text (bytes that are no UTF-8
    /// are replaced).
    pub record: Value,
}

impl Released {
    fn of(batch: &Batch, k: usize, channels: &[Channel], json: bool) -> Released {
        let bytes = batch.record(k);
        let text = || Value::from(String::from_utf8_lossy(bytes).into_owned());
        let parsed = json.then(|| serde_json::from_slice(bytes).ok()).flatten();
        let channel = channels.get(batch.channel(k));
        Released {
            channel: channel.map_or_else(String::new, |channel| channel.name.clone()),
            stream: batch.stream,
            index: batch.index(k).0,
            time: batch.times.get(k).copied().unwrap_or(0),
            key: batch
                .key(k)
                .map(|key| String::from_utf8_lossy(key).into_owned()),
            // A fault may have damaged it.
            record: parsed.unwrap_or_else(text),
        }
    }
}

impl Server {
    /// The first records of a generator.
    ///
    /// # Errors
    /// Where there is no such generator, or it can't be used so.
    pub async fn preview(
        self: &Arc<Server>,
        generator: &str,
        request: PreviewRequest,
    ) -> Result<Vec<Released>, ServerError> {
        if is_path(generator) {
            return Err(StoreError::Path(generator.to_owned()).into());
        }
        let mut document = Document::of_generator(generator);
        let seed = match request.seed {
            Some(seed) => seed,
            None => drawn()?,
        };
        for spec in document.emulations_mut() {
            spec.config.clone_from(&request.config);
        }
        let records = request.records.unwrap_or(10).min(MOST);
        self.blocking(move |server| {
            let tuning = Tuning::default();
            let plans = server.engine.plans(&document, "preview", seed, tuning)?;
            let window = Window {
                records,
                stream: None,
                from: 0,
            };
            let mut released = Vec::with_capacity(records);
            for plan in &plans {
                let (channels, json) = (&plan.configured.channels, plan.json());
                preview(plan, window, wall(), |batch, k| {
                    released.push(Released::of(batch, k, channels, json));
                })?;
            }
            Ok(released)
        })
        .await
    }

    /// The newest records that an emulation released since somebody first looked, oldest first; waits
    /// a moment for the first. None of one that is over.
    ///
    /// # Errors
    /// Where there is no such emulation.
    pub async fn last_records(&self, id: &str, limit: usize) -> Result<Vec<Released>, ServerError> {
        if let Some(entry) = self.entry(id) {
            entry.begun_within(LOOK).await;
        }
        let Some(control) = self.control(id) else {
            self.row(id).await?;
            return Ok(Vec::new());
        };
        let until = tokio::time::Instant::now() + LOOK;
        loop {
            let groups = control.last_released();
            let enough = groups.iter().map(Group::len).sum::<usize>() >= limit.min(1);
            if enough || tokio::time::Instant::now() >= until || self.control(id).is_none() {
                return Ok(newest(&control, &groups, limit));
            }
            tokio::time::sleep(GLANCE).await;
        }
    }
}

fn newest(control: &Control, groups: &[Group], limit: usize) -> Vec<Released> {
    let all: usize = groups.iter().map(Group::len).sum();
    let mut skip = all.saturating_sub(limit);
    let (channels, json) = (control.channels(), control.is_json());
    let mut released = Vec::with_capacity(all - skip);
    for group in groups {
        if skip >= group.len() {
            skip -= group.len();
            continue;
        }
        let walked: Result<(), std::convert::Infallible> = group.merged(|part, k| {
            if skip > 0 {
                skip -= 1;
            } else {
                let batch = &group.parts[part].batch;
                released.push(Released::of(batch, k, channels, json));
            }
            Ok(())
        });
        let Ok(()) = walked;
    }
    released
}
