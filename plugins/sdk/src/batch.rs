//! Records side by side, as they cross to the host.

/// A batch of records. The fields are those of the contract's `batch`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// Every record's bytes, one after another, with nothing between them.
    pub payload: Vec<u8>,
    /// Where each record ends in `payload`.
    pub ends: Vec<u32>,
    /// Every record's key, likewise; empty, with `key_ends`, when no record has one.
    pub keys: Vec<u8>,
    /// Where each key ends in `keys`.
    pub key_ends: Vec<u32>,
    /// Each record's channel; empty when all are on channel 0.
    pub channels: Vec<u8>,
    /// Each record's [`Operation`]; empty when all append.
    pub operations: Vec<u8>,
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

    /// The records' bytes, in order.
    pub fn records(&self) -> impl Iterator<Item = &[u8]> {
        slices(&self.payload, &self.ends)
    }

    /// The records' keys, in order; nothing at all when no record has a key.
    pub fn record_keys(&self) -> impl Iterator<Item = &[u8]> {
        slices(&self.keys, &self.key_ends)
    }
}

fn slices<'a>(bytes: &'a [u8], ends: &'a [u32]) -> impl Iterator<Item = &'a [u8]> {
    let mut from = 0;
    ends.iter().map(move |&end| {
        let slice = &bytes[from..end as usize];
        from = end as usize;
        slice
    })
}

/// What a record does to its key, for sinks that keep a row or a value by key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum Operation {
    /// The record is added to what there is.
    #[default]
    Append = 0,
    /// The record replaces what its key had.
    Upsert = 1,
    /// The record is the last image of its key, which goes.
    Delete = 2,
}
