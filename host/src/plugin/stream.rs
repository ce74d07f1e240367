//! One stream of a configured generator: its instance, opened when it is needed and replaced
//! without a trace in the output.

use std::sync::Arc;

use wasmtime::component::ResourceAny;

use super::batch::{self, Broken, Expected, Generated};
use super::bindings::{contract, printable};
use super::instance::Instance;
use super::{Configured, PluginError, sample};

/// Records asked for at once when a generator is taken through records again.
const REPLAYED: u64 = 1000;
/// Event times of records that were generated before: pure, since the schedule is.
pub trait History: Send {
    /// Appends the event times of up to `count` records from index `first` on; at least one.
    fn times(&mut self, first: u64, count: usize, times: &mut Vec<u64>);
}

/// A stream. It may move between threads, and be dropped between two calls.
pub struct Stream {
    configured: Arc<Configured>,
    settings: contract::Settings,
    /// A saved state and the index of the record after it.
    start: Option<(u64, Vec<u8>)>,
    history: Option<Box<dyn History>>,
    clock: u64,
    live: Option<Live>,
    /// The index after the last record that the generator made.
    next: u64,
    ended: Option<u64>,
    failed: bool,
    replacements: u64,
    force: Option<u64>,
}

struct Live {
    instance: Instance,
    stream: ResourceAny,
    /// Calls that gave records to the caller.
    batches: u64,
    /// Memory above which this instance is replaced: set after its first batch.
    replace_above: usize,
}

impl Stream {
    pub(super) fn new(
        configured: Arc<Configured>,
        seed: u64,
        stream: u32,
        streams: u32,
        state: Option<(u64, Vec<u8>)>,
    ) -> Stream {
        let settings = contract::Settings {
            config: configured.text.clone(),
            seed,
            stream_index: stream,
            stream_count: streams,
        };
        Stream {
            configured,
            settings,
            next: state.as_ref().map_or(0, |(next, _)| *next),
            start: state,
            history: None,
            clock: 0,
            live: None,
            ended: None,
            failed: false,
            replacements: 0,
            force: None,
        }
    }

    /// Where event times of earlier records are to be had, for a generator that can only be taken
    /// through its records one after another.
    pub fn set_history(&mut self, history: Box<dyn History>) {
        self.history = Some(history);
    }

    /// Where WASI's wall clock stands, for generators that link it: the event time at which the run begins
    /// (nanoseconds since the Unix epoch), the same whenever this stream is opened; the epoch where not set.
    pub fn set_clock(&mut self, time: u64) {
        self.clock = time;
    }

    /// Instantiates and opens now, so that a configuration which the generator refuses only at
    /// `open` is known before the start.
    pub fn start(&mut self) -> Result<(), PluginError> {
        let opened = match self.live {
            Some(_) => Ok(()),
            None => self.open(self.next),
        };
        self.noting(opened)
    }

    /// Records `first`, `first + 1`, …, for event times `times`, checked. May be fewer than
    /// `times`, from the first on: ask again for the rest. None at all means that the stream has
    /// ended.
    ///
    /// After an error the stream has failed for good. `times` must not be empty.
    pub fn generate(&mut self, first: u64, times: &[u64]) -> Result<Generated, PluginError> {
        let generated = self.try_generate(first, times);
        self.noting(generated)
    }

    /// As [`Stream::generate`] where nothing is to be replaced, without a look at what comes back: what a
    /// call costs by itself, for measuring. Its records are to be used for nothing else.
    #[doc(hidden)]
    pub fn generate_unchecked(
        &mut self,
        first: u64,
        times: &[u64],
    ) -> Result<Generated, PluginError> {
        self.reach(first)?;
        self.ask(first, times)
    }

    /// The state after the last record, at most 1 MiB; none where the generator keeps or gives
    /// none. One with random access isn't asked.
    pub fn save(&mut self) -> Result<Option<Vec<u8>>, PluginError> {
        let saved = self.try_save();
        self.noting(saved)
    }

    /// Bytes of linear memory and tables in use; 0 where nothing is instantiated.
    pub fn memory(&self) -> usize {
        self.live.as_ref().map_or(0, |live| live.instance.memory())
    }

