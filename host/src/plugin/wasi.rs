//! WASI 0.2 for guests whose language's runtime needs it: nothing comes in through it from outside, and no byte
//! of a record can depend on how records are asked for.
//!
//! The wall clock stands at the event time at which the run begins. The monotonic clock moves when it is
//! waited for, and waiting returns at once. Randomness comes from (seed, stream) until the stream is open; what
//! is drawn after that is the same at every draw. Output goes to the log. Files and sockets can't be reached.

mod clock;
mod closed;
mod names;
mod output;
mod random;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use wasmtime::component::{HasSelf, Linker, Resource, ResourceTable};

use super::bindings::{Guest, Log, log::Level};
use clock::Clock;
use output::Lines;
use random::Random;

pub(super) use closed::close;
pub(super) use names::{check, gets};

mod bindings {
    wasmtime::component::bindgen!({
        path: "src/plugin/wasi/wasi.wit",
        world: "runtime",
        imports: { default: trappable },
        with: {
            "wasi:io/poll.pollable": super::clock::Pollable,
            "wasi:io/streams.input-stream": super::output::Input,
            "wasi:io/streams.output-stream": super::output::Output,
        },
    });
}

/// Handles (streams, timers) that one instance may hold at a time: runtimes hold a few.
const HANDLES: usize = 4096;

/// Denied calls of an instance that its log is told of.
const DENIALS: u32 = 4;

/// What clock and randomness of an instance are made from.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Ground {
    /// The emulation's seed; 0 while describing and configuring.
    pub seed: u64,
    /// Which stream; 0 while describing and configuring.
    pub stream: u32,
    /// Where the wall clock stands, in nanoseconds since the Unix epoch.
    pub clock: u64,
}

/// What one instance has of WASI.
pub(super) struct Wasi {
    table: ResourceTable,
    clock: Clock,
    random: Random,
    output: Lines,
    errors: Lines,
    /// Networks that it holds, with which nothing can be done.
    closed: usize,
    /// Calls that were denied.
    denied: u32,
}

impl Wasi {
    /// `told` is shared by all instances of a generator: whether its user knows that it draws after `open`.
    pub fn new(ground: Ground, told: Arc<AtomicBool>) -> Wasi {
        let mut table = ResourceTable::new();
        table.set_max_capacity(HANDLES);
        Wasi {
            table,
            clock: Clock::new(ground.clock),
            random: Random::new(ground, told),
            output: Lines::new(Level::Info),
            errors: Lines::new(Level::Warn),
            closed: 0,
            denied: 0,
        }
    }

    /// The stream is open: from now on calls come as load and rate have them, and none may show.
    pub fn opened(&mut self) {
        self.random.stand();
    }

    /// Logs the lines that have begun and not ended.
    pub fn flush(&mut self, log: &mut Log) {
        self.output.flush(log);
        self.errors.flush(log);
    }

    fn push<T: Send + 'static>(&mut self, entry: T) -> wasmtime::Result<Resource<T>> {
        self.table.push(entry).map_err(|_| too_many())
    }
}

fn too_many() -> wasmtime::Error {
    wasmtime::format_err!(
        "it holds more than {HANDLES} handles of WASI (streams, timers), which is the limit; it may forget to drop them"
    )
}

/// Links everything but what [`close`] links for each component.
pub(super) fn add_to_linker(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    bindings::Runtime::add_to_linker::<_, HasSelf<Guest>>(linker, |guest| guest)
}

mod cli {
    use super::bindings::wasi::cli::{environment, exit};
    use super::{Guest, exited};

    impl environment::Host for Guest {
        fn get_environment(&mut self) -> wasmtime::Result<Vec<(String, String)>> {
            Ok(Vec::new())
        }

        fn get_arguments(&mut self) -> wasmtime::Result<Vec<String>> {
            Ok(Vec::new())
        }

        fn initial_cwd(&mut self) -> wasmtime::Result<Option<String>> {
            Ok(None)
        }
    }

    impl exit::Host for Guest {
        fn exit(&mut self, status: Result<(), ()>) -> wasmtime::Result<()> {
            Err(exited(u8::from(status.is_err())))
        }

        fn exit_with_code(&mut self, code: u8) -> wasmtime::Result<()> {
            Err(exited(code))
        }
    }
}

fn exited(status: u8) -> wasmtime::Error {
    wasmtime::format_err!(
        "it called `exit` with status {status}; a generator returns an error where it can't go on"
    )
}
