//! Generators: what there is, what comes in, what goes.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::sync::Arc;

use bytes::Bytes;
use futures::Stream;

use super::entry::Entry;
use super::{Server, ServerError};
use crate::plugin::store::{Found, Paths, PluginRow};
use crate::plugin::{Admitted, Inspection};
use crate::state::Audit;

impl Server {
    /// All generators, the stock ones first.
    ///
    /// # Errors
    /// Where the store can't be read.
    pub async fn plugins(self: &Arc<Server>) -> Result<Vec<PluginRow>, ServerError> {
        self.blocking(|server| {
            let engine = &server.engine;
            Ok(engine.store.all(&engine.runtime)?)
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
            let audit = Audit::new(who, "plugin.add", target);
            self.state.audit(&audit).await?;
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
                let live = server.going_on_now();
                let digest = |entry: &Arc<Entry>| entry.plan.configured.generator.digest.clone();
                let in_use: BTreeSet<String> = live.iter().map(digest).collect();
                let store = &server.engine.store;
                Ok(store.remove(&reference, |digest| in_use.contains(digest))?)
            })
            .await?;
        let target = format!("{}@{}", removed.name, removed.version);
        let audit = Audit::new(who, "plugin.remove", target);
        Ok(self.state.audit(&audit).await?)
    }
}
