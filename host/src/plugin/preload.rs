//! A module's memory after it has loaded something, as a module: JavaScript's engine evaluates a bundle here, once, and
//! what its memory holds then is the generator.

use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use futures::FutureExt as _;
use wasmtime::{
    Config, Engine, Instance, Linker, Module, Store, StoreLimits, StoreLimitsBuilder, Trap, Val,
};
use wasmtime_wizer::{InstanceState, SnapshotVal, ValType, Wizer};

use super::Limits;

/// What the engine exports: see `plugins/javascript/src/bundle.rs`.
const ROOM: &str = "wellhead_room";
const LOAD: &str = "wellhead_load";
const REASON: &str = "wellhead_reason";
/// How long loading may take.
const LOADING: Duration = Duration::from_secs(60);
/// Room for the engine's own frames, which recurse as deep as the author's code.
const STACK: usize = 1 << 20;

/// Why nothing was loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// What was to be loaded is wrong: the engine's words, with places in the bundle.
    #[error("{0}")]
    Refused(String),
    /// The engine itself had to stop.
    #[error("{0}")]
    Stopped(String),
    /// Nothing can be loaded by this module.
    #[error("{0}")]
    Broken(String),
}

/// What can't be, unless this program is broken.
fn broken(error: &dyn std::fmt::Display) -> LoadError {
    LoadError::Broken(error.to_string())
}

/// `module` with `bundle` loaded into it.
///
/// # Errors
/// Where the bundle throws, or takes too much of anything.
pub fn preload(module: &[u8], bundle: &[u8]) -> Result<Vec<u8>, LoadError> {
    let mut wizer = Wizer::new();
    wizer.init_func(LOAD);
    let (context, module) = wizer.instrument(module).map_err(|error| broken(&error))?;
    let mut engine = Loading::new(&module).map_err(|error| broken(&error))?;
    engine.load(bundle)?;
    // It waits for nothing: all that it asks for is in memory.
    let module = wizer.snapshot(&context, &mut engine).now_or_never();
    let module = module.ok_or_else(|| broken(&"its memory isn't there"))?;
    match engine.lost {
        true => Err(broken(&"its state can't be read")),
        false => module.map_err(|error| broken(&error)),
    }
}

/// The engine, while it loads a bundle.
struct Loading {
    store: Store<StoreLimits>,
    instance: Instance,
    /// Whether something was asked for that isn't there.
    lost: bool,
}

impl Loading {
    fn new(module: &[u8]) -> wasmtime::Result<Loading> {
        let mut config = Config::new();
        config.epoch_interruption(true).max_wasm_stack(STACK);
        let engine = Engine::new(&config)?;
        let module = Module::new(&engine, module)?;
        // As much as an instance has.
        let memory = Limits::default().memory_bytes;
        let limits = StoreLimitsBuilder::new().memory_size(memory).build();
        let mut store = Store::new(&engine, limits);
        store.limiter(|limits| limits);
        store.set_epoch_deadline(1);
        let mut linker = Linker::new(&engine);
        // A generator that is being built has no host: no log, no assets.
        linker.define_unknown_imports_as_traps(&module)?;
        let instance = linker.instantiate(&mut store, &module)?;
        Ok(Loading {
            store,
            instance,
            lost: false,
        })
    }

    fn load(&mut self, bundle: &[u8]) -> Result<(), LoadError> {
        let (done, waiting) = mpsc::channel::<()>();
        let engine = self.store.engine().clone();
        let watch = std::thread::spawn(move || {
            if waiting.recv_timeout(LOADING) == Err(RecvTimeoutError::Timeout) {
                engine.increment_epoch();
            }
        });
        let refused = self.evaluated(bundle);
        drop(done);
        let _ = watch.join();
        match refused {
            Ok(None) => Ok(()),
            Ok(Some(reason)) => Err(LoadError::Refused(reason)),
            Err(error) => Err(LoadError::Stopped(trapped(&error))),
        }
    }

    /// Evaluates the bundle, and gives the reason why that can't be.
    fn evaluated(&mut self, bundle: &[u8]) -> wasmtime::Result<Option<String>> {
        let Loading {
            store, instance, ..
        } = self;
        let length = u32::try_from(bundle.len())?;
        let room = instance.get_typed_func::<u32, u32>(&mut *store, ROOM)?;
        let room = room.call(&mut *store, length)?;
        let memory = instance.get_memory(&mut *store, "memory");
        let memory = memory.ok_or_else(|| wasmtime::Error::msg("it has no memory"))?;
        memory.write(&mut *store, room as usize, bundle)?;
        let load = instance.get_typed_func::<(u32, u32), u32>(&mut *store, LOAD)?;
        let at = load.call(&mut *store, (room, length))? as usize;
        if at == 0 {
            return Ok(None);
        }
        let reason = instance.get_typed_func::<(), u32>(&mut *store, REASON)?;
        let bytes = reason.call(&mut *store, ())? as usize;
        let text = memory.data(&*store).get(at..at.saturating_add(bytes));
        Ok(Some(
            String::from_utf8_lossy(text.unwrap_or_default()).into_owned(),
        ))
    }
}

/// Why the engine itself had to stop.
fn trapped(error: &wasmtime::Error) -> String {
    match error.downcast_ref::<Trap>() {
        Some(Trap::Interrupt) => format!(
            "it took longer than {} s: do in `open` what takes long, for each stream",
            LOADING.as_secs()
        ),
        Some(Trap::StackOverflow) => "it recurses too deep".to_owned(),
        _ => format!(
            "the engine stopped ({error:#}). While a module is loaded, there are neither assets nor a log: use them \
             in `open` or `record`"
        ),
    }
}

impl InstanceState for Loading {
    async fn global_get(&mut self, name: &str, _: ValType) -> SnapshotVal {
        let global = self.instance.get_global(&mut self.store, name);
        match global.map(|global| global.get(&mut self.store)) {
            Some(Val::I32(value)) => SnapshotVal::I32(value),
            Some(Val::I64(value)) => SnapshotVal::I64(value),
            Some(Val::F32(value)) => SnapshotVal::F32(value),
            Some(Val::F64(value)) => SnapshotVal::F64(value),
            _ => {
                self.lost = true;
                SnapshotVal::I32(0)
            }
        }
    }

    async fn memory_contents(&mut self, name: &str, contents: impl FnOnce(&[u8]) + Send) {
        match self.instance.get_memory(&mut self.store, name) {
            Some(memory) => contents(memory.data(&self.store)),
            None => self.lost = true,
        }
    }
}
