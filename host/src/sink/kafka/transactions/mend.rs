//! What is done when a transaction can't be committed: it is aborted and sent again, without the
//! record that the brokers refuse; or it is said why that is of no use.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rdkafka::error::RDKafkaErrorCode;

use super::{INTRODUCTION, Phase, TransactionalSink};
use crate::sink::SendError;
use crate::sink::kafka::ledger::{Entry, NUMBER, TOPIC};
use crate::sink::kafka::messages::Put;
use crate::sink::kafka::transactor::{Failure, Step};
use crate::sink::pending::Place;

impl TransactionalSink {
    /// Aborts a transaction that can't be committed. Fine where it may be tried again at once.
    pub(super) async fn mend(&mut self, failure: Failure) -> Result<(), SendError> {
        let reason = match failure {
            Failure::Abort(reason) => reason,
            Failure::Fatal(code, _) if fenced(code) => return self.rejoin().await,
            Failure::Later(_) => return Err(self.later(failure)),
            Failure::Fatal(..) | Failure::Stopped => return Err(self.said(failure)),
        };
        tracing::debug!(id = self.ledger.id, reason, "the transaction is aborted");
        self.abort().await?;
        let refused = self.failures.take();
        if refused.is_empty() {
            return Err(self.later(Failure::Abort(reason)));
        }
        self.refuse(refused).await
    }

    async fn abort(&mut self) -> Result<(), SendError> {
        let again = self.sent as u64;
        self.phase = Phase::Ending(Step::Abort);
        match self.step(Step::Abort).await {
            Ok(()) => {}
            Err(Failure::Fatal(code, _)) if fenced(code) => return self.rejoin().await,
            Err(failure @ (Failure::Later(_) | Failure::Abort(_))) => {
                return Err(self.later(failure));
            }
            Err(failure) => return Err(self.said(failure)),
        }
        self.ended(Step::Abort);
        self.context.receipts.tell(|told| {
            told.retried += 1;
            told.resent += again;
        });
        Ok(())
    }

    /// Brokers refuse batches: finds the record that is at fault among those of one, in transactions
    /// that are never committed.
    async fn refuse(&mut self, refused: Vec<(usize, String)>) -> Result<(), SendError> {
        let place = |number: usize| self.pending.places.get(number).copied();
        let Some((_, reason)) = refused.first().cloned() else {
            return Ok(());
        };
        if refused.iter().any(|(number, _)| *number == NUMBER) {
            return Err(SendError::fatal(format!(
                "kafka ({}) refuses the watermark: {reason}",
                self.options.brokers
            )));
        }
        let of = |(number, _): &(usize, String)| place(*number);
        let mut suspects: Vec<Place> = refused.iter().filter_map(of).collect();
        while suspects.len() > 1 {
            let rest = suspects.split_off(suspects.len() / 2);
            let outcome = self.try_alone(&suspects).await;
            self.abort().await?;
            let found = !self.failures.take().is_empty();
            match outcome {
                Err(failure @ (Failure::Fatal(..) | Failure::Stopped)) => {
                    return Err(self.said(failure));
                }
                Err(failure) if !found => return Err(self.later(failure)),
                _ => {}
            }
            if !found {
                suspects = rest;
            }
        }
        let alone = suspects.first().map(|place| (*place, reason));
        self.pending.refused.extend(alone);
        Ok(())
    }

    async fn try_alone(&mut self, suspects: &[Place]) -> Result<(), Failure> {
        self.begin().await?;
        for place in suspects {
            let batch = Arc::clone(&self.pending.parts[place.part as usize].batch);
            loop {
                let Some((_, client)) = &self.link else {
                    return Ok(());
                };
                let k = place.record as usize;
                match self.messages.put(client.producer(), &batch, k, 0) {
                    Put::Full => self.drain().await?,
                    _ => break,
                }
            }
        }
        self.step(Step::Flush).await
    }

