//! Requests to the collector. One that isn't there is said once, and costs nothing more.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::redirect::Policy;
use rustls::ClientConfig;
use secrecy::ExposeSecret as _;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use super::Config;

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(3);
/// What the answer may hold; nobody reads more of it than whether it is a success.
const ANSWER: usize = 64 << 10;

/// See the module; copies are the same one.
#[derive(Clone)]
pub(super) struct Client(Arc<Inner>);

struct Inner {
    http: reqwest::Client,
    /// The spans' thread isn't one of the runtime.
    runtime: Handle,
    headers: HeaderMap,
    /// The last request failed, and that was said.
    failing: AtomicBool,
    closed: CancellationToken,
}

/// Without its headers, which are secrets.
impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Client")
    }
}

impl Client {
    pub(super) fn new(config: &Config, tls: ClientConfig) -> Result<Client, String> {
        for endpoint in [&config.traces, &config.metrics].into_iter().flatten() {
            let url = reqwest::Url::parse(endpoint).map_err(|e| e.to_string())?;
            if !["http", "https"].contains(&url.scheme()) {
                return Err("it has to begin with http:// or https://".to_owned());
            }
        }
        let http = reqwest::Client::builder()
            .user_agent(concat!("wellhead/", env!("CARGO_PKG_VERSION")))
            .timeout(config.timeout)
            .connect_timeout(CONNECT.min(config.timeout))
            // Another place would get the login.
            .redirect(Policy::none())
            .tls_backend_preconfigured(tls)
            .build()
            .map_err(|e| e.to_string())?;
        let mut headers = HeaderMap::new();
        for (name, value) in &config.headers {
            let wrong = |_| format!("the header `{name}` has a value that no header may have");
            let mut value = HeaderValue::from_str(value.expose_secret()).map_err(wrong)?;
            value.set_sensitive(true);
            let name: HeaderName = name
                .parse()
                .map_err(|_| format!("`{name}` isn't a header's name"))?;
            headers.insert(name, value);
        }
        Ok(Client(Arc::new(Inner {
            http,
            runtime: Handle::current(),
            headers,
            failing: AtomicBool::new(false),
            closed: CancellationToken::new(),
        })))
    }

    /// Sends a message of metrics. That it can't is said, and no reason to stop.
    pub(super) async fn post(&self, endpoint: &str, body: Vec<u8>) {
        let request = self
            .0
            .http
            .post(endpoint)
            .headers(self.0.headers.clone())
            .header(CONTENT_TYPE, "application/x-protobuf")
            .body(body)
            .build();
        if let Ok(request) = request {
            let _ = self.send(request).await;
        }
    }

    /// Ends what waits for an answer.
    pub(super) fn close(&self) {
        self.0.closed.cancel();
    }

    async fn send(&self, request: reqwest::Request) -> Result<Response<Bytes>, HttpError> {
        let place = request.url().origin().ascii_serialization();
        let answer = tokio::select! {
            biased;
            answer = answer(&self.0.http, request) => answer,
            () = self.0.closed.cancelled() => return Err("it had not answered by the end".into()),
        };
        let trouble = match &answer {
            Ok(answer) if answer.status().is_success() => None,
            Ok(answer) => Some(format!("it answers {}", answer.status())),
            Err(error) => Some(error.to_string()),
        };
        let known = self.0.failing.swap(trouble.is_some(), Ordering::Relaxed);
        if let (Some(trouble), false) = (&trouble, known) {
            tracing::warn!(
                "telemetry can't be sent to {place}: {trouble}; emulations go on without"
            );
        }
        answer
    }
}

async fn answer(
    http: &reqwest::Client,
    request: reqwest::Request,
) -> Result<Response<Bytes>, HttpError> {
    // Its message would show the URL, which may hold a login.
    let plain = |error: reqwest::Error| HttpError::from(said(&error.without_url()));
    let mut response = http.execute(request).await.map_err(plain)?;
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(plain)? {
        if body.len() + chunk.len() > ANSWER {
            return Err("its answer has no end".into());
        }
        body.extend_from_slice(&chunk);
    }
    let mut answered = Response::new(Bytes::from(body));
    *answered.status_mut() = response.status();
    *answered.headers_mut() = std::mem::take(response.headers_mut());
    Ok(answered)
}

/// The innermost cause, which says what happened.
fn said(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

#[async_trait::async_trait]
impl HttpClient for Client {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let request = reqwest::Request::try_from(request)?;
        let client = self.clone();
        let sent = self
            .0
            .runtime
            .spawn(async move { client.send(request).await });
        sent.await?
    }
}
