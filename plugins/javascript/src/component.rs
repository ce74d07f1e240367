//! The contract's exports, by what the SDK's `component` gives (`plugins/sdk-js/src/component.js`).

use std::cell::RefCell;
use std::sync::OnceLock;

use crate::js::{Thrown, Value};
use crate::stream::Stream;
use wellhead_sdk::log;
use wellhead_sdk::wasm::exports::wellhead::generator::generator as exported;
use wellhead_sdk::wasm::wellhead::generator::types;

struct Component;

/// A stream as the host holds it.
pub(crate) struct Handle(RefCell<Stream>);

/// The generator that the bundle gave.
static GENERATOR: OnceLock<Value> = OnceLock::new();

/// Takes it.
pub(crate) fn begin(generator: Value) -> Result<(), Thrown> {
    if generator.is_undefined() {
        return Err(Thrown::type_error("the bundle has no generator in it"));
    }
    let _ = GENERATOR.set(generator);
    wellhead_sdk::wasm::log_panics();
    Ok(())
}

/// Asks the generator for something; nothing but the SDK's own code runs without a guard around it.
pub(crate) fn ask(name: &std::ffi::CStr, values: &[&Value]) -> Result<Value, Thrown> {
    match GENERATOR.get() {
        Some(generator) => generator.invoke(name, values),
        None => Err(Thrown::type_error("this is an engine without a generator")),
    }
}

/// The contract's error for what was thrown, which the SDK finds and logs.
#[cold]
pub(crate) fn error(thrown: &Thrown, place: &str) -> types::Error {
    let explain = || {
        let pair = ask(c"failure", &[&thrown.0, &Value::text(place)])?;
        let why = pair.at(1)?.to_owned_text()?;
        Ok(match pair.at(0)?.is_true() {
            true => types::Error::InvalidConfig(why),
            false => types::Error::Failed(why),
        })
    };
    explain().unwrap_or_else(|within: Thrown| {
        let why = within.0.to_owned_text();
        types::Error::Failed(why.unwrap_or_else(|_| "what was thrown has no text".to_owned()))
    })
}

fn text(object: &Value, name: &std::ffi::CStr) -> Result<String, Thrown> {
    object.named(name)?.to_owned_text()
}

fn described() -> Result<types::Description, Thrown> {
    let said = ask(c"describe", &[])?;
    let labels = said.named(c"labels")?;
    let labels = (0..labels.length()?).map(|place| {
        let pair = labels.at(place)?;
        Ok((pair.at(0)?.to_owned_text()?, pair.at(1)?.to_owned_text()?))
    });
    Ok(types::Description {
        name: text(&said, c"name")?,
        version: text(&said, c"version")?,
        summary: text(&said, c"summary")?,
        config_schema: text(&said, c"configSchema")?,
        content_type: text(&said, c"contentType")?,
        random_access: said.named(c"randomAccess")?.is_true(),
        labels: labels.collect::<Result<_, Thrown>>()?,
    })
}

fn channels(config: &str) -> Result<Vec<types::Channel>, Thrown> {
    let channels = ask(c"channels", &[&Value::text(config)])?;
    let channels = (0..channels.length()?).map(|place| {
        let channel = channels.at(place)?;
        Ok(types::Channel {
            name: text(&channel, c"name")?,
            schema: text(&channel, c"schema")?,
        })
    });
    channels.collect()
}

impl exported::Guest for Component {
    type Stream = Handle;

    fn describe() -> types::Description {
        described().unwrap_or_else(|thrown| {
            let why = error(&thrown, "describe");
            log::error(&format!("{why:?}"));
            // The contract has no error here: the host refuses a generator without a name.
            types::Description {
                name: String::new(),
                version: String::new(),
                summary: String::new(),
                config_schema: String::new(),
                content_type: String::new(),
                random_access: false,
                labels: Vec::new(),
            }
        })
    }

    fn channels(config: String) -> Result<Vec<types::Channel>, types::Error> {
        channels(&config).map_err(|thrown| error(&thrown, "channels"))
    }
}

impl exported::GuestStream for Handle {
    fn open(
        settings: types::Settings,
        state: Option<Vec<u8>>,
    ) -> Result<exported::Stream, types::Error> {
        let stream = Stream::open(&settings, state.as_deref());
        let stream = stream.map_err(|thrown| error(&thrown, "open"))?;
        Ok(exported::Stream::new(Handle(RefCell::new(stream))))
    }

    fn generate(&self, first: u64, times: Vec<u64>) -> Result<types::Batch, types::Error> {
        Ok(self.0.borrow_mut().generate(first, &times)?.into())
    }

    fn save(&self) -> Option<Vec<u8>> {
        self.0.borrow().save()
    }
}

wellhead_sdk::wasm::export_component!(Component with_types_in wellhead_sdk::wasm);
