//! Records that the run itself reported as refused by the sink: nothing that is missing.

use std::collections::HashSet;
use std::fs::File;
use std::io::{BufRead, BufReader, ErrorKind};
use std::path::Path;

use super::VerifyError;
use crate::sink::rejects::Rejected;

/// Which records were refused, by stream and sequence.
#[derive(Clone, Debug, Default)]
pub struct Rejections(HashSet<(u32, u64)>);

impl Rejections {
    /// Those of a run in a file of rejected records; none where there is no such file. With several
    /// sinks, those of the sink that is named as in the lines, where any is.
    ///
    /// # Errors
    /// Where the file can't be read.
    pub fn read(path: &Path, run: &str, sink: &str) -> Result<Rejections, VerifyError> {
        let failed = |source| VerifyError::Rejected {
            path: path.display().to_string(),
            source,
        };
        let file = match File::open(path) {
            Ok(file) => file,
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(Rejections::default()),
            Err(e) => return Err(failed(e)),
        };
        let (mut own, mut all) = (HashSet::new(), HashSet::new());
        for line in BufReader::new(file).split(b'\n') {
            let line = line.map_err(failed)?;
            // A line torn by a crash is no record.
            let Ok(rejected) = serde_json::from_slice::<Rejected>(&line) else {
                continue;
            };
            if rejected.run != run {
                continue;
            }
            let which = (rejected.stream, rejected.sequence);
            if rejected.sink.contains(sink) {
                own.insert(which);
            }
            all.insert(which);
        }
        Ok(Rejections(if own.is_empty() { all } else { own }))
    }

    pub(super) fn all(&self) -> &HashSet<(u32, u64)> {
        &self.0
    }
}
