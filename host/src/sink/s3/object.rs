//! One object that is being written, in memory as far as it isn't sent.

use std::ops::Range;
use std::sync::Arc;

use super::uploads::Uploads;
use crate::encode::Encoder;
use crate::encode::body::Body;
use crate::encode::pack::{Compression, Packer};
use crate::record::Batch;
use crate::sink::SendError;

/// How much is compressed at once.
const CHUNK: u64 = 256 * 1024;

/// An open object.
pub(super) struct Object {
    number: u64,
    /// Its first sequence.
    pub(super) first: u64,
    /// The sequence after its last.
    pub(super) end: u64,
    pub(super) records: u64,
    /// Of its records, before they were encoded.
    pub(super) bytes: u64,
    body: Body,
    packer: Packer,
    plain: Vec<u8>,
    packed: Vec<u8>,
}

impl Object {
    pub(super) fn begin(
        number: u64,
        first: u64,
        encoder: &Arc<Encoder>,
        compression: Compression,
        level: Option<u32>,
    ) -> Result<Object, SendError> {
        let mut plain = Vec::new();
        let body = Body::begin(Arc::clone(encoder), &mut plain);
        Ok(Object {
            number,
            first,
            end: first,
            records: 0,
            bytes: 0,
            body: body.map_err(|error| failed(&error))?,
            packer: Packer::new(compression, level),
            plain,
            packed: Vec::new(),
        })
    }

    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// Takes records, and hands over each part that they fill.
    pub(super) fn take(
        &mut self,
        batch: &Batch,
        range: Range<usize>,
        part_size: usize,
        uploads: &mut Uploads,
    ) -> Result<(), SendError> {
        let mut at = range.start;
        while at < range.end {
            let room = match self.packer.is_none() {
                true => (part_size.saturating_sub(self.plain.len()) as u64).max(1),
                false => CHUNK,
            };
            let to = until(batch, at..range.end, room);
            self.body
                .records(batch, at..to, &mut self.plain)
                .map_err(|error| failed(&error))?;
            at = to;
            self.ship(part_size, uploads)?;
        }
        self.records += range.len() as u64;
        self.bytes += bytes(batch, range.clone());
        self.end = batch.first_sequence + range.end as u64;
        Ok(())
    }

    /// Ends it and hands over what is left.
    pub(super) fn finish(
        mut self,
        part_size: usize,
        uploads: &mut Uploads,
    ) -> Result<(), SendError> {
        self.body
            .end(&mut self.plain)
            .map_err(|error| failed(&error))?;
        self.ship(part_size, uploads)?;
        self.packer
            .finish(&mut self.packed)
            .map_err(|error| failed(&error))?;
        self.ship(part_size, uploads)?;
        let last = std::mem::take(self.out());
        uploads.end(self.number, last)
    }

    fn out(&mut self) -> &mut Vec<u8> {
        match self.packer.is_none() {
            true => &mut self.plain,
            false => &mut self.packed,
        }
    }

    fn ship(&mut self, part_size: usize, uploads: &mut Uploads) -> Result<(), SendError> {
        self.packer
            .pack(&mut self.plain, &mut self.packed)
            .map_err(|error| failed(&error))?;
        let number = self.number;
        let out = self.out();
        while out.len() >= part_size {
            // One that has filled a part fills another, most likely.
            let mut rest = Vec::with_capacity(part_size + (64 << 10));
            rest.extend_from_slice(&out[part_size..]);
            let mut part = std::mem::replace(out, rest);
            part.truncate(part_size);
            uploads.part(number, part)?;
        }
        Ok(())
    }
}

fn failed(error: &std::io::Error) -> SendError {
    SendError::fatal(format!("records can't be encoded: {error}"))
}

/// Bytes of records.
pub(super) fn bytes(batch: &Batch, range: Range<usize>) -> u64 {
    let at = |k: usize| match k {
        0 => 0,
        k => u64::from(batch.ends[k - 1]),
    };
    at(range.end) - at(range.start)
}

/// The end of the records from the range's start on that hold so many bytes: at least one, and
/// the last is the one that reaches it.
pub(super) fn until(batch: &Batch, range: Range<usize>, most: u64) -> usize {
    let start = bytes(batch, 0..range.start);
    let reached = start.saturating_add(most);
    let within = batch.ends[range.clone()].partition_point(|&end| u64::from(end) < reached);
    (range.start + within + 1).min(range.end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::made::batch;

    #[test]
    fn the_record_that_reaches_the_size_is_the_last() {
        let batch = batch(&["aaaa", "bb", "cccccc", "d"], 0);
        assert_eq!(until(&batch, 0..4, 1), 1);
        assert_eq!(until(&batch, 0..4, 4), 1);
        assert_eq!(until(&batch, 0..4, 5), 2);
        assert_eq!(until(&batch, 1..4, 3), 3);
        assert_eq!(until(&batch, 1..4, 8), 3);
        assert_eq!(until(&batch, 1..4, 9), 4);
        assert_eq!(until(&batch, 1..4, u64::MAX), 4);
        assert_eq!(bytes(&batch, 1..3), 8);
    }
}
