//! `wellhead plugin test` and `bench`: what a generator holds, and how fast it is.

use std::sync::Arc;
use std::time::Duration;

use super::args::{SpecArgs, TrialArgs};
use super::sinks::plain;
use super::{CliError, Status, show};
use crate::emulation::Engine;
use crate::emulation::plan::Tuning;
use crate::plugin::Configured;
use crate::settings::Environment;
use crate::trial::{self, Difference, Finding, Options, Outcome, speed};

/// What everything else is measured beside.
const YARDSTICK: &str = "transaction";

/// Tries a generator; says of each check what was seen as soon as it is known.
///
/// # Errors
/// Where it can't be loaded or configured.
pub fn test(
    engine: &Engine,
    args: &TrialArgs,
    options: Options,
    environment: &Environment,
) -> Result<Status, CliError> {
    let configured = configured(engine, args, environment)?;
    let findings = trial::run(&configured, options, |finding| {
        if !args.json {
            eprintln!("{}", said(finding));
        }
    })?;
    if args.json {
        super::print_json(&findings)?;
    }
    let failed = findings.iter().filter(|f| f.outcome == Outcome::Failed);
    let name = configured.generator.name();
    match failed.count() {
        0 => {
            eprintln!("{name} holds what runs rely on");
            Ok(Status::Done)
        }
        n => {
            eprintln!("{name} fails {n} of {} checks", findings.len());
            Ok(Status::Failed)
        }
    }
}

/// Measures a generator beside a stock one.
///
/// # Errors
/// Where it can't be loaded or configured, or breaks the contract or a limit.
pub fn bench(
    engine: &Engine,
    args: &TrialArgs,
    time: Duration,
    environment: &Environment,
) -> Result<(), CliError> {
    let mine = configured(engine, args, environment)?;
    let stock = TrialArgs {
        generator: YARDSTICK.to_owned(),
        ..TrialArgs::default()
    };
    let stock = configured(engine, &stock, environment)?;
    let speeds = speed::compare(&[stock, mine], time)?;
    if args.json {
        return super::print_json(&speeds);
    }
    let mut table = plain([
        "generator",
        "records/s",
        "bytes a record",
        "MB/s",
        "memory",
        "first record",
        "÷ transaction",
    ]);
    for speed in &speeds {
        table.add_row([
            speed.generator.clone(),
            show::count(speed.records_per_second as u64),
            format!("{:.0}", speed.record_bytes),
            format!("{:.0}", speed.records_per_second * speed.record_bytes / 1e6),
            format!("{:.1} MiB", speed.memory_bytes as f64 / f64::from(1 << 20)),
            format!("{:.1} ms", speed.first_record_ms),
            format!("{:.3}", speed.ratio),
        ]);
    }
    super::print(&format!("{table}\n"))
}

/// A generator as flags and environment configure it.
fn configured(
    engine: &Engine,
    args: &TrialArgs,
    environment: &Environment,
) -> Result<Arc<Configured>, CliError> {
    let args = SpecArgs::alone(&args.generator, &args.given);
    let document = args.document(environment)?;
    let plans = engine.plans(&document, "test", 0, Tuning::default())?;
    match plans.as_slice() {
        [plan] => Ok(Arc::clone(&plan.configured)),
        _ => Err(CliError::Usage(
            "a scenario has several generators: name one".to_owned(),
        )),
    }
}

fn said(finding: &Finding) -> String {
    let mark = match finding.outcome {
        Outcome::Passed => "ok     ",
        Outcome::Failed => "FAILED ",
        Outcome::Noted => "look   ",
        Outcome::Skipped => "-      ",
    };
    let mut text = format!("{mark} {}: {}", finding.check, finding.seen);
    if let Some(difference) = &finding.difference {
        text.push_str(&differs(difference));
    }
    if matches!(finding.outcome, Outcome::Failed | Outcome::Noted) {
        text.push_str(&format!("\n        why it matters: {}", finding.why));
    }
    text
}

fn differs(difference: &Difference) -> String {
    let none = || "(no record)".to_owned();
    format!(
        "\n        first at record {}\n          it was {}\n          now is {}",
        difference.index,
        difference.expected.clone().unwrap_or_else(none),
        difference.found.clone().unwrap_or_else(none),
    )
}
