//! Tokens of another issuer.

mod issuer;

use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use serde_json::{Value, json};

use super::client::{Answered, Served, YAML, refused};
use crate::common::{Sandbox, until};
pub use issuer::{Issuer, base64};

const EMULATIONS: &str = "/api/v1/emulations";
const SPEC: &str = "{generator: transaction, until: {records: 1}, sinks: ['null']}";

/// Settings that take tokens of an issuer whose keys are there.
pub fn settings(keys: &str) -> String {
    format!(
        "[server.jwt]\nissuer = \"https://id.test\"\naudience = \"wellhead\"\nkeys = \"{keys}\"\n"
    )
}

/// Claims of a token that is taken, with that role.
pub fn claims(role: &str) -> Value {
    let now = jiff::Timestamp::now().as_second();
    json!({"iss": "https://id.test", "aud": ["wellhead", "other"], "sub": "ann", "exp": now + 600,
        "nbf": now - 5, "wellhead_role": role})
}

fn with(mut claims: Value, name: &str, value: Value) -> Value {
    claims[name] = value;
    claims
}

fn without(mut claims: Value, name: &str) -> Value {
    claims.as_object_mut().unwrap().remove(name);
    claims
}

fn ask(served: &Served, method: &str, token: &str) -> Answered {
    let token = format!("Bearer {token}");
    let body = if method == "POST" { SPEC } else { "" };
    let headers = [("Authorization", token.as_str()), ("Content-Type", YAML)];
    served.send(method, EMULATIONS, &headers, body)
}

fn begun(sandbox: &Sandbox, issuer: &Issuer) -> Served {
    sandbox.write("keys.json", &issuer.keys("").to_string());
    sandbox.write("settings.toml", &settings("keys.json"));
    Served::with(sandbox, &["--settings", "settings.toml"])
}

#[test]
fn tokens_of_an_issuer_are_taken_with_their_role() {
    let (sandbox, issuer) = (Sandbox::new(), Issuer::new());
    let served = begun(&sandbox, &issuer);
    // There are no tokens of ours, and yet nobody comes in without one.
    served.get(EMULATIONS).problem(401, "send a token");
    served.get("/health").json(200);
    for (alg, kid) in [("RS256", "rsa"), ("ES256", "ec"), ("EdDSA", "ed")] {
        let header = json!({"alg": alg, "kid": kid, "typ": "JWT"});
        let token = |role: &str| issuer.sign(&header, &claims(role));
        ask(&served, "GET", &token("read")).json(200);
        ask(&served, "POST", &token("read")).problem(403, "has the role read");
        ask(&served, "POST", &token("operate")).json(201);
    }
    let header = json!({"alg": "ES256", "kid": "ec"});
    let none = issuer.sign(&header, &claims("everything"));
    ask(&served, "GET", &none).problem(403, "`wellhead_role` names no role");
    let audit = Command::new("sqlite3")
        .arg(sandbox.path("data/state.db"))
        .arg("SELECT DISTINCT who FROM audit")
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&audit.stdout).trim(), "jwt:ann");
    // Ours are taken beside them.
    let made = sandbox.expect(0, &["token", "new", "--role", "operate", "--data", "data"]);
    let ours = String::from_utf8(made.stdout).unwrap();
    ask(&served, "POST", ours.trim()).json(201);
}

