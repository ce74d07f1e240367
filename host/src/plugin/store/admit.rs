//! What comes into the store, and what goes.

use std::fs;

use super::folder::{Temporary, failed};
use super::{DIGEST_DIGITS, Entry, PREFIX, Store, StoreError, choose, listed};
use crate::plugin::stock;

impl Store {
    /// Keeps a component under its name and version, durably. The same one again changes nothing,
    /// but that its file is whole again. Whether it is new.
    pub(in crate::plugin) fn admit(
        &self,
        entry: &Entry,
        file: Temporary,
    ) -> Result<bool, StoreError> {
        if stock::names().any(|name| name == entry.name) {
            return Err(StoreError::Stock(entry.name.clone()));
        }
        let path = self.component(&entry.digest);
        file.sync().map_err(failed(file.path()))?;
        let _lock = self.lock()?;
        let mut entries = self.list()?;
        let new = insert(&mut entries, entry)?;
        file.persist(&path).map_err(failed(&path))?;
        self.sync_folder().map_err(failed(&path))?;
        if new {
            self.write_index(&entries).map_err(failed(&self.index()))?;
        }
        Ok(new)
    }

    /// Removes an added component: by `name@version`, by digest, or by a name that has one version.
    /// `in_use` says of a digest whether something runs, or is yet to be gone on with, that needs it:
    /// it is asked while nobody else changes the store.
    ///
    /// # Errors
    /// Where there is no such component, or more than one; where it is part of the program, or in
    /// use; where the folder can't be written.
    pub fn remove(
        &self,
        reference: &str,
        in_use: impl Fn(&str) -> bool,
    ) -> Result<Entry, StoreError> {
        let _lock = self.lock()?;
        let mut entries = self.list()?;
        let entry = entries.remove(self.removable(&entries, reference)?);
        if in_use(&entry.digest) {
            return Err(StoreError::InUse {
                name: entry.name,
                version: entry.version,
            });
        }
        // First the index: a file that it doesn't name is swept, a name without a file is damage.
        self.write_index(&entries).map_err(failed(&self.index()))?;
        if entries.iter().all(|other| other.digest != entry.digest) {
            let path = self.component(&entry.digest);
            fs::remove_file(&path).map_err(failed(&path))?;
        }
        Ok(entry)
    }

    fn removable(&self, entries: &[Entry], reference: &str) -> Result<usize, StoreError> {
        let (name, version) = match reference.split_once('@') {
            Some((name, version)) => (name, Some(version)),
            None => (reference, None),
        };
        if stock::names().any(|stock| stock == name) {
            return Err(StoreError::Removal(name.to_owned()));
        }
        let entry = match reference.strip_prefix(PREFIX) {
            Some(digits) => {
                let fits =
                    |e: &&Entry| digits.len() >= DIGEST_DIGITS && e.digest.starts_with(digits);
                let fitting: Vec<_> = entries.iter().filter(fits).collect();
                match fitting.as_slice() {
                    [only] => *only,
                    several => {
                        return Err(StoreError::Digest {
                            digits: digits.to_owned(),
                            count: several.len(),
                        });
                    }
                }
            }
            None => choose(entries, name, version)?,
        };
        let versions: Vec<_> = entries.iter().filter(|e| e.name == entry.name).collect();
        if reference == entry.name && versions.len() > 1 {
            return Err(StoreError::Several {
                name: entry.name.clone(),
                known: listed(versions.iter().map(|e| &e.version)),
            });
        }
        Ok(entries
            .iter()
            .position(|e| std::ptr::eq(e, entry))
            .unwrap_or_default())
    }
}

/// Adds an entry unless it is there. Whether it is new.
fn insert(entries: &mut Vec<Entry>, entry: &Entry) -> Result<bool, StoreError> {
    let same = |other: &&Entry| other.name == entry.name && other.version == entry.version;
    match entries.iter().find(same) {
        Some(other) if other.digest == entry.digest => Ok(false),
        Some(other) => Err(StoreError::Taken {
            name: entry.name.clone(),
            version: entry.version.clone(),
            digest: other.digest.clone(),
        }),
        None => {
            entries.push(entry.clone());
            entries.sort_by(|a, b| (&a.name, &a.version).cmp(&(&b.name, &b.version)));
            Ok(true)
        }
    }
}
