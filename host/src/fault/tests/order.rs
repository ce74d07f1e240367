//! Order, sequence and restarts with every fault at once, against a plain model: sort everything.

use super::super::corrupt::damage;
use super::super::windows::Passed;
use super::*;

/// What has to come out: every record and copy with its order, sorted.
fn model(faults: &Faults, times: &[Nanos], empty: u64) -> Vec<Released> {
    let sequencer = Sequencer::new(faults.clone(), 11, 3);
    let mut all = Vec::new();
    for (index, &time) in times.iter().enumerate() {
        let index = index as u64;
        if empty > 0 && index.is_multiple_of(empty) {
            continue;
        }
        let one = batch(index, &[time], 0);
        let (fate, windows) = (sequencer.fate(&one, 0), sequencer.windows_of(&one, 0));
        if fate.dropped {
            continue;
        }
        let mut bytes = one.payload.clone();
        if let Some(drawn) = fate.corrupted {
            let kinds = &faults.corrupt.as_ref().unwrap().kinds;
            damage(&one.payload, kinds, drawn, &mut bytes).unwrap();
        }
        let order = time + fate.late + fate.back;
        let mut come = |copy: u8, order: Nanos, behind: u64| {
            let order = match behind {
                0 => order,
                n => order.max(times.get((index + n) as usize).or(times.last()).unwrap() + 1),
            };
            if let Passed::At(order) = sequencer.windows.pass(windows, order) {
                let text = String::from_utf8(bytes.clone()).unwrap();
                all.push((order, index, copy, text));
            }
        };
        come(0, order, fate.behind);
        if fate.copied {
            match faults.duplicate.as_ref().unwrap().after {
                After::Records(n) => come(1, order, n.max(fate.behind)),
                After::Time(time) => come(1, order + time, fate.behind),
            }
        }
    }
    all.sort();
    all
}

fn scopes() -> impl Strategy<Value = Scope> {
    let channels = prop::option::weighted(0.2, prop::collection::vec(0u8..5, 1..4));
    let streams = prop::option::weighted(0.1, prop::collection::vec(2u32..4, 1..2));
    let between = prop::option::weighted(0.2, (0u64..100, 100u64..400));
    (channels, streams, between).prop_map(|(channels, streams, between)| Scope {
        channels,
        streams,
        between,
    })
}

pub(super) fn faults() -> impl Strategy<Value = Faults> {
    let share = || prop_oneof![Just(0.0), Just(1.0), 0.0..0.5];
    let after = prop_oneof![
        (0u64..6).prop_map(After::Records),
        (0u64..40).prop_map(After::Time)
    ];
    let within = prop_oneof![
        (1u64..6).prop_map(Within::Records),
        (1u64..40).prop_map(Within::Time)
    ];
    let duplicate = (share(), after, scopes()).prop_map(|(share, after, scope)| Duplicate {
        share,
        after,
        scope,
    });
    let late = (share(), 0u64..20, 0u64..40, scopes()).prop_map(|(share, min, more, scope)| Late {
        share,
        min,
        max: min + more,
        scope,
    });
    let reorder = (share(), within, scopes()).prop_map(|(share, within, scope)| Reorder {
        share,
        within,
        scope,
    });
    let drop = (0.0..0.5, scopes()).prop_map(|(share, scope)| Drop { share, scope });
    let corrupt = (share(), scopes()).prop_map(|(share, scope)| Corrupt {
        share,
        kinds: Kind::ALL.map(|kind| (kind, 1)).to_vec(),
        scope,
    });
    let gap =
        (1u64..20, 1u64..40, share(), scopes()).prop_map(|(length, more, share, scope)| Gap {
            every: length + more,
            length,
            share,
            scope,
        });
    let burst =
        (1u64..20, 0u64..40, share(), scopes()).prop_map(|(length, more, share, scope)| Burst {
            every: length + more,
            length,
            share,
            scope,
        });
    let held = (
        prop::option::of(duplicate),
        prop::option::of(late),
        prop::option::of(reorder),
    );
    let lost = (prop::option::of(drop), prop::option::of(corrupt));
    let windows = (prop::option::of(gap), prop::option::of(burst));
    (held, lost, windows).prop_map(
        |((duplicate, late, reorder), (drop, corrupt), (gap, burst))| Faults {
            duplicate,
            late,
            reorder,
            drop,
            corrupt,
            gap,
            burst,
        },
    )
}

