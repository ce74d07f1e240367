//! Read-only data that a spec lays out for a generator. Read into memory at the start, so that a
//! file that changes later can't change what is generated.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::{Limits, PluginError, limits::Bytes};

/// Assets by name, each with its digest.
#[derive(Clone, Debug, Default)]
pub struct Assets {
    by_name: BTreeMap<String, Asset>,
}

#[derive(Clone, Debug)]
struct Asset {
    bytes: Vec<u8>,
    digest: String,
}

impl Assets {
    /// Reads the files. Fails on one that can't be read or is larger than the limit.
    pub fn read(files: &BTreeMap<String, PathBuf>, limits: &Limits) -> Result<Assets, PluginError> {
        let mut assets = Assets::default();
        for (name, path) in files {
            let bytes =
                read_file(path, limits.asset_bytes).map_err(|reason| PluginError::Asset {
                    name: name.clone(),
                    path: path.clone(),
                    reason,
                })?;
            assets.insert(name, bytes);
        }
        Ok(assets)
    }

    /// Adds an asset from memory; one of the same name is replaced.
    pub fn insert(&mut self, name: &str, bytes: Vec<u8>) {
        let digest = digest(&bytes);
        let asset = Asset { bytes, digest };
        self.by_name.insert(name.to_owned(), asset);
    }

    /// Name and SHA-256 (in hexadecimal) of each, by name: part of a run's identity.
    pub fn digests(&self) -> impl Iterator<Item = (&str, &str)> {
        let pair = |(name, asset)| {
            let (name, asset): (&String, &Asset) = (name, asset);
            (name.as_str(), asset.digest.as_str())
        };
        self.by_name.iter().map(pair)
    }

    pub(super) fn bytes(&self, name: &str) -> Option<&[u8]> {
        Some(&self.by_name.get(name)?.bytes)
    }
}

/// SHA-256 in hexadecimal.
pub(super) fn digest(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// The bytes of a regular file of at most `limit` bytes, or why not.
pub(super) fn read_file(path: &Path, limit: u64) -> Result<Vec<u8>, String> {
    let file = std::fs::File::open(path).map_err(|error| error.to_string())?;
    let length = match file.metadata() {
        Ok(meta) if meta.is_dir() => return Err("it is a folder, and a file is needed".into()),
        Ok(meta) => meta.len(),
        Err(error) => return Err(error.to_string()),
    };
    let too_large = || {
        let limit = Bytes(usize::try_from(limit).unwrap_or(usize::MAX));
        format!("it is larger than the limit of {limit}")
    };
    if length > limit {
        return Err(too_large());
    }
    let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or(0));
    // A pipe says that it is empty: what is read is bounded too.
    let read = file.take(limit + 1).read_to_end(&mut bytes);
    read.map_err(|error| error.to_string())?;
    if bytes.len() as u64 > limit {
        return Err(too_large());
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_of_the_bytes() {
        let mut assets = Assets::default();
        assets.insert("b", b"abc".to_vec());
        assets.insert("a", Vec::new());
        let digests: Vec<_> = assets.digests().collect();
        assert_eq!(digests[0].0, "a");
        assert_eq!(
            digests[1].1,
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("big");
        std::fs::write(&path, [0; 100]).unwrap();
        assert_eq!(read_file(&path, 100).unwrap().len(), 100);
        assert!(read_file(&path, 99).unwrap_err().contains("limit"));
        assert!(read_file(folder.path(), 99).unwrap_err().contains("folder"));
        let files = BTreeMap::from([("x".to_owned(), folder.path().join("none"))]);
        let error = Assets::read(&files, &Limits::default()).unwrap_err();
        let text = error.to_string();
        assert!(text.contains("`x`") && text.contains("none"), "{text}");
    }
}
