//! The engine: its configuration, the thread that ticks its epochs, and loading.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::thread::JoinHandle;
use std::time::Duration;

use wasmtime::component::{Component, HasSelf, Linker};
use wasmtime::{Config, Engine, WasmFeatures};

use super::bindings::{Guest, Plugin};
use super::cache::{self, Cache};
use super::compiler::{Compile, Compiler, Input, Job};
use super::{Generator, Limits, PluginError, assets, compile, wasi};

/// How often a running guest is looked at. Deadlines are late by at most two of these.
const EPOCH: Duration = Duration::from_millis(10);

/// Loads generators and keeps their deadlines. Dropping it joins its thread.
pub struct Runtime {
    engine: Engine,
    linker: Linker<Guest>,
    limits: Limits,
    cache: Option<Cache>,
    compiler: Compiler,
    /// What is loaded by digest, so that emulations of one generator share its code.
    loaded: Mutex<HashMap<String, Weak<Generator>>>,
    _epochs: Epochs,
}

impl Runtime {
    /// Starts an engine that compiles in this process. `cache` is a folder that only this user may
    /// write, since what is read from it is run: where it isn't, components are compiled each time,
    /// and a warning says so.
    ///
    /// # Errors
    /// Where WebAssembly can't be had on this machine.
    pub fn new(limits: Limits, cache: Option<PathBuf>) -> Result<Arc<Runtime>, PluginError> {
        Runtime::compiling(limits, cache, Compile::InProcess)
    }

    /// The same, with a choice of where components are compiled.
    ///
    /// # Errors
    /// As [`Runtime::new`].
    pub fn compiling(
        limits: Limits,
        cache: Option<PathBuf>,
        compile: Compile,
    ) -> Result<Arc<Runtime>, PluginError> {
        let failed = |error: wasmtime::Error| PluginError::Engine(format!("{error:#}"));
        let engine = Engine::new(&config(&limits)).map_err(failed)?;
        let mut linker = Linker::new(&engine);
        Plugin::add_to_linker::<_, HasSelf<Guest>>(&mut linker, |guest| guest).map_err(failed)?;
        wasi::add_to_linker(&mut linker).map_err(failed)?;
        let cache = cache.and_then(|folder| Cache::open(folder, &engine));
        let epochs = Epochs::start(engine.clone())?;
        Ok(Arc::new(Runtime {
            engine,
            linker,
            limits,
            cache,
            compiler: Compiler::new(compile),
            loaded: Mutex::default(),
            _epochs: epochs,
        }))
    }

    /// Loads a component: checks what it is, compiles it (or takes what was compiled before), and
    /// asks it to describe itself. `origin` says in messages where the bytes come from.
    ///
    /// # Errors
    /// Where it is no generator that this host can run, or doesn't keep its limits or the contract.
    pub fn load(
        self: &Arc<Self>,
        bytes: &[u8],
        origin: &str,
    ) -> Result<Arc<Generator>, PluginError> {
        compile::check_component(bytes, self.limits.component_bytes)
            .map_err(|problem| compile::refused(origin, problem))?;
        let source = Source {
            digest: Some(assets::digest(bytes)),
            size: bytes.len(),
            input: Input::Bytes(bytes),
        };
        // Kept to the end, since nobody calls it off.
        let (job, _cancel) = Job::new();
        Ok(self.generator(source, origin, &job)?.0)
    }

    /// Loads what was checked by its beginning. Beside the generator comes the component where a core
    /// module was wrapped.
    pub(super) fn generator(
        self: &Arc<Self>,
        source: Source,
        origin: &str,
        job: &Job,
    ) -> Result<(Arc<Generator>, Option<Vec<u8>>), PluginError> {
        if let Some(digest) = &source.digest {
            if let Some(generator) = self.loaded().get(digest).and_then(Weak::upgrade) {
                return Ok((generator, None));
            }
            let cached = self
                .cache
                .as_ref()
                .and_then(|c| c.load(&self.engine, digest));
            if let Some(component) = cached {
                let generator = self.describe(&component, digest.clone(), source.size, origin)?;
                return Ok((generator, None));
            }
        }
        let built = self
            .compiler
            .build(&self.engine, &self.limits, source.input, job)
            .map_err(|failure| failure.into_error(origin))?;
        let other =
            |reason: &str| PluginError::Compiler(format!("its code is not usable: {reason}"));
        let component =
            cache::code(&self.engine, &built.code).map_err(|error| other(&format!("{error:#}")))?;
        let (digest, size) = match (&built.wrapped, source.digest) {
            (Some(wrapped), _) => (assets::digest(wrapped), wrapped.len()),
            (None, Some(digest)) => (digest, source.size),
            (None, None) => return Err(other("it came without its component")),
        };
        let generator = self.describe(&component, digest.clone(), size, origin)?;
        if let Some(cache) = &self.cache {
            cache.store(&built.code, &digest);
        }
        Ok((generator, built.wrapped))
    }

    /// Links a component and asks it to describe itself.
    fn describe(
        self: &Arc<Self>,
        component: &Component,
        digest: String,
        size: usize,
        origin: &str,
    ) -> Result<Arc<Generator>, PluginError> {
        let linked = compile::link(&self.engine, &self.linker, component)
            .map_err(|problem| compile::refused(origin, problem))?;
        let generator = Generator::describe(self.clone(), linked, digest.clone(), size, origin)?;
        let mut loaded = self.loaded();
        loaded.retain(|_, generator| generator.strong_count() > 0);
        loaded.insert(digest, Arc::downgrade(&generator));
        Ok(generator)
    }

    fn loaded(&self) -> MutexGuard<'_, HashMap<String, Weak<Generator>>> {
        self.loaded.lock().unwrap_or_else(PoisonError::into_inner)
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

/// What a generator is loaded from.
pub(super) struct Source<'a> {
    /// SHA-256 in hexadecimal; none of a core module, whose component is yet to be made.
    pub digest: Option<String>,
    /// Bytes.
    pub size: usize,
    /// The bytes.
    pub input: Input<'a>,
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

/// The same in each process that compiles for this host.
pub(super) fn config(limits: &Limits) -> Config {
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
