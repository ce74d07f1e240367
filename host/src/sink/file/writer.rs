//! One file that is being written: compression, the place where it ends, and its errors.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use flate2::write::GzEncoder;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::sink::SendError;

/// How a file is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub(super) enum Compression {
    None,
    Gzip,
    Zstd,
}

impl Compression {
    /// From a file's name, which is given without the ending that said so.
    pub(super) fn from_name(name: &str) -> (&str, Compression) {
        let lower = name.to_ascii_lowercase();
        for (ending, compression) in [(".gz", Compression::Gzip), (".zst", Compression::Zstd)] {
            if lower.ends_with(ending) {
                return (&name[..name.len() - ending.len()], compression);
            }
        }
        (name, Compression::None)
    }

    /// Whether there is such a level.
    pub(super) fn check_level(self, level: Option<u32>) -> Result<(), String> {
        let levels = match self {
            Compression::None => return match level {
                None => Ok(()),
                Some(_) => Err("`level` says how hard to compress, but nothing is compressed; add `compression`".to_owned()),
            },
            Compression::Gzip => 0..=9,
            Compression::Zstd => 1..=22,
        };
        match level {
            Some(level) if !levels.contains(&level) => Err(format!(
                "`level` is {level}; it can be {} to {}",
                levels.start(),
                levels.end()
            )),
            _ => Ok(()),
        }
    }
}

/// What compresses, into memory. A member (a frame) is open while there is an encoder.
enum Packer {
    None,
    Gzip(Option<GzEncoder<Vec<u8>>>),
    Zstd(Option<zstd::stream::write::Encoder<'static, Vec<u8>>>),
}

/// A file that is being written.
pub(super) struct Writer {
    path: PathBuf,
    file: File,
    packer: Packer,
    level: Option<u32>,
    /// Encoded records that are still to be compressed or written.
    pub(super) plain: Vec<u8>,
    /// Compressed bytes that are still to be written.
    packed: Vec<u8>,
    /// Where the file ends.
    offset: u64,
    unsynced: bool,
}

impl Writer {
    /// An empty file of that name, whatever was there.
    pub(super) fn create(
        path: PathBuf,
        compression: Compression,
        level: Option<u32>,
    ) -> Result<Writer, SendError> {
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .open(&path);
        let file = file.map_err(|error| failed(&path, "created", &error))?;
        Ok(Writer::new(path, file, 0, compression, level))
    }

    /// A file cut back to `offset`, to go on from there.
    pub(super) fn reopen(
        path: PathBuf,
        offset: u64,
        compression: Compression,
        level: Option<u32>,
    ) -> Result<Writer, SendError> {
        let cut = |file: &mut File| {
            file.set_len(offset)?;
            file.seek(SeekFrom::Start(offset))
        };
        let opened = OpenOptions::new().write(true).open(&path);
        let opened = opened.and_then(|mut file| cut(&mut file).map(|_| file));
        let file =
            opened.map_err(|error| failed(&path, "cut back to its last checkpoint", &error))?;
        Ok(Writer::new(path, file, offset, compression, level))
    }

    fn new(
        path: PathBuf,
        file: File,
        offset: u64,
        compression: Compression,
        level: Option<u32>,
    ) -> Writer {
        let packer = match compression {
            Compression::None => Packer::None,
            Compression::Gzip => Packer::Gzip(None),
            Compression::Zstd => Packer::Zstd(None),
        };
        // A file that is there but not in the folder's durable state isn't there after a crash.
        Writer {
            path,
            file,
            packer,
            level,
            plain: Vec::new(),
            packed: Vec::new(),
            offset,
            unsynced: true,
        }
    }

    /// How many bytes the file has.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// The file's number in its file system, which a renaming keeps. 0 where there is none.
    pub(super) fn inode(&self) -> u64 {
        self.file.metadata().map_or(0, |metadata| inode(&metadata))
    }

    /// Hands what has gathered to the operating system, but for what a compressor holds back.
    /// After an error what wasn't written is kept for the next call.
    pub(super) fn flush(&mut self) -> Result<(), SendError> {
        if self.plain.is_empty() && self.packed.is_empty() {
            return Ok(());
        }
        self.unsynced = true;
        self.pack()
            .map_err(|error| failed(&self.path, "compressed", &error))?;
        let source = match self.packer {
            Packer::None => &mut self.plain,
            _ => &mut self.packed,
        };
        let mut written = 0;
        let result = loop {
            if written == source.len() {
                break Ok(());
            }
            match self.file.write(&source[written..]) {
                Ok(0) => break Err(ErrorKind::WriteZero.into()),
                Ok(count) => written += count,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => break Err(error),
            }
        };
        source.drain(..written);
        self.offset += written as u64;
        result.map_err(|error| failed(&self.path, "written", &error))
    }

    fn pack(&mut self) -> std::io::Result<()> {
        let Writer {
            packer,
            plain,
            packed,
            level,
            ..
        } = self;
        match packer {
            Packer::None => return Ok(()),
            Packer::Gzip(slot) => {
                let encoder = slot.get_or_insert_with(|| {
                    let level =
                        level.map_or(flate2::Compression::default(), flate2::Compression::new);
                    GzEncoder::new(Vec::new(), level)
                });
                encoder.write_all(plain)?;
                packed.append(encoder.get_mut());
            }
            Packer::Zstd(slot) => {
                let level = level
                    .and_then(|level| i32::try_from(level).ok())
                    .unwrap_or(0);
                let encoder = match slot {
                    Some(encoder) => encoder,
                    None => slot.insert(zstd::stream::write::Encoder::new(Vec::new(), level)?),
                };
                encoder.write_all(plain)?;
                packed.append(encoder.get_mut());
            }
        }
        plain.clear();
        Ok(())
    }

