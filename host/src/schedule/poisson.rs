//! A Poisson process that can be entered anywhere: the count of each one-second window is a
//! Poisson draw keyed by (seed, tick at which the profile began, window), its instants are the
//! sorted uniforms of that window.
//!
//! Random numbers: SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators,
//! OOPSLA 2014) from a mixed key. Counts: Knuth's product of uniforms below a mean of 30, else
//! PTRS (Hörmann: The transformed rejection method for generating Poisson random variables, 1993),
//! with `libm`. All streams of an emulation share the windows that are in use.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use super::SECOND;
use crate::record::Nanos;

/// SplitMix64's increment.
const GAMMA: u64 = 0x9E37_79B9_7F4A_7C15;
/// From one kept count of ticks to the next, in windows.
const MILESTONE: u64 = 64;
/// Instants kept for other streams, over all windows: 8 MiB.
const KEPT: usize = 2 << 20;
/// Profile time past which nobody counts windows one by one: 100 years.
const FAR: Nanos = 100 * 366 * 86_400 * SECOND;

fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

struct Rng(u64);

impl Rng {
    fn keyed(seed: u64, origin: u64, window: u64) -> Rng {
        let key = mix(seed ^ 0x706f_6973_736f_6e31);
        let key = mix(key ^ origin.wrapping_mul(GAMMA));
        Rng(mix(key ^ window.wrapping_mul(GAMMA).rotate_left(32)))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(GAMMA);
        mix(self.0)
    }

    /// In (0, 1].
    fn unit(&mut self) -> f64 {
        ((self.next() >> 11) + 1) as f64 * (1.0 / 9_007_199_254_740_992.0)
    }
}

/// Draws counts of one mean; what depends on the mean alone is worked out once.
#[derive(Clone, Copy, Debug)]
struct Counter {
    mean: f64,
    /// `exp(-mean)`, for small means.
    floor: f64,
    /// Of PTRS, for large ones.
    a: f64,
    b: f64,
    inverse_alpha: f64,
    v_r: f64,
    log_mean: f64,
}

impl Counter {
    fn new(mean: f64) -> Counter {
        let b = 0.931 + 2.53 * mean.sqrt();
        Counter {
            mean,
            floor: libm::exp(-mean),
            a: -0.059 + 0.02483 * b,
            b,
            inverse_alpha: 1.1239 + 1.1328 / (b - 3.4),
            v_r: 0.9277 - 3.6224 / (b - 2.0),
            log_mean: libm::log(mean),
        }
    }

    fn draw(&self, rng: &mut Rng) -> u64 {
        if self.mean < 30.0 {
            let (mut product, mut n) = (rng.unit(), 0);
            while product > self.floor {
                product *= rng.unit();
                n += 1;
            }
            return n;
        }
        let (a, b) = (self.a, self.b);
        loop {
            let u = rng.unit() - 0.5;
            let v = rng.unit();
            let us = 0.5 - u.abs();
            let k = libm::floor((2.0 * a / us + b) * u + self.mean + 0.43);
            if us >= 0.07 && v <= self.v_r {
                return k as u64;
            }
            if k < 0.0 || (us < 0.013 && v > us) {
                continue;
            }
            let left = libm::log(v * self.inverse_alpha / (a / (us * us) + b));
            if left <= -self.mean + k * self.log_mean - libm::lgamma(k + 1.0) {
                return k as u64;
            }
        }
    }
}

/// A window: how many ticks fall before it, and when its own do, from its beginning.
#[derive(Clone, Debug)]
struct Window {
    number: u64,
    first: u64,
    instants: Arc<[u32]>,
}

impl Window {
    fn end(&self) -> u64 {
        self.first + self.instants.len() as u64
    }
}

/// What streams have worked out and others can use.
#[derive(Debug, Default)]
struct Memo {
    /// Ticks before each [`MILESTONE`]th window.
    milestones: Vec<u64>,
    /// The newest windows.
    windows: VecDeque<Window>,
    /// Instants in them.
    kept: usize,
}

/// One process, shared by the streams that walk it.
#[derive(Debug)]
pub(super) struct Process {
    counter: Counter,
    seed: u64,
    origin: u64,
    memo: Mutex<Memo>,
}

impl Process {
    /// Of `mean` ticks a second, in a profile that began with tick `origin`.
    pub fn new(mean: f64, seed: u64, origin: u64) -> Process {
        let memo = Memo {
            milestones: vec![0],
            ..Memo::default()
        };
        Process {
            counter: Counter::new(mean),
            seed,
            origin,
            memo: Mutex::new(memo),
        }
    }

