//! Generators over REST: uploaded, looked at, run, taken away.

use serde_json::{Value, json};

use super::client::Served;
use crate::common::{Sandbox, fixture};

const PLUGINS: &str = "/api/v1/plugins";

#[test]
fn a_generator_is_uploaded_run_and_taken_away() {
    let sandbox = Sandbox::new();
    let served = Served::start(&sandbox);
    let component = fixture("villain");
    let first = served.upload(&component);
    let added = first.json(201);
    let (name, version) = (
        added["name"].as_str().unwrap(),
        added["version"].as_str().unwrap(),
    );
    let path = format!("{PLUGINS}/{name}@{version}");
    assert_eq!(first.header("location"), path);
    assert_eq!(
        (&added["new"], &added["wrapped"]),
        (&json!(true), &json!(false))
    );
    assert_eq!(served.upload(&component).json(200)["new"], false);
    served
        .upload(&fixture("twin"))
        .problem(409, "is another component already");

    let listed = served.get(PLUGINS).json(200);
    let names: Vec<&str> = listed
        .as_array()
        .unwrap()
        .iter()
        .map(|p| p["name"].as_str().unwrap())
        .collect();
    assert!(
        names.contains(&"transaction") && names.contains(&name),
        "{names:?}"
    );
    let shown = served.get(&format!("{PLUGINS}/{name}")).json(200);
    assert_eq!(shown["digest"], added["digest"]);
    assert!(
        shown["config_schema"].is_object() && shown["limits"].is_object(),
        "{shown:#}"
    );
    let size = served
        .get(&format!("{path}/component"))
        .header("content-length");
    assert_eq!(size, component.len().to_string());
    let seen = |seed: u64| {
        let body = json!({"seed": seed, "records": 3}).to_string();
        served
            .send(
                "POST",
                &format!("{path}/preview"),
                &[super::client::JSON],
                &body,
            )
            .json(200)
    };
    assert_eq!(seen(7).as_array().unwrap().len(), 3);

    let id = served.start_one(&format!(
        "{{generator: '{name}@{version}', load: 100/s, sinks: ['null']}}"
    ));
    served.until_state(&id, "running");
    served.send("DELETE", &path, &[], "").problem(409, "in use");
    served
        .post(&format!("/api/v1/emulations/{id}/stop"), "", "")
        .json(202);
    served.until_state(&id, "finished");
    assert_eq!(served.send("DELETE", &path, &[], "").status, 204);
    served.get(&path).problem(404, "there is no generator");
    served
        .send("DELETE", &format!("{PLUGINS}/transaction"), &[], "")
        .problem(409, "stock generator");
}

#[test]
fn what_is_no_generator_is_refused_and_leaves_nothing() {
    let sandbox = Sandbox::new();
    let served = Served::start(&sandbox);
    let whole = fixture("villain");
    for (what, bytes, words) in [
        ("a zip", b"PK\x03\x04abcdef".to_vec(), "ZIP"),
        ("nothing", Vec::new(), "empty"),
        ("half of one", whole[..whole.len() / 2].to_vec(), ""),
        ("a spinner", fixture("describe-spin"), "CPU time"),
        ("one of another world", fixture("foreign-world"), ""),
        ("one that imports more", fixture("foreign-import"), ""),
    ] {
        let refused = served.upload(&bytes);
        assert_eq!(refused.status, 422, "{what}: {}", refused.body);
        refused.problem(422, words);
    }
    served
        .post(PLUGINS, "application/zip", "x")
        .problem(415, "application/wasm");
    let only: Vec<Value> = served.get(PLUGINS).json(200).as_array().unwrap().clone();
    assert!(
        only.iter().all(|plugin| plugin["origin"] == "stock"),
        "{only:#?}"
    );
    let left: Vec<_> = std::fs::read_dir(sandbox.path("data/plugins")).map_or_else(
        |_| Vec::new(),
        |entries| {
            entries
                .map(|entry| entry.unwrap().file_name())
                .filter(|name| name != "lock")
                .collect()
        },
    );
    assert!(left.is_empty(), "{left:?}");
}
