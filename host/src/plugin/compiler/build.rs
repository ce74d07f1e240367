//! The one function that compiles, wherever it runs.

use wasmtime::Engine;

use crate::plugin::Problem;
use crate::plugin::compile::{Kind, kind};

/// Wraps a core module, and compiles the component: the wrapped component, if it was wrapped, and
/// the code.
pub(super) fn build(engine: &Engine, bytes: &[u8]) -> Result<(Option<Vec<u8>>, Vec<u8>), Problem> {
    let wrapped = match kind(bytes)? {
        Kind::Component => None,
        Kind::Module => {
            let wrapped = wellhead_pack::wrap(bytes);
            Some(wrapped.map_err(|error| Problem::Unwrappable(error.to_string()))?)
        }
    };
    let component = wrapped.as_deref().unwrap_or(bytes);
    let code = engine
        .precompile_component(component)
        .map_err(|error| Problem::Invalid(format!("{error:#}")))?;
    Ok((wrapped, code))
}
