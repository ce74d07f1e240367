//! Every example runs as it is.

mod emulators;
mod endpoint;

use std::path::{Path, PathBuf};

use crate::common::{Sandbox, service, signal, until, wait};

fn example(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../examples")
        .join(name);
    assert!(path.exists(), "{}", path.display());
    path
}

fn lines(sandbox: &Sandbox, name: &str) -> usize {
    let bytes = std::fs::read(sandbox.path(name)).unwrap();
    bytes.iter().filter(|b| **b == b'\n').count()
}

#[test]
fn first() {
    let sandbox = Sandbox::new();
    let spec = example("first.yaml");
    sandbox.expect(
        0,
        &["run", &spec.to_string_lossy(), "--for", "2s", "--show", "2"],
    );
    assert_eq!(lines(&sandbox, "out/payments.ndjson"), 4000);
    assert_eq!(lines(&sandbox, "out/payments.csv"), 4001);
}

#[test]
fn template() {
    let sandbox = Sandbox::new();
    sandbox.expect(0, &["run", &example("template.yaml").to_string_lossy()]);
    assert_eq!(lines(&sandbox, "out/orders.ndjson"), 1000);
    let columns = std::fs::read_to_string(sandbox.path("out/orders.csv")).unwrap();
    let header = "id,customer,amount,currency,channel,code,request,at,coupon,lines";
    assert_eq!(columns.lines().next(), Some(header));
}

#[test]
fn device_log() {
    let sandbox = Sandbox::new();
    let spec = example("device-log.yaml");
    sandbox.expect(0, &["run", &spec.to_string_lossy(), "--report", "r.json"]);
    // A Poisson process of 20/s over a day: its count is within six standard deviations.
    let records = sandbox.json("r.json")["records"]["acknowledged"]
        .as_u64()
        .unwrap();
    assert!(records.abs_diff(20 * 86_400) < 6 * 1_315, "{records}");
    assert!(
        sandbox.json("r.json")["live_from"].is_null(),
        "its end lies in the past"
    );
}

#[test]
fn backfill() {
    let sandbox = Sandbox::new();
    let spec = example("backfill/spec.yaml");
    let hour = std::time::Duration::from_secs(3_600);
    let start = jiff::Timestamp::try_from(std::time::SystemTime::now() - hour).unwrap();
    let arguments = [
        "run",
        &spec.to_string_lossy(),
        "--start",
        &start.to_string(),
        "--report",
        "r.json",
    ];
    let child = sandbox.command(&arguments).spawn().unwrap();
    let id = child.id();
    until("it is live", || lines_of_partial(&sandbox) > 720_050);
    signal(id, rustix::process::Signal::INT);
    assert_eq!(
        wait(child).status.code(),
        Some(0),
        "an emulation without an end was stopped and drained"
    );
    assert!(sandbox.json("r.json")["live_from"].is_string());
}

fn lines_of_partial(sandbox: &Sandbox) -> usize {
    let Ok(folder) = std::fs::read_dir(sandbox.path("out")) else {
        return 0;
    };
    let file = folder.flatten().next().map(|entry| entry.path());
    let bytes = file.and_then(|file| std::fs::read(file).ok());
    bytes.map_or(0, |bytes| bytes.iter().filter(|b| **b == b'\n').count())
}

#[test]
fn scenario_refers_to_the_same_customers() {
    let sandbox = Sandbox::new();
    let spec = example("scenario.toml");
    sandbox.expect(0, &["run", &spec.to_string_lossy(), "--report", "r.json"]);
    let report = sandbox.json("r.json");
    assert_eq!(report["emulations"].as_array().unwrap().len(), 2);
    let faulted = report["emulations"][1]["records"]["faulted"]
        .as_u64()
        .unwrap();
    assert!(faulted > 0, "{report}");
    let read = |name: &str| -> Vec<serde_json::Value> {
        let text = std::fs::read_to_string(sandbox.path(name)).unwrap();
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    };
    let (customers, payments) = (
        read("out/customers.ndjson"),
        read("out/late-payments.ndjson"),
    );
    assert_eq!(customers.len(), 1000);
    for payment in &payments {
        let id = payment["customer_id"].as_u64().unwrap();
        let holder = payment["card"]["holder"].as_str().unwrap();
        let text = customers[id as usize].to_string();
        let last = holder.rsplit(' ').next().unwrap();
        assert!(text.contains(last), "{holder} isn't {text}");
    }
}

