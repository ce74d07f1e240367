//! The most that librdkafka takes: a bare loop over its crate, without anything around it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::{ClientContext, DefaultClientContext};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::RDKafkaErrorCode;
use rdkafka::message::DeliveryResult;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer, ProducerContext};
use wellhead::record::Batch;

use crate::measure::{Measure, Meter, Outcome};

/// Partitions of every topic.
pub const PARTITIONS: i32 = 4;
const WAIT: Duration = Duration::from_secs(30);

/// What our sink sets without being told.
const SETTINGS: [(&str, &str); 6] = [
    ("acks", "-1"),
    ("enable.idempotence", "true"),
    ("compression.type", "none"),
    ("message.timeout.ms", "300000"),
    ("queue.buffering.max.kbytes", "65536"),
    ("client.id", "wellhead"),
];

struct Count {
    acknowledged: AtomicU64,
    failed: AtomicU64,
}

impl ClientContext for Count {}

impl ProducerContext for Count {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        let count = if result.is_ok() {
            &self.acknowledged
        } else {
            &self.failed
        };
        count.fetch_add(1, Ordering::Relaxed);
    }
}

/// Sends the first batch, and when that is acknowledged, all of them again and again, which is what
/// the meter measures. Gives how many records were acknowledged, with the first batch.
pub fn run(
    brokers: &str,
    topic: &str,
    batches: &[Batch],
    rounds: usize,
) -> Outcome<(u64, Measure)> {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", brokers);
    for (name, value) in SETTINGS {
        config.set(name, value);
    }
    let producer: BaseProducer<Count> = config.create_with_context(Count {
        acknowledged: AtomicU64::new(0),
        failed: AtomicU64::new(0),
    })?;
    let done = AtomicBool::new(false);
    let measure = std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                producer.poll(Duration::from_millis(100));
            }
        });
        let measure = send_all(&producer, topic, batches, rounds);
        done.store(true, Ordering::Relaxed);
        measure
    })?;
    match producer.context().failed.load(Ordering::Relaxed) {
        0 => Ok((
            producer.context().acknowledged.load(Ordering::Relaxed),
            measure,
        )),
        failed => Err(format!("the broker refused {failed} records").into()),
    }
}

fn send_all(
    producer: &BaseProducer<Count>,
    topic: &str,
    batches: &[Batch],
    rounds: usize,
) -> Outcome<Measure> {
    for batch in batches.iter().take(1) {
        send(producer, topic, batch)?;
    }
    producer.flush(WAIT)?;
    let meter = Meter::start();
    for _ in 0..rounds {
        for batch in batches {
            send(producer, topic, batch)?;
        }
    }
    producer.flush(WAIT)?;
    Ok(meter.stop())
}

fn send(
    producer: &BaseProducer<Count>,
    topic: &str,
    batch: &Batch,
) -> Result<(), rdkafka::error::KafkaError> {
    for k in 0..batch.len() {
        let mut record = BaseRecord::<[u8], [u8]>::to(topic).payload(batch.record(k));
        if let Some(key) = batch.key(k) {
            record = record.key(key);
        }
        while let Err((error, again)) = producer.send(record) {
            if error.rdkafka_error_code() != Some(RDKafkaErrorCode::QueueFull) {
                return Err(error);
            }
            std::thread::sleep(Duration::from_millis(1));
            record = again;
        }
    }
    Ok(())
}

fn client<T: rdkafka::config::FromClientConfig>(brokers: &str) -> Outcome<T> {
    Ok(ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .create()?)
}

/// Makes a topic.
pub async fn make(brokers: &str, topic: &str) -> Outcome<()> {
    let admin: AdminClient<DefaultClientContext> = client(brokers)?;
    let topics = [NewTopic::new(topic, PARTITIONS, TopicReplication::Fixed(1))];
    let options = AdminOptions::new().operation_timeout(Some(WAIT));
    for result in admin.create_topics(&topics, &options).await? {
        result.map_err(|(name, code)| format!("topic {name} can't be made: {code}"))?;
    }
    Ok(())
}

/// Deletes a topic, so that the broker's disk isn't filled.
pub async fn delete(brokers: &str, topic: &str) -> Outcome<()> {
    let admin: AdminClient<DefaultClientContext> = client(brokers)?;
    admin.delete_topics(&[topic], &AdminOptions::new()).await?;
    Ok(())
}

/// How many records the broker says that a topic has.
pub fn count(brokers: &str, topic: &str) -> Outcome<u64> {
    let consumer: BaseConsumer = client(brokers)?;
    let mut records = 0;
    for partition in 0..PARTITIONS {
        let (low, high) = consumer.fetch_watermarks(topic, partition, WAIT)?;
        records += u64::try_from(high - low)?;
    }
    Ok(records)
}
