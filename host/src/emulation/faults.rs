//! What only a generator and the sinks can tell of a spec's faults: whether the channels are there,
//! whether the content has fields, and whether damaged bytes reach a sink as they are.

use super::plan::Plan;
use crate::fault::{Faults, Kind};
use crate::record::Channel;
use crate::spec::{Problem, Spec, SpecError, suggest};

/// The faults of a spec, for a generator with those channels.
///
/// # Errors
/// A channel that there isn't, or damage to fields where records have none.
pub(super) fn of_spec(spec: &Spec, channels: &[Channel], json: bool) -> Result<Faults, SpecError> {
    let known: Vec<&str> = channels
        .iter()
        .map(|channel| channel.name.as_str())
        .collect();
    let find = |name: &str| known.iter().position(|known| *known == name);
    let mut problems = Vec::new();
    for (fault, scope) in spec.faults.scopes() {
        for (i, name) in scope.channels.iter().flatten().enumerate() {
            if find(name).is_none() {
                let message = format!("the generator has no channel `{name}`");
                let place = spec.place(&format!("/faults/{fault}/channels/{i}"));
                problems.push(Problem::new(message).help(suggest(name, &known)).at(place));
            }
        }
    }
    let corrupt = spec.faults.corrupt.as_ref();
    if let Some(kinds) = corrupt.and_then(|fault| fault.kinds.as_ref())
        && !json
        && let Some((kind, _)) = kinds.0.iter().find(|(kind, _)| !kind.is_blind())
    {
        let message = format!(
            "the generator's records aren't JSON, so they have no field for `{}`",
            kind.name()
        );
        let problem = Problem::new(message).help("take bit_flip and truncate");
        problems.push(problem.at(spec.place("/faults/corrupt/kinds")));
    }
    if !problems.is_empty() {
        return Err(SpecError { problems });
    }
    let index = |name: &str| find(name).and_then(|index| u8::try_from(index).ok());
    Ok(spec.faults.engine(&index, json))
}

/// Refuses blind damage where a sink makes something of the records' JSON: a column can't hold it, and
/// within an array it would harm the records beside it.
pub(super) fn fit_sinks(spec: &Spec, plan: &Plan) -> Result<(), SpecError> {
    let Some(corrupt) = &plan.faults.corrupt else {
        return Ok(());
    };
    let blind = |(kind, weight): &&(Kind, u32)| kind.is_blind() && *weight > 0;
    let Some((kind, _)) = corrupt.kinds.iter().find(blind) else {
        return Ok(());
    };
    let reads = |sink: &&super::plan::PlannedSink| sink.config.reads_records();
    let Some(sink) = plan.sinks.iter().find(reads) else {
        return Ok(());
    };
    let rest = Kind::ALL.into_iter().filter(|kind| !kind.is_blind());
    let rest: Vec<&str> = rest.map(Kind::name).collect();
    let message = format!(
        "`corrupt` damages bytes ({}), and {} makes columns or an array of the records",
        kind.name(),
        sink.config.target()
    );
    let help = format!(
        "take the kinds that leave JSON whole, kinds: [{}], or a sink that takes records as they are (ndjson)",
        rest.join(", ")
    );
    let place = spec.place("/faults/corrupt");
    Err(Problem::new(message).help(help).at(place).into())
}
