//! What can't be verified is refused before anything is read, and says why.

use serde_json::Value;

use super::{run, verify};
use crate::common::{Sandbox, stderr};

fn refused(sandbox: &Sandbox, arguments: &[&str], said: &[&str]) {
    let text = stderr(&sandbox.expect(2, arguments));
    for said in said {
        assert!(text.contains(said), "{said}: {text}");
    }
}

fn edited(sandbox: &Sandbox, edit: impl FnOnce(&mut Value)) {
    let mut manifest = sandbox.json("m.json");
    edit(&mut manifest);
    sandbox.write("bad.json", &manifest.to_string());
}

#[test]
fn a_manifest_that_was_edited_or_is_none_is_refused() {
    let sandbox = Sandbox::new();
    run(
        &sandbox,
        "transaction",
        "--load max --records 1000 --to file:o.ndjson",
    );
    edited(&sandbox, |m| m["identity"]["seed"] = 8.into());
    refused(&sandbox, &["verify", "bad.json"], &["was edited", "digest"]);
    edited(&sandbox, |m| m["streams"][0]["records"] = 8.into());
    refused(
        &sandbox,
        &["verify", "bad.json"],
        &["was edited", "streams"],
    );
    edited(&sandbox, |m| {
        m.as_object_mut().unwrap().remove("digest");
    });
    refused(
        &sandbox,
        &["verify", "bad.json"],
        &["no manifest", "digest"],
    );
    sandbox.write("bad.json", "{");
    refused(&sandbox, &["verify", "bad.json"], &["no JSON"]);
    refused(&sandbox, &["verify", "none.json"], &["none.json"]);
    refused(&sandbox, &["verify", "m.json", "m.json"], &["--merge"]);
    refused(
        &sandbox,
        &["verify", "m.json", "--from", "file:gone.ndjson"],
        &["gone.ndjson"],
    );
    refused(
        &sandbox,
        &["verify", "m.json", "--from", "null"],
        &["nothing that could be read"],
    );
    refused(
        &sandbox,
        &["verify", "m.json", "--from", "fill:x"],
        &["--from", "`file`"],
    );
}

/// A manifest with another identity, sealed as if a program had written it.
fn sealed(sandbox: &Sandbox, edit: impl FnOnce(&mut Value)) {
    use wellhead::emulation::manifest::canonical;
    edited(sandbox, |m| {
        edit(&mut m["identity"]);
        let text = canonical(&m["identity"]).to_string();
        m["digest"] = sha256(sandbox, &text).into();
    });
}

/// By the system's own program, so that the tests need no crate for it.
fn sha256(sandbox: &Sandbox, text: &str) -> String {
    let file = sandbox.write("canonical", text);
    let output = std::process::Command::new("sha256sum")
        .arg(file)
        .output()
        .unwrap();
    let line = String::from_utf8(output.stdout).unwrap();
    line.split_whitespace().next().unwrap().to_owned()
}

#[test]
fn newer_versions_and_other_components_are_refused() {
    let sandbox = Sandbox::new();
    run(
        &sandbox,
        "transaction",
        "--load max --records 1000 --to file:o.ndjson",
    );
    sealed(&sandbox, |identity| {
        identity["functions"]["hash"] = 9.into()
    });
    refused(
        &sandbox,
        &["verify", "bad.json"],
        &["`hash` version 9", "written by"],
    );
    sealed(&sandbox, |identity| {
        identity["functions"]["telepathy"] = 1.into()
    });
    refused(&sandbox, &["verify", "bad.json"], &["telepathy"]);
    sealed(&sandbox, |identity| identity["novelty"] = true.into());
    refused(
        &sandbox,
        &["verify", "bad.json"],
        &["more than this version knows"],
    );
    let other = "0".repeat(64);
    sealed(&sandbox, |identity| {
        identity["component"] = other.clone().into()
    });
    refused(&sandbox, &["verify", "bad.json"], &[&other, "--component"]);
    sealed(&sandbox, |_| {});
    sandbox.expect(0, &["verify", "bad.json"]);
}

#[test]
fn an_asset_that_changed_is_refused() {
    let sandbox = Sandbox::new();
    run(
        &sandbox,
        "replay",
        "--load max --records 5000 --to file:o.ndjson",
    );
    verify(&sandbox, 0, &["--from", "file"]);
    std::fs::rename(sandbox.path("payloads.ndjson"), sandbox.path("kept.ndjson")).unwrap();
    sandbox.write(
        "payloads.ndjson",
        "{\"i\":1,\"ts\":\"2020-01-01T00:00:00Z\"}\n",
    );
    refused(
        &sandbox,
        &["verify", "m.json"],
        &["asset `payloads`", "--asset payloads=FILE"],
    );
    verify(&sandbox, 0, &["--asset", "payloads=kept.ndjson"]);
}

#[test]
fn records_that_the_run_reported_as_rejected_are_not_missing() {
    let sandbox = Sandbox::new();
    let spec = r#"
generator: transaction
seed: 1
load: max
clock: {start: 2024-01-01T00:00:00Z}
until: {records: 5000}
rejected: rejected.ndjson
sinks: [{type: file, path: "o/{decline_reason}.ndjson"}]
"#;
    sandbox.write("spec.yaml", spec);
    let output = sandbox.run(&[
        "run",
        "spec.yaml",
        "--manifest",
        "m.json",
        "--report",
        "r.json",
    ]);
    assert!(sandbox.path("m.json").exists(), "{}", stderr(&output));
    let rejected = sandbox.json("r.json")["records"]["rejected"]
        .as_u64()
        .unwrap();
    assert!(rejected > 100, "{}", sandbox.json("r.json"));
    let report = verify(&sandbox, 0, &["--from"]);
    assert_eq!(report["rejected"], rejected);
    super::assert_counts(&report, &[]);
}
