//! The Kafka sink against a bare loop over its client: same bytes, same settings, same broker.
//!
//! Twice: from memory, a replayed batch through delivery and sink, as records a second; and with
//! generation by the whole program, as CPU time, since the broker shares the machine.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;
use wellhead::delivery::{Delivery, Outlet, SinkPoint};
use wellhead::record::{Batch, Channel, Group, Origin, Part};
use wellhead::sink::{self, Context, Receipts};
use wellhead::telemetry::{Clock, Lateness};

use crate::ceiling;
use crate::guest::{self, BATCH, Bare};
use crate::measure::{Measure, Meter, Outcome, median, ratio};
use crate::program::Program;
use crate::table::{Row, rate};

const TURNS: usize = 5;
/// Different batches, more than are ever in flight, and how often they are sent in a turn.
const BATCHES: u64 = 200;
const ROUNDS: usize = 3;
const RECORDS: u64 = BATCHES * BATCH * ROUNDS as u64;
/// With the batch that goes first, before anything is measured: it waits for connections.
const SENT: u64 = RECORDS + BATCH;
const PATIENCE: Duration = Duration::from_secs(30);
/// Records of a run of the whole program: so many that its start, which is in its CPU time, weighs little.
const GENERATED: u64 = 3_000_000;
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
    runtime: Runtime,
    brokers: String,
    channels: Arc<[Channel]>,
    batches: Vec<Batch>,
    topics: u32,
}

