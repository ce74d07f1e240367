//! What a spec, a name or a field reaches: what it may, whatever is in it.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::attacks::left;
use super::client::{JSON, Served, YAML};
use crate::common::{Sandbox, until};

const PLUGINS: &str = "/api/v1/plugins";
const EMULATIONS: &str = "/api/v1/emulations";

/// All files below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() && !path.is_symlink() {
            true => found.extend(files(&path)),
            false => found.push(path),
        }
    }
    found
}

/// Names in paths and in specs lead nowhere but where they belong.
#[test]
fn names_that_lead_elsewhere_are_refused() {
    let sandbox = Sandbox::new();
    let outside = sandbox.path("outside");
    std::fs::create_dir_all(&outside).unwrap();
    sandbox.write("outside/secret.json", "[{\"secret\": \"tellme\"}]");
    let served = Served::start(&sandbox);
    let inside = sandbox.path("data/files");
    std::os::unix::fs::symlink(&outside, inside.join("link")).unwrap();
    let link = inside.join("file.json");
    std::os::unix::fs::symlink(outside.join("secret.json"), link).unwrap();
    let before = files(&outside);
    let up = "..%2F..%2F..%2Foutside%2Fsecret.json";
    for (method, path) in [
        ("GET", format!("{PLUGINS}/{up}")),
        ("GET", format!("{PLUGINS}/{up}/component")),
        ("GET", format!("{PLUGINS}/sha256:{up}/component")),
        ("GET", format!("{PLUGINS}/x@{up}")),
        ("DELETE", format!("{PLUGINS}/{up}")),
        ("GET", format!("{EMULATIONS}/{up}")),
        ("GET", format!("{EMULATIONS}/{up}/manifest")),
        ("GET", format!("{EMULATIONS}/{up}/report")),
        ("GET", format!("{EMULATIONS}/{up}/events")),
        ("GET", format!("{EMULATIONS}/{up}/records")),
        ("DELETE", format!("{EMULATIONS}/{up}")),
        ("GET", format!("{EMULATIONS}/%00")),
        ("GET", format!("{PLUGINS}/.%2F{up}")),
    ] {
        let refused = served.send(method, &path, &[], "");
        let fits = [400, 404, 422].contains(&refused.status);
        assert!(
            fits && !refused.body.contains("tellme"),
            "{method} {path}: {} {}",
            refused.status,
            refused.body
        );
    }
    let null = "sinks: ['null']";
    for spec in [
        format!("{{generator: ../outside/x.wasm, {null}}}"),
        format!("{{generator: {}/x.wasm, {null}}}", outside.display()),
        format!("{{generator: 'transaction@../../x', {null}}}"),
        format!("{{generator: 'sha256:../../x', {null}}}"),
        format!("{{generator: replay, assets: {{payloads: ../../outside/secret.json}}, {null}}}"),
        format!("{{generator: replay, assets: {{payloads: link/secret.json}}, {null}}}"),
        format!("{{generator: replay, assets: {{payloads: file.json}}, {null}}}"),
        format!(
            "{{generator: replay, assets: {{payloads: {}/secret.json}}, {null}}}",
            outside.display()
        ),
        format!("{{generator: transaction, rejected: ../../outside/r.ndjson, {null}}}"),
        format!("{{generator: transaction, rejected: link/r.ndjson, {null}}}"),
        "{generator: transaction, sinks: [{type: file, path: ../../outside/a.ndjson}]}".to_owned(),
        "{generator: transaction, sinks: [{type: file, path: 'link/{channel}.ndjson'}]}".to_owned(),
        "{generator: transaction, sinks: ['file:../../outside/a.ndjson']}".to_owned(),
        "{generator: transaction, sinks: [{type: sqlite, path: link/a.db, table: t}]}".to_owned(),
        "{generator: transaction, sinks: ['sqlite:../../outside/a.db']}".to_owned(),
        "{generator: transaction, sinks: [{type: kafka, connection: ../x, topic: t}]}".to_owned(),
    ] {
        let refused = served.post(EMULATIONS, YAML, &spec);
        assert!(
            refused.status == 422 && !refused.body.contains("tellme"),
            "{spec}: {}",
            refused.body
        );
    }
    assert_eq!(files(&outside), before);
    assert_eq!(served.get(EMULATIONS).json(200)["items"], json!([]));
}

/// Waits for an emulation's end, whichever it is; gives its status then.
fn over(served: &Served, id: &str) -> Value {
    let path = format!("{EMULATIONS}/{id}");
    let mut last = Value::Null;
    until("it is over", || {
        last = served.get(&path).json(200);
        !["starting", "running"].contains(&last["state"].as_str().unwrap())
    });
    last
}

