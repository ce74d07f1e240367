//! The hashes of what a run gave, also where it was cut short.
//!
//! Generation runs ahead of release. Where a run ends by itself the chains stand at its end; where
//! it was stopped, each stream is hashed up to the cut by going through it again from the newest
//! block boundary below, at most 65,536 records.

use super::EmulationError;
use super::chain::{self, Chain};
use super::core::Core;
use super::manifest::{Functions, Identity, Manifest, StreamHash, Timings};
use crate::record::Nanos;

/// One hash for each stream of the shard; up to the tick ordered before `below`, or to the end.
pub(super) fn hashes(core: &Core, below: Option<Nanos>) -> Result<Vec<StreamHash>, EmulationError> {
    core.lanes
        .iter()
        .map(|lane| {
            let (records, digest) = match below {
                None => {
                    let producer = lane.producer();
                    (producer.chain.records(), producer.chain.digest())
                }
                Some(below) => through(core, lane, below)?,
            };
            Ok(StreamHash {
                index: lane.stream,
                records,
                xxh3_128: chain::text(&digest),
            })
        })
        .collect()
}

fn through(
    core: &Core,
    lane: &super::lane::Lane,
    below: Nanos,
) -> Result<(u64, chain::Digest), EmulationError> {
    const CALL: usize = 1_000;
    let plan = &core.plan;
    if below == 0 {
        return Ok((0, Chain::new().digest()));
    }
    let log = core.live.log();
    let cut = plan.cursor(&log, lane.stream);
    let ticks = cut.count_below(below);
    let restart = lane.producer().restart_below(ticks);
    let mut producer = plan.producer_at(&log, lane.stream, restart.as_ref())?;
    let failed = |message| EmulationError::Generator {
        name: plan.generator_name(),
        message,
    };
    let (mut times, mut orders) = (Vec::with_capacity(CALL), Vec::with_capacity(CALL));
    while producer.chain.records() < ticks {
        let first = producer.chain.records();
        let n = usize::try_from(ticks - first).unwrap_or(CALL).min(CALL);
        producer.cursor.seek(first);
        times.clear();
        orders.clear();
        producer.cursor.fill(n, u64::MAX, &mut orders, &mut times);
        let made = producer
            .stream
            .generate(first, &times)
            .map_err(|e| failed(e.to_string()))?;
        if made.ends.is_empty() {
            break;
        }
        producer.chain.update(&made.payload, &made.ends);
    }
    Ok((producer.chain.records(), producer.chain.digest()))
}

impl Core {
    /// The manifest of what was generated.
    pub(super) fn manifest(&self, hashes: Vec<StreamHash>) -> Result<Manifest, serde_json::Error> {
        let plan = &self.plan;
        let description = &plan.configured.generator.description;
        let identity = Identity {
            generator: description.name.clone(),
            version: description.version.to_string(),
            component: plan.configured.generator.digest.clone(),
            config: serde_json::Value::Object(plan.configured.config.clone()),
            assets: plan.asset_digests.clone(),
            seed: plan.seed,
            streams: plan.streams,
            spec: plan.spec.clone(),
            segments: serde_json::to_value(self.live.log().segments())?,
            functions: functions(),
            streams_generated: hashes,
        };
        Manifest::seal(
            &identity,
            Timings {
                run: plan.run.clone(),
                host: env!("CARGO_PKG_VERSION").to_owned(),
                started: timestamp(self.environment.now),
                due: serde_json::to_value(self.live.log().stretches())?,
                live_from: self.live_from(),
            },
        )
    }
}

fn functions() -> Functions {
    let mut functions: Functions = crate::schedule::versions()
        .iter()
        .chain(crate::fault::versions())
        .map(|&(name, version)| (name.to_owned(), version))
        .collect();
    functions.insert("hash".to_owned(), chain::VERSION);
    functions
}

pub(super) fn timestamp(nanos: u64) -> String {
    jiff::Timestamp::from_nanosecond(i128::from(nanos))
        .map_or_else(|_| nanos.to_string(), |t| t.to_string())
}
