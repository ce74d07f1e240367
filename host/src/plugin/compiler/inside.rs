//! The child process that compiles: limits first, then the bytes from standard input; the result
//! goes to standard output, a problem to standard error as a line of JSON.

use std::io::{self, Write as _};
use std::panic::{self, AssertUnwindSafe};

use rustix::process::{Resource, Rlimit, setrlimit};
use wasmtime::Engine;

use super::{CompileLimits, build, read_all};
use crate::plugin::{Limits, Problem, engine};

/// Files that it may have open: the three that it is given, and a few that the system's libraries
/// look at.
const FILES: u64 = 16;

/// What a child process is told: as JSON, its only argument.
#[derive(Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) struct Ration {
    memory_bytes: u64,
    cpu_seconds: u64,
    component_bytes: usize,
    stack_bytes: usize,
    parent: u32,
}

impl Ration {
    pub fn new(limits: &Limits, rations: &CompileLimits) -> Ration {
        Ration {
            memory_bytes: rations.memory_bytes,
            cpu_seconds: rations.cpu.as_secs().max(1),
            component_bytes: limits.component_bytes,
            stack_bytes: limits.stack_bytes,
            parent: std::process::id(),
        }
    }

    pub fn to_json(&self) -> io::Result<String> {
        serde_json::to_string(self).map_err(io::Error::from)
    }
}

/// What it says where nothing comes out.
#[derive(Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Said {
    /// No valid component, in wasmtime's words.
    Invalid(String),
    /// A core module that can't be wrapped, in the encoder's words.
    Unwrappable(String),
    /// The memory wasn't enough.
    Memory,
    /// The compiler itself panicked.
    Panicked(String),
    /// Limits couldn't be set, or a pipe broke.
    System(String),
}

/// Compiles standard input to standard output under the limits of `ration`. Whether it could: where
/// not, standard error says why.
pub fn compile_component(ration: &str) -> bool {
    let Err(said) = compile(ration) else {
        return true;
    };
    let text = serde_json::to_string(&said).unwrap_or_default();
    // Without a reader there is nobody to tell.
    let _ = writeln!(io::stderr(), "\n{text}");
    false
}

fn compile(ration: &str) -> Result<(), Said> {
    let system = |error: &dyn std::fmt::Display| Said::System(error.to_string());
    let ration: Ration = serde_json::from_str(ration).map_err(|e| system(&e))?;
    restrict(&ration).map_err(|e| Said::System(format!("its limits can't be set: {e}")))?;
    let limits = Limits {
        stack_bytes: ration.stack_bytes,
        ..Limits::default()
    };
    let bytes = read_all(io::stdin().lock(), ration.component_bytes).map_err(|e| system(&e))?;
    if bytes.len() > ration.component_bytes {
        return Err(Said::System("it was given too much".into()));
    }
    let engine =
        Engine::new(&engine::config(&limits)).map_err(|e| Said::System(format!("{e:#}")))?;
    // What a panic says goes into the answer.
    panic::set_hook(Box::new(|_| {}));
    let built = panic::catch_unwind(AssertUnwindSafe(|| build::build(&engine, &bytes)));
    let (wrapped, code) = match built {
        Ok(Ok(built)) => built,
        Ok(Err(Problem::Unwrappable(reason))) => return Err(Said::Unwrappable(reason)),
        Ok(Err(Problem::Invalid(reason))) if reason.contains("out of memory") => {
            return Err(Said::Memory);
        }
        Ok(Err(Problem::Invalid(reason))) => return Err(Said::Invalid(reason)),
        Ok(Err(other)) => return Err(Said::Invalid(other.to_string())),
        Err(cause) => return Err(Said::Panicked(words(cause.as_ref()))),
    };
    let mut out = io::stdout().lock();
    let wrapped = wrapped.unwrap_or_default();
    let length = (wrapped.len() as u64).to_le_bytes();
    [&length[..], &wrapped, &code]
        .iter()
        .try_for_each(|part| out.write_all(part))
        .and_then(|()| out.flush())
        .map_err(|e| system(&e))
}

/// Limits memory, time, files and core dumps of this process, and makes it end with its parent.
fn restrict(ration: &Ration) -> io::Result<()> {
    let limit = |resource, most: u64, hard: u64| {
        let limit = Rlimit {
            current: Some(most),
            maximum: Some(hard),
        };
        setrlimit(resource, limit)
    };
    // No limit on addresses: reserving them is how a memory of a guest begins, and costs nothing.
    limit(Resource::Data, ration.memory_bytes, ration.memory_bytes)?;
    // The first says that it was the time (SIGXCPU); the second can't be ignored.
    limit(Resource::Cpu, ration.cpu_seconds, ration.cpu_seconds + 1)?;
    limit(Resource::Core, 0, 0)?;
    limit(Resource::Fsize, 0, 0)?;
    limit(Resource::Nofile, FILES, FILES)?;
    // Emulations that run beside it go first. Where that isn't allowed, it is no reason to fail.
    let _ = rustix::process::nice(5);
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{Signal, getppid, set_parent_process_death_signal};
        set_parent_process_death_signal(Some(Signal::KILL))?;
        // It may have ended before that was set.
        let parent = getppid().map(|pid| pid.as_raw_nonzero().get().unsigned_abs());
        if parent != Some(ration.parent) {
            return Err(io::Error::other("the process that asked for it is gone"));
        }
    }
    Ok(())
}

fn words(cause: &(dyn std::any::Any + Send)) -> String {
    let text = cause.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| cause.downcast_ref::<&str>().copied());
    text.unwrap_or("no message").to_owned()
}
