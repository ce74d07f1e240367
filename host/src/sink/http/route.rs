//! The way to the endpoint: straight, or by the proxy that the environment names for it.

use std::error::Error;
use std::future::poll_fn;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::Full;
use hyper::Uri;
use hyper::client::conn::http1;
use hyper_rustls::{HttpsConnector, MaybeHttpsStream};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::client::proxy::matcher::Matcher;
use hyper_util::rt::TokioIo;
use reqwest::Url;
use reqwest::header::{ACCEPT, HOST, HeaderMap, HeaderValue, PROXY_AUTHORIZATION, USER_AGENT};
use rustls::ClientConfig;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};
use tower_service::Service;
use url::Position;

use super::client::AGENT;
use super::link::Link;
use super::options::Options;

type Straight = HttpsConnector<HttpConnector>;
/// TLS to the endpoint or to a proxy, and where there is a tunnel, TLS within it.
pub(super) type Stream = MaybeHttpsStream<MaybeHttpsStream<TokioIo<TcpStream>>>;

/// How requests get to an endpoint.
#[derive(Clone)]
pub(super) struct Route {
    straight: Straight,
    /// For an endpoint of TLS behind a proxy.
    tunnel: Option<HttpsConnector<Tunnel<Straight>>>,
    /// The endpoint, or the proxy that is given whole requests.
    to: Uri,
    host: HeaderValue,
    /// The proxy that is given whole requests: its login, if it wants one.
    proxy: Option<Option<HeaderValue>>,
    connect_timeout: Duration,
}

impl Route {
    /// The way to the endpoint of a block.
    ///
    /// # Errors
    /// Where the endpoint has no usable address.
    pub(super) fn new(options: &Options, tls: &ClientConfig) -> Result<Route, String> {
        let url = Url::parse(options.base()).map_err(|error| format!("`url`: {error}"))?;
        let endpoint: Uri = url[..Position::BeforePath]
            .parse()
            .map_err(|error| format!("`url`: {error}"))?;
        let mut http = HttpConnector::new();
        http.enforce_http(false);
        http.set_nodelay(true);
        http.set_connect_timeout(Some(options.connect_timeout.0));
        let tls = Arc::new(tls.clone());
        let straight: Straight = (http, Arc::clone(&tls)).into();
        let host = &url[Position::BeforeHost..Position::AfterPort];
        let mut route = Route {
            host: HeaderValue::from_str(host).map_err(|error| format!("`url`: {error}"))?,
            tunnel: None,
            to: endpoint,
            proxy: None,
            connect_timeout: options.connect_timeout.0,
            straight,
        };
        if let Some(proxy) = Matcher::from_system().intercept(&route.to) {
            let login = proxy.basic_auth().cloned();
            if url.scheme() == "https" {
                let mut tunnel = Tunnel::new(proxy.uri().clone(), route.straight.clone());
                if let Some(login) = login {
                    tunnel = tunnel.with_auth(login);
                }
                route.tunnel = Some((tunnel, tls).into());
            } else {
                route.to = proxy.uri().clone();
                route.proxy = Some(login);
            }
        }
        Ok(route)
    }

    /// Adds what requests carry on this way, where the block doesn't say otherwise.
    pub(super) fn dress(&self, headers: &mut HeaderMap) {
        headers.entry(HOST).or_insert_with(|| self.host.clone());
        headers.entry(USER_AGENT).or_insert(AGENT);
        let anything = HeaderValue::from_static("*/*");
        headers.entry(ACCEPT).or_insert(anything);
        if let Some(Some(login)) = &self.proxy {
            headers.insert(PROXY_AUTHORIZATION, login.clone());
        }
    }

    /// How a request on this way names the URL: a proxy has to be told all of it.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn target(&self, url: &Url) -> Result<Uri, String> {
        let from = match self.proxy {
            Some(_) => Position::BeforeScheme,
            None => Position::BeforePath,
        };
        let target = &url[from..Position::AfterQuery];
        target
            .parse()
            .map_err(|error: hyper::http::uri::InvalidUri| error.to_string())
    }

    /// A new connection.
    ///
    /// # Errors
    /// Why there is none.
    pub(super) async fn connect(&self, until: Instant) -> Result<Link, String> {
        let soon = (Instant::now() + self.connect_timeout).min(until);
        match timeout_at(soon, self.stream()).await {
            Ok(Ok(stream)) => {
                let socket = second_handle(&stream).map_err(|error| said(&error))?;
                let (sender, wire) = http1::handshake::<_, Full<_>>(stream)
                    .await
                    .map_err(|error| said(&error))?;
                Ok(Link::new(sender, wire, socket))
            }
            Ok(Err(error)) => Err(said(&*error)),
            Err(_) => Err("no connection within the time set".to_owned()),
        }
    }

    async fn stream(&self) -> Result<Stream, Box<dyn Error + Send + Sync>> {
        if let Some(mut tunnel) = self.tunnel.clone() {
            poll_fn(|cx| tunnel.poll_ready(cx)).await?;
            return tunnel.call(self.to.clone()).await;
        }
        let mut straight = self.straight.clone();
        poll_fn(|cx| straight.poll_ready(cx)).await?;
        let stream = straight.call(self.to.clone()).await?;
        Ok(MaybeHttpsStream::Http(stream))
    }
}

/// Another handle to the socket below a stream: hyper keeps the stream to itself.
fn second_handle(stream: &Stream) -> std::io::Result<std::net::TcpStream> {
    let to_end = match stream {
        MaybeHttpsStream::Http(straight) => straight,
        MaybeHttpsStream::Https(tunnelled) => tunnelled.inner().get_ref().0.inner(),
    };
    let tcp = match to_end {
        MaybeHttpsStream::Http(plain) => plain.inner(),
        MaybeHttpsStream::Https(tls) => tls.inner().get_ref().0.inner().inner(),
    };
    Ok(tcp.as_fd().try_clone_to_owned()?.into())
}

/// An error with its causes, which alone say what was wrong.
pub(super) fn said(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        // What only wraps another error says the same.
        if !text.ends_with(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        cause = error.source();
    }
    text
}
