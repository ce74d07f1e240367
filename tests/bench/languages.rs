//! The same generator in each language, against the one in C; the way from `plugin new` to the first record;
//! memory over a million records.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};

use wellhead::plugin::{Configured, Runtime};

use crate::guest::{self, Bare};
use crate::measure::{Outcome, median, ratio, take_turns};
use crate::program::{Program, resident};
use crate::table::{Row, rate};

const TURNS: usize = 5;
/// The least share of C's records a second that each must reach, and records of a turn.
const TARGETS: [(&str, f64, u64); 5] = [
    ("rust", 0.8, 1_000_000),
    ("go", 0.05, 200_000),
    ("js", 0.025, 100_000),
    ("ts", 0.025, 100_000),
    ("python", 0.012, 40_000),
];
const C_RECORDS: u64 = 1_000_000;
/// Seconds from `plugin new` to the first record, tools installed.
const FIRST_PREVIEW: f64 = 60.0;
/// What a million records may take of memory, of what the first hundred thousand took.
const FLAT: f64 = 1.1;

/// Ten fields for `template`, and the like by hand.
const BY_HAND: &str = include_str!("ten.c");
const TEN_FIELDS: &str = r#"{"key": "device", "record": {
    "id": {"$sequence": {"from": 1}}, "request": "$uuid", "at": "$time", "site": "north",
    "device": {"$unique": {"max": 1000000}}, "speed": {"$int": {"min": 0, "max": 160}},
    "odometer": {"$float": {"min": 0, "max": 500000, "decimals": 3}},
    "state": {"$choice": {"driving": 6, "parked": 3, "charging": 1}},
    "plate": {"$pattern": "[A-Z]{3}-[0-9]{4}"}, "driver": {"$fake": "name"}}}"#;

/// A generator that was made and built as a user would, and how long that took until its first record.
struct Built {
    component: PathBuf,
    seconds: f64,
}

fn plugin(program: &Program, arguments: &[&str]) -> Outcome<()> {
    let mut command = program.command(arguments)?;
    match command.stdout(Stdio::null()).status()?.success() {
        true => Ok(()),
        false => Err(format!("`wellhead {}`: {}", arguments.join(" "), program.said()).into()),
    }
}

fn built(program: &Program, language: &str) -> Outcome<Built> {
    let begun = Instant::now();
    plugin(
        program,
        &[
            "plugin", "new", "meter", "--lang", language, "--dir", language,
        ],
    )?;
    plugin(program, &["plugin", "run", language, "--once"])?;
    let seconds = begun.elapsed().as_secs_f64();
    let component = PathBuf::from(program.path_of(language)).join("meter.wasm");
    Ok(Built { component, seconds })
}

/// The ten fields in C.
fn by_hand(program: &Program) -> Outcome<PathBuf> {
    plugin(
        program,
        &["plugin", "new", "meter", "--lang", "c", "--dir", "ten"],
    )?;
    std::fs::write(program.path_of("ten/generator.c"), BY_HAND)?;
    plugin(program, &["plugin", "build", "ten"])?;
    Ok(program.path_of("ten/meter.wasm").into())
}

/// Nanoseconds of a record, in turns with C.
fn turns(
    configured: &Arc<Configured>,
    c: &Arc<Configured>,
    records: u64,
) -> Outcome<[Vec<f64>; 2]> {
    let turn = |configured: &Arc<Configured>, records: u64| {
        let mut bare = Bare::open(configured, 0, 1)?;
        bare.run(guest::BATCH)?;
        bare.run(records)
    };
    take_turns(
        TURNS,
        [&mut || turn(configured, records), &mut || {
            turn(c, C_RECORDS)
        }],
    )
}

fn row(name: &str, least: f64, [own, c]: &[Vec<f64>; 2]) -> Row {
    let per_second = |nanos: &[f64]| rate(1e9 / median(nanos));
    let detail = format!("{} ÷ {}", per_second(own), per_second(c));
    Row::at_least(format!("{name} ÷ C"), ratio(c, own), least, &detail)
}

/// Resident memory after a million records, and after the first hundred thousand.
fn memory(program: &Program, component: &Path) -> Outcome<[f64; 2]> {
    let path = component.display().to_string();
    let peak = |records: &str| -> Outcome<f64> {
        let arguments = [
            "run",
            &path,
            "--load",
            "max",
            "--records",
            records,
            "--to",
            "null",
            "--seed",
            "7",
        ];
        let mut child = program.command(&arguments)?.spawn()?;
        let mut highest = 0.0_f64;
        while child.try_wait()?.is_none() {
            // What has ended meanwhile has none.
            highest = highest.max(resident(&child).unwrap_or(0.0));
            std::thread::sleep(Duration::from_millis(20));
        }
        match child.wait()?.success() {
            true => Ok(highest),
            false => Err(program.said().into()),
        }
    };
    Ok([peak("1000000")?, peak("100000")?])
}

fn load(runtime: &Arc<Runtime>, built: &Built) -> Outcome<Arc<Configured>> {
    guest::load(runtime, &built.component)
}

/// Every language that there is a target for, and `template` against C with the same ten fields.
pub fn rows() -> Outcome<Vec<Row>> {
    let program = Program::new()?;
    let runtime = guest::runtime()?;
    let c = built(&program, "c")?;
    let configured = load(&runtime, &c)?;
    let mut rows = vec![first("C", &c)];
    for (language, least, records) in TARGETS {
        let own = built(&program, language)?;
        let measured = turns(&load(&runtime, &own)?, &configured, records)?;
        rows.push(row(language, least, &measured));
        rows.push(first(language, &own));
        if ["js", "python"].contains(&language) {
            let [long, short] = memory(&program, &own.component)?;
            let detail = format!("{:.0} MiB ÷ {:.0} MiB", long / 1048576.0, short / 1048576.0);
            let name = format!("{language}: memory of 10⁶ records ÷ of 10⁵");
            rows.push(Row::at_most(name, long / short, FLAT, &detail));
        }
    }
    let template = guest::stock_with(&runtime, "template", TEN_FIELDS, None)?;
    let ten = guest::load(&runtime, &by_hand(&program)?)?;
    let measured = turns(&template, &ten, C_RECORDS)?;
    rows.push(row("template, ten fields", 0.4, &measured));
    Ok(rows)
}

fn first(language: &str, built: &Built) -> Row {
    let name = format!("{language}: seconds from `plugin new` to the first records");
    Row::at_most(name, built.seconds, FIRST_PREVIEW, "")
}
