//! Records that wait for their transaction, or are in it; how far each stream is before and after.

use std::collections::{BTreeMap, HashSet};
use std::convert::Infallible;

use serde::{Deserialize, Serialize};

use super::receipts::Snapshot;
use super::{Receipts, Rejection};
use crate::record::{Group, Part};

/// How far a stream is in a sink that carries its own watermark, and what lies below that.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// The stream.
    pub stream: u32,
    /// Everything below is in the sink, or was refused.
    pub sequence: u64,
    /// Records that the sink has.
    pub acknowledged: u64,
    /// Records that it refused.
    pub rejected: u64,
    /// Bytes of the acknowledged.
    pub bytes: u64,
}

impl Mark {
    /// Those of a run that begins.
    pub fn zeros(streams: u32) -> Vec<Mark> {
        let zero = |stream| Mark {
            stream,
            ..Mark::default()
        };
        (0..streams).map(zero).collect()
    }

    /// What lies below all of them, as counts.
    pub fn snapshot(marks: &[Mark]) -> Snapshot {
        let sum = |of: fn(&Mark) -> u64| marks.iter().map(of).sum();
        Snapshot {
            watermark: marks.iter().map(|mark| mark.sequence).collect(),
            acknowledged: sum(|mark| mark.acknowledged),
            rejected: sum(|mark| mark.rejected),
            bytes: sum(|mark| mark.bytes),
            dropped: sum(|mark| {
                let settled = mark.acknowledged + mark.rejected;
                mark.sequence.saturating_sub(settled)
            }),
        }
    }
}

/// A record: which part, and which of its batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    /// Index of the part.
    pub part: u32,
    /// Index in the part's batch.
    pub record: u32,
}

/// Rows of one table.
#[derive(Clone, Copy)]
pub struct Rows<'a> {
    /// The parts that places refer to.
    pub parts: &'a [Part],
    /// The rows, in the order of their release.
    pub places: &'a [Place],
    /// Identity of the run.
    pub run: &'a str,
}

impl Rows<'_> {
    /// The part and the record's index in its batch.
    #[inline]
    pub fn at(&self, place: Place) -> (&Part, usize) {
        (&self.parts[place.part as usize], place.record as usize)
    }
}

/// All that one transaction takes.
#[derive(Default)]
pub struct Pending {
    /// As they came; those of one stream in the order of their sequences.
    pub parts: Vec<Part>,
    /// Every record, in the order of release.
    pub places: Vec<Place>,
    /// Bytes of the records.
    pub bytes: u64,
    /// What the sink refused so far. Kept when the transaction is tried again.
    pub refused: Vec<(Place, String)>,
}

impl Pending {
    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// Takes what of a group lies above `taken`, and moves that on. What a group leaves out after the
    /// one before was dropped.
    pub fn take(&mut self, group: &Group, taken: &mut [u64]) {
        let mut kept = Group {
            parts: Vec::with_capacity(group.parts.len()),
            streams: group.streams,
        };
        for part in &group.parts {
            let Some(next) = taken.get_mut(part.stream() as usize) else {
                continue;
            };
            let mut part = part.clone();
            part.skip_below(*next);
            if !part.is_empty() {
                *next = part.sequences().end;
                kept.parts.push(part);
            }
        }
        let first = self.parts.len();
        self.places.reserve(kept.len());
        let Ok(()) = kept.merged(|part, record| {
            self.places.push(Place {
                part: (first + part) as u32,
                record: record as u32,
            });
            Ok::<(), Infallible>(())
        });
        self.bytes += kept.parts.iter().map(Part::bytes).sum::<u64>();
        self.parts.append(&mut kept.parts);
    }

    /// Which records were refused.
    pub fn refused_places(&self) -> HashSet<Place> {
        self.refused.iter().map(|(place, _)| *place).collect()
    }

    /// The rows of one table, but for those that were refused.
    pub fn of_table(&self, table: usize, of_channel: &[usize]) -> Vec<Place> {
        let refused = self.refused_places();
        let one = of_channel.iter().all(|of| *of == table);
        if one && refused.is_empty() {
            return self.places.clone();
        }
        let of = |place: &Place| {
            let channel = self.parts[place.part as usize]
                .batch
                .channel(place.record as usize);
            of_channel.get(channel) == Some(&table)
        };
        let places = self.places.iter().copied();
        places
            .filter(|place| (one || of(place)) && !refused.contains(place))
            .collect()
    }

    /// Where each stream of it is before and after.
    pub fn marks(&self, standing: &[Mark]) -> (Vec<Mark>, Vec<Mark>) {
        let mut after: BTreeMap<u32, Mark> = BTreeMap::new();
        for part in &self.parts {
            let stream = part.stream();
            let mark = after
                .entry(stream)
                .or_insert_with(|| standing[stream as usize]);
            mark.sequence = part.sequences().end;
            mark.acknowledged += part.len() as u64;
            mark.bytes += part.bytes();
        }
        for (place, _) in &self.refused {
            let part = &self.parts[place.part as usize];
            if let Some(mark) = after.get_mut(&part.stream()) {
                mark.acknowledged -= 1;
                mark.rejected += 1;
                mark.bytes -= part.batch.record(place.record as usize).len() as u64;
            }
        }
        let before = after.keys().map(|&stream| standing[stream as usize]);
        (before.collect(), after.into_values().collect())
    }

    /// What was refused of each part.
    fn rejections(&self) -> Vec<Vec<Rejection>> {
        let mut all = vec![Vec::new(); self.parts.len()];
        for (place, reason) in &self.refused {
            all[place.part as usize].push(Rejection {
                record: place.record as usize,
                reason: reason.clone(),
            });
        }
        all
    }

    /// The sink has all of it, but for what it refused (which is written down): moves the marks on.
    pub fn settle(&mut self, standing: &mut [Mark], receipts: &Receipts) {
        let (_, after) = self.marks(standing);
        for mark in after {
            standing[mark.stream as usize] = mark;
        }
        let rejections = self.rejections();
        for (part, rejections) in self.parts.iter().zip(&rejections) {
            receipts.settle_written(part, rejections);
        }
        self.clear();
    }

    /// Forgets all of it, and keeps the room.
    fn clear(&mut self) {
        self.parts.clear();
        self.places.clear();
        self.refused.clear();
        self.bytes = 0;
    }
}