    /// Makes everything durable: closes the compressed member, writes, and waits for the disk.
    pub(super) fn sync(&mut self) -> Result<(), SendError> {
        self.flush()?;
        let tail = match &mut self.packer {
            Packer::None => None,
            Packer::Gzip(slot) => slot.take().map(GzEncoder::finish),
            Packer::Zstd(slot) => slot.take().map(zstd::stream::write::Encoder::finish),
        };
        if let Some(tail) = tail {
            self.packed
                .append(&mut tail.map_err(|error| failed(&self.path, "compressed", &error))?);
            self.flush()?;
        }
        if self.unsynced {
            self.file.sync_data().map_err(|error| {
                // What the disk refused once may be gone from memory too: asking again proves nothing.
                SendError {
                    retry: false,
                    ..failed(&self.path, "made durable", &error)
                }
            })?;
            self.unsynced = false;
        }
        Ok(())
    }
}

/// The number of a file in its file system.
#[cfg(unix)]
pub(super) fn inode(metadata: &std::fs::Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(metadata)
}

/// The number of a file in its file system, which this system doesn't tell.
#[cfg(not(unix))]
pub(super) fn inode(_: &std::fs::Metadata) -> u64 {
    0
}

/// Waits until a folder's entries are durable. One that may be written to and not be read can't
/// be waited for.
pub(super) fn sync_folder(folder: &Path) -> Result<(), SendError> {
    match File::open(folder).and_then(|folder| folder.sync_all()) {
        Err(error) if error.kind() != ErrorKind::PermissionDenied => Err(SendError {
            retry: false,
            ..failed(folder, "made durable", &error)
        }),
        _ => Ok(()),
    }
}

/// What an error means for delivery.
pub(super) fn failed(path: &Path, what: &str, error: &std::io::Error) -> SendError {
    let path = path.display();
    match error.kind() {
        ErrorKind::StorageFull => SendError::transient(format!(
            "{path} can't be {what}: the disk is full; make room, and the emulation goes on by itself"
        )),
        ErrorKind::QuotaExceeded => SendError::transient(format!(
            "{path} can't be {what}: the disk quota is used up; make room, and the emulation goes on by itself"
        )),
        ErrorKind::PermissionDenied => SendError::fatal(format!(
            "{path} can't be {what}: permission denied; name another path or change who may write there"
        )),
        _ if error.raw_os_error() == Some(rustix::io::Errno::MFILE.raw_os_error()) => {
            SendError::fatal(format!(
                "{path} can't be {what}: too many open files; raise `ulimit -n`, or lower `max_targets`"
            ))
        }
        _ => SendError::fatal(format!("{path} can't be {what}: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    fn read(path: &Path, compression: Compression) -> String {
        let bytes = std::fs::read(path).unwrap();
        let mut text = String::new();
        match compression {
            Compression::None => text = String::from_utf8(bytes).unwrap(),
            Compression::Gzip => {
                flate2::read::MultiGzDecoder::new(bytes.as_slice())
                    .read_to_string(&mut text)
                    .unwrap();
            }
            Compression::Zstd => {
                zstd::stream::read::Decoder::new(bytes.as_slice())
                    .unwrap()
                    .read_to_string(&mut text)
                    .unwrap();
            }
        }
        text
    }

    #[test]
    fn a_file_ends_readable_at_every_sync_and_can_go_on_from_there() {
        for compression in [Compression::None, Compression::Gzip, Compression::Zstd] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("file");
            let mut writer = Writer::create(path.clone(), compression, None).unwrap();
            writer.plain.extend_from_slice(b"one\n");
            writer.flush().unwrap();
            writer.plain.extend_from_slice(b"two\n");
            writer.sync().unwrap();
            let offset = writer.offset();
            assert_eq!(offset, std::fs::metadata(&path).unwrap().len());
            writer
                .plain
                .extend_from_slice("lost\n".repeat(100_000).as_bytes());
            writer.flush().unwrap();
            drop(writer);
            let mut writer = Writer::reopen(path.clone(), offset, compression, None).unwrap();
            writer.plain.extend_from_slice(b"three\n");
            writer.sync().unwrap();
            writer.sync().unwrap();
            assert_eq!(read(&path, compression), "one\ntwo\nthree\n");
        }
    }

    #[test]
    fn a_full_disk_is_worth_another_try_and_loses_nothing() {
        // Writing to this device always finds no space.
        let full = Path::new("/dev/full");
        if !full.exists() {
            return;
        }
        let mut writer = Writer::create(full.to_owned(), Compression::None, None).unwrap();
        writer.plain.extend_from_slice(b"record\n");
        for _ in 0..2 {
            let error = writer.flush().unwrap_err();
            assert!(
                error.retry && error.message.contains("disk is full"),
                "{error}"
            );
            assert_eq!(
                (writer.offset(), writer.plain.as_slice()),
                (0, b"record\n".as_slice())
            );
        }
    }
}
