//! What a sink holds, read back: what [`crate::verify`] asks of a sink.
//!
//! A [`Form`] says of each record where it belongs and which bytes stand for it there; a [`Source`]
//! gives what is there, in the order in which it stands. Both speak of the same *places* (a file, a
//! topic, a table, the objects of one stream) and in the same bytes, so that comparing needs to know
//! nothing of the sink.

use std::sync::Arc;

use tokio::runtime::Handle;

use super::SendError;
use crate::record::{Batch, Channel};

/// About how many bytes a source gives at once.
pub const CHUNK: usize = 256 * 1024;

/// What a reader is told of the run whose records it looks for.
#[derive(Clone, Debug)]
pub struct Reading {
    /// Identity of the run.
    pub run: String,
    /// The generator's channels.
    pub channels: Arc<[Channel]>,
    /// Whether records are JSON values (else opaque bytes).
    pub json: bool,
    /// How many streams the whole emulation has.
    pub streams: u32,
    /// Somebody else wrote down what arrived at another sink: no order is promised there.
    pub captured: bool,
    /// Where a client that doesn't block waits; sources are called on threads that may.
    pub runtime: Handle,
}

/// Which order a sink promises to keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// That of the releases, over all streams, within a place.
    Release,
    /// That of each stream, within a source of a place.
    Stream,
    /// None: a table, concurrent requests.
    Nothing,
}

/// The bytes that stand for a record in a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look<'a> {
    /// The record, as it is shown to people.
    pub record: &'a [u8],
    /// What belongs to it besides: a message's key. No bytes where there is nothing.
    pub tail: &'a [u8],
}

/// How records look in a sink.
pub trait Form: Send {
    /// Where record `k` belongs, as a number into [`Form::places`], and how it looks there. None where
    /// the sink refuses it for what it is: it lacks a field that its place is named after.
    fn of<'a>(&'a mut self, batch: &'a Batch, k: usize) -> Option<(u32, Look<'a>)>;

    /// Every place so far, as [`Reader::open`] takes it.
    fn places(&self) -> &[String];
}

/// Which record of a run an item says it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Id {
    /// It doesn't say.
    None,
    /// That sequence of that stream of the run.
    Of(u32, u64),
    /// Another run's, or something that no run writes.
    Foreign,
}

/// One thing that a sink holds, as a range of [`Chunk::bytes`].
#[derive(Clone, Copy, Debug)]
pub struct Item {
    /// Where it begins.
    pub start: u32,
    /// Where the record ends and its tail begins.
    pub end: u32,
    /// Where the tail ends.
    pub tail: u32,
    /// Which record it says it is.
    pub id: Id,
}

/// Items side by side, in the order in which they stand in the sink.
#[derive(Debug, Default)]
pub struct Chunk {
    /// What the items are ranges of.
    pub bytes: Vec<u8>,
    /// The items.
    pub items: Vec<Item>,
}

impl Chunk {
    /// Nothing in it any more.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.items.clear();
    }

    /// How an item looks.
    pub fn look(&self, item: &Item) -> Look<'_> {
        let range = |from: u32, to: u32| self.bytes.get(from as usize..to as usize);
        Look {
            record: range(item.start, item.end).unwrap_or_default(),
            tail: range(item.end, item.tail).unwrap_or_default(),
        }
    }

    /// Adds an item whose bytes are given.
    pub fn push(&mut self, look: Look<'_>, id: Id) {
        let start = self.bytes.len() as u32;
        self.bytes.extend_from_slice(look.record);
        let end = self.bytes.len() as u32;
        self.bytes.extend_from_slice(look.tail);
        self.items.push(Item {
            start,
            end,
            tail: self.bytes.len() as u32,
            id,
        });
    }
}

/// What stands in one place, in order: a file with its parts, one partition of a topic.
pub trait Source: Send {
    /// Puts about [`CHUNK`] bytes of items into the chunk, which is empty. False where these are the last.
    ///
    /// # Errors
    /// Where the sink can't be read, or holds what can't be taken apart.
    fn fill(&mut self, chunk: &mut Chunk) -> Result<bool, SendError>;

    /// Whether that takes hardly more than a copy, as of a plain file: then it is worth no thread.
    fn is_at_hand(&self) -> bool {
        false
    }
}

/// A place where nothing is expected, and what stands there.
pub type Other = (String, Box<dyn Source>);

/// A sink that is read back.
pub trait Reader: Send {
    /// Which order it promises.
    fn kept(&self) -> Kept;

    /// Whether its items say which record they are.
    fn has_ids(&self) -> bool {
        false
    }

    /// The fields that find a row in a place that keeps the last record of each key alone; none where it
    /// keeps all. Such places are in [`Form::places`] from the beginning, and rows are JSON objects.
    fn keys(&self, place: &str) -> Vec<String> {
        let _ = place;
        Vec::new()
    }

    /// How records look there.
    ///
    /// # Errors
    /// Where the records don't fit the sink.
    fn form(&self) -> Result<Box<dyn Form>, SendError>;

    /// What stands in a place that [`Form::places`] names. Nothing where there is no such place.
    ///
    /// # Errors
    /// Where it can't be read.
    fn open(&mut self, place: &str) -> Result<Vec<Box<dyn Source>>, SendError>;

    /// Places of the run that hold something and were never opened, with what they hold.
    ///
    /// # Errors
    /// Where they can't be read.
    fn others(&mut self) -> Result<Vec<Other>, SendError> {
        Ok(Vec::new())
    }
}
