//! From a manifest back to a plan that gives the same bytes, or a word on why it can't.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Value, json};

use super::VerifyError;
use crate::emulation::lane::Producer;
use crate::emulation::manifest::{Functions, Identity, Manifest, canonical};
use crate::emulation::plan::Tuning;
use crate::emulation::{Engine, Plan, chain, functions};
use crate::schedule::{Schedule, Segment};
use crate::spec::{Document, Format, SinkBlock, parse};

/// What a manifest needs besides itself.
#[derive(Clone, Debug, Default)]
pub struct Given {
    /// The component, where it isn't in the store.
    pub component: Option<PathBuf>,
    /// Assets that aren't where the spec says.
    pub assets: BTreeMap<String, PathBuf>,
}

/// A stream as the manifest has it.
#[derive(Clone, Debug)]
pub struct StreamOf {
    /// Which.
    pub index: u32,
    /// How many records it gave, empty ones counted.
    pub records: u64,
    /// Their hash.
    pub hash: String,
}

/// A run that can be gone through again.
pub struct Rerun {
    /// What gives the records.
    pub plan: Arc<Plan>,
    /// The spec's sinks, without secrets.
    pub sinks: Vec<SinkBlock>,
    /// The streams of the manifest.
    pub streams: Vec<StreamOf>,
    /// Where the run was cut short: below which profile time everything was released.
    pub released_below: Option<u64>,
    schedule: Arc<Schedule>,
}

/// Reads the manifests of a file: one, or those of a scenario.
///
/// # Errors
/// Where it isn't a manifest, or one that was edited.
pub fn read(path: &Path) -> Result<Vec<Manifest>, VerifyError> {
    let wrong = |what: String| VerifyError::Manifest {
        path: path.display().to_string(),
        what,
    };
    let text = std::fs::read(path).map_err(|e| wrong(format!("can't be read: {e}")))?;
    let value: Value = serde_json::from_slice(&text)
        .map_err(|e| wrong(format!("is no manifest, since it is no JSON: {e}")))?;
    let values = match value.get("emulations").and_then(Value::as_array) {
        Some(several) => several.clone(),
        None => vec![value],
    };
    let manifest = |value| {
        let manifest: Manifest = serde_json::from_value(value).map_err(|e| {
            wrong(format!(
                "is no manifest: {e}; `wellhead schema manifest` says what one holds"
            ))
        })?;
        check(&manifest).map_err(wrong)?;
        Ok(manifest)
    };
    values.into_iter().map(manifest).collect()
}

/// Whether a manifest is what a run wrote, and one that this program can read.
fn check(manifest: &Manifest) -> Result<(), String> {
    if !manifest.is_sealed() {
        return Err(
            "was edited: `digest` isn't that of `identity`; take the one that the run wrote"
                .to_owned(),
        );
    }
    let host = &manifest.timings.host;
    let newer = |what: String| {
        format!(
            "{what}; it was written by wellhead {host}, this is {}: verify it with that version",
            env!("CARGO_PKG_VERSION")
        )
    };
    let identity =
        identity(manifest).map_err(|e| newer(format!("has an identity of another form ({e})")))?;
    let again = serde_json::to_value(&identity).unwrap_or_default();
    if canonical(&again) != canonical(&manifest.identity) {
        return Err(newer("says more than this version knows of".to_owned()));
    }
    if identity.streams_generated != manifest.streams {
        return Err("was edited: `streams` differs from what `identity` says".to_owned());
    }
    functions_agree(&identity.functions).map_err(newer)
}

fn functions_agree(theirs: &Functions) -> Result<(), String> {
    let ours = functions();
    for (name, version) in theirs {
        match ours.get(name) {
            Some(own) if own == version => {}
            Some(own) => {
                return Err(format!(
                    "is made with `{name}` version {version}, not {own}"
                ));
            }
            None => return Err(format!("is made with `{name}`, which isn't known here")),
        }
    }
    Ok(())
}

/// The identity as a type.
pub(super) fn identity(manifest: &Manifest) -> Result<Identity, serde_json::Error> {
    serde_json::from_value(manifest.identity.clone())
}

/// A stream's number, how many records it gave, and their hash.
pub(super) fn hash_of(producer: &Producer) -> (u32, u64, String) {
    let chain = &producer.chain;
    (
        producer.cursor.stream(),
        chain.records(),
        chain::text(&chain.digest()),
    )
}

