//! One place of a sink: what is expected there beside what it holds, over a bounded window.
//!
//! Where a place has one source and all is well, the next expected record is the next item, and that
//! is all there is to it. Else an item is looked up by its key among the expected records of the
//! window. Of several that are alike it takes one that its neighbours agree with; which of them hardly
//! matters, since counts go by key, and order is judged over all that an item may stand for (`order.rs`).

use std::ops::Range;

use super::VerifyError;
use super::expected::{Slot, Which};
use super::feed::{Feed, Found};
use super::lane::Lane;
use super::order::Mark;
use super::tally::{Kind, Tally};
use super::turn::{others, position};
use super::window::{Limits, Window};
use crate::sink::read::Kept;

/// Items in a row that nobody expects, and something larger is wrong: the window grows.
const PATIENCE: u64 = 32;
/// Items of one source before the others have their turn.
const TURN: usize = 64;

enum Step {
    On,
    /// More has to be expected first.
    Wait,
    Over,
}

/// See the module.
pub(super) struct Place {
    number: u32,
    pub(super) window: Window,
    pub(super) lanes: Vec<Lane>,
    /// Orders that each source keeps: that of each stream, or one over all.
    pub(super) tracks: u32,
    /// How far ahead an item is looked for.
    look: u64,
    /// Ordinals that were passed by.
    pub missing: Vec<Range<u64>>,
    turned: Vec<Mark>,
    /// To work in: ordinals of one key.
    pub(super) alike: Vec<u64>,
    forward: Vec<u64>,
}

impl Place {
    /// `tracks` says how many orders each of its sources keeps: one, or one for each stream.
    pub fn new(number: u32, feeds: Vec<Feed>, limits: Limits, tracks: u32) -> Place {
        let several = feeds.len() > 1;
        let lane = |feed| Lane::new(feed, tracks as usize);
        Place {
            number,
            window: Window::new(),
            lanes: feeds.into_iter().map(lane).collect(),
            tracks,
            // Where others lie between, the next of a source may be far away.
            look: if several { limits.grown } else { limits.behind },
            missing: Vec::new(),
            turned: Vec::new(),
            alike: Vec::new(),
            forward: Vec::new(),
        }
    }

    /// The next record that is expected here.
    #[inline]
    pub fn push(&mut self, slot: Slot) {
        self.window.push(slot);
    }

    /// Its one source, whose items may be compared before any is expected here.
    pub fn only(&mut self) -> &mut Feed {
        &mut self.lanes[0].feed
    }

    /// So many records were found in order, before any was expected here; nothing is known of them.
    pub fn skip(&mut self, records: u64, tally: &Tally) {
        self.window.skip(records);
        self.lanes[0].skip(records, tally.history);
        self.only().expect_hashes(true);
    }

    /// The next record that is expected here was found, in its turn.
    pub fn found(&mut self, slot: Slot, tally: &mut Tally) {
        let ordinal = self.window.end();
        self.window.push(Slot {
            taken: true,
            ..slot
        });
        let lane = &mut self.lanes[0];
        lane.passed(ordinal, 0, ordinal, &mut tally.strays.gaps);
        self.mark(0, ordinal, slot.which, slot.key, true, tally);
    }

    /// Whether all that is expected here should come from one source, in order.
    pub(super) fn single(&self) -> bool {
        self.lanes.len() == 1 && self.tracks == 1
    }

    /// Goes on as far as what is expected so far allows.
    pub fn pump(&mut self, tally: &mut Tally) -> Result<(), VerifyError> {
        self.advance(false, tally)?;
        self.evict(false, tally);
        Ok(())
    }

    /// `over` says that nothing more is expected.
    fn advance(&mut self, over: bool, tally: &mut Tally) -> Result<(), VerifyError> {
        for lane in &mut self.lanes {
            lane.waits = false;
        }
        while let Some(n) = self.slowest() {
            for _ in 0..TURN {
                match self.step(n, over, tally)? {
                    Step::On => continue,
                    Step::Over => self.end(n, tally),
                    Step::Wait => self.lanes[n].waits = true,
                }
                break;
            }
        }
        Ok(())
    }

    /// What all its sources had to say is said.
    pub fn finish(&mut self, tally: &mut Tally) -> Result<(), VerifyError> {
        self.advance(true, tally)?;
        self.evict(true, tally);
        Ok(())
    }

