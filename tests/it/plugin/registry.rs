//! Components in OCI registries: published, fetched by tag and by digest, and everything that is refused.

mod fake;
mod lies;

use std::process::Output;

use base64::Engine as _;
use reqwest::{Client, Method, Response};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::api::client::Served;
use crate::common::{Sandbox, fixture, service, stderr, wait};

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const CONFIG: &str = "application/vnd.wasm.config.v0+json";
const IMAGE: &str = "application/vnd.oci.image.config.v1+json";
const TAR: &str = "application/vnd.oci.image.layer.v1.tar+gzip";
const WASM: &str = "application/wasm";

fn sha256(bytes: &[u8]) -> String {
    format!("sha256:{}", hex::encode(Sha256::digest(bytes)))
}

fn descriptor(kind: &str, bytes: &[u8]) -> Value {
    json!({"mediaType": kind, "digest": sha256(bytes), "size": bytes.len()})
}

/// A manifest whose layers are of these kinds.
fn manifest(config: &str, layers: &[(&str, &[u8])]) -> Value {
    let layers: Vec<_> = layers
        .iter()
        .map(|(kind, bytes)| descriptor(kind, bytes))
        .collect();
    json!({"schemaVersion": 2, "mediaType": MANIFEST, "config": descriptor(config, b"{}"), "layers": layers})
}

/// A repository of a test's own.
fn repository(name: &str) -> String {
    let id = std::process::id();
    format!("tests/{name}-{id}")
}

/// A machine with generators of its own and no login.
struct Machine(Sandbox);

impl Machine {
    fn new() -> Machine {
        Machine(Sandbox::new())
    }

    fn run(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Output {
        let mut command = self.0.command(arguments);
        command
            .env("WELLHEAD_PLUGINS", self.0.path("plugins"))
            .env("DOCKER_CONFIG", self.0.path("docker"))
            .env_remove("WELLHEAD_OCI_USER")
            .env_remove("WELLHEAD_OCI_PASSWORD")
            .env_remove("WELLHEAD_SERVER")
            .envs(environment.iter().copied());
        wait(command.spawn().unwrap())
    }

    /// What it says, where the status is that.
    fn says(&self, status: i32, arguments: &[&str], environment: &[(&str, &str)]) -> String {
        let output = self.run(arguments, environment);
        let said = String::from_utf8_lossy(&output.stdout).into_owned() + &stderr(&output);
        assert_eq!(output.status.code(), Some(status), "{arguments:?}\n{said}");
        said
    }

    fn add(&self, place: &str) -> String {
        self.says(0, &["plugin", "add", place], &[])
    }

    /// Refused with all of that, and nothing of it is kept.
    fn refuses(&self, place: &str, environment: &[(&str, &str)], parts: &[&str]) {
        let said = self.says(2, &["plugin", "add", place], environment);
        for part in parts {
            assert!(said.contains(part), "{place}: no {part:?} in\n{said}");
        }
        let clean = said.chars().all(|c| c == '\n' || !c.is_control());
        assert!(clean, "control characters in {said:?}");
        assert_eq!(self.kept(), [""; 0], "{place}");
    }

    /// Files in the folder of generators, but for its lock.
    fn kept(&self) -> Vec<String> {
        let Ok(files) = std::fs::read_dir(self.0.path("plugins")) else {
            return Vec::new();
        };
        let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
        names.filter(|name| name != "lock").collect()
    }
}

/// Puts anything into a registry, as other tools would.
struct Publisher {
    base: String,
    client: Client,
    runtime: tokio::runtime::Runtime,
}

impl Publisher {
    fn new(registry: &str, repository: &str) -> Publisher {
        let _ = rustls::crypto::ring::default_provider().install_default();
        Publisher {
            base: format!("http://{registry}/v2/{repository}"),
            client: Client::builder().no_proxy().build().unwrap(),
            runtime: tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap(),
        }
    }

    fn send(&self, method: Method, url: &str, kind: &str, body: Vec<u8>) -> Response {
        let request = self
            .client
            .request(method, url)
            .header("Content-Type", kind);
        let response = self.runtime.block_on(request.body(body).send()).unwrap();
        assert!(response.status().is_success(), "{url}: {response:?}");
        response
    }

    fn blob(&self, bytes: &[u8]) {
        let begun = self.send(
            Method::POST,
            &format!("{}/blobs/uploads/", self.base),
            WASM,
            Vec::new(),
        );
        let location = begun.headers()["location"].to_str().unwrap();
        let url = format!("{location}&digest={}", sha256(bytes));
        self.send(
            Method::PUT,
            &url,
            "application/octet-stream",
            bytes.to_vec(),
        );
    }

