//! One instance of a component in a store of its own, each call under its deadline.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};
use wasmtime::component::ResourceAny;
use wasmtime::{Store, StoreContextMut, UpdateDeadline, WasmBacktrace};

use super::bindings::{CallClock, Guest, Log, Plugin, PluginPre, contract, printable};
use super::limits::{Account, Denial};
use super::wasi::{Ground, Wasi};
use super::{Assets, Cause, Limits, PluginError, Runtime, Trap};

/// Frames of a backtrace that are shown.
const FRAMES: usize = 12;

/// An instance. After a call that failed it must not be called again.
pub(super) struct Instance {
    store: Store<Guest>,
    plugin: Plugin,
    runtime: Arc<Runtime>,
}

/// What an instance is made for.
pub(super) struct Purpose {
    /// Of the generator, for messages.
    pub name: Arc<str>,
    /// None while describing and configuring.
    pub stream: Option<u32>,
    /// None while describing.
    pub assets: Option<Arc<Assets>>,
    /// What WASI's clock and randomness are made from.
    pub ground: Ground,
    /// Whether somebody knows that the generator draws randomness where it stands.
    pub told: Arc<AtomicBool>,
}

impl Instance {
    /// Instantiates, which runs start functions.
    pub fn new(
        runtime: &Arc<Runtime>,
        component: &PluginPre<Guest>,
        purpose: Purpose,
    ) -> Result<Instance, PluginError> {
        let limits = runtime.limits();
        let guest = Guest {
            account: Account::new(limits),
            clock: CallClock {
                limit: limits.instantiate,
                wall: limits.instantiate.saturating_mul(limits.wall_factor),
                since: None,
            },
            log: Log::new(purpose.name, purpose.stream, limits),
            assets: purpose.assets,
            wasi: Wasi::new(purpose.ground, purpose.told),
        };
        let mut store = Store::new(runtime.engine(), guest);
        store.limiter(|guest| &mut guest.account);
        store.set_hostcall_fuel(limits.copied_bytes());
        store.epoch_deadline_callback(at_epoch);
        store.set_epoch_deadline(1);
        let plugin = match component.instantiate(&mut store) {
            Ok(plugin) => plugin,
            Err(error) => return Err(trap(&mut store, limits, "instantiate", &error)),
        };
        let clock = &mut store.data_mut().clock;
        clock.limit = limits.call;
        clock.wall = limits.call.saturating_mul(limits.wall_factor);
        Ok(Instance {
            store,
            plugin,
            runtime: runtime.clone(),
        })
    }

    pub fn describe(&mut self) -> Result<contract::Description, PluginError> {
        self.call("describe", |guest, store| guest.call_describe(store))
    }

    pub fn channels(
        &mut self,
        config: &str,
    ) -> Result<Result<Vec<contract::Channel>, contract::Error>, PluginError> {
        self.call("channels", |guest, store| {
            guest.call_channels(store, config)
        })
    }

    pub fn open(
        &mut self,
        settings: &contract::Settings,
        state: Option<&[u8]>,
    ) -> Result<Result<ResourceAny, contract::Error>, PluginError> {
        let opened = self.call("open", |guest, store| {
            guest.stream().call_open(store, settings, state)
        });
        self.store.data_mut().wasi.opened();
        opened
    }

    pub fn generate(
        &mut self,
        stream: ResourceAny,
        first: u64,
        times: &[u64],
    ) -> Result<Result<contract::Batch, contract::Error>, PluginError> {
        self.call("generate", |guest, store| {
            guest.stream().call_generate(store, stream, first, times)
        })
    }

    pub fn save(&mut self, stream: ResourceAny) -> Result<Option<Vec<u8>>, PluginError> {
        self.call("save", |guest, store| {
            guest.stream().call_save(store, stream)
        })
    }

    /// Bytes of linear memory and tables.
    pub fn memory(&self) -> usize {
        self.store.data().account.bytes()
    }

