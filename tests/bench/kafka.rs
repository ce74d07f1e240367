//! The Kafka sink against a bare loop over its client: same bytes, same settings, same broker.
//!
//! Twice: from memory, a replayed batch through delivery and sink, as records a second; and with
//! generation by the whole program, as CPU time, since the broker shares the machine.

use serde_json::{Value, json};

use crate::ceiling;
use crate::guest::{self, BATCH, Bare};
use crate::measure::{Measure, Outcome, median, ratio};
use crate::program::{Program, Run};
use crate::replay::Replay;
use crate::table::{Row, rate};

const TURNS: usize = 5;
/// Different batches, more than are ever in flight, and how often they are sent in a turn.
const BATCHES: u64 = 200;
const ROUNDS: usize = 3;
const RECORDS: u64 = BATCHES * BATCH * ROUNDS as u64;
/// With the batch that goes first, before anything is measured: it waits for connections.
const SENT: u64 = RECORDS + BATCH;
/// Records of a run of the whole program: so many that its start, which is in its CPU time, weighs little.
const GENERATED: u64 = 4_000_000;
const PROGRAM_TURNS: usize = 3;

/// What a turn gave: records a second, and seconds of CPU time for each.
struct Measured {
    rates: Vec<f64>,
    cpu: Vec<f64>,
}

impl Measured {
    const fn new() -> Measured {
        Measured {
            rates: Vec::new(),
            cpu: Vec::new(),
        }
    }
}

struct Bench {
    replay: Replay,
    brokers: String,
    topics: u32,
}

impl Bench {
    fn new(brokers: String) -> Outcome<Bench> {
        Ok(Bench {
            replay: Replay::new(BATCHES)?,
            brokers,
            topics: 0,
        })
    }

    /// Measures `send` into a topic of its own, and counts there.
    fn turn(
        &mut self,
        into: &mut Measured,
        send: impl FnOnce(&Bench, &str) -> Outcome<(u64, Measure)>,
    ) -> Outcome<()> {
        self.topics += 1;
        let topic = format!("bench-{}-{}", std::process::id(), self.topics);
        self.replay
            .runtime()
            .block_on(ceiling::make(&self.brokers, &topic))?;
        let (acknowledged, took) = send(self, &topic)?;
        let counted = ceiling::count(&self.brokers, &topic)?;
        self.replay
            .runtime()
            .block_on(ceiling::delete(&self.brokers, &topic))?;
        // Ends of transactions have offsets too.
        if acknowledged != SENT || !(SENT..SENT + 1_000).contains(&counted) {
            return Err(format!(
                "of {SENT} records {acknowledged} were acknowledged, and the broker has {counted}"
            )
            .into());
        }
        into.rates.push(RECORDS as f64 / took.wall);
        into.cpu.push(took.cpu / RECORDS as f64);
        Ok(())
    }

    fn ceiling(&self, topic: &str) -> Outcome<(u64, Measure)> {
        ceiling::run(&self.brokers, topic, self.replay.batches(), ROUNDS)
    }

    /// The program as users run it, what its start costs left out.
    fn program(&mut self, program: &Program, into: &mut Measured) -> Outcome<()> {
        let short = self.run(program, GENERATED / 4)?;
        let long = self.run(program, GENERATED)?;
        into.rates.push(long.number("/rate")?);
        // Their difference leaves out what a new process pays once (memory that it has from the system), as the loop
        // in this one does.
        let more = GENERATED - GENERATED / 4;
        into.cpu.push((long.cpu - short.cpu) / more as f64);
        Ok(())
    }

    fn run(&mut self, program: &Program, records: u64) -> Outcome<Run> {
        self.topics += 1;
        let topic = format!("bench-{}-{}", std::process::id(), self.topics);
        let to = format!(
            "kafka://{}/{topic}?partitions={}&replication=1",
            self.brokers,
            ceiling::PARTITIONS
        );
        let count = records.to_string();
        let run = program.run(&[
            "transaction",
            "--load",
            "max",
            "--records",
            &count,
            "--to",
            &to,
        ])?;
        let acknowledged = run.number("/records/acknowledged")?;
        let counted = ceiling::count(&self.brokers, &topic)?;
        self.replay
            .runtime()
            .block_on(ceiling::delete(&self.brokers, &topic))?;
        if (acknowledged, counted) != (records as f64, records) {
            return Err(format!(
                "of {records} records {acknowledged} were acknowledged, and the broker has {counted}"
            )
            .into());
        }
        Ok(run)
    }

