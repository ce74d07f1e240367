//! Each fault alone: its share, its window, its limits; and that the check would see a wrong version.

use std::collections::HashSet;

use super::super::windows::Passed;
use super::*;

const N: u64 = 100_000;

/// Whether so many hits are what a share of `of` gives, within five standard deviations.
fn kept(hits: u64, of: u64, share: f64) -> bool {
    let off = hits as f64 - of as f64 * share;
    off * off <= 25.0 * of as f64 * share * (1.0 - share) + 1.0
}

/// All that comes of records at these times, and the counts.
fn through(faults: &Faults, times: &[Nanos]) -> (Vec<(u64, Released)>, ByFault) {
    let mut sequencer = Sequencer::new(faults.clone(), 11, 3);
    let out = run(&mut sequencer, 0, times, &[997], 0, true);
    (flatten(&out), sequencer.counts().by)
}

fn every(step: Nanos) -> Vec<Nanos> {
    (0..N).map(|i| i * step).collect()
}

fn drop(share: f64) -> Faults {
    let scope = Scope::default();
    Faults {
        drop: Some(Drop { share, scope }),
        ..Faults::default()
    }
}

fn corrupt(share: f64, kinds: &[(Kind, u32)]) -> Faults {
    Faults {
        corrupt: Some(Corrupt {
            share,
            kinds: kinds.to_vec(),
            scope: Scope::default(),
        }),
        ..Faults::default()
    }
}

fn reorder(share: f64, within: Within) -> Faults {
    let scope = Scope::default();
    Faults {
        reorder: Some(Reorder {
            share,
            within,
            scope,
        }),
        ..Faults::default()
    }
}

fn gap(every: Nanos, length: Nanos, share: f64) -> Faults {
    Faults {
        gap: Some(Gap {
            every,
            length,
            share,
            scope: Scope::default(),
        }),
        ..Faults::default()
    }
}

fn burst(every: Nanos, length: Nanos, share: f64) -> Faults {
    Faults {
        burst: Some(Burst {
            every,
            length,
            share,
            scope: Scope::default(),
        }),
        ..Faults::default()
    }
}

#[test]
fn dropped_records_are_a_share_and_their_own_in_each_stream() {
    let missing = |stream| {
        let sequencer = Sequencer::new(drop(0.01), 11, stream);
        let hit = |index: &u64| sequencer.loss(*index, Some(0.01), None).0;
        (0..N).filter(hit).collect::<Vec<u64>>()
    };
    let (all, counts) = through(&drop(0.01), &every(5));
    let came: HashSet<u64> = all.iter().map(|(_, r)| r.1).collect();
    let lost: Vec<u64> = (0..N).filter(|index| !came.contains(index)).collect();
    assert_eq!(lost, missing(3));
    assert_ne!(lost, missing(4));
    assert_eq!(counts.drop, lost.len() as u64);
    assert!(kept(counts.drop, N, 0.01), "{counts:?}");
    for wrong in [counts.drop * 2, counts.drop / 2, 0] {
        assert!(!kept(wrong, N, 0.01), "a share that is off would pass");
    }
    assert!(
        all.iter()
            .map(|(sequence, _)| *sequence)
            .eq(0..all.len() as u64)
    );
}

#[test]
fn drop_and_corrupt_share_one_draw() {
    let both = Faults {
        drop: drop(0.3).drop,
        ..corrupt(0.7, &[(Kind::BitFlip, 1)])
    };
    let (all, counts) = through(&both, &every(5));
    assert!(kept(counts.drop, N, 0.3), "{counts:?}");
    // Every record that comes is damaged: were the draws apart, only 0.7 of them would be.
    assert_eq!(counts.corrupt, all.len() as u64);
    assert!(all.iter().all(|(_, r)| r.3 != text(r.1, false)));
}

#[test]
fn kinds_of_damage_come_by_their_weights() {
    let faults = corrupt(0.5, &[(Kind::Truncate, 3), (Kind::Null, 1)]);
    let (all, counts) = through(&faults, &every(5));
    assert!(kept(counts.corrupt, N, 0.5), "{counts:?}");
    let cut = all.iter().filter(|(_, r)| !r.3.ends_with('}')).count() as u64;
    assert!(kept(cut, counts.corrupt, 0.75), "{cut}");
    let equal = counts.corrupt / 2;
    assert!(
        !kept(equal, counts.corrupt, 0.75),
        "weights that count for nothing would pass"
    );
}

/// Whether records fell back as far as they may and no further: behind the next to the nth.
fn within(fallen: &[(Nanos, Nanos)], step: Nanos, n: u64) -> bool {
    let far = |(due, came): &(Nanos, Nanos)| (1..=n).contains(&((came - due) / step));
    fallen.iter().all(far) && fallen.iter().any(|(due, came)| (came - due) / step == n)
}

