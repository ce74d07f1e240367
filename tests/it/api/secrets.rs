//! A secret in each place that can hold one, and nothing of any of them wherever anything is written.

use std::net::TcpListener;
use std::path::Path;

use rustix::process::Signal;
use serde_json::json;

use super::client::{JSON, Served, YAML};
use super::jwt::{Issuer, claims, settings};
use crate::common::{Sandbox, until};

const EMULATIONS: &str = "/api/v1/emulations";

/// Settings with a connection of each kind, at an address where nobody is, and the secrets in them.
fn planted(nobody: &str) -> (String, Vec<String>) {
    let mut secrets = Vec::new();
    let mut secret = |name: &str| {
        let planted = format!("pLaNtEd-{name}-7f3a91");
        secrets.push(planted.clone());
        planted
    };
    let settings = format!(
        "[connections.pg]\ntype = \"postgres\"\nhost = \"127.0.0.1\"\nport = {port}\nuser = \"u\"\ndatabase = \"d\"\npassword = \"{}\"\n\
         [connections.bus]\ntype = \"kafka\"\nbrokers = [\"{nobody}\"]\nusername = \"u\"\npassword = \"{}\"\nsecurity_protocol = \"sasl_plaintext\"\nsasl_mechanism = \"PLAIN\"\n\
         [connections.bucket]\ntype = \"s3\"\nendpoint = \"http://{nobody}\"\naccess_key = \"a\"\nsecret_key = \"{}\"\nsession_token = \"{}\"\n\
         [connections.things]\ntype = \"mqtt\"\nhost = \"{nobody}\"\nusername = \"u\"\npassword = \"{}\"\n\
         [connections.hook]\ntype = \"http\"\nurl = \"http://{nobody}/in\"\nusername = \"u\"\npassword = \"{}\"\nheaders = {{ X-Api-Key = \"{}\" }}\n\
         [connections.call]\ntype = \"http\"\ntoken = \"{}\"\nurl = \"http://{nobody}/in?token={}\"\n",
        secret("pg-password"),
        secret("kafka-password"),
        secret("s3-key"),
        secret("s3-token"),
        secret("mqtt-password"),
        secret("http-password"),
        secret("api-key"),
        secret("http-token"),
        secret("query"),
        port = nobody.rsplit(':').next().unwrap(),
    );
    (settings, secrets)
}

fn kept(folder: &Path, into: &mut Vec<(String, Vec<u8>)>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => kept(&path, into),
            false => into.push((
                path.display().to_string(),
                std::fs::read(&path).unwrap_or_default(),
            )),
        }
    }
}

