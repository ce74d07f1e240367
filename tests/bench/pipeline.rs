//! The whole host, hashes and checks on, into a sink that only counts, against bare calls of the
//! same component.

use std::sync::Arc;
use std::time::Instant;

use wellhead::plugin::Configured;

use crate::guest::{self, Bare};
use crate::measure::{Outcome, median, ratio, take_turns};
use crate::program::Program;
use crate::table::{Row, rate};

const TURNS: usize = 5;
/// Records of a turn: about a second.
const RECORDS: u64 = 6_000_000;

/// What other generators of load reach a core on the machine where the target was set, each with a
/// record of its own choice. They aren't built here.
const PEERS: &str = "benthos 83 k, jr 86 k, lading's library 2.06 M there";

/// Records a second of bare calls on so many threads.
fn bare(configured: &Arc<Configured>, threads: u32) -> Outcome<f64> {
    let mut streams = (0..threads)
        .map(|stream| Bare::open(configured, stream, threads))
        .collect::<Outcome<Vec<Bare>>>()?;
    let each = RECORDS / u64::from(threads);
    let begun = Instant::now();
    std::thread::scope(|scope| {
        let run = |bare: &mut Bare| bare.run(each).map(|_| ());
        let threads: Vec<_> = streams
            .iter_mut()
            .map(|bare| scope.spawn(move || run(bare)))
            .collect();
        threads.into_iter().try_for_each(|thread| {
            thread
                .join()
                .map_err(|_| "a thread of bare calls panicked")?
        })
    })?;
    Ok(RECORDS as f64 / begun.elapsed().as_secs_f64())
}

/// Records a second of the program, as it reports them.
fn host(program: &Program, workers: &str, streams: &str) -> Outcome<f64> {
    let records = RECORDS.to_string();
    let run = program.run(&[
        "transaction",
        "--load",
        "max",
        "--records",
        &records,
        "--to",
        "null",
        "--workers",
        workers,
        "--streams",
        streams,
    ])?;
    let acknowledged = run.number("/records/acknowledged")?;
    if acknowledged != RECORDS as f64 {
        return Err(format!("{acknowledged} of {RECORDS} records were acknowledged").into());
    }
    run.number("/rate")
}

/// One worker against one thread, and what a second one adds.
pub fn rows() -> Outcome<Vec<Row>> {
    let program = Program::new()?;
    let runtime = guest::runtime()?;
    let transaction = guest::named(&runtime, "transaction")?;
    let [bare1, host1, bare2, host2of1, host2] = take_turns(
        TURNS,
        [
            &mut || bare(&transaction, 1),
            &mut || host(&program, "1", "1"),
            &mut || bare(&transaction, 2),
            &mut || host(&program, "1", "2"),
            &mut || host(&program, "2", "2"),
        ],
    )?;
    let against = |a: &[f64], b: &[f64]| format!("{} ÷ {}", rate(median(a)), rate(median(b)));
    let scaled: Vec<f64> = host2.iter().zip(&host2of1).map(|(a, b)| a / b).collect();
    let possible: Vec<f64> = bare2.iter().zip(&bare1).map(|(a, b)| a / b).collect();
    let detail = format!("{:.2} ÷ {:.2}", median(&scaled), median(&possible));
    let absolute = median(&host1);
    Ok(vec![
        Row::at_least(
            "host into null, 1 worker ÷ bare calls",
            ratio(&host1, &bare1),
            0.7,
            &against(&host1, &bare1),
        ),
        Row::at_least(
            "2 workers ÷ 1, against 2 threads ÷ 1",
            ratio(&scaled, &possible),
            0.9,
            &detail,
        ),
        Row {
            name: "host into null, 1 worker".to_owned(),
            measured: format!("{}  ({PEERS})", rate(absolute)),
            target: "≥ 5 M/s there".to_owned(),
            reached: Some(absolute >= 5e6),
        },
    ])
}
