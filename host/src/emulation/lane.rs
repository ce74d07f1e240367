//! One stream on its way from the schedule to the queue: times → generator → hash → faults → queue.
//!
//! A lane is worked on by one worker at a time, a call at a time, and hands itself in again while
//! its queue is below the high-water mark. What it puts into the queue is in sequence order.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::calls::{Calls, Shown};
use super::chain::{self, Chain};
use super::pool::{Hands, Work};
use super::shared::{Limits, Shared};
use crate::fault::{FaultCounts, Sequencer};
use crate::plugin;
use crate::record::{Batch, Nanos, Origin};
use crate::schedule::Cursor;
use crate::state::Restart;

/// Why a lane stopped giving.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// `until` was reached.
    Until,
    /// The generator had no more.
    Generator,
    /// The generator broke a rule, trapped, or failed; the message names it.
    Failed(String),
}

/// One stream of an emulation.
pub struct Lane {
    /// Which stream.
    pub stream: u32,
    shared: Arc<Shared>,
    hands: Hands,
    producer: Mutex<Producer>,
    queue: Mutex<Queue>,
    /// Everything ordered before this is in the queue or was taken from it.
    known: AtomicU64,
    /// Handed in to the pool, or being worked on.
    engaged: AtomicBool,
    /// Bytes in the queue.
    bytes: AtomicU64,
}

#[derive(Default)]
struct Queue {
    batches: VecDeque<Arc<Batch>>,
    ended: Option<Ended>,
    /// What happened to the records up to here, those in the queue included.
    counts: FaultCounts,
}

/// The part that only the worker in charge touches.
pub struct Producer {
    /// The generator's side of the stream.
    pub stream: plugin::Stream,
    /// The walk over the schedule.
    pub cursor: Cursor,
    /// Index to sequence.
    pub sequencer: Sequencer,
    /// The manifest's hash.
    pub chain: Chain,
    /// Records in the next call.
    size: usize,
    /// Bytes of a record, lately.
    weight: usize,
    profile: Vec<Nanos>,
    event: Vec<Nanos>,
    ready: Vec<Batch>,
    /// Restarts that aren't settled yet, oldest first.
    restarts: VecDeque<Point>,
    over: bool,
    /// Where it is measured what calls take; nowhere while a run is gone through again.
    calls: Option<Arc<Calls>>,
    /// The last one, where it is to be in the trace.
    shown: Option<Shown>,
}

/// A restart, and from which sequence on it is usable.
struct Point {
    restart: Restart,
    /// Every entry of an earlier index has a sequence below this; not known while some are held.
    clear: Option<u64>,
}

impl Producer {
    /// At the place where chain, cursor and sequencer stand.
    pub fn new(
        stream: plugin::Stream,
        cursor: Cursor,
        sequencer: Sequencer,
        chain: Chain,
    ) -> Producer {
        Producer {
            stream,
            cursor,
            sequencer,
            chain,
            size: 64,
            weight: 256,
            profile: Vec::new(),
            event: Vec::new(),
            ready: Vec::new(),
            restarts: VecDeque::new(),
            over: false,
            calls: None,
            shown: None,
        }
    }

    /// Counts of skipped and faulted records.
    pub fn counts(&self) -> FaultCounts {
        self.sequencer.counts()
    }

    /// The newest restart that is wholly below the sequence `settled`; older ones are forgotten.
    pub fn settled_restart(&mut self, settled: u64) -> Option<Restart> {
        let usable = |point: &Point| point.clear.is_some_and(|clear| clear <= settled);
        let n = self.restarts.iter().take_while(|p| usable(p)).count();
        self.restarts
            .drain(..n)
            .next_back()
            .map(|point| point.restart)
    }

    /// The newest restart at or below `index`, settled or not.
    pub fn restart_below(&self, index: u64) -> Option<Restart> {
        let below = |point: &&Point| point.restart.index <= index;
        self.restarts
            .iter()
            .rev()
            .find(below)
            .map(|p| p.restart.clone())
    }

    /// One call to the generator, and all that follows from it.
    pub fn step(&mut self, ahead: Nanos, limits: &Limits) -> Result<Option<Ended>, String> {
        self.step_by(usize::MAX, ahead, limits)
    }

