//! Where generators come from: a folder of added components, the stock generators, and files.
//!
//! Components are content-addressed; an index gives them names. `name@version` never changes what
//! it means, and a stock generator's name means the stock generator. What comes in goes through
//! [`super::Uploads`].

mod admit;
mod error;
mod folder;
mod list;

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use semver::Version;

use super::assets::{digest, read_file};
use super::schema::nearest;
use super::{Generator, Runtime, stock};

pub use error::StoreError;
pub(super) use folder::Temporary;
pub use list::PluginRow;

/// Digits of a digest that a reference has to have at least.
const DIGEST_DIGITS: usize = 8;
const PREFIX: &str = "sha256:";

/// An added component.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Entry {
    /// Of the generator.
    pub name: String,
    /// Of the generator.
    pub version: Version,
    /// SHA-256 of the component, in hexadecimal.
    pub digest: String,
    /// Bytes of the component.
    pub size: usize,
    /// One sentence, by the generator.
    pub summary: String,
}

/// A component's bytes, found by a reference.
#[derive(Debug)]
pub struct Found {
    /// The component.
    pub bytes: Vec<u8>,
    /// Where it was found, for messages.
    pub origin: String,
    /// The version that the reference asks for, where the bytes are yet to be asked.
    pub wanted: Option<Version>,
}

/// Whether a reference may be a path: on the command line it may, by REST it may not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Paths {
    /// A path to a `.wasm` file is a reference.
    Allowed,
    /// Only names and digests are.
    Refused,
}

/// A folder of components with an index of names. It is made when something is added.
#[derive(Clone, Debug)]
pub struct Store {
    folder: PathBuf,
}

impl Store {
    /// The store in a folder, which need not be there yet.
    pub fn new(folder: PathBuf) -> Store {
        Store { folder }
    }

    /// What was added, by name and version.
    pub fn list(&self) -> Result<Vec<Entry>, StoreError> {
        let path = self.index();
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(StoreError::Io { path, error }),
        };
        serde_json::from_slice(&text).map_err(|error| StoreError::Io {
            path,
            error: error.into(),
        })
    }

    /// Finds a component by name, `name@version`, `sha256:DIGEST` (its first digits are enough) or
    /// path.
    ///
    /// A name alone means the stock generator of that name, or else its highest version here.
    pub fn resolve(&self, reference: &str, paths: Paths) -> Result<Found, StoreError> {
        if let Some(digits) = reference.strip_prefix(PREFIX) {
            return self.by_digest(digits);
        }
        if reference.starts_with("oci://") || reference.starts_with("oci+http://") {
            return Err(StoreError::Address(reference.to_owned()));
        }
        if reference.contains('/') || reference.ends_with(".wasm") {
            return match paths {
                Paths::Allowed => by_path(Path::new(reference)),
                Paths::Refused => Err(StoreError::Path(reference.to_owned())),
            };
        }
        let (name, version) = match reference.split_once('@') {
            Some((name, version)) => (name, Some(version)),
            None => (reference, None),
        };
        if let Some(bytes) = stock_component(name)? {
            return Ok(Found {
                bytes,
                origin: format!("stock generator {name}"),
                wanted: version
                    .map(|version| stock_version(name, version))
                    .transpose()?,
            });
        }
        let entries = self.list()?;
        let entry = choose(&entries, name, version)?;
        self.read(entry)
    }

    /// Finds and loads.
    pub fn load(
        &self,
        runtime: &Arc<Runtime>,
        reference: &str,
        paths: Paths,
    ) -> Result<Arc<Generator>, StoreError> {
        let (generator, _) = self.load_with_bytes(runtime, reference, paths)?;
        Ok(generator)
    }

    /// Finds and loads, and gives the component too.
    pub fn load_with_bytes(
        &self,
        runtime: &Arc<Runtime>,
        reference: &str,
        paths: Paths,
    ) -> Result<(Arc<Generator>, Vec<u8>), StoreError> {
        let found = self.resolve(reference, paths)?;
        let generator = runtime.load(&found.bytes, &found.origin)?;
        match found.wanted {
            Some(wanted) if wanted != generator.description.version => Err(StoreError::Version {
                name: generator.description.name.clone(),
                version: wanted.to_string(),
                known: generator.description.version.to_string(),
            }),
            _ => Ok((generator, found.bytes)),
        }
    }

    fn by_digest(&self, digits: &str) -> Result<Found, StoreError> {
        let fits = |digest: &str| digits.len() >= DIGEST_DIGITS && digest.starts_with(digits);
        let entries = self.list()?;
        let fitting: BTreeSet<_> = entries
            .iter()
            .map(|entry| &entry.digest)
            .filter(|d| fits(d))
            .collect();
        let mut found = Vec::new();
        for entry in fitting
            .iter()
            .filter_map(|d| entries.iter().find(|e| &e.digest == *d))
        {
            found.push(self.read(entry)?);
        }
        for name in stock::names() {
            if let Some(bytes) = stock_component(name)?.filter(|bytes| fits(&digest(bytes))) {
                let origin = format!("stock generator {name}");
                found.push(Found {
                    bytes,
                    origin,
                    wanted: None,
                });
            }
        }
        match (found.len(), found.pop()) {
            (1, Some(found)) => Ok(found),
            (count, _) => Err(StoreError::Digest {
                digits: digits.to_owned(),
                count,
            }),
        }
    }

    fn read(&self, entry: &Entry) -> Result<Found, StoreError> {
        let path = self.component(&entry.digest);
        let bytes = fs::read(&path).map_err(|error| StoreError::Io {
            path: path.clone(),
            error,
        })?;
        if digest(&bytes) != entry.digest {
            let digest = entry.digest.clone();
            return Err(StoreError::Damaged { path, digest });
        }
        Ok(Found {
            bytes,
            origin: format!("{}@{}", entry.name, entry.version),
            wanted: None,
        })
    }
}

