//! Rows as lines of JSON: those of a file that is read back, and those that a record would give. Both are
//! made of the cells' values, so that what is equal in a file is equal here.

use std::fs::File;
use std::io::{self, Read};

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{
    Array, ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use arrow_schema::{DataType, TimeUnit};
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};

use super::super::Scratch;
use super::super::columns::Columns;
use super::cell::Cell;
use super::failed;

/// Rows that are read at once.
const ROWS: usize = 1024;

/// The rows of a Parquet file, as a text.
pub struct Lines {
    reader: ParquetRecordBatchReader,
    text: Vec<u8>,
    at: usize,
}

impl Lines {
    /// Of a file that is complete.
    ///
    /// # Errors
    /// Where it is no Parquet file, or one that isn't complete.
    pub fn of(file: File) -> io::Result<Lines> {
        let reader = ParquetRecordBatchReaderBuilder::try_new(file).map_err(failed)?;
        Ok(Lines {
            reader: reader.with_batch_size(ROWS).build().map_err(failed)?,
            text: Vec::new(),
            at: 0,
        })
    }
}

impl Read for Lines {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.at == self.text.len() {
            self.text.clear();
            self.at = 0;
            match self.reader.next() {
                None => return Ok(0),
                Some(rows) => {
                    let rows = rows.map_err(|error| io::Error::other(error.to_string()))?;
                    put_rows(&rows, &mut self.text)?;
                }
            }
        }
        let n = into.len().min(self.text.len() - self.at);
        into[..n].copy_from_slice(&self.text[self.at..self.at + n]);
        self.at += n;
        Ok(n)
    }
}

/// One column of some rows.
enum Column<'a> {
    Bool(&'a BooleanArray),
    Int(&'a Int64Array),
    Float(&'a Float64Array),
    Text(&'a StringArray),
    Time(&'a TimestampMicrosecondArray),
}

impl<'a> Column<'a> {
    fn of(array: &'a ArrayRef, name: &str) -> io::Result<Column<'a>> {
        Ok(match array.data_type() {
            DataType::Boolean => Column::Bool(array.as_boolean()),
            DataType::Int64 => Column::Int(array.as_primitive::<Int64Type>()),
            DataType::Float64 => Column::Float(array.as_primitive::<Float64Type>()),
            DataType::Utf8 => Column::Text(array.as_string::<i32>()),
            DataType::Timestamp(TimeUnit::Microsecond, _) => {
                Column::Time(array.as_primitive::<TimestampMicrosecondType>())
            }
            other => {
                let message = format!("column `{name}` is {other}, which no run writes");
                return Err(io::Error::new(io::ErrorKind::InvalidData, message));
            }
        })
    }

    fn cell(&self, row: usize) -> Cell<'a> {
        match self {
            Column::Bool(cells) if cells.is_valid(row) => Cell::Bool(cells.value(row)),
            Column::Int(cells) if cells.is_valid(row) => Cell::Int(cells.value(row)),
            Column::Float(cells) if cells.is_valid(row) => Cell::Float(cells.value(row)),
            Column::Text(cells) if cells.is_valid(row) => Cell::Text(cells.value(row)),
            Column::Time(cells) if cells.is_valid(row) => Cell::Time(cells.value(row)),
            _ => Cell::Null,
        }
    }
}

fn put_rows(rows: &RecordBatch, out: &mut Vec<u8>) -> io::Result<()> {
    let schema = rows.schema();
    let mut columns = Vec::with_capacity(rows.num_columns());
    for (field, array) in schema.fields().iter().zip(rows.columns()) {
        columns.push((field.name().as_str(), Column::of(array, field.name())?));
    }
    for row in 0..rows.num_rows() {
        put_line(
            columns
                .iter()
                .map(|(name, column)| (*name, column.cell(row))),
            out,
        );
    }
    Ok(())
}

fn put_line<'a>(cells: impl Iterator<Item = (&'a str, Cell<'a>)>, out: &mut Vec<u8>) {
    let start = out.len();
    for (name, cell) in cells {
        put_member(start, name, cell, out);
    }
    end_line(start, out);
}

fn put_member(start: usize, name: &str, cell: Cell<'_>, out: &mut Vec<u8>) {
    out.push(if out.len() == start { b'{' } else { b',' });
    Cell::Text(name).put(out);
    out.push(b':');
    cell.put(out);
}

fn end_line(start: usize, out: &mut Vec<u8>) {
    if out.len() == start {
        out.push(b'{');
    }
    out.extend_from_slice(b"}\n");
}

/// The line of a record's row, with what it does to its key under that name.
pub(in crate::encode) fn record(
    columns: &Columns,
    channel: usize,
    record: &[u8],
    operation: Option<(&str, &str)>,
    scratch: &mut Scratch,
    out: &mut Vec<u8>,
) {
    let Scratch { row, text } = scratch;
    columns.row(channel, record, row);
    let start = out.len();
    for (index, column) in columns.list().iter().enumerate() {
        let value = row.cell(index, record);
        match Cell::of(column.kind, value, text) {
            Ok(cell) => put_member(start, &column.name, cell, out),
            // What fits no column isn't written: a run ends there.
            Err(_) => put_member(start, &column.name, Cell::Null, out),
        }
    }
    if let Some((name, operation)) = operation {
        put_member(start, name, Cell::Text(operation), out);
    }
    end_line(start, out);
}
