//! Servers that go away and come back, commits whose answer is lost, and TLS.

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::{Database, psql};
use crate::common::service;
use crate::sink::{Fixture, RECORDS, Service, group, in_order, message, open, start};

/// A server of the test's own, which it may kill and start again.
struct Server {
    folder: tempfile::TempDir,
    url: String,
}

impl Server {
    fn start(arguments: &[&str]) -> Option<Server> {
        service("WELLHEAD_TEST_POSTGRES")?;
        let everybody = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        let folder = tempfile::Builder::new()
            .permissions(everybody)
            .tempdir()
            .unwrap();
        let output = Server::command("start", &folder)
            .args(arguments)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
        let url = String::from_utf8(output.stdout).unwrap().trim().to_owned();
        Some(Server { folder, url })
    }

    fn command(verb: &str, folder: &tempfile::TempDir) -> Command {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/services.sh");
        let mut command = Command::new(script);
        let at = folder.path().join("server");
        command.args(["postgres-private", verb]).arg(at);
        command
    }

    fn tell(&self, verb: &str) {
        let output = Server::command(verb, &self.folder).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = Server::command("stop", &self.folder).output();
    }
}

/// Sends as delivery does: after an error that is worth it, again. Gives how often that was.
async fn insist(fixture: &mut Fixture, from: u64, to: u64, step: u64) -> usize {
    let begun = Instant::now();
    let mut errors = 0;
    for at in (from..to).step_by(step as usize) {
        let group = group(&[at; 3], (at + step).min(to));
        while let Err(error) = fixture.sink.write(&group).await {
            assert!(error.retry, "{error}");
            assert!(begun.elapsed() < Duration::from_secs(60), "{error}");
            errors += 1;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    errors
}

/// Killed in the middle and started again, and again: nothing is lost, nothing is there twice.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_goes_away_and_comes_back_costs_nothing() {
    for mode in [json!({}), json!({"mode": "upsert", "key": "stream,n"})] {
        let Some(server) = Server::start(&[]) else {
            return;
        };
        let mut options = mode;
        options["linger"] = json!("0s");
        let database = Database::at(&server.url, options);
        let mut fixture = start(&database.block(), "run-1", None).await;
        let mut errors = 0;
        for (round, verb) in ["kill", "stop", "kill"].into_iter().enumerate() {
            let from = RECORDS / 4 * round as u64;
            let middle = from + RECORDS / 8;
            insist(&mut fixture, from, middle, 50).await;
            server.tell(verb);
            let folder = server.folder.path().to_owned();
            let back = std::thread::spawn(move || {
                std::thread::park_timeout(Duration::from_millis(300));
                let script = concat!(env!("CARGO_MANIFEST_DIR"), "/services.sh");
                let mut command = Command::new(script);
                command.args(["postgres-private", "restart"]);
                command.arg(folder.join("server")).output().unwrap()
            });
            errors += insist(&mut fixture, middle, from + RECORDS / 4, 50).await;
            let back = tokio::task::spawn_blocking(move || back.join().unwrap());
            assert!(back.await.unwrap().status.success());
        }
        assert!(errors >= 3, "it noticed {errors} of 3 outages");
        insist(&mut fixture, RECORDS / 4 * 3, RECORDS, 50).await;
        fixture.sink.close(true).await.unwrap();
        in_order(&database, true);
        assert_eq!(fixture.receipts.acknowledged(), 3 * RECORDS);
        assert_eq!(fixture.receipts.watermark(), [RECORDS; 3]);
    }
}

/// Between client and server: after a COMMIT it can keep the answer to itself and hang up.
struct Proxy {
    port: u16,
    cut: Arc<AtomicBool>,
    task: tokio::task::JoinHandle<()>,
}

impl Proxy {
    async fn start(host: String) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let cut = Arc::new(AtomicBool::new(false));
        let task = tokio::spawn({
            let cut = Arc::clone(&cut);
            async move {
                while let Ok((client, _)) = listener.accept().await {
                    let server = TcpStream::connect(&host).await.unwrap();
                    Proxy::relay(client, server, &cut).await;
                }
            }
        });
        Proxy { port, cut, task }
    }

    async fn relay(mut client: TcpStream, mut server: TcpStream, cut: &AtomicBool) {
        let (mut up, mut down) = (vec![0; 65536], vec![0; 65536]);
        loop {
            tokio::select! {
                read = client.read(&mut up) => {
                    let Ok(length @ 1..) = read else { return };
                    server.write_all(&up[..length]).await.unwrap();
                    if up[..length].windows(6).any(|w| w == b"COMMIT") && cut.swap(false, Ordering::SeqCst) {
                        // The server answers, so it has committed; nobody hears of it.
                        assert!(server.read(&mut down).await.unwrap() > 0);
                        return;
                    }
                }
                read = server.read(&mut down) => {
                    let Ok(length @ 1..) = read else { return };
                    if client.write_all(&down[..length]).await.is_err() { return }
                }
            }
        }
    }
}

