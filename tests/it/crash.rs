//! `kill -9` again and again, at seeded points of a run's progress, for each sink that promises
//! something. `WELLHEAD_TEST_KILLS=50` makes it a long one; figures are printed (`--nocapture`).

use std::collections::HashSet;
use std::process::Command;

use serde_json::{Value, json};

use crate::common::{Sandbox, service, signal, stderr, until, wait};
use crate::sink::postgres::Database;
use crate::sink::s3::Bucket;
use crate::sink::sqlite::sqlite3;

/// Kills of one run, and its records.
const CHAIN: u64 = 5;
const RECORDS: usize = 24_000;

/// Where the records go beside the file by whose size the progress is seen.
trait Target {
    /// What stands after `--to`; none where the file alone is meant.
    fn to(&self) -> Option<String>;
    /// What the program finds in its environment.
    fn environment(&self) -> Vec<(&'static str, String)> {
        Vec::new()
    }
    /// The transaction ids that are there, read without the sink's help.
    fn read(&self, sandbox: &Sandbox) -> Vec<String>;
}

struct File;

impl Target for File {
    fn to(&self) -> Option<String> {
        None
    }

    fn read(&self, sandbox: &Sandbox) -> Vec<String> {
        ids(&std::fs::read_to_string(sandbox.path("out.ndjson")).unwrap())
    }
}

struct Kafka {
    broker: String,
    topic: String,
    options: &'static str,
}

impl Target for Kafka {
    fn to(&self) -> Option<String> {
        let (broker, topic) = (&self.broker, &self.topic);
        Some(format!(
            "kafka://{broker}/{topic}?partitions=3{}",
            self.options
        ))
    }

    /// As a reader of committed records: that is what kcat is unless told otherwise.
    fn read(&self, _: &Sandbox) -> Vec<String> {
        let mut command = Command::new("kcat");
        command.args(["-C", "-e", "-q", "-o", "beginning", "-b", &self.broker]);
        let output = command.args(["-t", &self.topic]).output().unwrap();
        assert!(output.status.success(), "{}", stderr(&output));
        ids(&String::from_utf8(output.stdout).unwrap())
    }
}

impl Target for Bucket {
    fn to(&self) -> Option<String> {
        Some(format!(
            "s3://{}/{{channel}}?mode=chunked&records=700",
            self.name
        ))
    }

    fn environment(&self) -> Vec<(&'static str, String)> {
        vec![
            ("MINIO_ENDPOINT", self.endpoint.clone()),
            ("MINIO_ACCESS_KEY", self.key.clone()),
            ("MINIO_SECRET_KEY", self.secret.clone()),
        ]
    }

    fn read(&self, _: &Sandbox) -> Vec<String> {
        self.texts().values().flat_map(|text| ids(text)).collect()
    }
}

impl Target for Database {
    fn to(&self) -> Option<String> {
        Some(format!("{}?table=payments&linger=20ms", self.url))
    }

    fn read(&self, _: &Sandbox) -> Vec<String> {
        self.ask("SELECT transaction_id FROM payments")
    }
}

struct Sqlite;

impl Target for Sqlite {
    fn to(&self) -> Option<String> {
        Some("sqlite:p.db?table=payments&linger=20ms".to_owned())
    }

    fn read(&self, sandbox: &Sandbox) -> Vec<String> {
        let query = "SELECT transaction_id FROM payments";
        sqlite3(&sandbox.path("p.db"), query)
    }
}

/// The transaction ids of NDJSON.
fn ids(text: &str) -> Vec<String> {
    let id = |line: &str| {
        let record: Value = serde_json::from_str(line).unwrap();
        record["transaction_id"].as_str().unwrap().to_owned()
    };
    text.lines().map(id).collect()
}

/// What kills at random found.
#[derive(Debug, Default)]
struct Found {
    kills: u64,
    /// Kills at which records were released that no checkpoint covered.
    in_flight: u64,
    lost: usize,
    repeated: usize,
    resent: u64,
}

/// Kills and resumes runs into targets of one kind.
fn kill(name: &str, target: impl Fn() -> Option<Box<dyn Target>>) -> Option<Found> {
    let wanted = std::env::var("WELLHEAD_TEST_KILLS").map_or(CHAIN, |n| n.parse().unwrap());
    let mut found = Found::default();
    let mut round = 0;
    while found.kills < wanted {
        let target = target()?;
        one_run(&*target, &format!("{name}-{round}"), round, &mut found);
        round += 1;
    }
    eprintln!("{name}: {found:?}");
    assert!(found.in_flight * 2 >= found.kills, "{name}: {found:?}");
    assert_eq!(found.lost, 0, "{name}: {found:?}");
    Some(found)
}

