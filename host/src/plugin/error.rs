//! What can be wrong with a generator, said so that its author or user knows what to do.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use super::limits::Bytes;
use super::schema::Fault;

/// What went wrong with a generator.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PluginError {
    /// The engine itself doesn't start.
    #[error("the WebAssembly engine does not start on this machine: {0}")]
    Engine(String),
    /// The process that compiles doesn't do what it should, whatever the component.
    #[error(
        "the process that compiles components failed: {0}; that is the fault of this machine or of wellhead, not of the component"
    )]
    Compiler(String),
    /// Whoever asked for it is gone.
    #[error("it was called off")]
    Cancelled,
    /// What was given is no generator that this host can run.
    #[error("{origin} {problem}")]
    Component {
        /// Where the bytes come from.
        origin: String,
        /// What is wrong with them.
        problem: Problem,
    },
    /// What a generator says of itself, or of its channels, breaks the contract.
    #[error(
        "generator {generator} breaks the contract in `{call}`: {reason}; its author has to correct it"
    )]
    Contract {
        /// Name, or file while the name isn't known.
        generator: String,
        /// `describe` or `channels`.
        call: &'static str,
        /// Which rule.
        reason: String,
    },
    /// The configuration isn't valid against the generator's schema.
    #[error("the configuration of generator {generator} is not valid:{}\nsee `wellhead plugin inspect {generator}` for its schema", Listed(.faults))]
    Config {
        /// Name.
        generator: String,
        /// Every fault, with its path.
        faults: Vec<Fault>,
    },
    /// The configuration is valid and the generator refuses it.
    #[error("generator {generator} refuses its configuration: {message}")]
    Refused {
        /// Name.
        generator: String,
        /// In the generator's words.
        message: String,
    },
    /// The generator says that it can't go on.
    #[error("generator {generator} failed in stream {stream} at record {index}: {message}")]
    Failed {
        /// Name.
        generator: String,
        /// Which stream.
        stream: u32,
        /// The first index that was asked for.
        index: u64,
        /// In the generator's words.
        message: String,
    },
    /// A call was cut short: by a trap, a deadline or a limit.
    #[error(transparent)]
    Trap(Box<Trap>),
    /// A batch breaks a rule of the contract.
    #[error("generator {generator} returned a wrong batch in stream {stream} {}: {rule}; nothing of the batch is used, and its author has to correct it", Place(*.index, *.exact))]
    Batch {
        /// Name.
        generator: String,
        /// Which stream.
        stream: u32,
        /// Index of the record that breaks the rule, or the first of the batch.
        index: u64,
        /// Whether `index` is the record that breaks the rule.
        exact: bool,
        /// Which rule.
        rule: String,
    },
    /// A record isn't valid against its channel's schema.
    #[error("generator {generator} made a record in stream {stream} at index {index} that is not valid against the schema of channel `{channel}`:{}\nits author has to correct record or schema; `validate: off` lets such records pass", Listed(.faults))]
    Record {
        /// Name.
        generator: String,
        /// Which stream.
        stream: u32,
        /// Which record.
        index: u64,
        /// Its channel.
        channel: String,
        /// What is wrong.
        faults: Vec<Fault>,
    },
    /// An asset can't be read.
    #[error("asset `{name}` cannot be read from {}: {reason}", .path.display())]
    Asset {
        /// As the spec names it.
        name: String,
        /// Where it was looked for.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// A generator without random access has to go through records whose times aren't known.
    #[error(
        "generator {generator} reaches record {index} of stream {stream} only through those before it, and their times are not known here; start from record 0"
    )]
    Unreachable {
        /// Name.
        generator: String,
        /// Which stream.
        stream: u32,
        /// Which record.
        index: u64,
    },
    /// The stream failed before and is asked again.
    #[error("stream {stream} of generator {generator} has failed before and cannot go on")]
    Over {
        /// Name.
        generator: String,
        /// Which stream.
        stream: u32,
    },
}

impl PluginError {
    /// Whether the input is at fault (spec, configuration, component: exit status 2), and not
    /// what the generator does while it runs (exit status 1).
    pub fn is_usage(&self) -> bool {
        match self {
            PluginError::Trap(trap) => trap.stream.is_none(),
            PluginError::Engine(_)
            | PluginError::Compiler(_)
            | PluginError::Cancelled
            | PluginError::Failed { .. }
            | PluginError::Batch { .. }
            | PluginError::Record { .. }
            | PluginError::Unreachable { .. }
            | PluginError::Over { .. } => false,
            PluginError::Component { .. }
            | PluginError::Contract { .. }
            | PluginError::Config { .. }
            | PluginError::Refused { .. }
            | PluginError::Asset { .. } => true,
        }
    }
}

