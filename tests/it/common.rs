//! The program under test, and folders of each test's own.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// Longest that one command of a test may take.
const PATIENCE: Duration = Duration::from_secs(300);

/// The program, beside the test's own binary (`make test` builds it first).
pub fn program() -> PathBuf {
    let own = std::env::current_exe().unwrap();
    let built = own.parent().unwrap().parent().unwrap().join("wellhead");
    assert!(
        built.exists(),
        "{} isn't there: run `make build` (or `make test`) first",
        built.display()
    );
    built
}

/// Where a generator of the tests lies (`plugins/build.sh --fixtures` builds them).
pub fn fixture_path(name: &str) -> PathBuf {
    let target = program().parent().unwrap().parent().unwrap().to_owned();
    let path = target.join("fixtures").join(format!("{name}.wasm"));
    assert!(
        path.exists(),
        "{} isn't there: run `plugins/build.sh --fixtures`",
        path.display()
    );
    path
}

/// The component of a generator of the tests.
pub fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(fixture_path(name)).unwrap()
}

/// The stock generators.
pub const STOCK: [&str; 7] = [
    "transaction",
    "device-log",
    "user-profile",
    "machine-signal",
    "iot-sensor",
    "replay",
    "template",
];

/// A record for `template` that has something of everything.
const ORDER: &str = r#"{"channel": "order", "key": "customer.id", "record": {
    "id": {"$sequence": {"from": 1}},
    "customer": {"id": {"$unique": {"max": 1000000}}, "name": {"$fake": "name"},
        "age": {"$int": {"min": 18, "max": 90, "distribution": "normal", "mean": 40, "deviation": 12}}},
    "amount": {"$float": {"min": 1, "max": 500, "distribution": "log-normal", "median": 20, "sigma": 0.8}},
    "rank": {"$int": {"min": 1, "max": 1000, "distribution": "zipf"}},
    "channel": {"$choice": {"web": 6, "shop": 3, "phone": 1}},
    "code": {"$pattern": "[A-Z]{3}(-[0-9]{4}){1,2}"}, "request": "$uuid", "gift": "$bool",
    "at": {"$time": {"skew": "5s"}}, "day": {"$time": {"format": "date"}},
    "coupon": {"$null": {"share": 0.8, "of": {"$pattern": "SAVE[0-9]{2}"}}},
    "lines": {"$array": {"min": 0, "max": 3, "of": {"line": {"$sequence": {"from": 1}},
        "sku": {"$int": {"min": 1, "max": 9999}}}}},
    "user": {"$ref": {"generator": "user-profile", "field": "email"}}, "fixed": "a \"text\""
}}"#;

/// A folder of the test's own: state, cache and outputs.
pub struct Sandbox {
    folder: tempfile::TempDir,
}

impl Sandbox {
    pub fn new() -> Sandbox {
        Sandbox {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A file with that text.
    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    /// What a stock generator needs besides its name, if anything: an asset, laid out here, or a
    /// configuration that shows more of it than its defaults do.
    pub fn needs(&self, generator: &str) -> Vec<&'static str> {
        if generator == "template" {
            return vec!["--config", ORDER];
        }
        if generator != "replay" {
            return Vec::new();
        }
        let objects = (0..5_003).map(|i| {
            let text = "abcdefghij".repeat(i % 23);
            format!("{{\"i\":{i},\"ts\":\"2020-01-01T00:00:00Z\",\"text\":\"{text}\"}}\n")
        });
        self.write("payloads.ndjson", &objects.collect::<String>());
        let config = r#"{"loop": true, "times": "ignore", "time_field": "ts"}"#;
        vec!["--asset", "payloads=payloads.ndjson", "--config", config]
    }

    /// The program with these arguments, in the folder, with a state of its own.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(program());
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env("XDG_STATE_HOME", self.path("state"))
            .env("XDG_DATA_HOME", self.path("data"))
            .env("XDG_CACHE_HOME", cache())
            .env("XDG_CONFIG_HOME", self.path("config"))
            .env_remove("DATABASE_URL")
            .env_remove("DB_HOST")
            .env_remove("KAFKA_BOOTSTRAP_SERVERS")
            .env_remove("PERIOD_IN_SECONDS")
            .env_remove("HTTP_POST_ENDPOINT")
            .env_remove("PGHOST")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Runs it to its end.
    pub fn run(&self, arguments: &[&str]) -> Output {
        wait(self.command(arguments).spawn().unwrap())
    }

    /// Runs it, and shows what it said where the status isn't the expected one.
    pub fn expect(&self, status: i32, arguments: &[&str]) -> Output {
        let output = self.run(arguments);
        assert_eq!(
            output.status.code(),
            Some(status),
            "wellhead {}\n--- stdout\n{}\n--- stderr\n{}",
            arguments.join(" "),
            String::from_utf8_lossy(&output.stdout[..output.stdout.len().min(2_000)]),
            stderr(&output)
        );
        output
    }

    pub fn json(&self, name: &str) -> Value {
        json(&self.path(name))
    }
}

/// Compiled generators are shared by all tests: they are addressed by content.
fn cache() -> PathBuf {
    let own = std::env::current_exe().unwrap();
    own.parent().unwrap().join("test-cache")
}

pub fn json(path: &Path) -> Value {
    let text = std::fs::read_to_string(path)
        .unwrap_or_else(|e| panic!("{} can't be read: {e}", path.display()));
    serde_json::from_str(&text).unwrap()
}

pub fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Waits for the end, bounded; a command that hangs is killed and fails the test.
pub fn wait(child: Child) -> Output {
    let id = child.id();
    let (tell, told) = std::sync::mpsc::channel();
    let waiter = std::thread::spawn(move || {
        let output = child.wait_with_output();
        let _ = tell.send(());
        output
    });
    if told.recv_timeout(PATIENCE).is_err() {
        signal(id, rustix::process::Signal::KILL);
        let output = waiter.join().unwrap().unwrap();
        panic!("the command hung\n{}", stderr(&output));
    }
    waiter.join().unwrap().unwrap()
}

pub fn signal(id: u32, signal: rustix::process::Signal) {
    let pid = rustix::process::Pid::from_raw(i32::try_from(id).unwrap()).unwrap();
    let _ = rustix::process::kill_process(pid, signal);
}

/// Waits until `ready` says so, by asking again and again, bounded.
pub fn until(what: &str, mut ready: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !ready() {
        assert!(begun.elapsed() < PATIENCE, "waited too long until {what}");
        std::thread::park_timeout(Duration::from_millis(2));
    }
}

/// Waits until a figure has stayed the same for so long, bounded; gives it.
pub fn settled<T: PartialEq>(what: &str, time: Duration, mut figure: impl FnMut() -> T) -> T {
    let (mut last, mut since) = (figure(), Instant::now());
    until(what, || {
        let now = figure();
        if now != last {
            (last, since) = (now, Instant::now());
        }
        since.elapsed() > time
    });
    last
}

/// Address of a service that the tests were given, or none where they may go without.
pub fn service(name: &str) -> Option<String> {
    let found = std::env::var(name).ok().or_else(|| {
        let file = program().parent()?.parent()?.join("services/env");
        let text = std::fs::read_to_string(file).ok()?;
        text.lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix('='))
            .map(str::to_owned)
    });
    if found.is_none() {
        assert!(
            std::env::var("WELLHEAD_TEST_REQUIRE").is_err(),
            "{name} is missing, and WELLHEAD_TEST_REQUIRE says that every service has to be there"
        );
        eprintln!("SKIPPED: no {name}, which `make test` provides");
    }
    found
}
