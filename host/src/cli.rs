//! The command line: one file for each command, and what they share.

mod access;
pub mod args;
mod check;
mod compile;
mod completions;
mod diagnose;
mod emulation;
mod flags;
mod health;
mod live;
mod logs;
mod plugin;
mod preview;
mod project;
mod registry;
mod run;
mod schema;
mod serve;
mod show;
mod signals;
mod sinks;
mod telemetry;
mod template;
mod token;
mod trial;
mod verify;

use std::io::IsTerminal;
use std::process::ExitCode;

use crate::client::ClientError;
use crate::emulation::preview::Window;
use crate::emulation::report::{Outcome, Report};
use crate::emulation::{EmulationError, Engine};
use crate::plugin::store::StoreError;
use crate::plugin::{PluginError, UploadError};
use crate::project::ProjectError;
use crate::registry::RegistryError;
use crate::settings::{self, Settings, SettingsError};
use crate::spec::{Rule, SpecError};
use crate::state::StateError;
use crate::telemetry::logs::LogError;
use crate::verify::VerifyError;

pub use args::Cli;
use args::Command;

/// Exit statuses, in the order in which they win when several apply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// 0
    Done,
    /// 130 or 143: a signal stopped it before `until`.
    Stopped(u8),
    /// 3: an `expect` did not hold.
    Unexpected,
    /// 1: failed, undrained, rejected, or ended early.
    Failed,
    /// 2: wrong usage; nothing was sent.
    Usage,
}

impl Status {
    /// Of a report, whose rules of `expect` are evaluated already.
    pub fn of(report: &Report, rules: &[Rule], signal: Option<i32>) -> Status {
        // A rule about rejected, dropped or ended-early records decides over the 1 that they would give.
        let decided = |metric: &str| rules.iter().any(|rule| rule.metric == metric);
        let failed = matches!(report.outcome, Outcome::Failed | Outcome::Undrained)
            || (report.outcome == Outcome::EndedEarly && !decided("ended_early"))
            || (report.records.rejected > 0 && !decided("rejected"));
        if failed {
            Status::Failed
        } else if report.expect.iter().any(|expect| !expect.held) {
            Status::Unexpected
        } else if report.outcome == Outcome::Stopped {
            Status::Stopped(signal.and_then(|s| u8::try_from(s).ok()).unwrap_or(130))
        } else {
            Status::Done
        }
    }

    /// Of two emulations of a scenario, the one that decides.
    pub fn worse(self, other: Status) -> Status {
        self.max(other)
    }

    fn code(self) -> ExitCode {
        ExitCode::from(match self {
            Status::Done => 0,
            Status::Failed => 1,
            Status::Usage => 2,
            Status::Unexpected => 3,
            Status::Stopped(code) => code,
        })
    }
}

