//! Tables that keep a row for each key: what each should hold is the last record of its key.

use serde_json::Value;

use super::{assert_counts, run, verify};
use crate::common::Sandbox;
use crate::sink::postgres::Database;
use crate::sink::sqlite::sqlite3;

/// Payments by customer, some of them twice and late; and what is done to the table then.
fn check(to: &str, from: &[&str], ask: impl Fn(&Sandbox, &str) -> Vec<String>) {
    let sandbox = Sandbox::new();
    let spec = format!(
        "generator: transaction
seed: 7
streams: 3
load: 10000/s
config: {{customers: 500}}
clock: {{start: 2024-01-01T00:00:00Z, speed: max}}
until: {{records: 30000}}
faults: {{duplicate: {{share: 0.05, after: 20ms}}, late: {{share: 0.05, by: 1ms..300ms}}}}
sinks: [{to}]
"
    );
    sandbox.write("spec.yaml", &spec);
    sandbox.expect(0, &["run", "spec.yaml", "--manifest", "m.json"]);
    let report = verify(&sandbox, 0, from);
    assert_counts(&report, &[]);
    let rows = ask(&sandbox, "SELECT count(*) FROM payments");
    assert_eq!(report["matched"].to_string(), rows[0], "{report:#}");
    assert!(report["matched"].as_u64().unwrap() <= 500, "{report:#}");
    let note = report["notes"][0].as_str().unwrap();
    assert!(note.contains("others replaced"), "{note}");

    let ids = ask(
        &sandbox,
        "SELECT customer_id FROM payments ORDER BY customer_id LIMIT 3",
    );
    let (one, two, three) = (&ids[0], &ids[1], &ids[2]);
    for change in [
        format!("UPDATE payments SET amount = -1 WHERE customer_id = {one}"),
        format!("DELETE FROM payments WHERE customer_id = {two}"),
        format!("UPDATE payments SET customer_id = -7 WHERE customer_id = {three}"),
    ] {
        ask(&sandbox, &change);
    }
    let report = verify(&sandbox, 1, from);
    assert_counts(&report, &[("altered", 1), ("missing", 2), ("foreign", 1)]);
    let examples = report["examples"].as_array().unwrap();
    let of = |kind: &str| examples.iter().find(|e| e["kind"] == kind).unwrap();
    let altered = of("altered");
    assert_eq!(altered["diff"][0]["field"], "/amount", "{altered:#}");
    assert_eq!(altered["diff"][0]["found"], Value::from(-1));
    let missing = of("missing");
    assert!(missing["index"].as_u64().unwrap() > 0, "{missing:#}");
    let should: Value = serde_json::from_str(missing["expected"].as_str().unwrap()).unwrap();
    let customer = should["customer_id"].to_string();
    assert!([two, three].contains(&&customer), "{missing:#}");
    let foreign: Value = serde_json::from_str(of("foreign")["found"].as_str().unwrap()).unwrap();
    assert_eq!(foreign["customer_id"], -7);
}

#[test]
fn the_last_row_of_each_key_is_expected_in_sqlite() {
    check(
        "{type: sqlite, path: p.db, table: payments, mode: upsert, key: customer_id}",
        &["--from"],
        |sandbox, query| sqlite3(&sandbox.path("p.db"), query),
    );
}

#[test]
fn the_last_row_of_each_key_is_expected_in_postgres() {
    let Some(database) = Database::new(serde_json::json!({})) else {
        return;
    };
    let url = &database.url;
    let sep = if url.contains('?') { '&' } else { '?' };
    let options = "table=payments&mode=upsert&key=customer_id";
    let from = format!("{url}{sep}{options}");
    check(&format!("'{from}'"), &["--from", &from], |_, query| {
        database.ask(query)
    });
}

/// By the generator's own key, and in a table that other runs share.
#[test]
fn keys_of_the_generator_and_rows_of_other_runs_are_told_apart() {
    let sandbox = Sandbox::new();
    let to = "--to sqlite:p.db?table=p&mode=upsert&meta_columns=true";
    run(
        &sandbox,
        "user-profile",
        &format!("--streams 2 --load max --records 5000 {to}"),
    );
    let report = verify(&sandbox, 0, &["--from"]);
    assert_counts(&report, &[]);
    assert_eq!(report["matched"], 5_000);
    let others = "INSERT INTO p SELECT 'other' || _key, user_id, first_name, last_name, gender, birth_date, \
                  email, phone, locale, country, address, registered_at, 'other', wellhead_stream, \
                  wellhead_sequence, wellhead_operation FROM p";
    sqlite3(&sandbox.path("p.db"), others);
    let report = verify(&sandbox, 0, &["--from"]);
    assert_counts(&report, &[]);
    assert_eq!(report["matched"], 5_000);
}
