//! How long groups take from their first write to their receipt.

use std::collections::VecDeque;

use crate::record::Nanos;
use crate::telemetry::Clock;
use crate::telemetry::metric::Buckets;
use crate::telemetry::traces::Delivering;

/// Groups that are remembered one by one. A sink whose units are large has more in flight.
const REMEMBERED: usize = 4096;

/// Groups on their way. A group is through once as many records are settled as had been written up to its
/// end: exact where a sink settles in the order of its writes, and on the average where streams overtake
/// each other; either way it costs nothing for each record.
#[derive(Debug, Default)]
pub(super) struct Flight {
    waiting: VecDeque<Waiting>,
    written: u64,
    took: Buckets,
}

#[derive(Debug)]
struct Waiting {
    since: Nanos,
    /// Records written up to its end.
    until: u64,
    /// How many groups it stands for.
    groups: u64,
    /// Those of them that the trace shows.
    spans: Vec<Delivering>,
}

impl Flight {
    /// A group of so many records is written for the first time; `span` where the trace shows that.
    pub fn begin(&mut self, now: Nanos, records: u64, settled: u64, span: Option<Delivering>) {
        if self.waiting.len() >= REMEMBERED {
            self.thin_out();
        }
        self.written = self.written.max(settled) + records;
        self.waiting.push_back(Waiting {
            since: now,
            until: self.written,
            groups: 1,
            spans: span.into_iter().collect(),
        });
    }

    /// So many records are settled by now.
    pub fn settled(&mut self, settled: u64, clock: Clock) {
        let through = |first: &&Waiting| first.until <= settled;
        if self.waiting.front().filter(through).is_none() {
            return;
        }
        let now = clock.now();
        while let Some(first) = self.waiting.pop_front_if(|first| first.until <= settled) {
            self.took
                .record(now.saturating_sub(first.since), first.groups);
            first.spans.into_iter().for_each(Delivering::settled);
        }
    }

    pub fn took(&self) -> &Buckets {
        &self.took
    }

    /// Of each two the later one stands for both.
    fn thin_out(&mut self) {
        let mut earlier = (0, Vec::new());
        let mut nth = 0;
        self.waiting.retain_mut(|waiting| {
            nth += 1;
            if nth % 2 == 1 {
                earlier = (waiting.groups, std::mem::take(&mut waiting.spans));
                return false;
            }
            waiting.groups += earlier.0;
            waiting.spans.append(&mut earlier.1);
            true
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_is_through_once_its_last_record_is_settled() {
        let clock = Clock::start();
        let mut flight = Flight::default();
        flight.begin(0, 10, 0, None);
        flight.begin(0, 10, 0, None);
        flight.settled(9, clock);
        assert_eq!(flight.took().count(), 0);
        flight.settled(19, clock);
        assert_eq!(flight.took().count(), 1);
        flight.settled(20, clock);
        assert_eq!(flight.took().count(), 2);
        // What was settled without being written here isn't waited for again.
        flight.begin(0, 10, 100, None);
        flight.settled(109, clock);
        assert_eq!(flight.took().count(), 2);
        flight.settled(110, clock);
        assert_eq!(flight.took().count(), 3);
    }

    #[test]
    fn however_many_wait_each_counts_once_and_memory_is_bounded() {
        let clock = Clock::start();
        let mut flight = Flight::default();
        let groups = 3 * REMEMBERED as u64 + 17;
        for _ in 0..groups {
            flight.begin(0, 2, 0, None);
            assert!(flight.waiting.len() <= REMEMBERED);
        }
        flight.settled(groups * 2, clock);
        assert_eq!(flight.took().count(), groups);
    }
}
