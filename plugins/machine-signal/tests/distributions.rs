//! Whether the signals look like machines', over 10⁵ of them. Each check is also put to a wrong
//! version of the same signals, named in the test, and has to reject it.

mod common;

use std::collections::BTreeMap;

use common::{Check, SECOND, generate, holds, open, scramble, times, values};

/// A signal, read back.
#[derive(Clone, Debug)]
struct Signal {
    machine: String,
    kind: String,
    value: f64,
    /// Empty where the kind has none.
    state: String,
    previous: String,
}

/// 10⁵ signals of ten machines, each once a second: almost three hours.
fn signals(config: &str) -> Vec<Signal> {
    let records = generate(&mut open(config), 0, &times(100_000, SECOND / 10));
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let read = |value: &serde_json::Value| Signal {
        machine: text(&value["machine_id"]),
        kind: text(&value["signal_type"]),
        value: value["value"].as_f64().expect("a number"),
        state: text(&value["state"]),
        previous: text(&value["previous"]),
    };
    values(&records).iter().map(read).collect()
}

const BUSY: &str = r#"{"error_rate": 12}"#;

fn by_machine(signals: &[Signal]) -> BTreeMap<&str, Vec<&Signal>> {
    let mut all: BTreeMap<&str, Vec<&Signal>> = BTreeMap::new();
    for signal in signals {
        all.entry(&signal.machine).or_default().push(signal);
    }
    all
}

fn shuffled(signals: &[Signal], set: impl Fn(&mut Signal, &Signal)) -> Vec<Signal> {
    let mut wrong = signals.to_vec();
    for (i, signal) in wrong.iter_mut().enumerate() {
        set(signal, &signals[scramble(i) % signals.len()]);
    }
    wrong
}

/// States follow each other as a machine's do, each from the one before it, and readings are of
/// the state that the machine is in.
fn states_follow_each_other(signals: &[Signal]) -> Check {
    let mut changes = 0;
    for (machine, signals) in by_machine(signals) {
        let mut state = "off";
        for signal in signals {
            if signal.kind == "power" {
                holds(signal.state == state, || {
                    format!("{machine} is {state}, and a reading says {}", signal.state)
                })?;
            }
            if signal.kind != "state_change" {
                continue;
            }
            changes += 1;
            let after = match state {
                "off" | "resetting" => ["idle", "off"],
                "idle" => ["starting", "off"],
                "starting" => ["running", "off"],
                "running" => ["idle", "stopped"],
                "stopped" => ["resetting", "off"],
                other => return Err(format!("{machine} is {other}")),
            };
            holds(
                signal.previous == state && after.contains(&signal.state.as_str()),
                || {
                    format!(
                        "{machine} went from {state} ({}) to {}",
                        signal.previous, signal.state
                    )
                },
            )?;
            let number = ["off", "idle", "starting", "running", "stopped", "resetting"]
                .iter()
                .position(|name| *name == signal.state);
            holds(number == Some(signal.value as usize), || {
                format!("{signal:?}")
            })?;
            state = &signal.state;
        }
    }
    holds(changes > 300, || format!("{changes} changes"))
}

#[test]
fn a_machine_goes_from_state_to_state() {
    let signals = signals(BUSY);
    states_follow_each_other(&signals).unwrap();
    let any = shuffled(&signals, |signal, other| {
        signal.state.clone_from(&other.state)
    });
    states_follow_each_other(&any).expect_err("states drawn for each record");
    let mut seen = 0;
    let missed: Vec<Signal> = signals
        .iter()
        .filter(|signal| {
            seen += usize::from(signal.kind == "state_change");
            signal.kind != "state_change" || seen % 20 != 0
        })
        .cloned()
        .collect();
    states_follow_each_other(&missed).expect_err("every twentieth change missing");
}

/// How long states last, in seconds, on average: within what each may, and not all alike.
fn states_last(signals: &[Signal]) -> Check {
    let mut lengths: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for signals in by_machine(signals).values() {
        let mut begun: Option<(usize, &str)> = None;
        for (second, signal) in signals.iter().enumerate() {
            if signal.kind == "state_change" {
                if let Some((at, state)) = begun {
                    lengths.entry(state).or_default().push((second - at) as f64);
                }
                begun = Some((second, &signal.state));
            }
        }
    }
    let mean = |state: &str| {
        let all = lengths.get(state).map_or(&[][..], |all| all);
        (all.iter().sum::<f64>() / all.len().max(1) as f64, all.len())
    };
    for (state, least, most) in [
        ("idle", 110.0, 210.0),
        ("starting", 20.0, 30.0),
        ("running", 150.0, 700.0),
        ("stopped", 330.0, 630.0),
        ("resetting", 25.0, 45.0),
    ] {
        let (mean, n) = mean(state);
        holds(n > 20 && (least..most).contains(&mean), || {
            format!("{state} lasts {mean:.0} s on average of {n}, not {least} to {most}")
        })?;
    }
    Ok(())
}

#[test]
fn states_have_their_durations() {
    let signals = signals(BUSY);
    states_last(&signals).unwrap();
    let renamed = shuffled(&signals, |signal, other| {
        if signal.kind == "state_change" && !other.state.is_empty() {
            signal.state.clone_from(&other.state);
        }
    });
    states_last(&renamed).expect_err("states of any length");
}