    fn manifest(&self, tag: &str, manifest: &Value) {
        let url = format!("{}/manifests/{tag}", self.base);
        let kind = manifest["mediaType"].as_str().unwrap();
        self.send(Method::PUT, &url, kind, manifest.to_string().into_bytes());
    }

    /// Blobs, and the manifest that names them.
    fn publish(&self, tag: &str, config: &str, layers: &[(&str, &[u8])]) {
        self.blob(b"{}");
        layers.iter().for_each(|(_, bytes)| self.blob(bytes));
        self.manifest(tag, &manifest(config, layers));
    }
}

#[test]
fn what_is_published_is_added_by_tag_and_by_digest_and_runs() {
    let Some(registry) = service("WELLHEAD_TEST_REGISTRY") else {
        return;
    };
    let (author, user) = (Machine::new(), Machine::new());
    let villain = fixture("villain");
    std::fs::write(author.0.path("mine.wasm"), &villain).unwrap();
    let repository = format!("oci://{registry}/{}", repository("villain"));
    let push = || author.run(&["plugin", "push", "mine.wasm", &repository], &[]);
    let output = push();
    assert!(output.status.success(), "{}", stderr(&output));
    let pinned = String::from_utf8(output.stdout).unwrap();
    let pinned = pinned.trim_end();
    assert!(
        pinned.starts_with(&format!("{repository}@sha256:")),
        "{pinned}"
    );
    // The same component is the same manifest.
    assert_eq!(String::from_utf8(push().stdout).unwrap().trim_end(), pinned);

    let tagged = format!("{repository}:1.0.0");
    let said = user.add(&tagged);
    let digest = sha256(&villain);
    assert!(
        said.contains(&format!("added villain@1.0.0 ({digest})")),
        "{said}"
    );
    assert!(said.contains(&format!("fetched {pinned}")), "{said}");
    let again = user.add(pinned);
    assert!(
        again.contains(&format!("was there already: villain@1.0.0 ({digest})")),
        "{again}"
    );
    let inspected = user.says(0, &["plugin", "inspect", "villain", "--json"], &[]);
    assert!(
        inspected.contains(digest.trim_start_matches("sha256:")),
        "{inspected}"
    );
    let ran = user.says(0, &["preview", "villain", "-n", "3"], &[]);
    assert!(ran.contains(r#""key":"k0""#), "{ran}");
    // Where a generator runs, it has to be here.
    let hint = user.says(2, &["preview", &tagged], &[]);
    assert!(
        hint.contains(&format!("wellhead plugin add {tagged}")),
        "{hint}"
    );
    // With a server, this machine fetches it.
    let sandbox = Sandbox::new();
    let served = Served::start(&sandbox);
    let there = Machine::new();
    let server = [("WELLHEAD_SERVER", served.base.as_str())];
    let said = there.says(0, &["plugin", "add", &tagged, "--json"], &server);
    assert!(said.contains("added villain@1.0.0"), "{said}");
    assert!(there.kept().is_empty());
    let listed = there.says(0, &["plugin", "list"], &server);
    assert!(listed.contains("villain"), "{listed}");
    let said = there.says(2, &["plugin", "push", "villain", &tagged], &server);
    assert!(said.contains("leave --server out"), "{said}");
}

#[test]
fn who_may_not_come_in_is_told_how() {
    let Some(registry) = service("WELLHEAD_TEST_REGISTRY_AUTH") else {
        return;
    };
    let user = service("WELLHEAD_TEST_REGISTRY_USER").unwrap();
    let password = service("WELLHEAD_TEST_REGISTRY_PASSWORD").unwrap();
    let machine = Machine::new();
    std::fs::write(machine.0.path("mine.wasm"), fixture("villain")).unwrap();
    let place = format!("oci://{registry}/{}:edge", repository("closed"));
    let push = ["plugin", "push", "mine.wasm", &place];
    let how = "set WELLHEAD_OCI_USER and WELLHEAD_OCI_PASSWORD, or log in with `docker login";
    let said = machine.says(2, &push, &[]);
    assert!(
        said.contains("refuses anybody who doesn't log in") && said.contains(how),
        "{said}"
    );
    let right = [
        ("WELLHEAD_OCI_USER", user.as_str()),
        ("WELLHEAD_OCI_PASSWORD", &password),
    ];
    let said = machine.says(0, &push, &right);
    assert!(said.contains("published villain@1.0.0"), "{said}");

    machine.refuses(&place, &[], &["refuses anybody who doesn't log in", how]);
    let wrong = [
        ("WELLHEAD_OCI_USER", user.as_str()),
        ("WELLHEAD_OCI_PASSWORD", "hunter2"),
    ];
    let parts = [
        &format!("the user `{user}` (by WELLHEAD_OCI_USER)"),
        "are right",
        how,
    ];
    machine.refuses(&place, &wrong, &parts);
    let half = [("WELLHEAD_OCI_USER", user.as_str())];
    machine.refuses(&place, &half, &["only one of WELLHEAD_OCI_USER and"]);
    std::fs::create_dir(machine.0.path("docker")).unwrap();
    machine
        .0
        .write("docker/config.json", r#"{"credsStore": "secretservice"}"#);
    machine.refuses(
        &place,
        &[],
        &["docker-credential-secretservice, which isn't run"],
    );

    let auth = base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}"));
    let config = json!({"auths": {&registry: {"auth": auth}}});
    machine.0.write("docker/config.json", &config.to_string());
    assert!(machine.add(&place).contains("added villain@1.0.0"));
    for (environment, status) in [(&wrong, 2), (&right, 0)] {
        let said = machine.says(status, &["plugin", "add", &place, "--json"], environment);
        assert!(
            !said.contains("hunter2") && !said.contains(&password),
            "{said}"
        );
    }
}

#[test]
fn what_other_tools_publish_is_taken_and_anything_else_is_said() {
    let Some(registry) = service("WELLHEAD_TEST_REGISTRY") else {
        return;
    };
    let repository = repository("others");
    let publisher = Publisher::new(&registry, &repository);
    let place = |tag: &str| format!("oci://{registry}/{repository}:{tag}");
    let villain = fixture("villain");
    let layer = (WASM, villain.as_slice());
    for (tag, config, kind) in [
        ("wkg", CONFIG, WASM),
        ("oras", "application/vnd.unknown.config.v1+json", WASM),
        (
            "older",
            "application/vnd.wasm.config.v1+json",
            "application/vnd.wasm.content.layer.v1+wasm",
        ),
    ] {
        publisher.publish(tag, config, &[(kind, &villain)]);
        let said = Machine::new().add(&place(tag));
        assert!(said.contains("added villain@1.0.0"), "{tag}: {said}");
    }
    publisher.publish("image", IMAGE, &[(TAR, b"tar")]);
    publisher.publish("several", CONFIG, &[layer, (TAR, b"assets")]);
    publisher.publish("empty", CONFIG, &[]);
    publisher.publish("text", CONFIG, &[(WASM, b"(component)")]);
    publisher.publish("module", CONFIG, &[(WASM, &fixture("core-plain"))]);
    let mut entry = descriptor(MANIFEST, manifest(CONFIG, &[]).to_string().as_bytes());
    entry["platform"] = json!({"os": "linux", "architecture": "arm64"});
    let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": [entry]});
    publisher.manifest("index", &index);
    let machine = Machine::new();
    let wanted = "a component is needed: one layer of media type application/wasm";
    for (tag, what) in [
        (
            "image",
            format!("is a container image with one layer of media type `{TAR}`"),
        ),
        (
            "several",
            format!("is an artifact with 2 layers (`{WASM}`, `{TAR}`)"),
        ),
        ("empty", "is an artifact with no layer".to_owned()),
        (
            "index",
            "is an index of 1 manifests for platforms (linux/arm64)".to_owned(),
        ),
    ] {
        machine.refuses(&place(tag), &[], &[&place(tag), &what, wanted]);
    }
    machine.refuses(&place("text"), &[], &[&place("text"), "WebAssembly text"]);
    machine.refuses(&place("module"), &[], &[&place("module"), "core module"]);
    let missing = "look whether repository and tag (or digest) are written as";
    machine.refuses(
        &place("none"),
        &[],
        &["there is no oci://", ":none (manifest unknown)", missing],
    );
    let elsewhere = format!("oci://{registry}/tests/nothing:1");
    machine.refuses(
        &elsewhere,
        &[],
        &["there is no oci://", "nothing:1", missing],
    );
    let pinned = format!("oci://{registry}/{repository}@{}", sha256(b"nothing"));
    machine.refuses(&pinned, &[], &["there is no oci://", missing]);
    machine.refuses(
        &format!("oci://{registry}/{repository}"),
        &[],
        &["doesn't say which version"],
    );
}