pub(super) fn instants() -> impl Strategy<Value = Vec<Nanos>> {
    // Many at the same instant, as at a beat.
    prop::collection::vec(prop_oneof![2 => Just(0u64), 1 => 1u64..12], 1..120).prop_map(|steps| {
        let sum = |at: &mut Nanos, step| {
            *at += step;
            Some(*at)
        };
        steps.into_iter().scan(0, sum).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, ..ProptestConfig::default() })]

    #[test]
    fn all_come_out_in_order_however_they_go_in(faults in faults(), times in instants(), sizes in prop::collection::vec(1usize..30, 1..6), empty in 0u64..5) {
        let mut sequencer = Sequencer::new(faults.clone(), 11, 3);
        let out = run(&mut sequencer, 0, &times, &sizes, empty, true);
        let all = flatten(&out);
        prop_assert!(all.iter().map(|(sequence, _)| *sequence).eq(0..all.len() as u64));
        let records: Vec<Released> = all.into_iter().map(|(_, record)| record).collect();
        prop_assert_eq!(records, model(&faults, &times, empty));
        prop_assert!(out.iter().all(|batch| !batch.is_empty() && batch.order.is_sorted()));
        prop_assert_eq!(sequencer.next_sequence(), out.iter().map(|b| b.len() as u64).sum::<u64>());
    }

    #[test]
    fn what_is_released_comes_before_all_that_follows(faults in faults(), times in instants(), sizes in prop::collection::vec(1usize..30, 1..6)) {
        let mut sequencer = Sequencer::new(faults.clone(), 11, 3);
        let mut highest = (0, 0, 0);
        let (mut at, mut call) = (0, 0);
        while at < times.len() {
            let end = (at + sizes[call % sizes.len()]).min(times.len());
            let mut out = Vec::new();
            sequencer.push(batch(at as u64, &times[at..end], 0), &mut out);
            if let Some(&next) = times.get(end) {
                sequencer.advance(next, &mut out);
                prop_assert!(flatten(&out).iter().all(|(_, r)| r.0 <= times[end - 1].max(next)));
            }
            for (_, (order, index, copy, _)) in flatten(&out) {
                prop_assert!((order, index, copy) >= highest);
                highest = (order, index, copy);
            }
            (at, call) = (end, call + 1);
        }
    }

    #[test]
    fn a_restored_sequencer_numbers_as_the_first_did(faults in faults(), times in instants(), cut in 0usize..120, sizes in prop::collection::vec(1usize..30, 1..6), empty in 0u64..5) {
        let cut = cut.min(times.len());
        let mut first = Sequencer::new(faults.clone(), 11, 3);
        let mut before = run(&mut first, 0, &times[..cut], &sizes, empty, false);
        if let Some(&next) = times.get(cut) {
            first.advance(next, &mut before);
        }
        let held = serde_json::to_string(&first.snapshot()).unwrap();
        let clear = first.holds_below(cut as u64);
        let whole = run(&mut first, cut, &times, &sizes, empty, true);

        let mut again = Sequencer::new(faults.clone(), 11, 3);
        again.restore(serde_json::from_str(&held).unwrap());
        prop_assert_eq!(again.holds_below(cut as u64), clear);
        let resumed = flatten(&run(&mut again, cut, &times, &sizes, empty, true));
        // What was held back is only counted; all else has bytes and sequence as before.
        let expected: Vec<_> = flatten(&whole).into_iter().filter(|(_, r)| r.1 >= cut as u64).collect();
        prop_assert_eq!(resumed, expected);
        prop_assert_eq!(again.counts(), first.counts());
        prop_assert_eq!(again.next_sequence(), first.next_sequence());
    }
}