    /// The same for at most so many records.
    pub fn step_by(
        &mut self,
        most: usize,
        ahead: Nanos,
        limits: &Limits,
    ) -> Result<Option<Ended>, String> {
        let room = usize::try_from(self.chain.room()).unwrap_or(usize::MAX);
        let n = self.size.min(limits.batch(self.weight));
        let n = n.min(room).min(most).max(1);
        self.size = (self.size * 2).min(limits.batch_records);
        let first = self.cursor.index();
        self.profile.clear();
        self.event.clear();
        let got = self
            .cursor
            .fill(n, ahead, &mut self.profile, &mut self.event);
        if got == 0 {
            return Ok(self.cursor.ended().then_some(Ended::Until));
        }
        let begun = self.calls.as_ref().map(|calls| calls.begin());
        let made = self
            .stream
            .generate(first, &self.event)
            .map_err(|e| e.to_string())?;
        if let (Some(calls), Some(begun)) = (&self.calls, begun) {
            self.shown = calls.end(begun, first, made.ends.len(), made.payload.len());
        }
        let given = made.ends.len();
        if given < got {
            self.cursor.seek(first + given as u64);
            self.profile.truncate(given);
            self.event.truncate(given);
        }
        if given == 0 {
            return Ok(Some(Ended::Generator));
        }
        self.weight = (made.payload.len() / given).max(1);
        self.chain.update(&made.payload, &made.ends);
        let batch = Batch {
            stream: self.cursor.stream(),
            payload: made.payload,
            ends: made.ends,
            keys: made.keys,
            key_ends: made.key_ends,
            channels: made.channels,
            operations: made.operations,
            times: std::mem::take(&mut self.event),
            order: std::mem::take(&mut self.profile),
            origin: Origin::Dense(first),
            first_sequence: 0,
        };
        self.sequencer.push(batch, &mut self.ready);
        if let Some(next) = self.cursor.peek() {
            self.sequencer.advance(next, &mut self.ready);
        }
        self.mark()?;
        // At once, not with the next call: what is held back at the end is due before others' records.
        Ok(self.cursor.ended().then_some(Ended::Until))
    }

    /// Everything ordered before this was given, if everything before `so_far` was.
    pub fn known(&self, so_far: Nanos) -> Nanos {
        match self.over {
            true => u64::MAX,
            // Where the bound is reached something may be held back: the next call says what.
            false => self.cursor.peek().unwrap_or(so_far),
        }
    }

    /// What is ready, in sequence order; with what is held back where the stream is `over`.
    pub fn take(&mut self, over: bool) -> Vec<Batch> {
        if over {
            self.sequencer.finish(&mut self.ready);
        }
        std::mem::take(&mut self.ready)
    }

    /// Keeps a restart at each block boundary, and learns from what is ready which are clear.
    fn mark(&mut self) -> Result<(), String> {
        let next = self.sequencer.next_sequence();
        for point in self.restarts.iter_mut().filter(|p| p.clear.is_none()) {
            if self.sequencer.holds_below(point.restart.index) {
                // Of younger restarts it holds something too.
                break;
            }
            point.clear = Some(next);
        }
        let Some(digest) = self.chain.boundary() else {
            return Ok(());
        };
        let save = self.stream.save().map_err(|e| e.to_string())?;
        self.restarts.push_back(Point {
            restart: Restart {
                index: self.chain.records(),
                hash: chain::text(&digest),
                held: self.sequencer.snapshot(),
                save: save.map(hex::encode),
            },
            clear: (!self.sequencer.holds_below(u64::MAX)).then_some(next),
        });
        Ok(())
    }
}

impl Lane {
    /// A lane that hasn't begun.
    pub fn new(stream: u32, shared: Arc<Shared>, hands: Hands, mut producer: Producer) -> Lane {
        producer.calls = Some(Arc::clone(&shared.calls));
        let known = producer.known(0);
        Lane {
            stream,
            shared,
            hands,
            producer: Mutex::new(producer),
            queue: Mutex::new(Queue::default()),
            known: AtomicU64::new(known),
            engaged: AtomicBool::new(false),
            bytes: AtomicU64::new(0),
        }
    }

