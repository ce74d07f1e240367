//! The server over REST, as a client of the network meets it.

mod access;
mod attacks;
pub mod client;
mod disk;
mod guard;
mod jwt;
mod logs;
mod metrics;
mod plugins;
mod reach;
mod readme;
mod remote;
mod restart;
mod secrets;
mod shares;
mod simple;
mod tls;

use serde_json::json;

use crate::common::{Sandbox, settled, until};
use client::{Served, YAML};

/// A spec that goes on until it is stopped.
fn endless(file: &str) -> String {
    format!(
        "{{generator: transaction, seed: 7, load: 2000/s, sinks: [{{type: file, path: '{file}'}}]}}"
    )
}

#[test]
fn an_emulation_is_started_watched_steered_and_stopped() {
    let sandbox = Sandbox::new();
    let served = Served::start(&sandbox);
    let begun = served.post("/api/v1/emulations", YAML, &endless("out/{channel}.ndjson"));
    let started = begun.json(201);
    let id = started["id"].as_str().unwrap();
    let path = format!("/api/v1/emulations/{id}");
    assert_eq!(begun.header("location"), path);
    served.until_state(id, "running");
    until("it has released something", || {
        served.get(&path).json(200)["records"]["acknowledged"].as_u64() > Some(2_000)
    });

    let records = served.get(&format!("{path}/records?limit=3")).json(200);
    let records = records.as_array().unwrap();
    assert_eq!(records.len(), 3, "{records:?}");
    assert!(
        records[0]["record"]["transaction_id"].is_string(),
        "{records:?}"
    );
    let indices: Vec<u64> = records
        .iter()
        .map(|r| r["index"].as_u64().unwrap())
        .collect();
    assert!(indices.is_sorted(), "{indices:?}");

    let paused = served.post(&format!("{path}/pause"), "", "");
    assert_eq!(paused.json(202)["state"], "paused");
    let generated = || {
        served.get(&path).json(200)["records"]["generated"]
            .as_u64()
            .unwrap()
    };
    // Some of the pacing thread's naps, in which 2,000/s would release hundreds.
    let naps = std::time::Duration::from_millis(150);
    settled("nothing is released any more", naps, generated);
    assert_eq!(
        served.post(&format!("{path}/resume"), "", "").json(202)["state"],
        "running"
    );

    let tag = served.get(&path).header("etag");
    let change = json!({"load": "8000/s"}).to_string();
    let stale = served.send(
        "PATCH",
        &path,
        &[("If-Match", "\"1\""), client::JSON],
        &change,
    );
    stale.problem(412, "at revision");
    let changed = served.send("PATCH", &path, &[("If-Match", &tag), client::JSON], &change);
    changed.json(200);
    let before = generated();
    until("the new load has taken hold", || {
        generated() > before + 8_000
    });
    served
        .send("PATCH", &path, &[client::JSON], r#"{"load": "max"}"#)
        .problem(422, "can't go over to it");
    served
        .send("DELETE", &path, &[], "")
        .problem(409, "it can't be deleted");

    assert_eq!(
        served.post(&format!("{path}/stop"), "", "").json(202)["state"],
        "stopping"
    );
    served.until_state(id, "finished");
    let report = served.get(&format!("{path}/report")).json(200);
    assert_eq!(
        report["records"]["acknowledged"],
        report["records"]["generated"]
    );
    let manifest = served.get(&format!("{path}/manifest")).json(200);
    sandbox.write("m.json", &manifest.to_string());
    sandbox.expect(0, &["verify", "m.json", "--from"]);
    served
        .post(&format!("{path}/pause"), "", "")
        .problem(409, "it can't be paused");
    assert_eq!(served.send("DELETE", &path, &[], "").status, 204);
    served.get(&path).problem(404, "there is no emulation");
}

#[test]
fn no_two_emulations_write_one_file() {
    let sandbox = Sandbox::new();
    let served = Served::start(&sandbox);
    let id = served.start_one(&endless("one.ndjson"));
    let second = || served.post("/api/v1/emulations", YAML, &endless("one.ndjson"));
    second().problem(409, "one.ndjson");
    served.start_one(&endless("two.ndjson"));
    served
        .post(&format!("/api/v1/emulations/{id}/stop"), "", "")
        .json(202);
    served.until_state(&id, "finished");
    second().json(201);
}

#[test]
fn who_watches_sees_each_state_and_goes_on_where_they_were() {
    let sandbox = Sandbox::new();
    let served = Served::start(&sandbox);
    let spec = "{generator: device-log, until: {records: 2000}, load: 1000/s, sinks: ['null']}";
    let id = served.start_one(spec);
    // It ends with the emulation.
    let path = format!("/api/v1/emulations/{id}/events");
    let events = served.get(&path).events();
    let states: Vec<&str> = events
        .iter()
        .filter(|event| event.kind == "status")
        .map(|event| event.data["state"].as_str().unwrap())
        .collect();
    assert_eq!(states, ["starting", "running", "finished"], "{events:#?}");
    let progress = events
        .iter()
        .rfind(|event| event.kind == "progress")
        .unwrap();
    assert_eq!(progress.data["settled"], 2_000, "{events:#?}");
    assert!(events.is_sorted_by_key(|event| event.id));
    let seen = events[1].id.to_string();
    let rest = served
        .send("GET", &path, &[("Last-Event-ID", &seen)], "")
        .events();
    assert_eq!(rest, events[2..]);
    served
        .send("GET", &path, &[("Last-Event-ID", "newest")], "")
        .problem(400, "Last-Event-ID");
}

#[test]
fn emulations_are_listed_in_pages() {
    let sandbox = Sandbox::new();
    let served = Served::start(&sandbox);
    let scenario = "
emulations:
  - {name: a, generator: transaction, until: {records: 5}}
  - {name: b, generator: device-log, until: {records: 5}}
  - {name: c, generator: device-log, load: 1/s}
sinks: ['null']
";
    let begun = served.post("/api/v1/emulations", YAML, scenario);
    let started = begun.json(201);
    let listed = begun.header("location");
    let ids: Vec<&str> = started["emulations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["id"].as_str().unwrap())
        .collect();
    served.until_state(ids[0], "finished");
    served.until_state(ids[1], "finished");
    let mut found = Vec::new();
    let mut path = format!("{listed}&limit=2");
    loop {
        let page = served.get(&path).json(200);
        let items = page["items"].as_array().unwrap();
        assert!(items.len() <= 2);
        found.extend(
            items
                .iter()
                .map(|one| one["id"].as_str().unwrap().to_owned()),
        );
        let Some(next) = page["next"].as_str() else {
            break;
        };
        path = format!("{listed}&limit=2&cursor={next}");
    }
    found.reverse();
    assert_eq!(found, ids);
    let by = |query: &str| {
        let page = served.get(&format!("/api/v1/emulations?{query}")).json(200);
        page["items"].as_array().unwrap().len()
    };
    assert_eq!(
        (by("state=finished"), by("name=c"), by("name=d")),
        (2, 1, 0)
    );
    served
        .get("/api/v1/emulations?state=asleep")
        .problem(400, "there is no state");
    served
        .get("/api/v1/emulations?limit=0")
        .problem(400, "from 1 to 200");
    served
        .get("/api/v1/emulations?colour=red")
        .problem(400, "colour");
}

#[test]
fn a_spec_is_checked_and_what_is_wrong_has_its_place() {
    let sandbox = Sandbox::new();
    let served = Served::start(&sandbox);
    let good =
        "{generator: machine-signal, sinks: [{type: file, path: 'a/{channel}.csv', format: csv}]}";
    let checked = served.post("/api/v1/specs/check", YAML, good).json(200);
    assert_eq!(
        checked[0]["channels"],
        json!(["state_change", "power", "error"])
    );
    let bad = "generator: transaction\nlaod: 5/s\nsinks: [{type: 'null'}]\n";
    let said = served
        .post("/api/v1/specs/check", YAML, bad)
        .problem(422, "laod");
    assert_eq!(said["errors"][0]["line"], 2, "{said:#}");
    assert!(
        said["errors"][0]["help"].as_str().unwrap().contains("load"),
        "{said:#}"
    );
    for (spec, why) in [
        (
            "{generator: nobody, sinks: ['null']}",
            "there is no generator `nobody`",
        ),
        (
            "{generator: transaction, config: {customers: -1}, sinks: ['null']}",
            "customers",
        ),
        ("{generator: transaction}", "there is no sink"),
    ] {
        served
            .post("/api/v1/emulations", YAML, spec)
            .problem(422, why);
    }
    assert_eq!(
        served.get("/api/v1/emulations").json(200)["items"],
        json!([])
    );
}

/// A sink that isn't there fails the emulation that was just asked for, and says so.
#[test]
fn a_sink_that_is_not_there_fails_it() {
    let sandbox = Sandbox::new();
    let settings = "[connections.gone]\ntype = \"postgres\"\nhost = \"127.0.0.1\"\nport = 9\nuser = \"u\"\npassword = \"hunter2\"\ndatabase = \"d\"\n";
    sandbox.write("settings.toml", settings);
    let served = Served::with(&sandbox, &["--settings", "settings.toml"]);
    let named = served.get("/api/v1/connections").json(200);
    assert_eq!(named, json!([{"name": "gone", "kind": "postgres"}]));
    let id =
        served.start_one("{generator: transaction, sinks: [{type: postgres, connection: gone}]}");
    let failed = served.until_state(&id, "failed");
    let error = failed["error"].as_str().unwrap();
    assert!(
        error.contains("127.0.0.1:9") && !failed.to_string().contains("hunter2"),
        "{error}"
    );
    let path = format!("/api/v1/emulations/{id}/manifest");
    served.get(&path).problem(409, "has no manifest");
}

#[test]
fn the_description_is_whole() {
    let sandbox = Sandbox::new();
    let served = Served::start(&sandbox);
    let document = served.get("/openapi.json").json(200);
    assert_eq!(document["openapi"], "3.1.0");
    let text = document.to_string();
    for part in text.split("\"$ref\":\"#").skip(1) {
        let pointer = part.split('"').next().unwrap();
        assert!(
            document.pointer(pointer).is_some(),
            "#{pointer} leads nowhere"
        );
    }
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            assert!(operation["summary"].is_string(), "{method} {path}");
            let responses = operation["responses"].as_object().unwrap();
            assert!(
                responses.len() > 1 && responses.contains_key("default"),
                "{method} {path}"
            );
            let parameters = operation.get("parameters");
            assert!(parameters.is_none_or(|p| p.is_array()), "{method} {path}");
        }
    }
    let page = served.get("/docs");
    assert_eq!(page.status, 200);
    let elsewhere = ["src=", "@import", "<script", "href=http", "url("];
    assert!(
        !elsewhere.iter().any(|load| page.body.contains(load)),
        "the page loads something"
    );
    assert!(page.body.contains("/api/v1/emulations/{id}/events"));
    let printed = sandbox.expect(0, &["schema", "openapi"]).stdout;
    let printed: serde_json::Value = serde_json::from_slice(&printed).unwrap();
    assert_eq!(printed, document);
}
