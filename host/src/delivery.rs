//! What stands around every sink: retry with backoff, commits, counts.
//!
//! One task for each sink takes released groups from its outlet, has the sink write them, tries
//! again what failed for now, and commits once a second. A sink that is down stalls its emulation,
//! and nothing is dropped, unless its block says `on_full: drop`.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use backon::BackoffBuilder;
use serde::{Deserialize, Serialize};
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, TryAcquireError, mpsc};
use tokio_util::sync::CancellationToken;

use crate::record::Group;
use crate::sink::receipts::Snapshot;
use crate::sink::{OnFull, Receipt, Receipts, SendError, Sink};

/// Bytes that wait between release and a sink, in KiB.
const ROOM_KIB: usize = 16 * 1024;
/// How often what was settled is made durable.
const COMMIT_EVERY: Duration = Duration::from_secs(1);

/// A sink failed for good.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{sink}: {message}")]
pub struct DeliveryError {
    /// Kind and target.
    pub sink: String,
    /// What it said.
    pub message: String,
}

impl DeliveryError {
    /// The task itself broke.
    pub fn broken(message: &str) -> DeliveryError {
        DeliveryError {
            sink: "delivery".to_owned(),
            message: message.to_owned(),
        }
    }
}

/// A sink's newest durable point, as the state keeps it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SinkPoint {
    /// Watermark and position.
    pub receipt: Receipt,
    /// Records below the watermark that the sink has.
    pub acknowledged: u64,
    /// Records below the watermark that it refused.
    pub rejected: u64,
    /// Bytes of the acknowledged.
    pub bytes: u64,
    /// Records below the watermark that it had no room for, where its block says to drop them.
    #[serde(default)]
    pub dropped: u64,
}

/// What the outside may know of a delivery while it runs.
#[derive(Debug, Default)]
pub struct Status {
    inner: Mutex<StatusInner>,
}

#[derive(Debug, Default, Clone)]
struct StatusInner {
    retried: u64,
    resent: u64,
    error: Option<String>,
    point: SinkPoint,
}

