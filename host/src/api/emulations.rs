//! Emulations: start, list, look at, steer, delete.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Api;
use super::extract::{IfMatch, JsonBody, Params, Segment, SpecBody, header_text};
use super::guard::Caller;
use super::problem::{Answer, Problem};
use crate::server::{Created, EmulationStatus, Page, Phase, Released};
use crate::spec::Load;
use crate::state::Filter;

/// Emulations of a page when nobody says, and at most.
const PAGE: u32 = 50;
const PAGES_MOST: u32 = 200;
/// Records of a look when nobody says, and at most.
const RECORDS: usize = 10;
const RECORDS_MOST: usize = 1_000;

pub(super) fn routes() -> OpenApiRouter<Arc<Api>> {
    OpenApiRouter::new()
        .routes(routes!(start, list))
        .routes(routes!(show, change, delete))
        .routes(routes!(pause))
        .routes(routes!(resume))
        .routes(routes!(stop))
        .routes(routes!(records))
        .routes(routes!(report))
        .routes(routes!(manifest))
}

/// The emulations of a scenario.
#[derive(Serialize, JsonSchema)]
pub(super) struct Started {
    /// What they share.
    pub scenario: String,
    /// In the order of the spec.
    pub emulations: Vec<EmulationStatus>,
}

/// Start the emulations of a spec.
///
/// Answers at once; the emulation logs in to its sinks then. A request with the same `Idempotency-Key`
/// and body starts nothing more within a day, and gives the same emulations.
#[utoipa::path(post, path = "/emulations", tag = "emulations",
    params(("Idempotency-Key" = Option<String>, Header, description = "What tells a repeated request from another")),
    request_body(content((ref("#/components/schemas/Spec") = "application/json"), (String = "application/yaml"), (String = "application/toml"))),
    responses(
        (status = 201, description = "They begin", body = ref("#/components/schemas/StartedAny")),
        (status = 200, description = "An earlier request with that key had started them", body = ref("#/components/schemas/StartedAny")),
    ))]
async fn start(
    State(api): State<Arc<Api>>,
    caller: Caller,
    headers: HeaderMap,
    spec: SpecBody,
) -> Answer<Response> {
    let key = header_text(&headers, "idempotency-key")?;
    let key = match key {
        Some(key) if key.is_empty() || key.len() > 255 => {
            let detail = "Idempotency-Key takes 1 to 255 characters";
            return Err(Problem::malformed(detail));
        }
        // Neither holds a line feed, so no two callers share a key.
        Some(key) => Some((format!("{}\n{key}", caller.name), spec.digest)),
        None => None,
    };
    let created = api.server.create(spec.document, key, &caller.name).await?;
    started(&api, created).await
}

/// The answer to what started emulations.
pub(super) async fn started(api: &Api, created: Created) -> Answer<Response> {
    let mut emulations = Vec::with_capacity(created.ids.len());
    for id in &created.ids {
        emulations.push(api.server.status(id).await?);
    }
    let status = match created.new {
        true => StatusCode::CREATED,
        false => StatusCode::OK,
    };
    let (location, body) = match (created.scenario, emulations.as_slice()) {
        (None, [only]) => {
            let body = serde_json::to_value(only).map_err(Problem::broken)?;
            (format!("/api/v1/emulations/{}", only.id), body)
        }
        (scenario, _) => {
            let scenario = scenario.unwrap_or_default();
            let location = format!("/api/v1/emulations?scenario={scenario}");
            let started = Started {
                scenario,
                emulations,
            };
            (
                location,
                serde_json::to_value(started).map_err(Problem::broken)?,
            )
        }
    };
    let location = HeaderValue::try_from(location).map_err(Problem::broken)?;
    Ok((status, [(header::LOCATION, location)], Json(body)).into_response())
}

/// Which emulations.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ListParams {
    state: Option<String>,
    name: Option<String>,
    scenario: Option<String>,
    cursor: Option<String>,
    limit: Option<u32>,
}

