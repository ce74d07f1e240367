//! `wellhead completions`: what a shell completes.

use clap::CommandFactory;

use super::args::{Cli, CompletionsArgs};
use super::{CliError, Status};

/// Prints a shell's completions.
///
/// # Errors
/// Where standard output can't be written.
pub fn run(args: &CompletionsArgs) -> Result<Status, CliError> {
    let mut text = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "wellhead", &mut text);
    super::print(&String::from_utf8_lossy(&text))?;
    Ok(Status::Done)
}
