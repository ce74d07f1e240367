//! Components called bare: through the host's plugin runtime, with its deadlines and limits, and
//! nothing else of the host, neither its checks of what comes back nor its hashes.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Map, Value};
use wellhead::plugin::{Assets, Configured, Generated, Limits, Runtime, Stream, Validate};

use crate::measure::{Outcome, thread_cpu};

/// Records of a call.
pub const BATCH: u64 = 1_000;
/// The seed of every stream here, and of those that the program runs.
pub const SEED: u64 = 7;

/// Event time of record 0, as `wellhead-native` has it.
pub const START: u64 = 1_704_067_200_000_000_000;
/// Nanoseconds from each to the next.
pub const STEP: u64 = 1_000_000;

/// The folder that cargo builds into.
pub fn target() -> Outcome<PathBuf> {
    // target/release/deps/bench-…
    let own = std::env::current_exe()?;
    let folder = own.ancestors().nth(3);
    Ok(folder
        .ok_or("the benchmark isn't in a target folder")?
        .to_path_buf())
}

/// A file of the build, or what to type where it is missing.
pub fn built(path: &str) -> Outcome<PathBuf> {
    let file = target()?.join(path);
    match file.exists() {
        true => Ok(file),
        false => Err(format!("{} is missing: type `make bench`", file.display()).into()),
    }
}

/// A component of the build, configured with its defaults.
pub fn load(runtime: &Arc<Runtime>, file: &Path) -> Outcome<Arc<Configured>> {
    load_with(runtime, file, Map::new(), Assets::default())
}

fn load_with(
    runtime: &Arc<Runtime>,
    file: &Path,
    config: Map<String, Value>,
    assets: Assets,
) -> Outcome<Arc<Configured>> {
    let generator = runtime.load(&std::fs::read(file)?, &file.display().to_string())?;
    Ok(generator.configure(config, Arc::new(assets), Validate::Off)?)
}

/// A stock generator with a configuration (JSON) and, as its asset `payloads`, a file.
pub fn stock_with(
    runtime: &Arc<Runtime>,
    name: &str,
    config: &str,
    payloads: Option<&Path>,
) -> Outcome<Arc<Configured>> {
    let mut assets = Assets::default();
    if let Some(path) = payloads {
        assets.insert("payloads", std::fs::read(path)?);
    }
    let file = built(&format!("plugins/{name}.wasm"))?;
    load_with(runtime, &file, serde_json::from_str(config)?, assets)
}

/// A stock generator, or the yardstick.
pub fn named(runtime: &Arc<Runtime>, name: &str) -> Outcome<Arc<Configured>> {
    let folder = if name == "yardstick" {
        "fixtures"
    } else {
        "plugins"
    };
    load(runtime, &built(&format!("{folder}/{name}.wasm"))?)
}

/// A runtime with the limits that a run has.
pub fn runtime() -> Outcome<Arc<Runtime>> {
    Ok(Runtime::new(Limits::default(), None)?)
}

/// One stream that goes on and on.
pub struct Bare {
    stream: Stream,
    next: u64,
    times: Vec<u64>,
}

impl Bare {
    /// At its first record.
    pub fn open(configured: &Arc<Configured>, stream: u32, streams: u32) -> Outcome<Bare> {
        let mut stream = configured.open(SEED, stream, streams, None);
        stream.start()?;
        Ok(Bare {
            stream,
            next: 0,
            times: Vec::new(),
        })
    }

    /// The next batch.
    pub fn batch(&mut self) -> Outcome<Generated> {
        let times = self.next..self.next + BATCH;
        self.times.clear();
        self.times.extend(times.map(|index| START + index * STEP));
        let batch = self.stream.generate_unchecked(self.next, &self.times)?;
        if batch.is_empty() {
            return Err("the stream ended".into());
        }
        self.next += batch.len() as u64;
        Ok(batch)
    }

    /// The next batch as a run asks for it: checked, and by another instance where this one has grown.
    pub fn checked_batch(&mut self) -> Outcome<()> {
        let times: Vec<u64> = (self.next..self.next + BATCH)
            .map(|index| START + index * STEP)
            .collect();
        self.next += self.stream.generate(self.next, &times)?.len() as u64;
        Ok(())
    }

    /// Bytes that the instance takes.
    pub fn memory(&self) -> usize {
        self.stream.memory()
    }

    /// So many more records; gives nanoseconds of this thread's CPU time for each.
    pub fn run(&mut self, records: u64) -> Outcome<f64> {
        let (begun, first) = (thread_cpu(), self.next);
        while self.next < first + records {
            std::hint::black_box(self.batch()?);
        }
        let spent = thread_cpu().saturating_sub(begun).as_nanos() as f64;
        Ok(spent / (self.next - first) as f64)
    }
}
