//! `wellhead-native GENERATOR RECORDS BATCH SEED [CONFIG [ASSET=FILE]]`: runs a stock generator
//! natively, one stream, and prints as JSON what a record costs and a hash of all its bytes.
//!
//! Built with the profile `guest`, as the components are, it is what WebAssembly is measured
//! against: same source, same optimisation, no host.

use std::process::ExitCode;

use rustix::time::{ClockId, clock_gettime};
use serde_json::json;
use wellhead_sdk::Settings;
use wellhead_sdk::native::Entry;
use xxhash_rust::xxh3::Xxh3;

const USAGE: &str = "usage: wellhead-native GENERATOR RECORDS BATCH SEED [CONFIG [ASSET=FILE]]";

/// Event time of record 0, and nanoseconds from each to the next; the benchmark uses the same.
const START: u64 = 1_704_067_200_000_000_000;
const STEP: u64 = 1_000_000;

fn entry(name: &str) -> Option<Entry> {
    match name {
        "transaction" => Some(transaction::GENERATOR),
        "device-log" => Some(device_log::GENERATOR),
        "user-profile" => Some(user_profile::GENERATOR),
        "machine-signal" => Some(machine_signal::GENERATOR),
        "iot-sensor" => Some(iot_sensor::GENERATOR),
        "replay" => Some(replay::GENERATOR),
        "template" => Some(template::GENERATOR),
        "yardstick" => Some(yardstick::GENERATOR),
        _ => None,
    }
}

struct Arguments {
    generator: Entry,
    records: u64,
    batch: u64,
    seed: u64,
    config: String,
}

impl Arguments {
    fn read() -> Option<Arguments> {
        let arguments: Vec<String> = std::env::args().skip(1).collect();
        let [generator, records, batch, seed, more @ ..] = arguments.as_slice() else {
            return None;
        };
        if let Some((name, file)) = more.get(1).and_then(|asset| asset.split_once('=')) {
            wellhead_sdk::native::set_asset(name, std::fs::read(file).ok()?);
        }
        Some(Arguments {
            generator: entry(generator)?,
            records: records.parse().ok().filter(|n| *n > 0)?,
            batch: batch.parse().ok().filter(|n| *n > 0)?,
            seed: seed.parse().ok()?,
            config: more.first().map_or("{}", String::as_str).to_owned(),
        })
    }
}

/// CPU time of this process in nanoseconds.
fn cpu() -> u64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

/// Goes through all records once; `each` sees what the calls give.
fn run(
    it: &Arguments,
    mut each: impl FnMut(&wellhead_sdk::Batch),
) -> Result<u64, wellhead_sdk::Error> {
    let settings = Settings {
        seed: it.seed,
        config: it.config.clone(),
        ..Settings::default()
    };
    let mut stream = (it.generator.open)(&settings, None)?;
    let mut times = Vec::new();
    let mut next = 0;
    let begun = cpu();
    while next < it.records {
        let end = (next + it.batch).min(it.records);
        times.clear();
        times.extend((next..end).map(|index| START + index * STEP));
        let batch = stream.generate(next, &times)?;
        if batch.is_empty() {
            return Err(wellhead_sdk::Error::failed("the stream ended"));
        }
        each(&batch);
        next += batch.len() as u64;
    }
    Ok(cpu() - begun)
}

fn measure(it: &Arguments) -> Result<serde_json::Value, wellhead_sdk::Error> {
    // Hashing has a pass of its own, so that it isn't in the measured one; it also warms up.
    let (mut records, mut keys, mut bytes) = (Xxh3::new(), Xxh3::new(), 0);
    run(it, |batch| {
        records.update(&batch.payload);
        keys.update(&batch.keys);
        bytes += batch.payload.len();
    })?;
    let nanos = run(it, |batch| {
        std::hint::black_box(batch);
    })?;
    Ok(json!({
        "records": it.records,
        "ns_per_record": nanos as f64 / it.records as f64,
        "bytes_per_record": bytes as f64 / it.records as f64,
        "xxh3": format!("{:032x}{:032x}", records.digest128(), keys.digest128()),
    }))
}

fn main() -> ExitCode {
    let Some(arguments) = Arguments::read() else {
        eprintln!("{USAGE}, where GENERATOR is a stock generator or yardstick");
        return ExitCode::from(2);
    };
    match measure(&arguments) {
        Ok(measured) => {
            println!("{measured}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("wellhead-native: {error}");
            ExitCode::FAILURE
        }
    }
}
