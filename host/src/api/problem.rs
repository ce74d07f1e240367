//! Errors as problem details (RFC 9457).

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::emulation::EmulationError;
use crate::plugin::store::StoreError;
use crate::plugin::{PluginError, UploadError};
use crate::server::ServerError;
use crate::spec::SpecError;
use crate::state::StateError;

/// The media type of a problem.
pub const MEDIA_TYPE: &str = "application/problem+json";

/// What went wrong, for a program and for a person.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Problem {
    /// Which kind of problem, as a reference into the documentation.
    #[serde(rename = "type")]
    pub kind: String,
    /// The kind in words.
    pub title: String,
    /// The status code.
    pub status: u16,
    /// What was wrong this time, and what to do.
    pub detail: String,
    /// Each thing that was wrong with a spec.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<Fault>,
    /// Seconds after which the same may work.
    #[serde(skip)]
    pub retry_after: Option<u32>,
}

/// One thing that is wrong with a spec.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Fault {
    /// What is wrong.
    pub detail: String,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
    /// Its line in the body, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// Its column there, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<usize>,
}

/// What a handler gives.
pub type Answer<T> = Result<T, Problem>;

impl Problem {
    /// A problem of a kind: a short name, and the same in words.
    pub fn new(status: StatusCode, kind: &str, title: &str, detail: impl Into<String>) -> Problem {
        Problem {
            kind: format!("/docs#problem-{kind}"),
            title: title.to_owned(),
            status: status.as_u16(),
            detail: detail.into(),
            errors: Vec::new(),
            retry_after: None,
        }
    }

    /// The request can't be read as what it should be.
    pub fn malformed(detail: impl Into<String>) -> Problem {
        let status = StatusCode::BAD_REQUEST;
        Problem::new(status, "malformed", "The request is malformed", detail)
    }

    /// There is no such thing.
    pub fn unknown(detail: impl Into<String>) -> Problem {
        let status = StatusCode::NOT_FOUND;
        Problem::new(status, "unknown", "There is no such thing", detail)
    }

    /// A body is larger than what is taken.
    pub fn too_large(detail: impl Into<String>) -> Problem {
        let status = StatusCode::PAYLOAD_TOO_LARGE;
        Problem::new(status, "too-large", "The body is too large", detail)
    }

    /// A body doesn't come.
    pub fn slow(detail: impl Into<String>) -> Problem {
        let status = StatusCode::REQUEST_TIMEOUT;
        Problem::new(status, "slow", "The body doesn't come", detail)
    }

    fn conflict(kind: &str, detail: String) -> Problem {
        let title = "It doesn't go together with how things stand";
        Problem::new(StatusCode::CONFLICT, kind, title, detail)
    }

    /// It can be read, and isn't what it has to be.
    pub fn unusable(detail: impl Into<String>) -> Problem {
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        Problem::new(status, "unusable", "What was sent can't be used", detail)
    }

    /// Something of the server's own went wrong.
    pub fn broken(detail: impl std::fmt::Display) -> Problem {
        tracing::error!("{detail}");
        let status = StatusCode::INTERNAL_SERVER_ERROR;
        Problem::new(
            status,
            "internal",
            "Something broke in the server",
            detail.to_string(),
        )
    }

    /// There is no room on the server's disk.
    pub fn full(detail: impl std::fmt::Display) -> Problem {
        tracing::error!("{detail}");
        let status = StatusCode::INSUFFICIENT_STORAGE;
        let title = "The server's disk is full";
        Problem::new(status, "full", title, detail.to_string())
    }

    /// The caller comes more often than it may.
    pub fn too_often(seconds: u32) -> Problem {
        let status = StatusCode::TOO_MANY_REQUESTS;
        let detail = format!(
            "that is more often than the server lets each caller come ([server] rate_limit in its settings); try again in {seconds} s"
        );
        let mut often = Problem::new(status, "rate", "That is too often", detail);
        often.retry_after = Some(seconds);
        often
    }

