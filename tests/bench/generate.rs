//! A generator's component, deadlines and limits on, against the same source compiled natively
//! with the same profile. One core; CPU time, so that a machine with other work tells little.

use std::process::Command;
use std::sync::Arc;

use serde_json::Value;
use wellhead::plugin::{Configured, Runtime};
use xxhash_rust::xxh3::Xxh3;

use crate::guest::{self, BATCH, Bare, SEED};
use crate::measure::{Outcome, median, ratio, take_turns};
use crate::table::{Row, rate};

const TURNS: usize = 9;
/// Records of a turn: about a tenth of a second.
const RECORDS: u64 = 1_000_000;

/// The least share of native that each must reach.
const TARGETS: [(&str, f64); 3] = [
    ("transaction", 0.75),
    ("device-log", 0.70),
    ("user-profile", 0.70),
];

struct Native {
    nanos: f64,
    bytes: f64,
    hash: String,
}

fn native(name: &str) -> Outcome<Native> {
    let program = guest::built("guest/wellhead-native")?;
    let output = Command::new(program)
        .args([
            name,
            &RECORDS.to_string(),
            &BATCH.to_string(),
            &SEED.to_string(),
        ])
        .output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into());
    }
    let said: Value = serde_json::from_slice(&output.stdout)?;
    let number = |field: &str| said[field].as_f64().ok_or(format!("no {field} in {said}"));
    Ok(Native {
        nanos: number("ns_per_record")?,
        bytes: number("bytes_per_record")?,
        hash: said["xxh3"].as_str().unwrap_or_default().to_owned(),
    })
}

/// The hash of the same records from the component. Also warms it up.
fn hash(configured: &Arc<Configured>) -> Outcome<String> {
    let (mut records, mut keys) = (Xxh3::new(), Xxh3::new());
    let mut bare = Bare::open(configured, 0, 1)?;
    for _ in 0..RECORDS / BATCH {
        let batch = bare.batch()?;
        records.update(&batch.payload);
        keys.update(&batch.keys);
    }
    Ok(format!(
        "{:032x}{:032x}",
        records.digest128(),
        keys.digest128()
    ))
}

struct Measured {
    wasm: Vec<f64>,
    native: Vec<f64>,
    bytes: f64,
}

fn measure(runtime: &Arc<Runtime>, name: &str) -> Outcome<Measured> {
    let configured = guest::named(runtime, name)?;
    let first = native(name)?;
    if hash(&configured)? != first.hash {
        return Err(format!("{name}: component and native code give other bytes").into());
    }
    let [wasm, native] = take_turns(
        TURNS,
        [
            &mut || {
                let mut bare = Bare::open(&configured, 0, 1)?;
                bare.run(BATCH)?;
                bare.run(RECORDS)
            },
            &mut || Ok(native(name)?.nanos),
        ],
    )?;
    Ok(Measured {
        wasm,
        native,
        bytes: first.bytes,
    })
}

fn row(name: &str, least: f64, it: &Measured) -> Row {
    let detail = format!(
        "{:.0} ns ÷ {:.0} ns, {:.0} bytes",
        median(&it.native),
        median(&it.wasm),
        it.bytes
    );
    let share = ratio(&it.native, &it.wasm);
    Row::at_least(format!("{name}: component ÷ native"), share, least, &detail)
}

/// Each stock generator against native, and transaction against the yardstick.
pub fn rows() -> Outcome<Vec<Row>> {
    let runtime = guest::runtime()?;
    let mut rows = Vec::new();
    let mut transaction = Vec::new();
    for (name, least) in TARGETS {
        let measured = measure(&runtime, name)?;
        rows.push(row(name, least, &measured));
        if name == "transaction" {
            transaction = measured.wasm;
        }
    }
    let yardstick = measure(&runtime, "yardstick")?;
    let beside = format!(
        "{:.3}  ({:.0} ns ÷ {:.0} ns, {:.0} bytes)",
        ratio(&yardstick.native, &yardstick.wasm),
        median(&yardstick.native),
        median(&yardstick.wasm),
        yardstick.bytes
    );
    let (plain, drawn) = (median(&yardstick.wasm), median(&transaction));
    let detail = format!("{} ÷ {}", rate(1e9 / drawn), rate(1e9 / plain));
    let name = "transaction ÷ yardstick, both components";
    rows.insert(1, Row::at_least(name, plain / drawn, 0.5, &detail));
    rows.push(Row::beside("yardstick: component ÷ native", beside));
    Ok(rows)
}
