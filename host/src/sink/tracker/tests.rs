use super::*;
use crate::record::made::batch;
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
fn what_is_in_flight_is_counted_by_slots_that_several_close() {
    let (tracker, receipts) = tracker();
    let one = tracker.begin(part(0, 4));
    let two = tracker.begin(part(4, 2));
    assert_eq!(
        tracker.load(),
        Load {
            records: 6,
            bytes: 6
        }
    );
    tracker.done(two, 2);
    tracker.done(one, 1);
    assert_eq!((receipts.settled(0), tracker.load().records), (0, 6));
    tracker.cut(one, 3);
    assert_eq!(tracker.load().records, 5);
    tracker.done(one, 2);
    assert_eq!(receipts.acknowledged(), 5);
    assert_eq!(tracker.load(), Load::default());
    assert!(tracker.idle());
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
