//! How often one may come, which pages may, and how long a repeated request is known.

use std::process::Command;

use super::client::{Served, YAML};
use crate::common::{Sandbox, until};

const EMULATIONS: &str = "/api/v1/emulations";
const SPEC: &str = "{generator: transaction, until: {records: 1}, sinks: ['null']}";

#[test]
fn who_comes_too_often_is_told_when_to_come_again() {
    let sandbox = Sandbox::new();
    let token = || {
        let made = sandbox.expect(0, &["token", "new", "--role", "read", "--data", "data"]);
        format!("Bearer {}", String::from_utf8(made.stdout).unwrap().trim())
    };
    let (greedy, modest) = (token(), token());
    sandbox.write("settings.toml", "[server]\nrate_limit = 1\nburst = 3\n");
    let served = Served::with(&sandbox, &["--settings", "settings.toml"]);
    let ask = |path: &str, token: &str| served.send("GET", path, &[("Authorization", token)], "");
    for n in 0..3 {
        assert_eq!(
            ask(EMULATIONS, &greedy).status,
            200,
            "request {n} of the burst"
        );
    }
    // On a machine that takes longer than a second for one, it would never be too often.
    let refused = (0..200)
        .map(|_| ask(EMULATIONS, &greedy))
        .find(|answer| answer.status != 200);
    let refused = refused.unwrap();
    refused.problem(429, "try again in 1 s");
    assert_eq!(refused.header("retry-after"), "1");
    assert_eq!(ask(EMULATIONS, &modest).status, 200);
    for _ in 0..20 {
        assert_eq!(ask("/health", &greedy).status, 200);
    }
}

#[test]
fn only_the_pages_that_are_named_come_in() {
    let sandbox = Sandbox::new();
    sandbox.write(
        "settings.toml",
        "[server]\norigins = [\"https://console.example\"]\n",
    );
    let served = Served::with(&sandbox, &["--settings", "settings.toml"]);
    let allowed = "access-control-allow-origin";
    let preflight = |served: &Served, origin: &str| {
        let headers = [
            ("Origin", origin),
            ("Access-Control-Request-Method", "PATCH"),
            (
                "Access-Control-Request-Headers",
                "authorization,content-type",
            ),
        ];
        served.send("OPTIONS", EMULATIONS, &headers, "")
    };
    let ours = preflight(&served, "https://console.example");
    assert_eq!(ours.status, 200);
    assert_eq!(ours.header(allowed), "https://console.example");
    assert!(
        ours.header("access-control-allow-methods")
            .contains("PATCH")
    );
    assert!(
        ours.header("access-control-allow-headers")
            .contains("authorization")
    );
    assert!(!ours.has("access-control-allow-credentials"));
    let post = |origin: &str, site: &str| {
        let headers = [
            ("Content-Type", YAML),
            ("Origin", origin),
            ("Sec-Fetch-Site", site),
        ];
        served.send("POST", EMULATIONS, &headers, SPEC)
    };
    let started = post("https://console.example", "cross-site");
    started.json(201);
    assert_eq!(started.header(allowed), "https://console.example");
    for origin in [
        "https://evil.example",
        "http://console.example",
        "https://console.example:8443",
        "https://console.example.evil.example",
        "null",
    ] {
        assert!(!preflight(&served, origin).has(allowed), "{origin}");
        let refused = post(origin, "cross-site");
        refused.problem(403, "another origin");
        assert!(!refused.has(allowed), "{origin}");
    }
    // A token is still asked for, and the page may read that.
    sandbox.expect(0, &["token", "new", "--role", "read", "--data", "data"]);
    let unknown = post("https://console.example", "cross-site");
    unknown.problem(401, "send a token");
    assert_eq!(unknown.header(allowed), "https://console.example");

    let sandbox = Sandbox::new();
    let closed = Served::start(&sandbox);
    let refused = preflight(&closed, "https://console.example");
    refused.problem(403, "another origin");
    assert!(!refused.has(allowed));
}

