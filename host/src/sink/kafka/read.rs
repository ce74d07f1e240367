//! Topics, read back: every partition from its beginning to where it ended when it was opened.
//!
//! Each partition has a consumer of its own, without a group: partitions are read side by side, each as
//! far as the comparison is, whatever the brokers send first.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{Headers as _, Message};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use super::options::Options;
use super::routes::{Keys, Rules, TopicOf, Topics};
use crate::record::{Batch, Operation};
use crate::sink::SendError;
use crate::sink::read::{CHUNK, Chunk, Form, Id, Kept, Look, Reader, Reading, Source};

/// Settings of the producer that mean nothing to a consumer.
const PRODUCING: &[&str] = &[
    "acks",
    "enable.idempotence",
    "message.timeout.ms",
    "compression.type",
    "queue.buffering.max.kbytes",
    "queue.buffering.max.messages",
    "linger.ms",
    "batch.size",
    "batch.num.messages",
    "partitioner",
    "transactional.id",
    "transaction.timeout.ms",
    "max.in.flight.requests.per.connection",
];
/// KiB of messages that wait for the comparison, of all partitions of a topic together.
const WAITING: usize = 48 * 1024;
/// How long a broker may say nothing.
const SILENCE: Duration = Duration::from_secs(60);

pub(super) struct KafkaReader {
    pub(super) options: Options,
    pub(super) rules: Rules,
    pub(super) client: ClientConfig,
    pub(super) reading: Reading,
}

impl KafkaReader {
    fn config(&self) -> ClientConfig {
        let mut config = self.client.clone();
        for name in PRODUCING {
            config.remove(name);
        }
        config
            // Needed by name alone: without a subscription nobody joins it.
            .set("group.id", "wellhead-verify")
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            .set("enable.partition.eof", "true")
            .set("isolation.level", "read_committed")
            .set("auto.offset.reset", "error")
            .set("allow.auto.create.topics", "false");
        config
    }

    fn failed(&self, what: &str, error: &KafkaError) -> SendError {
        SendError::fatal(format!("kafka ({}): {what}: {error}", self.options.brokers))
    }

    fn partitions(&self, topic: &str) -> Result<Vec<i32>, SendError> {
        let asked: BaseConsumer = self
            .config()
            .create()
            .map_err(|e| self.failed("a consumer can't be set up", &e))?;
        let metadata = asked
            .fetch_metadata(None, self.options.connect_timeout.0)
            .map_err(|e| self.failed("no broker answered", &e))?;
        let found = metadata.topics().iter().find(|t| t.name() == topic);
        Ok(found
            .map(|topic| topic.partitions().iter().map(|p| p.id()).collect())
            .unwrap_or_default())
    }
}

impl Reader for KafkaReader {
    fn kept(&self) -> Kept {
        Kept::Stream
    }

    fn has_ids(&self) -> bool {
        self.options.meta_headers
    }

    fn form(&self) -> Result<Box<dyn Form>, SendError> {
        Ok(Box::new(KafkaForm {
            topics: Topics::new(&self.rules, &self.reading.run, &self.reading.channels),
            keys: Keys::new(&self.rules),
            place_of: Vec::new(),
            places: Vec::new(),
            by_name: HashMap::new(),
            scratch: Vec::new(),
            tail: Vec::new(),
        }))
    }

    fn open(&mut self, place: &str) -> Result<Vec<Box<dyn Source>>, SendError> {
        let partitions = self.partitions(place)?;
        if partitions.is_empty() {
            return Err(SendError::fatal(format!(
                "kafka ({}) has no topic {place}, or the user may not see it; see `--from`",
                self.options.brokers
            )));
        }
        let mut config = self.config();
        let each = (WAITING / partitions.len()).clamp(1024, 16 * 1024);
        config.set("queued.max.messages.kbytes", each.to_string());
        let mut sources: Vec<Box<dyn Source>> = Vec::with_capacity(partitions.len());
        for partition in partitions {
            let consumer: BaseConsumer = config
                .create()
                .map_err(|e| self.failed("a consumer can't be set up", &e))?;
            let (low, end) = consumer
                .fetch_watermarks(place, partition, self.options.connect_timeout.0)
                .map_err(|e| self.failed("offsets can't be asked for", &e))?;
            let mut list = TopicPartitionList::new();
            list.add_partition_offset(place, partition, Offset::Offset(low))
                .and_then(|()| consumer.assign(&list))
                .map_err(|e| self.failed("a partition can't be read", &e))?;
            sources.push(Box::new(Partition {
                consumer,
                run: self.reading.run.clone(),
                ids: self.options.meta_headers,
                end,
                what: format!("kafka ({}) topic {place}/{partition}", self.options.brokers),
                tail: Vec::new(),
                over: low >= end,
            }));
        }
        Ok(sources)
    }
}

