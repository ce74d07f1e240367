//! Components that come in: from a stream of bytes to an entry of the store.
//!
//! A body goes to a file while its digest is taken, is compiled, describes itself and its channels
//! under limits, and only then has a name. Whatever fails, or is called off, leaves nothing.

mod body;
mod error;

use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::Stream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::compile::Kind;
use super::compiler::{Input, Job};
use super::engine::Source;
use super::store::{Entry, Store, StoreError, Temporary};
use super::{Inspection, PluginError, Runtime};
use body::{Expected, Received};

pub use error::UploadError;

/// When to come again where there are too many.
const RETRY_AFTER: Duration = Duration::from_secs(2);

/// What uploads may use. How long a component may be is [`super::Limits::component_bytes`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadLimits {
    /// How many are taken in at a time, from the first byte to the entry; more are told to come again.
    pub at_once: usize,
    /// Longest that nothing may come.
    pub idle: Duration,
    /// Bytes that have to come in a second, on the whole and after the first `idle`: a place isn't kept for
    /// one that only dribbles.
    pub pace: u32,
    /// Longest until all has come.
    pub whole: Duration,
}

impl Default for UploadLimits {
    fn default() -> UploadLimits {
        UploadLimits {
            at_once: 16,
            idle: Duration::from_secs(30),
            // A quarter of a megabit.
            pace: 32 << 10,
            whole: Duration::from_secs(600),
        }
    }
}

/// A component that was taken in.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Admitted {
    /// What it says of itself.
    #[serde(flatten)]
    pub inspection: Inspection,
    /// Whether it wasn't there before.
    pub new: bool,
    /// Whether a core module came, and a component was made of it: `digest` and `size` are the
    /// component's.
    pub wrapped: bool,
}

/// Takes components in, several at once.
#[derive(Debug)]
pub struct Uploads {
    store: Store,
    runtime: Arc<Runtime>,
    places: Arc<Semaphore>,
    limits: UploadLimits,
}

impl Uploads {
    /// Into that store; compiled where `runtime` compiles. What a crash has left there is swept.
    ///
    /// # Errors
    /// Where the store's folder can't be used.
    pub fn new(
        store: Store,
        runtime: Arc<Runtime>,
        limits: UploadLimits,
    ) -> Result<Uploads, StoreError> {
        let swept = store.sweep()?;
        if swept > 0 {
            tracing::info!(swept, "files of uploads that were cut off are removed");
        }
        let places = Arc::new(Semaphore::new(limits.at_once));
        Ok(Uploads {
            store,
            runtime,
            places,
            limits,
        })
    }

    /// Takes in a component, or a core module, which is wrapped. `declared` is how long `body` is to
    /// be, where that was said; `origin` names it in messages. Dropping the future calls it off.
    ///
    /// # Errors
    /// Where there are too many at a time; where the body isn't whole, or is too long; where it is no
    /// generator that this host can run, or doesn't keep limits or contract; where its name and
    /// version, or its name, belong to another; where the store can't be written.
    pub async fn take<E: Display>(
        &self,
        body: impl Stream<Item = Result<Bytes, E>>,
        declared: Option<u64>,
        origin: &str,
    ) -> Result<Admitted, UploadError> {
        let busy = |_| UploadError::Busy {
            retry_after: RETRY_AFTER,
        };
        let place = self.places.clone().try_acquire_owned().map_err(busy)?;
        let expected = Expected {
            origin,
            declared,
            limit: self.runtime.limits().component_bytes,
            limits: &self.limits,
        };
        expected.check_declared()?;
        let store = self.store.clone();
        let file = blocking(move || Ok(store.temporary()?)).await?;
        let received = expected.receive(body, file).await?;
        let (job, cancel) = Job::new();
        let work = Work {
            store: self.store.clone(),
            runtime: self.runtime.clone(),
            origin: origin.to_owned(),
            job,
            _place: place,
        };
        let admitted = blocking(move || work.finish(received)).await;
        drop(cancel);
        admitted
    }
}

/// What is left to do once the body has come, on a thread that may block.
struct Work {
    store: Store,
    runtime: Arc<Runtime>,
    origin: String,
    job: Job,
    /// Until the end, also where nobody waits for it any more.
    _place: OwnedSemaphorePermit,
}

impl Work {
    fn finish(self, received: Received) -> Result<Admitted, UploadError> {
        let Received {
            file, size, digest, ..
        } = received;
        let failed = |error| StoreError::Io {
            path: file.path().to_owned(),
            error,
        };
        let source = Source {
            digest: (received.kind == Kind::Component).then_some(digest),
            size,
            input: Input::File(file.reader().map_err(failed)?),
        };
        let (generator, wrapped) = self.runtime.generator(source, &self.origin, &self.job)?;
        let inspection = generator.inspect()?;
        if self.job.is_cancelled() {
            return Err(PluginError::Cancelled.into());
        }
        let file = match &wrapped {
            Some(component) => self.written(component)?,
            None => file,
        };
        let entry = Entry {
            name: inspection.name.clone(),
            version: inspection.version.clone(),
            digest: inspection.digest.clone(),
            size: inspection.size,
            summary: inspection.summary.clone(),
        };
        let new = self.store.admit(&entry, file)?;
        Ok(Admitted {
            inspection,
            new,
            wrapped: wrapped.is_some(),
        })
    }

    fn written(&self, component: &[u8]) -> Result<Temporary, StoreError> {
        let file = self.store.temporary()?;
        let written = file
            .writer()
            .and_then(|mut writer| std::io::Write::write_all(&mut writer, component));
        match written {
            Ok(()) => Ok(file),
            Err(error) => Err(StoreError::Io {
                path: file.path().to_owned(),
                error,
            }),
        }
    }
}

/// Runs what blocks on a thread where it may.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, UploadError> + Send + 'static,
) -> Result<T, UploadError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => Err(PluginError::Compiler(error.to_string()).into()),
    }
}