/// Fields that try to be folders: what a template makes of them stays below the data folder.
#[test]
fn fields_lead_nowhere_either() {
    let sandbox = Sandbox::new();
    let served = Served::start(&sandbox);
    let names = [
        "../../../../up",
        "..",
        ".",
        "/etc/absolute",
        "a/b",
        "nul\u{0}",
        "%2e%2e%2f",
        "link/x",
        "",
        "~",
    ];
    let objects: Vec<String> = names
        .iter()
        .map(|name| json!({"who": name}).to_string())
        .collect();
    std::fs::write(
        sandbox.path("data/files/in.ndjson"),
        objects.join("\n") + "\n",
    )
    .unwrap();
    std::fs::create_dir_all(sandbox.path("outside")).unwrap();
    let link = sandbox.path("data/files/out");
    std::fs::create_dir_all(&link).unwrap();
    std::os::unix::fs::symlink(sandbox.path("outside"), link.join("link")).unwrap();
    let before = files(&sandbox.path(""));
    let id = served.start_one(
        "{generator: replay, assets: {payloads: in.ndjson}, load: max, rejected: r.ndjson, sinks: [{type: file, path: 'out/{who}/{who}.ndjson'}]}",
    );
    let last = over(&served, &id);
    let made: Vec<PathBuf> = files(&sandbox.path(""))
        .into_iter()
        .filter(|file| !before.contains(file) && !file.starts_with(sandbox.path("data/files/out")))
        .map(|file| file.strip_prefix(sandbox.path("")).unwrap().to_owned())
        .filter(|file| {
            !file.starts_with("data/state.db") && !file.starts_with("data/files/r.ndjson")
        })
        .collect();
    let ours = |file: &PathBuf| {
        file.to_string_lossy().starts_with("data/state") || file.starts_with("data/locks")
    };
    assert!(made.iter().all(ours), "{made:?} {last:#}");
    assert!(files(&sandbox.path("data/files/out")).len() > 3, "{last:#}");
    assert_eq!(left(&sandbox.path("outside")), [""; 0]);
}

/// Whatever says where a kind of sink leads, a spec may not set it; also of kinds that are added some day.
#[test]
fn no_kind_of_sink_leads_elsewhere() {
    let sandbox = Sandbox::new();
    let mut settings = String::new();
    let kinds = [
        ("kafka", "brokers = [\"127.0.0.1:9\"]"),
        ("s3", "endpoint = \"http://127.0.0.1:9\"\nbucket = \"b\""),
        (
            "postgres",
            "host = \"127.0.0.1\"\nuser = \"u\"\ndatabase = \"d\"",
        ),
        ("mqtt", "host = \"127.0.0.1\""),
        ("http", "url = \"http://127.0.0.1:9/\""),
        ("https", "url = \"https://127.0.0.1:9/\""),
    ];
    for (kind, options) in kinds {
        settings.push_str(&format!(
            "[connections.{kind}]\ntype = \"{kind}\"\n{options}\n"
        ));
    }
    sandbox.write("settings.toml", &settings);
    let served = Served::with(&sandbox, &["--settings", "settings.toml"]);
    let check = |sink: &Value| {
        let spec = json!({"generator": "transaction", "sinks": [sink]}).to_string();
        served.send("POST", "/api/v1/specs/check", &[JSON], &spec)
    };
    let words = [
        "url",
        "host",
        "broker",
        "bootstrap",
        "endpoint",
        "server",
        "proxy",
        "port",
        "region",
        "path_style",
        "registry",
        "health",
        "tls_",
        "ssl",
        "cert",
        "user",
        "password",
        "token",
        "secret",
        "access_key",
        "headers",
        "librdkafka",
        "database",
        "mechanism",
        "protocol",
    ];
    // What the words find, and leads nowhere.
    let harmless = ["meta_headers", "health_timeout"];
    let listed = served.get("/api/v1/sinks").json(200);
    let mut tried = 0;
    for kind in listed.as_array().unwrap() {
        let name = kind["name"].as_str().unwrap();
        if ["null", "file", "sqlite", "stdout"].contains(&name) {
            continue;
        }
        let of = kinds.iter().find(|(kind, _)| *kind == name);
        assert!(of.is_some(), "{name} is new: give it a connection here");
        check(&json!({"type": name})).problem(422, "");
        let nobody = json!({"type": name, "connection": "nobody"});
        check(&nobody).problem(422, "nobody");
        for option in kind["options"]["properties"].as_object().unwrap().keys() {
            let leads = words.iter().any(|word| option.contains(word));
            // Kafka's headers are the record's, not the connection's.
            if !leads
                || harmless.contains(&option.as_str())
                || (name == "kafka" && option == "headers")
            {
                continue;
            }
            let kinds = kind["options"]["properties"][option]["type"].to_string();
            let value = match kinds {
                kinds if kinds.contains("object") => json!({"X": "169.254.169.254"}),
                kinds if kinds.contains("boolean") => json!(false),
                kinds if kinds.contains("integer") => json!(9),
                _ => json!("169.254.169.254"),
            };
            let sink = json!({"type": name, "connection": name, option: value});
            let refused = check(&sink);
            assert_eq!(refused.status, 422, "{sink}: {}", refused.body);
            // Of a few values it is said before that they are none of the option's.
            if !refused.body.contains("can't be set over REST") {
                assert!(
                    refused.body.contains("is wrong"),
                    "{sink}: {}",
                    refused.body
                );
                continue;
            }
            tried += 1;
        }
    }
    assert!(tried > 40, "{tried}");
    for url in [
        "kafka://169.254.169.254:9092/t",
        "s3://b/p?endpoint=http://169.254.169.254",
        "postgres://169.254.169.254/d?table=t",
        "mqtt://169.254.169.254/t",
        "http://169.254.169.254/",
        "https://169.254.169.254/",
        "http://[::ffff:169.254.169.254]/",
    ] {
        check(&json!(url)).problem(422, "can't be set over REST");
    }
}

