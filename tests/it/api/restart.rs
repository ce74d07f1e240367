//! A server that goes away, by force or in peace, and what was going on then.

use rustix::process::Signal;

use super::client::{Served, refused};
use crate::common::{Sandbox, until};

/// Twenty emulations into files and tables, some of them paused.
fn start_all(served: &Served) -> Vec<String> {
    (0..20)
        .map(|n| {
            let sink = match n % 2 {
                0 => format!("{{type: file, path: 'f{n}.ndjson'}}"),
                _ => format!("{{type: sqlite, path: 's{n}.db', table: t}}"),
            };
            let until = if n < 2 { ", until: {records: 50}" } else { "" };
            let generator = ["transaction", "device-log", "machine-signal"][n % 3];
            let faults = if n % 5 == 0 { ", faults: {duplicate: {share: 0.1, after: 20ms}}" } else { "" };
            served.start_one(&format!(
                "{{name: n{n}, generator: {generator}, seed: {n}, load: 500/s{until}{faults}, sinks: [{sink}]}}"
            ))
        })
        .collect()
}

fn goes_on_after(how: Signal) {
    let sandbox = Sandbox::new();
    let served = Served::start(&sandbox);
    let ids = start_all(&served);
    for id in &ids {
        until("each has released something", || served.generated(id) >= 50);
    }
    for id in &ids[16..] {
        served
            .post(&format!("/api/v1/emulations/{id}/pause"), "", "")
            .json(202);
    }
    served.until_state(&ids[0], "finished");
    served.until_state(&ids[1], "finished");
    served.end(how);

    let served = Served::start(&sandbox);
    for id in &ids[..2] {
        assert_eq!(served.status(id)["state"], "finished");
    }
    for id in &ids[2..16] {
        served.until_state(id, "running");
        let before = served.generated(id);
        until("it goes on", || served.generated(id) > before + 100);
    }
    for id in &ids[16..] {
        assert_eq!(served.status(id)["state"], "paused");
        assert_eq!(served.generated(id), 0, "of this execution");
        served
            .post(&format!("/api/v1/emulations/{id}/resume"), "", "")
            .json(202);
        until("it goes on", || served.generated(id) > 50);
    }
    for id in &ids[2..] {
        served
            .post(&format!("/api/v1/emulations/{id}/stop"), "", "")
            .json(202);
    }
    for id in &ids {
        served.until_state(id, "finished");
        let manifest = served.get(&format!("/api/v1/emulations/{id}/manifest"));
        sandbox.write("m.json", &manifest.json(200).to_string());
        sandbox.expect(0, &["verify", "m.json", "--from"]);
    }
    assert_eq!(served.end(Signal::TERM), Some(0));
}

#[test]
fn what_was_going_on_goes_on_after_a_kill() {
    goes_on_after(Signal::KILL);
}

#[test]
fn what_was_going_on_goes_on_after_a_stop() {
    goes_on_after(Signal::TERM);
}

/// A state that a newer version wrote isn't touched.
#[test]
fn a_newer_state_is_refused() {
    let sandbox = Sandbox::new();
    assert_eq!(Served::start(&sandbox).end(Signal::TERM), Some(0));
    let made = sandbox.path("data/state.db");
    let newer = std::process::Command::new("sqlite3")
        .arg(&made)
        .arg("INSERT INTO _sqlx_migrations SELECT 9999, 'newer', installed_on, 1, checksum, 1 FROM _sqlx_migrations LIMIT 1")
        .status();
    assert!(newer.unwrap().success());
    let said = refused(&sandbox, &[]);
    assert!(said.contains("doesn't fit this version"), "{said}");
}
