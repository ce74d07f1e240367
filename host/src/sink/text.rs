//! Sources that are texts, and clients that don't block beneath them.

use std::io::{self, Read};

use bytes::Bytes;
use tokio::runtime::Handle;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::task::JoinHandle;

use super::SendError;
use super::read::{CHUNK, Chunk, Id, Item, Source};
use crate::encode::split::Splitter;

/// Pieces that wait for their reader.
const AHEAD: usize = 8;

/// What a task gives, as something to read from. The task ends with it.
pub(super) struct Pipe {
    pieces: Receiver<Result<Bytes, SendError>>,
    task: JoinHandle<()>,
    piece: Bytes,
}

impl Pipe {
    /// Reads what a task sends; nothing more once it is done.
    pub(super) fn of<F>(runtime: &Handle, task: impl FnOnce(Feeder) -> F) -> Pipe
    where
        F: Future<Output = Result<(), SendError>> + Send + 'static,
    {
        let (give, pieces) = channel(AHEAD);
        let end = give.clone();
        let work = task(Feeder(give));
        let task = runtime.spawn(async move {
            if let Err(error) = work.await {
                // Where nobody reads any more, nobody needs to know.
                let _ = end.send(Err(error)).await;
            }
        });
        Pipe {
            pieces,
            task,
            piece: Bytes::new(),
        }
    }
}

impl Drop for Pipe {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Where a task sends its pieces.
pub(super) struct Feeder(Sender<Result<Bytes, SendError>>);

impl Feeder {
    /// Sends a piece; an error where nobody reads any more.
    pub(super) async fn give(&self, piece: Bytes) -> Result<(), SendError> {
        let gone = |_| SendError::fatal("nobody reads any more");
        self.0.send(Ok(piece)).await.map_err(gone)
    }
}

impl Read for Pipe {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.piece.is_empty() {
            match self.pieces.blocking_recv() {
                None => return Ok(0),
                Some(Ok(piece)) => self.piece = piece,
                Some(Err(error)) => return Err(io::Error::other(error.message)),
            }
        }
        let n = into.len().min(self.piece.len());
        into[..n].copy_from_slice(&self.piece.split_to(n));
        Ok(n)
    }
}

/// Opens the next text; none where there is no more.
type Next = Box<dyn FnMut() -> Result<Option<(String, Splitter)>, SendError> + Send>;

/// Texts one after another, each with its name for messages.
pub(super) struct Texts {
    next: Next,
    open: Option<(String, Splitter)>,
    over: bool,
    at_hand: bool,
}

impl Texts {
    pub(super) fn new(
        next: impl FnMut() -> Result<Option<(String, Splitter)>, SendError> + Send + 'static,
    ) -> Texts {
        Texts {
            next: Box::new(next),
            open: None,
            over: false,
            at_hand: false,
        }
    }

    /// They lie on a disk as they are.
    pub(super) fn at_hand(mut self) -> Texts {
        self.at_hand = true;
        self
    }
}

impl Source for Texts {
    fn fill(&mut self, chunk: &mut Chunk) -> Result<bool, SendError> {
        while chunk.items.is_empty() && !self.over {
            if self.open.is_none() {
                self.open = (self.next)()?;
            }
            let Some((name, splitter)) = &mut self.open else {
                self.over = true;
                break;
            };
            let Chunk { bytes, items } = &mut *chunk;
            let more = splitter.fill(CHUNK, bytes, |range| {
                let end = range.end as u32;
                items.push(Item {
                    start: range.start as u32,
                    end,
                    tail: end,
                    id: Id::None,
                });
            });
            let more = more.map_err(|error| SendError::fatal(format!("{name}: {error}")))?;
            if !more {
                self.open = None;
            }
        }
        Ok(!self.over)
    }

    fn is_at_hand(&self) -> bool {
        self.at_hand
    }
}
