//! `wellhead run`: emulations in the foreground.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest as _, Sha256};
use tokio_util::sync::CancellationToken;

use super::live::LiveLine;
use super::signals::Signals;
use super::{CliError, Status, show, telemetry};
use crate::emulation::manifest::Manifest;
use crate::emulation::plan::Tuning;
use crate::emulation::pool::Pool;
use crate::emulation::report::{Outcome, Report, ScenarioReport};
use crate::emulation::running::Ended;
use crate::emulation::{Control, Emulation, Engine, Environment, Plan};
use crate::spec::{Document, Spec};
use crate::state::{State, StoredRun};
use crate::telemetry::otlp::{Config, Otlp};
use crate::telemetry::{Clock, Lateness, wall};

/// What a run is asked beside its spec.
#[derive(Clone, Debug, Default)]
pub struct RunOptions {
    /// Worker threads; the machine's cores when absent.
    pub workers: Option<usize>,
    /// State folder.
    pub state: PathBuf,
    /// Identity of the run.
    pub run: Option<String>,
    /// Go on with it.
    pub resume: bool,
    /// Where the report goes; `-` is standard output.
    pub report: Option<PathBuf>,
    /// Where the manifest goes, beside the state folder's copy.
    pub manifest: Option<PathBuf>,
    /// Where the ledger of faults goes.
    pub ledger: Option<PathBuf>,
    /// How many sample records and which pictures to show at the end.
    pub show: usize,
    /// Where traces and metrics are sent.
    pub telemetry: Option<Config>,
    /// For tests.
    pub tuning: Tuning,
}

/// Runs all emulations of a document to their end.
///
/// # Errors
/// Whatever keeps them from starting: nothing was sent then.
pub async fn run(
    engine: &Engine,
    document: Document,
    options: RunOptions,
) -> Result<Status, CliError> {
    let mut otlp = telemetry::start(options.telemetry.as_ref())?;
    let status = observed(engine, document, options, otlp.as_mut()).await;
    if let Some(otlp) = otlp {
        otlp.finish().await;
    }
    status
}

async fn observed(
    engine: &Engine,
    mut document: Document,
    options: RunOptions,
    otlp: Option<&mut Otlp>,
) -> Result<Status, CliError> {
    if document
        .emulations()
        .iter()
        .any(|spec| spec.sinks.is_empty())
    {
        return Err(CliError::Usage(
            "there is no sink: say where records go, with `sinks:` in the spec or --to (--to stdout, --to file:out.ndjson, --to null)".to_owned(),
        ));
    }
    let state = State::open(&options.state).await?;
    let shared = shared_run(&document)?;
    let stored = find(&state, &document, &options, shared.as_deref()).await?;
    let run = match &stored {
        Some(runs) => runs.run.clone(),
        None => match options.run.as_ref().or(shared.as_ref()) {
            Some(run) => run.clone(),
            None => drawn_run()?,
        },
    };
    let seed = match stored.as_ref().and_then(|s| s.seed) {
        Some(seed) => seed,
        None => drawn_seed()?,
    };
    for spec in document.emulations_mut() {
        spec.seed.get_or_insert(seed);
    }
    let plans: Vec<Arc<Plan>> = engine
        .plans(&document, &run, seed, options.tuning)?
        .into_iter()
        .map(|plan| with_ledger(plan, &document, options.ledger.as_deref()).map(Arc::new))
        .collect::<Result<_, CliError>>()?;
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let pool = Pool::start(options.workers.unwrap_or(cores))
        .map_err(|e| CliError::Usage(format!("the system gives no threads: {e}")))?;
    let environment = Environment {
        // A run that was drawn has no other beginning.
        go_on: options.resume && (options.run.is_some() || shared.is_some()),
        clock: Clock::start(),
        hands: pool.hands(),
        state: Some(state.clone()),
        cancel: CancellationToken::new(),
        traces: otlp.as_ref().and_then(|otlp| otlp.traces()),
        now: wall(),
    };
    let ended = conduct(&plans, &environment, stored, otlp).await?;
    let status = conclude(&document, &plans, ended, &options, &environment)?;
    state.close().await;
    Ok(status)
}

