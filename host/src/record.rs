//! Records side by side: the one type that travels from the generator to the sink.
//!
//! A [`Batch`] holds the bytes of many records of one stream. Before faults its records are in
//! index order; after them in sequence order. Nothing downstream copies it: a [`Part`] is a range
//! of a shared batch, a [`Group`] is what is released in one go.

use std::ops::Range;
use std::sync::Arc;

/// Nanoseconds: of profile time, of event time since the Unix epoch, or of the process's clock.
pub type Nanos = u64;

/// One kind of record that a configured generator emits.
#[derive(Clone, Debug)]
pub struct Channel {
    /// `[a-z][a-z0-9_]*`; sinks name topics, tables and prefixes after it.
    pub name: String,
    /// JSON Schema of one record.
    pub schema: serde_json::Value,
}

/// What a record does to its key, for sinks that keep a row or a value by key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// One more record.
    Append,
    /// The value of the key from now on.
    Upsert,
    /// The key is gone; the record is its last image.
    Delete,
}

impl Operation {
    /// From the number in a batch (checked by the decoder to be 0, 1 or 2).
    pub fn from_code(code: u8) -> Operation {
        match code {
            1 => Operation::Upsert,
            2 => Operation::Delete,
            _ => Operation::Append,
        }
    }

    /// As users read it in headers and fields.
    pub fn name(self) -> &'static str {
        match self {
            Operation::Append => "append",
            Operation::Upsert => "upsert",
            Operation::Delete => "delete",
        }
    }
}

/// Which index of the stream each record of a batch is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Record `k` is index `first + k`, the original.
    Dense(u64),
    /// Record `k` is index `indices[k]`, copy `copies[k]` (0 is the original).
    Listed { indices: Vec<u64>, copies: Vec<u8> },
}

/// Records of one stream, one after another. See `generator.wit` for the first six fields, which
/// the decoder has checked.
#[derive(Clone, Debug)]
pub struct Batch {
    /// Which stream of the emulation.
    pub stream: u32,
    /// Every record's bytes, with nothing between them.
    pub payload: Vec<u8>,
    /// Where each record ends in `payload`.
    pub ends: Vec<u32>,
    /// Every record's key, likewise; no bytes mean no key.
    pub keys: Vec<u8>,
    /// Empty when no record has a key.
    pub key_ends: Vec<u32>,
    /// Empty when all are on channel 0.
    pub channels: Vec<u8>,
    /// Empty when all append.
    pub operations: Vec<u8>,
    /// Event time of each record, nanoseconds since the Unix epoch.
    pub times: Vec<Nanos>,
    /// When each is released, in profile time: `T(tick)`, plus its delay after faults.
    pub order: Vec<Nanos>,
    /// Which index each record is.
    pub origin: Origin,
    /// Sequence of the first record; the others follow on. Meaningless before faults.
    pub first_sequence: u64,
}

impl Batch {
    /// How many records there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is no record.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The bytes of record `k`. Empty where the range is out of bounds.
    #[inline]
    pub fn record(&self, k: usize) -> &[u8] {
        slice(&self.payload, &self.ends, k)
    }

    /// The key of record `k`, if it has one.
    #[inline]
    pub fn key(&self, k: usize) -> Option<&[u8]> {
        if self.key_ends.is_empty() {
            return None;
        }
        let key = slice(&self.keys, &self.key_ends, k);
        (!key.is_empty()).then_some(key)
    }

    /// The channel of record `k`, as an index into the emulation's channels.
    #[inline]
    pub fn channel(&self, k: usize) -> usize {
        self.channels.get(k).copied().unwrap_or(0).into()
    }

    /// What record `k` does to its key.
    #[inline]
    pub fn operation(&self, k: usize) -> Operation {
        Operation::from_code(self.operations.get(k).copied().unwrap_or(0))
    }

    /// Index of record `k` in its stream, and which copy it is (0: the original).
    #[inline]
    pub fn index(&self, k: usize) -> (u64, u8) {
        match &self.origin {
            Origin::Dense(first) => (first + k as u64, 0),
            Origin::Listed { indices, copies } => (indices[k], copies[k]),
        }
    }

    /// Bytes on the heap, for bounding queues.
    pub fn footprint(&self) -> usize {
        let listed = match &self.origin {
            Origin::Dense(_) => 0,
            Origin::Listed { indices, copies } => indices.capacity() * 8 + copies.capacity(),
        };
        self.payload.capacity()
            + self.keys.capacity()
            + (self.ends.capacity() + self.key_ends.capacity()) * 4
            + self.channels.capacity()
            + self.operations.capacity()
            + (self.times.capacity() + self.order.capacity()) * 8
            + listed
    }
}

#[inline]
fn slice<'a>(bytes: &'a [u8], ends: &[u32], k: usize) -> &'a [u8] {
    let start = if k == 0 { 0 } else { ends[k - 1] as usize };
    &bytes[start..ends[k] as usize]
}

/// Where profile time falls on the process's clock: `base + (order - t0) / speed`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pace {
    /// Process clock at `t0`.
    pub base: Nanos,
    /// Profile time that falls on `base`.
    pub t0: Nanos,
    /// How many times faster than the wall profile time goes.
    pub speed: f64,
}

impl Pace {
    /// The due instant of what is released at profile time `order`, on the process's clock.
    #[inline]
    pub fn due(&self, order: Nanos) -> Nanos {
        let ahead = order.saturating_sub(self.t0);
        if self.speed == 1.0 {
            return self.base.saturating_add(ahead);
        }
        self.base.saturating_add((ahead as f64 / self.speed) as u64)
    }

