//! The engine as a service for many: emulations that are started, watched, steered and stopped while
//! they run, and taken up again after a restart. It knows nothing of HTTP ([`crate::api`]).
//!
//! ```text
//! spec → confine (what it may reach) → plans → row in the state → launch: prepare, start, supervise → end
//! ```
//!
//! What an emulation is to be (running, paused, stopping) is durable before it is done, so a restart,
//! clean or not, finds what to go on with; where, its run's checkpoints say ([`crate::state`]).

mod confine;
mod create;
mod entry;
mod error;
pub mod events;
pub mod jwt;
mod launch;
mod phase;
mod plugins;
mod preview;
mod signals;
mod starter;
mod status;
mod steer;
pub mod tokens;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::emulation::pool::Pool;
use crate::emulation::{Control, Engine, Environment};
use crate::plugin::{UploadLimits, Uploads};
use crate::settings::StarterSettings;
use crate::state::{RunLock, State, StoredEmulation};
use crate::telemetry::traces::Traces;
use crate::telemetry::{Clock, wall};

pub use create::Created;
pub use error::ServerError;
pub use phase::Phase;
pub use preview::{PreviewRequest, Released};
pub use signals::Signals;
pub use starter::StartRequest;
pub use status::{EmulationStatus, Page, Watching};

use entry::Entry;

/// What a server is made of.
pub struct ServerOptions {
    /// Folder of everything that it keeps: state, generators, files.
    pub data: PathBuf,
    /// Worker threads; the machine's cores when absent.
    pub workers: Option<usize>,
    /// How many emulations may go on at once.
    pub emulations: usize,
    /// Where signals are read.
    pub signals: Option<Signals>,
    /// What a domain means.
    pub starter: StarterSettings,
    /// What makes traces, where somebody takes them.
    pub traces: Option<Traces>,
}

/// See the module.
pub struct Server {
    engine: Arc<Engine>,
    uploads: Uploads,
    state: State,
    files: PathBuf,
    limit: usize,
    signals: Option<Signals>,
    starter: StarterSettings,
    pool: Pool,
    clock: Clock,
    traces: Option<Traces>,
    /// Where emulations run: requests have a runtime of their own, which can't starve them.
    runtime: Handle,
    /// Those that go on, and those that have ended since the server began.
    entries: Mutex<BTreeMap<String, Arc<Entry>>>,
    tasks: Mutex<JoinSet<()>>,
    /// Requests with an idempotency key are taken one by one.
    keyed: tokio::sync::Mutex<()>,
    closing: AtomicBool,
    kill: CancellationToken,
    newest: AtomicU64,
    _lock: RunLock,
}

impl Server {
    /// Opens the data folder, which no other server may have; called on the runtime on which
    /// emulations are to run. Nothing goes on before [`Server::restore`].
    ///
    /// # Errors
    /// Where the folder can't be used, is held by another server, or is a newer version's.
    pub async fn open(
        engine: Arc<Engine>,
        options: ServerOptions,
    ) -> Result<Arc<Server>, ServerError> {
        let state = State::open(&options.data).await?;
        let lock = state.lock("server")?;
        let files = options.data.join("files");
        std::fs::create_dir_all(&files)
            .map_err(|e| ServerError::system("the folder `files` of the data", e))?;
        // What confines paths compares with this.
        let files = files
            .canonicalize()
            .map_err(|e| ServerError::system("the folder `files` of the data", e))?;
        let (store, runtime) = (engine.store.clone(), Arc::clone(&engine.runtime));
        let uploads = Uploads::new(store, runtime, UploadLimits::default())?;
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let pool = Pool::start(options.workers.unwrap_or(cores))
            .map_err(|e| ServerError::system("threads", e))?;
        Ok(Arc::new(Server {
            engine,
            uploads,
            state,
            files,
            limit: options.emulations,
            signals: options.signals,
            starter: options.starter,
            pool,
            clock: Clock::start(),
            traces: options.traces,
            runtime: Handle::current(),
            entries: Mutex::default(),
            tasks: Mutex::default(),
            keyed: tokio::sync::Mutex::default(),
            closing: AtomicBool::new(false),
            kill: CancellationToken::new(),
            newest: AtomicU64::new(0),
            _lock: lock,
        }))
    }

