//! The program as users run it, into PostgreSQL.

use serde_json::json;

use super::Database;
use crate::common::{Sandbox, signal, stderr, until, wait};

/// Killed in the middle and resumed: each record is there once, and the report says as many.
#[test]
fn a_killed_run_goes_on_exactly_once() {
    for more in ["", "&mode=upsert&key=transaction_id"] {
        let Some(database) = Database::new(json!({})) else {
            return;
        };
        let sandbox = Sandbox::new();
        let to = format!("{}?table=payments&linger=10ms{more}", database.url);
        let arguments = [
            "run",
            "transaction",
            "--seed",
            "7",
            "--streams",
            "3",
            "--load",
            "4000/s",
            "--records",
            "16000",
            "--start",
            "2024-01-01T00:00:00Z",
            "--run",
            "r",
            "--to",
            &to,
            "--report",
            "r.json",
        ];
        database.ask("CREATE TABLE wait (x int)");
        // Once before the state has any checkpoint, and once after.
        for (again, least) in [(false, 1), (true, 7000)] {
            let mut arguments = arguments.to_vec();
            arguments.extend(again.then_some("--resume"));
            let child = sandbox.command(&arguments).spawn().unwrap();
            let id = child.id();
            let there = "SELECT to_regclass('payments') IS NOT NULL";
            until("enough has arrived", || {
                database.ask(there) == ["t"] && database.count("payments") >= least
            });
            signal(id, rustix::process::Signal::KILL);
            assert!(
                !wait(child).status.success(),
                "it ended before it was killed"
            );
        }
        let before = database.count("payments");
        assert!(before < 16_000, "{before}");
        let mut resumed = arguments.to_vec();
        resumed.push("--resume");
        sandbox.expect(0, &resumed);
        assert_eq!(database.count("payments"), 16_000);
        let distinct = database.ask("SELECT count(DISTINCT transaction_id) FROM payments");
        assert_eq!(distinct, ["16000"]);
        let report = sandbox.json("r.json");
        assert_eq!(report["records"]["acknowledged"], 16_000, "{report}");
        let marks = "SELECT sum(sequence), sum(acknowledged), sum(bytes) FROM wellhead_watermarks";
        let bytes = report["bytes"].as_u64().unwrap();
        assert_eq!(database.ask(marks), [format!("16000|16000|{bytes}")]);
    }
}

/// A URL by the other name that PostgreSQL's own programs know.
#[test]
fn a_url_may_say_postgresql() {
    let Some(database) = Database::new(json!({})) else {
        return;
    };
    let (_, rest) = database.url.split_once("://").unwrap();
    let to = format!("postgresql://{rest}?table=payments");
    let sandbox = Sandbox::new();
    sandbox.expect(0, &["run", "transaction", "--records", "100", "--to", &to]);
    assert_eq!(database.count("payments"), 100);
}

/// What is refused before and after a kill is in the file once, and counted so.
#[test]
fn refused_records_are_written_down_once_across_a_kill() {
    let Some(database) = Database::new(json!({})) else {
        return;
    };
    database.ask(
        "CREATE TABLE payments (transaction_id text, timestamp timestamptz, customer_id int, home_country text, \
         amount float, currency text, entry_mode text, status text CHECK (status <> 'declined'), \
         decline_reason text, is_fraud bool, fraud_pattern text, card jsonb, merchant jsonb)",
    );
    let sandbox = Sandbox::new();
    let spec = format!(
        "generator: transaction\nseed: 7\nload: 1000/s\nuntil: {{ records: 6000 }}\nrejected: rejected.ndjson\n\
         clock: {{ start: 2024-01-01T00:00:00Z }}\nsinks: [\"{}?table=payments\"]\n",
        database.url
    );
    sandbox.write("spec.yaml", &spec);
    let arguments = ["run", "spec.yaml", "--run", "r", "--report", "r.json"];
    let child = sandbox.command(&arguments).spawn().unwrap();
    until("some have arrived", || database.count("payments") > 1_500);
    signal(child.id(), rustix::process::Signal::KILL);
    wait(child);
    sandbox.expect(1, &[&arguments[..], &["--resume"]].concat());
    let report = sandbox.json("r.json");
    let (there, refused) = (database.count("payments"), &report["records"]["rejected"]);
    assert_eq!(report["records"]["acknowledged"], there, "{report}");
    assert_eq!(there + refused.as_u64().unwrap(), 6_000);
    let lines = std::fs::read_to_string(sandbox.path("rejected.ndjson")).unwrap();
    let sequences: std::collections::HashSet<u64> = lines
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
        .map(|line| line["sequence"].as_u64().unwrap())
        .collect();
    assert_eq!(lines.lines().count() as u64, refused.as_u64().unwrap());
    assert_eq!(sequences.len() as u64, refused.as_u64().unwrap());
}

/// Variables alone say where, and `check --connect` looks and changes nothing.
#[test]
fn the_environment_is_enough() {
    let Some(database) = Database::new(json!({})) else {
        return;
    };
    let sandbox = Sandbox::new();
    let spec = "generator: transaction\nsinks: [{ type: postgres, table: paid }]\nuntil: { records: 10 }\nload: max\n";
    sandbox.write("spec.yaml", spec);
    let login = database.login("wellhead");
    let text = |name: &str| match &login[name] {
        serde_json::Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let with = |arguments: &[&str], password: &str| {
        let mut command = sandbox.command(arguments);
        command
            .env("DB_HOST", text("host"))
            .env("DB_PORT", text("port"))
            .env("DB_USER", text("user"))
            .env("DB_PASSWORD", password)
            .env("DB_NAME", text("database"));
        wait(command.spawn().unwrap())
    };
    let checked = with(&["check", "spec.yaml", "--connect"], &text("password"));
    assert_eq!(checked.status.code(), Some(0), "{}", stderr(&checked));
    assert_eq!(database.ask("SELECT to_regclass('paid') IS NULL"), ["t"]);
    let wrong = with(&["check", "spec.yaml", "--connect"], "hunter2");
    assert_eq!(wrong.status.code(), Some(2), "{}", stderr(&wrong));
    assert!(
        stderr(&wrong).contains("password authentication failed"),
        "{}",
        stderr(&wrong)
    );
    assert!(!stderr(&wrong).contains("hunter2"));
    let run = with(&["run", "spec.yaml"], &text("password"));
    assert_eq!(run.status.code(), Some(0), "{}", stderr(&run));
    assert_eq!(database.count("paid"), 10);
    let mut command = sandbox.command(&[
        "run",
        "transaction",
        "--records",
        "7",
        "--load",
        "max",
        "--to",
        "postgres:?table=by_url",
    ]);
    let run = wait(command.env("DATABASE_URL", &database.url).spawn().unwrap());
    assert_eq!(run.status.code(), Some(0), "{}", stderr(&run));
    assert_eq!(database.count("by_url"), 7);
}