/// The plan with its ledger; each emulation of a scenario has its own.
fn with_ledger(
    mut plan: Plan,
    document: &Document,
    ledger: Option<&Path>,
) -> Result<Plan, CliError> {
    let Some(path) = ledger else { return Ok(plan) };
    let text = path.to_string_lossy();
    if matches!(document, Document::Scenario { .. }) && !text.contains("{emulation}") {
        return Err(CliError::Usage(format!(
            "--ledger {text}: each emulation of the scenario has a ledger of its own; write {{emulation}} into the name"
        )));
    }
    plan.ledger = Some(text.replace("{emulation}", &plan.name).into());
    Ok(plan)
}

/// What the state knows of a run that is to be gone on with.
struct Stored {
    run: String,
    seed: Option<u64>,
    runs: Vec<StoredRun>,
}

async fn find(
    state: &State,
    document: &Document,
    options: &RunOptions,
    shared: Option<&str>,
) -> Result<Option<Stored>, CliError> {
    let first = document
        .emulations()
        .first()
        .map(|spec| spec.display_name());
    let alone = matches!(document, Document::One(_));
    let name = first.unwrap_or_default();
    let named = options.run.as_deref().or(shared);
    let newest = match (named, alone) {
        (Some(run), true) => state.find(run).await?,
        (Some(run), false) => state.find(&format!("{run}/{name}")).await?,
        (None, _) => state.newest(&name).await?,
    };
    let Some(newest) = newest else {
        return Ok(None);
    };
    if !options.resume {
        if newest.outcome.is_none() {
            tracing::info!(run = %newest.id, "an unfinished run of that name is left alone; --resume goes on with it");
        }
        return match named {
            Some(run) => Err(CliError::Usage(format!(
                "run {run} is known already; go on with it by --resume, or give the new one another name by --run"
            ))),
            None => Ok(None),
        };
    }
    // Without a name, a run that is over is no reason not to begin another.
    if newest.outcome.is_some() && named.is_none() {
        return Ok(None);
    }
    let run = match newest.id.strip_suffix(&format!("/{name}")) {
        Some(run) if !alone => run.to_owned(),
        _ => newest.id.clone(),
    };
    let mut runs = Vec::new();
    for spec in document.emulations() {
        let id = if alone {
            run.clone()
        } else {
            format!("{run}/{}", spec.display_name())
        };
        runs.extend(state.find(&id).await?);
    }
    Ok(Some(Stored {
        seed: newest.identity["seed"].as_u64(),
        run,
        runs,
    }))
}

/// Prepares all, then starts all, then waits for all.
async fn conduct(
    plans: &[Arc<Plan>],
    environment: &Environment,
    stored: Option<Stored>,
    otlp: Option<&mut Otlp>,
) -> Result<Vec<Outcomes>, CliError> {
    let mut prepared = Vec::with_capacity(plans.len());
    for plan in plans {
        let stored = stored
            .as_ref()
            .and_then(|s| s.runs.iter().find(|r| r.id == plan.run));
        prepared.push(
            Emulation::prepare(Arc::clone(plan), environment.clone(), stored.cloned()).await?,
        );
    }
    let mut running = Vec::with_capacity(prepared.len());
    for emulation in prepared {
        running.push(emulation.start()?);
    }
    let controls: Vec<Control> = running.iter().map(|r| r.control()).collect();
    if let Some(otlp) = otlp {
        telemetry::watch(otlp, plans, &controls);
    }
    let line = LiveLine::start(controls.clone());
    let signals = Signals::listen(controls)?;
    let mut ended = Vec::with_capacity(running.len());
    for emulation in running {
        ended.push(emulation.wait().await);
    }
    line.finish().await;
    let signal = signals.finish().await;
    Ok(ended
        .into_iter()
        .map(|ended| Outcomes { ended, signal })
        .collect())
}

struct Outcomes {
    ended: Ended,
    /// The signal that stopped it.
    signal: Option<i32>,
}

