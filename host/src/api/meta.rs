//! What isn't an emulation or a generator: checks, sinks, connections, health.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Api;
use super::extract::SpecBody;
use super::problem::Answer;
use crate::sink::SINKS;
use crate::spec::sinks;

pub(super) fn routes() -> OpenApiRouter<Arc<Api>> {
    OpenApiRouter::new()
        .routes(routes!(check))
        .routes(routes!(list_sinks))
        .routes(routes!(list_connections))
}

pub(super) fn root() -> OpenApiRouter<Arc<Api>> {
    OpenApiRouter::new()
        .routes(routes!(health))
        .routes(routes!(ready))
        .routes(routes!(super::metrics::metrics))
}

/// An emulation of a spec that is good.
#[derive(Serialize, JsonSchema)]
pub(super) struct Checked {
    /// By the spec, or the generator.
    pub name: String,
    /// `name@version`.
    pub generator: String,
    /// What it makes.
    pub channels: Vec<String>,
    /// Where its records would go.
    pub sinks: Vec<String>,
}

/// Check a spec: parse, generator, configuration, sinks. Nothing is connected to.
#[utoipa::path(post, path = "/specs/check", tag = "specs",
    request_body(content((ref("#/components/schemas/Spec") = "application/json"), (String = "application/yaml"), (String = "application/toml"))),
    responses((status = 200, description = "It is good", body = ref("#/components/schemas/CheckedList"))))]
async fn check(State(api): State<Arc<Api>>, spec: SpecBody) -> Answer<Json<Vec<Checked>>> {
    let plans = api.server.check(spec.document).await?;
    let checked = plans.iter().map(|plan| {
        let description = &plan.configured.generator.description;
        Checked {
            name: plan.name.clone(),
            generator: format!("{}@{}", description.name, description.version),
            channels: plan
                .configured
                .channels
                .iter()
                .map(|c| c.name.clone())
                .collect(),
            sinks: plan.sinks.iter().map(|sink| sink.config.target()).collect(),
        }
    });
    Ok(Json(checked.collect()))
}

/// A kind of sink.
#[derive(Serialize, JsonSchema)]
pub(super) struct SinkKind {
    /// As written in `type`.
    pub name: &'static str,
    /// In one sentence.
    pub summary: &'static str,
    /// JSON Schema of its options, with their defaults.
    pub options: Value,
}

/// List the kinds of sinks, with their options.
#[utoipa::path(get, path = "/sinks", tag = "sinks",
    responses((status = 200, description = "All kinds", body = ref("#/components/schemas/SinkKindList"))))]
async fn list_sinks() -> Json<Vec<SinkKind>> {
    let kinds = SINKS.iter().map(|kind| SinkKind {
        name: kind.name,
        summary: kind.summary,
        options: sinks::schema(kind),
    });
    Json(kinds.collect())
}

/// An address that specs can refer to; its secrets stay in the server.
#[derive(Serialize, JsonSchema)]
pub(super) struct ConnectionName {
    /// As specs name it; none for the one that a kind has without being named.
    pub name: Option<String>,
    /// The kind of sink that it is for.
    pub kind: String,
}

/// List the connections that specs can refer to.
#[utoipa::path(get, path = "/connections", tag = "sinks",
    responses((status = 200, description = "Their names", body = ref("#/components/schemas/ConnectionNameList"))))]
async fn list_connections(State(api): State<Arc<Api>>) -> Json<Vec<ConnectionName>> {
    let connections = &api.server.engine().connections;
    let named = connections
        .named
        .iter()
        .map(|(name, connection)| ConnectionName {
            name: Some(name.clone()),
            kind: connection.kind.clone(),
        });
    let ambient = connections.ambient.keys().map(|kind| ConnectionName {
        name: None,
        kind: kind.clone(),
    });
    Json(named.chain(ambient).collect())
}

/// Whether the service works.
#[derive(Serialize, JsonSchema)]
pub(super) struct Health {
    /// In words.
    pub status: String,
    /// What it depends on, and how that is.
    pub depends_on: std::collections::BTreeMap<&'static str, String>,
}

/// Whether the service and what it depends on work.
#[utoipa::path(get, path = "/health", tag = "service",
    responses((status = 200, description = "They do", body = ref("#/components/schemas/Health")),
        (status = 503, description = "Something doesn't", body = ref("#/components/schemas/Health"))))]
async fn health(State(api): State<Arc<Api>>) -> (StatusCode, Json<Health>) {
    let state = api.server.state().probe().await;
    let mut looked = vec![("state", state.map_err(|error| error.to_string()))];
    if let Some(signals) = api.server.probe_signals().await {
        // Where it is and why it fails is for those who may read more than this.
        let said = signals.inspect_err(|error| tracing::warn!("signals: {error}"));
        looked.push((
            "signals",
            said.map_err(|_| "the database is not there".to_owned()),
        ));
    }
    let (code, status) = match looked.iter().all(|(_, there)| there.is_ok()) {
        true => (StatusCode::OK, "Service is up and running"),
        false => (StatusCode::SERVICE_UNAVAILABLE, "Service is not working"),
    };
    let looked = looked.into_iter().map(|(what, there)| {
        let said = there.err().unwrap_or_else(|| "ok".to_owned());
        (what, said)
    });
    let health = Health {
        status: status.to_owned(),
        depends_on: looked.collect(),
    };
    (code, Json(health))
}

/// Whether the service takes requests: what was going on before it began is taken up, and it doesn't end.
#[utoipa::path(get, path = "/ready", tag = "service",
    responses((status = 200, description = "It does", body = ref("#/components/schemas/Health")),
        (status = 503, description = "Not now", body = ref("#/components/schemas/Health"))))]
async fn ready(State(api): State<Arc<Api>>) -> (StatusCode, Json<Health>) {
    let (code, status) = match (
        api.closing.is_cancelled(),
        api.restored.load(Ordering::SeqCst),
    ) {
        (true, _) => (StatusCode::SERVICE_UNAVAILABLE, "ending"),
        (false, false) => (StatusCode::SERVICE_UNAVAILABLE, "beginning"),
        (false, true) => (StatusCode::OK, "ready"),
    };
    let health = Health {
        status: status.to_owned(),
        depends_on: [].into(),
    };
    (code, Json(health))
}
