//! Apache Parquet: typed columns, straight from the JSON text of the cells.
//!
//! Rows are gathered by columns, so many at a time whatever batches they come in, and a row group
//! is closed once it has so many bytes: the same records make the same file, and what is in memory
//! stays bounded.

mod cell;
pub(super) mod lines;

use std::ops::Range;
use std::sync::Arc;

use arrow_array::builder::{
    BooleanBuilder, Float64Builder, Int64Builder, StringBuilder, TimestampMicrosecondBuilder,
};
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{DataType, Field, Schema, SchemaRef, TimeUnit};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;

use super::columns::{ColumnType, Columns, Row};
use crate::record::Batch;
use cell::Cell;
pub use lines::Lines;

/// Rows that are gathered before they are encoded.
const ROWS: usize = 8192;
/// Bytes of those rows, at most and about.
const BYTES: usize = 8 << 20;
/// Bytes of a row group, encoded.
const ROW_GROUP: usize = 8 << 20;

/// Bytes of memory that one file or object may take while it is written: rows that are gathered, and
/// a row group.
pub const OPEN: u64 = (BYTES + ROW_GROUP) as u64;

/// How pages are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pages {
    /// Not at all.
    Plain,
    /// As Snappy does: quick.
    Snappy,
    /// As zstd does: small; 1 to 22, 1 when absent.
    Zstd(Option<u32>),
}

/// The schema of one target's files.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    schema: SchemaRef,
    properties: WriterProperties,
}

impl Layout {
    pub(super) fn new(columns: &Columns, operation: Option<&str>, pages: Pages) -> Layout {
        let columns = columns.list().iter();
        let typed = columns.map(|column| (column.name.as_str(), data_type(column.kind)));
        let all = typed.chain(operation.map(|name| (name, DataType::Utf8)));
        let fields: Vec<Field> = all
            .map(|(name, kind)| Field::new(name, kind, true))
            .collect();
        let compression = match pages {
            Pages::Plain => Compression::UNCOMPRESSED,
            Pages::Snappy => Compression::SNAPPY,
            Pages::Zstd(level) => {
                let level = level.and_then(|level| i32::try_from(level).ok());
                let level = ZstdLevel::try_new(level.unwrap_or(1));
                Compression::ZSTD(level.unwrap_or_default())
            }
        };
        Layout {
            schema: Arc::new(Schema::new(fields)),
            properties: WriterProperties::builder()
                .set_compression(compression)
                .set_created_by("wellhead".to_owned())
                // Row groups end by their bytes.
                .set_max_row_group_row_count(None)
                .build(),
        }
    }
}

fn data_type(kind: ColumnType) -> DataType {
    match kind {
        ColumnType::Bool => DataType::Boolean,
        ColumnType::Int => DataType::Int64,
        ColumnType::Float => DataType::Float64,
        ColumnType::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        ColumnType::String | ColumnType::Json => DataType::Utf8,
    }
}

/// The rows of one file.
pub(super) struct Rows {
    schema: SchemaRef,
    writer: ArrowWriter<Vec<u8>>,
    cells: Vec<Cells>,
    operations: Option<StringBuilder>,
    gathered: usize,
    bytes: usize,
    row: Row,
    text: Vec<u8>,
}

impl Rows {
    pub(super) fn begin(
        layout: &Layout,
        columns: &Columns,
        operation: bool,
    ) -> std::io::Result<Rows> {
        let schema = Arc::clone(&layout.schema);
        let properties = Some(layout.properties.clone());
        let writer = ArrowWriter::try_new(Vec::new(), Arc::clone(&schema), properties);
        let columns = columns.list().iter();
        Ok(Rows {
            schema,
            writer: writer.map_err(failed)?,
            cells: columns.map(|column| Cells::new(column.kind)).collect(),
            operations: operation.then(StringBuilder::new),
            gathered: 0,
            bytes: 0,
            row: Row::default(),
            text: Vec::new(),
        })
    }

