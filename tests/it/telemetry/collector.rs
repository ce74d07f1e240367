//! A collector that keeps what it is sent.

use std::sync::{Arc, Mutex};

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value};
use opentelemetry_proto::tonic::metrics::v1::{Metric, metric, number_data_point};
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;

/// One request.
#[derive(Clone)]
pub struct Post {
    pub path: String,
    pub headers: HeaderMap,
    pub body: Bytes,
}

type Seen = Arc<Mutex<Vec<Post>>>;

/// Listens on a port of its own, until it is dropped.
pub struct Collector {
    pub address: String,
    seen: Seen,
    _runtime: tokio::runtime::Runtime,
}

async fn take(State(seen): State<Seen>, uri: Uri, headers: HeaderMap, body: Bytes) {
    let path = uri.path().to_owned();
    let post = Post {
        path,
        headers,
        body,
    };
    seen.lock().unwrap().push(post);
}

impl Collector {
    pub fn start() -> Collector {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let seen = Seen::default();
        let app = axum::Router::new().fallback(take).with_state(seen.clone());
        let listener = runtime
            .block_on(tokio::net::TcpListener::bind("127.0.0.1:0"))
            .unwrap();
        let address = listener.local_addr().unwrap().to_string();
        runtime.spawn(async move { axum::serve(listener, app).await });
        Collector {
            address,
            seen,
            _runtime: runtime,
        }
    }

    pub fn posts(&self, path: &str) -> Vec<Post> {
        let seen = self.seen.lock().unwrap();
        seen.iter().filter(|p| p.path == path).cloned().collect()
    }

    /// All spans, with the name of the service that sent each.
    pub fn spans(&self) -> Vec<(String, Span)> {
        let mut spans = Vec::new();
        for post in self.posts("/v1/traces") {
            let request = ExportTraceServiceRequest::decode(post.body).unwrap();
            for resource in request.resource_spans {
                let attributes = resource.resource.unwrap().attributes;
                let service = text(&attributes, "service.name");
                let scopes = resource.scope_spans.into_iter();
                let all = scopes.flat_map(|scope| scope.spans);
                spans.extend(all.map(|span| (service.clone(), span)));
            }
        }
        spans
    }

    /// The metrics of the newest message.
    pub fn metrics(&self) -> Vec<Metric> {
        let Some(post) = self.posts("/v1/metrics").pop() else {
            return Vec::new();
        };
        let request = ExportMetricsServiceRequest::decode(post.body).unwrap();
        let resources = request.resource_metrics.into_iter();
        let scopes = resources.flat_map(|resource| resource.scope_metrics);
        scopes.flat_map(|scope| scope.metrics).collect()
    }
}

/// An attribute as text.
pub fn text(attributes: &[KeyValue], name: &str) -> String {
    let found = attributes.iter().find(|one| one.key == name);
    let found = found.unwrap_or_else(|| panic!("no {name} in {attributes:?}"));
    match found.value.clone().unwrap().value.unwrap() {
        any_value::Value::StringValue(text) => text,
        any_value::Value::IntValue(number) => number.to_string(),
        any_value::Value::BoolValue(flag) => flag.to_string(),
        other => panic!("{name} is {other:?}"),
    }
}

/// The counter or gauge of that name whose attributes have that value of a label.
pub fn number(metrics: &[Metric], name: &str, label: (&str, &str)) -> Option<i64> {
    let points = match metrics.iter().find(|m| m.name == name)?.data.clone()? {
        metric::Data::Sum(sum) => sum.data_points,
        metric::Data::Gauge(gauge) => gauge.data_points,
        other => panic!("{name} is {other:?}"),
    };
    let point = points
        .iter()
        .find(|point| text(&point.attributes, label.0) == label.1)?;
    match point.value? {
        number_data_point::Value::AsInt(number) => Some(number),
        number_data_point::Value::AsDouble(number) => panic!("{name} is {number}"),
    }
}
