//! The devices of one stream, and what goes on with them at an instant.
//!
//! Keeps what the current window draws for each group, and which events are going on now. Both
//! are worked out anew when time leaves them, from the seed alone, so it doesn't matter where it
//! came from.

use wellhead_sdk::{Error, Settings, below};

use crate::Config;
use crate::incidents::{BOOT_PART, Event, Fate, Kind, LAG_MS, WINDOW_MS, lag_ms};
use crate::record::{Release, state};

/// Devices that share their fate: on one power line, behind one switch.
pub(crate) const GROUP: u32 = 16;
/// No window that time reaches.
const NEVER: u64 = u64::MAX;

/// A group in the current window.
#[derive(Clone, Copy)]
struct Group {
    event: Event,
    /// Updates taken before the window, and the release that they led to.
    updates: u32,
    release: Release,
    /// Last boot before the window `booted_before`, in milliseconds since the epoch. Looked up
    /// where it is asked for first, since looking back costs more than all the rest.
    boot_ms: u64,
    booted_before: u64,
}

/// An event of the current window that concerns devices of this stream.
#[derive(Clone, Copy)]
struct Going {
    start_ms: u32,
    end_ms: u32,
    first: u32,
    count: u32,
}

/// What a device's lines are about.
#[derive(Clone, Copy)]
pub(crate) enum Phase {
    Well,
    Onset(Kind),
    Failing(Kind),
    /// A step of coming up again, or of an update.
    Sequence(Kind, u32),
}

/// What a device does at an instant.
pub(crate) struct Now {
    pub phase: Phase,
    pub state: usize,
    pub release: Release,
    pub uptime_s: u32,
    pub incident: Option<u64>,
}

pub(crate) struct Fleet {
    fate: Fate,
    /// Device `first + i * step` for `i` below `count` belongs to this stream.
    first: u32,
    step: u32,
    count: u32,
    burst: u64,
    window: u64,
    groups: Vec<Group>,
    going: Vec<Going>,
    /// Of `going`, what is going on from `from_ms` for `span_ms`.
    active: Vec<Going>,
    from_ms: u64,
    span_ms: u64,
    /// Share of lines, of 2³², that come from active devices because they log more.
    burst_share: u32,
}

impl Fleet {
    pub fn new(config: &Config, settings: &Settings) -> Result<Fleet, Error> {
        let count = settings.share_of(u64::from(config.devices)) as u32;
        if count == 0 {
            return Err(Error::invalid_config(format!(
                "`devices` is {} and there are {} streams, but each stream needs a device of its \
                 own; set fewer streams or more devices",
                config.devices, settings.stream_count
            )));
        }
        Ok(Fleet {
            fate: Fate::new(
                settings.shared_key("incident"),
                settings.shared_key("update"),
                config.incident_rate,
            ),
            first: settings.stream_index,
            step: settings.stream_count,
            count,
            burst: u64::from(config.burst),
            window: NEVER,
            groups: vec![
                Group {
                    event: Event::default(),
                    updates: 0,
                    release: Release::after(0),
                    boot_ms: 0,
                    booted_before: NEVER,
                };
                config.devices.div_ceil(GROUP) as usize
            ],
            going: Vec::new(),
            active: Vec::new(),
            from_ms: 0,
            span_ms: 0,
            burst_share: 0,
        })
    }

    /// Whether what is kept holds for that instant.
    #[inline(always)]
    pub fn knows(&self, ms: u64) -> bool {
        ms.wrapping_sub(self.from_ms) < self.span_ms
    }

    /// Works out what goes on at an instant, and for how long it stays so.
    #[cold]
    #[inline(never)]
    pub fn go_to(&mut self, ms: u64) {
        let window = ms / WINDOW_MS;
        if window != self.window {
            self.enter(window);
        }
        let offset = (ms - window * WINDOW_MS) as u32;
        let (mut from, mut to) = (0, WINDOW_MS as u32);
        self.active.clear();
        for event in &self.going {
            for edge in [event.start_ms, event.end_ms] {
                if edge <= offset {
                    from = from.max(edge);
                } else {
                    to = to.min(edge);
                }
            }
            if event.start_ms <= offset && offset < event.end_ms {
                self.active.push(*event);
            }
        }
        self.from_ms = window * WINDOW_MS + u64::from(from);
        self.span_ms = u64::from(to - from);
        // Every device logs at the same pace, and the active ones so much more.
        let active: u64 = self.active.iter().map(|e| u64::from(e.count)).sum();
        let more = active * (self.burst - 1);
        self.burst_share = ((more << 32) / (more + u64::from(self.count))) as u32;
    }

