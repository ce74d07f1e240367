//! Whether a run reached what its spec expects.

use super::report::{ExpectReport, Outcome, Report};
use crate::spec::Rule;
use crate::spec::expect::{Bound, Unit};

/// Evaluates the rules against a final report. `asked` is the mean rate that the load asked for,
/// records a second, where it asked for one; `missing` how many ticks `until` still wanted.
pub fn evaluate(
    rules: &[Rule],
    report: &Report,
    asked: Option<f64>,
    missing: u64,
) -> Vec<ExpectReport> {
    rules
        .iter()
        .map(|rule| {
            let (value, held) = match measured(rule, report, asked, missing) {
                None => ("nothing was measured".to_owned(), false),
                Some((value, compared)) => (
                    shown(rule, value, compared),
                    compared.is_some_and(|value| rule.holds(value)),
                ),
            };
            let rule = rule.to_string();
            ExpectReport { rule, value, held }
        })
        .collect()
}

/// The first rule that is broken while the run goes on. Before things have `settled`, only a count
/// that has passed its bound for good is.
pub fn broken(
    rules: &[Rule],
    report: &Report,
    asked: Option<f64>,
    settled: bool,
) -> Option<ExpectReport> {
    let told = |rule: &&Rule| {
        let for_good = rule.unit == Unit::Count && matches!(rule.bound, Bound::Number(_));
        rule.tells_early() && (settled || for_good)
    };
    rules.iter().filter(told).find_map(|rule| {
        let (value, compared) = measured(rule, report, asked, 0)?;
        let held = rule.holds_so_far(compared?);
        (!held).then(|| ExpectReport {
            rule: rule.to_string(),
            value: format!("{} when it ended the run", shown(rule, value, compared)),
            held,
        })
    })
}

/// A value, and the same in the unit of the bound.
fn measured(
    rule: &Rule,
    report: &Report,
    asked: Option<f64>,
    missing: u64,
) -> Option<(f64, Option<f64>)> {
    let value = measure(rule, report, missing)?;
    let compared = match (rule.bound, rule.unit) {
        (Bound::Share(_), Unit::Rate) => asked.map(|asked| value / asked),
        (Bound::Share(_), Unit::Count) => Some(value / (report.records.generated as f64).max(1.0)),
        _ => Some(value),
    };
    Some((value, compared))
}

fn measure(rule: &Rule, report: &Report, missing: u64) -> Option<f64> {
    let records = &report.records;
    let count = match rule.metric {
        "rate" => return Some(report.rate),
        "generated" => records.generated,
        "skipped" => records.skipped,
        "sent" => records.sent,
        "acknowledged" => records.acknowledged,
        "rejected" => records.rejected,
        "dropped" => records.dropped,
        "retried" => records.retried,
        "resent" => records.resent,
        "faulted" => records.faulted,
        "ended_early" if report.outcome == Outcome::EndedEarly => missing.max(1),
        "ended_early" => 0,
        latency => {
            let (which, percentile) = latency.split_once('_')?;
            let lateness = match which {
                "release" => report.lateness_us.release,
                _ => report.lateness_us.receipt,
            }?;
            let micros = match percentile {
                "p50" => lateness.p50,
                "p90" => lateness.p90,
                "p99" => lateness.p99,
                "p999" => lateness.p999,
                _ => lateness.max,
            };
            return Some(micros as f64 * 1_000.0);
        }
    };
    Some(count as f64)
}

fn shown(rule: &Rule, value: f64, compared: Option<f64>) -> String {
    let plain = match rule.unit {
        Unit::Time => format!("{:.3} ms", value / 1e6),
        Unit::Rate => format!("{value:.1}/s"),
        Unit::Count => format!("{value}"),
    };
    match (rule.bound, compared) {
        (Bound::Share(_), Some(share)) => format!("{plain} ({:.2} %)", share * 100.0),
        _ => plain,
    }
}
