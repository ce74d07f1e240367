//! Rates that change along straight pieces, in whole numbers throughout.
//!
//! A rate is a whole number of 2⁻⁶⁴ records a nanosecond, rounded down, so a second at 1/s is
//! short of one record by less than 10⁻¹⁰. `N(t)` is how many records the pieces hold up to `t`, in
//! the same unit, and never descends. Tick `k` falls in the nanosecond in which `N` passes `k`: at the
//! smallest `t` with `N(t + 1) > k`. Ticks therefore never descend, whatever the machine. Floating
//! point only guesses where to look.

use std::sync::Arc;

use crate::record::Nanos;

/// One record in the unit of `N`, as a power of two.
const ONE: u32 = 64;
/// Bits below the unit that the slope of a piece is kept with.
const FINE: u32 = 62;
/// The longest piece, so that no product overflows; 104 days.
pub(super) const LONGEST: Nanos = 1 << 53;

/// A rate in 2⁻⁶⁴ records a nanosecond; at most 2⁶⁴.
pub(super) type Level = u128;

/// The level of `records` in `nanos`, rounded down.
pub(super) fn level(records: u64, nanos: Nanos) -> Level {
    (u128::from(records) << ONE) / u128::from(nanos.max(1))
}

/// A straight piece of a curve.
#[derive(Clone, Debug)]
struct Piece {
    /// Where it begins, and how long it lasts.
    begins: Nanos,
    length: Nanos,
    /// `N` at its beginning, and how much it holds.
    before: u128,
    holds: u128,
    /// Level at its lower end and what a nanosecond towards the other adds, with [`FINE`] bits.
    low: Level,
    slope: u128,
    /// Both again, for guesses.
    low_guess: f64,
    slope_guess: f64,
    /// Whether its lower end comes first.
    ascends: bool,
}

impl Piece {
    fn new(begins: Nanos, before: u128, length: Nanos, from: Level, to: Level) -> Piece {
        let (low, high) = (from.min(to), from.max(to));
        let slope = ((high - low) << FINE) / u128::from(length.max(1));
        let mut piece = Piece {
            begins,
            length,
            before,
            holds: 0,
            low,
            slope,
            low_guess: low as f64,
            slope_guess: slope as f64 / (1_u64 << FINE) as f64,
            ascends: from <= to,
        };
        piece.holds = piece.up_to(length);
        piece
    }

    /// What the first `t` nanoseconds from the lower end hold. Never descends: it is
    /// the whole part of something that doesn't.
    fn up_to(&self, t: Nanos) -> u128 {
        let t = u128::from(t);
        // slope·t ≤ 2¹²⁶, so both halves of it times t ≤ 2⁵³ fit, and nothing wraps. A check of a
        // product of 128 bits would take longer than all the rest.
        let rise = self.slope.wrapping_mul(t);
        let (whole, part) = (rise >> FINE, rise & ((1 << FINE) - 1));
        let twice = (2 * self.low + whole).wrapping_mul(t) + (part.wrapping_mul(t) >> FINE);
        twice / 2
    }

    /// What the first `t` nanoseconds hold.
    fn held(&self, t: Nanos) -> u128 {
        if self.ascends {
            self.up_to(t)
        } else {
            self.holds - self.up_to(self.length - t)
        }
    }

    /// The smallest `t` with `held(t + 1) > target`, for a target below what it holds.
    fn find(&self, target: u128) -> Nanos {
        let guess = if self.ascends {
            self.guess(target)
        } else {
            self.length as f64 - self.guess(self.holds - target)
        };
        let guess = (guess as Nanos).min(self.length - 1);
        let passed = |t: Nanos| self.held(t + 1) > target;
        // Gallop from the guess to a bracket `low < t ≤ high`, then halve it.
        let mut step = 1;
        let (mut low, mut high);
        if passed(guess) {
            high = guess;
            loop {
                if high == 0 {
                    return 0;
                }
                let below = high.saturating_sub(step);
                if !passed(below) {
                    low = below;
                    break;
                }
                high = below;
                step *= 2;
            }
        } else {
            low = guess;
            loop {
                let above = low.saturating_add(step).min(self.length - 1);
                if passed(above) || above == self.length - 1 {
                    high = above;
                    break;
                }
                low = above;
                step *= 2;
            }
        }
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            if passed(middle) {
                high = middle;
            } else {
                low = middle;
            }
        }
        high
    }

    /// About how far from the lower end so much is held: the root of `low·t + slope·t²/2 = x` in
    /// the form that doesn't cancel.
    fn guess(&self, x: u128) -> f64 {
        // The compiler's conversion from 128 bits rounds once and takes ten times as long.
        let x = (x >> 64) as u64 as f64 * 18_446_744_073_709_551_616.0 + x as u64 as f64;
        let (low, slope) = (self.low_guess, self.slope_guess);
        let root = (low * low + 2.0 * slope * x).sqrt();
        if root == 0.0 {
            0.0
        } else {
            2.0 * x / (low + root)
        }
    }
}

