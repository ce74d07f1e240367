//! One place of a sink: what is expected there beside what it holds, over a bounded window.
//!
//! Where a place has one source and all is well, the next expected record is the next item, and that
//! is all there is to it. Else an item is looked up by its key among the expected records of the
//! window: from [`Limits::behind`] before where its source stands to as many after it.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasherDefault, Hasher};
use std::ops::Range;

use super::VerifyError;
use super::expected::Slot;
use super::feed::{Feed, Found};
use super::order::{Mark, Order};
use super::tally::{Kind, Tally};
use crate::sink::read::Kept;

/// Items in a row that nobody expects, and something larger is wrong: the window grows.
const PATIENCE: u64 = 32;
/// Items of one source before the others have their turn.
const TURN: usize = 64;

/// How far an item may be from where it is expected.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// Expected records that are kept behind and looked at ahead.
    pub behind: u64,
    /// Those that are looked at once nothing fits any more.
    pub grown: u64,
}

impl Limits {
    /// Slots of all places together, roughly: 64 bytes each.
    const SLOTS: u64 = 1 << 19;

    pub fn of(places: usize) -> Limits {
        let grown = (Limits::SLOTS / places.max(1) as u64).max(256);
        Limits {
            behind: (grown / 8).clamp(64, 1 << 16),
            grown,
        }
    }
}

/// Keys are hashes already.
#[derive(Default)]
pub(super) struct Plain(u64);

impl Hasher for Plain {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.0 ^= u64::from_le_bytes(word);
        }
    }
    fn write_u128(&mut self, key: u128) {
        self.0 = key as u64;
    }
}

/// Hash maps by key.
pub(super) type ByKey<T> = HashMap<u128, T, BuildHasherDefault<Plain>>;

/// The ordinals of one key within the window, lowest first.
enum Ordinals {
    One(u64),
    Many(VecDeque<u64>),
}

/// What an item may be.
#[derive(Clone, Copy, Default)]
struct Choice {
    /// The next record with its key that wasn't found yet.
    forward: Option<u64>,
    /// The newest before it.
    back: Option<u64>,
    /// One that was.
    taken: Option<u64>,
}

/// A source on its way through the place.
struct Lane {
    feed: Feed,
    /// The ordinal that is expected next.
    at: u64,
    ended: bool,
    /// Items in a row that nobody expects.
    lost: u64,
    /// The gap between matches that is open.
    gap: Option<u32>,
    /// By stream, or one for all.
    orders: Vec<Option<Order>>,
}

enum Step {
    On,
    /// More has to be expected first.
    Wait,
    Over,
}

