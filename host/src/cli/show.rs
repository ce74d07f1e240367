//! What a person reads at the end of a run: a table and a picture of the lateness.

use std::fmt::Write as _;

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};

use crate::emulation::report::{Outcome, Report};
use crate::telemetry::{Lateness, Percentiles};

/// A table with a frame around it, as wide as the terminal.
pub fn frame() -> Table {
    let mut table = Table::new();
    table
        .load_style(presets::UTF8_BORDERS_ONLY)
        .set_content_arrangement(ContentArrangement::Dynamic);
    table
}

/// The final table of one emulation.
pub fn table(report: &Report) -> String {
    let mut table = frame();
    let mut row = |name: &str, value: String| {
        table.add_row(vec![name.to_owned(), value]);
    };
    row(&report.name, outcome(report));
    row(
        "generator",
        format!(
            "{} {} (sha256:{})",
            report.generator.name,
            report.generator.version,
            report.generator.digest.get(..12).unwrap_or_default()
        ),
    );
    row(
        "run, seed, streams",
        format!("{}, {}, {}", report.run, report.seed, report.streams),
    );
    row(
        "records",
        format!(
            "{} generated, {} skipped, {} acknowledged, {} sent, {} rejected",
            count(report.records.generated),
            count(report.records.skipped),
            count(report.records.acknowledged),
            count(report.records.sent),
            count(report.records.rejected)
        ),
    );
    if report.records.faulted + report.records.retried + report.records.resent > 0 {
        row(
            "faults, retries",
            format!(
                "{} faulted, {} retried, {} resent",
                count(report.records.faulted),
                count(report.records.retried),
                count(report.records.resent)
            ),
        );
    }
    if report.records.faulted > 0 {
        let faults = report.records.faults.each().into_iter();
        let counted = faults.filter(|(_, number)| *number > 0);
        let texts: Vec<String> = counted
            .map(|(name, number)| format!("{name} {}", count(number)))
            .collect();
        row("faults", texts.join(", "));
    }
    row(
        "throughput",
        format!(
            "{}/s, {}/s, {:.1} s",
            count(report.rate.round() as u64),
            bytes(report.bytes as f64 / report.elapsed_s.max(1e-9)),
            report.elapsed_s
        ),
    );
    if let Some(instant) = &report.live_from {
        row("backfill", format!("in real time from {instant} on"));
    }
    if let Some(release) = report.lateness_us.release {
        row("lateness of release", percentiles(release));
    }
    if let Some(receipt) = report.lateness_us.receipt {
        row("lateness of receipt", percentiles(receipt));
    }
    for sink in &report.sinks {
        let mut text = format!(
            "{} records, {}",
            count(sink.acknowledged),
            bytes(sink.bytes as f64)
        );
        if sink.rejected > 0 {
            let _ = write!(text, ", {} rejected", count(sink.rejected));
        }
        if sink.dropped > 0 {
            let _ = write!(text, ", {} dropped for want of room", count(sink.dropped));
        }
        for (name, number) in &sink.details {
            let _ = write!(text, ", {name} {}", count(*number));
        }
        if let Some(error) = &sink.error {
            let _ = write!(text, "; {error}");
        }
        row(&sink.target, text);
    }
    for expect in &report.expect {
        let mark = if expect.held { "held" } else { "did not hold" };
        row(
            &format!("expect {}", expect.rule),
            format!("{mark}: {}", expect.value),
        );
    }
    if let Some(manifest) = &report.manifest {
        row("manifest", manifest.clone());
    }
    if let Some(column) = table.column_mut(0) {
        column.set_cell_alignment(CellAlignment::Left);
    }
    table.to_string()
}

fn outcome(report: &Report) -> String {
    let text = match report.outcome {
        Outcome::Running => "running",
        Outcome::Finished => "finished",
        Outcome::Stopped => "stopped before its end, drained; go on with --resume",
        Outcome::Aborted => {
            "stopped by an `expect` that did not hold, drained; go on with --resume"
        }
        Outcome::EndedEarly => "the generator ended before `until`",
        Outcome::Failed => "failed",
        Outcome::Undrained => "not drained",
    };
    match &report.error {
        Some(error) => format!("{text}: {error}"),
        None => text.to_owned(),
    }
}

fn percentiles(p: Percentiles) -> String {
    format!(
        "p50 {}, p90 {}, p99 {}, p99.9 {}, max {}",
        micros(p.p50),
        micros(p.p90),
        micros(p.p99),
        micros(p.p999),
        micros(p.max)
    )
}

/// A bar for each doubling of lateness, from 16 µs on.
pub fn histogram(lateness: &Lateness) -> Option<String> {
    const WIDTH: u64 = 48;
    let total = lateness.count();
    if total == 0 {
        return None;
    }
    let mut bars: Vec<(u64, u64)> = Vec::new();
    let (mut low, mut high) = (0, 16);
    loop {
        bars.push((high, lateness.count_between(low, high - 1)));
        if high > 3_600_000_000 {
            break;
        }
        (low, high) = (high, high * 2);
    }
    let first = bars.iter().position(|bar| bar.1 > 0)?;
    let last = bars.iter().rposition(|bar| bar.1 > 0)?;
    let top = bars.iter().map(|bar| bar.1).max()?.max(1);
    let mut text = String::from("lateness of release, from the due instant\n");
    for (high, n) in &bars[first..=last] {
        // In eighths of a column, so that a few among many still show.
        let eighths = (n * WIDTH * 8).div_ceil(top);
        let mut bar = "█".repeat((eighths / 8) as usize);
        if let Some(part) = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"].get((eighths % 8) as usize)
        {
            bar.push_str(part);
        }
        let share = *n as f64 * 100.0 / total as f64;
        let _ = writeln!(
            text,
            "  < {:>8} │{bar:<48} {:>5.1} %  {}",
            micros(*high),
            share,
            count(*n)
        );
    }
    Some(text)
}

/// Microseconds in the unit that suits.
pub fn micros(value: u64) -> String {
    match value {
        0..1_000 => format!("{value} µs"),
        1_000..1_000_000 => format!("{:.2} ms", value as f64 / 1e3),
        _ => format!("{:.2} s", value as f64 / 1e6),
    }
}

/// A count with its thousands apart.
pub fn count(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (n, digit) in digits.chars().enumerate() {
        if n > 0 && (digits.len() - n).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Bytes in the unit that suits.
pub fn bytes(value: f64) -> String {
    let units = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut value = value;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < units.len() {
        value /= 1024.0;
        unit += 1;
    }
    format!("{value:.1} {}", units[unit])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        assert_eq!(count(0), "0");
        assert_eq!(count(999), "999");
        assert_eq!(count(1_000), "1,000");
        assert_eq!(count(12_345_678), "12,345,678");
        assert_eq!(micros(999), "999 µs");
        assert_eq!(micros(1_500), "1.50 ms");
        assert_eq!(bytes(2048.0), "2.0 KiB");
    }

    #[test]
    fn every_value_is_in_a_bar() {
        let mut lateness = Lateness::new().unwrap();
        for micros in [0u64, 10, 20, 500, 70_000] {
            lateness.record(micros * 1_000);
        }
        let text = histogram(&lateness).unwrap();
        let counted: u64 = text
            .lines()
            .skip(1)
            .map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap())
            .sum();
        assert_eq!(counted, 5, "{text}");
        assert!(histogram(&Lateness::new().unwrap()).is_none());
    }
}
