//! What happens to an emulation, for those who watch: numbered, so that who comes back goes on where
//! they were.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::Value;
use tokio::sync::watch;

use crate::telemetry::wall;

/// Events that are kept for those who come back: some minutes' worth.
const KEPT: usize = 256;

/// Something that happened.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Ascending, also over restarts of the server.
    pub id: u64,
    /// `status`, `progress` or `error`.
    pub kind: &'static str,
    /// What.
    pub data: Value,
}

/// The events of one emulation.
#[derive(Debug)]
pub struct Events {
    ring: Mutex<VecDeque<Event>>,
    newest: watch::Sender<u64>,
}

impl Events {
    /// None so far. Numbers go on from the wall clock's milliseconds, so that they are higher than those
    /// of an earlier process, which gave at most some each second.
    pub fn new() -> Events {
        Events {
            ring: Mutex::new(VecDeque::new()),
            newest: watch::Sender::new(wall() / 1_000_000),
        }
    }

    /// Something happened.
    pub fn push(&self, kind: &'static str, data: Value) {
        let mut ring = self.ring();
        let id = *self.newest.borrow() + 1;
        ring.push_back(Event { id, kind, data });
        if ring.len() > KEPT {
            ring.pop_front();
        }
        drop(ring);
        self.newest.send_replace(id);
    }

    /// What happened after that one, oldest first; all that is kept where none is named.
    pub fn after(&self, id: Option<u64>) -> Vec<Event> {
        let ring = self.ring();
        let later = ring
            .iter()
            .filter(|event| id.is_none_or(|id| event.id > id));
        later.cloned().collect()
    }

    /// Tells when something happens.
    pub fn subscribe(&self) -> watch::Receiver<u64> {
        self.newest.subscribe()
    }

    fn ring(&self) -> MutexGuard<'_, VecDeque<Event>> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Events {
    fn default() -> Events {
        Events::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_comes_back_goes_on_where_they_were() {
        let events = Events::new();
        for n in 0..300 {
            events.push("progress", Value::from(n));
        }
        let all = events.after(None);
        assert_eq!(all.len(), KEPT);
        assert!(all.is_sorted_by_key(|event| event.id));
        let seen = all[200].id;
        let rest: Vec<Value> = events
            .after(Some(seen))
            .into_iter()
            .map(|e| e.data)
            .collect();
        assert_eq!(rest, (245..300).map(Value::from).collect::<Vec<_>>());
        assert!(events.after(Some(all[255].id)).is_empty());
    }
}
