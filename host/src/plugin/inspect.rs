//! Everything that can be said of a generator without running it.

use std::sync::Arc;

use semver::Version;
use serde_json::{Map, Value};

use super::bindings::printable;
use super::{Generator, PluginError, Validate, compile};

/// What `wellhead plugin inspect` shows, and what an upload is answered with.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Inspection {
    /// As users type it.
    pub name: String,
    /// Of the generator.
    pub version: Version,
    /// One sentence.
    pub summary: String,
    /// SHA-256 of the component, in hexadecimal.
    pub digest: String,
    /// Bytes of the component.
    pub size: usize,
    /// Media type of every record.
    pub content_type: String,
    /// Whether records may be asked for in any order.
    pub random_access: bool,
    /// Free-form pairs.
    pub labels: Vec<(String, String)>,
    /// Interfaces that it imports, and what it gets by them.
    pub imports: Vec<Import>,
    /// JSON Schema of the configuration.
    pub config_schema: Value,
    /// The configuration that holds where nothing is said, if nothing has to be said.
    pub config_defaults: Option<Map<String, Value>>,
    /// Channels under that configuration.
    pub channels: Channels,
    /// Name and value of each limit that instances run under.
    pub limits: Map<String, Value>,
}

/// An interface that a generator imports.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Import {
    /// Its name, with the version that was asked for.
    pub interface: String,
    /// What there is behind it.
    pub gets: &'static str,
}

impl Import {
    pub(super) fn new(name: &str) -> Import {
        Import {
            interface: printable(name),
            gets: compile::gets(name),
        }
    }
}

/// Channels of a generator under its default configuration.
#[derive(Clone, Debug, serde::Serialize)]
#[serde(untagged)]
pub enum Channels {
    /// These.
    Known(Vec<ChannelSchema>),
    /// It has to be told something first.
    Unknown {
        /// What, in its own words.
        unknown: String,
    },
}

/// A channel as it is shown.
#[derive(Clone, Debug, serde::Serialize)]
pub struct ChannelSchema {
    /// Of the channel.
    pub name: String,
    /// JSON Schema of one record.
    pub schema: Value,
}

impl Generator {
    /// Asks for channels under the default configuration, and gathers what is known.
    ///
    /// # Errors
    /// Where it breaks the contract or a limit in `channels`. That it refuses its defaults is no
    /// error: some have to be told something first.
    pub fn inspect(self: &Arc<Self>) -> Result<Inspection, PluginError> {
        let configured = self.configure(Map::new(), Arc::default(), Validate::Sample);
        let (config_defaults, channels) = match configured {
            Ok(configured) => {
                let channels = configured.channels.iter().map(|channel| ChannelSchema {
                    name: channel.name.clone(),
                    schema: channel.schema.clone(),
                });
                let channels = Channels::Known(channels.collect());
                (Some(configured.config.clone()), channels)
            }
            Err(e @ (PluginError::Config { .. } | PluginError::Refused { .. })) => {
                let unknown = e.to_string();
                (None, Channels::Unknown { unknown })
            }
            Err(error) => return Err(error),
        };
        let limits = self.runtime().limits().rows().into_iter();
        let description = &self.description;
        Ok(Inspection {
            name: description.name.clone(),
            version: description.version.clone(),
            summary: description.summary.clone(),
            digest: self.digest.clone(),
            size: self.size,
            content_type: description.content_type.clone(),
            random_access: description.random_access,
            labels: description.labels.clone(),
            imports: self.imports(),
            config_schema: description.config_schema.clone(),
            config_defaults,
            channels,
            limits: limits
                .map(|(name, value)| (name.to_owned(), value.into()))
                .collect(),
        })
    }
}
