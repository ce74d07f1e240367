//! What `deploy/` and the Dockerfile say, against what there is. No container engine runs here: files,
//! names, ports and variables are compared.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use rustix::process::Signal;
use serde_json::Value;

use crate::api::client::Served;
use crate::common::{Sandbox, stderr, wait};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn text(path: &str) -> String {
    let path = root().join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn yaml(path: &str) -> Value {
    serde_saphyr::from_str(&text(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
}

/// The services of the compose file, each with what it takes over from another file beneath.
fn services() -> BTreeMap<String, Value> {
    let services = yaml("deploy/compose.yaml")["services"].clone();
    let merged = |(name, own): (&String, &Value)| {
        let Some(base) = own.get("extends") else {
            return (name.clone(), own.clone());
        };
        let file = format!("deploy/{}", base["file"].as_str().unwrap());
        let mut all = yaml(&file)["services"][base["service"].as_str().unwrap()].clone();
        assert!(all.is_object(), "{name} takes over nothing");
        for (key, value) in own.as_object().unwrap() {
            match (all[key].as_object_mut(), value) {
                (Some(beneath), Value::Object(own)) => beneath.extend(own.clone()),
                _ => all[key] = value.clone(),
            }
        }
        (name.clone(), all)
    };
    services.as_object().unwrap().iter().map(merged).collect()
}

fn list(value: &Value) -> Vec<&str> {
    let items = value.as_array().into_iter().flatten();
    items.map(|item| item.as_str().unwrap()).collect()
}

/// `${NAME:-value}` with its value; the names that have none, or another one than the example.
fn substituted(text: &str) -> (String, Vec<String>) {
    let example = self::text("deploy/.env.example");
    let example: BTreeMap<&str, &str> = example
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once('='))
        .collect();
    let (mut out, mut wrong, mut rest) = (String::new(), Vec::new(), text);
    while let Some((before, after)) = rest.split_once("${") {
        let (variable, after) = after.split_once('}').unwrap();
        let (name, value) = variable.split_once(":-").unwrap_or((variable, ""));
        if value.is_empty() || example.get(name) != Some(&value) {
            wrong.push(name.to_owned());
        }
        out = out + before + value;
        rest = after;
    }
    (out + rest, wrong)
}

#[test]
fn every_image_is_pinned_and_every_service_is_there() {
    let services = services();
    let names: BTreeSet<&str> = services.keys().map(String::as_str).collect();
    let wanted = [
        "wellhead",
        "kafka",
        "minio",
        "postgres",
        "mosquitto",
        "prometheus",
        "grafana",
        "otel-collector",
    ];
    assert_eq!(names, BTreeSet::from(wanted));
    for (name, service) in &services {
        let (image, _) = substituted(service["image"].as_str().unwrap());
        let (_, tag) = image
            .rsplit_once(':')
            .unwrap_or_else(|| panic!("{image} has no tag"));
        let version = tag.chars().any(|c| c.is_ascii_digit());
        assert!(version && tag != "latest", "{name}: {image}");
        for needed in service["depends_on"].as_object().into_iter().flatten() {
            let (other, how) = needed;
            assert_eq!(how["condition"], "service_healthy", "{name} → {other}");
            let checked = services[other]["healthcheck"]["test"].is_null();
            assert!(!checked, "{name} waits for {other}, which has no check");
        }
        // The collector's image has nothing to check with.
        assert!(
            !service["healthcheck"].is_null() || name == "otel-collector",
            "{name}"
        );
        for port in list(&service["ports"]) {
            assert!(
                port.starts_with("127.0.0.1:"),
                "{name} is open to all: {port}"
            );
        }
    }
    let tag = format!("WELLHEAD_VERSION={}", env!("CARGO_PKG_VERSION"));
    assert!(text("deploy/.env.example").contains(&tag));
}

#[test]
fn every_file_variable_and_volume_is_there() {
    let compose = text("deploy/compose.yaml");
    let (_, wrong) = substituted(&compose);
    assert!(wrong.is_empty(), "not as in .env.example: {wrong:?}");
    for name in text("deploy/.env.example")
        .lines()
        .filter_map(|line| line.split_once('='))
    {
        assert!(
            compose.contains(&format!("${{{}:-", name.0)),
            "{} is used nowhere",
            name.0
        );
    }
    let volumes = yaml("deploy/compose.yaml")["volumes"].clone();
    // What the first lines of the file make.
    let made = "./prometheus/read.token";
    assert!(compose.contains(&format!("> {}", made.trim_start_matches("./"))));
    let mut used = BTreeSet::new();
    for (name, service) in services() {
        for volume in list(&service["volumes"]) {
            let (source, _) = volume.split_once(':').unwrap();
            if source.starts_with('.') {
                let there = root().join("deploy").join(source).exists();
                assert!(there || source == made, "{name}: {source}");
                assert!(volume.ends_with(":ro"), "{name}: {volume}");
            } else {
                assert!(volumes.get(source).is_some(), "{name}: {source}");
                used.insert(source.to_owned());
            }
        }
    }
    assert_eq!(volumes.as_object().unwrap().len(), used.len());
}

/// Whether a service of that name listens there, within the network of the containers.
fn listens(address: &str) -> bool {
    let services = services();
    let (host, port) = address.rsplit_once(':').unwrap();
    let Some(service) = services.get(host) else {
        return false;
    };
    let published = list(&service["ports"]);
    let published = published
        .iter()
        .any(|all| all.ends_with(&format!(":{port}")));
    let environment = service["environment"].to_string();
    let config = list(&service["volumes"])
        .iter()
        .filter_map(|volume| {
            volume
                .split(':')
                .next()
                .filter(|source| source.starts_with('.'))
        })
        .filter_map(|source| std::fs::read_to_string(root().join("deploy").join(source)).ok())
        .any(|text| text.contains(&format!("0.0.0.0:{port}")));
    let advertised = [',', '"'].map(|end| format!("//:{port}{end}"));
    let advertised = advertised.iter().any(|text| environment.contains(text));
    published || advertised || config
}

#[test]
fn every_address_is_a_service_that_listens_there() {
    let settings: toml::Table = toml::from_str(&text("deploy/wellhead/settings.toml")).unwrap();
    let settings = serde_json::to_value(settings).unwrap();
    let connections = &settings["connections"];
    let postgres = &connections["postgres"];
    let prometheus = yaml("deploy/prometheus/prometheus.yaml");
    let grafana = yaml("deploy/grafana/provisioning/datasources/prometheus.yaml");
    let url = |value: &Value| {
        value
            .as_str()
            .unwrap()
            .trim_start_matches("http://")
            .to_owned()
    };
    let server = services()["wellhead"]["environment"].clone();
    for address in [
        connections["kafka"]["brokers"][0]
            .as_str()
            .unwrap()
            .to_owned(),
        url(&connections["minio"]["endpoint"]),
        format!(
            "{}:{}",
            postgres["host"].as_str().unwrap(),
            postgres["port"]
        ),
        connections["mosquitto"]["host"]
            .as_str()
            .unwrap()
            .to_owned(),
        url(&prometheus["scrape_configs"][0]["static_configs"][0]["targets"][0]),
        url(&grafana["datasources"][0]["url"]),
        url(&server["OTEL_EXPORTER_OTLP_ENDPOINT"]),
    ] {
        assert!(listens(&address), "nobody listens at {address}");
    }
    assert!(!listens("kafka:1") && !listens("nobody:19092"));
    // Users and databases are those that the services begin with.
    let services = services();
    let started = &services["postgres"]["environment"];
    assert_eq!(postgres["user"], started["POSTGRES_USER"]);
    assert_eq!(postgres["database"], started["POSTGRES_DB"]);
    let minio = &services["minio"]["environment"];
    assert_eq!(connections["minio"]["access_key"], minio["MINIO_ROOT_USER"]);
    for (ours, theirs) in [
        (
            "WELLHEAD_CONNECTIONS__MINIO__SECRET_KEY",
            &minio["MINIO_ROOT_PASSWORD"],
        ),
        (
            "WELLHEAD_CONNECTIONS__POSTGRES__PASSWORD",
            &started["POSTGRES_PASSWORD"],
        ),
    ] {
        assert_eq!(&server[ours], theirs);
    }
    // The collector's pipelines name what it has.
    let collector = yaml("deploy/otel/collector.yaml");
    for (_, pipeline) in collector["service"]["pipelines"].as_object().unwrap() {
        for kind in ["receivers", "processors", "exporters"] {
            for name in list(&pipeline[kind]) {
                assert!(collector[kind].get(name).is_some(), "{kind}: {name}");
            }
        }
    }
}

#[test]
fn the_server_takes_its_settings_and_is_healthy() {
    let sandbox = Sandbox::new();
    let settings = root().join("deploy/wellhead/settings.toml");
    let served = Served::with(&sandbox, &["--settings", settings.to_str().unwrap()]);
    let connections = served.get("/api/v1/connections").json(200);
    let names: BTreeSet<&str> = connections
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|connection| connection["name"].as_str())
        .collect();
    assert_eq!(
        names,
        BTreeSet::from(["kafka", "minio", "mosquitto", "postgres"])
    );

    let healthy = sandbox.expect(0, &["health", &served.base]);
    assert!(String::from_utf8_lossy(&healthy.stdout).contains("Service is up and running"));
    let base = served.base.clone();
    assert_eq!(served.end(Signal::TERM), Some(0));
    let gone = sandbox.expect(1, &["health", &base]);
    assert!(
        stderr(&gone).contains("doesn't answer"),
        "{}",
        stderr(&gone)
    );
    sandbox.expect(2, &["health", "nowhere"]);
}

#[test]
fn the_image_is_made_of_what_is_there() {
    let dockerfile = text("Dockerfile");
    let ignored = text(".dockerignore");
    let copied: Vec<&str> = dockerfile
        .lines()
        .filter_map(|line| line.strip_prefix("COPY "))
        .filter(|line| !line.starts_with("--from"))
        .flat_map(|line| {
            let mut words: Vec<&str> = line.split_whitespace().collect();
            words.pop();
            words
        })
        .collect();
    for path in &copied {
        assert!(root().join(path).exists(), "{path}");
        assert!(
            ignored.lines().any(|line| line == format!("!{path}")),
            "{path} is ignored"
        );
    }
    // Cargo reads no workspace of which a member is missing.
    let workspace: toml::Table = toml::from_str(&text("Cargo.toml")).unwrap();
    for member in workspace["workspace"]["members"].as_array().unwrap() {
        let member = member.as_str().unwrap();
        let in_it = |path: &&&str| Path::new(member).starts_with(path);
        assert!(
            copied.iter().any(|path| in_it(&path)),
            "{member} isn't copied"
        );
    }
    let compiler = workspace["workspace"]["package"]["rust-version"]
        .as_str()
        .unwrap();
    assert!(
        dockerfile.contains(&format!("FROM rust:{compiler}-")),
        "rust {compiler}"
    );
    for line in dockerfile.lines().filter(|line| line.starts_with("FROM ")) {
        assert!(line.contains(':') && !line.contains("latest"), "{line}");
    }
    assert!(dockerfile.contains("\nUSER 65532:65532\n"));
    // The usual command has to be one: it is refused, since there are no tokens.
    let command = dockerfile
        .lines()
        .find_map(|line| line.strip_prefix("CMD "))
        .unwrap();
    let command: Vec<String> = serde_json::from_str(command).unwrap();
    let command: Vec<&str> = command.iter().map(String::as_str).collect();
    let sandbox = Sandbox::new();
    let mut refused = sandbox.command(&command);
    refused.env("WELLHEAD_DATA", sandbox.path("data"));
    let refused = wait(refused.spawn().unwrap());
    assert!(
        stderr(&refused).contains("wellhead token new"),
        "{}",
        stderr(&refused)
    );
}
