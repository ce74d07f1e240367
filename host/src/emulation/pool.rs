//! The worker threads that run generators: each takes the work that is needed soonest.
//!
//! A stream is a resumable task, so a thousand streams cost memory and not threads. What is handed
//! in is one call's worth of work; whoever still wants more hands itself in again. A spare worker
//! steps in while a call takes longer than [`SLOW`], so that two slow generators don't hold up the others.

use std::cmp::Ordering as Order;
use std::collections::BinaryHeap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// A call that takes longer than this wakes a spare worker.
pub const SLOW: Duration = Duration::from_millis(5);

/// One call's worth of work.
pub trait Work: Send + Sync {
    /// Does it, on a worker thread.
    fn run(self: Arc<Self>);
}

struct Task {
    /// When the result is needed: the smallest goes first.
    needed: u64,
    work: Arc<dyn Work>,
}

impl PartialEq for Task {
    fn eq(&self, other: &Task) -> bool {
        self.needed == other.needed
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
        other.needed.cmp(&self.needed)
    }
}

struct Shared {
    ready: Mutex<BinaryHeap<Task>>,
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
            ready: Mutex::new(BinaryHeap::new()),
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
        self.shared.lock().clear();
        self.shared.wake.notify_all();
        for thread in self.threads.drain(..) {
            // A worker that panicked has said so; the others are joined all the same.
            let _ = thread.join();
        }
    }
}

impl Hands {
    /// Hands in one call's worth, needed by `needed` (any scale that all who share the pool keep to).
    pub fn hand_in(&self, needed: u64, work: Arc<dyn Work>) {
        if self.0.stop.load(Ordering::Relaxed) {
            return;
        }
        self.0.lock().push(Task { needed, work });
        self.0.wake.notify_one();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, BinaryHeap<Task>> {
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
        task.work.run();
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

    #[test]
    fn the_soonest_goes_first() {
        let (say, _heard) = mpsc::channel();
        let mut ready = BinaryHeap::new();
        for needed in [30, 10, 20] {
            let work: Arc<dyn Work> = Arc::new(Say(say.clone(), needed));
            ready.push(Task { needed, work });
        }
        let order: Vec<u64> = std::iter::from_fn(|| ready.pop().map(|t| t.needed)).collect();
        assert_eq!(order, [10, 20, 30]);
    }

    #[test]
    fn a_spare_helps_out_behind_a_slow_call() {
        let pool = Pool::start(1).unwrap();
        let (open, gate) = mpsc::channel();
        let (say, heard) = mpsc::channel();
        pool.hands()
            .hand_in(0, Arc::new(Block(Mutex::new(Some(gate)))));
        pool.hands().hand_in(1, Arc::new(Say(say, 1)));
        let got = heard.recv_timeout(Duration::from_secs(10));
        open.send(()).unwrap();
        assert_eq!(got, Ok(1));
    }
}
