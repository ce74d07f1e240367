//! The sink: parts to the task that sends, and what a commit says of them.

use std::sync::Arc;
use std::thread::JoinHandle;

use async_trait::async_trait;
use reqwest::Client;
use tokio::sync::mpsc;

use super::client;
use super::driver::{Driver, Work};
use super::options::Options;
use super::requests::{Requests, Rules};
use crate::record::{Group, Part};
use crate::sink::tracker::{SLOT, Tracker};
use crate::sink::{Context, Guarantee, Receipt, SendError, Sink, Watermark};

/// Bytes of records that may be on their way or wait to be.
const ROOM: u64 = 16 * 1024 * 1024;
/// And records, where requests take fewer.
const RECORDS: usize = 16 * SLOT;

/// A sink of one block of a spec.
pub(super) struct HttpSink {
    options: Options,
    context: Context,
    tracker: Arc<Tracker>,
    client: Client,
    /// Until the task takes it.
    requests: Option<Requests>,
    task: Option<(mpsc::UnboundedSender<Work>, JoinHandle<()>)>,
    /// The next sequence of each stream that isn't handed to the task.
    taken: Watermark,
}

impl HttpSink {
    pub(super) fn new(
        options: Options,
        rules: &Rules,
        context: Context,
    ) -> Result<HttpSink, SendError> {
        let client = client::build(&options)?;
        let headers = client::all_headers(&client, &options)?;
        let requests = Requests::new(&options, rules, &context, headers)
            .map_err(|error| SendError::fatal(format!("http ({}): {error}", options.target())))?;
        Ok(HttpSink {
            tracker: Arc::new(Tracker::new(Arc::clone(&context.receipts))),
            client,
            requests: Some(requests),
            task: None,
            taken: context.receipts.watermark(),
            options,
            context,
        })
    }

    fn failure(&self) -> Result<(), SendError> {
        match self.tracker.failure() {
            Some(reason) => Err(SendError::fatal(reason)),
            None => Ok(()),
        }
    }

    async fn wait(&self) -> Result<(), SendError> {
        self.failure()?;
        let over = self
            .task
            .as_ref()
            .is_some_and(|(_, task)| task.is_finished());
        if over && !self.context.cancel.is_cancelled() {
            self.failure()?;
            return Err(SendError::fatal(format!(
                "http ({}): the task that sends has ended while records waited for it",
                self.options.target()
            )));
        }
        tokio::select! {
            () = self.tracker.changed() => Ok(()),
            () = self.context.cancel.cancelled() => Err(SendError::fatal(format!(
                "http ({}): stopped while records waited for the endpoint", self.options.target()
            ))),
        }
    }

    /// Hands over a part of at most [`SLOT`] records, once there is room.
    async fn send(&mut self, part: Part) -> Result<(), SendError> {
        let most = RECORDS.max(
            self.options
                .batch
                .saturating_mul(2 * self.options.concurrency),
        );
        loop {
            let load = self.tracker.load();
            if load.records == 0 || (load.bytes < ROOM && load.records < most) {
                break;
            }
            self.wait().await?;
        }
        let Some((work, _)) = &self.task else {
            return Err(SendError::fatal(
                "http: records came before the sink was prepared",
            ));
        };
        let end = part.sequences().end;
        if let Some(taken) = self.taken.get_mut(part.stream() as usize) {
            *taken = end;
        }
        let slot = self.tracker.begin(part.clone());
        work.send(Work::Part(slot, part)).map_err(|_| {
            self.failure()
                .err()
                .unwrap_or_else(|| SendError::fatal("http: stopped"))
        })
    }
}

/// A thread of its own for the requests and their connections: handed from one thread to another at
/// each step, a request would cost twice as much.
fn thread(
    driver: Driver,
    work: mpsc::UnboundedReceiver<Work>,
    options: &Options,
) -> Result<JoinHandle<()>, SendError> {
    let failed = |error: std::io::Error| {
        SendError::fatal(format!(
            "http ({}) can't be set up: {error}",
            options.target()
        ))
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(failed)?;
    std::thread::Builder::new()
        .name("http-send".to_owned())
        .spawn(move || runtime.block_on(driver.run(work)))
        .map_err(failed)
}

#[async_trait]
impl Sink for HttpSink {
    fn guarantee(&self) -> Guarantee {
        Guarantee::AtLeastOnce
    }

    async fn probe(&mut self) -> Result<(), SendError> {
        client::healthy(&self.client, &self.options, true, &self.context.cancel).await
    }

    async fn prepare(&mut self) -> Result<(), SendError> {
        client::healthy(&self.client, &self.options, false, &self.context.cancel).await?;
        if let Some(requests) = self.requests.take() {
            let client = self.client.clone();
            let driver = Driver::new(
                client,
                requests,
                &self.options,
                &self.context,
                &self.tracker,
            );
            let (sender, receiver) = mpsc::unbounded_channel();
            self.task = Some((sender, thread(driver, receiver, &self.options)?));
        }
        Ok(())
    }

    async fn recover(&mut self, saved: Option<&Receipt>) -> Result<Option<Watermark>, SendError> {
        if let Some(receipt) = saved {
            self.taken.clone_from(&receipt.watermark);
        }
        Ok(saved.map(|receipt| receipt.watermark.clone()))
    }

    async fn write(&mut self, group: &Group) -> Result<(), SendError> {
        self.failure()?;
        for part in &group.parts {
            let done = self.taken.get(part.stream() as usize).copied().unwrap_or(0);
            let skip = done
                .saturating_sub(part.sequences().start)
                .min(part.len() as u64) as usize;
            let mut start = part.range.start + skip;
            while start < part.range.end {
                let end = part.range.end.min(start + SLOT);
                self.send(Part {
                    batch: Arc::clone(&part.batch),
                    range: start..end,
                    pace: part.pace,
                })
                .await?;
                start = end;
            }
        }
        Ok(())
    }

    async fn commit(&mut self) -> Result<Receipt, SendError> {
        self.failure()?;
        Ok(Receipt::at(self.context.receipts.watermark()))
    }

    async fn close(&mut self, _: bool) -> Result<Receipt, SendError> {
        if let Some((work, _)) = &self.task {
            // Where nobody takes it there is a failure to say.
            let _ = work.send(Work::Flush);
        }
        while !self.tracker.idle() {
            self.wait().await?;
        }
        self.failure()?;
        if let Some((work, task)) = self.task.take() {
            drop(work);
            let _ = tokio::task::spawn_blocking(move || task.join()).await;
        }
        Ok(Receipt::at(self.context.receipts.watermark()))
    }
}

impl Drop for HttpSink {
    fn drop(&mut self) {
        if let Some((work, task)) = self.task.take() {
            // The thread ends with what it is given, whatever it waits for.
            drop(work);
            let _ = task.join();
        }
    }
}