/// List emulations, newest first.
#[utoipa::path(get, path = "/emulations", tag = "emulations",
    params(
        ("state" = Option<String>, Query, description = "Only those in that state"),
        ("name" = Option<String>, Query, description = "Only those of that name"),
        ("scenario" = Option<String>, Query, description = "Only those of that scenario"),
        ("cursor" = Option<String>, Query, description = "`next` of the page before"),
        ("limit" = Option<u32>, Query, description = "How many, 1 to 200; 50 when absent", minimum = 1, maximum = 200),
    ),
    responses((status = 200, description = "A page", body = ref("#/components/schemas/Page"))))]
async fn list(
    State(api): State<Arc<Api>>,
    Params(params): Params<ListParams>,
) -> Answer<Json<Page>> {
    if let Some(state) = &params.state {
        state.parse::<Phase>().map_err(Problem::malformed)?;
    }
    let limit = params.limit.unwrap_or(PAGE);
    let page = api.server.list(Filter {
        before: params.cursor,
        state: params.state,
        name: params.name,
        scenario: params.scenario,
        limit: within(limit, PAGES_MOST)?,
    });
    Ok(Json(page.await?))
}

/// Show an emulation as it stands: counts, rate, lateness, sinks, the last error.
#[utoipa::path(get, path = "/emulations/{id}", tag = "emulations",
    params(("id" = String, Path, description = "The emulation")),
    responses((status = 200, description = "As it stands; its ETag is for If-Match", body = ref("#/components/schemas/EmulationStatus"))))]
async fn show(State(api): State<Arc<Api>>, Segment(id): Segment) -> Answer<Response> {
    standing(&api, &id, StatusCode::OK).await
}

/// What is to change.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Change {
    /// The load from now on, as in a spec: `500/s`, `{stages: …}`.
    load: Load,
}

/// Give a running emulation another load.
#[utoipa::path(patch, path = "/emulations/{id}", tag = "emulations",
    params(("id" = String, Path, description = "The emulation"), ("If-Match" = Option<String>, Header, description = "Only if its ETag is still that")),
    request_body = ref("#/components/schemas/Change"),
    responses((status = 200, description = "It has taken hold", body = ref("#/components/schemas/EmulationStatus"))))]
async fn change(
    State(api): State<Arc<Api>>,
    Segment(id): Segment,
    caller: Caller,
    IfMatch(expected): IfMatch,
    JsonBody(change): JsonBody<Change>,
) -> Answer<Response> {
    api.server
        .set_load(&id, change.load, expected, &caller.name)
        .await?;
    standing(&api, &id, StatusCode::OK).await
}

/// Delete an emulation that is over, with its run; what its sinks hold stays.
#[utoipa::path(delete, path = "/emulations/{id}", tag = "emulations",
    params(("id" = String, Path, description = "The emulation"), ("If-Match" = Option<String>, Header, description = "Only if its ETag is still that")),
    responses((status = 204, description = "It is gone")))]
async fn delete(
    State(api): State<Arc<Api>>,
    Segment(id): Segment,
    caller: Caller,
    IfMatch(expected): IfMatch,
) -> Answer<StatusCode> {
    api.server.delete(&id, expected, &caller.name).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Release nothing until it is resumed.
#[utoipa::path(post, path = "/emulations/{id}/pause", tag = "emulations",
    params(("id" = String, Path, description = "The emulation"), ("If-Match" = Option<String>, Header, description = "Only if its ETag is still that")),
    responses((status = 202, description = "It is paused", body = ref("#/components/schemas/EmulationStatus"))))]
async fn pause(
    State(api): State<Arc<Api>>,
    Segment(id): Segment,
    caller: Caller,
    IfMatch(expected): IfMatch,
) -> Answer<Response> {
    api.server.pause(&id, expected, &caller.name).await?;
    standing(&api, &id, StatusCode::ACCEPTED).await
}

