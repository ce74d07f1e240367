//! What every request carries, and the health probe, which reqwest's client sends.

use std::time::{Duration, Instant};

use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Client, StatusCode};
use rustls::ClientConfig;
use secrecy::ExposeSecret;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::options::Options;
use super::route::said;
use crate::sink::{ConfigError, SendError};

/// How often a health endpoint is asked until it answers.
const ASK_AGAIN: Duration = Duration::from_millis(250);
/// Redirects that are followed, at most.
pub(super) const REDIRECTS: usize = 5;
/// What requests say of their sender.
pub(super) const AGENT: HeaderValue =
    HeaderValue::from_static(concat!("wellhead/", env!("CARGO_PKG_VERSION")));

/// Headers that every request has, but for the login.
pub(super) fn headers(options: &Options) -> Result<HeaderMap, ConfigError> {
    let mut headers = HeaderMap::new();
    for (name, value) in &options.headers {
        let wrong =
            |why: &str| ConfigError::option("headers", format!("`headers`: `{name}` {why}"));
        let Value::String(text) = value else {
            return Err(wrong("has to be text"));
        };
        let name: HeaderName = name.parse().map_err(|_| wrong("isn't a header's name"))?;
        let value: HeaderValue = text
            .parse()
            .map_err(|_| wrong("has a value that no header may have"))?;
        headers.append(name, value);
    }
    Ok(headers)
}

/// The headers of every request: the block's own and the login.
pub(super) fn all_headers(client: &Client, options: &Options) -> Result<HeaderMap, SendError> {
    let failed = |why: &dyn std::fmt::Display| {
        SendError::fatal(format!(
            "http ({}) can't be set up: {why}",
            options.target()
        ))
    };
    let mut headers = headers(options).map_err(|error| failed(&error))?;
    let mut request = client.post(options.base());
    if let Some(token) = &options.token {
        request = request.bearer_auth(token.expose_secret());
    } else if let Some(username) = &options.username {
        let password = options.password.as_ref().map(ExposeSecret::expose_secret);
        request = request.basic_auth(username, password);
    } else {
        return Ok(headers);
    }
    // The error would show the token.
    let request = request
        .build()
        .map_err(|_| failed(&"`token` has characters that no header may have"))?;
    if let Some(login) = request.headers().get(AUTHORIZATION) {
        headers.insert(AUTHORIZATION, login.clone());
    }
    Ok(headers)
}

/// The client that asks for health.
pub(super) fn build(options: &Options, tls: &ClientConfig) -> Result<Client, SendError> {
    Client::builder()
        .user_agent(AGENT)
        .timeout(options.timeout.0)
        .connect_timeout(options.connect_timeout.0)
        .referer(false)
        .redirect(near_redirects())
        .tls_backend_preconfigured(tls.clone())
        .build()
        .map_err(|error| {
            SendError::fatal(format!(
                "http ({}) can't be set up: {}",
                options.target(),
                causes(&error)
            ))
        })
}

/// Whether a redirect keeps method and body.
pub(super) fn keeps(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT
    )
}

/// Follows a redirect that keeps method and body (307, 308) and stays with the same origin. Anything
/// else is left as the answer: another origin would get the login.
fn near_redirects() -> Policy {
    Policy::custom(|attempt| {
        let first = attempt.previous().first();
        let near = first.is_some_and(|first| first.origin() == attempt.url().origin());
        if keeps(attempt.status()) && near && attempt.previous().len() <= REDIRECTS {
            attempt.follow()
        } else {
            attempt.stop()
        }
    })
}

/// An error's causes, without the URL, which may hold a secret.
fn causes(error: &reqwest::Error) -> String {
    let causes = std::error::Error::source(error).map(said);
    match causes {
        causes if error.is_timeout() => format!(
            "no answer within the time set ({})",
            causes.unwrap_or_default()
        ),
        Some(causes) => causes,
        None => "it failed".to_owned(),
    }
}

/// Waits until the health endpoint answers 2xx, where there is one, within the time set. Without one
/// any answer of the endpoint's host will do, where `must` says that there has to be one.
pub(super) async fn healthy(
    client: &Client,
    options: &Options,
    must: bool,
    cancel: &CancellationToken,
) -> Result<(), SendError> {
    let headers = all_headers(client, options)?;
    let (url, any) = match &options.health {
        Some(health) => (health.as_str(), false),
        // What a template would make of path and query isn't known yet.
        None if must => (options.base(), true),
        None => return Ok(()),
    };
    let deadline = Instant::now() + options.health_timeout.0;
    let shown = url.split(['?', '#']).next().unwrap_or_default();
    loop {
        let request = if any {
            client.head(url)
        } else {
            client.get(url)
        };
        let request = request.headers(headers.clone());
        let left = deadline
            .saturating_duration_since(Instant::now())
            .max(Duration::from_millis(1));
        let asked = request.timeout(left.min(options.timeout.0)).send();
        let why = tokio::select! {
            () = cancel.cancelled() => return Err(SendError::fatal(format!("http ({shown}): stopped while asking for its health"))),
            answer = asked => match answer {
                Ok(response) if any || response.status().is_success() => return Ok(()),
                Ok(response) => format!("it answers {}", response.status()),
                Err(error) => causes(&error),
            }
        };
        if any || Instant::now() + ASK_AGAIN >= deadline {
            let option = if any { "url" } else { "health" };
            return Err(SendError::fatal(format!(
                "http ({shown}) can't be reached or isn't healthy: {why}; see that it runs there and \
                 `{option}` names it, or raise `health_timeout` ({:?})",
                options.health_timeout.0
            )));
        }
        tokio::select! {
            () = cancel.cancelled() => {}
            () = tokio::time::sleep(ASK_AGAIN) => {}
        }
    }
}
