//! A part whose records are on their way one by one, and their bytes without a copy.

use std::sync::Arc;

use bytes::Bytes;

use crate::record::{Batch, Part};

/// A part, shared by what is made of its records.
pub(crate) struct SharedPart {
    /// The part.
    pub(crate) part: Part,
    payload: Bytes,
}

struct Payload(Arc<Batch>);

impl AsRef<[u8]> for Payload {
    fn as_ref(&self) -> &[u8] {
        &self.0.payload
    }
}

impl SharedPart {
    pub(crate) fn new(part: Part) -> SharedPart {
        let payload = Bytes::from_owner(Payload(Arc::clone(&part.batch)));
        SharedPart { part, payload }
    }

    /// The bytes of record `k` of the batch.
    #[inline]
    pub(crate) fn record(&self, k: usize) -> Bytes {
        let ends = &self.part.batch.ends;
        let start = k.checked_sub(1).and_then(|before| ends.get(before));
        let start = start.copied().unwrap_or(0) as usize;
        let end = ends.get(k).copied().unwrap_or(0) as usize;
        self.payload.slice(start.min(end)..end)
    }
}