/// The entry of that name and version, or the highest version.
fn choose<'a>(
    entries: &'a [Entry],
    name: &str,
    version: Option<&str>,
) -> Result<&'a Entry, StoreError> {
    let named = || entries.iter().filter(|entry| entry.name == name);
    let Some(highest) = named().max_by(|a, b| a.version.cmp(&b.version)) else {
        let mut known: BTreeSet<&str> = stock::names().collect();
        known.extend(entries.iter().map(|entry| entry.name.as_str()));
        return Err(StoreError::Unknown {
            reference: name.to_owned(),
            near: nearest(name, known.iter().copied()).map(str::to_owned),
            known: listed(known.iter()),
        });
    };
    let Some(version) = version else {
        return Ok(highest);
    };
    let wanted = Version::parse(version).ok();
    named()
        .find(|entry| Some(&entry.version) == wanted.as_ref())
        .ok_or_else(|| StoreError::Version {
            name: name.to_owned(),
            version: version.to_owned(),
            known: listed(named().map(|entry| &entry.version)),
        })
}

fn stock_component(name: &str) -> Result<Option<Vec<u8>>, StoreError> {
    stock::component(name)
        .transpose()
        .map_err(|error| StoreError::Io {
            path: PathBuf::from(format!("stock generator {name}")),
            error,
        })
}

fn stock_version(name: &str, version: &str) -> Result<Version, StoreError> {
    Version::parse(version).map_err(|error| StoreError::Version {
        name: name.to_owned(),
        version: format!("`{version}` ({error})"),
        known: "those that `wellhead plugin list` shows".into(),
    })
}

fn by_path(path: &Path) -> Result<Found, StoreError> {
    let bytes = read_file(path, u64::from(u32::MAX)).map_err(|reason| StoreError::File {
        path: path.to_owned(),
        reason,
    })?;
    Ok(Found {
        bytes,
        origin: path.display().to_string(),
        wanted: None,
    })
}

fn listed<T: std::fmt::Display>(items: impl Iterator<Item = T>) -> String {
    items
        .map(|item| item.to_string())
        .collect::<Vec<_>>()
        .join(", ")
}
