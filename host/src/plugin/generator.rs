//! A loaded generator, and one with its configuration.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use serde_json::{Map, Value};

use super::bindings::{Guest, PluginPre, contract, printable};
use super::config;
use super::describe::{self, Description};
use super::inspect::Import;
use super::instance::{Instance, Purpose};
use super::schema::Schema;
use super::wasi::Ground;
use super::{Assets, PluginError, Runtime, Stream, Validate};
use crate::record::Channel;

/// A generator: compiled, described and checked.
pub struct Generator {
    /// What it says of itself.
    pub description: Description,
    /// SHA-256 of the component, in hexadecimal.
    pub digest: String,
    /// Bytes of the component.
    pub size: usize,
    /// Where its bytes come from, as it was said when it was loaded.
    pub origin: String,
    runtime: Arc<Runtime>,
    component: PluginPre<Guest>,
    config: Schema,
    /// See [`Purpose::told`].
    told: Arc<AtomicBool>,
}

impl Generator {
    /// Asks a component for its description.
    pub(super) fn describe(
        runtime: Arc<Runtime>,
        component: PluginPre<Guest>,
        digest: String,
        size: usize,
        origin: &str,
    ) -> Result<Arc<Generator>, PluginError> {
        let purpose = Purpose {
            name: origin.into(),
            stream: None,
            assets: None,
            ground: Ground::default(),
            told: Arc::default(),
        };
        let said = Instance::new(&runtime, &component, purpose)?.describe()?;
        let checked = describe::check(said);
        let checked = checked.map_err(|reason| PluginError::Contract {
            generator: origin.to_owned(),
            call: "describe",
            reason,
        });
        let (description, config) = checked?;
        Ok(Arc::new(Generator {
            description,
            digest,
            size,
            origin: origin.to_owned(),
            runtime,
            component,
            config,
            told: Arc::default(),
        }))
    }

    /// Fills in the defaults of a configuration, validates it, and asks for its channels.
    ///
    /// Fails where it isn't valid (each fault with its path), or where the generator refuses it.
    pub fn configure(
        self: &Arc<Self>,
        config: Map<String, Value>,
        assets: Arc<Assets>,
        validate: Validate,
    ) -> Result<Arc<Configured>, PluginError> {
        let mut config = Value::Object(config);
        config::fill(&self.description.config_schema, &mut config).map_err(|config::Endless| {
            self.contract(
                "describe",
                "the defaults of config-schema have no end".into(),
            )
        })?;
        config::normalise(&mut config);
        if !self.config.is_valid(&config) {
            return Err(PluginError::Config {
                generator: self.name().to_owned(),
                faults: self.config.faults(&config),
            });
        }
        let text = config.to_string();
        let (channels, schemas) = self.channels(&text, &assets)?;
        let Value::Object(config) = config else {
            // It was one at the beginning, and filling in keeps the kind of a value.
            return Err(self.contract("describe", "config-schema is not of an object".into()));
        };
        Ok(Arc::new(Configured {
            generator: self.clone(),
            config,
            channels,
            text,
            schemas,
            assets,
            validate,
        }))
    }

    fn channels(
        &self,
        config: &str,
        assets: &Arc<Assets>,
    ) -> Result<(Vec<Channel>, Vec<Schema>), PluginError> {
        let said = self
            .instance(None, Ground::default(), assets)?
            .channels(config)?;
        let said = said.map_err(|error| self.refused(error.words()))?;
        describe::check_channels(said).map_err(|reason| self.contract("channels", reason))
    }

    /// A fresh instance for a stream, or for no stream in particular.
    fn instance(
        &self,
        stream: Option<u32>,
        ground: Ground,
        assets: &Arc<Assets>,
    ) -> Result<Instance, PluginError> {
        let purpose = Purpose {
            name: self.name().into(),
            stream,
            assets: Some(assets.clone()),
            ground,
            told: self.told.clone(),
        };
        Instance::new(&self.runtime, &self.component, purpose)
    }

    /// Its name, as users type it.
    pub fn name(&self) -> &str {
        &self.description.name
    }

    /// Interfaces that it imports.
    pub fn imports(&self) -> Vec<Import> {
        let kind = self.component.instance_pre().component().component_type();
        let names = kind.imports(self.runtime.engine());
        names.map(|(name, _)| Import::new(name)).collect()
    }

    /// Interfaces that it exports.
    pub fn exports(&self) -> Vec<String> {
        let kind = self.component.instance_pre().component().component_type();
        let names = kind.exports(self.runtime.engine());
        names.map(|(name, _)| printable(name)).collect()
    }

    pub(super) fn runtime(&self) -> &Runtime {
        &self.runtime
    }

    pub(super) fn refused(&self, message: &str) -> PluginError {
        PluginError::Refused {
            generator: self.name().to_owned(),
            message: printable(message),
        }
    }

    fn contract(&self, call: &'static str, reason: String) -> PluginError {
        PluginError::Contract {
            generator: self.name().to_owned(),
            call,
            reason,
        }
    }
}

impl std::fmt::Debug for Generator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Generator")
            .field("description", &self.description)
            .field("digest", &self.digest)
            .finish_non_exhaustive()
    }
}

/// A generator with a valid configuration: all streams of an emulation share it.
pub struct Configured {
    /// Which generator.
    pub generator: Arc<Generator>,
    /// With its defaults filled in and its numbers written in one way.
    pub config: Map<String, Value>,
    /// What it emits; a record names its channel by its place here.
    pub channels: Vec<Channel>,
    /// `config` as the generator gets it.
    pub(super) text: String,
    /// Of each channel.
    pub(super) schemas: Vec<Schema>,
    /// What the generator may read.
    pub assets: Arc<Assets>,
    /// Which records are checked against their schema.
    pub validate: Validate,
}

impl Configured {
    /// One stream out of `streams`. Nothing is instantiated before the first record is asked for,
    /// or [`Stream::start`] is called.
    ///
    /// `state` is what [`Stream::save`] gave, with the index of the record that follows it; a
    /// generator that refuses it later goes through the records from 0 instead, for which
    /// [`Stream::set_history`] is needed.
    pub fn open(
        self: &Arc<Self>,
        seed: u64,
        stream: u32,
        streams: u32,
        state: Option<(u64, Vec<u8>)>,
    ) -> Stream {
        Stream::new(self.clone(), seed, stream, streams, state)
    }

    /// A fresh instance for a stream, where WASI's wall clock stands at `clock`.
    pub(super) fn instance(
        &self,
        settings: &contract::Settings,
        clock: u64,
    ) -> Result<Instance, PluginError> {
        let ground = Ground {
            seed: settings.seed,
            stream: settings.stream_index,
            clock,
        };
        let stream = Some(settings.stream_index);
        self.generator.instance(stream, ground, &self.assets)
    }
}

impl std::fmt::Debug for Configured {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Configured")
            .field("generator", &self.generator)
            .field("config", &self.text)
            .finish_non_exhaustive()
    }
}
