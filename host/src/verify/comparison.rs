//! What a run gave beside what its sink holds, over all places.

use std::ops::Range;
use std::sync::mpsc::Sender;

use super::expected::{Expected, Looks, Slot};
use super::feed::Feed;
use super::place::Place;
use super::report::{self, Counts, Report, StreamCheck};
use super::rerun::Rerun;
use super::stretch::Stretch;
use super::tally::Tally;
use super::window::Limits;
use super::{BATCH, Groups, Progress, VerifyError, strays};
use crate::record::Group;
use crate::sink::read::{Kept, Reader};

/// So many places have a thread each that reads ahead.
const THREADS: usize = 16;

/// See the module.
pub(super) struct Comparison {
    pub tally: Tally,
    /// Orders that each source of a place keeps.
    tracks: u32,
    pub names: Vec<String>,
    pub places: Vec<Place>,
    ids: bool,
}

impl Comparison {
    /// Of an emulation with so many streams.
    pub fn new(streams: u32, reader: &dyn Reader) -> Comparison {
        let kept = reader.kept();
        Comparison {
            tally: Tally::new(kept),
            tracks: match kept {
                Kept::Stream => streams,
                Kept::Release | Kept::Nothing => 1,
            },
            names: Vec::new(),
            places: Vec::new(),
            ids: reader.has_ids(),
        }
    }

    /// Goes through all that is expected.
    pub fn run(
        &mut self,
        reader: &mut dyn Reader,
        looks: &mut Looks<'_>,
        groups: &Groups,
        progress: &Progress,
    ) -> Result<(), VerifyError> {
        let mut slots: Vec<(u32, Slot)> = Vec::with_capacity(2 * BATCH);
        let (mut begun, mut stretch) = (false, None);
        while let Ok(batch) = groups.take.recv() {
            for group in batch {
                progress.add(group.len());
                if !begun {
                    begun = true;
                    stretch = self.begin(reader, looks, &group)?;
                }
                let expect = |place, slot| slots.push((place, slot));
                self.step(&mut stretch, group, looks, &groups.done, expect)?;
            }
            for name in looks.places().iter().skip(self.places.len()) {
                self.open(reader, name.clone())?;
            }
            self.expect(&mut slots)?;
        }
        if let (Some(stretch), Some(place)) = (stretch, self.places.first_mut()) {
            match place.only().next()? {
                None => stretch.close(looks),
                Some(_) => stretch.end(looks, place, &mut self.tally, |_, _| {}),
            }
        }
        for place in &mut self.places {
            place.finish(&mut self.tally)?;
        }
        self.tally.settle_order();
        Ok(())
    }

    /// Opens the first place. It may be compared as a whole where it has one source that keeps one order,
    /// and where only the bytes say which record one is.
    fn begin(
        &mut self,
        reader: &mut dyn Reader,
        looks: &mut Looks<'_>,
        first: &Group,
    ) -> Result<Option<Stretch>, VerifyError> {
        if self.ids || self.tally.kept != Kept::Release || looks.excuses() {
            return Ok(None);
        }
        looks.walk(first, |_, _| Ok(false))?;
        let Some(name) = looks.places().first() else {
            return Ok(None);
        };
        self.open(reader, name.clone())?;
        let place = self.places.first_mut().filter(|place| place.single());
        Ok(place.map(|place| {
            place.only().expect_hashes(false);
            Stretch::default()
        }))
    }

    /// A group is compared as a whole, or its records are to be expected one by one.
    fn step(
        &mut self,
        stretch: &mut Option<Stretch>,
        group: Group,
        looks: &mut Looks<'_>,
        done: &Sender<Group>,
        mut expect: impl FnMut(u32, Slot),
    ) -> Result<(), VerifyError> {
        let (Some(whole), Some(place)) = (stretch.as_mut(), self.places.first_mut()) else {
            looks.each(&group, |place, slot, _| expect(place, slot));
            let _ = done.send(group);
            return Ok(());
        };
        if !whole.follow(group, looks, place, &mut self.tally, done)?
            && let Some(whole) = stretch.take()
        {
            whole.end(looks, place, &mut self.tally, expect);
        }
        Ok(())
    }