#[test]
fn whatever_is_wrong_with_a_token_refuses_it() {
    let (sandbox, issuer, other) = (Sandbox::new(), Issuer::new(), Issuer::new());
    let served = begun(&sandbox, &issuer);
    let now = jiff::Timestamp::now().as_second();
    let good = claims("admin");
    let header = |alg: &str, kid: &str| json!({"alg": alg, "kid": kid});
    let ec = header("ES256", "ec");
    let signed = |claims: Value| issuer.sign(&ec, &claims);
    let whole = signed(good.clone());
    ask(&served, "GET", &whole).json(200);
    let mut parts = whole.split('.');
    let (head, _, signature) = (parts.next().unwrap(), parts.next(), parts.next().unwrap());
    let forged = format!(
        "{head}.{}.{signature}",
        base64(
            with(good.clone(), "sub", json!("bob"))
                .to_string()
                .as_bytes()
        )
    );
    let deep = format!("{}{}", "[".repeat(5_000), "]".repeat(5_000));
    let deep = format!("{head}.{}.{signature}", base64(deep.as_bytes()));
    let own = json!({"alg": "ES256", "kid": "mine", "jwk": other.keys("")["keys"][1]});
    for (what, token, why) in [
        (
            "unsigned",
            issuer.sign(&header("none", "ec"), &good),
            "RS256, ES256 or EdDSA",
        ),
        (
            "unsigned, cut",
            format!(
                "{}.{}.",
                base64(b"{\"alg\":\"none\"}"),
                base64(good.to_string().as_bytes())
            ),
            "RS256, ES256 or EdDSA",
        ),
        (
            "the public key as a secret",
            issuer.sign(&header("HS256", "ec"), &good),
            "isn't the one of its key",
        ),
        (
            "another audience",
            signed(with(good.clone(), "aud", json!("other"))),
            "another audience",
        ),
        (
            "another issuer",
            signed(with(good.clone(), "iss", json!("https://evil.test"))),
            "somebody else issued it",
        ),
        (
            "expired",
            signed(with(good.clone(), "exp", json!(now - 120))),
            "has expired",
        ),
        (
            "not yet",
            signed(with(good.clone(), "nbf", json!(now + 120))),
            "hasn't come",
        ),
        (
            "for ever",
            signed(without(good.clone(), "exp")),
            "no claim `exp`",
        ),
        (
            "for anybody",
            signed(without(good.clone(), "aud")),
            "no claim `aud`",
        ),
        (
            "from anybody",
            signed(without(good.clone(), "iss")),
            "no claim `iss`",
        ),
        (
            "nobody's",
            signed(without(good.clone(), "sub")),
            "no claim `sub`",
        ),
        (
            "of an empty name",
            signed(with(good.clone(), "sub", json!(""))),
            "subject",
        ),
        (
            "of a name that breaks lines",
            signed(with(good.clone(), "sub", json!("a\nb"))),
            "subject",
        ),
        (
            "with another's key",
            issuer.sign(&header("ES256", "who"), &good),
            "none of the issuer's",
        ),
        (
            "without a key's name",
            issuer.sign(&json!({"alg": "ES256"}), &good),
            "none of the issuer's",
        ),
        (
            "signed by another",
            other.sign(&ec, &good),
            "signature doesn't hold",
        ),
        (
            "with the key that it brings along",
            other.sign(&own, &good),
            "none of the issuer's",
        ),
        (
            "with a key of another kind",
            issuer.sign(&header("ES256", "rsa"), &good),
            "isn't the one of its key",
        ),
        ("changed", forged, "signature doesn't hold"),
        ("deep", deep, "signature doesn't hold"),
        (
            "with extensions",
            issuer.sign(
                &json!({"alg": "ES256", "kid": "ec", "crit": ["b64"], "b64": false}),
                &good,
            ),
            "`crit`",
        ),
        ("of two parts", "a.b".to_owned(), "header can't be read"),
        ("of nothing", "..".to_owned(), "header can't be read"),
        (
            "far too long",
            format!("{whole}{}", "A".repeat(20_000)),
            "too long",
        ),
    ] {
        let refused = ask(&served, "GET", &token);
        assert_eq!(refused.status, 401, "{what}: {}", refused.body);
        refused.problem(401, why);
        assert!(refused.header("www-authenticate").starts_with("Bearer"));
        for secret in ["ann", "id.test", "evil", "600", &signature[..20]] {
            assert!(!refused.body.contains(secret), "{what}: {}", refused.body);
        }
    }
    let deep = with(good.clone(), "x", nested(200));
    ask(&served, "GET", &signed(deep)).problem(401, "can't be read");
    ask(&served, "GET", &whole).json(200);
    assert!(!served.log().contains(&signature[..20]), "{}", served.log());
}

fn nested(levels: usize) -> Value {
    (0..levels).fold(json!(1), |inner, _| json!([inner]))
}

/// Serves keys, and counts how often.
struct Keys {
    address: String,
    now: Arc<Mutex<String>>,
    fetched: Arc<AtomicUsize>,
}

