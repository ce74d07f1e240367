//! The connection: librdkafka's producer with the thread that polls it, and topics.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, ResourceSpecifier, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::metadata::Metadata;
use rdkafka::producer::{BaseProducer, Producer};
use tokio_util::sync::CancellationToken;

use super::options::Options;
use super::reports::{Failures, Reports};
use crate::sink::SendError;
use crate::sink::tracker::Tracker;

/// How long the polling thread waits for an event before it looks whether it is to stop.
const POLL: Duration = Duration::from_millis(100);

/// A producer and the thread that polls it, which is joined at the end.
pub(super) struct Client {
    producer: Arc<BaseProducer<Reports>>,
    tracker: Arc<Tracker>,
    brokers: String,
    stop: Arc<AtomicBool>,
    poller: Option<JoinHandle<()>>,
}

impl Client {
    pub(super) fn start(
        config: &ClientConfig,
        options: &Options,
        tracker: &Arc<Tracker>,
        failures: Option<Arc<Failures>>,
    ) -> Result<Client, SendError> {
        let brokers = options.brokers.to_string();
        let failed =
            |why: String| SendError::fatal(format!("kafka ({brokers}) can't be set up: {why}"));
        let reports = Reports::new(Arc::clone(tracker), failures, brokers.clone());
        let producer: BaseProducer<Reports> = config
            .create_with_context(reports)
            .map_err(|error| failed(error.to_string()))?;
        let producer = Arc::new(producer);
        let stop = Arc::new(AtomicBool::new(false));
        let poller = {
            let (producer, tracker, stop) = (
                Arc::clone(&producer),
                Arc::clone(tracker),
                Arc::clone(&stop),
            );
            std::thread::Builder::new()
                .name("kafka-poll".to_owned())
                .spawn(move || {
                    while !stop.load(Ordering::Relaxed) {
                        producer.poll(POLL);
                        tracker.flush();
                    }
                })
        };
        let poller = poller.map_err(|error| failed(error.to_string()))?;
        Ok(Client {
            producer,
            tracker: Arc::clone(tracker),
            brokers,
            stop,
            poller: Some(poller),
        })
    }

    pub(super) fn producer(&self) -> &Arc<BaseProducer<Reports>> {
        &self.producer
    }

    /// Everything that the brokers say of themselves and their topics, once one answers.
    async fn metadata(
        &self,
        within: Duration,
        cancel: &CancellationToken,
    ) -> Result<Metadata, SendError> {
        let deadline = Instant::now() + within;
        loop {
            let producer = Arc::clone(&self.producer);
            let left = deadline
                .saturating_duration_since(Instant::now())
                .min(Duration::from_millis(500));
            let fetched =
                tokio::task::spawn_blocking(move || producer.client().fetch_metadata(None, left))
                    .await;
            match fetched {
                Ok(Ok(metadata)) => return Ok(metadata),
                Ok(Err(error)) => self.unreachable(&error, within, deadline)?,
                Err(error) => {
                    return Err(SendError::fatal(format!(
                        "kafka ({}): {error}",
                        self.brokers
                    )));
                }
            }
            tokio::select! {
                () = cancel.cancelled() => return Err(SendError::fatal(format!("kafka ({}): stopped while connecting", self.brokers))),
                () = tokio::time::sleep(Duration::from_millis(50)) => {}
            }
        }
    }

    /// Whether waiting for the brokers is over, and why.
    fn unreachable(
        &self,
        error: &KafkaError,
        within: Duration,
        deadline: Instant,
    ) -> Result<(), SendError> {
        let trouble = self.tracker.trouble();
        let reason = trouble
            .as_ref()
            .map_or_else(|| error.to_string(), |trouble| trouble.reason.clone());
        if trouble.is_some_and(|trouble| trouble.hopeless) {
            return Err(SendError::fatal(format!(
                "kafka ({}) refuses the connection: {reason}; see user name, password, `sasl_mechanism`, \
                 `security_protocol` and the tls_ options",
                self.brokers
            )));
        }
        if Instant::now() < deadline {
            return Ok(());
        }
        Err(SendError::fatal(format!(
            "kafka ({}): no broker answered within {within:?}: {reason}; see that Kafka runs there and \
             `brokers` names it, or raise `connect_timeout`",
            self.brokers
        )))
    }

