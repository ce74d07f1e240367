//! What it costs to be able to go on: checkpoints at full speed, and bringing a generator with a
//! state back to where it was.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use tokio_util::sync::CancellationToken;
use wellhead::emulation::pool::Pool;
use wellhead::emulation::{Emulation, Engine, Environment};
use wellhead::plugin::{Configured, History};
use wellhead::spec::{Connections, Format, parse};
use wellhead::state::State;
use wellhead::telemetry::Clock;

use crate::guest::{self, SEED, START, STEP};
use crate::measure::{Outcome, median, ratio, take_turns};
use crate::table::{Row, rate};

const TURNS: usize = 5;
/// Records of a turn into null and into a file: some seconds, and so several checkpoints.
const COUNTED: u64 = 12_000_000;
const WRITTEN: u64 = 2_500_000;
/// Where a generator is brought back to.
const BACK_TO: u64 = 1_000_000;

/// Records a second of a run in this process, with a state or without.
async fn run(sink: &str, records: u64, folder: &Path, state: bool) -> Outcome<f64> {
    let spec = format!(
        "{{generator: transaction, seed: 7, streams: 2, load: max, clock: {{start: 2024-01-01T00:00:00Z}}, \
         until: {{records: {records}}}, sinks: [\"{sink}\"]}}"
    );
    let document = parse(&spec, Format::Yaml, "bench")?;
    let engine = Engine::new(
        Some(folder.join("cache")),
        "plugins".into(),
        Connections::default(),
    )?;
    let plans = engine.plans(&document, "bench", 7, Default::default())?;
    let plan = plans.into_iter().next().ok_or("no emulation")?;
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let pool = Pool::start(cores)?;
    let own = tempfile::tempdir_in(folder)?;
    let environment = Environment {
        clock: Clock::start(),
        hands: pool.hands(),
        state: match state {
            true => Some(State::open(own.path()).await?),
            false => None,
        },
        traces: None,
        cancel: CancellationToken::new(),
        go_on: false,
        now: START,
    };
    let emulation = Emulation::prepare(Arc::new(plan), environment, None).await?;
    let report = emulation.start()?.wait().await.report;
    if report.records.acknowledged != records {
        return Err(format!(
            "{} of {records} records: {:?}",
            report.records.acknowledged, report.error
        )
        .into());
    }
    Ok(report.rate)
}

fn checkpoints(name: &str, sink: &str, records: u64, folder: &Path) -> Outcome<Row> {
    let runtime = tokio::runtime::Runtime::new()?;
    let [with, without] = take_turns(
        TURNS,
        [
            &mut || runtime.block_on(run(sink, records, folder, true)),
            &mut || runtime.block_on(run(sink, records, folder, false)),
        ],
    )?;
    let detail = format!("{} ÷ {}", rate(median(&with)), rate(median(&without)));
    Ok(Row::at_least(name, ratio(&with, &without), 0.97, &detail))
}

/// The times of the records before.
struct Steps;

impl History for Steps {
    fn times(&mut self, first: u64, count: usize, out: &mut Vec<u64>) {
        out.extend((first..first + count as u64).map(|index| START + index * STEP));
    }
}

/// Milliseconds until a stream gives a record again, from a saved state or through all before it.
fn back(configured: &Arc<Configured>, state: Option<&[u8]>) -> Outcome<f64> {
    let begun = Instant::now();
    let state = state.map(|state| (BACK_TO, state.to_vec()));
    let mut stream = configured.open(SEED, 0, 1, state);
    stream.set_history(Box::new(Steps));
    let made = stream.generate(BACK_TO, &[START + BACK_TO * STEP])?;
    match made.len() {
        1 => Ok(begun.elapsed().as_secs_f64() * 1e3),
        n => Err(format!("{n} records instead of one").into()),
    }
}

fn state_of_a_generator() -> Outcome<Row> {
    let runtime = guest::runtime()?;
    let walker = guest::load(&runtime, &guest::built("fixtures/walker.wasm")?)?;
    let mut stream = walker.open(SEED, 0, 1, None);
    stream.set_history(Box::new(Steps));
    stream.generate(BACK_TO - 1, &[START + (BACK_TO - 1) * STEP])?;
    let state = stream.save()?.ok_or("the walker saves nothing")?;
    let [saved, replayed] = take_turns(
        TURNS,
        [&mut || back(&walker, Some(&state)), &mut || {
            back(&walker, None)
        }],
    )?;
    Ok(Row::beside(
        "a generator back at record 1,000,000",
        format!(
            "{:.2} ms from `save` ({} bytes), {:.0} ms through its records",
            median(&saved),
            state.len(),
            median(&replayed)
        ),
    ))
}

/// Rates with and without checkpoints, and the two ways back of a generator.
pub fn rows() -> Outcome<Vec<Row>> {
    let folder = tempfile::tempdir()?;
    let file = format!("file:{}", folder.path().join("out.ndjson").display());
    Ok(vec![
        checkpoints(
            "with checkpoints ÷ without, into null",
            "null",
            COUNTED,
            folder.path(),
        )?,
        checkpoints(
            "with checkpoints ÷ without, into a file",
            &file,
            WRITTEN,
            folder.path(),
        )?,
        state_of_a_generator()?,
    ])
}
