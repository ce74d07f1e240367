//! Tables that keep the last record of each key: what is to be there is known once all is generated, so
//! that goes first, and the rows after it.
//!
//! Memory is that of the keys, whatever the number of records, and there may be so many.

use super::expected::{Expected, Looks, Slot, Which, content};
use super::feed::Feed;
use super::report::Report;
use super::rerun::Rerun;
use super::tally::{EXAMPLES, Kind, Sample, Tally};
use super::window::ByKey;
use super::{Comparison, Progress, VerifyError};
use crate::encode::scan::{Members, same_name};
use crate::sink::read::{Look, Reader};

/// Keys of all tables: 50 bytes each, and twice that while the table grows.
const MOST: usize = 1 << 20;

/// The last record of a key.
struct Last {
    /// Of its content.
    check: u64,
    sequence: u64,
    stream: u32,
    /// It took the row away.
    removed: bool,
    found: bool,
}

impl Last {
    /// Found again by the second pass, which knows its index.
    fn which(&self) -> (u64, Which) {
        let which = Which {
            stream: self.stream,
            index: 0,
            copy: 0,
            sequence: self.sequence,
        };
        (u64::MAX, which)
    }
}

/// What the tables should hold.
struct Rows<'a> {
    /// The fields that find a row, by place.
    keys: &'a [Vec<String>],
    last: Vec<ByKey<Last>>,
    /// Records that came before the last of their keys.
    replaced: u64,
    rejected: u64,
}

impl Comparison {
    /// Compares tables of which each finds its rows by the fields that are given.
    pub(super) fn latest(
        mut self,
        rerun: &Rerun,
        reader: &mut dyn Reader,
        keys: &[Vec<String>],
        [mut looks, mut again]: [Looks<'_>; 2],
        progress: &Progress,
    ) -> Result<Report, VerifyError> {
        let mut expected = Expected::new(rerun)?;
        let mut rows = Rows {
            keys,
            last: keys.iter().map(|_| ByKey::default()).collect(),
            replaced: 0,
            rejected: 0,
        };
        while let Some(group) = expected.next()? {
            progress.add(group.len());
            let take = |place, slot, look: Look<'_>| rows.expect(place, &slot, look);
            looks.each(&group, take);
            if rows.last.iter().map(ByKey::len).sum::<usize>() > MOST {
                return Err(VerifyError::Keys(MOST));
            }
        }
        self.names = looks.places().to_vec();
        for (number, name) in self.names.iter().enumerate() {
            for source in reader.open(name).map_err(VerifyError::Sink)? {
                let mut feed = Feed::new(source, false, true);
                while feed.peek(0)?.is_some() {
                    if let Some(look) = feed.look() {
                        rows.find(number, look, &mut self.tally);
                    }
                    feed.advance();
                }
            }
        }
        self.tally.rejected = rows.rejected;
        let missing = rows.missing(&mut self.tally);
        let replaced = rows.replaced;
        let mut second = Expected::new(rerun)?;
        while self.tally.samples.iter().any(Sample::wants_record)
            && let Some(group) = second.next()?
        {
            let tally = &mut self.tally;
            again.each(&group, |place, slot, look| {
                tally.complete(place, u64::MAX, slot.which, look);
            });
        }
        let mut report = self.report(rerun, expected.hashes(), looks.refused, missing);
        report.notes.push(format!(
            "a row is the last record of its key: the {replaced} records that others replaced can't be looked for"
        ));
        Ok(report)
    }
}

impl Rows<'_> {
    /// The next record that is expected.
    fn expect(&mut self, place: u32, slot: &Slot, look: Look<'_>) {
        if slot.excused {
            self.rejected += 1;
            return;
        }
        let place = place as usize;
        let (Some(names), Some(last)) = (self.keys.get(place), self.last.get_mut(place)) else {
            return;
        };
        let row = Last {
            check: slot.key as u64,
            sequence: slot.which.sequence,
            stream: slot.which.stream,
            removed: slot.removes,
            found: false,
        };
        if last.insert(key_in(names, look.record), row).is_some() {
            self.replaced += 1;
        }
    }

