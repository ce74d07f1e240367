//! Batches put together from stretches of others and from records that were held back.

use std::ops::Range;

use super::held::{Entry, Place};
use crate::record::{Batch, Nanos, Origin};

/// Records and bytes with which a batch that is put together is given.
const FULL: (usize, usize) = (4_096, 1 << 20);

/// Puts a batch together.
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

    /// Adds records of `from` as they are, the first of which has that sequence.
    pub fn add(&mut self, sequence: u64, from: &Batch, range: Range<usize>, out: &mut Vec<Batch>) {
        let batch = &mut self.batch;
        if range.is_empty() {
            return;
        }
        if batch.ends.is_empty() {
            batch.first_sequence = sequence;
        }
        put_range(
            &from.payload,
            &from.ends,
            &range,
            (&mut batch.payload, &mut batch.ends),
        );
        let keys = (&mut batch.keys, &mut batch.key_ends);
        match from.key_ends.is_empty() {
            true => keys
                .1
                .resize(keys.1.len() + range.len(), keys.0.len() as u32),
            false => put_range(&from.keys, &from.key_ends, &range, keys),
        }
        put_codes(&from.channels, &range, &mut batch.channels);
        put_codes(&from.operations, &range, &mut batch.operations);
        batch.times.extend_from_slice(&from.times[range.clone()]);
        batch.order.extend_from_slice(&from.order[range.clone()]);
        match &from.origin {
            Origin::Dense(first) => {
                let end = first + range.end as u64;
                self.indices.extend(first + range.start as u64..end);
                self.copies.resize(self.copies.len() + range.len(), 0);
            }
            Origin::Listed { indices, copies } => {
                self.indices.extend_from_slice(&indices[range.clone()]);
                self.copies.extend_from_slice(&copies[range]);
            }
        }
        self.flush_full(out);
    }

    /// Adds record `k` of `from` with other bytes.
    pub fn add_changed(
        &mut self,
        sequence: u64,
        from: &Batch,
        k: usize,
        payload: &[u8],
        out: &mut Vec<Batch>,
    ) {
        let channel = from.channels.get(k).copied().unwrap_or(0);
        let operation = from.operations.get(k).copied().unwrap_or(0);
        let key = from.key(k).unwrap_or_default();
        let place = (from.order[k], from.index(k).0, 0);
        self.put(
            sequence,
            place,
            payload,
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

/// Appends a range of texts that lie one after another.
fn put_range(texts: &[u8], ends: &[u32], range: &Range<usize>, to: (&mut Vec<u8>, &mut Vec<u32>)) {
    let at = |k: usize| if k == 0 { 0 } else { ends[k - 1] };
    let (begin, end) = (at(range.start), at(range.end));
    let moved = to.0.len() as u32;
    to.0.extend_from_slice(&texts[begin as usize..end as usize]);
    let ends = ends[range.clone()].iter();
    to.1.extend(ends.map(|end| end - begin + moved));
}

/// Appends a range of codes, of which an empty list has none but 0.
fn put_codes(codes: &[u8], range: &Range<usize>, to: &mut Vec<u8>) {
    match codes.get(range.clone()) {
        Some(codes) => to.extend_from_slice(codes),
        None => to.resize(to.len() + range.len(), 0),
    }
}