/// What comes after the last piece.
#[derive(Clone, Copy, Debug)]
enum After {
    /// The pieces again, and again.
    Again,
    /// This level for good.
    Level(Level),
}

/// Pieces that follow one another, prepared once and shared.
#[derive(Clone, Debug)]
pub(super) struct Curve {
    pieces: Arc<[Piece]>,
    length: Nanos,
    holds: u128,
    after: After,
    /// The piece in which the last tick fell, where the next is looked for first.
    at: usize,
}

impl Curve {
    /// Pieces `(length, from, to)` and then the last level for good.
    pub fn ramps(pieces: impl IntoIterator<Item = (Nanos, Level, Level)>) -> Curve {
        let mut last = 0;
        let pieces = pieces.into_iter().inspect(|&(_, _, to)| last = to);
        let mut curve = Curve::new(pieces, After::Again);
        curve.after = After::Level(last);
        curve
    }

    /// Pieces `(length, from, to)` over and over.
    pub fn cycle(pieces: impl IntoIterator<Item = (Nanos, Level, Level)>) -> Curve {
        Curve::new(pieces, After::Again)
    }

    fn new(pieces: impl IntoIterator<Item = (Nanos, Level, Level)>, after: After) -> Curve {
        let (mut length, mut holds) = (0, 0);
        let pieces = pieces
            .into_iter()
            .filter(|&(length, _, _)| length > 0)
            .map(|(lasts, from, to)| {
                let piece = Piece::new(length, holds, lasts.min(LONGEST), from, to);
                length = piece.length.saturating_add(length);
                holds += piece.holds;
                piece
            })
            .collect();
        Curve {
            pieces,
            length,
            holds,
            after,
            at: 0,
        }
    }

    /// When tick `k` falls; none where it never does.
    pub fn at(&mut self, k: u64) -> Option<Nanos> {
        let mut target = u128::from(k) << ONE;
        let mut begins: u64 = 0;
        if target >= self.holds {
            match self.after {
                After::Level(0) => return None,
                After::Level(level) => {
                    // The smallest t with level · (t + 1) > target.
                    let t = u64::try_from((target - self.holds) / level).ok()?;
                    return self.length.checked_add(t);
                }
                After::Again if self.holds == 0 => return None,
                After::Again => {
                    let rounds = u64::try_from(target / self.holds).ok()?;
                    target %= self.holds;
                    begins = rounds.checked_mul(self.length)?;
                }
            }
        }
        let holds = |piece: &Piece| target >= piece.before && target - piece.before < piece.holds;
        if !self.pieces.get(self.at).is_some_and(holds) {
            self.at += 1;
            if !self.pieces.get(self.at).is_some_and(holds) {
                let end = |piece: &Piece| piece.before + piece.holds <= target;
                self.at = self.pieces.partition_point(end);
            }
        }
        let piece = self.pieces.get(self.at)?;
        begins.checked_add(piece.begins + piece.find(target - piece.before))
    }

    /// How many ticks fall before `t`: those that `N` has passed by then.
    pub fn below(&self, t: Nanos) -> u64 {
        let passed = match self.after {
            After::Level(level) if t >= self.length => {
                self.holds + level * u128::from(t - self.length)
            }
            After::Again if t >= self.length && self.length > 0 => {
                let rounds = u128::from(t / self.length);
                (self.holds * rounds).saturating_add(self.passed(t % self.length))
            }
            _ => self.passed(t),
        };
        u64::try_from(passed.div_ceil(1 << ONE)).unwrap_or(u64::MAX)
    }

    /// `N(t)` within the pieces.
    fn passed(&self, t: Nanos) -> u128 {
        let n = self
            .pieces
            .partition_point(|piece| piece.begins + piece.length <= t);
        match self.pieces.get(n) {
            Some(piece) => piece.before + piece.held(t - piece.begins),
            None => self.holds,
        }
    }
}
