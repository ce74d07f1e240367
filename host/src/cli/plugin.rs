//! `wellhead plugin`: the generators there are.

use serde_json::{Value, json};

use super::args::PluginCommand;
use super::sinks::plain;
use super::{CliError, Status};
use crate::emulation::Engine;
use crate::plugin::store::Paths;
use crate::plugin::{Generator, stock_names};

/// Lists, inspects, adds or removes.
///
/// # Errors
/// Where a generator can't be found, breaks the contract, or the store can't be written.
pub fn run(engine: &Engine, command: &PluginCommand) -> Result<Status, CliError> {
    match command {
        PluginCommand::List { json } => list(engine, *json)?,
        PluginCommand::Inspect { generator, json } => inspect(engine, generator, *json)?,
        PluginCommand::Add { file, json } => {
            let bytes = std::fs::read(file)
                .map_err(|e| CliError::Usage(format!("{} can't be read: {e}", file.display())))?;
            let origin = file.display().to_string();
            let (entry, new) = engine.store.add(&engine.runtime, &bytes, &origin)?;
            if *json {
                super::print_json(&entry)?;
            }
            let what = if new { "added" } else { "was there already:" };
            eprintln!(
                "{what} {}@{} (sha256:{})",
                entry.name, entry.version, entry.digest
            );
        }
        PluginCommand::Remove { generator } => {
            let entry = engine.store.remove(generator)?;
            eprintln!(
                "removed {}@{} (sha256:{})",
                entry.name, entry.version, entry.digest
            );
        }
    }
    Ok(Status::Done)
}

fn list(engine: &Engine, as_json: bool) -> Result<(), CliError> {
    let mut rows = Vec::new();
    for name in stock_names() {
        let generator = engine.store.load(&engine.runtime, name, Paths::Refused)?;
        rows.push(row(&generator, "stock"));
    }
    for entry in engine.store.list()? {
        rows.push(json!({
            "name": entry.name, "version": entry.version, "summary": entry.summary,
            "origin": "added", "digest": entry.digest,
        }));
    }
    if as_json {
        return super::print_json(&rows);
    }
    let mut table = plain(["generator", "version", "from", "digest", "what it makes"]);
    for row in &rows {
        let text = |name: &str| row[name].as_str().unwrap_or_default().to_owned();
        let digest = text("digest").chars().take(12).collect();
        table.add_row([
            text("name"),
            text("version"),
            text("origin"),
            digest,
            text("summary"),
        ]);
    }
    super::print(&format!("{table}\n"))
}

fn row(generator: &Generator, origin: &str) -> Value {
    let description = &generator.description;
    json!({
        "name": description.name, "version": description.version, "summary": description.summary,
        "origin": origin, "digest": generator.digest,
    })
}

fn inspect(engine: &Engine, reference: &str, as_json: bool) -> Result<(), CliError> {
    let generator = engine
        .store
        .load(&engine.runtime, reference, Paths::Allowed)?;
    let description = &generator.description;
    let defaults = generator.configure(
        serde_json::Map::new(),
        std::sync::Arc::default(),
        crate::plugin::Validate::Sample,
    );
    let channels: Value = match &defaults {
        Ok(configured) => configured
            .channels
            .iter()
            .map(|channel| json!({ "name": channel.name, "schema": channel.schema }))
            .collect(),
        // Some generators need to be told something first; that is worth saying, not failing.
        Err(e) => json!({ "unknown": e.to_string() }),
    };
    let limits = engine.runtime.limits().rows();
    let limits: serde_json::Map<String, Value> = limits
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.into()))
        .collect();
    let all = json!({
        "name": description.name,
        "version": description.version,
        "summary": description.summary,
        "digest": generator.digest,
        "size": generator.size,
        "content_type": description.content_type,
        "random_access": description.random_access,
        "labels": description.labels,
        "config_schema": description.config_schema,
        "config_defaults": defaults.as_ref().ok().map(|c| c.config.clone()),
        "channels": channels,
        "limits": limits,
    });
    if as_json {
        return super::print_json(&all);
    }
    let mut table = plain(["", ""]);
    for (name, value) in all.as_object().into_iter().flatten() {
        let text = match value {
            Value::String(text) => text.clone(),
            Value::Object(_) | Value::Array(_) => format!("{value:#}"),
            value => value.to_string(),
        };
        table.add_row([name.clone(), text]);
    }
    super::print(&format!("{table}\n"))
}
