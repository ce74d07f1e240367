//! Generators: loading, describing, configuring and calling them. The only place that knows
//! wasmtime.
//!
//! A [`Runtime`] loads a component into a [`Generator`]; with a configuration that is a
//! [`Configured`]; that opens [`Stream`]s, which are resumable and [`Send`]. Whatever a guest does
//! (traps, spins, hogs, lies) comes out as one [`PluginError`] that names it and ends that stream
//! alone: an instance is dropped with its store, and a store is never shared.
//!
//! A stranger's component comes in through [`Uploads`]: compiled in a child process with limits, its
//! first words said under limits, and only then kept in a [`store::Store`].
//!
//! A thread that calls a stream needs a stack of 1 MiB more than [`Limits::stack_bytes`].

mod assets;
mod batch;
mod bindings;
mod cache;
mod compile;
mod compiler;
mod config;
mod describe;
mod engine;
mod error;
mod generator;
mod inspect;
mod instance;
mod limits;
mod preload;
mod sample;
mod schema;
mod stock;
pub mod store;
mod stream;
mod upload;
mod wasi;

pub use assets::Assets;
pub use batch::Generated;
pub use compiler::inside::compile_component;
pub use compiler::{Compile, CompileLimits};
pub use describe::Description;
pub use engine::Runtime;
pub use error::{Cause, PluginError, Problem, Trap};
pub use generator::{Configured, Generator};
pub use inspect::{ChannelSchema, Channels, Import, Inspection};
pub(crate) use limits::Bytes;
pub use limits::Limits;
pub use preload::{LoadError, preload};
pub use schema::Fault;
pub use stock::names as stock_names;
pub use stream::{History, Stream};
pub use upload::{Admitted, UploadError, UploadLimits, Uploads};

/// Which records are checked against their channel's schema. Shape, UTF-8 and line feeds are
/// always checked.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    serde::Serialize,
    serde::Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Validate {
    /// None.
    Off,
    /// The first thousand of each stream, and then every thousandth index.
    #[default]
    Sample,
    /// Every record.
    All,
}