/// Reports, manifests, tables; and the exit status.
fn conclude(
    document: &Document,
    plans: &[Arc<Plan>],
    outcomes: Vec<Outcomes>,
    options: &RunOptions,
    environment: &Environment,
) -> Result<Status, CliError> {
    let mut reports = Vec::with_capacity(outcomes.len());
    let mut manifests = Vec::new();
    let mut status = Status::Done;
    for ((plan, outcome), spec) in plans.iter().zip(outcomes).zip(document.emulations()) {
        let Outcomes { ended, signal } = outcome;
        let mut report = ended.report;
        if let Some(manifest) = ended.manifest {
            let name = format!("{}.manifest.json", plan.run.replace('/', "+"));
            let path = options.state.join("runs").join(name);
            let written = write_json(&path, &manifest);
            // What became of the records is still to be said.
            if let Err(error) = &written {
                eprintln!("wellhead: {error}");
                status = status.worse(Status::Failed);
            }
            report.manifest = written.ok().map(|()| path.display().to_string());
            manifests.push(manifest);
        }
        status = status.worse(Status::of(&report, &spec.expect.rules, signal));
        print(plan, &report, &ended.lateness, options, environment)?;
        reports.push(report);
    }
    if let Some(path) = &options.manifest {
        write_manifests(path, &manifests)?;
    }
    if let Some(path) = &options.report {
        let alone = matches!(document, Document::One(_));
        match (alone, reports.first()) {
            (true, Some(report)) => write_json(path, report)?,
            _ => write_json(
                path,
                &ScenarioReport {
                    emulations: reports,
                },
            )?,
        }
    }
    Ok(status)
}

fn print(
    plan: &Plan,
    report: &Report,
    lateness: &Lateness,
    options: &RunOptions,
    environment: &Environment,
) -> Result<(), CliError> {
    eprintln!("{}", show::table(report));
    if options.show > 0 {
        if let Some(picture) = show::histogram(lateness) {
            eprintln!("{picture}");
        }
        if report.outcome == Outcome::Finished {
            eprintln!("the first {} records:", options.show);
            for line in super::preview::sample(plan, options.show, environment.now)? {
                eprintln!("  {line}");
            }
        }
    }
    Ok(())
}

fn write_manifests(path: &Path, manifests: &[Manifest]) -> Result<(), CliError> {
    match manifests {
        [only] => write_json(path, only),
        several => write_json(path, &serde_json::json!({ "emulations": several })),
    }
}

/// Writes a value for people and programs; `-` is standard output.
pub(super) fn write_json(path: &Path, value: &impl serde::Serialize) -> Result<(), CliError> {
    let text = serde_json::to_string_pretty(value).map_err(CliError::output)?;
    if path == Path::new("-") {
        println!("{text}");
        return Ok(());
    }
    let written = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => std::fs::create_dir_all(parent),
        _ => Ok(()),
    };
    written
        .and_then(|()| std::fs::write(path, text + "\n"))
        .map_err(|e| CliError::Usage(format!("{} can't be written: {e}", path.display())))
}

/// A seed from the system's entropy.
pub fn drawn_seed() -> Result<u64, CliError> {
    getrandom::u64().map_err(|e| {
        CliError::Usage(format!(
            "the system gives no random numbers: {e}; say --seed N"
        ))
    })
}

/// The run of all shards of one document, which they can agree on without a word: its digest.
fn shared_run(document: &Document) -> Result<Option<String>, CliError> {
    if document
        .emulations()
        .iter()
        .all(|spec| spec.shard.is_none())
    {
        return Ok(None);
    }
    let mut whole = document.clone();
    for spec in whole.emulations_mut() {
        spec.shard = None;
    }
    let specs: Vec<_> = whole.emulations().iter().map(Spec::redacted).collect();
    let text = serde_json::to_string(&specs).map_err(CliError::output)?;
    let digest = hex::encode(Sha256::digest(text.as_bytes()));
    Ok(Some(format!(
        "spec-{}",
        digest.get(..16).unwrap_or_default()
    )))
}

fn drawn_run() -> Result<String, CliError> {
    let drawn = getrandom::u32().map_err(|e| {
        CliError::Usage(format!(
            "the system gives no random numbers: {e}; say --run ID"
        ))
    })?;
    let stamp = jiff::Timestamp::now().strftime("%Y%m%dT%H%M%S");
    Ok(format!("{stamp}-{drawn:08x}"))
}
