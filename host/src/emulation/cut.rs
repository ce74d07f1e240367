//! The hashes of what a run gave, also where it was cut short.
//!
//! Generation runs ahead of release. Where a run ends by itself the chains stand at its end; where
//! it was stopped, each stream is hashed up to the cut by going through it again from the newest
//! block boundary below, at most 65,536 records.

use super::EmulationError;
use super::chain::{self, Chain};
use super::core::Core;
use super::manifest::{Functions, Identity, Manifest, StreamHash, Timings};
use super::shared::Limits;
use crate::fault::FaultCounts;
use crate::record::Nanos;

/// One hash for each stream of the shard, and what happened to its records; up to the tick ordered
/// before `below`, or to the end.
pub(super) fn hashes(
    core: &Core,
    below: Option<Nanos>,
) -> Result<Vec<(StreamHash, FaultCounts)>, EmulationError> {
    core.lanes
        .iter()
        .map(|lane| {
            let (records, digest, counts) = match below {
                None => {
                    let producer = lane.producer();
                    let chain = &producer.chain;
                    (chain.records(), chain.digest(), producer.counts())
                }
                Some(below) => through(core, lane, below)?,
            };
            let hash = StreamHash {
                index: lane.stream,
                records,
                xxh3_128: chain::text(&digest),
            };
            Ok((hash, counts))
        })
        .collect()
}

fn through(
    core: &Core,
    lane: &super::lane::Lane,
    below: Nanos,
) -> Result<(u64, chain::Digest, FaultCounts), EmulationError> {
    let plan = &core.plan;
    if below == 0 {
        return Ok((0, Chain::new().digest(), FaultCounts::default()));
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
    // Faults go through it too, for their counts; what they give is nobody's.
    let limits = Limits::of(plan.streams, plan.tuning.batch);
    while producer.chain.records() < ticks {
        let left = usize::try_from(ticks - producer.chain.records()).unwrap_or(usize::MAX);
        let ended = producer.step_by(left, u64::MAX, &limits).map_err(failed)?;
        producer.take(false);
        if ended.is_some() {
            break;
        }
    }
    let chain = &producer.chain;
    Ok((chain.records(), chain.digest(), producer.counts()))
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
