//! Taking turns, medians, and clocks of CPU time.
//!
//! What is compared is measured by turns in one run, A B A B, and a ratio is the median of the
//! turns' ratios: a machine that slows down for a while slows both.

use std::time::{Duration, Instant};

use rustix::time::{ClockId, Timespec, clock_gettime};

/// What goes wrong in a benchmark is only ever shown.
pub type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// The middle value; of an even number the mean of the two in the middle.
pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    match (sorted.len(), sorted.len() / 2) {
        (0, _) => f64::NAN,
        (n, half) if n % 2 == 1 => sorted[half],
        (_, half) => f64::midpoint(sorted[half - 1], sorted[half]),
    }
}

/// One measurement of something.
pub type Turn<'a> = &'a mut dyn FnMut() -> Outcome<f64>;

/// Measures each in turn, so many times; gives each one's values, in the order of the turns.
pub fn take_turns<const N: usize>(turns: usize, mut each: [Turn<'_>; N]) -> Outcome<[Vec<f64>; N]> {
    let mut values = [const { Vec::new() }; N];
    for _ in 0..turns {
        for (turn, values) in each.iter_mut().zip(&mut values) {
            values.push(turn()?);
        }
    }
    Ok(values)
}

/// The median of the turns' ratios `a / b`.
pub fn ratio(a: &[f64], b: &[f64]) -> f64 {
    let ratios: Vec<f64> = a.iter().zip(b).map(|(a, b)| a / b).collect();
    median(&ratios)
}

fn duration(time: Timespec) -> Duration {
    Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec as u32)
}

/// CPU time of this thread.
pub fn thread_cpu() -> Duration {
    duration(clock_gettime(ClockId::ThreadCPUTime))
}

/// Seconds that something took.
#[derive(Clone, Copy)]
pub struct Measure {
    /// By the wall.
    pub wall: f64,
    /// Of CPU time, on all threads of this process.
    pub cpu: f64,
}

/// Measures wall time and CPU time of all threads of this process.
pub struct Meter {
    wall: Instant,
    cpu: Duration,
}

impl Meter {
    /// Begins.
    pub fn start() -> Meter {
        Meter {
            wall: Instant::now(),
            cpu: duration(clock_gettime(ClockId::ProcessCPUTime)),
        }
    }

    /// Ends.
    pub fn stop(&self) -> Measure {
        let cpu = duration(clock_gettime(ClockId::ProcessCPUTime)).saturating_sub(self.cpu);
        Measure {
            wall: self.wall.elapsed().as_secs_f64(),
            cpu: cpu.as_secs_f64(),
        }
    }
}
