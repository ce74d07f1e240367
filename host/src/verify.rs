//! What a sink should hold, beside what it does: `wellhead verify`.
//!
//! A manifest is enough to generate the run again, after faults, in the order of its release. One
//! thread does that and nothing else, since it is the slowest; another reads the sink
//! ([`crate::sink::read`]) and hashes what is there; a third says what is expected where, and compares,
//! place by place (`place.rs`), within a window of bounded size. What no record of the window fits, or isn't found,
//! is decided on by a second pass over the expected records (`strays.rs`), which a run that holds
//! doesn't need. Memory doesn't grow with the number of records, only with that of differences, up to a cap.

mod error;
mod expected;
mod feed;
mod gaps;
mod lane;
mod latest;
pub mod merge;
mod order;
mod pairs;
mod place;
mod rejected;
pub mod report;
pub mod rerun;
mod strays;
mod tally;
#[cfg(test)]
mod tests;
mod turn;
mod window;

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use crate::emulation::shared::Limits;
use crate::record::{Group, Part};
use crate::sink::read::{Kept, Reader};
pub use error::VerifyError;
use expected::{Expected, Looks, Slot};
use feed::Feed;
use place::Place;
pub use rejected::Rejections;
pub use report::{Counts, Report, StreamCheck};
pub use rerun::{Given, Rerun, read};
pub use tally::Kind;
use tally::Tally;

/// Expected records that go from thread to thread at once, about.
const RECORDS: usize = 4_096;
/// Their bytes, at most and about.
const BYTES: u64 = 1 << 20;
/// How often so much waits.
const AHEAD: usize = 4;
/// So many places have a thread each that reads ahead.
const THREADS: usize = 16;

/// How far it is, for whoever shows it.
#[derive(Debug, Default)]
pub struct Progress(AtomicU64);

impl Progress {
    /// Records that were generated again.
    pub fn records(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    fn add(&self, records: usize) {
        self.0.fetch_add(records as u64, Ordering::Relaxed);
    }
}

/// Generates the run again, on that many threads, and compares the hash of each stream with the manifest's.
///
/// # Errors
/// Where the generator can't be run.
pub fn regenerate(
    rerun: &Rerun,
    threads: usize,
    progress: &Progress,
) -> Result<Vec<StreamCheck>, VerifyError> {
    let next = AtomicU64::new(0);
    let work = || -> Result<Vec<StreamCheck>, VerifyError> {
        let limits = Limits::of(rerun.plan.streams, None);
        let mut checks = Vec::new();
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(stream) = rerun.streams.get(at as usize) else {
                return Ok(checks);
            };
            let mut producer = rerun.producer(stream)?;
            let mut before = 0;
            loop {
                let ended = producer
                    .step(u64::MAX, &limits)
                    .map_err(VerifyError::Generator)?;
                let records = producer.chain.records();
                progress.add((records - before) as usize);
                before = records;
                drop(producer.take(false));
                if ended.is_some() {
                    break;
                }
            }
            checks.push(StreamCheck::new(stream, rerun::hash_of(&producer)));
        }
    };
    let mut checks = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads.max(1)).map(|_| scope.spawn(work)).collect();
        let mut checks = Vec::new();
        for worker in workers {
            let done = worker
                .join()
                .map_err(|_| VerifyError::System("a worker panicked".to_owned()))?;
            checks.extend(done?);
        }
        Ok::<_, VerifyError>(checks)
    })?;
    checks.sort_by_key(|check| check.index);
    Ok(checks)
}

