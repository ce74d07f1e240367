//! JavaScript's engine as a generator, but for the generator: QuickJS, the contract's exports, and natively what costs
//! most in an interpreter: randomness, instants, the loop over a batch, and writing records as JSON.
//!
//! `wellhead plugin build` lets this module evaluate a bundle (`wellhead_load`) and keeps what its memory holds then:
//! that, wrapped, is the component. So no source is parsed at run time, and what is wrong with one is found by the
//! build. The bundle is the author's code with `plugins/sdk-js`, which stays in charge of all that is rare or wrong.
//!
//! It exists for `wasm32-unknown-unknown` alone, where the engine's C is compiled by clang.

#![cfg(target_arch = "wasm32")]
// All calls of the engine are; `js` and `native` put types around them.
#![allow(unsafe_code)]
#![deny(clippy::undocumented_unsafe_blocks, missing_docs)]

mod bundle;
mod component;
mod draws;
mod js;
mod json;
mod native;
mod number;
mod outside;
mod shape;
mod stream;
mod tick;
