//! The sink: records to the tasks of its clients, and what a commit says of them.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use super::courier::{Around, Courier, State, Work};
use super::link;
use super::messages::{Messages, Rules};
use super::options::{Clients, Options};
use crate::record::{Group, Part};
use crate::sink::shared::SharedPart;
use crate::sink::tracker::{SLOT, Tracker, slots};
use crate::sink::{Context, Guarantee, Receipt, SendError, Sink, Watermark};

/// Bytes of records that may be on their way or wait to be.
const ROOM: u64 = 16 * 1024 * 1024;
/// And records.
const RECORDS: usize = 64 * SLOT;

struct Client {
    work: mpsc::UnboundedSender<Work>,
    state: watch::Receiver<State>,
    task: JoinHandle<()>,
}

/// A sink of one block of a spec.
pub(super) struct MqttSink {
    options: Options,
    rules: Rules,
    context: Context,
    tracker: Arc<Tracker>,
    /// For the keys by which records are shared out.
    messages: Messages,
    id: String,
    clients: Vec<Client>,
    by_key: HashMap<Vec<u8>, usize>,
    key: Vec<u8>,
    /// The next sequence of each stream that isn't handed to a client.
    taken: Watermark,
}

impl MqttSink {
    pub(super) fn new(
        options: Options,
        rules: &Rules,
        context: Context,
    ) -> Result<MqttSink, SendError> {
        let failed = |why: &dyn std::fmt::Display| {
            SendError::fatal(format!("mqtt ({}) can't be set up: {why}", options.host))
        };
        let messages = Messages::new(&options, rules, &context).map_err(|error| failed(&error))?;
        let id = match &options.client_id {
            Some(id) => id.clone(),
            // Two of one run (shards, another sink) would throw each other out. A resume takes over
            // the name that its receipt holds.
            None => {
                let drawn = getrandom::u64().map_err(|error| failed(&error))?;
                format!("wellhead-{drawn:016x}")
            }
        };
        Ok(MqttSink {
            tracker: Arc::new(Tracker::new(Arc::clone(&context.receipts))),
            rules: rules.clone(),
            messages,
            id,
            clients: Vec::new(),
            by_key: HashMap::new(),
            key: Vec::new(),
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

    fn receipt(&self) -> Receipt {
        Receipt {
            watermark: self.context.receipts.watermark(),
            position: self.id.clone().into(),
        }
    }

    /// All clients take their leave, at the same time.
    async fn leave(&mut self) {
        let (given, tasks): (Vec<_>, Vec<_>) = self
            .clients
            .drain(..)
            .map(|client| (client.work, client.task))
            .unzip();
        drop(given);
        for task in tasks {
            let _ = task.await;
        }
    }

    /// Starts a client's task.
    fn start(&self, id: &str, options: &Options) -> Result<Client, SendError> {
        let (sender, link) = link::open(options, id)?;
        let messages = Messages::new(&self.options, &self.rules, &self.context)
            .map_err(|error| SendError::fatal(format!("mqtt ({}): {error}", self.options.host)))?;
        let around = Around {
            host: self.options.host.clone(),
            tracker: Arc::clone(&self.tracker),
            receipts: Arc::clone(&self.context.receipts),
            cancel: self.context.cancel.clone(),
            max_inflight: self.options.window(),
            unacknowledged: self.options.qos == 0,
            timeout: self.options.timeout.0.max(Duration::from_millis(100)),
        };
        let (work, given) = mpsc::unbounded_channel();
        let (tell, state) = watch::channel(State::default());
        let courier = Courier::new(around, sender, messages);
        Ok(Client {
            work,
            state,
            task: tokio::spawn(courier.run(link, given, tell)),
        })
    }

    /// Waits until a client's broker has taken it in, within the time set.
    async fn connected(&self, mut state: watch::Receiver<State>) -> Result<(), SendError> {
        let within = self.options.connect_timeout.0;
        tokio::select! {
            _ = state.wait_for(|state| state.connected) => {}
            () = tokio::time::sleep(within) => {
                let last = self.tracker.trouble().map(|trouble| trouble.reason);
                return Err(SendError::fatal(format!(
                    "mqtt ({}): no broker took us in within {within:?}: {}; see that it runs there and `host` \
                     names it, or raise `connect_timeout`",
                    self.options.host,
                    last.as_deref().unwrap_or("no answer")
                )));
            }
            () = self.context.cancel.cancelled() => {
                return Err(SendError::fatal(format!("mqtt ({}): stopped while connecting", self.options.host)));
            }
        }
        self.failure()
    }

    async fn connect_all(&mut self) -> Result<(), SendError> {
        let ids = match self.options.clients {
            Clients::Number(1) | Clients::PerKey => vec![self.id.clone()],
            Clients::Number(number) => (0..number).map(|n| format!("{}-{n}", self.id)).collect(),
        };
        for id in ids {
            let client = self.start(&id, &self.options)?;
            self.clients.push(client);
        }
        for client in &self.clients {
            self.connected(client.state.clone()).await?;
        }
        Ok(())
    }

    /// The client of a record.
    fn client(&mut self, part: &Part, k: usize) -> Result<usize, SendError> {
        let mut key = std::mem::take(&mut self.key);
        key.clear();
        self.messages.key(&part.batch, k, &mut key);
        let found = match self.options.clients {
            Clients::Number(number) => {
                Ok((twox_hash::XxHash3_64::oneshot(&key) % number as u64) as usize)
            }
            Clients::PerKey => match self.by_key.get(&key) {
                Some(&client) => Ok(client),
                None => self.another(&key),
            },
        };
        self.key = key;
        found
    }

    fn another(&mut self, key: &[u8]) -> Result<usize, SendError> {
        if self.by_key.len() >= self.options.max_targets {
            return Err(SendError::fatal(format!(
                "mqtt ({}): there are more than {} keys, and `clients: per-key` takes a connection for each; use a \
                 key with fewer values, a number of clients, or raise `max_targets`",
                self.options.host, self.options.max_targets
            )));
        }
        // The one that was connected at the start has no key: it showed that we are let in.
        let id = format!("{}-{}", self.id, String::from_utf8_lossy(key));
        let client = self.start(&id, &self.options)?;
        self.clients.push(client);
        self.by_key.insert(key.to_vec(), self.clients.len() - 1);
        Ok(self.clients.len() - 1)
    }

    async fn wait(&self) -> Result<(), SendError> {
        self.failure()?;
        let over = self.clients.iter().any(|client| client.task.is_finished());
        if over && !self.context.cancel.is_cancelled() {
            self.failure()?;
            return Err(SendError::fatal(format!(
                "mqtt ({}): a client has ended while records waited for it",
                self.options.host
            )));
        }
        tokio::select! {
            () = self.tracker.changed() => Ok(()),
            () = self.context.cancel.cancelled() => Err(SendError::fatal(format!(
                "mqtt ({}): stopped while records waited for the broker", self.options.host
            ))),
        }
    }

    /// Hands over a part of at most [`SLOT`] records, once there is room.
    async fn send(&mut self, part: Part) -> Result<(), SendError> {
        loop {
            let load = self.tracker.load();
            if load.records == 0 || (load.bytes < ROOM && load.records < RECORDS) {
                break;
            }
            self.wait().await?;
        }
        let mut picked: Vec<(usize, Option<Vec<u32>>)> = Vec::new();
        if self.options.clients == Clients::Number(1) {
            picked.push((0, None));
        } else {
            let mut places: HashMap<usize, usize> = HashMap::new();
            for k in part.range.clone() {
                let client = self.client(&part, k)?;
                let place = *places.entry(client).or_insert_with(|| {
                    picked.push((client, Some(Vec::new())));
                    picked.len() - 1
                });
                if let Some(records) = &mut picked[place].1 {
                    records.push(k as u32);
                }
            }
        }
        if let Some(taken) = self.taken.get_mut(part.stream() as usize) {
            *taken = part.sequences().end;
        }
        let slot = self.tracker.begin(part.clone());
        let from = Arc::new(SharedPart::new(part));
        for (client, records) in picked {
            let from = Arc::clone(&from);
            let work = Work {
                slot,
                from,
                records,
            };
            let given = self
                .clients
                .get(client)
                .map(|client| client.work.send(work));
            if !matches!(given, Some(Ok(()))) {
                self.failure()?;
                return Err(SendError::fatal(format!(
                    "mqtt ({}): the client is gone, or records came before the sink was prepared",
                    self.options.host
                )));
            }
        }
        Ok(())
    }
}

#[async_trait]
impl Sink for MqttSink {
    fn guarantee(&self) -> Guarantee {
        match self.options.qos {
            0 => Guarantee::Sent,
            _ => Guarantee::AtLeastOnce,
        }
    }

    async fn probe(&mut self) -> Result<(), SendError> {
        // One who only looks leaves no will.
        let mut quiet = self.options.clone();
        quiet.will = None;
        let Client { work, state, task } = self.start(&self.id, &quiet)?;
        let looked = self.connected(state).await;
        drop(work);
        match &looked {
            Ok(()) => drop(task.await),
            Err(_) => task.abort(),
        }
        looked
    }

    async fn prepare(&mut self) -> Result<(), SendError> {
        self.connect_all().await
    }

    async fn recover(&mut self, saved: Option<&Receipt>) -> Result<Option<Watermark>, SendError> {
        let Some(receipt) = saved else {
            return Ok(None);
        };
        self.taken.clone_from(&receipt.watermark);
        if let Some(id) = receipt.position.as_str().filter(|id| *id != self.id) {
            // By its name the broker throws out what is left of the earlier execution, whose last
            // messages would else come in among the new ones.
            self.id = id.to_owned();
            self.leave().await;
            self.connect_all().await?;
        }
        Ok(Some(receipt.watermark.clone()))
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
        Ok(self.receipt())
    }

    async fn close(&mut self, _: bool) -> Result<Receipt, SendError> {
        while !self.tracker.idle() {
            self.wait().await?;
        }
        self.failure()?;
        self.leave().await;
        Ok(self.receipt())
    }
}

impl Drop for MqttSink {
    fn drop(&mut self) {
        for client in &self.clients {
            client.task.abort();
        }
    }
}