/// Why bytes are no generator that this host can run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// No bytes.
    #[error("is empty, and a WebAssembly component is needed")]
    Empty,
    /// Larger than the limit.
    #[error("is {}, and the limit of a component is {}", Bytes(*.bytes), Bytes(*.limit))]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// A module where a component was meant.
    #[error(
        "is a core WebAssembly module, and a component is needed: `wellhead plugin add MODULE` wraps one, as does `wasm-tools component new MODULE -o COMPONENT`"
    )]
    CoreModule,
    /// The text format.
    #[error(
        "is WebAssembly text, and a binary component is needed: make one with `wasm-tools parse TEXT -o COMPONENT`"
    )]
    Text,
    /// Native code.
    #[error(
        "is compiled already; compiled code is never taken from outside: give the component that it was made from"
    )]
    Precompiled,
    /// An archive or a compressed file.
    #[error("is {kind}: {advice}")]
    Packed {
        /// What it is.
        kind: &'static str,
        /// What to do with it.
        advice: &'static str,
    },
    /// Something else.
    #[error("is not WebAssembly; a component begins with the bytes 00 61 73 6d 0d 00 01 00")]
    NotWasm,
    /// Does not validate.
    #[error(
        "is not a valid component, perhaps cut short or damaged: {0}; build or download it again"
    )]
    Invalid(String),
    /// A core module that no component comes of.
    #[error("is a core module, and cannot be wrapped into a component: it is {0}")]
    Unwrappable(String),
    /// Compiling it takes too much memory.
    #[error(
        "needs more than {} of memory to be compiled, which is the limit; it has too many or too long functions, or parts that multiply each other: make it smaller", Bytes(*.0)
    )]
    CompileMemory(usize),
    /// Compiling it takes too much CPU time.
    #[error(
        "needs more than {0:?} of CPU time to be compiled, which is the limit; it has too many or too long functions: make it smaller"
    )]
    CompileCpu(Duration),
    /// Compiling it takes too long.
    #[error(
        "was not compiled after {0:?}, which is the limit, without using its CPU time; this machine is overloaded: try again later"
    )]
    CompileWall(Duration),
    /// Too much native code comes of it.
    #[error("compiles to more than {}, which is the limit; make it smaller", Bytes(*.0))]
    CompileLarge(usize),
    /// The compiler itself fails on it.
    #[error(
        "makes the compiler fail ({0}), which may be a fault in wasmtime; build it with another compiler or other flags"
    )]
    CompilerFault(String),
    /// Wants something that the host doesn't give.
    #[error(
        "imports `{name}`, which generators are not given: a generator may import `log` and `assets` of wellhead:generator, and what a language's runtime needs of WASI 0.2; {hint}"
    )]
    Import {
        /// Of the import.
        name: String,
        /// Who provides such a thing.
        hint: &'static str,
    },
    /// Another version of the contract.
    #[error(
        "is made for version {found} of wellhead:generator, and this host serves {served}; build it against wit/generator.wit of this release"
    )]
    Version {
        /// Its version.
        found: String,
        /// Those served.
        served: &'static str,
    },
    /// Another world.
    #[error(
        "does not export `wellhead:generator/generator`, so it is a component for another world (it exports {exports}); build it for the world `plugin` of wit/generator.wit"
    )]
    World {
        /// What it exports.
        exports: String,
    },
    /// The right names with the wrong types.
    #[error(
        "exports wellhead:generator with other types than the contract: {0}; build it against wit/generator.wit"
    )]
    Types(String),
}

/// A call that was cut short. The instance is gone.
#[derive(Debug)]
pub struct Trap {
    /// Name, or file while the name isn't known.
    pub generator: String,
    /// Which stream; none while describing and configuring.
    pub stream: Option<u32>,
    /// Which function of the contract.
    pub call: &'static str,
    /// Why.
    pub cause: Cause,
    /// What the instance logged last, oldest first.
    pub log: Vec<String>,
    /// Innermost first, by name where the component has names.
    pub frames: Vec<String>,
}

impl std::error::Error for Trap {}

impl fmt::Display for Trap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "generator {} was ended in `{}`",
            self.generator, self.call
        )?;
        if let Some(stream) = self.stream {
            write!(f, " of stream {stream}")?;
        }
        write!(f, ": {}", self.cause)?;
        for (title, lines) in [
            ("it logged last", &self.log),
            ("it was in (innermost first)", &self.frames),
        ] {
            if !lines.is_empty() {
                write!(f, "\n  {title}:")?;
            }
            for line in lines {
                write!(f, "\n    {line}")?;
            }
        }
        Ok(())
    }
}

/// Why a call was cut short.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Cause {
    /// Too much CPU time.
    #[error(
        "the call used more than {0:?} of CPU time, which is the limit; it may loop without end, or do too much at once"
    )]
    Cpu(Duration),
    /// Too much wall time.
    #[error(
        "the call took more than {0:?}, which is the limit, without using its CPU time; this machine is overloaded"
    )]
    Wall(Duration),
    /// Memory refused.
    #[error("it needed {} of memory, and the limit is {}", Bytes(*.needed), Bytes(*.limit))]
    Memory {
        /// In all.
        needed: usize,
        /// For all.
        limit: usize,
    },
    /// Table entries refused.
    #[error("it needed {needed} table entries, and the limit is {limit}")]
    Tables {
        /// In all.
        needed: usize,
        /// For all.
        limit: usize,
    },
    /// Too deep.
    #[error("it used up its stack of {}; it may recurse without end", Bytes(*.0))]
    Stack(usize),
    /// Returned or logged too much at once.
    #[error("it passed more than {} in one call, which is the limit", Bytes(*.0))]
    TooMuch(usize),
    /// A panic or an abort.
    #[error("it panicked or aborted (`unreachable` was executed)")]
    Panic,
    /// An address that isn't its own. Compilers put the stack at the beginning of memory, so that
    /// it ends like this too.
    #[error("it accessed memory out of bounds; a stack that is used up does so too")]
    OutOfBounds,
    /// Anything else, in the engine's words.
    #[error("{0}")]
    Other(String),
}

struct Listed<'a>(&'a [Fault]);

impl fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|fault| write!(f, "\n  {fault}"))
    }
}

struct Place(u64, bool);

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Place(index, exact) = self;
        match exact {
            true => write!(f, "at record {index}"),
            false => write!(f, "from record {index} on"),
        }
    }
}
