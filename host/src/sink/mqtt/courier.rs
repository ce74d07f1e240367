//! A client's task: publishes what it is given, in order, drives the connection, and settles what the
//! broker acknowledged. After a reconnect everything that wasn't is published again, from the first on.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use backon::BackoffBuilder;
use futures::FutureExt;
use futures::future::{Fuse, FusedFuture};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::link::{Event, Fate, Link, Notice, Sender};
use super::messages::Messages;
use crate::sink::Receipts;
use crate::sink::shared::SharedPart;
use crate::sink::tracker::{Tracker, Trouble, number};

/// Messages that are published before the connection gets its turn.
const TURN: usize = 512;
/// Longest that a client takes to take its leave.
const LEAVE: Duration = Duration::from_secs(3);

/// Records for one client.
pub(super) struct Work {
    pub(super) slot: usize,
    pub(super) from: Arc<SharedPart>,
    /// Their indices in the batch; all of the part's where there are none.
    pub(super) records: Option<Vec<u32>>,
}

/// How the connection is.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct State {
    pub(super) connected: bool,
    /// Counts the connections.
    generation: u64,
    window: Option<u16>,
    packet: Option<u32>,
}

enum Sent {
    No,
    Waits(Notice),
    /// The future in hand has its notice.
    InHand,
    Refused(String),
}

struct Entry {
    slot: usize,
    from: Arc<SharedPart>,
    record: u32,
    sent: Sent,
}

/// What a courier has of its sink.
#[derive(Clone)]
pub(super) struct Around {
    pub(super) host: String,
    pub(super) tracker: Arc<Tracker>,
    pub(super) receipts: Arc<Receipts>,
    pub(super) cancel: CancellationToken,
    pub(super) max_inflight: u16,
    /// Whether nothing is acknowledged (QoS 0).
    pub(super) unacknowledged: bool,
    pub(super) timeout: Duration,
}

pub(super) struct Courier {
    around: Around,
    sender: Sender,
    messages: Messages,
    entries: VecDeque<Entry>,
    /// How many of them, from the first on, are published.
    sent: usize,
    /// The connection that they were published over.
    generation: u64,
    /// Whether that one is known to be gone.
    broken: bool,
    /// Messages of a slot that were acknowledged one after another and aren't said yet.
    streak: (usize, u32),
    /// When something was acknowledged, or there was nothing to be.
    progress: Instant,
}

impl Courier {
    pub(super) fn new(around: Around, sender: Sender, messages: Messages) -> Courier {
        Courier {
            around,
            sender,
            messages,
            entries: VecDeque::new(),
            sent: 0,
            generation: 0,
            broken: false,
            streak: (0, 0),
            progress: Instant::now(),
        }
    }

    /// Until the sink is gone and everything settled, or the emulation cancelled, or nothing goes any more.
    pub(super) async fn run(
        mut self,
        link: Link,
        work: mpsc::UnboundedReceiver<Work>,
        state: watch::Sender<State>,
    ) {
        let around = self.around.clone();
        let seen = state.subscribe();
        let driving = drive(link, around.clone(), state);
        tokio::pin!(driving);
        tokio::select! {
            biased;
            () = around.cancel.cancelled() => return,
            () = &mut driving => return,
            () = self.carry(work, seen) => {}
        }
        let sender = &self.sender;
        let leaving = async {
            if around.unacknowledged {
                // What follows over another connection would overtake what is only sent.
                sender.barrier().await;
            }
            sender.leave();
        };
        let _ = tokio::time::timeout(LEAVE, async { tokio::join!(driving, leaving) }).await;
    }

    async fn carry(
        &mut self,
        mut work: mpsc::UnboundedReceiver<Work>,
        mut state: watch::Receiver<State>,
    ) {
        let front = Fuse::terminated();
        tokio::pin!(front);
        let mut look = tokio::time::interval(self.around.timeout.min(Duration::from_secs(1)) / 2);
        let mut open = true;
        loop {
            let now = *state.borrow_and_update();
            let more = self.publish(&now);
            loop {
                if front.is_terminated() {
                    match self.next_notice() {
                        Some(notice) => front.set(notice.fate().fuse()),
                        None => break,
                    }
                }
                match front.as_mut().now_or_never() {
                    Some(fate) => self.settle(fate),
                    None => break,
                }
            }
            self.flush();
            if !open && self.entries.is_empty() {
                return;
            }
            if more {
                while let Ok(given) = work.try_recv() {
                    self.take(given);
                }
                tokio::task::yield_now().await;
                continue;
            }
            tokio::select! {
                biased;
                fate = &mut front, if !front.is_terminated() => self.settle(fate),
                given = work.recv(), if open => match given {
                    Some(given) => self.take(given),
                    None => open = false,
                },
                _ = state.changed() => {}
                _ = look.tick() => if self.overdue() { return },
            }
        }
    }

    /// The notice of the first message, if it is published and nobody waits for it yet. Settles those
    /// before it that never will be.
    fn next_notice(&mut self) -> Option<Notice> {
        loop {
            let first = self.entries.front_mut()?;
            match std::mem::replace(&mut first.sent, Sent::InHand) {
                Sent::Waits(notice) => return Some(notice),
                Sent::Refused(reason) => self.settle(Fate::Refused(reason)),
                other => {
                    first.sent = other;
                    return None;
                }
            }
        }
    }