/// Compares what the sink holds with what the run released.
///
/// # Errors
/// Where the generator can't be run or the sink can't be read.
pub fn compare(
    rerun: &Rerun,
    mut reader: Box<dyn Reader>,
    rejections: &Rejections,
    progress: &Progress,
) -> Result<Report, VerifyError> {
    let ids = reader.has_ids();
    let excused = rejections.all();
    let form = reader.form().map_err(VerifyError::Sink)?;
    let mut expected = Expected::new(rerun)?;
    let kept = reader.kept();
    let mut comparison = Comparison {
        tally: Tally::new(kept),
        tracks: match kept {
            Kept::Stream => rerun.plan.streams,
            Kept::Release | Kept::Nothing => 1,
        },
        looks: Looks::new(form, ids, excused),
        names: Vec::new(),
        places: Vec::new(),
        touched: Vec::new(),
        ids,
    };
    let places = comparison.looks.places().iter();
    let keys: Vec<Vec<String>> = places.map(|place| reader.keys(place)).collect();
    if keys.iter().any(|names| !names.is_empty()) {
        let form = reader.form().map_err(VerifyError::Sink)?;
        let again = Looks::new(form, ids, excused);
        return comparison.latest(rerun, &mut *reader, &keys, again, progress);
    }
    let (give, take) = sync_channel(AHEAD);
    std::thread::scope(|scope| {
        let generator = std::thread::Builder::new().name("verify-generate".to_owned());
        let generator = generator
            .spawn_scoped(scope, || {
                generate(&mut expected, &give, progress).map(|()| {
                    drop(give);
                    expected.hashes()
                })
            })
            .map_err(|e| VerifyError::System(e.to_string()))?;
        let compared = comparison.run(&mut *reader, &take);
        // What still comes is for nobody where that failed: the generator ends at the next.
        drop(take);
        let generated = generator
            .join()
            .map_err(|_| VerifyError::System("the generating thread panicked".to_owned()))?;
        compared?;
        let hashes = generated?;
        comparison.others(&mut *reader)?;
        let form = reader.form().map_err(VerifyError::Sink)?;
        let again = Looks::new(form, ids, excused);
        let missing = comparison.settle(rerun, again)?;
        Ok(comparison.report(rerun, hashes, missing))
    })
}

/// Everything that is expected, some groups at once. Ends early where nobody takes them.
fn generate(
    expected: &mut Expected<'_>,
    give: &SyncSender<Vec<Group>>,
    progress: &Progress,
) -> Result<(), VerifyError> {
    let (mut groups, mut records, mut bytes) = (Vec::new(), 0, 0);
    loop {
        let group = expected.next()?;
        let more = group.is_some();
        if let Some(group) = group {
            records += group.len();
            bytes += group.parts.iter().map(Part::bytes).sum::<u64>();
            groups.push(group);
        }
        if records >= RECORDS || bytes >= BYTES || !more {
            progress.add(records);
            (records, bytes) = (0, 0);
            if give.send(std::mem::take(&mut groups)).is_err() || !more {
                return Ok(());
            }
        }
    }
}

struct Comparison<'a> {
    tally: Tally,
    /// Orders that each source of a place keeps.
    tracks: u32,
    looks: Looks<'a>,
    names: Vec<String>,
    places: Vec<Place>,
    /// Places in which more is expected than was compared.
    touched: Vec<u32>,
    ids: bool,
}