    /// Its seed.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    fn rng(&self, window: u64) -> Rng {
        Rng::keyed(self.seed, self.origin, window)
    }

    fn count(&self, window: u64) -> u64 {
        self.counter.draw(&mut self.rng(window))
    }

    fn with_memo<T>(&self, f: impl FnOnce(&mut Memo) -> T) -> T {
        f(&mut self.memo.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A window that so many ticks fall before.
    fn window(&self, number: u64, first: u64) -> Window {
        let known = self.with_memo(|memo| {
            let found = memo.windows.iter().rev().find(|w| w.number == number);
            found.cloned()
        });
        known.unwrap_or_else(|| {
            let window = self.draw(number, first);
            self.with_memo(|memo| memo.keep(&window));
            window
        })
    }

    fn draw(&self, number: u64, first: u64) -> Window {
        let mut rng = self.rng(number);
        let count = self.counter.draw(&mut rng);
        let mut instants: Vec<u32> = (0..count)
            .map(|_| ((u128::from(rng.next()) * u128::from(SECOND)) >> 64) as u32)
            .collect();
        instants.sort_unstable();
        Window {
            number,
            first,
            instants: instants.into(),
        }
    }

    /// The last milestone that `before` holds for, as (window, ticks before it); milestones are
    /// added as far as that needs.
    fn milestone(&self, before: impl Fn(u64, u64) -> bool) -> (u64, u64) {
        self.with_memo(|memo| {
            loop {
                let window = (memo.milestones.len() as u64 - 1) * MILESTONE;
                let ticks = memo.milestones.last().copied().unwrap_or(0);
                if !before(window, ticks) {
                    break;
                }
                let more: u64 = (window..window + MILESTONE).map(|w| self.count(w)).sum();
                memo.milestones.push(ticks + more);
            }
            let holds = |at: usize| before(at as u64 * MILESTONE, memo.milestones[at]);
            let (mut low, mut high) = (0, memo.milestones.len() - 1);
            while high - low > 1 {
                let middle = low + (high - low) / 2;
                if holds(middle) {
                    low = middle;
                } else {
                    high = middle;
                }
            }
            (low as u64 * MILESTONE, memo.milestones[low])
        })
    }

    /// The window that tick `k` falls in.
    fn find(&self, k: u64) -> Window {
        let (mut window, mut first) = self.milestone(|_, ticks| ticks <= k);
        loop {
            let end = first + self.count(window);
            if k < end {
                return self.window(window, first);
            }
            (window, first) = (window + 1, end);
        }
    }

    /// How many ticks fall before `t`.
    pub fn below(&self, t: Nanos) -> u64 {
        if t >= FAR {
            return u64::MAX;
        }
        let number = t / SECOND;
        let (from, mut first) = self.milestone(|window, _| window <= number);
        first += (from..number).map(|w| self.count(w)).sum::<u64>();
        let window = self.window(number, first);
        let part = (t % SECOND) as u32;
        first + window.instants.partition_point(|&instant| instant < part) as u64
    }
}

impl Memo {
    fn keep(&mut self, window: &Window) {
        self.kept += window.instants.len();
        self.windows.push_back(window.clone());
        while self.kept > KEPT || self.windows.len() > MILESTONE as usize {
            match self.windows.pop_front() {
                Some(old) => self.kept -= old.instants.len(),
                None => return,
            }
        }
    }
}

/// One stream's walk over a process.
#[derive(Clone, Debug)]
pub(super) struct Walker {
    process: Arc<Process>,
    window: Window,
}

impl Walker {
    /// At its first window.
    pub fn new(process: Arc<Process>) -> Walker {
        Walker {
            window: process.window(0, 0),
            process,
        }
    }

    /// When tick `k` falls.
    #[inline]
    pub fn at(&mut self, k: u64) -> Nanos {
        if k < self.window.first || k >= self.window.end() {
            self.turn(k);
        }
        let instant = self.window.instants[(k - self.window.first) as usize];
        self.window.number * SECOND + u64::from(instant)
    }

    /// To the window of tick `k`: mostly the next.
    fn turn(&mut self, k: u64) {
        let end = self.window.end();
        if k >= end {
            let next = self.process.window(self.window.number + 1, end);
            if k < next.end() {
                self.window = next;
                return;
            }
        }
        self.window = self.process.find(k);
    }

    /// How many ticks fall before `t`.
    pub fn below(&self, t: Nanos) -> u64 {
        self.process.below(t)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pearson's chi-square of a million counts against the Poisson distribution itself.
    #[test]
    fn counts_have_the_distribution() {
        for mean in [0.3, 7.5, 29.9, 30.0, 400.0] {
            let (counter, draws) = (Counter::new(mean), 1_000_000);
            let mut seen = vec![0.0; 1_000];
            for window in 0..draws {
                let count = counter.draw(&mut Rng::keyed(5, 0, window)) as usize;
                seen[count.min(999)] += 1.0;
            }
            let (mut square, mut bins) = (0.0, 0.0);
            for (k, seen) in seen.iter().enumerate() {
                let k = k as f64;
                let log = k * libm::log(mean) - mean - libm::lgamma(k + 1.0);
                let expected = draws as f64 * libm::exp(log);
                if expected > 20.0 {
                    square += (seen - expected) * (seen - expected) / expected;
                    bins += 1.0;
                }
            }
            assert!(
                square < bins + 5.0 * libm::sqrt(2.0 * bins),
                "{mean}: {square} over {bins} bins"
            );
        }
    }
}