    fn call<R>(
        &mut self,
        name: &'static str,
        call: impl FnOnce(&contract::Guest, &mut Store<Guest>) -> wasmtime::Result<R>,
    ) -> Result<R, PluginError> {
        let guest = self.store.data_mut();
        guest.clock.since = None;
        // A growth that was refused in an earlier call, which got by without, explains nothing.
        guest.account.take_denial();
        self.store.set_epoch_deadline(1);
        let interface = self.plugin.wellhead_generator_generator();
        let called = call(interface, &mut self.store)
            .map_err(|error| trap(&mut self.store, self.runtime.limits(), name, &error));
        self.store.data_mut().flush();
        called
    }
}

/// What ends a call at an epoch.
#[derive(Debug, thiserror::Error)]
#[error("the call took too long")]
enum Overrun {
    Cpu,
    Wall,
}

/// A guest has run for another epoch. Epochs are wall time: the CPU time of this thread decides,
/// so that a guest which the machine didn't let run isn't ended for it.
fn at_epoch(mut context: StoreContextMut<'_, Guest>) -> wasmtime::Result<UpdateDeadline> {
    let clock = &mut context.data_mut().clock;
    let (cpu, now) = (thread_time(), Instant::now());
    let (cpu_start, start) = *clock.since.get_or_insert((cpu, now));
    if cpu.saturating_sub(cpu_start) > clock.limit {
        return Err(Overrun::Cpu.into());
    }
    if now.duration_since(start) > clock.wall {
        return Err(Overrun::Wall.into());
    }
    Ok(UpdateDeadline::Continue(1))
}

fn thread_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    // Neither is ever negative.
    Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec as u32)
}

fn trap(
    store: &mut Store<Guest>,
    limits: &Limits,
    call: &'static str,
    error: &wasmtime::Error,
) -> PluginError {
    let guest = store.data_mut();
    guest.flush();
    let denied = guest.account.take_denial();
    let cause = cause(&guest.clock, denied, limits, error);
    PluginError::Trap(Box::new(Trap {
        generator: guest.log.name.to_string(),
        stream: guest.log.stream,
        call,
        cause,
        log: guest.log.last(),
        frames: frames(error),
    }))
}

fn cause(
    clock: &CallClock,
    denied: Option<Denial>,
    limits: &Limits,
    error: &wasmtime::Error,
) -> Cause {
    match error.downcast_ref() {
        Some(Overrun::Cpu) => return Cause::Cpu(clock.limit),
        Some(Overrun::Wall) => return Cause::Wall(clock.wall),
        None => {}
    }
    let kind = error.downcast_ref::<wasmtime::Trap>().copied();
    if kind == Some(wasmtime::Trap::StackOverflow) {
        return Cause::Stack(limits.stack_bytes);
    }
    match denied {
        Some(Denial::Memory(needed)) => {
            let limit = limits.memory_bytes;
            return Cause::Memory { needed, limit };
        }
        Some(Denial::Tables(needed)) => {
            let limit = limits.table_entries;
            return Cause::Tables { needed, limit };
        }
        None => {}
    }
    match kind {
        Some(wasmtime::Trap::UnreachableCodeReached) => return Cause::Panic,
        Some(wasmtime::Trap::MemoryOutOfBounds) => return Cause::OutOfBounds,
        _ => {}
    }
    let text = match kind {
        Some(kind) => kind.to_string(),
        None => error.root_cause().to_string(),
    };
    // The error's type is private to the engine.
    if text.contains("fuel allocated for hostcalls") {
        return Cause::TooMuch(limits.copied_bytes());
    }
    Cause::Other(printable(&text))
}

/// The innermost frames, by name where the component has names.
fn frames(error: &wasmtime::Error) -> Vec<String> {
    let Some(backtrace) = error.downcast_ref::<WasmBacktrace>() else {
        return Vec::new();
    };
    // Its text has a title, and for each frame `N: 0xADDRESS - NAME`, with lines of its own for
    // places in the source. Names are demangled nowhere else.
    let text = backtrace.to_string();
    let lines = text.lines().skip(1).map(str::trim);
    let mut frames: Vec<_> = lines
        .map(|line| printable(line.split_once(" - ").map_or(line, |(_, name)| name)))
        .filter(|line| !line.is_empty())
        .collect();
    if frames.len() > FRAMES {
        let more = frames.len() - FRAMES;
        frames.truncate(FRAMES);
        frames.push(format!("… and {more} more"));
    }
    frames
}