/// Power is that of the state, and noisy.
fn power_follows_the_state(signals: &[Signal]) -> Check {
    for (machine, signals) in by_machine(signals) {
        let mean = |state: &str| {
            let of: Vec<f64> = signals
                .iter()
                .filter(|s| s.kind == "power" && s.state == state)
                .map(|s| s.value)
                .collect();
            of.iter().sum::<f64>() / of.len().max(1) as f64
        };
        let (idle, running) = (mean("idle"), mean("running"));
        holds(running > 3.0 * idle && idle > 0.0, || {
            format!("{machine} draws {running:.2} kW running and {idle:.2} kW idle")
        })?;
        holds((7.0..46.0).contains(&running), || {
            format!("{machine}: {running:.1} kW")
        })?;
    }
    // Between two readings in a row of a settled state: the noise, times the root of two.
    let mut steps = Vec::new();
    for signals in by_machine(signals).values() {
        for three in signals.windows(60) {
            if three
                .iter()
                .all(|s| s.kind == "power" && s.state == "running")
            {
                steps.push((three[59].value - three[58].value) / three[58].value);
            }
        }
    }
    let deviation = (steps.iter().map(|s| s * s).sum::<f64>() / steps.len() as f64 / 2.0).sqrt();
    holds(
        steps.len() > 1000 && (0.013..0.017).contains(&deviation),
        || format!("noise of {deviation:.4} over {} readings", steps.len()),
    )
}

#[test]
fn power_is_that_of_the_state_with_noise() {
    let signals = signals(BUSY);
    power_follows_the_state(&signals).unwrap();
    let any = shuffled(&signals, |signal, other| {
        if signal.kind == "power" && other.kind == "power" {
            signal.value = other.value;
        }
    });
    power_follows_the_state(&any).expect_err("power of any state");
    let mut smooth = signals.clone();
    for signal in &mut smooth {
        signal.value = (signal.value * 2.0).round() / 2.0;
    }
    power_follows_the_state(&smooth).expect_err("power without noise");
}

/// A machine that starts takes some seconds to full power, on a curve.
fn power_has_ramps(signals: &[Signal]) -> Check {
    let (mut early, mut late, mut n) = (0.0, 0.0, 0);
    for signals in by_machine(signals).values() {
        for ten in signals.windows(10) {
            if ten[0].kind == "state_change" && ten[0].state == "starting" {
                early += ten[1].value / ten[9].value;
                late += ten[6].value / ten[9].value;
                n += 1;
            }
        }
    }
    let (early, late) = (early / f64::from(n), late / f64::from(n));
    holds(
        n > 50 && (0.2..0.5).contains(&early) && (0.7..0.95).contains(&late),
        || format!("{n} starts: {early:.2} of the power at once, {late:.2} after six seconds"),
    )
}

#[test]
fn starts_are_ramps() {
    let signals = signals(BUSY);
    power_has_ramps(&signals).unwrap();
    let mut steps = signals.clone();
    for (i, step) in steps.iter_mut().enumerate() {
        // What it draws nine seconds later, if it is still in that state.
        if let Some(later) = signals.get(i + 90)
            && later.state == step.state
        {
            step.value = later.value;
        }
    }
    power_has_ramps(&steps).expect_err("power that steps");
}

/// Errors come as often as configured while machines run, each stops its machine, and each stop
/// takes a reset before it goes on.
fn errors_stop_machines(signals: &[Signal], an_hour: f64) -> Check {
    let (mut errors, mut running) = (0.0, 0.0);
    for (machine, signals) in by_machine(signals) {
        let changes = |from: usize| {
            let rest = signals[from..].iter().filter(|s| s.kind == "state_change");
            rest.take(2).map(|s| s.state.as_str()).collect::<Vec<_>>()
        };
        for (i, signal) in signals.iter().enumerate() {
            running += f64::from(signal.state == "running") / 3600.0;
            if signal.kind == "error" {
                errors += 1.0;
                let after = changes(i);
                holds(
                    after.len() < 2 || matches!(after[..], ["stopped", "resetting" | "off"]),
                    || format!("{machine} went on by {after:?} after an error"),
                )?;
                holds((101.0..=108.0).contains(&signal.value), || {
                    format!("{signal:?}")
                })?;
            }
            if signal.kind == "state_change" && signal.state == "stopped" {
                holds(signals[i - 1].kind == "error", || {
                    format!("{machine} stopped without an error")
                })?;
            }
        }
    }
    let expected = an_hour * running;
    // Five standard deviations of a Poisson count.
    holds(
        (errors - expected).abs() < 5.0 * expected.sqrt() && errors > 20.0,
        || format!("{errors} errors in {running:.1} hours of running, not {expected:.0}"),
    )
}

#[test]
fn errors_stop_machines_until_they_are_reset() {
    let signals = signals(BUSY);
    errors_stop_machines(&signals, 12.0).unwrap();
    let quiet: Vec<Signal> = signals
        .iter()
        .filter(|s| s.kind != "error")
        .cloned()
        .collect();
    errors_stop_machines(&quiet, 12.0).expect_err("stops without errors");
    let mut unstopped = signals.clone();
    unstopped.retain(|s| !(s.kind == "state_change" && s.state == "stopped"));
    errors_stop_machines(&unstopped, 12.0).expect_err("errors that stop nothing");
    let none = self::signals(r#"{"error_rate": 0}"#);
    assert!(
        none.iter()
            .all(|s| s.kind != "error" && s.state != "stopped")
    );
}
