//! What is done to a record that a fault hits.

use super::builder::Builder;
use super::corrupt::damage;
use super::held::{Entry, Place};
use super::ledger::{Done, Line, Note};
use super::windows::Passed;
use super::{After, Fate, Sequencer, Within};
use crate::record::{Batch, Nanos};

/// Says something in a note, where there is one.
fn say(note: &mut Option<Box<Note>>, done: impl FnOnce() -> Done) {
    if let Some(note) = note {
        note.done.push(done());
    }
}

impl Sequencer {
    /// Does to record `k` what its fate is; the second part is which windows may hit it.
    pub(super) fn strike(
        &mut self,
        batch: &Batch,
        k: usize,
        (fate, windows): (Fate, u8),
        builder: &mut Builder,
        out: &mut Vec<Batch>,
    ) {
        let (index, time) = (batch.index(k).0, batch.order[k]);
        let event = batch.times[k];
        let mut note = self.lines.is_some().then(|| {
            let done = Vec::new();
            Box::new(Note { event, done })
        });
        if fate.dropped {
            self.counts.by.drop += 1;
            say(&mut note, || Done::Drop);
            return self.log((time, index, 0), None, note);
        }
        let mut scratch = std::mem::take(&mut self.damaged);
        let bytes = match fate.corrupted {
            Some(drawn) if self.damage(batch.record(k), drawn, &mut scratch, &mut note) => {
                scratch.as_slice()
            }
            _ => batch.record(k),
        };
        let order = self.put_off(time, fate, &mut note);
        let entry = |order, copy, note| Entry {
            note,
            ..Entry::of(batch, k, bytes, (order, index, copy), windows)
        };
        let copy = fate.copied.then(|| {
            let mut note = note.clone();
            let (order, behind) = self.copy_after(order, fate, &mut note);
            (entry(order, 1, note), behind)
        });
        if fate.behind > 0 {
            self.hold(fate.behind, entry(order, 0, note));
        } else if order == time && self.windows.pass(windows, order) == Passed::At(time) {
            builder.add_changed(self.sequence, batch, k, bytes, out);
            self.log((time, index, 0), Some(self.sequence), note);
            self.sequence += 1;
        } else {
            self.hold(0, entry(order, 0, note));
        }
        if let Some((copy, behind)) = copy {
            self.counts.by.duplicate += 1;
            self.hold(behind, copy);
        }
        self.damaged = scratch;
    }

    /// Whether the record could be damaged; then the damaged bytes are in `out`.
    fn damage(
        &mut self,
        record: &[u8],
        drawn: u64,
        out: &mut Vec<u8>,
        note: &mut Option<Box<Note>>,
    ) -> bool {
        let kinds = self.faults.corrupt.as_ref().map(|f| f.kinds.as_slice());
        let Some(done) = damage(record, kinds.unwrap_or_default(), drawn, out) else {
            return false;
        };
        self.counts.by.corrupt += 1;
        say(note, || done.told(record, out));
        true
    }

    /// When a record comes that was due at `time`, but for the records that it waits for.
    fn put_off(&mut self, time: Nanos, fate: Fate, note: &mut Option<Box<Note>>) -> Nanos {
        if fate.late > 0 {
            self.counts.by.late += 1;
            say(note, || Done::Late { by_ns: fate.late });
        }
        if fate.back > 0 || fate.behind > 0 {
            self.counts.by.reorder += 1;
            let by_records = self.faults.reorder.as_ref().map(|f| f.within);
            let by_records = matches!(by_records, Some(Within::Records(_)));
            say(note, || Done::Reorder {
                by_records: by_records.then_some(fate.behind),
                by_ns: (!by_records).then_some(fate.back),
            });
        }
        time.saturating_add(fate.late).saturating_add(fate.back)
    }

    /// When the copy comes of a record that comes at `order`, and behind how many records.
    fn copy_after(&self, order: Nanos, fate: Fate, note: &mut Option<Box<Note>>) -> (Nanos, u64) {
        let after = self.faults.duplicate.as_ref().map(|f| f.after);
        let (mut after_records, mut after_ns) = (None, None);
        // Not before the original, also where that waits for another record.
        let came = match after.unwrap_or(After::Records(0)) {
            After::Records(n) => {
                after_records = Some(n);
                (order, n.max(fate.behind))
            }
            After::Time(time) => {
                after_ns = Some(time);
                (order.saturating_add(time), fate.behind)
            }
        };
        say(note, || Done::Duplicate {
            after_records,
            after_ns,
        });
        came
    }

    /// Holds an entry until the record comes that is so many further on, or lets it in at once.
    fn hold(&mut self, behind: u64, entry: Entry) {
        match behind {
            0 => self.admit(entry),
            n => {
                let until = entry.place.1.saturating_add(n);
                self.waiting.hold_until(until, entry);
            }
        }
    }

    /// Record `index` comes at `time`: what waited for it is due right behind it.
    pub(super) fn due_with(&mut self, index: u64, time: Nanos) {
        while let Some(entries) = self.waiting.due(index) {
            for mut entry in entries {
                // A nanosecond later it comes behind all that may be released already.
                entry.place.0 = entry.place.0.max(time.saturating_add(1));
                self.admit(entry);
            }
        }
    }

    /// Its instant is known: it waits for that, or for the end of a burst, or is lost in a gap.
    fn admit(&mut self, mut entry: Entry) {
        let order = entry.place.0;
        match self.windows.pass(entry.windows, order) {
            Passed::Lost => {
                self.counts.by.gap += 1;
                say(&mut entry.note, || Done::Gap);
                self.log(entry.place, None, entry.note);
            }
            Passed::At(end) => {
                if end > order {
                    self.counts.by.burst += 1;
                    say(&mut entry.note, || Done::Burst { by_ns: end - order });
                    entry.place.0 = end;
                }
                self.waiting.hold(entry);
            }
        }
    }

    /// Releases what is held back and comes before a place.
    pub(super) fn release_before(
        &mut self,
        place: Place,
        builder: &mut Builder,
        out: &mut Vec<Batch>,
    ) {
        while let Some(mut entry) = self.waiting.pop_before(place) {
            let (place, note) = (entry.place, entry.note.take());
            builder.add_entry(self.sequence, entry, out);
            self.log(place, Some(self.sequence), note);
            self.sequence += 1;
        }
    }

    /// A line of the ledger, where there is one and something was done.
    fn log(&mut self, place: Place, sequence: Option<u64>, note: Option<Box<Note>>) {
        let (Some(lines), Some(note)) = (&mut self.lines, note) else {
            return;
        };
        if !note.done.is_empty() {
            lines.push(Line {
                stream: self.stream,
                index: place.1,
                copy: place.2,
                sequence,
                release_ns: place.0,
                event_ns: note.event,
                faults: note.done,
            });
        }
    }
}
