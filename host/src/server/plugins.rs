//! Generators: what there is, what comes in, what goes.

use std::fmt::Display;
use std::sync::Arc;

use bytes::Bytes;
use futures::Stream;
use schemars::JsonSchema;
use serde::Serialize;

use super::{Server, ServerError, lock};
use crate::plugin::store::{Found, Paths};
use crate::plugin::{Admitted, Inspection, stock_names};
use crate::state::Audit;

/// A generator in a list.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct PluginRow {
    /// As specs name it.
    pub name: String,
    /// Of the generator.
    pub version: String,
    /// What it makes, in one sentence.
    pub summary: String,
    /// `stock`, or `added`.
    pub origin: &'static str,
    /// SHA-256 of the component, in hex.
    pub digest: String,
}

impl Server {
    /// All generators, the stock ones first.
    ///
    /// # Errors
    /// Where the store can't be read.
    pub async fn plugins(self: &Arc<Server>) -> Result<Vec<PluginRow>, ServerError> {
        self.blocking(|server| {
            let mut rows = Vec::new();
            for name in stock_names() {
                let engine = &server.engine;
                let generator = engine.store.load(&engine.runtime, name, Paths::Refused)?;
                let description = &generator.description;
                rows.push(PluginRow {
                    name: description.name.clone(),
                    version: description.version.to_string(),
                    summary: description.summary.clone(),
                    origin: "stock",
                    digest: generator.digest.clone(),
                });
            }
            let added = server.engine.store.list()?.into_iter();
            rows.extend(added.map(|entry| PluginRow {
                name: entry.name,
                version: entry.version.to_string(),
                summary: entry.summary,
                origin: "added",
                digest: entry.digest,
            }));
            Ok(rows)
        })
        .await
    }

    /// What a generator says of itself.
    ///
    /// # Errors
    /// Where there is no such generator.
    pub async fn plugin(self: &Arc<Server>, reference: &str) -> Result<Inspection, ServerError> {
        let reference = reference.to_owned();
        self.blocking(move |server| {
            let engine = &server.engine;
            let generator = engine
                .store
                .load(&engine.runtime, &reference, Paths::Refused)?;
            Ok(generator.inspect()?)
        })
        .await
    }

    /// A generator's component.
    ///
    /// # Errors
    /// Where there is no such generator.
    pub async fn component(self: &Arc<Server>, reference: &str) -> Result<Found, ServerError> {
        let reference = reference.to_owned();
        self.blocking(move |server| Ok(server.engine.store.resolve(&reference, Paths::Refused)?))
            .await
    }

    /// Takes a generator in.
    ///
    /// # Errors
    /// Where the body isn't whole or too long, where it is no generator that keeps limits and
    /// contract, or where its name is taken.
    pub async fn add_plugin<E: Display>(
        &self,
        body: impl Stream<Item = Result<Bytes, E>>,
        declared: Option<u64>,
        who: &str,
    ) -> Result<Admitted, ServerError> {
        let admitted = self.uploads.take(body, declared, "the upload").await?;
        let inspection = &admitted.inspection;
        if admitted.new {
            let target = format!("{}@{}", inspection.name, inspection.version);
            self.audit(who, "plugin.add", target).await?;
        }
        Ok(admitted)
    }

    /// Takes an added generator away.
    ///
    /// # Errors
    /// Where there is none such, it is a stock one, or an emulation runs it.
    pub async fn remove_plugin(
        self: &Arc<Server>,
        reference: &str,
        who: &str,
    ) -> Result<(), ServerError> {
        let reference = reference.to_owned();
        let removed = self
            .blocking(move |server| {
                let entries = lock(&server.entries);
                let live = entries.values().filter(|entry| entry.phase().is_live());
                let digests = live.map(|entry| entry.plan.configured.generator.digest.clone());
                let in_use: Vec<String> = digests.collect();
                drop(entries);
                Ok(server.engine.store.remove(&reference, |digest| {
                    in_use.iter().any(|used| used == digest)
                })?)
            })
            .await?;
        let target = format!("{}@{}", removed.name, removed.version);
        self.audit(who, "plugin.remove", target).await
    }

    async fn audit(
        &self,
        who: &str,
        what: &'static str,
        target: String,
    ) -> Result<(), ServerError> {
        let who = who.to_owned();
        Ok(self.state.audit(&Audit { who, what, target }).await?)
    }

    /// Does what blocks where it holds up nobody.
    async fn blocking<T: Send + 'static>(
        self: &Arc<Server>,
        work: impl FnOnce(&Server) -> Result<T, ServerError> + Send + 'static,
    ) -> Result<T, ServerError> {
        let server = Arc::clone(self);
        self.on_runtime(async move { tokio::task::block_in_place(|| work(&server)) })
            .await
    }
}
