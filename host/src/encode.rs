//! Records as the bytes of a file or a request: NDJSON, a JSON array, CSV. Pure functions over
//! batches into buffers that the caller keeps.

pub mod body;
pub mod columns;
mod csv;
pub mod pack;
pub mod path;
pub mod scan;
pub mod schema;
pub mod template;
pub mod time;

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
    #[error("Parquet can't be written here; the s3 sink writes it")]
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
    /// Of CSV only.
    columns: Option<Columns>,
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

    /// One record of a batch; `first` says that none was written before it.
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
pub(crate) mod tests {
    use super::*;
    use crate::record::Origin;
    use serde_json::json;

    /// A batch of stream 0 with those records, from that sequence on.
    pub(crate) fn batch(records: &[&str], first_sequence: u64) -> Batch {
        let mut payload = Vec::new();
        let mut ends = Vec::new();
        for record in records {
            payload.extend_from_slice(record.as_bytes());
            ends.push(payload.len() as u32);
        }
        let count = records.len();
        Batch {
            stream: 0,
            payload,
            ends,
            keys: Vec::new(),
            key_ends: Vec::new(),
            channels: Vec::new(),
            operations: Vec::new(),
            times: vec![0; count],
            order: (0..count as u64).map(|k| first_sequence + k).collect(),
            origin: Origin::Dense(first_sequence),
            first_sequence,
        }
    }

    pub(crate) fn channels(properties: serde_json::Value) -> Vec<Channel> {
        vec![Channel {
            name: "main".to_owned(),
            schema: json!({ "properties": properties }),
        }]
    }

    fn whole(encoder: &Encoder, batch: &Batch) -> String {
        let mut out = Vec::new();
        let mut scratch = Scratch::default();
        encoder.begin(&mut out);
        encoder.records(batch, 0..batch.len(), true, &mut scratch, &mut out);
        encoder.end(batch.is_empty(), &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn ndjson_is_a_record_a_line_from_any_place_in_a_batch() {
        let encoder = Encoder::new(Format::Ndjson, &channels(json!({})), true, 0..1, None).unwrap();
        let batch = batch(&["{\"a\":1}", "2", "\"three\""], 0);
        assert_eq!(whole(&encoder, &batch), "{\"a\":1}\n2\n\"three\"\n");
        let mut out = b"before".to_vec();
        encoder.records(&batch, 1..3, false, &mut Scratch::default(), &mut out);
        assert_eq!(out, b"before2\n\"three\"\n");
        encoder.records(&batch, 3..3, false, &mut Scratch::default(), &mut out);
        assert_eq!(out.len(), 16);
    }

    #[test]
    fn an_array_is_json_whatever_its_length() {
        let encoder = Encoder::new(Format::Json, &channels(json!({})), true, 0..1, None).unwrap();
        for count in 0..4 {
            let records = &["1", "{\"b\":[]}", "null"][..count.min(3)];
            let text = whole(&encoder, &batch(records, 0));
            let parsed: Vec<serde_json::Value> = serde_json::from_str(&text).unwrap();
            assert_eq!(parsed.len(), records.len(), "{text}");
            assert!(text.ends_with("]\n"));
        }
    }

    #[test]
    fn the_operation_is_one_more_field() {
        let named = Encoder::new(
            Format::Ndjson,
            &channels(json!({"a": true})),
            true,
            0..1,
            Some("op"),
        )
        .unwrap();
        let mut batch = batch(&["{\"a\":1}", "{ }", "{\"a\":{}} ", "7"], 0);
        batch.operations = vec![1, 2, 0, 0];
        assert_eq!(
            whole(&named, &batch),
            "{\"a\":1,\"op\":\"upsert\"}\n{ \"op\":\"delete\"}\n{\"a\":{},\"op\":\"append\"}\n7\n"
        );
        let taken = Encoder::new(
            Format::Ndjson,
            &channels(json!({"a": true})),
            true,
            0..1,
            Some("a"),
        );
        assert!(matches!(taken, Err(EncodeError::OperationField { .. })));
    }

    #[test]
    fn opaque_records_are_lines_but_no_array() {
        assert!(Encoder::new(Format::Json, &channels(json!({})), false, 0..1, None).is_err());
        assert!(
            Encoder::new(
                Format::Ndjson,
                &channels(json!({})),
                false,
                0..1,
                Some("op")
            )
            .is_err()
        );
        let encoder =
            Encoder::new(Format::Ndjson, &channels(json!({})), false, 0..1, None).unwrap();
        assert_eq!(whole(&encoder, &batch(&["<xml/>"], 0)), "<xml/>\n");
    }
}
