//! Servers that go away, and buckets and keys that won't do.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::json;

use super::{Bucket, run};
use crate::common::{Sandbox, service, signal, until, wait};
use crate::sink::disk::{SmallDisk, fill, waited_for};
use crate::sink::{self, RECORDS, Service, group, in_order, message, open, send, start};

/// A server of the test's own, which it may kill and start again.
pub(super) struct Server {
    place: PathBuf,
    pub(super) address: String,
    /// Nothing where the place is somebody else's.
    _folder: Option<tempfile::TempDir>,
}

impl Server {
    fn start() -> Option<Server> {
        Server::with(|_| {})
    }

    /// One that takes what stands before that domain in a host's name for a bucket.
    pub(super) fn of_domain(domain: &str) -> Option<Server> {
        Server::with(|command| {
            command.env("MINIO_DOMAIN", domain);
        })
    }

    fn with(more: impl Fn(&mut Command)) -> Option<Server> {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("m");
        Server::within(place, Some(folder), more)
    }

    /// One whose data lies in a folder that isn't there yet.
    fn within(
        place: PathBuf,
        folder: Option<tempfile::TempDir>,
        more: impl Fn(&mut Command),
    ) -> Option<Server> {
        service("WELLHEAD_TEST_MINIO")?;
        let mut command = Server::command("start", &place);
        more(&mut command);
        let address = run(&mut command).trim().to_owned();
        Some(Server {
            place,
            address,
            _folder: folder,
        })
    }

    fn command(verb: &str, at: &Path) -> Command {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/services.sh");
        let mut command = Command::new(script);
        command.args(["minio-private", verb]).arg(at);
        command
    }

    fn tell(&self, verb: &str) {
        run(&mut Server::command(verb, &self.place));
    }

    pub(super) fn bucket(&self, options: serde_json::Value) -> Bucket {
        Bucket::at(
            self.address.clone(),
            "wellhead",
            "private-password",
            options,
        )
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = Server::command("kill", &self.place).output();
    }
}

