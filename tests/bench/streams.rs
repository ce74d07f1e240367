//! What a stream costs: a thousand and one of `device-log` against one.

use std::process::Child;
use std::time::{Duration, Instant};

use crate::measure::{Outcome, median, ratio, take_turns};
use crate::program::{Program, resident};
use crate::table::Row;

const TURNS: usize = 3;
const MANY: &str = "1001";
/// Each stream needs devices of its own; as many for one stream, for the same work.
const DEVICES: &str = "devices=10010";
/// Records of a short and of a long run, whose difference leaves out what a start costs.
const SHORT: u64 = 4_000_000;
const LONG: u64 = 20_000_000;
/// Memory that grows by less than a MiB in so long has come to rest.
const REST: Duration = Duration::from_millis(1_500);
const PATIENCE: Duration = Duration::from_secs(40);

/// CPU time of one more record, in nanoseconds.
fn cpu(program: &Program, streams: &str) -> Outcome<f64> {
    let spent = |records: u64| -> Outcome<f64> {
        let records = records.to_string();
        let arguments = [
            "device-log",
            "--load",
            "max",
            "--records",
            &records,
            "--to",
            "null",
            "--streams",
            streams,
            "--config",
            DEVICES,
        ];
        Ok(program.run(&arguments)?.cpu)
    };
    Ok((spent(LONG)? - spent(SHORT)?) * 1e9 / (LONG - SHORT) as f64)
}

/// Resident memory with full queues: nobody reads what the program writes.
fn memory(program: &Program, streams: &str) -> Outcome<f64> {
    let mut child = program
        .command(&[
            "run",
            "device-log",
            "--load",
            "max",
            "--to",
            "stdout",
            "--streams",
            streams,
            "--config",
            DEVICES,
        ])?
        .spawn()?;
    let rest = at_rest(&mut child);
    child.kill()?;
    child.wait()?;
    rest.map_err(|error| format!("{error}\n{}", program.said()).into())
}

fn at_rest(child: &mut Child) -> Outcome<f64> {
    let begun = Instant::now();
    let mut highest = 0.0;
    let mut since = Instant::now();
    // Less is no rest: pages aren't given back while nothing is released.
    while since.elapsed() < REST || highest < 16e6 {
        if begun.elapsed() > PATIENCE {
            return Err("its memory doesn't come to rest".into());
        }
        std::thread::sleep(Duration::from_millis(50));
        let now = resident(child)?;
        if now > highest + 1e6 {
            (highest, since) = (now, Instant::now());
        }
    }
    resident(child)
}

/// Memory of a stream, and the CPU time of a record among many streams.
pub fn rows() -> Outcome<Vec<Row>> {
    let program = Program::new()?;
    let (many, one) = (memory(&program, MANY)?, memory(&program, "1")?);
    let mib = |bytes: f64| bytes / f64::from(1 << 20);
    let detail = format!("({:.0} - {:.0} MiB) ÷ 1,000", mib(many), mib(one));
    let [cpu_many, cpu_one] = take_turns(
        TURNS,
        [&mut || cpu(&program, MANY), &mut || cpu(&program, "1")],
    )?;
    let nanos = format!("{:.0} ns ÷ {:.0} ns", median(&cpu_many), median(&cpu_one));
    Ok(vec![
        Row::at_most(
            "memory of a stream of device-log, MiB",
            mib(many - one) / 1e3,
            2.0,
            &detail,
        ),
        Row::at_most(
            "CPU of a record, 1,001 streams ÷ 1",
            ratio(&cpu_many, &cpu_one),
            1.3,
            &nanos,
        ),
    ])
}
