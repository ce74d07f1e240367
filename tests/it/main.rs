//! Integration tests: one binary, so that `cargo test` links once.
//!
//! They run the program as users do, or the library as embedders do, against files and real
//! services. A test that needs a service which isn't there says so loudly, and fails in CI.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking, its helpers too"
)]

mod api;
mod bytes;
mod cli;
mod clock;
mod common;
mod control;
mod crash;
mod deploy;
mod draft;
mod examples;
mod faults;
mod plugin;
mod replay;
mod resume;
mod shutdown;
mod sink;
mod telemetry;
mod tidy;
mod verify;
