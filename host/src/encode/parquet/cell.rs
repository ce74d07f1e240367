//! A value as a column keeps it: what is written, and what is compared where a file is read back.

use std::io::Write;

use super::super::columns::ColumnType;
use super::super::scan::{plain_string, put_text};

/// A value of a column.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Cell<'a> {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    /// Text; JSON text, too, where the column is for anything.
    Text(&'a str),
    /// Microseconds since the Unix epoch.
    Time(i64),
}

impl<'a> Cell<'a> {
    /// From the JSON text of a record's field. The error is what the column is, as a person says it.
    pub(super) fn of(
        kind: ColumnType,
        value: Option<&'a [u8]>,
        text: &'a mut Vec<u8>,
    ) -> Result<Cell<'a>, &'static str> {
        let Some(value) = value else {
            return Ok(Cell::Null);
        };
        Ok(match kind {
            ColumnType::Bool => match value {
                b"true" => Cell::Bool(true),
                b"false" => Cell::Bool(false),
                _ => return Err("boolean"),
            },
            ColumnType::Int => Cell::Int(integer(value).ok_or("a 64-bit integer")?),
            ColumnType::Float => Cell::Float(number(value).ok_or("a number")?),
            ColumnType::String => match plain_string(value) {
                Some(plain) => Cell::Text(utf8(plain)?),
                None => {
                    text.clear();
                    put_text(value, text);
                    Cell::Text(utf8(text)?)
                }
            },
            ColumnType::Json => Cell::Text(utf8(value)?),
            ColumnType::Timestamp => {
                let time = plain_string(value).and_then(instant);
                Cell::Time(time.ok_or("a timestamp (RFC 3339)")?)
            }
        })
    }

    /// As a JSON value, in one form.
    pub(super) fn put(self, out: &mut Vec<u8>) {
        // Into memory: nothing of this fails.
        let _ = match self {
            Cell::Null => out.write_all(b"null"),
            Cell::Bool(value) => write!(out, "{value}"),
            Cell::Int(value) => write!(out, "{value}"),
            Cell::Float(value) if value.is_finite() => write!(out, "{value:?}"),
            Cell::Float(value) => write!(out, "\"{value}\""),
            Cell::Text(value) => serde_json::to_writer(out, value).map_err(Into::into),
            Cell::Time(value) => match jiff::Timestamp::from_microsecond(value) {
                Ok(time) => write!(out, "\"{time}\""),
                Err(_) => write!(out, "{value}"),
            },
        };
    }
}

fn utf8(value: &[u8]) -> Result<&str, &'static str> {
    std::str::from_utf8(value).map_err(|_| "text (UTF-8)")
}

fn number(value: &[u8]) -> Option<f64> {
    std::str::from_utf8(value).ok()?.parse().ok()
}

/// A whole number, which JSON may also write as `1.0` or `1e3`.
fn integer(value: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(value).ok()?;
    text.parse().ok().or_else(|| {
        let number: f64 = text
            .parse()
            .ok()
            .filter(|_| text.contains(['.', 'e', 'E']))?;
        let whole = number.fract() == 0.0 && number.abs() < 9_007_199_254_740_992.0;
        whole.then_some(number as i64)
    })
}

/// Microseconds since the Unix epoch.
fn instant(text: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(text).ok()?;
    text.parse::<jiff::Timestamp>()
        .ok()
        .map(jiff::Timestamp::as_microsecond)
}