    /// A row that is there.
    fn find(&mut self, place: usize, look: Look<'_>, tally: &mut Tally) {
        let key = key_in(&self.keys[place], look.record);
        let number = place as u32;
        match self.last[place].get_mut(&key) {
            None => tally.count(Kind::Foreign, number, None, Some(look)),
            Some(last) if last.removed => tally.count(Kind::Foreign, number, None, Some(look)),
            Some(last) if last.found => {
                tally.count(Kind::Repeated, number, Some(last.which()), Some(look));
            }
            Some(last) => {
                last.found = true;
                if last.check == content(look) as u64 {
                    tally.matched += 1;
                } else {
                    tally.count(Kind::Altered, number, Some(last.which()), Some(look));
                }
            }
        }
    }

    /// How many rows aren't there; the first of them become examples.
    fn missing(&self, tally: &mut Tally) -> u64 {
        let mut missing = 0;
        for (place, last) in self.last.iter().enumerate() {
            let gone = last.values().filter(|last| !last.found && !last.removed);
            let mut gone: Vec<&Last> = gone.collect();
            gone.sort_unstable_by_key(|last| (last.stream, last.sequence));
            missing += gone.len() as u64;
            for last in gone.into_iter().take(EXAMPLES) {
                let which = Some(last.which());
                tally.sample(Kind::Missing, place as u32, which, None, None);
            }
        }
        missing
    }
}

/// The hash of a row's key. Rows have one form, so that equal keys are equal bytes.
fn key_in(names: &[String], row: &[u8]) -> u128 {
    let mut hash = 0u128;
    for (name, record) in Members::of(row) {
        if names.iter().any(|key| same_name(name, key.as_bytes())) {
            hash = hash.rotate_left(32) ^ content(Look { record, tail: &[] });
        }
    }
    hash
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sink::read::Kept;

    fn slot(sequence: u64, record: &str, removes: bool) -> Slot {
        let look = look(record);
        Slot {
            key: content(look),
            check: 0,
            which: Which {
                stream: 0,
                index: sequence,
                copy: 0,
                sequence,
            },
            taken: false,
            excused: false,
            removes,
        }
    }

    fn look(record: &str) -> Look<'_> {
        Look {
            record: record.as_bytes(),
            tail: &[],
        }
    }

    #[test]
    fn a_row_is_the_last_record_of_its_key_and_none_where_that_took_it_away() {
        let keys = [vec!["a".to_owned(), "b".to_owned()]];
        let mut rows = Rows {
            keys: &keys,
            last: vec![ByKey::default()],
            replaced: 0,
            rejected: 0,
        };
        for (n, (record, removes)) in [
            (r#"{"a":1,"b":1,"v":1}"#, false),
            (r#"{"a":1,"b":2,"v":2}"#, false),
            (r#"{"a":1,"b":1,"v":3}"#, false),
            (r#"{"a":2,"b":1,"v":4}"#, false),
            (r#"{"a":1,"b":2,"v":2}"#, true),
            (r#"{"a":3,"b":1,"v":5}"#, false),
        ]
        .into_iter()
        .enumerate()
        {
            rows.expect(0, &slot(n as u64, record, removes), look(record));
        }
        let excused = Slot {
            excused: true,
            ..slot(6, r#"{"a":1,"b":1,"v":9}"#, false)
        };
        rows.expect(0, &excused, look(r#"{"a":1,"b":1,"v":9}"#));
        assert_eq!((rows.replaced, rows.rejected), (2, 1));
        let mut tally = Tally::new(Kept::Nothing);
        for row in [
            r#"{"a":1,"b":1,"v":3}"#,
            // It was taken away.
            r#"{"a":1,"b":2,"v":2}"#,
            // Not the last.
            r#"{"a":2,"b":1,"v":0}"#,
            r#"{"a":2,"b":1,"v":0}"#,
            r#"{"a":1,"b":7,"v":3}"#,
        ] {
            rows.find(0, look(row), &mut tally);
        }
        assert_eq!(rows.missing(&mut tally), 1);
        let counts = [tally.matched, tally.altered, tally.repeated, tally.foreign];
        assert_eq!(counts, [1, 1, 1, 2]);
    }
}
