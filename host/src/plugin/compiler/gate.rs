//! So many at a time, the others in line, and each of them can be called off.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use super::Failure;

/// What a thread that compiles waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// Its turn has come.
    Turn,
    /// Nobody waits for it any more.
    Cancelled,
    /// The child process is over.
    Exited,
    /// The child process gave back more than it may.
    TooLong,
    /// The child process took too long.
    Late,
}

/// One thing that is compiled, as the thread that does it sees it.
pub(in crate::plugin) struct Job {
    tell: Sender<Event>,
    told: Receiver<Event>,
    cancelled: Arc<AtomicBool>,
}

/// Calls a job off when it is dropped; after its end that means nothing.
pub(in crate::plugin) struct Cancel {
    tell: Sender<Event>,
    cancelled: Arc<AtomicBool>,
}

impl Job {
    pub fn new() -> (Job, Cancel) {
        let (tell, told) = channel();
        let cancelled = Arc::new(AtomicBool::new(false));
        let cancel = Cancel {
            tell: tell.clone(),
            cancelled: cancelled.clone(),
        };
        let job = Job {
            tell,
            told,
            cancelled,
        };
        (job, cancel)
    }

    /// Whether nobody waits for it any more.
    pub fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Acquire)
    }

    /// For the threads that watch the child process.
    pub(super) fn teller(&self) -> Sender<Event> {
        self.tell.clone()
    }

    /// What comes first, [`Event::Late`] at the deadline.
    pub(super) fn next(&self, deadline: Instant) -> Event {
        let left = deadline.saturating_duration_since(Instant::now());
        match self.told.recv_timeout(left) {
            Ok(event) => event,
            // The job holds a sender itself, so it can't be disconnected.
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => Event::Late,
        }
    }
}

impl Drop for Cancel {
    fn drop(&mut self) {
        self.cancelled.store(true, Ordering::Release);
        // Where the job is over, nobody listens.
        let _ = self.tell.send(Event::Cancelled);
    }
}

/// Lets so many in at a time, in the order in which they came.
pub(super) struct Gate {
    line: Mutex<Line>,
    at_once: usize,
}

#[derive(Default)]
struct Line {
    inside: usize,
    waiting: VecDeque<(u64, Sender<Event>)>,
    tickets: u64,
}

/// A place inside; the next in line has it when this is dropped.
pub(super) struct Pass(Arc<Gate>);

impl Gate {
    pub fn new(at_once: usize) -> Arc<Gate> {
        let line = Mutex::default();
        Arc::new(Gate { line, at_once })
    }

    /// Waits for a place, unless the job is called off first.
    pub fn enter(self: &Arc<Gate>, job: &Job) -> Result<Pass, Failure> {
        let ticket = {
            let mut line = self.line();
            if line.inside < self.at_once {
                line.inside += 1;
                return Ok(Pass(self.clone()));
            }
            line.tickets += 1;
            let ticket = line.tickets;
            line.waiting.push_back((ticket, job.teller()));
            ticket
        };
        if job.told.recv() == Ok(Event::Turn) {
            return Ok(Pass(self.clone()));
        }
        let mut line = self.line();
        match line.waiting.iter().position(|(other, _)| *other == ticket) {
            Some(at) => {
                line.waiting.remove(at);
            }
            // Its turn came at the same instant: the place is the next one's.
            None => {
                drop(line);
                drop(Pass(self.clone()));
            }
        }
        Err(Failure::Cancelled)
    }

    fn line(&self) -> std::sync::MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        let mut line = self.0.line();
        while let Some((_, tell)) = line.waiting.pop_front() {
            if tell.send(Event::Turn).is_ok() {
                return;
            }
        }
        line.inside -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waiting(gate: &Gate) -> usize {
        gate.line().waiting.len()
    }

    #[test]
    fn places_go_to_the_next_in_line_and_past_those_called_off() {
        let gate = Gate::new(1);
        let (job, _cancel) = Job::new();
        let first = gate.enter(&job).unwrap();
        let (called_off, cancel) = Job::new();
        let (patient, _kept) = Job::new();
        std::thread::scope(|scope| {
            let gone = scope.spawn(|| {
                let called_off = called_off;
                matches!(gate.enter(&called_off), Err(Failure::Cancelled))
            });
            while waiting(&gate) < 1 {
                std::thread::yield_now();
            }
            let second = scope.spawn(|| {
                let patient = patient;
                gate.enter(&patient).is_ok()
            });
            while waiting(&gate) < 2 {
                std::thread::yield_now();
            }
            drop(cancel);
            assert!(gone.join().unwrap());
            assert_eq!(waiting(&gate), 1);
            drop(first);
            assert!(second.join().unwrap());
        });
        assert_eq!(gate.line().inside, 0);
    }

    #[test]
    fn a_turn_that_nobody_takes_is_passed_on() {
        let gate = Gate::new(1);
        let (job, cancel) = Job::new();
        gate.line().inside = 1;
        // Called off before its turn came, and seen after it: `enter` finds itself gone from the line.
        drop(cancel);
        gate.line().waiting.push_back((7, job.teller()));
        drop(Pass(gate.clone()));
        assert_eq!(gate.line().inside, 1, "its turn holds the place");
        assert_eq!(job.told.recv(), Ok(Event::Cancelled));
        assert_eq!(job.told.recv(), Ok(Event::Turn));
        assert!(job.is_cancelled());
    }
}