    fn take(&mut self, work: Work) {
        if self.entries.is_empty() {
            self.progress = Instant::now();
        }
        let entry = |record: usize| Entry {
            slot: work.slot,
            from: Arc::clone(&work.from),
            record: record as u32,
            sent: Sent::No,
        };
        match &work.records {
            None => self.entries.extend(work.from.part.range.clone().map(entry)),
            Some(records) => {
                self.entries
                    .extend(records.iter().map(|&record| entry(record as usize)));
            }
        }
    }

    /// Publishes what the window allows, in turns. Whether more could go at once.
    fn publish(&mut self, state: &State) -> bool {
        if !state.connected || (self.broken && state.generation == self.generation) {
            return false;
        }
        self.broken = false;
        self.generation = state.generation;
        let window = state.window.map_or(self.around.max_inflight, |window| {
            window.min(self.around.max_inflight)
        });
        let until = usize::from(window)
            .min(self.entries.len())
            .min(self.sent + TURN);
        let packet = state.packet.map_or(usize::MAX, |packet| packet as usize);
        for entry in self.entries.range_mut(self.sent.min(until)..until) {
            let message = self.messages.make(&entry.from, entry.record as usize);
            entry.sent = match message {
                Err(reason) => Sent::Refused(reason),
                Ok(message) if message.size() > packet => Sent::Refused(format!(
                    "the message is larger than the broker takes ({packet} bytes)"
                )),
                Ok(message) => match self.sender.publish(message) {
                    Some(notice) => Sent::Waits(notice),
                    None => Sent::Refused("the client refuses the message".to_owned()),
                },
            };
        }
        self.sent = self.sent.max(until);
        until < usize::from(window).min(self.entries.len())
    }

    /// The first message's fate is known.
    fn settle(&mut self, fate: Fate) {
        if fate == Fate::Lost {
            return self.repeat();
        }
        let Some(entry) = self.entries.pop_front() else {
            return;
        };
        self.sent = self.sent.saturating_sub(1);
        match fate {
            Fate::Refused(reason) => {
                self.flush();
                let place = entry.record as usize - entry.from.part.range.start;
                self.around
                    .tracker
                    .rejected(number(entry.slot, place), reason);
            }
            _ => {
                if self.streak.0 != entry.slot {
                    self.flush();
                    self.streak.0 = entry.slot;
                }
                self.streak.1 += 1;
            }
        }
    }

    /// Says what was acknowledged.
    fn flush(&mut self) {
        let (slot, count) = std::mem::take(&mut self.streak);
        if count > 0 {
            self.around.tracker.done(slot, count);
            self.progress = Instant::now();
        }
    }

    /// The connection broke: from the first on, everything goes again once there is another.
    fn repeat(&mut self) {
        let again = self.sent as u64;
        for entry in self.entries.iter_mut().take(self.sent) {
            entry.sent = Sent::No;
        }
        self.sent = 0;
        self.broken = true;
        self.around.receipts.tell(|told| {
            told.retried += 1;
            told.resent += again;
        });
    }

    /// Whether messages have waited too long; then that is said.
    fn overdue(&mut self) -> bool {
        if self.entries.is_empty() || self.progress.elapsed() < self.around.timeout {
            return false;
        }
        self.around.tracker.fail(|trouble| {
            let last = trouble.map(|trouble| format!("; last error: {}", trouble.reason));
            format!(
                "mqtt ({}) didn't acknowledge messages within `timeout` ({:?}){}; see that the broker is up, \
                 then go on with --resume",
                self.around.host,
                self.around.timeout,
                last.unwrap_or_default()
            )
        });
        true
    }
}

/// Drives the connection, and makes it anew, until it is closed on purpose or hopeless.
async fn drive(mut link: Link, around: Around, state: watch::Sender<State>) {
    let backoff = || {
        backon::ExponentialBuilder::default()
            .with_jitter()
            .with_min_delay(Duration::from_millis(100))
            .with_max_delay(Duration::from_secs(5))
            .without_max_times()
            .build()
    };
    let mut delays = backoff();
    let mut troubled = false;
    loop {
        match link.poll().await {
            Ok(Event::Other) => {}
            Ok(Event::Connected { window, packet }) => {
                delays = backoff();
                if std::mem::take(&mut troubled) {
                    around.receipts.tell(|told| told.error = None);
                }
                state.send_modify(|state| {
                    *state = State {
                        connected: true,
                        generation: state.generation + 1,
                        window,
                        packet,
                    };
                });
            }
            Err(down) if down.closed => return,
            Err(down) => {
                state.send_modify(|state| state.connected = false);
                let reason = format!("mqtt ({}): {}", around.host, down.reason);
                around.tracker.complain(Trouble {
                    reason: down.reason,
                    hopeless: down.hopeless,
                });
                if down.hopeless {
                    around.tracker.fail(|_| reason);
                    return;
                }
                if !std::mem::replace(&mut troubled, true) {
                    tracing::warn!(sink = "mqtt", error = %reason, "the sink stalls; connecting again");
                }
                around.receipts.tell(|told| told.error = Some(reason));
                let delay = delays.next().unwrap_or(Duration::from_secs(5));
                tokio::time::sleep(delay).await;
            }
        }
    }
}
