//! `wellhead verify`: a run beside its manifest, and what a sink holds of it.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use tokio::runtime::Handle;

use super::args::VerifyArgs;
use super::run::write_json;
use super::show::{count, frame};
use super::{CliError, Status, flags};
use crate::emulation::Engine;
use crate::emulation::manifest::Manifest;
use crate::sink::Config;
use crate::sink::read::Reading;
use crate::spec::{Problem, SinkBlock, SpecError};
use crate::verify::report::{Outcome, Report};
use crate::verify::{self, Given, Progress, Rejections, Rerun, VerifyError, merge};

/// How often the bar moves.
const EVERY: Duration = Duration::from_millis(100);

/// Verifies, or merges manifests.
///
/// # Errors
/// Whatever keeps it from being done; that something differs is no error but a status.
pub fn run(engine: &Engine, args: &VerifyArgs, runtime: &Handle) -> Result<Status, CliError> {
    if args.merge {
        return merged(args);
    }
    let [path] = args.manifests.as_slice() else {
        return Err(CliError::Usage(
            "one manifest is verified at a time; --merge makes those of shards into one".to_owned(),
        ));
    };
    let manifests = chosen(verify::read(path)?, args)?;
    let mut status = Status::Done;
    let mut reports = Vec::with_capacity(manifests.len());
    for manifest in &manifests {
        let report = one(engine, manifest, args, runtime)?;
        eprintln!("{}", table(&report));
        if report.outcome == Outcome::Differs {
            status = Status::Failed;
        }
        reports.push(report);
    }
    if let Some(path) = &args.report {
        match reports.as_slice() {
            [only] => write_json(path, only)?,
            several => write_json(path, &serde_json::json!({ "emulations": several }))?,
        }
    }
    Ok(status)
}

fn merged(args: &VerifyArgs) -> Result<Status, CliError> {
    let mut manifests = Vec::with_capacity(args.manifests.len());
    for path in &args.manifests {
        for manifest in verify::read(path)? {
            manifests.push((path.display().to_string(), manifest));
        }
    }
    let whole = merge::merge(&manifests)?;
    let out = args.manifest.as_deref().unwrap_or(Path::new("-"));
    write_json(out, &whole)?;
    Ok(Status::Done)
}

/// The manifests that are meant: all of a scenario, unless a sink is to be read.
fn chosen(manifests: Vec<Manifest>, args: &VerifyArgs) -> Result<Vec<Manifest>, CliError> {
    let name = |manifest: &Manifest| {
        let spec = &manifest.identity["spec"];
        let name = spec["name"].as_str().or(spec["generator"].as_str());
        name.unwrap_or_default().to_owned()
    };
    let names: Vec<String> = manifests.iter().map(name).collect();
    let Some(wanted) = &args.emulation else {
        let url = args.from.as_ref().is_some_and(|from| !from.is_empty());
        return match manifests.len() {
            2.. if url => Err(CliError::Usage(format!(
                "--from can't tell which emulation it is the sink of; say --emulation NAME: {}",
                names.join(", ")
            ))),
            _ => Ok(manifests),
        };
    };
    let found: Vec<Manifest> = manifests
        .into_iter()
        .filter(|manifest| name(manifest) == *wanted)
        .collect();
    match found.is_empty() {
        true => Err(CliError::Usage(format!(
            "the manifest has no emulation `{wanted}`; there are: {}",
            names.join(", ")
        ))),
        false => Ok(found),
    }
}

fn one(
    engine: &Engine,
    manifest: &Manifest,
    args: &VerifyArgs,
    runtime: &Handle,
) -> Result<Report, CliError> {
    let begun = Instant::now();
    let mut assets = BTreeMap::new();
    for text in &args.assets {
        let (name, path) = flags::pair("--asset", text, "NAME=FILE")?;
        assets.insert(name.to_owned(), PathBuf::from(path));
    }
    let given = Given {
        component: args.component.clone(),
        assets,
    };
    let rerun = Rerun::new(engine, manifest, &given)?;
    let progress = Progress::default();
    let mut report = match &args.from {
        None => {
            let cores = std::thread::available_parallelism().map_or(1, usize::from);
            let threads = args.workers.unwrap_or(cores);
            let checks = shown(&rerun, &progress, || {
                verify::regenerate(&rerun, threads, &progress)
            })?;
            Report::new(&rerun, checks, None)
        }
        Some(from) => {
            let block = sink(&rerun, from)?;
            let config = block.configure(&engine.connections)?;
            let json = rerun.plan.json();
            let channels = &rerun.plan.configured.channels;
            config.check(channels, json).map_err(|error| {
                CliError::Usage(format!("sink {}: {}", config.target(), error.message))
            })?;
            let captured = is_capture(&rerun, &block);
            let rejections = rejections(&rerun, &*config, args)?;
            let reading = Reading {
                run: rerun.plan.run.clone(),
                channels: channels.clone().into(),
                json,
                streams: rerun.plan.streams,
                captured,
                runtime: runtime.clone(),
            };
            let reader = config.reader(&reading).map_err(VerifyError::Sink)?;
            let mut report = shown(&rerun, &progress, || {
                verify::compare(&rerun, reader, &rejections, &progress)
            })?;
            report.from = Some(config.target());
            if captured {
                let note = "the file was captured from another sink: its order isn't judged";
                report.notes.push(note.to_owned());
            }
            report
        }
    };
    report.decide(args.allow_repeated);
    report.elapsed_s = begun.elapsed().as_secs_f64();
    Ok(report)
}

