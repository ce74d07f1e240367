//! Flags of `wellhead plugin`.

use std::path::PathBuf;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Args, Subcommand};

use super::GivenArgs;
use crate::project::{LANGUAGES, Language};

pub const PLUGIN_EXAMPLES: &str = "\
Examples:
  wellhead plugin list
  wellhead plugin new water-meter && wellhead plugin run water-meter
  wellhead plugin test ./mine.wasm
  wellhead plugin add ./mine.wasm
  wellhead plugin add oci://ghcr.io/me/water-meter:1.0.0
  wellhead plugin push ./mine.wasm oci://ghcr.io/me/water-meter
  wellhead --server http://localhost:8080 plugin add ./mine.wasm";

const ADD_EXAMPLES: &str = "\
Examples:
  wellhead plugin add ./mine.wasm
  wellhead plugin add oci://ghcr.io/me/water-meter:1.0.0
  wellhead plugin add oci://ghcr.io/me/water-meter@sha256:DIGEST   # never another one
  wellhead --server http://localhost:8080 plugin add oci://ghcr.io/me/water-meter:1.0.0

A registry is asked as WELLHEAD_OCI_USER with WELLHEAD_OCI_PASSWORD, or else as `docker login` has written \
(helpers that keep passwords aren't run), or else without a login. \
It is spoken to over TLS unless it is on this machine, or the address \
begins with oci+http://. With --server this machine fetches it and uploads it.";

const PUSH_EXAMPLES: &str = "\
Examples:
  wellhead plugin push ./mine.wasm oci://ghcr.io/me/water-meter           # under its version
  wellhead plugin push water-meter@1.0.0 oci://localhost:5000/water-meter:edge

As whom, and how a registry is spoken to: see `wellhead plugin add --help`.";

const NEW_EXAMPLES: &str = "\
Examples:
  wellhead plugin new water-meter
  wellhead plugin new water-meter --lang python
  wellhead plugin new water-meter --lang go --dir generators/water";

const BUILD_EXAMPLES: &str = "\
Examples:
  wellhead plugin build water-meter
  cd water-meter && wellhead plugin build";

const RUN_EXAMPLES: &str = "\
Examples:
  wellhead plugin run water-meter
  wellhead plugin run water-meter -n 3 --config vehicles=2 --once";

const TEST_EXAMPLES: &str = "\
Examples:
  wellhead plugin test ./mine.wasm
  wellhead plugin test replay --asset payloads=objects.ndjson --config loop=true";

const BENCH_EXAMPLES: &str = "\
Example:
  wellhead plugin bench ./mine.wasm --config devices=1000";

/// A language by its name or alias.
fn language() -> impl TypedValueParser<Value = &'static Language> {
    let values = LANGUAGES.iter().map(|language| {
        let value = PossibleValue::new(language.name).alias(language.alias);
        value.help(language.title)
    });
    PossibleValuesParser::new(values)
        .try_map(|name| Language::named(&name).ok_or("no language of that name"))
}

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
    #[command(after_help = ADD_EXAMPLES)]
    Add {
        /// Path to a .wasm, or oci://REGISTRY/REPOSITORY:TAG (or @sha256:DIGEST).
        #[arg(value_name = "FILE|OCI")]
        from: PathBuf,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Publish a generator in an OCI registry, from where `plugin add` fetches it, as do other tools.
    #[command(after_help = PUSH_EXAMPLES)]
    Push {
        /// Path to a .wasm, name, name@version, or sha256:digest.
        generator: String,
        /// oci://REGISTRY/REPOSITORY, with a :TAG unless that is to be its version.
        #[arg(value_name = "OCI")]
        to: String,
    },
    /// Remove an added generator.
    Remove {
        /// name@version, sha256:digest, or a name that has one version.
        generator: String,
    },
    /// Write a folder with a generator that builds as it is: settings, two channels, a key, state, tests.
    #[command(after_help = NEW_EXAMPLES)]
    New {
        /// What it is to be called: [a-z][a-z0-9-]*.
        name: String,
        /// What it is written in.
        #[arg(long, value_parser = language(), default_value = "rust")]
        lang: &'static Language,
        /// The folder; one of that name unless set.
        #[arg(long, value_name = "FOLDER")]
        dir: Option<PathBuf>,
    },
    /// Compile a generator's folder into a component, one file that runs everywhere.
    #[command(after_help = BUILD_EXAMPLES)]
    Build {
        /// The folder.
        #[arg(default_value = ".")]
        folder: PathBuf,
    },
    /// Compile a generator's folder and show its first records, again whenever a file of it changes.
    #[command(after_help = RUN_EXAMPLES)]
    Run {
        /// The folder.
        #[arg(default_value = ".")]
        folder: PathBuf,
        /// How many records.
        #[arg(short = 'n', long = "count", value_name = "N", default_value_t = 10)]
        count: usize,
        /// What all randomness comes from.
        #[arg(long, value_name = "N", default_value_t = 7)]
        seed: u64,
        /// Don't wait for changes.
        #[arg(long)]
        once: bool,
        /// What it is told.
        #[command(flatten)]
        given: GivenArgs,
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
