//! The server: what REST costs the emulations beside it, and what being served costs one.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use wellhead::client::Client;

use crate::measure::{Outcome, median, ratio, take_turns};
use crate::program::{Program, resident};
use crate::replay::{command, free_port, listens};
use crate::table::{Row, rate};
use crate::upload::renamed;

const TURNS: usize = 5;
/// Records of a turn at full speed: some seconds, since a status is as old as its last progress.
const RECORDS: u64 = 12_000_000;
/// How long a rate is looked at.
const LOOK: Duration = Duration::from_secs(5);
/// Emulations side by side, each at a hundred records a second.
const MANY: usize = 200;
/// How long anything may take at most.
const PATIENCE: Duration = Duration::from_secs(60);

/// A server with a data folder of its own, ended when it is dropped.
struct Served {
    child: Child,
    client: Client,
    base: String,
    runtime: tokio::runtime::Runtime,
}

impl Served {
    fn start(program: &Program, data: &str) -> Outcome<Served> {
        let base = format!("127.0.0.1:{}", free_port()?);
        let arguments = ["serve", "--listen", &base, "--data", data];
        let child = program.command(&arguments)?.stdout(Stdio::null()).spawn()?;
        let base = format!("http://{base}");
        let served = Served {
            child,
            client: Client::new(&base, None)?,
            base,
            runtime: tokio::runtime::Runtime::new()?,
        };
        let port = served.base.rsplit(':').next().unwrap_or_default().parse()?;
        listens(port)?;
        Ok(served)
    }

    fn begin(&self, spec: &Value) -> Outcome<String> {
        let started = self.runtime.block_on(self.client.start(spec))?;
        let only = started.into_iter().next();
        Ok(only.ok_or("nothing was started")?.id)
    }

    /// A number of an emulation's status, by its path; 0 where it isn't there yet.
    fn number(&self, id: &str, path: &str) -> Outcome<f64> {
        let status = self.runtime.block_on(self.client.show(id))?;
        let report = Value::Object(status.report);
        Ok(report.pointer(path).and_then(Value::as_f64).unwrap_or(0.0))
    }

