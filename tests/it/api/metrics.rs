//! What Prometheus is told, and what the dashboard asks it.

use std::collections::BTreeSet;
use std::path::Path;

use super::client::Served;
use crate::common::{Sandbox, json, until};

/// The value of the sample that begins so.
fn value(page: &str, begin: &str) -> f64 {
    let line = page.lines().find(|line| line.starts_with(begin));
    let line = line.unwrap_or_else(|| panic!("{begin} isn't there: {page}"));
    line.rsplit(' ').next().unwrap().parse().unwrap()
}

/// A server with an emulation into two files and one that counts; the page once 2,000 are acknowledged.
fn page_of(served: &Served) -> (String, String) {
    let id = served.start_one(
        "{generator: transaction, load: 1000/s, faults: {duplicate: 0.1}, \
         sinks: ['null', {type: file, path: a.ndjson}, {type: file, path: b.ndjson}]}",
    );
    served.until_state(&id, "running");
    let labels = format!("{{emulation=\"{id}\",generator=\"transaction\"");
    let mut page = String::new();
    until("two thousand are acknowledged", || {
        page = served.get("/metrics").body;
        let least = ["null", "file", "file-2"].map(|sink| {
            let name = "wellhead_records_acknowledged_total";
            value(&page, &format!("{name}{labels},sink=\"{sink}\"}}"))
        });
        least.iter().all(|&count| count >= 2_000.0)
    });
    (labels, page)
}

#[test]
fn metrics_say_what_the_reports_say() {
    let sandbox = Sandbox::new();
    let served = Served::start(&sandbox);
    let (labels, page) = page_of(&served);
    let is = |name: &str, more: &str| value(&page, &format!("{name}{labels}{more}}}"));
    assert!(is("wellhead_records_generated_total", "") >= 2_000.0);
    assert!(is("wellhead_records_faulted_total", ",fault=\"duplicate\"") > 100.0);
    assert!(is("wellhead_bytes_acknowledged_total", ",sink=\"file\"") > 400_000.0);
    assert_eq!(is("wellhead_emulation_state", ",state=\"running\""), 1.0);
    assert_eq!(is("wellhead_sink_stalled", ",sink=\"file-2\""), 0.0);
    assert_eq!(is("wellhead_records_rejected_total", ",sink=\"file\""), 0.0);
    assert!(is("wellhead_plugin_memory_bytes", "") > 0.0);
    assert!(is("wellhead_queue_records", "") >= 0.0);
    for (name, label) in [
        ("wellhead_lateness_seconds", ",to=\"release\""),
        ("wellhead_lateness_seconds", ",to=\"receipt\""),
        ("wellhead_generate_seconds", ""),
        ("wellhead_deliver_seconds", ",sink=\"null\""),
        ("wellhead_deliver_seconds", ",sink=\"file\""),
    ] {
        // `le` stands before the others.
        let begin = format!("{name}_bucket{{le=\"");
        let end = format!(",{}{label}}}", &labels[1..]);
        let buckets: Vec<f64> = page
            .lines()
            .filter(|line| line.starts_with(&begin) && line.contains(&end))
            .map(|line| line.rsplit(' ').next().unwrap().parse().unwrap())
            .collect();
        assert!(
            buckets.len() == 21 && buckets.is_sorted(),
            "{begin}…{end}: {page}"
        );
        let count = is(&format!("{name}_count"), label);
        assert!(count > 0.0, "{name}: {page}");
        assert_eq!(buckets.last(), Some(&count));
        assert!(is(&format!("{name}_sum"), label) > 0.0, "{name}: {page}");
    }
    assert!(page.ends_with("# EOF\n"));
}

/// Who scrapes now and then sees the last count of what ended in between, and no gauge of what is gone.
#[test]
fn what_is_over_is_still_counted() {
    let sandbox = Sandbox::new();
    let served = Served::start(&sandbox);
    let id = served
        .start_one("{generator: transaction, load: max, until: {records: 5000}, sinks: ['null']}");
    served.until_state(&id, "finished");
    let page = served.get("/metrics").body;
    let labels = format!("{{emulation=\"{id}\",generator=\"transaction\"");
    let is = |name: &str, more: &str| value(&page, &format!("{name}{labels}{more}}}"));
    assert_eq!(is("wellhead_records_generated_total", ""), 5_000.0);
    assert_eq!(
        is("wellhead_records_acknowledged_total", ",sink=\"null\""),
        5_000.0
    );
    assert_eq!(is("wellhead_emulation_state", ",state=\"finished\""), 1.0);
    assert!(
        !page.contains(&format!("wellhead_queue_records{labels}")),
        "{page}"
    );
    served.send("DELETE", &format!("/api/v1/emulations/{id}"), &[], "");
    assert!(!served.get("/metrics").body.contains(&id));
}

