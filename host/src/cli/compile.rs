//! `wellhead compile-component`: what the program starts itself as to compile a stranger's component.

use super::Status;
use super::args::CompileArgs;

/// Compiles standard input to standard output under limits.
pub fn run(args: &CompileArgs) -> Status {
    match crate::plugin::compile_component(&args.ration) {
        true => Status::Done,
        false => Status::Failed,
    }
}
