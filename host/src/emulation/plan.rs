//! An emulation that is checked through and through, and of which nothing has touched the world.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use serde_json::{Value, json};

use super::chain::Chain;
use super::lane::Producer;
use super::manifest::canonical;
use super::prepare::difference;
use super::shared::LOOKAHEAD;
use super::{EmulationError, chain};
use crate::fault::{Faults, Sequencer};
use crate::plugin::{Configured, History};
use crate::record::Nanos;
use crate::schedule::{Bound, Cursor, Gap, Horizon, Profile, SECOND, Schedule, Speed};
use crate::sink::{self, OnFull};
use crate::spec::Expect;
use crate::state::{Restart, StoredRun};

/// A sink of a plan.
#[derive(Clone, Debug)]
pub struct PlannedSink {
    /// Its kind.
    pub kind: String,
    /// Its checked block.
    pub config: Arc<dyn sink::Config>,
    /// Whether the schedule waits for it.
    pub on_full: OnFull,
}

impl PlannedSink {
    /// A sink that the schedule waits for.
    pub fn new(kind: &str, config: Arc<dyn sink::Config>) -> PlannedSink {
        PlannedSink {
            kind: kind.to_owned(),
            config,
            on_full: OnFull::default(),
        }
    }
}

/// See the module.
#[derive(Clone)]
pub struct Plan {
    /// Name of the emulation: of the spec, or of the generator.
    pub name: String,
    /// Identity of the run.
    pub run: String,
    /// The generator with its configuration.
    pub configured: Arc<Configured>,
    /// SHA-256 of each asset, in hex.
    pub asset_digests: BTreeMap<String, String>,
    /// The seed.
    pub seed: u64,
    /// How many streams the whole emulation has.
    pub streams: u32,
    /// Those that this process runs (all of them, or a shard).
    pub mine: Vec<u32>,
    /// The load.
    pub profile: Profile,
    /// Event time of the first tick; none for real time.
    pub start: Option<Nanos>,
    /// Profile time against the wall.
    pub speed: Speed,
    /// What a gap does to event time.
    pub gap: Gap,
    /// Where it ends.
    pub bound: Bound,
    /// `load: max` ends after so much wall time.
    pub wall_limit: Option<Nanos>,
    /// What is done to the records.
    pub faults: Faults,
    /// Where they go.
    pub sinks: Vec<PlannedSink>,
    /// Where refused records go.
    pub rejected: Option<PathBuf>,
    /// What it is expected to reach.
    pub expect: Expect,
    /// Where it is written down what faults did to which record.
    pub ledger: Option<PathBuf>,
    /// The spec without its secrets.
    pub spec: Value,
    /// Bounds that tests set.
    pub tuning: Tuning,
}

/// What no byte depends on; tests set it to show that.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tuning {
    /// Records in a call at most.
    pub batch: Option<usize>,
    /// Replace each instance after so many calls.
    pub recycle: Option<u64>,
}

/// Event times of records that were generated before, for a generator that has to go through them again.
struct Past(Cursor);

impl History for Past {
    fn times(&mut self, first: u64, count: usize, times: &mut Vec<u64>) {
        self.0.seek(first);
        self.0
            .fill(count, u64::MAX, &mut Vec::with_capacity(count), times);
    }
}

impl Plan {
    /// Whether it ends by itself.
    pub fn is_endless(&self) -> bool {
        self.bound.is_endless() && self.wall_limit.is_none()
    }

    /// Every file that it writes, as templates.
    pub fn files(&self) -> Vec<PathBuf> {
        let sinks = self.sinks.iter().flat_map(|sink| sink.config.files());
        sinks.chain(self.rejected.clone()).collect()
    }

    /// Whether records are JSON.
    pub fn json(&self) -> bool {
        let content = &self.configured.generator.description.content_type;
        content == "application/json" || content.ends_with("+json")
    }

    /// The generator as it names itself.
    pub fn generator_name(&self) -> String {
        self.configured.generator.description.name.clone()
    }

    /// What a resume compares.
    pub fn comparable(&self) -> Value {
        let sinks: Vec<String> = self.sinks.iter().map(|s| s.config.target()).collect();
        canonical(&json!({
            "component": self.configured.generator.digest,
            "config": self.configured.config,
            "assets": self.asset_digests,
            "seed": self.seed,
            "streams": self.streams,
            "shard": self.mine,
            "load": self.profile,
            "start": self.start,
            "speed": self.speed,
            "faults": self.faults,
            "sinks": sinks,
        }))
    }

    /// The schedule of a run that begins at `now` (nanoseconds since the Unix epoch).
    pub fn first_schedule(&self, now: Nanos) -> Schedule {
        let origin = self.start.unwrap_or(now - now % SECOND);
        let mut schedule = Schedule::begin(self.profile.clone(), self.speed, self.gap, origin);
        schedule.set_horizon(self.horizon(0, now));
        schedule
    }

