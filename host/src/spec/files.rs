//! Files that two of a spec's parts would write.

use std::collections::HashMap;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use super::{Connections, Document, Problem, Spec, SpecError};
use crate::sink::Config;

/// A part of a spec that writes files.
#[derive(Clone, Debug)]
pub struct Writer {
    /// Name of the emulation.
    pub emulation: String,
    /// Which part of it, for messages: `sink 1 (file)`.
    pub part: String,
    /// The paths, as templates.
    pub files: Vec<PathBuf>,
    /// Names of the channels, which `{channel}` stands for; empty where they aren't known yet.
    pub channels: Vec<String>,
}

/// The first file that two writers (or one of them twice) would write, as a problem. Templates are
/// told apart as far as channel and emulation go.
pub fn clash(writers: &[Writer]) -> Option<Problem> {
    let mut seen: HashMap<PathBuf, String> = HashMap::new();
    for writer in writers {
        for template in &writer.files {
            for path in expand(template, writer) {
                let who = format!("{} of {}", writer.part, writer.emulation);
                if let Some(other) = seen.insert(path.clone(), who.clone()) {
                    let message =
                        format!("{} is written by both {other} and {who}", path.display());
                    let help = "give each a path of its own";
                    return Some(Problem::new(message).help(help));
                }
            }
        }
    }
    None
}

fn expand(template: &Path, writer: &Writer) -> Vec<PathBuf> {
    let text = template
        .to_string_lossy()
        .replace("{emulation}", &writer.emulation);
    if !text.contains("{channel}") {
        return vec![tidy(&text)];
    }
    let named = writer
        .channels
        .iter()
        .map(|name| tidy(&text.replace("{channel}", name)));
    named.collect()
}

/// The path without steps that lead nowhere. The file system is not asked.
fn tidy(path: &str) -> PathBuf {
    let steps = Path::new(path)
        .components()
        .filter(|step| *step != Component::CurDir);
    steps.collect()
}

impl Document {
    /// The configuration of every sink of every emulation, in order, with what connections fill in.
    /// Touches nothing.
    ///
    /// # Errors
    /// Everything that is wrong with a sink, and files that would be written twice.
    pub fn configure(
        &self,
        connections: &Connections,
    ) -> Result<Vec<Vec<Arc<dyn Config>>>, SpecError> {
        let mut problems = Vec::new();
        let mut configured = Vec::new();
        for spec in self.emulations() {
            let mut sinks = Vec::new();
            for block in &spec.sinks {
                match block.configure(connections) {
                    Ok(config) => sinks.push(config),
                    Err(error) => problems.extend(error.problems),
                }
            }
            configured.push(sinks);
        }
        SpecError::unless_empty(problems)?;
        let writers = self.emulations().iter().zip(&configured);
        let writers: Vec<Writer> = writers
            .flat_map(|(spec, sinks)| writers_of(spec, sinks, &[]))
            .collect();
        match clash(&writers) {
            Some(problem) => Err(problem.into()),
            None => Ok(configured),
        }
    }
}

/// What an emulation writes: its sinks' files and the one of rejected records. `channels` are the
/// generator's, empty where they aren't known yet.
pub fn writers_of(spec: &Spec, sinks: &[Arc<dyn Config>], channels: &[String]) -> Vec<Writer> {
    let writer = |part: String, files: Vec<PathBuf>| Writer {
        emulation: spec.display_name(),
        part,
        files,
        channels: channels.to_vec(),
    };
    let mut writers: Vec<Writer> = spec
        .sinks
        .iter()
        .zip(sinks)
        .enumerate()
        .map(|(i, (block, config))| {
            writer(format!("sink {} ({})", i + 1, block.kind), config.files())
        })
        .collect();
    if let Some(rejected) = &spec.rejected {
        writers.push(writer("`rejected`".to_owned(), vec![rejected.clone()]));
    }
    writers
}