    /// Finds out whether a broker answers and would have us; says which topics are missing where they
    /// may not be made.
    pub(super) async fn look(
        &self,
        topics: &[String],
        options: &Options,
        cancel: &CancellationToken,
    ) -> Result<(), SendError> {
        let metadata = self.metadata(options.connect_timeout.0, cancel).await?;
        let missing = self.missing(&metadata, topics);
        if missing.is_empty() || options.create {
            return Ok(());
        }
        Err(self.no_topics(&missing))
    }

    fn missing<'a>(&self, metadata: &Metadata, topics: &'a [String]) -> Vec<&'a str> {
        topics
            .iter()
            .map(String::as_str)
            .filter(|name| partitions(metadata, name).is_none())
            .collect()
    }

    fn no_topics(&self, missing: &[&str]) -> SendError {
        SendError::fatal(format!(
            "kafka ({}) has no topic {} (or the user may not see it), and `create` is false: make it, or leave `create` out",
            self.brokers,
            missing.join(", ")
        ))
    }

    /// Finds out whether the topics are there, and makes those that aren't.
    pub(super) async fn ensure(
        &self,
        topics: &[String],
        config: &ClientConfig,
        options: &Options,
        cancel: &CancellationToken,
    ) -> Result<(), SendError> {
        let within = options.connect_timeout.0;
        let metadata = self.metadata(within, cancel).await?;
        let missing = self.missing(&metadata, topics);
        for topic in topics {
            let (found, wanted) = (partitions(&metadata, topic), options.partitions);
            if let (Some(found), Some(wanted)) = (found, wanted)
                && found != wanted as usize
            {
                tracing::warn!(
                    topic,
                    found,
                    wanted,
                    "the topic is there with another number of partitions; it is left as it is"
                );
            }
        }
        if missing.is_empty() {
            return Ok(());
        }
        if !options.create {
            return Err(self.no_topics(&missing));
        }
        self.create(&missing, config, options).await?;
        let deadline = Instant::now() + within;
        loop {
            let metadata = self.metadata(within, cancel).await?;
            if missing
                .iter()
                .all(|name| partitions(&metadata, name).is_some())
            {
                return Ok(());
            }
            if Instant::now() > deadline {
                return Err(SendError::transient(format!(
                    "kafka ({}) made topic {} but its partitions have no leader after {within:?}",
                    self.brokers,
                    missing.join(", ")
                )));
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn create(
        &self,
        names: &[&str],
        config: &ClientConfig,
        options: &Options,
    ) -> Result<(), SendError> {
        let admin = self.admin(config)?;
        let settings: Vec<(&str, String)> = options
            .topic_config
            .iter()
            .map(|(name, value)| {
                (
                    name.as_str(),
                    value
                        .as_str()
                        .map_or_else(|| value.to_string(), str::to_owned),
                )
            })
            .collect();
        let topics: Vec<NewTopic<'_>> = names
            .iter()
            .map(|name| {
                let replication = TopicReplication::Fixed(options.replication.unwrap_or(-1));
                let topic = NewTopic::new(name, options.partitions.unwrap_or(-1), replication);
                settings
                    .iter()
                    .fold(topic, |topic, (name, value)| topic.set(name, value))
            })
            .collect();
        let within = options.connect_timeout.0;
        let admin_options = AdminOptions::new()
            .operation_timeout(Some(within))
            .request_timeout(Some(within));
        let results = admin.create_topics(&topics, &admin_options).await;
        finished(admin).await;
        let results = results.map_err(|error| {
            SendError::transient(format!(
                "kafka ({}) couldn't be asked to make topic {}: {error}",
                self.brokers,
                names.join(", ")
            ))
        })?;
        for result in results {
            match result {
                Ok(_) | Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
                Err((name, code)) => return Err(self.not_created(&name, code)),
            }
        }
        Ok(())
    }

    fn not_created(&self, topic: &str, code: RDKafkaErrorCode) -> SendError {
        let what = match code {
            RDKafkaErrorCode::TopicAuthorizationFailed
            | RDKafkaErrorCode::ClusterAuthorizationFailed => {
                "the user isn't allowed to; have the topic made, and the user allowed to see and write it"
            }
            RDKafkaErrorCode::InvalidReplicationFactor => {
                "there are fewer brokers than `replication` asks for"
            }
            RDKafkaErrorCode::InvalidConfig => "the brokers don't take `topic_config`",
            RDKafkaErrorCode::PolicyViolation => "a policy of the brokers forbids it",
            RDKafkaErrorCode::RequestTimedOut | RDKafkaErrorCode::OperationTimedOut => {
                return SendError::transient(format!(
                    "kafka ({}) took too long to make topic {topic}",
                    self.brokers
                ));
            }
            _ => "see the brokers' log",
        };
        SendError::fatal(format!(
            "kafka ({}) can't make topic {topic}: {what} ({code})",
            self.brokers
        ))
    }

    /// A batch that is larger than a topic allows is refused as a whole, for whichever record: batches
    /// are kept below the smallest limit, so that only records too large are refused. True where the
    /// settings became narrower: then another client is needed.
    pub(super) async fn narrow(
        &self,
        topics: &[String],
        config: &mut ClientConfig,
        options: &Options,
    ) -> bool {
        if topics.is_empty() {
            return false;
        }
        let limit = self
            .smallest_limit(topics, config, options.connect_timeout.0)
            .await;
        let present = config.get("batch.size").and_then(|size| size.parse().ok());
        let present: u32 = present.unwrap_or(1_000_000);
        let Some(limit) = limit.filter(|&limit| limit < present) else {
            return false;
        };
        // librdkafka's own bounds; what is larger than the topic's is left for the broker to refuse.
        config.set("batch.size", limit.max(1).to_string());
        config.set("message.max.bytes", limit.max(1000).to_string());
        true
    }

    /// The smallest message that some topic refuses, as far as the brokers tell.
    async fn smallest_limit(
        &self,
        topics: &[String],
        config: &ClientConfig,
        within: Duration,
    ) -> Option<u32> {
        let admin = self.admin(config).ok()?;
        let resources: Vec<_> = topics
            .iter()
            .map(|name| ResourceSpecifier::Topic(name))
            .collect();
        let options = AdminOptions::new().request_timeout(Some(within));
        let described = admin.describe_configs(&resources, &options).await;
        finished(admin).await;
        let limits = described
            .ok()?
            .into_iter()
            .flatten()
            .filter_map(|topic| topic.get("max.message.bytes")?.value.as_ref()?.parse().ok());
        limits.min()
    }

    fn admin(&self, config: &ClientConfig) -> Result<AdminClient<DefaultClientContext>, SendError> {
        config.create().map_err(|error| {
            SendError::fatal(format!("kafka ({}) can't be set up: {error}", self.brokers))
        })
    }

    /// Ends the polling thread and the producer. What is in flight is given up.
    pub(super) async fn stop(mut self) {
        self.stop.store(true, Ordering::Relaxed);
        // Joining and librdkafka's own farewell block; a panic there has been reported already.
        let _ = tokio::task::spawn_blocking(move || self.join()).await;
    }

    fn join(&mut self) {
        if let Some(poller) = self.poller.take()
            && poller.join().is_err()
        {
            tracing::error!("the thread that polls kafka ({}) panicked", self.brokers);
        }
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        self.join();
    }
}

/// Joins an admin client's thread off this one.
async fn finished(admin: AdminClient<DefaultClientContext>) {
    let _ = tokio::task::spawn_blocking(move || drop(admin)).await;
}

/// How many partitions a topic has. Nothing where it isn't there, or not ready to be written to.
fn partitions(metadata: &Metadata, name: &str) -> Option<usize> {
    let topic = metadata
        .topics()
        .iter()
        .find(|topic| topic.name() == name)?;
    let ready = topic.error().is_none()
        && topic
            .partitions()
            .iter()
            .all(|partition| partition.leader() >= 0);
    (ready && !topic.partitions().is_empty()).then_some(topic.partitions().len())
}
