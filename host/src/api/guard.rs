//! Who may come in: no web page that isn't the server's own, nobody by a name that isn't its, and, once
//! there are tokens, nobody without one.
//!
//! A browser sends requests for any page that is open in it. `Host` gives away a name that was bound to
//! this address to get around the same-origin policy; `Origin` and `Sec-Fetch-Site` give away a page of another origin.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;

use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::Api;
use super::access::Access;
use super::extract::header_text;
use super::problem::{Answer, Problem};
use crate::server::jwt::JwtError;
use crate::server::tokens::{self, Role, Token};

/// Whoever made a request.
#[derive(Clone, Debug)]
pub struct Caller {
    /// For the audit.
    pub name: String,
    /// What they may do.
    pub role: Role,
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Answer<Caller> {
        let known = parts.extensions.get::<Caller>().cloned();
        // The guard comes before every handler.
        known.ok_or_else(|| forbidden("nobody knows who this is"))
    }
}

/// Lets through what may come in.
pub(super) async fn guard(State(api): State<Arc<Api>>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let admitted = admitted(&api, &parts).await;
    match admitted.and_then(|caller| paced(&api, &parts, caller)) {
        Ok(caller) => {
            parts.extensions.insert(caller);
            next.run(Request::from_parts(parts, body)).await
        }
        Err(problem) => problem.into_response(),
    }
}

async fn admitted(api: &Api, request: &Parts) -> Answer<Caller> {
    let headers = &request.headers;
    let host = host(request)?;
    same_origin(headers, &host, &api.access)?;
    let tokens = api.access.tokens.list().map_err(|error| {
        tracing::error!("nobody is let in: {error}");
        Problem::broken("the tokens can't be read")
    })?;
    // An address that others reach stays closed, also once the last token is revoked.
    let trusting = api.listen.ip().is_loopback() && api.access.jwt.is_none();
    if tokens.is_empty() && trusting {
        // With tokens any name will do: a page that goes by another one has none.
        return match is_ours(&host, api.listen) {
            true => Ok(Caller {
                name: "local".to_owned(),
                role: Role::Admin,
            }),
            false => Err(forbidden(format!(
                "`{host}` isn't this server's name: it answers to localhost and to the address that it listens on"
            ))),
        };
    }
    let needed = needed(&request.method, request.uri.path());
    match (bearer(&api.access, &tokens, headers).await?, needed) {
        (Some(caller), needed) if needed.is_none_or(|role| caller.role >= role) => Ok(caller),
        (Some(caller), Some(role)) => Err(forbidden(format!(
            "token {} has the role {}; this takes {role}",
            caller.name, caller.role
        ))),
        (None, Some(_)) => Err(unauthorized("send a token: Authorization: Bearer TOKEN")),
        (None, None) | (Some(_), None) => Ok(Caller {
            name: "anonymous".to_owned(),
            role: Role::Read,
        }),
    }
}

/// The role that a request takes; none for what anybody may see.
fn needed(method: &Method, path: &str) -> Option<Role> {
    let open = ["/health", "/ready", "/docs", "/openapi.json"];
    let reads = [Method::GET, Method::HEAD].contains(method);
    let generators = path.strip_prefix("/api/v1/plugins");
    match generators {
        _ if reads && open.contains(&path) => None,
        _ if reads => Some(Role::Read),
        _ if path == "/api/v1/log-levels" => Some(Role::Admin),
        Some(rest) if !rest.ends_with("/preview") => Some(Role::Admin),
        _ => Some(Role::Operate),
    }
}

/// Whose token the request carries, if it carries one.
async fn bearer(access: &Access, tokens: &[Token], headers: &HeaderMap) -> Answer<Option<Caller>> {
    let Some(value) = header_text(headers, header::AUTHORIZATION.as_str())? else {
        return Ok(None);
    };
    let invalid = || unauthorized("that token isn't valid, or not any more");
    let (scheme, text) = value.split_once(' ').ok_or_else(invalid)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(unauthorized(
            "the scheme is Bearer: Authorization: Bearer TOKEN",
        ));
    }
    let text = text.trim();
    if let Some(token) = tokens::find(tokens, text, jiff::Timestamp::now()) {
        return Ok(Some(Caller {
            name: token.id.clone(),
            role: token.role,
        }));
    }
    let jwt = access.jwt.as_ref().filter(|_| !tokens::is_ours(text));
    let identity = jwt.ok_or_else(invalid)?.identity(text).await;
    let identity = identity.map_err(|error| match error {
        JwtError::Roleless { .. } => forbidden(error.to_string()),
        JwtError::Keyless => Problem::busy(error.to_string(), 10),
        error => unauthorized(&error.to_string()),
    })?;
    // No token of ours is called so, nor is whoever comes without one.
    Ok(Some(Caller {
        name: format!("jwt:{}", identity.subject),
        role: identity.role,
    }))
}

/// Holds a caller to the rate that each has; whether the service lives may be asked at any time.
fn paced(api: &Api, request: &Parts, caller: Caller) -> Answer<Caller> {
    let Some(rate) = &api.access.rate else {
        return Ok(caller);
    };
    if ["/health", "/ready"].contains(&request.uri.path()) {
        return Ok(caller);
    }
    match rate.admit(&caller.name, Instant::now()) {
        Ok(()) => Ok(caller),
        Err(wait) => {
            let seconds = wait.as_millis().div_ceil(1_000);
            Err(Problem::too_often(
                u32::try_from(seconds).unwrap_or(u32::MAX).max(1),
            ))
        }
    }
}

