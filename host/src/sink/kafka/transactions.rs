//! The sink with `exactly_once`: records and the watermark in one transaction. What a transaction
//! has is kept until it is committed, and sent again where it had to be aborted.

mod attempt;
mod mend;

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use rdkafka::ClientConfig;

use super::client::Client;
use super::exact::Transaction;
use super::ledger::{Entry, Ledger, TOPIC};
use super::messages::Messages;
use super::options::Options;
use super::reports::Failures;
use super::routes::Rules;
use super::transactor::{Failure, Step, Transactor};
use crate::record::Group;
use crate::sink::pending::{Mark, Pending};
use crate::sink::receipts::Snapshot;
use crate::sink::tracker::Tracker;
use crate::sink::{Context, Guarantee, Receipt, SendError, Sink, Watermark};

/// How long a full queue drains before more is put in.
const DRAIN: Duration = Duration::from_millis(2);
/// How long one step may be tried before delivery hears of it, once the run goes on.
const STEP: Duration = Duration::from_secs(5);
/// How long taking over may take: what an earlier producer left open is ended first.
const TAKE_OVER: Duration = Duration::from_secs(90);
/// How long whoever took over may take to write down who it is.
const INTRODUCTION: Duration = Duration::from_secs(3);

/// Where the producer stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// No transaction is open.
    Idle,
    /// One is.
    Open,
    /// One is being ended, and only that may go on.
    Ending(Step),
}

/// A producer of transactions.
pub(super) struct TransactionalSink {
    options: Options,
    bounds: Transaction,
    config: ClientConfig,
    context: Context,
    tracker: Arc<Tracker>,
    failures: Arc<Failures>,
    messages: Messages,
    ledger: Arc<Ledger>,
    link: Option<(Transactor, Client)>,
    phase: Phase,
    /// All that the transaction has or is to have, and how many of its places are in the queue.
    pending: Pending,
    sent: usize,
    /// How many of the refused are written down.
    written: usize,
    /// What Kafka has of each stream.
    standing: Vec<Mark>,
    /// The next sequence of each stream that isn't taken.
    taken: Watermark,
    /// Since when the oldest pending record waits; since when nothing works.
    oldest: Option<Instant>,
    failing: Option<Instant>,
    /// How long one step may be tried before somebody hears of it.
    patience: Duration,
}

impl TransactionalSink {
    pub(super) fn new(
        options: Options,
        config: ClientConfig,
        rules: &Rules,
        context: Context,
    ) -> Result<TransactionalSink, SendError> {
        Ok(TransactionalSink {
            bounds: options.transaction.clone().unwrap_or_default(),
            tracker: Arc::new(Tracker::new(Arc::clone(&context.receipts))),
            failures: Arc::default(),
            messages: Messages::new(rules, &options, &context),
            ledger: Arc::new(Ledger::new(&options, &context)?),
            link: None,
            phase: Phase::Idle,
            pending: Pending::default(),
            sent: 0,
            written: 0,
            standing: Mark::zeros(context.streams),
            taken: vec![0; context.streams as usize],
            oldest: None,
            failing: None,
            patience: TAKE_OVER,
            options,
            config,
            context,
        })
    }

    fn start(&self) -> Result<Client, SendError> {
        let config = self.options.transactional(&self.config, &self.ledger.id);
        let failures = Some(Arc::clone(&self.failures));
        Client::start(&config, &self.options, &self.tracker, failures)
    }

    async fn disconnect(&mut self) {
        if let Some((transactor, client)) = self.link.take() {
            transactor.stop().await;
            client.stop().await;
        }
    }

    /// Takes the transactional id over with that client.
    async fn take_over(&mut self, client: Client) -> Result<(), SendError> {
        let transactor = Transactor::start(client.producer(), &self.context.cancel);
        let transactor = transactor
            .map_err(|error| SendError::fatal(format!("kafka: no thread can be had: {error}")))?;
        let outcome = transactor.step(Step::Init, TAKE_OVER).await;
        self.link = Some((transactor, client));
        self.phase = Phase::Idle;
        self.sent = 0;
        match outcome {
            Ok(()) => Ok(()),
            Err(failure) => Err(self.said(failure)),
        }
    }

    async fn step(&self, step: Step) -> Result<(), Failure> {
        match &self.link {
            Some((transactor, _)) => transactor.step(step, self.patience).await,
            None => Err(Failure::Later("the producer isn't connected".to_owned())),
        }
    }

    async fn read_ledger(&self) -> Result<Option<Entry>, SendError> {
        let (ledger, cancel) = (Arc::clone(&self.ledger), self.context.cancel.clone());
        let read = tokio::task::spawn_blocking(move || ledger.read(TAKE_OVER, &cancel)).await;
        read.map_err(|error| SendError::fatal(format!("kafka: {error}")))?
    }