impl Keys {
    fn start(first: &Value) -> Keys {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let keys = Keys {
            address: format!("http://{}/keys", listener.local_addr().unwrap()),
            now: Arc::new(Mutex::new(first.to_string())),
            fetched: Arc::default(),
        };
        let (now, fetched) = (Arc::clone(&keys.now), Arc::clone(&keys.fetched));
        // It ends with the tests' process: nothing waits for it.
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let mut stream = stream;
                let mut head = [0; 4096];
                let _ = stream.read(&mut head);
                fetched.fetch_add(1, Ordering::SeqCst);
                let body = now.lock().unwrap().clone();
                let status = if body.is_empty() {
                    "503 Gone"
                } else {
                    "200 OK"
                };
                let _ = write!(
                    stream,
                    "HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
                    body.len()
                );
            }
        });
        keys
    }

    fn set(&self, keys: &str) {
        keys.clone_into(&mut self.now.lock().unwrap());
    }
}

#[test]
fn keys_that_change_are_fetched_again_and_not_too_often() {
    let (sandbox, old, new) = (Sandbox::new(), Issuer::new(), Issuer::new());
    let keys = Keys::start(&old.keys("-old"));
    sandbox.write("settings.toml", &settings(&keys.address));
    let variables = [("NO_PROXY", "127.0.0.1")];
    let begun = Instant::now();
    let served = Served::among(&sandbox, &["--settings", "settings.toml"], &variables);
    let token = |issuer: &Issuer, kid: &str| {
        issuer.sign(&json!({"alg": "ES256", "kid": kid}), &claims("read"))
    };
    let (before, after) = (token(&old, "ec-old"), token(&new, "ec-new"));
    ask(&served, "GET", &before).json(200);
    assert_eq!(keys.fetched.load(Ordering::SeqCst), 1);
    // Who makes up names of keys makes nobody fetch them each time.
    for n in 0..50 {
        let unknown = token(&new, &format!("made-up-{n}"));
        ask(&served, "GET", &unknown).problem(401, "none of the issuer's");
    }
    keys.set(&new.keys("-new").to_string());
    until("the new keys are known", || {
        ask(&served, "GET", &after).status == 200
    });
    let most = 2 + begun.elapsed().as_secs() as usize / 5;
    let fetched = keys.fetched.load(Ordering::SeqCst);
    assert!((2..=most).contains(&fetched), "{fetched} times of {most}");
    ask(&served, "GET", &before).problem(401, "none of the issuer's");
    // Whoever issues tokens may be away.
    keys.set("");
    ask(&served, "GET", &after).json(200);
    crate::common::signal(served.child.id(), rustix::process::Signal::HUP);
    until("it is said that there are none", || {
        served.log().contains("the keys from before stay")
    });
    ask(&served, "GET", &after).json(200);
}

#[test]
fn without_keys_no_token_is_taken() {
    let sandbox = Sandbox::new();
    for (keys, text, why) in [
        ("missing.json", "", "No such file"),
        ("keys.json", "{", "no JWK set"),
        (
            "keys.json",
            "{\"keys\": [{\"kty\": \"oct\", \"k\": \"c2VjcmV0\"}]}",
            "no key for RS256",
        ),
        ("http://id.example/keys", "", "by https alone"),
    ] {
        sandbox.write("keys.json", text);
        sandbox.write("settings.toml", &settings(keys));
        let refused = refused(&sandbox, &["--settings", "settings.toml"]);
        assert!(
            refused.contains(why) && !refused.contains("c2Vj"),
            "{refused}"
        );
    }
    // An issuer that is away keeps nothing from running, and lets nobody in.
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/keys", nobody.local_addr().unwrap());
    drop(nobody);
    sandbox.write("settings.toml", &settings(&address));
    let variables = [("NO_PROXY", "127.0.0.1")];
    let served = Served::among(&sandbox, &["--settings", "settings.toml"], &variables);
    let token = Issuer::new().sign(&json!({"alg": "EdDSA", "kid": "ed"}), &claims("admin"));
    let refused = ask(&served, "GET", &token);
    refused.problem(503, "can't be had");
    assert!(refused.has("retry-after"));
    served.get("/health").json(200);
}
