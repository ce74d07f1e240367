//! A generator's component, deadlines and limits on, against the same source compiled natively
//! with the same profile. One core; CPU time, so that a machine with other work tells little.

use std::io::Write;
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
const TARGETS: [(&str, f64); 7] = [
    ("transaction", 0.75),
    ("device-log", 0.70),
    ("user-profile", 0.70),
    ("machine-signal", 0.70),
    ("iot-sensor", 0.70),
    ("replay", 0.70),
    ("template", 0.70),
];
/// Ten fields for `template`.
const TEN_FIELDS: &str = r#"{"key": "customer", "record": {
    "id": {"$sequence": {"from": 1}}, "request": "$uuid", "at": "$time", "currency": "EUR",
    "customer": {"$unique": {"max": 1000000}}, "age": {"$int": {"min": 18, "max": 90}},
    "amount": {"$float": {"min": 1, "max": 500, "distribution": "log-normal", "median": 20, "sigma": 0.8}},
    "channel": {"$choice": {"web": 6, "shop": 3, "phone": 1}},
    "code": {"$pattern": "[A-Z]{3}-[0-9]{4}"}, "name": {"$fake": "name"}}}"#;
/// What a hundred thousand devices of `iot-sensor` may cost, a record, of what ten do.
const MANY_DEVICES: f64 = 1.1;

struct Native {
    nanos: f64,
    bytes: f64,
    hash: String,
}

/// What a generator is given: nothing, but for `template` and for `replay`, which takes a file.
struct Given {
    config: &'static str,
    payloads: Option<tempfile::TempPath>,
}

impl Given {
    fn to(name: &str) -> Outcome<Given> {
        if name != "replay" {
            let config = if name == "template" { TEN_FIELDS } else { "{}" };
            let payloads = None;
            return Ok(Given { config, payloads });
        }
        // 20,000 objects of about 200 bytes.
        let mut file = tempfile::NamedTempFile::new()?;
        for i in 0..20_000 {
            let ts = format!("2024-01-01T00:{:02}:{:02}Z", i / 60 % 60, i % 60);
            let text = &"what happened, in words: a line of an ordinary length"[..20 + i % 30];
            writeln!(
                file,
                r#"{{"id":{i},"ts":"{ts}","kind":"order_created","note":"{text}","amount":{}.5,"customer":{{"id":{},"country":"DE","tags":["a","b"]}},"ok":true}}"#,
                i % 700,
                i % 97
            )?;
        }
        let (config, payloads) = (r#"{"loop": true}"#, Some(file.into_temp_path()));
        Ok(Given { config, payloads })
    }
}

fn native(name: &str, given: &Given) -> Outcome<Native> {
    let program = guest::built("guest/wellhead-native")?;
    let mut command = Command::new(program);
    command.args([
        name,
        &RECORDS.to_string(),
        &BATCH.to_string(),
        &SEED.to_string(),
        given.config,
    ]);
    if let Some(path) = &given.payloads {
        command.arg(format!("payloads={}", path.display()));
    }
    let output = command.output()?;
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
    let given = Given::to(name)?;
    let configured = if name == "yardstick" {
        guest::named(runtime, name)?
    } else {
        guest::stock_with(runtime, name, given.config, given.payloads.as_deref())?
    };
    let first = native(name, &given)?;
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
            &mut || Ok(native(name, &given)?.nanos),
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
    rows.push(many_devices(&runtime)?);
    Ok(rows)
}

/// `iot-sensor` keeps nothing for a device: a record of many costs what one of few does.
fn many_devices(runtime: &Arc<Runtime>) -> Outcome<Row> {
    let with = |devices: u32| {
        let config = format!(r#"{{"devices": {devices}}}"#);
        guest::stock_with(runtime, "iot-sensor", &config, None)
    };
    let (few, many) = (with(10)?, with(100_000)?);
    let turn = |configured: &Arc<Configured>| {
        let mut bare = Bare::open(configured, 0, 1)?;
        bare.run(BATCH)?;
        bare.run(RECORDS)
    };
    let [few, many] = take_turns(TURNS, [&mut || turn(&few), &mut || turn(&many)])?;
    let detail = format!("{:.0} ns ÷ {:.0} ns", median(&many), median(&few));
    let name = "iot-sensor: a record of 100,000 devices ÷ of 10";
    Ok(Row::at_most(
        name,
        ratio(&many, &few),
        MANY_DEVICES,
        &detail,
    ))
}
