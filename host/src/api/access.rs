//! What decides who may come in, as the settings and the data folder say.

use axum::http::{HeaderName, HeaderValue, Method, header};
use tower_http::cors::{AllowOrigin, CorsLayer};

use super::rate::Rate;
use super::tls::Tls;
use crate::server::jwt::Jwt;
use crate::server::tokens::Tokens;

/// Seconds for which a browser need not ask again whether it may.
const PREFLIGHT: std::time::Duration = std::time::Duration::from_secs(600);

/// See the module.
#[derive(Debug)]
pub struct Access {
    /// Our own tokens.
    pub tokens: Tokens,
    /// Tokens that somebody else issues.
    pub jwt: Option<Jwt>,
    /// How often each may come.
    pub rate: Option<Rate>,
    /// Web pages that may come, by their origin.
    pub origins: Vec<String>,
    /// Certificate and key; plain HTTP without.
    pub tls: Option<Tls>,
}

impl Access {
    /// Reads again what may change while the server runs: the certificate and the keys of tokens. What
    /// can't be used is logged, and what was there before stays.
    pub async fn reload(&self) {
        if let Some(tls) = &self.tls {
            match tls.reload() {
                Ok(()) => tracing::info!("the certificate is read again"),
                Err(error) => tracing::error!("{error}; the certificate from before stays"),
            }
        }
        if let Some(jwt) = &self.jwt {
            match jwt.reload().await {
                Ok(()) => tracing::info!("the keys of tokens are read again"),
                Err(error) => tracing::error!("{error}; the keys from before stay"),
            }
        }
    }

    /// `http` or `https`.
    pub fn scheme(&self) -> &'static str {
        match self.tls {
            Some(_) => "https",
            None => "http",
        }
    }

    /// Whether a page of that origin may come in.
    pub(super) fn allows(&self, origin: &str) -> bool {
        self.origins.iter().any(|allowed| allowed == origin)
    }

    /// What tells browsers so; nothing where no page may.
    pub(super) fn cors(&self) -> Option<CorsLayer> {
        let origins: Vec<HeaderValue> = self
            .origins
            .iter()
            .filter_map(|origin| origin.parse().ok())
            .collect();
        if origins.is_empty() {
            return None;
        }
        let asked = [
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
            header::IF_MATCH,
            HeaderName::from_static("idempotency-key"),
            HeaderName::from_static("last-event-id"),
        ];
        let shown = [header::ETAG, header::LOCATION, header::RETRY_AFTER];
        Some(
            CorsLayer::new()
                .allow_origin(AllowOrigin::list(origins))
                .allow_methods([
                    Method::GET,
                    Method::POST,
                    Method::PUT,
                    Method::PATCH,
                    Method::DELETE,
                ])
                .allow_headers(asked)
                .expose_headers(shown)
                .max_age(PREFLIGHT),
        )
    }
}
