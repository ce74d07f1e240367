//! SQLite, read back by its own program `sqlite3`.

mod faults;

use std::path::PathBuf;
use std::process::Command;

use serde_json::{Map, Value, json};

use super::postgres::rows::{records, with_channel};
use super::{Service, group, message, open, start};

/// A file of a check's own.
struct Database {
    folder: tempfile::TempDir,
    options: Value,
}

impl Database {
    fn new(options: Value) -> Option<Database> {
        if Command::new("sqlite3").arg("--version").output().is_err() {
            assert!(
                std::env::var("WELLHEAD_TEST_REQUIRE").is_err(),
                "sqlite3 is missing, and WELLHEAD_TEST_REQUIRE says that everything has to be there"
            );
            eprintln!("SKIPPED: no sqlite3; install the package of that name");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        Some(Database { folder, options })
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("made/for/it/test.db")
    }

    fn ask(&self, query: &str) -> Vec<String> {
        sqlite3(&self.path(), query)
    }

    /// Runs statements before the sink has made anything.
    fn begin(&self, statements: &str) {
        std::fs::create_dir_all(self.path().parent().unwrap()).unwrap();
        self.ask(statements);
    }
}

pub fn sqlite3(path: &std::path::Path, query: &str) -> Vec<String> {
    let output = Command::new("sqlite3")
        .args(["-batch", "-bail", "-cmd", ".timeout 5000"])
        .arg(path)
        .arg(query)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{query}: {said}");
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(str::to_owned).collect()
}

impl Service for Database {
    fn block(&self) -> (&'static str, Map<String, Value>) {
        let mut options = json!({ "path": self.path(), "synchronous": "off" });
        for (name, value) in self.options.as_object().unwrap() {
            options[name] = value.clone();
        }
        ("sqlite", options.as_object().unwrap().clone())
    }