    /// Compares those places that something more is expected in.
    fn expect(&mut self, slots: &mut Vec<(u32, Slot)>) -> Result<(), VerifyError> {
        let mut touched: Vec<u32> = Vec::new();
        for (place, slot) in slots.drain(..) {
            let Some(there) = self.places.get_mut(place as usize) else {
                continue;
            };
            there.push(slot);
            if touched.last() != Some(&place) {
                touched.push(place);
            }
        }
        touched.sort_unstable();
        touched.dedup();
        for &place in &touched {
            if let Some(place) = self.places.get_mut(place as usize) {
                place.pump(&mut self.tally)?;
            }
        }
        Ok(())
    }

    fn open(&mut self, reader: &mut dyn Reader, name: String) -> Result<(), VerifyError> {
        let sources = reader.open(&name).map_err(VerifyError::Sink)?;
        let ahead = self.places.len() < THREADS && sources.len() <= THREADS;
        let feeds: Vec<Feed> = sources
            .into_iter()
            .map(|source| Feed::new(source, self.ids, ahead))
            .collect();
        let limits = Limits::of(self.places.len() + 1);
        self.tally.limits = limits;
        let orders = feeds.len().max(1) * self.tracks as usize;
        self.tally.history = (limits.grown as usize / (8 * orders)).clamp(64, 1 << 15);
        let number = self.places.len() as u32;
        self.places
            .push(Place::new(number, feeds, limits, self.tracks));
        self.names.push(name);
        Ok(())
    }

    /// What stands where nothing is expected is nobody's.
    pub fn others(&mut self, reader: &mut dyn Reader) -> Result<(), VerifyError> {
        for (name, source) in reader.others().map_err(VerifyError::Sink)? {
            let number = self.places.len() as u32;
            let feed = Feed::new(source, self.ids, false);
            let mut place = Place::new(number, vec![feed], self.tally.limits, 1);
            place.finish(&mut self.tally)?;
            self.places.push(place);
            self.names.push(name);
        }
        Ok(())
    }

    /// The second pass, where it is needed; gives how many records are missing.
    pub fn settle(&mut self, rerun: &Rerun, mut looks: Looks<'_>) -> Result<u64, VerifyError> {
        let missing: Vec<Vec<Range<u64>>> = self
            .places
            .iter_mut()
            .map(|place| std::mem::take(&mut place.missing))
            .collect();
        let tally = &mut self.tally;
        let nothing = missing.iter().all(Vec::is_empty);
        if nothing && tally.strays.is_empty() && tally.samples.is_empty() {
            return Ok(0);
        }
        self.places.clear();
        let mut again = Expected::new(rerun)?;
        strays::settle(tally, &missing, self.tracks, |each| {
            let group = again.next()?;
            if let Some(group) = &group {
                looks.each(group, each);
            }
            Ok(group.is_some())
        })
    }

    pub fn report(
        self,
        rerun: &Rerun,
        hashes: Vec<(u32, u64, String)>,
        refused: u64,
        missing: u64,
    ) -> Report {
        let streams = rerun
            .streams
            .iter()
            .zip(hashes)
            .map(|(stream, hash)| StreamCheck::new(stream, hash))
            .collect();
        let Tally {
            matched,
            rejected,
            repeated,
            reordered,
            altered,
            foreign,
            samples,
            strays,
            ..
        } = self.tally;
        let counts = Counts {
            expected: matched + missing + altered + rejected + refused,
            matched,
            missing,
            repeated,
            reordered,
            altered,
            foreign,
            rejected: rejected + refused,
        };
        let mut report = Report::new(rerun, streams, Some(counts));
        if strays.overflown {
            report.notes.push(
                "more than a million items were in question; the rest of them count as foreign"
                    .to_owned(),
            );
        }
        report.examples = samples
            .into_iter()
            .map(|sample| report::Example::of(sample, &self.names))
            .collect();
        report.examples.sort_by_key(|example| example.kind);
        report
    }
}
