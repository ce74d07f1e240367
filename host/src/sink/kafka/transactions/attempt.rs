//! One attempt at a transaction: begin, records, watermark, commit.

use rdkafka::error::RDKafkaErrorCode;

use super::{DRAIN, Phase, TransactionalSink};
use crate::sink::kafka::messages::Put;
use crate::sink::kafka::transactor::{Failure, Step};
use crate::sink::pending::Mark;
use crate::sink::{Rejection, SendError};

impl TransactionalSink {
    /// Puts what isn't yet in the queue there, in a transaction.
    pub(super) async fn send(&mut self) -> Result<(), Failure> {
        match self.phase {
            Phase::Ending(step) => {
                self.step(step).await?;
                self.ended(step);
            }
            Phase::Idle | Phase::Open => {}
        }
        if self.pending.is_empty() {
            return Ok(());
        }
        if self.phase == Phase::Idle {
            self.begin().await?;
        }
        while self.sent < self.pending.places.len() {
            match self.enqueue() {
                Put::Taken | Put::Refused(_) => {}
                Put::Full => self.drain().await?,
                Put::Topic(name) => self.add_topic(name).await?,
                Put::Failed(reason) => return Err(Failure::Abort(reason)),
            }
        }
        Ok(())
    }

    pub(super) async fn begin(&mut self) -> Result<(), Failure> {
        self.failures.take();
        self.step(Step::Begin).await?;
        self.phase = Phase::Open;
        self.sent = 0;
        Ok(())
    }

    fn enqueue(&mut self) -> Put {
        let Some((_, client)) = &self.link else {
            return Put::Failed("the producer isn't connected".to_owned());
        };
        let refused = self.pending.refused_places();
        while let Some(&place) = self.pending.places.get(self.sent) {
            if refused.is_empty() || !refused.contains(&place) {
                let batch = &self.pending.parts[place.part as usize].batch;
                let k = place.record as usize;
                match self.messages.put(client.producer(), batch, k, self.sent) {
                    Put::Taken => {}
                    Put::Refused(reason) => self.pending.refused.push((place, reason)),
                    other => return other,
                }
            }
            self.sent += 1;
        }
        Put::Taken
    }

    pub(super) async fn drain(&self) -> Result<(), Failure> {
        tokio::select! {
            () = tokio::time::sleep(DRAIN) => Ok(()),
            () = self.context.cancel.cancelled() => Err(Failure::Stopped),
        }
    }

    /// Makes a topic. Where it takes less than the others, the transaction is begun anew.
    async fn add_topic(&mut self, name: String) -> Result<(), Failure> {
        let fatal = |error: SendError| match error.retry {
            true => Failure::Abort(error.message),
            false => Failure::Fatal(RDKafkaErrorCode::InvalidTopic, error.message),
        };
        self.messages.room_for_topic().map_err(fatal)?;
        let Some((_, client)) = &self.link else {
            return Ok(());
        };
        let names = std::slice::from_ref(&name);
        let cancel = &self.context.cancel;
        let made = client.ensure(names, &self.config, &self.options, cancel);
        made.await.map_err(fatal)?;
        let narrower = client.narrow(names, &mut self.config, &self.options).await;
        self.messages.add_topic(name);
        if narrower {
            self.step(Step::Abort).await?;
            self.disconnect().await;
            let client = self.start().map_err(fatal)?;
            self.take_over(client).await.map_err(fatal)?;
            self.begin().await?;
        }
        Ok(())
    }

    pub(super) async fn send_and_commit(&mut self) -> Result<(), Failure> {
        let committing = self.phase == Phase::Ending(Step::Commit);
        self.send().await?;
        if committing || self.pending.is_empty() {
            return Ok(());
        }
        self.write_down()?;
        let (_, after) = self.pending.marks(&self.standing);
        let mut streams = self.standing.clone();
        for mark in after {
            streams[mark.stream as usize] = mark;
        }
        self.commit_with(&streams).await
    }

    /// Commits what is in the queue, with the watermark.
    pub(super) async fn commit_with(&mut self, streams: &[Mark]) -> Result<(), Failure> {
        while !self.put_watermark(streams)? {
            self.drain().await?;
        }
        self.phase = Phase::Ending(Step::Commit);
        self.step(Step::Commit).await?;
        self.ended(Step::Commit);
        Ok(())
    }

    fn put_watermark(&self, streams: &[Mark]) -> Result<bool, Failure> {
        let Some((_, client)) = &self.link else {
            return Ok(false);
        };
        let put = self.ledger.put(client.producer(), streams);
        put.map_err(|error| Failure::Abort(error.message))
    }

    /// Refused records are durable before a watermark that passes them.
    fn write_down(&mut self) -> Result<(), Failure> {
        let unwritten = &self.pending.refused[self.written..];
        if unwritten.is_empty() {
            return Ok(());
        }
        let receipts = &self.context.receipts;
        let failed = |error: SendError| Failure::Fatal(RDKafkaErrorCode::Fail, error.message);
        for (place, reason) in unwritten {
            let rejection = Rejection {
                record: place.record as usize,
                reason: reason.clone(),
            };
            let part = &self.pending.parts[place.part as usize];
            receipts.write_down(part, &rejection).map_err(failed)?;
        }
        self.written = self.pending.refused.len();
        receipts.sync_rejects().map_err(failed)
    }

    /// The transaction is over.
    pub(super) fn ended(&mut self, step: Step) {
        self.phase = Phase::Idle;
        self.sent = 0;
        if step == Step::Commit {
            self.pending
                .settle(&mut self.standing, &self.context.receipts);
            self.written = 0;
            self.oldest = None;
        }
    }
}
