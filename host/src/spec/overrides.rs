//! Flags of the command line, laid over a spec.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::{Map, Value};

use super::{Document, Load, Problem, SinkBlock, Spec, SpecError, check};
use crate::record::Nanos;
use crate::schedule::Speed;

/// What flags say; what isn't said leaves the spec as it is.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// A configuration file's content, laid over the spec's configuration key by key.
    pub config_file: Option<Map<String, Value>>,
    /// Settings by name, `a.b` being `b` within `a`; they go over the file.
    pub config: Vec<(String, Value)>,
    /// Assets by name.
    pub assets: BTreeMap<String, PathBuf>,
    /// Another seed.
    pub seed: Option<u64>,
    /// Another number of streams.
    pub streams: Option<u32>,
    /// Another load.
    pub load: Option<Load>,
    /// Another number of ticks to end after.
    pub records: Option<u64>,
    /// Another profile time to end at.
    pub time: Option<Nanos>,
    /// Another event time for the origin.
    pub start: Option<Nanos>,
    /// Another speed.
    pub speed: Option<Speed>,
    /// Sinks in place of the spec's.
    pub sinks: Vec<SinkBlock>,
    /// `format` of every sink that has one.
    pub format: Option<String>,
    /// Which part of the streams.
    pub shard: Option<(u32, u32)>,
    /// What the run is expected to reach, `rate>=99%`, over the spec's rules on the same; or `abort`.
    pub expect: Vec<String>,
}

impl Overrides {
    /// Lays the flags over every emulation, and checks the whole again.
    ///
    /// # Errors
    /// What doesn't fit any longer, and flags that can't tell which emulation they mean.
    pub fn apply(self, document: &mut Document) -> Result<(), SpecError> {
        let own = self.config_file.is_some() || !self.config.is_empty() || !self.assets.is_empty();
        if own && document.emulations().len() > 1 {
            let message = "--config, --config-file and --asset can't tell which emulation of the scenario they mean";
            let help = "write them into the spec";
            return Err(Problem::new(message).help(help).into());
        }
        for spec in document.emulations_mut() {
            self.lay_over(spec)?;
        }
        check::document(document)
    }

    fn lay_over(&self, spec: &mut Spec) -> Result<(), SpecError> {
        for (name, value) in self.config_file.iter().flatten() {
            spec.config.insert(name.clone(), value.clone());
        }
        for (name, value) in &self.config {
            set(&mut spec.config, name, value.clone())?;
        }
        spec.assets.extend(self.assets.clone());
        spec.seed = self.seed.or(spec.seed);
        spec.streams = self.streams.unwrap_or(spec.streams);
        if let Some(load) = &self.load {
            spec.load = load.clone();
        }
        spec.until.records = self.records.or(spec.until.records);
        spec.until.time = self.time.or(spec.until.time);
        spec.clock.start = self.start.or(spec.clock.start);
        spec.clock.speed = self.speed.unwrap_or(spec.clock.speed);
        if !self.sinks.is_empty() {
            spec.sinks = self.sinks.clone();
        }
        if let Some(format) = &self.format {
            for sink in &mut spec.sinks {
                sink.set_if_known("format", format)?;
            }
        }
        spec.shard = self.shard.or(spec.shard);
        let expect = spec.expect.flags(&self.expect);
        expect.map_err(|message| Problem::with_advice(&format!("--expect: {message}")))?;
        Ok(())
    }
}

/// Sets `a.b.c` within nested maps.
fn set(map: &mut Map<String, Value>, name: &str, value: Value) -> Result<(), SpecError> {
    let Some((outer, inner)) = name.split_once('.') else {
        map.insert(name.to_owned(), value);
        return Ok(());
    };
    match map
        .entry(outer)
        .or_insert_with(|| Value::Object(Map::new()))
    {
        Value::Object(nested) => set(nested, inner, value),
        _ => {
            let message = format!("--config {name}: `{outer}` is not a map in the spec");
            Err(Problem::new(message).help("set the whole of it").into())
        }
    }
}
