//! Watermarks in a compacted topic, which travel in the transactions of the records that they count.

use std::time::{Duration, Instant};

use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::Message;
use rdkafka::producer::{BaseProducer, BaseRecord};
use rdkafka::{Offset, TopicPartitionList};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::options::Options;
use super::reports::Reports;
use crate::sink::pending::Mark;
use crate::sink::{Context, SendError};
use crate::telemetry::this_process;

/// The topic, made where it is missing.
pub(super) const TOPIC: &str = "wellhead.watermarks";
/// Everybody's partition: so the newest record of a key is the last one.
const PARTITION: i32 = 0;
/// Longest that one call of the reader blocks.
const SLICE: Duration = Duration::from_millis(200);
/// The number of the record of the watermark among the messages of a transaction.
pub(super) const NUMBER: usize = usize::MAX;

/// What a transaction says of the run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Entry {
    /// The process that sent it, for a person.
    pub(super) holder: String,
    /// The producer that sent it: no two have the same.
    pub(super) session: u64,
    /// How far each stream is.
    pub(super) streams: Vec<Mark>,
}

/// A run's place in the topic.
pub(super) struct Ledger {
    /// The transactional id, which is also the key.
    pub(super) id: String,
    holder: String,
    /// This producer.
    pub(super) session: u64,
    brokers: String,
    config: ClientConfig,
}

/// The transactional id: of run and sink, and of the shard, since each shard has a producer of its own.
fn id(context: &Context) -> String {
    let whole = format!("wellhead-{}-{}", context.run, context.sink);
    match *context.mine {
        [first, ..] if context.mine.len() < context.streams as usize => {
            let next = context.mine.get(1).copied();
            let shards = next.map_or(context.streams, |next| next - first);
            format!("{whole}-{first}of{shards}")
        }
        _ => whole,
    }
}

impl Ledger {
    pub(super) fn new(options: &Options, context: &Context) -> Result<Ledger, SendError> {
        let session = getrandom::u64().map_err(|error| {
            SendError::fatal(format!(
                "kafka: the system gives no random numbers: {error}"
            ))
        })?;
        Ok(Ledger {
            id: id(context),
            holder: this_process(),
            session,
            brokers: options.brokers.to_string(),
            config: options.reader(),
        })
    }

    /// How the topic is made: what compaction leaves is what a resume reads.
    pub(super) fn options(options: &Options) -> Options {
        let config = json!({
            "cleanup.policy": "compact", "segment.bytes": 16 * 1024 * 1024,
            "segment.ms": 3_600_000, "min.cleanable.dirty.ratio": 0.1,
        });
        let mut options = options.clone();
        options.partitions = Some(1);
        options.topic_config = config.as_object().cloned().unwrap_or_default();
        options
    }

    /// Adds the watermark to the open transaction. False where the queue is full.
    pub(super) fn put(
        &self,
        producer: &BaseProducer<Reports>,
        streams: &[Mark],
    ) -> Result<bool, SendError> {
        let entry = Entry {
            holder: self.holder.clone(),
            session: self.session,
            streams: streams.to_vec(),
        };
        let text = serde_json::to_string(&entry)
            .map_err(|error| SendError::fatal(format!("a watermark can't be written: {error}")))?;
        let record = BaseRecord::<str, str, usize>::with_opaque_to(TOPIC, NUMBER)
            .partition(PARTITION)
            .key(&self.id)
            .payload(&text);
        match producer.send(record) {
            Ok(()) => Ok(true),
            Err((error, _)) if error.rdkafka_error_code() == Some(RDKafkaErrorCode::QueueFull) => {
                Ok(false)
            }
            Err((error, _)) => Err(SendError::transient(format!(
                "kafka ({}) failed to take the watermark for topic {TOPIC}: {error}",
                self.brokers
            ))),
        }
    }

    /// The newest committed entry of the run. Blocks, `within` at most: a transaction of another
    /// run that is still open hides what was committed after it.
    pub(super) fn read(
        &self,
        within: Duration,
        cancel: &CancellationToken,
    ) -> Result<Option<Entry>, SendError> {
        let deadline = Instant::now() + within;
        let committed = self.reader("read_committed")?;
        self.wait_for_open(&committed, deadline, cancel)?;
        let mut places = TopicPartitionList::new();
        let assigned = places
            .add_partition_offset(TOPIC, PARTITION, Offset::Beginning)
            .and_then(|()| committed.assign(&places));
        assigned.map_err(|error| self.unread(&error.to_string()))?;
        let mut newest = None;
        loop {
            self.still(deadline, cancel, "it doesn't end")?;
            match committed.poll(SLICE) {
                None => {}
                Some(Ok(message)) if message.key() == Some(self.id.as_bytes()) => {
                    newest = message.payload().map(<[u8]>::to_vec);
                }
                Some(Ok(_)) => {}
                Some(Err(KafkaError::PartitionEOF(_))) => break,
                Some(Err(error)) => self.judge(&error)?,
            }
        }
        let entry = newest.map(|text| serde_json::from_slice(&text));
        entry.transpose().map_err(|error| {
            self.unread(&format!("what it says of {} isn't ours ({error})", self.id))
        })
    }

    fn reader(&self, isolation: &str) -> Result<BaseConsumer, SendError> {
        let mut config = self.config.clone();
        config
            .set("group.id", "wellhead")
            .set("enable.auto.commit", "false")
            .set("enable.partition.eof", "true")
            .set("isolation.level", isolation);
        config
            .create()
            .map_err(|error| self.unread(&error.to_string()))
    }

    /// Waits until what is committed is all that there is.
    fn wait_for_open(
        &self,
        committed: &BaseConsumer,
        deadline: Instant,
        cancel: &CancellationToken,
    ) -> Result<(), SendError> {
        let all = self.reader("read_uncommitted")?;
        let mut said = false;
        let end = loop {
            match all.fetch_watermarks(TOPIC, PARTITION, SLICE) {
                Ok((_, end)) => break end,
                Err(error) => self.judge(&error)?,
            }
            self.still(deadline, cancel, "no broker answers")?;
        };
        loop {
            match committed.fetch_watermarks(TOPIC, PARTITION, SLICE) {
                Ok((_, stable)) if stable >= end => return Ok(()),
                Ok(_) if !said => {
                    said = true;
                    tracing::info!(
                        topic = TOPIC,
                        "waiting for the end of another run's transaction"
                    );
                }
                Ok(_) => {}
                Err(error) => self.judge(&error)?,
            }
            self.still(deadline, cancel, "another run's transaction stays open")?;
            std::thread::park_timeout(Duration::from_millis(20));
        }
    }

    fn still(
        &self,
        deadline: Instant,
        cancel: &CancellationToken,
        why: &str,
    ) -> Result<(), SendError> {
        if cancel.is_cancelled() {
            return Err(SendError::fatal(format!(
                "kafka ({}): stopped while it read {TOPIC}",
                self.brokers
            )));
        }
        match Instant::now() < deadline {
            true => Ok(()),
            false => Err(self.unread(why)),
        }
    }

    /// Errors that pass, by themselves or with the deadline.
    fn judge(&self, error: &KafkaError) -> Result<(), SendError> {
        match error.rdkafka_error_code() {
            Some(RDKafkaErrorCode::TopicAuthorizationFailed) => {
                Err(self.unread("the user isn't allowed to read it"))
            }
            _ => Ok(()),
        }
    }

    fn unread(&self, why: &str) -> SendError {
        SendError::fatal(format!(
            "kafka ({}): the watermarks in topic {TOPIC} can't be read: {why}",
            self.brokers
        ))
    }
}
