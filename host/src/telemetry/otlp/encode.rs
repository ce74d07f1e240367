//! Metrics as OTLP's messages. The SDK's instruments would count a second time what is counted already,
//! and a histogram that is one can't be handed to them.

use std::ops::Range;

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue, any_value};
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, Gauge, Histogram, HistogramDataPoint, Metric as Message,
    NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum, metric, number_data_point,
};
use opentelemetry_proto::tonic::resource::v1::Resource as ResourceMessage;
use opentelemetry_sdk::Resource;
use prost::Message as _;

use crate::telemetry::metric::{Buckets, Kind, Metric, Series, Unit, Value};
use crate::telemetry::traces::number;

/// What instruments.
pub(super) const SCOPE: &str = "wellhead";

/// The message; none where there is nothing to say. `time` is since when counts go, and now.
pub(super) fn request(
    metrics: &[Metric],
    resource: &Resource,
    time: Range<u64>,
) -> Option<Vec<u8>> {
    let seen = metrics.iter().filter(|metric| !metric.series.is_empty());
    let metrics: Vec<Message> = seen.map(|metric| message(metric, &time)).collect();
    if metrics.is_empty() {
        return None;
    }
    let attributes = resource.iter();
    let attributes = attributes.map(|(name, value)| text(name.as_str(), &value.as_str()));
    let scope = InstrumentationScope {
        name: SCOPE.to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        ..InstrumentationScope::default()
    };
    let request = ExportMetricsServiceRequest {
        resource_metrics: vec![ResourceMetrics {
            resource: Some(ResourceMessage {
                attributes: attributes.collect(),
                ..ResourceMessage::default()
            }),
            scope_metrics: vec![ScopeMetrics {
                scope: Some(scope),
                metrics,
                ..ScopeMetrics::default()
            }],
            ..ResourceMetrics::default()
        }],
    };
    Some(request.encode_to_vec())
}

fn message(metric: &Metric, time: &Range<u64>) -> Message {
    let temporality = AggregationTemporality::Cumulative.into();
    let series = || metric.series.iter();
    let numbers = || series().filter_map(|one| number_point(one, time)).collect();
    let data = match metric.kind {
        Kind::Counter => metric::Data::Sum(Sum {
            data_points: numbers(),
            aggregation_temporality: temporality,
            is_monotonic: true,
        }),
        Kind::Gauge => metric::Data::Gauge(Gauge {
            data_points: numbers(),
        }),
        Kind::Histogram => metric::Data::Histogram(Histogram {
            data_points: series()
                .filter_map(|one| histogram_point(one, time))
                .collect(),
            aggregation_temporality: temporality,
        }),
    };
    let unit = match metric.unit {
        Unit::None => "",
        Unit::Seconds => "s",
        Unit::Bytes => "By",
    };
    Message {
        name: metric.name.to_owned(),
        description: metric.help.to_owned(),
        unit: unit.to_owned(),
        data: Some(data),
        ..Message::default()
    }
}

fn number_point(series: &Series, time: &Range<u64>) -> Option<NumberDataPoint> {
    let Value::Number(value) = &series.value else {
        return None;
    };
    Some(NumberDataPoint {
        attributes: attributes(series),
        start_time_unix_nano: time.start,
        time_unix_nano: time.end,
        value: Some(number_data_point::Value::AsInt(number(*value))),
        ..NumberDataPoint::default()
    })
}

fn histogram_point(series: &Series, time: &Range<u64>) -> Option<HistogramDataPoint> {
    let Value::Buckets(buckets) = &series.value else {
        return None;
    };
    Some(HistogramDataPoint {
        attributes: attributes(series),
        start_time_unix_nano: time.start,
        time_unix_nano: time.end,
        count: buckets.count(),
        sum: Some(buckets.sum_s()),
        bucket_counts: buckets.counts().to_vec(),
        explicit_bounds: Buckets::bounds_s().collect(),
        ..HistogramDataPoint::default()
    })
}

fn attributes(series: &Series) -> Vec<KeyValue> {
    let labels = series.labels.iter();
    labels.map(|(name, value)| text(name, value)).collect()
}

fn text(name: &str, value: &str) -> KeyValue {
    KeyValue {
        key: name.to_owned(),
        value: Some(AnyValue {
            value: Some(any_value::Value::StringValue(value.to_owned())),
        }),
        ..KeyValue::default()
    }
}
