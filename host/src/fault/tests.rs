//! What the sequencer promises, against a plain model: sort everything.

use proptest::prelude::*;

use super::*;
use crate::record::Origin;

const S: Nanos = 1_000_000_000;

/// A record of the model: order, index, copy, bytes.
type Released = (Nanos, u64, u8, String);

fn text(index: u64, empty: bool) -> String {
    match empty {
        true => String::new(),
        false => format!("record {index}"),
    }
}

/// Records `first..first + times.len()` of a stream; every `empty`th says nothing.
fn batch(first: u64, times: &[Nanos], empty: u64) -> Batch {
    let mut batch = Batch {
        stream: 3,
        payload: Vec::new(),
        ends: Vec::new(),
        keys: Vec::new(),
        key_ends: Vec::new(),
        channels: Vec::new(),
        operations: Vec::new(),
        times: times.iter().map(|t| t + 7).collect(),
        order: times.to_vec(),
        origin: Origin::Dense(first),
        first_sequence: 0,
    };
    for index in first..first + times.len() as u64 {
        let nothing = empty > 0 && index.is_multiple_of(empty);
        batch.payload.extend(text(index, nothing).bytes());
        batch.ends.push(batch.payload.len() as u32);
        batch.keys.extend(format!("key {index}").bytes());
        batch.key_ends.push(batch.keys.len() as u32);
        batch.channels.push((index % 5) as u8);
        batch.operations.push((index % 3) as u8);
    }
    batch
}

/// All records of the batches, with a check that what belongs to each is still beside it.
fn flatten(batches: &[Batch]) -> Vec<(u64, Released)> {
    let mut all = Vec::new();
    for batch in batches {
        assert_eq!(batch.stream, 3);
        for k in 0..batch.len() {
            let (index, copy) = batch.index(k);
            assert_eq!(batch.key(k).unwrap(), format!("key {index}").as_bytes());
            assert_eq!(batch.channel(k) as u64, index % 5);
            assert_eq!(
                u64::from(batch.operations.get(k).copied().unwrap_or(0)),
                index % 3
            );
            let bytes = String::from_utf8(batch.record(k).to_vec()).unwrap();
            let sequence = batch.first_sequence + k as u64;
            all.push((sequence, (batch.order[k], index, copy, bytes)));
        }
    }
    all
}

/// Pushes `times` in calls of these sizes, as a lane does.
fn run(
    sequencer: &mut Sequencer,
    first: usize,
    times: &[Nanos],
    sizes: &[usize],
    empty: u64,
    over: bool,
) -> Vec<Batch> {
    let (mut out, mut at, mut call) = (Vec::new(), first, 0);
    while at < times.len() {
        let end = (at + sizes[call % sizes.len()]).min(times.len());
        sequencer.push(batch(at as u64, &times[at..end], empty), &mut out);
        if let Some(&next) = times.get(end) {
            sequencer.advance(next, &mut out);
        }
        (at, call) = (end, call + 1);
    }
    if over {
        sequencer.finish(&mut out);
    }
    out
}

/// What has to come out: every record and copy with its order, sorted.
fn model(faults: Faults, times: &[Nanos], empty: u64) -> Vec<Released> {
    let sequencer = Sequencer::new(faults, 11, 3);
    let mut all = Vec::new();
    for (index, &time) in times.iter().enumerate() {
        let index = index as u64;
        if empty > 0 && index.is_multiple_of(empty) {
            continue;
        }
        let order = time + sequencer.delay(index);
        all.push((order, index, 0, text(index, false)));
        let Some(duplicate) = faults.duplicate.filter(|_| sequencer.copies(index)) else {
            continue;
        };
        let copied = match duplicate.after {
            After::Records(0) => order,
            After::Records(n) => {
                let with = times.get((index + n) as usize).or(times.last()).unwrap();
                order.max(with + 1)
            }
            After::Time(time) => order + time,
        };
        all.push((copied, index, 1, text(index, false)));
    }
    all.sort();
    all
}