    /// How often the instance was replaced.
    pub fn replacements(&self) -> u64 {
        self.replacements
    }

    /// Replaces the instance after every so many batches, whatever memory it uses: for tests of
    /// what the output doesn't show.
    pub fn force_replacement_every(&mut self, batches: Option<u64>) {
        self.force = batches;
    }

    /// Drops the instance, and its memory with it. It comes back when a record is asked for: by
    /// random access, or by the state that is saved here, or by going through the records again.
    pub fn close(&mut self) -> Result<(), PluginError> {
        let closed = self.set_aside().map(|_| ());
        self.noting(closed)
    }

    fn noting<T>(&mut self, result: Result<T, PluginError>) -> Result<T, PluginError> {
        if result.is_err() {
            self.failed = true;
            self.live = None;
        }
        result
    }

    fn try_generate(&mut self, first: u64, times: &[u64]) -> Result<Generated, PluginError> {
        self.not_failed()?;
        if times.is_empty() || self.ended.is_some_and(|end| first >= end) {
            return Ok(Generated::default());
        }
        if self.is_to_be_replaced() && self.set_aside()? {
            self.replacements += 1;
        }
        self.reach(first)?;
        let generated = self.call(first, times)?;
        sample::check(
            &self.configured,
            (self.settings.stream_index, self.settings.stream_count),
            first,
            &generated,
        )?;
        if generated.is_empty() {
            self.ended = Some(first);
        }
        let limits = self.configured.generator.runtime().limits();
        if let Some(live) = &mut self.live {
            live.batches += 1;
            if live.batches == 1 {
                live.replace_above = limits.replace_above(live.instance.memory());
            }
        }
        Ok(generated)
    }

    fn try_save(&mut self) -> Result<Option<Vec<u8>>, PluginError> {
        self.not_failed()?;
        if self.configured.generator.description.random_access {
            return Ok(None);
        }
        let Some(live) = &mut self.live else {
            let start = self.start.as_ref().filter(|(next, _)| *next == self.next);
            return Ok(start.map(|(_, state)| state.clone()));
        };
        let state = live.instance.save(live.stream)?;
        let limit = self.configured.generator.runtime().limits().state_bytes;
        match &state {
            Some(bytes) if bytes.len() > limit => {
                let bytes = bytes.len();
                Err(self.broken(
                    Broken {
                        record: None,
                        rule: format!(
                            "`save` gave {bytes} bytes, and the limit of a state is {limit}"
                        ),
                    },
                    self.next,
                ))
            }
            _ => Ok(state),
        }
    }

    fn not_failed(&self) -> Result<(), PluginError> {
        if !self.failed {
            return Ok(());
        }
        Err(PluginError::Over {
            generator: self.name(),
            stream: self.settings.stream_index,
        })
    }

    fn is_to_be_replaced(&self) -> bool {
        let Some(live) = self.live.as_ref().filter(|live| live.batches > 0) else {
            return false;
        };
        let forced = self.force.is_some_and(|batches| live.batches >= batches);
        forced || live.instance.memory() > live.replace_above
    }

    /// Drops the instance if it can be brought back to where it is; says whether it did.
    fn set_aside(&mut self) -> Result<bool, PluginError> {
        if self.live.is_none() {
            return Ok(false);
        }
        if !self.configured.generator.description.random_access {
            match self.try_save()? {
                Some(state) => self.start = Some((self.next, state)),
                None if self.history.is_some() || self.next == 0 => {}
                None => return Ok(false),
            }
        }
        self.live = None;
        Ok(true)
    }

    /// Brings an instance to the point where it can be asked for record `first`.
    fn reach(&mut self, first: u64) -> Result<(), PluginError> {
        let random = self.configured.generator.description.random_access;
        let passed = !random && self.live.is_some() && first < self.next;
        if self.live.is_none() || passed {
            self.live = None;
            self.open(first)?;
        }
        if random || first == self.next {
            return Ok(());
        }
        let Some(mut history) = self.history.take() else {
            return Err(PluginError::Unreachable {
                generator: self.name(),
                stream: self.settings.stream_index,
                index: first,
            });
        };
        let replayed = self.replay(first, history.as_mut());
        self.history = Some(history);
        replayed
    }

