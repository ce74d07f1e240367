//! The sink: records into librdkafka's queue, and what a commit says of them.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use rdkafka::ClientConfig;
use rdkafka::producer::Producer;

use super::client::Client;
use super::messages::{Messages, Put};
use super::options::Options;
use super::routes::Rules;
use crate::record::{Batch, Group, Part};
use crate::sink::tracker::{Tracker, number, slots};
use crate::sink::{Context, Guarantee, Receipt, SendError, Sink, Watermark};

/// How long a full queue drains before more is put in.
const DRAIN: Duration = Duration::from_millis(2);

/// A producer of one block of a spec.
pub(super) struct KafkaSink {
    options: Options,
    config: ClientConfig,
    context: Context,
    tracker: Arc<Tracker>,
    client: Option<Client>,
    messages: Messages,
    /// The next sequence of each stream that isn't in librdkafka's queue.
    taken: Watermark,
}

/// Why records stop going into the queue.
enum Halt {
    /// It is full.
    Full,
    /// A topic has to be made first.
    Topic(String),
    /// Nothing goes any more.
    Failed(String),
}

impl KafkaSink {
    pub(super) fn new(
        options: Options,
        config: ClientConfig,
        rules: &Rules,
        context: Context,
    ) -> KafkaSink {
        KafkaSink {
            tracker: Arc::new(Tracker::new(Arc::clone(&context.receipts))),
            client: None,
            messages: Messages::new(rules, &options, &context),
            taken: context.receipts.watermark(),
            options,
            config,
            context,
        }
    }

    fn failure(&self) -> Result<(), SendError> {
        match self.tracker.failure() {
            Some(reason) => Err(SendError::fatal(reason)),
            None => Ok(()),
        }
    }

    fn receipt(&self) -> Receipt {
        Receipt::at(self.context.receipts.watermark())
    }

    /// Sends a part that fits a slot.
    async fn send(&mut self, part: Part) -> Result<(), SendError> {
        let stream = part.stream() as usize;
        let (batch, range) = (Arc::clone(&part.batch), part.range.clone());
        let slot = self.tracker.begin(part);
        let mut next = range.start;
        loop {
            let halt = self.enqueue(slot, &batch, range.start, &mut next, range.end);
            if let Some(taken) = self.taken.get_mut(stream) {
                *taken = batch.first_sequence + next as u64;
            }
            let outcome = match halt {
                None => return Ok(()),
                Some(Halt::Full) => self.wait_for_room().await,
                Some(Halt::Topic(name)) => self.add_topic(name).await,
                Some(Halt::Failed(reason)) => Err(SendError::fatal(reason)),
            };
            if let Err(error) = outcome {
                self.tracker.cut(slot, next - range.start);
                return Err(error);
            }
        }
    }

    /// Lets a full queue drain for a moment: whoever came back for each record that leaves it would
    /// keep waking librdkafka's threads.
    async fn wait_for_room(&self) -> Result<(), SendError> {
        self.wait(tokio::time::sleep(DRAIN)).await
    }

    async fn wait(&self, until: impl Future<Output = ()>) -> Result<(), SendError> {
        self.failure()?;
        tokio::select! {
            () = until => Ok(()),
            () = self.context.cancel.cancelled() => Err(SendError::fatal(format!(
                "kafka ({}): stopped while records waited for the brokers", self.options.brokers
            ))),
        }
    }

    /// Puts records into the queue, from `next` on, and moves it past each.
    fn enqueue(
        &mut self,
        slot: usize,
        batch: &Batch,
        start: usize,
        next: &mut usize,
        end: usize,
    ) -> Option<Halt> {
        let KafkaSink {
            client,
            messages,
            tracker,
            ..
        } = self;
        let Some(client) = client else {
            return Some(Halt::Failed(
                "kafka: records came before the sink was prepared".to_owned(),
            ));
        };
        let producer = client.producer();
        while *next < end {
            let number = number(slot, *next - start);
            match messages.put(producer, batch, *next, number) {
                Put::Taken => {}
                Put::Refused(reason) => tracker.rejected(number, reason),
                Put::Full => return Some(Halt::Full),
                Put::Topic(name) => return Some(Halt::Topic(name)),
                Put::Failed(reason) => return Some(Halt::Failed(reason)),
            }
            *next += 1;
        }
        None
    }

    async fn add_topic(&mut self, name: String) -> Result<(), SendError> {
        self.messages.room_for_topic()?;
        let Some(client) = &self.client else {
            return Ok(());
        };
        let names = std::slice::from_ref(&name);
        let cancel = &self.context.cancel;
        client
            .ensure(names, &self.config, &self.options, cancel)
            .await?;
        if client.narrow(names, &mut self.config, &self.options).await {
            // The part in hand keeps the tracker busy: what counts is what librdkafka has.
            while client.producer().in_flight_count() > 0 {
                self.wait(tokio::time::sleep(DRAIN)).await?;
            }
            if let Some(client) = self.client.take() {
                client.stop().await;
            }
            self.client = Some(self.start()?);
        }
        self.messages.add_topic(name);
        Ok(())
    }

    fn start(&self) -> Result<Client, SendError> {
        Client::start(&self.config, &self.options, &self.tracker, None)
    }
}

#[async_trait]
impl Sink for KafkaSink {
    fn guarantee(&self) -> Guarantee {
        match self.options.acks.none() {
            true => Guarantee::Sent,
            false => Guarantee::AtLeastOnce,
        }
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
        let narrower = client.narrow(topics, &mut self.config, &self.options).await;
        self.client = Some(if narrower {
            client.stop().await;
            self.start()?
        } else {
            client
        });
        Ok(())
    }

    async fn recover(&mut self, saved: Option<&Receipt>) -> Result<Option<Watermark>, SendError> {
        if let Some(receipt) = saved {
            self.taken.clone_from(&receipt.watermark);
        }
        Ok(saved.map(|receipt| receipt.watermark.clone()))
    }

    async fn write(&mut self, group: &Group) -> Result<(), SendError> {
        self.failure()?;
        for part in &group.parts {
            let done = self.taken.get(part.stream() as usize).copied().unwrap_or(0);
            for part in slots(part, done) {
                self.send(part).await?;
                // The other tasks of this thread get their turn.
                tokio::task::consume_budget().await;
            }
        }
        Ok(())
    }

    async fn commit(&mut self) -> Result<Receipt, SendError> {
        self.failure()?;
        Ok(self.receipt())
    }

    async fn close(&mut self, _: bool) -> Result<Receipt, SendError> {
        while !self.tracker.idle() {
            self.wait(self.tracker.changed()).await?;
        }
        self.failure()?;
        if let Some(client) = self.client.take() {
            client.stop().await;
        }
        Ok(self.receipt())
    }
}
