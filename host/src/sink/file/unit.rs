//! What was taken and isn't settled: until it is written, or where only a whole file counts (Parquet),
//! until its file is complete.

use crate::record::Part;
use crate::sink::receipts::Stretch;
use crate::sink::stretches::Stretches;
use crate::sink::{Receipts, Rejection, SendError, Watermark};

/// What is owed to the receipts.
pub(super) struct Unit {
    /// What waits to be written.
    owed: Vec<(Part, Vec<Rejection>)>,
    /// What waits for whole files, by streams; else nothing.
    held: Option<Vec<Stretches>>,
    /// The next sequence of each stream that isn't in either.
    noted: Watermark,
    /// Whether a file has begun since the last note.
    begun: bool,
    /// Whether one has since the last settlement.
    turned: bool,
}

impl Unit {
    pub(super) fn new(whole: bool, from: Watermark) -> Unit {
        let held = || from.iter().map(|_| Stretches::default()).collect();
        Unit {
            owed: Vec::new(),
            held: whole.then(held),
            noted: from,
            begun: false,
            turned: false,
        }
    }

    /// Goes on from there.
    pub(super) fn resume(&mut self, from: &Watermark) {
        self.noted.clone_from(from);
    }

    /// A file begins; gives what it has to remember of that.
    pub(super) fn begin(&mut self, taken: &Watermark) -> Watermark {
        if self.held.is_none() {
            return Watermark::new();
        }
        (self.begun, self.turned) = (true, true);
        taken.clone()
    }

    /// Whether a file has begun: what was taken before has to be noted, so that the watermark may come to
    /// lie between.
    pub(super) fn has_begun(&self) -> bool {
        self.begun
    }

    /// The next sequence of a stream to note.
    pub(super) fn noted(&self, stream: usize) -> u64 {
        self.noted.get(stream).copied().unwrap_or(0)
    }

    /// These records were taken.
    pub(super) fn note(&mut self, part: Part, rejections: Vec<Rejection>, receipts: &Receipts) {
        let Some(held) = &mut self.held else {
            self.owed.push((part, rejections));
            return;
        };
        for rejection in &rejections {
            // Said by `sync_rejects`, before a watermark that passes it.
            let _ = receipts.write_down(&part, rejection);
        }
        let length = |rejection: &Rejection| part.batch.record(rejection.record).len() as u64;
        let refused: u64 = rejections.iter().map(length).sum();
        if let Some(held) = held.get_mut(part.stream() as usize) {
            held.note(Stretch {
                end: part.sequences().end,
                acknowledged: (part.len() - rejections.len()) as u64,
                rejected: rejections.len() as u64,
                bytes: part.bytes() - refused,
                due: part.due(part.range.clone()),
            });
        }
    }

    /// Everything below is noted.
    pub(super) fn note_to(&mut self, taken: &Watermark) {
        self.noted.clone_from(taken);
        if std::mem::take(&mut self.begun) {
            self.held.iter_mut().flatten().for_each(Stretches::pin);
        }
    }

    /// Whether something waits to be written.
    pub(super) fn is_owing(&self) -> bool {
        !self.owed.is_empty()
    }

    /// Everything that was noted is written. What counts by whole files is settled below where the
    /// open ones began.
    pub(super) fn settle(&mut self, below: impl FnOnce() -> Watermark, receipts: &Receipts) {
        for (part, rejections) in self.owed.drain(..) {
            receipts.settle(&part, &rejections);
        }
        let Some(held) = self.held.as_mut().filter(|_| self.turned) else {
            return;
        };
        self.turned = false;
        for ((stream, held), below) in held.iter_mut().enumerate().zip(below()) {
            held.settle(stream as u32, below, receipts);
        }
    }

    /// No file is open any more: everything counts.
    pub(super) fn turn(&mut self) {
        self.turned = true;
    }
}

/// A record that isn't what its channel's schema says.
pub(super) fn unfit(error: &std::io::Error) -> SendError {
    SendError::fatal(format!("records can't be encoded: {error}"))
}

/// The records of a part whose sequences are from `first` on and below `end`.
pub(super) fn clip(part: &Part, first: u64, end: u64) -> Option<Part> {
    let mut clipped = part.clone();
    clipped.skip_below(first);
    let over = clipped.sequences().end.saturating_sub(end);
    clipped.range.end -= over.min(clipped.len() as u64) as usize;
    (!clipped.is_empty()).then_some(clipped)
}
