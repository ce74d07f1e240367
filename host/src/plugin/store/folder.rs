//! The folder itself: who may change it, and files in it that are whole or not there.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::{Entry, Store, StoreError};

/// How a file begins and ends that a component is written to before it is admitted.
const UPLOAD: (&str, &str) = ("upload-", ".part");
/// How a file begins that the index is written to before it takes its place.
const INDEX: &str = ".index-";
const COMPONENT: &str = "wasm";

/// A file in the folder that is gone when this is dropped. It is locked as long, so that it isn't
/// taken for what a crash has left.
pub(in crate::plugin) struct Temporary(NamedTempFile);

impl Temporary {
    /// A second handle to its end, for writing.
    pub fn writer(&self) -> io::Result<File> {
        self.0.as_file().try_clone()
    }

    /// A handle of its own to its beginning, for reading.
    pub fn reader(&self) -> io::Result<File> {
        File::open(self.0.path())
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// On the disk, whatever happens then.
    pub fn sync(&self) -> io::Result<()> {
        self.0.as_file().sync_all()
    }

    pub fn persist(self, path: &Path) -> io::Result<()> {
        self.0.persist(path).map(drop).map_err(|error| error.error)
    }
}

impl Store {
    /// A file for a component that comes in.
    pub(in crate::plugin) fn temporary(&self) -> Result<Temporary, StoreError> {
        // Under the folder's lock, so that nobody sweeps it between its beginning and its own lock.
        let _lock = self.lock()?;
        let file = tempfile::Builder::new()
            .prefix(UPLOAD.0)
            .suffix(UPLOAD.1)
            .tempfile_in(&self.folder)
            .map_err(failed(&self.folder))?;
        file.as_file().lock().map_err(failed(file.path()))?;
        Ok(Temporary(file))
    }

    /// Takes away what crashes have left: files that nobody writes to any more, components that
    /// came into no index. How many there were.
    ///
    /// # Errors
    /// Where the folder can't be used.
    pub fn sweep(&self) -> Result<usize, StoreError> {
        if !self.folder.exists() {
            return Ok(0);
        }
        let _lock = self.lock()?;
        let entries = self.list()?;
        let mut swept = 0;
        for file in fs::read_dir(&self.folder).map_err(failed(&self.folder))? {
            let path = file.map_err(failed(&self.folder))?.path();
            if stale(&path, &entries) {
                fs::remove_file(&path).map_err(failed(&path))?;
                swept += 1;
            }
        }
        Ok(swept)
    }

    /// Makes the folder where there is none, and waits until it is ours alone.
    pub(super) fn lock(&self) -> Result<File, StoreError> {
        fs::create_dir_all(&self.folder).map_err(failed(&self.folder))?;
        let path = self.folder.join("lock");
        let lock = File::create(&path).map_err(failed(&path))?;
        lock.lock().map_err(failed(&path))?;
        Ok(lock)
    }

    /// Writes the index so that it is either as before or whole, durably. Under the lock.
    pub(super) fn write_index(&self, entries: &[Entry]) -> io::Result<()> {
        let text = serde_json::to_vec_pretty(entries)?;
        let mut file = tempfile::Builder::new()
            .prefix(INDEX)
            .tempfile_in(&self.folder)?;
        file.write_all(&text)?;
        file.as_file().sync_all()?;
        file.persist(self.index()).map_err(|error| error.error)?;
        self.sync_folder()
    }

    /// Names of files are durable only after this.
    pub(super) fn sync_folder(&self) -> io::Result<()> {
        File::open(&self.folder)?.sync_all()
    }

    pub(super) fn index(&self) -> PathBuf {
        self.folder.join("index.json")
    }

    pub(super) fn component(&self, digest: &str) -> PathBuf {
        self.folder.join(format!("{digest}.{COMPONENT}"))
    }
}

/// Whether nobody needs that file of the folder, which is locked.
fn stale(path: &Path, entries: &[Entry]) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    if name.starts_with(INDEX) {
        return true;
    }
    if name.starts_with(UPLOAD.0) && name.ends_with(UPLOAD.1) {
        return File::open(path).is_ok_and(|file| file.try_lock().is_ok());
    }
    // A component is put in place before the index names it, under the lock.
    let digest = name
        .strip_suffix(COMPONENT)
        .and_then(|n| n.strip_suffix('.'));
    digest.is_some_and(|digest| {
        digest.len() == 64
            && digest.bytes().all(|b| b.is_ascii_hexdigit())
            && entries.iter().all(|entry| entry.digest != digest)
    })
}

pub(super) fn failed(path: &Path) -> impl FnOnce(io::Error) -> StoreError {
    let path = path.to_owned();
    move |error| StoreError::Io { path, error }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_crash_left_is_swept_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::new(folder.path().join("plugins"));
        assert_eq!(store.sweep().unwrap(), 0);
        assert!(!folder.path().join("plugins").exists());
        let written = store.temporary().unwrap();
        let files = [
            ("upload-abc.part", false),
            (".index-abc", false),
            (&format!("{}.wasm", "0".repeat(64)), false),
            ("mine.wasm", true),
            ("README", true),
        ];
        for (name, _) in files {
            fs::write(store.folder.join(name), "x").unwrap();
        }
        assert_eq!(store.sweep().unwrap(), 3);
        for (name, stays) in files {
            assert_eq!(store.folder.join(name).exists(), stays, "{name}");
        }
        let path = written.path().to_owned();
        assert!(path.exists(), "it is still written to");
        drop(written);
        assert!(!path.exists());
    }
}
