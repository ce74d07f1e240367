//! The same records in other ways.

use super::made::{self, One, USUAL, open, same, take};
use super::{Fault, Outcome, Trial, Tried};
use crate::plugin::Stream;

/// Streams of the emulation that is played.
const STREAMS: u32 = 3;
/// Records of calls for a single one: they are dear.
const SINGLE: usize = 2_000;
/// Places at which a stream is taken up again.
const PLACES: u64 = 9;
/// Records that are compared at such a place.
const STRETCH: u64 = 250;

impl Trial {
    /// Stream 0, from its beginning.
    fn stream(&self) -> Stream {
        open(&self.checked, self.options.seed, (0, STREAMS), None)
    }
}

/// The first records, each checked against its schema; they are what the others compare with.
pub fn records(trial: &Trial, first: &mut Vec<One>) -> Tried {
    *first = take(&mut trial.stream(), 0, trial.options.records, || USUAL)?;
    if first.is_empty() {
        return Err(Fault::Wrong(
            "the stream ends before its first record".to_owned(),
        ));
    }
    let empty = first.iter().filter(|one| one.record.is_empty()).count();
    let bytes: usize = first.iter().map(|one| one.record.len()).sum();
    let keyed = first.iter().filter(|one| !one.key.is_empty()).count();
    let channels = trial
        .checked
        .channels
        .iter()
        .enumerate()
        .map(|(n, channel)| {
            let of = |one: &&One| usize::from(one.channel) == n && !one.record.is_empty();
            format!("{}: {}", channel.name, first.iter().filter(of).count())
        });
    let channels: Vec<String> = channels.collect();
    let filled = (first.len() - empty).max(1);
    Ok((
        Outcome::Passed,
        format!(
            "{} records of {} bytes in the mean ({}), {keyed} with a key, {empty} empty",
            first.len(),
            bytes / filled,
            channels.join(", ")
        ),
    ))
}

pub fn again(trial: &Trial, first: &[One]) -> Tried {
    let found = take(&mut trial.stream(), 0, first.len() as u64, || USUAL)?;
    same(
        || "a second instance makes other records".to_owned(),
        0,
        first,
        &found,
    )?;
    Ok((Outcome::Passed, format!("{} records alike", first.len())))
}

pub fn cut(trial: &Trial, first: &[One]) -> Tried {
    // Of Knuth's MMIX; which sizes come doesn't matter, only that they come again.
    let mut state = trial.options.seed;
    let mut any = move || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        1 + (state >> 33) as usize % (3 * USUAL)
    };
    let by = |name: &str, expected: &[One], size: &mut dyn FnMut() -> usize| {
        let found = take(&mut trial.stream(), 0, expected.len() as u64, size)?;
        let how =
            || format!("in calls for {name} the records are others than in calls for {USUAL}");
        same(how, 0, expected, &found)
    };
    by("1 record", &first[..first.len().min(SINGLE)], &mut || 1)?;
    by("7 records", first, &mut || 7)?;
    by("any number of records", first, &mut any)?;
    Ok((
        Outcome::Passed,
        "in calls for 1, 7 and any number of records".to_owned(),
    ))
}

pub fn taken_up(trial: &Trial, first: &[One]) -> Tried {
    match trial.checked.generator.description.random_access {
        true => any_order(trial, first),
        false => saved(trial, first),
    }
}

fn stretch(first: &[One], place: u64) -> (u64, &[One]) {
    let begin = first.len() as u64 * place / PLACES;
    let end = (begin + STRETCH).min(first.len() as u64);
    (begin, &first[begin as usize..end as usize])
}

fn any_order(trial: &Trial, first: &[One]) -> Tried {
    let mut stream = trial.stream();
    for place in (0..PLACES).rev() {
        let (begin, expected) = stretch(first, place);
        let found = take(&mut stream, begin, begin + expected.len() as u64, || USUAL)?;
        let how = || {
            "it says that records can be asked for in any order, and asked from the last to the first they are others"
                .to_owned()
        };
        same(how, begin, expected, &found)?;
    }
    Ok((
        Outcome::Passed,
        format!("{PLACES} places, from the last to the first"),
    ))
}

fn saved(trial: &Trial, first: &[One]) -> Tried {
    let mut largest = 0;
    for place in 1..PLACES {
        let (begin, expected) = stretch(first, place);
        let mut stream = trial.stream();
        take(&mut stream, 0, begin, || USUAL)?;
        let Some(state) = stream.save()? else {
            return Ok((
                Outcome::Skipped,
                "it keeps no state: a resume goes through all records from the first again"
                    .to_owned(),
            ));
        };
        largest = largest.max(state.len());
        let options = trial.options;
        let state = Some((begin, state));
        let mut resumed = open(&trial.checked, options.seed, (0, STREAMS), state);
        // A state that is refused would have the records gone through from 0, which isn't possible here.
        let found = take(&mut resumed, begin, begin + expected.len() as u64, || USUAL)?;
        let how = || "opened with a state that it saved it makes other records".to_owned();
        same(how, begin, expected, &found)?;
    }
    let places = PLACES - 1;
    Ok((
        Outcome::Passed,
        format!("{places} states of up to {largest} bytes"),
    ))
}

pub fn streams(trial: &Trial, first: &[One]) -> Tried {
    let some = first.len().min(200);
    let (seed, end) = (trial.options.seed, some as u64);
    let mut ways = Vec::new();
    for stream in 1..STREAMS {
        let mut other = open(&trial.checked, seed, (stream, STREAMS), None);
        let made = take(&mut other, 0, end, || USUAL)?;
        ways.push((format!("stream {stream}"), made));
    }
    let mut other = open(&trial.checked, seed.wrapping_add(1), (0, STREAMS), None);
    ways.push((
        "another seed".to_owned(),
        take(&mut other, 0, end, || USUAL)?,
    ));
    let alike = |found: &[One]| found == &first[..some];
    let same: Vec<&str> = ways
        .iter()
        .filter(|(_, found)| alike(found))
        .map(|(way, _)| way.as_str())
        .collect();
    Ok(match same.is_empty() {
        true => (
            Outcome::Passed,
            format!("{STREAMS} streams and 2 seeds, all unlike"),
        ),
        false => (
            Outcome::Noted,
            format!(
                "the first {some} records of stream 0 are also those of {}",
                same.join(" and of ")
            ),
        ),
    })
}

pub fn times(trial: &Trial, _: &[One]) -> Tried {
    const DAY: u64 = 86_400_000_000_000;
    let eve = made::time(0) + 59 * DAY - 50_000_000;
    let ways: [(&str, u64, u64); 4] = [
        ("at one instant", made::time(0), 0),
        ("from 1970 on", 0, 1_000_000_000),
        ("into a leap day", eve, 1_000_000),
        ("in 2262, a day each", 9_222_000_000_000_000_000, DAY / 100),
    ];
    for (when, start, step) in ways {
        let times: Vec<u64> = (0..100).map(|k| start + k * step).collect();
        let made = trial.stream().generate(0, &times);
        made.map_err(|error| Fault::Wrong(format!("with records {when}: {error}")))?;
    }
    Ok((
        Outcome::Passed,
        "at one instant, in 1970, over a leap day, in 2262".to_owned(),
    ))
}
