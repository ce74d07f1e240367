//! Every flag of every command.

mod plugin;
mod remote;
mod service;
mod template;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use plugin::PLUGIN_EXAMPLES;
pub use plugin::{PluginCommand, TrialArgs};
use remote::EMULATION_EXAMPLES;
pub use remote::{EmulationCommand, ServerFlags, Which};
use service::SERVE_EXAMPLES;
pub use service::{HealthArgs, RoleName, ServeArgs, TokenArgs, TokenCommand};
pub use template::{Kind, TemplateCommand};

const EXITS: &str = "\
Exit status:
  0         everything that was asked for was acknowledged (sent, where there are no receipts)
  1         failed, could not be drained, records were rejected, or the generator ended early
  2         wrong usage, spec, configuration or component, or a sink that can't be reached: nothing was sent
  3         an `expect` did not hold
  130, 143  stopped by SIGINT or SIGTERM before its end (drained; --resume goes on)";

const RUN_EXAMPLES: &str = "\
Examples:
  wellhead run transaction --load 1000/s --for 10s --to stdout
  wellhead run spec.yaml
  wellhead run transaction --load 5000/s --for 60s --to 'kafka://localhost:9092/payments?partitions=4'
  wellhead run device-log --load max --records 1000000 --to file:logs/{channel}.ndjson.zst
  wellhead run spec.yaml --resume            # goes on where a crash or a signal left it
  wellhead run ./mine.wasm --config '{\"devices\": 5}' --seed 7 --start 2024-01-01T00:00:00Z --to null";

const VERIFY_HELP: &str = "\
Examples:
  wellhead verify m.json                        # the same component gives the same bytes
  wellhead verify m.json --from                 # and the sink of the spec holds them
  wellhead verify m.json --from 'kafka://localhost:9092/payments' --report -
  wellhead verify m.json --from file:captured.ndjson
  wellhead verify --merge shard0.json shard1.json --manifest whole.json

Exit status:
  0  all of it holds
  1  something is missing, repeated, reordered, altered or foreign, or the hashes differ
  2  wrong usage, a manifest that was edited or is of a newer version, another component or asset,
     a sink that can't be read, or shards that don't make a whole";

/// A data emulator: WebAssembly generators, scheduled to the byte, delivered to real sinks.
#[derive(Debug, Parser)]
#[command(name = "wellhead", version, about, max_term_width = 110, after_help = EXITS)]
pub struct Cli {
    /// What to log: error, warn, info, debug, trace, or levels by target (wellhead::sink=debug).
    #[arg(long, global = true, env = "LOG_LEVEL", value_name = "LEVEL")]
    pub log_level: Option<String>,
    /// A file (TOML) that says what to log, instead of the settings' [log]: level, levels by target, format, destination.
    #[arg(long, global = true, value_name = "FILE")]
    pub log_config: Option<PathBuf>,
    /// The same as --log-level info.
    #[arg(long, short, global = true)]
    pub verbose: bool,
    /// The same as --log-level debug.
    #[arg(long, global = true)]
    pub debug: bool,
    /// Settings file (TOML): connections, folders, logs.
    #[arg(long, global = true, env = "WELLHEAD_SETTINGS", value_name = "FILE")]
    pub settings: Option<PathBuf>,
    /// Which server.
    #[command(flatten)]
    pub server: ServerFlags,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Each command has a file of its own.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run emulations in the foreground.
    #[command(after_help = RUN_EXAMPLES)]
    Run(Box<RunArgs>),
    /// Show the first records of a run, exactly, without waiting.
    #[command(after_help = "\
Examples:
  wellhead preview transaction
  wellhead preview spec.yaml -n 100 | jq .amount
  wellhead preview transaction --seed 7 --start 2024-01-01T00:00:00Z --stream 0 --from 1000000")]
    Preview(Box<PreviewArgs>),
    /// Check a spec: parse, generators, configuration, sinks; with --connect also log in to each sink.
    #[command(after_help = "\
Examples:
  wellhead check spec.yaml
  wellhead check spec.yaml --connect")]
    Check(Box<CheckArgs>),
    /// Check a run by its manifest: generate it again, and compare what a sink holds with what it should.
    #[command(after_help = VERIFY_HELP)]
    Verify(Box<VerifyArgs>),
    /// Run emulations as a service, over REST: they go on until they are stopped, also after a restart.
    #[command(after_help = SERVE_EXAMPLES)]
    Serve(ServeArgs),
    /// Ask a server whether it and what it depends on work; exit status 0 where they do, else 1.
    #[command(after_help = "Example:\n  wellhead health http://localhost:8080")]
    Health(HealthArgs),
    /// Make, list or revoke the tokens that a server asks for.
    #[command(after_help = "\
Examples:
  wellhead token new --role operate --expires 30d
  wellhead token list
  wellhead token revoke 1f0c9a3e")]
    Token(TokenArgs),
    /// Start, watch, steer and stop emulations on a server.
    #[command(subcommand, after_help = EMULATION_EXAMPLES)]
    Emulation(EmulationCommand),
    /// List the generators, look at one, add or remove one: of this machine, or of a server with --server. Test and
    /// measure one of your own.
    #[command(subcommand, after_help = PLUGIN_EXAMPLES)]
    Plugin(PluginCommand),
    /// A record without code: draft the description that the generator `template` takes.
    #[command(subcommand)]
    Template(TemplateCommand),
    /// Every sink, or every option of one, with its default.
    #[command(after_help = "Examples:\n  wellhead sinks\n  wellhead sinks kafka")]
    Sinks(SinksArgs),
    /// JSON Schema of a file that wellhead reads or writes.
    #[command(after_help = "Example:\n  wellhead schema spec > wellhead.schema.json")]
    Schema(SchemaArgs),
    /// Completions for a shell.
    #[command(
        after_help = "Example:\n  wellhead completions bash > /etc/bash_completion.d/wellhead"
    )]
    Completions(CompletionsArgs),
    /// What the program starts itself as to compile a component under limits.
    #[command(hide = true)]
    CompileComponent(CompileArgs),
}

