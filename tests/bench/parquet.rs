//! Parquet from records, against arrow's own JSON reader and the same Parquet writer.

use std::sync::Arc;

use arrow_schema::{DataType, Field, Schema, SchemaRef};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use wellhead::encode::body::Body;
use wellhead::encode::parquet::Pages;
use wellhead::encode::{Encoder, Format};
use wellhead::record::Batch;

use crate::measure::{Outcome, median, ratio, take_turns, thread_cpu};
use crate::s3;
use crate::table::{Row, rate};

const TURNS: usize = 7;
const BYTES: u64 = 64 << 20;
/// Rows that both gather before they are encoded.
const ROWS: usize = 8192;

fn ours(encoder: &Arc<Encoder>, batches: &[Arc<Batch>]) -> Outcome<Vec<u8>> {
    let mut out = Vec::new();
    let mut body = Body::begin(Arc::clone(encoder), &mut out)?;
    for batch in batches {
        body.records(batch, 0..batch.len(), &mut out)?;
    }
    body.end(&mut out)?;
    Ok(out)
}

fn theirs(schema: &SchemaRef, lines: &[u8]) -> Outcome<Vec<u8>> {
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(1)?))
        .build();
    let mut writer = ArrowWriter::try_new(Vec::new(), Arc::clone(schema), Some(properties))?;
    let reader = arrow_json::ReaderBuilder::new(Arc::clone(schema)).with_batch_size(ROWS);
    for rows in reader.build(lines)? {
        writer.write(&rows?)?;
    }
    Ok(writer.into_inner()?)
}

/// The same columns with UTC as an offset: arrow knows no zones by name without a crate of them.
fn offset(schema: &Schema) -> SchemaRef {
    let fields = schema.fields().iter().map(|field| {
        let field = Field::clone(field);
        match field.data_type() {
            DataType::Timestamp(unit, Some(_)) => {
                let kind = DataType::Timestamp(*unit, Some("+00:00".into()));
                field.with_data_type(kind)
            }
            _ => field,
        }
    });
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

/// Records a second of CPU time.
pub fn row() -> Outcome<Row> {
    let s3::Recorded { channels, batches } = s3::recorded("device-log", BYTES)?;
    let lines = s3::lines(&batches);
    let records: usize = batches.iter().map(|batch| batch.len()).sum();
    let pages = Pages::Zstd(None);
    let encoder = Encoder::whole(Format::Parquet, &channels, true, 0..1, None, pages)?;
    let encoder = Arc::new(encoder);
    let made = ours(&encoder, &batches)?;
    let size = made.len();
    let read = ParquetRecordBatchReaderBuilder::try_new(bytes::Bytes::from(made))?;
    let schema = offset(read.schema());
    let (mut mine, mut other) = (0, 0);
    for rows in read.build()? {
        mine += rows?.num_rows();
    }
    let reference = bytes::Bytes::from(theirs(&schema, &lines)?);
    for rows in ParquetRecordBatchReaderBuilder::try_new(reference)?.build()? {
        other += rows?.num_rows();
    }
    if (mine, other) != (records, records) {
        return Err(format!("{mine} and {other} rows of {records} records").into());
    }
    let timed = |work: &dyn Fn() -> Outcome<Vec<u8>>| {
        let begun = thread_cpu();
        std::hint::black_box(work()?);
        let spent = thread_cpu().saturating_sub(begun);
        Ok(records as f64 / spent.as_secs_f64())
    };
    let [ours, theirs] = take_turns(
        TURNS,
        [&mut || timed(&|| ours(&encoder, &batches)), &mut || {
            timed(&|| theirs(&schema, &lines))
        }],
    )?;
    let detail = format!(
        "{} ÷ {}, {:.1} of {:.1} MB",
        rate(median(&ours)),
        rate(median(&theirs)),
        size as f64 / 1e6,
        lines.len() as f64 / 1e6
    );
    let name = "Parquet ÷ arrow's JSON reader and Parquet writer";
    Ok(Row::at_least(name, ratio(&ours, &theirs), 0.8, &detail))
}
