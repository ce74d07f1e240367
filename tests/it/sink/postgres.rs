//! PostgreSQL against a real server, read back by `psql`.

mod disk;
mod outage;
pub mod rows;
mod run;
mod shards;

use std::process::{Command, Output};
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::{Map, Value, json};

use super::{Service, message, open};
use crate::common::service;

/// A database of a check's own.
pub struct Database {
    /// With the user's name and password.
    pub url: String,
    options: Value,
}

impl Database {
    pub fn new(options: Value) -> Option<Database> {
        Some(Database::at(&service("WELLHEAD_TEST_POSTGRES")?, options))
    }

    /// Beside the one that a URL names.
    fn at(url: &str, options: Value) -> Database {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let (process, next) = (std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let name = format!("suite_{process}_{next}");
        psql(url, &format!("CREATE DATABASE {name}"));
        let (server, _) = url.rsplit_once('/').unwrap();
        Database {
            url: format!("{server}/{name}"),
            options,
        }
    }

    /// The lines that a query gives.
    pub fn ask(&self, query: &str) -> Vec<String> {
        psql(&self.url, query)
    }

    fn count(&self, table: &str) -> u64 {
        self.ask(&format!("SELECT count(*) FROM {table}"))[0]
            .parse()
            .unwrap()
    }

    /// Its URL for another user.
    fn login(&self, user: &str) -> Value {
        let (_, server) = self.url.rsplit_once('@').unwrap();
        let (host, rest) = server.split_once(':').unwrap();
        let (port, database) = rest.split_once('/').unwrap();
        let (login, _) = self.url.rsplit_once('@').unwrap();
        let (_, password) = login.rsplit_once(':').unwrap();
        json!({
            "host": host, "port": port.parse::<u16>().unwrap(), "database": database,
            "user": user, "password": password,
        })
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let (server, name) = self.url.rsplit_once('/').unwrap();
        let drop = format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)");
        let _ = Command::new("psql")
            .args([&format!("{server}/postgres"), "-qc", &drop])
            .output();
    }
}

fn psql(url: &str, query: &str) -> Vec<String> {
    let output = Command::new("psql")
        .args([url, "-qAtX", "-v", "ON_ERROR_STOP=1", "-c", query])
        .output()
        .unwrap();
    let Output {
        status,
        stdout,
        stderr,
    } = output;
    assert!(
        status.success(),
        "{query}: {}",
        String::from_utf8_lossy(&stderr)
    );
    let text = String::from_utf8(stdout).unwrap();
    text.lines().map(str::to_owned).collect()
}

impl Service for Database {
    fn block(&self) -> (&'static str, Map<String, Value>) {
        let mut options = self.login("wellhead");
        for (name, value) in self.options.as_object().unwrap() {
            options[name] = value.clone();
        }
        ("postgres", options.as_object().unwrap().clone())
    }

    fn read(&self) -> Vec<(u32, u64)> {
        // A table has no order of its own.
        let numbered = "SELECT count(*) FROM pg_attribute WHERE attrelid = 'main'::regclass AND attname = 'id'";
        let order = match self.ask(numbered)[0].as_str() {
            "1" => "id",
            _ => "stream, n",
        };
        let rows = self.ask(&format!("SELECT stream, n FROM main ORDER BY {order}"));
        let row = |row: &String| {
            let (stream, n) = row.split_once('|').unwrap();
            (stream.parse().unwrap(), n.parse().unwrap())
        };
        rows.iter().map(row).collect()
    }
}

/// Rows in transactions of every size, down to one for each group; into a table that keeps their
/// order, and into our own; by key.
fn variants() -> Vec<Option<Database>> {
    let numbered = |options| {
        let database = Database::new(options)?;
        database.ask(
            "CREATE TABLE main (id bigserial PRIMARY KEY, stream bigint, n bigint, pad text, kind text)",
        );
        Some(database)
    };
    vec![
        numbered(json!({})),
        numbered(json!({"transaction_size": 5000, "linger": "0s"})),
        Database::new(json!({})),
        Database::new(json!({"mode": "upsert", "key": ["stream", "n"]})),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn delivers() {
    for database in variants() {
        let Some(database) = database else { return };
        super::delivers(&database).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn survives_an_abort() {
    for database in variants() {
        let Some(database) = database else { return };
        super::survives_an_abort(&database).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn goes_on_after_a_stop() {
    for database in variants() {
        let Some(database) = database else { return };
        super::goes_on_after_a_stop(&database).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn takes_no_record_twice() {
    for database in variants() {
        let Some(database) = database else { return };
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
async fn a_login_that_fails_says_why() {
    let Some(database) = Database::new(json!({})) else {
        return;
    };
    let said = async |options: Value| {
        let mut block = database.block();
        block.1.extend(options.as_object().unwrap().clone());
        let mut fixture = open(&block, "run-1", &[0; 3]);
        let probed = message(fixture.sink.probe().await);
        assert_eq!(probed, message(fixture.sink.prepare().await));
        probed
    };
    let wrong = said(json!({"password": "wrong-secret"})).await;
    assert!(
        wrong.contains("password authentication failed") && wrong.contains("`password`"),
        "{wrong}"
    );
    assert!(!wrong.contains("wrong-secret"), "{wrong}");
    let nowhere = said(json!({"database": "nowhere"})).await;
    assert!(
        nowhere.contains("\"nowhere\" does not exist") && nowhere.contains("createdb"),
        "{nowhere}"
    );
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let refused = said(json!({ "port": port })).await;
    assert!(
        refused.contains("refused") && refused.contains(&format!("127.0.0.1:{port}")),
        "{refused}"
    );
    // Something that accepts and says nothing.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    let late = said(json!({"port": port, "connect_timeout": "300ms", "sslmode": "disable"})).await;
    assert!(late.contains("connect_timeout"), "{late}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_allowed_is_said_by_name() {
    let Some(database) = Database::new(json!({})) else {
        return;
    };
    let user = format!("limited_{}", std::process::id());
    let login = database.login(&user);
    let password = login["password"].as_str().unwrap();
    database.ask(&format!("CREATE ROLE {user} LOGIN PASSWORD '{password}'"));
    let mut block = database.block();
    block.1.extend(login.as_object().unwrap().clone());
    let mut said = Vec::new();
    let tables = [
        "",
        "CREATE TABLE main (stream int, n int, pad text, kind text)",
        "CREATE TABLE other (LIKE main); GRANT INSERT ON main, other TO ROLE",
    ];
    for prepare in tables {
        if !prepare.is_empty() {
            database.ask(&prepare.replace("ROLE", &user));
        }
        let mut fixture = open(&block, "run-1", &[0; 3]);
        said.push(message(fixture.sink.prepare().await));
    }
    database.ask(&format!("DROP OWNED BY {user}"));
    database.ask(&format!("DROP ROLE {user}"));
    let create = "permission denied for schema public";
    assert!(
        said[0].contains(create) && said[0].contains("table main") && said[0].contains(&user),
        "{said:#?}"
    );
    assert!(
        said[0].contains("CREATE TABLE IF NOT EXISTS \"main\" (\"stream\" bigint,"),
        "{said:#?}"
    );
    assert!(
        said[1].contains("isn't allowed INSERT on table main"),
        "{said:#?}"
    );
    assert!(
        said[2].contains(create) && said[2].contains("table wellhead_watermarks"),
        "{said:#?}"
    );
}
