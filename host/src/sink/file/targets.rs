//! Which records go to which file, and when a file is complete.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::FileConfig;
use super::layout::{Layout, folder_of};
use super::recover::SealedFile;
use super::unit::{Unit, clip, unfit};
use super::writer::{Writer, failed};
use crate::encode::Encoder;
use crate::encode::body::Body;
use crate::record::{Batch, Group, Part};
use crate::sink::{Config, Context, Rejection, SendError, Watermark};

/// A file's buffer is written out once it holds this much.
const CHUNK: usize = 256 * 1024;

/// One path of the template, and the file that is open for it.
pub(super) struct Target {
    /// The path without the number of its part.
    pub(super) name: String,
    /// Which encoder its records take.
    pub(super) encoder: usize,
    /// Which part is open.
    pub(super) part: u32,
    /// Records in this part.
    pub(super) records: u64,
    /// Bytes in this part, before compression.
    pub(super) bytes: u64,
    /// Which stretch of profile time this part is of.
    pub(super) window: u64,
    /// What its records go through.
    pub(super) body: Body,
    /// Where each stream stood when this part began, of a file that is made again as a whole: what lies
    /// below is in complete parts. Else nothing.
    pub(super) begun: Watermark,
    /// Whether the last record and what follows it are in the buffer.
    pub(super) ended: bool,
    pub(super) writer: Writer,
}

/// Files of one block of a spec.
pub(super) struct FileSink {
    pub(super) config: FileConfig,
    pub(super) layout: Layout,
    encoders: Vec<Arc<Encoder>>,
    pub(super) context: Context,
    pub(super) name: Vec<u8>,
    pub(super) targets: Vec<Target>,
    pub(super) by_name: HashMap<Vec<u8>, usize>,
    /// By channel and stream, where the path depends on nothing else.
    by_origin: HashMap<(usize, u32), usize>,
    /// The next sequence of each stream that isn't in a file's buffer yet.
    pub(super) taken: Watermark,
    /// What was taken and isn't settled.
    pub(super) unit: Unit,
    /// Complete, and not named in a receipt yet.
    pub(super) finished: Vec<(SealedFile, Writer)>,
    /// Complete and named in the newest receipt: the next commit gives them their names.
    pub(super) sealed: Vec<SealedFile>,
    /// Folders with entries that may not be durable.
    pub(super) folders: BTreeSet<PathBuf>,
}

impl FileSink {
    pub(super) fn new(
        config: FileConfig,
        layout: Layout,
        encoders: Vec<Arc<Encoder>>,
        context: Context,
    ) -> FileSink {
        FileSink {
            unit: Unit::new(config.is_whole(), context.receipts.watermark()),
            taken: context.receipts.watermark(),
            config,
            layout,
            encoders,
            context,
            name: Vec::new(),
            targets: Vec::new(),
            by_name: HashMap::new(),
            by_origin: HashMap::new(),
            finished: Vec::new(),
            sealed: Vec::new(),
            folders: BTreeSet::new(),
        }
    }

    /// Makes the folders that are known beforehand, and finds out whether they can be written to
    /// and whether another run is at work there.
    pub(super) fn probe(&mut self) -> Result<(), SendError> {
        if self.layout.template().has_fields() {
            return Ok(());
        }
        let channels = if self.layout.template().has_channel() {
            self.context.channels.len()
        } else {
            1
        };
        let streams = if self.layout.template().has_stream() {
            self.context.streams
        } else {
            1
        };
        for channel in 0..channels {
            for stream in 0..streams {
                let name = self
                    .context
                    .channels
                    .get(channel)
                    .map_or("", |channel| &channel.name);
                self.layout.target(name, stream, b"", &mut self.name);
                let target = String::from_utf8_lossy(&self.name).into_owned();
                let complete = self.layout.complete(&target, 0);
                let folder = folder_of(&complete);
                if !self.folders.contains(&folder) {
                    self.make_folder(&folder)?;
                    tempfile::tempfile_in(&folder)
                        .map_err(|error| failed(&folder, "written to", &error))?;
                }
                self.refuse_others(&complete)?;
            }
        }
        Ok(())
    }

    fn make_folder(&mut self, folder: &Path) -> Result<(), SendError> {
        if !folder.exists() {
            // Every folder that is made is an entry in the one above it.
            let missing = folder.ancestors().take_while(|above| !above.exists());
            self.folders.extend(missing.map(folder_of));
            std::fs::create_dir_all(folder).map_err(|error| failed(folder, "created", &error))?;
        }
        self.folders.insert(folder.to_owned());
        Ok(())
    }

