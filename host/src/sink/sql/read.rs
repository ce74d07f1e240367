//! Tables, read back: rows as JSON objects, each value in one form whoever wrote it.

use bytes::Bytes;
use serde_json::{Map, Value};

use super::{Source, Table, Tables};
use crate::encode::Format;
use crate::encode::columns::Row;
use crate::encode::split::Splitter;
use crate::encode::value::{cell_text, value};
use crate::record::Batch;
use crate::sink::SendError;
use crate::sink::read::{self, Form, Kept, Look, Reader, Reading};
use crate::sink::text::{Feeder, Pipe, Texts};

/// Bytes of rows that go at once.
const PIECE: usize = 64 * 1024;

/// Begins to read a table's rows, in a task of its own.
type Begin = Box<dyn Fn(&Table, &Reading) -> Pipe + Send>;

/// What reads the tables of a sink.
pub(in crate::sink) struct SqlReader {
    tables: Tables,
    reading: Reading,
    address: String,
    begin: Begin,
}

impl SqlReader {
    /// Over a database: `rows` reads one table of it, by its client, address, table and run.
    pub(in crate::sink) fn over<C, F>(
        tables: Tables,
        reading: &Reading,
        (client, address): (C, String),
        rows: fn(C, String, Table, String, Feeder) -> F,
    ) -> Box<dyn Reader>
    where
        C: Clone + Send + 'static,
        F: Future<Output = Result<(), SendError>> + Send + 'static,
    {
        let at = address.clone();
        let begin: Begin = Box::new(move |table, reading| {
            Pipe::of(&reading.runtime, |feeder| {
                let (table, run) = (table.clone(), reading.run.clone());
                rows(client.clone(), at.clone(), table, run, feeder)
            })
        });
        Box::new(SqlReader {
            tables,
            reading: reading.clone(),
            address,
            begin,
        })
    }

    fn table(&self, place: &str) -> Option<&Table> {
        let mut tables = self.tables.list.iter();
        tables.find(|table| table.name.to_string() == place)
    }
}

impl Reader for SqlReader {
    fn kept(&self) -> Kept {
        Kept::Nothing
    }

    fn keys(&self, place: &str) -> Vec<String> {
        let columns = self.table(place).into_iter().flat_map(Table::key_columns);
        columns
            .map(|column| column.name.plain().to_owned())
            .collect()
    }

    fn form(&self) -> Result<Box<dyn Form>, SendError> {
        Ok(Box::new(SqlForm {
            places: self
                .tables
                .list
                .iter()
                .map(|t| t.name.to_string())
                .collect(),
            tables: self.tables.clone(),
            run: self.reading.run.clone(),
            row: Row::default(),
            scratch: Vec::new(),
            line: Vec::new(),
        }))
    }

    fn open(&mut self, place: &str) -> Result<Vec<Box<dyn read::Source>>, SendError> {
        let Some(table) = self.table(place) else {
            return Ok(Vec::new());
        };
        let pipe = (self.begin)(table, &self.reading);
        let name = format!("{} table {place}", self.address);
        let mut text = Some((name, Splitter::new(Box::new(pipe), Format::Ndjson)));
        Ok(vec![Box::new(Texts::new(move || Ok(text.take())))])
    }
}

struct SqlForm {
    places: Vec<String>,
    tables: Tables,
    run: String,
    row: Row,
    scratch: Vec<u8>,
    line: Vec<u8>,
}

impl Form for SqlForm {
    fn of<'a>(&'a mut self, batch: &'a Batch, k: usize) -> Option<(u32, Look<'a>)> {
        let place = *self.tables.of_channel.get(batch.channel(k))?;
        let table = self.tables.list.get(place)?;
        let record = batch.record(k);
        table.fields.row(batch.channel(k), record, &mut self.row);
        let mut map = Map::new();
        for column in &table.columns {
            let found = match column.source {
                Source::Field(field) => match self.row.cell(field, record) {
                    None => Value::Null,
                    Some(cell) => {
                        let text = cell_text(column.kind, cell, &mut self.scratch);
                        value(column.kind, Some(&text))
                    }
                },
                Source::Key => batch
                    .key(k)
                    .map_or(Value::Null, |key| String::from_utf8_lossy(key).into()),
                Source::Run => self.run.as_str().into(),
                Source::Stream => batch.stream.into(),
                Source::Sequence => (batch.first_sequence + k as u64).into(),
                Source::Operation => batch.operation(k).name().into(),
            };
            map.insert(column.name.plain().to_owned(), found);
        }
        self.line.clear();
        // Into memory: it doesn't fail.
        let _ = serde_json::to_writer(&mut self.line, &map);
        let (record, tail) = (self.line.as_slice(), &b""[..]);
        Some((place as u32, Look { record, tail }))
    }

    fn places(&self) -> &[String] {
        &self.places
    }
}

/// Rows on their way to the comparison, a line each.
pub(in crate::sink) struct RowFeed {
    feeder: Feeder,
    lines: Vec<u8>,
}

impl RowFeed {
    pub(in crate::sink) fn new(feeder: Feeder) -> RowFeed {
        RowFeed {
            feeder,
            lines: Vec::with_capacity(PIECE + PIECE / 4),
        }
    }

    /// One row: the text of each of the table's columns.
    pub(in crate::sink) async fn row<'a>(
        &mut self,
        table: &Table,
        texts: impl Iterator<Item = Option<std::borrow::Cow<'a, str>>>,
    ) -> Result<(), SendError> {
        let named = table.columns.iter().zip(texts).map(|(column, text)| {
            let found = value(column.kind, text.as_deref());
            (column.name.plain().to_owned(), found)
        });
        let map: Map<String, Value> = named.collect();
        // Into memory: it doesn't fail.
        let _ = serde_json::to_writer(&mut self.lines, &map);
        self.lines.push(b'\n');
        match self.lines.len() >= PIECE {
            true => self.flush().await,
            false => Ok(()),
        }
    }

    /// What is left.
    pub(in crate::sink) async fn flush(&mut self) -> Result<(), SendError> {
        let full = std::mem::replace(&mut self.lines, Vec::with_capacity(PIECE + PIECE / 4));
        match full.is_empty() {
            true => Ok(()),
            false => self.feeder.give(Bytes::from(full)).await,
        }
    }
}
