//! What a server does for those who come from simpler emulators.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::sink::options::Span;
use crate::spec::Load;

/// Where `GET /signals/{channel}` reads.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SignalSettings {
    /// A connection of the type postgres or sqlite; the database of the environment (DB_HOST, DATABASE_URL)
    /// when absent.
    #[serde(default)]
    pub connection: Option<String>,
    /// The table, whoever fills it: with columns value, timestamp and, where it holds several channels,
    /// signal_type. {channel} stands for the channel: by default each has a table of its name.
    #[serde(default = "by_channel")]
    pub table: String,
    /// How long an answer may be given again, such as 1s. Each is read anew when absent.
    #[serde(default)]
    pub cache: Option<Span>,
}

impl Default for SignalSettings {
    fn default() -> SignalSettings {
        SignalSettings {
            connection: None,
            table: by_channel(),
            cache: None,
        }
    }
}

fn by_channel() -> String {
    "{channel}".to_owned()
}

/// What `POST /start-emulator` starts.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct StarterSettings {
    /// The load of what it starts.
    pub load: Load,
    /// The connection of `"sink": "kafka"`; that of the environment when absent.
    pub kafka: Option<String>,
    /// The connection of `"sink": "minio"`; that of the environment when absent.
    pub minio: Option<String>,
    /// Topics and buckets by domain; a generator's name is its own when absent.
    pub resources: BTreeMap<String, String>,
    /// The topic or bucket of a domain that no generator is for.
    pub default_resource: String,
    /// What makes the records of such a domain.
    pub default_generator: String,
}

impl Default for StarterSettings {
    fn default() -> StarterSettings {
        StarterSettings {
            load: Load::default(),
            kafka: None,
            minio: None,
            resources: BTreeMap::new(),
            default_resource: "emulated".to_owned(),
            default_generator: "transaction".to_owned(),
        }
    }
}
