//! What those expect who come from simpler emulators.

use std::process::Command;

use serde_json::{Value, json};

use super::client::{JSON, Served, YAML};
use crate::common::{Sandbox, service, until};
use crate::sink::postgres::Database;
use crate::sink::s3::Bucket;
use crate::sink::sqlite::sqlite3;

/// The records of a channel in a file, newest first.
fn newest(sandbox: &Sandbox, file: &str, channel: &str, limit: usize) -> Vec<Value> {
    let text = std::fs::read_to_string(sandbox.path(file)).unwrap();
    let records = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    let mut own: Vec<Value> = records.filter(|r| r["signal_type"] == channel).collect();
    own.reverse();
    own.truncate(limit);
    own
}

fn assert_same(signals: &Value, records: &[Value]) {
    let signals = signals.as_array().unwrap();
    assert_eq!(signals.len(), records.len());
    for (signal, record) in signals.iter().zip(records) {
        assert_eq!(signal["signal_type"], record["signal_type"]);
        assert_eq!(signal["value"].as_f64(), record["value"].as_f64());
        let instant = |value: &Value| value.as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
        assert_eq!(instant(&signal["timestamp"]), instant(&record["timestamp"]));
    }
    let ids: Vec<i64> = signals.iter().map(|s| s["id"].as_i64().unwrap()).collect();
    assert!(ids.windows(2).all(|two| two[0] > two[1]), "{ids:?}");
}

#[test]
fn signals_of_a_file_are_read_newest_first() {
    let sandbox = Sandbox::new();
    let file = sandbox.path("data/files/signals.db");
    sandbox.write(
        "settings.toml",
        &format!(
            "[connections.db]\ntype = 'sqlite'\npath = '{}'\n[signals]\nconnection = 'db'\ntable = 'signals'\n",
            file.display()
        ),
    );
    let served = Served::with(&sandbox, &["--settings", "settings.toml"]);
    served.get("/signals/power").problem(503, "signals");
    let spec = "{generator: machine-signal, seed: 7, load: max, until: {records: 3000}, sinks: ['sqlite:signals.db?table=signals', 'file:all.ndjson']}";
    let id = served.start_one(spec);
    served.until_state(&id, "finished");
    let ten = served.get("/signals/power").json(200);
    assert_same(
        &ten,
        &newest(&sandbox, "data/files/all.ndjson", "power", 10),
    );
    let all = served.get("/signals/state_change?limit=1000").json(200);
    assert_same(
        &all,
        &newest(&sandbox, "data/files/all.ndjson", "state_change", 1000),
    );
    let unknown = served.get("/signals/powr").problem(404, "`powr`");
    let there = unknown["detail"].as_str().unwrap();
    assert!(there.contains("power, state_change"), "{there}");
    served.get("/signals/power?limit=0").problem(400, "limit");
    served
        .get("/signals/power?limit=1001")
        .problem(400, "limit");
    let asked = "EXPLAIN QUERY PLAN SELECT * FROM signals WHERE signal_type = 'power' ORDER BY \"timestamp\" DESC, rowid DESC LIMIT 10";
    let plan = sqlite3(&file, asked).join("\n");
    assert!(
        plan.contains("signals_wellhead_newest") && !plan.contains("TEMP B-TREE"),
        "{plan}"
    );
    let health = served.get("/health").json(200);
    assert_eq!(health["status"], "Service is up and running");
    assert_eq!(health["depends_on"]["signals"], "ok");
}

#[test]
fn signals_of_a_server_need_the_environment_alone() {
    let Some(database) = Database::new(json!({})) else {
        return;
    };
    let sandbox = Sandbox::new();
    let environment = [("DATABASE_URL", database.url.as_str())];
    let mut run = sandbox.command(&[
        "run",
        "machine-signal",
        "--seed",
        "7",
        "--load",
        "max",
        "--records",
        "2000",
    ]);
    let output = crate::common::wait(run.envs(environment).spawn().unwrap());
    assert!(
        output.status.success(),
        "{}",
        crate::common::stderr(&output)
    );
    let served = Served::among(&sandbox, &[], &environment);
    let found = served.get("/signals/power?limit=25").json(200);
    let asked = "SELECT value FROM power ORDER BY \"timestamp\" DESC, ctid DESC LIMIT 25";
    let values: Vec<f64> = database
        .ask(asked)
        .iter()
        .map(|v| v.parse().unwrap())
        .collect();
    let signals = found.as_array().unwrap();
    let read: Vec<f64> = signals
        .iter()
        .map(|s| s["value"].as_f64().unwrap())
        .collect();
    assert_eq!(read, values);
    assert!(
        signals
            .iter()
            .all(|s| s["timestamp"].as_str().unwrap().ends_with('Z'))
    );
    let indexes =
        database.ask("SELECT indexname FROM pg_indexes WHERE indexname LIKE '%wellhead_newest'");
    assert_eq!(indexes, ["power_wellhead_newest"]);
    let unknown = served.get("/signals/nothing").problem(404, "`nothing`");
    let there = unknown["detail"].as_str().unwrap();
    assert!(there.contains("error, power, state_change"), "{there}");
    // A name that no table can have, or that is no channel's.
    for channel in [
        "x".repeat(100),
        "wellhead_watermarks".to_owned(),
        "a%22b".to_owned(),
    ] {
        let answer = served.get(&format!("/signals/{channel}"));
        assert!([404, 503].contains(&answer.status), "{}", answer.body);
    }
}

