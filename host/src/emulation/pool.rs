//! The worker threads that run generators: each takes the work that is needed soonest.
//!
//! What has a due instant that can still be met goes first, the earliest before all. The rest has no end:
//! emulations without pace, and those that are behind their own. Workers are shared out among these evenly,
//! by the time that the calls of each take (start-time fair queueing, Goyal, Vin and Cheng 1996), however
//! many streams they have and however long they have been going on.
//!
//! A stream is a resumable task, so a thousand streams cost memory and not threads. What is handed
//! in is one call's worth of work; whoever still wants more hands itself in again. A spare worker
//! steps in while a call takes longer than [`SLOW`], so that two slow generators don't hold up the others.

use std::cmp::Ordering as Order;
use std::collections::BinaryHeap;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::record::Nanos;

/// A call that takes longer than this wakes a spare worker.
pub const SLOW: Duration = Duration::from_millis(5);

/// One call's worth of work.
pub trait Work: Send + Sync {
    /// Does it, on a worker thread.
    fn run(self: Arc<Self>);
}

/// What one emulation has had of the workers.
#[derive(Debug, Default)]
pub struct Share {
    /// Where its next call stands among those of others, in nanoseconds of worker time.
    turn: AtomicU64,
    /// Nanoseconds that its last call took.
    call: AtomicU64,
}

/// Where a task stands in the queue: the smallest goes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Turn {
    /// Its result is needed at that instant.
    Due(Nanos),
    /// After what is due: by its emulation's share, and within that by profile time.
    Share(u64, Nanos),
}

struct Task {
    turn: Turn,
    share: Arc<Share>,
    work: Arc<dyn Work>,
}

impl PartialEq for Task {
    fn eq(&self, other: &Task) -> bool {
        self.turn == other.turn
    }
}
impl Eq for Task {}
impl PartialOrd for Task {
    fn partial_cmp(&self, other: &Task) -> Option<Order> {
        Some(self.cmp(other))
    }
}
impl Ord for Task {
    fn cmp(&self, other: &Task) -> Order {
        other.turn.cmp(&self.turn)
    }
}

/// What waits for a worker.
#[derive(Default)]
struct Ready {
    tasks: BinaryHeap<Task>,
    /// The turn of the newest call that was taken by share: who had nothing to do meanwhile has saved up nothing.
    floor: u64,
}

impl Ready {
    fn push(&mut self, when: When, share: &Arc<Share>, work: Arc<dyn Work>) {
        let turn = match when {
            When::Due(due) => Turn::Due(due),
            When::Whenever(order) => {
                let turn = share.turn.load(Ordering::Relaxed).max(self.floor);
                // What it will take isn't known yet: as much as the last one.
                let next = turn + share.call.load(Ordering::Relaxed);
                share.turn.store(next, Ordering::Relaxed);
                Turn::Share(turn, order)
            }
        };
        let share = Arc::clone(share);
        self.tasks.push(Task { turn, share, work });
    }

    fn pop(&mut self) -> Option<Task> {
        let task = self.tasks.pop()?;
        if let Turn::Share(turn, _) = task.turn {
            self.floor = self.floor.max(turn);
        }
        Some(task)
    }
}

/// When work is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// At that instant of the process's clock.
    Due(Nanos),
    /// At none that can be met; it goes on at that profile time.
    Whenever(Nanos),
}

struct Shared {
    ready: Mutex<Ready>,
    wake: Condvar,
    stop: AtomicBool,
    /// Calls begun and not ended, for the spare.
    busy: AtomicUsize,
    /// Calls ended, so that the spare can tell a stuck pool from a busy one.
    done: AtomicUsize,
    workers: usize,
}

/// A bounded set of threads that run [`Work`].
pub struct Pool {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

/// Hands work to a [`Pool`]; copies share it.
#[derive(Clone)]
pub struct Hands(Arc<Shared>);

impl Pool {
    /// Starts `workers` threads (at least one) and a spare.
    ///
    /// # Errors
    /// Where the system gives no thread.
    pub fn start(workers: usize) -> std::io::Result<Pool> {
        let shared = Arc::new(Shared {
            ready: Mutex::default(),
            wake: Condvar::new(),
            stop: AtomicBool::new(false),
            busy: AtomicUsize::new(0),
            done: AtomicUsize::new(0),
            workers: workers.max(1),
        });
        let mut threads = Vec::with_capacity(shared.workers + 1);
        for n in 0..shared.workers {
            let shared = Arc::clone(&shared);
            let builder = std::thread::Builder::new().name(format!("generate-{n}"));
            threads.push(builder.spawn(move || shared.work())?);
        }
        let spare = Arc::clone(&shared);
        threads.push(
            std::thread::Builder::new()
                .name("generate-spare".to_owned())
                .spawn(move || spare.stand_by())?,
        );
        Ok(Pool { shared, threads })
    }

    /// Where to hand work in.
    pub fn hands(&self) -> Hands {
        Hands(Arc::clone(&self.shared))
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::SeqCst);
        self.shared.lock().tasks.clear();
        self.shared.wake.notify_all();
        for thread in self.threads.drain(..) {
            // A worker that panicked has said so; the others are joined all the same.
            let _ = thread.join();
        }
    }
}