/// Answers 200 to each request, and keeps the heads as they came.
fn heads() -> (String, Arc<Mutex<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let kept: Arc<Mutex<String>> = Arc::default();
    let heads = Arc::clone(&kept);
    // It ends with the tests' process: nothing waits for it.
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let heads = Arc::clone(&heads);
            std::thread::spawn(move || {
                let mut stream = stream;
                let mut bytes = [0; 1 << 14];
                while let Ok(read @ 1..) = stream.read(&mut bytes) {
                    let text = String::from_utf8_lossy(&bytes[..read]).into_owned();
                    let requests = text.matches(" HTTP/1.1\r\n").count();
                    heads.lock().unwrap().push_str(&text);
                    for _ in 0..requests {
                        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
                    }
                }
            });
        }
    });
    (address, kept)
}

/// Fields in the path and the headers of requests stay in their places.
#[test]
fn fields_inject_no_headers_and_no_requests() {
    let sandbox = Sandbox::new();
    let (address, heads) = heads();
    let injected = "x\r\nX-Injected: yes\r\n\r\nDELETE /evil HTTP/1.1\r\nHost: y\r\n\r\n";
    let objects = ["a", injected, "../../admin", "?q=1#f", "\u{0}", "a b"];
    let objects: Vec<String> = objects
        .iter()
        .map(|who| json!({"who": who}).to_string())
        .collect();
    let settings = format!(
        "[connections.hook]\ntype = \"http\"\nurl = \"{address}/in/{{who}}/end?q={{who}}\"\n"
    );
    sandbox.write("settings.toml", &settings);
    let variables = [("NO_PROXY", "127.0.0.1")];
    let served = Served::among(&sandbox, &["--settings", "settings.toml"], &variables);
    std::fs::write(
        sandbox.path("data/files/in.ndjson"),
        objects.join("\n") + "\n",
    )
    .unwrap();
    let id = served.start_one(
        "{generator: replay, assets: {payloads: in.ndjson}, load: max, rejected: r.ndjson, sinks: [{type: http, connection: hook, meta_headers: true, retry_for: 1s}]}",
    );
    over(&served, &id);
    let heads = heads.lock().unwrap();
    // Bodies are JSON, in which line feeds are escaped: whatever begins a line is a head's.
    let lines: Vec<&str> = heads.split("\r\n").collect();
    assert!(
        !lines
            .iter()
            .any(|line| line.starts_with("X-Injected") || line.starts_with("DELETE")),
        "{heads}"
    );
    let targets: Vec<&str> = lines
        .iter()
        .copied()
        .filter(|line| line.ends_with(" HTTP/1.1"))
        .collect();
    assert!(targets.len() >= 4, "{heads}");
    for target in targets {
        // The body before it ends without a line feed.
        let (_, path) = target.rsplit_once("POST ").unwrap();
        let path = path.strip_suffix(" HTTP/1.1").unwrap();
        let (before, after) = path.split_once('?').unwrap();
        assert_eq!(before.matches('/').count(), 3, "{target}");
        assert!(
            before.starts_with("/in/") && before.ends_with("/end"),
            "{target}"
        );
        assert!(
            after.starts_with("q=") && !after.contains(['&', '#', '?']),
            "{target}"
        );
    }
}
