//! What people type, and what they are told when it is wrong.

use crate::common::{Sandbox, signal, stderr, until, wait};

/// Runs it, expects status 2, and all of `words` in the message.
fn refused(sandbox: &Sandbox, arguments: &[&str], words: &[&str]) {
    let output = sandbox.expect(2, arguments);
    let said = stderr(&output);
    for word in words {
        assert!(
            said.contains(word),
            "`{word}` isn't in what {arguments:?} says:\n{said}"
        );
    }
    assert!(output.stdout.is_empty(), "something was sent");
}

#[test]
fn a_misspelt_field_is_shown_with_its_place_and_the_nearest_name() {
    let sandbox = Sandbox::new();
    for (name, text) in [
        ("a.yaml", "generator: transaction\nuntil:\n  recrods: 5\n"),
        (
            "a.toml",
            "generator = \"transaction\"\n\n[until]\nrecrods = 5\n",
        ),
        (
            "a.json",
            "{\"generator\": \"transaction\",\n \"until\": {\n  \"recrods\": 5}}\n",
        ),
    ] {
        sandbox.write(name, text);
        refused(
            &sandbox,
            &["check", name],
            &["recrods", "did you mean `records`", name],
        );
    }
}

#[test]
fn wrong_values_say_where() {
    let sandbox = Sandbox::new();
    sandbox.write("type.yaml", "generator: transaction\nstreams: many\n");
    refused(
        &sandbox,
        &["check", "type.yaml"],
        &["type.yaml:2", "streams"],
    );
    sandbox.write(
        "config.yaml",
        "generator: transaction\nconfig:\n  customers: many\n",
    );
    refused(
        &sandbox,
        &["check", "config.yaml"],
        &["config.yaml:3", "customers"],
    );
    sandbox.write(
        "zero.yaml",
        "generator: transaction\nuntil: { records: 0 }\nsinks: [{type: \"null\"}]\n",
    );
    refused(&sandbox, &["check", "zero.yaml"], &["zero.yaml:2"]);
    refused(
        &sandbox,
        &["run", "transaction", "--load=-5/s", "--to", "null"],
        &["-5/s", "negative"],
    );
}

#[test]
fn unknown_generators_and_sinks_say_what_there_is() {
    let sandbox = Sandbox::new();
    refused(
        &sandbox,
        &["run", "transactoin", "--to", "null"],
        &crate::common::STOCK,
    );
    refused(
        &sandbox,
        &["run", "transaction", "--to", "kafak://h/t"],
        &["kafak", "kafka"],
    );
    refused(&sandbox, &["run", "transaction"], &["--to"]);
    refused(
        &sandbox,
        &["run", "./none.wasm", "--to", "null"],
        &["none.wasm"],
    );
}

#[test]
fn a_configuration_is_held_to_the_generators_schema() {
    let sandbox = Sandbox::new();
    refused(
        &sandbox,
        &[
            "run",
            "transaction",
            "--to",
            "null",
            "--config",
            "customers=\"many\"",
        ],
        &["transaction", "customers"],
    );
    refused(
        &sandbox,
        &[
            "run",
            "transaction",
            "--to",
            "null",
            "--config",
            "custommers=5",
        ],
        &["custommers", "customers"],
    );
}

#[test]
fn a_broker_that_is_not_there_is_named_and_nothing_is_sent() {
    let sandbox = Sandbox::new();
    refused(
        &sandbox,
        &[
            "run",
            "transaction",
            "--to",
            "kafka://127.0.0.1:1/x?connect_timeout=2s",
        ],
        &["127.0.0.1:1", "no broker answered"],
    );
}

#[test]
fn standard_output_carries_records_only() {
    let sandbox = Sandbox::new();
    let output = sandbox.expect(
        0,
        &[
            "run",
            "transaction",
            "--seed",
            "1",
            "--load",
            "max",
            "--records",
            "50",
            "--to",
            "stdout",
        ],
    );
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(text.lines().count(), 50);
    for line in text.lines() {
        let record: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(record["customer_id"].is_u64());
    }
}

#[test]
fn an_expectation_that_does_not_hold_is_status_3() {
    let sandbox = Sandbox::new();
    sandbox.write(
        "e.yaml",
        "generator: transaction\nseed: 1\nload: max\nuntil: { records: 1000 }\nsinks: [{ type: \"null\" }]\nexpect: { acknowledged: \"> 1000\" }\n",
    );
    let output = sandbox.expect(3, &["run", "e.yaml", "--report", "r.json"]);
    assert!(stderr(&output).contains("did not hold"));
    assert_eq!(sandbox.json("r.json")["expect"][0]["held"], false);
}

