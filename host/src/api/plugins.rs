//! Generators: list, look at, upload, download, preview, delete.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Api;
use super::extract::{JsonBody, Segment, content_length, media_type, read_on, unsupported};
use super::guard::Caller;
use super::problem::{Answer, Problem};
use crate::plugin::store::PluginRow;
use crate::server::{PreviewRequest, Released};

pub(super) fn routes() -> OpenApiRouter<Arc<Api>> {
    OpenApiRouter::new()
        .routes(routes!(list, upload))
        .routes(routes!(show, delete))
        .routes(routes!(component))
        .routes(routes!(preview))
}

/// List the generators: the stock ones, and those that were uploaded.
#[utoipa::path(get, path = "/plugins", tag = "plugins",
    responses((status = 200, description = "All of them", body = ref("#/components/schemas/PluginRowList"))))]
async fn list(State(api): State<Arc<Api>>) -> Answer<Json<Vec<PluginRow>>> {
    Ok(Json(api.server.plugins().await?))
}

/// Upload a generator: a component, or a core module, which is wrapped.
///
/// It is compiled in a process of its own, describes itself under limits, and is kept under the name and version that it
/// gives itself, which never change their meaning.
#[utoipa::path(post, path = "/plugins", tag = "plugins",
    request_body(content = String, content_type = "application/wasm"),
    responses(
        (status = 201, description = "It is kept; what it says of itself", body = ref("#/components/schemas/Plugin")),
        (status = 200, description = "It was there already", body = ref("#/components/schemas/Plugin"))))]
async fn upload(State(api): State<Arc<Api>>, caller: Caller, request: Request) -> Answer<Response> {
    let media = media_type(request.headers())?;
    if media != "application/wasm" {
        return Err(unsupported(&media, "application/wasm"));
    }
    let declared = content_length(request.headers())?;
    let mut body = request.into_body().into_data_stream();
    let added = api.server.add_plugin(&mut body, declared, &caller.name);
    let admitted = match added.await.map_err(Problem::from) {
        Ok(admitted) => admitted,
        Err(problem) => {
            // A disk that is full isn't the client's doing: it is to see the answer.
            if [500, 507].contains(&problem.status) {
                read_on(&mut body).await;
            }
            return Err(problem);
        }
    };
    let inspection = &admitted.inspection;
    let location = format!("/api/v1/plugins/{}@{}", inspection.name, inspection.version);
    let status = match admitted.new {
        true => StatusCode::CREATED,
        false => StatusCode::OK,
    };
    let location =
        HeaderValue::try_from(location).unwrap_or(HeaderValue::from_static("/api/v1/plugins"));
    Ok((status, [(header::LOCATION, location)], Json(admitted)).into_response())
}

/// Show a generator: channels, configuration, imports, limits.
#[utoipa::path(get, path = "/plugins/{ref}", tag = "plugins",
    params(("ref" = String, Path, description = "name, name@version, or sha256:digest")),
    responses((status = 200, description = "What it says of itself", body = ref("#/components/schemas/Plugin"))))]
async fn show(State(api): State<Arc<Api>>, Segment(reference): Segment) -> Answer<Json<Value>> {
    let inspection = api.server.plugin(&reference).await?;
    let shown = serde_json::to_value(inspection);
    shown
        .map(Json)
        .map_err(|e| Problem::malformed(e.to_string()))
}

/// Download a generator's component.
#[utoipa::path(get, path = "/plugins/{ref}/component", tag = "plugins",
    params(("ref" = String, Path, description = "name, name@version, or sha256:digest")),
    responses((status = 200, description = "The component", content_type = "application/wasm", body = String)))]
async fn component(State(api): State<Arc<Api>>, Segment(reference): Segment) -> Answer<Response> {
    let found = api.server.component(&reference).await?;
    let mut headers = HeaderMap::new();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/wasm"),
    );
    headers.insert(
        header::CONTENT_DISPOSITION,
        HeaderValue::from_static("attachment"),
    );
    Ok((headers, Body::from(found.bytes)).into_response())
}

/// Delete an uploaded generator that no emulation runs.
#[utoipa::path(delete, path = "/plugins/{ref}", tag = "plugins",
    params(("ref" = String, Path, description = "name@version, sha256:digest, or a name that has one version")),
    responses((status = 204, description = "It is gone")))]
async fn delete(
    State(api): State<Arc<Api>>,
    Segment(reference): Segment,
    caller: Caller,
) -> Answer<StatusCode> {
    api.server.remove_plugin(&reference, &caller.name).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Look at a generator's first records.
#[utoipa::path(post, path = "/plugins/{ref}/preview", tag = "plugins",
    params(("ref" = String, Path, description = "name, name@version, or sha256:digest")),
    request_body = ref("#/components/schemas/PreviewRequest"),
    responses((status = 200, description = "In the order of their ticks", body = ref("#/components/schemas/ReleasedList"))))]
async fn preview(
    State(api): State<Arc<Api>>,
    Segment(reference): Segment,
    JsonBody(request): JsonBody<PreviewRequest>,
) -> Answer<Json<Vec<Released>>> {
    Ok(Json(api.server.preview(&reference, request).await?))
}
