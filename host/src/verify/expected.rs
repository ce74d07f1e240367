//! What the run released, generated again: every record in release order; and, apart, its place in a sink
//! and its hash.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

use twox_hash::XxHash3_128 as Hasher;

use super::VerifyError;
use super::rerun::Rerun;
use crate::emulation::lane::{Ended, Producer};
use crate::emulation::shared::Limits;
use crate::record::{Batch, Group, Nanos, Operation, Part};
use crate::sink::read::{Form, Look};

/// Which record something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Which {
    /// Its stream.
    pub stream: u32,
    /// Its index there, before faults.
    pub index: u64,
    /// 0 is the original.
    pub copy: u8,
    /// Its place among the stream's releases.
    pub sequence: u64,
}

/// A record that is expected.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slot {
    /// What it is found by: its content's hash, or that of (stream, sequence) where the sink's records have that.
    pub key: u128,
    /// A hash of the content, where the key isn't one; else 0.
    pub check: u64,
    /// Which record it is.
    pub which: Which,
    /// It was found.
    pub taken: bool,
    /// The run said that the sink refused it: it is nothing missing.
    pub excused: bool,
    /// It takes away the row of its key, where the sink has one.
    pub removes: bool,
}

/// The hash of what stands for a record.
#[inline]
pub(super) fn content(look: Look<'_>) -> u128 {
    let hash = Hasher::oneshot(look.record);
    if look.tail.is_empty() {
        return hash;
    }
    hash.rotate_left(64) ^ Hasher::oneshot(look.tail)
}

/// The key of a record that says which it is.
#[inline]
pub(super) fn key_of(stream: u32, sequence: u64) -> u128 {
    let mut bytes = [0; 12];
    bytes[..4].copy_from_slice(&stream.to_le_bytes());
    bytes[4..].copy_from_slice(&sequence.to_le_bytes());
    Hasher::oneshot(&bytes)
}

/// One stream on its way.
struct Stream {
    producer: Producer,
    /// Everything ordered before this is in the queue.
    known: Nanos,
    queue: VecDeque<Arc<Batch>>,
    /// The first record of the front batch that wasn't given.
    at: usize,
}

/// All records of a run, in groups that follow upon one another in the order of their release.
pub(super) struct Expected<'a> {
    rerun: &'a Rerun,
    limits: Limits,
    streams: Vec<Stream>,
}

impl<'a> Expected<'a> {
    pub fn new(rerun: &'a Rerun) -> Result<Expected<'a>, VerifyError> {
        let mut streams = Vec::with_capacity(rerun.streams.len());
        for stream in &rerun.streams {
            let producer = rerun.producer(stream)?;
            streams.push(Stream {
                known: producer.known(0),
                producer,
                queue: VecDeque::new(),
                at: 0,
            });
        }
        Ok(Expected {
            limits: Limits::of(rerun.plan.streams, rerun.plan.tuning.batch),
            rerun,
            streams,
        })
    }

    /// The next records, or none that are certain yet. Nothing where there are no more.
    pub fn next(&mut self) -> Result<Option<Group>, VerifyError> {
        let least = self.streams.iter().map(|s| s.known).min();
        let Some(least) = least.filter(|&least| least != Nanos::MAX) else {
            return Ok(None);
        };
        for stream in self.streams.iter_mut().filter(|s| s.known == least) {
            stream.advance(self.rerun, &self.limits)?;
        }
        let certain = self.streams.iter().map(|s| s.known).min();
        let certain = certain.unwrap_or(Nanos::MAX);
        let mut group = Group {
            parts: Vec::new(),
            streams: self.rerun.plan.streams,
        };
        for stream in &mut self.streams {
            stream.collect(certain, &mut group.parts);
        }
        Ok(Some(group))
    }

    /// The hash of each stream, once all is given.
    pub fn hashes(&self) -> Vec<(u32, u64, String)> {
        let hash = |stream: &Stream| super::rerun::hash_of(&stream.producer);
        self.streams.iter().map(hash).collect()
    }
}

/// How far [`Looks::walk`] came.
pub(super) struct Walked {
    /// Records that were gone past.
    pub records: u64,
    /// Records between them that the sink had to refuse for what they are.
    pub refused: u64,
    /// That was the whole group.
    pub whole: bool,
}

/// What stands for the records of groups in a sink, and where.
pub(super) struct Looks<'a> {
    form: Box<dyn Form>,
    ids: bool,
    excused: &'a HashSet<(u32, u64)>,
    /// Records that the sink had to refuse for what they are.
    pub refused: u64,
}

