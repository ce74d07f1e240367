//! What no field can tell alone: whether the parts of a spec agree.

mod faults;

use std::collections::HashSet;

use super::expect::{Bound, Unit};
use super::load::{Load, Rate};
use super::units::show_instant;
use super::{Document, Problem, Spec, SpecError};
use crate::schedule::{Gap, Speed};

/// Checks every emulation and the scenario as a whole.
pub(super) fn document(document: &Document) -> Result<(), SpecError> {
    let mut problems = Vec::new();
    let mut names = HashSet::new();
    for spec in document.emulations() {
        Checks {
            spec,
            problems: &mut problems,
        }
        .all();
        if !names.insert(spec.display_name()) {
            let message = format!("two emulations are named `{}`", spec.display_name());
            let problem = Problem::new(message).help("give each a `name` of its own");
            problems.push(problem.at(spec.place("/name")));
        }
    }
    if let Document::Scenario {
        name: Some(name), ..
    } = document
        && !good_name(name)
    {
        problems.push(bad_name(name));
    }
    SpecError::unless_empty(problems)
}

/// Names become parts of paths and of a run's identity.
fn good_name(name: &str) -> bool {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | ' ');
    !name.is_empty() && name.len() <= 128 && !name.starts_with('.') && name.chars().all(plain)
}

fn bad_name(name: &str) -> Problem {
    Problem::new(format!("`{name}` can't be a name"))
        .help("take 1 to 128 letters, digits, spaces, - _ or ., not beginning with a full stop")
}

struct Checks<'a> {
    spec: &'a Spec,
    problems: &'a mut Vec<Problem>,
}