/// Go on after a pause, or with a run that was stopped, aborted or has failed.
#[utoipa::path(post, path = "/emulations/{id}/resume", tag = "emulations",
    params(("id" = String, Path, description = "The emulation"), ("If-Match" = Option<String>, Header, description = "Only if its ETag is still that")),
    responses((status = 202, description = "It goes on", body = ref("#/components/schemas/EmulationStatus"))))]
async fn resume(
    State(api): State<Arc<Api>>,
    Segment(id): Segment,
    caller: Caller,
    IfMatch(expected): IfMatch,
) -> Answer<Response> {
    api.server.resume(&id, expected, &caller.name).await?;
    standing(&api, &id, StatusCode::ACCEPTED).await
}

/// Stop: what is due goes out and is settled, then it ends; resuming goes on with it.
#[utoipa::path(post, path = "/emulations/{id}/stop", tag = "emulations",
    params(("id" = String, Path, description = "The emulation"), ("If-Match" = Option<String>, Header, description = "Only if its ETag is still that")),
    responses((status = 202, description = "It drains", body = ref("#/components/schemas/EmulationStatus"))))]
async fn stop(
    State(api): State<Arc<Api>>,
    Segment(id): Segment,
    caller: Caller,
    IfMatch(expected): IfMatch,
) -> Answer<Response> {
    api.server.stop(&id, expected, &caller.name).await?;
    standing(&api, &id, StatusCode::ACCEPTED).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RecordsParams {
    limit: Option<usize>,
}

/// Look at the last records that it released.
///
/// The first look begins to keep them, and waits a moment; a run that nobody looks at keeps none, and none is slowed.
#[utoipa::path(get, path = "/emulations/{id}/records", tag = "emulations",
    params(("id" = String, Path, description = "The emulation"),
        ("limit" = Option<usize>, Query, description = "How many, 1 to 1,000; 10 when absent", minimum = 1, maximum = 1000)),
    responses((status = 200, description = "Oldest first", body = ref("#/components/schemas/ReleasedList"))))]
async fn records(
    State(api): State<Arc<Api>>,
    Segment(id): Segment,
    Params(params): Params<RecordsParams>,
) -> Answer<Json<Vec<Released>>> {
    let limit = within(params.limit.unwrap_or(RECORDS), RECORDS_MOST)?;
    Ok(Json(api.server.last_records(&id, limit).await?))
}

/// The report: the final one, or as it would be now.
#[utoipa::path(get, path = "/emulations/{id}/report", tag = "emulations",
    params(("id" = String, Path, description = "The emulation")),
    responses((status = 200, description = "The report", body = ref("#/components/schemas/Report"))))]
async fn report(State(api): State<Arc<Api>>, Segment(id): Segment) -> Answer<Json<Value>> {
    Ok(Json(api.server.report(&id).await?))
}

/// The manifest of one that is over: what `wellhead verify` takes.
#[utoipa::path(get, path = "/emulations/{id}/manifest", tag = "emulations",
    params(("id" = String, Path, description = "The emulation")),
    responses((status = 200, description = "The manifest", body = ref("#/components/schemas/Manifest"))))]
async fn manifest(State(api): State<Arc<Api>>, Segment(id): Segment) -> Answer<Json<Value>> {
    Ok(Json(api.server.manifest(&id).await?))
}

async fn standing(api: &Api, id: &str, status: StatusCode) -> Answer<Response> {
    let emulation = api.server.status(id).await?;
    let tag =
        HeaderValue::try_from(format!("\"{}\"", emulation.revision)).map_err(Problem::broken)?;
    Ok((status, [(header::ETAG, tag)], Json(emulation)).into_response())
}

/// A number from 1 to `most`.
pub(super) fn within<T: Copy + PartialOrd + From<u8> + std::fmt::Display>(
    limit: T,
    most: T,
) -> Answer<T> {
    match limit >= T::from(1) && limit <= most {
        true => Ok(limit),
        false => Err(Problem::malformed(format!(
            "`limit` is {limit}, and has to be from 1 to {most}"
        ))),
    }
}
