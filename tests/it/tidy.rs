//! What keeps the code navigable: layers that point down, files that fit, names that stay ours.

use std::path::{Path, PathBuf};

/// Lines that a source file may have.
const LONGEST: usize = 400;

/// What each module of the host may use; a module that isn't named here fails the test.
const LAYERS: &[(&str, &[&str])] = &[
    ("record", &[]),
    ("telemetry", &[]),
    ("schedule", &["record"]),
    ("fault", &["record", "schedule", "encode"]),
    ("encode", &["record"]),
    ("sink", &["record", "telemetry", "encode"]),
    ("delivery", &["record", "telemetry", "sink"]),
    ("plugin", &["record", "telemetry"]),
    ("spec", &["record", "schedule", "fault", "sink"]),
    ("settings", &["telemetry", "spec", "sink"]),
    (
        "state",
        &["record", "telemetry", "fault", "sink", "delivery"],
    ),
    (
        "emulation",
        &[
            "record",
            "telemetry",
            "schedule",
            "fault",
            "sink",
            "delivery",
            "plugin",
            "spec",
            "state",
        ],
    ),
    (
        "verify",
        &[
            "record",
            "schedule",
            "encode",
            "sink",
            "plugin",
            "spec",
            "emulation",
        ],
    ),
    ("draft", &[]),
    ("project", &["plugin"]),
    ("trial", &["plugin"]),
    ("registry", &["plugin", "settings", "sink"]),
    (
        "server",
        &[
            "record",
            "telemetry",
            "schedule",
            "sink",
            "plugin",
            "spec",
            "settings",
            "state",
            "emulation",
        ],
    ),
    (
        "api",
        &[
            "telemetry",
            "sink",
            "plugin",
            "spec",
            "state",
            "emulation",
            "server",
        ],
    ),
    ("client", &["sink", "api", "server"]),
    (
        "cli",
        &[
            "api",
            "client",
            "server",
            "record",
            "telemetry",
            "schedule",
            "fault",
            "encode",
            "sink",
            "delivery",
            "plugin",
            "spec",
            "settings",
            "state",
            "emulation",
            "verify",
            "trial",
            "project",
            "draft",
            "registry",
        ],
    ),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn files(folder: &Path, ending: &str, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            if name != "target" && !name.starts_with('.') {
                files(&path, ending, found);
            }
        } else if name.ends_with(ending) {
            found.push(path);
        }
    }
}

fn sources(folder: &str) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    files(&root().join(folder), ".rs", &mut found);
    assert!(
        !found.is_empty(),
        "{folder} has no sources: is this the checkout?"
    );
    found
        .into_iter()
        .map(|path| {
            let text = std::fs::read_to_string(&path).unwrap();
            (path, text)
        })
        .collect()
}

#[test]
fn layers_point_down() {
    let source = root().join("host/src");
    let mut wrong = Vec::new();
    for (path, text) in sources("host/src") {
        let inner = path.strip_prefix(&source).unwrap();
        let first = inner
            .components()
            .next()
            .unwrap()
            .as_os_str()
            .to_string_lossy();
        let module = first.trim_end_matches(".rs").to_owned();
        if module == "lib" || module == "main" {
            continue;
        }
        let Some((_, allowed)) = LAYERS.iter().find(|(name, _)| *name == module) else {
            wrong.push(format!(
                "{module} isn't in LAYERS: say there what it may use"
            ));
            continue;
        };
        // What tests use is no dependency of the module.
        let code = text.split("#[cfg(test)]").next().unwrap();
        for (n, line) in code.lines().enumerate() {
            let Some(at) = line.find("crate::") else {
                continue;
            };
            if line.trim_start().starts_with("//") {
                continue;
            }
            let used: String = line[at + 7..]
                .chars()
                .take_while(|c| c.is_ascii_lowercase() || *c == '_')
                .collect();
            if !used.is_empty() && used != module && !allowed.contains(&used.as_str()) {
                wrong.push(format!(
                    "{}:{}: {module} uses {used}",
                    inner.display(),
                    n + 1
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn files_fit() {
    let mut long = Vec::new();
    for folder in ["host", "plugins", "tests", "examples"] {
        for (path, text) in sources(folder) {
            let lines = text.lines().count();
            if lines > LONGEST {
                long.push(format!("{}: {lines} lines", path.display()));
            }
        }
    }
    assert!(
        long.is_empty(),
        "over {LONGEST} lines:\n{}",
        long.join("\n")
    );
}

#[test]
fn only_one_module_knows_each_client() {
    let owners = [
        ("wasmtime::", "plugin"),
        ("wasmtime_wizer::", "plugin"),
        ("arrow_array::", "encode"),
        ("object_store::", "sink/s3"),
        ("rdkafka::", "sink/kafka"),
        (
            "reqwest::",
            "sink/http|sink/s3|client|telemetry/otlp|cli/health|server/jwt|registry",
        ),
        ("oci_client::", "registry"),
        ("opentelemetry", "telemetry"),
        ("hyper::", "sink/http|api"),
        ("axum::", "api"),
        ("rumqttc_v4::", "sink/mqtt"),
        ("rumqttc_v5::", "sink/mqtt"),
        ("sqlx::", "state|sink/postgres|sink/sqlite"),
        ("clap::", "cli"),
        ("miette::", "cli"),
    ];
    let source = root().join("host/src");
    let mut wrong = Vec::new();
    for (path, text) in sources("host/src") {
        let inner = path
            .strip_prefix(&source)
            .unwrap()
            .to_string_lossy()
            .into_owned();
        for (client, owner) in owners {
            let knows = text
                .lines()
                .any(|line| !line.trim_start().starts_with("//") && line.contains(client));
            if knows
                && !owner.split('|').any(|owner| inner.starts_with(owner))
                && inner != "main.rs"
            {
                wrong.push(format!("{inner} uses {client} (only {owner} may)"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
