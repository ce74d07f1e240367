//! How late records are released at a thousand a second.

use crate::measure::Outcome;
use crate::program::Program;
use crate::table::Row;

/// Ten seconds' worth.
const RECORDS: &str = "10000";

/// Percentiles of the release, from the report.
pub fn rows() -> Outcome<Vec<Row>> {
    let program = Program::new()?;
    let run = program.run(&[
        "transaction",
        "--load",
        "1000/s",
        "--records",
        RECORDS,
        "--to",
        "null",
    ])?;
    let millis = |name: &str| -> Outcome<f64> {
        Ok(run.number(&format!("/lateness_us/release/{name}"))? / 1e3)
    };
    let worst = format!(
        "p99.9 {:.2}, highest {:.2}",
        millis("p999")?,
        millis("max")?
    );
    Ok(vec![
        Row::at_most("lateness at 1,000/s, p50, ms", millis("p50")?, 0.15, ""),
        Row::at_most("lateness at 1,000/s, p99, ms", millis("p99")?, 1.0, &worst),
    ])
}
