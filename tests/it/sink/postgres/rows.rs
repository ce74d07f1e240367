//! What becomes of records in tables: types, names, keys, and rows that a server refuses.

use serde_json::{Value, json};

use super::Database;
use crate::sink::{Service, channels, group, message, open, start};
use wellhead::record::{Batch, Channel, Group, Origin, Part};
use wellhead::sink::{Context, Sink};

/// A group with those records of stream 0, from a sequence on: operation, key and JSON of each.
pub fn records(first: u64, records: &[(u8, &str, &str)]) -> Group {
    let mut batch = Batch {
        stream: 0,
        payload: Vec::new(),
        ends: Vec::new(),
        keys: Vec::new(),
        key_ends: Vec::new(),
        channels: Vec::new(),
        operations: records.iter().map(|(operation, ..)| *operation).collect(),
        times: vec![0; records.len()],
        order: (0..records.len() as u64).map(|k| first + k).collect(),
        origin: Origin::Dense(first),
        first_sequence: first,
    };
    for (_, key, record) in records {
        batch.payload.extend_from_slice(record.as_bytes());
        batch.ends.push(batch.payload.len() as u32);
        batch.keys.extend_from_slice(key.as_bytes());
        batch.key_ends.push(batch.keys.len() as u32);
    }
    let part = Part {
        range: 0..records.len(),
        batch: batch.into(),
        pace: None,
    };
    Group {
        parts: vec![part],
        streams: 3,
    }
}

/// A sink for one channel of that name and schema.
pub async fn with_channel(
    database: &dyn Service,
    name: &str,
    properties: Value,
) -> (Box<dyn Sink>, crate::sink::Fixture) {
    let block = database.block();
    // For what is around the sink.
    let fixture = open(&("null", serde_json::Map::new()), "run-1", &[0; 3]);
    let schema = json!({ "properties": properties });
    let channel = Channel {
        name: name.to_owned(),
        schema,
    };
    let config = (wellhead::sink::find(block.0).unwrap().configure)(&block.1).unwrap();
    let context = Context {
        run: "run-1".to_owned(),
        emulation: "rows".to_owned(),
        sink: 0,
        channels: vec![channel].into(),
        json: true,
        streams: 1,
        mine: [0].into(),
        receipts: fixture.receipts.clone(),
        cancel: fixture.cancel.clone(),
    };
    let mut sink = config.open(context).unwrap();
    sink.prepare().await.unwrap();
    sink.recover(None).await.unwrap();
    (sink, fixture)
}