impl<'a> Looks<'a> {
    pub fn new(form: Box<dyn Form>, ids: bool, excused: &'a HashSet<(u32, u64)>) -> Looks<'a> {
        Looks {
            form,
            ids,
            excused,
            refused: 0,
        }
    }

    /// Whether the sink refused some, as the run said.
    pub fn excuses(&self) -> bool {
        !self.excused.is_empty()
    }

    /// Every place so far, by number.
    pub fn places(&self) -> &[String] {
        self.form.places()
    }

    /// Gives place and look of a group's records, as long as `on` says so. What is refused is for the
    /// caller to count.
    pub fn walk(
        &mut self,
        group: &Group,
        mut on: impl FnMut(u32, Look<'_>) -> Result<bool, VerifyError>,
    ) -> Result<Walked, VerifyError> {
        let (mut records, mut refused) = (0, 0);
        // It stops at an error, and at one that is none.
        let stopped = group.merged(|part, k| {
            let Some((place, look)) = self.form.of(&group.parts[part].batch, k) else {
                refused += 1;
                return Ok(());
            };
            match on(place, look) {
                Ok(true) => records += 1,
                Ok(false) => return Err(None),
                Err(error) => return Err(Some(error)),
            }
            Ok(())
        });
        if let Err(Some(error)) = stopped {
            return Err(error);
        }
        Ok(Walked {
            records,
            refused,
            whole: stopped.is_ok(),
        })
    }

    /// Gives each record of a group: place, slot, and how it looks there.
    pub fn each(&mut self, group: &Group, mut each: impl FnMut(u32, Slot, Look<'_>)) {
        let Looks {
            form,
            ids,
            excused,
            refused,
        } = self;
        let walked: Result<(), std::convert::Infallible> = group.merged(|part, k| {
            let batch = &*group.parts[part].batch;
            let Some((place, look)) = form.of(batch, k) else {
                *refused += 1;
                return Ok(());
            };
            let (index, copy) = batch.index(k);
            let which = Which {
                stream: batch.stream,
                index,
                copy,
                sequence: batch.first_sequence + k as u64,
            };
            let hash = content(look);
            let (key, check) = match ids {
                true => (key_of(which.stream, which.sequence), hash as u64),
                false => (hash, 0),
            };
            let slot = Slot {
                key,
                check,
                which,
                taken: false,
                excused: !excused.is_empty() && excused.contains(&(which.stream, which.sequence)),
                removes: batch.operation(k) == Operation::Delete,
            };
            each(place, slot, look);
            Ok(())
        });
        let Ok(()) = walked;
    }
}

impl Stream {
    fn advance(&mut self, rerun: &Rerun, limits: &Limits) -> Result<(), VerifyError> {
        let ended = self
            .producer
            .step(Nanos::MAX, limits)
            .map_err(VerifyError::Generator)?;
        let over = matches!(ended, Some(Ended::Until | Ended::Generator));
        let below = rerun.released_below;
        let batches = match below {
            Some(below) if over => {
                let mut held = self.producer.take(false);
                self.producer.sequencer.advance(below, &mut held);
                held
            }
            _ => self.producer.take(over),
        };
        self.queue.extend(batches.into_iter().map(Arc::new));
        self.known = match over {
            true => Nanos::MAX,
            false => self.producer.known(self.known),
        };
        if let Some(below) = below {
            self.cut(below);
        }
        Ok(())
    }

    /// Takes away what wasn't released since the run was cut short before it.
    fn cut(&mut self, below: Nanos) {
        while let Some(last) = self.queue.back_mut() {
            let keep = last.order.partition_point(|&order| order < below);
            if keep == last.len() {
                return;
            }
            if keep > 0 {
                let batch = Arc::make_mut(last);
                batch.ends.truncate(keep);
                batch.order.truncate(keep);
                return;
            }
            self.queue.pop_back();
        }
    }

    fn collect(&mut self, certain: Nanos, parts: &mut Vec<Part>) {
        while let Some(batch) = self.queue.front() {
            let end = batch.order.partition_point(|&order| order < certain);
            // `u64::MAX` is no order of a record: everything is before it.
            let end = if certain == Nanos::MAX {
                batch.len()
            } else {
                end
            };
            if end > self.at {
                parts.push(Part {
                    batch: Arc::clone(batch),
                    range: self.at..end,
                    pace: None,
                });
            }
            if end < batch.len() {
                self.at = end;
                return;
            }
            self.at = 0;
            self.queue.pop_front();
        }
    }
}
