//! Ticks that are evenly apart, exactly and without a division a tick.

use crate::record::Nanos;

/// `round(k · nanos / records)`, without a division where `k` goes on by the stride.
#[derive(Clone, Debug)]
pub(super) struct Linear {
    nanos: u64,
    records: u64,
    stride: u64,
    /// Whole and part of the value at `next`, and what a stride adds to each.
    whole: u64,
    part: u64,
    step_whole: u64,
    step_part: u64,
    next: u64,
}

impl Linear {
    /// In steps of `stride` ticks.
    pub fn new(nanos: u64, records: u64, stride: u64) -> Linear {
        let records = records.max(1);
        let step = u128::from(nanos.max(1)) * u128::from(stride);
        let mut linear = Linear {
            nanos: nanos.max(1),
            records,
            stride,
            whole: 0,
            part: 0,
            step_whole: u64::try_from(step / u128::from(records)).unwrap_or(u64::MAX),
            step_part: (step % u128::from(records)) as u64,
            next: 0,
        };
        linear.seek(0);
        linear
    }

    fn seek(&mut self, k: u64) {
        let sum = u128::from(self.nanos) * u128::from(k) + u128::from(self.records / 2);
        self.whole = u64::try_from(sum / u128::from(self.records)).unwrap_or(u64::MAX);
        self.part = (sum % u128::from(self.records)) as u64;
        self.next = k;
    }

    /// The value of tick `k`.
    #[inline]
    pub fn at(&mut self, k: u64) -> Nanos {
        if k != self.next {
            self.seek(k);
        }
        self.whole
    }

    /// Appends `origin` plus the values of `n` ticks from `k`, a stride apart.
    #[inline]
    pub fn extend(&mut self, k: u64, n: usize, origin: Nanos, out: &mut Vec<Nanos>) {
        if k != self.next {
            self.seek(k);
        }
        let (mut whole, mut part) = (origin.saturating_add(self.whole), self.part);
        let (step_whole, step_part, records) = (self.step_whole, self.step_part, self.records);
        out.extend((0..n).map(|_| {
            let now = whole;
            // Below twice the records, which are at most the nanoseconds of a rate, far below 2⁶³.
            part = part.wrapping_add(step_part);
            let carry = part >= records;
            part = if carry {
                part.wrapping_sub(records)
            } else {
                part
            };
            whole = whole
                .saturating_add(step_whole)
                .saturating_add(u64::from(carry));
            now
        }));
        self.whole = whole.saturating_sub(origin);
        self.part = part;
        self.next = k.saturating_add(self.stride.saturating_mul(n as u64));
    }

    /// How many ticks have a value below `t`, which isn't 0.
    pub fn below(&self, t: Nanos) -> u64 {
        // f(k) < t  ⇔  k · nanos + ⌊records/2⌋ < t · records
        let sum = u128::from(t) * u128::from(self.records) - u128::from(self.records / 2);
        u64::try_from(sum.div_ceil(u128::from(self.nanos))).unwrap_or(u64::MAX)
    }
}
