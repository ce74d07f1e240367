//! Finding the rows that a database refuses, without losing those around them.

use std::ops::Range;

use super::{Database, Failure, Place, Rows, SendError, Step, Table};

/// Rows that are tried at once. What lies behind a refused row is sent again, so that it is not
/// the whole transaction.
const AT_ONCE: usize = 1024;

/// Writes rows a stretch at a time, each behind a savepoint, and gives those that were refused.
pub async fn store<D: Database>(
    database: &mut D,
    table: &Table,
    rows: Rows<'_>,
) -> Result<Vec<(Place, String)>, SendError> {
    let mut refused = Vec::new();
    let mut left: Vec<Range<usize>> = (0..rows.places.len())
        .step_by(AT_ONCE)
        .map(|start| start..(start + AT_ONCE).min(rows.places.len()))
        .rev()
        .collect();
    while let Some(range) = left.pop() {
        database.step(Step::Save).await?;
        let stretch = Rows {
            places: &rows.places[range.clone()],
            ..rows
        };
        match database.store(table, stretch).await {
            Ok(()) => database.step(Step::Keep).await?,
            Err(Failure::Other(error)) => return Err(error),
            Err(Failure::Row(reason, suspect)) => {
                database.step(Step::Undo).await?;
                match range.len() {
                    1 => refused.push((rows.places[range.start], reason)),
                    _ => left.extend(halves(&range, suspect)),
                }
            }
        }
    }
    Ok(refused)
}

/// What to try next, the last of it first: around the suspect, where there is one.
fn halves(range: &Range<usize>, suspect: Option<usize>) -> impl Iterator<Item = Range<usize>> {
    let (start, end) = (range.start, range.end);
    let cuts = match suspect.map(|suspect| start + suspect) {
        Some(suspect) if range.contains(&suspect) => [suspect, suspect + 1],
        _ => [start + range.len() / 2; 2],
    };
    [cuts[1]..end, cuts[0]..cuts[1], start..cuts[0]]
        .into_iter()
        .filter(|part| !part.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stretch_is_taken_apart_without_a_gap() {
        let parts = |suspect| halves(&(10..20), suspect).collect::<Vec<_>>();
        assert_eq!(parts(None), [15..20, 10..15]);
        assert_eq!(parts(Some(3)), [14..20, 13..14, 10..13]);
        assert_eq!(parts(Some(0)), [11..20, 10..11]);
        assert_eq!(parts(Some(9)), [19..20, 10..19]);
        assert_eq!(parts(Some(10)), [15..20, 10..15]);
    }
}
