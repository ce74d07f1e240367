//! Files that are locked, no database, on a full disk; and runs that are killed.

use std::io::Write;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::json;

use super::{Database, sqlite3};
use crate::common::{Sandbox, signal, until, wait};
use crate::sink::disk::{SmallDisk, fill, waited_for};
use crate::sink::{RECORDS, Service, group, message, open, start};

/// Another program has the file locked: that is said, and passes.
#[tokio::test(flavor = "multi_thread")]
async fn a_locked_file_is_waited_for() {
    let Some(database) = Database::new(json!({"busy_timeout": "50ms", "linger": "0s"})) else {
        return;
    };
    let mut fixture = start(&database.block(), "run-1", None).await;
    let mut holder = Command::new("sqlite3")
        .arg(database.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = holder.stdin.take().unwrap();
    input
        .write_all(b"BEGIN IMMEDIATE;\nSELECT 'locked';\n")
        .unwrap();
    let mut answer = [0; 6];
    std::io::Read::read_exact(holder.stdout.as_mut().unwrap(), &mut answer).unwrap();
    for _ in 0..2 {
        let error = fixture.sink.write(&group(&[0; 3], 10)).await.unwrap_err();
        assert!(error.retry && error.message.contains("locked"), "{error}");
    }
    drop(input);
    holder.wait().unwrap();
    fixture.sink.write(&group(&[0; 3], 10)).await.unwrap();
    fixture.sink.close(true).await.unwrap();
    assert_eq!(database.ask("SELECT count(*) FROM main"), ["30"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_database_is_said() {
    let Some(database) = Database::new(json!({})) else {
        return;
    };
    std::fs::create_dir_all(database.path().parent().unwrap()).unwrap();
    std::fs::write(
        database.path(),
        "this is no database, but a text file".repeat(99),
    )
    .unwrap();
    let mut fixture = open(&database.block(), "run-1", &[0; 3]);
    let said = message(fixture.sink.prepare().await);
    assert!(
        said.contains("not a database") && said.contains("test.db"),
        "{said}"
    );
    let folder = database.path().with_file_name("folder");
    std::fs::create_dir_all(&folder).unwrap();
    let mut block = database.block();
    block.1["path"] = json!(folder);
    let mut fixture = open(&block, "run-1", &[0; 3]);
    let said = message(fixture.sink.prepare().await);
    assert!(
        said.contains("unable to open") && said.contains("folder"),
        "{said}"
    );
}

/// A disk that fills up stalls the sink, and once there is room nothing is missing or twice.
#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_waited_for() {
    let (Some(database), Some(disk)) = (Database::new(json!({})), SmallDisk::mount(8)) else {
        return;
    };
    let path = disk.path().join("small.db");
    let ballast = disk.path().join("ballast");
    let mut block = database.block();
    block.1["path"] = json!(path);
    block.1.insert("linger".to_owned(), json!("0s"));
    let mut fixture = start(&block, "run-1", None).await;
    fill(&ballast);
    waited_for(&mut fixture, &ballast, "make room").await;
    let distinct = "SELECT count(*) FROM (SELECT DISTINCT stream, n FROM main)";
    for count in [distinct, "SELECT count(*) FROM main"] {
        assert_eq!(sqlite3(&path, count), [(3 * RECORDS).to_string()]);
    }
}

/// Killed in the middle and resumed: each record is there once, and the report says as many.
#[test]
fn a_killed_run_goes_on_exactly_once() {
    let Some(_) = Database::new(json!({})) else {
        return;
    };
    let sandbox = Sandbox::new();
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
        "sqlite:out/p.db?table=payments&linger=10ms",
        "--report",
        "r.json",
    ];
    let path = sandbox.path("out/p.db");
    let count = || -> u64 {
        let there = "SELECT count(*) FROM sqlite_schema WHERE name = 'payments'";
        if !path.exists() || sqlite3(&path, there) != ["1"] {
            return 0;
        }
        sqlite3(&path, "SELECT count(*) FROM payments")[0]
            .parse()
            .unwrap()
    };
    for (again, least) in [(false, 1), (true, 7_000)] {
        let mut arguments = arguments.to_vec();
        arguments.extend(again.then_some("--resume"));
        let child = sandbox.command(&arguments).spawn().unwrap();
        until("enough has arrived", || {
            std::thread::park_timeout(Duration::from_millis(20));
            count() >= least
        });
        signal(child.id(), rustix::process::Signal::KILL);
        assert!(
            !wait(child).status.success(),
            "it ended before it was killed"
        );
    }
    assert!(count() < 16_000);
    let mut resumed = arguments.to_vec();
    resumed.push("--resume");
    sandbox.expect(0, &resumed);
    assert_eq!(count(), 16_000);
    let distinct = sqlite3(&path, "SELECT count(DISTINCT transaction_id) FROM payments");
    assert_eq!(distinct, ["16000"]);
    let report = sandbox.json("r.json");
    assert_eq!(report["records"]["acknowledged"], 16_000, "{report}");
}
