//! `wellhead plugin add oci://…` and `wellhead plugin push`.

use std::path::Path;

use super::CliError;
use crate::emulation::Engine;
use crate::plugin::store::Paths;
use crate::registry::{About, Login, Place, Registry};
use crate::settings::Environment;

/// The place in a registry that is meant, none where it is a file.
pub(super) fn place(from: &Path) -> Result<Option<Place>, CliError> {
    match from.to_str().filter(|text| Place::is_meant(text)) {
        Some(text) => Ok(Some(Place::of(text)?)),
        None => Ok(None),
    }
}

/// Fetches a component, whole and checked, and says by which digest it is fetched again.
pub(super) async fn pull(
    place: Place,
    limit: usize,
    environment: &Environment,
) -> Result<Vec<u8>, CliError> {
    let pulled = registry(&place, environment).pull(limit).await?;
    eprintln!("fetched {}", place.pinned(&pulled.manifest));
    Ok(pulled.component)
}

/// Publishes a generator that this host can run.
pub(super) fn push(
    engine: &Engine,
    generator: &str,
    to: &str,
    environment: &Environment,
) -> Result<(), CliError> {
    let store = &engine.store;
    let (generator, component) =
        store.load_with_bytes(&engine.runtime, generator, Paths::Allowed)?;
    let said = &generator.description;
    let place = Place::to(to, &said.version)?;
    let about = About {
        name: said.name.clone(),
        version: said.version.to_string(),
        summary: said.summary.clone(),
        imports: generator
            .imports()
            .into_iter()
            .map(|import| import.interface)
            .collect(),
        exports: generator.exports(),
    };
    let registry = registry(&place, environment);
    let pushed = registry.push(component, &about);
    let manifest = super::runtime()?.block_on(pushed)?;
    eprintln!("published {}@{} as {place}", about.name, about.version);
    super::print(&format!("{}\n", place.pinned(&manifest)))
}

fn registry(place: &Place, environment: &Environment) -> Registry {
    Registry::new(place.clone(), Login::find(place.registry(), environment))
}
