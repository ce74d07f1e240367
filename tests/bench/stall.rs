//! Memory while nobody takes what is generated.

use std::net::TcpListener;
use std::process::Child;
use std::time::{Duration, Instant};

use crate::measure::Outcome;
use crate::program::{Program, resident};
use crate::table::Row;

/// How long a stall is looked at, and from when on.
const STALL: Duration = Duration::from_secs(60);
const FROM: Duration = Duration::from_secs(10);
/// MiB that may come on top.
const MOST: f64 = 32.0;

/// One program that is stalled, and the highest memory seen from [`FROM`] on.
struct Stalled {
    name: &'static str,
    child: Child,
    at_first: f64,
    highest: f64,
}

impl Stalled {
    fn start(program: &Program, name: &'static str, to: &str) -> Outcome<Stalled> {
        let arguments = ["run", "transaction", "--load", "100000/s", "--to", to];
        Ok(Stalled {
            name,
            child: program.command(&arguments)?.spawn()?,
            at_first: 0.0,
            highest: 0.0,
        })
    }

    fn look(&mut self) -> Outcome<()> {
        let now = resident(&self.child)?;
        if self.at_first == 0.0 {
            self.at_first = now;
        }
        self.highest = self.highest.max(now);
        Ok(())
    }

    fn row(&self) -> Row {
        let mib = |bytes: f64| bytes / f64::from(1 << 20);
        let detail = format!(
            "{:.0} MiB after 10 s, {:.0} at most",
            mib(self.at_first),
            mib(self.highest)
        );
        let name = format!("{}, stalled for a minute at 100,000/s: MiB more", self.name);
        Row::at_most(name, mib(self.highest - self.at_first), MOST, &detail)
    }
}

impl Drop for Stalled {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A pipe that nobody reads, and an endpoint that never answers.
pub fn rows() -> Outcome<Vec<Row>> {
    // It takes connections by itself, and nobody looks at them.
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let url = format!("http://{}/in?wh-timeout=10m", listener.local_addr()?);
    let (pipe, http) = (Program::new()?, Program::new()?);
    let mut stalled = [
        Stalled::start(&pipe, "stdout", "stdout")?,
        Stalled::start(&http, "http", &url)?,
    ];
    let begun = Instant::now();
    std::thread::sleep(FROM);
    while begun.elapsed() < STALL {
        stalled.iter_mut().try_for_each(Stalled::look)?;
        std::thread::sleep(Duration::from_millis(200));
    }
    Ok(stalled.iter().map(Stalled::row).collect())
}
