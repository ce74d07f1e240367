//! What an instance takes as it goes on.

use std::time::{Duration, Instant};

use super::made::{One, USUAL, open, time};
use super::{Fault, Outcome, Trial, Tried, reconfigured};
use crate::plugin::{Generated, Validate};

/// Records that it goes on for, as many times as were compared.
const FURTHER: u64 = 20;
/// And no longer than this.
const PATIENCE: Duration = Duration::from_secs(5);
/// Bytes by which memory may grow: caches fill, allocators round up.
const SLACK: usize = 1 << 20;
const MIB: f64 = (1 << 20) as f64;

/// What was seen after so many records.
#[derive(Clone, Copy, Default)]
struct Mark {
    records: u64,
    memory: usize,
    /// Bytes of all batches so far, as the guest gave them.
    given: usize,
    /// Bytes by which memory has grown so far, what was given back not taken off.
    grown: usize,
}

pub fn flat(trial: &Trial, first: &[One]) -> Tried {
    let configured = reconfigured(&trial.checked, Validate::Off)?;
    let mut stream = open(&configured, trial.options.seed, (0, 1), None);
    let (begun, end) = (Instant::now(), FURTHER * first.len() as u64);
    let (mut marks, mut last) = (Vec::new(), Mark::default());
    while last.records < end && begun.elapsed() < PATIENCE {
        let next = last.records;
        let times: Vec<u64> = (next..next + USUAL as u64).map(time).collect();
        let made = stream.generate(next, &times)?;
        if made.is_empty() {
            break;
        }
        let memory = stream.memory();
        last = Mark {
            records: next + made.len() as u64,
            memory,
            given: last.given + bytes(&made),
            grown: last.grown + memory.saturating_sub(last.memory),
        };
        marks.push(last);
    }
    // What it needs to begin with is needed by then.
    let Some(early) = marks.get(marks.len() / 5).copied() else {
        return Ok((Outcome::Skipped, "it made no records".to_owned()));
    };
    let replaced = stream.replacements() > 0;
    let said = format!(
        "{:.1} MiB after {} records, {:.1} MiB after {}",
        early.memory as f64 / MIB,
        early.records,
        last.memory as f64 / MIB,
        last.records
    );
    if !replaced && last.memory <= early.memory + SLACK {
        return Ok((Outcome::Passed, said));
    }
    let (grown, given) = (last.grown - early.grown, last.given - early.given);
    let unseen = trial.checked.generator.description.random_access || stream.save()?.is_some();
    match unseen && grown <= given + given / 2 + SLACK {
        // As a whole runtime may, which its author can't mend: Python's does.
        true => Ok((
            Outcome::Noted,
            said + "; it keeps about what it gives, and the host replaces it in time, unseen in the records",
        )),
        false => Err(Fault::Wrong(
            said + "; what isn't needed any more has to be given back",
        )),
    }
}

/// What a batch takes in the guest.
fn bytes(made: &Generated) -> usize {
    let ends = (made.ends.len() + made.key_ends.len()) * size_of::<u32>();
    let columns = made.channels.len() + made.operations.len();
    made.payload.len() + made.keys.len() + ends + columns
}
