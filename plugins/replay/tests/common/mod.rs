//! What the tests of all generators share, for this one.
#![allow(dead_code, unused_imports)] // not every test file needs each of these

#[path = "../../../sdk/tests/generator/mod.rs"]
mod generator;

pub use generator::*;
use replay::Replay;
use wellhead_sdk::Stream;

pub fn open(config: &str) -> Stream<Replay> {
    generator::open(config)
}
