//! Compression as a block says it: around a file or object, or within it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ConfigError;
use crate::encode::Format;
use crate::encode::pack::Compression;
use crate::encode::parquet::Pages;

/// How files or objects, or what is in them, are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub(super) enum Codec {
    None,
    Gzip,
    Zstd,
    Snappy,
}

/// Whether a format can be compressed like that.
///
/// # Errors
/// Which option is wrong, and how.
pub(super) fn check(
    format: Format,
    codec: Option<Codec>,
    level: Option<u32>,
) -> Result<(), ConfigError> {
    let wrong = |message: &str| Err(ConfigError::option("compression", message));
    let parquet = format == Format::Parquet;
    let compression = match codec {
        Some(Codec::Snappy) if !parquet => {
            return wrong("`compression: snappy` is Parquet's; here it can be none, gzip or zstd");
        }
        Some(Codec::Gzip) if parquet => {
            return wrong(
                "Parquet is compressed within; `compression` can be none, snappy or zstd",
            );
        }
        None | Some(Codec::Zstd) if parquet => Compression::Zstd,
        _ => packing(format, codec),
    };
    compression
        .check_level(level)
        .map_err(|message| ConfigError::option("level", message))
}

/// How a file or object is compressed from outside.
pub(super) fn packing(format: Format, codec: Option<Codec>) -> Compression {
    match codec {
        _ if format == Format::Parquet => Compression::None,
        Some(Codec::Gzip) => Compression::Gzip,
        Some(Codec::Zstd) => Compression::Zstd,
        Some(Codec::None | Codec::Snappy) | None => Compression::None,
    }
}

/// How Parquet is compressed within.
pub(super) fn pages(codec: Option<Codec>, level: Option<u32>) -> Pages {
    match codec {
        Some(Codec::None) => Pages::Plain,
        Some(Codec::Snappy) => Pages::Snappy,
        Some(Codec::Gzip | Codec::Zstd) | None => Pages::Zstd(level),
    }
}
