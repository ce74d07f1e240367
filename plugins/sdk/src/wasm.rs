//! The component: the contract's exports over a [`Stream`], and its imports.
//!
//! The bindings are generated here once; `export!` only names the type in them.
#![allow(unsafe_code, missing_docs)]

use crate::log::Level;
use crate::{Generator, Settings, Stream};
use std::cell::RefCell;
use std::marker::PhantomData;
use std::sync::Once;

wit_bindgen::generate!({
    world: "plugin",
    path: "../../wit",
    pub_export_macro: true,
    export_macro_name: "export_component",
    default_bindings_module: "wellhead_sdk::wasm",
});

use exports::wellhead::generator::generator as exported;
use wellhead::generator::{assets, log as host_log, types};

/// The exports of a component whose generator is `G`.
pub struct Component<G>(PhantomData<G>);

/// A stream as the host holds it.
pub struct Handle<G>(RefCell<Stream<G>>);

impl<G: Generator> exported::Guest for Component<G> {
    type Stream = Handle<G>;

    fn describe() -> types::Description {
        log_panics();
        let said = crate::describe::<G>();
        types::Description {
            name: said.name,
            version: said.version,
            summary: said.summary,
            config_schema: said.config_schema,
            content_type: said.content_type,
            random_access: said.random_access,
            labels: said.labels,
        }
    }

    fn channels(config: String) -> Result<Vec<types::Channel>, types::Error> {
        log_panics();
        let channels = G::channels(&crate::generator::parse_config::<G>(&config)?)?;
        Ok(channels.into_iter().map(Into::into).collect())
    }
}

impl<G: Generator> exported::GuestStream for Handle<G> {
    fn open(
        settings: types::Settings,
        state: Option<Vec<u8>>,
    ) -> Result<exported::Stream, types::Error> {
        log_panics();
        let settings = Settings {
            config: settings.config,
            seed: settings.seed,
            stream_index: settings.stream_index,
            stream_count: settings.stream_count,
        };
        let stream = Stream::<G>::open(&settings, state.as_deref())?;
        Ok(exported::Stream::new(Handle(RefCell::new(stream))))
    }

    fn generate(&self, first: u64, times: Vec<u64>) -> Result<types::Batch, types::Error> {
        Ok(self.0.borrow_mut().generate(first, &times)?.into())
    }

    fn save(&self) -> Option<Vec<u8>> {
        self.0.borrow().save()
    }
}

impl From<crate::Error> for types::Error {
    fn from(error: crate::Error) -> Self {
        match error {
            crate::Error::InvalidConfig(why) => types::Error::InvalidConfig(why),
            crate::Error::Failed(why) => types::Error::Failed(why),
        }
    }
}

impl From<crate::Batch> for types::Batch {
    #[inline(always)]
    fn from(batch: crate::Batch) -> Self {
        types::Batch {
            payload: batch.payload,
            ends: batch.ends,
            keys: batch.keys,
            key_ends: batch.key_ends,
            channels: batch.channels,
            operations: batch.operations,
        }
    }
}

impl From<crate::Channel> for types::Channel {
    fn from(channel: crate::Channel) -> Self {
        types::Channel {
            name: channel.name,
            schema: channel.schema,
        }
    }
}

/// A panic ends in a trap that says nothing: log what it was first.
pub fn log_panics() {
    static SET: Once = Once::new();
    SET.call_once(|| {
        std::panic::set_hook(Box::new(|panic| log(Level::Error, &panic.to_string())));
    });
}

pub(crate) fn log(level: Level, message: &str) {
    let level = match level {
        Level::Debug => host_log::Level::Debug,
        Level::Info => host_log::Level::Info,
        Level::Warn => host_log::Level::Warn,
        Level::Error => host_log::Level::Error,
    };
    host_log::log(level, message);
}

pub(crate) fn asset_size(name: &str) -> Option<u64> {
    assets::size(name)
}

pub(crate) fn asset(name: &str) -> Option<Vec<u8>> {
    let size = assets::size(name)?;
    let mut bytes = Vec::with_capacity(usize::try_from(size).ok()?);
    loop {
        let piece = assets::read(name, bytes.len() as u64, crate::assets::PIECE);
        if piece.is_empty() {
            return Some(bytes);
        }
        bytes.extend_from_slice(&piece);
    }
}

pub(crate) fn asset_piece(name: &str, offset: u64, length: u32) -> Vec<u8> {
    assets::read(name, offset, length)
}
