//! The calls of librdkafka that begin and end transactions. They block, so a thread of their own
//! makes them.

use std::sync::Arc;
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::producer::{BaseProducer, Producer};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use super::reports::Reports;

/// How long a call may block before the thread looks whether it is to stop.
const SLICE: Duration = Duration::from_millis(250);

/// A call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Takes the transactional id over: what an earlier producer left open is aborted.
    Init,
    Begin,
    /// Waits until everything in the queue is with the brokers.
    Flush,
    Commit,
    Abort,
}

/// Why a step wasn't taken.
#[derive(Clone, Debug)]
pub(super) enum Failure {
    /// The transaction has to be aborted; the same again may work.
    Abort(String),
    /// The step may be tried again later.
    Later(String),
    /// The producer is of no more use.
    Fatal(RDKafkaErrorCode, String),
    /// The emulation is to end.
    Stopped,
}

type Request = (Step, Duration, oneshot::Sender<Result<(), Failure>>);

/// The thread, which is joined at the end.
pub(super) struct Transactor {
    requests: Option<mpsc::Sender<Request>>,
    thread: Option<JoinHandle<()>>,
    stop: CancellationToken,
}

impl Transactor {
    /// Over a producer that another thread polls. Every step also ends when `cancel` fires.
    pub(super) fn start(
        producer: &Arc<BaseProducer<Reports>>,
        cancel: &CancellationToken,
    ) -> std::io::Result<Transactor> {
        let (requests, taken) = mpsc::channel::<Request>();
        let (producer, stop) = (Arc::clone(producer), cancel.child_token());
        let stopped = stop.clone();
        let thread = std::thread::Builder::new()
            .name("kafka-txn".to_owned())
            .spawn(move || {
                while let Ok((step, within, answer)) = taken.recv() {
                    // Whoever asked may be gone; the step was taken all the same.
                    let _ = answer.send(take(&producer, step, within, &stopped));
                }
            })?;
        Ok(Transactor {
            requests: Some(requests),
            thread: Some(thread),
            stop,
        })
    }

    /// Has a step taken, within that time.
    pub(super) async fn step(&self, step: Step, within: Duration) -> Result<(), Failure> {
        let (answer, answered) = oneshot::channel();
        let sent = self
            .requests
            .as_ref()
            .is_some_and(|requests| requests.send((step, within, answer)).is_ok());
        match sent {
            true => answered.await.unwrap_or(Err(Failure::Stopped)),
            false => Err(Failure::Stopped),
        }
    }

    /// Ends the thread off this one.
    pub(super) async fn stop(self) {
        // A panic there has been reported already.
        let _ = tokio::task::spawn_blocking(move || drop(self)).await;
    }
}

impl Drop for Transactor {
    fn drop(&mut self) {
        self.stop.cancel();
        self.requests = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread that ends kafka's transactions panicked");
        }
    }
}

/// In slices, each of which takes up the one before.
fn take(
    producer: &BaseProducer<Reports>,
    step: Step,
    within: Duration,
    stop: &CancellationToken,
) -> Result<(), Failure> {
    let begun = Instant::now();
    loop {
        if stop.is_cancelled() {
            return Err(Failure::Stopped);
        }
        let Err(error) = once(producer, step) else {
            return Ok(());
        };
        let failure = judge(&error);
        match failure {
            Failure::Later(_) if begun.elapsed() < within => {
                // Not every such error waits by itself.
                std::thread::park_timeout(Duration::from_millis(10));
            }
            _ => return Err(failure),
        }
    }
}

fn once(producer: &BaseProducer<Reports>, step: Step) -> KafkaResult<()> {
    match step {
        Step::Init => producer.init_transactions(SLICE),
        Step::Begin => producer.begin_transaction(),
        Step::Flush => producer.flush(SLICE),
        Step::Commit => producer.commit_transaction(SLICE),
        Step::Abort => producer.abort_transaction(SLICE),
    }
}

fn judge(error: &KafkaError) -> Failure {
    match error {
        KafkaError::Transaction(error) if error.is_fatal() => {
            Failure::Fatal(error.code(), error.string())
        }
        // No use trying that again.
        KafkaError::Transaction(error)
            if error.code() == RDKafkaErrorCode::TopicAuthorizationFailed =>
        {
            Failure::Fatal(error.code(), error.string())
        }
        KafkaError::Transaction(error) if error.txn_requires_abort() => {
            Failure::Abort(error.string())
        }
        KafkaError::Transaction(error) if error.is_retriable() => Failure::Later(error.string()),
        KafkaError::Transaction(error) => Failure::Fatal(error.code(), error.string()),
        // A queue that isn't empty yet.
        other => Failure::Later(other.to_string()),
    }
}
