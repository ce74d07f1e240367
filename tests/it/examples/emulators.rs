//! The four that stand for emulators that teams have, each against its real service, and those
//! that take nothing but the environment.

use std::process::{Command, Output};

use rustix::process::Signal;
use serde_json::Value;

use super::endpoint::Endpoint;
use super::example;
use crate::common::{Sandbox, service, signal, stderr, until, wait};
use crate::sink::mqtt::broker::{Subscriber, unique};

/// An example's text in the sandbox, with what has to be this test's own put in its place.
fn own(sandbox: &Sandbox, name: &str, changes: &[(&str, &str)]) {
    let mut spec = std::fs::read_to_string(example(&format!("{name}/spec.yaml"))).unwrap();
    for (from, to) in changes {
        assert!(spec.contains(from), "{name} has no `{from}`");
        spec = spec.replace(from, to);
    }
    sandbox.write("spec.yaml", &spec);
}

/// Runs the program with these variables, and gives its report.
fn report(sandbox: &Sandbox, arguments: &[&str], variables: &[(&str, &str)]) -> Value {
    let arguments = [&["run"], arguments, &["--report", "r.json"]].concat();
    let mut command = sandbox.command(&arguments);
    let child = command.envs(variables.iter().copied()).spawn().unwrap();
    let output = wait(child);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    sandbox.json("r.json")
}