#[test]
fn no_two_series_are_the_same() {
    let sandbox = Sandbox::new();
    let served = Served::start(&sandbox);
    let (_, page) = page_of(&served);
    let mut seen = BTreeSet::new();
    for line in page.lines().filter(|line| !line.starts_with('#')) {
        let series = line.rsplit_once(' ').unwrap().0;
        assert!(seen.insert(series), "{series} is there twice");
    }
    let allowed = [
        "emulation",
        "generator",
        "sink",
        "fault",
        "to",
        "state",
        "le",
    ];
    for series in seen {
        for label in labels_of(series) {
            assert!(allowed.contains(&label.as_str()), "{series}");
        }
    }
}

/// Names within the braces of a series or of a selector.
fn labels_of(text: &str) -> BTreeSet<String> {
    let Some((_, braces)) = text.split_once('{') else {
        return BTreeSet::new();
    };
    let inner = braces.split_once('}').unwrap().0;
    inner
        .split(',')
        .map(|matcher| matcher.split(['=', '~', '!']).next().unwrap().to_owned())
        .collect()
}

/// What a query asks for: each metric with the labels that it has to have.
fn asked(query: &str) -> Vec<(String, BTreeSet<String>)> {
    let mut common = BTreeSet::new();
    let mut rest = query;
    while let Some((_, after)) = rest.split_once("by (") {
        let (names, after) = after.split_once(')').unwrap();
        common.extend(names.split(',').map(|name| name.trim().to_owned()));
        rest = after;
    }
    let starts = query.match_indices("wellhead_").map(|(at, _)| &query[at..]);
    let metric = |text: &str| {
        let named = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let end = text.find(|c| !named(c)).unwrap_or(text.len());
        let selector = match text[end..].starts_with('{') {
            true => labels_of(text),
            false => BTreeSet::new(),
        };
        (text[..end].to_owned(), &selector | &common)
    };
    starts.map(metric).collect()
}

#[test]
fn the_dashboard_asks_for_what_is_there() {
    let sandbox = Sandbox::new();
    let served = Served::start(&sandbox);
    let (_, page) = page_of(&served);
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let dashboard = json(&root.join("deploy/grafana/dashboards/wellhead.json"));
    let panels = dashboard["panels"].as_array().unwrap();
    let mut queries: Vec<String> = panels
        .iter()
        .flat_map(|panel| panel["targets"].as_array().into_iter().flatten())
        .map(|target| target["expr"].as_str().unwrap().to_owned())
        .collect();
    for variable in dashboard["templating"]["list"].as_array().unwrap() {
        if let Some(query) = variable["query"]["query"].as_str() {
            // label_values(metric, label) reads like an aggregation.
            let (metric, label) = query.split_once(", ").unwrap();
            queries.push(format!("by ({} {metric}", label));
        }
    }
    assert!(queries.len() > 20, "{queries:?}");
    let mut metrics = BTreeSet::new();
    for query in &queries {
        let asked = asked(query);
        assert!(!asked.is_empty(), "{query} asks for nothing of ours");
        for (metric, labels) in asked {
            let found = page.lines().any(|line| {
                let has = line.split_once('{').is_some_and(|(name, _)| name == metric);
                has && labels.is_subset(&labels_of(line))
            });
            assert!(found, "{query}: no {metric} with {labels:?}\n{page}");
            metrics.insert(metric);
        }
    }
    // Every metric is to be seen there.
    for line in page.lines().filter(|line| line.starts_with("# HELP ")) {
        let name = line.split(' ').nth(2).unwrap();
        let shown = metrics.iter().any(|metric| metric.starts_with(name));
        assert!(shown, "{name} isn't on the dashboard");
    }
}

#[test]
fn the_dashboard_and_its_provisioning_agree() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let read = |path: &str| std::fs::read_to_string(root.join("deploy").join(path)).unwrap();
    let source = read("grafana/provisioning/datasources/prometheus.yaml");
    assert!(source.contains("uid: prometheus") && source.contains("url: http://prometheus:9090"));
    let interval = "5s";
    assert!(source.contains(&format!("timeInterval: {interval}")));
    assert!(read("prometheus/prometheus.yaml").contains(&format!("scrape_interval: {interval}")));
    let folder = "/etc/wellhead/dashboards";
    assert!(read("grafana/provisioning/dashboards/wellhead.yaml").contains(folder));
    assert!(read("compose.yaml").contains(&format!("./grafana/dashboards:{folder}:ro")));
    // Panels don't lie on each other.
    let dashboard = json(&root.join("deploy/grafana/dashboards/wellhead.json"));
    let mut taken = BTreeSet::new();
    let mut ids = BTreeSet::new();
    for panel in dashboard["panels"].as_array().unwrap() {
        assert!(ids.insert(panel["id"].as_u64().unwrap()));
        let at = |name: &str| panel["gridPos"][name].as_u64().unwrap();
        assert!(at("x") + at("w") <= 24, "{}", panel["title"]);
        for x in at("x")..at("x") + at("w") {
            for y in at("y")..at("y") + at("h") {
                assert!(taken.insert((x, y)), "{} lies on another", panel["title"]);
            }
        }
    }
}
