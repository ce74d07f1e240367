//! Compiled components on disk, by engine and digest.
//!
//! Loading one runs its code, so the folder has to be ours alone. A file ends with a checksum of
//! what comes before, so that a damaged one is compiled anew.

use std::fs;
use std::hash::{Hash as _, Hasher as _};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use twox_hash::{XxHash3_64, XxHash3_128};
use wasmtime::Engine;
use wasmtime::component::Component;

/// Most files kept; the oldest go first.
const FILES: usize = 64;
const CHECKSUM: usize = 16;
const SUFFIX: &str = "cwasm";

/// A folder of compiled components.
pub(super) struct Cache {
    folder: PathBuf,
    /// Which engine the files are for, as a part of their names.
    engine: String,
}

impl Cache {
    /// Makes the folder where there is none. None where it can't be used, which is said.
    pub fn open(folder: PathBuf, engine: &Engine) -> Option<Cache> {
        if let Err(reason) = usable(&folder) {
            let folder = folder.display();
            tracing::warn!(%folder, "compiled generators are not cached: {reason}");
            return None;
        }
        let mut hasher = XxHash3_64::new();
        engine.precompile_compatibility_hash().hash(&mut hasher);
        let engine = format!("{:016x}", hasher.finish());
        Some(Cache { folder, engine })
    }

    /// What was compiled before from the component with this digest.
    pub fn load(&self, engine: &Engine, digest: &str) -> Option<Component> {
        let path = self.path(digest);
        let bytes = fs::read(&path).ok()?;
        let artifact = checked(&bytes);
        let loaded = artifact.map(|artifact| code(engine, artifact));
        if let Some(Ok(component)) = loaded {
            return Some(component);
        }
        tracing::warn!(path = %path.display(), "a cached generator is damaged and is compiled again");
        let _ = fs::remove_file(&path);
        None
    }

    /// Keeps what was compiled. A failure is said and costs only time later.
    pub fn store(&self, artifact: &[u8], digest: &str) {
        if let Err(error) = self.write(artifact, digest) {
            let folder = self.folder.display();
            tracing::warn!(%folder, "a compiled generator is not cached: {error}");
        }
    }

    fn write(&self, artifact: &[u8], digest: &str) -> std::io::Result<()> {
        let mut file = tempfile::NamedTempFile::new_in(&self.folder)?;
        file.write_all(artifact)?;
        file.write_all(&XxHash3_128::oneshot(artifact).to_be_bytes())?;
        file.persist(self.path(digest))
            .map_err(|error| error.error)?;
        self.prune()
    }

    /// Takes the oldest files away, those of engines long gone among them.
    fn prune(&self) -> std::io::Result<()> {
        let mut files = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let path = entry?.path();
            if path.extension().is_some_and(|suffix| suffix == SUFFIX) {
                files.push((fs::metadata(&path)?.modified()?, path));
            }
        }
        files.sort();
        let surplus = files.len().saturating_sub(FILES);
        files[..surplus]
            .iter()
            .try_for_each(|(_, path)| fs::remove_file(path))
    }

    fn path(&self, digest: &str) -> PathBuf {
        self.folder
            .join(format!("{}-{digest}.{SUFFIX}", self.engine))
    }
}

/// A component out of compiled code that was made here or is kept in a cache, and comes from nowhere
/// else.
pub(super) fn code(engine: &Engine, artifact: &[u8]) -> wasmtime::Result<Component> {
    // SAFETY: `deserialize` runs what it is given. These bytes are what `compiler` made: in this
    // process, in a child process that is this program too and whose standard output is a pipe that
    // nobody else has, or what `Cache::store` kept of that: its folder is owned by this user and
    // writable by nobody else (checked when it was opened), and a checksum rules out a damaged file.
    // The engine checks that it is its own kind.
    #[expect(unsafe_code, reason = "the one place where compiled code is loaded")]
    unsafe {
        Component::deserialize(engine, artifact)
    }
}

fn checked(bytes: &[u8]) -> Option<&[u8]> {
    let (artifact, checksum) = bytes.split_last_chunk::<CHECKSUM>()?;
    (XxHash3_128::oneshot(artifact).to_be_bytes() == *checksum).then_some(artifact)
}

/// Whether the folder is there, ours, and nobody else may write to it.
fn usable(folder: &Path) -> Result<(), String> {
    let made = fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder);
    made.map_err(|error| error.to_string())?;
    let meta = fs::metadata(folder).map_err(|error| error.to_string())?;
    if meta.uid() != rustix::process::geteuid().as_raw() {
        return Err("the folder belongs to another user".into());
    }
    if meta.mode() & 0o022 != 0 {
        return Err("others may write to the folder; `chmod go-w` it".into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn a_folder_that_others_may_write_is_not_used() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("a/b");
        assert_eq!(usable(&folder), Ok(()));
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o770)).unwrap();
        assert!(usable(&folder).unwrap_err().contains("chmod"));
        fs::write(parent.path().join("file"), "").unwrap();
        assert!(usable(&parent.path().join("file")).is_err());
    }

    #[test]
    fn damage_is_seen() {
        let mut bytes = b"artifact".to_vec();
        bytes.extend(XxHash3_128::oneshot(b"artifact").to_be_bytes());
        assert_eq!(checked(&bytes), Some(&b"artifact"[..]));
        assert_eq!(checked(&bytes[..bytes.len() - 1]), None);
        bytes[3] ^= 1;
        assert_eq!(checked(&bytes), None);
        assert_eq!(checked(b"short"), None);
    }

    #[test]
    fn the_oldest_files_are_pruned() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache {
            folder: folder.path().to_owned(),
            engine: "e".into(),
        };
        for n in 0..FILES + 3 {
            let path = cache.path(&n.to_string());
            let file = fs::File::create(&path).unwrap();
            let at = std::time::UNIX_EPOCH + std::time::Duration::from_secs(n as u64);
            file.set_modified(at).unwrap();
        }
        fs::write(folder.path().join("other"), "").unwrap();
        cache.prune().unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), FILES + 1);
        assert!(!cache.path("2").exists() && cache.path("3").exists());
    }
}
