//! What was done to which record: counts, and a line for each.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::corrupt::Kind;
use crate::record::Nanos;

/// How many records something happened to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FaultCounts {
    /// Said nothing, and went nowhere.
    pub skipped: u64,
    /// Were hit by a fault.
    #[serde(flatten)]
    pub by: ByFault,
}

/// How many records each fault hit; one that several hit counts for each of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ByFault {
    /// Copies added.
    pub duplicate: u64,
    /// Records that came late.
    pub late: u64,
    /// Records that fell behind younger ones.
    pub reorder: u64,
    /// Records that never came.
    pub drop: u64,
    /// Records that came damaged.
    pub corrupt: u64,
    /// Records and copies lost in gaps.
    pub gap: u64,
    /// Records and copies that came with a burst.
    pub burst: u64,
}

impl ByFault {
    /// Each fault's name and count.
    pub fn each(&self) -> [(&'static str, u64); 7] {
        [
            ("duplicate", self.duplicate),
            ("late", self.late),
            ("reorder", self.reorder),
            ("drop", self.drop),
            ("corrupt", self.corrupt),
            ("gap", self.gap),
            ("burst", self.burst),
        ]
    }

    /// All together.
    pub fn total(&self) -> u64 {
        self.each().iter().map(|(_, count)| count).sum()
    }
}

impl std::ops::AddAssign for ByFault {
    fn add_assign(&mut self, more: ByFault) {
        self.duplicate += more.duplicate;
        self.late += more.late;
        self.reorder += more.reorder;
        self.drop += more.drop;
        self.corrupt += more.corrupt;
        self.gap += more.gap;
        self.burst += more.burst;
    }
}

/// One fault of one record, as the ledger tells it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "fault", rename_all = "snake_case")]
pub enum Done {
    /// This is the copy.
    Duplicate {
        /// Right behind the record so many further on; 0: right behind the original.
        #[serde(skip_serializing_if = "Option::is_none")]
        after_records: Option<u64>,
        /// So much later.
        #[serde(skip_serializing_if = "Option::is_none")]
        after_ns: Option<Nanos>,
    },
    /// It came so much late.
    Late {
        /// In profile time.
        by_ns: Nanos,
    },
    /// It fell back.
    Reorder {
        /// Behind the record so many further on.
        #[serde(skip_serializing_if = "Option::is_none")]
        by_records: Option<u64>,
        /// By so much profile time.
        #[serde(skip_serializing_if = "Option::is_none")]
        by_ns: Option<Nanos>,
    },
    /// It never came.
    Drop,
    /// Its bytes were changed.
    Corrupt {
        /// How.
        kind: Kind,
        /// Of a bit flip: which byte, from 0.
        #[serde(skip_serializing_if = "Option::is_none")]
        byte: Option<usize>,
        /// Of a bit flip: which bit of it, 0 the lowest.
        #[serde(skip_serializing_if = "Option::is_none")]
        bit: Option<u8>,
        /// Of a truncation: how many bytes are left.
        #[serde(skip_serializing_if = "Option::is_none")]
        length: Option<usize>,
        /// Of all others: which field, as it is written in the record.
        #[serde(skip_serializing_if = "Option::is_none")]
        field: Option<String>,
    },
    /// It fell into a gap and was lost.
    Gap,
    /// It was held to the end of a window.
    Burst {
        /// For so much profile time.
        by_ns: Nanos,
    },
}

/// A faulted record, or a copy of one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Which stream.
    pub stream: u32,
    /// Which record of it, before faults.
    pub index: u64,
    /// 0 is the original, 1 its copy.
    pub copy: u8,
    /// Its place among what the stream released; none where it was lost.
    pub sequence: Option<u64>,
    /// Profile time at which it was released, or would have been.
    pub release_ns: Nanos,
    /// Event time, nanoseconds since the Unix epoch.
    pub event_ns: Nanos,
    /// What was done to it, in this order.
    pub faults: Vec<Done>,
}

/// What a line will say, on its way with the record.
#[derive(Clone, Debug)]
pub(super) struct Note {
    pub event: Nanos,
    pub done: Vec<Done>,
}
