//! Logs: to standard error, text on a terminal and JSON elsewhere.

use std::fs::File;
use std::io::IsTerminal;
use std::path::Path;
use std::sync::Mutex;

use tracing_subscriber::fmt::writer::BoxMakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Layer as _, reload};

use super::CliError;
use super::args::Cli;
use crate::settings::{Environment, LogFormat, LogSettings, Settings};
use crate::telemetry::logs::{self, LogLevels};

/// What is logged where nobody says: what goes wrong, and the responses of an HTTP endpoint, which a
/// sink logs where its block asks for them.
const USUAL: &str = "warn,wellhead::sink::http=info";

/// What the flags, or else a file, say.
///
/// # Errors
/// A file that can't be read.
pub fn settings(arguments: &Cli, settings: &Settings) -> Result<LogSettings, CliError> {
    Ok(match &arguments.log_config {
        Some(path) => LogSettings::read(path)?,
        None => settings.log.clone(),
    })
}

fn levels(arguments: &Cli, settings: &LogSettings) -> LogLevels {
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
    LogLevels {
        level: level.to_owned(),
        levels: settings.levels.clone(),
    }
}

/// Sets logging up for the process.
///
/// # Errors
/// Where a level can't be read.
pub fn start(arguments: &Cli, settings: &LogSettings) -> Result<(), CliError> {
    let levels = levels(arguments, settings);
    let (filter, handle) = reload::Layer::new(levels.filter()?);
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
    let lines = tracing_subscriber::fmt::layer()
        .with_ansi(terminal)
        .with_writer(writer);
    let lines = match json {
        true => lines.json().boxed(),
        false => lines.boxed(),
    };
    let all = tracing_subscriber::registry().with(filter).with(lines);
    // Somebody who embeds the program may have set a subscriber of their own.
    if all.try_init().is_ok() {
        logs::begin(levels, handle);
    }
    Ok(())
}

/// Reads again what is to be logged, by flags, file and environment as at the start; format and destination
/// stay. What is wrong is logged, and changes nothing.
pub fn reread(arguments: &Cli, environment: &Environment) {
    let read = Settings::load(arguments.settings.as_deref(), environment)
        .map_err(CliError::from)
        .and_then(|all| settings(arguments, &all))
        .map(|said| levels(arguments, &said));
    let changed = read.and_then(|levels| {
        let text = levels.text();
        logs::set(levels)?;
        Ok(text)
    });
    match changed {
        Ok(levels) => tracing::info!(levels, "log levels are read again"),
        Err(error) => tracing::error!("log levels stay as they are: {error}"),
    }
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
