//! The newest signals of a table, whoever fills it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::{Server, ServerError, lock};
use crate::sink::signals::{Newest, Signal, SignalSource};

/// Answers that are kept at most.
const KEPT: usize = 256;

/// A channel, and how many.
type Asked = (String, u32);

/// An answer, and when it was read.
struct Answered {
    at: Instant,
    signals: Arc<Vec<Signal>>,
}

/// Where signals are read.
pub struct Signals {
    source: Arc<dyn SignalSource>,
    /// How long an answer may be given again.
    cache: Option<Duration>,
    kept: Mutex<HashMap<Asked, Answered>>,
}

impl Signals {
    /// Those of a source, each answer being good for as long as `cache` says.
    pub fn new(source: Arc<dyn SignalSource>, cache: Option<Duration>) -> Signals {
        Signals {
            source,
            cache,
            kept: Mutex::default(),
        }
    }

    fn kept(&self, key: &Asked) -> Option<Arc<Vec<Signal>>> {
        let cache = self.cache?;
        let kept = lock(&self.kept);
        let answered = kept.get(key)?;
        (answered.at.elapsed() < cache).then(|| Arc::clone(&answered.signals))
    }

    fn keep(&self, key: Asked, signals: &Arc<Vec<Signal>>) {
        let Some(cache) = self.cache else {
            return;
        };
        let mut kept = lock(&self.kept);
        if kept.len() >= KEPT {
            kept.retain(|_, answered| answered.at.elapsed() < cache);
        }
        if kept.len() < KEPT {
            let (at, signals) = (Instant::now(), Arc::clone(signals));
            kept.insert(key, Answered { at, signals });
        }
    }
}

impl Server {
    /// The newest signals of a channel, newest first.
    ///
    /// # Errors
    /// Where no database is named, it can't be read, or there is no such channel.
    pub async fn signals(
        &self,
        channel: &str,
        limit: u32,
    ) -> Result<Arc<Vec<Signal>>, ServerError> {
        let signals = self.signals.as_ref().ok_or(ServerError::NoSignals)?;
        let key = (channel.to_owned(), limit);
        if let Some(kept) = signals.kept(&key) {
            return Ok(kept);
        }
        let newest = signals.source.newest(channel, limit).await;
        match newest.map_err(|error| ServerError::Signals(error.message))? {
            Newest::Rows(rows) => {
                let rows = Arc::new(rows);
                signals.keep(key, &rows);
                Ok(rows)
            }
            Newest::Unknown(there) => Err(ServerError::Channel {
                channel: channel.to_owned(),
                there: match there.is_empty() {
                    true => "none yet".to_owned(),
                    false => there.join(", "),
                },
            }),
        }
    }

    /// Whether the database of signals is there; none where none is named.
    pub async fn probe_signals(&self) -> Option<Result<(), String>> {
        let signals = self.signals.as_ref()?;
        Some(signals.source.ping().await.map_err(|error| error.message))
    }
}
