//! Rows in COPY's text format, straight from the records' JSON.

use sqlx::PgConnection;

use crate::encode::columns::{ColumnType, Row};
use crate::encode::scan::{string_inner, unescape};
use crate::sink::sql::{Place, Rows, Source, Table};

/// Bytes that are sent at once: the server works on them while the next are made.
const CHUNK: usize = 256 * 1024;

/// What is kept from row to row.
#[derive(Default)]
pub(super) struct Encoder {
    row: Row,
    text: Vec<u8>,
    out: Vec<u8>,
}

impl Encoder {
    /// Copies rows with a statement; `tail` is what ends each line.
    pub(super) async fn copy(
        &mut self,
        connection: &mut PgConnection,
        statement: &str,
        table: &Table,
        rows: Rows<'_>,
        tail: impl Fn(Place) -> &'static [u8],
    ) -> Result<(), sqlx::Error> {
        let mut copy = connection.copy_in_raw(statement).await?;
        self.out.clear();
        for &place in rows.places {
            self.line(table, rows, place);
            self.out.extend_from_slice(tail(place));
            if self.out.len() >= CHUNK {
                copy.send(self.out.as_slice()).await?;
                self.out.clear();
            }
        }
        if !self.out.is_empty() {
            copy.send(self.out.as_slice()).await?;
        }
        copy.finish().await.map(drop)
    }

    #[inline]
    fn line(&mut self, table: &Table, rows: Rows<'_>, place: Place) {
        let Encoder { row, text, out } = self;
        let (part, k) = rows.at(place);
        let batch = &part.batch;
        let record = batch.record(k);
        table.fields.row(batch.channel(k), record, row);
        for (index, column) in table.columns.iter().enumerate() {
            if index > 0 {
                out.push(b'\t');
            }
            match column.source {
                Source::Field(field) => match row.cell(field, record) {
                    Some(value) => put_value(column.kind, value, text, out),
                    None => out.extend_from_slice(b"\\N"),
                },
                Source::Key => match batch.key(k) {
                    Some(key) => escape(key, out),
                    None => out.extend_from_slice(b"\\N"),
                },
                Source::Run => escape(rows.run.as_bytes(), out),
                Source::Stream => put_number(u64::from(batch.stream), out),
                Source::Sequence => put_number(batch.first_sequence + k as u64, out),
                Source::Operation => out.extend_from_slice(batch.operation(k).name().as_bytes()),
            }
        }
    }
}

#[inline]
fn put_value(kind: ColumnType, value: &[u8], text: &mut Vec<u8>, out: &mut Vec<u8>) {
    let inner = match kind {
        ColumnType::Json => None,
        _ => string_inner(value),
    };
    let Some(inner) = inner else {
        return escape(value, out);
    };
    if is_plain(inner) {
        return out.extend_from_slice(inner);
    }
    text.clear();
    unescape(inner, text);
    escape(text, out);
}

fn put_number(number: u64, out: &mut Vec<u8>) {
    use std::io::Write;
    // Into memory: it doesn't fail.
    let _ = write!(out, "{number}");
}

/// Whether nothing in a text means something to COPY.
#[inline]
fn is_plain(text: &[u8]) -> bool {
    // Without a branch for each byte, so that many are looked at at once.
    let signs = text
        .iter()
        .fold(false, |found, &b| found | (b < 0x20) | (b == b'\\'));
    !signs
}

#[inline]
fn escape(text: &[u8], out: &mut Vec<u8>) {
    if is_plain(text) {
        return out.extend_from_slice(text);
    }
    for &byte in text {
        let letter = match byte {
            b'\\' => b'\\',
            b'\n' => b'n',
            b'\r' => b'r',
            b'\t' => b't',
            _ => {
                out.push(byte);
                continue;
            }
        };
        out.extend_from_slice(&[b'\\', letter]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(kind: ColumnType, value: &str) -> String {
        let mut out = Vec::new();
        put_value(kind, value.as_bytes(), &mut Vec::new(), &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn values_are_escaped_for_copy() {
        assert_eq!(value(ColumnType::Int, "17"), "17");
        assert_eq!(value(ColumnType::String, r#""plain""#), "plain");
        assert_eq!(value(ColumnType::String, r#""""#), "");
        assert_eq!(value(ColumnType::String, r#""a\tb\\N\n""#), "a\\tb\\\\N\\n");
        assert_eq!(value(ColumnType::String, r#""\\.""#), "\\\\.");
        assert_eq!(
            value(ColumnType::Json, "{\"a\":\n\"x\\\"\"}"),
            "{\"a\":\\n\"x\\\\\"\"}"
        );
        // Not JSON, and still no other line.
        assert_eq!(value(ColumnType::String, "\"a\tb\nc\""), "a\\tb\\nc");
        assert_eq!(value(ColumnType::Float, "1\\.5"), "1\\\\.5");
    }
}