fn one_run(target: &dyn Target, run: &str, round: u64, found: &mut Found) {
    let sandbox = Sandbox::new();
    let (seed, run) = (format!("{}", 7 + round), format!("{run}-{}", stamp()));
    let text = format!(
        "run transaction --seed {seed} --streams 3 --start 2024-01-01T00:00:00Z --load 12000/s \
         --records {RECORDS} --run {run} --to file:out.ndjson --report r.json --manifest m.json"
    );
    let mut arguments: Vec<String> = text.split(' ').map(str::to_owned).collect();
    if let Some(to) = target.to() {
        arguments.extend(["--to".to_owned(), to]);
    }
    let start = |resume: bool| {
        let more = resume.then_some("--resume");
        let all: Vec<&str> = arguments.iter().map(String::as_str).chain(more).collect();
        let mut command = sandbox.command(&all);
        command.envs(target.environment());
        command.spawn().unwrap()
    };
    let whole = expected(&sandbox, &seed);
    let mut random = round.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    for kill in 0..CHAIN {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        // Somewhere in its fifth of the first nine tenths.
        let share = (kill * 1_000 + (random >> 33) % 1_000) * 900 / CHAIN;
        let bytes = whole.len() as u64 * share / 1_000_000;
        let child = start(kill > 0);
        until("the file has grown", || {
            super::resume::partial_bytes(&sandbox) > bytes
        });
        signal(child.id(), rustix::process::Signal::KILL);
        let killed = wait(child);
        assert!(
            !killed.status.success(),
            "{run}: it ended before kill {kill}"
        );
        found.kills += 1;
        found.in_flight += u64::from(covered(&sandbox, &run) < released(&sandbox));
    }
    let output = wait(start(true));
    assert_eq!(output.status.code(), Some(0), "{run}: {}", stderr(&output));
    let report = sandbox.json("r.json");
    assert_eq!(
        report["records"]["acknowledged"], RECORDS,
        "{run}: {report}"
    );
    for sink in report["sinks"].as_array().unwrap() {
        found.resent += sink["resent"].as_u64().unwrap_or(0);
    }
    let file = std::fs::read_to_string(sandbox.path("out.ndjson")).unwrap();
    assert!(
        file == whole,
        "{run}: the file differs from a run in one piece"
    );
    let (wanted, there) = (ids(&whole), target.read(&sandbox));
    let distinct: HashSet<&String> = there.iter().collect();
    let known = wanted.iter().filter(|id| distinct.contains(id)).count();
    assert_eq!(known, distinct.len(), "{run}: records that nobody sent");
    found.lost += RECORDS - known;
    let repeated = there.len() - distinct.len();
    found.repeated += repeated;
    let report = verified(&sandbox, target);
    assert_eq!(report["matched"], RECORDS, "{run}: {report}");
    assert_eq!(report["repeated"], repeated, "{run}: {report}");
}

/// What `verify` says of the sink; anything but repeats fails it.
fn verified(sandbox: &Sandbox, target: &dyn Target) -> Value {
    let from = target.to().unwrap_or_else(|| "file".to_owned());
    let arguments = ["verify", "m.json", "--allow-repeated", "--report", "v.json"];
    let mut command = sandbox.command(&[&arguments[..], &["--from", &from]].concat());
    let output = wait(command.envs(target.environment()).spawn().unwrap());
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(0), "{said}");
    sandbox.json("v.json")
}

/// Process ids come again; a broker's topics stay.
pub fn stamp() -> u128 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.unwrap().as_nanos()
}

/// What a run in one piece gives: previews never wait.
fn expected(sandbox: &Sandbox, seed: &str) -> String {
    let count = RECORDS.to_string();
    let text = format!(
        "preview transaction --seed {seed} --streams 3 --start 2024-01-01T00:00:00Z --load 12000/s -n {count}"
    );
    let output = sandbox.expect(0, &text.split(' ').collect::<Vec<_>>());
    String::from_utf8(output.stdout).unwrap()
}

