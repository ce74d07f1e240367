//! What was found so far: counts, the first examples of each kind, and what is still in question.

use std::collections::HashMap;

use super::expected::Which;
use super::feed::Found;
use super::order::Mark;
use super::strays::Strays;
use super::window::Limits;
use crate::sink::read::{Kept, Look};

/// Differences that may be in question at once.
pub(super) const MOST: usize = 1 << 20;
/// Examples of each kind.
pub(super) const EXAMPLES: usize = 10;
/// Bytes of a record that an example shows, and that are kept of one in question.
pub(super) const SHOWN: usize = 64 * 1024;

/// What can be wrong with a record.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The sink doesn't hold it.
    Missing,
    /// The sink holds it once more than it should.
    Repeated,
    /// It is there, but not where the sink promises.
    Reordered,
    /// It is there with other content.
    Altered,
    /// The run never gave it.
    Foreign,
}

/// A record that something is wrong with.
#[derive(Clone, Debug)]
pub(super) struct Sample {
    pub kind: Kind,
    pub place: u32,
    /// Its ordinal in the place, and which record it is.
    pub which: Option<(u64, Which)>,
    pub found: Option<Vec<u8>>,
    pub expected: Option<Vec<u8>>,
}

/// See the module.
pub(super) struct Tally {
    pub kept: Kept,
    pub limits: Limits,
    /// How much of its order each source remembers.
    pub history: usize,
    pub matched: u64,
    pub rejected: u64,
    pub repeated: u64,
    pub reordered: u64,
    pub altered: u64,
    pub foreign: u64,
    pub samples: Vec<Sample>,
    pub strays: Strays,
    /// What stands out of order, with its place.
    turned: Vec<(u32, Mark)>,
    /// How often a place holds something too often, by key.
    spare: HashMap<(u32, u128), u64>,
}

impl Sample {
    /// Whether a second pass can say what it should have been.
    pub fn wants_record(&self) -> bool {
        self.expected.is_none() && self.which.is_some()
    }
}

impl Tally {
    pub fn new(kept: Kept) -> Tally {
        Tally {
            kept,
            limits: Limits::of(1),
            history: 1 << 15,
            matched: 0,
            rejected: 0,
            repeated: 0,
            reordered: 0,
            altered: 0,
            foreign: 0,
            samples: Vec::new(),
            strays: Strays::default(),
            turned: Vec::new(),
            spare: HashMap::new(),
        }
    }

    /// One more of a kind.
    pub fn count(
        &mut self,
        kind: Kind,
        place: u32,
        which: Option<(u64, Which)>,
        look: Option<Look<'_>>,
    ) {
        match kind {
            Kind::Missing => {}
            Kind::Repeated => self.repeated += 1,
            Kind::Reordered => self.reordered += 1,
            Kind::Altered => self.altered += 1,
            Kind::Foreign => self.foreign += 1,
        }
        let found = look.map(shown);
        self.sample(kind, place, which, found, None);
    }

    /// Keeps an example where there is room for one.
    pub fn sample(
        &mut self,
        kind: Kind,
        place: u32,
        which: Option<(u64, Which)>,
        found: Option<Vec<u8>>,
        expected: Option<Vec<u8>>,
    ) {
        let alike = self.samples.iter().filter(|sample| sample.kind == kind);
        if alike.count() < EXAMPLES {
            self.samples.push(Sample {
                kind,
                place,
                which,
                found,
                expected,
            });
        }
    }

    /// A record that isn't where it should be; what is to be said of it is known in the end.
    pub fn out_of_order(&mut self, place: u32, mark: Mark) {
        if self.turned.len() < MOST {
            self.turned.push((place, mark));
        } else {
            self.reordered += 1;
        }
    }

    /// A place holds something once more than it should, and that was counted.
    pub fn spare(&mut self, place: u32, key: u128) {
        if self.spare.len() < MOST {
            *self.spare.entry((place, key)).or_default() += 1;
        }
    }

    /// Of what stands out of order, so much as is there too often isn't a second difference: with that
    /// taken away, all is in order.
    pub fn settle_order(&mut self) {
        for (place, mark) in std::mem::take(&mut self.turned) {
            if let Some(spare) = self.spare.get_mut(&(place, mark.key))
                && *spare > 0
            {
                *spare -= 1;
                continue;
            }
            let which = Which {
                stream: mark.stream,
                index: mark.index,
                copy: 0,
                sequence: mark.sequence,
            };
            // The second pass finds it by what it is.
            self.count(Kind::Reordered, place, Some((u64::MAX, which)), None);
        }
        self.spare.clear();
    }

    /// An item that is in question.
    pub fn stray(&mut self, place: u32, gap: u32, found: Found, look: Option<Look<'_>>) {
        if !self.strays.add(gap, found, look) {
            self.count(Kind::Foreign, place, None, look);
        }
    }
}

/// What is shown of an item.
pub(super) fn shown(look: Look<'_>) -> Vec<u8> {
    look.record[..look.record.len().min(SHOWN)].to_vec()
}