    /// Everything ordered before this is in the queue or was taken from it.
    pub fn known(&self) -> Nanos {
        self.known.load(Ordering::Acquire)
    }

    /// Takes the next batch, and asks for more where that leaves room.
    pub fn take(self: &Arc<Self>) -> Option<Arc<Batch>> {
        if self.bytes.load(Ordering::SeqCst) == 0 {
            return None;
        }
        let batch = self.queue().batches.pop_front()?;
        self.bytes
            .fetch_sub(batch.footprint() as u64, Ordering::SeqCst);
        self.request();
        Some(batch)
    }

    /// Why it stopped giving, once its queue is empty.
    pub fn ended(&self) -> Option<Ended> {
        let queue = self.queue();
        queue.batches.is_empty().then(|| queue.ended.clone())?
    }

    /// What happened to the records so far, without waiting for the call in hand.
    pub fn counts(&self) -> FaultCounts {
        self.queue().counts
    }

    /// Hands the lane in to the pool if it wants to be worked on and isn't yet.
    pub fn request(self: &Arc<Self>) {
        if self.wants()
            && self
                .engaged
                .compare_exchange(false, true, Ordering::SeqCst, Ordering::SeqCst)
                .is_ok()
        {
            let needed = self.shared.needed_at(self.known());
            self.hands.hand_in(
                needed,
                &self.shared.share,
                Arc::clone(self) as Arc<dyn Work>,
            );
        }
    }

    /// The newest restart below the settled sequence, if it moved; none while a call is in hand.
    pub fn settled_restart(&self, settled: u64) -> Option<Restart> {
        // A checkpoint needn't wait for a slow generator: the next one comes soon.
        self.producer.try_lock().ok()?.settled_restart(settled)
    }

    /// The producer, for whoever changes the schedule or takes a checkpoint; waits for the call in hand.
    pub fn producer(&self) -> MutexGuard<'_, Producer> {
        self.producer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Publishes what a change of the schedule made of the next order.
    pub fn refresh(&self, producer: &Producer) {
        let known = producer.known(self.known());
        self.known.store(known, Ordering::Release);
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wants(&self) -> bool {
        let known = self.known();
        !self.shared.stopping()
            && self.bytes.load(Ordering::SeqCst) < self.shared.limits.queue_bytes
            && self.queue().ended.is_none()
            && (known == u64::MAX || self.shared.wants_ahead(known))
    }

    fn settle(&self, producer: &mut Producer, outcome: Result<Option<Ended>, String>) {
        let ended = match outcome {
            Ok(ended) => ended,
            Err(message) => {
                producer.ready.clear();
                Some(Ended::Failed(message))
            }
        };
        if ended.is_some() {
            producer.over = true;
            if !matches!(ended, Some(Ended::Failed(_))) {
                producer.sequencer.finish(&mut producer.ready);
            }
        }
        if let Some(call) = producer.shown.take() {
            let calls = &self.shared.calls;
            calls.show(&call, self.stream, &producer.ready);
        }
        let known = producer.known(self.known());
        let mut queue = self.queue();
        for batch in producer.ready.drain(..) {
            self.bytes
                .fetch_add(batch.footprint() as u64, Ordering::SeqCst);
            queue.batches.push_back(Arc::new(batch));
        }
        if ended.is_some() {
            queue.ended = ended;
        }
        queue.counts = producer.counts();
        drop(queue);
        self.known.store(known, Ordering::Release);
    }
}

impl Work for Lane {
    fn run(self: Arc<Self>) {
        if !self.shared.stopping() {
            let mut producer = self.producer();
            if !producer.over {
                let outcome = producer.step(self.shared.ahead(), &self.shared.limits);
                self.settle(&mut producer, outcome);
                self.shared.memory(&producer.stream);
            }
        }
        // Free before the question: whoever took a batch meanwhile found the lane engaged and left
        // the asking to it.
        self.engaged.store(false, Ordering::SeqCst);
        self.shared.nudge();
        self.request();
    }
}

#[cfg(test)]
mod tests;
