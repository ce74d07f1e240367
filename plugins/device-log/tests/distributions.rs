//! Whether the lines look like a fleet's, over 10⁵ of them. Each check is also put to a wrong
//! version of the same lines, named in the test, and has to reject it.

mod common;

use std::collections::{BTreeMap, BTreeSet};

use common::{Line, SECOND, lines};

/// 10⁵ lines over 5 hours and a half: several incidents.
const GAP: u64 = SECOND / 5;

type Check = Result<(), String>;

fn holds(what: bool, why: impl FnOnce() -> String) -> Check {
    if what { Ok(()) } else { Err(why()) }
}

fn share(lines: &[&Line], is: impl Fn(&Line) -> bool) -> f64 {
    lines.iter().filter(|line| is(line)).count() as f64 / lines.len().max(1) as f64
}

/// Deterministic numbers for the wrong versions.
fn scramble(i: usize) -> usize {
    let mut z = (i as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    (z ^ (z >> 27)) as usize >> 8
}

/// The lines with one field of each taken from another line.
fn shuffled(lines: &[Line], set: impl Fn(&mut Line, &Line)) -> Vec<Line> {
    let mut wrong = lines.to_vec();
    for (i, line) in wrong.iter_mut().enumerate() {
        set(line, &lines[scramble(i) % lines.len()]);
    }
    wrong
}

/// Severities of devices that are well come as configured.
fn severity_mix(lines: &[Line], percent: [(&str, f64); 5]) -> Check {
    let well: Vec<&Line> = lines.iter().filter(|line| line.state == "online").collect();
    for (name, expected) in percent {
        let seen = share(&well, |line| line.severity == name) * 100.0;
        // Five standard deviations of what 60,000 draws give, and nothing below that.
        let off = 5.0 * (expected * (100.0 - expected) / 60_000.0).sqrt();
        holds((seen - expected).abs() <= off, || {
            format!("{name}: {seen:.2} % of the lines, not {expected} ± {off:.2}")
        })?;
    }
    Ok(())
}

#[test]
fn severities_of_healthy_devices_follow_the_configuration() {
    let mix = [18.0, 72.0, 8.0, 1.8, 0.2];
    let names = ["debug", "info", "warning", "error", "critical"];
    let percent = std::array::from_fn(|i| (names[i], mix[i]));
    let lines = lines("{}", GAP);
    severity_mix(&lines, percent).unwrap();

    let mut uniform = lines.clone();
    for (i, line) in uniform.iter_mut().enumerate() {
        line.severity = names[scramble(i) % 5].to_owned();
    }
    severity_mix(&uniform, percent).expect_err("uniform severities");

    let other = common::lines(
        r#"{"severities": {"debug": 0, "info": 1, "warning": 1, "error": 0, "critical": 0}}"#,
        GAP,
    );
    let half = [
        ("debug", 0.0),
        ("info", 50.0),
        ("warning", 50.0),
        ("error", 0.0),
        ("critical", 0.0),
    ];
    severity_mix(&other, half).unwrap();
}

fn is_bad(line: &Line) -> bool {
    matches!(line.severity.as_str(), "error" | "critical")
}

/// Errors come from incidents, and grow from their onset to their height.
fn severities_follow_incidents(lines: &[Line]) -> Check {
    let of = |state: &str| -> Vec<&Line> { lines.iter().filter(|l| l.state == state).collect() };
    let bad = |state: &str| share(&of(state), is_bad);
    let (well, onset, failing) = (bad("online"), bad("degraded"), bad("failing"));
    holds(well < 0.03, || {
        format!("{well:.3} of healthy devices' lines are errors")
    })?;
    holds(onset > 2.0 * well && onset < 0.2, || {
        format!("{onset:.3} at the onset")
    })?;
    holds((0.5..0.7).contains(&failing), || {
        format!("{failing:.3} at the height")
    })
}

#[test]
fn severities_follow_incidents_and_not_the_other_lines() {
    let lines = lines("{}", GAP);
    severities_follow_incidents(&lines).unwrap();
    let without = shuffled(&lines, |line, other| {
        line.severity.clone_from(&other.severity)
    });
    severities_follow_incidents(&without).expect_err("severities without incidents");
}

/// While a group is struck, its devices log `burst` times as much as the others.
fn incidents_come_in_bursts(lines: &[Line], burst: f64) -> Check {
    let mut spans: BTreeMap<u64, (f64, f64, BTreeSet<&str>)> = BTreeMap::new();
    for line in lines {
        if let Some(incident) = line.incident {
            let span = spans
                .entry(incident)
                .or_insert((line.second, line.second, BTreeSet::new()));
            span.1 = line.second;
            span.2.insert(&line.device);
        }
    }
    holds(spans.len() >= 4, || format!("{} incidents", spans.len()))?;
    let (mut inside, mut outside) = (0.0, 0.0);
    for (begin, end, devices) in spans.values() {
        holds(devices.len() > 8, || {
            format!("an incident has struck {} devices alone", devices.len())
        })?;
        for line in lines {
            if (*begin..=*end).contains(&line.second) {
                if devices.contains(line.device.as_str()) {
                    inside += 1.0 / devices.len() as f64;
                } else if line.state == "online" {
                    outside += 1.0 / (1000 - devices.len()) as f64;
                }
            }
        }
    }
    let times = inside / outside;
    holds((burst * 0.7..burst * 1.3).contains(&times), || {
        format!("struck devices log {times:.1} times as much, not {burst}")
    })
}

#[test]
fn incidents_come_in_bursts_of_many_devices() {
    let lines = lines("{}", GAP);
    incidents_come_in_bursts(&lines, 20.0).unwrap();

    let flat = common::lines(r#"{"burst": 1}"#, GAP);
    incidents_come_in_bursts(&flat, 20.0).expect_err("incidents without bursts");
    let alone = shuffled(&lines, |line, other| line.device.clone_from(&other.device));
    incidents_come_in_bursts(&alone, 20.0).expect_err("bursts of unrelated devices");
}

/// How much the count of a group's lines in a minute varies, against independent lines (1).
fn bursts_are_correlated(lines: &[Line]) -> Check {
    let mut counts: BTreeMap<(u64, u32), f64> = BTreeMap::new();
    for line in lines {
        let group = line.device[3..].parse::<u32>().expect("a number") / 16;
        *counts.entry((line.second as u64 / 60, group)).or_default() += 1.0;
    }
    let cells = lines[lines.len() - 1].second / 60.0 * 63.0;
    let mean = lines.len() as f64 / cells;
    let squares: f64 = counts.values().map(|n| n * n).sum();
    let dispersion = (squares / cells - mean * mean) / mean;
    holds(dispersion > 2.0, || {
        format!("variance over mean is {dispersion:.2}, as of independent lines")
    })
}

#[test]
fn lines_of_a_group_come_together() {
    let lines = lines("{}", GAP);
    bursts_are_correlated(&lines).unwrap();
    let independent = shuffled(&lines, |line, other| line.device.clone_from(&other.device));
    bursts_are_correlated(&independent).expect_err("devices drawn apart for each line");
}

const BOOT: [&str; 12] = [
    "boot.bootloader",
    "kernel.start",
    "memory.map",
    "storage.check",
    "storage.mount",
    "power.rails",
    "network.link_up",
    "network.dhcp",
    "security.tunnel_up",
    "sensor.init",
    "agent.connect",
    "boot.complete",
];

/// A device that boots goes through the steps in order, with an uptime that starts anew.
fn boots_go_step_by_step(lines: &[Line]) -> Check {
    // A network that comes back has steps of its own, some of them alike, and takes no boot.
    let cut_off: BTreeSet<u64> = lines
        .iter()
        .filter(|line| line.event == "network.carrier" || line.event == "agent.drain")
        .filter_map(|line| line.incident)
        .collect();
    let mut last: BTreeMap<(&str, i64), usize> = BTreeMap::new();
    let mut seen = BTreeSet::new();
    for line in lines {
        let Some(step) = BOOT.iter().position(|&event| event == line.event) else {
            continue;
        };
        if line
            .incident
            .is_some_and(|incident| cut_off.contains(&incident))
        {
            continue;
        }
        holds(line.uptime < 3600, || {
            format!("step {} after {} s", line.event, line.uptime)
        })?;
        // Boots are told apart by their instant; a second more or less is rounding.
        let boot = (line.second - line.uptime as f64).round() as i64 / 4;
        let before = last.insert((&line.device, boot), step).unwrap_or(0);
        holds(before <= step, || {
            format!("{} after {}", BOOT[step], BOOT[before])
        })?;
        seen.insert(step);
    }
    holds(seen.len() == BOOT.len(), || {
        format!("only the steps {seen:?}")
    })
}

#[test]
fn devices_boot_in_sequence() {
    // Many incidents and few devices, so that each boot has many lines.
    let lines = lines(r#"{"devices": 64, "incident_rate": 12, "burst": 200}"#, GAP);
    boots_go_step_by_step(&lines).unwrap();
    let mut any_order = lines.clone();
    for (i, line) in any_order.iter_mut().enumerate() {
        if BOOT.contains(&line.event.as_str()) {
            line.event = BOOT[scramble(i) % 12].to_owned();
        }
    }
    boots_go_step_by_step(&any_order).expect_err("boot steps in any order");
}

/// Between two lines of a device either no boot happened, and uptime went on with time, or one
/// did, and it began anew. Boots come from incidents and updates, so most pairs have none.
fn uptime_goes_on(lines: &[Line]) -> Check {
    let mut last: BTreeMap<&str, &Line> = BTreeMap::new();
    let (mut boots, mut pairs) = (0, 0);
    for line in lines {
        if let Some(before) = last.insert(&line.device, line) {
            let gone = line.second - before.second;
            let more = line.uptime as f64 - before.uptime as f64;
            pairs += 1;
            if (more - gone).abs() > 1.001 {
                boots += 1;
                holds(line.uptime as f64 <= gone + 1.0, || {
                    format!(
                        "{}: up for {} s, {gone} s after {} s",
                        line.device, line.uptime, before.uptime
                    )
                })?;
            }
        }
    }
    holds(boots > 10 && boots * 50 < pairs, || {
        format!("{boots} boots in {pairs} pairs")
    })
}

#[test]
fn uptime_runs_with_the_clock() {
    let lines = lines("{}", GAP);
    uptime_goes_on(&lines).unwrap();
    let random = shuffled(&lines, |line, other| line.uptime = other.uptime);
    uptime_goes_on(&random).expect_err("uptimes drawn for each line");
}

/// A device keeps its model; its firmware only goes up, and only by a boot.
fn firmware_goes_up_by_boots(lines: &[Line]) -> Check {
    let mut last: BTreeMap<&str, &Line> = BTreeMap::new();
    let mut updates = 0;
    for line in lines {
        if let Some(before) = last.insert(&line.device, line) {
            let who = &line.device;
            holds(
                line.model == before.model && line.site == before.site,
                || format!("{who} became another"),
            )?;
            holds(line.firmware >= before.firmware, || {
                format!("{who} went back")
            })?;
            if line.firmware != before.firmware {
                updates += 1;
                holds(
                    line.uptime as f64 <= line.second - before.second + 1.0,
                    || format!("{who} has a new release without a boot"),
                )?;
            }
        }
    }
    holds(updates > 100, || format!("{updates} updates"))
}

#[test]
fn firmware_follows_a_sequence() {
    // A month, in which every group takes two updates.
    let lines = lines("{}", 27 * SECOND);
    firmware_goes_up_by_boots(&lines).unwrap();
    let random = shuffled(&lines, |line, other| {
        line.firmware.clone_from(&other.firmware)
    });
    firmware_goes_up_by_boots(&random).expect_err("releases drawn for each line");
}

/// Incidents as often as configured: groups × days × rate, within five standard deviations.
fn incidents_at_rate(lines: &[Line], rate: f64) -> Check {
    let seen: BTreeSet<u64> = lines.iter().filter_map(|line| line.incident).collect();
    let days = lines[lines.len() - 1].second / 86_400.0;
    let expected = 63.0 * days * rate;
    let off = 5.0 * expected.sqrt() + 0.05 * expected;
    holds((seen.len() as f64 - expected).abs() <= off, || {
        format!("{} incidents, not {expected:.0} ± {off:.0}", seen.len())
    })
}

#[test]
fn incidents_come_at_the_configured_rate() {
    let lines = lines("{}", 5 * SECOND);
    incidents_at_rate(&lines, 0.5).unwrap();
    incidents_at_rate(&common::lines(r#"{"incident_rate": 2}"#, 5 * SECOND), 0.5)
        .expect_err("four times as many incidents");
    let none = common::lines(r#"{"incident_rate": 0}"#, 5 * SECOND);
    assert!(none.iter().all(|line| line.incident.is_none()));
}

/// Every component speaks, and what an incident is about is what its lines are about.
fn components_fit(lines: &[Line]) -> Check {
    let all: BTreeSet<&str> = lines.iter().map(|line| line.component.as_str()).collect();
    holds(all.len() == 11, || format!("only {all:?}"))?;
    let mut by_incident: BTreeMap<u64, BTreeMap<&str, f64>> = BTreeMap::new();
    for line in lines {
        if let (Some(incident), true) = (line.incident, is_bad(line)) {
            let components = by_incident.entry(incident).or_default();
            *components.entry(&line.component).or_default() += 1.0;
        }
    }
    let mut mean = 0.0;
    for components in by_incident.values() {
        let total: f64 = components.values().sum();
        mean += components.values().fold(0.0, |a: f64, &b| a.max(b)) / total;
    }
    mean /= by_incident.len() as f64;
    holds(mean > 0.45, || {
        format!("the leading component has {mean:.2} of an incident's errors")
    })
}

#[test]
fn incidents_have_a_subject() {
    let lines = lines("{}", SECOND);
    components_fit(&lines).unwrap();
    let mixed = shuffled(&lines, |line, other| {
        line.component.clone_from(&other.component)
    });
    components_fit(&mixed).expect_err("components drawn for each line");
}