/// Arguments of `compile-component`.
#[derive(Args, Debug)]
pub struct CompileArgs {
    /// Limits, as JSON.
    pub ration: String,
}

/// What a generator is told.
#[derive(Args, Clone, Debug, Default)]
pub struct GivenArgs {
    /// A setting of the generator, KEY=JSON (again and again), or all of them as one JSON object.
    #[arg(long, value_name = "KEY=JSON")]
    pub config: Vec<String>,
    /// The generator's settings from a file (JSON, YAML or TOML).
    #[arg(long, value_name = "FILE")]
    pub config_file: Option<PathBuf>,
    /// Read-only data for the generator.
    #[arg(long = "asset", value_name = "NAME=FILE")]
    pub assets: Vec<String>,
}

/// What is said of an emulation, over its spec.
#[derive(Args, Debug, Default)]
pub struct SpecArgs {
    /// A spec (YAML, TOML, JSON; - is standard input), or a generator: name, name@version, sha256:digest, or path to a .wasm.
    #[arg(value_name = "SPEC | GENERATOR")]
    pub spec: String,
    /// What the generator is told.
    #[command(flatten)]
    pub given: GivenArgs,
    /// What all randomness comes from; drawn and said when absent.
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Deterministic parts that are generated side by side.
    #[arg(long, value_name = "N")]
    pub streams: Option<u32>,
    /// 500/s, max, every:2s, poisson:500/s, or a JSON object as in a spec.
    #[arg(long, value_name = "LOAD")]
    pub load: Option<String>,
    /// End after so many ticks.
    #[arg(long, value_name = "N")]
    pub records: Option<u64>,
    /// End after so much time: 10s, 5m, 1h.
    #[arg(long = "for", value_name = "TIME")]
    pub time: Option<String>,
    /// Event time of the first tick, RFC 3339: the same bytes at every run.
    #[arg(long, value_name = "INSTANT")]
    pub start: Option<String>,
    /// How many times as fast as the wall event time goes; max is a backfill.
    #[arg(long, value_name = "X | max")]
    pub speed: Option<String>,
    /// A sink as a URL, in place of the spec's (again and again): stdout, null, file:out.ndjson, kafka://host:9092/topic.
    #[arg(long = "to", value_name = "SINK")]
    pub sinks: Vec<String>,
    /// Format of every sink that has one: ndjson, json, csv.
    #[arg(long, value_name = "FORMAT")]
    pub format: Option<String>,
    /// What the run must reach, else it exits with 3 (again and again): 'rate>=99%', 'release_p99<5ms', rejected=0; abort ends it early.
    #[arg(long, value_name = "RULE")]
    pub expect: Vec<String>,
    /// Run the streams I, I+N, … of the spec's; /N takes I from JOB_COMPLETION_INDEX.
    #[arg(long, value_name = "I/N")]
    pub shard: Option<String>,
    /// Records in one call to a generator at most.
    #[arg(long, hide = true)]
    pub batch: Option<usize>,
    /// Replace each generator instance after so many calls.
    #[arg(long, hide = true)]
    pub recycle: Option<u64>,
}

