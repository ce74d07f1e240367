//! What holds for any log.

use std::sync::Arc;

use proptest::prelude::*;

use super::super::*;
use super::{S, begin};

fn rates() -> impl Strategy<Value = Rate> {
    prop_oneof![
        (1u64..5_000, 1u64..5_000).prop_map(|(n, d)| Rate::new(n, d * 1_000_000).unwrap()),
        (1u64..2_000_000, Just(S)).prop_map(|(n, d)| Rate::new(n, d).unwrap()),
    ]
}

fn maybe() -> impl Strategy<Value = Rate> {
    prop_oneof![1 => Just(Rate::ZERO), 4 => rates()]
}

fn profiles() -> impl Strategy<Value = Profile> {
    let stages = prop::collection::vec(
        (1u64..100 * S, maybe(), maybe()).prop_map(|(length, from, to)| Stage { length, from, to }),
        1..5,
    );
    let sorted = |a: Rate, b: Rate| {
        if a.per_second() < b.per_second() {
            (a, b)
        } else {
            (b, a)
        }
    };
    prop_oneof![
        rates().prop_map(Profile::constant),
        (1u64..10 * S, 1u64..20).prop_map(|(period, records)| Profile::every(period, records)),
        rates().prop_map(Profile::poisson),
        stages.prop_map(Profile::stages),
        (rates(), maybe(), 1_000_000u64..100 * S, 0u64..200 * S).prop_map(
            move |(a, b, period, peak)| {
                let (low, high) = sorted(a, b);
                Profile::sine(low, high, period, peak)
            }
        ),
        (rates(), maybe(), 1u64..10 * S, 1u64..10 * S)
            .prop_map(|(peak, base, a, b)| { Profile::burst(peak, base, a.max(b), a.min(b)) }),
        (1u64..S).prop_map(Profile::max),
    ]
    .prop_filter_map("a profile that can't be", Result::ok)
}

/// A log with a few changes, each from a tick on that lies past what came before.
fn logs() -> impl Strategy<Value = Schedule> {
    let change = (0u64..300, prop::option::of(profiles()), 0u64..10 * S);
    (profiles(), prop::collection::vec(change, 0..4)).prop_map(|(profile, changes)| {
        let mut log = begin(profile);
        log.due_from(0, 0);
        let mut tick = 0;
        for (more, profile, by) in changes {
            tick += more;
            match profile {
                Some(profile) if log.time_of(tick, 7) != Nanos::MAX => {
                    let released = log.time_of(tick / 2, 7);
                    log.set_load(profile, tick, 7, released, by);
                }
                _ => log.shift(tick, by),
            }
        }
        log
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn neither_time_descends(log in logs()) {
        let (mut times, mut told) = (Vec::new(), Vec::new());
        Cursor::new(&Arc::new(log), Bound::default(), 7, 0, 1).fill(2_000, Nanos::MAX, &mut times, &mut told);
        prop_assert!(times.is_sorted());
        prop_assert!(told.is_sorted());
    }

    #[test]
    fn streams_together_are_the_profile(log in logs(), streams in 1u32..9, calls in prop::collection::vec(1usize..200, 1..20)) {
        let log = Arc::new(log);
        for stream in 0..streams {
            let mut cursor = Cursor::new(&log, Bound::default(), 7, stream, streams);
            let (mut times, mut told) = (Vec::new(), Vec::new());
            for &n in &calls {
                cursor.fill(n, Nanos::MAX, &mut times, &mut told);
            }
            for (i, &time) in times.iter().enumerate() {
                let tick = i as u64 * u64::from(streams) + u64::from(stream);
                prop_assert_eq!(time, log.time_of(tick, 7), "tick {}", tick);
            }
        }
    }

    #[test]
    fn to_seek_is_to_walk(log in logs(), places in prop::collection::vec(0u64..1_000, 1..30)) {
        let log = Arc::new(log);
        let mut walked = (Vec::new(), Vec::new());
        Cursor::new(&log, Bound::default(), 7, 1, 3).fill(1_003, Nanos::MAX, &mut walked.0, &mut walked.1);
        let mut cursor = Cursor::new(&log, Bound::default(), 7, 1, 3);
        for place in places {
            cursor.seek(place);
            let (mut times, mut told) = (Vec::new(), Vec::new());
            let given = cursor.fill(3, Nanos::MAX, &mut times, &mut told);
            let all = walked.0.len().min(place as usize + 3);
            let from = all.min(place as usize);
            prop_assert_eq!(&times, &walked.0[from..all]);
            prop_assert_eq!(&told, &walked.1[from..all]);
            prop_assert_eq!(cursor.index(), place + given as u64);
        }
    }

    #[test]
    fn to_count_is_to_walk(log in logs(), n in 0u64..1_000, off in 0u64..3, streams in 1u32..5) {
        let log = Arc::new(log);
        let time = log.time_of(n, 7);
        prop_assume!(time != Nanos::MAX);
        let below = (time + off).saturating_sub(1);
        let ticks = log.ticks_below(below, 7, &Bound::default());
        // With very many at one instant the walk would be long; the edges say the same.
        prop_assert!(ticks == 0 || log.time_of(ticks - 1, 7) < below);
        prop_assert!(log.time_of(ticks, 7) >= below);
        let each: u64 = (0..streams)
            .map(|s| Cursor::new(&log, Bound::default(), 7, s, streams).count_below(below))
            .sum();
        prop_assert_eq!(each, ticks);
    }

    #[test]
    fn nothing_is_given_past_ahead_or_a_bound(log in logs(), ahead in 0u64..200 * S, ticks in 1u64..2_000, time in 1u64..100 * S, event in 0u64..200 * S) {
        let bound = Bound { ticks: Some(ticks), time: Some(time), event_time: Some(1_000 * S + event) };
        let mut cursor = Cursor::new(&Arc::new(log), bound, 7, 0, 1);
        let (mut times, mut told) = (Vec::new(), Vec::new());
        cursor.fill(3_000, ahead, &mut times, &mut told);
        prop_assert!(times.iter().all(|&t| t <= ahead && t < time));
        prop_assert!(told.iter().all(|&e| e < 1_000 * S + event));
        prop_assert!(times.len() as u64 <= ticks);
        prop_assert!(times.len() == 3_000 || cursor.peek().is_none_or(|next| next > ahead));
    }

    #[test]
    fn a_longer_log_changes_nothing_before_it(log in logs(), profile in profiles(), more in 0u64..300) {
        let tick = log.segments().last().unwrap().from_tick + more;
        prop_assume!(log.time_of(tick, 7) != Nanos::MAX);
        let mut longer = log.clone();
        longer.set_load(profile, tick, 7, 0, 0);
        for n in 0..tick {
            prop_assert_eq!(log.time_of(n, 7), longer.time_of(n, 7));
        }
        let mut cursor = Cursor::new(&Arc::new(log), Bound::default(), 7, 0, 1);
        cursor.seek(tick);
        cursor.set_log(&Arc::new(longer.clone()));
        prop_assert_eq!(cursor.peek().unwrap_or(Nanos::MAX), longer.time_of(tick, 7));
    }
}
