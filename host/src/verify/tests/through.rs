//! A file that is compared as a whole as far as it agrees.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::mpsc::{channel, sync_channel};

use super::super::comparison::Comparison;
use super::super::expected::Looks;
use super::super::{Groups, Progress};
use super::made::{Expected, Items};
use super::{Counts, settled};
use crate::record::made::batch;
use crate::record::{Batch, Group, Origin, Part};
use crate::sink::SendError;
use crate::sink::read::{Form, Kept, Look, Reader, Source};

/// One place, which shows each record as it is.
struct Lines(Vec<String>);

impl Form for Lines {
    fn of<'a>(&'a mut self, batch: &'a Batch, k: usize) -> Option<(u32, Look<'a>)> {
        if self.0.is_empty() {
            self.0.push("lines".to_owned());
        }
        let (record, tail) = (batch.record(k), &b""[..]);
        Some((0, Look { record, tail }))
    }

    fn places(&self) -> &[String] {
        &self.0
    }
}

struct Sink(Vec<Vec<u8>>, usize);

impl Reader for Sink {
    fn kept(&self) -> Kept {
        Kept::Release
    }

    fn form(&self) -> Result<Box<dyn Form>, SendError> {
        Ok(Box::new(Lines(Vec::new())))
    }

    fn open(&mut self, _: &str) -> Result<Vec<Box<dyn Source>>, SendError> {
        let items = std::mem::take(&mut self.0).into_iter();
        Ok(vec![Box::new(Items(items, self.1))])
    }
}

fn part(ordinal: u64, record: &super::super::expected::Which, text: &[u8]) -> Part {
    let text = String::from_utf8_lossy(text);
    let batch = Batch {
        stream: record.stream,
        origin: Origin::Listed {
            indices: vec![record.index],
            copies: vec![record.copy],
        },
        order: vec![ordinal],
        ..batch(&[&text], record.sequence)
    };
    Part {
        batch: Arc::new(batch),
        range: 0..1,
        pace: None,
    }
}

/// What is found between a run and a file with those items.
pub(super) fn compared(expected: &Expected, items: Vec<Vec<u8>>, group: usize) -> (Counts, u64) {
    let mut sink = Sink(items, 1 + group / 3);
    let mut ordinals = 0..;
    let groups: Vec<Group> = expected
        .chunks(group)
        .map(|records| Group {
            parts: records
                .iter()
                .zip(&mut ordinals)
                .map(|((which, text), ordinal)| part(ordinal, which, text))
                .collect(),
            streams: 1,
        })
        .collect();
    let (give, take) = sync_channel(groups.len());
    let (done, _back) = channel();
    for group in groups {
        give.send(vec![group]).unwrap();
    }
    drop(give);
    let mut comparison = Comparison::new(1, &sink);
    let excused = HashSet::new();
    let mut looks = Looks::new(sink.form().unwrap(), false, &excused);
    let groups = Groups { take, done };
    let progress = Progress::default();
    comparison
        .run(&mut sink, &mut looks, &groups, &progress)
        .unwrap();
    assert_eq!(progress.records(), expected.len() as u64);
    settled(
        expected,
        &mut comparison.tally,
        &mut comparison.places[0],
        1,
    )
}
