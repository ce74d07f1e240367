//! `wellhead preview`: the first records of a run, without waiting for any.

use std::io::Write;

use super::CliError;
use crate::emulation::Plan;
use crate::emulation::preview::{Window, preview};
use crate::record::Batch;

/// Writes the first records of each plan to standard output, a line each.
///
/// # Errors
/// Where a generator fails, or nobody reads any more.
pub fn show(plans: &[Plan], window: Window, now: u64) -> Result<(), CliError> {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for plan in plans {
        if plans.len() > 1 {
            eprintln!("{}:", plan.name);
        }
        let mut failed = None;
        preview(plan, window, now, |batch, k| {
            if let Err(e) = line(&mut out, batch, k) {
                failed.get_or_insert(e);
            }
        })?;
        if let Some(e) = failed {
            return Err(CliError::output(e));
        }
    }
    out.flush().map_err(CliError::output)
}

fn line(out: &mut impl Write, batch: &Batch, k: usize) -> std::io::Result<()> {
    out.write_all(batch.record(k))?;
    out.write_all(b"\n")
}

/// The first records of a plan as text, for the end of a run.
///
/// # Errors
/// Where the generator fails.
pub fn sample(plan: &Plan, records: usize, now: u64) -> Result<Vec<String>, CliError> {
    let window = Window {
        records,
        stream: None,
        from: 0,
    };
    let mut lines = Vec::with_capacity(records);
    preview(plan, window, now, |batch, k| {
        lines.push(String::from_utf8_lossy(batch.record(k)).into_owned());
    })?;
    Ok(lines)
}

/// Whether a window can be shown of these plans.
///
/// # Errors
/// What it would have to say, and doesn't.
pub fn check_window(plans: &[Plan], window: Window) -> Result<(), CliError> {
    match (plans, window.stream) {
        ([plan], Some(stream)) if stream >= plan.streams => Err(CliError::Usage(format!(
            "--stream {stream}: there are {} streams, counted from 0",
            plan.streams
        ))),
        ([_, _, ..], Some(_)) => Err(CliError::Usage(
            "--stream can't tell which emulation of the scenario it means".to_owned(),
        )),
        (_, None) if window.from > 0 => Err(CliError::Usage(
            "--from counts within one stream: say which with --stream N".to_owned(),
        )),
        _ => Ok(()),
    }
}
