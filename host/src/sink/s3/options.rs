//! What a block in a spec may say.

use std::path::PathBuf;
use std::time::Duration;

use schemars::JsonSchema;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use crate::encode::Format;
use crate::encode::pack::Compression;
use crate::encode::parquet::{self, Pages};
use crate::sink::ConfigError;
use crate::sink::codec::{self, Codec};
use crate::sink::options::{Size, Span};
use crate::sink::room::Room;

/// The least that S3 takes for a part that isn't the last.
const LEAST_PART: u64 = 5 << 20;
/// The most.
const LARGEST_PART: u64 = 5 << 30;

/// Options of S3 and MinIO.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Options {
    /// The bucket. It is made where there is none.
    pub(super) bucket: String,
    /// What the names of objects begin with. {channel}, {stream} and {run} stand for what they
    /// say, {date}, {year}, {month}, {day}, {hour} and {minute} for the record's event time
    /// (UTC), any other name in braces for a field of the record ({.date} is a field of that
    /// name): {channel}/dt={date}/hour={hour}
    #[serde(default = "prefix")]
    pub(super) prefix: String,
    /// Where the service is: http://localhost:9000. Amazon's own when absent.
    #[serde(default)]
    pub(super) endpoint: Option<String>,
    /// The region. With MinIO the name hardly matters.
    #[serde(default = "region")]
    pub(super) region: String,
    /// Whether the bucket is part of the path (http://host/bucket) rather than of the host name
    /// (http://bucket.host). When absent: true with an endpoint, false without.
    #[serde(default)]
    pub(super) path_style: Option<bool>,
    /// The access key. Without one, that of the machine or container where Amazon gives it one.
    #[serde(default)]
    pub(super) access_key: Option<String>,
    /// The secret of the access key.
    #[serde(default)]
    #[schemars(with = "Option<String>", extend("writeOnly" = true))]
    pub(super) secret_key: Option<SecretString>,
    /// The token of credentials that are lent for a time.
    #[serde(default)]
    #[schemars(with = "Option<String>", extend("writeOnly" = true))]
    pub(super) session_token: Option<SecretString>,
    /// File of the certificates (PEM) that the service's is checked against, besides the system's.
    #[serde(default)]
    pub(super) tls_ca: Option<PathBuf>,
    /// Whether the service's certificate is checked.
    #[serde(default = "yes")]
    pub(super) tls_verify: bool,
    /// chunked: an object every so many records or bytes. grouped: an object for each interval of
    /// the schedule's time.
    #[serde(default)]
    pub(super) mode: Mode,
    /// chunked: how many records an object holds.
    #[serde(default)]
    pub(super) records: Option<u64>,
    /// chunked: an object is complete once its records, before encoding and compression, hold so
    /// many bytes. 64 MiB when neither this nor `records` is given.
    #[serde(default)]
    pub(super) bytes: Option<Size>,
    /// grouped: the interval, of the schedule's time, never the wall clock's. 1 minute when absent.
    #[serde(default)]
    pub(super) interval: Option<Span>,
    /// How records are written: ndjson, json (one array), csv or parquet.
    #[serde(default)]
    pub(super) format: Format,
    /// none, gzip or zstd. Parquet, within: none, snappy or zstd (when absent).
    #[serde(default)]
    compression: Option<Codec>,
    /// How hard to compress: 0 to 9 for gzip (6 when absent), 1 to 22 for zstd (3 when absent; 1
    /// within Parquet).
    #[serde(default)]
    pub(super) level: Option<u32>,
    /// Adds a field (a column) of this name that says whether a record appends, upserts or deletes.
    #[serde(default)]
    pub(super) operation_field: Option<String>,
    /// Larger objects are sent in parts of this size, from 5 MiB on.
    #[serde(default = "part_size")]
    pub(super) part_size: Size,
    /// How many requests are on their way at once.
    #[serde(default = "concurrency")]
    pub(super) concurrency: usize,
    /// How many objects may be open at once: streams × channels × values of the prefix's fields.
    /// When absent as many as `max_memory` has room for, at most 1000.
    #[serde(default)]
    pub(super) max_targets: Option<usize>,
    /// Open objects × `part_size` (and 16 MiB for Parquet) may not be more than this.
    #[serde(default = "max_memory")]
    pub(super) max_memory: Size,
    /// How long one request may take.
    #[serde(default = "timeout")]
    pub(super) timeout: Span,
    /// How long connecting may take.
    #[serde(default = "connect_timeout")]
    pub(super) connect_timeout: Span,
}

/// When an object is complete.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub(super) enum Mode {
    #[default]
    Chunked,
    Grouped,
}

fn yes() -> bool {
    true
}

fn prefix() -> String {
    "{channel}".to_owned()
}

fn region() -> String {
    "us-east-1".to_owned()
}

fn part_size() -> Size {
    Size(8 << 20)
}

fn concurrency() -> usize {
    4
}

