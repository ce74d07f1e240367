//! The tasks that send: each takes parts, makes requests of them, keeps so many on their way, tries again
//! what fails for now, and says what became of each record.

use std::sync::Arc;
use std::time::Duration;

use futures::stream::{FuturesUnordered, StreamExt};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::attempts::{Fate, Shared};
use super::lanes::{Entry, Lanes};
use super::link::Link;
use super::requests::Requests;
use super::route::Route;
use crate::record::Part;
use crate::sink::shared::SharedPart;
use crate::sink::tracker::{Tracker, number};

/// What the sink hands to the task.
pub(super) enum Work {
    /// Records of that slot.
    Part(usize, Part),
    /// No more come for now: what waits for more goes.
    Flush,
}

/// Which part of the records is a task's own.
#[derive(Clone, Copy, Debug)]
pub(super) struct Turn {
    /// Which task, from 0.
    pub(super) index: usize,
    /// Of how many.
    pub(super) of: usize,
}

impl Turn {
    /// How many of so many requests are this task's.
    pub(super) fn share(self, concurrency: usize) -> usize {
        (concurrency + self.of - 1 - self.index) / self.of
    }
}

/// One task's own.
pub(super) struct Driver {
    route: Arc<Route>,
    turn: Turn,
    shared: Arc<Shared>,
    tracker: Arc<Tracker>,
    requests: Requests,
    lanes: Lanes,
    flush: bool,
}

impl Driver {
    pub(super) fn new(
        route: &Arc<Route>,
        turn: Turn,
        requests: Requests,
        shared: &Arc<Shared>,
        tracker: &Arc<Tracker>,
    ) -> Driver {
        Driver {
            route: Arc::clone(route),
            turn,
            tracker: Arc::clone(tracker),
            requests,
            lanes: Lanes::new(&shared.options),
            flush: false,
            shared: Arc::clone(shared),
        }
    }

    /// Until the sink is gone, the emulation is cancelled, or nothing goes any more.
    pub(super) async fn run(mut self, mut work: mpsc::UnboundedReceiver<Work>) {
        let cancel = self.shared.context.cancel.clone();
        let concurrency = self.turn.share(self.shared.options.concurrency);
        let batches = self.shared.options.batch > 1;
        let wait = self
            .shared
            .options
            .batch_wait
            .0
            .max(Duration::from_millis(2))
            / 2;
        let mut look = tokio::time::interval(wait);
        look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let (shared, route) = (Arc::clone(&self.shared), Arc::clone(&self.route));
        let (shared, route) = (&*shared, &*route);
        let mut idle: Vec<Link> = Vec::new();
        // The connection that just gave its answer: the next request takes it without a look.
        let mut warm: Option<Link> = None;
        let mut running = FuturesUnordered::new();
        loop {
            while running.len() < concurrency {
                let Some((lane, entries)) = self.lanes.next(self.flush) else {
                    break;
                };
                match self.requests.make(&entries) {
                    Ok(prepared) => {
                        let rested = || idle.pop().filter(|link| !link.stale(Instant::now()));
                        let mut link = warm.take().or_else(rested);
                        running.push(async move {
                            let fate = shared.deliver(route, &mut link, &prepared, &entries).await;
                            (lane, entries, fate, link)
                        });
                    }
                    Err(reason) => {
                        self.settle(&entries, Fate::Refused(reason));
                        self.lanes.done(lane);
                    }
                }
            }
            if let Some(mut link) = warm.take() {
                link.rest();
                idle.push(link);
            }
            tokio::select! {
                biased;
                () = cancel.cancelled() => return,
                Some((lane, entries, fate, link)) = running.next(), if !running.is_empty() => {
                    warm = link;
                    self.settle(&entries, fate);
                    self.lanes.done(lane);
                }
                given = work.recv() => match given {
                    Some(Work::Part(slot, part)) => {
                        self.flush = false;
                        self.take(slot, part);
                    }
                    Some(Work::Flush) => {
                        self.flush = true;
                        self.lanes.list_all();
                    }
                    None => return,
                },
                _ = look.tick(), if batches => self.lanes.list_all(),
            }
        }
    }

    fn take(&mut self, slot: usize, part: Part) {
        let range = part.range.clone();
        let batch = Arc::clone(&part.batch);
        let from = Arc::new(SharedPart::new(part));
        for record in range.clone() {
            let place = number(slot, record - range.start);
            let order = self.requests.order(&batch, record);
            if !self.lanes.has(order, self.turn) {
                continue;
            }
            let url = match self.requests.url(&batch, record) {
                Ok(url) => url,
                Err(reason) => {
                    self.tracker.rejected(place, reason);
                    continue;
                }
            };
            let entry = Entry {
                slot,
                from: Arc::clone(&from),
                record,
                url,
            };
            if let Err(reason) = self.lanes.push(entry, order) {
                self.tracker.fail(|_| format!("http: {reason}"));
                return;
            }
        }
    }

    fn settle(&self, entries: &[Entry], fate: Fate) {
        match fate {
            Fate::Taken => {
                for same in entries.chunk_by(|a, b| a.slot == b.slot) {
                    self.tracker.done(same[0].slot, same.len() as u32);
                }
            }
            Fate::Refused(reason) => {
                for entry in entries {
                    let place = entry.record - entry.from.part.range.start;
                    self.tracker
                        .rejected(number(entry.slot, place), reason.clone());
                }
            }
            Fate::Failed(reason) => self.tracker.fail(|_| reason),
        }
    }
}
