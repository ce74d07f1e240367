//! One file that is being written: compression, the place where it ends, and its errors.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crate::encode::pack::{Compression, Packer};
use crate::sink::SendError;

/// A file that is being written.
pub(super) struct Writer {
    path: PathBuf,
    file: File,
    packer: Packer,
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
        // A file that is there but not in the folder's durable state isn't there after a crash.
        Writer {
            path,
            file,
            packer: Packer::new(compression, level),
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
        self.packer
            .pack(&mut self.plain, &mut self.packed)
            .map_err(|error| failed(&self.path, "compressed", &error))?;
        let source = match self.packer.is_none() {
            true => &mut self.plain,
            false => &mut self.packed,
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

    /// Makes everything durable: closes the compressed member, writes, and waits for the disk.
    pub(super) fn sync(&mut self) -> Result<(), SendError> {
        self.flush()?;
        self.packer
            .finish(&mut self.packed)
            .map_err(|error| failed(&self.path, "compressed", &error))?;
        if !self.packed.is_empty() {
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
