//! Traces and metrics over OTLP, as a collector gets them.

mod collector;

use std::collections::{BTreeMap, BTreeSet};
use std::net::TcpListener;
use std::process::Command;
use std::time::{Duration, Instant};

use opentelemetry_proto::tonic::metrics::v1::metric;
use opentelemetry_proto::tonic::trace::v1::Span;
use rustix::process::Signal;

use crate::api::client::Served;
use crate::common::{Sandbox, stderr, until, wait};
use collector::{Collector, number, text};

/// A run that tells a collector everything.
fn traced(sandbox: &Sandbox, endpoint: &str, arguments: &[&str]) -> Command {
    let mut command = sandbox.command(arguments);
    command
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
        .env("OTEL_SERVICE_NAME", "load-test")
        .env("OTEL_TRACES_SAMPLER_ARG", "1")
        .env("OTEL_METRIC_EXPORT_INTERVAL", "100")
        .env("NO_PROXY", "127.0.0.1");
    command
}

#[test]
fn a_run_sends_an_emulations_span_its_batches_and_its_metrics() {
    let sandbox = Sandbox::new();
    let collector = Collector::start();
    let spec = format!(
        "{{generator: transaction, seed: 7, load: 4000/s, until: {{records: 4000}}, sinks: ['null', \
         {{type: file, path: out.ndjson}}, {{type: http, url: 'http://{}/sink', batch: 100, \
         username: somebody, password: hunter2}}]}}",
        collector.address
    );
    sandbox.write("spec.yaml", &spec);
    let arguments = ["run", "spec.yaml", "--run", "traced"];
    let endpoint = format!("http://{}", collector.address);
    let mut command = traced(&sandbox, &endpoint, &arguments);
    command.env(
        "OTEL_EXPORTER_OTLP_HEADERS",
        "authorization=Bearer%20planted",
    );
    let output = wait(command.spawn().unwrap());
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));

    let spans = collector.spans();
    assert!(spans.iter().all(|(service, _)| service == "load-test"));
    let spans: Vec<Span> = spans.into_iter().map(|(_, span)| span).collect();
    let named = |name: &str| -> Vec<&Span> { spans.iter().filter(|s| s.name == name).collect() };
    let [emulation] = named("emulation")[..] else {
        panic!("not one emulation: {spans:#?}");
    };
    for (name, value) in [
        ("wellhead.run", "traced"),
        ("wellhead.generator", "transaction"),
        ("wellhead.seed", "7"),
        ("wellhead.sinks", "null,file,http"),
        ("wellhead.outcome", "finished"),
        ("wellhead.records.generated", "4000"),
        ("wellhead.records.acknowledged", "4000"),
    ] {
        assert_eq!(text(&emulation.attributes, name), value);
    }
    let generated = named("generate");
    let delivered = named("deliver");
    for span in generated.iter().chain(&delivered) {
        assert_eq!(span.trace_id, emulation.trace_id);
        assert_eq!(span.parent_span_id, emulation.span_id);
        assert!(span.start_time_unix_nano <= span.end_time_unix_nano);
    }
    let batches: BTreeSet<&[u8]> = generated.iter().map(|s| &s.span_id[..]).collect();
    let mut followed: BTreeMap<String, BTreeSet<&[u8]>> = BTreeMap::new();
    for span in &delivered {
        assert_eq!(text(&span.attributes, "wellhead.settled"), "true");
        let kind = text(&span.attributes, "wellhead.sink");
        for link in &span.links {
            assert_eq!(link.trace_id, emulation.trace_id);
            assert!(batches.contains(&link.span_id[..]), "a link to nowhere");
            // The end of a batch goes to each sink once.
            assert!(
                followed
                    .entry(kind.clone())
                    .or_default()
                    .insert(&link.span_id)
            );
        }
    }
    // At most 64 are followed at once, and these are fewer.
    let records = |span: &&&Span| {
        text(&span.attributes, "wellhead.records")
            .parse::<u64>()
            .unwrap()
    };
    assert_eq!(generated.iter().map(|s| records(&s)).sum::<u64>(), 4_000);
    assert_eq!(followed.len(), 3);
    assert!(
        followed.values().all(|links| *links == batches),
        "{followed:?}"
    );

    let metrics = collector.metrics();
    let emulation = ("emulation", "traced");
    assert_eq!(
        number(&metrics, "wellhead_records_generated", emulation),
        Some(4_000)
    );
    for sink in ["null", "file", "http"] {
        let count = number(&metrics, "wellhead_records_acknowledged", ("sink", sink));
        assert_eq!(count, Some(4_000), "{sink}");
    }
    let calls = metrics
        .iter()
        .find(|m| m.name == "wellhead_generate")
        .unwrap();
    assert_eq!(calls.unit, "s");
    let Some(metric::Data::Histogram(calls)) = &calls.data else {
        panic!("{calls:?}");
    };
    let [calls] = &calls.data_points[..] else {
        panic!("{calls:?}");
    };
    assert_eq!(calls.count, batches.len() as u64);
    assert_eq!(calls.bucket_counts.iter().sum::<u64>(), calls.count);
    assert_eq!(calls.bucket_counts.len(), calls.explicit_bounds.len() + 1);

    for path in ["/v1/traces", "/v1/metrics"] {
        for post in collector.posts(path) {
            assert_eq!(post.headers["authorization"], "Bearer planted");
            let shown = String::from_utf8_lossy(&post.body);
            assert!(!shown.contains("planted") && !shown.contains("hunter2"));
        }
    }
    let said = stderr(&output);
    assert!(
        !said.contains("planted") && !said.contains("hunter2"),
        "{said}"
    );
}

