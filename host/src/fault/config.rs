//! Which faults an emulation has, and how much memory they need.

use serde::{Deserialize, Serialize};

use super::corrupt::Kind;
use crate::record::Nanos;

/// Which faults an emulation has. What is absent is left out of its JSON, so that a run that began
/// before a fault was invented still compares equal.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Faults {
    /// Some records come twice.
    pub duplicate: Option<Duplicate>,
    /// Some records come late; their event time stays.
    pub late: Option<Late>,
    /// Some records come after younger ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reorder: Option<Reorder>,
    /// Some records never come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drop: Option<Drop>,
    /// Some records come damaged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub corrupt: Option<Corrupt>,
    /// A stream falls silent for a while, and what would have come is lost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gap: Option<Gap>,
    /// What falls into a window comes at its end, all at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub burst: Option<Burst>,
}

/// Which records a fault may hit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scope {
    /// Channels by their index; all where none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channels: Option<Vec<u8>>,
    /// Streams; all where none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub streams: Option<Vec<u32>>,
    /// Event times from the first on and before the second; all where none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub between: Option<(Nanos, Nanos)>,
}

impl Scope {
    /// Whether it leaves nothing out.
    pub fn is_all(&self) -> bool {
        *self == Scope::default()
    }

    /// Whether any record of a stream is within.
    pub fn has_stream(&self, stream: u32) -> bool {
        self.streams.as_ref().is_none_or(|s| s.contains(&stream))
    }

    /// Whether a record of a stream that is within is.
    #[inline]
    pub fn has(&self, channel: u8, event: Nanos) -> bool {
        self.channels.as_ref().is_none_or(|c| c.contains(&channel))
            && self
                .between
                .is_none_or(|(from, to)| (from..to).contains(&event))
    }

    /// Whether some record may be within both.
    pub fn meets(&self, other: &Scope) -> bool {
        fn share<T: PartialEq>(a: &Option<Vec<T>>, b: &Option<Vec<T>>) -> bool {
            match (a, b) {
                (Some(a), Some(b)) => a.iter().any(|one| b.contains(one)),
                _ => true,
            }
        }
        let times = match (self.between, other.between) {
            (Some(a), Some(b)) => a.0 < b.1 && b.0 < a.1,
            _ => true,
        };
        share(&self.channels, &other.channels) && share(&self.streams, &other.streams) && times
    }

    /// How many of so many streams are within.
    fn streams_of(&self, streams: u32) -> f64 {
        match &self.streams {
            Some(named) => named.len() as f64,
            None => f64::from(streams),
        }
    }
}

/// A share of the records comes a second time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Duplicate {
    /// Between 0 and 1.
    pub share: f64,
    /// When the copy comes.
    pub after: After,
    /// Which records.
    #[serde(default, skip_serializing_if = "Scope::is_all")]
    pub scope: Scope,
}

/// When a copy comes: never before the original, also where that is late.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum After {
    /// Right behind the stream's record so many further on (one nanosecond of profile time after it, so
    /// behind all of its beat), or behind its last; 0: right behind the original, at its instant.
    Records(u64),
    /// So much profile time after the original.
    Time(Nanos),
}

/// A share of the records comes late.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Late {
    /// Between 0 and 1.
    pub share: f64,
    /// Least delay, in profile time.
    pub min: Nanos,
    /// Largest delay.
    pub max: Nanos,
    /// Which records.
    #[serde(default, skip_serializing_if = "Scope::is_all")]
    pub scope: Scope,
}

/// A share of the records comes after younger ones, within a window.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reorder {
    /// Between 0 and 1.
    pub share: f64,
    /// How far back a record may fall.
    pub within: Within,
    /// Which records.
    #[serde(default, skip_serializing_if = "Scope::is_all")]
    pub scope: Scope,
}

/// How far back a record may fall, each distance as likely as any other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Within {
    /// Right behind the stream's record 1 to so many further on.
    Records(u64),
    /// 1 ns to so much of profile time.
    Time(Nanos),
}

/// A share of the records never comes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Drop {
    /// Between 0 and 1.
    pub share: f64,
    /// Which records.
    #[serde(default, skip_serializing_if = "Scope::is_all")]
    pub scope: Scope,
}

/// A share of the records comes damaged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Corrupt {
    /// Between 0 and 1.
    pub share: f64,
    /// What is done to them, each as often as its weight says; not empty.
    pub kinds: Vec<(Kind, u32)>,
    /// Which records.
    #[serde(default, skip_serializing_if = "Scope::is_all")]
    pub scope: Scope,
}

/// A stream falls silent for a while.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Gap {
    /// Periods of profile time.
    pub every: Nanos,
    /// How long it is silent in each, at a place of the stream's own; less than the period.
    pub length: Nanos,
    /// In which share of the periods.
    pub share: f64,
    /// Which records.
    #[serde(default, skip_serializing_if = "Scope::is_all")]
    pub scope: Scope,
}

/// What falls into a window comes at its end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Burst {
    /// A window ends at each multiple of this profile time.
    pub every: Nanos,
    /// How long a window is, at most the period.
    pub length: Nanos,
    /// Which share of the windows there is.
    pub share: f64,
    /// Which records.
    #[serde(default, skip_serializing_if = "Scope::is_all")]
    pub scope: Scope,
}

impl Faults {
    /// Whether there is none.
    pub fn is_none(&self) -> bool {
        *self == Faults::default()
    }

    /// Those that may hit records of a stream.
    pub(super) fn of_stream(mut self, stream: u32) -> Faults {
        fn keep<T>(fault: &mut Option<T>, scope: impl Fn(&T) -> &Scope, stream: u32) {
            if fault.as_ref().is_some_and(|f| !scope(f).has_stream(stream)) {
                *fault = None;
            }
        }
        keep(&mut self.duplicate, |f| &f.scope, stream);
        keep(&mut self.late, |f| &f.scope, stream);
        keep(&mut self.reorder, |f| &f.scope, stream);
        keep(&mut self.drop, |f| &f.scope, stream);
        keep(&mut self.corrupt, |f| &f.scope, stream);
        keep(&mut self.gap, |f| &f.scope, stream);
        keep(&mut self.burst, |f| &f.scope, stream);
        self
    }

    /// About how many records each fault holds back at once, at most, in an emulation of that many
    /// streams at `per_second` records a second of profile time: what the memory for them is
    /// worked out from. By the fault's name.
    pub fn held(&self, per_second: f64, streams: u32) -> Vec<(&'static str, f64)> {
        let mut held = Vec::new();
        let within = |scope: &Scope, time: Nanos| {
            let part = scope.streams_of(streams) / f64::from(streams.max(1));
            part * per_second * (time as f64 / 1e9)
        };
        let behind = self.late.as_ref().map_or(0.0, |late| {
            let records = late.share * within(&late.scope, late.max);
            held.push(("late", records));
            records
        });
        if let Some(duplicate) = &self.duplicate {
            let waiting = match duplicate.after {
                After::Records(n) => n as f64 * duplicate.scope.streams_of(streams),
                After::Time(time) => within(&duplicate.scope, time),
            };
            held.push(("duplicate", duplicate.share * (waiting + behind)));
        }
        if let Some(reorder) = &self.reorder {
            let waiting = match reorder.within {
                Within::Records(n) => n as f64 * reorder.scope.streams_of(streams),
                Within::Time(time) => within(&reorder.scope, time),
            };
            held.push(("reorder", reorder.share * waiting));
        }
        if let Some(burst) = &self.burst
            && burst.share > 0.0
        {
            held.push(("burst", within(&burst.scope, burst.length)));
        }
        held
    }
}