    /// Whether the transaction has to end now.
    fn due(&self) -> bool {
        self.pending.places.len() >= self.bounds.records
            || self.pending.bytes >= self.bounds.size.0
            || self
                .oldest
                .is_some_and(|at| at.elapsed() >= self.bounds.interval.0)
    }

    /// Sends what is pending, and commits it where `end` says so.
    async fn go_on(&mut self, end: bool) -> Result<(), SendError> {
        loop {
            let outcome = match end {
                true => self.send_and_commit().await,
                false => self.send().await,
            };
            match outcome {
                Ok(()) => {
                    self.failing = None;
                    return Ok(());
                }
                Err(failure) => self.mend(failure).await?,
            }
        }
    }

    /// Where the run stands, by the topic and by the state.
    fn stand(&self, saved: Option<&Receipt>, found: Option<Entry>) -> Result<Vec<Mark>, SendError> {
        let none = Mark::zeros(self.context.streams);
        let (brokers, run) = (&self.options.brokers, &self.context.run);
        let Some(saved) = saved else {
            if let Some(entry) = found.filter(|entry| entry.streams != none) {
                let holder = entry.holder;
                tracing::warn!(
                    run,
                    holder,
                    "an earlier run of that name was here; its watermark begins anew"
                );
            }
            return Ok(none);
        };
        let standing = found.map_or(none, |entry| entry.streams);
        let streams = self.context.streams as usize;
        if standing.len() != streams {
            return Err(SendError::fatal(format!(
                "kafka ({brokers}): topic {TOPIC} has {} streams of run {run}, which has {streams}: another spec \
                 wrote there; give this one another --run",
                standing.len()
            )));
        }
        for (mark, saved) in standing.iter().zip(&saved.watermark) {
            if mark.sequence < *saved {
                return Err(SendError::fatal(format!(
                    "kafka ({brokers}): topic {TOPIC} has stream {} of run {run} up to record {}, and the state \
                     up to record {saved}: the topic was made anew, or this is another Kafka; name the right one, \
                     or begin another run",
                    mark.stream, mark.sequence
                )));
            }
        }
        Ok(standing)
    }
}

#[async_trait]
impl Sink for TransactionalSink {
    fn guarantee(&self) -> Guarantee {
        Guarantee::ExactlyOnce
    }

    async fn probe(&mut self) -> Result<(), SendError> {
        let cancel = &self.context.cancel;
        self.start()?
            .look(self.messages.topics(), &self.options, cancel)
            .await
    }

    async fn prepare(&mut self) -> Result<(), SendError> {
        let client = self.start()?;
        let (topics, cancel) = (self.messages.topics(), &self.context.cancel);
        client
            .ensure(topics, &self.config, &self.options, cancel)
            .await?;
        let (own, options) = ([TOPIC.to_owned()], Ledger::options(&self.options));
        client.ensure(&own, &self.config, &options, cancel).await?;
        let narrower = client.narrow(topics, &mut self.config, &self.options).await;
        let client = match narrower {
            true => {
                client.stop().await;
                self.start()?
            }
            false => client,
        };
        self.take_over(client).await
    }

    async fn recover(&mut self, saved: Option<&Receipt>) -> Result<Option<Watermark>, SendError> {
        let found = self.read_ledger().await?;
        self.standing = self.stand(saved, found)?;
        self.taken = self.standing.iter().map(|mark| mark.sequence).collect();
        // Whoever is fenced by this finds here by whom.
        let standing = self.standing.clone();
        let introduced = match self.begin().await {
            Ok(()) => self.commit_with(&standing).await,
            Err(failure) => Err(failure),
        };
        introduced.map_err(|failure| self.said(failure))?;
        self.patience = STEP;
        Ok(Some(self.taken.clone()))
    }

    fn carries_watermark(&self) -> bool {
        true
    }

    fn recovered(&self) -> Option<Snapshot> {
        Some(Mark::snapshot(&self.standing))
    }

    async fn write(&mut self, group: &Group) -> Result<(), SendError> {
        self.pending.take(group, &mut self.taken);
        if self.oldest.is_none() && !self.pending.is_empty() {
            self.oldest = Some(Instant::now());
        }
        self.go_on(self.due()).await
    }

    async fn commit(&mut self) -> Result<Receipt, SendError> {
        if self.due() || matches!(self.phase, Phase::Ending(_)) {
            self.go_on(true).await?;
        }
        Ok(Receipt::at(self.context.receipts.watermark()))
    }

    async fn close(&mut self, _: bool) -> Result<Receipt, SendError> {
        self.go_on(true).await?;
        self.disconnect().await;
        Ok(Receipt::at(self.context.receipts.watermark()))
    }
}