    pub(super) fn take(
        &mut self,
        columns: &Columns,
        batch: &Batch,
        range: Range<usize>,
        out: &mut Vec<u8>,
    ) -> std::io::Result<()> {
        for k in range {
            let record = batch.record(k);
            columns.row(batch.channel(k), record, &mut self.row);
            for (index, cells) in self.cells.iter_mut().enumerate() {
                let value = self.row.cell(index, record);
                let column = &columns.list()[index];
                let cell = Cell::of(column.kind, value, &mut self.text).map_err(|unfit| {
                    let name = &column.name;
                    let value = String::from_utf8_lossy(value.unwrap_or_default());
                    let message = format!("column `{name}` is {unfit} and a record has {value}");
                    std::io::Error::new(std::io::ErrorKind::InvalidData, message)
                })?;
                cells.push(cell);
            }
            if let Some(operations) = &mut self.operations {
                operations.append_value(batch.operation(k).name());
            }
            self.gathered += 1;
            self.bytes += record.len();
            if self.gathered == ROWS || self.bytes >= BYTES {
                self.encode(out)?;
            }
        }
        Ok(())
    }

    fn encode(&mut self, out: &mut Vec<u8>) -> std::io::Result<()> {
        let mut arrays: Vec<ArrayRef> = self.cells.iter_mut().map(Cells::finish).collect();
        if let Some(operations) = &mut self.operations {
            arrays.push(Arc::new(operations.finish()));
        }
        let batch = RecordBatch::try_new(Arc::clone(&self.schema), arrays);
        let batch = batch.map_err(|error| std::io::Error::other(error.to_string()))?;
        self.writer.write(&batch).map_err(failed)?;
        (self.gathered, self.bytes) = (0, 0);
        if self.writer.in_progress_size() >= ROW_GROUP {
            self.writer.flush().map_err(failed)?;
        }
        // What the writer has put out so far is never looked at again.
        out.append(self.writer.inner_mut());
        Ok(())
    }

    pub(super) fn end(&mut self, out: &mut Vec<u8>) -> std::io::Result<()> {
        if self.gathered > 0 {
            self.encode(out)?;
        }
        self.writer.finish().map_err(failed)?;
        self.writer.sync()?;
        out.append(self.writer.inner_mut());
        Ok(())
    }
}

fn failed(error: ParquetError) -> std::io::Error {
    std::io::Error::other(error.to_string())
}

/// One column's cells.
enum Cells {
    Bool(BooleanBuilder),
    Int(Int64Builder),
    Float(Float64Builder),
    Text(StringBuilder),
    Time(TimestampMicrosecondBuilder),
}

impl Cells {
    fn new(kind: ColumnType) -> Cells {
        match kind {
            ColumnType::Bool => Cells::Bool(BooleanBuilder::new()),
            ColumnType::Int => Cells::Int(Int64Builder::new()),
            ColumnType::Float => Cells::Float(Float64Builder::new()),
            ColumnType::String | ColumnType::Json => Cells::Text(StringBuilder::new()),
            ColumnType::Timestamp => {
                let builder = TimestampMicrosecondBuilder::new();
                Cells::Time(builder.with_data_type(data_type(kind)))
            }
        }
    }

    /// A cell of another type is none.
    fn push(&mut self, cell: Cell<'_>) {
        match (self, cell) {
            (Cells::Bool(cells), Cell::Bool(value)) => cells.append_value(value),
            (Cells::Int(cells), Cell::Int(value)) => cells.append_value(value),
            (Cells::Float(cells), Cell::Float(value)) => cells.append_value(value),
            (Cells::Text(cells), Cell::Text(value)) => cells.append_value(value),
            (Cells::Time(cells), Cell::Time(value)) => cells.append_value(value),
            (Cells::Bool(cells), _) => cells.append_null(),
            (Cells::Int(cells), _) => cells.append_null(),
            (Cells::Float(cells), _) => cells.append_null(),
            (Cells::Text(cells), _) => cells.append_null(),
            (Cells::Time(cells), _) => cells.append_null(),
        }
    }

    fn finish(&mut self) -> ArrayRef {
        match self {
            Cells::Bool(cells) => Arc::new(cells.finish()),
            Cells::Int(cells) => Arc::new(cells.finish()),
            Cells::Float(cells) => Arc::new(cells.finish()),
            Cells::Text(cells) => Arc::new(cells.finish()),
            Cells::Time(cells) => Arc::new(cells.finish()),
        }
    }
}

#[cfg(test)]
mod tests;
