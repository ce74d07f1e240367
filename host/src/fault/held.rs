//! Records that are held back, and batches put together from them.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use serde::{Deserialize, Serialize};

use super::FaultCounts;
use crate::record::{Batch, Nanos, Origin};

/// A place in the release order of a stream: profile time with delay, index, copy.
pub type Place = (Nanos, u64, u8);

/// A held-back record in a snapshot: its place, and the index with which it is due where it waits for one.
pub type HeldEntry = (Nanos, u64, u8, Option<u64>);

/// A sequencer's state, without bytes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Held {
    /// The next sequence.
    pub sequence: u64,
    /// What happened up to here.
    pub counts: FaultCounts,
    /// Profile time of the newest record.
    #[serde(default)]
    pub newest: Nanos,
    /// What was held back.
    pub entries: Vec<HeldEntry>,
}

/// Records and bytes with which a batch that is put together is given.
const FULL: (usize, usize) = (4_096, 1 << 20);

/// A record of its own.
#[derive(Debug)]
pub(super) struct Entry {
    place: Place,
    /// None where it was released by an earlier execution and only counts.
    record: Option<Record>,
}

#[derive(Debug)]
struct Record {
    payload: Vec<u8>,
    key: Vec<u8>,
    channel: u8,
    operation: u8,
    time: Nanos,
}

impl Entry {
    /// A copy of record `k`.
    pub fn of(batch: &Batch, k: usize, place: Place) -> Entry {
        Entry {
            place,
            record: Some(Record {
                payload: batch.record(k).to_vec(),
                key: batch.key(k).unwrap_or_default().to_vec(),
                channel: batch.channels.get(k).copied().unwrap_or(0),
                operation: batch.operations.get(k).copied().unwrap_or(0),
                time: batch.times[k],
            }),
        }
    }

    fn bytes(&self) -> usize {
        let record = |r: &Record| r.payload.capacity() + r.key.capacity();
        size_of::<Entry>() + self.record.as_ref().map_or(0, record)
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Entry) -> bool {
        self.place == other.place
    }
}
impl Eq for Entry {}
impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Entry) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Entry {
    fn cmp(&self, other: &Entry) -> std::cmp::Ordering {
        self.place.cmp(&other.place)
    }
}

/// All that is held back in a stream.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    by_place: BinaryHeap<Reverse<Entry>>,
    /// Those that wait for an index to come.
    by_index: BTreeMap<u64, Vec<Entry>>,
    bytes: usize,
    /// Profile time of the newest record.
    newest: Nanos,
}

impl Waiting {
    pub fn is_empty(&self) -> bool {
        self.by_place.is_empty() && self.by_index.is_empty()
    }

    pub fn bytes(&self) -> usize {
        self.bytes
    }

    pub fn hold(&mut self, entry: Entry) {
        self.bytes += entry.bytes();
        self.by_place.push(Reverse(entry));
    }

    /// Held until record `index` of the stream comes.
    pub fn hold_until(&mut self, index: u64, entry: Entry) {
        self.bytes += entry.bytes();
        self.by_index.entry(index).or_default().push(entry);
    }

    pub fn newest(&self) -> Nanos {
        self.newest
    }

    /// Record `index` comes at `time`: what waited for it is due right behind it.
    pub fn due_with(&mut self, index: u64, time: Nanos) {
        self.newest = time;
        while let Some(first) = self.by_index.first_entry()
            && *first.key() <= index
        {
            for mut entry in first.remove() {
                // A nanosecond later it comes behind all that may be released already.
                entry.place.0 = entry.place.0.max(time.saturating_add(1));
                self.by_place.push(Reverse(entry));
            }
        }
    }

    /// No record comes any more.
    pub fn all_due(&mut self) {
        self.due_with(u64::MAX, self.newest);
    }

    pub fn pop_before(&mut self, place: Place) -> Option<Entry> {
        if self.by_place.peek()?.0.place >= place {
            return None;
        }
        let Reverse(entry) = self.by_place.pop()?;
        self.bytes -= entry.bytes();
        Some(entry)
    }

    pub fn oldest(&self) -> Option<u64> {
        let heap = self.by_place.iter().map(|entry| entry.0.place.1);
        let waiting = self.by_index.values().flatten().map(|entry| entry.place.1);
        heap.chain(waiting).min()
    }

    pub fn entries(&self) -> Vec<HeldEntry> {
        let row = |entry: &Entry, index| (entry.place.0, entry.place.1, entry.place.2, index);
        let mut entries: Vec<HeldEntry> =
            self.by_place
                .iter()
                .map(|entry| row(&entry.0, None))
                .chain(self.by_index.iter().flat_map(|(index, entries)| {
                    entries.iter().map(|entry| row(entry, Some(*index)))
                }))
                .collect();
        entries.sort_unstable();
        entries
    }

