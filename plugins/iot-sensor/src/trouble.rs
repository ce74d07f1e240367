//! Outages and stuck values: drawn from the seed by window of time, so that whether one goes on
//! takes a hash, however many devices there are.

use wellhead_sdk::{Key, below};

/// Six hours.
pub(crate) const WINDOW: u64 = 21_600_000_000_000;
const WINDOWS_A_DAY: f64 = 4.0;
const MINUTE: u64 = 60_000_000_000;

/// Something that befalls a device or a sensor at most once in a window, and ends in it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Trouble {
    key: Key,
    /// Probability in a window, of 2³².
    share: u64,
    /// Minutes that it lasts: at least, and how many more.
    least: u32,
    span: u32,
}

impl Trouble {
    /// So often a day, for so many minutes.
    pub fn new(key: Key, a_day: f64, least: u32, most: u32) -> Trouble {
        Trouble {
            key,
            share: (a_day / WINDOWS_A_DAY * 4_294_967_296.0) as u64,
            least,
            span: most - least,
        }
    }

    /// When the trouble began that `who` is in, if it is: and 32 random bits of it. `window` is
    /// the number of `time`'s window.
    #[inline(always)]
    pub fn since(&self, who: u32, window: u64, time: u64) -> Option<(u64, u32)> {
        let random = self.key.hash(window << 32 | u64::from(who));
        if random & 0xffff_ffff >= self.share {
            return None;
        }
        self.goes_on(random, window, time)
    }

    #[cold]
    #[inline(never)]
    fn goes_on(&self, random: u64, window: u64, time: u64) -> Option<(u64, u32)> {
        let random = wellhead_sdk::mix(random);
        let (a, b) = (random as u32, (random >> 32) as u32);
        // Short ones are more frequent than long ones.
        let weight = below(b, 1 << 16);
        let minutes = self.least
            + ((u64::from(self.span) * u64::from(weight) * u64::from(weight)) >> 32) as u32;
        let length = u64::from(minutes) * MINUTE;
        let begin = window * WINDOW
            + u64::from(below(a, ((WINDOW - length) / 1_000_000) as u32)) * 1_000_000;
        (begin <= time && time < begin + length).then_some((begin, b.rotate_left(13)))
    }
}
