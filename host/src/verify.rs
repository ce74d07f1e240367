//! What a sink should hold, beside what it does: `wellhead verify`.
//!
//! A manifest is enough to generate the run again, after faults, in the order of its release. One
//! thread does that, and nothing else, since it has the most to do; another reads the sink
//! ([`crate::sink::read`]) and hashes what is there; a third hashes what was generated and compares, place by
//! place (`place.rs`), within a window of bounded size. What no record of the window fits, or isn't found,
//! is decided on by a second pass over the expected records (`strays.rs`), which a run that holds
//! doesn't need. Memory doesn't grow with the number of records, only with that of differences, up to a cap.

mod comparison;
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
mod stretch;
mod tally;
#[cfg(test)]
mod tests;
mod turn;
mod window;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};

use crate::emulation::shared::Limits;
use crate::record::Group;
use crate::sink::read::Reader;
use comparison::Comparison;
pub use error::VerifyError;
use expected::{Expected, Looks};
pub use rejected::Rejections;
pub use report::{Counts, Report, StreamCheck};
pub use rerun::{Given, Rerun, read};
pub use tally::Kind;

/// Expected records that go from thread to thread at once, at least.
const BATCH: usize = 1_024;
/// Batches that wait.
const AHEAD: usize = 4;

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
type Batch = Vec<Group>;

/// What the thread that compares is given, and what it has done with. That is freed where it was allocated,
/// since memory that comes from another thread's heap is had anew from the system.
struct Groups {
    take: Receiver<Batch>,
    done: Sender<Group>,
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
    let mut comparison = Comparison::new(rerun.plan.streams, &*reader);
    let mut looks = Looks::new(form, ids, excused);
    let places = looks.places().iter();
    let keys: Vec<Vec<String>> = places.map(|place| reader.keys(place)).collect();
    if keys.iter().any(|names| !names.is_empty()) {
        let form = reader.form().map_err(VerifyError::Sink)?;
        let again = Looks::new(form, ids, excused);
        return comparison.latest(rerun, &mut *reader, &keys, [looks, again], progress);
    }
    let (give, take) = sync_channel(AHEAD);
    let (done, back) = channel();
    let groups = Groups { take, done };
    std::thread::scope(|scope| {
        let generator = std::thread::Builder::new().name("verify-generate".to_owned());
        let generator = generator
            .spawn_scoped(scope, move || {
                generate(&mut expected, &give, &back).map(|()| {
                    drop(give);
                    expected.hashes()
                })
            })
            .map_err(|e| VerifyError::System(e.to_string()))?;
        let compared = comparison.run(&mut *reader, &mut looks, &groups, progress);
        // What still comes is for nobody where that failed: the generator ends at the next.
        drop(groups);
        let generated = generator
            .join()
            .map_err(|_| VerifyError::System("the generating thread panicked".to_owned()))?;
        compared?;
        let hashes = generated?;
        comparison.others(&mut *reader)?;
        let form = reader.form().map_err(VerifyError::Sink)?;
        let again = Looks::new(form, ids, excused);
        let missing = comparison.settle(rerun, again)?;
        Ok(comparison.report(rerun, hashes, looks.refused, missing))
    })
}

/// Everything that is expected. Ends early where nobody takes it.
fn generate(
    expected: &mut Expected<'_>,
    give: &SyncSender<Batch>,
    back: &Receiver<Group>,
) -> Result<(), VerifyError> {
    let (mut batch, mut records) = (Batch::new(), 0);
    while let Some(group) = expected.next()? {
        back.try_iter().for_each(drop);
        records += group.len();
        batch.push(group);
        if records >= BATCH {
            records = 0;
            if give.send(std::mem::take(&mut batch)).is_err() {
                return Ok(());
            }
        }
    }
    // Where nobody takes it, the comparison has failed and says why.
    let _ = give.send(batch);
    Ok(())
}
