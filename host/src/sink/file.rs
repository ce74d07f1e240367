//! Files: NDJSON, a JSON array, CSV or Parquet, plain or compressed, in one piece or rotated.
//!
//! A file is written as `NAME.RUN.partial` and gets its name when it is complete. What a commit
//! confirms is on the disk, with the place where each file ends: after a crash files are cut back
//! to there, so that every record is in them once. Parquet has its index at the end and can't be gone on
//! with: there only complete files count, and the others are made again.

mod commit;
mod layout;
mod read;
mod recover;
mod targets;
mod unit;
mod writer;

use std::path::PathBuf;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::codec::{self, Codec};
use super::options::{Size, Span};
use super::read::{Reader, Reading};
use super::room::Room;
use super::{Address, Config, ConfigError, Context, Kind, Reach, SendError, Sink, options};
use crate::encode::pack::Compression;
use crate::encode::template::Template;
use crate::encode::{Encoder, Format, parquet};
use crate::record::Channel;
use layout::Layout;

/// The row of the table of sinks.
pub const KIND: Kind = Kind {
    name: "file",
    summary: "Writes files: NDJSON, a JSON array, CSV or Parquet; rotated by size or time; gzip, zstd.",
    reach: Reach::Files(&["path"]),
    schema: || schemars::schema_for!(Options),
    from_address,
    configure: |given| Ok(Arc::new(FileConfig::new(options::parse("file", given)?)?)),
};

/// Options of files.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Options {
    /// Where the records go. {channel}, {stream} and {run} stand for what they say, any other
    /// name in braces for a field of the record: out/{channel}/{address.country}.ndjson.gz
    path: String,
    /// How records are written: ndjson, json (one array), csv or parquet. From the path's ending
    /// when absent, else ndjson. Parquet counts, and stays over a crash, file by file: rotate it.
    #[serde(default)]
    format: Option<Format>,
    /// none, gzip or zstd. From the path's ending (.gz, .zst) when absent, else none. Parquet,
    /// within: none, snappy or zstd (when absent).
    #[serde(default)]
    compression: Option<Codec>,
    /// How hard to compress: 0 to 9 for gzip (6 when absent), 1 to 22 for zstd (3 when absent; 1
    /// within Parquet).
    #[serde(default)]
    level: Option<u32>,
    /// Begins another file once one holds this many bytes, before compression (Parquet: of records,
    /// before encoding). Files are then numbered: out-000000.ndjson.
    #[serde(default)]
    rotate_size: Option<Size>,
    /// Begins another file for each such stretch of the schedule's time, never the wall clock's:
    /// 1h. Files are then numbered.
    #[serde(default)]
    rotate_every: Option<Span>,
    /// Adds a field (a column) of this name that says whether a record appends, upserts or deletes.
    #[serde(default)]
    operation_field: Option<String>,
    /// How many files may be open at once: values of the path's fields × channels × streams. 1000 when
    /// absent; of Parquet as many as `max_memory` has room for.
    #[serde(default)]
    max_targets: Option<usize>,
    /// Open files of Parquet × 16 MiB may not be more than this.
    #[serde(default = "max_memory")]
    max_memory: Size,
}

fn max_memory() -> Size {
    Size(1 << 30)
}

fn from_address(address: &Address) -> Result<Map<String, Value>, ConfigError> {
    if !address.authority.is_empty() {
        return Err(ConfigError::option(
            "path",
            "file takes a path, not a host: write file:out/records.ndjson, or file:///absolute/path.ndjson",
        ));
    }
    let mut options = Map::new();
    if !address.path.is_empty() {
        options.insert("path".to_owned(), Value::from(address.path.clone()));
    }
    Ok(options)
}

/// A block of options that has been read.
#[derive(Clone, Debug)]
struct FileConfig {
    path: Template,
    format: Format,
    /// Of Parquet within, of everything else from outside.
    codec: Option<Codec>,
    level: Option<u32>,
    rotation: Rotation,
    operation_field: Option<String>,
    room: Room,
}

/// When a file is complete and another begins.
#[derive(Clone, Copy, Debug)]
struct Rotation {
    /// Bytes before compression.
    size: Option<u64>,
    /// Nanoseconds of profile time.
    every: Option<u64>,
}

