//! What the server logs, changed while it runs.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Api;
use super::extract::JsonBody;
use super::guard::Caller;
use super::problem::{Answer, Problem};
use crate::server::ServerError;
use crate::state::Audit;
use crate::telemetry::logs::{self, LogError, LogLevels};

pub(super) fn routes() -> OpenApiRouter<Arc<Api>> {
    OpenApiRouter::new().routes(routes!(show, change))
}

impl From<LogError> for Problem {
    fn from(error: LogError) -> Problem {
        Problem::unusable(error.to_string())
    }
}

/// What is logged.
#[utoipa::path(get, path = "/log-levels", tag = "service",
    responses((status = 200, description = "The levels of now", body = ref("#/components/schemas/LogLevels"))))]
async fn show() -> Answer<Json<LogLevels>> {
    Ok(Json(logs::levels()?))
}

/// Log more or less from now on, until the server ends or reads its files again (SIGHUP).
#[utoipa::path(put, path = "/log-levels", tag = "service",
    request_body = ref("#/components/schemas/LogLevels"),
    responses((status = 200, description = "They hold", body = ref("#/components/schemas/LogLevels"))))]
async fn change(
    State(api): State<Arc<Api>>,
    caller: Caller,
    JsonBody(levels): JsonBody<LogLevels>,
) -> Answer<Json<LogLevels>> {
    levels.filter()?;
    let audit = Audit::new(&caller.name, "log-levels.set", levels.text());
    let noted = api.server.state().audit(&audit).await;
    noted.map_err(ServerError::from)?;
    logs::set(levels.clone())?;
    Ok(Json(levels))
}
