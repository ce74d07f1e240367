//! Everything a wellhead generator in Rust needs.
//!
//! A generator is a pure function from (configuration, seed, stream, index, event time) to the
//! bytes of one record. Implement [`Generator`], name the type in [`export!`], build for
//! `wasm32-unknown-unknown`, and the host runs it. The same source compiles natively, where
//! [`Stream`] runs it with the same bytes: for unit tests, and as what a benchmark compares with.
//!
//! ```
//! use schemars::JsonSchema;
//! use serde::{Deserialize, Serialize};
//! use wellhead_sdk::{Channel, Cents, Error, Generator, Key, Out, Settings, Tick, record};
//!
//! #[derive(Serialize, Deserialize, JsonSchema)]
//! #[serde(default, deny_unknown_fields)]
//! struct Config {
//!     /// How many tills there are.
//!     tills: u32,
//! }
//! impl Default for Config {
//!     fn default() -> Self {
//!         Config { tills: 20 }
//!     }
//! }
//!
//! /// What one record looks like, for its JSON Schema.
//! #[derive(JsonSchema)]
//! #[allow(dead_code)]
//! struct Sale {
//!     till: u32,
//!     total: f64,
//! }
//!
//! struct Tills {
//!     tills: u32,
//!     sales: Key,
//! }
//!
//! impl Generator for Tills {
//!     const NAME: &'static str = "tills";
//!     const VERSION: &'static str = env!("CARGO_PKG_VERSION");
//!     const SUMMARY: &'static str = "Sales at the tills of a shop.";
//!     type Config = Config;
//!
//!     fn channels(_: &Config) -> Result<Vec<Channel>, Error> {
//!         Ok(vec![Channel::of::<Sale>("sale")])
//!     }
//!
//!     fn open(config: Config, settings: &Settings, _: Option<&[u8]>) -> Result<Self, Error> {
//!         Ok(Tills { tills: config.tills, sales: settings.key("sales") })
//!     }
//!
//!     #[inline(always)]
//!     fn record(&mut self, tick: Tick, out: &mut Out<'_>) -> Result<(), Error> {
//!         let mut random = self.sales.at(tick.index);
//!         let till = random.below(self.tills);
//!         record!(out, { "till": till, "total": Cents(100 + random.below(9_900)) });
//!         out.key(till);
//!         Ok(())
//!     }
//! }
//!
//! wellhead_sdk::export!(Tills);
//! # fn main() {
//! let mut stream = wellhead_sdk::Stream::<Tills>::open(&Settings::default(), None).unwrap();
//! let batch = stream.generate(0, &[0, 1_000_000]).unwrap();
//! assert_eq!(batch.ends.len(), 2);
//! # }
//! ```
//!
//! In the record loop, keep away from `format!`, `String`, floats printed as text, `u128` and
//! byte-wise loops: each is several times slower inside a component than natively. Floating
//! point belongs in `open`, by way of `libm`, since the platform's functions give other bits.

#![deny(unsafe_code, unsafe_op_in_unsafe_fn, missing_docs)]

pub mod assets;
mod batch;
pub mod dist;
mod export;
#[cfg(feature = "fake")]
pub mod fakers;
mod generator;
pub mod log;
#[cfg(not(target_arch = "wasm32"))]
pub mod native;
mod out;
pub mod person;
mod put;
mod rng;
mod round;
pub mod ser;
mod stream;
mod table;
#[cfg(target_arch = "wasm32")]
#[doc(hidden)]
pub mod wasm;
mod writer;

pub use batch::{Batch, Operation};
pub use generator::{Channel, Description, Error, Generator, Settings, Tick, describe};
pub use out::Out;
pub use put::{Cents, Each, Fixed, Joined, Pan, Put, Text, Uuid};
pub use rng::{Key, Rng, below, mix};
pub use round::Round;
pub use stream::Stream;
pub use table::{Entry, Table, Word, Words};
/// Writers that never make room; see [`Out::bounded`].
pub mod bounded {
    pub use crate::writer::{Bounded, Digits, MOST_DECIMALS, Room, Value};
}
pub use writer::{Clock, Date, Filled, Lit, Pattern, Time, Writer, slots};

pub use {schemars, serde};
