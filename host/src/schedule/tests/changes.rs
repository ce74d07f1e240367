//! Pauses, crashes and other loads, as the log takes them.

use std::sync::Arc;

use super::super::*;
use super::{S, begin, rate};

#[test]
fn a_shift_moves_event_time_and_nothing_else() {
    let mut log = begin(Profile::constant(rate("10/s")).unwrap());
    let before = log.time_of(500, 0);
    log.shift(20, 5 * S);
    assert_eq!(log.time_of(500, 0), before);
    let (mut times, mut told) = (Vec::new(), Vec::new());
    Cursor::new(&Arc::new(log.clone()), Bound::default(), 0, 0, 1).fill(
        30,
        Nanos::MAX,
        &mut times,
        &mut told,
    );
    assert_eq!(
        (told[19] - times[19], told[20] - times[20]),
        (1_000 * S, 1_005 * S)
    );
    let mut kept = Schedule::begin(
        log.segments()[0].profile.clone(),
        Speed::Times(1.0),
        Gap::Keep,
        0,
    );
    kept.shift(20, 5 * S);
    assert_eq!(
        kept.segments().len(),
        1,
        "a log that keeps has nothing to tell"
    );
}

#[test]
fn a_pause_keeps_what_was_overdue_overdue() {
    let mut log = begin(Profile::constant(rate("10/s")).unwrap());
    log.due_from(0, 100 * S);
    // At 105 s everything below 5 s of profile time is due, and released up to 4 s.
    log.resume(60, 4 * S, 105 * S, 165 * S);
    let pace = log.pace_at(165 * S).unwrap();
    assert_eq!((pace.due(4 * S), pace.due(5 * S)), (164 * S, 165 * S));
    assert_eq!(log.event_origin(), 1_060 * S);
}

#[test]
fn another_load_holds_at_once_for_due_instants_and_for_event_times_from_what_is_not_generated() {
    let mut log = begin(Profile::constant(rate("10/s")).unwrap());
    log.due_from(0, 0);
    // 100 ticks generated, 51 released, at 5.05 s.
    log.set_load(
        Profile::constant(rate("100/s")).unwrap(),
        100,
        0,
        5_050_000_000,
        5_050_000_000,
    );
    assert_eq!(
        log.time_of(99, 0),
        9_900_000_000,
        "what is generated keeps its time"
    );
    assert_eq!(
        log.time_of(100, 0),
        9_910_000_000,
        "one step of the new load further"
    );
    assert_eq!(log.time_of(200, 0), 10_910_000_000);
    let now = 5_050_000_000;
    let pace = log.pace_at(now).unwrap();
    // The first that isn't released falls one new step from now, before it would have.
    assert!(pace.due(5_100_000_000).abs_diff(now + 10_000_000) < 100);
    // The 49 that were generated take 490 ms, and then the new load goes on.
    assert!(pace.due(9_910_000_000).abs_diff(now + 500_000_000) < 100);
    let later = log.pace_at(now + S).unwrap();
    assert!(later.due(10_910_000_000).abs_diff(now + 1_500_000_000) < 100);
}

#[test]
fn a_slow_load_does_not_hold_back_a_fast_one() {
    let mut log = begin(Profile::constant(rate("1/h")).unwrap());
    log.due_from(0, 0);
    // Tick 0 was released, tick 1 is due in 59 minutes and isn't generated.
    log.set_load(Profile::constant(rate("1000/s")).unwrap(), 1, 0, S, 60 * S);
    assert_eq!(log.time_of(1, 0), 60 * S, "event time goes with the wall");
    let pace = log.pace_at(60 * S).unwrap();
    assert!(pace.due(60 * S) <= 60 * S + 1_000_000);
}

#[test]
fn the_log_survives_the_state() {
    let mut log = begin(Profile::sine(Rate::ZERO, rate("3/min"), 86_400 * S, 5).unwrap());
    log.due_from(0, 7);
    log.shift(3, 77);
    log.set_load(Profile::poisson(rate("7/min")).unwrap(), 10, 1, 0, 8);
    log.set_horizon(horizon(99));
    log.set_seam(5);
    let text = serde_json::to_string(&log).unwrap();
    let back: Schedule = serde_json::from_str(&text).unwrap();
    assert_eq!(back, log);
    assert_eq!(serde_json::to_string(&back).unwrap(), text);
    assert!((0..100).all(|n| back.time_of(n, 1) == log.time_of(n, 1)));
}

fn horizon(seconds: u64) -> Horizon {
    Horizon {
        order: seconds * S,
        wall: 2_000 * S + seconds,
    }
}

#[test]
fn a_horizon_only_moves_on_and_only_where_event_time_shifts() {
    let profile = Profile::constant(rate("10/s")).unwrap();
    let mut log = Schedule::begin(profile.clone(), Speed::Times(60.0), Gap::Shift, 0);
    assert_eq!(log.horizon().map(|h| h.order), Some(0));
    log.set_horizon(horizon(70));
    log.set_horizon(horizon(50));
    assert_eq!(log.horizon(), Some(horizon(70)));
    for mut log in [
        Schedule::begin(profile.clone(), Speed::Times(1.0), Gap::Keep, 0),
        Schedule::begin(profile, Speed::Max, Gap::Shift, 0),
        Schedule::begin(Profile::max(1).unwrap(), Speed::Times(1.0), Gap::Shift, 0),
    ] {
        log.set_horizon(horizon(1));
        assert_eq!(log.horizon(), None);
    }
}

#[test]
fn a_backfill_is_due_by_its_event_times_whatever_lies_between() {
    let profile = Profile::constant(rate("10/s")).unwrap();
    let mut log = Schedule::begin(profile, Speed::Max, Gap::Keep, 1_000 * S);
    // The wall stands at event time 1,500 s.
    log.due_from(500 * S, 7 * S);
    let on_the_wall = |log: &Schedule, now: Nanos| log.pace_at(now).unwrap().order_at(now);
    assert_eq!(on_the_wall(&log, 17 * S), 510 * S);
    log.resume(60, 4 * S, 10 * S, 20 * S);
    assert_eq!(on_the_wall(&log, 27 * S), 520 * S, "a pause is made up for");
    let fast = Profile::constant(rate("100/s")).unwrap();
    log.set_load(fast, 6_000, 0, 510 * S, 17 * S);
    assert_eq!(on_the_wall(&log, 37 * S), 530 * S);
    assert_eq!(log.event_origin(), 1_000 * S);
    log.set_seam(520 * S);
    log.set_seam(530 * S);
    assert_eq!(log.seam(), Some(520 * S), "the first one holds");
}
