//! What a place holds, read ahead by a thread of its own and hashed there, where hashes are asked for.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use super::VerifyError;
use super::expected::{content, key_of};
use crate::sink::SendError;
use crate::sink::read::{Chunk, Id, Item, Look, Source};

/// Chunks that wait, of each source that has a thread.
const AHEAD: usize = 2;

/// What an item is found by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// As [`super::expected::Slot::key`].
    pub key: u128,
    /// As [`super::expected::Slot::check`].
    pub check: u64,
}

/// A chunk with what its items are found by.
#[derive(Default)]
pub(super) struct Read {
    chunk: Chunk,
    /// Of each item, or of none yet.
    found: Vec<Found>,
    last: bool,
}

impl Read {
    fn fill(&mut self, source: &mut dyn Source) -> Result<(), SendError> {
        self.chunk.clear();
        self.found.clear();
        self.last = !source.fill(&mut self.chunk)?;
        Ok(())
    }

    fn hash(&mut self, ids: bool) {
        let Read { chunk, found, .. } = self;
        if !found.is_empty() {
            return;
        }
        found.extend(chunk.items.iter().map(|item| {
            let hash = content(chunk.look(item));
            match (ids, item.id) {
                (false, _) => Found {
                    key: hash,
                    check: 0,
                },
                (true, Id::Of(stream, sequence)) => Found {
                    key: key_of(stream, sequence),
                    check: hash as u64,
                },
                // No expected record has such a key: it is nobody's.
                (true, Id::None | Id::Foreign) => Found {
                    key: !hash,
                    check: hash as u64,
                },
            }
        }));
    }
}

enum Behind {
    /// Read when it is asked for.
    Here(Box<dyn Source>),
    /// Read ahead.
    Thread(Ahead),
    /// There is no more.
    Over,
}

/// A thread that reads.
struct Ahead {
    full: Receiver<Result<Read, SendError>>,
    empty: SyncSender<Read>,
    thread: Option<JoinHandle<()>>,
}

/// The items of a source, with a look at those that come next.
pub(super) struct Feed {
    behind: Behind,
    ids: bool,
    /// Whether it is worth a thread.
    ahead: bool,
    /// Whether hashes will be asked for, so that they are made where it is read.
    hashed: Arc<AtomicBool>,
    /// A chunk to be filled again.
    spare: Read,
    chunks: VecDeque<Read>,
    at: usize,
}

impl Feed {
    /// With a thread that reads ahead, or without: of many sources only some are worth one.
    pub fn new(source: Box<dyn Source>, ids: bool, ahead: bool) -> Feed {
        Feed {
            behind: Behind::Here(source),
            ids,
            ahead,
            hashed: Arc::new(AtomicBool::new(true)),
            spare: Read::default(),
            chunks: VecDeque::new(),
            at: 0,
        }
    }

    /// Says whether hashes will be asked for. They are had either way, and sooner where that is said.
    pub fn expect_hashes(&self, hashed: bool) {
        self.hashed.store(hashed, Ordering::Relaxed);
    }

    /// The next item, as it looks.
    #[inline]
    pub fn next(&mut self) -> Result<Option<Look<'_>>, VerifyError> {
        loop {
            let items = self.chunks.front().map(|read| read.chunk.items.len());
            match items {
                Some(items) if self.at < items => return Ok(self.look()),
                Some(_) => self.drop_front(),
                None if self.read_on(false)? => {}
                None => return Ok(None),
            }
        }
    }

    /// What the item `further` on from the next one is found by.
    #[inline]
    pub fn peek(&mut self, further: usize) -> Result<Option<Found>, VerifyError> {
        if let Some(read) = self.chunks.front()
            && let Some(found) = read.found.get(self.at + further)
        {
            return Ok(Some(*found));
        }
        self.peek_further(self.at + further)
    }

    fn peek_further(&mut self, mut at: usize) -> Result<Option<Found>, VerifyError> {
        let mut chunk = 0;
        loop {
            if chunk == self.chunks.len() && !self.read_on(true)? {
                return Ok(None);
            }
            let Some(read) = self.chunks.get_mut(chunk) else {
                return Ok(None);
            };
            read.hash(self.ids);
            if let Some(found) = read.found.get(at) {
                return Ok(Some(*found));
            }
            at -= read.found.len();
            chunk += 1;
        }
    }

    /// The item that was asked for last, as it looks.
    pub fn look(&self) -> Option<Look<'_>> {
        let read = self.chunks.front()?;
        let item: &Item = read.chunk.items.get(self.at)?;
        Some(read.chunk.look(item))
    }

    /// Passes the next item by.
    #[inline]
    pub fn advance(&mut self) {
        self.at += 1;
        if let Some(front) = self.chunks.front()
            && self.at >= front.chunk.items.len()
        {
            self.drop_front();
        }
    }

    /// Passes what is left of the first chunk by, with those after it that hold no more.
    fn drop_front(&mut self) {
        while let Some(front) = self.chunks.front()
            && self.at >= front.chunk.items.len()
        {
            self.at -= front.chunk.items.len();
            let Some(read) = self.chunks.pop_front() else {
                return;
            };
            match &self.behind {
                // Where the thread is done, or has enough, the buffer is let go.
                Behind::Thread(ahead) => drop(ahead.empty.try_send(read)),
                Behind::Here(_) => self.spare = read,
                Behind::Over => {}
            }
        }
    }

    /// Reads a chunk more. What lies at hand is read by a thread only where it is hashed, too: the
    /// bytes of a plain file are compared soonest in the cache that they were copied to.
    fn read_on(&mut self, hashed: bool) -> Result<bool, VerifyError> {
        if self.ahead {
            self.behind = match std::mem::replace(&mut self.behind, Behind::Over) {
                Behind::Here(source) if hashed || !source.is_at_hand() => self.thread(source)?,
                same => same,
            };
        }
        let read = match &mut self.behind {
            Behind::Over => return Ok(false),
            Behind::Here(source) => {
                let mut read = std::mem::take(&mut self.spare);
                read.fill(&mut **source).map(|()| read)
            }
            Behind::Thread(ahead) => match ahead.full.recv() {
                Ok(read) => read,
                Err(_) => Err(SendError::fatal("the thread that reads has ended early")),
            },
        };
        let read = read.map_err(VerifyError::Sink)?;
        if read.last {
            self.behind = Behind::Over;
        }
        self.chunks.push_back(read);
        Ok(true)
    }

    /// Has a thread read on.
    fn thread(&self, mut source: Box<dyn Source>) -> Result<Behind, VerifyError> {
        let (ids, hashed) = (self.ids, Arc::clone(&self.hashed));
        let (give, full) = sync_channel(AHEAD);
        let (empty, take) = sync_channel::<Read>(AHEAD + 2);
        let work = move || {
            loop {
                let mut read = take.try_recv().unwrap_or_default();
                let filled = read.fill(&mut *source).map(|()| {
                    if hashed.load(Ordering::Relaxed) {
                        read.hash(ids);
                    }
                    read
                });
                let more = filled.as_ref().is_ok_and(|read| !read.last);
                if give.send(filled).is_err() || !more {
                    return;
                }
            }
        };
        let thread = std::thread::Builder::new().name("verify-read".to_owned());
        let thread = thread.spawn(work);
        let thread = thread.map_err(|e| VerifyError::System(e.to_string()))?;
        Ok(Behind::Thread(Ahead {
            full,
            empty,
            thread: Some(thread),
        }))
    }
}

impl Drop for Ahead {
    fn drop(&mut self) {
        // The thread ends at its next chunk, since nobody takes it.
        let (_, none) = sync_channel(0);
        self.full = none;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