    fn refuse_others(&mut self, complete: &Path) -> Result<(), SendError> {
        let Some(run) = self.layout.other_run(complete) else {
            return Ok(());
        };
        Err(SendError::fatal(format!(
            "{path} is being written by run {run}, which hasn't finished: go on with it \
             (--resume), name another path, or remove {path}.{run}.partial",
            path = complete.display()
        )))
    }

    pub(super) fn create(&mut self, name: &str, part: u32) -> Result<Writer, SendError> {
        let complete = self.layout.complete(name, part);
        self.make_folder(&folder_of(&complete))?;
        self.refuse_others(&complete)?;
        Writer::create(
            self.layout.partial(&complete),
            self.config.packing(),
            self.config.level,
        )
    }

    /// The target whose path is in `self.name`.
    pub(super) fn target_by_name(&mut self, channel: usize) -> Result<usize, SendError> {
        if let Some(&target) = self.by_name.get(&self.name) {
            return Ok(target);
        }
        let most = self.config.room.most();
        if self.targets.len() >= most {
            return Err(SendError::fatal(format!(
                "{} gives more than {most} files; use fields with fewer values in the path, or raise \
                 `max_targets` (and for Parquet `max_memory`)",
                self.config.target()
            )));
        }
        let name = String::from_utf8_lossy(&self.name).into_owned();
        let encoder = if self.encoders.len() > 1 { channel } else { 0 };
        let mut writer = self.create(&name, 0)?;
        let body = self.body(encoder, &mut writer)?;
        let bytes = writer.plain.len() as u64;
        let begun = self.unit.begin(&self.taken);
        self.add(Target {
            name,
            encoder,
            body,
            begun,
            part: 0,
            records: 0,
            bytes,
            window: u64::MAX,
            ended: false,
            writer,
        });
        Ok(self.targets.len() - 1)
    }

    pub(super) fn encoder(&self, index: usize) -> Result<Arc<Encoder>, SendError> {
        let encoder = self.encoders.get(index).cloned();
        encoder.ok_or_else(|| SendError::fatal("a channel has no encoder; please report it"))
    }

    /// The body of a new file, begun.
    pub(super) fn body(&self, encoder: usize, writer: &mut Writer) -> Result<Body, SendError> {
        Body::begin(self.encoder(encoder)?, &mut writer.plain).map_err(|error| unfit(&error))
    }

    pub(super) fn add(&mut self, target: Target) {
        self.by_name
            .insert(target.name.clone().into_bytes(), self.targets.len());
        self.targets.push(target);
    }

    /// Where a record goes. Nothing where its path can't be made.
    fn route(&mut self, batch: &Batch, k: usize) -> Result<Option<usize>, SendError> {
        let template = self.layout.template();
        if self.targets.len() == 1 && template.constant().is_some() {
            return Ok(Some(0));
        }
        let channel = batch.channel(k);
        let origin = (
            if template.has_channel() { channel } else { 0 },
            if template.has_stream() {
                batch.stream
            } else {
                0
            },
        );
        let fields = template.has_fields();
        if !fields && let Some(&target) = self.by_origin.get(&origin) {
            return Ok(Some(target));
        }
        let name = self
            .context
            .channels
            .get(channel)
            .map_or("", |channel| &channel.name);
        if !self
            .layout
            .target(name, batch.stream, batch.record(k), &mut self.name)
        {
            return Ok(None);
        }
        let target = self.target_by_name(channel)?;
        if !fields {
            self.by_origin.insert(origin, target);
        }
        Ok(Some(target))
    }

    /// Completes a target's file and begins the next, if it is time.
    fn rotate(&mut self, target: usize, order: u64) -> Result<(), SendError> {
        let rotation = self.config.rotation;
        let window = rotation.every.map_or(0, |every| order / every);
        let here = &self.targets[target];
        let full = rotation.size.is_some_and(|size| here.bytes >= size);
        if here.records > 0 && (full || window > here.window) {
            let (name, part) = (here.name.clone(), here.part + 1);
            let encoder = here.encoder;
            let mut next = self.create(&name, part)?;
            let body = self.body(encoder, &mut next)?;
            let begun = self.unit.begin(&self.taken);
            let here = &mut self.targets[target];
            let ended = here.body.end(&mut here.writer.plain);
            ended.map_err(|error| unfit(&error))?;
            (here.body, here.begun) = (body, begun);
            let done = std::mem::replace(&mut here.writer, next);
            self.finished.push((
                SealedFile {
                    target: name,
                    part: here.part,
                    length: 0,
                    inode: done.inode(),
                },
                done,
            ));
            (here.part, here.records, here.bytes) = (part, 0, here.writer.plain.len() as u64);
        }
        let here = &mut self.targets[target];
        if here.records == 0 {
            here.window = window;
        }
        Ok(())
    }

