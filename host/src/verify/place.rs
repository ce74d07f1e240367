//! One place of a sink: what is expected there beside what it holds, over a bounded window.
//!
//! Where a place has one source and all is well, the next expected record is the next item, and that
//! is all there is to it. Else an item is looked up by its key among the expected records of the
//! window: from [`Limits::behind`] before where its source stands to as many after it.

use std::ops::Range;

use super::VerifyError;
use super::expected::Slot;
use super::feed::{Feed, Found};
use super::order::{Mark, Order};
use super::tally::{Kind, Tally};
use super::window::{Choice, Limits, Window};
use crate::sink::read::Kept;

/// Items in a row that nobody expects, and something larger is wrong: the window grows.
const PATIENCE: u64 = 32;
/// Items of one source before the others have their turn.
const TURN: usize = 64;

/// A source on its way through the place.
struct Lane {
    feed: Feed,
    /// The ordinal that is expected next.
    at: u64,
    ended: bool,
    /// Its next item may be among what is expected later: it has its turn again then.
    waits: bool,
    /// How much was expected when it began to wait, where the place has several sources.
    since: Option<u64>,
    /// Items in a row that nobody expects.
    lost: u64,
    /// By stream: one past the highest sequence that was matched here.
    next: Vec<u64>,
    /// The gap between matches that is open.
    gap: Option<u32>,
    /// By stream, or one for all.
    orders: Vec<Option<Order>>,
}

impl Lane {
    /// Whether a record with the right key is surely the one: it may be a copy of one that has yet to
    /// come, where other streams have been faster.
    #[inline]
    fn follows(&self, slot: &Slot, kept: Kept) -> bool {
        kept != Kept::Stream || slot.which.sequence == self.next(slot.which.stream)
    }

    /// The lowest sequence of a stream that doesn't go back.
    #[inline]
    fn next(&self, stream: u32) -> u64 {
        self.next.get(stream as usize).copied().unwrap_or(0)
    }
}

enum Step {
    On,
    /// More has to be expected first.
    Wait,
    /// Others that are further behind have to be heard first.
    Yield,
    Over,
}

/// See the module.
pub(super) struct Place {
    number: u32,
    window: Window,
    lanes: Vec<Lane>,
    /// How far ahead an item is looked for.
    look: u64,
    /// Ordinals that were passed by.
    pub missing: Vec<Range<u64>>,
    found: Vec<Mark>,
}

impl Place {
    pub fn new(number: u32, feeds: Vec<Feed>, limits: Limits) -> Place {
        let lane = |feed| Lane {
            feed,
            at: 0,
            ended: false,
            waits: false,
            since: None,
            lost: 0,
            next: Vec::new(),
            gap: None,
            orders: Vec::new(),
        };
        Place {
            number,
            window: Window::new(),
            lanes: feeds.into_iter().map(lane).collect(),
            look: limits.behind,
            missing: Vec::new(),
            found: Vec::new(),
        }
    }

    /// The next record that is expected here.
    #[inline]
    pub fn push(&mut self, slot: Slot) {
        self.window.push(slot);
    }

    /// Goes on as far as what is expected so far allows; `over` says that this is all.
    pub fn pump(&mut self, over: bool, tally: &mut Tally) -> Result<(), VerifyError> {
        for lane in &mut self.lanes {
            lane.waits = false;
        }
        while let Some(n) = self.slowest() {
            for _ in 0..TURN {
                match self.step(n, over, tally)? {
                    Step::On => continue,
                    Step::Yield => {}
                    Step::Over => self.lanes[n].ended = true,
                    Step::Wait => self.lanes[n].waits = true,
                }
                break;
            }
        }
        self.evict(over, tally);
        Ok(())
    }

