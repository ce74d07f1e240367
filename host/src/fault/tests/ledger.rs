//! The ledger tells all that happened, and nothing else.

use std::collections::HashMap;

use super::order::{faults, instants};
use super::*;

/// The batches and the lines of a run of calls of these sizes.
fn told(faults: &Faults, times: &[Nanos], sizes: &[usize]) -> (Vec<Batch>, Vec<Line>) {
    let mut sequencer = Sequencer::new(faults.clone(), 11, 3);
    sequencer.keep_lines();
    let out = run(&mut sequencer, 0, times, sizes, 0, true);
    (out, sequencer.take_lines())
}

/// Damage as the ledger tells it, done again to the record; none where it names a field alone.
fn again(record: &str, done: &[Done]) -> Option<String> {
    let mut bytes = record.as_bytes().to_vec();
    for done in done {
        match done {
            Done::Corrupt {
                byte: Some(byte),
                bit: Some(bit),
                ..
            } => bytes[*byte] ^= 1 << bit,
            Done::Corrupt {
                length: Some(length),
                ..
            } => bytes.truncate(*length),
            Done::Corrupt { field, .. } => {
                assert!(field.is_some());
                return None;
            }
            _ => {}
        }
    }
    Some(String::from_utf8(bytes).unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn what_came_otherwise_has_a_line_and_the_rest_has_none(faults in faults(), times in instants()) {
        let (out, lines) = told(&faults, &times, &[7]);
        let all = flatten(&out);
        let mut by_sequence: HashMap<u64, &Line> =
            lines.iter().filter_map(|line| Some((line.sequence?, line))).collect();
        for (sequence, (order, index, copy, bytes)) in &all {
            let original = text(*index, false);
            let Some(line) = by_sequence.remove(sequence) else {
                prop_assert_eq!((times[*index as usize], 0, &original), (*order, *copy, bytes));
                continue;
            };
            prop_assert_eq!((line.index, line.copy, line.release_ns, line.stream), (*index, *copy, *order, 3));
            prop_assert_eq!(line.event_ns, times[*index as usize] + 7);
            let doubled = line.faults.iter().any(|done| matches!(done, Done::Duplicate { .. }));
            prop_assert_eq!(doubled, *copy == 1);
            match again(&original, &line.faults) {
                Some(damaged) => prop_assert_eq!(&damaged, bytes),
                None => prop_assert_ne!(&original, bytes),
            }
        }
        prop_assert!(by_sequence.is_empty(), "lines of what never came: {:?}", by_sequence);
        // What has no sequence is what is missing.
        let lost: Vec<&Line> = lines.iter().filter(|line| line.sequence.is_none()).collect();
        let originals = all.iter().filter(|(_, r)| r.2 == 0).count();
        let lost_originals = lost.iter().filter(|line| line.copy == 0).count();
        prop_assert_eq!(originals + lost_originals, times.len());
        for line in lost {
            prop_assert!(matches!(line.faults.last(), Some(Done::Drop | Done::Gap)));
        }
    }

    #[test]
    fn lines_are_the_same_however_records_go_in(faults in faults(), times in instants(), sizes in prop::collection::vec(1usize..30, 1..6)) {
        let (_, one) = told(&faults, &times, &[1]);
        let (_, several) = told(&faults, &times, &sizes);
        prop_assert_eq!(one, several);
    }

    #[test]
    fn lines_agree_with_the_counts(faults in faults(), times in instants()) {
        let mut sequencer = Sequencer::new(faults, 11, 3);
        sequencer.keep_lines();
        run(&mut sequencer, 0, &times, &[7], 0, true);
        let mut by = ByFault::default();
        for line in sequencer.take_lines() {
            for done in &line.faults {
                // What happened to a record before it was doubled is told of the copy too, and counts once.
                let first = line.copy == 0;
                match done {
                    Done::Duplicate { .. } => by.duplicate += 1,
                    Done::Gap => by.gap += 1,
                    Done::Burst { .. } => by.burst += 1,
                    Done::Drop => by.drop += 1,
                    Done::Late { .. } if first => by.late += 1,
                    Done::Reorder { .. } if first => by.reorder += 1,
                    Done::Corrupt { .. } if first => by.corrupt += 1,
                    _ => {}
                }
            }
        }
        prop_assert_eq!(by, sequencer.counts().by);
    }
}

#[test]
fn a_line_reads_as_documented() {
    let line = Line {
        stream: 1,
        index: 7,
        copy: 1,
        sequence: Some(9),
        release_ns: 5,
        event_ns: 6,
        faults: vec![
            Done::Late { by_ns: 4 },
            Done::Corrupt {
                kind: Kind::BitFlip,
                byte: Some(2),
                bit: Some(3),
                length: None,
                field: None,
            },
            Done::Duplicate {
                after_records: Some(0),
                after_ns: None,
            },
        ],
    };
    let text = concat!(
        r#"{"stream":1,"index":7,"copy":1,"sequence":9,"release_ns":5,"event_ns":6,"faults":["#,
        r#"{"fault":"late","by_ns":4},{"fault":"corrupt","kind":"bit_flip","byte":2,"bit":3},"#,
        r#"{"fault":"duplicate","after_records":0}]}"#
    );
    assert_eq!(serde_json::to_string(&line).unwrap(), text);
    assert_eq!(serde_json::from_str::<Line>(text).unwrap(), line);
}
