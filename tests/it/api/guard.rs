//! What may not come in, and what may not be reached.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use rustix::process::Signal;

use super::client::{JSON, Served, YAML, refused};
use crate::common::Sandbox;

#[test]
fn every_error_is_a_problem_that_says_what_to_do() {
    let sandbox = Sandbox::new();
    let served = Served::start(&sandbox);
    let emulations = "/api/v1/emulations";
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    let large = format!("{{generator: transaction, name: {}}}", "x".repeat(2 << 20));
    let aliases = (1..30).fold("a0: &a0 [x, x, x, x]\n".to_owned(), |text, n| {
        let one = format!("*a{}", n - 1);
        format!("{text}a{n}: &a{n} [{one}, {one}, {one}, {one}]\n")
    });
    for (method, path, headers, body, status, words) in [
        ("GET", "/nowhere", [].as_slice(), "", 404, "/docs"),
        ("PUT", emulations, &[], "", 405, "PUT means nothing"),
        ("POST", emulations, &[], "{}", 415, "no Content-Type"),
        (
            "POST",
            emulations,
            &[("Content-Type", "text/html")],
            "{}",
            415,
            "can't be text/html",
        ),
        ("POST", emulations, &[JSON], "{", 422, "request:1"),
        ("POST", emulations, &[JSON], &deep, 422, "request:1"),
        (
            "POST",
            emulations,
            &[("Content-Type", YAML)],
            &aliases,
            422,
            "request:",
        ),
        (
            "POST",
            emulations,
            &[("Content-Type", YAML)],
            &large,
            413,
            "1048576",
        ),
        ("POST", emulations, &[JSON], "[]", 422, "a spec is a map"),
        (
            "PATCH",
            "/api/v1/emulations/x",
            &[JSON],
            "{\"load\": 5}",
            422,
            "load",
        ),
        (
            "PATCH",
            "/api/v1/emulations/x",
            &[JSON],
            "{\"speed\": 5}",
            422,
            "speed",
        ),
        (
            "PATCH",
            "/api/v1/emulations/x",
            &[JSON],
            "{",
            400,
            "the body",
        ),
        (
            "PATCH",
            "/api/v1/emulations/x",
            &[JSON],
            "{\"load\": \"5/s\"}",
            404,
            "no emulation x",
        ),
        ("GET", "/api/v1/emulations/%FF", &[], "", 400, "UTF-8"),
        (
            "GET",
            "/api/v1/emulations/..%2F..%2Fetc%2Fpasswd",
            &[],
            "",
            404,
            "no emulation",
        ),
        (
            "DELETE",
            "/api/v1/emulations/x",
            &[("If-Match", "3")],
            "",
            400,
            "If-Match",
        ),
    ] {
        served
            .send(method, path, headers, body)
            .problem(status, words);
    }
    for sink in [
        "{type: kafka, brokers: '169.254.169.254:9092', topic: t}",
        "{type: http, url: 'http://169.254.169.254/latest'}",
        "{type: file, path: ../../../etc/cron.d/x}",
        "{type: sqlite, path: /tmp/x.db, table: t}",
        "stdout",
    ] {
        let spec = format!("{{generator: transaction, sinks: [{sink}]}}");
        let refused = served.post(emulations, YAML, &spec);
        assert_eq!(refused.status, 422, "{sink}: {}", refused.body);
    }
}

#[test]
fn web_pages_of_others_do_not_get_in() {
    let sandbox = Sandbox::new();
    let served = Served::start(&sandbox);
    let spec = "{generator: transaction, sinks: ['null']}";
    for (name, value) in [
        ("Origin", "http://evil.example"),
        ("Origin", "null"),
        ("Sec-Fetch-Site", "cross-site"),
        // A name that was bound to this address to get around the same-origin policy.
        ("Host", "evil.example"),
    ] {
        let headers = [("Content-Type", YAML), (name, value)];
        served
            .send("POST", "/api/v1/emulations", &headers, spec)
            .problem(403, "");
    }
    let own = served.base.clone();
    let headers = [("Content-Type", YAML), ("Origin", own.as_str())];
    served
        .send("POST", "/api/v1/emulations", &headers, spec)
        .json(201);
}

#[test]
fn tokens_say_who_may() {
    let sandbox = Sandbox::new();
    let token = |role: &str| {
        let made = sandbox.expect(0, &["token", "new", "--role", role, "--data", "data"]);
        let text = String::from_utf8(made.stdout).unwrap();
        format!("Bearer {}", text.trim())
    };
    let served = Served::start(&sandbox);
    served.get("/api/v1/emulations").json(200);
    let (read, operate) = (token("read"), token("operate"));
    // From the first token on, nobody comes in without, at once.
    served
        .get("/api/v1/emulations")
        .problem(401, "Authorization: Bearer");
    served.get("/health").json(200);
    let ask = |method: &str, path: &str, token: &str| {
        let headers = [("Authorization", token), ("Content-Type", YAML)];
        served.send(
            method,
            path,
            &headers,
            "{generator: transaction, until: {records: 1}, sinks: ['null']}",
        )
    };
    assert_eq!(ask("GET", "/api/v1/emulations", &read).status, 200);
    ask("POST", "/api/v1/emulations", &read).problem(403, "this takes operate");
    let started = ask("POST", "/api/v1/emulations", &operate).json(201);
    ask("DELETE", "/api/v1/plugins/x", &operate).problem(403, "this takes admin");
    for wrong in [
        "Bearer x",
        "Basic dTpw",
        "Bearer wellhead_00000000_00",
        "Bearer",
    ] {
        ask("GET", "/api/v1/emulations", wrong).problem(401, "");
    }
    let id = operate.split('_').nth(1).unwrap();
    sandbox.expect(0, &["token", "revoke", id, "--data", "data"]);
    ask("POST", "/api/v1/emulations", &operate).problem(401, "isn't valid");
    let secret = operate.rsplit('_').next().unwrap();
    for file in ["data/tokens.json", "data/state.db", "data/state.db-wal"] {
        let kept = std::fs::read(sandbox.path(file)).unwrap();
        let found = kept
            .windows(secret.len())
            .any(|part| part == secret.as_bytes());
        assert!(!found, "{file} holds the secret of {}", started["id"]);
    }
}

#[test]
fn it_does_not_listen_for_others_without_tokens() {
    let sandbox = Sandbox::new();
    let said = refused(&sandbox, &["--listen", "0.0.0.0:0"]);
    assert!(said.contains("wellhead token new"), "{said}");
    let served = Served::start(&sandbox);
    let said = refused(&sandbox, &[]);
    assert!(said.contains("is held by process"), "{said}");
    assert_eq!(served.end(Signal::TERM), Some(0));
}

/// A head that never ends is cut off, and others are served meanwhile.
#[test]
fn slow_heads_are_cut_off() {
    let sandbox = Sandbox::new();
    let served = Served::start(&sandbox);
    let address = served.base.strip_prefix("http://").unwrap();
    let mut slow: Vec<TcpStream> = (0..200)
        .map(|_| {
            let mut stream = TcpStream::connect(address).unwrap();
            stream
                .write_all(b"GET /health HTTP/1.1\r\nHost: localhost\r\nX-Slow: ")
                .unwrap();
            stream
        })
        .collect();
    served.get("/health").json(200);
    let mut first = slow.remove(0);
    first
        .set_read_timeout(Some(Duration::from_secs(60)))
        .unwrap();
    let mut said = Vec::new();
    // Closed, with or without a word.
    let _ = first.read_to_end(&mut said);
    served.get("/health").json(200);
}
