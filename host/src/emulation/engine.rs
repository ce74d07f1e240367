//! From a document to plans: generators found and configured, sinks checked, nothing connected to.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use super::EmulationError;
use super::from_spec::Parts;
use super::plan::{Plan, Tuning};
use crate::plugin::store::{Paths, Store};
use crate::plugin::{Assets, Configured, Fault, Limits, PluginError, Runtime, Validate};
use crate::spec::files::{clash, writers_of};
use crate::spec::{Connections, Document, Problem, Spec, SpecError, Validate as SpecValidate};

/// Folders and connections, from the settings.
pub struct Engine {
    /// Generators run here.
    pub runtime: Arc<Runtime>,
    /// Where added generators are.
    pub store: Store,
    /// Named sink addresses.
    pub connections: Connections,
}

impl Engine {
    /// With compiled generators kept in `cache`.
    ///
    /// # Errors
    /// Where WebAssembly can't be had on this machine.
    pub fn new(
        cache: Option<PathBuf>,
        store: PathBuf,
        connections: Connections,
    ) -> Result<Engine, EmulationError> {
        Ok(Engine {
            runtime: Runtime::new(Limits::default(), cache)?,
            store: Store::new(store),
            connections,
        })
    }

    /// Plans of all emulations of a document: generators loaded and configured, sinks checked, nothing
    /// connected to. `run` is the identity of the run; an emulation of a scenario has `run/name`.
    ///
    /// # Errors
    /// Whatever is wrong with generators, configurations and sinks.
    pub fn plans(
        &self,
        document: &Document,
        run: &str,
        seed: u64,
        tuning: Tuning,
    ) -> Result<Vec<Plan>, EmulationError> {
        let sinks = document.configure(&self.connections)?;
        let alone = matches!(document, Document::One(_));
        let plans = document
            .emulations()
            .iter()
            .zip(sinks)
            .map(|(spec, sinks)| {
                let name = spec.display_name();
                let run = if alone {
                    run.to_owned()
                } else {
                    format!("{run}/{name}")
                };
                let parts = Parts {
                    configured: self.configured(spec)?,
                    run,
                    name,
                    seed: spec.seed.unwrap_or(seed),
                    sinks,
                    tuning,
                };
                Plan::from_spec(spec, parts)
            })
            .collect::<Result<Vec<Plan>, EmulationError>>()?;
        distinct(document, &plans)?;
        Ok(plans)
    }

    fn configured(&self, spec: &Spec) -> Result<Arc<Configured>, EmulationError> {
        let generator = self
            .store
            .load(&self.runtime, &spec.generator, Paths::Allowed)?;
        let files: BTreeMap<String, PathBuf> = spec.assets.clone();
        let assets = Arc::new(Assets::read(&files, self.runtime.limits())?);
        let validate = match spec.validate {
            SpecValidate::Off => Validate::Off,
            SpecValidate::Sample => Validate::Sample,
            SpecValidate::All => Validate::All,
        };
        generator
            .configure(spec.config.clone(), assets, validate)
            .map_err(|error| placed(spec, error))
    }
}

/// Shows where each fault of a configuration stands, if that is in a text.
fn placed(spec: &Spec, error: PluginError) -> EmulationError {
    let PluginError::Config { generator, faults } = &error else {
        return error.into();
    };
    let problem = |fault: &Fault| {
        let pointer = match fault.path.as_str() {
            "" => "/config".to_owned(),
            path => format!("/config/{}", path.replace('.', "/")),
        };
        let message = format!("the configuration of generator {generator} is not valid: {fault}");
        Problem::new(message)
            .help(format!(
                "see `wellhead plugin inspect {generator}` for its schema"
            ))
            .at(spec.place(&pointer))
    };
    let problems: Vec<Problem> = faults.iter().map(problem).collect();
    match problems.iter().any(|problem| problem.place.is_some()) {
        true => SpecError { problems }.into(),
        false => error.into(),
    }
}

/// Refuses two parts that would write one file, now that the channels are known.
fn distinct(document: &Document, plans: &[Plan]) -> Result<(), SpecError> {
    let mut writers = Vec::new();
    for (spec, plan) in document.emulations().iter().zip(plans) {
        let sinks: Vec<_> = plan.sinks.iter().map(|sink| sink.config.clone()).collect();
        let channels = plan.configured.channels.iter();
        let channels: Vec<String> = channels.map(|channel| channel.name.clone()).collect();
        writers.extend(writers_of(spec, &sinks, &channels));
    }
    clash(&writers).map_or(Ok(()), |problem| Err(problem.into()))
}
