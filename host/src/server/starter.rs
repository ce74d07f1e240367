//! Emulations by domain, for those who come from a service that starts them so.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Created, Server, ServerError};
use crate::plugin::stock_names;
use crate::settings::StarterSettings;
use crate::spec::{Format, parse};

/// What to start.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StartRequest {
    /// A generator, such as transaction; another one is given the default resource of the settings.
    pub domain: String,
    /// Where to.
    pub sink: StartSink,
    /// How records are written; Kafka takes json alone.
    #[serde(default)]
    pub format: StartFormat,
    /// minio: grouped (an object for each minute) or chunked (an object for each 64 MiB).
    #[serde(default)]
    pub mode: StartMode,
    /// How long it goes on; 60 when absent.
    #[serde(default = "timeout")]
    #[schemars(range(min = 1, max = 31_536_000))]
    pub timeout_seconds: u32,
    /// How many streams make the records; 1 when absent.
    #[serde(default = "threads")]
    #[schemars(range(min = 1, max = 1_000))]
    pub threads: u32,
}

fn timeout() -> u32 {
    60
}

fn threads() -> u32 {
    1
}

/// Where to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum StartSink {
    /// A topic.
    Kafka,
    /// A bucket of S3 or MinIO.
    Minio,
}

/// How records are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum StartFormat {
    /// JSON.
    #[default]
    Json,
    /// Comma-separated values.
    Csv,
}

/// How objects are cut.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum StartMode {
    /// By time.
    #[default]
    Grouped,
    /// By size.
    Chunked,
}

impl Server {
    /// Starts the generator of a domain on its resource, and answers before it has begun.
    ///
    /// # Errors
    /// As [`Server::create`]; and CSV to Kafka, or numbers out of bounds.
    pub async fn start_domain(
        self: &Arc<Server>,
        request: &StartRequest,
        who: &str,
    ) -> Result<Created, ServerError> {
        let spec = self.starter.spec(request)?;
        let origin = "what the request asks for";
        let document = parse(&spec.to_string(), Format::Json, origin)?;
        self.create(document, None, who).await
    }
}

impl StarterSettings {
    fn spec(&self, request: &StartRequest) -> Result<Value, ServerError> {
        let unfit = |what: String| Err(ServerError::Request(what));
        if !(1..=31_536_000).contains(&request.timeout_seconds) {
            return unfit("`timeout_seconds` has to be from 1 to 31536000".to_owned());
        }
        if !(1..=1_000).contains(&request.threads) {
            return unfit("`threads` has to be from 1 to 1000".to_owned());
        }
        // Other services write domains with either.
        let domain = request.domain.trim().replace('_', "-");
        let known = stock_names().any(|name| name == domain);
        let (generator, usual) = match known {
            true => (&domain, &domain),
            false => (&self.default_generator, &self.default_resource),
        };
        let resource = self.resources.get(&domain).unwrap_or(usual);
        let mut sink = Map::new();
        let mut set = |name: &str, value: Value| sink.insert(name.to_owned(), value);
        let connection = match (request.sink, request.format) {
            (StartSink::Kafka, StartFormat::Csv) => {
                return unfit("`format` is csv, and messages of Kafka are json here".to_owned());
            }
            (StartSink::Kafka, StartFormat::Json) => {
                set("type", "kafka".into());
                set("topic", resource.as_str().into());
                &self.kafka
            }
            (StartSink::Minio, format) => {
                set("type", "s3".into());
                set("bucket", resource.as_str().into());
                let mode = match request.mode {
                    StartMode::Grouped => "grouped",
                    StartMode::Chunked => "chunked",
                };
                set("mode", mode.into());
                let format = match format {
                    StartFormat::Json => "json",
                    StartFormat::Csv => "csv",
                };
                set("format", format.into());
                &self.minio
            }
        };
        if let Some(name) = connection {
            set("connection", name.as_str().into());
        }
        Ok(json!({
            "name": if known { &domain } else { resource },
            "generator": generator,
            "streams": request.threads,
            "load": self.load,
            "until": {"time": format!("{}s", request.timeout_seconds)},
            "sinks": [sink],
        }))
    }
}
