//! Traces and metrics of the process, where the settings say where to.

use std::sync::Arc;

use super::CliError;
use crate::emulation::metrics::{Observed, metrics};
use crate::emulation::{Control, Plan};
use crate::sink::tls;
use crate::telemetry::otlp::{Config, Otlp};

/// Begins to send, on the runtime at hand; none where nothing is set.
///
/// # Errors
/// Where the endpoint is wrong. One that isn't there is no error: that is logged, once.
pub(super) fn start(config: Option<&Config>) -> Result<Option<Otlp>, CliError> {
    let Some(config) = config else {
        return Ok(None);
    };
    let tls = tls::http(None, true).map_err(CliError::Usage)?;
    let otlp = Otlp::start(config.clone(), tls);
    otlp.map(Some).map_err(|e| CliError::Usage(e.to_string()))
}

/// Sends metrics of these emulations, to the end and past it: the last are what they came to.
pub(super) fn watch(otlp: &mut Otlp, plans: &[Arc<Plan>], controls: &[Control]) {
    let observed: Vec<(String, Control)> = plans
        .iter()
        .zip(controls)
        .map(|(plan, control)| (plan.run.clone(), control.clone()))
        .collect();
    otlp.watch(move || {
        let now = |(run, control): &(String, Control)| Observed {
            id: run.clone(),
            state: if control.is_paused() {
                "paused"
            } else {
                "running"
            },
            control: control.clone(),
        };
        metrics(&observed.iter().map(now).collect::<Vec<Observed>>())
    });
}
