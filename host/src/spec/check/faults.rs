//! Whether faults agree with each other, with the streams, and with the memory there is.

use super::super::load::{Load, Rate};
use super::super::{Spec, faults::Within};
use super::Checks;

/// How many records faults may hold back at once, in expectation: they are kept in memory.
const HELD: f64 = 1_000_000.0;

impl Checks<'_> {
    pub(super) fn faults(&mut self) {
        self.fault_scopes();
        self.fault_windows();
        self.fault_damage();
        self.fault_memory();
    }

    fn fault_scopes(&mut self) {
        let spec = self.spec;
        for (name, scope) in spec.faults.scopes() {
            let at = |field: &str| format!("/faults/{name}/{field}");
            let nothing = "leave it out for all of them";
            if scope.channels.as_ref().is_some_and(Vec::is_empty) {
                self.wrong(&at("channels"), "no channel is named", nothing);
            }
            if scope.streams.as_ref().is_some_and(Vec::is_empty) {
                self.wrong(&at("streams"), "no stream is named", nothing);
            }
            for (i, &stream) in scope.streams.iter().flatten().enumerate() {
                if stream >= spec.streams {
                    let message = format!(
                        "there is no stream {stream}: there are {}, counted from 0",
                        spec.streams
                    );
                    let help = "name one that there is, or raise `streams`";
                    self.wrong(&at(&format!("streams/{i}")), message, help);
                }
            }
            if let Some((from, to)) = scope.between.map(|between| between.ends())
                && from >= to
            {
                let help = "write the earlier instant first";
                let message = "`to` is not after `from`, so that no record lies between them";
                self.wrong(&at("between/to"), message, help);
            }
        }
    }

    fn fault_windows(&mut self) {
        let faults = &self.spec.faults;
        if let Some(gap) = &faults.gap {
            self.time(gap.length.0, "/faults/gap/for");
            if gap.length.0 >= gap.every.0 {
                let help = "a gap has to be shorter than its period; `drop: 1` loses everything";
                self.wrong("/faults/gap/for", "`for` is not below `every`", help);
            }
        }
        if let Some(burst) = &faults.burst {
            self.time(burst.length.0, "/faults/burst/for");
            if burst.length.0 > burst.every.0 {
                let help = "what is held has to come before the next begins to be held";
                self.wrong("/faults/burst/for", "`for` is above `every`", help);
            }
        }
        if let Some(reorder) = &faults.reorder
            && matches!(reorder.within, Within::Records(0) | Within::Time(0))
        {
            let help = "write 1 or more records, or a time above 0, such as 5s";
            let message = "within 0 nothing can change places";
            self.wrong("/faults/reorder/within", message, help);
        }
    }

    fn fault_damage(&mut self) {
        let faults = &self.spec.faults;
        if let Some(kinds) = faults.corrupt.as_ref().and_then(|f| f.kinds.as_ref())
            && kinds.0.iter().all(|(_, weight)| *weight == 0)
        {
            let help = "name one, such as [bit_flip], or leave it out for all that fit";
            let message = "no kind of damage is left";
            self.wrong("/faults/corrupt/kinds", message, help);
        }
        let engine = faults.engine(&|_| Some(0), true);
        let (Some(drop), Some(corrupt)) = (&engine.drop, &engine.corrupt) else {
            return;
        };
        // Channels are known by name only here.
        let apart = match (&faults.drop, &faults.corrupt) {
            (Some(drop), Some(corrupt)) => {
                let named = (&drop.scope.channels, &corrupt.scope.channels);
                matches!(named, (Some(a), Some(b)) if !a.iter().any(|name| b.contains(name)))
            }
            _ => false,
        };
        let sum = drop.share + corrupt.share;
        if sum > 1.0 && !apart && drop.scope.meets(&corrupt.scope) {
            let message = format!(
                "`drop` and `corrupt` add up to {:.4}, and a record can't be both",
                sum
            );
            let help = "lower one of the two shares, so that they add up to at most 1";
            self.wrong("/faults/corrupt", message, help);
        }
    }

    fn fault_memory(&mut self) {
        let spec = self.spec;
        let held = spec.faults.engine(&|_| Some(0), true);
        let held = held.held(peak_rate(spec), spec.streams);
        let help = "take a smaller share, a shorter time, or a lower load";
        let most = "of which memory is to hold at most";
        let mut each = false;
        for (name, records) in &held {
            if *records > HELD {
                each = true;
                let message = format!(
                    "this fault would hold back about {records:.0} records at once, {most} {HELD:.0}"
                );
                self.wrong(&format!("/faults/{name}"), message, help);
            }
        }
        let sum: f64 = held.iter().map(|(_, records)| records).sum();
        if sum > HELD && !each {
            let message = format!(
                "these faults together would hold back about {sum:.0} records at once, {most} {HELD:.0}"
            );
            self.wrong("/faults", message, help);
        }
    }
}

/// The highest rate of a load in records a second of profile time; never 0.
fn peak_rate(spec: &Spec) -> f64 {
    let rate = match &spec.load {
        Load::Constant(rate) | Load::Poisson(rate) => rate.per_second(),
        Load::Every(beat) => beat.records as f64 * 1e9 / beat.period.0.max(1) as f64,
        Load::Stages(stages) => {
            let ends = stages.iter().flat_map(|stage| [Some(stage.to), stage.from]);
            ends.flatten().map(Rate::per_second).fold(0.0, f64::max)
        }
        Load::Sine(sine) => sine.high.per_second(),
        Load::Burst(burst) => burst.peak.per_second(),
        Load::Max => 1e9 / spec.clock.step.max(1) as f64,
    };
    rate.max(1e-9)
}
