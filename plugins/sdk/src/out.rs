//! Where a generator writes the record of one tick.

use crate::bounded::Bounded;
use crate::{Operation, Text, Writer};
use serde::Serialize;
use std::ops::Range;

/// The record in hand: its bytes, key, channel and operation.
///
/// [`record!`](crate::record) and [`serialize`](Self::serialize) write JSON; [`bytes`](Self::bytes)
/// and [`writer`](Self::writer) anything else. What is written is added at the end, so write one
/// record; write none where nothing happens at the tick.
pub struct Out<'a> {
    pub(crate) payload: &'a mut Vec<u8>,
    pub(crate) keys: &'a mut Vec<u8>,
    pub(crate) channel: u8,
    pub(crate) operation: u8,
    pub(crate) ended: bool,
}

impl Out<'_> {
    /// A writer at the end of the record. What it wrote counts once it is finished with
    /// [`Writer::finish`], and is dropped otherwise.
    #[inline(always)]
    pub fn writer(&mut self) -> Writer<'_> {
        Writer::new(self.payload)
    }

    /// A writer that never makes room, for records that can be begun again: see [`Bounded`].
    #[inline(always)]
    pub fn bounded(&mut self) -> Bounded<'_> {
        Bounded::new(self.payload)
    }

    /// Writes a record that `serde` knows, as JSON.
    ///
    /// About 1.7 times the cost of [`record!`](crate::record).
    ///
    /// # Errors
    /// [`Error::Failed`](crate::Error::Failed) where the value has no JSON form.
    #[inline(always)]
    pub fn serialize<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), crate::Error> {
        let mut writer = Writer::new(self.payload);
        value
            .serialize(crate::ser::Json(&mut writer))
            .map_err(|e| crate::Error::Failed(e.to_string()))?;
        writer.finish();
        Ok(())
    }

    /// Writes bytes as they are: for records that are not JSON, or that were JSON before.
    #[inline(always)]
    pub fn bytes(&mut self, bytes: &[u8]) {
        let mut writer = Writer::new(self.payload);
        writer.bytes(bytes);
        writer.finish();
    }

    /// The record's key, as text without quotes.
    #[inline(always)]
    pub fn key(&mut self, key: impl Text) {
        let mut writer = Writer::new(self.keys);
        key.text(&mut writer);
        writer.finish();
    }

    /// The record's key, copied from what has been written: the bytes between two of the
    /// positions that [`Writer::position`] gave. Nothing where there are no such bytes.
    #[inline(always)]
    pub fn key_from(&mut self, range: Range<usize>) {
        let mut writer = Writer::new(self.keys);
        writer.bytes(self.payload.get(range).unwrap_or_default());
        writer.finish();
    }

    /// What has been written between two of the positions that [`Writer::position`] gave.
    #[inline(always)]
    pub fn written(&self, range: Range<usize>) -> &[u8] {
        self.payload.get(range).unwrap_or_default()
    }

    /// The record's channel, by its index among the generator's channels; 0 unless set.
    #[inline(always)]
    pub fn channel(&mut self, channel: u8) {
        self.channel = channel;
    }

    /// What the record does to its key; [`Operation::Append`] unless set.
    #[inline(always)]
    pub fn operation(&mut self, operation: Operation) {
        self.operation = operation as u8;
    }

    /// Ends the stream before this tick: it has no more records.
    #[inline(always)]
    pub fn end_stream(&mut self) {
        self.ended = true;
    }
}
