//! What a server logs, changed while it runs.

use rustix::process::Signal;
use serde_json::{Value, json};

use super::client::{JSON, Served};
use crate::common::{Sandbox, signal, until};

const PATH: &str = "/api/v1/log-levels";

/// A server that logs into a file, as the file of its levels says.
fn logging(sandbox: &Sandbox, level: &str) -> Served {
    configure(sandbox, level);
    Served::with(sandbox, &["--log-config", "log.toml"])
}

fn configure(sandbox: &Sandbox, level: &str) {
    let text = format!("level = '{level}'\ndestination = 'server.log'\n[levels]\nhyper = 'off'\n");
    sandbox.write("log.toml", &text);
}

/// What was audited, as far as that was logged.
fn audited(sandbox: &Sandbox) -> Vec<String> {
    let log = std::fs::read_to_string(sandbox.path("server.log")).unwrap();
    let lines = log.lines().map(|line| serde_json::from_str(line).unwrap());
    let what = |line: Value| line["fields"]["what"].as_str().map(str::to_owned);
    lines.filter_map(what).collect()
}

#[test]
fn levels_are_changed_over_rest() {
    let sandbox = Sandbox::new();
    let served = logging(&sandbox, "warn");
    let begun = json!({"level": "warn", "levels": {"hyper": "off"}});
    assert_eq!(served.get(PATH).json(200), begun);
    let put = |levels: &Value| served.send("PUT", PATH, &[JSON], &levels.to_string());
    let audits = json!({"level": "error", "levels": {"wellhead::audit": "info"}});
    assert_eq!(put(&audits).json(200), audits);
    assert_eq!(served.get(PATH).json(200), audits);
    // Whoever changes it leaves a line, from now on in the log too.
    assert_eq!(audited(&sandbox), Vec::<String>::new());
    served.start_one("{generator: transaction, load: 10/s, sinks: ['null']}");
    put(&json!({"level": "warn"})).json(200);
    assert_eq!(audited(&sandbox), ["emulation.start", "log-levels.set"]);
    served.start_one("{generator: transaction, load: 10/s, sinks: ['null']}");
    assert_eq!(audited(&sandbox).len(), 2);

    for wrong in [
        json!({"level": "loud"}),
        json!({"level": "info", "levels": {"a=debug,b": "info"}}),
        json!({"level": "info", "levels": {"wellhead": "loud"}}),
    ] {
        put(&wrong).problem(422, "write error, warn, info");
    }
    put(&json!({"lever": "info"})).problem(422, "lever");
    let now = served.get(PATH).json(200);
    assert_eq!(now, json!({"level": "warn", "levels": {}}));
}

#[test]
fn a_signal_has_the_file_read_again() {
    let sandbox = Sandbox::new();
    let served = logging(&sandbox, "error");
    let hang_up = || signal(served.child.id(), Signal::HUP);
    configure(&sandbox, "info");
    hang_up();
    until("the new level holds", || {
        served.get(PATH).json(200)["level"] == "info"
    });
    configure(&sandbox, "loud");
    hang_up();
    until("the wrong one is said", || {
        let log = std::fs::read_to_string(sandbox.path("server.log")).unwrap();
        log.contains("log levels stay as they are") && log.contains("loud")
    });
    assert_eq!(served.get(PATH).json(200)["level"], "info");
    assert_eq!(served.end(Signal::TERM), Some(0));
}

#[test]
fn only_an_admin_changes_them() {
    let sandbox = Sandbox::new();
    let token = |role: &str| {
        let made = sandbox.expect(0, &["token", "new", "--role", role, "--data", "data"]);
        let text = String::from_utf8(made.stdout).unwrap();
        format!("Bearer {}", text.trim())
    };
    let (operate, admin) = (token("operate"), token("admin"));
    let served = Served::start(&sandbox);
    let put = |token: &str| {
        let headers = [JSON, ("Authorization", token)];
        served.send("PUT", PATH, &headers, r#"{"level": "info"}"#)
    };
    put(&operate).problem(403, "this takes admin");
    put(&admin).json(200);
    served
        .send("GET", PATH, &[], "")
        .problem(401, "send a token");
}