impl Rerun {
    /// A plan of a manifest that [`read`] has let pass.
    ///
    /// # Errors
    /// Where component, assets or configuration aren't those of the run.
    pub fn new(engine: &Engine, manifest: &Manifest, given: &Given) -> Result<Rerun, VerifyError> {
        let identity = identity(manifest).map_err(|e| VerifyError::Spec(e.to_string()))?;
        let (document, sinks) = document(engine, &identity, given)?;
        let mut plans = engine.plans(
            &document,
            &manifest.timings.run,
            identity.seed,
            Tuning::default(),
        )?;
        let (Some(plan), true) = (plans.pop(), plans.is_empty()) else {
            return Err(VerifyError::Spec("the spec isn't one emulation".to_owned()));
        };
        agree(&plan, &identity)?;
        let segments: Vec<Segment> = serde_json::from_value(identity.segments.clone())
            .map_err(|e| VerifyError::Spec(format!("its segments can't be read: {e}")))?;
        let schedule = Schedule::of_segments(segments)
            .ok_or_else(|| VerifyError::Spec("it has no segment".to_owned()))?;
        let streams = identity.streams_generated.iter().map(|stream| StreamOf {
            index: stream.index,
            records: stream.records,
            hash: stream.xxh3_128.clone(),
        });
        Ok(Rerun {
            plan: Arc::new(plan),
            sinks,
            streams: streams.collect(),
            released_below: manifest.timings.released_below,
            schedule: Arc::new(schedule),
        })
    }

    /// A stream from its beginning to where the manifest ends it.
    pub(super) fn producer(&self, stream: &StreamOf) -> Result<Producer, VerifyError> {
        let mut plan = Plan::clone(&self.plan);
        let streams = u64::from(plan.streams);
        // One past the tick of its last record.
        let end = match stream.records.checked_sub(1) {
            Some(last) => last * streams + u64::from(stream.index) + 1,
            None => 0,
        };
        plan.bound.ticks = Some(end);
        plan.bound.time = None;
        plan.bound.event_time = None;
        Ok(plan.producer(&self.schedule, stream.index, 0)?)
    }

    /// All records that the manifest counts.
    pub fn records(&self) -> u64 {
        self.streams.iter().map(|stream| stream.records).sum()
    }
}

/// The spec of the manifest as a document without sinks, with the component that is found, and its sinks.
fn document(
    engine: &Engine,
    identity: &Identity,
    given: &Given,
) -> Result<(Document, Vec<SinkBlock>), VerifyError> {
    let mut spec = identity.spec.clone();
    let mut sinks = Vec::new();
    if let Value::Object(map) = &mut spec {
        for block in map
            .shift_remove("sinks")
            .as_ref()
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            sinks.push(SinkBlock::from_value(block, None).map_err(VerifyError::Document)?);
        }
        map.insert("seed".to_owned(), json!(identity.seed.to_string()));
        map.shift_remove("expect");
    }
    let text = spec.to_string();
    let mut document = parse(&text, Format::Json, "the manifest's spec")?;
    for spec in document.emulations_mut() {
        spec.name = Some(spec.display_name());
        let by_digest = format!("sha256:{}", identity.component);
        let stored = engine
            .store
            .resolve(&by_digest, crate::plugin::store::Paths::Refused);
        spec.generator = match (&given.component, stored) {
            (Some(file), _) => file.display().to_string(),
            (None, Ok(_)) => by_digest,
            (None, Err(_)) => spec.generator.clone(),
        };
        // A faulty record was reported by the run; here it only has to come again.
        spec.validate = crate::spec::Validate::Off;
        spec.assets.extend(given.assets.clone());
    }
    Ok((document, sinks))
}

fn agree(plan: &Plan, identity: &Identity) -> Result<(), VerifyError> {
    let generator = &plan.configured.generator;
    if generator.digest != identity.component {
        return Err(VerifyError::Component {
            wanted: format!("{} {}", identity.generator, identity.version),
            digest: identity.component.clone(),
            found: generator.digest.clone(),
        });
    }
    for (name, digest) in &identity.assets {
        let found = plan.asset_digests.get(name);
        if found != Some(digest) {
            return Err(VerifyError::Asset {
                name: name.clone(),
                digest: digest.clone(),
                found: found.cloned().unwrap_or_else(|| "nothing".to_owned()),
            });
        }
    }
    let config = Value::Object(plan.configured.config.clone());
    if canonical(&config) != canonical(&identity.config) {
        return Err(VerifyError::Spec(format!(
            "its configuration with defaults is {}, and comes out as {config}",
            identity.config
        )));
    }
    Ok(())
}
