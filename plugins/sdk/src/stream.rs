//! The loop from times to a batch: one body for each generator, with its `record` inlined.

use crate::generator::parse_config;
use crate::{Batch, Error, Generator, Out, Settings, Tick};

/// A batch ends early once its payload is this long: more would cost memory and gain nothing.
const FULL: usize = 1 << 20;

/// A stream of one generator, in a component or natively: the same code, the same bytes.
pub struct Stream<G> {
    generator: G,
    /// Bytes of a record and of a key in the last batch, rounded up.
    record_bytes: usize,
    key_bytes: usize,
    /// The record that failed, and why: asked for again, it fails again.
    failed: Option<(u64, Error)>,
    /// The record that comes next, where the generator must not be asked for another.
    next: Option<u64>,
}

impl<G: Generator> Stream<G> {
    /// Opens a stream at record 0, or where `state` was saved.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] where the configuration can't be read, and what
    /// [`Generator::open`] says.
    pub fn open(settings: &Settings, state: Option<&[u8]>) -> Result<Self, Error> {
        let config = parse_config::<G>(&settings.config)?;
        Ok(Stream {
            generator: G::open(config, settings, state)?,
            record_bytes: G::RECORD_BYTES,
            key_bytes: 8,
            failed: None,
            next: (!G::RANDOM_ACCESS && state.is_none()).then_some(0),
        })
    }

    /// Records `first`, `first + 1`, …, one for each of `times` (nanoseconds since the Unix
    /// epoch). Fewer where the batch is full, a record fails, or the stream ends; none at all
    /// where it has ended.
    ///
    /// # Errors
    /// [`Error::Failed`] where record `first` itself fails, or where a generator without random
    /// access is asked for a record out of order.
    #[inline(never)]
    pub fn generate(&mut self, first: u64, times: &[u64]) -> Result<Batch, Error> {
        if let Some((at, why)) = &self.failed
            && *at == first
        {
            return Err(why.clone());
        }
        self.check_order(first)?;
        let mut batch = self.sized_for(times.len());
        let made = self.fill(first, times, &mut batch);
        if made == 0
            && let Some((at, why)) = &self.failed
            && *at == first
        {
            return Err(why.clone());
        }
        trim(&mut batch, made);
        self.learn(&batch);
        if !G::RANDOM_ACCESS {
            self.next = Some(first.wrapping_add(made as u64));
        }
        Ok(batch)
    }

    /// See [`Generator::save`].
    pub fn save(&self) -> Option<Vec<u8>> {
        self.generator.save()
    }

    fn check_order(&self, first: u64) -> Result<(), Error> {
        match self.next {
            Some(next) if next != first => Err(Error::Failed(format!(
                "asked for record {first}, but this generator goes in order and is at {next}"
            ))),
            _ => Ok(()),
        }
    }

    /// An empty batch with room for `n` records as long as the last ones.
    fn sized_for(&self, n: usize) -> Batch {
        Batch {
            payload: Vec::with_capacity((n * self.record_bytes).min(FULL) + 1024),
            ends: vec![0; n],
            keys: Vec::with_capacity((n * self.key_bytes).min(FULL) + 256),
            key_ends: vec![0; n],
            channels: Vec::new(),
            operations: Vec::new(),
        }
    }

    /// The loop. Gives how many records it made.
    #[inline(always)]
    fn fill(&mut self, first: u64, times: &[u64], batch: &mut Batch) -> usize {
        let Batch {
            payload,
            ends,
            keys,
            key_ends,
            channels,
            operations,
        } = batch;
        let mut out = Out {
            payload,
            keys,
            channel: 0,
            operation: 0,
            ended: false,
        };
        let rows = times.iter().zip(ends.iter_mut()).zip(key_ends.iter_mut());
        for (k, ((&time, end), key_end)) in rows.enumerate() {
            out.channel = 0;
            out.operation = 0;
            let index = first.wrapping_add(k as u64);
            if let Err(why) = self.generator.record(Tick { index, time }, &mut out) {
                self.failed = Some((index, why));
                return k;
            }
            if out.ended {
                return k;
            }
            *end = out.payload.len() as u32;
            *key_end = out.keys.len() as u32;
            mark(channels, k, out.channel, times.len());
            mark(operations, k, out.operation, times.len());
            if out.payload.len() >= FULL {
                return k + 1;
            }
        }
        times.len()
    }

    /// Remembers how long records are, so that the next batch is allocated once.
    fn learn(&mut self, batch: &Batch) {
        if !batch.is_empty() {
            let mean = |bytes: usize| bytes / batch.len() + 1;
            self.record_bytes = mean(batch.payload.len() + batch.payload.len() / 32);
            self.key_bytes = mean(batch.keys.len() + batch.keys.len() / 8);
        }
    }
}

/// Sets a row's channel or operation; the column exists from the first that isn't 0.
#[inline(always)]
fn mark(column: &mut Vec<u8>, row: usize, value: u8, rows: usize) {
    if value != 0 {
        if column.is_empty() {
            column.resize(rows, 0);
        }
        column[row] = value;
    }
}

/// Cuts a batch to its first `made` records, and leaves out columns that say nothing.
fn trim(batch: &mut Batch, made: usize) {
    let end_of = |ends: &[u32]| made.checked_sub(1).map_or(0, |last| ends[last] as usize);
    batch.payload.truncate(end_of(&batch.ends));
    batch.keys.truncate(end_of(&batch.key_ends));
    batch.ends.truncate(made);
    batch
        .key_ends
        .truncate(if batch.keys.is_empty() { 0 } else { made });
    batch.channels.truncate(made);
    batch.operations.truncate(made);
}
