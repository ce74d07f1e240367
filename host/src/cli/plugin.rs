//! `wellhead plugin`: the generators there are.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use futures::{Stream, stream};
use serde_json::Value;

use super::args::{PluginCommand, ServerFlags};
use super::project::{self, Shown};
use super::registry;
use super::sinks::plain;
use super::{CliError, Status};
use crate::emulation::Engine;
use crate::plugin::store::{Paths, PluginRow};
use crate::plugin::{Limits, UploadLimits, Uploads};
use crate::registry::Place;
use crate::settings::Environment;
use crate::trial::Options;

/// Bytes of a file that are read at a time.
const CHUNK: usize = 64 << 10;

/// Writes, builds, lists, inspects, adds, removes, tests or measures.
///
/// # Errors
/// Where a generator can't be found, breaks the contract, or the store can't be written.
pub fn run(
    engine: &Engine,
    command: &PluginCommand,
    environment: &Environment,
) -> Result<Status, CliError> {
    match command {
        PluginCommand::Test {
            trial,
            records,
            seed,
        } => {
            let options = Options {
                records: *records,
                seed: *seed,
            };
            return super::trial::test(engine, trial, options, environment);
        }
        PluginCommand::Bench { trial, seconds } => {
            let time = Duration::from_secs(*seconds);
            super::trial::bench(engine, trial, time, environment)?;
        }
        PluginCommand::New { name, lang, dir } => project::create(lang, name, dir.as_deref())?,
        PluginCommand::Build { folder } => {
            project::build(engine, folder)?;
        }
        PluginCommand::Run {
            folder,
            count,
            seed,
            once,
            given,
        } => {
            let shown = Shown {
                count: *count,
                seed: *seed,
                given,
            };
            return project::run(engine, folder, &shown, *once, environment);
        }
        PluginCommand::List { json } => list(engine.store.all(&engine.runtime)?, *json)?,
        PluginCommand::Inspect { generator, json } => {
            let store = &engine.store;
            let generator = store.load(&engine.runtime, generator, Paths::Allowed)?;
            let all = serde_json::to_value(generator.inspect()?).map_err(CliError::output)?;
            inspect(&all, *json)?;
        }
        PluginCommand::Add { from, json } => match registry::place(from)? {
            Some(place) => add_from_registry(engine, place, *json, environment)?,
            None => add(engine, from, *json)?,
        },
        PluginCommand::Push { generator, to } => {
            registry::push(engine, generator, to, environment)?;
        }
        PluginCommand::Remove { generator } => {
            let entry = engine.store.remove(generator, |_| false)?;
            eprintln!(
                "removed {}@{} (sha256:{})",
                entry.name, entry.version, entry.digest
            );
        }
    }
    Ok(Status::Done)
}

/// The same of a server.
///
/// # Errors
/// Where the server refuses, or isn't there.
pub async fn remote(
    flags: &ServerFlags,
    command: &PluginCommand,
    environment: &Environment,
) -> Result<Status, CliError> {
    let client = super::emulation::client(flags)?;
    match command {
        PluginCommand::List { json } => list(client.get("api/v1/plugins").await?, *json)?,
        PluginCommand::Inspect { generator, json } => {
            inspect(&client.plugin(generator).await?, *json)?;
        }
        PluginCommand::Add { from, json } => {
            let component = match registry::place(from)? {
                Some(place) => registry::pull(place, component_limit(), environment).await?,
                None => std::fs::read(from).map_err(unreadable(from))?,
            };
            let said = client.add_plugin(component).await?;
            if *json {
                super::print_json(&said)?;
            }
            let flag = |name: &str| said[name].as_bool() == Some(true);
            let text = |name: &str| said[name].as_str().unwrap_or_default().to_owned();
            let digest = text("digest");
            let name = format!("{}@{}", text("name"), text("version"));
            added(
                &from.display().to_string(),
                flag("wrapped"),
                flag("new"),
                &name,
                &digest,
            );
        }
        PluginCommand::Remove { generator } => {
            client.remove_plugin(generator).await?;
            eprintln!("removed {generator}");
        }
        PluginCommand::Push { .. }
        | PluginCommand::New { .. }
        | PluginCommand::Build { .. }
        | PluginCommand::Run { .. }
        | PluginCommand::Test { .. }
        | PluginCommand::Bench { .. } => {
            return Err(CliError::Usage(
                "a generator is written, tested, measured and published on this machine: leave --server out (and \
                 WELLHEAD_SERVER)"
                    .to_owned(),
            ));
        }
    }
    Ok(Status::Done)
}

