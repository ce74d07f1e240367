//! Records as the bytes of a file or a request: NDJSON, a JSON array, CSV. Pure functions over
//! batches into buffers that the caller keeps.

pub mod body;
pub mod columns;
mod csv;
pub mod pack;
pub mod parquet;
pub mod path;
pub mod scan;
pub mod schema;
pub mod split;
pub mod template;
pub mod time;
pub mod value;

use std::ops::Range;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::record::{Batch, Channel};
use columns::{Columns, Row};
use schema::Schema;

/// How records are written one after another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum Format {
    /// A record a line. Records that aren't JSON are written as they are.
    #[default]
    Ndjson,
    /// One JSON array.
    Json,
    /// Comma-separated values with a header (RFC 4180): a column for each property of the
    /// channel's schema.
    Csv,
    /// Apache Parquet: a column for each property of the channel's schema.
    Parquet,
}

impl Format {
    /// From a file name's ending, without the dot.
    pub fn from_extension(extension: &str) -> Option<Format> {
        match extension.to_ascii_lowercase().as_str() {
            "ndjson" | "jsonl" => Some(Format::Ndjson),
            "json" => Some(Format::Json),
            "csv" => Some(Format::Csv),
            "parquet" => Some(Format::Parquet),
            _ => None,
        }
    }

    /// A record that was written alone, without what parts it from the next.
    pub fn bare(self, line: &[u8]) -> &[u8] {
        match self {
            Format::Json => line.strip_prefix(b"\n").unwrap_or(line),
            Format::Csv => line.strip_suffix(b"\r\n").unwrap_or(line),
            Format::Ndjson | Format::Parquet => line.strip_suffix(b"\n").unwrap_or(line),
        }
    }

    /// What a file's name ends with, without the dot.
    pub fn extension(self) -> &'static str {
        match self {
            Format::Ndjson => "ndjson",
            Format::Json => "json",
            Format::Csv => "csv",
            Format::Parquet => "parquet",
        }
    }
}

/// Why records can't be written in a format.
#[derive(Debug, thiserror::Error)]
pub enum EncodeError {
    /// Two channels in one target disagree about a column.
    #[error(
        "column `{column}` is {one_type} in channel `{one}` and {other_type} in channel `{other}`; \
         give each channel a place of its own ({{channel}} in the name)"
    )]
    ColumnTypes {
        /// The name that both have.
        column: String,
        /// The channel that has it first.
        one: String,
        /// Its type there.
        one_type: &'static str,
        /// The channel that disagrees.
        other: String,
        /// Its type there.
        other_type: &'static str,
    },
    /// The format is made of JSON values and the records are something else.
    #[error(
        "the generator's records aren't JSON, so they can't be written as {0}; use ndjson, which writes them as they are"
    )]
    NotJson(&'static str),
    /// Parquet has its index at the end, so that it can't be written piece by piece.
    #[error("Parquet can't be written here; the file and s3 sinks write it")]
    Whole,
    /// A field of that name is there already.
    #[error(
        "`operation_field` is `{field}`, which channel `{channel}` already has; choose another name"
    )]
    OperationField {
        /// The name.
        field: String,
        /// The channel that has it.
        channel: String,
    },
}

/// Writes the records of one target.
#[derive(Clone, Debug)]
pub struct Encoder {
    format: Format,
    operation: Option<OperationField>,
    /// Of CSV and Parquet.
    columns: Option<Columns>,
    parquet: Option<parquet::Layout>,
}

#[derive(Clone, Debug)]
struct OperationField {
    name: String,
    /// `"name":"`
    json: Vec<u8>,
}

/// What an encoder needs from one record to the next, kept by the caller.
#[derive(Debug, Default)]
pub struct Scratch {
    row: Row,
    text: Vec<u8>,
}

impl Encoder {
    /// For the channels with those indices, of records that are JSON or opaque bytes. With
    /// `operation_field` each record says under that name whether it appends, upserts or deletes.
    ///
    /// # Errors
    /// Where the records don't fit the format.
    pub fn new(
        format: Format,
        channels: &[Channel],
        json: bool,
        wanted: Range<usize>,
        operation_field: Option<&str>,
    ) -> Result<Encoder, EncodeError> {
        if !json && format == Format::Json {
            return Err(EncodeError::NotJson("a JSON array"));
        }
        if let Some(field) = operation_field {
            if !json && format != Format::Csv {
                return Err(EncodeError::NotJson("JSON with an operation field"));
            }
            let has = |channel: &&Channel| {
                Schema::new(&channel.schema)
                    .properties()
                    .iter()
                    .any(|(name, _)| *name == field)
            };
            if let Some(channel) = channels[wanted.clone()].iter().find(has) {
                return Err(EncodeError::OperationField {
                    field: field.to_owned(),
                    channel: channel.name.clone(),
                });
            }
        }
        let columns = match format {
            Format::Parquet => return Err(EncodeError::Whole),
            Format::Csv => Some(Columns::of(channels, json, wanted)?),
            Format::Ndjson | Format::Json => None,
        };
        let operation = operation_field.map(|name| OperationField {
            name: name.to_owned(),
            json: format!("{}:\"", serde_json::Value::from(name)).into_bytes(),
        });
        Ok(Encoder {
            format,
            operation,
            columns,
            parquet: None,
        })
    }

