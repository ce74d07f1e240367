//! Whether a generator holds what the host relies on: what `wellhead plugin test` tries of it, and how fast
//! it is.
//!
//! Nothing here knows how a generator is written. It is asked for the same records in other ways (by another
//! instance, in other calls, in another order, after a resume), and each way has to give the same bytes.

mod checks;
mod made;
mod memory;
mod settings;
pub mod speed;

use std::sync::Arc;

use serde::Serialize;
use serde_json::Map;

use crate::plugin::{Configured, PluginError, Validate};
use made::One;

/// What is tried.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// What all randomness comes from.
    pub seed: u64,
    /// Records of a stream that are compared.
    pub records: u64,
}

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// It holds.
    Passed,
    /// It doesn't: runs with this generator can't be relied on.
    Failed,
    /// It may be meant so, and is worth a look.
    Noted,
    /// It doesn't apply.
    Skipped,
}

/// A record that isn't what it was before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// Of which stream.
    pub stream: u32,
    /// The first one that differs.
    pub index: u64,
    /// As it was first; none where there was no such record.
    pub expected: Option<String>,
    /// As it is now.
    pub found: Option<String>,
}

/// What one check found.
#[derive(Clone, Debug, Serialize)]
pub struct Finding {
    /// Its name.
    pub check: &'static str,
    /// How it ended.
    pub outcome: Outcome,
    /// What was seen, figures included.
    pub seen: String,
    /// Why it matters.
    pub why: &'static str,
    /// Where it failed by that: the first record that differs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub difference: Option<Difference>,
}

/// What stops a check.
enum Fault {
    /// The generator broke the contract, a limit, or its promise.
    Broken(PluginError),
    /// Two ways to the same record gave two records.
    Differs(String, Difference),
    /// Anything else, said.
    Wrong(String),
}

impl From<PluginError> for Fault {
    fn from(error: PluginError) -> Fault {
        Fault::Broken(error)
    }
}

type Tried = Result<(Outcome, String), Fault>;

/// A generator that is tried.
struct Trial {
    /// Every record is checked against its schema.
    checked: Arc<Configured>,
    options: Options,
}

/// A check: its name, why it matters, and what it does with the records that were made first.
type Check = (&'static str, &'static str, fn(&Trial, &[One]) -> Tried);

const CHECKS: &[Check] = &[
    (
        "another instance",
        "a resume, `verify` and another machine make the same records again",
        checks::again,
    ),
    (
        "other calls",
        "how many records a call asks for depends on rate and load; the bytes may not",
        checks::cut,
    ),
    (
        "any order, or a saved state",
        "a resume goes on where the sinks are, and instances that grow are replaced",
        checks::taken_up,
    ),
    (
        "streams and seeds",
        "streams are parts of one emulation: each has records of its own, and another seed gives others",
        checks::streams,
    ),
    (
        "event times",
        "emulations begin at any instant, and many records may fall on the same one",
        checks::times,
    ),
    (
        "settings at their bounds",
        "what the schema allows has to work or be refused with a sentence: a trap says nothing to a user",
        settings::bounds,
    ),
    (
        "memory",
        "an instance that grows with its records is replaced again and again",
        memory::flat,
    ),
    (
        "speed",
        "an emulation is as fast as its generator, and a call that takes too long is ended",
        speed::enough,
    ),
];

/// Tries everything, calling `each` with what was found as it is found.
///
/// # Errors
/// Where the generator can't be configured at all.
pub fn run(
    configured: &Arc<Configured>,
    options: Options,
    mut each: impl FnMut(&Finding),
) -> Result<Vec<Finding>, PluginError> {
    let trial = Trial {
        checked: reconfigured(configured, Validate::All)?,
        options,
    };
    let mut findings = Vec::new();
    let mut add = |finding: Finding| {
        each(&finding);
        findings.push(finding);
    };
    let mut first = Vec::new();
    add(finding(
        "records",
        "every record has to be what its channel's schema says: sinks make columns of it",
        checks::records(&trial, &mut first),
    ));
    for (name, why, check) in CHECKS {
        // Without records there is nothing to compare.
        let tried = match first.is_empty() {
            true => Ok((Outcome::Skipped, "there are no records".to_owned())),
            false => check(&trial, &first),
        };
        add(finding(name, why, tried));
    }
    Ok(findings)
}

fn reconfigured(
    configured: &Arc<Configured>,
    validate: Validate,
) -> Result<Arc<Configured>, PluginError> {
    let config: Map<_, _> = configured.config.clone();
    let assets = Arc::clone(&configured.assets);
    configured.generator.configure(config, assets, validate)
}

fn finding(check: &'static str, why: &'static str, tried: Tried) -> Finding {
    let (outcome, seen, difference) = match tried {
        Ok((outcome, seen)) => (outcome, seen, None),
        Err(Fault::Broken(error)) => (Outcome::Failed, error.to_string(), None),
        Err(Fault::Wrong(what)) => (Outcome::Failed, what, None),
        Err(Fault::Differs(how, difference)) => (Outcome::Failed, how, Some(difference)),
    };
    Finding {
        check,
        outcome,
        seen,
        why,
        difference,
    }
}
