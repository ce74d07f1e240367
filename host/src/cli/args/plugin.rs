//! Flags of `wellhead plugin`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::GivenArgs;

pub const PLUGIN_EXAMPLES: &str = "\
Examples:
  wellhead plugin list
  wellhead plugin test ./mine.wasm
  wellhead plugin add ./mine.wasm
  wellhead --server http://localhost:8080 plugin add ./mine.wasm";

const TEST_EXAMPLES: &str = "\
Examples:
  wellhead plugin test ./mine.wasm
  wellhead plugin test replay --asset payloads=objects.ndjson --config loop=true";

const BENCH_EXAMPLES: &str = "\
Example:
  wellhead plugin bench ./mine.wasm --config devices=1000";

/// What `plugin` does.
#[derive(Debug, Subcommand)]
pub enum PluginCommand {
    /// The generators there are.
    List {
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// What a generator says of itself: channels, settings with defaults, imports, limits.
    Inspect {
        /// name, name@version, sha256:digest, or path to a .wasm.
        generator: String,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Check a component and keep it under its name and version.
    Add {
        /// Path to a .wasm.
        file: PathBuf,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Remove an added generator.
    Remove {
        /// name@version, sha256:digest, or a name that has one version.
        generator: String,
    },
    /// Try whether a generator holds what runs rely on: the contract, the same bytes however it is asked, a resume,
    /// event times, settings at their bounds, memory. Exit status 1 where it doesn't.
    #[command(after_help = TEST_EXAMPLES)]
    Test {
        /// What is tried.
        #[command(flatten)]
        trial: TrialArgs,
        /// Records of a stream that are compared.
        #[arg(long, value_name = "N", default_value_t = 20_000)]
        records: u64,
        /// What all randomness comes from.
        #[arg(long, value_name = "N", default_value_t = 7)]
        seed: u64,
    },
    /// Measure a generator beside the stock generator `transaction`: records a second, bytes, memory, first record.
    #[command(after_help = BENCH_EXAMPLES)]
    Bench {
        /// What is measured.
        #[command(flatten)]
        trial: TrialArgs,
        /// Seconds that it takes.
        #[arg(long, value_name = "SECONDS", default_value_t = 5)]
        seconds: u64,
    },
}

/// A generator with its settings.
#[derive(Args, Debug, Default)]
pub struct TrialArgs {
    /// name, name@version, sha256:digest, or path to a .wasm.
    pub generator: String,
    /// What it is told.
    #[command(flatten)]
    pub given: GivenArgs,
    /// As JSON.
    #[arg(long)]
    pub json: bool,
}
