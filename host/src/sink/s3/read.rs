//! Objects, read back: those of the run, by their names; the objects of one stream, channel and prefix
//! are one place, in the order of the sequences in their names.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::Read;
use std::sync::Arc;

use futures::TryStreamExt;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};

use super::S3Config;
use super::layout::Layout;
use super::service::Service;
use crate::encode::parquet::Lines;
use crate::encode::split::{Splitter, unpacked};
use crate::encode::{Encoder, Format, Scratch};
use crate::record::Batch;
use crate::sink::SendError;
use crate::sink::read::{Form, Kept, Look, Other, Reader, Reading, Source};
use crate::sink::text::{Pipe, Texts};

/// Digits of a sequence in a name.
const DIGITS: usize = 20;

pub(super) struct S3Reader {
    config: S3Config,
    reading: Reading,
    service: Arc<Service>,
    /// Objects of the run by place; listed when the first is asked for.
    objects: Option<BTreeMap<String, Vec<Path>>>,
}

impl S3Reader {
    pub(super) fn new(config: &S3Config, reading: &Reading) -> Result<S3Reader, SendError> {
        Ok(S3Reader {
            service: Arc::new(Service::new(&config.options)?),
            config: config.clone(),
            reading: reading.clone(),
            objects: None,
        })
    }

    fn layout(&self) -> Layout {
        Layout::new(
            self.config.prefix.clone(),
            &self.reading.run,
            self.config.ending(),
        )
    }

    fn objects(&mut self) -> Result<&mut BTreeMap<String, Vec<Path>>, SendError> {
        let layout = self.layout();
        let found = match self.objects.take() {
            Some(objects) => objects,
            None => self.list(&layout)?,
        };
        Ok(self.objects.insert(found))
    }

    fn list(&self, layout: &Layout) -> Result<BTreeMap<String, Vec<Path>>, SendError> {
        let folder = layout.folder();
        let store = Arc::clone(&self.service.store);
        let listed = self.reading.runtime.block_on(async {
            let mut all = Vec::new();
            let mut list = store.list(folder.as_ref());
            while let Some(object) = list.try_next().await? {
                all.push(object.location);
            }
            Ok(all)
        });
        let listed: Vec<Path> =
            listed.map_err(|error| self.service.failed("objects can't be listed", &error))?;
        let mut objects: BTreeMap<String, Vec<Path>> = BTreeMap::new();
        for path in listed {
            if let Some(place) = layout.place_of(path.as_ref(), DIGITS) {
                objects.entry(place.to_owned()).or_default().push(path);
            }
        }
        for paths in objects.values_mut() {
            paths.sort();
        }
        Ok(objects)
    }

    fn source(&self, paths: Vec<Path>) -> Box<dyn Source> {
        let mut left = paths.into_iter();
        let (service, runtime) = (Arc::clone(&self.service), self.reading.runtime.clone());
        let format = self.config.options.format;
        let compression = self.config.options.packing();
        Box::new(Texts::new(move || {
            let Some(path) = left.next() else {
                return Ok(None);
            };
            let name = format!("{} {path}", service.place);
            let service = Arc::clone(&service);
            let pipe = Pipe::of(&runtime, |feeder| async move {
                let failed = |error: &object_store::Error| {
                    service.failed(&format!("{path} can't be read"), error)
                };
                let got = service.store.get(&path).await.map_err(|e| failed(&e))?;
                let mut body = got.into_stream();
                while let Some(piece) = body.try_next().await.map_err(|e| failed(&e))? {
                    feeder.give(piece).await?;
                }
                Ok(())
            });
            let text = match format {
                Format::Parquet => spooled(pipe).and_then(|file| {
                    let lines: Box<dyn Read + Send> = Box::new(Lines::of(file)?);
                    Ok(lines)
                }),
                _ => unpacked(Box::new(pipe), compression),
            };
            let text = text.map_err(|error| SendError::fatal(format!("{name}: {error}")))?;
            Ok(Some((name, Splitter::new(text, format))))
        }))
    }
}

impl Reader for S3Reader {
    fn kept(&self) -> Kept {
        Kept::Release
    }

    fn form(&self) -> Result<Box<dyn Form>, SendError> {
        let encoders = self
            .config
            .encoders(&self.reading.channels, self.reading.json)
            .map_err(|error| SendError::fatal(error.message))?;
        Ok(Box::new(S3Form {
            format: self.config.options.format,
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
            prefix: Vec::new(),
            places: Vec::new(),
            by_key: HashMap::new(),
            key: Vec::new(),
        }))
    }

    fn open(&mut self, place: &str) -> Result<Vec<Box<dyn Source>>, SendError> {
        let paths = self.objects()?.remove(place);
        Ok(paths.map(|paths| self.source(paths)).into_iter().collect())
    }

    fn others(&mut self) -> Result<Vec<Other>, SendError> {
        let left = std::mem::take(self.objects()?);
        let source = |(place, paths)| (place, self.source(paths));
        Ok(left.into_iter().map(source).collect())
    }
}

/// An object in a file without a name: Parquet is read from its end, and an object may be large.
fn spooled(mut object: Pipe) -> std::io::Result<File> {
    let mut file = tempfile::tempfile()?;
    std::io::copy(&mut object, &mut file)?;
    Ok(file)
}

struct S3Form {
    format: Format,
    layout: Layout,
    encoders: Vec<Arc<Encoder>>,
    channels: Vec<String>,
    scratch: Scratch,
    line: Vec<u8>,
    prefix: Vec<u8>,
    places: Vec<String>,
    /// By stream, channel and prefix.
    by_key: HashMap<Vec<u8>, u32>,
    key: Vec<u8>,
}

impl S3Form {
    fn place(&mut self, batch: &Batch, k: usize) -> Option<u32> {
        let channel = batch.channel(k);
        let name = self.channels.get(channel).map_or("", String::as_str);
        if !self.layout.partition(name, batch, k, &mut self.prefix) {
            return None;
        }
        self.key.clear();
        self.key.extend_from_slice(&batch.stream.to_le_bytes());
        self.key.push(channel as u8);
        self.key.extend_from_slice(&self.prefix);
        if let Some(&place) = self.by_key.get(&self.key) {
            return Some(place);
        }
        let object = self.layout.object(&self.prefix, name, batch.stream, 0)?;
        let series = self.layout.place_of(object.as_ref(), DIGITS)?.to_owned();
        let place = self.places.len() as u32;
        self.by_key.insert(self.key.clone(), place);
        self.places.push(series);
        Some(place)
    }
}

impl Form for S3Form {
    fn of<'a>(&'a mut self, batch: &'a Batch, k: usize) -> Option<(u32, Look<'a>)> {
        let place = self.place(batch, k)?;
        let encoder = self.encoders.get(batch.channel(k))?;
        self.line.clear();
        encoder.record(batch, k, true, &mut self.scratch, &mut self.line);
        let record = self.format.bare(&self.line);
        let tail: &[u8] = b"";
        Some((place, Look { record, tail }))
    }

    fn places(&self) -> &[String] {
        &self.places
    }
}