/// See the module.
pub(super) struct Place {
    number: u32,
    window: VecDeque<Slot>,
    /// Ordinal of the window's first.
    base: u64,
    index: ByKey<Ordinals>,
    /// Ordinals below are in the index, as far as they are in the window.
    indexed: u64,
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
            lost: 0,
            gap: None,
            orders: Vec::new(),
        };
        Place {
            number,
            window: VecDeque::new(),
            base: 0,
            index: ByKey::default(),
            indexed: 0,
            lanes: feeds.into_iter().map(lane).collect(),
            look: limits.behind,
            missing: Vec::new(),
            found: Vec::new(),
        }
    }

    /// The next record that is expected here.
    #[inline]
    pub fn push(&mut self, slot: Slot) {
        self.window.push_back(slot);
    }

    fn end(&self) -> u64 {
        self.base + self.window.len() as u64
    }

    /// Goes on as far as what is expected so far allows; `over` says that this is all.
    pub fn pump(&mut self, over: bool, tally: &mut Tally) -> Result<(), VerifyError> {
        'places: while let Some(n) = self.slowest() {
            for _ in 0..TURN {
                match self.step(n, over, tally)? {
                    Step::On => {}
                    Step::Over => {
                        self.lanes[n].ended = true;
                        break;
                    }
                    Step::Wait => break 'places,
                }
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
            [only] => (!only.ended).then_some(0),
            lanes => {
                let open = lanes.iter().enumerate().filter(|(_, lane)| !lane.ended);
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
                match self.window.get((lane.at - self.base) as usize) {
                    Some(slot) if slot.taken => lane.at += 1,
                    Some(slot) if slot.key == found.key => {
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
        let Some(slot) = self.window.get_mut((ordinal - self.base) as usize) else {
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
        self.index_all();
        let alone = self.lanes.len() == 1;
        let at = self.lanes[n].at;
        let may_come = !over && self.end() < at + self.look;
        let Some(ordinals) = self.index.get(&found.key) else {
            return match may_come {
                true => Ok(Step::Wait),
                false => Ok(self.lost(n, over, tally)),
            };
        };
        let choice = self.choose(ordinals, at);
        // Whether the item after it goes on where this one should have: it stands here out of turn.
        let aside = alone && choice.forward.is_some_and(|f| f > at) && {
            let next = self.lanes[n].feed.peek(1)?;
            let due = self.window.get((at - self.base) as usize);
            next.is_some_and(|next| due.is_some_and(|due| due.key == next.key))
        };
        match choice {
            Choice {
                forward: Some(_),
                taken: Some(taken),
                ..
            } if aside => {
                self.repeated(n, taken, tally);
            }
            Choice {
                forward: Some(forward),
                ..
            } => {
                if !aside {
                    self.lanes[n].at = forward + 1;
                }
                self.take(n, forward, found, tally);
            }
            _ if may_come => return Ok(Step::Wait),
            Choice {
                back: Some(back), ..
            } => self.take(n, back, found, tally),
            Choice {
                taken: Some(taken), ..
            } => self.repeated(n, taken, tally),
            Choice { .. } => return Ok(self.lost(n, over, tally)),
        }
        Ok(Step::On)
    }

    fn choose(&self, ordinals: &Ordinals, at: u64) -> Choice {
        /// Records with one key behind a source that are looked at.
        const BACK: usize = 256;
        let mut choice = Choice::default();
        let mut look = |ordinal: u64| {
            let Some(slot) = self.window.get((ordinal - self.base) as usize) else {
                return false;
            };
            match (slot.taken, ordinal >= at) {
                (true, _) => choice.taken = Some(ordinal),
                (false, true) => choice.forward = Some(ordinal),
                (false, false) => choice.back = Some(ordinal),
            }
            !slot.taken
        };
        match ordinals {
            Ordinals::One(ordinal) => {
                look(*ordinal);
            }
            Ordinals::Many(many) => {
                let here = many.partition_point(|&ordinal| ordinal < at);
                let _ = many.range(here..).any(|&ordinal| look(ordinal));
                let _ = many
                    .range(..here)
                    .rev()
                    .take(BACK)
                    .any(|&ordinal| look(ordinal));
            }
        }
        choice
    }

    fn repeated(&mut self, n: usize, ordinal: u64, tally: &mut Tally) {
        let slot = self.window.get((ordinal - self.base) as usize);
        let which = slot.map(|slot| (ordinal, slot.which));
        let lane = &mut self.lanes[n];
        tally.count(Kind::Repeated, self.number, which, lane.feed.look());
        lane.feed.advance();
    }

    /// An item that nobody expects, as far as the window tells.
    fn lost(&mut self, n: usize, over: bool, tally: &mut Tally) -> Step {
        let (end, grown) = (self.end(), tally.limits.grown);
        let alone = self.lanes.len() == 1;
        let lane = &mut self.lanes[n];
        lane.lost += 1;
        if lane.lost >= PATIENCE && self.look < grown && !over {
            self.look = grown;
            if end < lane.at + grown {
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
        lane.feed.advance();
        Step::On
    }

    fn index_all(&mut self) {
        let from = self.indexed.max(self.base);
        for (n, slot) in self.window.range((from - self.base) as usize..).enumerate() {
            let ordinal = from + n as u64;
            self.index
                .entry(slot.key)
                .and_modify(|there| match there {
                    Ordinals::One(first) => {
                        *there = Ordinals::Many(VecDeque::from([*first, ordinal]));
                    }
                    Ordinals::Many(many) => many.push_back(ordinal),
                })
                .or_insert(Ordinals::One(ordinal));
        }
        self.indexed = self.end();
    }

    /// Lets go of what is too far behind; what wasn't found there is missing, for now.
    fn evict(&mut self, over: bool, tally: &mut Tally) {
        let open = self.lanes.iter().filter(|lane| !lane.ended);
        let below = match open.map(|lane| lane.at).min() {
            Some(at) => at.saturating_sub(tally.limits.behind),
            None if over || self.lanes.is_empty() => u64::MAX,
            // Whatever comes is missing, and nobody will ask for what was.
            None => self.end(),
        };
        while self.base < below {
            let Some(slot) = self.window.pop_front() else {
                return;
            };
            let ordinal = self.base;
            self.base += 1;
            if ordinal < self.indexed
                && let Some(there) = self.index.get_mut(&slot.key)
            {
                let empty = match there {
                    Ordinals::One(_) => true,
                    Ordinals::Many(many) => {
                        many.pop_front();
                        many.is_empty()
                    }
                };
                if empty {
                    self.index.remove(&slot.key);
                }
            }
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