/// Whom the request is for: HTTP/1.1 says so in `Host`, or in the whole target.
fn host(request: &Parts) -> Answer<Authority> {
    let mut given = request.headers.get_all(header::HOST).iter();
    let (first, more) = (given.next(), given.next());
    let text = match (request.uri.authority(), first, more) {
        (Some(authority), ..) => return Ok(authority.clone()),
        (None, Some(only), None) => only.to_str().unwrap_or_default(),
        _ => "",
    };
    text.parse()
        .map_err(|_| Problem::malformed("the request has to have one valid Host"))
}

fn is_ours(host: &Authority, listen: SocketAddr) -> bool {
    let name = host.host().trim_start_matches('[').trim_end_matches(']');
    let ip: Option<IpAddr> = name.parse().ok();
    match ip {
        Some(ip) => ip == listen.ip() || ip.is_loopback(),
        None => name.eq_ignore_ascii_case("localhost"),
    }
}

fn same_origin(headers: &HeaderMap, host: &Authority, access: &Access) -> Answer<()> {
    let foreign = |what: &str| {
        Err(forbidden(format!(
            "the request comes from a web page of another origin ({what}), and none may reach this server but those that the settings name ([server] origins)"
        )))
    };
    let origin = header_text(headers, header::ORIGIN.as_str())?;
    if origin.is_some_and(|origin| access.allows(origin)) {
        return Ok(());
    }
    if let Some(site) = header_text(headers, "sec-fetch-site")?
        && !["same-origin", "none"].contains(&site)
    {
        return foreign(&format!("Sec-Fetch-Site: {site}"));
    }
    let Some(origin) = origin else {
        return Ok(());
    };
    // Whoever ends TLS before a plain server makes an https page of it; a plain page is none of an https server.
    let authority = match (origin.split_once("://"), access.scheme()) {
        (Some(("https", authority)), _) | (Some(("http", authority)), "http") => Some(authority),
        _ => None,
    };
    match authority.is_some_and(|authority| authority.eq_ignore_ascii_case(host.as_str())) {
        true => Ok(()),
        false => foreign(&format!("Origin: {origin}")),
    }
}

fn unauthorized(detail: &str) -> Problem {
    let title = "A token is needed";
    Problem::new(StatusCode::UNAUTHORIZED, "unauthorized", title, detail)
}

fn forbidden(detail: impl Into<String>) -> Problem {
    let title = "That isn't allowed";
    Problem::new(StatusCode::FORBIDDEN, "forbidden", title, detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_its_own_names_are_the_servers() {
        let listen = "127.0.0.1:8080".parse().unwrap();
        for host in [
            "localhost",
            "localhost:8080",
            "127.0.0.1:8080",
            "[::1]:8080",
            "LOCALHOST:1",
        ] {
            assert!(is_ours(&host.parse().unwrap(), listen), "{host}");
        }
        for host in [
            "evil.example",
            "localhost.evil.example:8080",
            "10.0.0.1:8080",
        ] {
            assert!(!is_ours(&host.parse().unwrap(), listen), "{host}");
        }
        let wide = "10.0.0.1:8080".parse().unwrap();
        assert!(is_ours(&"10.0.0.1:8080".parse().unwrap(), wide));
    }

    #[test]
    fn roles_go_by_what_is_asked_for() {
        for (method, path, role) in [
            (Method::GET, "/health", None),
            (Method::GET, "/api/v1/emulations", Some(Role::Read)),
            (Method::GET, "/metrics", Some(Role::Read)),
            (Method::POST, "/api/v1/emulations", Some(Role::Operate)),
            (Method::DELETE, "/api/v1/emulations/x", Some(Role::Operate)),
            (
                Method::POST,
                "/api/v1/plugins/x/preview",
                Some(Role::Operate),
            ),
            (Method::POST, "/api/v1/plugins", Some(Role::Admin)),
            (Method::DELETE, "/api/v1/plugins/x", Some(Role::Admin)),
            (Method::GET, "/api/v1/log-levels", Some(Role::Read)),
            (Method::PUT, "/api/v1/log-levels", Some(Role::Admin)),
            (Method::POST, "/health", Some(Role::Operate)),
        ] {
            assert_eq!(needed(&method, path), role, "{method} {path}");
        }
    }

    #[test]
    fn other_pages_are_told_by_their_origin() {
        let folder = tempfile::tempdir().unwrap();
        let access = Access {
            tokens: tokens::Tokens::of(folder.path()),
            jwt: None,
            rate: None,
            origins: vec!["https://console.example".to_owned()],
            tls: None,
        };
        let host: Authority = "localhost:8080".parse().unwrap();
        let told = |name: &'static str, value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(name, value.parse().unwrap());
            same_origin(&headers, &host, &access).is_ok()
        };
        assert!(told("origin", "http://localhost:8080"));
        assert!(told("sec-fetch-site", "same-origin"));
        assert!(told("sec-fetch-site", "none"));
        assert!(told("origin", "https://console.example"));
        for origin in [
            "http://evil.example",
            "null",
            "http://localhost:8081",
            "http://console.example",
            "https://console.example.evil.example",
            "file://",
        ] {
            assert!(!told("origin", origin), "{origin}");
        }
        assert!(!told("sec-fetch-site", "cross-site"));
        assert!(!told("sec-fetch-site", "same-site"));
    }
}
