//! How fast a generator is, beside another.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Serialize;

use super::made::{One, USUAL, open, time};
use super::{Outcome, Trial, Tried, reconfigured};
use crate::plugin::{Configured, PluginError, Stream, Validate};

/// How often each is measured, in turns: a machine that is slow for a while is slow for both.
const TURNS: usize = 5;
const SEED: u64 = 7;
/// How long the check measures, and what a usual call may take without a word: the host's deadline is CPU time, and
/// another machine may be slower.
const CHECKED: Duration = Duration::from_secs(1);
const LONG: Duration = Duration::from_millis(250);

/// What was measured of one generator: the median of its turns.
#[derive(Clone, Debug, Serialize)]
pub struct Speed {
    /// Which one.
    pub generator: String,
    /// Records a second, on one thread.
    pub records_per_second: f64,
    /// Bytes of a record, in the mean.
    pub record_bytes: f64,
    /// Bytes that an instance takes.
    pub memory_bytes: usize,
    /// Milliseconds from nothing to the first record, once it is compiled.
    pub first_record_ms: f64,
    /// Its records a second, as a multiple of the first one's.
    pub ratio: f64,
}

/// How fast it goes on one thread, and whether its calls stay far from the deadline.
pub(super) fn enough(trial: &Trial, _: &[One]) -> Tried {
    let configured = reconfigured(&trial.checked, Validate::Off)?;
    let mut lane = Lane::open(&configured)?;
    lane.turn(&configured, CHECKED)?;
    let rate = median(&lane.rates);
    let call = Duration::from_secs_f64(USUAL as f64 / rate.max(1.0));
    let said = format!("{rate:.0} records a second, {call:.1?} for a call of {USUAL}");
    match call > LONG {
        true => Ok((
            Outcome::Noted,
            said + "; a call that takes a second of CPU time is ended: say more with fewer steps",
        )),
        false => Ok((Outcome::Passed, said)),
    }
}

struct Lane {
    stream: Stream,
    next: u64,
    rates: Vec<f64>,
    bytes: u64,
    memory: usize,
    first: Duration,
}

/// Measures generators by turns, for so long in all. A stream that ends is begun again.
///
/// # Errors
/// Where one of them breaks the contract or a limit.
pub fn compare(all: &[Arc<Configured>], time: Duration) -> Result<Vec<Speed>, PluginError> {
    let turn = time / (TURNS * all.len().max(1)) as u32;
    let mut lanes = Vec::new();
    for configured in all {
        let configured = reconfigured(configured, Validate::Off)?;
        lanes.push((Lane::open(&configured)?, configured));
    }
    for _ in 0..TURNS {
        for (lane, configured) in &mut lanes {
            lane.turn(configured, turn)?;
        }
    }
    let rates: Vec<f64> = lanes.iter().map(|(lane, _)| median(&lane.rates)).collect();
    let speed = |((lane, configured), &rate): (&(Lane, Arc<Configured>), &f64)| Speed {
        generator: configured.generator.name().to_owned(),
        records_per_second: rate,
        record_bytes: lane.bytes as f64 / lane.next.max(1) as f64,
        memory_bytes: lane.memory,
        first_record_ms: lane.first.as_secs_f64() * 1e3,
        ratio: rate / rates.first().copied().unwrap_or(rate),
    };
    Ok(lanes.iter().zip(&rates).map(speed).collect())
}

impl Lane {
    fn open(configured: &Arc<Configured>) -> Result<Lane, PluginError> {
        let begun = Instant::now();
        let mut stream = open(configured, SEED, (0, 1), None);
        let made = stream.generate(0, &[time(0)])?;
        Ok(Lane {
            stream,
            next: made.len() as u64,
            rates: Vec::new(),
            bytes: made.payload.len() as u64,
            memory: 0,
            first: begun.elapsed(),
        })
    }

    fn turn(&mut self, configured: &Arc<Configured>, length: Duration) -> Result<(), PluginError> {
        let (begun, mut records) = (Instant::now(), 0);
        let mut times = Vec::with_capacity(USUAL);
        while begun.elapsed() < length {
            times.clear();
            times.extend((self.next..self.next + USUAL as u64).map(time));
            let made = self.stream.generate(self.next, &times)?;
            if made.is_empty() {
                // What it made so far still counts; the mean of bytes is over the records of its last stream.
                self.stream = open(configured, SEED, (0, 1), None);
                (self.next, self.bytes) = (0, 0);
                continue;
            }
            records += made.len() as u64;
            self.next += made.len() as u64;
            self.bytes += made.payload.len() as u64;
        }
        self.memory = self.memory.max(self.stream.memory());
        self.rates
            .push(records as f64 / begun.elapsed().as_secs_f64());
        Ok(())
    }
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or_default()
}
