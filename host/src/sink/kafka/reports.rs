//! What librdkafka reports: acknowledgements, refusals, complaints.

use std::sync::{Arc, Mutex, PoisonError};

use rdkafka::Statistics;
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{DeliveryResult, Message};
use rdkafka::producer::ProducerContext;

use crate::sink::tracker::{Tracker, Trouble};

/// Messages of a transaction that the brokers refused, by number, with the reason.
#[derive(Default)]
pub(super) struct Failures(Mutex<Vec<(usize, String)>>);

impl Failures {
    fn add(&self, number: usize, reason: String) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.push((number, reason));
    }

    /// All so far, which are then forgotten.
    pub(super) fn take(&self) -> Vec<(usize, String)> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Where librdkafka reports to.
pub(super) struct Reports {
    tracker: Arc<Tracker>,
    /// Where messages belong to transactions, for which a commit speaks.
    failures: Option<Arc<Failures>>,
    brokers: String,
}

impl Reports {
    pub(super) fn new(
        tracker: Arc<Tracker>,
        failures: Option<Arc<Failures>>,
        brokers: String,
    ) -> Reports {
        Reports {
            tracker,
            failures,
            brokers,
        }
    }
}

impl ClientContext for Reports {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        match level {
            RDKafkaLogLevel::Debug => tracing::debug!(target: "librdkafka", facility, "{message}"),
            RDKafkaLogLevel::Info | RDKafkaLogLevel::Notice => {
                tracing::info!(target: "librdkafka", facility, "{message}")
            }
            // It also logs as errors what it goes on to retry; what fails for good is told apart.
            _ => tracing::warn!(target: "librdkafka", facility, "{message}"),
        }
    }

    fn stats(&self, _: Statistics) {}

    fn error(&self, error: KafkaError, reason: &str) {
        let code = error.rdkafka_error_code();
        if code == Some(RDKafkaErrorCode::AllBrokersDown) {
            // It only sums up what was said of each.
            return;
        }
        let hopeless = matches!(
            code,
            Some(
                RDKafkaErrorCode::Authentication
                    | RDKafkaErrorCode::SaslAuthenticationFailed
                    | RDKafkaErrorCode::UnsupportedSASLMechanism
                    | RDKafkaErrorCode::SSL
            )
        );
        if code == Some(RDKafkaErrorCode::Fatal) {
            self.tracker.fail(|_| {
                format!(
                    "kafka ({}): {reason}; start again with --resume",
                    self.brokers
                )
            });
        }
        self.tracker.complain(Trouble {
            reason: reason.to_owned(),
            hopeless,
        });
    }
}

impl ProducerContext for Reports {
    type DeliveryOpaque = usize;

    fn delivery(&self, result: &DeliveryResult<'_>, number: usize) {
        match (result, &self.failures) {
            (Ok(_), None) => self.tracker.acknowledged(number),
            (Ok(_), Some(_)) => {}
            (Err((error, message)), None) => self.undelivered(error, message.topic(), number),
            (Err((error, message)), Some(failures)) => {
                let code = error.rdkafka_error_code();
                if let Some(reason) = code.and_then(|code| refusal(code, message.topic())) {
                    failures.add(number, reason);
                }
            }
        }
    }
}

impl Reports {
    fn undelivered(&self, error: &KafkaError, topic: &str, number: usize) {
        let code = error
            .rdkafka_error_code()
            .unwrap_or(RDKafkaErrorCode::Unknown);
        if let Some(reason) = refusal(code, topic) {
            self.tracker.rejected(number, reason);
        } else if !matches!(
            code,
            RDKafkaErrorCode::PurgeQueue | RDKafkaErrorCode::PurgeInflight
        ) {
            self.tracker.fail(|trouble| {
                let last = trouble.map(|trouble| format!("; last error: {}", trouble.reason)).unwrap_or_default();
                match code {
                    RDKafkaErrorCode::MessageTimedOut => format!(
                        "kafka ({}) didn't acknowledge records for topic {topic} within `timeout`{last}; \
                         see that the brokers are up, then go on with --resume",
                        self.brokers
                    ),
                    _ => format!(
                        "kafka ({}) failed to take records for topic {topic}: {code}{last}; \
                         once that is mended, go on with --resume",
                        self.brokers
                    ),
                }
            });
        }
    }
}

/// Why a record is refused for good, if that is what the error says: sending it again would end the same.
pub(super) fn refusal(code: RDKafkaErrorCode, topic: &str) -> Option<String> {
    use RDKafkaErrorCode as Code;
    let why = match code {
        Code::MessageSizeTooLarge | Code::MessageBatchTooLarge => {
            "the record is larger than `message.max.bytes` here or at the broker, or `max.message.bytes` of the topic"
        }
        Code::InvalidMessage | Code::InvalidMessageSize | Code::BadMessage => {
            "the broker calls the message invalid"
        }
        Code::InvalidRecord => {
            "the broker calls the record invalid (a compacted topic takes none without a key)"
        }
        Code::InvalidTimestamp => {
            "the timestamp is farther from the broker's clock than the topic allows (`message.timestamp.before.max.ms`, `….after.max.ms`)"
        }
        Code::TopicAuthorizationFailed => "the user isn't allowed to write to the topic",
        Code::UnknownTopic | Code::UnknownTopicOrPartition | Code::UnknownPartition => {
            "the topic (or its partition) isn't there any more"
        }
        Code::InvalidTopic => "the topic can't be written to",
        Code::PolicyViolation => "a policy of the brokers forbids it",
        Code::UnsupportedForMessageFormat => {
            "the topic's message format doesn't know headers or timestamps"
        }
        _ => return None,
    };
    Some(format!("topic {topic}: {why} ({code:?})"))
}
