//! What happens to a group of devices in one window of time: nothing, an incident or an update.
//!
//! Drawn from the seed by (group, window), so the past and the future are equally at hand.

use wellhead_sdk::{Key, Rng, below};

/// Length of a window. What begins in one ends in it.
pub(crate) const WINDOW_MS: u64 = 3_600_000;
/// Windows from one update of a group to the next: two weeks.
pub(crate) const UPDATE_EVERY: u64 = 336;
/// A device follows its group's incident by up to this much, see [`lag_ms`].
pub(crate) const LAG_MS: u32 = 255 * 64;
/// A device boots when this many of 32 parts of an incident have gone by.
pub(crate) const BOOT_PART: u32 = 20;
/// Updates before 2020 gave no new release.
const UPDATES_BEFORE_2020: u64 = 1304;

/// What can happen. The order is that of the tables in `lines.rs`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Network,
    Power,
    Storage,
    Memory,
    Thermal,
    /// New firmware, planned.
    Update,
}

/// What happens to a group in a window: nothing in most.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Event {
    pub kind: Option<Kind>,
    /// From the window's begin.
    pub start_ms: u32,
    pub length_ms: u32,
}

impl Event {
    /// Whether the devices boot in it: a network that is away needs no boot.
    pub fn boots(self) -> bool {
        !matches!(self.kind, None | Some(Kind::Network))
    }

    /// When they do, from the window's begin and without their lag.
    pub fn boot_ms(self) -> u32 {
        self.start_ms + self.length_ms / 32 * BOOT_PART
    }

    pub fn end_ms(self) -> u32 {
        self.start_ms + self.length_ms
    }
}

/// How far a device is behind its group, so that a group doesn't act as one.
#[inline(always)]
pub(crate) fn lag_ms(identity: u64) -> u32 {
    (identity as u32 & 255) * 64
}

/// Lengths of incidents in seconds, at 0, 1/16, … of their distribution: about log-normal, with a
/// median of 7 minutes.
const LENGTHS: [u32; 17] = [
    120, 150, 180, 210, 240, 280, 320, 370, 430, 500, 580, 680, 800, 960, 1200, 1600, 2400,
];

/// The fleet's fate under a seed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fate {
    incidents: Key,
    updates: Key,
    /// Probability of an incident in a window, of 2³².
    share: u64,
}

impl Fate {
    pub fn new(incidents: Key, updates: Key, incidents_a_day: f64) -> Fate {
        let share = (incidents_a_day / 24.0 * 4_294_967_296.0) as u64;
        Fate {
            incidents,
            updates,
            share,
        }
    }

    /// What happens to a group in a window.
    pub fn event(&self, group: u32, window: u64) -> Event {
        let mut random = self.incidents.at(window << 20 | u64::from(group));
        if window % UPDATE_EVERY == self.update_phase(group) {
            let length_ms = 300_000 + random.below(300_000);
            return Event {
                kind: Some(Kind::Update),
                start_ms: start(&mut random, length_ms),
                length_ms,
            };
        }
        let luck = random.next();
        if luck & 0xffff_ffff >= self.share {
            return Event::default();
        }
        let length_ms = length(random.next());
        Event {
            kind: Some(incident_kind((luck >> 32) as u32)),
            start_ms: start(&mut random, length_ms),
            length_ms,
        }
    }

    /// When the group booted last before a window, in milliseconds since the epoch. Looks back as
    /// far as the last update.
    pub fn boot_before(&self, group: u32, window: u64) -> u64 {
        let mut earlier = window;
        while let Some(before) = earlier.checked_sub(1) {
            earlier = before;
            let event = self.event(group, earlier);
            if event.boots() {
                return earlier * WINDOW_MS + u64::from(event.boot_ms());
            }
        }
        0
    }

    /// How many updates that counted the group has taken before a window.
    pub fn updates_before(&self, group: u32, window: u64) -> u32 {
        let updates = (window + UPDATE_EVERY - 1 - self.update_phase(group)) / UPDATE_EVERY;
        updates.saturating_sub(UPDATES_BEFORE_2020) as u32
    }

    /// In which window of each `UPDATE_EVERY` the group takes its updates.
    fn update_phase(&self, group: u32) -> u64 {
        u64::from(below(
            (self.updates.hash(u64::from(group)) >> 32) as u32,
            UPDATE_EVERY as u32,
        ))
    }
}

/// A start from which `length_ms`, and the lag of every device, end within the window.
fn start(random: &mut Rng, length_ms: u32) -> u32 {
    random.below(WINDOW_MS as u32 - LAG_MS - length_ms)
}

/// The length read between the points of the table.
fn length(random: u64) -> u32 {
    let (at, rest) = ((random >> 60) as usize, (random >> 28) as u32);
    let (low, high) = (LENGTHS[at] * 1000, LENGTHS[at + 1] * 1000);
    low + below(rest, high - low)
}

fn incident_kind(random: u32) -> Kind {
    match below(random, 100) {
        0..35 => Kind::Network,
        35..50 => Kind::Power,
        50..70 => Kind::Storage,
        70..90 => Kind::Memory,
        _ => Kind::Thermal,
    }
}