/// As delivery does: after an error that is worth it, again what isn't settled.
async fn insist<T>(
    fixture: &mut super::super::Fixture,
    mut call: impl AsyncFnMut(&mut super::super::Fixture) -> Result<T, wellhead::sink::SendError>,
) -> (T, u32) {
    let begun = Instant::now();
    let mut errors = 0;
    loop {
        match call(fixture).await {
            Ok(done) => return (done, errors),
            Err(error) => {
                assert!(error.retry, "{error}");
                assert!(begun.elapsed() < Duration::from_secs(60), "{error}");
                errors += 1;
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

/// A server that is killed in the middle and comes back: nothing is lost, nothing repeated.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_goes_away_and_comes_back_costs_nothing() {
    let Some(server) = Server::start() else {
        return;
    };
    for options in [
        json!({"records": 100, "timeout": "2s"}),
        json!({"bytes": "1GB", "part_size": "5MiB", "timeout": "2s"}),
    ] {
        let bucket = server.bucket(options);
        let mut fixture = start(&bucket.block(), "run-1", None).await;
        let mut errors = 0;
        for (round, verb) in ["kill", "pause"].into_iter().enumerate() {
            let from = RECORDS / 2 * round as u64;
            send(&mut fixture, &[from; 3], from + 1_000).await;
            server.tell(verb);
            let back = if verb == "pause" { "resume" } else { "restart" };
            let at = server.place.clone();
            let away = std::thread::spawn(move || {
                std::thread::park_timeout(Duration::from_secs(3));
                run(&mut Server::command(back, &at));
            });
            let rest = group(&[from + 1_000; 3], from + 2_000);
            let write = async |fixture: &mut super::super::Fixture| {
                fixture.sink.write(&rest).await?;
                fixture.sink.commit().await.map(drop)
            };
            errors += insist(&mut fixture, write).await.1;
            tokio::task::spawn_blocking(move || away.join().unwrap())
                .await
                .unwrap();
        }
        let close = async |fixture: &mut super::super::Fixture| fixture.sink.close(true).await;
        errors += insist(&mut fixture, close).await.1;
        in_order(&bucket, true);
        assert_eq!(fixture.receipts.acknowledged(), 3 * RECORDS);
        if bucket.names().len() > 3 {
            assert!(errors > 0, "the outage wasn't noticed");
        }
    }
}

/// A server whose disk is full stalls the sink, and once there is room nothing is missing or twice.
#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_waited_for() {
    let Some(disk) = SmallDisk::mount(32) else {
        return;
    };
    let Some(server) = Server::within(disk.path().join("m"), None, |_| {}) else {
        return;
    };
    let bucket = server.bucket(json!({"records": 500, "timeout": "5s"}));
    let mut fixture = start(&bucket.block(), "run-1", None).await;
    let ballast = disk.path().join("ballast");
    fill(&ballast);
    waited_for(&mut fixture, &ballast, "make room").await;
    in_order(&bucket, true);
}

#[tokio::test(flavor = "multi_thread")]
async fn passes_what_was_dropped() {
    for bucket in super::ways().unwrap_or_default() {
        sink::passes_what_was_dropped(&bucket).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn cancelling_ends_every_wait() {
    let Some(server) = Server::start() else {
        return;
    };
    let bucket = server.bucket(json!({"records": 10, "timeout": "60s"}));
    let mut fixture = start(&bucket.block(), "run-1", None).await;
    server.tell("pause");
    let cancel = fixture.cancel.clone();
    let later = tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(300)).await;
        cancel.cancel();
    });
    let begun = Instant::now();
    let said = message(fixture.sink.write(&group(&[0; 3], 500)).await);
    assert!(said.contains("stopped while"), "{said}");
    assert!(begun.elapsed() < Duration::from_secs(30));
    later.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_down_is_said_at_the_start() {
    if service("WELLHEAD_TEST_MINIO").is_none() {
        return;
    }
    // Nothing listens on port 1.
    let address = "http://127.0.0.1:1".to_owned();
    let bucket = Bucket::at(address.clone(), "a", "b", json!({}));
    let error = open(&bucket.block(), "run-1", &[0; 3])
        .sink
        .prepare()
        .await
        .unwrap_err();
    assert!(
        error.message.contains(&address) && error.message.contains("can't be reached"),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_keys_are_refused_without_being_shown() {
    for (key, secret) in [("wellhead", "hunter2hunter2"), ("nobody", "hunter2hunter2")] {
        let Some(mut bucket) = Bucket::new(json!({})) else {
            return;
        };
        (bucket.key, bucket.secret) = (key.to_owned(), secret.to_owned());
        let mut fixture = open(&bucket.block(), "run-1", &[0; 3]);
        let error = fixture.sink.prepare().await.unwrap_err();
        assert!(
            !error.retry && error.message.contains("credentials are refused"),
            "{error}"
        );
        assert!(!error.message.contains("hunter2"), "{error}");
    }
}

/// A user who may do nothing with a bucket that is there, and may make none.
#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_of_somebody_else_is_said_by_name() {
    let Some(mut bucket) = Bucket::new(json!({})) else {
        return;
    };
    bucket.mc(&["mb", "BUCKET"]).unwrap();
    let policy = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:*"],"Resource":["arn:aws:s3:::mine-alone","arn:aws:s3:::mine-alone/*"]}]}"#;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("policy.json");
    std::fs::write(&file, policy).unwrap();
    let (user, key, secret) = (bucket.key.clone(), bucket.name.clone(), "somebody-else");
    let policy = file.to_str().unwrap();
    let add = [
        "admin",
        "user",
        "svcacct",
        "add",
        "--access-key",
        &key,
        "--secret-key",
        secret,
        "--policy",
        policy,
        "it",
        &user,
    ];
    bucket.mc(&add).unwrap();
    (bucket.key, bucket.secret) = (key, secret.to_owned());
    let mut fixture = open(&bucket.block(), "run-1", &[0; 3]);
    let error = fixture.sink.prepare().await.unwrap_err();
    assert!(
        !error.retry
            && error.message.contains(&bucket.name)
            && error.message.contains("may be another's"),
        "{error}"
    );
    bucket.name = format!("{}-none", bucket.name);
    let mut fixture = open(&bucket.block(), "run-1", &[0; 3]);
    let error = fixture.sink.prepare().await.unwrap_err();
    assert!(
        !error.retry && error.message.contains(&bucket.name),
        "{error}"
    );
}

/// A crash leaves parts behind. The next execution drops them when it makes the object again.
#[tokio::test(flavor = "multi_thread")]
async fn unfinished_uploads_of_a_crash_are_dropped() {
    let Some(bucket) = Bucket::new(json!({"bytes": "1GB", "part_size": "5MiB"})) else {
        return;
    };
    let block = bucket.block();
    let mut fixture = start(&block, "run-1", None).await;
    fixture.sink.write(&group(&[0; 3], 150_000)).await.unwrap();
    let saved = fixture.sink.commit().await.unwrap();
    until("parts have arrived", || bucket.unfinished() == 3);
    drop(fixture);
    let mut fixture = start(&block, "run-1", Some(&saved)).await;
    fixture.sink.write(&group(&[0; 3], 150_000)).await.unwrap();
    fixture.sink.close(true).await.unwrap();
    assert_eq!(bucket.unfinished(), 0);
    assert_eq!(bucket.names().len(), 3);
}

/// `kill -9` and `--resume`: the objects of a run in one piece.
fn killed_and_resumed(options: &str) {
    let Some(whole) = Bucket::new(json!({})) else {
        return;
    };
    let broken = Bucket::new(json!({})).unwrap();
    let command = |sandbox: &Sandbox, bucket: &Bucket, more: &[&str]| {
        let to = format!("s3://{}/{{channel}}/dt={{date}}?{options}", bucket.name);
        let mut arguments = vec![
            "run",
            "transaction",
            "--seed",
            "7",
            "--streams",
            "3",
            "--start",
            "2024-01-01T00:00:00Z",
            "--load",
            "4000/s",
            "--records",
            "16000",
            "--run",
            "crash",
            "--to",
            &to,
            "--report",
            "r.json",
        ];
        arguments.extend_from_slice(more);
        let mut command = sandbox.command(&arguments);
        command
            .env("MINIO_ENDPOINT", &bucket.endpoint)
            .env("MINIO_ACCESS_KEY", &bucket.key)
            .env("MINIO_SECRET_KEY", &bucket.secret);
        command
    };
    let finished = |mut command: Command| {
        let output = wait(command.spawn().unwrap());
        let said = crate::common::stderr(&output);
        assert_eq!(output.status.code(), Some(0), "{said}");
    };
    let one = Sandbox::new();
    finished(command(&one, &whole, &[]));

    let sandbox = Sandbox::new();
    let child = command(&sandbox, &broken, &[]).spawn().unwrap();
    let id = child.id();
    // With several commits behind it, and some to come.
    until("objects are there", || {
        broken
            .mc(&["ls", "--recursive", "BUCKET"])
            .is_ok_and(|listed| listed.lines().count() >= 12)
    });
    signal(id, rustix::process::Signal::KILL);
    assert!(
        !wait(child).status.success(),
        "it ended before it was killed"
    );
    finished(command(&sandbox, &broken, &["--resume"]));
    let report = sandbox.json("r.json");
    assert_eq!(report["records"]["acknowledged"], 16_000, "{report}");
    assert!(
        broken.bytes() == whole.bytes(),
        "the objects differ: {:?} and {:?}",
        broken.names(),
        whole.names()
    );
}

#[test]
fn a_killed_run_goes_on_to_the_same_objects() {
    killed_and_resumed("mode=chunked&records=500");
    killed_and_resumed("mode=grouped&interval=500ms&format=csv&compression=gzip");
}
