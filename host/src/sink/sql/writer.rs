//! The sink around a database: groups become transactions, and each moves the watermark.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;

use super::{Database, Failure, Mark, Owner, Rows, Step, TableOptions, Tables, careful};
use crate::record::Group;
use crate::sink::pending::Pending;
use crate::sink::receipts::Snapshot;
use crate::sink::{Context, Guarantee, Receipt, Rejection, SendError, Sink, Watermark};

/// A sink over one connection.
pub struct SqlSink<D> {
    database: D,
    tables: Tables,
    context: Context,
    owner: Owner,
    /// Bytes of a transaction, and how long it may wait.
    size: u64,
    linger: Duration,
    pending: Pending,
    /// What the database has of each stream, as far as is known.
    standing: Vec<Mark>,
    /// The next sequence of each stream that isn't taken.
    taken: Vec<u64>,
    /// Whether a transaction may have been committed without an answer: then the database is asked.
    unsure: bool,
    latest: Option<Instant>,
}

impl<D: Database> SqlSink<D> {
    /// Doesn't connect. `name` tells it from the run's other sinks into that database.
    pub fn new(
        database: D,
        tables: Tables,
        options: &TableOptions,
        name: String,
        context: Context,
    ) -> SqlSink<D> {
        SqlSink {
            database,
            tables,
            owner: Owner {
                run: context.run.clone(),
                sink: name,
            },
            size: options.transaction_size.0,
            linger: options.linger.0,
            pending: Pending::default(),
            standing: Mark::zeros(context.streams),
            taken: vec![0; context.streams as usize],
            unsure: false,
            latest: None,
            context,
        }
    }

    fn due(&self) -> bool {
        self.unsure
            || self.pending.bytes >= self.size
            || self.latest.is_none_or(|at| at.elapsed() >= self.linger)
    }

    /// Writes what waits, unless the emulation is to end at once.
    async fn flush(&mut self) -> Result<(), SendError> {
        let cancel = self.context.cancel.clone();
        let outcome = tokio::select! {
            biased;
            outcome = self.flush_now() => outcome,
            () = cancel.cancelled() => Err(SendError::fatal(format!(
                "stopped while {} had records in hand", self.database.address()
            ))),
        };
        if outcome.is_err() {
            // Whatever it was in the middle of: a new connection begins from what is committed.
            self.database.disconnect();
            self.unsure = true;
        }
        self.latest = Some(Instant::now());
        outcome
    }

    async fn flush_now(&mut self) -> Result<(), SendError> {
        if self.pending.is_empty() {
            return Ok(());
        }
        self.database.connect().await?;
        if self.unsure && self.was_committed().await? {
            self.settle();
            return Ok(());
        }
        if !self.transact().await? {
            // A transaction of ours whose answer was lost was still at work when we looked.
            self.database.step(Step::Rollback).await?;
            if !self.was_committed().await? {
                return Err(self.taken_over());
            }
        }
        self.settle();
        Ok(())
    }

    /// Whether the database has all of what is pending, instead of none of it.
    async fn was_committed(&mut self) -> Result<bool, SendError> {
        let (before, after) = self.pending.marks(&self.standing);
        let found = self.database.marks(&self.owner).await?;
        let all = |wanted: &[Mark]| {
            let sequence = |of: &Mark| found.iter().find(|m| m.stream == of.stream);
            wanted
                .iter()
                .all(|of| sequence(of).is_some_and(|mark| mark.sequence == of.sequence))
        };
        match (all(&after), all(&before)) {
            (true, _) => Ok(true),
            (_, true) => Ok(false),
            _ => Err(self.taken_over()),
        }
    }

    fn taken_over(&self) -> SendError {
        SendError::fatal(format!(
            "{}: somebody else writes for run {}: its watermarks were moved; stop the other process, \
             or give this one another run",
            self.database.address(),
            self.owner.run
        ))
    }

