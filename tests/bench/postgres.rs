//! The PostgreSQL sink against `psql \copy` of the same rows into the same kind of table, and
//! upserts against COPY.
//!
//! From memory, through delivery and sink, until the last row is committed with its watermark;
//! `psql` reads a file that is in the page cache, and its start is measured too.

use std::fmt::Write;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Instant;

use serde_json::{Map, Value, json};
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;
use wellhead::delivery::{Delivery, SinkPoint};
use wellhead::record::{Batch, Channel, Group, Origin, Part};
use wellhead::sink::{self, Context, Receipts};
use wellhead::telemetry::{Clock, Lateness};

use crate::measure::{Outcome, median, ratio};
use crate::table::{Row, rate};

const TURNS: usize = 5;
/// Rows of a turn, and of one batch.
const ROWS: u64 = 1_000_000;
const BATCH: u64 = 4_096;

struct Bench {
    runtime: Runtime,
    url: String,
    channels: Arc<[Channel]>,
    batches: Vec<Arc<Batch>>,
    runs: u32,
}

impl Bench {
    fn new(url: String) -> Outcome<Bench> {
        let schema = json!({"properties": {
            "id": {"type": "integer"}, "machine": {"type": "string"}, "signal_type": {"type": "string"},
            "value": {"type": "number"}, "timestamp": {"type": "string", "format": "date-time"},
            "note": {"type": "string"},
        }});
        let channel = Channel {
            name: "signal".to_owned(),
            schema,
        };
        let starts = (0..ROWS).step_by(BATCH as usize);
        let batches = starts.map(|start| Arc::new(batch(start, BATCH.min(ROWS - start))));
        Ok(Bench {
            runtime: Runtime::new()?,
            url,
            channels: vec![channel].into(),
            batches: batches.collect(),
            runs: 0,
        })
    }

    fn psql(&self, query: &str) -> Outcome<String> {
        let output = Command::new("psql")
            .args([&self.url, "-qAtX", "-v", "ON_ERROR_STOP=1", "-c", query])
            .output()?;
        match output.status.success() {
            true => Ok(String::from_utf8(output.stdout)?.trim().to_owned()),
            false => Err(String::from_utf8_lossy(&output.stderr).into()),
        }
    }

    /// Makes a table empty and the server quiet, so that no turn pays for another.
    fn clear(&self, table: &str) -> Outcome<()> {
        self.psql(&format!("TRUNCATE {table}"))?;
        self.psql("CHECKPOINT").map(drop)
    }

    fn counted(&self, table: &str) -> Outcome<()> {
        let found = self.psql(&format!("SELECT count(*) FROM {table}"))?;
        match found == ROWS.to_string() {
            true => Ok(()),
            false => Err(format!("of {ROWS} rows {found} are in {table}").into()),
        }
    }

    /// Rows a second of `psql`, from a file.
    fn copy(&self, file: &Path) -> Outcome<f64> {
        self.clear("bench_psql")?;
        let begun = Instant::now();
        self.psql(&format!("\\copy bench_psql from '{}'", file.display()))?;
        let took = begun.elapsed().as_secs_f64();
        self.counted("bench_psql")?;
        Ok(ROWS as f64 / took)
    }

    /// Rows a second of our sink, with all that a run has around it.
    fn ours(&mut self, table: &str, options: &Value) -> Outcome<f64> {
        self.runs += 1;
        let receipts = Arc::new(Receipts::new(&[0], Clock::start(), Lateness::new()?, None));
        let cancel = CancellationToken::new();
        let mut sink = self.sink(table, options, &receipts, &cancel)?;
        self.runtime.block_on(async {
            sink.prepare().await?;
            sink.recover(None).await
        })?;
        let counts = Arc::clone(&receipts);
        let base = SinkPoint::default();
        let (delivery, outlet, _) = Delivery::new(
            sink,
            "postgres".to_owned(),
            counts,
            base,
            sink::OnFull::Wait,
            cancel.clone(),
        );
        let begun = Instant::now();
        let delivered = self
            .runtime
            .spawn(async move { delivery.run().await?.close(true).await });
        for batch in &self.batches {
            let part = Part {
                range: 0..batch.len(),
                batch: Arc::clone(batch),
                pace: None,
            };
            let bytes = part.bytes();
            let group = Group {
                parts: vec![part],
                streams: 1,
            };
            if !outlet.send(group, bytes, self.runtime.handle(), &cancel) {
                break;
            }
        }
        drop(outlet);
        self.runtime.block_on(delivered)??;
        let took = begun.elapsed().as_secs_f64();
        self.counted(table)?;
        if receipts.acknowledged() != ROWS {
            return Err(format!("{} of {ROWS} were acknowledged", receipts.acknowledged()).into());
        }
        Ok(ROWS as f64 / took)
    }

