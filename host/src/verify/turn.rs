//! Whether an item stands in its turn: what the items after it say.

use super::VerifyError;
use super::expected::Which;
use super::order::Mark;
use super::place::Place;
use super::window::Window;

/// Items that are asked whether one before them stands in its turn.
const WITNESSES: u32 = 8;
/// How far away the last of those may be: others of other streams may lie between.
const FURTHEST: usize = 64;

/// In which order a record stands, and where.
#[inline]
pub(super) fn position(tracks: u32, ordinal: u64, which: &Which) -> (usize, u64) {
    match tracks {
        1 => (0, ordinal),
        _ => (which.stream as usize, which.sequence),
    }
}

impl Place {
    /// Whether a record may follow where a source stands.
    pub(super) fn leads_on(&self, n: usize, ordinal: u64, which: &Which) -> bool {
        let (track, value) = position(self.tracks, ordinal, which);
        value >= self.lanes[n].due(track, self.tracks)
    }

    /// Of several records that an item may be, the one that its neighbours agree with: it follows upon
    /// the item before, or else is the last ahead of the item after.
    pub(super) fn best(&mut self, n: usize, among: &[u64]) -> Result<Option<u64>, VerifyError> {
        let (Some(&first), true) = (among.first(), among.len() > 1 && !self.single()) else {
            return Ok(among.first().copied());
        };
        let tracks = self.tracks;
        let place_of = |window: &Window, ordinal: u64| {
            let which = window.get(ordinal).map(|slot| slot.which);
            which.map(|which| position(tracks, ordinal, &which))
        };
        for &ordinal in among {
            if let Some((track, value)) = place_of(&self.window, ordinal)
                && self.lanes[n].due(track, tracks) == value
            {
                return Ok(Some(ordinal));
            }
        }
        for further in 1..=FURTHEST {
            let Some(next) = self.lanes[n].feed.peek(further)? else {
                break;
            };
            let at = self.lanes[n].at;
            self.window.alike(next.key, at, &mut self.alike);
            let &[only] = self.alike.as_slice() else {
                continue;
            };
            let Some((track, limit)) = place_of(&self.window, only) else {
                continue;
            };
            let before = among.iter().rev().find(|&&ordinal| {
                place_of(&self.window, ordinal).is_some_and(|(t, v)| t == track && v < limit)
            });
            if let Some(&before) = before {
                return Ok(Some(before));
            }
        }
        Ok(Some(first))
    }

    /// Whether the items after one go on before it: it stands there out of its turn.
    pub(super) fn aside(&mut self, n: usize, ordinal: u64) -> Result<bool, VerifyError> {
        let (tracks, single) = (self.tracks, self.single());
        let Some(which) = self.window.get(ordinal).map(|slot| slot.which) else {
            return Ok(false);
        };
        let (track, value) = position(tracks, ordinal, &which);
        let from = self.lanes[n].due(track, tracks);
        if from == value {
            return Ok(false);
        }
        let (mut before, mut after) = (0, 0);
        for further in 1..=FURTHEST {
            if before + after >= WITNESSES {
                break;
            }
            let Some(next) = self.lanes[n].feed.peek(further)? else {
                break;
            };
            let at = self.lanes[n].at;
            self.window.alike(next.key, at, &mut self.alike);
            let places = self.alike.iter().filter_map(|&ordinal| {
                let slot = self.window.get(ordinal)?;
                let (t, v) = position(tracks, ordinal, &slot.which);
                (t == track && !slot.taken && v >= from && v != value).then_some(v)
            });
            match places.min() {
                Some(next) if next < value => before += 1,
                Some(_) if !single => return Ok(before > 0),
                Some(_) => after += 1,
                None => {}
            }
        }
        Ok(before > after)
    }
}

/// The places in its order that a record may stand for, as far as the window goes.
pub(super) fn others(window: &mut Window, tracks: u32, mark: &Mark, places: &mut Vec<u64>) {
    let at = match tracks {
        1 => mark.value,
        _ => window.base(),
    };
    window.alike(mark.key, at, places);
    if tracks > 1 {
        let of = |ordinal: &mut u64| match window.get(*ordinal) {
            Some(slot) if slot.which.stream == mark.stream => {
                *ordinal = slot.which.sequence;
                true
            }
            _ => false,
        };
        places.retain_mut(of);
    }
}
