//! From the call of the program to the first byte of the first record, the generator being
//! compiled already.

use std::io::Read;
use std::time::Instant;

use crate::measure::{Outcome, median, take_turns};
use crate::program::Program;
use crate::table::Row;

const TURNS: usize = 11;

/// Milliseconds to the first byte.
fn first_byte(program: &Program, arguments: &[&str]) -> Outcome<f64> {
    let begun = Instant::now();
    let mut child = program.command(arguments)?.spawn()?;
    let mut byte = [0];
    let read = match &mut child.stdout {
        Some(stdout) => stdout.read(&mut byte)?,
        None => 0,
    };
    let millis = begun.elapsed().as_secs_f64() * 1e3;
    let output = child.wait_with_output()?;
    if read == 0 || !output.status.success() {
        return Err(format!("{}: {}", arguments.join(" "), program.said()).into());
    }
    Ok(millis)
}

/// `run` and `preview`.
pub fn rows() -> Outcome<Vec<Row>> {
    let program = Program::new()?;
    let [run, preview] = take_turns(
        TURNS,
        [
            &mut || {
                first_byte(
                    &program,
                    &["run", "transaction", "--records", "1", "--to", "stdout"],
                )
            },
            &mut || first_byte(&program, &["preview", "transaction", "-n", "1"]),
        ],
    )?;
    Ok(vec![
        Row::at_most(
            "second start: run to the first record, ms",
            median(&run),
            50.0,
            "",
        ),
        Row::at_most(
            "second start: preview to the first record, ms",
            median(&preview),
            50.0,
            "",
        ),
    ])
}
