//! `wellhead template from`: whatever it is made from, the draft runs as it is.

use serde_json::Value;

use crate::common::{Sandbox, stderr};

const SQL: &str = "
CREATE TABLE customers (id SERIAL PRIMARY KEY, name TEXT NOT NULL);
CREATE TABLE orders (
    id BIGINT PRIMARY KEY, customer INTEGER NOT NULL REFERENCES customers (id), code VARCHAR(12),
    total NUMERIC(10, 2) NOT NULL, state ENUM('new', 'paid') NOT NULL, at TIMESTAMP WITH TIME ZONE NOT NULL,
    day DATE NOT NULL, ok BOOLEAN NOT NULL, ref UUID NOT NULL, email VARCHAR(80) NOT NULL, more JSONB
);";

const OPENAPI: &str = "
openapi: 3.0.3
info: { title: shop, version: '1' }
paths: {}
components:
  schemas:
    Money: { type: object, properties: { amount: { type: number, minimum: 0, maximum: 10 }, currency: { type: string, enum: [EUR, USD] } } }
    Order:
      type: object
      properties:
        id: { type: string, format: uuid }
        sku: { type: string, pattern: '^[A-Z]{2}-\\d{4}$' }
        price: { $ref: '#/components/schemas/Money' }
        at: { type: string, format: date-time, nullable: true }
        lines: { type: array, items: { type: object, properties: { n: { type: integer } } } }
        links: { type: array, items: { type: string, format: uri } }
        parent: { $ref: '#/components/schemas/Order' }
";

const AVRO: &str = r#"{"type": "record", "name": "Reading", "namespace": "plant", "fields": [
    {"name": "sensor", "type": "string"}, {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
    {"name": "value", "type": ["null", "double"]}, {"name": "tags", "type": {"type": "map", "values": "string"}},
    {"name": "kind", "type": {"type": "enum", "name": "Kind", "symbols": ["A", "B"]}}]}"#;

fn drafted(sandbox: &Sandbox, arguments: &[&str]) -> String {
    let output = sandbox.expect(0, &[&["template", "from"], arguments].concat());
    String::from_utf8(output.stdout).unwrap()
}

/// Runs a draft with every record checked against its schema.
fn records(sandbox: &Sandbox, draft: &str, count: usize) -> Vec<Value> {
    sandbox.write("draft.yaml", &format!("{draft}validate: all\n"));
    let count = count.to_string();
    let run = [
        "run",
        "draft.yaml",
        "--load",
        "max",
        "--records",
        &count,
        "--seed",
        "5",
    ];
    sandbox.expect(0, &[&run[..], &["--to", "file:out.ndjson"]].concat());
    let text = std::fs::read_to_string(sandbox.path("out.ndjson")).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn schemas_of_each_kind_become_specs_that_run() {
    let sandbox = Sandbox::new();
    sandbox.write("shop.sql", SQL);
    sandbox.write("shop.yaml", OPENAPI);
    sandbox.write("reading.avsc", AVRO);

    let orders = drafted(&sandbox, &["shop.sql", "--of", "orders"]);
    assert!(
        orders.contains("  channel: orders\n") && orders.contains("# guessed: the range"),
        "{orders}"
    );
    for order in records(&sandbox, &orders, 2_000) {
        assert!(
            ["new", "paid"].contains(&order["state"].as_str().unwrap()),
            "{order}"
        );
        assert!(order["email"].as_str().unwrap().contains('@'), "{order}");
    }

    let orders = drafted(&sandbox, &["shop.yaml", "--of", "Order"]);
    for order in records(&sandbox, &orders, 2_000) {
        assert!(
            order["price"]["amount"].as_f64().unwrap() <= 10.0,
            "{order}"
        );
        assert!(order["parent"]["price"]["currency"].is_string(), "{order}");
    }

    let readings = drafted(&sandbox, &["reading.avsc"]);
    let readings = records(&sandbox, &readings, 2_000);
    let nulls = readings
        .iter()
        .filter(|reading| reading["value"].is_null())
        .count();
    assert!((100..350).contains(&nulls), "{nulls} nulls");
}

/// A sample of a stock generator's records becomes a template whose records look like them.
#[test]
fn a_sample_becomes_a_spec_that_makes_the_like() {
    let sandbox = Sandbox::new();
    let sample = [
        "run",
        "transaction",
        "--load",
        "max",
        "--records",
        "3000",
        "--seed",
        "2",
    ];
    sandbox.expect(0, &[&sample[..], &["--to", "file:sample.ndjson"]].concat());
    let text = std::fs::read_to_string(sandbox.path("sample.ndjson")).unwrap();
    let like: Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
    let draft = drafted(&sandbox, &["sample.ndjson"]);
    for record in records(&sandbox, &draft, 1_000) {
        let names = |value: &Value| {
            value
                .as_object()
                .unwrap()
                .keys()
                .cloned()
                .collect::<Vec<_>>()
        };
        assert_eq!(names(&record), names(&like), "{draft}");
        for (name, value) in record.as_object().unwrap() {
            let same = std::mem::discriminant(value) == std::mem::discriminant(&like[name]);
            assert!(
                same || value.is_null() || like[name].is_null(),
                "{name}: {value} and {}",
                like[name]
            );
        }
    }

    sandbox.write(
        "rows.csv",
        "id,city,ok,amount\n1,Rome,true,2.50\n2,Oslo,false,\n3,Rome,true,7.25\n",
    );
    let draft = drafted(&sandbox, &["rows.csv"]);
    assert!(
        draft.contains("id: {$sequence: {from: 1, step: 1}}"),
        "{draft}"
    );
    assert!(
        draft.contains("amount: {$null: {share: 0.333, of: {$float: {min: 2.5, max: 7.25}}}}"),
        "{draft}"
    );
    assert_eq!(records(&sandbox, &draft, 100).len(), 100);
}

#[test]
fn what_nothing_can_be_made_of_is_said() {
    let sandbox = Sandbox::new();
    sandbox.write("shop.sql", SQL);
    sandbox.write("shop.yaml", OPENAPI);
    sandbox.write("empty.ndjson", "");
    sandbox.write("list.json", "[1, 2]");
    sandbox.write("select.sql", "SELECT 1; CREATE");
    for (arguments, said) in [
        (
            &["shop.sql"][..],
            "there are several tables: say which with --of NAME; there are customers, orders",
        ),
        (&["shop.sql", "--of", "lines"], "there is no table lines"),
        (
            &["shop.yaml", "--of", "Line"],
            "there is no schema Line: say which with --of NAME; there are Money, Order",
        ),
        (
            &["empty.ndjson"],
            "there is no record, table or object in it",
        ),
        (&["list.json"], "1 in the array is no object"),
        (&["select.sql"], "this isn't SQL"),
        (
            &["shop.yaml", "--as", "avro"],
            "an Avro schema of a record has",
        ),
        (&["none.sql"], "none.sql can't be read"),
    ] {
        let output = sandbox.expect(2, &[&["template", "from"], arguments].concat());
        let text = stderr(&output);
        assert!(text.contains(said), "{arguments:?}: {text}");
        assert!(output.stdout.is_empty(), "{arguments:?}");
    }
}