    /// What all its sources had to say is said.
    pub fn finish(&mut self, tally: &mut Tally) -> Result<(), VerifyError> {
        self.pump(true, tally)?;
        for lane in &mut self.lanes {
            for order in lane.orders.iter_mut().flatten() {
                order.settle(&mut self.found);
            }
        }
        self.report_order(tally);
        Ok(())
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
        let alone = self.lanes.len() == 1;
        let lane = &mut self.lanes[n];
        let Some(found) = lane.feed.peek(0)? else {
            return Ok(Step::Over);
        };
        if alone {
            loop {
                match self.window.get(lane.at) {
                    Some(slot) if slot.taken => lane.at += 1,
                    Some(slot) if slot.key == found.key && lane.follows(slot, tally.kept) => {
                        let at = lane.at;
                        lane.at += 1;
                        self.take(n, at, found, tally);
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
    fn take(&mut self, n: usize, ordinal: u64, found: Found, tally: &mut Tally) {
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
        if tally.kept == Kept::Stream {
            let stream = which.stream as usize;
            if lane.next.len() <= stream {
                lane.next.resize(stream + 1, 0);
            }
            lane.next[stream] = lane.next[stream].max(which.sequence + 1);
        }
        lane.since = None;
        if lane.lost > 0 {
            lane.lost = 0;
            self.look = tally.limits.behind;
        }
        if let Some(gap) = lane.gap.take() {
            tally.strays.close(gap, ordinal);
        }
        let (place, value) = match tally.kept {
            Kept::Nothing => (None, 0),
            Kept::Release => (Some(0), ordinal),
            Kept::Stream => (Some(which.stream as usize), which.sequence),
        };
        if let Some(place) = place {
            if lane.orders.len() <= place {
                lane.orders.resize_with(place + 1, || None);
            }
            let history = tally.history;
            let order = lane.orders[place].get_or_insert_with(|| Order::new(history));
            let mark = Mark {
                value,
                stream: which.stream,
                index: which.index,
                sequence: which.sequence,
            };
            order.push(mark, &mut self.found);
        }
        lane.feed.advance();
        if !self.found.is_empty() {
            self.report_order(tally);
        }
    }

    fn report_order(&mut self, tally: &mut Tally) {
        for mark in self.found.drain(..) {
            tally.out_of_order(self.number, &mark);
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
        let alone = self.lanes.len() == 1;
        let (at, end) = (self.lanes[n].at, self.window.end());
        let since = match alone {
            true => at,
            // Where records of the others lie between, an item may be far from the one before it.
            false => *self.lanes[n].since.get_or_insert(end),
        };
        let may_come = !over && end < since + self.look;
        let Some(choice) = self.choice(n, found, tally.kept) else {
            return match may_come {
                true => Ok(Step::Wait),
                false => Ok(self.lost(n, over, tally)),
            };
        };
        // Whether the item after it goes on where this one should have: it stands here out of turn.
        let aside = alone && choice.forward.is_some_and(|f| f > at) && {
            let next = self.lanes[n].feed.peek(1)?;
            let due = self.window.get(at);
            next.is_some_and(|next| due.is_some_and(|due| due.key == next.key))
        };
        match choice {
            Choice {
                forward: Some(_),
                taken: Some(taken),
                ..
            } if aside && tally.kept == Kept::Release => {
                self.repeated(n, taken, tally);
            }
            Choice {
                forward: Some(forward),
                ..
            } => {
                if !aside {
                    self.lanes[n].at = at.max(forward + 1);
                }
                self.take(n, forward, found, tally);
            }
            _ if may_come => return Ok(Step::Wait),
            Choice {
                back: Some(back), ..
            } => {
                // It may be another copy of what a source that is behind has yet to give.
                let behind = |lane: &Lane| !lane.ended && !lane.waits && lane.at <= back;
                if self.lanes.iter().any(behind) {
                    return Ok(Step::Yield);
                }
                self.take(n, back, found, tally);
            }
            Choice {
                taken: Some(taken), ..
            } => self.repeated(n, taken, tally),
            Choice { .. } => return Ok(self.lost(n, over, tally)),
        }
        Ok(Step::On)
    }

    /// What an item may be. Of several alike it is the first that doesn't go back: in its stream,
    /// where that alone is in order.
    fn choice(&mut self, n: usize, found: Found, kept: Kept) -> Option<Choice> {
        let lane = &self.lanes[n];
        let at = lane.at;
        self.window
            .find(found.key, at, |ordinal, which| match kept {
                Kept::Stream => which.sequence >= lane.next(which.stream),
                Kept::Release | Kept::Nothing => ordinal >= at,
            })
    }

    fn repeated(&mut self, n: usize, ordinal: u64, tally: &mut Tally) {
        let slot = self.window.get(ordinal);
        let which = slot.map(|slot| (ordinal, slot.which));
        let lane = &mut self.lanes[n];
        tally.count(Kind::Repeated, self.number, which, lane.feed.look());
        lane.since = None;
        lane.feed.advance();
    }

    /// An item that nobody expects, as far as the window tells.
    fn lost(&mut self, n: usize, over: bool, tally: &mut Tally) -> Step {
        let (end, grown) = (self.window.end(), tally.limits.grown);
        let alone = self.lanes.len() == 1;
        let lane = &mut self.lanes[n];
        lane.lost += 1;
        if lane.lost >= PATIENCE && self.look < grown && !over {
            self.look = grown;
            if end < lane.since.unwrap_or(lane.at) + grown {
                return Step::Wait;
            }
        }
        if alone && !over && lane.lost > grown / 2 {
            // As much is gone as can be looked over: what is expected goes on, too.
            lane.at = (lane.at + 8).min(end);
        }
        let gap = *lane
            .gap
            .get_or_insert_with(|| tally.strays.open(self.number, lane.at));
        if let Some(found) = lane.feed.peek(0).ok().flatten() {
            tally.stray(self.number, gap, found, lane.feed.look());
        }
        lane.since = None;
        lane.feed.advance();
        Step::On
    }

    /// Lets go of what is too far behind; what wasn't found there is missing, for now.
    fn evict(&mut self, over: bool, tally: &mut Tally) {
        let open = self.lanes.iter().filter(|lane| !lane.ended);
        // A source that has but few records holds nothing of the others back.
        let most = tally.limits.grown + 2 * tally.limits.behind;
        let oldest = match self.lanes.len() {
            1 => 0,
            _ => self.window.end().saturating_sub(most),
        };
        let below = match open.map(|lane| lane.at.max(oldest)).min() {
            Some(at) => at.saturating_sub(tally.limits.behind),
            None if over || self.lanes.is_empty() => u64::MAX,
            // Whatever comes is missing, and nobody will ask for what was.
            None => self.window.end(),
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