    fn enter(&mut self, window: u64) {
        let next = self.window.checked_add(1) == Some(window);
        let (fate, before) = (self.fate, window.wrapping_sub(1).wrapping_mul(WINDOW_MS));
        self.going.clear();
        for (number, group) in (0u32..).zip(self.groups.iter_mut()) {
            // One window on, the last one's event tells what looking back would.
            if next && group.booted_before == self.window {
                if group.event.boots() {
                    group.boot_ms = before + u64::from(group.event.boot_ms());
                }
                group.booted_before = window;
            }
            group.event = fate.event(number, window);
            group.updates = fate.updates_before(number, window);
            group.release = Release::after(group.updates);
            if group.event.kind.is_some() {
                let (first, count) = share(number, self.first, self.step, self.count);
                if count > 0 {
                    self.going.push(Going {
                        start_ms: group.event.start_ms,
                        end_ms: group.event.end_ms() + LAG_MS,
                        first,
                        count,
                    });
                }
            }
        }
        self.window = window;
    }

    /// The device that a line comes from.
    #[inline(always)]
    pub fn pick(&self, random: u64) -> u32 {
        let which = (random >> 32) as u32;
        let own = if (random as u32) < self.burst_share {
            let scaled = u64::from(which) * self.active.len() as u64;
            match self.active.get((scaled >> 32) as usize) {
                // The lower half of the product is as random as the upper one.
                Some(event) => event.first + below(scaled as u32, event.count),
                None => 0,
            }
        } else {
            below(which, self.count)
        };
        self.first + own * self.step
    }

    /// What a device does at an instant that is known.
    #[inline(always)]
    pub fn now(&mut self, device: u32, identity: u64, ms: u64) -> Now {
        let number = device / GROUP;
        if self.groups[number as usize].booted_before != self.window {
            self.look_back(number);
        }
        let group = &self.groups[number as usize];
        let event = group.event;
        let lag = lag_ms(identity);
        let begin = self.window * WINDOW_MS;
        let offset = (ms - begin) as u32;
        let start_ms = event.start_ms + lag;
        let mut now = Now {
            phase: Phase::Well,
            state: state::ONLINE,
            release: group.release,
            uptime_s: 0,
            incident: None,
        };
        // Updates are two weeks apart, so an uptime fits into 32 bits.
        let mut uptime_ms = (ms - group.boot_ms) as u32;
        if let Some(kind) = event.kind
            && offset >= start_ms
        {
            if event.boots() && offset >= event.boot_ms() + lag {
                uptime_ms = offset - event.boot_ms();
                if kind == Kind::Update {
                    now.release = Release::after(group.updates + 1);
                }
            }
            if offset - start_ms < event.length_ms {
                // Parts of 32, the last of which takes what the division leaves.
                let part = ((offset - start_ms) / (event.length_ms / 32)).min(31);
                (now.phase, now.state) = stage(kind, part);
                if kind != Kind::Update {
                    now.incident = Some(self.window * 100_000 + u64::from(number));
                }
            }
        }
        now.uptime_s = uptime_ms.saturating_sub(lag) / 1000;
        now
    }

    #[cold]
    #[inline(never)]
    fn look_back(&mut self, number: u32) {
        let group = &mut self.groups[number as usize];
        group.boot_ms = self.fate.boot_before(number, self.window);
        group.booted_before = self.window;
    }
}

/// Where an event stands after so many of its 32 parts.
#[inline(always)]
fn stage(kind: Kind, part: u32) -> (Phase, usize) {
    match (kind, part) {
        (Kind::Update, 0..BOOT_PART) => (Phase::Sequence(kind, part / 5), state::UPDATING),
        // Twelve steps after those that lead to the boot.
        (Kind::Update, _) => (Phase::Sequence(kind, 4 + part - BOOT_PART), state::UPDATING),
        (_, BOOT_PART..) => (
            Phase::Sequence(kind, 4 + part - BOOT_PART),
            state::RECOVERING,
        ),
        (_, 0..5) => (Phase::Onset(kind), state::DEGRADED),
        _ => (Phase::Failing(kind), state::FAILING),
    }
}

/// The devices of a group that a stream has, as the first of its own numbers and how many.
fn share(group: u32, first: u32, step: u32, count: u32) -> (u32, u32) {
    let own = |device: u32| device.saturating_sub(first).div_ceil(step).min(count);
    let begin = own(group * GROUP);
    (begin, own((group + 1) * GROUP) - begin)
}

#[cfg(test)]
mod tests {
    use super::{GROUP, share};

    #[test]
    fn groups_share_out_the_devices_of_every_stream() {
        for (devices, streams) in [(1000u32, 1u32), (1000, 7), (33, 33), (5, 2)] {
            for stream in 0..streams {
                let count = (devices + streams - 1 - stream) / streams;
                let mut next = 0;
                for group in 0..devices.div_ceil(GROUP) {
                    let (first, n) = share(group, stream, streams, count);
                    assert_eq!(first, next);
                    for own in first..first + n {
                        assert_eq!((stream + own * streams) / GROUP, group);
                    }
                    next += n;
                }
                assert_eq!(
                    next, count,
                    "{devices} devices, stream {stream} of {streams}"
                );
            }
        }
    }
}