#[test]
fn reordered_records_stay_within_their_window() {
    let times = every(5);
    let (all, counts) = through(&reorder(0.05, Within::Records(10)), &times);
    assert!(kept(counts.reorder, N, 0.05), "{counts:?}");
    // Not those that waited for more than there was.
    let fallen: Vec<(Nanos, Nanos)> = all
        .iter()
        .map(|(_, r)| (times[r.1 as usize], r.0))
        .filter(|(due, came)| due != came && *due < times[N as usize - 11])
        .collect();
    assert!(within(&fallen, 5, 10));
    assert!(!within(&fallen, 5, 9), "a narrower window would pass");
    assert!(!within(&fallen, 5, 11), "a wider window would pass");
    let changed = |pair: &&[(u64, Released)]| pair[0].1.1 > pair[1].1.1;
    let places = all.windows(2).filter(changed).count();
    assert!(
        places > fallen.len() / 2,
        "they did change places: {places}"
    );

    let (all, counts) = through(&reorder(0.05, Within::Time(500)), &times);
    assert!(kept(counts.reorder, N, 0.05), "{counts:?}");
    let back = |(_, r): &(u64, Released)| r.0 - times[r.1 as usize];
    let most = all.iter().map(back).max().unwrap();
    assert!((480..=500).contains(&most), "{most}");
}

/// How many periods have a silence, where each is one stretch of `length`.
fn silences(lost: &[u64], every: u64, length: u64) -> Option<u64> {
    let mut silent = 0;
    for window in lost.chunk_by(|a, b| a / every == b / every) {
        let together = window.windows(2).all(|pair| pair[0] + 1 == pair[1]);
        if !together || window.len() as u64 != length {
            return None;
        }
        silent += 1;
    }
    Some(silent)
}

#[test]
fn a_gap_is_one_silence_in_a_period_at_a_place_of_its_own() {
    let lost = |share, stream| {
        let sequencer = Sequencer::new(gap(1_000, 100, share), 11, stream);
        let silent = |t: &u64| sequencer.windows.pass(3, *t) == Passed::Lost;
        (0..N).filter(silent).collect::<Vec<u64>>()
    };
    let (all, counts) = through(&gap(1_000, 100, 1.0), &every(1));
    let all_lost = lost(1.0, 3);
    assert_eq!(counts.gap, all_lost.len() as u64);
    assert_eq!(all.len() as u64 + counts.gap, N);
    assert_eq!(silences(&all_lost, 1_000, 100), Some(100));
    let shorter = silences(&all_lost, 1_000, 99);
    assert_eq!(shorter, None, "another length would pass");
    assert_ne!(all_lost, lost(1.0, 4), "each stream has its own");
    let begins: HashSet<u64> = all_lost
        .chunk_by(|a, b| a / 1_000 == b / 1_000)
        .map(|window| window[0] % 1_000)
        .collect();
    assert!(begins.len() > 50, "places differ: {}", begins.len());
    let half = silences(&lost(0.5, 3), 1_000, 100).unwrap();
    assert!(kept(half, 100, 0.5), "{half}");
}

#[test]
fn a_gap_is_silent_for_what_was_put_off_into_it() {
    let faults = Faults {
        reorder: reorder(0.3, Within::Time(200)).reorder,
        duplicate: Some(Duplicate {
            share: 0.3,
            after: After::Records(50),
            scope: Scope::default(),
        }),
        ..gap(1_000, 100, 1.0)
    };
    let silent = Sequencer::new(faults.clone(), 11, 3);
    let (all, counts) = through(&faults, &every(1));
    let heard = |(_, r): &(u64, Released)| silent.windows.pass(3, r.0) == Passed::Lost;
    assert!(!all.iter().any(heard));
    assert_eq!(all.len() as u64 + counts.gap, N + counts.duplicate);
}

#[test]
fn a_burst_comes_at_once_at_each_multiple() {
    let (all, counts) = through(&burst(1_000, 300, 1.0), &every(1));
    let expected = |t: u64| match t % 1_000 {
        700.. => (t / 1_000 + 1) * 1_000,
        _ => t,
    };
    assert_eq!(all.len() as u64, N, "nothing is lost");
    assert!(all.iter().all(|(_, r)| r.0 == expected(r.1)));
    let plain = all.iter().all(|(_, r)| r.0 == r.1);
    assert!(!plain, "no burst at all would pass");
    assert_eq!(counts.burst, N * 3 / 10);
    // The same windows in every stream: what comes at once is meant to be much.
    let held = |stream| {
        let sequencer = Sequencer::new(burst(1_000, 300, 0.5), 11, stream);
        let at_end = |t: &u64| sequencer.windows.pass(3, *t) != Passed::At(*t);
        (0..N).filter(at_end).collect::<Vec<u64>>()
    };
    assert_eq!(held(0), held(9));
    assert!(kept(held(0).len() as u64 / 300, 100, 0.5));
}