    /// One transaction with all that is pending; false where the watermark isn't where it should be.
    async fn transact(&mut self) -> Result<bool, SendError> {
        self.database.step(Step::Begin).await?;
        match self.store_whole().await {
            Ok(()) => {}
            Err(Failure::Other(error)) => return Err(error),
            Err(Failure::Row(..)) => {
                self.database.step(Step::Rollback).await?;
                self.database.step(Step::Begin).await?;
                self.store_carefully().await?;
            }
        }
        let (before, after) = self.pending.marks(&self.standing);
        if !self.database.advance(&self.owner, &before, &after).await? {
            return Ok(false);
        }
        self.database.step(Step::Commit).await?;
        Ok(true)
    }

    async fn store_whole(&mut self) -> Result<(), Failure> {
        for (index, table) in self.tables.list.iter().enumerate() {
            let places = self.pending.of_table(index, &self.tables.of_channel);
            if places.is_empty() {
                continue;
            }
            let rows = Rows {
                parts: &self.pending.parts,
                places: &places,
                run: &self.owner.run,
            };
            self.database.store(table, rows).await?;
        }
        Ok(())
    }

    /// The same, leaving out what the database refuses; that is written down, durably, before the
    /// watermark passes it.
    async fn store_carefully(&mut self) -> Result<(), SendError> {
        for (index, table) in self.tables.list.iter().enumerate() {
            let places = self.pending.of_table(index, &self.tables.of_channel);
            let rows = Rows {
                parts: &self.pending.parts,
                places: &places,
                run: &self.owner.run,
            };
            let refused = careful::store(&mut self.database, table, rows).await?;
            for (place, reason) in refused {
                let rejection = Rejection {
                    record: place.record as usize,
                    reason: reason.clone(),
                };
                let part = &self.pending.parts[place.part as usize];
                self.context.receipts.write_down(part, &rejection)?;
                self.pending.refused.push((place, reason));
            }
        }
        self.context.receipts.sync_rejects()
    }

    /// The database has all that was pending.
    fn settle(&mut self) {
        self.pending
            .settle(&mut self.standing, &self.context.receipts);
        self.unsure = false;
    }
}

#[async_trait]
impl<D: Database> Sink for SqlSink<D> {
    fn guarantee(&self) -> Guarantee {
        Guarantee::ExactlyOnce
    }

    async fn probe(&mut self) -> Result<(), SendError> {
        self.database.look(&self.tables.list).await
    }

    async fn prepare(&mut self) -> Result<(), SendError> {
        self.database.connect().await?;
        self.database.make(&self.tables.list).await
    }

    async fn recover(&mut self, saved: Option<&Receipt>) -> Result<Option<Watermark>, SendError> {
        self.database.connect().await?;
        let (mine, anew) = (Arc::clone(&self.context.mine), saved.is_none());
        self.database.begin_run(&self.owner, &mine, anew).await?;
        // Other shards of the run keep theirs in the same table.
        let marks = self.database.marks(&self.owner).await?;
        for mark in marks.into_iter().filter(|mark| mine.contains(&mark.stream)) {
            if let Some(standing) = self.standing.get_mut(mark.stream as usize) {
                *standing = mark;
            }
        }
        self.taken = self.standing.iter().map(|mark| mark.sequence).collect();
        Ok(Some(self.taken.clone()))
    }

    fn carries_watermark(&self) -> bool {
        true
    }

    fn recovered(&self) -> Option<Snapshot> {
        Some(Mark::snapshot(&self.standing))
    }

    async fn write(&mut self, group: &Group) -> Result<(), SendError> {
        self.pending.take(group, &mut self.taken);
        match self.due() {
            true => self.flush().await,
            false => Ok(()),
        }
    }

    async fn commit(&mut self) -> Result<Receipt, SendError> {
        self.flush().await?;
        Ok(Receipt::at(self.context.receipts.watermark()))
    }
}
