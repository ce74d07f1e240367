//! One stream's walk over the schedule.

use std::sync::Arc;

use super::walk::Walk;
use super::{Bound, Schedule};
use crate::record::Nanos;

/// Gives profile and event times of a stream's records, in index order.
#[derive(Clone, Debug)]
pub struct Cursor {
    log: Arc<Schedule>,
    bound: Bound,
    seed: u64,
    stream: u64,
    streams: u64,
    index: u64,
    segment: usize,
    walk: Walk,
    /// Profile time of `index`; none where the bound is reached.
    next: Option<Nanos>,
}

impl Cursor {
    /// At index 0 of `stream` of `streams`.
    pub fn new(log: &Arc<Schedule>, bound: Bound, seed: u64, stream: u32, streams: u32) -> Cursor {
        let streams = u64::from(streams.max(1));
        let mut cursor = Cursor {
            walk: log.segments()[0].walk(seed, streams),
            log: Arc::clone(log),
            bound,
            seed,
            stream: u64::from(stream),
            streams,
            index: 0,
            segment: 0,
            next: None,
        };
        cursor.seek(0);
        cursor
    }

    /// Which stream.
    pub fn stream(&self) -> u32 {
        self.stream as u32
    }

    /// Index of the record that comes next.
    pub fn index(&self) -> u64 {
        self.index
    }

    /// Whether the bound is reached, or the profile has no more ticks.
    pub fn ended(&self) -> bool {
        self.next.is_none()
    }

    /// Profile time of the record that comes next; none where the bound is reached.
    pub fn peek(&self) -> Option<Nanos> {
        self.next
    }

    /// Goes to any index.
    pub fn seek(&mut self, index: u64) {
        self.index = index;
        let segment = self.log.segment_of(self.tick());
        if segment != self.segment {
            self.enter(segment);
        }
        self.look();
    }

    /// The same place in a log that has grown. What was given before it must not have changed.
    pub fn set_log(&mut self, log: &Arc<Schedule>) {
        self.log = Arc::clone(log);
        self.enter(self.log.segment_of(self.tick()));
        self.look();
    }

    /// Appends profile and event times of up to `n` records, none later than `ahead`; says how many.
    pub fn fill(
        &mut self,
        n: usize,
        ahead: Nanos,
        profile: &mut Vec<Nanos>,
        event: &mut Vec<Nanos>,
    ) -> usize {
        let before = profile.len();
        // The first that isn't given: one too many is cheaper than a look at each.
        while profile.len() - before < n && self.next.is_some_and(|next| next <= ahead) {
            let start = profile.len();
            let segment = &self.log.segments()[self.segment];
            let tick = self.tick();
            let end = self
                .log
                .end_of(self.segment)
                .min(self.bound.ticks.unwrap_or(u64::MAX));
            let room = end.saturating_sub(tick).div_ceil(self.streams);
            let count = (n - (start - before)).min(usize::try_from(room).unwrap_or(usize::MAX));
            self.walk.extend(
                tick - segment.profile_tick,
                self.streams,
                count,
                segment.profile_origin,
                profile,
            );
            let limit = self
                .bound
                .limit(segment.event_origin)
                .min(ahead.saturating_add(1));
            if profile.last().is_some_and(|&last| last >= limit) {
                let given = profile[start..].partition_point(|&time| time < limit);
                profile.truncate(start + given);
            }
            let origin = segment.event_origin;
            event.extend(
                profile[start..]
                    .iter()
                    .map(|&time| origin.saturating_add(time)),
            );
            let given = profile.len() - start;
            self.seek(self.index + given as u64);
            if given == 0 {
                break;
            }
        }
        profile.len() - before
    }

    /// How many records of the stream fall before profile time `below` and within the bound.
    pub fn count_below(&self, below: Nanos) -> u64 {
        let ticks = self.log.ticks_below(below, self.seed, &self.bound);
        ticks.saturating_sub(self.stream).div_ceil(self.streams)
    }

    fn tick(&self) -> u64 {
        self.index
            .saturating_mul(self.streams)
            .saturating_add(self.stream)
    }

    fn enter(&mut self, segment: usize) {
        self.segment = segment;
        self.walk = self.log.segments()[segment].walk(self.seed, self.streams);
    }

    /// Where the record at hand falls.
    fn look(&mut self) {
        let tick = self.tick();
        let segment = &self.log.segments()[self.segment];
        let within = self.bound.ticks.is_none_or(|ticks| tick < ticks);
        let offset = match within {
            true => self.walk.at(tick - segment.profile_tick),
            false => None,
        };
        let limit = self.bound.limit(segment.event_origin);
        self.next = offset
            .map(|offset| segment.profile_origin.saturating_add(offset))
            .filter(|&time| time < limit);
    }
}
