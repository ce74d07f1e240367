//! `$states`: a state machine whose states last for a while.

use serde_json::{Map, Value, json};
use wellhead_sdk::Error;
use wellhead_sdk::dist::Weighted;

use super::operators::{weight_of, whole_weights};
use super::values::Body;
use super::{At, Compiler};
use crate::options::{Options, listed, nearest, wrong};
use crate::values::{Machine, Stay};

/// States of a machine.
const STATES: usize = 64;
/// States on the way from the initial one back to it, on average: a window has to hold some ways.
const FARTHEST: f64 = 64.0;
/// Stays of a window, about, and the least and the most ways from initial state to initial state.
const STAYS: f64 = 32.0;
const WAYS: (f64, f64) = (4.0, 16.0);
/// What is left to walk counts as nothing below this share.
const NOTHING: f64 = 1e-12;

/// A state as it is described.
struct Described<'a> {
    name: &'a str,
    low: u64,
    high: u64,
    /// States and their weights.
    to: Vec<(usize, f64)>,
}

impl Compiler<'_> {
    pub(super) fn states(&mut self, at: &At, options: &Options<'_>) -> Result<Value, Error> {
        let place = options.place;
        let states = match options.needed("states", options.get("states"))? {
            Value::Object(states) if (2..=STATES).contains(&states.len()) => states,
            other => {
                return Err(wrong(
                    place,
                    format!(
                        "`states` is {other}, and has to be 2 to {STATES} states: {{idle: {{for: \
                         5m..20m, to: busy}}, busy: {{for: 1h, to: idle}}}}"
                    ),
                ));
            }
        };
        let names: Vec<&str> = states.keys().map(String::as_str).collect();
        let initial = match options.text("initial")? {
            None => 0,
            Some(name) => place_of(place, "initial", name, &names)?,
        };
        let all = described(place, states, &names)?;
        let visits = visits(place, &all, initial)?;
        let by = options.text("by")?.map(str::to_owned);
        let machine = self.machine(at, &all, initial, &visits);
        self.program.values.machines.push(machine);
        let longest = names.iter().map(|name| 6 * name.len()).max().unwrap_or(0);
        let body = Body::States {
            machine: self.program.values.machines.len() as u32 - 1,
            by,
            longest: longest as u32,
        };
        self.wait(at, place, body);
        Ok(json!({ "enum": names }))
    }

    /// The machine, with the initial state first.
    fn machine(
        &mut self,
        at: &At,
        all: &[Described<'_>],
        initial: usize,
        visits: &[f64],
    ) -> Machine {
        let moved = |state: usize| match state {
            state if state == initial => 0,
            state if state < initial => state + 1,
            state => state,
        };
        let mut states: Vec<Option<Stay>> = all.iter().map(|_| None).collect();
        for (number, state) in all.iter().enumerate() {
            let weights: Vec<f64> = state.to.iter().map(|(_, weight)| *weight).collect();
            let weights = (weights.len() > 1)
                .then(|| Weighted::new(&whole_weights(&weights)))
                .flatten();
            states[moved(number)] = Some(Stay {
                name: self.constant_span(state.name),
                low: state.low,
                high: state.high,
                to: state.to.iter().map(|(to, _)| moved(*to) as u32).collect(),
                weights,
            });
        }
        let mean = |state: &Described<'_>| state.low as f64 / 2.0 + state.high as f64 / 2.0;
        let way: f64 = all
            .iter()
            .zip(visits)
            .map(|(state, visits)| mean(state) * visits)
            .sum();
        let ways = libm::round(STAYS / visits.iter().sum::<f64>()).clamp(WAYS.0, WAYS.1);
        Machine {
            key: self.settings.shared_key(&format!("template.{}", at.path)),
            states: states.into_iter().flatten().collect(),
            window: (libm::round(way * ways) as u64).max(1),
        }
    }
}

fn described<'a>(
    place: &str,
    states: &'a Map<String, Value>,
    names: &[&str],
) -> Result<Vec<Described<'a>>, Error> {
    let mut all = Vec::new();
    for (name, state) in states {
        let place = format!("{place}.states.{name}");
        let options = Options::new(&place, state, &["for", "to"])?;
        let (low, high) = options.needed("for", options.durations("for")?)?;
        let to = match options.needed("to", options.get("to"))? {
            Value::String(to) => vec![(place_of(&place, "to", to, names)?, 1.0)],
            Value::Object(weights) => weights
                .iter()
                .map(|(to, weight)| {
                    Ok((
                        place_of(&place, "to", to, names)?,
                        weight_of(&place, weight)?,
                    ))
                })
                .collect::<Result<Vec<_>, Error>>()?,
            other => {
                return Err(wrong(
                    &place,
                    format!(
                        "`to` is {other}, and has to be a state, or weights: {{a: 0.9, b: 0.1}}"
                    ),
                ));
            }
        };
        let to: Vec<(usize, f64)> = to.into_iter().filter(|(_, weight)| *weight > 0.0).collect();
        if to.is_empty() {
            return Err(wrong(
                &place,
                "`to` leads nowhere; write a state with a weight above 0. A machine has no end: \
                 the last state leads to the initial one",
            ));
        }
        all.push(Described {
            name,
            low,
            high,
            to,
        });
    }
    Ok(all)
}

fn place_of(place: &str, option: &str, name: &str, names: &[&str]) -> Result<usize, Error> {
    names
        .iter()
        .position(|known| *known == name)
        .ok_or_else(|| {
            let near = nearest(name, names.iter().copied());
            wrong(
                place,
                format!(
                    "`{option}` is `{name}`, which isn't a state{near} There are {}",
                    listed(names)
                ),
            )
        })
}

/// How often each state is visited on the way from the initial state back to it, on average.
fn visits(place: &str, all: &[Described<'_>], initial: usize) -> Result<Vec<f64>, Error> {
    let mut visits = vec![0.0; all.len()];
    let mut here = vec![0.0; all.len()];
    here[initial] = 1.0;
    // What lies beyond the farthest way is refused, so this ends: a walk of so many steps that is
    // still under way is one of them.
    for _ in 0..64 * FARTHEST as usize {
        let mut next = vec![0.0; all.len()];
        for (number, state) in all.iter().enumerate() {
            visits[number] += here[number];
            let total: f64 = state.to.iter().map(|(_, weight)| weight).sum();
            for (to, weight) in &state.to {
                next[*to] += here[number] * weight / total;
            }
        }
        next[initial] = 0.0;
        here = next;
        if here.iter().sum::<f64>() < NOTHING {
            break;
        }
    }
    if let Some(state) = all.iter().zip(&visits).find(|(_, visits)| **visits == 0.0) {
        return Err(wrong(
            place,
            format!(
                "nothing leads to `{}`; write it into the `to` of a state, or leave it out",
                state.0.name
            ),
        ));
    }
    let states: f64 = visits.iter().sum();
    if here.iter().sum::<f64>() >= NOTHING || states > FARTHEST {
        return Err(wrong(
            place,
            format!(
                "from `{0}` it takes more than {FARTHEST} states to come back to `{0}`, or it never \
                 does; write it into the `to` of more states, or another `initial`",
                all[initial].name
            ),
        ));
    }
    Ok(visits)
}
