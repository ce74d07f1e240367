//! Logs: to standard error, text on a terminal and JSON elsewhere.

use std::fs::File;
use std::io::IsTerminal;
use std::path::Path;
use std::sync::Mutex;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::writer::BoxMakeWriter;

use super::CliError;
use super::args::Cli;
use crate::settings::{LogFormat, LogSettings};

/// What is logged where nobody says: what goes wrong, and the responses of an HTTP endpoint, which a
/// sink logs where its block asks for them.
const USUAL: &str = "warn,wellhead::sink::http=info";

/// Sets logging up for the process.
///
/// # Errors
/// Where a level can't be read.
pub fn start(arguments: &Cli, settings: &LogSettings) -> Result<(), CliError> {
    let level = if arguments.debug {
        "debug"
    } else if arguments.verbose {
        "info"
    } else {
        arguments
            .log_level
            .as_deref()
            .or(settings.level.as_deref())
            .unwrap_or(USUAL)
    };
    let targets = settings.levels.iter();
    let directives: Vec<String> = std::iter::once(level.to_lowercase())
        .chain(targets.map(|(target, level)| format!("{target}={level}")))
        .collect();
    let wrong = |why: &dyn std::fmt::Display| {
        CliError::Usage(format!(
            "log level {}: {why}; write error, warn, info, debug or trace",
            directives.join(",")
        ))
    };
    // A single word that is no level would be taken for a target.
    if !level.contains(['=', ',']) && level.parse::<LevelFilter>().is_err() {
        return Err(wrong(&"there is no such level"));
    }
    let filter = EnvFilter::try_new(directives.join(",")).map_err(|e| wrong(&e))?;
    let (writer, terminal) = match &settings.destination {
        None => (
            BoxMakeWriter::new(std::io::stderr),
            std::io::stderr().is_terminal(),
        ),
        Some(path) => (BoxMakeWriter::new(Mutex::new(append_to(path)?)), false),
    };
    let json = match settings.format {
        LogFormat::Auto => !terminal,
        LogFormat::Text => false,
        LogFormat::Json => true,
    };
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(terminal)
        .with_writer(writer);
    let started = if json {
        builder.json().try_init()
    } else {
        builder.try_init()
    };
    // Somebody who embeds the program may have set a subscriber of their own.
    started.or(Ok(()))
}

fn append_to(path: &Path) -> Result<File, CliError> {
    let file = File::options().create(true).append(true).open(path);
    file.map_err(|e| {
        CliError::Usage(format!(
            "the log {} can't be written: {e}; name another `destination`",
            path.display()
        ))
    })
}