/// The answer to a commit is lost: the database is asked, and nothing is sent twice.
#[tokio::test(flavor = "multi_thread")]
async fn a_commit_whose_answer_is_lost_counts() {
    let Some(database) = Database::new(json!({"linger": "0s", "sslmode": "disable"})) else {
        return;
    };
    database.ask("CREATE TABLE main (stream int, n int, pad text, kind text CHECK (kind <> 'k4'))");
    let login = database.login("wellhead");
    let server = format!("{}:{}", login["host"].as_str().unwrap(), login["port"]);
    let proxy = Proxy::start(server).await;
    let mut block = database.block();
    block.1["host"] = json!("127.0.0.1");
    block.1["port"] = json!(proxy.port);
    let mut fixture = start(&block, "run-1", None).await;
    for round in 0..4 {
        proxy.cut.store(true, Ordering::SeqCst);
        let from = round * 100;
        let errors = insist(&mut fixture, from, from + 100, 100).await;
        assert_eq!(errors, 1, "the answer wasn't lost");
    }
    fixture.sink.close(true).await.unwrap();
    // A fifth is refused, and written down once.
    assert_eq!(database.count("main"), 960);
    assert_eq!(
        database.count("(SELECT DISTINCT stream, n FROM main) x"),
        960
    );
    assert_eq!(
        (fixture.receipts.acknowledged(), fixture.receipts.rejected()),
        (960, 240)
    );
    assert_eq!(fixture.refused.all().len(), 240);
    proxy.task.abort();
}

/// Another process that writes for the same run is told so, and its records aren't there twice.
#[tokio::test(flavor = "multi_thread")]
async fn two_that_write_for_one_run_are_told() {
    let Some(database) = Database::new(json!({"linger": "0s"})) else {
        return;
    };
    let mut one = start(&database.block(), "run-1", None).await;
    one.sink.write(&group(&[0; 3], 100)).await.unwrap();
    let saved = one.sink.commit().await.unwrap();
    let mut two = start(&database.block(), "run-1", Some(&saved)).await;
    one.sink.write(&group(&[100; 3], 150)).await.unwrap();
    let said = message(two.sink.write(&group(&[100; 3], 200)).await);
    assert!(
        said.contains("run-1") && said.contains("somebody else"),
        "{said}"
    );
    one.sink.write(&group(&[150; 3], 200)).await.unwrap();
    assert_eq!(database.count("main"), 600);
}

/// The emulation's end doesn't wait for a server that is stuck.
#[tokio::test(flavor = "multi_thread")]
async fn a_lock_that_stays_doesnt_hold_up_the_end() {
    let Some(database) = Database::new(json!({"linger": "0s"})) else {
        return;
    };
    let mut fixture = start(&database.block(), "run-1", None).await;
    let mut holder = Command::new("psql")
        .args([&database.url, "-qAtX"])
        .args(["-c", "BEGIN; LOCK TABLE main; SELECT pg_sleep(60)"])
        .spawn()
        .unwrap();
    let locked = "SELECT count(*) FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND relation = 'main'::regclass";
    crate::common::until("the table is locked", || database.ask(locked) == ["1"]);
    let cancel = fixture.cancel.clone();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(300)).await;
        cancel.cancel();
    });
    let begun = Instant::now();
    let said = message(fixture.sink.write(&group(&[0; 3], 10)).await);
    assert!(said.contains("stopped while"), "{said}");
    assert!(begun.elapsed() < Duration::from_secs(30));
    holder.kill().unwrap();
    holder.wait().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_by_every_mode() {
    let Some(server) = Server::start(&["--tls"]) else {
        return;
    };
    let ca = server.folder.path().join("server/ca.pem");
    let database = Database::at(&server.url, json!({}));
    let tried = async |options: serde_json::Value| {
        let mut block = database.block();
        block.1.extend(options.as_object().unwrap().clone());
        let mut fixture = open(&block, "run-1", &[0; 3]);
        fixture.sink.prepare().await.map(|()| fixture)
    };
    let secured = "SELECT count(*) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE ssl AND application_name = 'wellhead'";
    for (options, expected) in [
        (json!({"sslmode": "disable"}), "0"),
        (json!({}), "1"),
        (json!({"sslmode": "require"}), "1"),
        (json!({"sslmode": "verify-ca", "sslrootcert": ca}), "1"),
        (
            json!({"sslmode": "verify-full", "sslrootcert": ca, "host": "localhost"}),
            "1",
        ),
    ] {
        let connected = tried(options.clone())
            .await
            .map_err(|e| format!("{options}: {e}"));
        let fixture = connected.unwrap();
        assert_eq!(psql(&server.url, secured), [expected], "{options}");
        drop(fixture);
        crate::common::until("it has gone", || psql(&server.url, secured) == ["0"]);
    }
    let Err(unknown) = tried(json!({"sslmode": "verify-full"})).await else {
        panic!("nobody vouched for that certificate");
    };
    assert!(unknown.message.contains("certificate"), "{unknown}");
    let plain = service("WELLHEAD_TEST_POSTGRES").unwrap();
    let without = Database::at(&plain, json!({"sslmode": "require"}));
    let mut fixture = open(&without.block(), "run-1", &[0; 3]);
    let said = message(fixture.sink.prepare().await);
    assert!(said.contains("TLS"), "{said}");
}