impl Checks<'_> {
    fn wrong(&mut self, pointer: &str, message: impl Into<String>, help: &str) {
        let problem = Problem::new(message)
            .help(help)
            .at(self.spec.place(pointer));
        self.problems.push(problem);
    }

    fn all(&mut self) {
        self.names();
        self.until();
        self.load();
        self.shard();
        self.faults();
        self.expect();
    }

    fn names(&mut self) {
        let spec = self.spec;
        let name = spec.display_name();
        if spec.generator.trim().is_empty() {
            let help = "`wellhead plugin list` lists the generators there are";
            self.wrong("/generator", "the generator's name is empty", help);
        } else if !good_name(&name) {
            let problem = bad_name(&name).at(spec.place("/name"));
            self.problems.push(problem);
        }
        if spec.streams == 0 {
            let help = "write 1 or more; 1 is what holds when it is absent";
            self.wrong(
                "/streams",
                "`streams` is 0, so there would be no record",
                help,
            );
        }
        if spec.clock.step == 0 {
            let help = "write a time above 0, such as 1ms";
            self.wrong(
                "/clock/step",
                "`step` is 0, so event time would stand still",
                help,
            );
        }
    }

    fn until(&mut self) {
        let until = self.spec.until;
        let absent = "leave it out to go on until stopped";
        if until.records == Some(0) {
            self.wrong("/until/records", "`records: 0` asks for nothing", absent);
        }
        if until.time == Some(0) {
            self.wrong(
                "/until/time",
                "`time` is 0, so nothing would be due before it",
                absent,
            );
        }
        if let (Some(end), Some(start)) = (until.event_time, self.spec.clock.start)
            && end <= start
        {
            let message = format!(
                "`event_time` {} is not after the clock's start {}",
                show_instant(end),
                show_instant(start)
            );
            self.wrong("/until/event_time", message, "write a later one");
        }
    }

    fn positive(&mut self, rate: Rate, pointer: &str) {
        if rate.is_zero() {
            let help = "write a rate above 0, such as 500/s";
            self.wrong(pointer, "at a rate of 0 nothing would ever be due", help);
        }
    }

    fn time(&mut self, nanos: u64, pointer: &str) {
        if nanos == 0 {
            self.wrong(
                pointer,
                "this time is 0",
                "write a time above 0, such as 10s",
            );
        }
    }

    fn load(&mut self) {
        let spec = self.spec;
        match &spec.load {
            Load::Max => {}
            Load::Constant(rate) => self.positive(*rate, "/load"),
            Load::Poisson(rate) => self.positive(*rate, "/load/poisson"),
            Load::Every(beat) => {
                self.time(beat.period.0, "/load/every/period");
                if beat.records == 0 {
                    let help = "write 1 or more";
                    self.wrong("/load/every/records", "no record at a beat", help);
                }
            }
            Load::Stages(stages) => {
                for (i, stage) in stages.iter().enumerate() {
                    self.time(stage.length.0, &format!("/load/stages/{i}/for"));
                }
                match stages.last() {
                    None => self.wrong(
                        "/load/stages",
                        "there are no stages",
                        "write at least one: {for: 10s, to: 500/s}",
                    ),
                    Some(last)
                        if last.to.is_zero()
                            && spec.until.time.is_none()
                            && spec.until.event_time.is_none() =>
                    {
                        let help = "end it above 0/s, or say until: {time: …}";
                        let pointer = format!("/load/stages/{}/to", stages.len() - 1);
                        self.wrong(&pointer, "after the last stage nothing would ever be due, so the run would never end", help);
                    }
                    Some(_) => {}
                }
            }
            Load::Sine(sine) => {
                self.positive(sine.high, "/load/sine/high");
                self.time(sine.period.0, "/load/sine/period");
                if sine.low.per_second() > sine.high.per_second() {
                    self.wrong(
                        "/load/sine/low",
                        "`low` is above `high`",
                        "exchange the two",
                    );
                }
                if sine.peak.is_some_and(|peak| peak.0 >= sine.period.0) {
                    let help = "the peak falls within the first period: write less than it";
                    self.wrong("/load/sine/peak", "`peak` is not below `period`", help);
                }
            }
            Load::Burst(burst) => {
                self.positive(burst.peak, "/load/burst/peak");
                self.time(burst.length.0, "/load/burst/for");
                if burst.length.0 >= burst.every.0 {
                    let help = "a burst must end before the next begins";
                    self.wrong("/load/burst/for", "`for` is not below `every`", help);
                }
            }
        }
    }

    fn shard(&mut self) {
        let spec = self.spec;
        let Some((index, count)) = spec.shard else {
            return;
        };
        let mut needs = Vec::new();
        if count == 0 || index >= count {
            needs.push(format!(
                "there is no shard {index} of {count}: count from 0"
            ));
        }
        if spec.streams < count {
            let message = format!(
                "at least {count} streams, there are {}: --streams N",
                spec.streams
            );
            needs.push(message);
        }
        if spec.clock.start.is_none() {
            needs.push("a start, the same for all: --start INSTANT".to_owned());
        }
        if spec.seed.is_none() {
            needs.push("a seed, the same for all: --seed N".to_owned());
        }
        if spec.clock.gap() == Gap::Shift {
            needs.push("a clock that keeps its event times: on_gap: keep".to_owned());
        }
        if self.spec.load == Load::Max && spec.until.time.is_some() {
            needs.push("an end that all shards can tell: until: {records: …}, since under `load: max` a time depends on the machine".to_owned());
        }
        for need in needs {
            self.problems.push(Problem::new(format!(
                "shard {index} of {count} needs {need}"
            )));
        }
    }

    fn expect(&mut self) {
        let unpaced = self.spec.load == Load::Max || self.spec.clock.speed == Speed::Max;
        for rule in &self.spec.expect.rules {
            let due = rule.unit == Unit::Time
                || rule.unit == Unit::Rate && matches!(rule.bound, Bound::Share(_));
            if unpaced && due {
                let message = format!("`{rule}` can't be measured: nothing is due at full speed");
                let help = "leave the rule out, or give a load and a speed";
                self.wrong(&format!("/expect/{}", rule.metric), message, help);
            }
        }
    }
}
