//! The commands that speak to a server.

use std::process::Output;

use super::client::Served;
use crate::common::{Sandbox, stderr, until, wait};

/// A server, and commands that are told of it.
struct Remote {
    sandbox: Sandbox,
    served: Served,
}

impl Remote {
    fn new() -> Remote {
        let sandbox = Sandbox::new();
        let served = Served::start(&sandbox);
        Remote { sandbox, served }
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let mut command = self.sandbox.command(arguments);
        command.env("WELLHEAD_SERVER", &self.served.base);
        wait(command.spawn().unwrap())
    }

    fn expect(&self, status: i32, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(
            output.status.code(),
            Some(status),
            "{arguments:?}\n{said}\n{}",
            stderr(&output)
        );
        said + &stderr(&output)
    }
}

#[test]
fn emulations_are_started_watched_steered_and_deleted() {
    let remote = Remote::new();
    let spec = "{generator: transaction, seed: 7, load: 10/s, until: {records: 100000}, sinks: ['file:o.ndjson']}";
    remote.sandbox.write("spec.yaml", spec);
    let started = remote.expect(
        0,
        &[
            "emulation",
            "start",
            "spec.yaml",
            "--load",
            "500/s",
            "--json",
        ],
    );
    let started: serde_json::Value = serde_json::from_str(&started).unwrap();
    assert_eq!(started[0]["spec"]["load"], "500/s");
    let id = started[0]["id"].as_str().unwrap();
    remote.served.until_state(id, "running");

    let mut watching = remote.sandbox.command(&["emulation", "watch", id]);
    watching.env("WELLHEAD_SERVER", &remote.served.base);
    let watching = watching.spawn().unwrap();
    assert!(
        remote
            .expect(0, &["emulation", "list", "--state", "running"])
            .contains(id)
    );
    assert!(
        remote
            .expect(0, &["emulation", "pause", id])
            .contains("paused")
    );
    assert!(
        remote
            .expect(0, &["emulation", "resume", id])
            .contains("running")
    );
    remote.expect(0, &["emulation", "rate", id, "20000/s"]);
    until("the new load has taken hold", || {
        let status = remote.served.get(&format!("/api/v1/emulations/{id}"));
        status.json(200)["records"]["acknowledged"].as_u64() > Some(5_000)
    });
    let refused = remote.expect(2, &["emulation", "delete", id]);
    assert!(refused.contains("it can't be deleted"), "{refused}");
    remote.expect(0, &["emulation", "stop", id]);
    let watched = wait(watching);
    let said = String::from_utf8_lossy(&watched.stdout).into_owned();
    assert_eq!(watched.status.code(), Some(0), "{said}{}", stderr(&watched));
    for shown in ["running", "paused", "released", "stopping", "stopped"] {
        assert!(said.contains(shown), "{shown}: {said}");
    }
    let shown = remote.expect(0, &["emulation", "show", id]);
    assert!(shown.contains("\"state\": \"stopped\""), "{shown}");
    remote.expect(0, &["emulation", "delete", id]);
    let gone = remote.expect(2, &["emulation", "show", id]);
    assert!(gone.contains("there is no emulation"), "{gone}");
}

#[test]
fn what_is_started_may_be_watched_to_its_end() {
    let remote = Remote::new();
    let arguments = [
        "emulation",
        "start",
        "device-log",
        "--records",
        "500",
        "--load",
        "max",
        "--to",
        "file:logs.ndjson",
        "--watch",
    ];
    let said = remote.expect(0, &arguments);
    assert!(said.contains("finished"), "{said}");
    let wrong = remote.expect(2, &["emulation", "start", "device-log", "--to", "stdout"]);
    assert!(wrong.contains("server's own output"), "{wrong}");
}

#[test]
fn generators_are_added_listed_and_removed() {
    let remote = Remote::new();
    let component = crate::common::fixture("villain");
    std::fs::write(remote.sandbox.path("mine.wasm"), component).unwrap();
    let added = remote.expect(0, &["plugin", "add", "mine.wasm"]);
    assert!(added.contains("added villain@"), "{added}");
    let again = remote.expect(0, &["plugin", "add", "mine.wasm"]);
    assert!(again.contains("was there already"), "{again}");
    let listed = remote.expect(0, &["plugin", "list"]);
    assert!(
        listed.contains("villain") && listed.contains("transaction"),
        "{listed}"
    );
    let own = remote.sandbox.expect(0, &["plugin", "list"]);
    assert!(!String::from_utf8_lossy(&own.stdout).contains("villain"));
    let inspected = remote.expect(0, &["plugin", "inspect", "villain", "--json"]);
    assert!(inspected.contains("config_schema"), "{inspected}");
    remote.expect(0, &["plugin", "remove", "villain"]);
    let gone = remote.expect(2, &["plugin", "inspect", "villain"]);
    assert!(gone.contains("villain"), "{gone}");
}

#[test]
fn who_cannot_be_reached_or_lets_nobody_in_is_said() {
    let remote = Remote::new();
    let nobody = ["--server", "http://127.0.0.1:1", "emulation", "list"];
    let said = remote.expect(2, &nobody);
    assert!(
        said.contains("no answer from http://127.0.0.1:1/") && said.contains("is a server there"),
        "{said}"
    );
    let said = remote.expect(2, &["--server", "localhost:8080", "emulation", "list"]);
    assert!(said.contains("write http://HOST:PORT"), "{said}");
    let new = ["token", "--data", "data", "new", "--role", "read"];
    let token = remote.sandbox.expect(0, &new);
    let token = String::from_utf8_lossy(&token.stdout).trim().to_owned();
    let said = remote.expect(2, &["emulation", "list"]);
    assert!(said.contains("WELLHEAD_TOKEN"), "{said}");
    remote.expect(0, &["--token", &token, "emulation", "list"]);
    let start = [
        "--token",
        &token,
        "emulation",
        "start",
        "transaction",
        "--to",
        "null",
    ];
    let said = remote.expect(2, &start);
    assert!(said.contains("has the role read"), "{said}");
}
