//! The ledger: what faults did to which record, a line of JSON each.
//!
//! It is written at the end of an execution, by going through the streams again from their first
//! record: what faults do is a pure function, so the ledger of a run that was killed and resumed is that
//! of a run in one piece, and the hot path keeps nothing. Memory is flat, the time that of generation.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use super::EmulationError;
use super::core::Core;
use super::shared::Limits;
use crate::fault::Line;
use crate::record::Nanos;

/// The file under the name that it has until it is whole, empty; so that a run finds out before it sends
/// anything whether it can be written.
pub(super) fn begin(path: &Path) -> Result<File, EmulationError> {
    if let Some(folder) = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
    {
        std::fs::create_dir_all(folder).map_err(|source| failed(path, source))?;
    }
    File::create(partial(path)).map_err(|source| failed(path, source))
}

fn partial(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".partial");
    name.into()
}

fn failed(path: &Path, source: std::io::Error) -> EmulationError {
    EmulationError::Ledger {
        path: path.display().to_string(),
        source,
    }
}

/// Writes the lines of all streams of the shard, one stream after another, of what was released below
/// a cut, or of everything. The file takes its name when it is whole.
pub(super) fn write(core: &Core, path: &Path, below: Option<Nanos>) -> Result<(), EmulationError> {
    let failed = |source| failed(path, source);
    let mut out = BufWriter::with_capacity(1 << 18, begin(path)?);
    for lane in &core.lanes {
        each(core, lane.stream, below, |line| {
            serde_json::to_writer(&mut out, line)?;
            out.write_all(b"\n")
        })
        .map_err(|e| match e {
            Broken::Emulation(e) => e,
            Broken::Output(e) => failed(e),
        })?;
    }
    let file = out.into_inner().map_err(|e| failed(e.into_error()))?;
    file.sync_all().map_err(failed)?;
    std::fs::rename(partial(path), path).map_err(failed)
}

enum Broken {
    Emulation(EmulationError),
    Output(std::io::Error),
}

/// Gives every line of a stream: released records in sequence order, lost ones among them.
fn each(
    core: &Core,
    stream: u32,
    below: Option<Nanos>,
    mut give: impl FnMut(&Line) -> std::io::Result<()>,
) -> Result<(), Broken> {
    let plan = &core.plan;
    let below = below.unwrap_or(Nanos::MAX);
    if plan.faults.is_none() || below == 0 {
        return Ok(());
    }
    let log = core.live.log();
    let mut producer = plan
        .producer_at(&log, stream, None)
        .map_err(Broken::Emulation)?;
    producer.sequencer.keep_lines();
    let limits = Limits::of(plan.streams, plan.tuning.batch);
    loop {
        if core.cancel.is_cancelled() {
            return Ok(());
        }
        let due = producer.cursor.peek().is_some_and(|next| next < below);
        let over = match due {
            true => {
                let ended = producer.step(Nanos::MAX, &limits);
                let ended = ended.map_err(|message| {
                    let name = plan.generator_name();
                    Broken::Emulation(EmulationError::Generator { name, message })
                })?;
                ended.is_some()
            }
            false => true,
        };
        producer.take(over);
        for line in producer.sequencer.take_lines() {
            if line.release_ns < below {
                give(&line).map_err(Broken::Output)?;
            }
        }
        if over {
            return Ok(());
        }
    }
}
