//! Logs: to standard error, text on a terminal and JSON elsewhere.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

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
    let filter = EnvFilter::try_new(level.to_lowercase()).map_err(|e| {
        CliError::Usage(format!(
            "log level {level}: {e}; write error, warn, info, debug or trace"
        ))
    })?;
    let json = match settings.format {
        LogFormat::Auto => !std::io::stderr().is_terminal(),
        LogFormat::Text => false,
        LogFormat::Json => true,
    };
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    let started = if json {
        builder.json().try_init()
    } else {
        builder.try_init()
    };
    // Somebody who embeds the program may have set a subscriber of their own.
    started.or(Ok(()))
}
