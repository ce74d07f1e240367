//! Which records go to which object, and when one is complete.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use super::S3Config;
use super::layout::Layout;
use super::ledger::Ledger;
use super::object::{Object, bytes, until};
use super::service::Service;
use super::uploads::Uploads;
use crate::encode::Encoder;
use crate::record::{Batch, Part};
use crate::sink::receipts::Stretch;
use crate::sink::{Config, Context, Rejection, SendError};

/// The objects of one stream, channel and partition, of which one at most is open.
#[derive(Default)]
pub(super) struct Target {
    pub(super) open: Option<Object>,
    /// Ended and on their way, in order.
    closed: VecDeque<Closed>,
    /// Its records below that sequence are in complete objects: a resume leaves them out.
    pub(super) done: u64,
    /// Objects that this execution has begun.
    begun: usize,
}

struct Closed {
    number: u64,
    first: u64,
    end: u64,
    complete: bool,
}

/// One stream: what it has taken, and its targets by channel (a byte) and prefix.
pub(super) struct Stream {
    pub(super) ledger: Ledger,
    pub(super) targets: HashMap<Vec<u8>, Target>,
}

/// Objects of one block of a spec.
pub(super) struct S3Sink {
    pub(super) config: S3Config,
    pub(super) context: Context,
    pub(super) layout: Layout,
    pub(super) service: Arc<Service>,
    pub(super) uploads: Uploads,
    pub(super) streams: Vec<Stream>,
    encoders: Vec<Arc<Encoder>>,
    /// Of uploads that are on their way: which stream and target.
    owners: HashMap<u64, (usize, Vec<u8>)>,
    /// Nanoseconds of profile time after which a stream's objects end, if so.
    every: Option<u64>,
    /// Nanoseconds of event time for which prefixes stay the same, where they depend on it.
    unit: Option<u64>,
    open: usize,
    key: Vec<u8>,
    prefix: Vec<u8>,
}

impl S3Sink {
    pub(super) fn new(
        config: S3Config,
        context: Context,
        service: Arc<Service>,
        encoders: Vec<Arc<Encoder>>,
    ) -> S3Sink {
        let options = &config.options;
        let unit = config.prefix.finest_unit().map(|unit| unit.nanos());
        let watermark = context.receipts.watermark();
        let streams = (0..context.streams as usize).map(|stream| Stream {
            ledger: Ledger::at(watermark.get(stream).copied().unwrap_or(0)),
            targets: HashMap::new(),
        });
        S3Sink {
            layout: Layout::new(config.prefix.clone(), &context.run, config.ending()),
            uploads: Uploads::new(
                Arc::clone(&service),
                options.concurrency,
                context.cancel.clone(),
            ),
            streams: streams.collect(),
            // Where prefixes go with time, nothing more comes for one that is past.
            every: config.cut.every.or(unit),
            unit,
            owners: HashMap::new(),
            open: 0,
            key: Vec::new(),
            prefix: Vec::new(),
            config,
            context,
            service,
            encoders,
        }
    }

    /// Takes records of a part from that one on until something is to be sent, and gives the next.
    pub(super) fn take(&mut self, part: &Part, mut at: usize) -> Result<usize, SendError> {
        let batch = Arc::clone(&part.batch);
        let stream = batch.stream as usize;
        while at < part.range.end && !self.uploads.is_pressing() {
            let taken = self.streams[stream].ledger.taken;
            let sequence = batch.first_sequence + at as u64;
            if sequence < taken {
                let again = usize::try_from(taken - sequence).unwrap_or(usize::MAX);
                at = at.saturating_add(again).min(part.range.end);
                continue;
            }
            self.turn_window(stream, batch.order[at])?;
            let to = self.alike(&batch, at, part.range.end);
            at = match self.locate(&batch, at) {
                true => self.put(part, at, to)?,
                false => self.refuse(part, at),
            };
        }
        Ok(at)
    }

    /// Ends the stream's objects where an interval of profile time does.
    fn turn_window(&mut self, stream: usize, order: u64) -> Result<(), SendError> {
        let Some(every) = self.every else {
            return Ok(());
        };
        let window = order / every;
        if window != self.streams[stream].ledger.window {
            self.streams[stream].ledger.window = window;
            self.end_all(stream, true)?;
        }
        Ok(())
    }

