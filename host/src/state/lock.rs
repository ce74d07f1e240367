//! One process a run: a file that the operating system locks, with its holder's name in it.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};

use super::{State, StateError};
use crate::telemetry::this_process;

/// Holds a run until it is dropped.
#[derive(Debug)]
pub struct RunLock {
    _file: File,
}

impl State {
    /// Takes the lock of a run.
    ///
    /// # Errors
    /// [`StateError::Held`] where another process has it.
    pub fn lock(&self, run: &str) -> Result<RunLock, StateError> {
        let path = self
            .folder
            .join("locks")
            .join(format!("{}.lock", run.replace('/', "+")));
        let failed = |source| StateError::Folder {
            path: path.clone(),
            source,
        };
        let mut file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(&path)
            .map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                // An empty answer still names the run.
                let _ = file.read_to_string(&mut holder);
                return Err(StateError::Held {
                    run: run.to_owned(),
                    holder: if holder.is_empty() {
                        "another process".to_owned()
                    } else {
                        holder
                    },
                });
            }
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        file.set_len(0).map_err(failed)?;
        file.rewind().map_err(failed)?;
        write!(file, "{}", this_process()).map_err(failed)?;
        Ok(RunLock { _file: file })
    }
}