    /// Takes the generator through its records up to `first`.
    fn replay(&mut self, first: u64, history: &mut dyn History) -> Result<(), PluginError> {
        let mut times = Vec::new();
        while self.next < first {
            let missing = (first - self.next).min(REPLAYED) as usize;
            times.clear();
            history.times(self.next, missing, &mut times);
            times.truncate(missing);
            if times.is_empty() || self.call(self.next, &times)?.is_empty() {
                return Err(self.broken(
                    Broken {
                        record: None,
                        rule: format!("the stream ends here, and went on to record {first} before"),
                    },
                    self.next,
                ));
            }
        }
        Ok(())
    }

    /// Opens an instance from the saved state, if there is one at or before `first` and the
    /// generator takes it, or else at record 0.
    fn open(&mut self, first: u64) -> Result<(), PluginError> {
        let generator = self.configured.generator.clone();
        let start = self.start.take().filter(|(next, _)| *next <= first);
        if let Some((next, state)) = start {
            let mut instance = self.configured.instance(&self.settings, self.clock)?;
            match instance.open(&self.settings, Some(&state))? {
                Ok(stream) => {
                    self.start = Some((next, state));
                    self.set_live(instance, stream, next);
                    return Ok(());
                }
                Err(error) => {
                    let reason = printable(error.words());
                    tracing::warn!(
                        generator = generator.name(),
                        stream = self.settings.stream_index,
                        "the generator refuses its saved state and goes through the records from 0: {reason}"
                    );
                }
            }
        }
        let mut instance = self.configured.instance(&self.settings, self.clock)?;
        match instance.open(&self.settings, None)? {
            Ok(stream) => {
                self.set_live(instance, stream, 0);
                Ok(())
            }
            Err(contract::Error::InvalidConfig(message)) => Err(generator.refused(&message)),
            Err(contract::Error::Failed(message)) => Err(self.said(0, &message)),
        }
    }

    fn set_live(&mut self, instance: Instance, stream: ResourceAny, next: u64) {
        self.next = next;
        self.live = Some(Live {
            instance,
            stream,
            batches: 0,
            replace_above: usize::MAX,
        });
    }

    /// One call, decoded and checked but for schemas.
    fn call(&mut self, first: u64, times: &[u64]) -> Result<Generated, PluginError> {
        let limits = self.configured.generator.runtime().limits();
        let times = &times[..times.len().min(limits.batch_records)];
        let expected = Expected {
            records: times.len(),
            bytes: limits.batch_bytes,
            channels: self.configured.channels.len(),
            json: self.configured.generator.description.is_json(),
        };
        let generated = self.ask(first, times)?;
        batch::check(&generated, &expected).map_err(|broken| self.broken(broken, first))?;
        Ok(generated)
    }

    fn ask(&mut self, first: u64, times: &[u64]) -> Result<Generated, PluginError> {
        let Some(live) = &mut self.live else {
            return Ok(Generated::default());
        };
        let generated = match live.instance.generate(live.stream, first, times)? {
            Ok(batch) => Generated::from(batch),
            Err(error) => return Err(self.said(first, error.words())),
        };
        self.next = first + generated.len() as u64;
        Ok(generated)
    }

    fn broken(&self, broken: Broken, first: u64) -> PluginError {
        PluginError::Batch {
            generator: self.name(),
            stream: self.settings.stream_index,
            index: first + broken.record.unwrap_or(0) as u64,
            exact: broken.record.is_some(),
            rule: broken.rule,
        }
    }

    fn said(&self, index: u64, message: &str) -> PluginError {
        PluginError::Failed {
            generator: self.name(),
            stream: self.settings.stream_index,
            index,
            message: printable(message),
        }
    }

    fn name(&self) -> String {
        self.configured.generator.name().to_owned()
    }
}

impl std::fmt::Debug for Stream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stream")
            .field("generator", &self.configured.generator)
            .field("stream", &self.settings.stream_index)
            .field("next", &self.next)
            .finish_non_exhaustive()
    }
}