impl Hands {
    /// Hands in one call's worth of an emulation's work.
    pub fn hand_in(&self, when: When, share: &Arc<Share>, work: Arc<dyn Work>) {
        if self.0.stop.load(Ordering::Relaxed) {
            return;
        }
        self.0.lock().push(when, share, work);
        self.0.wake.notify_one();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Ready> {
        self.ready.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work(&self) {
        loop {
            let mut ready = self.lock();
            let task = loop {
                if self.stop.load(Ordering::SeqCst) {
                    return;
                }
                match ready.pop() {
                    Some(task) => break task,
                    None => {
                        ready = self
                            .wake
                            .wait(ready)
                            .unwrap_or_else(PoisonError::into_inner);
                    }
                }
            };
            drop(ready);
            self.perform(task);
        }
    }

    fn perform(&self, task: Task) {
        self.busy.fetch_add(1, Ordering::Relaxed);
        let begun = Instant::now();
        task.work.run();
        let took = u64::try_from(begun.elapsed().as_nanos()).unwrap_or(u64::MAX);
        task.share.call.store(took, Ordering::Relaxed);
        self.busy.fetch_sub(1, Ordering::Relaxed);
        self.done.fetch_add(1, Ordering::Relaxed);
    }

    /// Helps out while every worker is in a call that doesn't end and work is waiting.
    fn stand_by(&self) {
        let mut ready = self.lock();
        let mut seen = usize::MAX;
        loop {
            if self.stop.load(Ordering::SeqCst) {
                return;
            }
            let done = self.done.load(Ordering::Relaxed);
            let stuck = done == seen && self.busy.load(Ordering::Relaxed) >= self.workers;
            if stuck && let Some(task) = ready.pop() {
                drop(ready);
                self.perform(task);
                ready = self.lock();
                // Its own call counts as done: what was stuck is still stuck.
                seen = self.done.load(Ordering::Relaxed);
                continue;
            }
            seen = done;
            // A look every few milliseconds costs nothing that can be measured, and needs no second
            // condition variable.
            drop(ready);
            std::thread::park_timeout(SLOW);
            ready = self.lock();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    struct Say(mpsc::Sender<u64>, u64);
    impl Work for Say {
        fn run(self: Arc<Self>) {
            let _ = self.0.send(self.1);
        }
    }

    struct Block(Mutex<Option<mpsc::Receiver<()>>>);
    impl Work for Block {
        fn run(self: Arc<Self>) {
            let gate = self.0.lock().unwrap().take();
            if let Some(gate) = gate {
                let _ = gate.recv();
            }
        }
    }

    fn nothing() -> Arc<dyn Work> {
        Arc::new(Block(Mutex::default()))
    }

    #[test]
    fn what_is_due_goes_first() {
        let (mut ready, share) = (Ready::default(), Arc::default());
        for when in [
            When::Due(30),
            When::Whenever(1),
            When::Due(10),
            When::Whenever(0),
            When::Due(20),
        ] {
            ready.push(when, &share, nothing());
        }
        let order: Vec<Turn> = std::iter::from_fn(|| ready.pop().map(|t| t.turn)).collect();
        let wanted = [
            Turn::Due(10),
            Turn::Due(20),
            Turn::Due(30),
            Turn::Share(0, 0),
            Turn::Share(0, 1),
        ];
        assert_eq!(order, wanted);
    }

    /// One with many streams has been going on for long when one with a single stream and longer calls begins.
    #[test]
    fn emulations_have_even_shares() {
        let mut ready = Ready::default();
        let (old, new): (Arc<Share>, Arc<Share>) = Default::default();
        old.call.store(1_000, Ordering::Relaxed);
        new.call.store(3_000, Ordering::Relaxed);
        let mut order = 0;
        let mut turns = |ready: &mut Ready, turns: usize| {
            let (mut of_old, mut of_new) = (0, 0);
            for _ in 0..turns {
                let task = ready.pop().unwrap();
                order += 1;
                let share = task.share;
                *(if Arc::ptr_eq(&share, &old) {
                    &mut of_old
                } else {
                    &mut of_new
                }) += 1;
                ready.push(When::Whenever(order), &share, nothing());
            }
            (of_old, of_new)
        };
        for stream in 0..100 {
            ready.push(When::Whenever(stream), &old, nothing());
        }
        assert_eq!(turns(&mut ready, 5_000), (5_000, 0));
        ready.push(When::Whenever(0), &new, nothing());
        // It waits for the calls that were handed in before, at most, and then has its share.
        turns(&mut ready, 100);
        let (of_old, of_new) = turns(&mut ready, 4_000);
        assert!((2_990..=3_010).contains(&of_old), "{of_old} and {of_new}");
    }

    #[test]
    fn a_spare_helps_out_behind_a_slow_call() {
        let (pool, share) = (Pool::start(1).unwrap(), Arc::default());
        let (open, gate) = mpsc::channel();
        let (say, heard) = mpsc::channel();
        pool.hands().hand_in(
            When::Due(0),
            &share,
            Arc::new(Block(Mutex::new(Some(gate)))),
        );
        pool.hands()
            .hand_in(When::Due(1), &share, Arc::new(Say(say, 1)));
        let got = heard.recv_timeout(Duration::from_secs(10));
        open.send(()).unwrap();
        assert_eq!(got, Ok(1));
    }
}