    /// Finds out who took the transactional id over. Where it was nobody, the brokers ended a
    /// transaction that took too long, and the id is taken again.
    async fn rejoin(&mut self) -> Result<(), SendError> {
        let again = self.later(Failure::Abort("it took too long".to_owned()));
        if !again.retry {
            return Err(again);
        }
        let asked = Instant::now();
        let found = loop {
            let found = self.read_ledger().await?;
            if found
                .as_ref()
                .is_none_or(|entry| entry.session != self.ledger.session)
            {
                return Err(self.fenced_by(found));
            }
            if asked.elapsed() > INTRODUCTION {
                break found;
            }
            tokio::select! {
                () = tokio::time::sleep(Duration::from_millis(100)) => {}
                () = self.context.cancel.cancelled() => return Err(self.said(Failure::Stopped)),
            }
        };
        tracing::warn!(
            id = self.ledger.id,
            "the brokers ended a transaction that took too long; it is begun anew"
        );
        self.disconnect().await;
        let client = self.start()?;
        self.take_over(client).await?;
        // A commit of which no answer came may have been made.
        let (_, after) = self.pending.marks(&self.standing);
        let streams = found.map(|entry| entry.streams).unwrap_or_default();
        let committed = !after.is_empty() && after.iter().all(|mark| streams.contains(mark));
        if committed {
            self.ended(Step::Commit);
        }
        Ok(())
    }

    fn fenced_by(&self, found: Option<Entry>) -> SendError {
        let holder = found.map_or("another process".to_owned(), |entry| entry.holder);
        SendError::fatal(format!(
            "kafka ({}): {} took over the transactional id {} and with it run {}; stop one of the two, \
             go on with the other by --resume, or give this one another --run",
            self.options.brokers, holder, self.ledger.id, self.context.run
        ))
    }

    /// Worth another try, until `timeout` has passed.
    fn later(&mut self, failure: Failure) -> SendError {
        let since = *self.failing.get_or_insert_with(Instant::now);
        let error = self.said(failure);
        match since.elapsed() > self.options.timeout.0 {
            true => SendError::fatal(format!(
                "{}; nothing was committed within `timeout`: once that is mended, go on with --resume",
                error.message
            )),
            false => SendError::transient(error.message),
        }
    }

    pub(super) fn said(&self, failure: Failure) -> SendError {
        use RDKafkaErrorCode as Code;
        let (brokers, id) = (&self.options.brokers, &self.ledger.id);
        let trouble = self.tracker.trouble();
        let last = trouble.map_or(String::new(), |t| format!("; last error: {}", t.reason));
        let why = match failure {
            Failure::Fatal(Code::TransactionalIdAuthorizationFailed, _) => format!(
                "the user isn't allowed to use the transactional id {id}: `exactly_once` needs Describe and Write \
                 on it (on all that begin with wellhead-, say), and Read and Write on topic {TOPIC}"
            ),
            Failure::Fatal(Code::TopicAuthorizationFailed, _) => format!(
                "the user isn't allowed to write to one of the topics {}, {TOPIC}",
                self.messages.topics().join(", ")
            ),
            Failure::Fatal(Code::ClusterAuthorizationFailed, _) => {
                "the user isn't allowed to write idempotently (IdempotentWrite on the cluster)".to_owned()
            }
            Failure::Fatal(Code::InvalidTransactionTimeout, _) => {
                "`interval` of `transaction` is longer than the brokers allow (`transaction.max.timeout.ms`)".to_owned()
            }
            Failure::Fatal(_, text) => format!("{text}{last}; once that is mended, go on with --resume"),
            Failure::Abort(text) => format!("a transaction failed: {text}{last}"),
            Failure::Later(text) => format!("a transaction doesn't end: {text}{last}"),
            Failure::Stopped => "stopped while a transaction was open".to_owned(),
        };
        SendError::fatal(format!("kafka ({brokers}): {why}"))
    }
}

fn fenced(code: RDKafkaErrorCode) -> bool {
    use RDKafkaErrorCode as Code;
    matches!(
        code,
        Code::Fenced | Code::ProducerFenced | Code::InvalidProducerEpoch
    )
}