#[test]
fn a_fault_keeps_to_its_channels_streams_and_times() {
    let scope = Scope {
        channels: Some(vec![1, 4]),
        streams: Some(vec![0, 3]),
        // Event time is seven more than profile time here.
        between: Some((1_007, 2_007)),
    };
    let faults = Faults {
        drop: Some(Drop { share: 1.0, scope }),
        ..Faults::default()
    };
    let (all, counts) = through(&faults, &every(1));
    let hit = |i: &u64| (i % 5 == 1 || i % 5 == 4) && (1_000..2_000).contains(i);
    let came: Vec<u64> = all.iter().map(|(_, r)| r.1).collect();
    let expected: Vec<u64> = (0..N).filter(|i| !hit(i)).collect();
    assert_eq!(came, expected);
    assert_eq!(counts.drop, 400);
    // Another stream's batches pass as they are.
    let mut other = Sequencer::new(faults, 11, 1);
    let given = batch(1_000, &[1_000, 1_001], 0);
    let payload = given.payload.as_ptr();
    let mut out = Vec::new();
    other.push(Batch { stream: 1, ..given }, &mut out);
    assert_eq!(out[0].payload.as_ptr(), payload);
}

#[test]
fn scopes_meet_unless_something_keeps_them_apart() {
    let on = |channels: &[u8]| Scope {
        channels: Some(channels.to_vec()),
        ..Scope::default()
    };
    let at = |from, to| Scope {
        between: Some((from, to)),
        ..Scope::default()
    };
    assert!(on(&[1]).meets(&Scope::default()) && on(&[1, 2]).meets(&on(&[2])));
    assert!(!on(&[1]).meets(&on(&[2])));
    assert!(at(0, 5).meets(&at(4, 9)) && !at(0, 5).meets(&at(5, 9)));
    assert!(on(&[1]).meets(&at(0, 5)));
}

/// Which records are hit, and how, depends on these: a change is a new version in `versions`.
#[test]
fn known_faults_of_all_kinds() {
    let faults = Faults {
        drop: drop(0.05).drop,
        corrupt: corrupt(0.1, &Kind::ALL.map(|kind| (kind, 1))).corrupt,
        reorder: reorder(0.1, Within::Records(4)).reorder,
        burst: burst(30, 4, 0.5).burst,
        ..Faults::default()
    };
    let mut sequencer = Sequencer::new(faults, 42, 3);
    let times: Vec<Nanos> = (0..70).collect();
    let out = run(&mut sequencer, 0, &times, &[9], 0, true);
    let told = |(sequence, (order, index, _, bytes)): (u64, Released)| {
        let plain = order == index && bytes == text(index, false);
        (!plain).then(|| format!("{sequence} {index}@{order} {bytes}"))
    };
    let all: Vec<String> = flatten(&out).into_iter().filter_map(told).collect();
    assert_eq!(all, KNOWN, "{:?}", sequencer.counts().by);
    let windows = Sequencer::new(gap(1_000, 100, 1.0), 42, 3).windows;
    let lost = |t: &u64| windows.pass(3, *t) == Passed::Lost;
    let begins: Vec<u64> = (1..6_000).filter(|t| lost(t) && !lost(&(t - 1))).collect();
    assert_eq!(begins, [642, 1825, 2888, 3237, 4396, 5522]);
}

const KNOWN: &[&str] = &[
    r#"0 0@0 {"i":0,"text":"a b","n":null,"unexpected_2a56":105}"#,
    r#"3 1@4 {"i":1,"text":"a b","n":null}"#,
    r#"4 4@4 {"i":4,"text":null,"n":null}"#,
    r#"7 9@9 {"text":"a b","n":null}"#,
    r#"8 5@10 {"i":5,"text":"a b","n":null}"#,
    r#"20 19@22 {"i":19,"text":"a b","n":null}"#,
    r#"24 26@30 {"i":26,"text":"a b","n":null}"#,
    r#"25 27@30 {"i":27,"text":"a b","n":null}"#,
    r#"26 28@30 {"i":28,"text":"a b","n":null,"unexpected_2174":503}"#,
    r#"27 29@30 {"i":29,"text":"a b","n":null}"#,
    r#"30 32@32 {"i":32,"text":null,"n":null}"#,
    r#"38 40@40 {"#,
    r#"40 42@42 {"i":42,"text":"a b","n":null,"unexpected_830b":90}"#,
    r#"53 56@60 {"i":56,"text":"a b","n":null}"#,
    r#"54 57@60 {"i":57,"text":"a b","n":null}"#,
    r#"55 58@60 {"i":58,"text":null,"n":null}"#,
    r#"56 59@60 {"i":59,"text":"a b","n":null}"#,
    r#"63 65@67 {"i":65,"text":"a b","n":null}"#,
    r#"65 68@70 {"i":68,"text":"a b","n":null}"#,
    r#"66 69@70 {"i":69,"text":"a b","n":null}"#,
];
