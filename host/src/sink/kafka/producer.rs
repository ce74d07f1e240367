//! The sink: records into librdkafka's queue, and what a commit says of them.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use rdkafka::ClientConfig;
use rdkafka::error::RDKafkaErrorCode;
use rdkafka::producer::BaseRecord;
use serde_json::Value;

use super::client::Client;
use super::options::{MessageTime, Options};
use super::reports::refusal;
use super::routes::{Headers, Keys, Rules, TopicOf, Topics};
use crate::record::{Batch, Group, Operation, Part};
use crate::sink::tracker::{SLOT, Tracker, number};
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
    topics: Topics,
    keys: Keys,
    headers: Headers,
    key: Vec<u8>,
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
            topics: Topics::new(rules, &context.run, &context.channels),
            keys: Keys::new(rules),
            headers: Headers::new(rules, options.meta_headers, &context),
            key: Vec::new(),
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
        Receipt {
            watermark: self.context.receipts.watermark(),
            position: Value::Null,
        }
    }

    /// Sends a part of at most [`SLOT`] records.
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
            topics,
            keys,
            headers,
            key: scratch,
            options,
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
            let k = *next;
            let number = number(slot, k - start);
            let topic = match topics.of(batch, k) {
                TopicOf::Known(topic) => topic,
                TopicOf::New(name) => return Some(Halt::Topic(name)),
                TopicOf::None(reason) => {
                    tracker.rejected(number, reason);
                    *next += 1;
                    continue;
                }
            };
            let key = keys.of(topics, batch, k, scratch);
            let delete = batch.operation(k) == Operation::Delete;
            if delete && key.is_none() {
                tracker.rejected(number, "a delete without a key says nothing".to_owned());
                *next += 1;
                continue;
            }
            let record = BaseRecord::<[u8], [u8], usize> {
                topic: topics.name(topic),
                partition: None,
                payload: (!delete).then(|| batch.record(k)),
                key,
                timestamp: match options.timestamp {
                    MessageTime::Sent => None,
                    MessageTime::Event => batch
                        .times
                        .get(k)
                        .and_then(|&time| i64::try_from(time / 1_000_000).ok()),
                },
                headers: headers.of(topics, batch, k),
                delivery_opaque: number,
            };
            if let Err((error, record)) = producer.send(record) {
                let code = error
                    .rdkafka_error_code()
                    .unwrap_or(RDKafkaErrorCode::Unknown);
                if code == RDKafkaErrorCode::QueueFull {
                    return Some(Halt::Full);
                }
                match refusal(code, record.topic) {
                    Some(reason) => tracker.rejected(number, reason),
                    None => {
                        return Some(Halt::Failed(format!(
                            "kafka ({}) failed to take records for topic {}: {error}",
                            options.brokers, record.topic
                        )));
                    }
                }
            }
            *next += 1;
        }
        None
    }

    async fn add_topic(&mut self, name: String) -> Result<(), SendError> {
        if self.topics.names().len() >= self.options.max_targets {
            return Err(SendError::fatal(format!(
                "kafka: the template {} gives more than {} topics; use fields with fewer values, or raise `max_targets`",
                self.options.topic, self.options.max_targets
            )));
        }
        if let Some(client) = &self.client {
            client
                .ensure(
                    std::slice::from_ref(&name),
                    &self.config,
                    &self.options,
                    &self.context.cancel,
                )
                .await?;
        }
        self.topics.add(name);
        Ok(())
    }

    /// A batch that is larger than a topic allows is refused as a whole, for whichever record:
    /// batches are kept below the smallest limit, so that only records too large are refused.
    async fn heed_limits(&mut self, client: Client) -> Result<Client, SendError> {
        let within = self.options.connect_timeout.0;
        let limit = client
            .smallest_limit(self.topics.names(), &self.config, within)
            .await;
        let Some(limit) =
            limit.filter(|&limit| limit < self.options.batch_size.unwrap_or(1_000_000))
        else {
            return Ok(client);
        };
        client.stop().await;
        // librdkafka's own bounds; what is larger than the topic's is left for the broker to refuse.
        self.config.set("batch.size", limit.max(1).to_string());
        self.config
            .set("message.max.bytes", limit.max(1000).to_string());
        Client::start(&self.config, &self.options, &self.tracker)
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
        let client = Client::start(&self.config, &self.options, &self.tracker)?;
        let cancel = &self.context.cancel;
        client
            .look(self.topics.names(), &self.options, cancel)
            .await
    }

    async fn prepare(&mut self) -> Result<(), SendError> {
        let client = Client::start(&self.config, &self.options, &self.tracker)?;
        client
            .ensure(
                self.topics.names(),
                &self.config,
                &self.options,
                &self.context.cancel,
            )
            .await?;
        self.client = Some(if self.topics.names().is_empty() {
            client
        } else {
            self.heed_limits(client).await?
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
            let skip = done
                .saturating_sub(part.sequences().start)
                .min(part.len() as u64) as usize;
            let mut start = part.range.start + skip;
            while start < part.range.end {
                let end = part.range.end.min(start + SLOT);
                self.send(Part {
                    batch: Arc::clone(&part.batch),
                    range: start..end,
                    pace: part.pace,
                })
                .await?;
                start = end;
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
