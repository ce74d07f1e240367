//! What those expect who come from simpler emulators: emulations by domain, and the newest signals.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Api;
use super::emulations::{started, within};
use super::extract::{JsonBody, Params, Segment};
use super::guard::Caller;
use super::problem::Answer;
use crate::server::StartRequest;
use crate::sink::signals::Signal;

/// Signals of an answer when nobody says, and at most.
const SIGNALS: u32 = 10;
const SIGNALS_MOST: u32 = 1_000;

pub(super) fn routes() -> OpenApiRouter<Arc<Api>> {
    OpenApiRouter::new()
        .routes(routes!(start_emulator))
        .routes(routes!(signals))
}

/// Start the generator of a domain on its topic or bucket.
///
/// Answers at once; `threads` are its streams. An unknown domain gets the default resource of the settings.
#[utoipa::path(post, path = "/start-emulator", tag = "simple",
    request_body = ref("#/components/schemas/StartRequest"),
    responses((status = 201, description = "It begins", body = ref("#/components/schemas/EmulationStatus"))))]
async fn start_emulator(
    State(api): State<Arc<Api>>,
    caller: Caller,
    JsonBody(request): JsonBody<StartRequest>,
) -> Answer<Response> {
    let created = api.server.start_domain(&request, &caller.name).await?;
    started(&api, created).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SignalsParams {
    limit: Option<u32>,
}

/// Read the newest signals of a channel back, whoever wrote them.
#[utoipa::path(get, path = "/signals/{channel}", tag = "simple",
    params(("channel" = String, Path, description = "The channel: state_change, power, error"),
        ("limit" = Option<u32>, Query, description = "How many, 1 to 1,000; 10 when absent", minimum = 1, maximum = 1000)),
    responses((status = 200, description = "Newest first", body = ref("#/components/schemas/SignalList"))))]
async fn signals(
    State(api): State<Arc<Api>>,
    Segment(channel): Segment,
    Params(params): Params<SignalsParams>,
) -> Answer<Json<Arc<Vec<Signal>>>> {
    let limit = within(params.limit.unwrap_or(SIGNALS), SIGNALS_MOST)?;
    Ok(Json(api.server.signals(&channel, limit).await?))
}
