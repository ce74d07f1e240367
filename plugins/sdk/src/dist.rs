//! Distributions as integer tables, made at `open` and read in the record loop.
//!
//! A table costs floating point once, by way of `libm`, so that native and component agree to the
//! bit; a draw is a lookup and one multiplication.

use libm::{erfc, exp, log, pow, sqrt};
use std::f64::consts::{PI, SQRT_2};

/// Cells of each of a curve's three parts.
const CELLS: usize = 64;
/// A part's points: both ends of each cell.
const POINTS: usize = CELLS + 1;
/// How far into the tails a curve reaches: this share on each side is cut off.
const CUT: f64 = 1.0 / 65_536.0;

/// A continuous distribution as its quantiles, straight between them.
///
/// The range of probabilities has 64 cells; the first and the last have 64 of their own, so that
/// tails keep their shape to one draw in 65,536. Values are whole numbers: choose the unit
/// (cents, milliseconds) so that this does not matter.
#[derive(Clone, Debug)]
pub struct Curve {
    /// Quantiles of the whole range, of its first cell, and of its last.
    points: [i32; 3 * POINTS],
}

impl Curve {
    /// The distribution whose quantile at `p` (between 0 and 1, never either) is `quantile(p)`,
    /// which must not descend. Values are rounded, and kept in the range of an `i32`.
    pub fn new(quantile: impl Fn(f64) -> f64) -> Curve {
        let mut points = [0; 3 * POINTS];
        let cell = 1.0 / CELLS as f64;
        for (part, (from, width)) in [(0.0, 1.0), (0.0, cell), (1.0 - cell, cell)]
            .iter()
            .enumerate()
        {
            for i in 0..POINTS {
                let p = from + width * (i as f64 / CELLS as f64);
                let value = quantile(p.clamp(CUT, 1.0 - CUT));
                points[part * POINTS + i] = libm::round(value) as i32;
            }
        }
        Curve { points }
    }

    /// Every value from `low` to just below `high` alike.
    pub fn uniform(low: i32, high: i32) -> Curve {
        let (low, high) = (f64::from(low), f64::from(high));
        Curve::new(|p| low + (high - low) * p)
    }

    /// The normal distribution.
    pub fn normal(mean: f64, deviation: f64) -> Curve {
        Curve::new(|p| mean + deviation * normal_quantile(p))
    }

    /// The log-normal distribution: half of the values lie below `median`, and about two thirds
    /// between `median` ÷ e^`sigma` and `median` × e^`sigma`. What amounts of money follow.
    pub fn log_normal(median: f64, sigma: f64) -> Curve {
        Curve::new(|p| median * exp(sigma * normal_quantile(p)))
    }

    /// The exponential distribution: waiting times without memory.
    pub fn exponential(mean: f64) -> Curve {
        Curve::new(|p| -mean * log(1.0 - p))
    }

    /// A value, from 32 random bits.
    #[inline(always)]
    pub fn draw(&self, random: u32) -> i32 {
        let cell = (random >> 26) as usize;
        let inner = (random >> 20) as usize & (CELLS - 1);
        let (at, fraction) = match cell {
            0 => (POINTS + inner, (random & 0x000f_ffff) << 6),
            63 => (2 * POINTS + inner, (random & 0x000f_ffff) << 6),
            _ => (cell, random & 0x03ff_ffff),
        };
        let (low, high) = (self.points[at], self.points[at + 1]);
        let step = high.wrapping_sub(low) as u32;
        low.wrapping_add(((u64::from(step) * u64::from(fraction)) >> 26) as i32)
    }

    /// The same for what is never negative.
    #[inline(always)]
    pub fn draw_u32(&self, random: u32) -> u32 {
        self.draw(random).max(0) as u32
    }
}

/// The quantile of the standard normal distribution at `p`, between 0 and 1: Abramowitz and
/// Stegun 26.2.23, which is good to three decimals, and three of Newton's steps.
pub fn normal_quantile(p: f64) -> f64 {
    let tail = p.min(1.0 - p);
    let t = sqrt(-2.0 * log(tail));
    let mut x = t
        - (2.515_517 + 0.802_853 * t + 0.010_328 * t * t)
            / (1.0 + 1.432_788 * t + 0.189_269 * t * t + 0.001_308 * t * t * t);
    for _ in 0..3 {
        let excess = 0.5 * erfc(x / SQRT_2) - tail;
        let density = exp(-0.5 * x * x) / sqrt(2.0 * PI);
        x += excess / density;
    }
    if p < 0.5 { -x } else { x }
}

/// A choice among things of different weight, in constant time (an alias table).
#[derive(Clone, Debug)]
pub struct Weighted {
    cells: Vec<Cell>,
}

#[derive(Clone, Copy, Debug)]
struct Cell {
    /// The share of 2³² of this cell's draws that stay with it.
    keeps: u32,
    /// What the rest of them gives.
    other: u32,
}

impl Weighted {
    /// A choice among as many things as there are weights. None where there is no weight but 0.
    pub fn new(weights: &[u32]) -> Option<Weighted> {
        let total: u128 = weights.iter().map(|&w| u128::from(w)).sum();
        if total == 0 || u32::try_from(weights.len()).is_err() {
            return None;
        }
        let n = weights.len() as u128;
        // Weights in units in which a cell holds `total`.
        let mut left: Vec<u128> = weights.iter().map(|&w| u128::from(w) * n).collect();
        let mut cells: Vec<Cell> = (0..weights.len() as u32)
            .map(|other| Cell {
                keeps: u32::MAX,
                other,
            })
            .collect();
        let (mut short, mut long): (Vec<usize>, Vec<usize>) =
            (0..weights.len()).partition(|&i| left[i] < total);
        while let (Some(&giver), Some(taker)) = (long.last(), short.pop()) {
            cells[taker] = Cell {
                keeps: ((left[taker] << 32) / total) as u32,
                other: giver as u32,
            };
            left[giver] -= total - left[taker];
            if left[giver] < total {
                long.pop();
                short.push(giver);
            }
        }
        Some(Weighted { cells })
    }

    /// `n` things of which the `k`-th (from 1) has the weight 1 ÷ `k`^`exponent`: Zipf's law.
    /// None where `n` is 0.
    pub fn zipf(n: u32, exponent: f64) -> Option<Weighted> {
        let weight = |k: u32| (4_294_967_295.0 * pow(f64::from(k), -exponent)).max(1.0) as u32;
        Weighted::new(&(1..=n).map(weight).collect::<Vec<_>>())
    }

    /// How many things there are.
    #[allow(clippy::len_without_is_empty)]
    pub fn len(&self) -> usize {
        self.cells.len()
    }

    /// The index of one of them, from 64 random bits.
    #[inline(always)]
    pub fn draw(&self, random: u64) -> usize {
        let index = crate::below((random >> 32) as u32, self.cells.len() as u32);
        let cell = self.cells[index as usize];
        (if (random as u32) < cell.keeps {
            index
        } else {
            cell.other
        }) as usize
    }
}

/// A choice among few things by eight random bits: what a weight stands for is spread over a
/// table of 256 when it is compiled. Weights are in parts of 256 and must add up to them.
pub const fn by_byte<const N: usize>(weights: [u16; N]) -> [u8; 256] {
    let mut table = [0; 256];
    let (mut at, mut i) = (0, 0);
    while i < N {
        let mut k = 0;
        while k < weights[i] {
            table[at] = i as u8;
            at += 1;
            k += 1;
        }
        i += 1;
    }
    assert!(at == 256, "weights must add up to 256");
    table
}
