//! The engine: its configuration, the thread that ticks its epochs, and loading.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, PoisonError, Weak};
use std::thread::JoinHandle;
use std::time::Duration;

use wasmtime::component::{HasSelf, Linker};
use wasmtime::{Config, Engine, WasmFeatures};

use super::bindings::{Guest, Plugin};
use super::cache::Cache;
use super::{Generator, Limits, PluginError, assets, compile};

/// How often a running guest is looked at. Deadlines are late by at most two of these.
const EPOCH: Duration = Duration::from_millis(10);

/// Loads generators and keeps their deadlines. Dropping it joins its thread.
pub struct Runtime {
    engine: Engine,
    linker: Linker<Guest>,
    limits: Limits,
    cache: Option<Cache>,
    /// What is loaded by digest, so that emulations of one generator share its code.
    loaded: Mutex<HashMap<String, Weak<Generator>>>,
    _epochs: Epochs,
}

impl Runtime {
    /// Starts an engine. `cache` is a folder that only this user may write, since what is read
    /// from it is run: where it isn't, components are compiled each time, and a warning says so.
    pub fn new(limits: Limits, cache: Option<PathBuf>) -> Result<Arc<Runtime>, PluginError> {
        let failed = |error: wasmtime::Error| PluginError::Engine(format!("{error:#}"));
        let engine = Engine::new(&config(&limits)).map_err(failed)?;
        let mut linker = Linker::new(&engine);
        Plugin::add_to_linker::<_, HasSelf<Guest>>(&mut linker, |guest| guest).map_err(failed)?;
        let cache = cache.and_then(|folder| Cache::open(folder, &engine));
        let epochs = Epochs::start(engine.clone())?;
        Ok(Arc::new(Runtime {
            engine,
            linker,
            limits,
            cache,
            loaded: Mutex::default(),
            _epochs: epochs,
        }))
    }

    /// Loads a component: checks what it is, compiles it (or takes what was compiled before), and
    /// asks it to describe itself. `origin` says in messages where the bytes come from.
    pub fn load(
        self: &Arc<Self>,
        bytes: &[u8],
        origin: &str,
    ) -> Result<Arc<Generator>, PluginError> {
        compile::check_kind(bytes, self.limits.component_bytes)
            .map_err(|problem| compile::refused(origin, problem))?;
        let digest = assets::digest(bytes);
        let lock = || self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(generator) = lock().get(&digest).and_then(Weak::upgrade) {
            return Ok(generator);
        }
        let component = compile::component(&self.engine, self.cache.as_ref(), bytes, &digest)
            .and_then(|component| compile::link(&self.engine, &self.linker, &component))
            .map_err(|problem| compile::refused(origin, problem))?;
        let generator =
            Generator::describe(self.clone(), component, digest.clone(), bytes.len(), origin)?;
        let mut loaded = lock();
        loaded.retain(|_, generator| generator.strong_count() > 0);
        loaded.insert(digest, Arc::downgrade(&generator));
        Ok(generator)
    }

    /// The limits that hold for every instance.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    pub(super) fn engine(&self) -> &Engine {
        &self.engine
    }
}

impl std::fmt::Debug for Runtime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Runtime")
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

/// Generators need none of these, and each is a way to differ between machines or more to attack.
const UNUSED: [WasmFeatures; 9] = [
    WasmFeatures::THREADS,
    WasmFeatures::SHARED_EVERYTHING_THREADS,
    WasmFeatures::MEMORY64,
    WasmFeatures::GC,
    WasmFeatures::FUNCTION_REFERENCES,
    WasmFeatures::EXCEPTIONS,
    WasmFeatures::RELAXED_SIMD,
    WasmFeatures::STACK_SWITCHING,
    WasmFeatures::CUSTOM_PAGE_SIZES,
];

fn config(limits: &Limits) -> Config {
    let mut config = Config::new();
    for feature in UNUSED {
        config.wasm_features(feature, false);
    }
    config
        .concurrency_support(false)
        .epoch_interruption(true)
        .cranelift_nan_canonicalization(true)
        .max_wasm_stack(limits.stack_bytes);
    config
}

/// The thread that moves the epoch on.
struct Epochs {
    stop: Arc<(Mutex<bool>, Condvar)>,
    thread: Option<JoinHandle<()>>,
}

impl Epochs {
    fn start(engine: Engine) -> Result<Epochs, PluginError> {
        let stop = Arc::new((Mutex::new(false), Condvar::new()));
        let seen = stop.clone();
        let tick = move || {
            let (stopped, signal) = &*seen;
            let mut guard = stopped.lock().unwrap_or_else(PoisonError::into_inner);
            while !*guard {
                let waited = signal.wait_timeout(guard, EPOCH);
                guard = waited.unwrap_or_else(PoisonError::into_inner).0;
                engine.increment_epoch();
            }
        };
        let thread = std::thread::Builder::new()
            .name("epochs".into())
            .spawn(tick)
            .map_err(|error| PluginError::Engine(error.to_string()))?;
        Ok(Epochs {
            stop,
            thread: Some(thread),
        })
    }
}

impl Drop for Epochs {
    fn drop(&mut self) {
        let (stopped, signal) = &*self.stop;
        *stopped.lock().unwrap_or_else(PoisonError::into_inner) = true;
        signal.notify_all();
        if let Some(thread) = self.thread.take() {
            // It holds nothing that could be broken by a panic of its own.
            let _ = thread.join();
        }
    }
}