#[test]
fn chaos() {
    let sandbox = Sandbox::new();
    let spec = example("chaos/spec.yaml");
    let arguments = ["run", &spec.to_string_lossy(), "--report", "r.json"];
    let ledger = ["--ledger", "out/ledger.ndjson"];
    let manifest = ["--manifest", "out/manifest.json"];
    sandbox.expect(0, &[&arguments[..], &ledger[..], &manifest[..]].concat());
    let records = &sandbox.json("r.json")["records"];
    let faults = records["faults"].as_object().unwrap();
    assert!(
        faults.values().all(|count| count.as_u64() > Some(10)),
        "{faults:?}"
    );
    let of = |name: &str| faults[name].as_u64().unwrap();
    let left = 30_000 - of("drop") - of("gap") + of("duplicate");
    assert_eq!(lines(&sandbox, "out/payments.ndjson") as u64, left);
    let text = std::fs::read_to_string(sandbox.path("out/ledger.ndjson")).unwrap();
    let told: Vec<serde_json::Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let lost = told
        .iter()
        .filter(|line| line["sequence"].is_null())
        .count() as u64;
    assert_eq!(lost, of("drop") + of("gap"));
    let readme = std::fs::read_to_string(example("chaos/README.md")).unwrap();
    let shown = readme.lines().find(|line| line.starts_with("{\"stream\""));
    assert!(text.lines().any(|line| Some(line) == shown), "{shown:?}");
    // As its README says: what the consumer has to have set aside.
    let damaged = |line: &&serde_json::Value| {
        let mut faults = line["faults"].as_array().unwrap().iter();
        line["copy"] == 0 && faults.any(|fault| fault["fault"] == "corrupt")
    };
    assert_eq!(told.iter().filter(damaged).count() as u64, of("corrupt"));
    let verify = "verify out/manifest.json --from file:out/payments.ndjson --report v.json";
    let verify: Vec<&str> = verify.split(' ').collect();
    sandbox.expect(0, &verify);
    assert_eq!(sandbox.json("v.json")["matched"], left);
    // A line is taken out, one changed, one doubled.
    let text = std::fs::read_to_string(sandbox.path("out/payments.ndjson")).unwrap();
    let mut lines: Vec<&str> = text.lines().collect();
    let changed = lines[20_000].replace("amount", "amounts");
    lines[20_000] = &changed;
    lines.insert(10_000, lines[10_000]);
    lines.remove(5_000);
    sandbox.write("out/payments.ndjson", &(lines.join("\n") + "\n"));
    sandbox.expect(1, &verify);
    let report = sandbox.json("v.json");
    for kind in ["missing", "altered", "repeated"] {
        assert_eq!(report[kind], 1, "{kind} in {report}");
    }
    assert_eq!(report["reordered"], 0, "{report}");
}

