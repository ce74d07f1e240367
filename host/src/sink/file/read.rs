//! Files, read back: every path of the template with all its parts, finished or not.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::FileConfig;
use super::layout::{Layout, is_unfinished};
use super::writer::failed;
use crate::encode::pack::Compression;
use crate::encode::parquet::Lines;
use crate::encode::split::{Splitter, unpacked};
use crate::encode::{Encoder, Format, Scratch};
use crate::record::Batch;
use crate::sink::SendError;
use crate::sink::read::{Form, Kept, Look, Reader, Reading, Source};
use crate::sink::text::Texts;

pub(super) struct FileReader {
    config: FileConfig,
    reading: Reading,
    rotated: bool,
}

impl FileReader {
    pub(super) fn new(config: &FileConfig, reading: &Reading) -> FileReader {
        FileReader {
            rotated: config.rotation.size.is_some() || config.rotation.every.is_some(),
            config: config.clone(),
            reading: reading.clone(),
        }
    }

    fn layout(&self) -> Layout {
        Layout::new(self.config.path.clone(), &self.reading.run, self.rotated)
    }

    /// The parts of a target that are there, in order; one that isn't complete as it is.
    fn parts(&self, target: &str) -> Vec<PathBuf> {
        let layout = self.layout();
        let mut found = Vec::new();
        for part in 0.. {
            let complete = layout.complete(target, part);
            let partial = layout.partial(&complete);
            // What is unfinished replaces what an earlier run finished.
            if partial.exists() {
                found.push(partial);
            } else if complete.exists() {
                found.push(complete);
            } else {
                break;
            }
            if !self.rotated {
                break;
            }
        }
        found
    }
}

impl Reader for FileReader {
    fn kept(&self) -> Kept {
        match self.reading.captured {
            true => Kept::Nothing,
            false => Kept::Release,
        }
    }

    fn form(&self) -> Result<Box<dyn Form>, SendError> {
        let encoders = self
            .config
            .encoders(&self.reading.channels, self.reading.json)
            .map_err(|error| SendError::fatal(error.message))?;
        Ok(Box::new(FileForm {
            plain: self.config.format == Format::Ndjson && self.config.operation_field.is_none(),
            format: self.config.format,
            layout: self.layout(),
            encoders,
            channels: self
                .reading
                .channels
                .iter()
                .map(|c| c.name.clone())
                .collect(),
            scratch: Scratch::default(),
            line: Vec::new(),
            name: Vec::new(),
            places: Vec::new(),
            by_name: HashMap::new(),
        }))
    }

    fn open(&mut self, place: &str) -> Result<Vec<Box<dyn Source>>, SendError> {
        let parts = self.parts(place);
        if parts.is_empty() && self.config.path.constant().is_some() {
            return Err(SendError::fatal(format!(
                "there is no file {place}; name the one that holds the records: --from file:PATH"
            )));
        }
        let mut left = parts.into_iter();
        let (format, compression) = (self.config.format, self.config.packing());
        let texts = Texts::new(move || {
            let Some(path) = left.next() else {
                return Ok(None);
            };
            let failed = |error: std::io::Error| failed(&path, "read", &error);
            let file = File::open(&path).map_err(failed)?;
            let text: Box<dyn Read + Send> = match format {
                Format::Parquet => {
                    let lines = Lines::of(file);
                    Box::new(lines.map_err(|error| match is_unfinished(&path) {
                        true => unfinished(&path),
                        false => failed(error),
                    })?)
                }
                _ => unpacked(Box::new(file), compression).map_err(failed)?,
            };
            let name = format!("{} can't be read", path.display());
            Ok(Some((name, Splitter::new(text, format))))
        });
        let plain = compression == Compression::None && format != Format::Parquet;
        Ok(vec![match plain {
            true => Box::new(texts.at_hand()),
            false => Box::new(texts),
        }])
    }
}

fn unfinished(path: &Path) -> SendError {
    SendError::fatal(format!(
        "{} isn't complete, and Parquet can be read only then: go on with the run to its end (--resume), and \
         verify it after that",
        path.display()
    ))
}

struct FileForm {
    /// A line is the record as it is.
    plain: bool,
    format: Format,
    layout: Layout,
    encoders: Vec<Arc<Encoder>>,
    channels: Vec<String>,
    scratch: Scratch,
    line: Vec<u8>,
    name: Vec<u8>,
    places: Vec<String>,
    by_name: HashMap<Vec<u8>, u32>,
}

impl FileForm {
    fn place(&mut self, batch: &Batch, k: usize) -> Option<u32> {
        if self.places.len() == 1 && self.layout.template().constant().is_some() {
            return Some(0);
        }
        let channel = self
            .channels
            .get(batch.channel(k))
            .map_or("", String::as_str);
        if !self
            .layout
            .target(channel, batch.stream, batch.record(k), &mut self.name)
        {
            return None;
        }
        if let Some(&place) = self.by_name.get(&self.name) {
            return Some(place);
        }
        let place = self.places.len() as u32;
        self.by_name.insert(self.name.clone(), place);
        self.places
            .push(String::from_utf8_lossy(&self.name).into_owned());
        Some(place)
    }
}

impl Form for FileForm {
    fn of<'a>(&'a mut self, batch: &'a Batch, k: usize) -> Option<(u32, Look<'a>)> {
        let place = self.place(batch, k)?;
        let tail: &[u8] = b"";
        if self.plain {
            let record = batch.record(k);
            return Some((place, Look { record, tail }));
        }
        let encoder = if self.encoders.len() > 1 {
            self.encoders.get(batch.channel(k))?
        } else {
            self.encoders.first()?
        };
        self.line.clear();
        encoder.record(batch, k, true, &mut self.scratch, &mut self.line);
        let record = self.format.bare(&self.line);
        Some((place, Look { record, tail }))
    }

    fn places(&self) -> &[String] {
        &self.places
    }
}