#[test]
fn without_faults_a_batch_passes_as_it_is() {
    let mut sequencer = Sequencer::new(Faults::default(), 1, 3);
    let mut out = Vec::new();
    for first in [0, 100] {
        let given = batch(first, &[1, 2, 3], 0);
        let (payload, order) = (given.payload.as_ptr(), given.order.as_ptr());
        sequencer.push(given, &mut out);
        let came = out.pop().unwrap();
        assert!(out.is_empty());
        assert_eq!(
            (came.payload.as_ptr(), came.order.as_ptr()),
            (payload, order)
        );
        assert_eq!(came.origin, Origin::Dense(first));
        assert_eq!(came.first_sequence, if first == 0 { 0 } else { 3 });
    }
    assert_eq!(sequencer.counts(), FaultCounts::default());
    assert_eq!(sequencer.oldest_held(), None);
}

#[test]
fn what_says_nothing_is_taken_out_and_counted() {
    let mut sequencer = Sequencer::new(Faults::default(), 1, 3);
    let times: Vec<Nanos> = (0..10).collect();
    let out = run(&mut sequencer, 0, &times, &[4], 3, true);
    let all = flatten(&out);
    let indices: Vec<u64> = all.iter().map(|(_, r)| r.1).collect();
    assert_eq!(indices, [1, 2, 4, 5, 7, 8]);
    assert!(all.iter().map(|(sequence, _)| *sequence).eq(0..6));
    assert_eq!(sequencer.counts().skipped, 4);
    let mut out = Vec::new();
    sequencer.push(batch(12, &[50], 3), &mut out);
    assert!(out.is_empty(), "nothing but nothing gives no batch");
}

#[test]
fn shares_are_kept_and_differ_by_stream() {
    let faults = Faults {
        duplicate: Some(Duplicate {
            share: 0.01,
            after: After::Records(0),
        }),
        late: Some(Late {
            share: 0.02,
            min: 5 * S,
            max: 120 * S,
        }),
    };
    let hit = |stream: u32| {
        let sequencer = Sequencer::new(faults, 11, stream);
        let delays: Vec<Nanos> = (0..100_000)
            .map(|i| sequencer.delay(i))
            .filter(|&d| d > 0)
            .collect();
        let copies: Vec<u64> = (0..100_000).filter(|&i| sequencer.copies(i)).collect();
        (delays, copies)
    };
    let (delays, copies) = hit(0);
    assert!(delays.len().abs_diff(2_000) < 220, "{}", delays.len());
    assert!(copies.len().abs_diff(1_000) < 160, "{}", copies.len());
    assert!(delays.iter().all(|d| (5 * S..=120 * S).contains(d)));
    let mean = delays.iter().sum::<Nanos>() / delays.len() as u64;
    assert!(
        mean.abs_diff(62_500_000_000) < 4 * S,
        "uniform between: {mean}"
    );
    assert_ne!(copies, hit(1).1);
    assert_eq!(faults.window(), 120 * S);
    assert!((faults.held(1_000.0, 4) - (2_400.0 + 0.01 * 2_400.0)).abs() < 1.0);
}

#[test]
fn a_share_of_one_hits_all_and_of_zero_none() {
    assert!(hits(u64::MAX, 1.0) && hits(0, 1.0));
    assert!(!hits(0, 0.0));
    assert_eq!(
        (
            between(5, 5, u64::MAX),
            between(5, 9, u64::MAX),
            between(5, 9, 0)
        ),
        (5, 9, 5)
    );
}

/// Which records are hit depends on these: a change is a new version in `versions`.
#[test]
fn known_faults() {
    let faults = Faults {
        duplicate: Some(Duplicate {
            share: 0.1,
            after: After::Records(0),
        }),
        late: Some(Late {
            share: 0.1,
            min: 1,
            max: S,
        }),
    };
    let sequencer = Sequencer::new(faults, 42, 1);
    let late: Vec<(u64, Nanos)> = (0..40)
        .map(|i| (i, sequencer.delay(i)))
        .filter(|d| d.1 > 0)
        .collect();
    let copies: Vec<u64> = (0..40).filter(|&i| sequencer.copies(i)).collect();
    assert_eq!((late.as_slice(), copies.as_slice()), (LATE, COPIES));
}

