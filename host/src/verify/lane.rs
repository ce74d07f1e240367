//! A source on its way through a place: where it stands, in each of the orders that it keeps.

use super::feed::Feed;
use super::gaps::Gaps;
use super::order::Order;

/// One of the orders.
#[derive(Default)]
pub(super) struct Track {
    /// One past the highest that was matched in its turn.
    pub next: u64,
    pub order: Option<Order>,
    /// So many of the source's gaps are closed here.
    closed: usize,
}

/// See the module.
pub(super) struct Lane {
    pub feed: Feed,
    /// One past the highest ordinal that was matched in its turn.
    pub at: u64,
    pub ended: bool,
    /// Its next item may be among what is expected later: it has its turn again then.
    pub waits: bool,
    /// Items in a row that nobody expects.
    pub lost: u64,
    /// By stream, or one for all; those that had something yet.
    pub tracks: Vec<Track>,
    most: usize,
    /// Its gaps, and whether the newest still stands open.
    gaps: Vec<u32>,
    gap: bool,
}

impl Lane {
    pub fn new(feed: Feed, tracks: usize) -> Lane {
        Lane {
            feed,
            at: 0,
            ended: false,
            waits: false,
            lost: 0,
            tracks: Vec::new(),
            most: tracks,
            gaps: Vec::new(),
            gap: false,
        }
    }

    /// The lowest that follows in an order.
    #[inline]
    pub fn due(&self, track: usize, tracks: u32) -> u64 {
        match tracks {
            1 => self.at,
            _ => self.tracks.get(track).map_or(0, |track| track.next),
        }
    }

    /// So many records were found in the one order that it keeps, and are forgotten.
    pub fn skip(&mut self, records: u64, history: usize) {
        self.at = records;
        self.track(0).next = records;
        if records > 0 {
            self.order(0, history).forget();
        }
    }

    fn track(&mut self, track: usize) -> &mut Track {
        if self.tracks.len() <= track {
            self.tracks.resize_with(track + 1, Track::default);
        }
        &mut self.tracks[track]
    }

    /// One of its orders, made where it has none yet.
    #[inline]
    pub fn order(&mut self, track: usize, history: usize) -> &mut Order {
        self.track(track)
            .order
            .get_or_insert_with(|| Order::new(history))
    }

    /// A record was matched in its turn.
    #[inline]
    pub fn passed(&mut self, ordinal: u64, track: usize, value: u64, gaps: &mut Gaps) {
        self.at = self.at.max(ordinal + 1);
        self.gap = false;
        let count = self.gaps.len();
        let there = self.track(track);
        there.next = there.next.max(value + 1);
        let from = std::mem::replace(&mut there.closed, count);
        for &gap in self.gaps.get(from..).unwrap_or_default() {
            gaps.close(gap, track, value);
        }
    }

    /// The gap between matches that its next item lies in; `loose` where others lie between, too.
    pub fn gap(&mut self, place: u32, loose: bool, gaps: &mut Gaps) -> u32 {
        if let (true, Some(&open)) = (self.gap, self.gaps.last()) {
            return open;
        }
        let tracks = u32::try_from(self.most).unwrap_or(u32::MAX);
        let starts = (0..self.most).map(|track| self.due(track, tracks));
        let gap = gaps.open(place, starts.collect(), loose);
        self.gaps.push(gap);
        self.gap = true;
        gap
    }
}