fn max_memory() -> Size {
    Size(1 << 30)
}

fn timeout() -> Span {
    Span(Duration::from_secs(60))
}

fn connect_timeout() -> Span {
    Span(Duration::from_secs(5))
}

/// Where an object ends. Depends on the records alone, so that a resume finds the same places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cut {
    /// After so many records.
    pub(super) records: u64,
    /// After the record with which it holds so many bytes.
    pub(super) bytes: u64,
    /// At the multiples of so many nanoseconds of profile time.
    pub(super) every: Option<u64>,
}

impl Options {
    /// What types alone don't rule out.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let wrong = |option: &str, message: String| Err(ConfigError::option(option, message));
        let name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '.';
        if !(3..=63).contains(&self.bucket.len()) || !self.bucket.chars().all(name) {
            return wrong(
                "bucket",
                format!(
                    "`{}` can't be a bucket's name: 3 to 63 lower-case letters, digits, dots and hyphens",
                    self.bucket
                ),
            );
        }
        if self.access_key.is_some() != self.secret_key.is_some() {
            let (given, missing) = match self.access_key.is_some() {
                true => ("access_key", "secret_key"),
                false => ("secret_key", "access_key"),
            };
            return wrong(given, format!("`{given}` without `{missing}`"));
        }
        if let Some(endpoint) = &self.endpoint {
            if !endpoint.starts_with("http://") && !endpoint.starts_with("https://") {
                let message = format!(
                    "`endpoint` is \"{endpoint}\"; write http://{endpoint} or https://{endpoint}"
                );
                return wrong("endpoint", message);
            }
            if self.access_key.is_none() {
                let message = "`access_key` and `secret_key` are missing; set them, or MINIO_ACCESS_KEY \
                               and MINIO_SECRET_KEY (or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY)";
                return wrong("access_key", message.to_owned());
            }
        }
        for (option, value) in [
            ("records", self.records),
            ("bytes", self.bytes.map(|size| size.0)),
            ("concurrency", Some(self.concurrency as u64)),
            (
                "max_targets",
                self.max_targets.map(|targets| targets as u64),
            ),
        ] {
            if value == Some(0) {
                return wrong(option, format!("`{option}` has to be 1 or more"));
            }
        }
        if !(LEAST_PART..=LARGEST_PART).contains(&self.part_size.0) {
            return wrong(
                "part_size",
                "`part_size` can be 5MiB to 5GiB, which is what S3 takes".to_owned(),
            );
        }
        if let Some(Span(timeout)) = [self.timeout, self.connect_timeout]
            .into_iter()
            .find(|span| span.0.is_zero())
        {
            return wrong(
                "timeout",
                format!("`timeout` is {timeout:?}; give it some time"),
            );
        }
        codec::check(self.format, self.compression, self.level)?;
        self.cut().map(drop)
    }

    /// Where objects end.
    pub(super) fn cut(&self) -> Result<Cut, ConfigError> {
        let unfit = |option: &str, mode: &str| {
            let message = format!("`{option}` belongs to `mode: {mode}`");
            Err(ConfigError::option(option, message))
        };
        match self.mode {
            Mode::Chunked if self.interval.is_some() => unfit("interval", "grouped"),
            Mode::Chunked => {
                let usual = if self.records.is_none() {
                    64 << 20
                } else {
                    u64::MAX
                };
                Ok(Cut {
                    records: self.records.unwrap_or(u64::MAX),
                    bytes: self.bytes.map_or(usual, |size| size.0),
                    every: None,
                })
            }
            Mode::Grouped if self.records.is_some() => unfit("records", "chunked"),
            Mode::Grouped if self.bytes.is_some() => unfit("bytes", "chunked"),
            Mode::Grouped => {
                let span = self.interval.map_or(Duration::from_secs(60), |span| span.0);
                match u64::try_from(span.as_nanos()) {
                    Ok(nanos) if nanos > 0 => Ok(Cut {
                        records: u64::MAX,
                        bytes: u64::MAX,
                        every: Some(nanos),
                    }),
                    _ => Err(ConfigError::option(
                        "interval",
                        "`interval` has to be more than nothing",
                    )),
                }
            }
        }
    }

    /// How many objects may be open.
    pub(super) fn room(&self) -> Room {
        let gathered = match self.format {
            Format::Parquet => parquet::OPEN,
            Format::Ndjson | Format::Json | Format::Csv => 0,
        };
        Room {
            what: "objects",
            each: self.part_size.0.saturating_add(gathered),
            max_memory: self.max_memory.0,
            max_targets: self.max_targets,
            instead: "lower `part_size`",
        }
    }

    /// How objects are compressed from outside.
    pub(super) fn packing(&self) -> Compression {
        codec::packing(self.format, self.compression)
    }

    /// How Parquet is compressed within.
    pub(super) fn pages(&self) -> Pages {
        codec::pages(self.compression, self.level)
    }
}
