//! The program: arguments, logs, exit status.

use std::process::ExitCode;

use clap::Parser;
use wellhead::cli::{self, Cli};

/// A batch is allocated by the thread that generates it, copied message by message into librdkafka's
/// memory by another, and freed by a third: with the C library's allocator a tenth of the CPU time of
/// a run into Kafka goes there. It also stands in for `malloc`, so that librdkafka gains too.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

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
