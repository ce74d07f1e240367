//! `wellhead plugin`: the generators there are.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use bytes::Bytes;
use futures::stream;
use serde_json::Value;

use super::args::PluginCommand;
use super::sinks::plain;
use super::{CliError, Status};
use crate::emulation::Engine;
use crate::plugin::store::Paths;
use crate::plugin::{UploadLimits, Uploads};

/// Bytes of a file that are read at a time.
const CHUNK: usize = 64 << 10;

/// Lists, inspects, adds or removes.
///
/// # Errors
/// Where a generator can't be found, breaks the contract, or the store can't be written.
pub fn run(engine: &Engine, command: &PluginCommand) -> Result<Status, CliError> {
    match command {
        PluginCommand::List { json } => list(engine, *json)?,
        PluginCommand::Inspect { generator, json } => inspect(engine, generator, *json)?,
        PluginCommand::Add { file, json } => add(engine, file, *json)?,
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

fn list(engine: &Engine, as_json: bool) -> Result<(), CliError> {
    let rows = engine.store.all(&engine.runtime)?;
    if as_json {
        return super::print_json(&rows);
    }
    let mut table = plain(["generator", "version", "from", "digest", "what it makes"]);
    for row in rows {
        let digest = row.digest.chars().take(12).collect();
        table.add_row([
            row.name,
            row.version,
            row.origin.to_owned(),
            digest,
            row.summary,
        ]);
    }
    super::print(&format!("{table}\n"))
}

/// Takes a file in by the way that uploads take, so that it is held to the same.
fn add(engine: &Engine, path: &Path, as_json: bool) -> Result<(), CliError> {
    let failed = |e| CliError::Usage(format!("{} can't be read: {e}", path.display()));
    let file = File::open(path).map_err(failed)?;
    let meta = file.metadata().map_err(failed)?;
    if meta.is_dir() {
        return Err(failed(io::ErrorKind::IsADirectory.into()));
    }
    // A pipe has no length.
    let declared = meta.is_file().then_some(meta.len());
    let uploads = Uploads::new(
        engine.store.clone(),
        engine.runtime.clone(),
        UploadLimits::default(),
    )?;
    let origin = path.display().to_string();
    let taken = uploads.take(stream::iter(chunks(file)), declared, &origin);
    let admitted = super::runtime()?.block_on(taken)?;
    if as_json {
        super::print_json(&admitted)?;
    }
    if admitted.wrapped {
        eprintln!("{origin} is a core module; a component was made of it");
    }
    let what = match admitted.new {
        true => "added",
        false => "was there already:",
    };
    let said = &admitted.inspection;
    eprintln!(
        "{what} {}@{} (sha256:{})",
        said.name, said.version, said.digest
    );
    Ok(())
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

fn inspect(engine: &Engine, reference: &str, as_json: bool) -> Result<(), CliError> {
    let generator = engine
        .store
        .load(&engine.runtime, reference, Paths::Allowed)?;
    let all = serde_json::to_value(generator.inspect()?).map_err(CliError::output)?;
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
