//! From records to messages in librdkafka's queue.

use rdkafka::error::RDKafkaErrorCode;
use rdkafka::producer::{BaseProducer, BaseRecord};

use super::options::{MessageTime, Options};
use super::reports::{Reports, refusal};
use super::routes::{Headers, Keys, Rules, TopicOf, Topics};
use crate::record::{Batch, Operation};
use crate::sink::{Context, SendError};

/// What messages are made of.
pub(super) struct Messages {
    topics: Topics,
    keys: Keys,
    headers: Headers,
    key: Vec<u8>,
    time: MessageTime,
    most: usize,
    template: String,
    brokers: String,
}

/// What became of a record.
pub(super) enum Put {
    /// It is in the queue.
    Taken,
    /// It will never be sent, for that reason.
    Refused(String),
    /// The queue is full.
    Full,
    /// A topic has to be made first.
    Topic(String),
    /// Nothing goes any more.
    Failed(String),
}

impl Messages {
    pub(super) fn new(rules: &Rules, options: &Options, context: &Context) -> Messages {
        Messages {
            topics: Topics::new(rules, &context.run, &context.channels),
            keys: Keys::new(rules),
            headers: Headers::new(rules, options.meta_headers, context),
            key: Vec::new(),
            time: options.timestamp,
            most: options.max_targets,
            template: options.topic.clone(),
            brokers: options.brokers.to_string(),
        }
    }

    /// The topics that are known, or known beforehand.
    pub(super) fn topics(&self) -> &[String] {
        self.topics.names()
    }

    /// Whether one more topic may be made.
    pub(super) fn room_for_topic(&self) -> Result<(), SendError> {
        if self.topics.names().len() < self.most {
            return Ok(());
        }
        Err(SendError::fatal(format!(
            "kafka: the template {} gives more than {} topics; use fields with fewer values, or raise `max_targets`",
            self.template, self.most
        )))
    }

    /// From now on the topic is there.
    pub(super) fn add_topic(&mut self, name: String) {
        self.topics.add(name);
    }

    /// Puts record `k` of a batch into the queue; `number` comes back with its delivery report.
    #[inline]
    pub(super) fn put(
        &mut self,
        producer: &BaseProducer<Reports>,
        batch: &Batch,
        k: usize,
        number: usize,
    ) -> Put {
        let topic = match self.topics.of(batch, k) {
            TopicOf::Known(topic) => topic,
            TopicOf::New(name) => return Put::Topic(name),
            TopicOf::None(reason) => return Put::Refused(reason),
        };
        let key = self.keys.of(&self.topics, batch, k, &mut self.key);
        let delete = batch.operation(k) == Operation::Delete;
        if delete && key.is_none() {
            return Put::Refused("a delete without a key says nothing".to_owned());
        }
        let time = batch
            .times
            .get(k)
            .filter(|_| self.time == MessageTime::Event);
        let record = BaseRecord::<[u8], [u8], usize> {
            topic: self.topics.name(topic),
            partition: None,
            payload: (!delete).then(|| batch.record(k)),
            key,
            timestamp: time.and_then(|&time| i64::try_from(time / 1_000_000).ok()),
            headers: self.headers.of(&self.topics, batch, k),
            delivery_opaque: number,
        };
        let Err((error, record)) = producer.send(record) else {
            return Put::Taken;
        };
        let code = error
            .rdkafka_error_code()
            .unwrap_or(RDKafkaErrorCode::Unknown);
        if code == RDKafkaErrorCode::QueueFull {
            return Put::Full;
        }
        match refusal(code, record.topic) {
            Some(reason) => Put::Refused(reason),
            None => Put::Failed(format!(
                "kafka ({}) failed to take records for topic {}: {error}",
                self.brokers, record.topic
            )),
        }
    }
}
