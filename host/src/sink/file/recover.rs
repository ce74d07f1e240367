//! Going back to where the newest checkpoint stood.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::targets::{FileSink, Target};
use super::writer::{Writer, failed, inode};
use crate::encode::body::Body;
use crate::sink::{Receipt, SendError, Watermark};

/// What a receipt says of the files.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Position {
    /// Those that are being written.
    pub(super) open: Vec<OpenFile>,
    /// Those that are complete and whose names may not have been changed yet.
    pub(super) sealed: Vec<SealedFile>,
}

/// A file that is being written, as it was at a checkpoint.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct OpenFile {
    target: String,
    encoder: usize,
    part: u32,
    offset: u64,
    records: u64,
    bytes: u64,
    window: u64,
    inode: u64,
    /// Of a file that is made again as a whole: see [`Target::begun`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    begun: Watermark,
}

impl OpenFile {
    pub(super) fn of(target: &Target) -> OpenFile {
        OpenFile {
            target: target.name.clone(),
            encoder: target.encoder,
            part: target.part,
            offset: target.writer.offset(),
            records: target.records,
            bytes: target.bytes,
            window: target.window,
            inode: target.writer.inode(),
            begun: target.begun.clone(),
        }
    }
}

/// A complete file.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct SealedFile {
    pub(super) target: String,
    pub(super) part: u32,
    pub(super) length: u64,
    pub(super) inode: u64,
}

impl SealedFile {
    pub(super) fn of(target: &Target) -> SealedFile {
        SealedFile {
            target: target.name.clone(),
            part: target.part,
            length: target.writer.offset(),
            inode: target.writer.inode(),
        }
    }
}

impl FileSink {
    /// Brings every file back to the checkpoint. What was written after it is cut off or, where
    /// it is in files that the checkpoint doesn't know, begun anew when its records come again.
    pub(super) fn restore(&mut self, saved: &Receipt) -> Result<Watermark, SendError> {
        let position: Position = if saved.position.is_null() {
            Position::default()
        } else {
            serde_json::from_value(saved.position.clone()).map_err(|error| {
                SendError::fatal(format!(
                    "the checkpoint of the files can't be read ({error}); was it written by a newer version?"
                ))
            })?
        };
        for file in &position.sealed {
            let complete = self.layout.complete(&file.target, file.part);
            let partial = self.layout.partial(&complete);
            if partial.exists() {
                self.complete(file)?;
            } else if length(&complete)? != file.length {
                return Err(changed(&complete));
            }
        }
        for file in position.open {
            self.reopen(file)?;
        }
        self.taken.clone_from(&saved.watermark);
        self.unit.resume(&saved.watermark);
        Ok(saved.watermark.clone())
    }

    fn reopen(&mut self, file: OpenFile) -> Result<(), SendError> {
        if self.config.is_whole() {
            return self.begin_again(file);
        }
        let complete = self.layout.complete(&file.target, file.part);
        let partial = self.layout.partial(&complete);
        if !partial.exists() {
            // The crash came after the file got its name and before that was written down. Another
            // file of that name, of an earlier run perhaps, isn't touched.
            let same = std::fs::metadata(&complete)
                .is_ok_and(|found| inode(&found) == file.inode && file.inode != 0);
            if !same {
                return Err(SendError::fatal(format!(
                    "{} is gone, which this run was writing: begin another run (without --resume)",
                    partial.display()
                )));
            }
            std::fs::rename(&complete, &partial)
                .map_err(|error| failed(&complete, "renamed", &error))?;
        }
        if length(&partial)? < file.offset {
            return Err(changed(&partial));
        }
        let writer = Writer::reopen(
            partial,
            file.offset,
            self.config.packing(),
            self.config.level,
        )?;
        let encoder = self.encoder(file.encoder)?;
        self.add(Target {
            name: file.target,
            encoder: file.encoder,
            body: Body::resume(encoder, file.records),
            begun: Watermark::new(),
            part: file.part,
            records: file.records,
            bytes: file.bytes,
            window: file.window,
            ended: false,
            writer,
        });
        Ok(())
    }
}

impl FileSink {
    /// Makes a file anew whose first record is the same as before.
    fn begin_again(&mut self, file: OpenFile) -> Result<(), SendError> {
        let mut writer = self.create(&file.target, file.part)?;
        let body = self.body(file.encoder, &mut writer)?;
        self.add(Target {
            name: file.target,
            encoder: file.encoder,
            body,
            begun: file.begun,
            part: file.part,
            records: 0,
            bytes: 0,
            window: file.window,
            ended: false,
            writer,
        });
        Ok(())
    }
}

fn length(path: &Path) -> Result<u64, SendError> {
    std::fs::metadata(path)
        .map(|found| found.len())
        .map_err(|error| failed(path, "read", &error))
}

fn changed(path: &Path) -> SendError {
    SendError::fatal(format!(
        "{} isn't as this run left it, so it can't be gone on with: begin another run (without --resume)",
        path.display()
    ))
}
