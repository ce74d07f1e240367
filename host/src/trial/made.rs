//! Records as a generator makes them, one by one, for comparing.

use std::sync::Arc;

use super::{Difference, Fault};
use crate::plugin::{Configured, Generated, PluginError, Stream};

/// Event time of record 0: 2024-01-01T00:00:00Z.
const START: u64 = 1_704_067_200_000_000_000;
/// Nanoseconds from each record to the next.
const STEP: u64 = 1_000_000;
/// Bytes of records that are kept for comparing, at most.
const KEPT: usize = 64 << 20;
/// Records of a usual call.
pub const USUAL: usize = 1_000;

/// All that a record is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct One {
    pub record: Vec<u8>,
    pub key: Vec<u8>,
    pub channel: u8,
    pub operation: u8,
}

impl One {
    fn text(&self) -> String {
        let mut text = String::from_utf8_lossy(&self.record).into_owned();
        if !self.key.is_empty() {
            text.push_str("  (key ");
            text.push_str(&String::from_utf8_lossy(&self.key));
            text.push(')');
        }
        if self.channel != 0 || self.operation != 0 {
            text.push_str(&format!(
                "  (channel {}, operation {})",
                self.channel, self.operation
            ));
        }
        text
    }
}

/// One stream out of `streams`, of an emulation that begins at the event time of record 0.
pub fn open(
    configured: &Arc<Configured>,
    seed: u64,
    (stream, streams): (u32, u32),
    state: Option<(u64, Vec<u8>)>,
) -> Stream {
    let mut opened = configured.open(seed, stream, streams, state);
    opened.set_clock(START);
    opened
}

/// The event time of a record.
pub fn time(index: u64) -> u64 {
    START + index * STEP
}

/// Records from `first` up to `end`, in calls for as many as `size` says; fewer where the stream ends, or
/// where it is too much to keep.
pub fn take(
    stream: &mut Stream,
    first: u64,
    end: u64,
    mut size: impl FnMut() -> usize,
) -> Result<Vec<One>, PluginError> {
    let (mut all, mut kept, mut next) = (Vec::new(), 0, first);
    while next < end && kept < KEPT {
        let count = (size().max(1) as u64).min(end - next);
        let times: Vec<u64> = (next..next + count).map(time).collect();
        let made = stream.generate(next, &times)?;
        if made.is_empty() {
            break;
        }
        next += made.len() as u64;
        kept += made.payload.len() + made.keys.len();
        all.extend((0..made.len()).map(|k| one(&made, k)));
    }
    Ok(all)
}

fn one(made: &Generated, k: usize) -> One {
    let key = match made.key_ends.get(k) {
        Some(&end) => {
            let start = k.checked_sub(1).map_or(0, |before| made.key_ends[before]);
            made.keys[start as usize..end as usize].to_vec()
        }
        None => Vec::new(),
    };
    One {
        record: made.record(k).to_vec(),
        key,
        channel: made.channels.get(k).copied().unwrap_or_default(),
        operation: made.operations.get(k).copied().unwrap_or_default(),
    }
}

/// Whether the records found from index `first` on are those expected there.
pub fn same(
    how: impl FnOnce() -> String,
    first: u64,
    expected: &[One],
    found: &[One],
) -> Result<(), Fault> {
    let pairs = expected.len().max(found.len());
    let differs = |k: &usize| expected.get(*k) != found.get(*k);
    match (0..pairs).find(differs) {
        None => Ok(()),
        Some(k) => Err(Fault::Differs(
            how(),
            Difference {
                stream: 0,
                index: first + k as u64,
                expected: expected.get(k).map(One::text),
                found: found.get(k).map(One::text),
            },
        )),
    }
}