    /// Our sink, with all that a run has around it.
    fn ours(&self, topic: &str, options: &Value) -> Outcome<(u64, Measure)> {
        let mut block = json!({ "brokers": self.brokers, "topic": topic });
        for (name, value) in options.as_object().into_iter().flatten() {
            block[name] = value.clone();
        }
        // It fails unless every record is acknowledged.
        let measure = self.replay.run("kafka", &block, BATCHES * ROUNDS as u64)?;
        Ok((SENT, measure))
    }
}

fn from_memory(bench: &mut Bench) -> Outcome<Vec<Row>> {
    let [mut loops, mut keys, mut template, mut exact] = [const { Measured::new() }; 4];
    // The first connection warms up the broker.
    bench.turn(&mut Measured::new(), |bench, topic| bench.ceiling(topic))?;
    for _ in 0..TURNS {
        bench.turn(&mut loops, |bench, topic| bench.ceiling(topic))?;
        bench.turn(&mut keys, |bench, topic| bench.ours(topic, &json!({})))?;
        bench.turn(&mut template, |bench, topic| {
            bench.ours(topic, &json!({"key": "{customer_id}"}))
        })?;
        bench.turn(&mut exact, |bench, topic| {
            bench.ours(topic, &json!({"exactly_once": true}))
        })?;
    }
    let row = |name: &str, ours: &Measured| {
        let detail = format!(
            "{} ÷ {}, CPU {:.2} ÷ {:.2} µs",
            rate(median(&ours.rates)),
            rate(median(&loops.rates)),
            median(&ours.cpu) * 1e6,
            median(&loops.cpu) * 1e6
        );
        Row::at_least(name, ratio(&ours.rates, &loops.rates), 0.9, &detail)
    };
    Ok(vec![
        row("kafka sink, the batch's keys ÷ bare loop", &keys),
        row("kafka sink, key {customer_id} ÷ bare loop", &template),
        Row {
            target: String::new(),
            reached: None,
            ..row("kafka sink, exactly_once ÷ bare loop", &exact)
        },
    ])
}

/// The whole program, against bare generation and the bare loop together.
fn with_generation(bench: &mut Bench) -> Outcome<Row> {
    let program = Program::new()?;
    let generators = guest::runtime()?;
    let transaction = guest::named(&generators, "transaction")?;
    let [mut whole, mut loops] = [const { Measured::new() }; 2];
    let mut generation = Vec::new();
    for _ in 0..PROGRAM_TURNS {
        bench.turn(&mut loops, |bench, topic| bench.ceiling(topic))?;
        generation.push(Bare::open(&transaction, 0, 1)?.run(GENERATED)? / 1e9);
        bench.program(&program, &mut whole)?;
    }
    let parts: Vec<f64> = generation
        .iter()
        .zip(&loops.cpu)
        .map(|(generation, sent)| generation + sent)
        .collect();
    let micros = |values: &[f64]| median(values) * 1e6;
    let detail = format!(
        "{:.2} µs ÷ ({:.2} + {:.2}) µs, {}",
        micros(&whole.cpu),
        micros(&generation),
        micros(&loops.cpu),
        rate(median(&whole.rates))
    );
    let name = "the same with generation: CPU ÷ (generation + loop)";
    Ok(Row::at_most(name, ratio(&whole.cpu, &parts), 1.15, &detail))
}

/// From memory with both kinds of keys, and with generation.
pub fn rows() -> Outcome<Vec<Row>> {
    let Ok(brokers) = std::env::var("WELLHEAD_TEST_KAFKA") else {
        if std::env::var_os("WELLHEAD_TEST_REQUIRE").is_some() {
            return Err("WELLHEAD_TEST_KAFKA is missing".into());
        }
        return Ok(vec![Row::beside(
            "kafka",
            "left out: no WELLHEAD_TEST_KAFKA",
        )]);
    };
    let mut bench = Bench::new(brokers)?;
    let mut rows = from_memory(&mut bench)?;
    rows.push(with_generation(&mut bench)?);
    Ok(rows)
}
