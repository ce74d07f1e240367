//! `verify` against the slower of its two halves, generating and reading the sink, and its memory.

use std::process::Child;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};
use wellhead::sink::read::{Chunk, Reading};

use crate::measure::{Outcome, median, take_turns};
use crate::program::Program;
use crate::table::{Row, rate};

const TURNS: usize = 9;
/// Records of a turn: a gigabyte of them.
const RECORDS: u64 = 2_000_000;
/// Records that memory is measured with.
const MANY: u64 = 10_000_000;
const MIB: f64 = 1024.0 * 1024.0;

/// Runs a generator into a file, and gives the manifest's name.
fn written(program: &Program, generator: &str, records: u64) -> Outcome<String> {
    let name = format!("{generator}.json");
    let (records, to) = (records.to_string(), format!("file:{generator}.ndjson"));
    let arguments = [
        generator,
        "--load",
        "max",
        "--records",
        &records,
        "--to",
        &to,
        "--manifest",
        &name,
    ];
    program.run(&arguments)?;
    Ok(name)
}

/// The report of `verify`, and the most memory that it had resident, looked at so often.
fn verified(
    program: &Program,
    arguments: &[&str],
    every: Option<Duration>,
) -> Outcome<(Value, f64)> {
    let all: Vec<&str> = ["verify", "--report", "-"]
        .iter()
        .chain(arguments)
        .copied()
        .collect();
    let mut child = program.command(&all)?.spawn()?;
    let mut most: f64 = 0.0;
    while let Some(every) = every
        && child.try_wait()?.is_none()
    {
        most = most.max(peak(&child).unwrap_or(0.0));
        std::thread::sleep(every);
    }
    let output = child.wait_with_output()?;
    if !output.status.success() {
        return Err(format!("{}: {}", all.join(" "), program.said()).into());
    }
    Ok((serde_json::from_slice(&output.stdout)?, most))
}

/// The most that a process has had resident so far, in bytes.
fn peak(child: &Child) -> Option<f64> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: f64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kib * 1024.0)
}

fn seconds(program: &Program, arguments: &[&str]) -> Outcome<f64> {
    // Nothing else runs beside it.
    let (report, _) = verified(program, arguments, None)?;
    let elapsed = report["elapsed_s"].as_f64();
    elapsed.ok_or_else(|| "the report says no time".into())
}

/// Seconds that reading all items takes, in this process.
fn read_alone(reading: &Reading, path: &str) -> Outcome<f64> {
    let begun = Instant::now();
    let kind = wellhead::sink::find("file").ok_or("no file sink")?;
    let options: Map<String, Value> = [("path".to_owned(), Value::from(path))]
        .into_iter()
        .collect();
    let mut reader = (kind.configure)(&options)?.reader(reading)?;
    let (mut items, mut chunk) = (0, Chunk::default());
    for mut source in reader.open(path)? {
        loop {
            chunk.clear();
            let more = source.fill(&mut chunk)?;
            items += chunk.items.len() as u64;
            if !more {
                break;
            }
        }
    }
    if items != RECORDS {
        return Err(format!("{items} records were read").into());
    }
    Ok(begun.elapsed().as_secs_f64())
}

/// Speed and memory.
pub fn rows() -> Outcome<Vec<Row>> {
    let program = Program::new()?;
    let runtime = tokio::runtime::Runtime::new()?;
    let reading = Reading {
        run: "bench".to_owned(),
        channels: Arc::new([wellhead::record::Channel {
            name: "transaction".to_owned(),
            schema: json!({}),
        }]),
        json: true,
        streams: 1,
        captured: false,
        runtime: runtime.handle().clone(),
    };
    let manifest = written(&program, "transaction", RECORDS)?;
    let path = program.path_of("transaction.ndjson");
    let [whole, generating, reading_it] = take_turns(
        TURNS,
        [
            &mut || seconds(&program, &[&manifest, "--from"]),
            &mut || seconds(&program, &[&manifest, "--workers", "1"]),
            &mut || read_alone(&reading, &path),
        ],
    )?;
    let shares = whole.iter().zip(&generating).zip(&reading_it);
    let shares: Vec<f64> = shares.map(|((w, g), r)| g.max(*r) / w).collect();
    let of = |seconds: &[f64]| rate(RECORDS as f64 / median(seconds));
    let detail = format!(
        "{}, generating alone {}, reading alone {}",
        of(&whole),
        of(&generating),
        of(&reading_it)
    );
    let name = "verify of a file ÷ the slower of generating and reading";
    let speed = Row::at_least(name, median(&shares), 0.8, &detail);
    std::fs::remove_file(&path)?;
    let manifest = written(&program, "iot-sensor", MANY)?;
    let (report, most) = verified(
        &program,
        &[&manifest, "--from"],
        Some(Duration::from_millis(10)),
    )?;
    let detail = format!("{} matched in {} s", report["matched"], report["elapsed_s"]);
    let name = "verify of 10,000,000 records: most memory resident, MiB";
    Ok(vec![speed, Row::at_most(name, most / MIB, 256.0, &detail)])
}
