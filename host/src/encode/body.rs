//! The records of one file or object on their way into its bytes, whatever the format.

use std::ops::Range;
use std::sync::Arc;

use super::parquet::Rows;
use super::{Encoder, Scratch};
use crate::record::Batch;

/// What is being written to one target: begun, records, ended.
pub struct Body {
    encoder: Arc<Encoder>,
    scratch: Scratch,
    records: u64,
    /// Of Parquet only, which holds rows back.
    rows: Option<Box<Rows>>,
}

impl Body {
    /// Begins; what comes before the first record is appended to `out`.
    ///
    /// # Errors
    /// Where the format's own writer fails.
    pub fn begin(encoder: Arc<Encoder>, out: &mut Vec<u8>) -> std::io::Result<Body> {
        encoder.begin(out);
        let rows = match (&encoder.parquet, &encoder.columns) {
            (Some(layout), Some(columns)) => {
                let operation = encoder.operation.is_some();
                Some(Box::new(Rows::begin(layout, columns, operation)?))
            }
            _ => None,
        };
        Ok(Body {
            encoder,
            scratch: Scratch::default(),
            records: 0,
            rows,
        })
    }

    /// Goes on with one that has so many records already and can be gone on with: not Parquet.
    pub fn resume(encoder: Arc<Encoder>, records: u64) -> Body {
        Body {
            encoder,
            scratch: Scratch::default(),
            records,
            rows: None,
        }
    }

    /// Takes several records of a batch, and appends to `out` what they make complete.
    ///
    /// # Errors
    /// Where a record doesn't fit the format's columns, or its own writer fails.
    pub fn records(
        &mut self,
        batch: &Batch,
        range: Range<usize>,
        out: &mut Vec<u8>,
    ) -> std::io::Result<()> {
        let first = self.records == 0;
        self.records += range.len() as u64;
        match (&mut self.rows, &self.encoder.columns) {
            (Some(rows), Some(columns)) => rows.take(columns, batch, range, out),
            _ => {
                self.encoder
                    .records(batch, range, first, &mut self.scratch, out);
                Ok(())
            }
        }
    }

    /// Ends; what was held back and what comes after the last record is appended to `out`.
    ///
    /// # Errors
    /// Where the format's own writer fails.
    pub fn end(&mut self, out: &mut Vec<u8>) -> std::io::Result<()> {
        match &mut self.rows {
            Some(rows) => rows.end(out),
            None => {
                self.encoder.end(self.records == 0, out);
                Ok(())
            }
        }
    }
}
