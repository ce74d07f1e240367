//! Flags of the commands that speak to a server.

use clap::{Args, Subcommand};
use secrecy::SecretString;

use super::SpecArgs;

pub(super) const EMULATION_EXAMPLES: &str = "\
Examples:
  wellhead emulation start spec.yaml
  wellhead emulation start transaction --load 100/s --to 'file:out/{channel}.ndjson'
  wellhead --server https://wellhead.example emulation list --state running
  wellhead emulation watch 20260102T030405678-1f0c9a3e
  wellhead emulation rate 20260102T030405678-1f0c9a3e 5000/s
  wellhead emulation stop 20260102T030405678-1f0c9a3e

Exit status of watch: 0 if it finished or was stopped, 1 if it failed or ended early.";

/// Which server, and who asks.
#[derive(Args, Clone, Debug)]
pub struct ServerFlags {
    /// The server that `emulation` and `plugin` are about; `plugin` without it is about this machine.
    #[arg(
        long = "server",
        global = true,
        env = "WELLHEAD_SERVER",
        value_name = "URL"
    )]
    pub url: Option<String>,
    /// A token of that server. Better by the environment: others may see the flags of a process.
    #[arg(
        long,
        global = true,
        env = "WELLHEAD_TOKEN",
        hide_env_values = true,
        value_name = "TOKEN"
    )]
    pub token: Option<SecretString>,
}

/// What `emulation` does.
#[derive(Debug, Subcommand)]
pub enum EmulationCommand {
    /// Start the emulations of a spec on the server.
    Start {
        /// What to start. Files and connections are the server's.
        #[command(flatten)]
        spec: Box<SpecArgs>,
        /// Watch it until it ends.
        #[arg(long)]
        watch: bool,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// List emulations, newest first.
    List {
        /// Only those in that state: starting, running, paused, stopping, stopped, finished, …
        #[arg(long)]
        state: Option<String>,
        /// Only those of that name.
        #[arg(long)]
        name: Option<String>,
        /// How many at most.
        #[arg(long, value_name = "N", default_value_t = 50)]
        limit: usize,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Show how one stands, as JSON.
    Show {
        /// As `list` shows it.
        id: String,
    },
    /// Show what happens to it until it ends.
    Watch {
        /// As `list` shows it.
        id: String,
        /// Each event as a line of JSON.
        #[arg(long)]
        json: bool,
    },
    /// Release nothing until it is resumed.
    Pause(Which),
    /// Go on after a pause, or with a run that was stopped, aborted or has failed.
    Resume(Which),
    /// Give it another load from now on.
    Rate {
        /// As `list` shows it.
        id: String,
        /// 500/s, every:2s, poisson:500/s, or a JSON object as in a spec.
        load: String,
    },
    /// Stop: what is due goes out and is settled, then it ends.
    Stop(Which),
    /// Forget one that is over; what its sinks hold stays.
    Delete(Which),
}

/// One emulation or several.
#[derive(Args, Debug)]
pub struct Which {
    /// As `list` shows them.
    #[arg(required = true, value_name = "ID")]
    pub ids: Vec<String>,
}