    /// The profile time that falls on `now` of the process's clock.
    #[inline]
    pub fn order_at(&self, now: Nanos) -> Nanos {
        let passed = now.saturating_sub(self.base);
        if self.speed == 1.0 {
            return self.t0.saturating_add(passed);
        }
        self.t0.saturating_add((passed as f64 * self.speed) as u64)
    }
}

/// A range of a shared batch, in sequence order.
#[derive(Clone, Debug)]
pub struct Part {
    /// The records.
    pub batch: Arc<Batch>,
    /// Which of them.
    pub range: Range<usize>,
    /// Where their due instants are; none where nothing is due (`load: max`, a backfill).
    pub pace: Option<Pace>,
}

impl Part {
    /// Which stream the records are of.
    pub fn stream(&self) -> u32 {
        self.batch.stream
    }

    /// Sequences of the records.
    pub fn sequences(&self) -> Range<u64> {
        let first = self.batch.first_sequence;
        first + self.range.start as u64..first + self.range.end as u64
    }

    /// Leaves out what lies below a sequence of its stream; that may be all of it.
    pub fn skip_below(&mut self, sequence: u64) {
        let below = sequence.saturating_sub(self.sequences().start);
        self.range.start += usize::try_from(below).map_or(self.len(), |n| n.min(self.len()));
    }

    /// How many records.
    pub fn len(&self) -> usize {
        self.range.len()
    }

    /// Whether there is no record.
    pub fn is_empty(&self) -> bool {
        self.range.is_empty()
    }

    /// Due instants of the first and the last of some records, where any are due.
    pub fn due(&self, records: Range<usize>) -> Option<(Nanos, Nanos)> {
        let (first, last) = (records.start, records.end.checked_sub(1)?);
        let order = &self.batch.order;
        self.pace
            .map(|pace| (pace.due(order[first]), pace.due(order[last])))
    }

    /// Bytes of the records, without keys.
    pub fn bytes(&self) -> u64 {
        let at = |k: usize| if k == 0 { 0 } else { self.batch.ends[k - 1] };
        u64::from(at(self.range.end) - at(self.range.start))
    }
}

/// What is released in one go: every record of the emulation whose place in the release order lies
/// between the group before and this one. A sink that keeps the order of streams walks [`Group::merged`];
/// one that doesn't takes the parts as they are.
#[derive(Clone, Debug, Default)]
pub struct Group {
    /// At most one part after another of the same stream follows in sequence order.
    pub parts: Vec<Part>,
    /// How many streams the whole emulation has (ticks are `index * streams + stream`).
    pub streams: u32,
}

impl Group {
    /// How many records.
    pub fn len(&self) -> usize {
        self.parts.iter().map(Part::len).sum()
    }

    /// Whether there is no record.
    pub fn is_empty(&self) -> bool {
        self.parts.iter().all(Part::is_empty)
    }

    /// Calls `each(part, record)` in the release order `(order, tick, copy)` over all streams, and
    /// stops at its first error.
    pub fn merged<E>(&self, mut each: impl FnMut(usize, usize) -> Result<(), E>) -> Result<(), E> {
        if let [only] = self.parts.as_slice() {
            return only.range.clone().try_for_each(|k| each(0, k));
        }
        // A heap of the heads; parts of one stream are ordered among themselves, so all may take part.
        let key = |p: usize, k: usize| {
            let batch = &self.parts[p].batch;
            let (index, copy) = batch.index(k);
            let tick = index * u64::from(self.streams) + u64::from(batch.stream);
            std::cmp::Reverse((batch.order[k], tick, copy, p, k))
        };
        let mut heads: std::collections::BinaryHeap<_> = self
            .parts
            .iter()
            .enumerate()
            .filter(|(_, part)| !part.is_empty())
            .map(|(p, part)| key(p, part.range.start))
            .collect();
        while let Some(mut head) = heads.peek_mut() {
            let std::cmp::Reverse((_, _, _, p, k)) = *head;
            each(p, k)?;
            if k + 1 < self.parts[p].range.end {
                *head = key(p, k + 1);
            } else {
                std::collections::binary_heap::PeekMut::pop(head);
            }
        }
        Ok(())
    }
}

/// What tests make records of.
#[cfg(test)]
pub(crate) mod made {
    use super::{Arc, Batch, Group, Origin, Part};

    /// A batch of stream 0 with those records, from that sequence on, released one by one.
    pub(crate) fn batch(records: &[&str], first_sequence: u64) -> Batch {
        let mut payload = Vec::new();
        let mut ends = Vec::new();
        for record in records {
            payload.extend_from_slice(record.as_bytes());
            ends.push(payload.len() as u32);
        }
        let count = records.len();
        Batch {
            stream: 0,
            payload,
            ends,
            keys: Vec::new(),
            key_ends: Vec::new(),
            channels: Vec::new(),
            operations: Vec::new(),
            times: vec![0; count],
            order: (0..count as u64).map(|k| first_sequence + k).collect(),
            origin: Origin::Dense(first_sequence),
            first_sequence,
        }
    }

    /// So many records of one byte each, as they are released at once.
    pub(crate) fn group(first_sequence: u64, records: usize) -> Group {
        let batch = batch(&vec!["1"; records], first_sequence);
        Group {
            parts: vec![Part {
                range: 0..records,
                batch: Arc::new(batch),
                pace: None,
            }],
            streams: 1,
        }
    }
}