fn list(rows: Vec<PluginRow>, as_json: bool) -> Result<(), CliError> {
    if as_json {
        return super::print_json(&rows);
    }
    let mut table = plain(["generator", "version", "from", "digest", "what it makes"]);
    for row in rows {
        let digest = row.digest.chars().take(12).collect();
        table.add_row([row.name, row.version, row.origin, digest, row.summary]);
    }
    super::print(&format!("{table}\n"))
}

/// Takes a file in by the way that uploads take, so that it is held to the same.
fn add(engine: &Engine, path: &Path, as_json: bool) -> Result<(), CliError> {
    let file = File::open(path).map_err(unreadable(path))?;
    let meta = file.metadata().map_err(unreadable(path))?;
    if meta.is_dir() {
        return Err(unreadable(path)(io::ErrorKind::IsADirectory.into()));
    }
    // A pipe has no length.
    let declared = meta.is_file().then_some(meta.len());
    let origin = path.display().to_string();
    let body = stream::iter(chunks(file));
    super::runtime()?.block_on(take(engine, body, declared, &origin, as_json))
}

/// The same of a component in a registry, which is whole before any of it comes in.
fn add_from_registry(
    engine: &Engine,
    place: Place,
    as_json: bool,
    environment: &Environment,
) -> Result<(), CliError> {
    super::runtime()?.block_on(async {
        let origin = place.to_string();
        let limit = engine.runtime.limits().component_bytes;
        let component = registry::pull(place, limit, environment).await?;
        let declared = Some(component.len() as u64);
        let body = stream::iter([Ok::<_, io::Error>(Bytes::from(component))]);
        take(engine, body, declared, &origin, as_json).await
    })
}

async fn take(
    engine: &Engine,
    body: impl Stream<Item = io::Result<Bytes>>,
    declared: Option<u64>,
    origin: &str,
    as_json: bool,
) -> Result<(), CliError> {
    let uploads = Uploads::new(
        engine.store.clone(),
        engine.runtime.clone(),
        UploadLimits::default(),
    )?;
    let admitted = uploads.take(body, declared, origin).await?;
    if as_json {
        super::print_json(&admitted)?;
    }
    let said = &admitted.inspection;
    let name = format!("{}@{}", said.name, said.version);
    added(origin, admitted.wrapped, admitted.new, &name, &said.digest);
    Ok(())
}

fn unreadable(path: &Path) -> impl Fn(io::Error) -> CliError {
    move |e| CliError::Usage(format!("{} can't be read: {e}", path.display()))
}

/// Bytes that a component may have, on this machine as on a server.
fn component_limit() -> usize {
    Limits::default().component_bytes
}

/// Says what became of a component.
fn added(origin: &str, wrapped: bool, new: bool, name: &str, digest: &str) {
    if wrapped {
        eprintln!("{origin} is a core module; a component was made of it");
    }
    let what = match new {
        true => "added",
        false => "was there already:",
    };
    eprintln!("{what} {name} (sha256:{digest})");
}

/// What a file has in it, up to its end or to where it can't be read.
fn chunks(mut file: File) -> impl Iterator<Item = io::Result<Bytes>> {
    let mut buffer = vec![0; CHUNK];
    std::iter::from_fn(move || match file.read(&mut buffer) {
        Ok(0) => None,
        Ok(length) => Some(Ok(Bytes::copy_from_slice(&buffer[..length]))),
        Err(error) => Some(Err(error)),
    })
}

fn inspect(all: &Value, as_json: bool) -> Result<(), CliError> {
    if as_json {
        return super::print_json(all);
    }
    let mut table = plain(["", ""]);
    for (name, value) in all.as_object().into_iter().flatten() {
        let text = match value {
            Value::String(text) => text.clone(),
            Value::Array(all) if name == "imports" => imports(all),
            Value::Object(_) | Value::Array(_) => format!("{value:#}"),
            value => value.to_string(),
        };
        table.add_row([name.clone(), text]);
    }
    super::print(&format!("{table}\n"))
}

/// Each interface on a line, with what there is behind it.
fn imports(all: &[Value]) -> String {
    let text = |one: &Value, field: &str| one[field].as_str().unwrap_or_default().to_owned();
    let pairs = all
        .iter()
        .map(|one| (text(one, "interface"), text(one, "gets")));
    let pairs: Vec<(String, String)> = pairs.collect();
    let width = pairs.iter().map(|(interface, _)| interface.len()).max();
    let width = width.unwrap_or_default();
    let lines = pairs
        .iter()
        .map(|(interface, gets)| format!("{interface:width$}  {gets}"));
    lines.collect::<Vec<_>>().join("\n")
}