    /// One past the last of the records that go to the same target in the same interval as that
    /// one does, looking no further than `end`.
    fn alike(&self, batch: &Batch, at: usize, end: usize) -> usize {
        if self.layout.prefix().has_fields() {
            return at + 1;
        }
        let mut to = end;
        if let Some(every) = self.every {
            let limit = (batch.order[at] / every + 1).saturating_mul(every);
            to = at + batch.order[at..to].partition_point(|&order| order < limit);
        }
        if !batch.channels.is_empty() {
            let channel = batch.channels[at];
            let same = batch.channels[at..to].iter();
            to = at + same.take_while(|&&other| other == channel).count();
        }
        if let Some(unit) = self.unit {
            let here = batch.times[at] / unit;
            let same = batch.times[at..to].iter();
            to = at + same.take_while(|&&time| time / unit == here).count();
        }
        to.max(at + 1)
    }

    /// Puts the key of a record's target into `self.key`. False where its prefix can't be made.
    fn locate(&mut self, batch: &Batch, k: usize) -> bool {
        let channel = batch.channel(k);
        let S3Sink {
            layout,
            context,
            prefix,
            key,
            ..
        } = self;
        let name = context.channels.get(channel).map_or("", |c| &c.name);
        if !layout.partition(name, batch, k, prefix) {
            return false;
        }
        key.clear();
        key.push(channel as u8);
        key.extend_from_slice(prefix);
        true
    }

    /// Puts records of the target in `self.key` into its object; gives the next record.
    fn put(&mut self, part: &Part, at: usize, to: usize) -> Result<usize, SendError> {
        let batch = &part.batch;
        let stream = batch.stream as usize;
        let sequence = batch.first_sequence + at as u64;
        if !self.streams[stream].targets.contains_key(&self.key) {
            let key = self.key.clone();
            self.streams[stream].targets.insert(key, Target::default());
        }
        let target = self.streams[stream].targets.get(&self.key);
        let done = target.map_or(0, |target| target.done);
        if sequence < done {
            let to = usize::try_from(done - sequence).map_or(to, |skip| to.min(at + skip));
            self.note(part, at, to, true);
            return Ok(to);
        }
        if target.is_none_or(|target| target.open.is_none()) {
            self.begin(stream, sequence, batch.channel(at))?;
        }
        let S3Sink {
            streams,
            uploads,
            config,
            key,
            ..
        } = self;
        let cut = config.cut;
        let Some(object) = streams[stream]
            .targets
            .get_mut(key)
            .and_then(|target| target.open.as_mut())
        else {
            return Err(SendError::fatal("an object is lost; please report it"));
        };
        let most = usize::try_from(cut.records - object.records).unwrap_or(usize::MAX);
        let to = to.min(at.saturating_add(most));
        let to = until(batch, at..to, cut.bytes - object.bytes);
        object.take(batch, at..to, config.part_size(), uploads)?;
        let full = object.records >= cut.records || object.bytes >= cut.bytes;
        self.note(part, at, to, true);
        if full {
            let key = std::mem::take(&mut self.key);
            let ended = self.end(stream, &key, true);
            self.key = key;
            ended?;
        }
        Ok(to)
    }

    fn begin(&mut self, stream: usize, first: u64, channel: usize) -> Result<(), SendError> {
        let most = self.config.options.room().most();
        if self.open >= most {
            return Err(SendError::fatal(format!(
                "{}: more than {most} objects would be open at once; use fields with fewer values in \
                 `prefix`, or raise `max_targets` (and `max_memory`)",
                self.config.target()
            )));
        }
        let name = self.context.channels.get(channel).map_or("", |c| &c.name);
        let path = self
            .layout
            .object(&self.key[1..], name, stream as u32, first)
            .ok_or_else(|| {
                SendError::fatal(format!(
                    "`prefix` gives \"{}\", where a folder has no name",
                    String::from_utf8_lossy(&self.key[1..])
                ))
            })?;
        let Some(target) = self.streams[stream].targets.get_mut(&self.key) else {
            return Ok(());
        };
        // A crash leaves the newest objects of a target unfinished, at most as many as were on
        // their way. A resume begins with the same ones.
        let suspect = target.begun <= self.config.options.concurrency;
        target.begun += 1;
        let number = self.uploads.begin(path, suspect);
        let encoder = self.encoders.get(channel).or(self.encoders.first());
        let Some(encoder) = encoder else {
            return Ok(());
        };
        target.open = Some(Object::begin(
            number,
            first,
            encoder,
            self.config.options.packing(),
            self.config.options.level,
        )?);
        self.streams[stream].ledger.begin();
        self.open += 1;
        Ok(())
    }

