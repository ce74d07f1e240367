//! wellhead emulates data sources: WebAssembly generators, scheduled to the byte, delivered to
//! real sinks.
//!
//! # Codemap
//!
//! Data flows one way: [`schedule`] (due instants, event times) → [`plugin`] (one call makes a
//! batch, ahead of time) → [`fault`] (index → sequence) → queue → pacing ([`emulation`]) →
//! [`delivery`] → [`sink`] (which encodes, [`encode`]) → receipt → watermark ([`state`]).
//!
//! # Invariants
//!
//! - Everything that bytes depend on is a pure function of (component, configuration, assets, seed,
//!   streams, segment log). Only the pacing thread and [`telemetry`] read a clock.
//! - A segment of the schedule, a horizon, a rejected record are durable before anything relies on them.
//! - A count called "acknowledged" is what a sink confirmed; a watermark never passes what isn't settled.
//! - Every queue is bounded in bytes; a sink that stalls holds back release, never due instants.
//! - Layers point down only: main → cli → api → server → verify → emulation → {schedule, plugin, fault, encode, delivery, sink} →
//!   {record, telemetry}; a test (`tests/it/tidy.rs`) holds them to it.

pub mod api;
pub mod cli;
pub mod client;
pub mod delivery;
pub mod draft;
pub mod emulation;
pub mod encode;
pub mod fault;
pub mod plugin;
pub mod project;
pub mod record;
pub mod registry;
pub mod schedule;
pub mod server;
pub mod settings;
pub mod sink;
pub mod spec;
pub mod state;
pub mod telemetry;
pub mod trial;
pub mod verify;
