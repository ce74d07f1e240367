//! `wellhead check`: everything that can be known before a run.

use std::sync::Arc;

use super::args::CheckArgs;
use super::{CliError, Status};
use crate::emulation::{Emulation, Engine};
use crate::plugin::Stream;
use crate::record::Channel;
use crate::settings::Environment;

/// Checks a spec; with `--connect` also logs in to each sink.
///
/// # Errors
/// What is wrong, and where.
pub async fn run(
    engine: &Engine,
    args: &CheckArgs,
    environment: &Environment,
) -> Result<Status, CliError> {
    let document = args.spec.document(environment)?;
    let plans = engine.plans(&document, "check", 0, args.spec.tuning())?;
    for plan in &plans {
        let mut stream: Stream = plan.configured.open(plan.seed, 0, plan.streams, None);
        stream.set_clock(plan.start.unwrap_or_default());
        stream.start()?;
        let channels: Vec<&str> = plan.configured.channels.iter().map(channel_name).collect();
        eprintln!(
            "{}: generator {} {}, channels {}",
            plan.name,
            plan.configured.generator.description.name,
            plan.configured.generator.description.version,
            channels.join(", ")
        );
        for sink in &plan.sinks {
            eprintln!("  sink {}", sink.config.target());
        }
    }
    if args.connect {
        for plan in plans {
            let targets = Emulation::connect(&Arc::new(plan)).await?;
            for target in targets {
                eprintln!("  {target}: there, and takes us");
            }
        }
    }
    eprintln!("the spec is good");
    Ok(Status::Done)
}

fn channel_name(channel: &Channel) -> &str {
    &channel.name
}
