//! One request until there is an answer that counts: retries, redirects, and what an answer means.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use backon::BackoffBuilder;
use hyper::StatusCode;
use reqwest::header;

use super::answers::retry_after;
use super::client::{REDIRECTS, keeps};
use super::lanes::Entry;
use super::link::{Answer, Link};
use super::options::Options;
use super::requests::Prepared;
use super::route::Route;
use crate::sink::Context;

/// What became of a request.
pub(super) enum Fate {
    Taken,
    Refused(String),
    Failed(String),
}

/// What all requests share.
pub(super) struct Shared {
    pub(super) options: Options,
    pub(super) context: Context,
    /// Nothing is sent before, since the endpoint asked for it.
    pause: Mutex<Option<Instant>>,
    /// Whether an error is shown.
    troubled: AtomicBool,
    answers: AtomicU64,
    failures: AtomicU64,
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

    /// Sends a request until there is an answer that counts, by that connection or another, and
    /// leaves one that can be used again.
    pub(super) async fn deliver(
        &self,
        route: &Route,
        link: &mut Option<Link>,
        prepared: &Prepared,
        entries: &[Entry],
    ) -> Fate {
        let mut delays = backon::ExponentialBuilder::default()
            .with_jitter()
            .with_min_delay(Duration::from_millis(100))
            .with_max_delay(Duration::from_secs(10))
            .without_max_times()
            .build();
        let mut begun = None;
        loop {
            if self.wait_out_pause().await {
                rest(link);
            }
            let again = match self.attempt(route, link, prepared, entries).await {
                Ok(fate) => {
                    if self.troubled.load(Relaxed) && self.troubled.swap(false, Relaxed) {
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
            if let Some(after) = again.after {
                // The endpoint has asked everybody to wait.
                self.pause(after);
            }
            self.context.receipts.tell(|told| {
                told.retried += 1;
                told.error = Some(again.reason);
            });
            if again.after.is_none() {
                tokio::time::sleep(delay).await;
                rest(link);
            }
        }
    }

    fn pause(&self, after: Duration) {
        let until = Instant::now().checked_add(after);
        let mut pause = self.pause.lock().unwrap_or_else(PoisonError::into_inner);
        *pause = (*pause).max(until);
    }

    /// Whether there was one.
    async fn wait_out_pause(&self) -> bool {
        let mut waited = false;
        loop {
            let until = *self.pause.lock().unwrap_or_else(PoisonError::into_inner);
            match until.filter(|until| *until > Instant::now()) {
                Some(until) => {
                    waited = true;
                    tokio::time::sleep_until(until.into()).await;
                }
                None => return waited,
            }
        }
    }

    async fn attempt(
        &self,
        route: &Route,
        link: &mut Option<Link>,
        prepared: &Prepared,
        entries: &[Entry],
    ) -> Result<Fate, Again> {
        match self.answer(route, link, prepared).await {
            Ok(answer) => self.judge(&answer, prepared, entries),
            Err(reason) => {
                self.log(entries, None);
                self.count(None);
                Err(Again {
                    reason: format!("{} gives no answer: {reason}", prepared.shown()),
                    after: None,
                })
            }
        }
    }

    /// The answer to a request, after redirects that keep method and body (307, 308) and stay with the
    /// same origin. Any other is the answer: another origin would get the records and the login, and a
    /// 303 would turn the request into a GET, whose 2xx says nothing of the records.
    async fn answer(
        &self,
        route: &Route,
        link: &mut Option<Link>,
        prepared: &Prepared,
    ) -> Result<Answer, String> {
        let until = tokio::time::Instant::now() + self.options.timeout.0;
        let mut answer = exchange(route, link, prepared, until).await?;
        for _ in 0..REDIRECTS {
            if !keeps(answer.status) {
                break;
            }
            let location = answer.headers.get(header::LOCATION);
            let Some(near) = location.and_then(|to| prepared.near(to, route)) else {
                break;
            };
            answer = exchange(route, link, &near, until).await?;
        }
        Ok(answer)
    }

    fn judge(
        &self,
        answer: &Answer,
        prepared: &Prepared,
        entries: &[Entry],
    ) -> Result<Fate, Again> {
        let status = answer.status;
        self.log(entries, Some(status));
        self.count(Some(status));
        if status.is_success() {
            return Ok(Fate::Taken);
        }
        let said = |more: &str| format!("{} answers {status}{more}", prepared.shown());
        if status.is_redirection() {
            let location = answer.headers.get(header::LOCATION);
            let to = location.and_then(|to| to.to_str().ok());
            let to = to.unwrap_or("nowhere");
            return Ok(Fate::Refused(said(&format!(
                ": a redirect to {}, which isn't followed (only 307 and 308 to the same origin are)",
                to.split(['?', '#']).next().unwrap_or_default()
            ))));
        }
        let start = String::from_utf8_lossy(&answer.start);
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
                after: retry_after(&answer.headers),
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

fn rest(link: &mut Option<Link>) {
    if let Some(link) = link {
        link.rest();
    }
}

/// The answer to one request. A connection that the endpoint closed while it lay idle has taken nothing of
/// it, so that it goes by another.
async fn exchange(
    route: &Route,
    link: &mut Option<Link>,
    prepared: &Prepared,
    until: tokio::time::Instant,
) -> Result<Answer, String> {
    let mut request = prepared.request();
    loop {
        let (mut by, used) = match link.take() {
            Some(link) => (link, true),
            // Boxed, since it is large and rare: each request's future would be moved with room for it.
            None => (Box::pin(route.connect(until)).await?, false),
        };
        match by.exchange(request, until).await {
            Ok(answer) => {
                *link = Some(by).filter(Link::usable);
                return Ok(answer);
            }
            Err(failed) => match failed.unsent {
                Some(unsent) if used => request = unsent,
                _ => return Err(failed.reason),
            },
        }
    }
}
