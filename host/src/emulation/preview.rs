//! The first records of a run, exactly, in the order of their ticks, without waiting for any.

use std::sync::Arc;

use super::plan::Plan;
use super::{EmulationError, lane::Ended, lane::Producer, shared::Limits};
use crate::record::{Batch, Group, Nanos, Part};

/// Which records to show.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    /// How many, after faults.
    pub records: usize,
    /// One stream alone, or all of them merged.
    pub stream: Option<u32>,
    /// Index in the stream to begin at, before faults.
    pub from: u64,
}

struct Source {
    producer: Producer,
    known: Nanos,
    over: bool,
}

/// Calls `each` with the first records of the plan's run, merged by release order. `now` (nanoseconds
/// since the Unix epoch) is where a run by the wall clock would begin.
///
/// # Errors
/// Where the generator breaks a rule, traps or fails.
pub fn preview(
    plan: &Plan,
    window: Window,
    now: Nanos,
    mut each: impl FnMut(&Batch, usize),
) -> Result<(), EmulationError> {
    let mut sources = sources(plan, window, now)?;
    let limits = Limits::of(plan.streams, plan.tuning.batch);
    let mut parts: Vec<Part> = Vec::new();
    loop {
        let certain = sources.iter().map(|s| s.known).min().unwrap_or(u64::MAX);
        let enough = parts
            .iter()
            .map(|part| part.batch.order.partition_point(|&order| order < certain))
            .sum::<usize>()
            >= window.records;
        if enough || certain == u64::MAX {
            break;
        }
        for source in sources.iter_mut().filter(|s| s.known == certain) {
            source.advance(plan, &limits, &mut parts)?;
        }
    }
    let group = Group {
        parts,
        streams: plan.streams,
    };
    let mut left = window.records;
    // Ends the walk; it is no error to anybody.
    let _ = group.merged(|part, k| {
        if left == 0 {
            return Err(());
        }
        left -= 1;
        each(&group.parts[part].batch, k);
        Ok(())
    });
    Ok(())
}

fn sources(plan: &Plan, window: Window, now: Nanos) -> Result<Vec<Source>, EmulationError> {
    let log = Arc::new(plan.first_schedule(now));
    let streams = match window.stream {
        Some(stream) => stream..stream + 1,
        None => 0..plan.streams,
    };
    streams
        .map(|stream| {
            let producer = plan.producer(&log, stream, window.from)?;
            Ok(Source {
                known: producer.known(0),
                producer,
                over: false,
            })
        })
        .collect()
}

impl Source {
    fn advance(
        &mut self,
        plan: &Plan,
        limits: &Limits,
        parts: &mut Vec<Part>,
    ) -> Result<(), EmulationError> {
        let ended =
            self.producer
                .step(u64::MAX, limits)
                .map_err(|message| EmulationError::Generator {
                    name: plan.generator_name(),
                    message,
                })?;
        self.over = matches!(ended, Some(Ended::Until | Ended::Generator));
        parts.extend(self.producer.take(self.over).into_iter().map(|batch| Part {
            range: 0..batch.len(),
            batch: Arc::new(batch),
            pace: None,
        }));
        self.known = match self.over {
            true => u64::MAX,
            false => self.producer.known(self.known),
        };
        Ok(())
    }
}
