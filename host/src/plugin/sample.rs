//! Checks records against the schema of their channel: which ones depends on their index alone, so
//! that it doesn't matter how a stream is cut into calls.

use serde_json::Value;

use super::batch::Generated;
use super::schema::Fault;
use super::{Configured, PluginError, Validate};

/// So many records of the emulation, shared out over its streams, are checked from the first on;
/// and then every one whose index is a multiple of it.
const SAMPLE: u64 = 1000;

/// Checks those records of a batch that are due for it.
pub(super) fn check(
    configured: &Configured,
    (stream, streams): (u32, u32),
    first: u64,
    generated: &Generated,
) -> Result<(), PluginError> {
    if !configured.generator.description.is_json() {
        return Ok(());
    }
    let check = |index: u64| {
        let faults = faults(configured, generated, (index - first) as usize);
        match faults {
            None => Ok(()),
            Some((channel, faults)) => Err(PluginError::Record {
                generator: configured.generator.name().to_owned(),
                stream,
                index,
                channel,
                faults,
            }),
        }
    };
    let end = first + generated.len() as u64;
    match configured.validate {
        Validate::Off => Ok(()),
        Validate::All => (first..end).try_for_each(check),
        Validate::Sample => sampled(first, end, streams).try_for_each(check),
    }
}

/// Which of the indices are checked by sample.
fn sampled(first: u64, end: u64, streams: u32) -> impl Iterator<Item = u64> {
    let begin = SAMPLE.div_ceil(u64::from(streams.max(1)));
    let multiple = first.max(begin).next_multiple_of(SAMPLE);
    (first..end.min(begin)).chain((multiple..end).step_by(SAMPLE as usize))
}

/// The channel of record `k` and what is wrong with the record, if anything is.
fn faults(
    configured: &Configured,
    generated: &Generated,
    k: usize,
) -> Option<(String, Vec<Fault>)> {
    let record = generated.record(k);
    if record.is_empty() {
        return None;
    }
    let channel = generated.channel(k);
    let faults = match serde_json::from_slice::<Value>(record) {
        Err(error) => vec![Fault {
            path: String::new(),
            message: format!("it is not one JSON value: {error}"),
        }],
        Ok(value) => match configured.schemas.get(channel) {
            Some(schema) if !schema.is_valid(&value) => schema.faults(&value),
            _ => return None,
        },
    };
    let name = configured
        .channels
        .get(channel)
        .map(|channel| channel.name.clone());
    Some((name.unwrap_or_default(), faults))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sample_does_not_depend_on_how_a_stream_is_cut() {
        let whole: Vec<u64> = sampled(0, 5001, 1).collect();
        assert_eq!(whole.len(), 1000 + 5);
        assert_eq!(whole[998..1002], [998, 999, 1000, 2000]);
        // A thousand streams check a record each, not a thousand each.
        assert_eq!(sampled(0, 2001, 1000).collect::<Vec<_>>(), [0, 1000, 2000]);
        for size in [1, 7, 999, 1000, 1001] {
            let cut = (0..5001).step_by(size);
            let cut = cut.flat_map(|first| sampled(first, (first + size as u64).min(5001), 1));
            assert_eq!(cut.collect::<Vec<_>>(), whole, "{size}");
        }
    }
}
