//! What requests carry, read with errors that are problem details.

use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use bytes::Bytes;
use futures::StreamExt;
use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256};
use tokio::time::Instant;

use super::problem::{Answer, Problem};
use crate::spec::{Document, Format, parse};

/// Bytes of a body that isn't a component.
pub const BODY: usize = 1 << 20;
/// Bytes beyond that are read before the answer, so that the client is there for it.
const DRAINED: usize = 16 << 20;
/// How long a body that isn't a component is waited for: at most for its next piece, and until it is whole.
pub const PATIENCE: Duration = Duration::from_secs(10);
const WHOLE: Duration = Duration::from_secs(30);

/// A JSON body.
pub struct JsonBody<T>(pub T);

/// A spec, in the form that the media type says.
pub struct SpecBody {
    /// The spec.
    pub document: Document,
    /// SHA-256 of the body, in hex.
    pub digest: String,
}

/// What stands behind the question mark.
pub struct Params<T>(pub T);

/// The part of the path that names something.
pub struct Segment(pub String);

/// Revisions that `If-Match` names.
pub struct IfMatch(pub Option<Vec<u64>>);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for JsonBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Answer<JsonBody<T>> {
        let media = media_type(request.headers())?;
        if media != "application/json" {
            return Err(unsupported(&media, "application/json"));
        }
        let body = whole(request.into_body()).await?;
        let mut text = serde_json::Deserializer::from_slice(&body);
        let read = serde_path_to_error::deserialize(&mut text);
        let read = read.map_err(|error| (error.path().to_string(), error.into_inner()));
        let whole = |value| match text.end() {
            Ok(()) => Ok(value),
            Err(error) => Err((".".to_owned(), error)),
        };
        let value = read.and_then(whole).map_err(|(path, error)| {
            let place = if [".", "?"].contains(&path.as_str()) {
                "the body"
            } else {
                &path
            };
            let detail = format!("{place}: {error}");
            match error.classify() {
                serde_json::error::Category::Data => Problem::unusable(detail),
                _ => Problem::malformed(detail),
            }
        })?;
        Ok(JsonBody(value))
    }
}

impl<S: Send + Sync> FromRequest<S> for SpecBody {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Answer<SpecBody> {
        let media = media_type(request.headers())?;
        let format = match media.as_str() {
            "application/json" => Format::Json,
            "application/yaml" | "application/x-yaml" | "text/yaml" => Format::Yaml,
            "application/toml" => Format::Toml,
            _ => {
                let known = "application/json, application/yaml or application/toml";
                return Err(unsupported(&media, known));
            }
        };
        let body = whole(request.into_body()).await?;
        let text = std::str::from_utf8(&body)
            .map_err(|error| Problem::malformed(format!("the body is no UTF-8: {error}")))?;
        Ok(SpecBody {
            document: parse(text, format, "the request")?,
            digest: hex::encode(Sha256::digest(&body)),
        })
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Params<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Answer<Params<T>> {
        let found: Result<Query<T>, QueryRejection> = Query::from_request_parts(parts, state).await;
        found
            .map(|Query(found)| Params(found))
            .map_err(|error| Problem::malformed(error.body_text()))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Segment {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Answer<Segment> {
        let found: Result<Path<String>, PathRejection> =
            Path::from_request_parts(parts, state).await;
        found
            .map(|Path(segment)| Segment(segment))
            .map_err(|error| Problem::malformed(error.body_text()))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Answer<IfMatch> {
        let Some(value) = parts.headers.get(header::IF_MATCH) else {
            return Ok(IfMatch(None));
        };
        let wrong = || {
            Problem::malformed(
                "If-Match takes ETags as they were given, such as \"3\", separated by commas, or *",
            )
        };
        let text = value.to_str().map_err(|_| wrong())?.trim();
        if text == "*" {
            return Ok(IfMatch(None));
        }
        let one = |tag: &str| {
            let tag = tag.trim().strip_prefix('"')?.strip_suffix('"')?;
            tag.parse().ok()
        };
        let all: Option<Vec<u64>> = text.split(',').map(one).collect();
        Ok(IfMatch(Some(all.ok_or_else(wrong)?)))
    }
}

/// The value of a header that is text.
pub fn header_text<'a>(headers: &'a HeaderMap, name: &str) -> Answer<Option<&'a str>> {
    let Some(value) = headers.get(name) else {
        return Ok(None);
    };
    let text = value.to_str().map_err(|_| {
        Problem::malformed(format!(
            "the header {name} has to be visible ASCII characters"
        ))
    })?;
    Ok(Some(text))
}

/// How long the body is to be, where that is said.
pub fn content_length(headers: &HeaderMap) -> Answer<Option<u64>> {
    let text = header_text(headers, header::CONTENT_LENGTH.as_str())?;
    let length = text.map(str::parse).transpose();
    length.map_err(|_| Problem::malformed("Content-Length has to be a number of bytes"))
}

/// The media type of a body, without its parameters; empty where none is said.
pub fn media_type(headers: &HeaderMap) -> Answer<String> {
    let text = header_text(headers, header::CONTENT_TYPE.as_str())?.unwrap_or_default();
    let media = text.split(';').next().unwrap_or_default();
    Ok(media.trim().to_ascii_lowercase())
}

/// The body has another media type than what is taken.
pub fn unsupported(media: &str, known: &str) -> Problem {
    let detail = match media {
        "" => format!("the body has no Content-Type; here it is {known}"),
        media => format!("the body can't be {media}; here it is {known}"),
    };
    Problem::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "media-type",
        "The body has a media type that isn't taken here",
        detail,
    )
}

async fn whole(body: Body) -> Answer<Vec<u8>> {
    let until = Instant::now() + WHOLE;
    let mut chunks = body.into_data_stream();
    let mut whole = Vec::new();
    loop {
        match next(&mut chunks, until).await? {
            None => return Ok(whole),
            Some(Ok(chunk)) if whole.len() + chunk.len() > BODY => {
                drain(&mut chunks, until).await;
                return Err(Problem::too_large(format!(
                    "at most {BODY} bytes are taken here"
                )));
            }
            Some(Ok(chunk)) => whole.extend_from_slice(&chunk),
            Some(Err(error)) => {
                return Err(Problem::malformed(format!("the body was cut off: {error}")));
            }
        }
    }
}

/// Reads on for a while: a client that still sends would not see the answer.
pub async fn read_on(chunks: &mut BodyDataStream) {
    drain(chunks, Instant::now() + WHOLE).await;
}

/// The same, no longer than that.
async fn drain(chunks: &mut BodyDataStream, until: Instant) {
    let mut left = DRAINED;
    while let Ok(Some(Ok(chunk))) = next(chunks, until).await {
        left = match left.checked_sub(chunk.len()) {
            Some(left) => left,
            None => return,
        };
    }
}

/// The next piece, none at the end.
async fn next(
    chunks: &mut BodyDataStream,
    until: Instant,
) -> Answer<Option<Result<Bytes, axum::Error>>> {
    let deadline = until.min(Instant::now() + PATIENCE);
    let next = tokio::time::timeout_at(deadline, chunks.next()).await;
    next.map_err(|_| {
        Problem::slow(format!(
            "nothing came for {} s, or not all of it in {} s",
            PATIENCE.as_secs(),
            WHOLE.as_secs()
        ))
    })
}