    /// Not now.
    pub fn busy(detail: String, seconds: u32) -> Problem {
        let status = StatusCode::SERVICE_UNAVAILABLE;
        let mut busy = Problem::new(status, "busy", "The server can't take this on now", detail);
        busy.retry_after = Some(seconds);
        busy
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let retry_after = self.retry_after;
        let mut response = (status, Json(self)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        if status == StatusCode::UNAUTHORIZED {
            let scheme = HeaderValue::from_static("Bearer realm=\"wellhead\"");
            headers.insert(header::WWW_AUTHENTICATE, scheme);
        }
        if let Some(seconds) = retry_after {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }
}

impl From<SpecError> for Problem {
    fn from(error: SpecError) -> Problem {
        let fault = |problem: &crate::spec::Problem| {
            let place = problem.place.as_ref().map(|place| place.line_column());
            Fault {
                detail: problem.message.clone(),
                help: problem.help.clone(),
                line: place.map(|(line, _)| line),
                column: place.map(|(_, column)| column),
            }
        };
        Problem {
            errors: error.problems.iter().map(fault).collect(),
            ..Problem::unusable(error.to_string())
        }
    }
}

impl From<ServerError> for Problem {
    fn from(error: ServerError) -> Problem {
        let detail = error.to_string();
        match error {
            ServerError::Spec(error) => error.into(),
            ServerError::Emulation(error) => of_emulation(error),
            ServerError::Store(error) => of_store(&error),
            ServerError::Plugin(error) => of_plugin(&error),
            ServerError::Upload(error) => of_upload(error),
            ServerError::State(error) => of_state(&error),
            ServerError::Unknown(_) | ServerError::NoSignals | ServerError::Channel { .. } => {
                Problem::unknown(detail)
            }
            ServerError::Request(_) => Problem::unusable(detail),
            ServerError::Signals(_) => Problem::busy(detail, 5),
            ServerError::Phase { .. } | ServerError::NotYet { .. } => {
                Problem::conflict("state", detail)
            }
            ServerError::Written { .. } => Problem::conflict("in-use", detail),
            ServerError::Revision { .. } => {
                let status = StatusCode::PRECONDITION_FAILED;
                Problem::new(status, "revision", "It was changed meanwhile", detail)
            }
            ServerError::Key => Problem::unusable(detail),
            ServerError::Full { .. } => Problem::busy(detail, 10),
            ServerError::Closing => Problem::busy(detail, 5),
            ServerError::System { .. } => Problem::broken(detail),
        }
    }
}

fn of_emulation(error: EmulationError) -> Problem {
    let detail = error.to_string();
    match error {
        EmulationError::Document(error) => error.into(),
        // It was named by a spec, not by the path.
        EmulationError::Store(
            StoreError::Unknown { .. } | StoreError::Version { .. } | StoreError::Digest { .. },
        ) => Problem::unusable(detail),
        EmulationError::Store(error) => of_store(&error),
        EmulationError::Plugin(error) => of_plugin(&error),
        EmulationError::State(error) => of_state(&error),
        EmulationError::Generator { .. }
        | EmulationError::SinkConfig { .. }
        | EmulationError::Spec(_) => Problem::unusable(detail),
        EmulationError::Differs { .. } | EmulationError::Over { .. } => {
            Problem::conflict("state", detail)
        }
        EmulationError::Unready { .. }
        | EmulationError::Rejects(_)
        | EmulationError::Ledger { .. }
        | EmulationError::Delivery(_)
        | EmulationError::System { .. } => Problem::broken(detail),
    }
}

fn of_store(error: &StoreError) -> Problem {
    let detail = error.to_string();
    match error {
        StoreError::Plugin(error) => of_plugin(error),
        StoreError::Unknown { .. } | StoreError::Version { .. } | StoreError::Digest { .. } => {
            Problem::unknown(detail)
        }
        StoreError::Taken { .. }
        | StoreError::Stock(_)
        | StoreError::Removal(_)
        | StoreError::InUse { .. } => Problem::conflict("taken", detail),
        StoreError::Io { error, .. } if error.kind() == std::io::ErrorKind::StorageFull => {
            Problem::full(detail)
        }
        StoreError::Io { .. } | StoreError::Damaged { .. } => Problem::broken(detail),
        _ => Problem::unusable(detail),
    }
}

fn of_plugin(error: &PluginError) -> Problem {
    let detail = error.to_string();
    match error {
        PluginError::Compiler(_) => Problem::broken(detail),
        _ => Problem::unusable(detail),
    }
}

fn of_upload(error: UploadError) -> Problem {
    let detail = error.to_string();
    match error {
        UploadError::Busy { retry_after } => {
            let seconds = u32::try_from(retry_after.as_secs()).unwrap_or(u32::MAX);
            Problem::busy(detail, seconds.max(1))
        }
        UploadError::TooLarge { .. } => Problem::too_large(detail),
        UploadError::Length { .. } | UploadError::CutOff { .. } => Problem::malformed(detail),
        UploadError::Slow { .. } => Problem::slow(detail),
        UploadError::Store(error) => of_store(&error),
    }
}

fn of_state(error: &StateError) -> Problem {
    match error {
        StateError::Full { .. } => Problem::full(error),
        _ => Problem::broken(error),
    }
}