impl Bench {
    fn new(brokers: String) -> Outcome<Bench> {
        let generators = guest::runtime()?;
        let transaction = guest::named(&generators, "transaction")?;
        let mut bare = Bare::open(&transaction, 0, 1)?;
        let batches = (0..BATCHES)
            .map(|_| batch(&mut bare))
            .collect::<Outcome<_>>()?;
        Ok(Bench {
            runtime: Runtime::new()?,
            brokers,
            channels: transaction.channels.clone().into(),
            batches,
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
        self.runtime
            .block_on(ceiling::make(&self.brokers, &topic))?;
        let (acknowledged, took) = send(self, &topic)?;
        let counted = ceiling::count(&self.brokers, &topic)?;
        self.runtime
            .block_on(ceiling::delete(&self.brokers, &topic))?;
        if (acknowledged, counted) != (SENT, SENT) {
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
        ceiling::run(&self.brokers, topic, &self.batches, ROUNDS)
    }

    /// The program as users run it, its start included.
    fn program(&mut self, program: &Program, into: &mut Measured) -> Outcome<()> {
        self.topics += 1;
        let topic = format!("bench-{}-{}", std::process::id(), self.topics);
        let to = format!(
            "kafka://{}/{topic}?partitions={}&replication=1",
            self.brokers,
            ceiling::PARTITIONS
        );
        let records = GENERATED.to_string();
        let run = program.run(&[
            "transaction",
            "--load",
            "max",
            "--records",
            &records,
            "--to",
            &to,
        ])?;
        let acknowledged = run.number("/records/acknowledged")?;
        let counted = ceiling::count(&self.brokers, &topic)?;
        self.runtime
            .block_on(ceiling::delete(&self.brokers, &topic))?;
        if (acknowledged, counted) != (GENERATED as f64, GENERATED) {
            return Err(format!(
                "of {GENERATED} records {acknowledged} were acknowledged, and the broker has {counted}"
            )
            .into());
        }
        into.rates.push(run.number("/rate")?);
        into.cpu.push(run.cpu / acknowledged);
        Ok(())
    }

    /// Our sink, with all that a run has around it.
    fn ours(&self, topic: &str, options: &Value) -> Outcome<(u64, Measure)> {
        let mut block = Map::new();
        block.insert("brokers".to_owned(), self.brokers.clone().into());
        block.insert("topic".to_owned(), topic.into());
        block.extend(options.as_object().cloned().unwrap_or_default());
        let config = (sink::find("kafka")
            .ok_or("there is no sink kafka")?
            .configure)(&block)?;
        config.check(&self.channels, true)?;
        let receipts = Arc::new(Receipts::new(&[0], Clock::start(), Lateness::new()?, None));
        let cancel = CancellationToken::new();
        let mut sink = config.open(Context {
            run: "bench".to_owned(),
            emulation: "bench".to_owned(),
            channels: Arc::clone(&self.channels),
            json: true,
            streams: 1,
            receipts: Arc::clone(&receipts),
            cancel: cancel.clone(),
        })?;
        self.runtime.block_on(sink.prepare())?;
        let counts = Arc::clone(&receipts);
        let (delivery, outlet, _) = Delivery::new(
            sink,
            "kafka".to_owned(),
            counts,
            SinkPoint::default(),
            sink::OnFull::Wait,
            cancel.clone(),
        );
        let delivered = self
            .runtime
            .spawn(async move { delivery.run().await?.close(true).await });
        let measure = self.replay(&outlet, &receipts, &cancel);
        drop(outlet);
        self.runtime.block_on(delivered)??;
        Ok((receipts.acknowledged(), measure?))
    }

    /// Releases the first batch, and when that is settled, all of them again and again, until
    /// those are settled.
    fn replay(
        &self,
        outlet: &Outlet,
        receipts: &Receipts,
        cancel: &CancellationToken,
    ) -> Outcome<Measure> {
        let mut ring = VecDeque::new();
        self.release(outlet, &mut ring, 0, cancel)?;
        settled(receipts, BATCH)?;
        let meter = Meter::start();
        for number in 1..=BATCHES * ROUNDS as u64 {
            self.release(outlet, &mut ring, number, cancel)?;
        }
        settled(receipts, SENT)?;
        Ok(meter.stop())
    }

    /// Releases a batch under the sequences that follow on. One that the sink has let go of is
    /// used again, for copying it would be measured.
    fn release(
        &self,
        outlet: &Outlet,
        ring: &mut VecDeque<Arc<Batch>>,
        number: u64,
        cancel: &CancellationToken,
    ) -> Outcome<()> {
        let original = &self.batches[(number % BATCHES) as usize];
        let used = match number {
            0..BATCHES => None,
            _ => ring.pop_front(),
        };
        let mut batch = used.unwrap_or_else(|| Arc::new(original.clone()));
        Arc::make_mut(&mut batch).first_sequence = number * BATCH;
        let part = Part {
            range: 0..batch.len(),
            batch: Arc::clone(&batch),
            pace: None,
        };
        ring.push_back(batch);
        let bytes = part.bytes();
        let group = Group {
            parts: vec![part],
            streams: 1,
        };
        match outlet.send(group, bytes, self.runtime.handle(), cancel) {
            true => Ok(()),
            false => Err("the sink has failed".into()),
        }
    }
}

/// Waits until so many records are acknowledged.
fn settled(receipts: &Receipts, records: u64) -> Outcome<()> {
    let begun = Instant::now();
    while receipts.acknowledged() < records {
        if begun.elapsed() > PATIENCE {
            let acknowledged = receipts.acknowledged();
            return Err(format!("only {acknowledged} of {records} are acknowledged").into());
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    Ok(())
}

fn batch(bare: &mut Bare) -> Outcome<Batch> {
    let made = bare.batch()?;
    let records = made.ends.len();
    Ok(Batch {
        stream: 0,
        payload: made.payload,
        ends: made.ends,
        keys: made.keys,
        key_ends: made.key_ends,
        channels: made.channels,
        operations: made.operations,
        times: vec![0; records],
        order: vec![0; records],
        origin: Origin::Dense(0),
        first_sequence: 0,
    })
}

fn from_memory(bench: &mut Bench) -> Outcome<Vec<Row>> {
    let [mut loops, mut keys, mut template] = [const { Measured::new() }; 3];
    // The first connection warms up the broker.
    bench.turn(&mut Measured::new(), |bench, topic| bench.ceiling(topic))?;
    for _ in 0..TURNS {
        bench.turn(&mut loops, |bench, topic| bench.ceiling(topic))?;
        bench.turn(&mut keys, |bench, topic| bench.ours(topic, &json!({})))?;
        bench.turn(&mut template, |bench, topic| {
            bench.ours(topic, &json!({"key": "{customer_id}"}))
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
