//! The program as users run it, with a state of its own and compiled generators kept.

use std::fs::File;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};
use serde_json::Value;

use crate::guest;
use crate::measure::Outcome;

/// Ticks of a second in `/proc`, on every architecture that Linux runs on.
const TICKS: f64 = 100.0;

/// The program and a folder for what it writes.
pub struct Program {
    path: PathBuf,
    folder: tempfile::TempDir,
}

/// What one run gave.
pub struct Run {
    /// Its report.
    pub report: Value,
    /// Seconds of CPU time of the whole process.
    pub cpu: f64,
}

impl Run {
    /// A number of the report, by its path: `/records/acknowledged`.
    pub fn number(&self, path: &str) -> Outcome<f64> {
        let value = self.report.pointer(path).and_then(Value::as_f64);
        value.ok_or_else(|| format!("the report has no number at {path}: {}", self.report).into())
    }
}

impl Program {
    /// With an empty state. The first start compiles, so that no measured one does.
    pub fn new() -> Outcome<Program> {
        let program = Program {
            path: guest::built("release/wellhead")?,
            folder: tempfile::tempdir()?,
        };
        for generator in ["transaction", "device-log"] {
            program.run(&[generator, "--records", "1", "--to", "null"])?;
        }
        Ok(program)
    }

    /// The program with these arguments, in its folder. What it says goes to a file there.
    pub fn command(&self, arguments: &[&str]) -> Outcome<Command> {
        let mut command = Command::new(&self.path);
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env("XDG_STATE_HOME", self.folder.path().join("state"))
            .env("XDG_CACHE_HOME", self.folder.path().join("cache"))
            .env("XDG_CONFIG_HOME", self.folder.path().join("config"))
            .env("XDG_DATA_HOME", self.folder.path().join("data"))
            .env_remove("KAFKA_BOOTSTRAP_SERVERS")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(File::create(self.folder.path().join("said"))?);
        Ok(command)
    }

    /// `wellhead run` to its end, with the seed and the origin that bare calls have.
    pub fn run(&self, arguments: &[&str]) -> Outcome<Run> {
        let seed = guest::SEED.to_string();
        let fixed = [
            "--seed",
            &seed,
            "--start",
            "2024-01-01T00:00:00Z",
            "--report",
            "-",
        ];
        let arguments: Vec<&str> = ["run"]
            .iter()
            .chain(arguments)
            .chain(&fixed)
            .copied()
            .collect();
        let child = self.command(&arguments)?.spawn()?;
        // Waited for, but not yet reaped: only so long is its CPU time to be read.
        waitid(
            WaitId::Pid(pid(&child)?),
            WaitIdOptions::EXITED | WaitIdOptions::NOWAIT,
        )?;
        let cpu = cpu(&child)?;
        let output = child.wait_with_output()?;
        if !output.status.success() {
            return Err(format!("`wellhead {}`: {}", arguments.join(" "), self.said()).into());
        }
        Ok(Run {
            report: serde_json::from_slice(&output.stdout)?,
            cpu,
        })
    }

    /// Forgets compiled generators, so that the next start compiles.
    pub fn forget_compiled(&self) -> Outcome<()> {
        Ok(std::fs::remove_dir_all(self.folder.path().join("cache"))?)
    }

    /// Where a file of the folder is.
    pub fn path_of(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    /// What the newest run said on standard error.
    pub fn said(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("said")).unwrap_or_default()
    }
}

/// The child's process id.
pub fn pid(child: &Child) -> Outcome<Pid> {
    let id = i32::try_from(child.id())?;
    Pid::from_raw(id).ok_or_else(|| "a process without an id".into())
}

/// Seconds of CPU time that a process has taken.
fn cpu(child: &Child) -> Outcome<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", child.id()))?;
    // The name, in brackets, may hold anything; `utime` and `stime` are the 12th and 13th after it.
    let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields);
    let mut ticks = fields.split_whitespace().skip(11).map(str::parse::<f64>);
    match (ticks.next(), ticks.next()) {
        (Some(Ok(user)), Some(Ok(system))) => Ok((user + system) / TICKS),
        _ => Err(format!("/proc/{}/stat can't be read: {stat}", child.id()).into()),
    }
}

/// Bytes of memory that a process has resident.
pub fn resident(child: &Child) -> Outcome<f64> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id()))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().next());
    match kib.map(str::parse::<f64>) {
        Some(Ok(kib)) => Ok(kib * 1024.0),
        _ => Err("no VmRSS in /proc: has the program ended?".into()),
    }
}
