use super::*;
use crate::record::made::batch;
use serde_json::json;

pub(crate) fn channels(properties: serde_json::Value) -> Vec<Channel> {
    vec![Channel {
        name: "main".to_owned(),
        schema: json!({ "properties": properties }),
    }]
}

fn whole(encoder: &Encoder, batch: &Batch) -> String {
    let mut out = Vec::new();
    let mut scratch = Scratch::default();
    encoder.begin(&mut out);
    encoder.records(batch, 0..batch.len(), true, &mut scratch, &mut out);
    encoder.end(batch.is_empty(), &mut out);
    String::from_utf8(out).unwrap()
}

#[test]
fn ndjson_is_a_record_a_line_from_any_place_in_a_batch() {
    let encoder = Encoder::new(Format::Ndjson, &channels(json!({})), true, 0..1, None).unwrap();
    let batch = batch(&["{\"a\":1}", "2", "\"three\""], 0);
    assert_eq!(whole(&encoder, &batch), "{\"a\":1}\n2\n\"three\"\n");
    let mut out = b"before".to_vec();
    encoder.records(&batch, 1..3, false, &mut Scratch::default(), &mut out);
    assert_eq!(out, b"before2\n\"three\"\n");
    encoder.records(&batch, 3..3, false, &mut Scratch::default(), &mut out);
    assert_eq!(out.len(), 16);
}

#[test]
fn an_array_is_json_whatever_its_length() {
    let encoder = Encoder::new(Format::Json, &channels(json!({})), true, 0..1, None).unwrap();
    for count in 0..4 {
        let records = &["1", "{\"b\":[]}", "null"][..count.min(3)];
        let text = whole(&encoder, &batch(records, 0));
        let parsed: Vec<serde_json::Value> = serde_json::from_str(&text).unwrap();
        assert_eq!(parsed.len(), records.len(), "{text}");
        assert!(text.ends_with("]\n"));
    }
}

#[test]
fn the_operation_is_one_more_field() {
    let named = Encoder::new(
        Format::Ndjson,
        &channels(json!({"a": true})),
        true,
        0..1,
        Some("op"),
    )
    .unwrap();
    let mut batch = batch(&["{\"a\":1}", "{ }", "{\"a\":{}} ", "7"], 0);
    batch.operations = vec![1, 2, 0, 0];
    assert_eq!(
        whole(&named, &batch),
        "{\"a\":1,\"op\":\"upsert\"}\n{ \"op\":\"delete\"}\n{\"a\":{},\"op\":\"append\"}\n7\n"
    );
    let taken = Encoder::new(
        Format::Ndjson,
        &channels(json!({"a": true})),
        true,
        0..1,
        Some("a"),
    );
    assert!(matches!(taken, Err(EncodeError::OperationField { .. })));
}

#[test]
fn opaque_records_are_lines_but_no_array() {
    assert!(Encoder::new(Format::Json, &channels(json!({})), false, 0..1, None).is_err());
    assert!(
        Encoder::new(
            Format::Ndjson,
            &channels(json!({})),
            false,
            0..1,
            Some("op")
        )
        .is_err()
    );
    let encoder = Encoder::new(Format::Ndjson, &channels(json!({})), false, 0..1, None).unwrap();
    assert_eq!(whole(&encoder, &batch(&["<xml/>"], 0)), "<xml/>\n");
}