/// Flags of `run`.
#[derive(Args, Debug, Default)]
pub struct RunArgs {
    /// What is run.
    #[command(flatten)]
    pub spec: SpecArgs,
    /// Worker threads that run generators; the number of cores when absent. No byte depends on it.
    #[arg(long, value_name = "N")]
    pub workers: Option<usize>,
    /// Folder of runs and checkpoints.
    #[arg(long, value_name = "DIR", env = "WELLHEAD_STATE")]
    pub state: Option<PathBuf>,
    /// Identity of the run; drawn when absent.
    #[arg(long, value_name = "ID")]
    pub run: Option<String>,
    /// Go on with the run of that name or --run; begin it where there is none.
    #[arg(long)]
    pub resume: bool,
    /// Write the report as JSON; - is standard output.
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
    /// Write the manifest, with which anybody can reproduce and check the run.
    #[arg(long, value_name = "FILE")]
    pub manifest: Option<PathBuf>,
    /// Write what faults did to which record, a line of JSON each; in a scenario {emulation} in the name tells them apart.
    #[arg(long, value_name = "FILE")]
    pub ledger: Option<PathBuf>,
    /// At the end show a histogram of lateness and the first N records.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub show: usize,
}

/// Flags of `preview`.
#[derive(Args, Debug, Default)]
pub struct PreviewArgs {
    /// What is shown.
    #[command(flatten)]
    pub spec: SpecArgs,
    /// How many records, after faults.
    #[arg(short = 'n', long = "count", value_name = "N", default_value_t = 10)]
    pub count: usize,
    /// One stream alone.
    #[arg(long, value_name = "N")]
    pub stream: Option<u32>,
    /// Index in that stream to begin at, before faults.
    #[arg(long, value_name = "INDEX", default_value_t = 0)]
    pub from: u64,
}

/// Flags of `check`.
#[derive(Args, Debug, Default)]
pub struct CheckArgs {
    /// What is checked.
    #[command(flatten)]
    pub spec: SpecArgs,
    /// Also log in to each sink; nothing is sent.
    #[arg(long)]
    pub connect: bool,
}

/// Flags of `verify`.
#[derive(Args, Debug, Default)]
pub struct VerifyArgs {
    /// What `run --manifest` wrote; several to merge.
    #[arg(required = true, value_name = "MANIFEST")]
    pub manifests: Vec<PathBuf>,
    /// The sink that holds the records, as a URL; without a value the sink of the spec, or that of its
    /// sinks whose kind is given.
    #[arg(long, value_name = "SINK", num_args = 0..=1, default_missing_value = "")]
    pub from: Option<String>,
    /// Make the manifests of shards into that of the whole.
    #[arg(long, conflicts_with = "from")]
    pub merge: bool,
    /// Where the merged manifest goes; standard output when absent.
    #[arg(long, value_name = "FILE", requires = "merge")]
    pub manifest: Option<PathBuf>,
    /// Which emulation of a scenario's manifest.
    #[arg(long, value_name = "NAME")]
    pub emulation: Option<String>,
    /// The component that made the run, where it isn't among the added or stock generators.
    #[arg(long, value_name = "FILE")]
    pub component: Option<PathBuf>,
    /// An asset of the run, where it isn't at the path that the spec has.
    #[arg(long = "asset", value_name = "NAME=FILE")]
    pub assets: Vec<String>,
    /// Records that the run reported as rejected, where they aren't at the path that the spec has.
    #[arg(long, value_name = "FILE")]
    pub rejected: Option<PathBuf>,
    /// Records that are there twice are no difference: a sink that is at least once may repeat after a crash.
    #[arg(long)]
    pub allow_repeated: bool,
    /// Threads that generate where no sink is compared; the number of cores when absent.
    #[arg(long, value_name = "N")]
    pub workers: Option<usize>,
    /// Write the report as JSON; - is standard output.
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
}

/// Flags of `sinks`.
#[derive(Args, Debug)]
pub struct SinksArgs {
    /// One kind, with all its options.
    pub kind: Option<String>,
    /// As JSON.
    #[arg(long)]
    pub json: bool,
}

/// Flags of `schema`.
#[derive(Args, Debug)]
pub struct SchemaArgs {
    /// Of what.
    pub of: SchemaOf,
}

/// What there is a schema of.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum SchemaOf {
    /// The emulation spec.
    Spec,
    /// The settings file.
    Settings,
    /// A run's manifest.
    Manifest,
    /// A run's report.
    Report,
    /// The server's interface (OpenAPI 3.1).
    Openapi,
}

/// Flags of `completions`.
#[derive(Args, Debug)]
pub struct CompletionsArgs {
    /// Which shell.
    pub shell: clap_complete::Shell,
}