/// Records that the newest checkpoint of the state covers, for the sink that has least.
fn covered(sandbox: &Sandbox, run: &str) -> u64 {
    let path = sandbox.path("state/wellhead/state.db");
    let query = format!("SELECT body FROM receipts WHERE run = '{run}'");
    let sums = sqlite3(&path, &query).into_iter().map(|body| {
        let body: Value = serde_json::from_str(&body).unwrap();
        let watermark = body["receipt"]["watermark"].as_array().unwrap();
        watermark.iter().filter_map(Value::as_u64).sum::<u64>()
    });
    sums.min().unwrap_or(0)
}

/// Records that are in the unfinished file: no more than were released.
fn released(sandbox: &Sandbox) -> u64 {
    let unfinished = std::fs::read_dir(sandbox.path("")).unwrap();
    let lines = unfinished
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.file_name().to_string_lossy().contains("partial"))
        .map(|entry| std::fs::read(entry.path()).unwrap())
        .map(|bytes| bytes.iter().filter(|byte| **byte == b'\n').count() as u64);
    lines.sum()
}

#[test]
fn files_have_each_record_once() {
    let found = kill("file", || Some(Box::new(File))).unwrap();
    assert_eq!(found.repeated, 0);
}

fn kafka(name: &str, options: &'static str) -> Option<Found> {
    let broker = service("WELLHEAD_TEST_KAFKA")?;
    let next = std::cell::Cell::new(0);
    kill(name, || {
        next.set(next.get() + 1);
        Some(Box::new(Kafka {
            broker: broker.clone(),
            topic: format!("{name}-{}-{}", stamp(), next.get()),
            options,
        }))
    })
}

/// At least once: what is there twice was in flight.
#[test]
fn kafka_loses_no_record() {
    kafka("crash-kafka", "");
}

#[test]
fn transactions_of_kafka_have_each_record_once() {
    if let Some(found) = kafka("crash-exact", "&exactly_once=true") {
        assert_eq!(found.repeated, 0, "{found:?}");
    }
}

#[test]
fn objects_have_each_record_once() {
    let bucket = || Some(Box::new(Bucket::new(json!({}))?) as Box<dyn Target>);
    if let Some(found) = kill("s3", bucket) {
        assert_eq!(found.repeated, 0, "{found:?}");
    }
}

#[test]
fn postgres_has_each_record_once() {
    let database = || Some(Box::new(Database::new(json!({}))?) as Box<dyn Target>);
    if let Some(found) = kill("postgres", database) {
        assert_eq!(found.repeated, 0, "{found:?}");
    }
}

#[test]
fn sqlite_has_each_record_once() {
    let found = kill("sqlite", || Some(Box::new(Sqlite))).unwrap();
    assert_eq!(found.repeated, 0, "{found:?}");
}

/// Another machine, with nothing of the run but its name: the watermark is in Kafka.
#[test]
fn a_run_goes_on_elsewhere_by_what_kafka_knows() {
    let Some(broker) = service("WELLHEAD_TEST_KAFKA") else {
        return;
    };
    let topic = format!("elsewhere-{}", stamp());
    let kafka = Kafka {
        broker,
        options: "&exactly_once=true",
        topic,
    };
    let to = kafka.to().unwrap();
    let text = format!(
        "run transaction --seed 7 --streams 3 --start 2024-01-01T00:00:00Z --load 12000/s --records {RECORDS} \
         --run {} --report r.json --to {to}",
        kafka.topic
    );
    let arguments: Vec<&str> = text.split(' ').collect();
    let here = Sandbox::new();
    let seen = [&arguments[..], &["--to", "file:out.ndjson"]].concat();
    let child = here.command(&seen).spawn().unwrap();
    let whole = expected(&here, "7");
    until("most of it is there", || {
        super::resume::partial_bytes(&here) > whole.len() as u64 * 3 / 4
    });
    signal(child.id(), rustix::process::Signal::KILL);
    assert!(!wait(child).status.success());
    let there = Sandbox::new();
    there.expect(0, &[&arguments[..], &["--resume"]].concat());
    assert_eq!(there.json("r.json")["records"]["acknowledged"], RECORDS);
    let (mut found, mut wanted) = (kafka.read(&there), ids(&whole));
    found.sort();
    wanted.sort();
    assert!(
        found == wanted,
        "{} of {} are there",
        found.len(),
        wanted.len()
    );
}