impl Comparison<'_> {
    fn run(
        &mut self,
        reader: &mut dyn Reader,
        take: &Receiver<Vec<Group>>,
    ) -> Result<(), VerifyError> {
        while let Ok(groups) = take.recv() {
            for group in &groups {
                self.expect(reader, group)?;
            }
            self.touched.sort_unstable();
            self.touched.dedup();
            for place in self.touched.drain(..) {
                if let Some(place) = self.places.get_mut(place as usize) {
                    place.pump(&mut self.tally)?;
                }
            }
        }
        for place in &mut self.places {
            place.finish(&mut self.tally)?;
        }
        self.tally.settle_order();
        Ok(())
    }

    /// Puts each record of a group where it is expected.
    fn expect(&mut self, reader: &mut dyn Reader, group: &Group) -> Result<(), VerifyError> {
        let Comparison {
            looks,
            places,
            touched,
            ..
        } = self;
        // Those of places that are new, which have to be opened first.
        let mut later: Vec<(u32, Slot)> = Vec::new();
        looks.each(group, |number, slot, _| {
            match places.get_mut(number as usize) {
                Some(place) => place.push(slot),
                None => later.push((number, slot)),
            }
            if touched.last() != Some(&number) {
                touched.push(number);
            }
        });
        for new in self.places.len()..self.looks.places().len() {
            let name = self.looks.places()[new].clone();
            self.open(reader, name)?;
        }
        for (number, slot) in later {
            if let Some(place) = self.places.get_mut(number as usize) {
                place.push(slot);
            }
        }
        Ok(())
    }

    fn open(&mut self, reader: &mut dyn Reader, name: String) -> Result<(), VerifyError> {
        let sources = reader.open(&name).map_err(VerifyError::Sink)?;
        let ahead = self.places.len() < THREADS && sources.len() <= THREADS;
        let feeds = sources
            .into_iter()
            .map(|source| Feed::new(source, self.ids, ahead))
            .collect::<Result<Vec<Feed>, _>>()?;
        let limits = window::Limits::of(self.places.len() + 1);
        self.tally.limits = limits;
        let orders = feeds.len().max(1) * self.tracks as usize;
        self.tally.history = (limits.grown as usize / (8 * orders)).clamp(64, 1 << 15);
        let number = self.places.len() as u32;
        self.places
            .push(Place::new(number, feeds, limits, self.tracks));
        self.names.push(name);
        Ok(())
    }

    /// What stands where nothing is expected is nobody's.
    fn others(&mut self, reader: &mut dyn Reader) -> Result<(), VerifyError> {
        for (name, source) in reader.others().map_err(VerifyError::Sink)? {
            let number = self.places.len() as u32;
            let feed = Feed::new(source, self.ids, false)?;
            let mut place = Place::new(number, vec![feed], self.tally.limits, 1);
            place.finish(&mut self.tally)?;
            self.places.push(place);
            self.names.push(name);
        }
        Ok(())
    }

    /// The second pass, where it is needed; gives how many records are missing.
    fn settle(&mut self, rerun: &Rerun, mut looks: Looks<'_>) -> Result<u64, VerifyError> {
        let missing: Vec<Vec<Range<u64>>> = self
            .places
            .iter_mut()
            .map(|place| std::mem::take(&mut place.missing))
            .collect();
        let tally = &mut self.tally;
        let nothing = missing.iter().all(Vec::is_empty);
        if nothing && tally.strays.is_empty() && tally.samples.is_empty() {
            return Ok(0);
        }
        self.places.clear();
        let mut again = Expected::new(rerun)?;
        strays::settle(tally, &missing, self.tracks, |each| {
            let group = again.next()?;
            if let Some(group) = &group {
                looks.each(group, each);
            }
            Ok(group.is_some())
        })
    }

    fn report(self, rerun: &Rerun, hashes: Vec<(u32, u64, String)>, missing: u64) -> Report {
        let refused = self.looks.refused;
        let streams = rerun
            .streams
            .iter()
            .zip(hashes)
            .map(|(stream, hash)| StreamCheck::new(stream, hash))
            .collect();
        let Tally {
            matched,
            rejected,
            repeated,
            reordered,
            altered,
            foreign,
            samples,
            strays,
            ..
        } = self.tally;
        let counts = Counts {
            expected: matched + missing + altered + rejected + refused,
            matched,
            missing,
            repeated,
            reordered,
            altered,
            foreign,
            rejected: rejected + refused,
        };
        let mut report = Report::new(rerun, streams, Some(counts));
        if strays.overflown {
            report.notes.push(
                "more than a million items were in question; the rest of them count as foreign"
                    .to_owned(),
            );
        }
        report.examples = samples
            .into_iter()
            .map(|sample| report::Example::of(sample, &self.names))
            .collect();
        report.examples.sort_by_key(|example| example.kind);
        report
    }
}
