//! What a sink should hold, beside what it does: `wellhead verify`.
//!
//! A manifest is enough to generate the run again, after faults, in the order of its release. One
//! thread does that and hashes each record while it lies in its core's cache; another reads the sink
//! ([`crate::sink::read`]) and hashes what is there; a third compares, place by place (`place.rs`),
//! within a window of bounded size. What no record of the window fits, or isn't found,
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

/// Expected records that go from thread to thread at once.
const GROUP: usize = 4_096;
/// Groups that wait.
const AHEAD: usize = 8;
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

/// What goes from the thread that generates to the one that compares.
#[derive(Default)]
struct Batch {
    /// Places that are new, by number.
    places: Vec<String>,
    slots: Vec<(u32, Slot)>,
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
        names: Vec::new(),
        places: Vec::new(),
        ids,
    };
    let mut looks = Looks::new(form, ids, excused);
    let places = looks.places().iter();
    let keys: Vec<Vec<String>> = places.map(|place| reader.keys(place)).collect();
    if keys.iter().any(|names| !names.is_empty()) {
        let form = reader.form().map_err(VerifyError::Sink)?;
        let again = Looks::new(form, ids, excused);
        return comparison.latest(rerun, &mut *reader, &keys, [looks, again], progress);
    }
    let (give, take) = sync_channel(AHEAD);
    std::thread::scope(|scope| {
        let generator = std::thread::Builder::new().name("verify-generate".to_owned());
        let generator = generator
            .spawn_scoped(scope, || {
                generate(&mut expected, &mut looks, &give, progress).map(|()| {
                    drop(give);
                    (expected.hashes(), looks.refused)
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
        let (hashes, refused) = generated?;
        comparison.others(&mut *reader)?;
        let form = reader.form().map_err(VerifyError::Sink)?;
        let again = Looks::new(form, ids, excused);
        let missing = comparison.settle(rerun, again)?;
        Ok(comparison.report(rerun, hashes, refused, missing))
    })
}

/// Everything that is expected, in groups. Ends early where nobody takes them.
fn generate(
    expected: &mut Expected<'_>,
    looks: &mut Looks<'_>,
    give: &SyncSender<Batch>,
    progress: &Progress,
) -> Result<(), VerifyError> {
    let mut known = 0;
    let mut batch = Batch::default();
    loop {
        let group = expected.next()?;
        let more = group.is_some();
        if let Some(group) = &group {
            looks.each(group, |place, slot, _| batch.slots.push((place, slot)));
        }
        if batch.slots.len() >= GROUP || !more {
            let places = looks.places();
            batch.places.extend_from_slice(&places[known..]);
            known = places.len();
            progress.add(batch.slots.len());
            let full = std::mem::replace(
                &mut batch,
                Batch {
                    places: Vec::new(),
                    slots: Vec::with_capacity(GROUP + GROUP / 2),
                },
            );
            if give.send(full).is_err() || !more {
                return Ok(());
            }
        }
    }
}

struct Comparison {
    tally: Tally,
    /// Orders that each source of a place keeps.
    tracks: u32,
    names: Vec<String>,
    places: Vec<Place>,
    ids: bool,
}

impl Comparison {
    fn run(&mut self, reader: &mut dyn Reader, take: &Receiver<Batch>) -> Result<(), VerifyError> {
        let mut touched: Vec<u32> = Vec::new();
        while let Ok(batch) = take.recv() {
            for name in batch.places {
                self.open(reader, name)?;
            }
            touched.clear();
            for (place, slot) in batch.slots {
                let Some(there) = self.places.get_mut(place as usize) else {
                    continue;
                };
                there.push(slot);
                if touched.last() != Some(&place) {
                    touched.push(place);
                }
            }
            touched.sort_unstable();
            touched.dedup();
            for &place in &touched {
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

    fn report(
        self,
        rerun: &Rerun,
        hashes: Vec<(u32, u64, String)>,
        refused: u64,
        missing: u64,
    ) -> Report {
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
