//! What an instance takes as it goes on.

use std::time::{Duration, Instant};

use super::made::{One, USUAL, open, time};
use super::{Fault, Outcome, Trial, Tried, reconfigured};
use crate::plugin::Validate;

/// Records that it goes on for, as many times as were compared.
const FURTHER: u64 = 20;
/// And no longer than this.
const PATIENCE: Duration = Duration::from_secs(5);
/// Bytes by which memory may grow: caches fill, allocators round up.
const SLACK: usize = 1 << 20;
const MIB: f64 = (1 << 20) as f64;

pub fn flat(trial: &Trial, first: &[One]) -> Tried {
    let configured = reconfigured(&trial.checked, Validate::Off)?;
    let mut stream = open(&configured, trial.options.seed, (0, 1), None);
    let (begun, end) = (Instant::now(), FURTHER * first.len() as u64);
    let mut marks = Vec::new();
    let mut next = 0;
    while next < end && begun.elapsed() < PATIENCE {
        let times: Vec<u64> = (next..next + USUAL as u64).map(time).collect();
        let made = stream.generate(next, &times)?;
        if made.is_empty() {
            break;
        }
        next += made.len() as u64;
        marks.push((next, stream.memory()));
    }
    // What it needs to begin with is needed by then.
    let Some(&(early, before)) = marks.get(marks.len() / 5) else {
        return Ok((Outcome::Skipped, "it made no records".to_owned()));
    };
    let (late, after) = marks.last().copied().unwrap_or((early, before));
    let said = format!(
        "{:.1} MiB after {early} records, {:.1} MiB after {late}",
        before as f64 / MIB,
        after as f64 / MIB
    );
    match stream.replacements() > 0 || after > before + SLACK {
        true => Err(Fault::Wrong(
            said + "; what isn't needed any more has to be given back",
        )),
        false => Ok((Outcome::Passed, said)),
    }
}
