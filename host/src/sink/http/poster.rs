//! The sink: parts to the tasks that send, and what a commit says of them.

use std::sync::Arc;
use std::thread::JoinHandle;

use async_trait::async_trait;
use reqwest::Client;
use tokio::sync::mpsc;

use super::attempts::Shared;
use super::client;
use super::driver::{Driver, Turn, Work};
use super::options::{Options, Ordered};
use super::requests::{Requests, Rules};
use super::route::Route;
use crate::record::{Group, Part};
use crate::sink::tracker::{SLOT, Tracker, slots};
use crate::sink::{self, Context, Guarantee, Receipt, SendError, Sink, Watermark};

/// Bytes of records that may be on their way or wait to be.
const ROOM: u64 = 16 * 1024 * 1024;
/// And records, where requests take fewer.
const RECORDS: usize = 16 * SLOT;
/// Requests at a time for which another thread is worth its while, and threads at most.
const THREAD: usize = 8;
const THREADS: usize = 4;

type Task = (mpsc::UnboundedSender<Work>, JoinHandle<()>);

/// A sink of one block of a spec.
pub(super) struct HttpSink {
    options: Options,
    context: Context,
    tracker: Arc<Tracker>,
    /// Asks for health.
    client: Client,
    route: Arc<Route>,
    rules: Rules,
    tasks: Vec<Task>,
    /// Which task the next part is for, where it isn't for all of them.
    turn: usize,
    /// The next sequence of each stream that isn't handed to a task.
    taken: Watermark,
}

impl HttpSink {
    pub(super) fn new(
        options: Options,
        rules: &Rules,
        context: Context,
    ) -> Result<HttpSink, SendError> {
        let failed = |why: String| {
            SendError::fatal(format!(
                "http ({}) can't be set up: {why}",
                options.target()
            ))
        };
        let tls = sink::tls::http(options.tls_ca.as_deref(), options.tls_verify).map_err(failed)?;
        let sink = HttpSink {
            tracker: Arc::new(Tracker::new(Arc::clone(&context.receipts))),
            client: client::build(&options, &tls)?,
            route: Arc::new(Route::new(&options, &tls).map_err(failed)?),
            rules: rules.clone(),
            tasks: Vec::new(),
            turn: 0,
            taken: context.receipts.watermark(),
            options,
            context,
        };
        // What is wrong with templates and logins is said before anything is asked for.
        sink.requests()?;
        Ok(sink)
    }

    fn requests(&self) -> Result<Requests, SendError> {
        let headers = client::all_headers(&self.client, &self.options)?;
        Requests::new(
            &self.options,
            &self.rules,
            &self.context,
            &self.route,
            headers,
        )
        .map_err(|error| SendError::fatal(format!("http ({}): {error}", self.options.target())))
    }

    /// How many threads send: several share out the requests, where that leaves their order alone and
    /// there are as many as make it worth while.
    fn threads(&self) -> usize {
        if self.options.batch > 1 || self.options.ordered == Ordered::All {
            return 1;
        }
        // Half of the machine is for what makes the records, and for an endpoint on the same one.
        let cores = std::thread::available_parallelism().map_or(1, usize::from) / 2;
        (self.options.concurrency / THREAD).clamp(1, cores.clamp(1, THREADS))
    }

    /// Each thread has connections of its own.
    fn start(&mut self) -> Result<(), SendError> {
        let shared = Arc::new(Shared::new(&self.options, &self.context));
        let of = self.threads();
        for index in 0..of {
            let driver = Driver::new(
                &self.route,
                Turn { index, of },
                self.requests()?,
                &shared,
                &self.tracker,
            );
            let (sender, receiver) = mpsc::unbounded_channel();
            self.tasks
                .push((sender, thread(driver, receiver, &self.options)?));
        }
        Ok(())
    }

    fn tell(&mut self, slot: usize, part: Part) -> Result<(), SendError> {
        if self.tasks.is_empty() {
            return Err(SendError::fatal(
                "http: records came before the sink was prepared",
            ));
        }
        if self.options.ordered == Ordered::None {
            self.turn = (self.turn + 1) % self.tasks.len();
            let (work, _) = &self.tasks[self.turn];
            return work
                .send(Work::Part(slot, part))
                .map_err(|_| self.stopped());
        }
        // Each takes the keys that are its own.
        for (work, _) in &self.tasks {
            work.send(Work::Part(slot, part.clone()))
                .map_err(|_| self.stopped())?;
        }
        Ok(())
    }

    fn stopped(&self) -> SendError {
        self.failure()
            .err()
            .unwrap_or_else(|| SendError::fatal("http: stopped"))
    }

    fn join(&mut self) -> Vec<JoinHandle<()>> {
        // A thread ends with what it is given, whatever it waits for.
        self.tasks.drain(..).map(|(_, task)| task).collect()
    }

    fn failure(&self) -> Result<(), SendError> {
        match self.tracker.failure() {
            Some(reason) => Err(SendError::fatal(reason)),
            None => Ok(()),
        }
    }

    async fn wait(&self) -> Result<(), SendError> {
        self.failure()?;
        let over = self.tasks.iter().any(|(_, task)| task.is_finished());
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
        let end = part.sequences().end;
        if let Some(taken) = self.taken.get_mut(part.stream() as usize) {
            *taken = end;
        }
        let slot = self.tracker.begin(part.clone());
        self.tell(slot, part)
    }
}

/// A thread of its own for requests and their connections, so that no request is handed from one
/// thread to another.
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
        match self.tasks.is_empty() {
            true => self.start(),
            false => Ok(()),
        }
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
            for part in slots(part, done) {
                self.send(part).await?;
            }
        }
        Ok(())
    }

    async fn commit(&mut self) -> Result<Receipt, SendError> {
        self.failure()?;
        Ok(Receipt::at(self.context.receipts.watermark()))
    }

    async fn close(&mut self, _: bool) -> Result<Receipt, SendError> {
        for (work, _) in &self.tasks {
            // Where nobody takes it there is a failure to say.
            let _ = work.send(Work::Flush);
        }
        while !self.tracker.idle() {
            self.wait().await?;
        }
        self.failure()?;
        for task in self.join() {
            let _ = tokio::task::spawn_blocking(move || task.join()).await;
        }
        Ok(Receipt::at(self.context.receipts.watermark()))
    }
}

impl Drop for HttpSink {
    fn drop(&mut self) {
        for task in self.join() {
            let _ = task.join();
        }
    }
}
