//! What the sequencer promises, against a plain model: sort everything.

mod damage;
mod ledger;
mod order;
mod shares;

use proptest::prelude::*;

use super::*;
use crate::record::Origin;

const S: Nanos = 1_000_000_000;

/// A record of the model: order, index, copy, bytes.
type Released = (Nanos, u64, u8, String);

fn text(index: u64, empty: bool) -> String {
    match empty {
        true => String::new(),
        false => format!("{{\"i\":{index},\"text\":\"a b\",\"n\":null}}"),
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
    assert!(!sequencer.holds_below(u64::MAX));
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
            scope: Scope::default(),
        }),
        late: Some(Late {
            share: 0.02,
            min: 5 * S,
            max: 120 * S,
            scope: Scope::default(),
        }),
        ..Faults::default()
    };
    let hit = |stream: u32| {
        let sequencer = Sequencer::new(faults.clone(), 11, stream);
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
    let held = faults.held(1_000.0, 4);
    let names: Vec<&str> = held.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, ["late", "duplicate"]);
    assert!((held[0].1 - 2_400.0).abs() < 1.0 && (held[1].1 - 24.0).abs() < 1.0);
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
            scope: Scope::default(),
        }),
        late: Some(Late {
            share: 0.1,
            min: 1,
            max: S,
            scope: Scope::default(),
        }),
        ..Faults::default()
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
            scope: Scope::default(),
        }),
        ..Faults::default()
    };
    let mut sequencer = Sequencer::new(faults, 11, 3);
    let mut out = Vec::new();
    sequencer.push(batch(0, &[0, 1, 2], 0), &mut out);
    assert!(out.is_empty() && sequencer.held_bytes() > 3 * 8);
    assert!(sequencer.holds_below(1) && !sequencer.holds_below(0));
    sequencer.advance(S + 1, &mut out);
    assert_eq!(
        flatten(&out).len(),
        1,
        "what is ordered before the next, and no more"
    );
    assert!(sequencer.holds_below(2) && !sequencer.holds_below(1));
    sequencer.finish(&mut out);
    assert_eq!(sequencer.held_bytes(), 0);
    assert!(!sequencer.holds_below(u64::MAX));
}

/// Checkpoints are kept in files: those that were written before windows and the newer faults are read.
#[test]
fn an_older_snapshot_is_understood() {
    let text = r#"{"sequence":3,"counts":{"skipped":2,"duplicate":1,"late":4},"newest":5,"entries":[[7,1,1,4],[9,1,0,null]]}"#;
    let held: Held = serde_json::from_str(text).unwrap();
    let mut sequencer = Sequencer::new(Faults::default(), 1, 3);
    sequencer.restore(held.clone());
    assert_eq!(sequencer.snapshot(), held);
    assert_eq!((held.counts.skipped, held.counts.by.total()), (2, 5));
}
