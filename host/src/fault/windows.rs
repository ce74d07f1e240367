//! Gaps and bursts: windows of profile time in which nothing comes as it would.

use super::config::{Burst, Faults, Gap};
use super::draw::{again, between, draw, hits, key};
use crate::record::Nanos;

/// A gap may hit the record.
const GAP: u8 = 1;
/// A burst may hit the record.
const BURST: u8 = 2;

/// What becomes of what would come at an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Passed {
    /// It falls into a gap.
    Lost,
    /// It comes then.
    At(Nanos),
}

/// The windows of one stream.
#[derive(Debug)]
pub(super) struct Windows {
    gap: Option<Gap>,
    gap_key: u64,
    burst: Option<Burst>,
    burst_key: u64,
}

impl Windows {
    pub fn new(faults: &Faults, seed: u64, stream: u32) -> Windows {
        Windows {
            gap: faults.gap.clone(),
            gap_key: key(seed, stream, 0x67_6170),
            burst: faults.burst.clone(),
            // The same windows for all streams: what comes at once is meant to be much.
            burst_key: key(seed, 0, 0x62_7572_7374),
        }
    }

    /// Which windows may hit a record, for [`Windows::pass`].
    #[inline]
    pub fn of(&self, channel: u8, event: Nanos) -> u8 {
        let gap = self
            .gap
            .as_ref()
            .is_some_and(|g| g.scope.has(channel, event));
        let burst = self
            .burst
            .as_ref()
            .is_some_and(|b| b.scope.has(channel, event));
        u8::from(gap) * GAP + u8::from(burst) * BURST
    }

    /// What becomes of what would come at profile time `order`: held to the end of its burst, and
    /// lost where that is in a gap.
    #[inline]
    pub fn pass(&self, windows: u8, order: Nanos) -> Passed {
        if windows == 0 {
            return Passed::At(order);
        }
        let order = match (&self.burst, windows & BURST) {
            (Some(burst), BURST) => self.to_end(burst, order),
            _ => order,
        };
        match (&self.gap, windows & GAP) {
            (Some(gap), GAP) if self.is_silent(gap, order) => Passed::Lost,
            _ => Passed::At(order),
        }
    }

    fn to_end(&self, burst: &Burst, order: Nanos) -> Nanos {
        let every = burst.every.max(1);
        let window = order / every;
        let end = (window + 1).saturating_mul(every);
        let within = end - order <= burst.length;
        match within && hits(draw(self.burst_key, window), burst.share) {
            true => end,
            false => order,
        }
    }

    fn is_silent(&self, gap: &Gap, order: Nanos) -> bool {
        let every = gap.every.max(1);
        let window = order / every;
        let drawn = draw(self.gap_key, window);
        if !hits(drawn, gap.share) {
            return false;
        }
        let begin = between(0, every.saturating_sub(gap.length), again(drawn));
        (begin..begin.saturating_add(gap.length)).contains(&(order % every))
    }
}
