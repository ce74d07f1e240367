//! A server of a test's own, and a client for it.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex};

use serde_json::Value;

use crate::common::{Sandbox, signal, stderr, until};

pub const YAML: &str = "application/yaml";
pub const JSON: (&str, &str) = ("Content-Type", "application/json");

/// A running `wellhead serve`, ended by force when it is dropped.
pub struct Served {
    pub child: Child,
    pub base: String,
    /// What it said so far.
    said: Arc<Mutex<String>>,
    runtime: tokio::runtime::Runtime,
    client: reqwest::Client,
}

/// What was answered.
pub struct Answered {
    pub status: u16,
    pub body: String,
    headers: reqwest::header::HeaderMap,
    asked: String,
}

/// A server-sent event.
#[derive(Debug, PartialEq)]
pub struct Event {
    pub id: u64,
    pub kind: String,
    pub data: Value,
}

/// What a server says that doesn't begin, for a reason of the user's.
pub fn refused(sandbox: &Sandbox, more: &[&str]) -> String {
    stderr(&sandbox.expect(2, &arguments(more)))
}

fn arguments<'a>(more: &[&'a str]) -> Vec<&'a str> {
    let mut all = vec!["serve", "--data", "data"];
    if !more.contains(&"--listen") {
        all.extend(["--listen", "127.0.0.1:0"]);
    }
    all.extend(more);
    all
}

impl Served {
    pub fn start(sandbox: &Sandbox) -> Served {
        Served::with(sandbox, &[])
    }

    /// With more flags.
    pub fn with(sandbox: &Sandbox, more: &[&str]) -> Served {
        Served::among(sandbox, more, &[])
    }

    /// With more flags and variables.
    pub fn among(sandbox: &Sandbox, more: &[&str], environment: &[(&str, &str)]) -> Served {
        let mut child = sandbox
            .command(&arguments(more))
            .envs(environment.iter().copied())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let words = child.stderr.take().unwrap();
        let said = Arc::new(Mutex::new(String::new()));
        let log = Arc::clone(&said);
        let (tell, told) = std::sync::mpsc::channel();
        // It is read to its end, so that the server never waits for us.
        std::thread::spawn(move || {
            for line in BufReader::new(words).lines().map_while(Result::ok) {
                eprintln!("server: {line}");
                log.lock().unwrap().push_str(&format!("{line}\n"));
                let address = line
                    .split_whitespace()
                    .find(|word| word.starts_with("http://") || word.starts_with("https://"));
                if let Some(address) = address {
                    let _ = tell.send(address.to_owned());
                }
            }
        });
        let patience = std::time::Duration::from_secs(60);
        let base = told
            .recv_timeout(patience)
            .expect("the server doesn't begin");
        // Only the first of all tests can install it; it serves them all.
        let _ = rustls::crypto::ring::default_provider().install_default();
        Served {
            child,
            base,
            said,
            runtime: tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap(),
            client: reqwest::Client::builder().no_proxy().build().unwrap(),
        }
    }

    /// What it said so far, on standard error.
    pub fn log(&self) -> String {
        self.said.lock().unwrap().clone()
    }

    /// An emulation as it stands.
    pub fn status(&self, id: &str) -> Value {
        self.get(&format!("/api/v1/emulations/{id}")).json(200)
    }

    /// Records that an emulation has generated; 0 before the first, when nothing is said of them.
    pub fn generated(&self, id: &str) -> u64 {
        self.status(id)["records"]["generated"]
            .as_u64()
            .unwrap_or(0)
    }

    pub fn get(&self, path: &str) -> Answered {
        self.send("GET", path, &[], "")
    }

    /// A body of that media type, if it is one.
    pub fn post(&self, path: &str, media: &str, body: &str) -> Answered {
        match media {
            "" => self.send("POST", path, &[], body),
            media => self.send("POST", path, &[("Content-Type", media)], body),
        }
    }

    pub fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answered {
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        let asked = format!("{method} {path}");
        let mut request = self.client.request(method, format!("{}{path}", self.base));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if !body.is_empty() {
            request = request.body(body.to_owned());
        }
        self.answered(request, &asked)
    }

    fn answered(&self, request: reqwest::RequestBuilder, asked: &str) -> Answered {
        self.runtime.block_on(async {
            let response = request.send().await.unwrap();
            Answered {
                status: response.status().as_u16(),
                headers: response.headers().clone(),
                body: response.text().await.unwrap(),
                asked: asked.to_owned(),
            }
        })
    }

    /// Uploads a component.
    pub fn upload(&self, component: &[u8]) -> Answered {
        let url = format!("{}/api/v1/plugins", self.base);
        let request = self
            .client
            .post(url)
            .header("Content-Type", "application/wasm");
        self.answered(request.body(component.to_vec()), "POST /api/v1/plugins")
    }

    /// Starts the one emulation of a spec; gives its identity.
    pub fn start_one(&self, spec: &str) -> String {
        let started = self.post("/api/v1/emulations", YAML, spec).json(201);
        started["id"].as_str().unwrap().to_owned()
    }

    /// Waits until an emulation stands so; gives its status then.
    pub fn until_state(&self, id: &str, state: &str) -> Value {
        let path = format!("/api/v1/emulations/{id}");
        let mut last = Value::Null;
        until(&format!("{id} is {state}"), || {
            last = self.get(&path).json(200);
            last["state"] == state
        });
        last
    }

    /// Ends it by a signal; gives its exit status.
    pub fn end(mut self, how: rustix::process::Signal) -> Option<i32> {
        signal(self.child.id(), how);
        self.child.wait().unwrap().code()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Answered {
    /// Whether there is such a header.
    pub fn has(&self, name: &str) -> bool {
        self.headers.contains_key(name)
    }

    /// All of them, as text.
    pub fn headers(&self) -> String {
        format!("{:?}", self.headers)
    }

    pub fn header(&self, name: &str) -> String {
        let value = self.headers.get(name);
        let value = value.unwrap_or_else(|| panic!("{} has no {name}", self.asked));
        value.to_str().unwrap().to_owned()
    }

    /// The body, with that status.
    pub fn json(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}: {}", self.asked, self.body);
        serde_json::from_str(&self.body).unwrap()
    }

    /// The problem, with that status and those words in it.
    pub fn problem(&self, status: u16, words: &str) -> Value {
        let problem = self.json(status);
        assert_eq!(self.header("content-type"), "application/problem+json");
        assert_eq!(problem["status"], status);
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains(words), "{}: {detail}", self.asked);
        assert!(problem["type"].is_string() && problem["title"].is_string());
        problem
    }

    /// The events of a stream that has ended.
    pub fn events(&self) -> Vec<Event> {
        assert_eq!(self.status, 200, "{}: {}", self.asked, self.body);
        assert_eq!(self.header("content-type"), "text/event-stream");
        let blocks = self
            .body
            .split("\n\n")
            .filter(|block| block.contains("data:"));
        let event = |block: &str| {
            let field = |name: &str| {
                let mut lines = block.lines();
                let value = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
                value.unwrap_or_default().to_owned()
            };
            Event {
                id: field("id").parse().unwrap(),
                kind: field("event"),
                data: serde_json::from_str(&field("data")).unwrap(),
            }
        };
        blocks.map(event).collect()
    }
}