impl FileConfig {
    fn new(options: Options) -> Result<FileConfig, ConfigError> {
        let path = options::template("path", &options.path)?;
        let name = options.path.rsplit('/').next().unwrap_or_default();
        if name.is_empty() {
            let message = format!(
                "`path` is \"{}\", which names a folder; add a file name: records.ndjson",
                options.path
            );
            return Err(ConfigError::option("path", message));
        }
        let (rest, by_name) = Compression::from_name(name);
        let extension = rest.rsplit_once('.').map_or("", |(_, extension)| extension);
        let format = options
            .format
            .or_else(|| Format::from_extension(extension))
            .unwrap_or_default();
        if format == Format::Parquet && by_name != Compression::None {
            let message = format!(
                "`path` is \"{}\"; Parquet is compressed within: end it with .parquet",
                options.path
            );
            return Err(ConfigError::option("path", message));
        }
        let codec = options.compression.or(match by_name {
            Compression::None => None,
            Compression::Gzip => Some(Codec::Gzip),
            Compression::Zstd => Some(Codec::Zstd),
        });
        codec::check(format, codec, options.level)?;
        let positive = |option: &str| {
            ConfigError::option(option, format!("`{option}` has to be more than nothing"))
        };
        let size = options.rotate_size.map(|size| size.0);
        if size == Some(0) {
            return Err(positive("rotate_size"));
        }
        let every = match options.rotate_every {
            None => None,
            Some(Span(span)) => match u64::try_from(span.as_nanos()) {
                Ok(nanos) if nanos > 0 => Some(nanos),
                _ => return Err(positive("rotate_every")),
            },
        };
        if options.max_targets == Some(0) {
            return Err(positive("max_targets"));
        }
        Ok(FileConfig {
            path,
            format,
            codec,
            level: options.level,
            rotation: Rotation { size, every },
            operation_field: options.operation_field,
            room: Room {
                what: "files",
                each: match format {
                    Format::Parquet => parquet::OPEN,
                    Format::Ndjson | Format::Json | Format::Csv => 0,
                },
                max_memory: options.max_memory.0,
                max_targets: options.max_targets,
                instead: "use fields with fewer values in `path`",
            },
        })
    }

    /// An encoder for each channel where each has a file of its own, else one for all.
    fn encoders(&self, channels: &[Channel], json: bool) -> Result<Vec<Arc<Encoder>>, ConfigError> {
        let encoder = |wanted| {
            let field = self.operation_field.as_deref();
            let pages = codec::pages(self.codec, self.level);
            Encoder::whole(self.format, channels, json, wanted, field, pages)
                .map(Arc::new)
                .map_err(|error| ConfigError::new(format!("{}: {error}", self.target())))
        };
        match self.path.has_channel() {
            true => (0..channels.len())
                .map(|channel| encoder(channel..channel + 1))
                .collect(),
            false => Ok(vec![encoder(0..channels.len())?]),
        }
    }
}

impl FileConfig {
    /// How files are compressed from outside.
    fn packing(&self) -> Compression {
        codec::packing(self.format, self.codec)
    }

    /// How many files there are at a time where the path has no fields.
    fn fixed(&self, channels: usize, streams: usize) -> usize {
        let channels = if self.path.has_channel() { channels } else { 1 };
        channels * if self.path.has_stream() { streams } else { 1 }
    }

    /// Whether a file can't be gone on with and counts only as a whole.
    fn is_whole(&self) -> bool {
        self.format == Format::Parquet
    }
}

impl Config for FileConfig {
    fn target(&self) -> String {
        format!("file:{}", self.path.text())
    }

    fn check(&self, channels: &[Channel], json: bool) -> Result<(), ConfigError> {
        options::check_templates([("path", &self.path)], channels, json)?;
        match self.path.has_fields() {
            true => self.room.check(self.room.most(), "`max_targets`")?,
            false => self.room.check(self.fixed(channels.len(), 1), "channels")?,
        }
        self.encoders(channels, json).map(drop)
    }

    fn files(&self) -> Vec<PathBuf> {
        vec![PathBuf::from(self.path.text())]
    }

    fn reads_records(&self) -> bool {
        self.format != Format::Ndjson
    }

    fn reader(&self, reading: &Reading) -> Result<Box<dyn Reader>, SendError> {
        Ok(Box::new(read::FileReader::new(self, reading)))
    }

