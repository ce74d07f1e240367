//! From a service's acknowledgements, which come message by message and out of order over
//! partitions, connections and retries, to settled records, which go in order.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use super::{Receipts, Rejection};
use crate::record::Part;

/// A slot is of at most 2 to this many records: small, since it is settled as one.
const SLOT_BITS: u32 = 10;
/// Records of a slot, at most.
pub(crate) const SLOT: usize = 1 << SLOT_BITS;

/// The records of a part from a sequence on, as parts that each fit a slot.
pub(crate) fn slots(part: &Part, from: u64) -> impl Iterator<Item = Part> + use<> {
    let mut part = part.clone();
    part.skip_below(from);
    let end = part.range.end;
    part.range.clone().step_by(SLOT).map(move |start| Part {
        range: start..end.min(start + SLOT),
        ..part.clone()
    })
}
/// No slot's number.
const NONE: usize = usize::MAX;
/// A waiter looks again after that long, whatever was said.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

// A message's number is its slot's and its place there. It may never wrap.
const _: () = assert!(usize::BITS >= 64);

/// What a message carries to its delivery report.
pub(crate) fn number(slot: usize, place: usize) -> usize {
    slot << SLOT_BITS | place
}

struct Slot {
    part: Part,
    /// Messages that nothing is known of yet.
    open: u32,
    rejections: Vec<Rejection>,
}

#[derive(Default)]
struct Slots {
    /// Number of the first in the list.
    first: usize,
    list: VecDeque<Slot>,
    load: Load,
    failure: Option<String>,
    trouble: Option<Trouble>,
}

impl Slots {
    fn get(&mut self, slot: usize) -> Option<&mut Slot> {
        self.list.get_mut(slot.checked_sub(self.first)?)
    }

    fn close(&mut self, slot: usize, messages: u32) {
        if let Some(slot) = self.get(slot) {
            slot.open = slot.open.saturating_sub(messages);
        }
    }
}

/// How much is in flight.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Load {
    /// Records that aren't settled.
    pub(crate) records: usize,
    /// Their bytes.
    pub(crate) bytes: u64,
}

impl Load {
    fn add(&mut self, part: &Part) {
        self.records += part.len();
        self.bytes += part.bytes();
    }

    fn take(&mut self, part: &Part) {
        self.records = self.records.saturating_sub(part.len());
        self.bytes = self.bytes.saturating_sub(part.bytes());
    }
}

/// The newest thing that the client of a service complained about.
#[derive(Clone, Debug)]
pub(crate) struct Trouble {
    /// In its words.
    pub(crate) reason: String,
    /// Whether waiting won't mend it: a wrong password, a certificate.
    pub(crate) hopeless: bool,
}

/// Acknowledgements of successive messages of one slot, counted without a lock. Only the one thread
/// that calls [`Tracker::acknowledged`] changes it, so plain loads and stores do.
#[derive(Default)]
struct Streak {
    slot: AtomicUsize,
    count: AtomicU32,
    open: AtomicU32,
}

