//! All generators there are, as they are listed.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::{Runtime, stock_names};
use super::{Paths, Store, StoreError};

/// A generator in a list.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct PluginRow {
    /// As specs name it.
    pub name: String,
    /// Of the generator.
    pub version: String,
    /// What it makes, in one sentence.
    pub summary: String,
    /// `stock`, or `added`.
    pub origin: String,
    /// SHA-256 of the component, in hex.
    pub digest: String,
}

impl Store {
    /// All generators, the stock ones first.
    ///
    /// # Errors
    /// Where the index can't be read, or a stock generator can't be loaded.
    pub fn all(&self, runtime: &Arc<Runtime>) -> Result<Vec<PluginRow>, StoreError> {
        let mut rows = Vec::new();
        for name in stock_names() {
            let generator = self.load(runtime, name, Paths::Refused)?;
            let description = &generator.description;
            rows.push(PluginRow {
                name: description.name.clone(),
                version: description.version.to_string(),
                summary: description.summary.clone(),
                origin: "stock".to_owned(),
                digest: generator.digest.clone(),
            });
        }
        let added = self.list()?.into_iter();
        rows.extend(added.map(|entry| PluginRow {
            name: entry.name,
            version: entry.version.to_string(),
            summary: entry.summary,
            origin: "added".to_owned(),
            digest: entry.digest,
        }));
        Ok(rows)
    }
}
