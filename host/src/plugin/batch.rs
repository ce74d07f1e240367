//! Checks what a generator returned, trusting nothing.
//!
//! Every rule that `generator.wit` states of a batch is checked here, over the whole batch at once
//! where that is possible: the checks cost a few nanoseconds a record.

use super::bindings::contract;

/// Records of one call, checked. See `generator.wit` for each list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Generated {
    /// Every record's bytes, with nothing between them.
    pub payload: Vec<u8>,
    /// Where each record ends in `payload`.
    pub ends: Vec<u32>,
    /// Every record's key; no bytes mean no key.
    pub keys: Vec<u8>,
    /// Empty when no record has a key.
    pub key_ends: Vec<u32>,
    /// Empty when all are on channel 0.
    pub channels: Vec<u8>,
    /// Empty when all append.
    pub operations: Vec<u8>,
}

impl Generated {
    /// How many records. None means that the stream has ended.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether the stream has ended.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The bytes of record `k`. Panics where there is no such record.
    pub fn record(&self, k: usize) -> &[u8] {
        let start = k.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.payload[start as usize..self.ends[k] as usize]
    }

    /// The channel of record `k`.
    pub(super) fn channel(&self, k: usize) -> usize {
        self.channels.get(k).copied().unwrap_or(0).into()
    }
}

impl From<contract::Batch> for Generated {
    fn from(batch: contract::Batch) -> Generated {
        Generated {
            payload: batch.payload,
            ends: batch.ends,
            keys: batch.keys,
            key_ends: batch.key_ends,
            channels: batch.channels,
            operations: batch.operations,
        }
    }
}

/// What the records of a batch have to be like.
#[derive(Clone, Copy, Debug)]
pub(super) struct Expected {
    /// How many records were asked for.
    pub records: usize,
    /// Most bytes of payload and keys.
    pub bytes: usize,
    /// How many channels there are.
    pub channels: usize,
    /// Whether records are JSON: UTF-8 with no line feed.
    pub json: bool,
}

/// A rule that a batch breaks, with the record within the batch that breaks it where one does.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{rule}")]
pub(super) struct Broken {
    pub record: Option<usize>,
    pub rule: String,
}

fn broken(record: impl Into<Option<usize>>, rule: impl Into<String>) -> Broken {
    Broken {
        record: record.into(),
        rule: rule.into(),
    }
}

/// Checks all of a batch but its records against their schema.
pub(super) fn check(batch: &Generated, expected: &Expected) -> Result<(), Broken> {
    let records = batch.len();
    if records > expected.records {
        let asked = expected.records;
        return Err(broken(
            None,
            format!("`ends` has {records} entries, and {asked} records were asked for"),
        ));
    }
    let bytes = batch.payload.len() + batch.keys.len();
    if bytes > expected.bytes {
        let limit = expected.bytes;
        return Err(broken(
            None,
            format!("payload and keys are {bytes} bytes, and the limit of a batch is {limit}"),
        ));
    }
    check_ends("ends", "payload", &batch.ends, batch.payload.len())?;
    if !batch.key_ends.is_empty() || !batch.keys.is_empty() {
        check_count("key-ends", batch.key_ends.len(), records)?;
        check_ends("key-ends", "keys", &batch.key_ends, batch.keys.len())?;
    }
    check_channels(batch, expected.channels)?;
    check_operations(batch)?;
    if expected.json {
        check_text(batch)?;
    }
    Ok(())
}

fn check_count(list: &str, length: usize, records: usize) -> Result<(), Broken> {
    if length == records {
        return Ok(());
    }
    Err(broken(
        None,
        format!("`{list}` has {length} entries for {records} records"),
    ))
}