#[test]
fn kafka() {
    let Some(broker) = service("WELLHEAD_TEST_KAFKA") else {
        return;
    };
    let sandbox = Sandbox::new();
    let spec = std::fs::read_to_string(example("kafka.yaml")).unwrap();
    let topic = format!("payments-{}", std::process::id());
    let spec = spec
        .replace("localhost:9092", &broker)
        .replace("topic: payments", &format!("topic: {topic}"));
    sandbox.write("kafka.yaml", &spec);
    // The expectation of lateness is for a machine that does nothing else.
    let spec = spec
        .replace(", release_p99: \"< 5ms\"", "")
        .replace("rate: \">= 99%\", ", "");
    sandbox.write("kafka.yaml", &spec);
    sandbox.expect(
        0,
        &["run", "kafka.yaml", "--for", "2s", "--report", "r.json"],
    );
    let report = sandbox.json("r.json");
    let faulted = report["records"]["faulted"].as_u64().unwrap();
    assert_eq!(
        report["records"]["acknowledged"].as_u64(),
        Some(10_000 + faulted),
        "{report}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn http() {
    let server = crate::sink::http::server::Server::start().await;
    let sandbox = Sandbox::new();
    let spec = std::fs::read_to_string(example("http.yaml")).unwrap();
    let spec = spec.replace("http://localhost:8080", &server.address);
    sandbox.write("http.yaml", &spec);
    let arguments = ["run", "http.yaml", "--for", "2s", "--report", "r.json"];
    tokio::task::block_in_place(|| sandbox.expect(0, &arguments));
    let report = sandbox.json("r.json");
    assert_eq!(report["records"]["acknowledged"], 4000, "{report}");
    let seen = server.seen();
    assert!(seen.len() < 100, "{} requests", seen.len());
    assert_eq!(report["sinks"][0]["details"]["status_2xx"], seen.len());
    for request in &seen {
        assert_eq!(request.path, "/logs/log");
        assert_eq!(request.headers["content-type"], "application/x-ndjson");
        assert_eq!(request.headers["content-encoding"], "gzip");
    }
}

#[test]
fn sqlite() {
    let sandbox = Sandbox::new();
    let spec = example("sqlite.yaml");
    sandbox.expect(0, &["run", &spec.to_string_lossy(), "--report", "r.json"]);
    assert_eq!(sandbox.json("r.json")["records"]["acknowledged"], 86_400);
    let asked = "SELECT count(*), count(DISTINCT transaction_id), max(timestamp) FROM payments";
    let output = std::process::Command::new("sqlite3")
        .arg(sandbox.path("out/payments.db"))
        .arg(asked)
        .output()
        .unwrap();
    let found = String::from_utf8_lossy(&output.stdout);
    assert!(
        found.starts_with("86400|86400|2024-01-01T23:59:59"),
        "{found}"
    );
}

#[test]
fn minio() {
    let Some(bucket) = crate::sink::s3::Bucket::new(serde_json::json!({})) else {
        return;
    };
    let sandbox = Sandbox::new();
    let spec = std::fs::read_to_string(example("minio.yaml")).unwrap();
    let own = format!("bucket: {}", bucket.name);
    sandbox.write("minio.yaml", &spec.replace("bucket: payments", &own));
    let mut command = sandbox.command(&["run", "minio.yaml", "--report", "r.json"]);
    let (_, host) = bucket.endpoint.split_once("://").unwrap();
    command
        .env("MINIO_ENDPOINT", host)
        .env("MINIO_SECURE", "false")
        .env("MINIO_ACCESS_KEY", &bucket.key)
        .env("MINIO_SECRET_KEY", &bucket.secret);
    let output = crate::common::wait(command.spawn().unwrap());
    let said = crate::common::stderr(&output);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert_eq!(sandbox.json("r.json")["records"]["acknowledged"], 60_000);
    let names = bucket.names();
    let of = |begin: &str| names.iter().filter(|name| name.starts_with(begin)).count();
    // 30,000 records a stream by 10,000; ten minutes of two streams.
    assert_eq!(of("json/transaction/dt=2024-01-01/hour=00/"), 6);
    assert_eq!((of("csv/"), names.len()), (20, 26));
    let texts = bucket.texts();
    let mut rows = 0;
    for (name, text) in &texts {
        rows += match name.starts_with("csv/") {
            true => text.lines().count() - 1,
            false => serde_json::from_str::<Vec<serde_json::Value>>(text)
                .unwrap()
                .len(),
        };
    }
    assert_eq!(rows, 2 * 60_000);
}

#[test]
fn the_host_is_a_library() {
    let own = crate::common::program();
    let embed = own.parent().unwrap().join("wellhead-embed");
    assert!(
        embed.exists(),
        "{} isn't there: `make test` builds it",
        embed.display()
    );
    let output = std::process::Command::new(embed).output().unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert_eq!(String::from_utf8_lossy(&output.stdout).lines().count(), 20);
    let source = std::fs::read_to_string(example("embed/src/main.rs")).unwrap();
    assert!(source.lines().count() < 60, "the example has grown");
}
