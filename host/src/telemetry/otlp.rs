//! Traces and metrics to an OpenTelemetry collector, by OTLP over HTTP. Where no endpoint is set nothing of
//! this is made.

mod client;
mod encode;

use std::collections::HashMap;
use std::time::Duration;

use opentelemetry::trace::TracerProvider as _;
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};
use rustls::ClientConfig;
use secrecy::{ExposeSecret as _, SecretString};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::metric::Metric;
use super::traces::Traces;
use client::Client;

/// How long the last of it may take.
const LAST: Duration = Duration::from_secs(5);

/// Where telemetry goes, and how much of it.
#[derive(Clone, Debug)]
pub struct Config {
    /// The whole URL for traces; none are made without.
    pub traces: Option<String>,
    /// The whole URL for metrics.
    pub metrics: Option<String>,
    /// Headers of each request, such as a login.
    pub headers: Vec<(String, SecretString)>,
    /// What this program is to be called.
    pub service: String,
    /// Which share of batches has spans, from 0 to 1.
    pub share: f64,
    /// How often metrics are sent.
    pub every: Duration,
    /// How long a request may take.
    pub timeout: Duration,
}

/// Why nothing can be exported.
#[derive(Debug, thiserror::Error)]
#[error("telemetry can't be sent to {endpoint}: {reason}; see OTEL_EXPORTER_OTLP_ENDPOINT")]
pub struct OtlpError {
    /// Where.
    pub endpoint: String,
    /// What is wrong with it.
    pub reason: String,
}

/// What sends; [`Otlp::finish`] sends the last.
pub struct Otlp {
    config: Config,
    client: Client,
    resource: Resource,
    provider: Option<SdkTracerProvider>,
    sender: Option<JoinHandle<()>>,
    done: CancellationToken,
}

impl Otlp {
    /// Begins; nothing is connected to before there is something to send. To be called on the runtime that is
    /// to send it.
    ///
    /// # Errors
    /// Where an endpoint is no URL, or the system gives no client.
    pub fn start(config: Config, tls: ClientConfig) -> Result<Otlp, OtlpError> {
        let wrong = |endpoint: &Option<String>, reason: &dyn std::fmt::Display| OtlpError {
            endpoint: endpoint.clone().unwrap_or_default(),
            reason: reason.to_string(),
        };
        let any = config.traces.clone().or(config.metrics.clone());
        let client = Client::new(&config, tls).map_err(|e| wrong(&any, &e))?;
        let resource = resource(&config.service);
        let provider = match &config.traces {
            None => None,
            Some(endpoint) => {
                let headers = config.headers.iter();
                let headers: HashMap<String, String> = headers
                    .map(|(name, value)| (name.clone(), value.expose_secret().to_owned()))
                    .collect();
                let exporter = SpanExporter::builder()
                    .with_http()
                    .with_http_client(client.clone())
                    .with_protocol(Protocol::HttpBinary)
                    .with_endpoint(endpoint)
                    .with_timeout(config.timeout)
                    .with_headers(headers)
                    .build()
                    .map_err(|e| wrong(&config.traces, &e))?;
                let provider = SdkTracerProvider::builder()
                    .with_batch_exporter(exporter)
                    // Which batches have spans is decided before there is one.
                    .with_sampler(Sampler::AlwaysOn)
                    .with_resource(resource.clone())
                    .build();
                Some(provider)
            }
        };
        Ok(Otlp {
            config,
            client,
            resource,
            provider,
            sender: None,
            done: CancellationToken::new(),
        })
    }

    /// What makes spans.
    pub fn traces(&self) -> Option<Traces> {
        let scope = InstrumentationScope::builder(encode::SCOPE)
            .with_version(env!("CARGO_PKG_VERSION"))
            .build();
        let tracer = self.provider.as_ref()?.tracer_with_scope(scope);
        Some(Traces::new(tracer, self.config.share))
    }

    /// Sends these metrics again and again, as they stand then.
    pub fn watch(&mut self, metrics: impl Fn() -> Vec<Metric> + Send + 'static) {
        let Some(endpoint) = self.config.metrics.clone() else {
            return;
        };
        let (client, done) = (self.client.clone(), self.done.clone());
        let (resource, every) = (self.resource.clone(), self.config.every);
        let since = super::wall();
        self.sender = Some(tokio::spawn(async move {
            let mut turn = tokio::time::interval(every);
            turn.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            turn.tick().await;
            loop {
                let last = tokio::select! {
                    _ = turn.tick() => false,
                    () = done.cancelled() => true,
                };
                let now = super::wall();
                if let Some(body) = encode::request(&metrics(), &resource, since..now) {
                    client.post(&endpoint, body).await;
                }
                if last {
                    return;
                }
            }
        }));
    }

    /// Sends what is left, within some seconds.
    pub async fn finish(mut self) {
        self.done.cancel();
        let (sender, provider) = (self.sender.take(), self.provider.take());
        let client = self.client.clone();
        let metrics = async {
            let Some(mut sender) = sender else { return };
            if tokio::time::timeout(LAST, &mut sender).await.is_err() {
                sender.abort();
                let _ = sender.await;
            }
        };
        let spans = async {
            let Some(provider) = provider else { return };
            let flushed =
                tokio::task::spawn_blocking(move || provider.shutdown_with_timeout(LAST)).await;
            if !matches!(flushed, Ok(Ok(()))) {
                tracing::debug!("the last spans could not be sent: {flushed:?}");
            }
        };
        tokio::join!(metrics, spans);
        // Whatever still waits for an answer ends by this.
        client.close();
    }
}

/// Nothing goes on without whoever started it.
impl Drop for Otlp {
    fn drop(&mut self) {
        self.client.close();
        if let Some(sender) = &self.sender {
            sender.abort();
        }
    }
}

/// Who speaks; OTEL_RESOURCE_ATTRIBUTES adds to it.
fn resource(service: &str) -> Resource {
    let (host, id) = (super::host(), std::process::id());
    Resource::builder()
        .with_service_name(service.to_owned())
        .with_attributes([
            KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
            KeyValue::new("service.instance.id", format!("{host}:{id}")),
            KeyValue::new("host.name", host),
        ])
        .build()
}
