//! Parquet, read back as the values of its columns.

use std::fs::File;
use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, StringArray};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::{assert_counts, run, verify};
use crate::common::{Sandbox, stderr};

/// Whatever pages, parts and columns it was written with.
#[test]
fn every_form_of_a_parquet_file_is_read_back() {
    for (generator, sink) in [
        ("transaction", "file:o.parquet"),
        ("device-log", "file:o.parquet?compression=snappy"),
        (
            "machine-signal",
            "file:out/{channel}-{stream}.parquet?rotate_size=100KB",
        ),
        (
            "user-profile",
            "file:o.parquet?operation_field=op&rotate_every=1s",
        ),
        ("iot-sensor", "file:o/{device_id}.parquet?compression=none"),
    ] {
        let sandbox = Sandbox::new();
        let flags = format!("--streams 2 --load 5000/s --speed max --records 20000 --to {sink}");
        run(&sandbox, generator, &flags);
        let report = verify(&sandbox, 0, &["--from"]);
        assert_counts(&report, &[]);
        let matched = report["matched"].as_u64().unwrap();
        assert!(matched > 5_000, "{sink}: {report:#}");
    }
}

fn rows(sandbox: &Sandbox) -> RecordBatch {
    let file = File::open(sandbox.path("o.parquet")).unwrap();
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
    let mut all = reader.with_batch_size(1 << 20).build().unwrap();
    let rows = all.next().unwrap().unwrap();
    assert!(all.next().is_none(), "all rows at once");
    rows
}

/// One row with another text in a column.
fn altered(row: &RecordBatch, column: &str, text: &str) -> RecordBatch {
    let index = row.schema().index_of(column).unwrap();
    let mut columns: Vec<ArrayRef> = row.columns().to_vec();
    columns[index] = Arc::new(StringArray::from(vec![text]));
    RecordBatch::try_new(row.schema(), columns).unwrap()
}

#[test]
fn what_was_done_to_the_rows_of_a_parquet_file_is_found() {
    let sandbox = Sandbox::new();
    run(
        &sandbox,
        "transaction",
        "--streams 2 --load max --records 20000 --to file:o.parquet",
    );
    let all = rows(&sandbox);
    assert_eq!(all.num_rows(), 20_000);
    let row = |at: usize| all.slice(at, 1);
    let file = File::create(sandbox.path("bad.parquet")).unwrap();
    let mut writer = ArrowWriter::try_new(file, all.schema(), None).unwrap();
    // Without row 700; row 900 altered; row 4000 comes once more; row 9000 stands before row 8900.
    for part in [
        all.slice(0, 700),
        all.slice(701, 199),
        altered(&row(900), "currency", "none"),
        all.slice(901, 3_100),
        row(4_000),
        all.slice(4_001, 4_899),
        row(9_000),
        all.slice(8_900, 100),
        all.slice(9_001, 10_999),
    ] {
        writer.write(&part).unwrap();
    }
    writer.close().unwrap();
    let report = verify(&sandbox, 1, &["--from", "file:bad.parquet"]);
    let wanted = [
        ("missing", 1),
        ("repeated", 1),
        ("reordered", 1),
        ("altered", 1),
    ];
    assert_counts(&report, &wanted);
    let examples = report["examples"].as_array().unwrap();
    let altered = examples.iter().find(|e| e["kind"] == "altered").unwrap();
    assert_eq!(altered["diff"].as_array().unwrap().len(), 1, "{altered:#}");
    assert_eq!(altered["diff"][0]["field"], "/currency");
    assert_eq!(altered["diff"][0]["found"], "none");
}

#[test]
fn a_file_that_is_no_parquet_is_said() {
    let sandbox = Sandbox::new();
    run(
        &sandbox,
        "transaction",
        "--load max --records 100 --to file:o.parquet",
    );
    let whole = std::fs::read(sandbox.path("o.parquet")).unwrap();
    std::fs::write(sandbox.path("torn.parquet"), &whole[..whole.len() - 9]).unwrap();
    let output = sandbox.expect(2, &["verify", "m.json", "--from", "file:torn.parquet"]);
    let said = stderr(&output);
    assert!(
        said.contains("torn.parquet") && said.contains("Parquet"),
        "{said}"
    );
}

/// What a run that isn't over has written of a file has no index yet.
#[test]
fn a_file_that_is_not_complete_is_said_to_be_gone_on_with() {
    let sandbox = Sandbox::new();
    run(
        &sandbox,
        "transaction",
        "--load max --records 100 --run r --to file:o.parquet",
    );
    let whole = std::fs::read(sandbox.path("o.parquet")).unwrap();
    std::fs::write(sandbox.path("o.parquet.r.partial"), &whole[..500]).unwrap();
    let said = stderr(&sandbox.expect(2, &["verify", "m.json", "--from"]));
    for part in ["o.parquet", "isn't complete", "--resume"] {
        assert!(said.contains(part), "{part} is missing: {said}");
    }
}