    /// Puts one record into its file's buffer and says which. Nothing where its path can't be made.
    fn put(&mut self, batch: &Batch, k: usize) -> Result<Option<usize>, SendError> {
        let Some(index) = self.route(batch, k)? else {
            return Ok(None);
        };
        let sequence = batch.first_sequence + k as u64;
        let begun = self.targets[index].begun.get(batch.stream as usize);
        if begun.is_some_and(|&begun| sequence < begun) {
            return Ok(Some(index));
        }
        if self.config.rotation.size.is_some() || self.config.rotation.every.is_some() {
            self.rotate(index, batch.order[k])?;
        }
        let target = &mut self.targets[index];
        let before = target.writer.plain.len();
        let taken = target
            .body
            .records(batch, k..k + 1, &mut target.writer.plain);
        taken.map_err(|error| unfit(&error))?;
        target.records += 1;
        target.bytes += match target.begun.is_empty() {
            true => (target.writer.plain.len() - before) as u64,
            // What comes out of rows comes when there are many.
            false => batch.record(k).len() as u64,
        };
        Ok(Some(index))
    }

    /// Records side by side into the only file there is: no question of which or when.
    fn put_all(&mut self, part: &Part) -> Result<(), SendError> {
        let Some(index) = self.route(&part.batch, part.range.start)? else {
            return Ok(());
        };
        let FileSink { targets, taken, .. } = self;
        let target = &mut targets[index];
        let stream = part.stream() as usize;
        let mut at = part.range.start;
        while at < part.range.end {
            let start = at;
            let mut size = 0;
            while at < part.range.end && size < CHUNK {
                size += part.batch.record(at).len();
                at += 1;
            }
            let plain = &mut target.writer.plain;
            let done = target.body.records(&part.batch, start..at, plain);
            done.map_err(|error| unfit(&error))?;
            target.records += (at - start) as u64;
            taken[stream] = part.batch.first_sequence + at as u64;
            target.writer.flush()?;
        }
        Ok(())
    }

    /// Puts what is new of a group into buffers; after an error, what came before it.
    pub(super) fn take(&mut self, group: &Group) -> Result<(), SendError> {
        let before = self.taken.clone();
        let parts = group
            .parts
            .iter()
            .filter_map(|part| clip(part, before[part.stream() as usize], u64::MAX));
        let fresh = Group {
            parts: parts.collect(),
            streams: group.streams,
        };
        let mut rejected = Vec::new();
        let simple = self.layout.template().constant().is_some()
            && self.config.rotation.size.is_none()
            && self.config.rotation.every.is_none();
        let result = match fresh.parts.as_slice() {
            [part] if simple => self.put_all(part),
            _ => fresh.merged(|part, record| {
                let batch = &fresh.parts[part].batch;
                let target = self.put(batch, record)?;
                if self.unit.has_begun() {
                    self.note(&fresh, &mut rejected);
                }
                // It is in the buffer: another call may not put it there again, whatever comes.
                self.taken[batch.stream as usize] = batch.first_sequence + record as u64 + 1;
                match target.map(|target| &mut self.targets[target].writer) {
                    Some(writer) if writer.plain.len() >= CHUNK => writer.flush()?,
                    Some(_) => {}
                    None => {
                        let path = self.layout.template().text();
                        let reason = format!("the record lacks a field that the path {path} needs");
                        rejected.push((part, Rejection { record, reason }));
                    }
                }
                Ok(())
            }),
        };
        self.note(&fresh, &mut rejected);
        result
    }

    /// Hands what was taken of a group since the last time to the unit.
    fn note(&mut self, group: &Group, rejected: &mut Vec<(usize, Rejection)>) {
        for (index, part) in group.parts.iter().enumerate() {
            let stream = part.stream() as usize;
            let (from, to) = (self.unit.noted(stream), self.taken[stream]);
            if let Some(part) = clip(part, from, to) {
                let of_part = rejected.extract_if(.., |(owner, _)| *owner == index);
                let of_part = of_part.map(|(_, rejection)| rejection).collect();
                self.unit.note(part, of_part, &self.context.receipts);
            }
        }
        self.unit.note_to(&self.taken);
    }
}
