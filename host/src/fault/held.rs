//! Records that are held back.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use serde::{Deserialize, Serialize};

use super::ledger::{FaultCounts, Note};
use crate::record::{Batch, Nanos};

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
    /// Which windows each entry may fall into; none where nothing is said.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub windows: Vec<u8>,
}

/// A record of its own.
#[derive(Debug)]
pub(super) struct Entry {
    pub place: Place,
    /// Which windows it may fall into.
    pub windows: u8,
    /// None where it was released by an earlier execution and only counts.
    pub record: Option<Record>,
    /// What the ledger will say of it; none where nobody asked for one.
    pub note: Option<Box<Note>>,
}

#[derive(Debug)]
pub(super) struct Record {
    pub payload: Vec<u8>,
    pub key: Vec<u8>,
    pub channel: u8,
    pub operation: u8,
    pub time: Nanos,
}

impl Entry {
    /// A copy of record `k`, with those bytes.
    pub fn of(batch: &Batch, k: usize, payload: &[u8], place: Place, windows: u8) -> Entry {
        Entry {
            place,
            windows,
            note: None,
            record: Some(Record {
                payload: payload.to_vec(),
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

    /// The newest record fell on `time`.
    pub fn set_newest(&mut self, time: Nanos) {
        self.newest = time;
    }

    /// Those that waited for record `index` or an earlier one; call it until it gives none.
    pub fn due(&mut self, index: u64) -> Option<Vec<Entry>> {
        let first = self.by_index.first_entry()?;
        if *first.key() > index {
            return None;
        }
        let entries = first.remove();
        self.bytes -= entries.iter().map(Entry::bytes).sum::<usize>();
        Some(entries)
    }

    /// Whether one comes before a place.
    #[inline]
    pub fn has_before(&self, place: Place) -> bool {
        self.by_place
            .peek()
            .is_some_and(|first| first.0.place < place)
    }

    pub fn pop_before(&mut self, place: Place) -> Option<Entry> {
        if !self.has_before(place) {
            return None;
        }
        let Reverse(entry) = self.by_place.pop()?;
        self.bytes -= entry.bytes();
        Some(entry)
    }

    /// Whether an entry of an index below that one is held: soon found where there is one, since the
    /// oldest lie in front.
    pub fn has_below(&self, index: u64) -> bool {
        let below = |entry: &Entry| entry.place.1 < index;
        self.by_place.iter().any(|entry| below(&entry.0))
            || self.by_index.values().flatten().any(below)
    }

    /// Every entry, and which windows it may fall into; those alone are empty where none may.
    pub fn entries(&self) -> (Vec<HeldEntry>, Vec<u8>) {
        let row = |entry: &Entry, until| {
            let (order, index, copy) = entry.place;
            ((order, index, copy, until), entry.windows)
        };
        let by_place = self.by_place.iter().map(|entry| row(&entry.0, None));
        let waiting = self.by_index.iter();
        let by_index = waiting
            .flat_map(|(until, entries)| entries.iter().map(|entry| row(entry, Some(*until))));
        let mut rows: Vec<(HeldEntry, u8)> = by_place.chain(by_index).collect();
        rows.sort_unstable();
        let (entries, mut windows): (Vec<HeldEntry>, Vec<u8>) = rows.into_iter().unzip();
        if windows.iter().all(|&windows| windows == 0) {
            windows = Vec::new();
        }
        (entries, windows)
    }

    pub fn restore(&mut self, newest: Nanos, entries: Vec<HeldEntry>, windows: &[u8]) {
        *self = Waiting {
            newest,
            ..Waiting::default()
        };
        for (n, (order, index, copy, until)) in entries.into_iter().enumerate() {
            let entry = Entry {
                place: (order, index, copy),
                windows: windows.get(n).copied().unwrap_or(0),
                record: None,
                note: None,
            };
            match until {
                Some(index) => self.hold_until(index, entry),
                None => self.hold(entry),
            }
        }
    }
}