    /// A source has no more: its order is decided on while the window still has what that takes.
    fn end(&mut self, n: usize, tally: &mut Tally) {
        let Place {
            lanes,
            window,
            turned,
            tracks,
            ..
        } = self;
        let lane = &mut lanes[n];
        lane.ended = true;
        for order in lane.tracks.iter_mut().filter_map(|t| t.order.as_mut()) {
            order.settle(turned, |mark, places| others(window, *tracks, mark, places));
        }
        self.report_order(tally);
    }

    fn slowest(&self) -> Option<usize> {
        match self.lanes.as_slice() {
            [only] => (!only.ended && !only.waits).then_some(0),
            lanes => {
                let open = lanes.iter().enumerate();
                let open = open.filter(|(_, lane)| !lane.ended && !lane.waits);
                open.min_by_key(|(_, lane)| lane.at).map(|(n, _)| n)
            }
        }
    }

    #[inline]
    fn step(&mut self, n: usize, over: bool, tally: &mut Tally) -> Result<Step, VerifyError> {
        let single = self.single();
        let lane = &mut self.lanes[n];
        let Some(found) = lane.feed.peek(0)? else {
            return Ok(Step::Over);
        };
        if single {
            loop {
                match self.window.get(lane.at) {
                    Some(slot) if slot.taken => lane.at += 1,
                    Some(slot) if slot.key == found.key => {
                        let at = lane.at;
                        self.take(n, at, found, true, tally);
                        return Ok(Step::On);
                    }
                    None if !over => return Ok(Step::Wait),
                    _ => break,
                }
            }
        }
        self.resolve(n, found, over, tally)
    }

    /// The item is that record.
    #[inline]
    fn take(&mut self, n: usize, ordinal: u64, found: Found, in_turn: bool, tally: &mut Tally) {
        let Some(slot) = self.window.get_mut(ordinal) else {
            return;
        };
        slot.taken = true;
        let which = slot.which;
        let lane = &mut self.lanes[n];
        if slot.check == found.check {
            tally.matched += 1;
        } else {
            let look = lane.feed.look();
            tally.count(Kind::Altered, self.number, Some((ordinal, which)), look);
        }
        if lane.lost > 0 {
            lane.lost = 0;
            if self.single() {
                self.look = tally.limits.behind;
            }
        }
        let lane = &mut self.lanes[n];
        if in_turn {
            let (track, value) = position(self.tracks, ordinal, &which);
            lane.passed(ordinal, track, value, &mut tally.strays.gaps);
        }
        self.mark(n, ordinal, which, found.key, in_turn, tally);
        self.lanes[n].feed.advance();
    }

    /// Notes where a source has a record, in the order that it keeps.
    #[inline]
    fn mark(
        &mut self,
        n: usize,
        ordinal: u64,
        which: Which,
        key: u128,
        in_turn: bool,
        tally: &mut Tally,
    ) {
        if tally.kept == Kept::Nothing || (self.tracks > 1 && self.in_several_streams(key)) {
            return;
        }
        let tracks = self.tracks;
        let (track, value) = position(tracks, ordinal, &which);
        let Place { lanes, window, .. } = self;
        let lane = &mut lanes[n];
        let mark = Mark {
            key,
            value,
            stream: which.stream,
            index: which.index,
            sequence: which.sequence,
        };
        let order = lane.order(track, tally.history);
        let anew = order.push(mark, in_turn, &mut self.turned, |mark, places| {
            others(window, tracks, mark, places);
        });
        if let Some(next) = anew {
            // What was taken for the position may have been out of its turn.
            match tracks {
                1 => lane.at = next.max(window.base()),
                _ => lane.tracks[track].next = next,
            }
        }
        if !self.turned.is_empty() {
            self.report_order(tally);
        }
    }

    /// Where records of several streams are alike, nobody can tell whose order an item is in.
    fn in_several_streams(&mut self, key: u128) -> bool {
        let at = self.window.base();
        self.window.alike(key, at, &mut self.alike);
        let stream = |&ordinal: &u64| self.window.get(ordinal).map(|slot| slot.which.stream);
        let mut streams = self.alike.iter().filter_map(stream);
        let first = streams.next();
        streams.any(|stream| Some(stream) != first)
    }

    fn report_order(&mut self, tally: &mut Tally) {
        for mark in self.turned.drain(..) {
            tally.out_of_order(self.number, mark);
        }
    }

