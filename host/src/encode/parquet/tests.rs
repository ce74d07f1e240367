use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{Array, RecordBatch};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::json;

use super::super::body::Body;
use super::super::tests::channels;
use super::super::{Encoder, Format, Scratch};
use super::*;
use crate::record::made::batch;

fn encoder(properties: serde_json::Value, operation: Option<&str>, pages: Pages) -> Arc<Encoder> {
    let channels = channels(properties);
    Arc::new(Encoder::whole(Format::Parquet, &channels, true, 0..1, operation, pages).unwrap())
}

fn write(encoder: &Arc<Encoder>, batch: &Batch, step: usize) -> std::io::Result<Vec<u8>> {
    let mut out = Vec::new();
    let mut body = Body::begin(Arc::clone(encoder), &mut out)?;
    for start in (0..batch.len()).step_by(step) {
        let end = (start + step).min(batch.len());
        body.records(batch, start..end, &mut out)?;
    }
    body.end(&mut out)?;
    Ok(out)
}

fn read(bytes: Vec<u8>) -> Vec<RecordBatch> {
    let reader = ParquetRecordBatchReaderBuilder::try_new(bytes::Bytes::from(bytes)).unwrap();
    reader.build().unwrap().map(Result::unwrap).collect()
}

#[test]
fn types_and_values_are_those_of_the_records() {
    let properties = json!({
        "b": {"type": "boolean"}, "i": {"type": "integer"}, "f": {"type": "number"},
        "s": {"type": "string"}, "t": {"type": "string", "format": "date-time"},
        "j": {"type": "object"},
    });
    let mut records = batch(
        &[
            r#"{"b":true,"i":-7,"f":1.5,"s":"x\n\u00e9","t":"2024-01-01T05:00:00.25Z","j":{"a":[1]}}"#,
            r#"{"j":null,"s":"","i":1e3,"f":2}"#,
        ],
        0,
    );
    records.operations = vec![1, 0];
    for pages in [Pages::Plain, Pages::Snappy, Pages::Zstd(Some(9))] {
        let encoder = encoder(properties.clone(), Some("op"), pages);
        let rows = &read(write(&encoder, &records, 1).unwrap())[0];
        let names: Vec<String> = rows
            .schema()
            .fields()
            .iter()
            .map(|f| f.name().clone())
            .collect();
        assert_eq!(names, ["b", "i", "f", "s", "t", "j", "op"]);
        assert!(rows.column(0).as_boolean().value(0) && rows.column(0).is_null(1));
        assert_eq!(
            rows.column(1).as_primitive::<Int64Type>().values(),
            &[-7, 1000]
        );
        assert_eq!(
            rows.column(2).as_primitive::<Float64Type>().values(),
            &[1.5, 2.0]
        );
        let text = |column: usize, row: usize| rows.column(column).as_string::<i32>().value(row);
        assert_eq!((text(3, 0), text(3, 1)), ("x\né", ""));
        let times = rows.column(4).as_primitive::<TimestampMicrosecondType>();
        assert_eq!(times.value(0), 1_704_085_200_250_000);
        assert_eq!(times.timezone(), Some("UTC"));
        assert_eq!(
            (text(5, 0), rows.column(5).is_null(1)),
            (r#"{"a":[1]}"#, true)
        );
        assert_eq!((text(6, 0), text(6, 1)), ("upsert", "append"));
    }
}

/// However the records came, and with more of them than a row group holds.
#[test]
fn the_same_records_make_the_same_file() {
    let encoder = encoder(
        json!({"n": {"type": "integer"}, "s": {"type": "string"}}),
        None,
        Pages::Plain,
    );
    let mut random = 7u64;
    let records: Vec<String> = (0..40_000)
        .map(|n| {
            random = random
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            format!(
                r#"{{"n":{n},"s":"{}"}}"#,
                format!("{random:020}").repeat(20)
            )
        })
        .collect();
    let records: Vec<&str> = records.iter().map(String::as_str).collect();
    let records = batch(&records, 0);
    let whole = write(&encoder, &records, usize::MAX / 2).unwrap();
    assert!(write(&encoder, &records, 977).unwrap() == whole);
    let reader = ParquetRecordBatchReaderBuilder::try_new(bytes::Bytes::from(whole)).unwrap();
    let groups = reader.metadata().num_row_groups();
    assert!((2..5).contains(&groups), "{groups}");
    let mut next = 0;
    for rows in reader.build().unwrap() {
        let rows = rows.unwrap();
        for &n in rows.column(0).as_primitive::<Int64Type>().values() {
            assert_eq!(n, next);
            next += 1;
        }
    }
    assert_eq!(next, 40_000);
}

#[test]
fn a_value_that_does_not_fit_is_said() {
    let encoder = encoder(json!({"n": {"type": "integer"}}), None, Pages::Plain);
    for (record, said) in [
        (
            r#"{"n":"x"}"#,
            "column `n` is a 64-bit integer and a record has \"x\"",
        ),
        (r#"{"n":18446744073709551615}"#, "18446744073709551615"),
    ] {
        let error = write(&encoder, &batch(&[record], 0), 1).unwrap_err();
        assert!(error.to_string().contains(said), "{error}");
    }
    let none = read(write(&encoder, &batch(&[], 0), 1).unwrap());
    assert_eq!(none.iter().map(RecordBatch::num_rows).sum::<usize>(), 0);
}

/// What is compared when a run is verified: a value has one form, on its way into a file and out of it.
#[test]
fn rows_are_read_back_as_the_lines_that_their_records_give() {
    let properties = json!({
        "b": {"type": "boolean"}, "i": {"type": "integer"}, "f": {"type": "number"},
        "s": {"type": "string"}, "t": {"type": "string", "format": "date-time"},
        "j": {"type": "object"},
    });
    let records = [
        r#"{"b":true,"i":1e3,"f":12345678901234567890,"s":"x\n\u00e9","t":"2024-01-01T05:00:00.2500009+01:00"}"#,
        r#"{"j":{"a" : [1]},"f":1e999,"s":"","i":-9223372036854775808}"#,
        r#"{"j":null,"f":0.1,"b":false}"#,
    ];
    let mut records = batch(&records.repeat(1_000), 0);
    records.operations = [0, 1, 2].repeat(1_000);
    let encoder = encoder(properties, Some("op"), Pages::Plain);
    let mut file = tempfile::tempfile().unwrap();
    std::io::Write::write_all(&mut file, &write(&encoder, &records, 700).unwrap()).unwrap();
    let mut read = Vec::new();
    std::io::Read::read_to_end(&mut Lines::of(file).unwrap(), &mut read).unwrap();
    let (mut lines, mut scratch) = (Vec::new(), Scratch::default());
    for k in 0..records.len() {
        encoder.record(&records, k, true, &mut scratch, &mut lines);
    }
    assert_eq!(
        String::from_utf8_lossy(&read[..500]),
        String::from_utf8_lossy(&lines[..500])
    );
    assert!(read == lines);
    let text = String::from_utf8(lines).unwrap();
    let second = text.lines().nth(1).unwrap();
    assert_eq!(
        second,
        r#"{"b":null,"i":-9223372036854775808,"f":"inf","s":"","t":null,"j":"{\"a\" : [1]}","op":"upsert"}"#
    );
    assert!(
        text.contains(r#""t":"2024-01-01T04:00:00.25Z""#),
        "{second}"
    );
}
