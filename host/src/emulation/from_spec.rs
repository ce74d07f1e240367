//! From a spec to a plan: the types that people write become those that the engine runs.

use std::sync::Arc;

use super::plan::{Plan, PlannedSink, Tuning};
use super::{EmulationError, faults};
use crate::fault::Faults;
use crate::plugin::Configured;
use crate::schedule::{Bound, Profile, ProfileError, Rate, Stage};
use crate::sink;
use crate::spec::{Load, Spec};

/// What a plan needs beside its spec.
pub struct Parts {
    /// Name of the emulation.
    pub name: String,
    /// Identity of the run.
    pub run: String,
    /// The seed, given or drawn.
    pub seed: u64,
    /// The generator, configured as the spec says.
    pub configured: Arc<Configured>,
    /// The spec's sinks, configured, in its order.
    pub sinks: Vec<Arc<dyn sink::Config>>,
    /// For tests.
    pub tuning: Tuning,
}

impl Plan {
    /// A plan of a spec. Sinks are checked against the generator's channels.
    ///
    /// # Errors
    /// Where a sink can't take what the generator gives.
    pub fn from_spec(spec: &Spec, parts: Parts) -> Result<Plan, EmulationError> {
        let profile = profile(&spec.load, spec.clock.step)
            .map_err(|source| EmulationError::Spec(format!("load: {source}")))?;
        let unpaced = matches!(profile, Profile::Max { .. });
        let (shard, shards) = spec.shard.unwrap_or((0, 1));
        let digests = parts.configured.assets.digests();
        let mut plan = Plan {
            name: parts.name,
            run: parts.run,
            asset_digests: digests.map(|(n, d)| (n.to_owned(), d.to_owned())).collect(),
            seed: parts.seed,
            streams: spec.streams,
            mine: (0..spec.streams).filter(|s| s % shards == shard).collect(),
            profile,
            start: spec.clock.start,
            speed: spec.clock.speed,
            gap: spec.clock.gap(),
            bound: Bound {
                ticks: spec.until.records,
                // Under `load: max` profile time is no time to wait for: the wall's is meant.
                time: spec.until.time.filter(|_| !unpaced),
                event_time: spec.until.event_time,
            },
            wall_limit: spec.until.time.filter(|_| unpaced),
            faults: Faults::default(),
            sinks: Vec::new(),
            rejected: spec.rejected.clone(),
            expect: spec.expect.clone(),
            ledger: None,
            spec: spec.redacted(),
            tuning: parts.tuning,
            configured: parts.configured,
        };
        let json = plan.json();
        plan.faults = faults::of_spec(spec, &plan.configured.channels, json)?;
        for (block, config) in spec.sinks.iter().zip(parts.sinks) {
            config
                .check(&plan.configured.channels, json)
                .map_err(|source| EmulationError::SinkConfig {
                    kind: block.kind.clone(),
                    source,
                })?;
            plan.sinks.push(PlannedSink {
                kind: block.kind.clone(),
                config,
                on_full: block.on_full,
            });
        }
        faults::fit_sinks(spec, &plan)?;
        Ok(plan)
    }
}

/// The engine's form of a load; under `max` event time goes on by `step` a tick.
///
/// # Errors
/// Where nothing would ever be due, or a time is too short or too long to be reckoned with.
pub fn profile(load: &Load, step: u64) -> Result<Profile, ProfileError> {
    match load {
        Load::Constant(rate) => Profile::constant(rate.0),
        Load::Every(beat) => Profile::every(beat.period.0, beat.records),
        Load::Poisson(rate) => Profile::poisson(rate.0),
        Load::Stages(stages) => {
            let mut from = Rate::ZERO;
            let stages = stages.iter().map(|stage| {
                let begin = stage.from.map_or(from, |rate| rate.0);
                from = stage.to.0;
                Stage {
                    length: stage.length.0,
                    from: begin,
                    to: from,
                }
            });
            Profile::stages(stages.collect())
        }
        Load::Sine(sine) => {
            let period = sine.period.0;
            let peak = sine.peak.map_or(period / 2, |peak| peak.0);
            Profile::sine(sine.low.0, sine.high.0, period, peak)
        }
        Load::Burst(burst) => {
            Profile::burst(burst.peak.0, burst.base.0, burst.every.0, burst.length.0)
        }
        Load::Max => Profile::max(step),
    }
}
