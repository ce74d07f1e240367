//! The description of the interface (OpenAPI 3.1) and a page that shows it.
//!
//! Paths come from the handlers (utoipa), schemas from the types' own JSON Schemas (schemars), which the
//! spec, the report and the command line have already.

use std::fmt::Write as _;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::{Html, IntoResponse};
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value, json};
use utoipa::openapi::{InfoBuilder, OpenApi, OpenApiBuilder};

use super::problem::{MEDIA_TYPE, Problem};
use super::{Api, emulations, meta};
use crate::emulation::manifest::Manifest;
use crate::emulation::report::Report;
use crate::plugin::store::PluginRow;
use crate::server::{EmulationStatus, Page, Phase, PreviewRequest, Released, StartRequest};
use crate::sink::signals::Signal;
use crate::telemetry::logs::LogLevels;

/// What the document says of the whole.
pub(super) fn base() -> OpenApi {
    let info = InfoBuilder::new()
        .title("wellhead")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(
            "Emulations and generators of a wellhead server. Every error is a problem detail (RFC 9457).",
        ));
    OpenApiBuilder::new().info(info.build()).build()
}

/// The whole document.
pub(super) fn document(paths: &OpenApi) -> Value {
    let mut document = serde_json::to_value(paths).unwrap_or_default();
    let mut settings = SchemaSettings::draft2020_12();
    settings.definitions_path = "/components/schemas".into();
    settings.meta_schema = None;
    let mut generator = SchemaGenerator::new(settings);
    let mut schemas = Map::new();
    named::<Problem>(&mut generator);
    named::<EmulationStatus>(&mut generator);
    named::<Page>(&mut generator);
    named::<Report>(&mut generator);
    named::<Manifest>(&mut generator);
    named::<Released>(&mut generator);
    named::<PluginRow>(&mut generator);
    named::<PreviewRequest>(&mut generator);
    named::<Signal>(&mut generator);
    named::<StartRequest>(&mut generator);
    named::<emulations::Started>(&mut generator);
    named::<emulations::Change>(&mut generator);
    named::<meta::Checked>(&mut generator);
    named::<meta::SinkKind>(&mut generator);
    named::<meta::ConnectionName>(&mut generator);
    named::<meta::Health>(&mut generator);
    named::<LogLevels>(&mut generator);
    schemas.extend(generator.take_definitions(true));
    for name in [
        "Checked",
        "ConnectionName",
        "PluginRow",
        "Released",
        "Signal",
        "SinkKind",
    ] {
        let items = reference(name);
        schemas.insert(
            format!("{name}List"),
            json!({"type": "array", "items": items}),
        );
    }
    let started = [reference("EmulationStatus"), reference("Started")];
    schemas.insert("StartedAny".to_owned(), json!({ "oneOf": started }));
    schemas.insert("Plugin".to_owned(), plugin());
    schemas.insert("Spec".to_owned(), spec());
    document["components"]["schemas"] = Value::Object(schemas);
    each_operation(&mut document, |operation| {
        narrow_parameters(operation);
        require_body(operation);
        let content = json!({ MEDIA_TYPE: { "schema": reference("Problem") } });
        operation["responses"]["default"] = json!({
            "description": "What went wrong (RFC 9457)", "content": content,
        });
    });
    document
}

