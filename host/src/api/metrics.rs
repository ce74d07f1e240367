//! Metrics for Prometheus: those of the running emulations, at the moment of the question.

use std::fmt::Error;
use std::sync::Arc;

use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, MetricEncoder, NoLabelSet, text};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::{self, Registry};

use super::Api;
use super::problem::{Answer, Problem};
use crate::telemetry::metric::{Buckets, Kind, Metric, Unit, Value};

/// OpenMetrics, as the library writes it.
const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// What Prometheus is told, on each question.
#[utoipa::path(get, path = "/metrics", tag = "service",
    responses((status = 200, description = "In the text format of OpenMetrics", content_type = "application/openmetrics-text", body = String)))]
pub(super) async fn metrics(State(api): State<Arc<Api>>) -> Answer<impl IntoResponse> {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Scrape(api.server.metrics())));
    let mut page = String::new();
    text::encode(&mut page, &registry)
        .map_err(|_| Problem::broken("the metrics can't be written"))?;
    Ok(([(header::CONTENT_TYPE, MEDIA_TYPE)], page))
}

#[derive(Debug)]
struct Scrape(Vec<Metric>);

impl Collector for Scrape {
    fn encode(&self, mut encoder: DescriptorEncoder) -> Result<(), Error> {
        for metric in &self.0 {
            let unit = match metric.unit {
                Unit::None => None,
                Unit::Seconds => Some(registry::Unit::Seconds),
                Unit::Bytes => Some(registry::Unit::Bytes),
            };
            let kind = match metric.kind {
                Kind::Counter => MetricType::Counter,
                Kind::Gauge => MetricType::Gauge,
                Kind::Histogram => MetricType::Histogram,
            };
            let mut family =
                encoder.encode_descriptor(metric.name, metric.help, unit.as_ref(), kind)?;
            for series in &metric.series {
                let one = family.encode_family(&series.labels)?;
                write(metric.kind, &series.value, one)?;
            }
        }
        Ok(())
    }
}

fn write(kind: Kind, value: &Value, mut series: MetricEncoder<'_>) -> Result<(), Error> {
    match (value, kind) {
        (Value::Number(number), Kind::Counter) => {
            series.encode_counter::<NoLabelSet, _, u64>(number, None)
        }
        (Value::Number(number), _) => {
            series.encode_gauge(&i64::try_from(*number).unwrap_or(i64::MAX))
        }
        (Value::Buckets(buckets), _) => {
            let bounds = Buckets::bounds_s().chain([f64::INFINITY]);
            let counts: Vec<(f64, u64)> = bounds.zip(buckets.counts().iter().copied()).collect();
            series.encode_histogram::<NoLabelSet>(buckets.sum_s(), buckets.count(), &counts, None)
        }
    }
}
