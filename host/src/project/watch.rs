//! Whether somebody has changed the sources since.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// How often files are looked at: what an editor saves is seen soon, and a laptop stays cool.
const BEAT: Duration = Duration::from_millis(300);

/// What tools make, or get from elsewhere.
const MADE: [&str; 7] = [
    "target",
    "Cargo.lock",
    "node_modules",
    "package-lock.json",
    "build",
    "dist",
    "__pycache__",
];

/// What a folder's sources looked like: how many files, and when the newest was changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sources {
    folder: PathBuf,
    files: u64,
    newest: Option<SystemTime>,
}

impl Sources {
    /// As they are now. What a build writes, and hidden files, are none.
    pub fn of(folder: &Path) -> Sources {
        let mut sources = Sources {
            folder: folder.to_owned(),
            files: 0,
            newest: None,
        };
        sources.walk(folder);
        sources
    }

    fn walk(&mut self, folder: &Path) {
        // A file that is gone meanwhile is a change, and seen the next time.
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let (path, name) = (entry.path(), entry.file_name());
            let name = name.to_string_lossy();
            if name.starts_with('.') || MADE.contains(&&*name) || name.ends_with(".wasm") {
                continue;
            }
            let Ok(meta) = entry.metadata() else {
                continue;
            };
            if meta.is_dir() {
                self.walk(&path);
            } else {
                self.files += 1;
                self.newest = self.newest.max(meta.modified().ok());
            }
        }
    }

    /// Returns once they look different.
    pub fn wait_for_change(&self) {
        while Sources::of(&self.folder) == *self {
            std::thread::sleep(BEAT);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_count_and_what_is_built_does_not() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("src")).unwrap();
        fs::create_dir_all(folder.path().join("target")).unwrap();
        fs::write(folder.path().join("src/lib.rs"), "").unwrap();
        let before = Sources::of(folder.path());
        for built in ["target/x", "x.wasm", "Cargo.lock", ".git"] {
            fs::write(folder.path().join(built), "").unwrap();
        }
        assert_eq!(Sources::of(folder.path()), before);
        fs::write(folder.path().join("src/more.rs"), "").unwrap();
        assert_ne!(Sources::of(folder.path()), before);
    }
}
