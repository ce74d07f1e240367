//! What a sensor reads at an instant, in thousandths of its unit.

use std::f64::consts::PI;

use wellhead_sdk::dist::Curve;

use crate::config::{Known, Sensor};

const DAY: u64 = 86_400_000_000_000;
/// A day has 2¹⁶ phases: exactly so many nanoseconds each.
const PHASE: u64 = DAY / 65_536;
/// Time of drift and of batteries: 1024 beats a day.
const BEAT: u64 = DAY / 1024;
/// From one calibration to the next.
const CALIBRATED_EVERY: u32 = 90 * 1024;
/// When a day is at its height.
const PEAK: u32 = 65_536 / 24 * 15;
const TURN: usize = 256;

/// An instant as sensors see it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Instant {
    /// Place in the day, of 2¹⁶.
    phase: u32,
    /// Beats since the epoch.
    beats: u32,
}

impl Instant {
    #[inline(always)]
    pub fn of(nanos: u64) -> Instant {
        Instant {
            phase: ((nanos % DAY) / PHASE) as u32,
            beats: (nanos / BEAT) as u32,
        }
    }
}

/// One of a device's sensors, in whole numbers.
#[derive(Clone, Debug)]
pub(crate) struct Reader {
    mean: i64,
    amplitude: i64,
    /// Of a day, times 1024.
    drift: i64,
    noise: Curve,
    least: i64,
    most: i64,
    /// Falls from its mean, until it is charged, instead of following the day.
    battery: bool,
}

/// A day's cycle: cosine in parts of 2¹⁴, with its first value again at the end.
#[derive(Clone, Debug)]
pub(crate) struct Cycle([i32; TURN + 1]);

impl Cycle {
    pub fn new() -> Cycle {
        Cycle(std::array::from_fn(|i| {
            libm::round(16_384.0 * libm::cos(2.0 * PI * i as f64 / TURN as f64)) as i32
        }))
    }

    /// At a phase of which the lower 16 bits count.
    #[inline(always)]
    fn at(&self, phase: u32) -> i64 {
        let (at, rest) = ((phase >> 8) as usize & (TURN - 1), (phase & 255) as i32);
        let (low, high) = (self.0[at], self.0[at + 1]);
        i64::from(low + (((high - low) * rest) >> 8))
    }
}

impl Reader {
    pub fn new(sensor: &Sensor) -> Reader {
        let own = sensor.measures();
        let thousandths = |value: f64| libm::round(value * 1000.0) as i64;
        Reader {
            mean: thousandths(own.mean),
            amplitude: thousandths(own.amplitude),
            drift: thousandths(own.drift * 1024.0),
            noise: Curve::normal(0.0, own.noise * 1000.0),
            least: own.min.map_or(i64::MIN, thousandths),
            most: own.max.map_or(i64::MAX, thousandths),
            battery: matches!(sensor, Sensor::Known(Known::Battery)),
        }
    }

    /// What it reads on a device (`identity` being 64 random bits of the two) at an instant, by 32
    /// random bits.
    #[inline(always)]
    pub fn read(&self, cycle: &Cycle, identity: u64, now: Instant, random: u32) -> i64 {
        let own = (identity >> 32) as u32;
        let level = if self.battery {
            // 120 to 375 days from full to 15 %.
            let life = (120 + (own & 255)) * 1024;
            let spent = (now.beats.wrapping_add(own >> 8)) % life;
            self.mean - (u64::from(spent) * 85_000 / u64::from(life)) as i64
        } else {
            // Days of devices differ by up to three quarters of an hour, and their heights by a
            // tenth.
            let phase = now
                .phase
                .wrapping_sub(PEAK)
                .wrapping_add(own & 4095)
                .wrapping_sub(2048);
            let height = 922 + i64::from(own >> 12 & 255) * 205 / 256;
            let day = (self.amplitude * cycle.at(phase) / 1024 * height) >> 14;
            let since = (now.beats.wrapping_add(identity as u32 & 0xf_ffff)) % CALIBRATED_EVERY;
            let scale = 512 + i64::from(own >> 20 & 1023);
            let drift = (((self.drift * i64::from(since)) >> 20) * scale) >> 10;
            self.mean + day + drift
        };
        (level + i64::from(self.noise.draw(random))).clamp(self.least, self.most)
    }
}