fn said(command: &mut Command) -> String {
    let output: Output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", stderr(&output));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[test]
fn json_to_kafka_and_minio() {
    let services = [
        "WELLHEAD_TEST_KAFKA",
        "WELLHEAD_TEST_MINIO",
        "WELLHEAD_TEST_MINIO_ACCESS_KEY",
        "WELLHEAD_TEST_MINIO_SECRET_KEY",
    ];
    let [Some(kafka), Some(minio), Some(access), Some(secret)] = services.map(service) else {
        return;
    };
    let sandbox = Sandbox::new();
    let name = format!("example-{}", std::process::id());
    own(
        &sandbox,
        "json-to-kafka-and-minio",
        &[
            ("topic: transaction", &format!("topic: {name}")),
            ("bucket: transaction", &format!("bucket: {name}")),
        ],
    );
    let report = report(
        &sandbox,
        &["spec.yaml", "--for", "2s"],
        &[
            ("KAFKA_BOOTSTRAP_SERVERS", &kafka),
            ("MINIO_ENDPOINT", &minio),
            ("MINIO_ACCESS_KEY", &access),
            ("MINIO_SECRET_KEY", &secret),
        ],
    );
    for sink in report["sinks"].as_array().unwrap() {
        assert_eq!(sink["acknowledged"], 2000, "{report}");
    }
}

/// A database of the test's own on the server that it was given, dropped at the end.
struct Database {
    server: String,
    name: String,
}

impl Database {
    fn new(name: &str) -> Option<Database> {
        let database = Database {
            server: service("WELLHEAD_TEST_POSTGRES")?,
            name: format!("{name}_{}", std::process::id()),
        };
        database.ask(
            &database.server,
            &format!("CREATE DATABASE {}", database.name),
        );
        Some(database)
    }

    fn ask(&self, url: &str, query: &str) -> String {
        said(Command::new("psql").args([url, "-At", "-c", query]))
    }

    fn count(&self, table: &str) -> u64 {
        let (server, _) = self.server.rsplit_once('/').unwrap();
        let url = format!("{server}/{}", self.name);
        let count = self.ask(&url, &format!("SELECT count(*) FROM {table}"));
        count.parse().unwrap()
    }

    /// The variables that a deployment has.
    fn variables(&self) -> Vec<(&'static str, String)> {
        let rest = self.server.split_once("://").unwrap().1;
        let (login, rest) = rest.rsplit_once('@').unwrap();
        let (user, password) = login.split_once(':').unwrap();
        let (host, port) = rest.split('/').next().unwrap().rsplit_once(':').unwrap();
        vec![
            ("DB_HOST", host.to_owned()),
            ("DB_PORT", port.to_owned()),
            ("DB_USER", user.to_owned()),
            ("DB_PASSWORD", password.to_owned()),
            ("DB_NAME", self.name.clone()),
        ]
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let drop = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
        let _ = Command::new("psql")
            .args([&self.server, "-c", &drop])
            .output();
    }
}

#[test]
fn machine_signals_to_postgres() {
    let spec = example("machine-signals-to-postgres/spec.yaml");
    let spec = spec.to_string_lossy();
    // The spec, and the environment alone.
    for what in [&*spec, "machine-signal"] {
        let Some(database) = Database::new("example_signals") else {
            return;
        };
        let sandbox = Sandbox::new();
        let variables = database.variables();
        let variables: Vec<(&str, &str)> = variables.iter().map(|(n, v)| (*n, &**v)).collect();
        let day = [
            what,
            "--start",
            "2025-01-23T08:00:00Z",
            "--speed",
            "max",
            "--for",
            "1h",
        ];
        let report = report(&sandbox, &day, &variables);
        assert_eq!(report["records"]["acknowledged"], 36_000, "{report}");
        let counts = ["state_change", "power", "error"].map(|table| database.count(table));
        assert_eq!(counts.iter().sum::<u64>(), 36_000);
        assert!(counts.iter().all(|&count| count > 0), "{counts:?}");
    }
}

#[test]
fn sensors_to_mqtt() {
    let Some(broker) = service("WELLHEAD_TEST_MQTT") else {
        return;
    };
    let sandbox = Sandbox::new();
    let topic = unique("example");
    let to = format!("mqtt://{broker}/{topic}/{{device_id}}");
    own(
        &sandbox,
        "sensors-to-mqtt",
        &[("mqtt://localhost:1883/sensors/{device_id}", &to)],
    );
    let listener = Subscriber::start(&broker, &format!("{topic}/#"), "%t %p");
    let report = report(&sandbox, &["spec.yaml", "--for", "6s"], &[]);
    let acknowledged = report["records"]["acknowledged"].as_u64().unwrap();
    assert!((380..=400).contains(&acknowledged), "{report}");
    let heard = listener.lines(acknowledged as usize);
    assert_eq!(heard.len() as u64, acknowledged);
    let last = format!("{topic}/device-00000099 ");
    assert!(heard.iter().any(|line| line.starts_with(&last)));
}

/// The objects of the example's file, as they are posted.
fn payloads() -> Vec<Value> {
    let text = std::fs::read_to_string(example("event-propagator/payloads.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// What an endpoint got is the file, in order and around again.
fn is_around(endpoint: &Endpoint) {
    let payloads = payloads();
    let posts = endpoint.posts();
    for (i, (path, body)) in posts.iter().enumerate() {
        assert_eq!(path, "/events");
        let body: Value = serde_json::from_str(body).unwrap();
        assert_eq!(body, payloads[i % payloads.len()], "post {i}");
    }
}

#[test]
fn event_propagator() {
    let endpoint = Endpoint::start();
    let sandbox = Sandbox::new();
    let file = example("event-propagator/payloads.json");
    own(
        &sandbox,
        "event-propagator",
        &[
            ("http://localhost:8080", &endpoint.url()),
            (
                "examples/event-propagator/payloads.json",
                &file.to_string_lossy(),
            ),
            ("every: 1s", "every: 10ms"),
        ],
    );
    let report = report(&sandbox, &["spec.yaml", "--records", "12"], &[]);
    assert_eq!(report["records"]["acknowledged"], 12, "{report}");
    assert_eq!(endpoint.posts().len(), 12);
    is_around(&endpoint);
}

#[test]
fn the_environment_alone_is_an_event_propagator() {
    let endpoint = Endpoint::start();
    let sandbox = Sandbox::new();
    let file = example("event-propagator/payloads.json");
    let mut command = sandbox.command(&["run", "replay"]);
    command
        .env("PERIOD_IN_SECONDS", "1")
        .env("HTTP_POST_ENDPOINT", format!("{}/events", endpoint.url()))
        .env(
            "HEALTH_CHECK_ENDPOINT",
            format!("{}/health", endpoint.url()),
        )
        .env("PAYLOAD_FILE_PATH", file);
    let child = command.spawn().unwrap();
    until("six have been posted", || endpoint.posts().len() >= 6);
    signal(child.id(), Signal::TERM);
    let output = wait(child);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(endpoint.probes() > 0, "the endpoint's health was not asked");
    is_around(&endpoint);
    let log = stderr(&output);
    assert!(log.contains("jitter") && log.contains("200"), "{log}");
}

#[test]
fn the_environment_gives_a_file_and_a_period() {
    let sandbox = Sandbox::new();
    sandbox.write("p.json", "[{\"a\": 1}, {\"a\": 2}]");
    let run = |period: &str, more: &[&str]| {
        let arguments = [&["run", "replay", "--to", "stdout"], more].concat();
        let mut command = sandbox.command(&arguments);
        command
            .env("PERIOD_IN_SECONDS", period)
            .env("PAYLOAD_FILE_PATH", "p.json");
        wait(command.spawn().unwrap())
    };
    let begun = std::time::Instant::now();
    let output = run("1", &["--records", "3"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(output.stdout, b"{\"a\": 1}\n{\"a\": 2}\n{\"a\": 1}\n");
    assert!(begun.elapsed().as_secs() >= 2, "a second apart");
    // A flag goes over the environment.
    let output = run(
        "1",
        &["--records", "3", "--load", "max", "--config", "loop=false"],
    );
    assert_eq!(output.stdout, b"{\"a\": 1}\n{\"a\": 2}\n");
    for period in ["0", "-5", "1.5", "soon"] {
        let output = run(period, &[]);
        assert_eq!(output.status.code(), Some(2));
        let said = stderr(&output);
        let expected = format!("PERIOD_IN_SECONDS is `{period}`, and has to be a positive integer");
        assert!(said.contains(&expected), "{said}");
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn the_environment_says_nothing_beside_a_spec() {
    let sandbox = Sandbox::new();
    sandbox.write(
        "s.yaml",
        "generator: transaction\nload: max\nuntil: {records: 3}\nsinks: [stdout]\n",
    );
    let mut command = sandbox.command(&["run", "s.yaml"]);
    let environment = [
        ("PERIOD_IN_SECONDS", "nonsense"),
        ("HTTP_POST_ENDPOINT", "nowhere"),
    ];
    let output = wait(command.envs(environment).spawn().unwrap());
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(output.stdout.iter().filter(|b| **b == b'\n').count(), 3);
}
