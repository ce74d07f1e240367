//! The program: arguments, logs, exit status.

use std::process::ExitCode;

use clap::Parser;
use wellhead::cli::{self, Cli};

fn main() -> ExitCode {
    let arguments = match Cli::try_parse() {
        Ok(arguments) => arguments,
        Err(e) => {
            // clap prints help and versions to standard output, errors to standard error; both with
            // the status that users are promised (0 and 2).
            let _ = e.print();
            return ExitCode::from(if e.use_stderr() { 2 } else { 0 });
        }
    };
    cli::main(arguments)
}