/// Why a command couldn't do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// The spec is wrong; it shows where.
    #[error(transparent)]
    Spec(#[from] SpecError),
    /// The settings are wrong.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// A generator can't be used.
    #[error(transparent)]
    Plugin(#[from] PluginError),
    /// A generator can't be found.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A generator can't be added.
    #[error(transparent)]
    Upload(#[from] UploadError),
    /// An emulation can't be prepared or run.
    #[error(transparent)]
    Emulation(#[from] EmulationError),
    /// Tokens can't be read or made.
    #[error(transparent)]
    Token(#[from] crate::server::tokens::TokenError),
    /// Tokens of another issuer can't be checked.
    #[error(transparent)]
    Jwt(#[from] crate::server::jwt::JwtError),
    /// There can be no TLS.
    #[error(transparent)]
    Tls(#[from] crate::api::tls::TlsError),
    /// The server can't begin.
    #[error(transparent)]
    Server(#[from] crate::server::ServerError),
    /// The state can't be used.
    #[error(transparent)]
    State(#[from] StateError),
    /// A server didn't do what it was asked.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// A run can't be verified.
    #[error(transparent)]
    Verify(#[from] VerifyError),
    /// A generator's folder can't be made or built.
    #[error(transparent)]
    Project(#[from] ProjectError),
    /// A component can't be fetched or published.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// Nothing can be drafted.
    #[error(transparent)]
    Draft(#[from] crate::draft::DraftError),
    /// Log levels are wrong.
    #[error(transparent)]
    Log(#[from] LogError),
    /// Wrong usage, in words.
    #[error("{0}")]
    Usage(String),
    /// Standard output or a file can't be written.
    #[error("the output can't be written: {0}")]
    Output(String),
}

impl CliError {
    fn output(e: impl std::fmt::Display) -> CliError {
        CliError::Output(e.to_string())
    }

    /// What an error before the start means for the exit status.
    fn status(&self) -> Status {
        match self {
            CliError::Output(_) => Status::Failed,
            CliError::Emulation(EmulationError::Generator { .. } | EmulationError::Delivery(_)) => {
                Status::Failed
            }
            CliError::Verify(VerifyError::Generator(_) | VerifyError::System(_)) => Status::Failed,
            CliError::Project(ProjectError::Refused(_) | ProjectError::NoComponent { .. }) => {
                Status::Failed
            }
            _ => Status::Usage,
        }
    }
}

/// Runs a command to its end, and says what went wrong.
pub fn main(arguments: Cli) -> ExitCode {
    let outcome = dispatch(&arguments);
    match outcome {
        Ok(status) => status.code(),
        Err(e) => {
            complain(&e);
            e.status().code()
        }
    }
}

/// Says what went wrong, with the place in the text where there is one.
fn complain(error: &CliError) {
    let colour = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    match error {
        CliError::Spec(spec)
        | CliError::Verify(
            VerifyError::Document(spec) | VerifyError::Emulation(EmulationError::Document(spec)),
        )
        | CliError::Emulation(EmulationError::Document(spec))
        | CliError::Settings(SettingsError::Wrong(spec)) => {
            eprint!("{}", diagnose::render(spec, colour));
        }
        error => eprintln!("wellhead: {error}"),
    }
}

fn dispatch(arguments: &Cli) -> Result<Status, CliError> {
    match &arguments.command {
        Command::Completions(args) => return completions::run(args),
        Command::Schema(args) => return schema::run(args),
        Command::Sinks(args) => return sinks::run(args),
        Command::CompileComponent(args) => return Ok(compile::run(args)),
        Command::Health(args) => return runtime()?.block_on(health::run(args)),
        _ => {}
    }
    let environment = settings::Environment::of_process(std::path::Path::new("."));
    let settings = Settings::load(arguments.settings.as_deref(), &environment)?;
    logs::start(arguments, &logs::settings(arguments, &settings)?)?;
    let engine = Engine::new(
        Some(settings.cache.clone()),
        settings.plugins.clone(),
        settings.connections.clone(),
    )?;
    match &arguments.command {
        Command::Plugin(command) if arguments.server.url.is_some() => {
            runtime()?.block_on(plugin::remote(&arguments.server, command, &environment))
        }
        Command::Plugin(command) => plugin::run(&engine, command, &environment),
        Command::Template(command) => template::run(&engine, command),
        Command::Emulation(command) => {
            runtime()?.block_on(emulation::run(&arguments.server, command))
        }
        Command::Preview(args) => {
            let document = args.spec.document(&environment)?;
            let seed = run::drawn_seed()?;
            let plans = engine.plans(&document, "preview", seed, args.spec.tuning())?;
            let window = Window {
                records: args.count,
                stream: args.stream,
                from: args.from,
            };
            preview::check_window(&plans, window)?;
            preview::show(&plans, window, crate::telemetry::wall())?;
            Ok(Status::Done)
        }
        Command::Verify(args) => {
            let runtime = runtime()?;
            verify::run(&engine, args, runtime.handle())
        }
        Command::Token(args) => token::run(&settings, args),
        Command::Serve(args) => {
            let hung_up = || logs::reread(arguments, &environment);
            runtime()?.block_on(serve::run(&settings, &environment, args, hung_up))
        }
        Command::Check(args) => runtime()?.block_on(check::run(&engine, args, &environment)),
        Command::Run(args) => {
            let document = args.spec.document(&environment)?;
            let options = run::RunOptions {
                workers: args.workers,
                state: args.state.clone().unwrap_or(settings.state),
                run: args.run.clone(),
                resume: args.resume,
                report: args.report.clone(),
                manifest: args.manifest.clone(),
                ledger: args.ledger.clone(),
                show: args.show,
                telemetry: settings.telemetry,
                tuning: args.spec.tuning(),
            };
            runtime()?.block_on(run::run(&engine, document, options))
        }
        Command::Completions(_)
        | Command::Schema(_)
        | Command::Sinks(_)
        | Command::Health(_)
        | Command::CompileComponent(_) => Ok(Status::Done),
    }
}

fn runtime() -> Result<tokio::runtime::Runtime, CliError> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|e| CliError::Usage(format!("the system gives no threads: {e}")))
}

fn print(text: &str) -> Result<(), CliError> {
    use std::io::Write;
    std::io::stdout()
        .write_all(text.as_bytes())
        .map_err(CliError::output)
}

fn print_json(value: &impl serde::Serialize) -> Result<(), CliError> {
    let text = serde_json::to_string_pretty(value).map_err(CliError::output)?;
    print(&(text + "\n"))
}