const LATE: &[(u64, Nanos)] = &[
    (3, 476_446_982),
    (6, 864_979_915),
    (9, 490_295_359),
    (22, 123_870_029),
    (26, 914_665_802),
    (33, 540_259_145),
];
const COPIES: &[u64] = &[8, 9, 13, 20, 24, 28, 29];

#[test]
fn held_bytes_are_given_back() {
    let faults = Faults {
        late: Some(Late {
            share: 1.0,
            min: S,
            max: S,
        }),
        ..Faults::default()
    };
    let mut sequencer = Sequencer::new(faults, 11, 3);
    let mut out = Vec::new();
    sequencer.push(batch(0, &[0, 1, 2], 0), &mut out);
    assert!(out.is_empty() && sequencer.held_bytes() > 3 * 8);
    assert_eq!(sequencer.oldest_held(), Some(0));
    sequencer.advance(S + 1, &mut out);
    assert_eq!(
        flatten(&out).len(),
        1,
        "what is ordered before the next, and no more"
    );
    assert_eq!(sequencer.oldest_held(), Some(1));
    sequencer.finish(&mut out);
    assert_eq!((sequencer.held_bytes(), sequencer.oldest_held()), (0, None));
}

fn faults() -> impl Strategy<Value = Faults> {
    let share = prop_oneof![Just(0.0), Just(1.0), 0.0..0.5];
    let after = prop_oneof![
        (0u64..6).prop_map(After::Records),
        (0u64..40).prop_map(After::Time)
    ];
    let duplicate = (share.clone(), after).prop_map(|(share, after)| Duplicate { share, after });
    let late = (share, 0u64..20, 0u64..40).prop_map(|(share, min, more)| Late {
        share,
        min,
        max: min + more,
    });
    (prop::option::of(duplicate), prop::option::of(late))
        .prop_map(|(duplicate, late)| Faults { duplicate, late })
}

fn instants() -> impl Strategy<Value = Vec<Nanos>> {
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
        let mut sequencer = Sequencer::new(faults, 11, 3);
        let out = run(&mut sequencer, 0, &times, &sizes, empty, true);
        let all = flatten(&out);
        prop_assert!(all.iter().map(|(sequence, _)| *sequence).eq(0..all.len() as u64));
        let records: Vec<Released> = all.into_iter().map(|(_, record)| record).collect();
        prop_assert_eq!(records, model(faults, &times, empty));
        prop_assert!(out.iter().all(|batch| !batch.is_empty() && batch.order.is_sorted()));
        prop_assert_eq!(sequencer.next_sequence(), out.iter().map(|b| b.len() as u64).sum::<u64>());
    }

    #[test]
    fn what_is_released_comes_before_all_that_follows(faults in faults(), times in instants(), sizes in prop::collection::vec(1usize..30, 1..6)) {
        let mut sequencer = Sequencer::new(faults, 11, 3);
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
        let mut first = Sequencer::new(faults, 11, 3);
        let mut before = run(&mut first, 0, &times[..cut], &sizes, empty, false);
        if let Some(&next) = times.get(cut) {
            first.advance(next, &mut before);
        }
        let held = serde_json::to_string(&first.snapshot()).unwrap();
        let clear = first.oldest_held();
        let whole = run(&mut first, cut, &times, &sizes, empty, true);

        let mut again = Sequencer::new(faults, 11, 3);
        again.restore(serde_json::from_str(&held).unwrap());
        prop_assert_eq!(again.oldest_held(), clear);
        let resumed = flatten(&run(&mut again, cut, &times, &sizes, empty, true));
        // What was held back is only counted; all else has bytes and sequence as before.
        let expected: Vec<_> = flatten(&whole).into_iter().filter(|(_, r)| r.1 >= cut as u64).collect();
        prop_assert_eq!(resumed, expected);
        prop_assert_eq!(again.counts(), first.counts());
        prop_assert_eq!(again.next_sequence(), first.next_sequence());
    }
}