    /// Ends a target's object. One that is `whole` counts as soon as it is complete; another only
    /// lets a reader see what there is, and a resume makes it again.
    fn end(&mut self, stream: usize, key: &[u8], whole: bool) -> Result<(), SendError> {
        let Some(target) = self.streams[stream].targets.get_mut(key) else {
            return Ok(());
        };
        let Some(object) = target.open.take() else {
            return Ok(());
        };
        self.open -= 1;
        if whole {
            target.closed.push_back(Closed {
                number: object.number(),
                first: object.first,
                end: object.end,
                complete: false,
            });
            self.owners.insert(object.number(), (stream, key.to_vec()));
        }
        object.finish(self.config.part_size(), &mut self.uploads)
    }

    /// Ends all objects of a stream, in the order of their names.
    pub(super) fn end_all(&mut self, stream: usize, whole: bool) -> Result<(), SendError> {
        let targets = self.streams[stream].targets.iter();
        let open = targets.filter(|(_, target)| target.open.is_some());
        let mut keys: Vec<Vec<u8>> = open.map(|(key, _)| key.clone()).collect();
        keys.sort();
        keys.iter().try_for_each(|key| self.end(stream, key, whole))
    }

    /// Takes note of what was completed.
    pub(super) fn gather(&mut self) {
        for number in self.uploads.take_complete() {
            let Some((stream, key)) = self.owners.remove(&number) else {
                continue;
            };
            let stream = &mut self.streams[stream];
            let Some(target) = stream.targets.get_mut(&key) else {
                continue;
            };
            let mut closed = target.closed.iter_mut();
            if let Some(closed) = closed.find(|closed| closed.number == number) {
                closed.complete = true;
                stream.ledger.complete(closed.first);
            }
            while let Some(closed) = target.closed.front()
                && closed.complete
            {
                target.done = closed.end;
                target.closed.pop_front();
            }
        }
    }

    /// Settles what is in complete objects.
    pub(super) fn settle(&mut self) {
        for (stream, state) in self.streams.iter_mut().enumerate() {
            state.ledger.settle(stream as u32, &self.context.receipts);
        }
    }

    fn refuse(&mut self, part: &Part, record: usize) -> usize {
        let prefix = self.layout.prefix().text();
        let reason = format!("the record lacks a field that the prefix {prefix} needs");
        let rejection = Rejection { record, reason };
        // Said by `sync_rejects`, before a watermark that passes it.
        let _ = self.context.receipts.write_down(part, &rejection);
        self.note(part, record, record + 1, false);
        record + 1
    }

    fn note(&mut self, part: &Part, at: usize, to: usize, taken: bool) {
        let batch = &part.batch;
        let records = (to - at) as u64;
        self.streams[batch.stream as usize].ledger.note(Stretch {
            end: batch.first_sequence + to as u64,
            acknowledged: if taken { records } else { 0 },
            rejected: if taken { 0 } else { records },
            bytes: if taken { bytes(batch, at..to) } else { 0 },
            due: part.due(at..to),
        });
    }
}

impl Target {
    /// One whose records below that sequence are in complete objects.
    pub(super) fn done(below: u64) -> Target {
        Target {
            done: below,
            ..Target::default()
        }
    }

    /// Whether there is nothing to remember of it once all below that sequence is settled.
    pub(super) fn is_past(&self, settled: u64) -> bool {
        self.open.is_none() && self.closed.is_empty() && self.done <= settled
    }
}