/// The sink that is meant: a URL, a kind among the spec's, or the spec's only one.
fn sink(rerun: &Rerun, from: &str) -> Result<SinkBlock, CliError> {
    let kinds: Vec<&str> = rerun.sinks.iter().map(|sink| sink.kind.as_str()).collect();
    let known = || match kinds.is_empty() {
        true => "the spec has none: give its URL".to_owned(),
        false => format!("the spec has {}; give a kind or a URL", kinds.join(", ")),
    };
    let of_kind: Vec<&SinkBlock> = rerun
        .sinks
        .iter()
        .filter(|sink| from.is_empty() || sink.kind == from)
        .collect();
    match of_kind.as_slice() {
        [only] => Ok((*only).clone()),
        [] if !from.is_empty() => SinkBlock::from_url(from).map_err(|problem| {
            let message = format!("--from: {}", problem.message);
            CliError::Spec(SpecError::from(Problem { message, ..problem }))
        }),
        _ => Err(CliError::Usage(format!(
            "--from doesn't say which sink: {}",
            known()
        ))),
    }
}

/// Whether a file holds what somebody wrote down of another sink, since the run wrote none.
fn is_capture(rerun: &Rerun, block: &SinkBlock) -> bool {
    let writes = |kind: &str| rerun.sinks.iter().any(|sink| sink.kind == kind);
    block.kind == "file" && !rerun.sinks.is_empty() && !writes("file") && !writes("stdout")
}

fn rejections(
    rerun: &Rerun,
    config: &dyn Config,
    args: &VerifyArgs,
) -> Result<Rejections, CliError> {
    let path = args.rejected.as_ref().or(rerun.plan.rejected.as_ref());
    Ok(match path {
        Some(path) => Rejections::read(path, &rerun.plan.run, &config.target())?,
        None => Rejections::default(),
    })
}

/// Works, with a bar on a terminal.
fn shown<T: Send>(
    rerun: &Rerun,
    progress: &Progress,
    work: impl FnOnce() -> Result<T, VerifyError> + Send,
) -> Result<T, CliError> {
    if !std::io::stderr().is_terminal() {
        return Ok(work()?);
    }
    let bar = ProgressBar::new(rerun.records());
    if let Ok(style) = ProgressStyle::with_template(
        "{bar:30} {percent}%  {human_pos} records  {per_sec}  {eta} left",
    ) {
        bar.set_style(style);
    }
    let (done, waits) = channel::<()>();
    let outcome = std::thread::scope(|scope| {
        let bar = &bar;
        scope.spawn(move || {
            while waits.recv_timeout(EVERY) == Err(RecvTimeoutError::Timeout) {
                bar.set_position(progress.records());
            }
        });
        let outcome = work();
        drop(done);
        outcome
    });
    bar.finish_and_clear();
    Ok(outcome?)
}

/// What a person reads.
fn table(report: &Report) -> String {
    let mut table = frame();
    let mut row = |name: &str, value: String| {
        table.add_row(vec![name.to_owned(), value]);
    };
    let outcome = match report.outcome {
        Outcome::Verified => "verified",
        Outcome::Differs => "differs",
    };
    row(&report.name, outcome.to_owned());
    row("run", report.run.clone());
    let failed = report.streams.iter().filter(|stream| !stream.held).count();
    let hashes = match failed {
        0 => format!("{} as in the manifest", count(report.streams.len() as u64)),
        _ => format!(
            "{failed} of {} differ from the manifest",
            report.streams.len()
        ),
    };
    row("streams", hashes);
    if let (Some(from), Some(counts)) = (&report.from, &report.counts) {
        row("sink", from.clone());
        row(
            "records",
            format!(
                "{} expected, {} matched, {} rejected",
                count(counts.expected),
                count(counts.matched),
                count(counts.rejected)
            ),
        );
        row(
            "differences",
            format!(
                "{} missing, {} repeated, {} reordered, {} altered, {} foreign",
                count(counts.missing),
                count(counts.repeated),
                count(counts.reordered),
                count(counts.altered),
                count(counts.foreign)
            ),
        );
    }
    for example in report.examples.iter().take(10) {
        let kind = format!("{:?}", example.kind).to_lowercase();
        let at = match (example.stream, example.index) {
            (Some(stream), Some(index)) => {
                format!("{}: stream {stream}, index {index}", example.place)
            }
            _ => example.place.clone(),
        };
        let fields: Vec<&str> = example
            .diff
            .iter()
            .map(|diff| diff.field.as_str())
            .collect();
        let more = match fields.is_empty() {
            true => String::new(),
            false => format!(" ({})", fields.join(", ")),
        };
        row(&kind, format!("{at}{more}"));
    }
    for note in &report.notes {
        row("note", note.clone());
    }
    table.to_string()
}
