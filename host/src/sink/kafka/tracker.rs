//! From the broker's acknowledgements, which come message by message and out of order over
//! partitions, to settled records, which go in order.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use crate::record::Part;
use crate::sink::{Receipts, Rejection};

/// A slot is of at most 2 to this many records: small, since it is settled as one.
const SLOT_BITS: u32 = 10;
/// Records of a slot, at most.
pub(super) const SLOT: usize = 1 << SLOT_BITS;
/// No slot's number.
const NONE: usize = usize::MAX;
/// A waiter looks again after that long, whatever was said.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

// A message's number is its slot's and its place there. It may never wrap.
const _: () = assert!(usize::BITS >= 64);

/// What a message carries to its delivery report.
pub(super) fn number(slot: usize, place: usize) -> usize {
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

/// The newest thing that librdkafka complained about.
#[derive(Clone, Debug)]
pub(super) struct Trouble {
    /// In its words.
    pub(super) reason: String,
    /// Whether waiting won't mend it: a wrong password, a certificate.
    pub(super) hopeless: bool,
}

/// Acknowledgements of successive messages of one slot, counted without a lock. Only the thread
/// that polls changes it, so plain loads and stores do.
#[derive(Default)]
struct Streak {
    slot: AtomicUsize,
    count: AtomicU32,
    open: AtomicU32,
}

/// What is in flight.
pub(super) struct Tracker {
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
    pub(super) fn new(receipts: Arc<Receipts>) -> Tracker {
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
    pub(super) fn begin(&self, part: Part) -> usize {
        let mut slots = lock(&self.slots);
        let open = part.len() as u32;
        slots.list.push_back(Slot {
            part,
            open,
            rejections: Vec::new(),
        });
        slots.first + slots.list.len() - 1
    }

    /// Only the first `sent` records of the slot are on their way; the others aren't part of it.
    pub(super) fn cut(&self, slot: usize, sent: usize) {
        if let Some(slot) = lock(&self.slots).get(slot) {
            let unsent = slot.part.len() - sent;
            slot.part.range.end -= unsent;
            slot.open = slot.open.saturating_sub(unsent as u32);
        }
        self.settle();
    }

    /// The broker has the message. Called by one thread at a time.
    #[inline]
    pub(super) fn acknowledged(&self, number: usize) {
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
    pub(super) fn flush(&self) {
        self.turn(NONE);
        self.settle();
    }

    /// The message will never be taken.
    pub(super) fn rejected(&self, number: usize, reason: String) {
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
    pub(super) fn fail(&self, reason: impl FnOnce(Option<&Trouble>) -> String) {
        let mut slots = lock(&self.slots);
        if slots.failure.is_none() {
            slots.failure = Some(reason(slots.trouble.as_ref()));
        }
        drop(slots);
        self.changed.notify_one();
    }

    /// Why the emulation can't go on, if it can't.
    pub(super) fn failure(&self) -> Option<String> {
        lock(&self.slots).failure.clone()
    }

    /// librdkafka complains, and goes on trying.
    pub(super) fn complain(&self, trouble: Trouble) {
        let mut slots = lock(&self.slots);
        // What won't mend itself isn't buried below its consequences ("all brokers are down").
        if trouble.hopeless || !slots.trouble.as_ref().is_some_and(|known| known.hopeless) {
            slots.trouble = Some(trouble);
        }
    }

    /// What librdkafka complained about last.
    pub(super) fn trouble(&self) -> Option<Trouble> {
        lock(&self.slots).trouble.clone()
    }

    /// Whether nothing is in flight.
    pub(super) fn idle(&self) -> bool {
        lock(&self.slots).list.is_empty()
    }

    /// Waits until something was settled or failed since the last wait, or a moment has passed.
    /// For one waiter.
    pub(super) async fn changed(&self) {
        let _ = tokio::time::timeout(LOOK_AGAIN, self.changed.notified()).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encode::tests::batch;
    use crate::telemetry::{Clock, Lateness};

    fn tracker() -> (Tracker, Arc<Receipts>) {
        let receipts = Arc::new(Receipts::new(
            &[0],
            Clock::start(),
            Lateness::new().unwrap(),
            None,
        ));
        (Tracker::new(Arc::clone(&receipts)), receipts)
    }

    fn part(first: u64, records: usize) -> Part {
        let batch = Arc::new(batch(&vec!["r"; records], first));
        Part {
            range: 0..records,
            batch,
            pace: None,
        }
    }

    #[test]
    fn settles_in_order_whatever_order_messages_come_in() {
        let (tracker, receipts) = tracker();
        let one = tracker.begin(part(0, 3));
        let two = tracker.begin(part(3, 2));
        let three = tracker.begin(part(5, 1));
        for (slot, place, settled) in [
            (two, 1, 0),
            (one, 0, 0),
            (three, 0, 0),
            (two, 0, 0),
            (one, 2, 0),
        ] {
            tracker.acknowledged(number(slot, place));
            assert_eq!(receipts.settled(0), settled);
        }
        tracker.acknowledged(number(one, 1));
        assert_eq!(receipts.settled(0), 6);
        assert_eq!(receipts.acknowledged(), 6);
        assert!(tracker.idle());
    }

    #[test]
    fn refused_records_are_settled_and_not_counted() {
        let (tracker, receipts) = tracker();
        let slot = tracker.begin(part(0, 4));
        tracker.acknowledged(number(slot, 0));
        tracker.rejected(number(slot, 3), "too large".to_owned());
        tracker.acknowledged(number(slot, 1));
        tracker.rejected(number(slot, 2), "too large".to_owned());
        tracker.flush();
        assert_eq!(
            (
                receipts.settled(0),
                receipts.acknowledged(),
                receipts.rejected()
            ),
            (4, 2, 2)
        );
    }

    #[test]
    fn what_was_not_sent_is_not_settled() {
        let (tracker, receipts) = tracker();
        let slot = tracker.begin(part(0, 5));
        tracker.acknowledged(number(slot, 0));
        tracker.cut(slot, 2);
        tracker.acknowledged(number(slot, 1));
        assert_eq!(
            receipts.settled(0),
            0,
            "the count before the cut may wait for the next poll"
        );
        tracker.flush();
        assert_eq!((receipts.settled(0), receipts.acknowledged()), (2, 2));
        assert!(tracker.idle());
        let empty = tracker.begin(part(2, 5));
        tracker.cut(empty, 0);
        assert!(tracker.idle());
        assert_eq!(receipts.settled(0), 2);
    }

    #[test]
    fn a_failed_message_holds_back_what_follows() {
        let (tracker, receipts) = tracker();
        let one = tracker.begin(part(0, 2));
        let two = tracker.begin(part(2, 1));
        tracker.acknowledged(number(one, 0));
        tracker.complain(Trouble {
            reason: "wrong password".to_owned(),
            hopeless: true,
        });
        tracker.complain(Trouble {
            reason: "all down".to_owned(),
            hopeless: false,
        });
        tracker.fail(|trouble| format!("first: {}", trouble.unwrap().reason));
        tracker.fail(|_| "second".to_owned());
        tracker.acknowledged(number(two, 0));
        tracker.flush();
        assert_eq!(receipts.settled(0), 0);
        assert_eq!(tracker.failure().as_deref(), Some("first: wrong password"));
    }
}