#[test]
fn secrets_are_nowhere_to_be_seen() {
    let sandbox = Sandbox::new();
    // A port that nobody else takes, and where nobody answers.
    let held = TcpListener::bind("127.0.0.1:0").unwrap();
    let nobody = held.local_addr().unwrap().to_string();
    drop(held);
    let issuer = Issuer::new();
    sandbox.write("keys.json", &issuer.keys("").to_string());
    let (connections, mut secrets) = planted(&nobody);
    sandbox.write(
        "settings.toml",
        &format!("{}{connections}", settings("keys.json")),
    );
    let made = sandbox.expect(0, &["token", "new", "--role", "admin", "--data", "data"]);
    let token = String::from_utf8(made.stdout).unwrap().trim().to_owned();
    let jwt = issuer.sign(&json!({"alg": "EdDSA", "kid": "ed"}), &claims("admin"));
    let bad = format!("{token}x");
    secrets.push(token.rsplit('_').next().unwrap().to_owned());
    secrets.extend(jwt.split('.').skip(1).map(str::to_owned));
    secrets.push("pLaNtEd-env-7f3a91".to_owned());
    let variables = [
        ("WELLHEAD_CONNECTIONS__PG2__TYPE", "postgres"),
        ("WELLHEAD_CONNECTIONS__PG2__PASSWORD", "pLaNtEd-env-7f3a91"),
        ("WELLHEAD_CONNECTIONS__PG2__HOST", "127.0.0.1"),
        (
            "WELLHEAD_CONNECTIONS__PG2__PORT",
            nobody.rsplit(':').next().unwrap(),
        ),
        ("WELLHEAD_CONNECTIONS__PG2__USER", "u"),
        ("WELLHEAD_CONNECTIONS__PG2__DATABASE", "d"),
        ("NO_PROXY", "127.0.0.1"),
    ];
    let more = [
        "--settings",
        "settings.toml",
        "--log-level",
        "debug,h2=info,sqlx=info",
    ];
    let served = Served::among(&sandbox, &more, &variables);
    let mut seen = Vec::new();
    let mut ask = |method: &str, path: &str, headers: &[(&str, &str)], body: &str, token: &str| {
        let token = format!("Bearer {token}");
        let mut all = vec![("Authorization", token.as_str())];
        all.extend(headers);
        let answered = served.send(method, path, &all, body);
        seen.push((
            format!("{method} {path}"),
            format!("{}\n{}", answered.headers(), answered.body),
        ));
        answered
    };
    let mut ids = Vec::new();
    for (n, sink) in [
        "{type: postgres, connection: pg}",
        "{type: postgres, connection: pg2}",
        "{type: kafka, connection: bus, topic: t, connect_timeout: 500ms}",
        "{type: s3, connection: bucket, bucket: bucket-b, connect_timeout: 500ms, timeout: 1s}",
        "{type: mqtt, connection: things, topic: t, connect_timeout: 500ms}",
        "{type: http, connection: hook, connect_timeout: 500ms, retry_for: 1s}",
        "{type: http, connection: call, connect_timeout: 500ms, retry_for: 1s}",
        "{type: file, path: good.ndjson}",
    ]
    .iter()
    .enumerate()
    {
        let spec = format!("{{generator: transaction, until: {{records: 10}}, sinks: [{sink}]}}");
        let by = if n % 2 == 0 { &token } else { &jwt };
        let key = format!("key-{n}");
        let headers = [("Content-Type", YAML), ("Idempotency-Key", key.as_str())];
        let started = ask("POST", EMULATIONS, &headers, &spec, by);
        ids.push(started.json(201)["id"].as_str().unwrap().to_owned());
    }
    // A secret in a spec is refused, and not said again.
    for sink in [
        json!({"type": "postgres", "connection": "pg", "password": secrets[0]}),
        json!({"type": "http", "url": format!("http://x:{}@h/", secrets[0])}),
        json!({"type": "http", "connection": "hook", "headers": {"Authorization": secrets[0]}}),
        json!({"type": "kafka", "connection": "bus", "topic": "t", "librdkafka": {"sasl.password": secrets[0]}}),
        json!(format!("postgres://u:{}@h/d?table=t", secrets[0])),
    ] {
        let spec = json!({"generator": "transaction", "sinks": [sink]}).to_string();
        let refused = ask("POST", EMULATIONS, &[JSON], &spec, &token);
        assert_eq!(refused.status, 422, "{sink}: {}", refused.body);
    }
    for id in &ids {
        let path = format!("{EMULATIONS}/{id}");
        until("it is over", || {
            let state = ask("GET", &path, &[], "", &token).json(200)["state"].clone();
            !["starting", "running"].contains(&state.as_str().unwrap())
        });
        for part in ["", "/events", "/report", "/manifest", "/records"] {
            ask("GET", &format!("{path}{part}"), &[], "", &token);
        }
    }
    for path in [
        "/health",
        "/ready",
        "/metrics",
        "/openapi.json",
        "/api/v1/connections",
        "/api/v1/sinks",
        EMULATIONS,
    ] {
        ask("GET", path, &[], "", &jwt);
    }
    ask("GET", EMULATIONS, &[], "", &bad).problem(401, "");
    ask("GET", EMULATIONS, &[], "", &jwt[..jwt.len() - 9]).problem(401, "");
    for (name, value) in [("Host", "evil.example"), ("Origin", "http://evil.example")] {
        ask("GET", EMULATIONS, &[(name, value)], "", &token);
    }
    let log = served.log();
    assert_eq!(served.end(Signal::TERM), Some(0));
    assert!(log.contains("wellhead::audit"), "{log}");

    let mut written = vec![("the log".to_owned(), log.into_bytes())];
    written.extend(
        seen.into_iter()
            .map(|(what, text)| (what, text.into_bytes())),
    );
    kept(&sandbox.path("data"), &mut written);
    let state = written.iter().any(|(what, _)| what.ends_with("state.db"));
    assert!(state && written.len() > 50);
    for (what, bytes) in &written {
        for secret in &secrets {
            let found = bytes
                .windows(secret.len())
                .any(|part| part == secret.as_bytes());
            assert!(
                !found,
                "{what} holds {secret}: {}",
                String::from_utf8_lossy(bytes)
            );
        }
    }
}