    fn read(&self) -> Vec<(u32, u64)> {
        let order = match self.options.get("mode") {
            Some(_) => "stream, n",
            None => "rowid",
        };
        let rows = self.ask(&format!("SELECT stream, n FROM main ORDER BY {order}"));
        let row = |row: &String| {
            let (stream, n) = row.split_once('|').unwrap();
            (stream.parse().unwrap(), n.parse().unwrap())
        };
        rows.iter().map(row).collect()
    }
}

fn variants() -> Vec<Value> {
    vec![
        json!({}),
        json!({"transaction_size": 5000, "linger": "0s"}),
        json!({"mode": "upsert", "key": ["stream", "n"]}),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn delivers() {
    for options in variants() {
        let Some(database) = Database::new(options) else {
            return;
        };
        super::delivers(&database).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn survives_an_abort() {
    for options in variants() {
        let Some(database) = Database::new(options) else {
            return;
        };
        super::survives_an_abort(&database).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn goes_on_after_a_stop() {
    for options in variants() {
        let Some(database) = Database::new(options) else {
            return;
        };
        super::goes_on_after_a_stop(&database).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn takes_no_record_twice() {
    for options in variants() {
        let Some(database) = Database::new(options) else {
            return;
        };
        super::takes_no_record_twice(&database).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn passes_what_was_dropped() {
    let Some(database) = Database::new(json!({})) else {
        return;
    };
    super::passes_what_was_dropped(&database).await;
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
    let text = r#"{"id":9007199254740993,"share":2,"ok":true,"name":"a\t\"q\" \u00e9'","at":"2024-01-02T03:04:05Z","tags":[1,{"a":"x"}],"select":null}"#;
    let wrong = r#"{"id":"seven"}"#;
    let bare = r#"{"id":1,"name":""}"#;
    sink.write(&records(0, &[(0, "", text), (0, "", wrong), (2, "", bare)]))
        .await
        .unwrap();
    sink.close(true).await.unwrap();
    let refused = fixture.refused.all();
    assert_eq!(refused.len(), 1);
    assert!(
        refused[0].2.contains("TEXT value in INTEGER"),
        "{}",
        refused[0].2
    );
    let columns =
        "id, share, ok, name, at, tags, \"select\", wellhead_sequence, wellhead_operation";
    let kinds: Vec<String> = columns
        .split(", ")
        .map(|c| format!("typeof({c})"))
        .collect();
    let asked = format!("SELECT {} FROM \"order\"", kinds.join(", "));
    assert_eq!(
        database.ask(&asked),
        [
            "integer|real|integer|text|text|text|null|integer|text",
            "integer|null|null|text|null|null|null|integer|text"
        ]
    );
    let asked = format!("SELECT {columns} FROM \"order\"");
    assert_eq!(
        database.ask(&asked),
        [
            "9007199254740993|2.0|1|a\t\"q\" é'|2024-01-02T03:04:05Z|[1,{\"a\":\"x\"}]||0|append",
            "1||||||||2|delete"
                .replacen("||||||||", "|||||||", 1)
                .as_str(),
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn any_name_is_a_tables() {
    for (table, name) in [
        ("select", "select"),
        (
            "a\"b'; DROP TABLE x; --{channel}",
            "a\"b'; DROP TABLE x; --main",
        ),
    ] {
        let Some(database) = Database::new(json!({ "table": table })) else {
            return;
        };
        let mut fixture = start(&database.block(), "run-1", None).await;
        fixture.sink.write(&group(&[0; 3], 10)).await.unwrap();
        fixture.sink.close(true).await.unwrap();
        let quoted = name.replace('"', "\"\"");
        let asked = format!("SELECT count(*) FROM \"{quoted}\"");
        assert_eq!(database.ask(&asked), ["30"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_is_there_is_checked() {
    let Some(mut database) = Database::new(json!({"table": "given"})) else {
        return;
    };
    let mut said = Vec::new();
    for columns in [
        "stream int, pad text, n int",
        "stream text, n int, pad real, kind text",
        "stream int, n int, pad text, kind text, must int NOT NULL",
    ] {
        database.begin(&format!(
            "DROP TABLE IF EXISTS given; CREATE TABLE given ({columns})"
        ));
        let mut fixture = open(&database.block(), "run-1", &[0; 3]);
        let probed = message(fixture.sink.probe().await);
        assert_eq!(probed, message(fixture.sink.prepare().await));
        said.push(probed);
    }
    assert!(said[0].contains("no column \"kind\" (TEXT)"), "{said:#?}");
    assert!(
        said[1].contains("\"stream\" is TEXT, and INTEGER doesn't fit")
            && said[1].contains("\"pad\" is REAL"),
        "{said:#?}"
    );
    assert!(said[2].contains("\"must\" may not be null"), "{said:#?}");
    database.ask(
        "DROP TABLE given; CREATE TABLE given (id integer PRIMARY KEY, kind, n int, stream int, pad text, \
         made text NOT NULL DEFAULT (datetime()))",
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
    database.ask("DELETE FROM given; CREATE UNIQUE INDEX by_n ON given (n)");
    let mut fixture = open(&database.block(), "run-1", &[0; 3]);
    fixture.sink.prepare().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_are_refused_are_singled_out() {
    let Some(database) = Database::new(json!({})) else {
        return;
    };
    database.begin(
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
    assert!(refused[0].2.contains("few"), "{}", refused[0].2);
    assert_eq!(fixture.receipts.acknowledged(), 4_500 - 205);
    assert_eq!(database.ask("SELECT count(*) FROM main"), ["4295"]);
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
            (2, "a", r#"{"id":"a","v":1}"#),
            (1, "a", r#"{"id":"a","v":7}"#),
            (1, "", r#"{"v":9}"#),
        ];
        sink.write(&records(0, &first)).await.unwrap();
        sink.close(true).await.unwrap();
        let all = format!("SELECT {key}, v FROM t ORDER BY 1");
        assert_eq!(database.ask(&all), ["a|7", "b|1"]);
        assert_eq!(fixture.receipts.rejected(), 1);
    }
}