#[test]
fn help_shows_examples_and_exit_statuses() {
    let sandbox = Sandbox::new();
    for (arguments, word) in [
        (vec!["--help"], "Exit status"),
        (vec!["run", "--help"], "Examples:"),
        (vec!["preview", "--help"], "Examples:"),
        (vec!["check", "--help"], "Examples:"),
    ] {
        let output = sandbox.expect(0, &arguments);
        assert!(
            String::from_utf8_lossy(&output.stdout).contains(word),
            "{arguments:?}"
        );
    }
    for sink in ["kafka", "file", "stdout", "null"] {
        let output = sandbox.expect(0, &["sinks", sink]);
        assert!(String::from_utf8_lossy(&output.stdout).starts_with(sink));
    }
    for of in ["spec", "settings", "manifest", "report"] {
        let output = sandbox.expect(0, &["schema", of]);
        let schema: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert!(
            schema["$schema"].is_string() && schema["title"].is_string(),
            "{of}"
        );
    }
}

#[test]
fn generators_are_added_listed_inspected_and_removed() {
    let sandbox = Sandbox::new();
    let own = crate::common::program();
    let stock = own
        .parent()
        .unwrap()
        .parent()
        .unwrap()
        .join("plugins/transaction.wasm");
    let stock = stock.to_string_lossy();
    let listed = String::from_utf8(sandbox.expect(0, &["plugin", "list"]).stdout).unwrap();
    for name in crate::common::STOCK {
        assert!(listed.contains(name), "{listed}");
    }
    // The names of stock generators can't be taken.
    refused(&sandbox, &["plugin", "add", &stock], &["transaction"]);
    let inspected = sandbox
        .expect(0, &["plugin", "inspect", &stock, "--json"])
        .stdout;
    let inspected: serde_json::Value = serde_json::from_slice(&inspected).unwrap();
    assert_eq!(inspected["channels"][0]["name"], "transaction");
    assert_eq!(inspected["config_defaults"]["customers"], 10000);
    assert!(
        inspected["limits"]
            .as_object()
            .is_some_and(|limits| !limits.is_empty())
    );
}

#[test]
fn checking_with_connect_logs_in_and_makes_nothing() {
    let Some(broker) = crate::common::service("WELLHEAD_TEST_KAFKA") else {
        return;
    };
    let sandbox = Sandbox::new();
    let topic = format!("unmade-{}", std::process::id());
    let good = format!("kafka://{broker}/{topic}");
    sandbox.expect(0, &["check", "transaction", "--to", &good, "--connect"]);
    let strict = format!("{good}?create=false");
    refused(
        &sandbox,
        &["check", "transaction", "--to", &strict, "--connect"],
        &[&topic, "create"],
    );
    refused(
        &sandbox,
        &[
            "check",
            "transaction",
            "--to",
            "kafka://127.0.0.1:1/t?connect_timeout=2s",
            "--connect",
        ],
        &["127.0.0.1:1"],
    );
}

#[test]
fn a_file_may_say_what_to_log_and_where_to() {
    let sandbox = Sandbox::new();
    sandbox.write(
        "log.toml",
        "level = \"warn\"\nformat = \"json\"\ndestination = \"out.log\"\n[levels]\n\"wellhead::cli\" = \"info\"\n",
    );
    let run = ["run", "transaction", "--records", "5", "--to", "null"];
    let with = |file: &'static str| [&run[..], &["--log-config", file]].concat();
    sandbox.expect(0, &with("log.toml"));
    // A run that nobody has finished is worth a line at `info`.
    let stuck = [
        "run",
        "transaction",
        "--load",
        "1/s",
        "--records",
        "99",
        "--to",
        "file:o.ndjson",
    ];
    let child = sandbox.command(&stuck).spawn().unwrap();
    let id = child.id();
    let begun = |entry: std::io::Result<std::fs::DirEntry>| {
        entry.is_ok_and(|entry| entry.file_name().to_string_lossy().contains("partial"))
    };
    until("it has begun", || {
        std::fs::read_dir(sandbox.path("")).unwrap().any(begun)
    });
    sandbox.expect(0, &with("log.toml"));
    let log = std::fs::read_to_string(sandbox.path("out.log")).unwrap();
    assert!(log.contains("unfinished run"), "{log}");
    signal(id, rustix::process::Signal::KILL);
    wait(child);
    for line in log.lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(line["target"].as_str().unwrap().starts_with("wellhead::"));
    }
    for (text, said) in [
        ("levle = \"info\"\n", "levle"),
        ("level = \"loud\"\n", "loud"),
        ("destination = \"/nowhere/at/all\"\n", "/nowhere/at/all"),
    ] {
        sandbox.write("wrong.toml", text);
        let refused = sandbox.expect(2, &with("wrong.toml"));
        assert!(stderr(&refused).contains(said), "{}", stderr(&refused));
    }
    let refused = sandbox.expect(2, &with("missing.toml"));
    assert!(stderr(&refused).contains("missing.toml"));
}