/// What is in flight.
pub(crate) struct Tracker {
    receipts: Arc<Receipts>,
    slots: Mutex<Slots>,
    streak: Streak,
    /// Held while slots are settled, so that they are in order whichever thread does it.
    settling: Mutex<()>,
    changed: Notify,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Tracker {
    pub(crate) fn new(receipts: Arc<Receipts>) -> Tracker {
        let streak = Streak {
            slot: AtomicUsize::new(NONE),
            ..Streak::default()
        };
        Tracker {
            receipts,
            slots: Mutex::default(),
            streak,
            settling: Mutex::default(),
            changed: Notify::new(),
        }
    }

    /// Takes a part of at most [`SLOT`] records that is about to be sent; gives the slot's number.
    pub(crate) fn begin(&self, part: Part) -> usize {
        let mut slots = lock(&self.slots);
        let open = part.len() as u32;
        slots.load.add(&part);
        slots.list.push_back(Slot {
            part,
            open,
            rejections: Vec::new(),
        });
        slots.first + slots.list.len() - 1
    }

    /// Only the first `sent` records of the slot are on their way; the others aren't part of it.
    pub(crate) fn cut(&self, slot: usize, sent: usize) {
        let mut slots = lock(&self.slots);
        let mut cut = None;
        if let Some(slot) = slots.get(slot) {
            let unsent = slot.part.len() - sent;
            let mut rest = slot.part.clone();
            rest.range.start = rest.range.end - unsent;
            slot.part.range.end -= unsent;
            slot.open = slot.open.saturating_sub(unsent as u32);
            cut = Some(rest);
        }
        if let Some(rest) = cut {
            slots.load.take(&rest);
        }
        drop(slots);
        self.settle();
    }

    /// The service has that many messages of the slot. For any thread; [`Tracker::acknowledged`] is
    /// for one alone, and cheaper message by message.
    pub(crate) fn done(&self, slot: usize, messages: u32) {
        let mut slots = lock(&self.slots);
        slots.close(slot, messages);
        // Whoever closes the first settles what follows it.
        let first = slots.first == slot;
        drop(slots);
        if first {
            self.settle();
        }
    }

    /// The service has the message. Called by one thread at a time.
    #[inline]
    pub(crate) fn acknowledged(&self, number: usize) {
        let slot = number >> SLOT_BITS;
        if self.streak.slot.load(Relaxed) != slot {
            self.turn(slot);
        }
        let count = self.streak.count.load(Relaxed) + 1;
        self.streak.count.store(count, Relaxed);
        if count == self.streak.open.load(Relaxed) {
            self.flush();
        }
    }

    /// Adds what was counted of one slot, and goes on with another.
    fn turn(&self, slot: usize) {
        let mut slots = lock(&self.slots);
        slots.close(
            self.streak.slot.load(Relaxed),
            self.streak.count.load(Relaxed),
        );
        let open = slots.get(slot).map_or(u32::MAX, |slot| slot.open);
        self.streak.slot.store(slot, Relaxed);
        self.streak.count.store(0, Relaxed);
        self.streak.open.store(open, Relaxed);
    }

    /// Settles everything that was counted. Called by the thread that polls.
    pub(crate) fn flush(&self) {
        self.turn(NONE);
        self.settle();
    }

    /// The message will never be taken.
    pub(crate) fn rejected(&self, number: usize, reason: String) {
        if let Some(slot) = lock(&self.slots).get(number >> SLOT_BITS) {
            let record = slot.part.range.start + (number & (SLOT - 1));
            slot.rejections.push(Rejection { record, reason });
            slot.open = slot.open.saturating_sub(1);
        }
        self.settle();
    }

    fn settle(&self) {
        let turn = lock(&self.settling);
        let mut any = false;
        loop {
            let mut slots = lock(&self.slots);
            if slots.list.front().is_none_or(|slot| slot.open > 0) {
                break;
            }
            slots.first += 1;
            let done = slots.list.pop_front();
            if let Some(slot) = &done {
                slots.load.take(&slot.part);
            }
            drop(slots);
            if let Some(mut slot) = done.filter(|slot| !slot.part.is_empty()) {
                slot.rejections.sort_by_key(|rejection| rejection.record);
                self.receipts.settle(&slot.part, &slot.rejections);
            }
            any = true;
        }
        drop(turn);
        if any {
            self.changed.notify_one();
        }
    }

    /// The emulation can't go on, for that reason. The first one counts.
    pub(crate) fn fail(&self, reason: impl FnOnce(Option<&Trouble>) -> String) {
        let mut slots = lock(&self.slots);
        if slots.failure.is_none() {
            slots.failure = Some(reason(slots.trouble.as_ref()));
        }
        drop(slots);
        self.changed.notify_one();
    }

    /// Why the emulation can't go on, if it can't.
    pub(crate) fn failure(&self) -> Option<String> {
        lock(&self.slots).failure.clone()
    }

    /// The client complains, and goes on trying.
    pub(crate) fn complain(&self, trouble: Trouble) {
        let mut slots = lock(&self.slots);
        // What won't mend itself isn't buried below its consequences ("all brokers are down").
        if trouble.hopeless || !slots.trouble.as_ref().is_some_and(|known| known.hopeless) {
            slots.trouble = Some(trouble);
        }
    }

    /// What the client complained about last.
    pub(crate) fn trouble(&self) -> Option<Trouble> {
        lock(&self.slots).trouble.clone()
    }

    /// How much is in flight.
    pub(crate) fn load(&self) -> Load {
        lock(&self.slots).load
    }

    /// Whether nothing is in flight.
    pub(crate) fn idle(&self) -> bool {
        lock(&self.slots).list.is_empty()
    }

    /// Waits until something was settled or failed since the last wait, or a moment has passed.
    /// For one waiter.
    pub(crate) async fn changed(&self) {
        let _ = tokio::time::timeout(LOOK_AGAIN, self.changed.notified()).await;
    }
}

#[cfg(test)]
mod tests;