    /// Looks an item up that isn't simply the next.
    fn resolve(
        &mut self,
        n: usize,
        found: Found,
        over: bool,
        tally: &mut Tally,
    ) -> Result<Step, VerifyError> {
        let at = self.lanes[n].at;
        let may_come = !over && self.window.end() < at + self.look;
        self.window.alike(found.key, at, &mut self.alike);
        if self.alike.is_empty() {
            return Ok(match may_come {
                true => Step::Wait,
                false => self.lost(n, over, tally),
            });
        }
        let alike = std::mem::take(&mut self.alike);
        let mut forward = std::mem::take(&mut self.forward);
        forward.clear();
        let (mut back, mut taken) = (None, None);
        for &ordinal in &alike {
            let Some(slot) = self.window.get(ordinal) else {
                continue;
            };
            if slot.taken {
                if ordinal < at || taken.is_none() {
                    taken = Some(ordinal);
                }
            } else if self.leads_on(n, ordinal, &slot.which) {
                forward.push(ordinal);
            } else {
                back = Some(ordinal);
            }
        }
        self.alike = alike;
        let best = self.best(n, &forward);
        self.forward = forward;
        if let Some(forward) = best? {
            let in_turn = !self.aside(n, forward)?;
            self.take(n, forward, found, in_turn, tally);
        } else if may_come {
            return Ok(Step::Wait);
        } else if let Some(back) = back {
            self.take(n, back, found, false, tally);
        } else if let Some(taken) = taken {
            self.repeated(n, taken, found, tally);
        }
        Ok(Step::On)
    }

    fn repeated(&mut self, n: usize, ordinal: u64, found: Found, tally: &mut Tally) {
        let which = self.window.get(ordinal).map(|slot| slot.which);
        let lane = &mut self.lanes[n];
        let at = which.map(|which| (ordinal, which));
        tally.count(Kind::Repeated, self.number, at, lane.feed.look());
        tally.spare(self.number, found.key);
        if let Some(which) = which {
            self.mark(n, ordinal, which, found.key, false, tally);
        }
        self.lanes[n].feed.advance();
    }

    /// An item that nobody expects, as far as the window tells.
    fn lost(&mut self, n: usize, over: bool, tally: &mut Tally) -> Step {
        let (end, grown) = (self.window.end(), tally.limits.grown);
        let single = self.single();
        let lane = &mut self.lanes[n];
        lane.lost += 1;
        if lane.lost >= PATIENCE && self.look < grown && !over {
            self.look = grown;
            if end < lane.at + grown {
                return Step::Wait;
            }
        }
        if single && !over && lane.lost > grown / 2 {
            // As much is gone as can be looked over: what is expected goes on, too.
            lane.at = (lane.at + 8).min(end);
        }
        let gap = lane.gap(self.number, !single, &mut tally.strays.gaps);
        if let Some(found) = lane.feed.peek(0).ok().flatten() {
            tally.stray(self.number, gap, found, lane.feed.look());
        }
        lane.feed.advance();
        Step::On
    }

    /// Lets go of what is too far behind; what wasn't found there is missing, for now.
    fn evict(&mut self, over: bool, tally: &mut Tally) {
        let mut open = self.lanes.iter().filter(|lane| !lane.ended);
        let below = match open.next() {
            None if over || self.lanes.is_empty() => u64::MAX,
            // Whatever comes is missing, and nobody will ask for what was.
            None => self.window.end(),
            Some(only) if self.single() => only.at.saturating_sub(tally.limits.behind),
            // A stream or a source that has but few records holds nothing of the others back.
            Some(first) => {
                let most = tally.limits.grown + 2 * tally.limits.behind;
                let oldest = self.window.end().saturating_sub(most);
                let at = open.map(|lane| lane.at).fold(first.at, u64::min);
                match self.tracks {
                    1 => at.saturating_sub(tally.limits.behind).max(oldest),
                    _ => oldest,
                }
            }
        };
        while self.window.base() < below {
            let Some((ordinal, slot)) = self.window.pop() else {
                return;
            };
            if slot.taken {
                continue;
            }
            if slot.excused {
                tally.rejected += 1;
                continue;
            }
            match self.missing.last_mut() {
                Some(last) if last.end == ordinal => last.end = ordinal + 1,
                _ => self.missing.push(ordinal..ordinal + 1),
            }
        }
    }
}
