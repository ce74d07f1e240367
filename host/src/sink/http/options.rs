//! Options of an HTTP block.

use std::path::PathBuf;
use std::time::Duration;

use schemars::JsonSchema;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::encode::Format;
use crate::sink::ConfigError;
use crate::sink::options::{Size, Span};

/// Options of HTTP.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub(super) struct Options {
    /// Where to: http or https. {channel}, {stream} and {run} in path and query stand for what
    /// they say, any other name in braces for a field of the record: http://host/devices/{device_id}
    pub(super) url: String,
    /// POST, PUT or PATCH.
    #[serde(default)]
    pub(super) method: Method,
    /// Headers of every request, by name.
    #[serde(default)]
    pub(super) headers: Map<String, Value>,
    /// Adds the headers wellhead-run, wellhead-stream, wellhead-sequence and wellhead-operation. Not
    /// with `batch`.
    #[serde(default)]
    pub(super) meta_headers: bool,
    /// User name for basic authentication.
    #[serde(default)]
    pub(super) username: Option<String>,
    /// Password for basic authentication.
    #[serde(default)]
    #[schemars(with = "Option<String>", extend("writeOnly" = true))]
    pub(super) password: Option<SecretString>,
    /// Token for bearer authentication.
    #[serde(default)]
    #[schemars(with = "Option<String>", extend("writeOnly" = true))]
    pub(super) token: Option<SecretString>,
    /// Records of a request, at most.
    #[serde(default = "one")]
    pub(super) batch: usize,
    /// Bytes of a request's records from which on it takes no more.
    #[serde(default = "batch_bytes")]
    pub(super) batch_bytes: Size,
    /// How long a request waits for more records.
    #[serde(default = "batch_wait")]
    pub(super) batch_wait: Span,
    /// ndjson, json (an array) or csv. When absent: ndjson with `batch`, else the record alone, as it is.
    #[serde(default)]
    pub(super) format: Option<Format>,
    /// Adds a field of that name that says whether a record appends, upserts or deletes.
    #[serde(default)]
    pub(super) operation_field: Option<String>,
    /// none or gzip.
    #[serde(default)]
    pub(super) compression: Compression,
    /// Requests on their way at the same time, at most, each on a connection of its own.
    #[serde(default = "ten")]
    pub(super) concurrency: usize,
    /// What arrives in order: the records of a key (of a stream, where they have none), all, or none.
    #[serde(default)]
    pub(super) ordered: Ordered,
    /// The key whose order is kept: "{customer_id}". The generator's own key when absent.
    #[serde(default)]
    pub(super) key: Option<String>,
    /// How long an endpoint may take to answer a request.
    #[serde(default = "timeout")]
    pub(super) timeout: Span,
    /// How long a connection may take.
    #[serde(default = "connect_timeout")]
    pub(super) connect_timeout: Span,
    /// How long a request is tried again after connection errors, 408, 429 and 5xx before the
    /// emulation fails. As long as it takes when absent.
    #[serde(default)]
    pub(super) retry_for: Option<Span>,
    /// A URL that has to answer 2xx before the start.
    #[serde(default)]
    pub(super) health: Option<String>,
    /// How long it may take until it does.
    #[serde(default = "health_timeout")]
    pub(super) health_timeout: Span,
    /// File of the certificates (PEM) that the endpoint's is checked against, beside the system's.
    #[serde(default)]
    pub(super) tls_ca: Option<PathBuf>,
    /// Whether the endpoint's certificate and name are checked.
    #[serde(default = "yes")]
    pub(super) tls_verify: bool,
    /// Logs a line for each response: status, jitter against the ideal tick, failure rate.
    #[serde(default)]
    pub(super) log_responses: bool,
    /// How many URLs batches may be open for at once, where nothing is ordered.
    #[serde(default = "max_targets")]
    pub(super) max_targets: usize,
}

fn one() -> usize {
    1
}

fn ten() -> usize {
    10
}

fn yes() -> bool {
    true
}

fn max_targets() -> usize {
    1000
}

fn batch_bytes() -> Size {
    Size(1 << 20)
}

fn batch_wait() -> Span {
    Span(Duration::from_secs(1))
}

fn timeout() -> Span {
    Span(Duration::from_secs(30))
}

fn connect_timeout() -> Span {
    Span(Duration::from_secs(10))
}

fn health_timeout() -> Span {
    Span(Duration::from_secs(30))
}

/// What a request does.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
#[schemars(inline)]
pub(super) enum Method {
    #[default]
    Post,
    Put,
    Patch,
}

/// How bodies are compressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub(super) enum Compression {
    #[default]
    None,
    Gzip,
}

/// What arrives in the order in which it was released.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub(super) enum Ordered {
    #[default]
    Key,
    All,
    None,
}

impl Options {
    /// The URL as far as it is the same for all records: at least scheme and host.
    pub(super) fn base(&self) -> &str {
        self.target().split('{').next().unwrap_or_default()
    }

    /// The URL without its query, which may hold a secret.
    pub(super) fn target(&self) -> &str {
        self.url.split(['?', '#']).next().unwrap_or_default()
    }

    /// What types alone don't rule out.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let wrong = |option: &str, message: &str| Err(ConfigError::option(option, message));
        web_address("url", &self.url)?;
        if let Some(health) = &self.health {
            web_address("health", health)?;
        }
        for (option, number) in [
            ("batch", self.batch),
            ("concurrency", self.concurrency),
            ("max_targets", self.max_targets),
        ] {
            if number == 0 {
                return wrong(option, &format!("`{option}` has to be 1 or more"));
            }
        }
        for (option, span) in [
            ("timeout", self.timeout),
            ("connect_timeout", self.connect_timeout),
            ("health_timeout", self.health_timeout),
        ] {
            if span.0.is_zero() {
                return wrong(option, &format!("`{option}` has to be more than nothing"));
            }
        }
        super::client::headers(self)?;
        if self.password.is_some() && self.username.is_none() {
            return wrong("password", "`password` without `username`");
        }
        if self.token.is_some() && self.username.is_some() {
            return wrong(
                "token",
                "`token` and `username` are two ways to log in: use one",
            );
        }
        if self.meta_headers && self.batch > 1 {
            return wrong(
                "meta_headers",
                "`meta_headers` say which record a request is; with `batch` it is several",
            );
        }
        if self.key.is_some() && self.ordered != Ordered::Key {
            return wrong("key", "`key` says whose order is kept, with `ordered: key`");
        }
        Ok(())
    }
}

/// Whether it is a URL whose host is written out and that has no login in it.
fn web_address(option: &str, url: &str) -> Result<(), ConfigError> {
    let rest = ["http://", "https://"]
        .iter()
        .find_map(|scheme| url.strip_prefix(scheme));
    let authority = rest.and_then(|rest| rest.split(['/', '?', '#']).next());
    let why = match authority {
        None | Some("") => "has to be a URL such as https://host:8080/path",
        Some(host) if host.contains('@') => {
            "has a login in it: write it as `username` and `password`, which are kept secret"
        }
        Some(host) if host.contains(['{', '}']) => {
            "has a template in its host: records may only choose path and query"
        }
        Some(_) => return Ok(()),
    };
    Err(ConfigError::option(option, format!("`{option}` {why}")))
}
