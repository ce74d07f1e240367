//! What a commit confirms, and going back to where one stood.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::ledger::Ledger;
use super::targets::{S3Sink, Target};
use crate::record::Group;
use crate::sink::{Config, Guarantee, Receipt, SendError, Sink, Watermark, blocking};

/// What a receipt says beside its watermark.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Position {
    done: Vec<Done>,
}

/// A target whose records below a sequence above the watermark are in complete objects: the
/// watermark waits for another target's. A resume that wrote them again would cut its objects at
/// other places.
#[derive(Debug, Serialize, Deserialize)]
struct Done {
    stream: usize,
    channel: u8,
    prefix: String,
    below: u64,
}

impl S3Sink {
    fn receipt(&mut self, watermark: Watermark) -> Result<Receipt, SendError> {
        let mut position = Position::default();
        for (stream, (state, &settled)) in self.streams.iter_mut().zip(&watermark).enumerate() {
            state.targets.retain(|_, target| !target.is_past(settled));
            for (key, target) in &state.targets {
                let [channel, prefix @ ..] = key.as_slice() else {
                    continue;
                };
                if target.done > settled {
                    position.done.push(Done {
                        stream,
                        channel: *channel,
                        prefix: String::from_utf8_lossy(prefix).into_owned(),
                        below: target.done,
                    });
                }
            }
        }
        let position = serde_json::to_value(position).map_err(|error| {
            SendError::fatal(format!("{}: no checkpoint: {error}", self.config.target()))
        })?;
        Ok(Receipt {
            watermark,
            position,
        })
    }

    fn restore(&mut self, saved: &Receipt) -> Result<(), SendError> {
        let position: Position = match saved.position.is_null() {
            true => Position::default(),
            false => serde_json::from_value(saved.position.clone()).map_err(|error| {
                SendError::fatal(format!(
                    "the checkpoint of {} can't be read ({error}); was it written by a newer version?",
                    self.config.target()
                ))
            })?,
        };
        for (state, &settled) in self.streams.iter_mut().zip(&saved.watermark) {
            state.ledger = Ledger::at(settled);
        }
        for done in position.done {
            let mut key = vec![done.channel];
            key.extend_from_slice(done.prefix.as_bytes());
            if let Some(state) = self.streams.get_mut(done.stream) {
                state.targets.insert(key, Target::done(done.below));
            }
        }
        Ok(())
    }

    /// Finds out whether records would be taken; `make` says that a bucket may be made.
    async fn ready(&mut self, make: bool) -> Result<(), SendError> {
        if !self.service.has_bucket().await? {
            if !make {
                // It will be made; that nobody else has it is found out then.
                return Ok(());
            }
            self.service.make_bucket().await?;
            tracing::info!(bucket = %self.service.place, "made the bucket");
        }
        let trial = self.layout.trial(&self.context.channels);
        self.service.try_upload(&trial).await
    }
}

#[async_trait]
impl Sink for S3Sink {
    fn guarantee(&self) -> Guarantee {
        Guarantee::ExactlyOnce
    }

    async fn probe(&mut self) -> Result<(), SendError> {
        self.ready(false).await
    }

    async fn prepare(&mut self) -> Result<(), SendError> {
        self.ready(true).await
    }

    async fn recover(&mut self, saved: Option<&Receipt>) -> Result<Option<Watermark>, SendError> {
        if let Some(saved) = saved {
            self.restore(saved)?;
        }
        Ok(saved.map(|receipt| receipt.watermark.clone()))
    }

    async fn write(&mut self, group: &Group) -> Result<(), SendError> {
        self.uploads.make_room().await?;
        for part in &group.parts {
            let mut at = part.range.start;
            while at < part.range.end {
                at = blocking(|| self.take(part, at))?;
                self.uploads.make_room().await?;
            }
        }
        self.gather();
        self.settle();
        Ok(())
    }

    async fn commit(&mut self) -> Result<Receipt, SendError> {
        // Delivery publishes the counts of the moment before: what this settles is the next one's.
        let watermark = self.context.receipts.watermark();
        self.uploads.turn()?;
        self.gather();
        let receipt = self.receipt(watermark);
        self.settle();
        receipt
    }

    async fn close(&mut self, finished: bool) -> Result<Receipt, SendError> {
        for stream in 0..self.streams.len() {
            blocking(|| self.end_all(stream, finished))?;
            self.uploads.make_room().await?;
        }
        self.uploads.drain().await?;
        self.gather();
        self.settle();
        let watermark = self.context.receipts.watermark();
        self.receipt(watermark)
    }
}
