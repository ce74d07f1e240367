//! The tasks that send: each takes parts, makes requests of them, keeps so many on their way, tries again
//! what fails for now, and says what became of each record.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use backon::BackoffBuilder;
use futures::stream::{FuturesUnordered, StreamExt};
use reqwest::{Client, Response, StatusCode, header};
use tokio::sync::mpsc;

use super::answers::{drained, retry_after};
use super::client::said;
use super::lanes::{Entry, Lanes};
use super::options::Options;
use super::requests::{Prepared, Requests};
use crate::record::Part;
use crate::sink::Context;
use crate::sink::shared::SharedPart;
use crate::sink::tracker::{Tracker, number};

/// What the sink hands to the task.
pub(super) enum Work {
    /// Records of that slot.
    Part(usize, Part),
    /// No more come for now: what waits for more goes.
    Flush,
}

/// What became of a request.
enum Fate {
    Taken,
    Refused(String),
    Failed(String),
}

/// What all requests share.
pub(super) struct Shared {
    options: Options,
    context: Context,
    /// Nothing is sent before, since the endpoint asked for it.
    pause: Mutex<Option<Instant>>,
    /// Whether an error is shown.
    troubled: AtomicBool,
    answers: AtomicU64,
    failures: AtomicU64,
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
    /// Its connections are its runtime's.
    client: Client,
    turn: Turn,
    shared: Arc<Shared>,
    tracker: Arc<Tracker>,
    requests: Requests,
    lanes: Lanes,
    flush: bool,
}

