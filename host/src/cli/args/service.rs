//! Flags of the commands that are about a server.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

pub(super) const SERVE_EXAMPLES: &str = "\
Examples:
  wellhead serve
  wellhead serve --listen 127.0.0.1:9000 --data /var/lib/wellhead
  curl -s localhost:8080/api/v1/emulations -H 'Content-Type: application/yaml' \\
    -d '{generator: transaction, load: 100/s, sinks: [{type: file, path: \"out/{channel}.ndjson\"}]}'
  curl -sN localhost:8080/api/v1/emulations/ID/events
  curl -s -X POST localhost:8080/api/v1/emulations/ID/stop

Addresses of services are named in the settings ([connections.NAME]); a spec that comes over REST names
the connection. Files lie below the folder `files` of --data.";

/// Flags of `serve`.
#[derive(Args, Debug)]
pub struct ServeArgs {
    /// Where to listen; SERVER_HOST and SERVER_PORT where they are set, else 127.0.0.1:8080.
    #[arg(long, value_name = "ADDRESS:PORT", env = "WELLHEAD_LISTEN")]
    pub listen: Option<SocketAddr>,
    /// Folder of what the server keeps: state, uploaded generators, files. No two servers share one.
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Worker threads that run generators; the machine's cores when absent.
    #[arg(long, value_name = "N")]
    pub workers: Option<usize>,
    /// How many emulations may go on at once.
    #[arg(long, value_name = "N", default_value_t = 1000)]
    pub emulations: usize,
}

/// Flags of `health`.
#[derive(Args, Debug)]
pub struct HealthArgs {
    /// Where the server is.
    #[arg(
        value_name = "URL",
        env = "WELLHEAD_SERVER",
        default_value = "http://127.0.0.1:8080"
    )]
    pub url: String,
}

/// Flags of `token`.
#[derive(Args, Debug)]
pub struct TokenArgs {
    /// Folder of the server.
    #[arg(long, value_name = "DIR", global = true)]
    pub data: Option<PathBuf>,
    /// What to do.
    #[command(subcommand)]
    pub command: TokenCommand,
}

/// What `token` does.
#[derive(Debug, Subcommand)]
pub enum TokenCommand {
    /// Make one, and print it: it is nowhere kept. From the first on, a server takes no request without.
    New {
        /// What it allows.
        #[arg(long)]
        role: RoleName,
        /// How long it is valid, such as 30d; until it is revoked when absent.
        #[arg(long, value_name = "TIME")]
        expires: Option<String>,
    },
    /// Those that there are.
    List {
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Make one invalid, also for a server that runs.
    Revoke {
        /// As `token list` shows it.
        id: String,
    },
}

/// Roles, each of which may also what those before it may.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum RoleName {
    /// Look at everything.
    Read,
    /// Start, steer, stop and delete emulations.
    Operate,
    /// Add and remove generators.
    Admin,
}
