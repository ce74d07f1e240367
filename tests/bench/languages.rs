//! The same generator in each language, against the one in C; the way from `plugin new` to the first record;
//! memory over a million records.

use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Instant;

use wellhead::plugin::{Configured, Runtime};

use crate::guest::{self, Bare};
use crate::measure::{Outcome, median, ratio, take_turns};
use crate::program::Program;
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
/// Records over which memory has to be flat, and what the second half may take of the first.
const MANY: u64 = 1_000_000;
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

/// The most memory that an instance takes in the second half of a million records, and in the first.
fn memory(configured: &Arc<Configured>) -> Outcome<[f64; 2]> {
    let mut bare = Bare::open(configured, 0, 1)?;
    let mut highest = [0, 0];
    for half in &mut highest {
        for _ in 0..MANY / 2 / guest::BATCH {
            bare.checked_batch()?;
            *half = bare.memory().max(*half);
        }
    }
    Ok(highest.map(|bytes| bytes as f64))
}

fn load(runtime: &Arc<Runtime>, built: &Built) -> Outcome<Arc<Configured>> {
    guest::load(runtime, &built.component)
}

/// Every language that there is a target for, and `template` against C with the same ten fields.
pub fn rows() -> Outcome<Vec<Row>> {
    let program = Program::new()?;
    let runtime = guest::runtime()?;
    let built_c = built(&program, "c")?;
    let c = load(&runtime, &built_c)?;
    let mut rows = vec![first("C", &built_c)];
    for (language, least, records) in TARGETS {
        let own = built(&program, language)?;
        let configured = load(&runtime, &own)?;
        let measured = turns(&configured, &c, records)?;
        rows.push(row(language, least, &measured));
        rows.push(first(language, &own));
        if ["js", "python"].contains(&language) {
            rows.push(flat(language, memory(&configured)?));
        }
    }
    let template = guest::stock_with(&runtime, "template", TEN_FIELDS, None)?;
    let ten = guest::load(&runtime, &by_hand(&program)?)?;
    let measured = turns(&template, &ten, C_RECORDS)?;
    rows.push(row("template, ten fields", 0.4, &measured));
    Ok(rows)
}

fn flat(language: &str, [late, early]: [f64; 2]) -> Row {
    let mib = |bytes: f64| bytes / f64::from(1 << 20);
    let detail = format!("{:.0} MiB ÷ {:.0} MiB", mib(late), mib(early));
    let name = format!("{language}: memory, second half of 10⁶ records ÷ first");
    Row::at_most(name, late / early, FLAT, &detail)
}

fn first(language: &str, built: &Built) -> Row {
    let name = format!("{language}: seconds from `plugin new` to the first records");
    Row::at_most(name, built.seconds, FIRST_PREVIEW, "")
}
