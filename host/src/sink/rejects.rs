//! The file of rejected records: one JSON line for each record that a sink refused for good.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Rejection;
use crate::record::Part;

/// The file can't be read or written.
#[derive(Debug, thiserror::Error)]
#[error(
    "the file of rejected records {path} can't be written: {source}; name another with `rejected:`"
)]
pub struct RejectError {
    path: PathBuf,
    source: std::io::Error,
}

/// A line of the file.
#[derive(Debug, Serialize, Deserialize)]
pub struct Rejected {
    /// Identity of the run.
    pub run: String,
    /// Stream of the record.
    pub stream: u32,
    /// Its sequence there.
    pub sequence: u64,
    /// Kind and target of the sink.
    pub sink: String,
    /// The service's reason.
    pub reason: String,
    /// The record: a JSON value where it is one, else text.
    pub record: Value,
}

/// Shared by all sinks of an emulation.
#[derive(Debug)]
pub struct RejectFile {
    path: PathBuf,
    run: String,
    /// And whether something was written since the last sync.
    file: Mutex<(BufWriter<File>, bool)>,
}

impl RejectFile {
    /// Opens the file for the run. What an earlier execution of the run wrote past the watermark
    /// of its sink (`settled(sink, stream)`) is cut away, since it will be refused again.
    ///
    /// # Errors
    /// Where the file can't be read or written.
    pub fn open(
        path: &Path,
        run: &str,
        settled: impl Fn(&str, u32) -> u64,
    ) -> Result<RejectFile, RejectError> {
        let failed = |source| RejectError {
            path: path.to_owned(),
            source,
        };
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).map_err(failed)?;
        }
        if path.exists() {
            cut(path, run, settled).map_err(failed)?;
        }
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(path)
            .map_err(failed)?;
        Ok(RejectFile {
            path: path.to_owned(),
            run: run.to_owned(),
            file: Mutex::new((BufWriter::new(file), false)),
        })
    }

    /// Drops the run's lines at or past the watermarks that its sinks go on from (`settled(sink,
    /// stream)`), since those will be refused again.
    ///
    /// # Errors
    /// Where the file can't be read or written.
    pub fn cut(&self, settled: impl Fn(&str, u32) -> u64) -> Result<(), RejectError> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let cut = |file: &mut (BufWriter<File>, bool)| {
            file.0.flush()?;
            cut(&self.path, &self.run, settled)?;
            let opened = OpenOptions::new().append(true).open(&self.path)?;
            file.0 = BufWriter::new(opened);
            Ok(())
        };
        cut(&mut file).map_err(|source| self.failed(source))
    }

    /// Adds a record.
    ///
    /// # Errors
    /// Where the file can't be written.
    pub fn write(&self, sink: &str, part: &Part, rejection: &Rejection) -> Result<(), RejectError> {
        let bytes = part.batch.record(rejection.record);
        let line = Rejected {
            run: self.run.clone(),
            stream: part.stream(),
            sequence: part.batch.first_sequence + rejection.record as u64,
            sink: sink.to_owned(),
            reason: rejection.reason.clone(),
            record: serde_json::from_slice(bytes)
                .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(bytes).into_owned())),
        };
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.1 = true;
        serde_json::to_writer(&mut file.0, &line)
            .map_err(std::io::Error::from)
            .and_then(|()| file.0.write_all(b"\n"))
            .map_err(|source| self.failed(source))
    }

    /// Makes what was written durable.
    ///
    /// # Errors
    /// Where the file can't be written.
    pub fn sync(&self) -> Result<(), RejectError> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        if !file.1 {
            return Ok(());
        }
        file.0
            .flush()
            .and_then(|()| file.0.get_ref().sync_data())
            .map_err(|source| self.failed(source))?;
        file.1 = false;
        Ok(())
    }

    fn failed(&self, source: std::io::Error) -> RejectError {
        RejectError {
            path: self.path.clone(),
            source,
        }
    }
}

fn cut(path: &Path, run: &str, settled: impl Fn(&str, u32) -> u64) -> std::io::Result<()> {
    let mut kept = tempfile::NamedTempFile::new_in(match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    })?;
    for line in BufReader::new(File::open(path)?).split(b'\n') {
        let line = line?;
        // A line torn by a crash is no record; another run's lines stay.
        let Ok(rejected) = serde_json::from_slice::<Rejected>(&line) else {
            continue;
        };
        if rejected.run != run || rejected.sequence < settled(&rejected.sink, rejected.stream) {
            kept.write_all(&line)?;
            kept.write_all(b"\n")?;
        }
    }
    kept.as_file().sync_data()?;
    kept.persist(path)?;
    Ok(())
}