/// Ends never descend, and the last one closes on the bytes.
fn check_ends(list: &str, of: &str, ends: &[u32], length: usize) -> Result<(), Broken> {
    // Folded without an early exit, so that the compiler makes SIMD of it.
    let pairs = ends.iter().zip(ends.get(1..).unwrap_or_default());
    let descends = pairs.fold(false, |any, (before, after)| any | (after < before));
    if let Some(before) = ends
        .windows(2)
        .position(|pair| pair[1] < pair[0])
        .filter(|_| descends)
    {
        let (from, to, at) = (ends[before], ends[before + 1], before + 1);
        return Err(broken(at, format!("`{list}` descends from {from} to {to}")));
    }
    match ends.last() {
        Some(last) if *last as usize == length => {}
        None if length == 0 => {}
        Some(last) => {
            let rule = format!("the last of `{list}` is {last}, and `{of}` has {length} bytes");
            return Err(broken(None, rule));
        }
        None => {
            let rule = format!("there are no records, and `{of}` has {length} bytes");
            return Err(broken(None, rule));
        }
    }
    Ok(())
}

fn check_channels(batch: &Generated, channels: usize) -> Result<(), Broken> {
    if batch.channels.is_empty() {
        return Ok(());
    }
    check_count("channels", batch.channels.len(), batch.len())?;
    let highest = batch.channels.iter().copied().fold(0, u8::max);
    if usize::from(highest) < channels {
        return Ok(());
    }
    let known = |channel: &u8| usize::from(*channel) >= channels;
    let at = batch.channels.iter().position(known);
    let rule = format!("channel {highest} where there are {channels}");
    Err(broken(at, rule))
}

fn check_operations(batch: &Generated) -> Result<(), Broken> {
    if batch.operations.is_empty() {
        return Ok(());
    }
    check_count("operations", batch.operations.len(), batch.len())?;
    let highest = batch.operations.iter().copied().fold(0, u8::max);
    if highest > 2 {
        let at = batch.operations.iter().position(|code| *code > 2);
        let rule = format!("operation {highest}, where 0, 1 and 2 are known");
        return Err(broken(at, rule));
    }
    let mut start = 0;
    for (k, code) in batch.operations.iter().enumerate() {
        let end = batch.key_ends.get(k).copied().unwrap_or(0);
        if *code != 0 && end == start {
            return Err(broken(k, "an upsert or delete without a key"));
        }
        start = end;
    }
    Ok(())
}

/// Records looked at together: some kilobytes, so that they are read from memory only once.
const GROUP: usize = 32;

/// Every record is UTF-8 by itself and has no line feed in it.
fn check_text(batch: &Generated) -> Result<(), Broken> {
    let mut start = 0;
    for (n, ends) in batch.ends.chunks(GROUP).enumerate() {
        let end = ends.last().map_or(start, |end| *end as usize);
        // Both are in order: the ends were checked before.
        let group = batch.payload.get(start..end).unwrap_or_default();
        if simdutf8::basic::from_utf8(group).is_err() || memchr::memchr(b'\n', group).is_some() {
            return Err(wrong_text(batch, n * GROUP));
        }
        let inside = |end: &u32| {
            let next = batch.payload.get(*end as usize);
            next.is_some_and(|byte| byte & 0xc0 == 0x80)
        };
        if ends.iter().fold(false, |any, end| any | inside(end)) {
            return Err(wrong_text(batch, n * GROUP));
        }
        start = end;
    }
    Ok(())
}