#[test]
fn a_repeated_request_starts_nothing_more() {
    let sandbox = Sandbox::new();
    let served = Served::start(&sandbox);
    let spec = "{generator: transaction, until: {records: 10}, sinks: ['null']}";
    let keyed = |body: &str| {
        let headers = [("Content-Type", YAML), ("Idempotency-Key", "order-1")];
        served.send("POST", "/api/v1/emulations", &headers, body)
    };
    let first = keyed(spec).json(201);
    let again = keyed(spec).json(200);
    assert_eq!(first["id"], again["id"]);
    keyed("{generator: device-log, sinks: ['null']}").problem(422, "another request");
    assert_eq!(
        served.get("/api/v1/emulations").json(200)["items"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

#[test]
fn a_repeated_request_is_known_for_a_day() {
    let sandbox = Sandbox::new();
    let served = Served::start(&sandbox);
    let ask = |key: &str| {
        let headers = [("Content-Type", YAML), ("Idempotency-Key", key)];
        served.send("POST", EMULATIONS, &headers, SPEC)
    };
    let sql = |text: &str| {
        let done = Command::new("sqlite3")
            .args(["-cmd", ".timeout 60000"])
            .arg(sandbox.path("data/state.db"))
            .arg(text)
            .output()
            .unwrap();
        assert!(
            done.status.success(),
            "{}",
            String::from_utf8_lossy(&done.stderr)
        );
        String::from_utf8(done.stdout).unwrap().trim().to_owned()
    };
    let aged = |hours: i64| {
        let then = jiff::Timestamp::now() - jiff::SignedDuration::from_hours(hours);
        sql(&format!("UPDATE answers SET created = '{then:.3}'"));
    };
    let first = ask("a").json(201);
    ask("b").json(201);
    aged(23);
    assert_eq!(ask("a").json(200)["id"], first["id"]);
    aged(25);
    assert_ne!(ask("a").json(201)["id"], first["id"]);
    assert_eq!(
        sql("SELECT count(*) FROM answers"),
        "1",
        "the other is swept"
    );
}

/// Where others than this machine reach the server, nobody comes in without a token: also not once
/// there is none left.
#[test]
fn the_last_token_takes_the_way_in_along() {
    let sandbox = Sandbox::new();
    let made = sandbox.expect(0, &["token", "new", "--role", "admin", "--data", "data"]);
    let token = String::from_utf8(made.stdout).unwrap();
    let served = Served::with(&sandbox, &["--listen", "0.0.0.0:0"]);
    let bearer = format!("Bearer {}", token.trim());
    let known = served.send("GET", EMULATIONS, &[("Authorization", &bearer)], "");
    assert_eq!(known.status, 200);
    let id = token.split('_').nth(1).unwrap();
    sandbox.expect(0, &["token", "revoke", id, "--data", "data"]);
    for headers in [
        &[("Host", "localhost")][..],
        &[("Authorization", &bearer)],
        &[],
    ] {
        served.send("GET", EMULATIONS, headers, "").problem(401, "");
    }
    std::fs::remove_file(sandbox.path("data/tokens.json")).unwrap();
    served.get(EMULATIONS).problem(401, "send a token");
}

#[test]
fn a_token_ends_by_itself() {
    let sandbox = Sandbox::new();
    let new = [
        "token",
        "new",
        "--role",
        "read",
        "--expires",
        "1s",
        "--data",
        "data",
    ];
    let made = sandbox.expect(0, &new);
    let token = String::from_utf8(made.stdout).unwrap();
    let served = Served::start(&sandbox);
    let bearer = format!("Bearer {}", token.trim());
    let ask = || served.send("GET", EMULATIONS, &[("Authorization", &bearer)], "");
    until("it has expired", || ask().status != 200);
    ask().problem(401, "isn't valid, or not any more");
}