#[tokio::test(flavor = "multi_thread")]
async fn columns_have_the_schemas_types() {
    let Some(database) = Database::new(json!({"meta_columns": true})) else {
        return;
    };
    let properties = json!({
        "id": {"type": "integer"}, "share": {"type": "number"}, "ok": {"type": "boolean"},
        "name": {"type": "string"}, "at": {"type": "string", "format": "date-time"},
        "tags": {"type": "array"}, "select": {"type": ["string", "null"]},
    });
    let (mut sink, fixture) = with_channel(&database, "order", properties).await;
    let text = r#"{"id":9007199254740993,"share":1.5e-7,"ok":true,"name":"tab\t \"q\" \\N \u00e9\n\\.","at":"2024-01-02T03:04:05.678901Z","tags":[1,{"a":"x\ty\\"}],"select":null}"#;
    let bare = r#"{"id":1,"name":"","other":7}"#;
    sink.write(&records(0, &[(0, "", text), (2, "", bare)]))
        .await
        .unwrap();
    sink.close(true).await.unwrap();
    assert_eq!(fixture.receipts.acknowledged(), 2);
    let types = database.ask(
        "SELECT column_name, data_type FROM information_schema.columns WHERE table_name = 'order' ORDER BY ordinal_position",
    );
    assert_eq!(
        types,
        [
            "id|bigint",
            "share|double precision",
            "ok|boolean",
            "name|text",
            "at|timestamp with time zone",
            "tags|jsonb",
            "select|text",
            "wellhead_run|text",
            "wellhead_stream|bigint",
            "wellhead_sequence|bigint",
            "wellhead_operation|text"
        ]
    );
    let rows = database.ask("SELECT to_jsonb(o) FROM \"order\" o");
    let rows: Vec<Value> = rows
        .iter()
        .map(|r| serde_json::from_str(r).unwrap())
        .collect();
    assert_eq!(rows[0]["id"], 9_007_199_254_740_993_u64);
    assert_eq!(rows[0]["share"], 1.5e-7);
    assert_eq!(rows[0]["name"], "tab\t \"q\" \\N é\n\\.");
    assert_eq!(rows[0]["tags"], json!([1, {"a": "x\ty\\"}]));
    assert_eq!(rows[0]["select"], Value::Null);
    assert_eq!(rows[0]["wellhead_sequence"], 0);
    assert_eq!(
        (&rows[1]["name"], &rows[1]["ok"]),
        (&json!(""), &Value::Null)
    );
    assert_eq!(rows[1]["wellhead_operation"], "delete");
    let at = database.ask("SELECT \"at\" AT TIME ZONE 'UTC' FROM \"order\" WHERE id > 1");
    assert_eq!(at, ["2024-01-02 03:04:05.678901"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn any_name_is_a_tables() {
    for (table, name) in [
        ("select", "select"),
        (
            "a\"b'; DROP TABLE x; --{channel}",
            "a\"b'; DROP TABLE x; --main",
        ),
        ("Ünïcode.{channel}", "Ünïcode.main"),
    ] {
        let Some(database) = Database::new(json!({"table": table, "schema": "from"})) else {
            return;
        };
        let mut fixture = start(&database.block(), "run-1", None).await;
        fixture.sink.write(&group(&[0; 3], 10)).await.unwrap();
        fixture.sink.close(true).await.unwrap();
        let quoted = format!("\"from\".\"{}\"", name.replace('"', "\"\""));
        assert_eq!(database.count(&quoted), 30);
    }
    let long = json!({"host": "x", "table": format!("{}{{channel}}", "x".repeat(60))});
    let kind = wellhead::sink::find("postgres").unwrap();
    let config = (kind.configure)(long.as_object().unwrap()).unwrap();
    let said = config.check(&channels(), true).unwrap_err();
    assert!(said.message.contains("64 bytes"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_is_there_is_checked() {
    let Some(mut database) = Database::new(json!({"table": "given"})) else {
        return;
    };
    let mut said = Vec::new();
    for columns in [
        "stream int, pad text, n double precision",
        "stream bool, n int, pad jsonb, kind text",
        "stream int, n int, pad text, kind text, must int NOT NULL",
    ] {
        database.ask(&format!(
            "DROP TABLE IF EXISTS given; CREATE TABLE given ({columns})"
        ));
        let mut fixture = open(&database.block(), "run-1", &[0; 3]);
        let probed = message(fixture.sink.probe().await);
        assert_eq!(probed, message(fixture.sink.prepare().await));
        said.push(probed);
    }
    assert!(said[0].contains("no column \"kind\" (text)"), "{said:#?}");
    assert!(
        said[1].contains("\"stream\" is boolean, and bigint doesn't fit")
            && said[1].contains("\"pad\" is jsonb"),
        "{said:#?}"
    );
    assert!(said[2].contains("\"must\" may not be null"), "{said:#?}");
    // Narrower types, others' columns that fill themselves, another order.
    database.ask(
        "DROP TABLE given; CREATE TABLE given (id serial PRIMARY KEY, kind varchar(5), n int, \
         stream smallint, pad text, note text, made timestamptz NOT NULL DEFAULT now())",
    );
    let mut fixture = start(&database.block(), "run-1", None).await;
    fixture.sink.write(&group(&[0; 3], 10)).await.unwrap();
    fixture.sink.close(true).await.unwrap();
    assert_eq!(
        database.ask("SELECT max(id), count(*), max(n) FROM given"),
        ["30|30|9"]
    );
    database.options["mode"] = json!("upsert");
    database.options["key"] = json!("n");
    let mut fixture = open(&database.block(), "run-1", &[0; 3]);
    let keyless = message(fixture.sink.prepare().await);
    assert!(
        keyless.contains("no unique index is on (\"n\")"),
        "{keyless}"
    );
    database.options = json!({"table": "never", "create": false});
    let mut fixture = open(&database.block(), "run-1", &[0; 3]);
    let never = message(fixture.sink.prepare().await);
    assert!(
        never.contains("no table never") && never.contains("`create`"),
        "{never}"
    );
}

/// Refused rows at the ends, next to each other, and many: the others are there, once.
#[tokio::test(flavor = "multi_thread")]
async fn rows_that_are_refused_are_singled_out() {
    for mode in [json!({}), json!({"mode": "upsert", "key": "n,stream"})] {
        let Some(database) = Database::new(mode) else {
            return;
        };
        database.ask(
            "CREATE TABLE main (stream int, n int, pad text, kind text, PRIMARY KEY (stream, n), \
             CONSTRAINT few CHECK (NOT (stream = 1 AND n IN (0, 1, 700, 701, 1499)) AND (stream <> 2 OR n < 1300)))",
        );
        let mut fixture = start(&database.block(), "run-1", None).await;
        fixture.sink.write(&group(&[0; 3], 1_500)).await.unwrap();
        fixture.sink.close(true).await.unwrap();
        let refused = fixture.refused.all();
        assert_eq!(refused.len(), 205);
        let of_one: Vec<u64> = refused.iter().filter(|r| r.0 == 1).map(|r| r.1).collect();
        assert_eq!(of_one, [0, 1, 700, 701, 1499]);
        assert!(refused[0].2.contains("\"few\""), "{}", refused[0].2);
        assert_eq!(fixture.receipts.rejected(), 205);
        assert_eq!(fixture.receipts.acknowledged(), 4_500 - 205);
        assert_eq!(fixture.receipts.watermark(), [1_500; 3]);
        assert_eq!(database.count("main"), 4_500 - 205);
        let marks =
            database.ask("SELECT sum(acknowledged), sum(rejected) FROM wellhead_watermarks");
        assert_eq!(marks, ["4295|205"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_for_each_key() {
    for (options, key) in [
        (json!({"mode": "upsert", "key": "id"}), "id"),
        (json!({"mode": "upsert"}), "_key"),
    ] {
        let Some(database) = Database::new(options) else {
            return;
        };
        let properties = json!({"id": {"type": "string"}, "v": {"type": "integer"}});
        let (mut sink, fixture) = with_channel(&database, "t", properties).await;
        let first = [
            (1, "a", r#"{"id":"a","v":1}"#),
            (1, "b", r#"{"id":"b","v":1}"#),
            (1, "a", r#"{"id":"a","v":2}"#),
            (1, "c", r#"{"id":"c","v":1}"#),
            (2, "c", r#"{"id":"c","v":1}"#),
        ];
        sink.write(&records(0, &first)).await.unwrap();
        sink.commit().await.unwrap();
        let all = format!("SELECT {key}, v FROM t ORDER BY 1");
        assert_eq!(database.ask(&all), ["a|2", "b|1"]);
        let second = [
            (2, "a", r#"{"id":"a","v":2}"#),
            (1, "b", r#"{"id":"b","v":5}"#),
            (2, "d", r#"{"id":"d","v":5}"#),
            (2, "c", r#"{"id":"c"}"#),
            (1, "c", r#"{"id":"c","v":9}"#),
            // Without its key, which no row may be.
            (1, "", r#"{"v":9}"#),
        ];
        sink.write(&records(5, &second)).await.unwrap();
        sink.close(true).await.unwrap();
        assert_eq!(database.ask(&all), ["b|5", "c|9"]);
        assert_eq!(fixture.receipts.acknowledged(), 10);
        assert_eq!(fixture.receipts.rejected(), 1);
    }
}