    pub fn restore(&mut self, newest: Nanos, entries: Vec<HeldEntry>) {
        *self = Waiting {
            newest,
            ..Waiting::default()
        };
        for (order, index, copy, until) in entries {
            let entry = Entry {
                place: (order, index, copy),
                record: None,
            };
            match until {
                Some(index) => self.hold_until(index, entry),
                None => self.hold(entry),
            }
        }
    }
}

/// Puts a batch together, record by record.
#[derive(Debug)]
pub(super) struct Builder {
    batch: Batch,
    indices: Vec<u64>,
    copies: Vec<u8>,
}

impl Builder {
    /// Of a stream, without a record.
    pub fn new(stream: u32) -> Builder {
        Builder {
            batch: Batch {
                stream,
                payload: Vec::new(),
                ends: Vec::new(),
                keys: Vec::new(),
                key_ends: Vec::new(),
                channels: Vec::new(),
                operations: Vec::new(),
                times: Vec::new(),
                order: Vec::new(),
                origin: Origin::Dense(0),
                first_sequence: 0,
            },
            indices: Vec::new(),
            copies: Vec::new(),
        }
    }

    /// Makes room for what `like` has.
    pub fn reserve(&mut self, like: &Batch) {
        let (batch, n) = (&mut self.batch, like.len());
        batch.payload.reserve(like.payload.len());
        batch.keys.reserve(like.keys.len());
        for list in [&mut batch.ends, &mut batch.key_ends] {
            list.reserve(n);
        }
        for list in [&mut batch.times, &mut batch.order, &mut self.indices] {
            list.reserve(n);
        }
        for list in [&mut batch.channels, &mut batch.operations, &mut self.copies] {
            list.reserve(n);
        }
    }

    /// Adds record `k` of `from`, which has that sequence.
    pub fn add(
        &mut self,
        sequence: u64,
        from: &Batch,
        k: usize,
        place: Place,
        out: &mut Vec<Batch>,
    ) {
        let channel = from.channels.get(k).copied().unwrap_or(0);
        let operation = from.operations.get(k).copied().unwrap_or(0);
        let key = from.key(k).unwrap_or_default();
        self.put(
            sequence,
            place,
            from.record(k),
            key,
            (channel, operation, from.times[k]),
        );
        self.flush_full(out);
    }

    /// Adds a record that was held back; one that only counts ends the batch in hand.
    pub fn add_entry(&mut self, sequence: u64, entry: Entry, out: &mut Vec<Batch>) {
        match entry.record {
            Some(record) => {
                let rest = (record.channel, record.operation, record.time);
                self.put(sequence, entry.place, &record.payload, &record.key, rest);
                self.flush_full(out);
            }
            None => self.flush(out),
        }
    }

    fn flush_full(&mut self, out: &mut Vec<Batch>) {
        if self.batch.len() >= FULL.0 || self.batch.payload.len() >= FULL.1 {
            self.flush(out);
        }
    }

    fn put(
        &mut self,
        sequence: u64,
        place: Place,
        payload: &[u8],
        key: &[u8],
        rest: (u8, u8, Nanos),
    ) {
        let batch = &mut self.batch;
        if batch.ends.is_empty() {
            batch.first_sequence = sequence;
        }
        batch.payload.extend_from_slice(payload);
        batch.ends.push(batch.payload.len() as u32);
        batch.keys.extend_from_slice(key);
        batch.key_ends.push(batch.keys.len() as u32);
        batch.channels.push(rest.0);
        batch.operations.push(rest.1);
        batch.times.push(rest.2);
        batch.order.push(place.0);
        self.indices.push(place.1);
        self.copies.push(place.2);
    }

    /// Gives the batch in hand, if there is one.
    pub fn flush(&mut self, out: &mut Vec<Batch>) {
        if self.batch.ends.is_empty() {
            return;
        }
        let mut made = std::mem::replace(self, Builder::new(self.batch.stream));
        // Empty lists say what is so for all of them.
        if made.batch.keys.is_empty() {
            made.batch.key_ends = Vec::new();
        }
        for list in [&mut made.batch.channels, &mut made.batch.operations] {
            if list.iter().all(|&code| code == 0) {
                *list = Vec::new();
            }
        }
        made.batch.origin = Origin::Listed {
            indices: made.indices,
            copies: made.copies,
        };
        out.push(made.batch);
    }
}