    fn open(&self, context: Context) -> Result<Box<dyn Sink>, SendError> {
        let encoders = self
            .encoders(&context.channels, context.json)
            .map_err(|error| SendError::fatal(error.message))?;
        if !self.path.has_fields() {
            let open = self.fixed(context.channels.len(), context.mine.len());
            let fits = self.room.check(open, "streams × channels");
            fits.map_err(|error| SendError::fatal(error.message))?;
        }
        let rotated = self.rotation.size.is_some() || self.rotation.every.is_some();
        let layout = Layout::new(self.path.clone(), &context.run, rotated);
        Ok(Box::new(targets::FileSink::new(
            self.clone(),
            layout,
            encoders,
            context,
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(value: Value) -> Result<FileConfig, ConfigError> {
        FileConfig::new(options::parse("file", value.as_object().unwrap())?)
    }

    #[test]
    fn format_and_compression_come_from_the_name() {
        let of = |path: &str| {
            let config = read(json!({ "path": path })).unwrap();
            (config.format, config.packing())
        };
        assert_eq!(of("a/b.ndjson"), (Format::Ndjson, Compression::None));
        assert_eq!(of("a/{channel}.csv.gz"), (Format::Csv, Compression::Gzip));
        assert_eq!(of("b.JSON.zst"), (Format::Json, Compression::Zstd));
        assert_eq!(of("records"), (Format::Ndjson, Compression::None));
        assert_eq!(of("a.parquet"), (Format::Parquet, Compression::None));
        let given =
            read(json!({"path": "a.csv.gz", "format": "json", "compression": "none"})).unwrap();
        assert_eq!(
            (given.format, given.packing()),
            (Format::Json, Compression::None)
        );
    }

    #[test]
    fn wrong_options_are_named() {
        for (option, value) in [
            ("path", json!({"path": "out/"})),
            ("path", json!({"path": "a{b"})),
            ("rotate_size", json!({"path": "a", "rotate_size": 0})),
            ("rotate_every", json!({"path": "a", "rotate_every": "0s"})),
            ("level", json!({"path": "a.gz", "level": 12})),
            ("level", json!({"path": "a", "level": 1})),
            ("max_targets", json!({"path": "a", "max_targets": 0})),
            ("path", json!({"path": "a.parquet.gz"})),
            (
                "compression",
                json!({"path": "a.parquet", "compression": "gzip"}),
            ),
            (
                "compression",
                json!({"path": "a.csv", "compression": "snappy"}),
            ),
            ("format", json!({"path": "a", "format": "xml"})),
            ("rotate", json!({"path": "a", "rotate": "1h"})),
        ] {
            let error = read(value.clone()).unwrap_err();
            assert_eq!(error.option.as_deref(), Some(option), "{value}: {error}");
        }
    }

    #[test]
    fn open_files_of_parquet_have_to_fit_the_memory() {
        let channels: Vec<Channel> = (0..3)
            .map(|n| Channel {
                name: format!("c{n}"),
                schema: json!({"properties": {"id": {"type": "string"}}}),
            })
            .collect();
        let check = |value: Value| read(value).unwrap().check(&channels, true);
        assert!(check(json!({"path": "{id}.parquet"})).is_ok());
        assert!(check(json!({"path": "{id}.ndjson", "max_targets": 5000})).is_ok());
        for (value, said) in [
            (
                json!({"path": "{id}.parquet", "max_targets": 100}),
                "100 × 16 MiB = 1600 MiB",
            ),
            (
                json!({"path": "{channel}.parquet", "max_memory": "47MiB"}),
                "3 × 16 MiB = 48 MiB",
            ),
        ] {
            let error = check(value).unwrap_err();
            assert_eq!(error.option.as_deref(), Some("max_targets"));
            assert!(error.message.contains(said), "{error}");
        }
        assert!(check(json!({"path": "{channel}.parquet", "max_memory": "48MiB"})).is_ok());
    }

    #[test]
    fn columns_that_disagree_need_a_file_each() {
        let channel = |name: &str, kind: &str| Channel {
            name: name.to_owned(),
            schema: json!({"properties": {"value": {"type": kind}}}),
        };
        let channels = [channel("power", "number"), channel("state", "string")];
        let check = |path: &str| {
            read(json!({ "path": path }))
                .unwrap()
                .check(&channels, true)
        };
        assert!(check("all.csv").is_err());
        assert!(check("{channel}.csv").is_ok());
        assert!(check("all.ndjson").is_ok());
        assert!(
            check("{vale}.ndjson")
                .unwrap_err()
                .message
                .contains("`value`")
        );
    }
}
