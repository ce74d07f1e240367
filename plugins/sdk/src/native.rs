//! Running a generator without a component: for tests, and as a benchmark's reference.
//!
//! Where the type is at hand, [`Stream`] is all it takes. [`Entry`] is the same behind functions,
//! for those who have many generators. Log messages and assets, which a component has from the
//! host, are kept for each thread.

use crate::log::Level;
use crate::{Batch, Channel, Description, Error, Generator, Settings, Stream};
use std::cell::RefCell;
use std::collections::BTreeMap;

/// A generator as functions; what [`export!`](crate::export) makes of it natively.
#[derive(Clone, Copy)]
pub struct Entry {
    /// See [`describe`](crate::describe).
    pub describe: fn() -> Description,
    /// The channels that a configuration (JSON text) gives.
    pub channels: fn(config: &str) -> Result<Vec<Channel>, Error>,
    /// Opens a stream, see [`Stream::open`].
    pub open: OpenFn,
}

/// A function that opens a stream: settings, and the state where there is one.
pub type OpenFn = fn(&Settings, Option<&[u8]>) -> Result<Box<dyn AnyStream>, Error>;

impl Entry {
    /// The functions of a generator.
    pub const fn of<G: Generator>() -> Entry {
        Entry {
            describe: crate::describe::<G>,
            channels: channels::<G>,
            open: |settings, state| Ok(Box::new(Stream::<G>::open(settings, state)?)),
        }
    }
}

/// The channels that a configuration (JSON text) gives.
///
/// # Errors
/// [`Error::InvalidConfig`] where it can't be read, and what [`Generator::channels`] says.
pub fn channels<G: Generator>(config: &str) -> Result<Vec<Channel>, Error> {
    G::channels(&crate::generator::parse_config::<G>(config)?)
}

/// A [`Stream`] of any generator.
pub trait AnyStream {
    /// See [`Stream::generate`].
    ///
    /// # Errors
    /// As there.
    fn generate(&mut self, first: u64, times: &[u64]) -> Result<Batch, Error>;
    /// See [`Stream::save`].
    fn save(&self) -> Option<Vec<u8>>;
}

impl<G: Generator> AnyStream for Stream<G> {
    fn generate(&mut self, first: u64, times: &[u64]) -> Result<Batch, Error> {
        Stream::generate(self, first, times)
    }

    fn save(&self) -> Option<Vec<u8>> {
        Stream::save(self)
    }
}

/// Log messages beyond this many are dropped.
const LOG_KEPT: usize = 1000;

thread_local! {
    static LOG: RefCell<Vec<(Level, String)>> = const { RefCell::new(Vec::new()) };
    static ASSETS: RefCell<BTreeMap<String, Vec<u8>>> = const { RefCell::new(BTreeMap::new()) };
}

pub(crate) fn keep_log(level: Level, message: &str) {
    LOG.with_borrow_mut(|log| {
        if log.len() < LOG_KEPT {
            log.push((level, message.to_owned()));
        }
    });
}

/// The messages logged on this thread since the last time, the first thousand of them.
pub fn take_log() -> Vec<(Level, String)> {
    LOG.take()
}

/// Lays out an asset for generators on this thread.
pub fn set_asset(name: &str, bytes: Vec<u8>) {
    ASSETS.with_borrow_mut(|assets| assets.insert(name.to_owned(), bytes));
}

pub(crate) fn asset<R>(name: &str, f: impl FnOnce(&[u8]) -> R) -> Option<R> {
    ASSETS.with_borrow(|assets| assets.get(name).map(|bytes| f(bytes)))
}
