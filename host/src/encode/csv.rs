//! CSV as RFC 4180 has it: comma, double quotes, CRLF, a header.
//!
//! Quoting is done here and not by `csv-core`, whose writer takes a byte at a time into a window
//! of fixed size: most cells need none, and finding that out is one search. The tests read what
//! is written here with `csv-core`.

use memchr::{memchr, memchr_iter, memchr3};

use super::Scratch;
use super::columns::{ColumnType, Columns};
use super::scan::{plain_string, string_inner, unescape};
use crate::record::Operation;

/// The line of column names.
pub(super) fn header<'a>(names: impl Iterator<Item = &'a str>, out: &mut Vec<u8>) {
    for (column, name) in names.enumerate() {
        if column > 0 {
            out.push(b',');
        }
        cell(name.as_bytes(), out);
    }
    out.extend_from_slice(b"\r\n");
}

/// One record's line. Null is an empty cell, an empty string is `""`.
pub(super) fn record(
    columns: &Columns,
    channel: usize,
    record: &[u8],
    operation: Option<Operation>,
    scratch: &mut Scratch,
    out: &mut Vec<u8>,
) {
    let Scratch { row, text } = scratch;
    columns.row(channel, record, row);
    let start = out.len();
    for (index, column) in columns.list().iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        let Some(value) = row.cell(index, record) else {
            continue;
        };
        if column.kind == ColumnType::Json {
            cell(value, out);
        } else if let Some(plain) = plain_string(value) {
            cell(plain, out);
        } else if let Some(escaped) = string_inner(value) {
            text.clear();
            unescape(escaped, text);
            cell(text, out);
        } else {
            cell(value, out);
        }
    }
    if let Some(operation) = operation {
        out.push(b',');
        out.extend_from_slice(operation.name().as_bytes());
    }
    if out.len() == start {
        // A line with nothing on it would be no record to a reader.
        out.extend_from_slice(b"\"\"");
    }
    out.extend_from_slice(b"\r\n");
}

fn cell(text: &[u8], out: &mut Vec<u8>) {
    let plain = memchr3(b',', b'"', b'\n', text).is_none() && memchr(b'\r', text).is_none();
    if plain && !text.is_empty() {
        return out.extend_from_slice(text);
    }
    out.push(b'"');
    let mut start = 0;
    for quote in memchr_iter(b'"', text) {
        out.extend_from_slice(&text[start..=quote]);
        start = quote;
    }
    out.extend_from_slice(&text[start..]);
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::super::tests::channels;
    use super::super::{Encoder, Format, Scratch};
    use crate::record::made::batch;
    use serde_json::json;

    /// Reads with `csv-core`, which shares no code with the writer.
    fn read(text: &[u8]) -> Vec<Vec<String>> {
        let mut reader = csv_core::Reader::new();
        let (mut rows, mut output, mut ends) = (Vec::new(), vec![0; 65536], vec![0; 64]);
        let mut rest = text;
        loop {
            let (result, taken, _, cells) = reader.read_record(rest, &mut output, &mut ends);
            rest = &rest[taken..];
            match result {
                csv_core::ReadRecordResult::Record => {
                    let mut start = 0;
                    rows.push(
                        ends[..cells]
                            .iter()
                            .map(|&end| {
                                let text = String::from_utf8(output[start..end].to_vec()).unwrap();
                                start = end;
                                text
                            })
                            .collect(),
                    );
                }
                csv_core::ReadRecordResult::End => return rows,
                other => assert_eq!(other, csv_core::ReadRecordResult::InputEmpty),
            }
        }
    }

    fn write(
        properties: serde_json::Value,
        records: &[&str],
        operation_field: Option<&str>,
    ) -> Vec<u8> {
        let encoder = Encoder::new(
            Format::Csv,
            &channels(properties),
            true,
            0..1,
            operation_field,
        )
        .unwrap();
        let mut out = Vec::new();
        encoder.begin(&mut out);
        let batch = batch(records, 0);
        encoder.records(
            &batch,
            0..batch.len(),
            true,
            &mut Scratch::default(),
            &mut out,
        );
        encoder.end(false, &mut out);
        out
    }

    #[test]
    fn what_is_read_back_is_what_was_written() {
        let properties = json!({
            "id": {"type": "integer"}, "na,me": {"type": "string"}, "tags": {"type": "array"}, "ok": {"type": "boolean"}
        });
        let records = [
            r#"{"id":1,"na,me":"plain","tags":["a","b\"c"],"ok":true}"#,
            r#"{"na,me":"say \"hi\", you\nand\r\nyou \u00e9","id":-2.5e1,"ok":null,"unknown":1}"#,
            r#"{"id":3,"na,me":"","tags":"text"}"#,
        ];
        let rows = read(&write(properties, &records, None));
        assert_eq!(rows[0], ["id", "na,me", "tags", "ok"]);
        assert_eq!(rows[1], ["1", "plain", r#"["a","b\"c"]"#, "true"]);
        assert_eq!(rows[2], ["-2.5e1", "say \"hi\", you\nand\r\nyou é", "", ""]);
        assert_eq!(rows[3], ["3", "", "\"text\"", ""]);
        assert_eq!(rows.len(), 4);
    }

    #[test]
    fn empty_text_differs_from_null_and_lines_end_in_crlf() {
        let text = write(
            json!({"a": {"type": "string"}, "b": {"type": "string"}}),
            &[r#"{"a":"","b":null}"#],
            None,
        );
        assert_eq!(String::from_utf8(text).unwrap(), "a,b\r\n\"\",\r\n");
        let single = write(json!({"a": {"type": "string"}}), &["{}"], None);
        assert_eq!(String::from_utf8(single).unwrap(), "a\r\n\"\"\r\n");
    }

    #[test]
    fn the_operation_is_the_last_column() {
        let text = write(
            json!({"a": {"type": "integer"}}),
            &[r#"{"a":1}"#],
            Some("op"),
        );
        assert_eq!(String::from_utf8(text).unwrap(), "a,op\r\n1,append\r\n");
    }

    #[test]
    fn a_schema_without_properties_gives_one_column_of_json() {
        let rows = read(&write(json!({}), &[r#"{"a":"x,\"y\""}"#], None));
        assert_eq!(rows, [["record"], [r#"{"a":"x,\"y\""}"#]]);
    }
}
