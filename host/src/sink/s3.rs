//! S3 and MinIO: objects of NDJSON, a JSON array, CSV or Parquet.
//!
//! Each stream, channel and value of the prefix has objects of its own. Where one ends depends on
//! its records and the schedule's time alone, and its name on the run and its first record: what
//! is made again after a crash is the same object under the same name. A reader sees whole objects
//! only, and a record is settled once its object is complete.

mod commit;
mod layout;
mod ledger;
mod object;
mod options;
mod read;
mod service;
mod targets;
mod uploads;

use std::sync::Arc;

use object_store::path::Path;
use serde_json::{Map, Value};

use super::read::{Reader, Reading};
use super::{Address, Config, ConfigError, Context, Kind, Reach, SendError, Sink};
use crate::encode::Encoder;
use crate::encode::template::Template;
use crate::record::Channel;
use options::{Cut, Options};

/// The row of the table of sinks.
pub const KIND: Kind = Kind {
    name: "s3",
    summary: "Writes objects to S3 and MinIO: by time or size; NDJSON, JSON, CSV, Parquet; gzip, zstd.",
    reach: Reach::Service(&[
        "endpoint",
        "region",
        "path_style",
        "access_key",
        "secret_key",
        "session_token",
        "tls_ca",
        "tls_verify",
    ]),
    schema: || schemars::schema_for!(Options),
    from_address,
    configure: |given| {
        Ok(Arc::new(S3Config::new(super::options::parse(
            "s3", given,
        )?)?))
    },
};

/// `s3://bucket/prefix?endpoint=http://host:9000`.
fn from_address(address: &Address) -> Result<Map<String, Value>, ConfigError> {
    if address.authority.contains(['@', ':']) {
        return Err(ConfigError::option(
            "bucket",
            "what follows s3:// is the bucket; write s3://bucket/prefix?endpoint=http://host:9000, \
             and put the keys into MINIO_ACCESS_KEY and MINIO_SECRET_KEY",
        ));
    }
    let mut options = Map::new();
    for (name, value) in [
        ("bucket", address.authority.as_str()),
        ("prefix", address.path.trim_matches('/')),
    ] {
        if !value.is_empty() {
            options.insert(name.to_owned(), Value::from(value));
        }
    }
    Ok(options)
}

/// A block of options that has been read.
#[derive(Clone, Debug)]
struct S3Config {
    options: Options,
    prefix: Template,
    cut: Cut,
}

impl S3Config {
    fn new(mut options: Options) -> Result<S3Config, ConfigError> {
        options.check()?;
        options.prefix = options.prefix.trim_matches('/').to_owned();
        let prefix = Template::parse_timed(&options.prefix)
            .map_err(|error| super::options::of_template("prefix", &error))?;
        if Path::parse(&options.prefix).is_err() {
            let message = format!(
                "`prefix` is \"{}\": a folder in it has no name, or one that can't be",
                options.prefix
            );
            return Err(ConfigError::option("prefix", message));
        }
        Ok(S3Config {
            cut: options.cut()?,
            options,
            prefix,
        })
    }

    /// What names end with.
    fn ending(&self) -> String {
        let format = self.options.format.extension();
        format!(".{format}{}", self.options.packing().ending())
    }

    fn part_size(&self) -> usize {
        usize::try_from(self.options.part_size.0).unwrap_or(usize::MAX)
    }

    /// One for each channel: each has objects of its own.
    fn encoders(&self, channels: &[Channel], json: bool) -> Result<Vec<Arc<Encoder>>, ConfigError> {
        let Options {
            format,
            operation_field,
            ..
        } = &self.options;
        let encoder = |channel: usize| {
            let field = operation_field.as_deref();
            let pages = self.options.pages();
            Encoder::whole(*format, channels, json, channel..channel + 1, field, pages)
                .map(Arc::new)
                .map_err(|error| ConfigError::new(format!("{}: {error}", self.target())))
        };
        (0..channels.len()).map(encoder).collect()
    }
}

impl Config for S3Config {
    fn target(&self) -> String {
        let Options {
            bucket, endpoint, ..
        } = &self.options;
        let at = endpoint
            .as_ref()
            .map(|endpoint| format!(" at {endpoint}"))
            .unwrap_or_default();
        format!("s3://{bucket}/{}{at}", self.prefix.text())
    }

    fn check(&self, channels: &[Channel], json: bool) -> Result<(), ConfigError> {
        super::options::check_templates([("prefix", &self.prefix)], channels, json)?;
        let room = self.options.room();
        match self.prefix.has_fields() {
            true => room.check(room.most(), "`max_targets`")?,
            false => room.check(channels.len(), "each stream's channels")?,
        }
        self.encoders(channels, json).map(drop)
    }

    fn reads_records(&self) -> bool {
        self.options.format != crate::encode::Format::Ndjson
    }

    fn reader(&self, reading: &Reading) -> Result<Box<dyn Reader>, SendError> {
        Ok(Box::new(read::S3Reader::new(self, reading)?))
    }

    fn open(&self, context: Context) -> Result<Box<dyn Sink>, SendError> {
        let fatal = |error: ConfigError| SendError::fatal(error.message);
        let encoders = self
            .encoders(&context.channels, context.json)
            .map_err(fatal)?;
        let open = context.channels.len() * context.mine.len();
        let room = self.options.room();
        room.check(open, "streams × channels").map_err(fatal)?;
        let service = Arc::new(service::Service::new(&self.options)?);
        Ok(Box::new(targets::S3Sink::new(
            self.clone(),
            context,
            service,
            encoders,
        )))
    }
}

#[cfg(test)]
mod tests;
