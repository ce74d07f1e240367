//! The S3 sink against MinIO's own client and against a bare multipart upload: same bytes, same
//! server, one after another.

use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;

use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, WriteMultipart};
use serde_json::{Map, Value, json};
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;
use wellhead::delivery::{Delivery, SinkPoint};
use wellhead::record::{Batch, Channel, Group, Origin, Part};
use wellhead::sink::{self, Context, Receipts};
use wellhead::telemetry::{Clock, Lateness};

use crate::guest::{self, Bare};
use crate::measure::{Meter, Outcome, median, ratio};
use crate::parquet;
use crate::table::Row;

const TURNS: usize = 5;
/// Objects of a turn, and bytes of the records of each.
const OBJECTS: usize = 6;
const OBJECT: u64 = 64 << 20;
/// What the sink has when it isn't told.
const PART: usize = 8 << 20;
const CONCURRENT: usize = 4;

struct Server {
    endpoint: String,
    key: String,
    secret: String,
}

struct Bench {
    runtime: Runtime,
    server: Server,
    bucket: String,
    channels: Arc<[Channel]>,
    /// The records of one object.
    batches: Vec<Arc<Batch>>,
    /// The same as lines.
    lines: bytes::Bytes,
    /// The same in a file, for each object of a turn.
    files: tempfile::TempDir,
    mc: PathBuf,
    turns: u64,
}

/// Records of a generator, one batch after another.
pub struct Recorded {
    pub channels: Arc<[Channel]>,
    pub batches: Vec<Arc<Batch>>,
}

/// About so many bytes of a generator's records.
pub fn recorded(generator: &str, bytes: u64) -> Outcome<Recorded> {
    let generators = guest::runtime()?;
    let configured = guest::named(&generators, generator)?;
    let mut bare = Bare::open(&configured, 0, 1)?;
    let (mut batches, mut total, mut next) = (Vec::new(), 0, 0);
    while total < bytes {
        let made = bare.batch()?;
        total += made.payload.len() as u64;
        let records = made.ends.len() as u64;
        batches.push(Arc::new(Batch {
            stream: 0,
            payload: made.payload,
            ends: made.ends,
            keys: made.keys,
            key_ends: made.key_ends,
            channels: made.channels,
            operations: made.operations,
            times: vec![0; records as usize],
            order: vec![0; records as usize],
            origin: Origin::Dense(next),
            first_sequence: next,
        }));
        next += records;
    }
    Ok(Recorded {
        channels: configured.channels.clone().into(),
        batches,
    })
}

/// The records as NDJSON.
pub fn lines(batches: &[Arc<Batch>]) -> Vec<u8> {
    let mut lines = Vec::new();
    for batch in batches {
        for k in 0..batch.len() {
            lines.extend_from_slice(batch.record(k));
            lines.push(b'\n');
        }
    }
    lines
}

impl Bench {
    fn new(server: Server) -> Outcome<Bench> {
        let Recorded { channels, batches } = recorded("device-log", OBJECT)?;
        let lines = bytes::Bytes::from(lines(&batches));
        let files = tempfile::tempdir()?;
        for n in 0..OBJECTS {
            std::fs::write(files.path().join(format!("{n}.ndjson")), &lines)?;
        }
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/services.sh");
        let mc = Command::new(script).arg("mc").output()?;
        // The bare upload's client takes what the process has.
        wellhead::sink::tls::install();
        let bench = Bench {
            runtime: Runtime::new()?,
            server,
            bucket: format!("bench-{}", std::process::id()),
            channels,
            batches,
            lines,
            files,
            mc: PathBuf::from(String::from_utf8(mc.stdout)?.trim()),
            turns: 0,
        };
        let at = format!("it/{}", bench.bucket);
        bench.client(&["mb", &at])?;
        Ok(bench)
    }

    fn client(&self, arguments: &[&str]) -> Outcome<String> {
        let (scheme, host) = self
            .server
            .endpoint
            .split_once("://")
            .ok_or("no scheme in WELLHEAD_TEST_MINIO")?;
        let (key, secret) = (&self.server.key, &self.server.secret);
        let output = Command::new(&self.mc)
            .args(["--quiet", "--config-dir"])
            .arg(self.files.path().join(".mc"))
            .args(arguments)
            .env("MC_HOST_it", format!("{scheme}://{key}:{secret}@{host}"))
            .output()?;
        match output.status.success() {
            true => Ok(String::from_utf8(output.stdout)?),
            false => Err(String::from_utf8_lossy(&output.stderr).into()),
        }
    }

    /// Measures one way to write, and looks at what is there then. Gives bytes a second.
    fn turn(&mut self, write: impl FnOnce(&Bench, &str) -> Outcome<()>) -> Outcome<f64> {
        self.turns += 1;
        let prefix = format!("turn-{}", self.turns);
        let meter = Meter::start();
        write(self, &prefix)?;
        let took = meter.stop();
        let store = self.store()?;
        let at = Path::from(prefix.as_str());
        let found = self.runtime.block_on(async {
            let listed = store.list_with_delimiter(Some(&at)).await?;
            for object in &listed.objects {
                store.delete(&object.location).await?;
            }
            Ok::<_, object_store::Error>(listed.objects)
        })?;
        let total: u64 = found.iter().map(|object| object.size).sum();
        let expected = (OBJECTS * self.lines.len()) as u64;
        if (found.len(), total) != (OBJECTS, expected) {
            let objects = found.len();
            return Err(format!("{objects} objects of {total} bytes, not {expected}").into());
        }
        Ok(total as f64 / took.wall)
    }

