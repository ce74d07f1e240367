//! `wellhead plugin new`, `build` and `run`: a generator while it is being written.

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};

use super::args::{GivenArgs, SpecArgs};
use super::{CliError, Status, preview};
use crate::emulation::Engine;
use crate::emulation::plan::Tuning;
use crate::emulation::preview::Window;
use crate::plugin::store::Paths;
use crate::project::{self, Language, ProjectError, Sources};
use crate::settings::Environment;

/// Writes a new folder, and says how to go on.
///
/// # Errors
/// Where the name can't be, or the folder is taken.
pub fn create(
    language: &'static Language,
    name: &str,
    folder: Option<&Path>,
) -> Result<(), CliError> {
    let folder = project::create(language, name, folder)?;
    let (folder, title, file) = (folder.display(), language.title, language.begins_in);
    eprintln!(
        "{folder} is a generator in {title} that builds as it is; begin in {folder}/{file}\n\n  \
         wellhead plugin run {folder}\n      builds it and shows records, again whenever you save\n  \
         wellhead plugin build {folder} && wellhead plugin test {folder}/{name}.wasm\n      \
         makes one file of it, and tries what runs rely on"
    );
    Ok(())
}

/// Builds a folder, and says what came of it.
///
/// # Errors
/// Where it doesn't build, or is no generator.
pub fn build(engine: &Engine, folder: &Path) -> Result<PathBuf, CliError> {
    let built = project::build(folder)?;
    let loaded = engine.store.load(
        &engine.runtime,
        &built.display().to_string(),
        Paths::Allowed,
    )?;
    let said = loaded.inspect()?;
    // Not every language's manifest knows the name by which users will call it.
    let component = built.with_file_name(format!("{}.wasm", said.name));
    if component != built {
        std::fs::rename(&built, &component).map_err(ProjectError::renaming(&built))?;
    }
    let generator = component.display();
    let bytes = std::fs::metadata(&component).map_or(0, |meta| meta.len());
    eprintln!(
        "{generator} is {} {}, {} KiB",
        said.name,
        said.version,
        bytes.div_ceil(1 << 10)
    );
    Ok(component)
}

/// Which records are shown.
pub struct Shown<'a> {
    /// How many.
    pub count: usize,
    /// What all randomness comes from.
    pub seed: u64,
    /// What the generator is told.
    pub given: &'a GivenArgs,
}

/// Builds and shows records, again and again, or once.
///
/// # Errors
/// With `once`, where it doesn't build or run; else it says so, and waits for the next change.
pub fn run(
    engine: &Engine,
    folder: &Path,
    shown: &Shown<'_>,
    once: bool,
    environment: &Environment,
) -> Result<Status, CliError> {
    loop {
        let sources = Sources::of(folder);
        let outcome = show(engine, folder, shown, environment);
        if once {
            return outcome.map(|()| Status::Done);
        }
        match outcome {
            // Nothing that a change of the sources would mend.
            Err(error @ (CliError::Output(_) | CliError::Project(ProjectError::NoProject(_)))) => {
                return Err(error);
            }
            Err(error) => super::complain(&error),
            Ok(()) => {}
        }
        if std::io::stderr().is_terminal() {
            eprintln!("waiting for a change in {} (Ctrl-C ends)", folder.display());
        }
        sources.wait_for_change();
    }
}

fn show(
    engine: &Engine,
    folder: &Path,
    shown: &Shown<'_>,
    environment: &Environment,
) -> Result<(), CliError> {
    let component = build(engine, folder)?;
    let args = SpecArgs::alone(&component.display().to_string(), shown.given);
    let document = args.document(environment)?;
    let plans = engine.plans(&document, "preview", shown.seed, Tuning::default())?;
    let window = Window {
        records: shown.count,
        stream: None,
        from: 0,
    };
    preview::show(&plans, window, crate::telemetry::wall())
}