/// What parameters look like that may be left out, but hold nothing else: there is no null in a header or a query.
fn narrow_parameters(operation: &mut Value) {
    // Not by an index, which would make what isn't there.
    let parameters = operation
        .get_mut("parameters")
        .and_then(Value::as_array_mut);
    for parameter in parameters.into_iter().flatten() {
        let schema = match parameter["name"].as_str() {
            Some("If-Match") => {
                json!({"type": "string", "pattern": r#"^(\*|"[0-9]{1,18}"(, "[0-9]{1,18}")*)$"#})
            }
            Some("Idempotency-Key") => {
                json!({"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"})
            }
            Some("Last-Event-ID") => json!({"type": "integer", "minimum": 0}),
            Some("state") => json!({"type": "string", "enum": Phase::ALL.map(Phase::name)}),
            _ => without_null(&parameter["schema"]),
        };
        parameter["schema"] = schema;
    }
}

fn without_null(schema: &Value) -> Value {
    let mut schema = schema.clone();
    if let Some(types) = schema.get_mut("type").and_then(Value::as_array_mut) {
        types.retain(|kind| kind != "null");
    }
    schema
}

/// No operation does without the body that it takes.
fn require_body(operation: &mut Value) {
    if let Some(body) = operation.get_mut("requestBody") {
        body["required"] = true.into();
    }
}

fn named<T: JsonSchema>(generator: &mut SchemaGenerator) {
    generator.subschema_for::<T>();
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

/// What a generator says of itself, and what an upload adds to that.
fn plugin() -> Value {
    let (text, flag) = (json!({"type": "string"}), json!({"type": "boolean"}));
    json!({
        "type": "object",
        "required": ["name", "version", "digest", "channels", "config_schema"],
        "properties": {
            "name": text, "version": text, "summary": text, "content_type": text,
            "digest": {"type": "string", "description": "SHA-256 of the component, in hex"},
            "size": {"type": "integer", "description": "Bytes of the component"},
            "random_access": flag,
            "imports": {"type": "array", "items": {"type": "object", "properties": {
                "interface": text, "gets": {"type": "string", "description": "What there is behind it"},
            }}},
            "config_schema": {"type": "object", "description": "JSON Schema of the configuration"},
            "channels": {"description": "Name and JSON Schema of each, under the default configuration"},
            "limits": {"type": "object"},
            "new": {"type": "boolean", "description": "Of an upload: it wasn't there before"},
            "wrapped": {"type": "boolean", "description": "Of an upload: a core module came, and a component was made of it"},
        },
    })
}

/// The schema of a spec, its own definitions within.
fn spec() -> Value {
    let text = crate::spec::schema().to_value().to_string();
    // They move with it.
    let moved = text.replace("\"#/$defs/", "\"#/components/schemas/Spec/$defs/");
    let mut schema: Value = serde_json::from_str(&moved).unwrap_or_default();
    if let Some(map) = schema.as_object_mut() {
        map.shift_remove("$schema");
    }
    schema
}

fn each_operation(document: &mut Value, mut each: impl FnMut(&mut Value)) {
    let paths = document["paths"].as_object_mut().into_iter();
    for (_, path) in paths.flatten() {
        for (_, operation) in path.as_object_mut().into_iter().flatten() {
            each(operation);
        }
    }
}

pub(super) async fn show(State(api): State<Arc<Api>>) -> Json<Arc<Value>> {
    Json(Arc::clone(&api.openapi))
}

pub(super) async fn docs(State(api): State<Arc<Api>>) -> impl IntoResponse {
    // Nothing on the page is loaded from anywhere, and no script runs in it.
    let policy = "default-src 'none'; style-src 'unsafe-inline'";
    let headers = [(header::CONTENT_SECURITY_POLICY, policy)];
    (headers, Html(api.docs.clone()))
}

const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#222;background:#fff}\
h1{margin-bottom:0}h2{margin-top:2.5rem;border-bottom:1px solid #ccc}code,pre{font:13px/1.45 ui-monospace,monospace}\
pre{background:#f4f4f2;padding:.7rem;overflow:auto}.op{margin:1.4rem 0}.m{display:inline-block;min-width:4.2rem;font-weight:700}\
.get{color:#0a6}.post{color:#06c}.patch{color:#a60}.delete{color:#c22}table{border-collapse:collapse}td,th{text-align:left;vertical-align:top;padding:.15rem .9rem .15rem 0}\
@media(prefers-color-scheme:dark){body{color:#ddd;background:#181818}pre{background:#242424}h2{border-color:#444}}";

/// A page with all operations and schemas.
pub(super) fn page(document: &Value) -> String {
    let mut page = format!(
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content=\"width=device-width\">\
         <title>wellhead</title><style>{STYLE}</style><h1>wellhead {}</h1><p>{} \
         The same for programs: <a href=/openapi.json>openapi.json</a>.",
        text(&document["info"]["version"]),
        text(&document["info"]["description"]),
    );
    let mut tags: Vec<(String, String)> = Vec::new();
    for (path, operations) in document["paths"].as_object().into_iter().flatten() {
        for (method, operation) in operations.as_object().into_iter().flatten() {
            let tag = text(&operation["tags"][0]);
            let shown = shown(path, method, operation);
            match tags.iter_mut().find(|(name, _)| *name == tag) {
                Some((_, all)) => all.push_str(&shown),
                None => tags.push((tag, shown)),
            }
        }
    }
    for (tag, operations) in tags {
        let _ = write!(page, "<h2>{tag}</h2>{operations}");
    }
    page.push_str("<h2>schemas</h2>");
    for (name, schema) in document["components"]["schemas"]
        .as_object()
        .into_iter()
        .flatten()
    {
        let name = escaped(name);
        let schema = escaped(&format!("{schema:#}"));
        let _ = write!(
            page,
            "<details id=\"{name}\"><summary><code>{name}</code></summary><pre>{schema}</pre></details>"
        );
    }
    page
}

fn shown(path: &str, method: &str, operation: &Value) -> String {
    let mut shown = format!(
        "<div class=op><span class=\"m {method}\">{}</span><code>{}</code><br>{} {}",
        method.to_uppercase(),
        escaped(path),
        text(&operation["summary"]),
        text(&operation["description"]),
    );
    let parameters = operation["parameters"].as_array();
    if let Some(parameters) = parameters.filter(|all| !all.is_empty()) {
        shown.push_str("<table>");
        for one in parameters {
            let _ = write!(
                shown,
                "<tr><td><code>{}</code><td>{}<td>{}",
                text(&one["name"]),
                text(&one["in"]),
                text(&one["description"])
            );
        }
        shown.push_str("</table>");
    }
    for (status, response) in operation["responses"].as_object().into_iter().flatten() {
        if status != "default" {
            let _ = write!(shown, "<br>{status}: {}", text(&response["description"]));
        }
    }
    shown + "</div>"
}

fn text(value: &Value) -> String {
    escaped(value.as_str().unwrap_or_default())
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