struct KafkaForm {
    topics: Topics,
    keys: Keys,
    /// By the number of a topic.
    place_of: Vec<u32>,
    places: Vec<String>,
    by_name: HashMap<String, u32>,
    scratch: Vec<u8>,
    tail: Vec<u8>,
}

impl KafkaForm {
    fn place(&mut self, batch: &Batch, k: usize) -> Option<u32> {
        let topic = match self.topics.of(batch, k) {
            TopicOf::Known(topic) => topic,
            TopicOf::New(name) => {
                self.topics.add(name);
                self.topics.names().len() - 1
            }
            TopicOf::None(_) => return None,
        };
        while self.place_of.len() <= topic {
            let name = self.topics.name(self.place_of.len()).to_owned();
            let next = self.places.len() as u32;
            let place = *self.by_name.entry(name.clone()).or_insert(next);
            if place == next {
                self.places.push(name);
            }
            self.place_of.push(place);
        }
        self.place_of.get(topic).copied()
    }
}

impl Form for KafkaForm {
    fn of<'a>(&'a mut self, batch: &'a Batch, k: usize) -> Option<(u32, Look<'a>)> {
        let place = self.place(batch, k)?;
        let key = self.keys.of(&self.topics, batch, k, &mut self.scratch);
        let delete = batch.operation(k) == Operation::Delete;
        if delete && key.is_none() {
            return None;
        }
        tail(key, delete, &mut self.tail);
        let record = if delete { &[] } else { batch.record(k) };
        let tail = self.tail.as_slice();
        Some((place, Look { record, tail }))
    }

    fn places(&self) -> &[String] {
        &self.places
    }
}

/// What belongs to a message beside its value: its key, and whether it is a tombstone.
fn tail(key: Option<&[u8]>, tombstone: bool, out: &mut Vec<u8>) {
    out.clear();
    if let Some(key) = key {
        out.push(b'k');
        out.extend_from_slice(key);
    }
    if tombstone {
        out.push(0);
    }
}

/// One partition.
struct Partition {
    consumer: BaseConsumer,
    run: String,
    ids: bool,
    /// Where it ended when it was opened.
    end: i64,
    what: String,
    tail: Vec<u8>,
    over: bool,
}

impl Source for Partition {
    fn fill(&mut self, chunk: &mut Chunk) -> Result<bool, SendError> {
        let mut heard = Instant::now();
        while !self.over && chunk.bytes.len() < CHUNK {
            let wait = Duration::from_millis(200);
            match self.consumer.poll(wait) {
                None => {
                    if heard.elapsed() > SILENCE {
                        let what = &self.what;
                        return Err(SendError::fatal(format!(
                            "{what}: no message and no end within {SILENCE:?}; see that its broker is there"
                        )));
                    }
                    continue;
                }
                Some(Ok(message)) => {
                    if message.offset() >= self.end {
                        self.over = true;
                        break;
                    }
                    let value = message.payload();
                    tail(message.key(), value.is_none(), &mut self.tail);
                    let id = match self.ids {
                        true => id_of(&message, &self.run),
                        false => Id::None,
                    };
                    let record = value.unwrap_or_default();
                    let tail = self.tail.as_slice();
                    chunk.push(Look { record, tail }, id);
                    self.over = message.offset() + 1 >= self.end;
                }
                // What came after it was opened isn't looked at, so that this is the end.
                Some(Err(KafkaError::PartitionEOF(_))) => self.over = true,
                Some(Err(KafkaError::MessageConsumption(
                    RDKafkaErrorCode::BrokerTransportFailure
                    | RDKafkaErrorCode::AllBrokersDown
                    | RDKafkaErrorCode::OperationTimedOut,
                ))) if heard.elapsed() < SILENCE => continue,
                Some(Err(error)) => {
                    return Err(SendError::fatal(format!(
                        "{} can't be read: {error}",
                        self.what
                    )));
                }
            }
            heard = Instant::now();
        }
        Ok(!self.over)
    }
}

/// What the headers of a message say.
fn id_of(message: &impl Message, run: &str) -> Id {
    let Some(headers) = message.headers() else {
        return Id::Foreign;
    };
    let (mut own, mut stream, mut sequence) = (false, None, None);
    for header in headers.iter() {
        let value = header
            .value
            .and_then(|value| std::str::from_utf8(value).ok());
        let Some(value) = value else { continue };
        match header.key {
            "wellhead-run" => own = value == run,
            "wellhead-stream" => stream = value.parse().ok(),
            "wellhead-sequence" => sequence = value.parse().ok(),
            _ => {}
        }
    }
    match (own, stream, sequence) {
        (true, Some(stream), Some(sequence)) => Id::Of(stream, sequence),
        _ => Id::Foreign,
    }
}