    /// Waits until an emulation is over.
    fn finish(&self, id: &str) -> Outcome<()> {
        let begun = Instant::now();
        while self.runtime.block_on(self.client.show(id))?.state.is_live() {
            if begun.elapsed() > PATIENCE {
                return Err(format!("{id} doesn't end").into());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }

    /// Records a second that an emulation gets settled while something is done.
    fn rate_during(&self, id: &str, work: impl FnOnce() -> Outcome<()>) -> Outcome<f64> {
        let settled = || self.number(id, "/records/acknowledged");
        let (before, begun) = (settled()?, Instant::now());
        work()?;
        let after = settled()?;
        Ok((after - before) / begun.elapsed().as_secs_f64())
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// All of them.
pub fn rows() -> Outcome<Vec<Row>> {
    let mut rows = vec![against_run()?, upload()?];
    rows.extend(reads()?);
    rows.extend(many()?);
    rows.push(greedy()?);
    Ok(rows)
}

/// The same emulation through the server and by `run`.
fn against_run() -> Outcome<Row> {
    let program = Program::new()?;
    let served = Served::start(&program, "served")?;
    let records = RECORDS.to_string();
    let arguments = ["transaction", "--load", "max", "--records", &records];
    let to = ["--to", "null"];
    let [of_server, of_run] = take_turns(
        TURNS,
        [
            &mut || {
                let spec = json!({"generator": "transaction", "seed": 7, "load": "max",
                    "until": {"records": RECORDS}, "sinks": ["null"]});
                let id = served.begin(&spec)?;
                served.finish(&id)?;
                served.number(&id, "/rate")
            },
            &mut || {
                program
                    .run(&[&arguments[..], &to].concat())?
                    .number("/rate")
            },
        ],
    )?;
    let detail = format!("{} ÷ {}", rate(median(&of_server)), rate(median(&of_run)));
    Ok(Row::at_least(
        "emulation through the server ÷ by run",
        ratio(&of_server, &of_run),
        0.97,
        &detail,
    ))
}

/// From the first byte of an upload to the first record, all over REST, nothing being cached.
fn upload() -> Outcome<Row> {
    let program = Program::new()?;
    let component = renamed()?;
    let mut took = Vec::new();
    for turn in 0..TURNS {
        let served = Served::start(&program, &format!("upload-{turn}"))?;
        let begun = Instant::now();
        let added = served.client.add_plugin(component.to_vec());
        let added = served.runtime.block_on(added)?;
        let spec = json!({"generator": added["name"], "load": "max", "until": {"records": 1},
            "sinks": ["null"]});
        let id = served.begin(&spec)?;
        while served.number(&id, "/records/acknowledged")? < 1.0 {
            if begun.elapsed() > PATIENCE {
                return Err("there is no first record".into());
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        took.push(begun.elapsed().as_secs_f64() * 1e3);
        program.forget_compiled()?;
    }
    Ok(Row::at_most(
        "upload over REST to its emulation's first record, ms",
        median(&took),
        500.0,
        "",
    ))
}

/// Reads by `oha` while an emulation runs at 100,000 a second.
fn reads() -> Outcome<Vec<Row>> {
    let Some(oha) = command("oha") else {
        return Ok(vec![Row::beside("REST reads", "left out: no oha here")]);
    };
    let program = Program::new()?;
    let served = Served::start(&program, "reads")?;
    let spec = json!({"generator": "transaction", "load": "100000/s", "sinks": ["null"]});
    let id = served.begin(&spec)?;
    let idle = || {
        std::thread::sleep(LOOK);
        Ok(())
    };
    served.rate_during(&id, idle)?;
    let url = format!("{}/api/v1/emulations/{id}", served.base);
    let (mut alone, mut beside, mut slow, mut reads) = (vec![], vec![], vec![], vec![]);
    for _ in 0..3 {
        alone.push(served.rate_during(&id, idle)?);
        beside.push(served.rate_during(&id, || {
            let seconds = format!("{}s", LOOK.as_secs());
            let output = Command::new(&oha)
                .args([
                    "-z",
                    &seconds,
                    "-c",
                    "64",
                    "-w",
                    "--no-tui",
                    "--output-format",
                    "json",
                    &url,
                ])
                .output()?;
            let said: Value = serde_json::from_slice(&output.stdout)?;
            let number = |path: &str| {
                let value = said.pointer(path).and_then(Value::as_f64);
                value.ok_or_else(|| format!("oha says no {path}: {said}"))
            };
            if number("/summary/successRate")? < 1.0 {
                return Err(format!("requests failed: {said}").into());
            }
            slow.push(number("/latencyPercentiles/p99")? * 1e3);
            reads.push(number("/summary/requestsPerSec")?);
            Ok(())
        })?);
    }
    let detail = format!("{} reads/s, 64 connections", rate(median(&reads)));
    let kept = ratio(&beside, &alone);
    let both = format!("{} ÷ {}", rate(median(&beside)), rate(median(&alone)));
    Ok(vec![
        Row::at_most(
            "REST reads beside 100,000/s, p99, ms",
            median(&slow),
            20.0,
            &detail,
        ),
        Row::at_least(
            "that emulation's rate beside them ÷ alone",
            kept,
            0.98,
            &both,
        ),
    ])
}

/// Two hundred emulations at a hundred records a second each.
fn many() -> Outcome<Vec<Row>> {
    let program = Program::new()?;
    let served = Served::start(&program, "many")?;
    let spec = json!({"generator": "transaction", "load": "100/s", "until": {"records": 1500},
        "sinks": ["null"]});
    let ids = (0..MANY)
        .map(|_| served.begin(&spec))
        .collect::<Outcome<Vec<String>>>()?;
    std::thread::sleep(LOOK);
    let memory = resident(&served.child)? / f64::from(1 << 20);
    let mut late = Vec::with_capacity(MANY);
    for id in &ids {
        served.finish(id)?;
        late.push(served.number(id, "/lateness_us/release/p99")? / 1e3);
    }
    let worst = late.iter().copied().fold(0.0, f64::max);
    let detail = format!("the latest of them; their median {:.2}", median(&late));
    Ok(vec![
        Row::at_most(
            "200 emulations at 100/s, p99 of lateness, ms",
            worst,
            10.0,
            &detail,
        ),
        Row::at_most("the same, MiB resident", memory, 1024.0, ""),
    ])
}

/// An emulation at a hundred records a second beside one that takes all it can get.
fn greedy() -> Outcome<Row> {
    let program = Program::new()?;
    let served = Served::start(&program, "greedy")?;
    let endless =
        json!({"generator": "device-log", "load": "max", "sinks": ["null"], "streams": 4});
    served.begin(&endless)?;
    let spec = json!({"generator": "transaction", "load": "100/s", "until": {"records": 500},
        "sinks": ["null"]});
    let id = served.begin(&spec)?;
    served.finish(&id)?;
    let millis = |name: &str| -> Outcome<f64> {
        Ok(served.number(&id, &format!("/lateness_us/release/{name}"))? / 1e3)
    };
    let (p50, p99) = (millis("p50")?, millis("p99")?);
    Ok(Row::beside(
        "lateness at 100/s beside one at full speed, ms",
        format!("p50 {p50:.2}, p99 {p99:.2}"),
    ))
}