    /// Takes up what was going on when the server ended. Gives how many that are.
    ///
    /// # Errors
    /// Where the state can't be read or written.
    pub async fn restore(self: &Arc<Server>) -> Result<usize, ServerError> {
        let unfinished = self.state.unfinished_emulations().await?;
        let mut scenarios: BTreeMap<String, Vec<StoredEmulation>> = BTreeMap::new();
        for stored in unfinished {
            if stored.state == Phase::Stopping.name() {
                let error =
                    "the server ended while this was being stopped; resuming goes on with it";
                let stopped = Phase::Stopped.name();
                self.state
                    .end_emulation(&stored.id, stopped, Some(error), None, None)
                    .await?;
                continue;
            }
            let together = stored.scenario.clone().unwrap_or(stored.id.clone());
            scenarios.entry(together).or_default().push(stored);
        }
        let count = scenarios.values().map(Vec::len).sum();
        for stored in scenarios.into_values() {
            self.take_up(stored).await;
        }
        Ok(count)
    }

    /// Stops all emulations within the time given, then ends those that hang and says which. They are taken
    /// up again by the next server.
    pub async fn close(&self, grace: Duration) -> Vec<String> {
        self.closing.store(true, Ordering::SeqCst);
        let controls = self.live();
        for (entry, control) in &controls {
            match entry.phase() {
                Phase::Stopping => control.stop(),
                _ => control.suspend(),
            }
        }
        let mut tasks = std::mem::take(&mut *lock(&self.tasks));
        let drained =
            tokio::time::timeout(grace, async { while tasks.join_next().await.is_some() {} });
        let mut hung = Vec::new();
        if drained.await.is_err() {
            hung = self
                .live()
                .into_iter()
                .map(|(entry, _)| entry.id().to_owned())
                .collect();
            self.kill.cancel();
            while tasks.join_next().await.is_some() {}
        }
        self.state.close().await;
        hung
    }

    /// Where emulations may read and write files.
    pub fn files(&self) -> &Path {
        &self.files
    }

    /// Generators and connections.
    pub fn engine(&self) -> &Arc<Engine> {
        &self.engine
    }

    /// What the server keeps.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Those that go on.
    fn going_on_now(&self) -> Vec<Arc<Entry>> {
        let entries = lock(&self.entries);
        let live = entries.values().filter(|entry| entry.phase().is_live());
        live.cloned().collect()
    }

    /// Those of them that have begun, with how to steer them.
    fn live(&self) -> Vec<(Arc<Entry>, Control)> {
        let begun = |entry: Arc<Entry>| {
            let control = entry.control()?;
            Some((entry, control))
        };
        self.going_on_now().into_iter().filter_map(begun).collect()
    }

    fn environment(&self) -> Environment {
        Environment {
            go_on: false,
            clock: self.clock,
            hands: self.pool.hands(),
            state: Some(self.state.clone()),
            cancel: self.kill.child_token(),
            traces: self.traces.clone(),
            now: wall(),
        }
    }

    /// Does something where emulations run, whoever asks.
    async fn on_runtime<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, ServerError>> + Send + 'static,
    ) -> Result<T, ServerError> {
        let done = self.runtime.spawn(work).await;
        done.unwrap_or_else(|e| Err(ServerError::system("the server", e)))
    }

    /// Does what blocks there, where it holds up nobody.
    async fn blocking<T: Send + 'static>(
        self: &Arc<Server>,
        work: impl FnOnce(&Arc<Server>) -> Result<T, ServerError> + Send + 'static,
    ) -> Result<T, ServerError> {
        let server = Arc::clone(self);
        self.on_runtime(async move { tokio::task::block_in_place(|| work(&server)) })
            .await
    }
}

/// A number from the system's entropy.
fn drawn() -> Result<u64, ServerError> {
    getrandom::u64().map_err(|e| ServerError::system("the system gives no random numbers", e))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