    /// The same for any format, of a target that is written by a [`body::Body`]: Parquet holds
    /// rows back, and its index comes last.
    ///
    /// # Errors
    /// Where the records don't fit the format.
    pub fn whole(
        format: Format,
        channels: &[Channel],
        json: bool,
        wanted: Range<usize>,
        operation_field: Option<&str>,
        pages: parquet::Pages,
    ) -> Result<Encoder, EncodeError> {
        if format != Format::Parquet {
            return Encoder::new(format, channels, json, wanted, operation_field);
        }
        // What columns and the operation's have to be is the same as for CSV.
        let table = Encoder::new(Format::Csv, channels, json, wanted, operation_field)?;
        let columns = table.columns.as_ref();
        let parquet = columns.map(|columns| parquet::Layout::new(columns, operation_field, pages));
        Ok(Encoder {
            format,
            parquet,
            ..table
        })
    }

    /// What comes before the first record.
    pub fn begin(&self, out: &mut Vec<u8>) {
        match (self.format, &self.columns) {
            (Format::Json, _) => out.push(b'['),
            (Format::Csv, Some(columns)) => {
                let names = columns.list().iter().map(|column| column.name.as_str());
                let all = names.chain(self.operation.as_ref().map(|field| field.name.as_str()));
                csv::header(all, out);
            }
            _ => {}
        }
    }

    /// What comes after the last record; `empty` says that there was none.
    pub fn end(&self, empty: bool, out: &mut Vec<u8>) {
        if self.format == Format::Json {
            out.extend_from_slice(if empty { b"]\n" } else { b"\n]\n" });
        }
    }

    /// One record of a batch; `first` says that none was written before it. Parquet's rows have no bytes of
    /// their own: the line that [`parquet::Lines`] reads them back as.
    pub fn record(
        &self,
        batch: &Batch,
        k: usize,
        first: bool,
        scratch: &mut Scratch,
        out: &mut Vec<u8>,
    ) {
        match (self.format, &self.columns) {
            (Format::Csv, Some(columns)) => {
                let operation = self.operation.as_ref().map(|_| batch.operation(k));
                csv::record(
                    columns,
                    batch.channel(k),
                    batch.record(k),
                    operation,
                    scratch,
                    out,
                );
            }
            (Format::Parquet, Some(columns)) => {
                let operation = self.operation.as_ref();
                let operation = operation.map(|o| (o.name.as_str(), batch.operation(k).name()));
                let (channel, record) = (batch.channel(k), batch.record(k));
                parquet::lines::record(columns, channel, record, operation, scratch, out);
            }
            (Format::Json, _) => {
                out.extend_from_slice(if first { b"\n" } else { b",\n" });
                self.json(batch, k, out);
            }
            _ => {
                self.json(batch, k, out);
                out.push(b'\n');
            }
        }
    }

    /// Several records of a batch, one after another.
    pub fn records(
        &self,
        batch: &Batch,
        range: Range<usize>,
        mut first: bool,
        scratch: &mut Scratch,
        out: &mut Vec<u8>,
    ) {
        if self.format == Format::Ndjson && self.operation.is_none() {
            return lines(batch, range, out);
        }
        for k in range {
            self.record(batch, k, first, scratch, out);
            first = false;
        }
    }

    fn json(&self, batch: &Batch, k: usize, out: &mut Vec<u8>) {
        let record = batch.record(k);
        let Some(field) = &self.operation else {
            return out.extend_from_slice(record);
        };
        let trimmed = record.trim_ascii_end();
        let Some(open) = trimmed.strip_suffix(b"}") else {
            // Not an object: there is no place for a field.
            return out.extend_from_slice(record);
        };
        out.extend_from_slice(open);
        if open.trim_ascii() != b"{" {
            out.push(b',');
        }
        out.extend_from_slice(&field.json);
        out.extend_from_slice(batch.operation(k).name().as_bytes());
        out.extend_from_slice(b"\"}");
    }
}

/// The hot path: every record and a line feed.
fn lines(batch: &Batch, range: Range<usize>, out: &mut Vec<u8>) {
    let Some(ends) = batch.ends.get(range.clone()) else {
        return;
    };
    let Some(&last) = ends.last() else { return };
    let mut start = match range.start {
        0 => 0,
        k => batch.ends[k - 1] as usize,
    };
    out.reserve(last as usize - start + ends.len());
    for &end in ends {
        out.extend_from_slice(&batch.payload[start..end as usize]);
        out.push(b'\n');
        start = end as usize;
    }
}

#[cfg(test)]
pub(crate) mod tests;
