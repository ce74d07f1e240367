//! Metrics for Prometheus: what the reports of the running emulations say, at the moment of the question.
//!
//! Labels are the emulation, its generator, a sink's kind: never a device, a stream or the text of an error,
//! of which there may be any number.

use std::fmt::Error;
use std::sync::Arc;

use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, NoLabelSet, text};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::{Registry, Unit};

use super::Api;
use super::problem::{Answer, Problem};
use crate::emulation::Control;
use crate::emulation::report::{Report, SinkReport};
use crate::server::{Phase, Server};
use crate::telemetry::Lateness;

/// OpenMetrics, as the library writes it.
const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Upper bounds of the buckets of lateness, in microseconds.
const BUCKETS: [u64; 18] = [
    50,
    100,
    250,
    500,
    1_000,
    2_500,
    5_000,
    10_000,
    25_000,
    50_000,
    100_000,
    250_000,
    500_000,
    1_000_000,
    2_500_000,
    10_000_000,
    60_000_000,
    600_000_000,
];

/// What Prometheus is told, on each question.
#[utoipa::path(get, path = "/metrics", tag = "service",
    responses((status = 200, description = "In the text format of OpenMetrics", content_type = "application/openmetrics-text", body = String)))]
pub(super) async fn metrics(State(api): State<Arc<Api>>) -> Answer<impl IntoResponse> {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Scrape(emulations(&api.server))));
    let mut page = String::new();
    text::encode(&mut page, &registry)
        .map_err(|_| Problem::broken("the metrics can't be written"))?;
    Ok(([(header::CONTENT_TYPE, MEDIA_TYPE)], page))
}

/// One emulation at the moment of the question.
#[derive(Debug)]
struct Emulation {
    id: String,
    phase: Phase,
    report: Report,
    release: Lateness,
    receipt: Option<Lateness>,
    waiting: u64,
    memory: u64,
}

fn emulations(server: &Server) -> Vec<Emulation> {
    let of = |(id, phase, control): (String, Phase, Control)| {
        let progress = control.progress();
        Emulation {
            id,
            phase,
            report: control.status(),
            release: control.lateness(),
            receipt: control.receipt_lateness(),
            waiting: progress.released.saturating_sub(progress.settled),
            memory: control.guest_memory(),
        }
    };
    server.running().into_iter().map(of).collect()
}

#[derive(Debug)]
struct Scrape(Vec<Emulation>);

type Labels<'a> = Vec<(&'static str, &'a str)>;

impl Emulation {
    fn labels(&self) -> Labels<'_> {
        let generator = self.report.generator.name.as_str();
        vec![("emulation", self.id.as_str()), ("generator", generator)]
    }

    fn with<'a>(&'a self, name: &'static str, value: &'a str) -> Labels<'a> {
        let mut labels = self.labels();
        labels.push((name, value));
        labels
    }
}

impl Scrape {
    /// A counter of which each emulation has some, each with its labels.
    fn counter<'a>(
        &'a self,
        encoder: &mut DescriptorEncoder,
        name: &str,
        help: &str,
        of: impl Fn(&'a Emulation) -> Vec<(Labels<'a>, u64)>,
    ) -> Result<(), Error> {
        let mut metric = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
        for (labels, value) in self.0.iter().flat_map(of) {
            let mut one = metric.encode_family(&labels)?;
            one.encode_counter::<NoLabelSet, _, u64>(&value, None)?;
        }
        Ok(())
    }

    fn gauge<'a>(
        &'a self,
        encoder: &mut DescriptorEncoder,
        name: &str,
        help: &str,
        of: impl Fn(&'a Emulation) -> Vec<(Labels<'a>, i64)>,
    ) -> Result<(), Error> {
        let mut metric = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
        for (labels, value) in self.0.iter().flat_map(of) {
            metric.encode_family(&labels)?.encode_gauge(&value)?;
        }
        Ok(())
    }

    fn lateness(&self, encoder: &mut DescriptorEncoder) -> Result<(), Error> {
        let help = "Due instant to release, or to the receipt of the slowest sink";
        let unit = Unit::Seconds;
        let name = "wellhead_lateness";
        let mut metric =
            encoder.encode_descriptor(name, help, Some(&unit), MetricType::Histogram)?;
        for one in &self.0 {
            for (to, lateness) in [
                ("release", Some(&one.release)),
                ("receipt", one.receipt.as_ref()),
            ] {
                let Some(lateness) = lateness else { continue };
                let mut low = 0;
                let mut buckets = Vec::with_capacity(BUCKETS.len() + 1);
                for high in BUCKETS {
                    buckets.push((high as f64 / 1e6, lateness.count_between(low, high)));
                    low = high + 1;
                }
                buckets.push((f64::INFINITY, lateness.count_between(low, u64::MAX)));
                // What two buckets share by the histogram's resolution counts once.
                let count = buckets.iter().map(|(_, count)| count).sum();
                let labels = one.with("to", to);
                metric
                    .encode_family(&labels)?
                    .encode_histogram::<NoLabelSet>(lateness.sum_s(), count, &buckets, None)?;
            }
        }
        Ok(())
    }

    fn records(&self, encoder: &mut DescriptorEncoder) -> Result<(), Error> {
        self.counter(
            encoder,
            "wellhead_records_generated",
            "Records released, of this execution",
            |one| vec![(one.labels(), one.report.records.generated)],
        )?;
        for (name, help, value) in SINK_COUNTERS {
            self.counter(encoder, name, help, |one| {
                let sinks = one.report.sinks.iter();
                sinks
                    .map(|sink| (one.with("sink", &sink.kind), value(sink)))
                    .collect()
            })?;
        }
        self.counter(
            encoder,
            "wellhead_records_faulted",
            "What faults did to records",
            |one| {
                let faults = one.report.records.faults.each();
                faults
                    .map(|(name, count)| (one.with("fault", name), count))
                    .to_vec()
            },
        )
    }
}

type OfSink = fn(&SinkReport) -> u64;

/// Counters of each sink.
const SINK_COUNTERS: &[(&str, &str, OfSink)] = &[
    (
        "wellhead_records_acknowledged",
        "Records that the sink confirmed, or was handed where it confirms nothing",
        |s| s.acknowledged,
    ),
    (
        "wellhead_records_rejected",
        "Records that the sink refused for good",
        |s| s.rejected,
    ),
    (
        "wellhead_records_dropped",
        "Records left out for want of room (on_full: drop)",
        |s| s.dropped,
    ),
    (
        "wellhead_records_retried",
        "Writes tried again after an error",
        |s| s.retried,
    ),
    (
        "wellhead_bytes_acknowledged",
        "Bytes of the confirmed records",
        |s| s.bytes,
    ),
];

impl Collector for Scrape {
    fn encode(&self, mut encoder: DescriptorEncoder) -> Result<(), Error> {
        self.records(&mut encoder)?;
        self.lateness(&mut encoder)?;
        self.gauge(
            &mut encoder,
            "wellhead_queue_records",
            "Records released and not settled yet",
            |one| vec![(one.labels(), i64::try_from(one.waiting).unwrap_or(i64::MAX))],
        )?;
        self.gauge(
            &mut encoder,
            "wellhead_plugin_memory_bytes",
            "Memory of the largest instance of the generator",
            |one| vec![(one.labels(), i64::try_from(one.memory).unwrap_or(i64::MAX))],
        )?;
        self.gauge(
            &mut encoder,
            "wellhead_emulation_state",
            "1 for the state in which the emulation is",
            |one| vec![(one.with("state", one.phase.name()), 1)],
        )
    }
}
