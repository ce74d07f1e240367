//! What a commit confirms, and how a file gets its name.

use async_trait::async_trait;

use super::layout::folder_of;
use super::recover::{OpenFile, Position, SealedFile};
use super::targets::{FileSink, Target};
use super::unit::unfit;
use super::writer::{failed, sync_folder};
use crate::record::Group;
use crate::sink::{Config, Guarantee, Receipt, SendError, Sink, Watermark, blocking};

impl FileSink {
    /// Writes out every buffer, and settles what is in the files then.
    fn flush(&mut self) -> Result<(), SendError> {
        for (_, writer) in &mut self.finished {
            writer.flush()?;
        }
        for target in &mut self.targets {
            target.writer.flush()?;
        }
        let FileSink {
            unit,
            targets,
            taken,
            context,
            ..
        } = self;
        unit.settle(|| below(targets, taken), &context.receipts);
        Ok(())
    }

    /// Makes everything taken durable and says where each file ends.
    fn checkpoint(&mut self) -> Result<Receipt, SendError> {
        // The newest receipt names these as complete, and is durable by now.
        self.complete_sealed()?;
        self.flush()?;
        for (file, writer) in &mut self.finished {
            writer.sync()?;
            file.length = writer.offset();
        }
        // What is made again as a whole needn't be durable before it is one.
        if !self.config.is_whole() {
            for target in &mut self.targets {
                target.writer.sync()?;
            }
        }
        self.sync_folders()?;
        self.sealed = self.finished.drain(..).map(|(file, _)| file).collect();
        let open = self.targets.iter().map(OpenFile::of).collect();
        self.receipt(Position {
            open,
            sealed: self.sealed.clone(),
        })
    }

    fn receipt(&self, position: Position) -> Result<Receipt, SendError> {
        let position = serde_json::to_value(position).map_err(|error| {
            SendError::fatal(format!("{}: no checkpoint: {error}", self.config.target()))
        })?;
        Ok(Receipt {
            watermark: match self.config.is_whole() {
                true => self.context.receipts.watermark(),
                false => self.taken.clone(),
            },
            position,
        })
    }

    /// Gives a complete file its name, in place of what has it now.
    pub(super) fn complete(&mut self, file: &SealedFile) -> Result<(), SendError> {
        let complete = self.layout.complete(&file.target, file.part);
        let partial = self.layout.partial(&complete);
        std::fs::rename(&partial, &complete)
            .map_err(|error| failed(&partial, "renamed", &error))?;
        self.folders.insert(folder_of(&complete));
        Ok(())
    }

    fn complete_sealed(&mut self) -> Result<(), SendError> {
        while let Some(file) = self.sealed.last().cloned() {
            self.complete(&file)?;
            self.sealed.pop();
        }
        Ok(())
    }

    fn sync_folders(&mut self) -> Result<(), SendError> {
        while let Some(folder) = self.folders.first() {
            sync_folder(folder)?;
            self.folders.pop_first();
        }
        Ok(())
    }

    /// Ends every file and gives it its name. May be called again after an error.
    fn finish(&mut self) -> Result<Receipt, SendError> {
        if self.by_name.is_empty() && self.layout.template().constant().is_some() {
            // No record came: the file is there all the same, with what a reader expects of it.
            self.layout.target("", 0, b"", &mut self.name);
            self.target_by_name(0)?;
        }
        self.checkpoint()?;
        for target in &mut self.targets {
            if !target.ended {
                let ended = target.body.end(&mut target.writer.plain);
                ended.map_err(|error| unfit(&error))?;
                target.ended = true;
            }
            target.writer.sync()?;
        }
        self.sealed
            .extend(self.targets.drain(..).map(|target| SealedFile::of(&target)));
        self.complete_sealed()?;
        self.sync_folders()?;
        self.unit.turn();
        self.flush()?;
        self.receipt(Position::default())
    }
}

/// Everything below is in files that count: where each open file that counts only as a whole began.
fn below(targets: &[Target], taken: &Watermark) -> Watermark {
    let mut below = taken.clone();
    for target in targets {
        for (below, begun) in below.iter_mut().zip(&target.begun) {
            *below = (*below).min(*begun);
        }
    }
    below
}

#[async_trait]
impl Sink for FileSink {
    fn guarantee(&self) -> Guarantee {
        Guarantee::ExactlyOnce
    }

    async fn prepare(&mut self) -> Result<(), SendError> {
        blocking(|| self.probe())
    }

    async fn recover(&mut self, saved: Option<&Receipt>) -> Result<Option<Watermark>, SendError> {
        match saved {
            None => Ok(None),
            Some(receipt) => blocking(|| self.restore(receipt)).map(Some),
        }
    }

    async fn write(&mut self, group: &Group) -> Result<(), SendError> {
        blocking(|| {
            // First what an earlier call couldn't write: else a full disk would fill the memory.
            if self.config.is_whole() || self.unit.is_owing() {
                self.flush()?;
            }
            let taken = self.take(group);
            taken.and(self.flush())
        })
    }

    async fn commit(&mut self) -> Result<Receipt, SendError> {
        blocking(|| self.checkpoint())
    }

    async fn close(&mut self, finished: bool) -> Result<Receipt, SendError> {
        blocking(|| {
            if finished {
                self.finish()
            } else {
                self.checkpoint()
            }
        })
    }
}