    /// The schedule of a run that is gone on with at `now`.
    ///
    /// # Errors
    /// Where the run is over, or began with something else.
    pub fn resumed_schedule(
        &self,
        stored: &StoredRun,
        now: Nanos,
    ) -> Result<Schedule, EmulationError> {
        if let Some(outcome) = &stored.outcome {
            return Err(EmulationError::Over {
                run: stored.id.clone(),
                outcome: outcome.clone(),
            });
        }
        if let Some(what) = difference(&stored.identity, &self.comparable()) {
            return Err(EmulationError::Differs {
                run: stored.id.clone(),
                what,
            });
        }
        let mut schedule: Schedule =
            serde_json::from_value(stored.schedule.clone()).map_err(|source| {
                crate::state::StateError::Damaged {
                    run: stored.id.clone(),
                    what: "schedule",
                    source,
                }
            })?;
        schedule.forget_pace();
        if let Some(horizon) = schedule.horizon() {
            // Everything below keeps its bytes and is overdue; from there on event time goes with the wall again.
            let tick = schedule.ticks_below(horizon.order, self.seed, &Bound::default());
            schedule.shift(tick, now.saturating_sub(horizon.wall));
            schedule.set_horizon(self.horizon(horizon.order, now.max(horizon.wall)));
        }
        Ok(schedule)
    }

    /// The horizon where `order` falls on `wall`.
    fn horizon(&self, order: Nanos, wall: Nanos) -> Horizon {
        Horizon {
            order: order.saturating_add(self.profile_time(LOOKAHEAD)),
            wall: wall.saturating_add(LOOKAHEAD),
        }
    }

    /// How much profile time goes by in so much of the wall's.
    fn profile_time(&self, wall: Nanos) -> Nanos {
        match self.speed {
            Speed::Times(speed) => (wall as f64 * speed) as Nanos,
            Speed::Max => wall,
        }
    }

    /// Everything ordered before this is overdue where a run goes on: it was released by an earlier
    /// execution, or promised for an instant before `now`.
    pub fn overdue(&self, stored: &StoredRun, now: Nanos) -> Nanos {
        let promised = serde_json::from_value(stored.schedule["horizon"].clone());
        match promised {
            Ok(Some(Horizon { order, wall })) => {
                order.saturating_sub(self.profile_time(wall.saturating_sub(now)))
            }
            _ => stored.progress["released"].as_u64().unwrap_or(0),
        }
    }

    /// A walk over the schedule for one stream.
    pub fn cursor(&self, log: &Arc<Schedule>, stream: u32) -> Cursor {
        Cursor::new(log, self.bound, self.seed, stream, self.streams)
    }

    /// A producer at an index of its stream, for a look without a run.
    ///
    /// # Errors
    /// Where the generator can't be opened.
    pub fn producer(
        &self,
        log: &Arc<Schedule>,
        stream: u32,
        from: u64,
    ) -> Result<Producer, EmulationError> {
        let mut producer = self.producer_at(log, stream, None)?;
        producer.cursor.seek(from);
        Ok(producer)
    }

    /// A producer where a restart was kept, or at the beginning.
    ///
    /// # Errors
    /// Where the generator can't be opened or the restart is damaged.
    pub fn producer_at(
        &self,
        log: &Arc<Schedule>,
        stream: u32,
        restart: Option<&Restart>,
    ) -> Result<Producer, EmulationError> {
        let mut cursor = self.cursor(log, stream);
        let mut sequencer = Sequencer::new(self.faults.clone(), self.seed, stream);
        let mut chain = Chain::new();
        let mut state = None;
        if let Some(restart) = restart {
            let damaged = || {
                EmulationError::Spec(format!(
                    "the checkpoint of run {} is damaged (hash or state of stream {stream}); begin another run without --resume",
                    self.run
                ))
            };
            let digest: chain::Digest = hex::decode(&restart.hash)
                .ok()
                .and_then(|bytes| bytes.try_into().ok())
                .ok_or_else(damaged)?;
            chain = Chain::resume(restart.index, digest);
            cursor.seek(restart.index);
            sequencer.restore(restart.held.clone());
            state = match &restart.save {
                Some(text) => Some((restart.index, hex::decode(text).map_err(|_| damaged())?)),
                None => None,
            };
        }
        let mut opened = self.configured.open(self.seed, stream, self.streams, state);
        opened.force_replacement_every(self.tuning.recycle);
        opened.set_history(Box::new(Past(self.cursor(log, stream))));
        opened.set_clock(log.beginning());
        Ok(Producer::new(opened, cursor, sequencer, chain))
    }
}