#[test]
fn a_server_sends_what_prometheus_would_be_told() {
    let sandbox = Sandbox::new();
    let collector = Collector::start();
    let settings = format!(
        "[telemetry]\nendpoint = 'http://{}'\nsample = 0.5\ninterval_ms = 100\n",
        collector.address
    );
    sandbox.write("settings.toml", &settings);
    let served = Served::with(&sandbox, &["--settings", "settings.toml"]);
    let spec = "{generator: device-log, load: 2000/s, sinks: [{type: file, path: a.ndjson}]}";
    let id = served.start_one(spec);
    until("the collector knows of its records", || {
        number(
            &collector.metrics(),
            "wellhead_records_acknowledged",
            ("emulation", &id),
        )
        .is_some_and(|count| count > 1_000)
    });
    let page = served.get("/metrics").body;
    let told: BTreeSet<&str> = page
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next())
        .map(|name| name.trim_end_matches("_seconds").trim_end_matches("_bytes"))
        .collect();
    let metrics = collector.metrics();
    let sent: BTreeSet<&str> = metrics.iter().map(|m| m.name.as_str()).collect();
    assert_eq!(sent, told);
    assert_eq!(
        number(&metrics, "wellhead_emulation_state", ("state", "running")),
        Some(1)
    );

    served
        .post(&format!("/api/v1/emulations/{id}/stop"), "", "")
        .json(202);
    served.until_state(&id, "finished");
    assert_eq!(served.end(Signal::TERM), Some(0));
    let spans = collector.spans();
    let ended = spans.iter().find(|(_, span)| span.name == "emulation");
    let (service, ended) = ended.expect("the emulation has a span");
    assert_eq!(service, "wellhead");
    assert_eq!(text(&ended.attributes, "wellhead.outcome"), "finished");
    assert!(spans.iter().any(|(_, span)| span.name == "deliver"));
}

/// Runs to its end with an endpoint that is no use; gives what it said, and how long it took.
fn unheard(endpoint: &str) -> (String, Duration) {
    let sandbox = Sandbox::new();
    let arguments = [
        "run",
        "transaction",
        "--load",
        "1000/s",
        "--records",
        "1000",
        "--to",
        "null",
    ];
    let mut command = traced(&sandbox, endpoint, &arguments);
    // Longer than the program may wait for it.
    command.env("OTEL_EXPORTER_OTLP_TIMEOUT", "600000");
    let begun = Instant::now();
    let output = wait(command.spawn().unwrap());
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    (stderr(&output), begun.elapsed())
}

#[test]
fn a_collector_that_is_down_costs_one_warning() {
    // Nobody listens on that port, and nobody may but root.
    let (said, _) = unheard("http://127.0.0.1:1");
    let warnings = said
        .matches("telemetry can't be sent to http://127.0.0.1:1")
        .count();
    assert_eq!(warnings, 1, "{said}");
}

#[test]
fn a_collector_that_never_answers_holds_up_the_end_for_seconds_only() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap();
    let (_, took) = unheard(&format!("http://{address}"));
    assert!(took < Duration::from_secs(60), "{took:?}");
}

#[test]
fn an_endpoint_that_is_none_is_said_before_anything_is_sent() {
    let sandbox = Sandbox::new();
    for (endpoint, words) in [
        ("collector:4318", "telemetry can't be sent to"),
        ("ftp://collector", "http:// or https://"),
    ] {
        let arguments = ["run", "transaction", "--records", "1", "--to", "null"];
        let output = wait(traced(&sandbox, endpoint, &arguments).spawn().unwrap());
        assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
        assert!(stderr(&output).contains(words), "{}", stderr(&output));
    }
}