impl Status {
    fn edit(&self, f: impl FnOnce(&mut StatusInner)) {
        f(&mut self.inner.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn get<T>(&self, f: impl FnOnce(&StatusInner) -> T) -> T {
        f(&self.inner.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Writes tried again.
    pub fn retried(&self) -> u64 {
        self.get(|s| s.retried)
    }

    /// Records sent again.
    pub fn resent(&self) -> u64 {
        self.get(|s| s.resent)
    }

    /// The error that stalls it, while it does.
    pub fn error(&self) -> Option<String> {
        self.get(|s| s.error.clone())
    }

    /// The newest durable point.
    pub fn point(&self) -> SinkPoint {
        self.get(|s| s.point.clone())
    }
}

struct Released {
    group: Group,
    _room: OwnedSemaphorePermit,
}

/// Up to which sequence of each stream records were dropped last.
type Missed = Arc<Mutex<Vec<u64>>>;

/// Where the pacer hands groups to one sink: bounded by bytes.
pub struct Outlet {
    sender: mpsc::UnboundedSender<Released>,
    room: Arc<Semaphore>,
    on_full: OnFull,
    missed: Missed,
}

impl Outlet {
    /// Hands the group over once there is room, or drops it where that is what the block says; false when
    /// the sink is gone or the emulation cancelled.
    pub fn send(
        &self,
        group: Group,
        bytes: u64,
        runtime: &Handle,
        cancel: &CancellationToken,
    ) -> bool {
        let kib = usize::try_from(bytes / 1024).unwrap_or(usize::MAX);
        let kib = kib.clamp(1, ROOM_KIB) as u32;
        let room = match Arc::clone(&self.room).try_acquire_many_owned(kib) {
            Ok(room) => room,
            Err(TryAcquireError::NoPermits) if self.on_full == OnFull::Drop => {
                self.miss(&group);
                return true;
            }
            Err(_) => {
                let waited = runtime.block_on(async {
                    tokio::select! {
                        room = Arc::clone(&self.room).acquire_many_owned(kib) => room.ok(),
                        () = cancel.cancelled() => None,
                    }
                });
                match waited {
                    Some(room) => room,
                    None => return false,
                }
            }
        };
        self.sender.send(Released { group, _room: room }).is_ok()
    }

    fn miss(&self, group: &Group) {
        let mut missed = self.missed.lock().unwrap_or_else(PoisonError::into_inner);
        for part in &group.parts {
            let stream = part.stream() as usize;
            if missed.len() <= stream {
                missed.resize(stream + 1, 0);
            }
            missed[stream] = part.sequences().end;
        }
    }
}

/// A sink and all that is done around it.
pub struct Delivery {
    sink: Box<dyn Sink>,
    name: String,
    receipts: Arc<Receipts>,
    status: Arc<Status>,
    released: mpsc::UnboundedReceiver<Released>,
    room: Arc<Semaphore>,
    cancel: CancellationToken,
    base: SinkPoint,
    missed: Missed,
}

impl Delivery {
    /// Around a sink that is prepared and recovered to `base`.
    pub fn new(
        sink: Box<dyn Sink>,
        name: String,
        receipts: Arc<Receipts>,
        base: SinkPoint,
        on_full: OnFull,
        cancel: CancellationToken,
    ) -> (Delivery, Outlet, Arc<Status>) {
        let (sender, released) = mpsc::unbounded_channel();
        let room = Arc::new(Semaphore::new(ROOM_KIB));
        let status = Arc::new(Status::default());
        status.edit(|s| s.point = base.clone());
        let missed = Missed::default();
        let outlet = Outlet {
            sender,
            room: Arc::clone(&room),
            on_full,
            missed: Arc::clone(&missed),
        };
        let delivery = Delivery {
            sink,
            name,
            receipts,
            status: Arc::clone(&status),
            released,
            room,
            cancel,
            base,
            missed,
        };
        (delivery, outlet, status)
    }

    /// Takes groups until the outlet is dropped; gives the sink back, with everything settled that could be.
    ///
    /// # Errors
    /// Where the sink failed for good or the emulation was cancelled while it stalled.
    pub async fn run(mut self) -> Result<Settled, DeliveryError> {
        let outcome = self.take_all().await;
        // Whoever waits for room learns that nobody takes groups any more.
        self.room.close();
        outcome.map_err(|e| self.failed(e))?;
        Ok(Settled { delivery: self })
    }

    async fn take_all(&mut self) -> Result<(), SendError> {
        let mut commit = tokio::time::interval(COMMIT_EVERY);
        commit.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        commit.tick().await;
        loop {
            tokio::select! {
                biased;
                () = self.cancel.cancelled() => return Err(SendError::fatal("stopped before everything was settled")),
                _ = commit.tick() => self.commit().await?,
                released = self.released.recv() => match released {
                    Some(released) => self.write(released.group).await?,
                    None => return Ok(()),
                },
            }
        }
    }

    async fn write(&mut self, group: Group) -> Result<(), SendError> {
        let mut group = self.unsettled(group);
        if !group.is_empty() {
            self.receipts.begin(&group);
        }
        let mut delays = backoff();
        while !group.is_empty() {
            match self.sink.write(&group).await {
                Ok(()) => break,
                Err(e) => {
                    self.stall(e, &mut delays).await?;
                    let before = group.len() as u64;
                    group = self.unsettled(group);
                    let again = group.len() as u64;
                    self.status.edit(|s| s.resent += again.min(before));
                }
            }
        }
        self.status.edit(|s| s.error = None);
        Ok(())
    }

    async fn commit(&mut self) -> Result<(), SendError> {
        let mut delays = backoff();
        loop {
            let before = self.receipts.snapshot();
            match self.sink.commit().await {
                Ok(receipt) => return self.confirm(before, receipt),
                Err(e) => self.stall(e, &mut delays).await?,
            }
        }
    }

    /// Publishes a durable point. Counts are those of the moment before the commit, so they never
    /// say more than the watermark does.
    fn confirm(&mut self, counts: Snapshot, receipt: Receipt) -> Result<(), SendError> {
        self.receipts.sync_rejects()?;
        let point = SinkPoint {
            receipt: Receipt {
                watermark: counts.watermark,
                position: receipt.position,
            },
            acknowledged: self.base.acknowledged + counts.acknowledged,
            rejected: self.base.rejected + counts.rejected,
            bytes: self.base.bytes + counts.bytes,
            dropped: self.base.dropped + counts.dropped,
        };
        self.status.edit(|s| s.point = point);
        Ok(())
    }

    async fn stall(
        &mut self,
        error: SendError,
        delays: &mut backon::ExponentialBackoff,
    ) -> Result<(), SendError> {
        if !error.retry {
            return Err(error);
        }
        let delay = delays.next().unwrap_or(Duration::from_secs(10));
        tracing::warn!(sink = %self.name, error = %error, ?delay, "the sink stalls; trying again");
        self.status.edit(|s| {
            s.retried += 1;
            s.error = Some(error.message.clone());
        });
        tokio::select! {
            () = tokio::time::sleep(delay) => Ok(()),
            () = self.cancel.cancelled() => Err(SendError::fatal(format!(
                "stopped while it waited to try again after: {error}"
            ))),
        }
    }

    /// What of the group lies above the watermark.
    fn unsettled(&self, mut group: Group) -> Group {
        for part in &mut group.parts {
            part.skip_below(self.receipts.settled(part.stream()));
        }
        group.parts.retain(|part| !part.is_empty());
        group
    }

    fn failed(&self, error: SendError) -> DeliveryError {
        DeliveryError {
            sink: self.name.clone(),
            message: error.message,
        }
    }
}

/// A delivery whose groups are all written.
pub struct Settled {
    delivery: Delivery,
}

impl Settled {
    /// Waits until all is settled and durable, and closes the sink.
    ///
    /// # Errors
    /// Where the sink failed for good or the emulation was cancelled while it waited.
    pub async fn close(mut self, finished: bool) -> Result<(), DeliveryError> {
        let it = &mut self.delivery;
        let cancel = it.cancel.clone();
        let mut delays = backoff();
        loop {
            let closed = tokio::select! {
                closed = it.sink.close(finished) => closed,
                () = cancel.cancelled() => Err(SendError::fatal("stopped before everything was settled")),
            };
            let outcome = match closed {
                Ok(receipt) => {
                    // What was dropped at the very end has nothing after it that could pass it.
                    let missed = it.missed.lock().unwrap_or_else(PoisonError::into_inner);
                    it.receipts.pass(&missed);
                    drop(missed);
                    let counts = it.receipts.snapshot();
                    it.confirm(counts, receipt).map(|()| true)
                }
                Err(e) => it.stall(e, &mut delays).await.map(|()| false),
            };
            match outcome {
                Ok(true) => return Ok(()),
                Ok(false) => {}
                Err(e) => return Err(it.failed(e)),
            }
        }
    }
}

fn backoff() -> backon::ExponentialBackoff {
    backon::ExponentialBuilder::default()
        .with_jitter()
        .with_min_delay(Duration::from_millis(100))
        .with_max_delay(Duration::from_secs(10))
        .without_max_times()
        .build()
}

#[cfg(test)]
#[path = "delivery/tests.rs"]
mod tests;