/// The first record from `from` on with something wrong in its text, which there is.
fn wrong_text(batch: &Generated, from: usize) -> Broken {
    for k in from..batch.len() {
        let record = batch.record(k);
        match std::str::from_utf8(record) {
            Err(error) if error.error_len().is_none() => {
                return broken(k, "a record that ends inside a character");
            }
            Err(_) => return broken(k, "a record that is not UTF-8"),
            Ok(text) if text.contains('\n') => return broken(k, "a line feed in a record"),
            Ok(_) => {}
        }
    }
    broken(from, "a record that is not UTF-8")
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXPECTED: Expected = Expected {
        records: 10,
        bytes: 1000,
        channels: 2,
        json: true,
    };

    fn batch(records: &[&str]) -> Generated {
        let mut batch = Generated::default();
        for record in records {
            batch.payload.extend_from_slice(record.as_bytes());
            batch.ends.push(batch.payload.len() as u32);
        }
        batch
    }

    fn refused(change: impl FnOnce(&mut Generated)) -> Broken {
        let mut wrong = batch(&["{\"ä\":1}", "", "[2]"]);
        assert_eq!(check(&wrong, &EXPECTED), Ok(()));
        change(&mut wrong);
        check(&wrong, &EXPECTED).unwrap_err()
    }

    #[test]
    fn what_keeps_the_rules_passes() {
        let mut full = batch(&["{}", "\"ü\"", ""]);
        full.keys = b"ab".to_vec();
        full.key_ends = vec![1, 1, 2];
        full.channels = vec![0, 1, 0];
        full.operations = vec![1, 0, 2];
        assert_eq!(check(&full, &EXPECTED), Ok(()));
        assert_eq!(full.record(1), "\"ü\"".as_bytes());
        assert_eq!(check(&Generated::default(), &EXPECTED), Ok(()));
    }

    #[test]
    fn ends_descend_nowhere_and_close() {
        let wrong = refused(|b| b.ends[1] = 3);
        assert_eq!(wrong.record, Some(1));
        assert_eq!(wrong.rule, "`ends` descends from 8 to 3");
        assert!(refused(|b| b.ends[2] = 99).rule.contains("99"));
        assert!(refused(|b| b.payload.push(b'x')).rule.contains("`payload`"));
        assert!(refused(|b| b.ends.clear()).rule.contains("no records"));
        let mut longest = batch(&["1"; 11]);
        assert!(check(&longest, &EXPECTED).unwrap_err().rule.contains("11"));
        longest.ends.pop();
        longest.payload.pop();
        assert_eq!(check(&longest, &EXPECTED), Ok(()));
    }

    #[test]
    fn lists_agree_on_their_length() {
        assert!(refused(|b| b.keys.push(1)).rule.contains("`key-ends`"));
        assert!(refused(|b| b.key_ends = vec![0]).rule.contains("1 entries"));
        assert_eq!(refused(|b| b.channels = vec![0]).record, None);
        assert_eq!(refused(|b| b.operations = vec![0; 4]).record, None);
        let wrong = refused(|b| {
            b.keys = b"abc".to_vec();
            b.key_ends = vec![2, 1, 3];
        });
        assert_eq!(wrong.record, Some(1));
    }

    #[test]
    fn channels_and_operations_are_known() {
        let wrong = refused(|b| b.channels = vec![0, 1, 2]);
        assert_eq!((wrong.record, &*wrong.rule).0, Some(2));
        assert_eq!(refused(|b| b.operations = vec![0, 3, 0]).record, Some(1));
        // A key is needed by the record itself, not by any of the batch.
        let keyless = refused(|b| {
            b.operations = vec![1, 2, 0];
            b.keys = b"k".to_vec();
            b.key_ends = vec![1, 1, 1];
        });
        assert_eq!(keyless.record, Some(1));
    }

    #[test]
    fn text_is_utf8_in_lines() {
        assert_eq!(refused(|b| b.payload[10] = 0xff).record, Some(2));
        assert_eq!(refused(|b| b.payload[8] = b'\n').record, Some(2));
        // "ä" is bytes 2 and 3: an end between them cuts a character in two.
        assert_eq!(refused(|b| b.ends[0] = 3).record, Some(0));
        let mut binary = batch(&["{}"]);
        binary.payload = vec![0xff, b'\n'];
        assert!(check(&binary, &EXPECTED).is_err());
        let any = Expected {
            json: false,
            ..EXPECTED
        };
        assert_eq!(check(&binary, &any), Ok(()));
    }

    #[test]
    fn text_is_checked_in_every_group() {
        let many = Expected {
            records: 1000,
            ..EXPECTED
        };
        let good = batch(&["\"ä\""; 100]);
        assert_eq!(check(&good, &many), Ok(()));
        for k in 0..100 {
            // A record is 4 bytes: the quote after the character, then the character cut in two.
            let mut wrong = good.clone();
            wrong.payload[k * 4 + 3] = b'\n';
            assert_eq!(check(&wrong, &many).unwrap_err().record, Some(k));
            let mut wrong = good.clone();
            wrong.ends[k] -= 2;
            let wrong = check(&wrong, &many).unwrap_err();
            assert!(
                k == 99 || wrong.rule.contains("inside a character"),
                "{k}: {wrong}"
            );
        }
    }

    #[test]
    fn size_is_limited() {
        let large = batch(&[&"x".repeat(1001)]);
        assert!(check(&large, &EXPECTED).unwrap_err().rule.contains("1001"));
    }
}