#[test]
fn a_table_of_somebody_elses_is_read_as_it_is() {
    let Some(database) = Database::new(json!({})) else {
        return;
    };
    database.ask("CREATE TABLE signals (id serial PRIMARY KEY, signal_type varchar(20), value numeric, timestamp timestamp)");
    let insert = |kind: &str, value: &str, time: &str| {
        database.ask(&format!(
            "INSERT INTO signals (signal_type, value, timestamp) VALUES ('{kind}', {value}, '{time}')"
        ))
    };
    insert("state_change", "1", "2025-01-23T10:00:00");
    let sandbox = Sandbox::new();
    sandbox.write(
        "settings.toml",
        "[signals]\ntable = 'signals'\ncache = '1h'\n",
    );
    let environment = [("DATABASE_URL", database.url.as_str())];
    let served = Served::among(&sandbox, &["--settings", "settings.toml"], &environment);
    let one = json!({"id": 1, "signal_type": "state_change", "value": 1, "timestamp": "2025-01-23T10:00:00"});
    assert_eq!(served.get("/signals/state_change").json(200), json!([one]));
    insert("state_change", "2.5", "2025-01-23T10:00:01");
    // The answer is kept for an hour; that of another limit is another.
    assert_eq!(served.get("/signals/state_change").json(200), json!([one]));
    let two = served.get("/signals/state_change?limit=2").json(200);
    assert_eq!(two[0]["value"], 2.5);
    assert_eq!(two[1], one);
    let indexes = database.ask("SELECT count(*) FROM pg_indexes WHERE tablename = 'signals'");
    assert_eq!(indexes, ["1"], "only the table's own");
    drop(database);
    let health = served.get("/health").json(503);
    assert_eq!(health["depends_on"]["state"], "ok");
    assert_eq!(health["depends_on"]["signals"], "the database is not there");
}

#[test]
fn a_server_without_a_database_says_so() {
    let sandbox = Sandbox::new();
    let served = Served::start(&sandbox);
    served.get("/signals/power").problem(404, "[signals]");
}

#[test]
fn domains_are_started_on_their_topics_and_buckets() {
    let (Some(brokers), Some(bucket)) = (service("WELLHEAD_TEST_KAFKA"), Bucket::new(json!({})))
    else {
        return;
    };
    let sandbox = Sandbox::new();
    let topic = |name: &str| format!("start-{}-{name}", bucket.name);
    sandbox.write(
        "settings.toml",
        &format!(
            "[start_emulator]\nload = '400/s'\ndefault_resource = '{}'\n[start_emulator.resources]\ntransaction = '{}'\ndevice-log = '{}'\n",
            topic("default"),
            topic("transaction"),
            bucket.name
        ),
    );
    let environment = [
        ("KAFKA_BOOTSTRAP_SERVERS", brokers.as_str()),
        ("MINIO_ENDPOINT", bucket.endpoint.as_str()),
        ("MINIO_ACCESS_KEY", bucket.key.as_str()),
        ("MINIO_SECRET_KEY", bucket.secret.as_str()),
    ];
    let served = Served::among(&sandbox, &["--settings", "settings.toml"], &environment);
    let start = |body: Value| served.send("POST", "/start-emulator", &[JSON], &body.to_string());
    let ended = |body: Value| {
        let answer = start(body);
        let started = answer.json(201);
        let id = started["id"].as_str().unwrap().to_owned();
        assert_eq!(
            answer.header("location"),
            format!("/api/v1/emulations/{id}")
        );
        let status = served.until_state(&id, "finished");
        assert_eq!(status["records"]["acknowledged"], 400, "{status}");
        status
    };
    let status = ended(
        json!({"domain": "transaction", "sink": "kafka", "timeout_seconds": 1, "threads": 2}),
    );
    assert_eq!(status["streams"], 2);
    ended(json!({"domain": "weather", "sink": "kafka", "format": "json", "timeout_seconds": 1}));
    let csv = json!({"domain": "device_log", "sink": "minio", "format": "csv", "mode": "chunked", "timeout_seconds": 1});
    ended(csv);
    for name in ["transaction", "default"] {
        let count = || {
            let output = Command::new("kcat")
                .args(["-b", &brokers, "-t", &topic(name), "-C", "-e", "-q"])
                .output()
                .unwrap();
            output.stdout.iter().filter(|b| **b == b'\n').count()
        };
        until(&format!("{name} holds all"), || count() == 400);
    }
    let objects = bucket.bytes();
    let lines = objects
        .values()
        .map(|bytes| bytes.iter().filter(|b| **b == b'\n').count() - 1);
    assert!(
        objects.keys().all(|name| name.ends_with(".csv")),
        "{:?}",
        objects.keys()
    );
    assert_eq!(lines.sum::<usize>(), 400);

    start(json!({"domain": "transaction", "sink": "kafka", "format": "csv"}))
        .problem(422, "`format` is csv");
    start(json!({"domain": "transaction", "sink": "ftp"})).problem(422, "ftp");
    start(json!({"domain": "transaction", "sink": "kafka", "threads": 0})).problem(422, "threads");
    let yaml = "domain: transaction";
    let answer = served.post("/start-emulator", YAML, yaml);
    assert!([415, 422].contains(&answer.status), "{}", answer.body);
}