impl Driver {
    pub(super) fn new(
        client: Client,
        turn: Turn,
        requests: Requests,
        shared: &Arc<Shared>,
        tracker: &Arc<Tracker>,
    ) -> Driver {
        Driver {
            client,
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
        let mut running = FuturesUnordered::new();
        loop {
            while running.len() < concurrency {
                let Some((lane, entries)) = self.lanes.next(self.flush) else {
                    break;
                };
                match self.requests.make(&entries) {
                    Ok(prepared) => {
                        let (shared, client) = (Arc::clone(&self.shared), self.client.clone());
                        running.push(async move {
                            let fate = shared.deliver(&client, &prepared, &entries).await;
                            (lane, entries, fate)
                        });
                    }
                    Err(reason) => {
                        self.settle(&entries, Fate::Refused(reason));
                        self.lanes.done(lane);
                    }
                }
            }
            tokio::select! {
                biased;
                () = cancel.cancelled() => return,
                Some((lane, entries, fate)) = running.next(), if !running.is_empty() => {
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

/// Why an attempt didn't end the matter.
struct Again {
    reason: String,
    after: Option<Duration>,
}

impl Shared {
    pub(super) fn new(options: &Options, context: &Context) -> Shared {
        Shared {
            options: options.clone(),
            context: context.clone(),
            pause: Mutex::new(None),
            troubled: AtomicBool::new(false),
            answers: AtomicU64::new(0),
            failures: AtomicU64::new(0),
        }
    }

    /// Sends a request until there is an answer that counts.
    async fn deliver(&self, client: &Client, prepared: &Prepared, entries: &[Entry]) -> Fate {
        let mut delays = backon::ExponentialBuilder::default()
            .with_jitter()
            .with_min_delay(Duration::from_millis(100))
            .with_max_delay(Duration::from_secs(10))
            .without_max_times()
            .build();
        let mut begun = None;
        loop {
            self.wait_out_pause().await;
            let again = match self.attempt(client, prepared, entries).await {
                Ok(fate) => {
                    if self.troubled.swap(false, Relaxed) {
                        self.context.receipts.tell(|told| told.error = None);
                    }
                    return fate;
                }
                Err(again) => again,
            };
            let begun = *begun.get_or_insert_with(Instant::now);
            if let Some(limit) = self
                .options
                .retry_for
                .filter(|limit| begun.elapsed() >= limit.0)
            {
                return Fate::Failed(format!(
                    "http: {} for {:?} (`retry_for`); see the endpoint, then go on with --resume",
                    again.reason, limit.0
                ));
            }
            let delay = delays.next().unwrap_or(Duration::from_secs(10));
            if !self.troubled.swap(true, Relaxed) {
                tracing::warn!(sink = "http", error = %again.reason, "the sink stalls; trying again");
            }
            self.context.receipts.tell(|told| {
                told.retried += 1;
                told.error = Some(again.reason);
            });
            match again.after {
                // The endpoint has asked everybody to wait.
                Some(after) => self.pause(after),
                None => tokio::time::sleep(delay).await,
            }
        }
    }

    fn pause(&self, after: Duration) {
        let until = Instant::now().checked_add(after);
        let mut pause = self.pause.lock().unwrap_or_else(PoisonError::into_inner);
        *pause = (*pause).max(until);
    }

    async fn wait_out_pause(&self) {
        loop {
            let until = *self.pause.lock().unwrap_or_else(PoisonError::into_inner);
            match until.filter(|until| *until > Instant::now()) {
                Some(until) => tokio::time::sleep_until(until.into()).await,
                None => return,
            }
        }
    }

    async fn attempt(
        &self,
        client: &Client,
        prepared: &Prepared,
        entries: &[Entry],
    ) -> Result<Fate, Again> {
        let answer = client.execute(prepared.request()).await;
        match answer {
            Ok(response) => self.judge(response, prepared, entries).await,
            Err(error) if error.is_builder() => Ok(Fate::Refused(format!(
                "{} can't be asked for: {}",
                prepared.shown(),
                said(&error)
            ))),
            Err(error) => {
                self.log(entries, None);
                self.count(None);
                Err(Again {
                    reason: format!("{} gives no answer: {}", prepared.shown(), said(&error)),
                    after: None,
                })
            }
        }
    }

    async fn judge(
        &self,
        response: Response,
        prepared: &Prepared,
        entries: &[Entry],
    ) -> Result<Fate, Again> {
        let status = response.status();
        self.log(entries, Some(status));
        self.count(Some(status));
        let after = retry_after(response.headers());
        let location = response.headers().get(header::LOCATION).cloned();
        let start = drained(response).await;
        if status.is_success() {
            return Ok(Fate::Taken);
        }
        let said = |more: &str| format!("{} answers {status}{more}", prepared.shown());
        if status.is_redirection() {
            let to = location
                .as_ref()
                .and_then(|to| to.to_str().ok())
                .unwrap_or("nowhere");
            return Ok(Fate::Refused(said(&format!(
                ": a redirect to {}, which isn't followed (only 307 and 308 to the same origin are)",
                to.split(['?', '#']).next().unwrap_or_default()
            ))));
        }
        let more = match start.trim() {
            "" => String::new(),
            start => format!(": {start}"),
        };
        let again = matches!(
            status,
            StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS
        ) || status.is_server_error();
        match again {
            true => Err(Again {
                reason: said(&more),
                after,
            }),
            false => Ok(Fate::Refused(said(&more))),
        }
    }

    fn count(&self, status: Option<StatusCode>) {
        let class = match status.map(|status| status.as_u16() / 100) {
            None => "no_answer",
            Some(2) => "status_2xx",
            Some(3) => "status_3xx",
            Some(4) => "status_4xx",
            Some(5) => "status_5xx",
            Some(_) => "status_other",
        };
        self.context
            .receipts
            .tell(|told| *told.details.entry(class).or_default() += 1);
    }

    /// A line for a response, where they are wanted.
    fn log(&self, entries: &[Entry], status: Option<StatusCode>) {
        if !self.options.log_responses {
            return;
        }
        let failed = status.is_none_or(|status| !status.is_success());
        let answers = self.answers.fetch_add(1, Relaxed) + 1;
        let failures = self.failures.fetch_add(u64::from(failed), Relaxed) + u64::from(failed);
        let due = entries.first().and_then(|entry| {
            let receipts = &self.context.receipts;
            receipts.since_due(&entry.from.part, entry.record)
        });
        let jitter_ms = due.map(|due| (due.as_secs_f64() * 1e6).round() / 1e3);
        let status = status.map_or(0, |status| status.as_u16());
        let failure_rate = (failures as f64 / answers as f64 * 1e4).round() / 1e4;
        tracing::info!(sink = "http", status, jitter_ms, failure_rate, "response");
    }
}