    fn sink(
        &self,
        table: &str,
        options: &Value,
        receipts: &Arc<Receipts>,
        cancel: &CancellationToken,
    ) -> Outcome<Box<dyn sink::Sink>> {
        let url = wellhead::spec::SinkBlock::from_url(&self.url).map_err(|e| e.to_string())?;
        let mut block = url.options;
        url.secrets.restore(&mut block);
        block.insert("table".to_owned(), table.into());
        block.extend(options.as_object().cloned().unwrap_or_else(Map::new));
        let kind = sink::find("postgres").ok_or("there is no sink postgres")?;
        let config = (kind.configure)(&block)?;
        config.check(&self.channels, true)?;
        Ok(config.open(Context {
            run: format!("bench-{}-{}", std::process::id(), self.runs),
            emulation: "bench".to_owned(),
            sink: 0,
            channels: Arc::clone(&self.channels),
            json: true,
            streams: 1,
            mine: [0].into(),
            receipts: Arc::clone(receipts),
            cancel: cancel.clone(),
        })?)
    }
}

fn batch(start: u64, count: u64) -> Batch {
    let mut text = String::new();
    let mut ends = Vec::with_capacity(count as usize);
    for n in start..start + count {
        // Into memory: it doesn't fail.
        let _ = write!(
            text,
            r#"{{"id":{n},"machine":"press-{:04}","signal_type":"power","value":{}.{:03},"timestamp":"2024-01-{:02}T{:02}:{:02}:{:02}.{:06}Z","note":"what a machine says of itself in so many words"}}"#,
            n % 5000,
            n % 977,
            n % 1000,
            1 + n / 86_400 % 28,
            n / 3600 % 24,
            n / 60 % 60,
            n % 60,
            n % 1_000_000
        );
        ends.push(text.len() as u32);
    }
    Batch {
        stream: 0,
        payload: text.into_bytes(),
        ends,
        keys: Vec::new(),
        key_ends: Vec::new(),
        channels: Vec::new(),
        operations: Vec::new(),
        times: vec![0; count as usize],
        order: (start..start + count).collect(),
        origin: Origin::Dense(start),
        first_sequence: start,
    }
}

fn measured(bench: &mut Bench, folder: &Path) -> Outcome<Vec<Row>> {
    let columns = "(id bigint, machine text, signal_type text, value double precision, timestamp timestamptz, note text)";
    for (table, key) in [("psql", ""), ("ours", ""), ("upsert", "PRIMARY KEY (id), ")] {
        let columns = columns.replacen('(', &format!("({key}"), 1);
        bench.psql(&format!("CREATE TABLE bench_{table} {columns}"))?;
    }
    let upsert = json!({"mode": "upsert", "key": "id"});
    // The first turn also makes the file, of what is in our table.
    bench.ours("bench_ours", &json!({}))?;
    let file = folder.join("rows");
    bench.psql(&format!("\\copy bench_ours to '{}'", file.display()))?;
    let width = std::fs::metadata(&file)?.len() / ROWS;
    bench.copy(&file)?;
    let [mut psql, mut copy, mut fresh, mut again] = [const { Vec::new() }; 4];
    for _ in 0..TURNS {
        psql.push(bench.copy(&file)?);
        bench.clear("bench_ours")?;
        copy.push(bench.ours("bench_ours", &json!({}))?);
        bench.clear("bench_upsert")?;
        fresh.push(bench.ours("bench_upsert", &upsert)?);
        bench.psql("CHECKPOINT")?;
        again.push(bench.ours("bench_upsert", &upsert)?);
    }
    let detail = |ours: &[f64], theirs: &[f64]| {
        let (ours, theirs) = (rate(median(ours)), rate(median(theirs)));
        format!("{ours} ÷ {theirs}, rows of {width} bytes")
    };
    let row = |name: &str, ours: &[f64], theirs: &[f64], least: f64| {
        Row::at_least(name, ratio(ours, theirs), least, &detail(ours, theirs))
    };
    Ok(vec![
        row(
            "postgres, COPY with watermark ÷ psql \\copy",
            &copy,
            &psql,
            0.9,
        ),
        row("postgres, upsert of new keys ÷ COPY", &fresh, &copy, 0.35),
        Row::beside(
            "postgres, upsert of keys that are there ÷ COPY",
            format!("{:.3}  ({})", ratio(&again, &copy), detail(&again, &copy)),
        ),
    ])
}

/// COPY and upserts.
pub fn rows() -> Outcome<Vec<Row>> {
    let Ok(server) = std::env::var("WELLHEAD_TEST_POSTGRES") else {
        if std::env::var_os("WELLHEAD_TEST_REQUIRE").is_some() {
            return Err("WELLHEAD_TEST_POSTGRES is missing".into());
        }
        let left_out = Row::beside("postgres", "left out: no WELLHEAD_TEST_POSTGRES");
        return Ok(vec![left_out]);
    };
    let name = format!("bench_{}", std::process::id());
    let (at, _) = server.rsplit_once('/').ok_or("a URL without a database")?;
    let mut bench = Bench::new(server.clone())?;
    bench.psql(&format!("CREATE DATABASE {name}"))?;
    bench.url = format!("{at}/{name}");
    let folder = tempfile::tempdir()?;
    let rows = measured(&mut bench, folder.path());
    bench.url = server;
    bench.psql(&format!("DROP DATABASE {name} WITH (FORCE)"))?;
    rows
}