    fn store(&self) -> Outcome<AmazonS3> {
        Ok(AmazonS3Builder::new()
            .with_endpoint(&self.server.endpoint)
            .with_allow_http(true)
            .with_bucket_name(&self.bucket)
            .with_region("us-east-1")
            .with_access_key_id(&self.server.key)
            .with_secret_access_key(&self.server.secret)
            .build()?)
    }

    /// From memory, parts side by side.
    fn bare(&self, prefix: &str) -> Outcome<()> {
        let store = self.store()?;
        self.runtime.block_on(async {
            for n in 0..OBJECTS {
                let path = Path::from(format!("{prefix}/{n}.ndjson"));
                let upload = store.put_multipart(&path).await?;
                let mut writer = WriteMultipart::new_with_chunk_size(upload, PART);
                for start in (0..self.lines.len()).step_by(PART) {
                    let end = (start + PART).min(self.lines.len());
                    writer.wait_for_capacity(CONCURRENT).await?;
                    writer.put(self.lines.slice(start..end));
                }
                writer.finish().await?;
            }
            Ok(())
        })
    }

    /// MinIO's own client, from files that are in the page cache.
    fn mc(&self, prefix: &str) -> Outcome<()> {
        let to = format!("it/{}/{prefix}/", self.bucket);
        let names: Vec<String> = (0..OBJECTS)
            .map(|n| format!("{}/{n}.ndjson", self.files.path().display()))
            .collect();
        let mut arguments = vec!["cp"];
        arguments.extend(names.iter().map(String::as_str));
        arguments.push(&to);
        self.client(&arguments).map(drop)
    }

    /// Our sink, with all that a run has around it.
    fn ours(&self, prefix: &str) -> Outcome<()> {
        let records: usize = self.batches.iter().map(|batch| batch.len()).sum();
        let block = json!({
            "bucket": self.bucket, "prefix": prefix, "endpoint": self.server.endpoint,
            "access_key": self.server.key, "secret_key": self.server.secret,
            "records": records,
        });
        let block: &Map<String, Value> = block.as_object().ok_or("no block")?;
        let config = (sink::find("s3").ok_or("there is no sink s3")?.configure)(block)?;
        config.check(&self.channels, true)?;
        let receipts = Arc::new(Receipts::new(&[0], Clock::start(), Lateness::new()?, None));
        let cancel = CancellationToken::new();
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
            "s3".to_owned(),
            Arc::clone(&receipts),
            SinkPoint::default(),
            sink::OnFull::Wait,
            cancel.clone(),
        );
        let delivered = self
            .runtime
            .spawn(async move { delivery.run().await?.close(true).await });
        for object in 0..OBJECTS as u64 {
            for batch in &self.batches {
                // The bytes are shared by all objects but for their sequences.
                let mut batch = Batch::clone(batch);
                batch.first_sequence += object * records as u64;
                let part = Part {
                    range: 0..batch.len(),
                    batch: Arc::new(batch),
                    pace: None,
                };
                let bytes = part.bytes();
                let parts = vec![part];
                let group = Group { parts, streams: 1 };
                if !outlet.send(group, bytes, self.runtime.handle(), &cancel) {
                    return Err("the sink has failed".into());
                }
            }
        }
        drop(outlet);
        self.runtime.block_on(delivered)??;
        match receipts.acknowledged() == (OBJECTS * records) as u64 {
            true => Ok(()),
            false => Err("not all is acknowledged".into()),
        }
    }

    fn row(&mut self) -> Outcome<Row> {
        // The first connection warms up the server.
        self.turn(Bench::bare)?;
        let (mut ours, mut bare, mut client) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..TURNS {
            bare.push(self.turn(Bench::bare)?);
            ours.push(self.turn(Bench::ours)?);
            client.push(self.turn(Bench::mc)?);
        }
        let fastest = match median(&bare) > median(&client) {
            true => &bare,
            false => &client,
        };
        let rate = |rates: &[f64]| median(rates) / 1e6;
        let detail = format!(
            "{:.0} MB/s; bare multipart {:.0}, mc {:.0}",
            rate(&ours),
            rate(&bare),
            rate(&client)
        );
        let name = "s3 sink, 64 MiB objects ÷ faster of mc and bare multipart";
        Ok(Row::at_least(name, ratio(&ours, fastest), 0.85, &detail))
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        // What is left is in a bucket of its own, on a server of the tests.
        let _ = self.client(&["rb", "--force", &format!("it/{}", self.bucket)]);
    }
}

/// Objects to MinIO, and how fast Parquet is made.
pub fn rows() -> Outcome<Vec<Row>> {
    let mut rows = vec![parquet::row()?];
    let variable = |name: &str| std::env::var(format!("WELLHEAD_TEST_MINIO{name}"));
    let (Ok(endpoint), Ok(key), Ok(secret)) = (
        variable(""),
        variable("_ACCESS_KEY"),
        variable("_SECRET_KEY"),
    ) else {
        if std::env::var_os("WELLHEAD_TEST_REQUIRE").is_some() {
            return Err("WELLHEAD_TEST_MINIO is missing".into());
        }
        rows.push(Row::beside("s3", "left out: no WELLHEAD_TEST_MINIO"));
        return Ok(rows);
    };
    let server = Server {
        endpoint,
        key,
        secret,
    };
    rows.push(Bench::new(server)?.row()?);
    Ok(rows)
}
