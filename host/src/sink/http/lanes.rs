//! Which records wait for which: queues, each of which gives one request after another.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::driver::Turn;
use super::options::{Options, Ordered};
use crate::sink::shared::SharedPart;

/// One record that waits.
pub(super) struct Entry {
    /// Its slot in the tracker.
    pub(super) slot: usize,
    /// Where it is.
    pub(super) from: Arc<SharedPart>,
    /// Its index in the batch.
    pub(super) record: usize,
    /// Where it goes; nothing where all go to the same place.
    pub(super) url: Option<Arc<str>>,
}

struct Lane {
    queue: VecDeque<Entry>,
    /// Bytes of the queue's records.
    bytes: u64,
    running: usize,
    /// Since when the first may wait for more.
    since: Instant,
    /// Whether it stands in the list of those to look at.
    listed: bool,
}

/// The queues of a sink.
pub(super) struct Lanes {
    lanes: Vec<Lane>,
    by_url: HashMap<Option<Arc<str>>, usize>,
    listed: VecDeque<usize>,
    ordered: Ordered,
    batch: usize,
    batch_bytes: u64,
    batch_wait: Duration,
    concurrency: usize,
    max_targets: usize,
}

impl Lanes {
    pub(super) fn new(options: &Options) -> Lanes {
        Lanes {
            lanes: Vec::new(),
            by_url: HashMap::new(),
            listed: VecDeque::new(),
            ordered: options.ordered,
            batch: options.batch,
            batch_bytes: options.batch_bytes.0,
            batch_wait: options.batch_wait.0,
            concurrency: options.concurrency,
            max_targets: options.max_targets,
        }
    }

    /// Whether a record is a task's own: where the order of keys is kept, each key has one task.
    pub(super) fn has(&self, order: u64, turn: Turn) -> bool {
        self.ordered != Ordered::Key || self.of_key(order) % turn.of == turn.index
    }

    fn of_key(&self, order: u64) -> usize {
        (order % self.concurrency as u64) as usize
    }

    /// Takes a record; `order` is what it has in common with those whose order is kept.
    ///
    /// # Errors
    /// Where there are too many places to go.
    pub(super) fn push(&mut self, entry: Entry, order: u64) -> Result<(), String> {
        let lane = match self.ordered {
            Ordered::All => 0,
            Ordered::Key => self.of_key(order),
            Ordered::None if self.batch == 1 => 0,
            Ordered::None => self.of_url(&entry.url)?,
        };
        while self.lanes.len() <= lane {
            self.lanes.push(Lane {
                queue: VecDeque::new(),
                bytes: 0,
                running: 0,
                since: Instant::now(),
                listed: false,
            });
        }
        let it = &mut self.lanes[lane];
        if it.queue.is_empty() && self.batch > 1 {
            it.since = Instant::now();
        }
        it.bytes += entry.from.part.batch.record(entry.record).len() as u64;
        it.queue.push_back(entry);
        self.list(lane);
        Ok(())
    }

    fn of_url(&mut self, url: &Option<Arc<str>>) -> Result<usize, String> {
        if let Some(&lane) = self.by_url.get(url) {
            return Ok(lane);
        }
        if self.by_url.len() >= self.max_targets {
            return Err(format!(
                "the template of `url` gives more than {} URLs that batches would be open for; use fields with \
                 fewer values, `batch: 1`, or raise `max_targets`",
                self.max_targets
            ));
        }
        let lane = self.by_url.len();
        self.by_url.insert(url.clone(), lane);
        Ok(lane)
    }

    fn list(&mut self, lane: usize) {
        if !self.lanes[lane].listed {
            self.lanes[lane].listed = true;
            self.listed.push_back(lane);
        }
    }

    /// Looks at all of them again: a request's time to wait for more may be over.
    pub(super) fn list_all(&mut self) {
        for lane in 0..self.lanes.len() {
            self.list(lane);
        }
    }

    /// The records of the next request and their lane. With `all` no request waits for more.
    pub(super) fn next(&mut self, all: bool) -> Option<(usize, Vec<Entry>)> {
        while let Some(&lane) = self.listed.front() {
            let width = match self.ordered {
                Ordered::None => usize::MAX,
                Ordered::Key | Ordered::All => 1,
            };
            let ready = self.ready(lane, all);
            let it = &mut self.lanes[lane];
            if ready == 0 || it.running >= width {
                it.listed = false;
                self.listed.pop_front();
                continue;
            }
            let taken: Vec<Entry> = it.queue.drain(..ready).collect();
            let bytes = taken
                .iter()
                .map(|entry| entry.from.part.batch.record(entry.record).len() as u64);
            it.bytes -= bytes.sum::<u64>();
            it.running += 1;
            if self.batch > 1 {
                it.since = Instant::now();
            }
            return Some((lane, taken));
        }
        None
    }

    /// How many records the lane's next request takes, if it is ready to go.
    fn ready(&self, lane: usize, all: bool) -> usize {
        let it = &self.lanes[lane];
        let Some(first) = it.queue.front() else {
            return 0;
        };
        if self.batch == 1 {
            return 1;
        }
        let mut bytes = 0;
        let mut count = 0;
        for entry in it.queue.iter().take(self.batch) {
            if entry.url != first.url || (count > 0 && bytes >= self.batch_bytes) {
                break;
            }
            bytes += entry.from.part.batch.record(entry.record).len() as u64;
            count += 1;
        }
        let closed = count == self.batch || count < it.queue.len() || bytes >= self.batch_bytes;
        if closed || all || it.since.elapsed() >= self.batch_wait {
            count
        } else {
            0
        }
    }

    /// A request of the lane is over.
    pub(super) fn done(&mut self, lane: usize) {
        if let Some(it) = self.lanes.get_mut(lane) {
            it.running = it.running.saturating_sub(1);
        }
        self.list(lane);
    }
}
