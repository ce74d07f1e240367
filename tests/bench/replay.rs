//! Records from memory through delivery and a sink, with all that a run has around it.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;
use wellhead::delivery::{Delivery, Outlet, SinkPoint};
use wellhead::record::{Batch, Channel, Group, Origin, Part};
use wellhead::sink::{self, Context, Receipts};
use wellhead::telemetry::{Clock, Lateness};

use crate::guest::{self, BATCH, Bare};
use crate::measure::{Measure, Meter, Outcome};

const PATIENCE: Duration = Duration::from_secs(30);

/// Batches of card payments, to be released again and again under sequences that follow on.
pub struct Replay {
    runtime: Runtime,
    channels: Arc<[Channel]>,
    batches: Vec<Batch>,
}

impl Replay {
    /// So many different batches of [`BATCH`] records.
    pub fn new(batches: u64) -> Outcome<Replay> {
        let generators = guest::runtime()?;
        let transaction = guest::named(&generators, "transaction")?;
        let mut bare = Bare::open(&transaction, 0, 1)?;
        let batches = (0..batches).map(|_| batch(&mut bare));
        Ok(Replay {
            runtime: Runtime::new()?,
            channels: transaction.channels.clone().into(),
            batches: batches.collect::<Outcome<_>>()?,
        })
    }

    /// The different batches.
    pub fn batches(&self) -> &[Batch] {
        &self.batches
    }

    /// Where sinks run.
    pub fn runtime(&self) -> &Runtime {
        &self.runtime
    }

    /// Every record once, a line each.
    pub fn lines(&self) -> Vec<u8> {
        let mut text = Vec::new();
        for batch in &self.batches {
            for k in 0..batch.len() {
                text.extend_from_slice(batch.record(k));
                text.push(b'\n');
            }
        }
        text
    }

    /// Sends the first batch, and when that is settled, so many more, which is what is measured.
    pub fn run(&self, kind: &str, block: &Value, batches: u64) -> Outcome<Measure> {
        let options = block.as_object().ok_or("a block is a map")?;
        let kind = sink::find(kind).ok_or("there is no such sink")?;
        let config = (kind.configure)(options)?;
        config.check(&self.channels, true)?;
        let receipts = Arc::new(Receipts::new(&[0], Clock::start(), Lateness::new()?, None));
        let cancel = CancellationToken::new();
        let _runtime = self.runtime.enter();
        let mut sink = config.open(Context {
            run: "bench".to_owned(),
            emulation: "bench".to_owned(),
            sink: 0,
            channels: Arc::clone(&self.channels),
            json: true,
            streams: 1,
            mine: [0].into(),
            receipts: Arc::clone(&receipts),
            cancel: cancel.clone(),
        })?;
        self.runtime.block_on(sink.prepare())?;
        let (delivery, outlet, _) = Delivery::new(
            sink,
            kind.name.to_owned(),
            Arc::clone(&receipts),
            SinkPoint::default(),
            sink::OnFull::Wait,
            cancel.clone(),
        );
        let delivered = self
            .runtime
            .spawn(async move { delivery.run().await?.close(true).await });
        let measure = self.replay(&outlet, &receipts, &cancel, batches);
        drop(outlet);
        self.runtime.block_on(delivered)??;
        match receipts.acknowledged() {
            all if all == (batches + 1) * BATCH => measure,
            some => Err(format!("only {some} records were acknowledged").into()),
        }
    }

    fn replay(
        &self,
        outlet: &Outlet,
        receipts: &Receipts,
        cancel: &CancellationToken,
        batches: u64,
    ) -> Outcome<Measure> {
        let mut ring = VecDeque::new();
        self.release(outlet, &mut ring, 0, cancel)?;
        settled(receipts, BATCH)?;
        let meter = Meter::start();
        for number in 1..=batches {
            self.release(outlet, &mut ring, number, cancel)?;
        }
        settled(receipts, (batches + 1) * BATCH)?;
        Ok(meter.stop())
    }

    /// Releases a batch. One that the sink has let go of is used again, for copying it would be measured.
    fn release(
        &self,
        outlet: &Outlet,
        ring: &mut VecDeque<Arc<Batch>>,
        number: u64,
        cancel: &CancellationToken,
    ) -> Outcome<()> {
        let different = self.batches.len() as u64;
        let original = &self.batches[(number % different) as usize];
        let used = (number >= different).then(|| ring.pop_front()).flatten();
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

/// Waits until so many records are settled.
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

/// A program that the benchmark starts for itself, ended with it.
pub struct Server(pub std::process::Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Where a command is, also where only root looks.
pub fn command(name: &str) -> Option<std::path::PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(["/usr/sbin".into()]);
    folders
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
}

/// A port that nothing listens on, and the wait until something does.
pub fn free_port() -> Outcome<u16> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?
        .local_addr()?
        .port())
}

/// Waits until something listens there.
pub fn listens(port: u16) -> Outcome<()> {
    let begun = Instant::now();
    while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
        if begun.elapsed() > PATIENCE {
            return Err(format!("nothing listens on port {port}").into());
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    Ok(())
}
