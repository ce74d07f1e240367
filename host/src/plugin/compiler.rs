//! From bytes to native code: in this process, or in a child process of its own.
//!
//! A small file can take gigabytes and minutes to compile, and compiling isn't in wasmtime's
//! security promise. So a stranger's component is compiled by the program itself, started again
//! ([`child`]), which sets its limits before it reads a byte ([`inside`]) and runs the very function
//! that compiles in this process ([`build`]).

mod build;
mod child;
mod gate;
pub(super) mod inside;

use std::fs::File;
use std::io::{self, Read as _};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use wasmtime::Engine;

use super::{Limits, PluginError, Problem, compile};
use gate::{Gate, Pass};

pub(super) use gate::Job;

/// Where a [`super::Runtime`] compiles what is not in its cache.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Compile {
    /// In this process, without limits: for components that are trusted as far as the program is.
    InProcess,
    /// In a child process for each component, under limits.
    Child {
        /// What is started: a `wellhead` of the same version as this library.
        program: PathBuf,
        /// What one of them may use.
        limits: CompileLimits,
    },
}

impl Compile {
    /// In a child process that is this program again, so that only `wellhead` itself may ask for it.
    ///
    /// # Errors
    /// Where the system doesn't say which program this is.
    pub fn child(limits: CompileLimits) -> io::Result<Compile> {
        // The file that runs, also after an upgrade has put another one in its place: another
        // version's code would not load.
        let own = PathBuf::from("/proc/self/exe");
        let program = match own.exists() {
            true => own,
            false => std::env::current_exe()?,
        };
        Ok(Compile::Child { program, limits })
    }
}

/// What one child process that compiles may use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompileLimits {
    /// Bytes of data: heap and stacks.
    pub memory_bytes: u64,
    /// CPU time, in whole seconds, of all its threads together.
    pub cpu: Duration,
    /// Wall time, not counting the wait for a place.
    pub wall: Duration,
    /// Bytes of native code that it may give back.
    pub code_bytes: usize,
    /// Threads that it compiles with.
    pub threads: usize,
    /// How many of them there may be at a time; others wait in line.
    pub at_once: usize,
}

impl Default for CompileLimits {
    fn default() -> CompileLimits {
        CompileLimits {
            memory_bytes: 1 << 30,
            cpu: Duration::from_secs(60),
            wall: Duration::from_secs(120),
            code_bytes: 256 << 20,
            threads: 2,
            at_once: 2,
        }
    }
}

/// What is compiled: checked by its beginning, and no longer than a component may be.
pub(super) enum Input<'a> {
    Bytes(&'a [u8]),
    /// From its beginning to its end.
    File(File),
}

/// What came out.
pub(super) struct Built {
    /// The component, where a core module was given.
    pub wrapped: Option<Vec<u8>>,
    /// For `Component::deserialize`.
    pub code: Vec<u8>,
    /// Who waits in line goes on when this is dropped.
    _pass: Option<Pass>,
}

/// Why nothing came out.
#[derive(Debug)]
pub(super) enum Failure {
    /// It is the component's fault.
    Component(Problem),
    /// It is this machine's, or ours.
    System(String),
    /// Nobody waits for it any more.
    Cancelled,
}

impl Failure {
    /// As the plugin module says it; `origin` is where the component comes from.
    pub fn into_error(self, origin: &str) -> PluginError {
        match self {
            Failure::Component(problem) => compile::refused(origin, problem),
            Failure::System(reason) => PluginError::Compiler(reason),
            Failure::Cancelled => PluginError::Cancelled,
        }
    }
}

/// Compiles for one runtime.
pub(super) struct Compiler {
    compile: Compile,
    gate: Arc<Gate>,
}

impl Compiler {
    pub fn new(compile: Compile) -> Compiler {
        let at_once = match &compile {
            Compile::InProcess => usize::MAX,
            Compile::Child { limits, .. } => limits.at_once.max(1),
        };
        let gate = Gate::new(at_once);
        Compiler { compile, gate }
    }

    /// Waits for a place, and compiles; a core module is wrapped first. Blocks.
    pub fn build(
        &self,
        engine: &Engine,
        limits: &Limits,
        input: Input,
        job: &Job,
    ) -> Result<Built, Failure> {
        let (made, pass) = match &self.compile {
            Compile::InProcess => (in_process(engine, limits, input)?, None),
            Compile::Child {
                program,
                limits: rations,
            } => {
                let pass = self.gate.enter(job)?;
                let ration = inside::Ration::new(limits, rations);
                let made = child::run(program, rations, &ration, input, job)?;
                (made, Some(pass))
            }
        };
        let (wrapped, code) = made;
        let (bytes, limit) = (wrapped.as_ref().map_or(0, Vec::len), limits.component_bytes);
        if bytes > limit {
            return Err(Failure::Component(Problem::TooLarge { bytes, limit }));
        }
        Ok(Built {
            wrapped,
            code,
            _pass: pass,
        })
    }
}

fn in_process(
    engine: &Engine,
    limits: &Limits,
    input: Input,
) -> Result<(Option<Vec<u8>>, Vec<u8>), Failure> {
    let read;
    let bytes = match input {
        Input::Bytes(bytes) => bytes,
        Input::File(file) => {
            read = read_all(file, limits.component_bytes)
                .map_err(|error| Failure::System(format!("its file can't be read: {error}")))?;
            &read
        }
    };
    build::build(engine, bytes).map_err(Failure::Component)
}

/// All of it, but at most a byte more than the limit.
fn read_all(from: impl io::Read, limit: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take((limit as u64).saturating_add(1))
        .read_to_end(&mut bytes)?;
    Ok(bytes)
}
