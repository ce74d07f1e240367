//! The emulation spec: what to generate, when, and where it goes. Parsing and checking touch
//! nothing: no file, no network, no clock.
//!
//! YAML, TOML and JSON are read into one tree that knows the place of every value
//! ([`tree`]); serde reads the types from it ([`de`]), so that all errors show where they are and
//! the nearest known name, in whichever format.

mod check;
pub mod clock;
mod de;
pub mod expect;
pub mod faults;
pub mod files;
mod form;
pub mod load;
pub mod options;
mod overrides;
mod place;
mod schema;
pub mod secret;
pub mod sinks;
mod tree;
pub mod units;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

pub use clock::{Clock, Until, Validate};
pub use expect::{Expect, Rule};
pub use faults::Faults;
pub use form::{Text, parse};
pub use load::Load;
pub use overrides::Overrides;
pub use place::{Origin, Place, Problem, Source, SpecError, nearest, suggest};
pub use schema::schema;
pub use sinks::{Connection, Connections, SinkBlock};

/// How a spec is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// YAML 1.2, one document.
    Yaml,
    /// TOML 1.
    Toml,
    /// JSON.
    Json,
}

impl Format {
    /// By a file's name; YAML where the name doesn't say.
    pub fn of(path: &Path) -> Format {
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("toml") => Format::Toml,
            Some("json") => Format::Json,
            _ => Format::Yaml,
        }
    }
}

/// A spec: one emulation, or several that belong together.
#[derive(Clone, Debug)]
pub enum Document {
    /// One emulation.
    One(Box<Spec>),
    /// Several, each with what they share filled in.
    Scenario {
        /// The scenario's name, if it has one.
        name: Option<String>,
        /// At least one, each with a name of its own.
        emulations: Vec<Spec>,
    },
}

impl Document {
    /// All emulations, in the order of the spec.
    pub fn emulations(&self) -> &[Spec] {
        match self {
            Document::One(spec) => std::slice::from_ref(spec),
            Document::Scenario { emulations, .. } => emulations,
        }
    }

    /// All emulations, to change.
    pub fn emulations_mut(&mut self) -> &mut [Spec] {
        match self {
            Document::One(spec) => std::slice::from_mut(spec),
            Document::Scenario { emulations, .. } => emulations,
        }
    }

    /// The name of the whole, by which a run is found again: as written, else the generator's.
    pub fn name(&self) -> String {
        match self {
            Document::One(spec) => spec.display_name(),
            Document::Scenario { name, .. } => name.clone().unwrap_or("scenario".to_owned()),
        }
    }

    /// A spec that is nothing but a generator, by name or path: everything else has its default.
    pub fn of_generator(generator: &str) -> Document {
        Document::One(Box::new(Spec::new(generator)))
    }
}

/// One emulation, defaults filled in.
#[derive(Clone, Debug)]
pub struct Spec {
    /// As written; [`Spec::display_name`] always has one.
    pub name: Option<String>,
    /// `name`, `name@version`, `sha256:digest`, or a path to a `.wasm`.
    pub generator: String,
    /// The generator's configuration as written, without its defaults.
    pub config: Map<String, Value>,
    /// Read-only data for the generator, by name; paths as written (relative to the working folder).
    pub assets: BTreeMap<String, PathBuf>,
    /// None: to be drawn. The emulations of a scenario share the one drawn.
    pub seed: Option<u64>,
    /// How many streams, at least 1.
    pub streams: u32,
    /// When records are due.
    pub load: Load,
    /// What event time they carry.
    pub clock: Clock,
    /// When it ends.
    pub until: Until,
    /// What is done to records on purpose.
    pub faults: Faults,
    /// Which records are checked against their channel's schema.
    pub validate: Validate,
    /// Where rejected records are written.
    pub rejected: Option<PathBuf>,
    /// Where records go; may be empty, for a preview.
    pub sinks: Vec<SinkBlock>,
    /// What the run is expected to reach.
    pub expect: Expect,
    /// Which part of the streams: the first number (from 0) out of the second. From flags only.
    pub shard: Option<(u32, u32)>,
    /// Where it was written; none for a spec made of flags.
    pub origin: Option<Origin>,
}

impl Spec {
    /// Only a generator, everything else by default.
    pub fn new(generator: &str) -> Spec {
        Spec {
            name: None,
            generator: generator.to_owned(),
            config: Map::new(),
            assets: BTreeMap::new(),
            seed: None,
            streams: 1,
            load: Load::default(),
            clock: Clock::default(),
            until: Until::default(),
            faults: Faults::default(),
            validate: Validate::default(),
            rejected: None,
            sinks: Vec::new(),
            expect: Expect::default(),
            shard: None,
            origin: None,
        }
    }

    /// The name as written, else the generator's: without version, folder and `.wasm`.
    pub fn display_name(&self) -> String {
        if let Some(name) = &self.name {
            return name.clone();
        }
        let generator = &self.generator;
        if is_path(generator) {
            let stem = Path::new(generator)
                .file_stem()
                .and_then(|stem| stem.to_str());
            let stem = stem.unwrap_or(generator);
            return stem.split([':', '@']).next().unwrap_or(stem).to_owned();
        }
        generator.split('@').next().unwrap_or(generator).to_owned()
    }

    /// Where the value at a JSON pointer into the emulation stands in its text: `/config/customers`.
    pub fn place(&self, pointer: &str) -> Option<Place> {
        self.origin
            .as_ref()
            .and_then(|origin| origin.value(pointer))
    }

    /// The emulation as canonical JSON without secrets: what it would be written as, defaults left
    /// out, always in the same order. It is itself a spec.
    pub fn redacted(&self) -> Value {
        let mut map = Map::new();
        let mut put = |name: &str, value: Value, standard: &Value| {
            if value != *standard {
                map.insert(name.to_owned(), value);
            }
        };
        let value = |value: serde_json::Result<Value>| value.unwrap_or(Value::Null);
        put("name", json!(self.name), &Value::Null);
        put("generator", json!(self.generator), &Value::Null);
        put("config", Value::Object(self.config.clone()), &json!({}));
        put("assets", json!(self.assets), &json!({}));
        put("seed", json!(self.seed.map(units::Whole)), &Value::Null);
        put("streams", json!(self.streams), &json!(1));
        put(
            "load",
            value(serde_json::to_value(&self.load)),
            &Value::Null,
        );
        put(
            "clock",
            value(serde_json::to_value(self.clock)),
            &json!("realtime"),
        );
        put("until", value(serde_json::to_value(self.until)), &json!({}));
        put(
            "faults",
            value(serde_json::to_value(&self.faults)),
            &json!({}),
        );
        put(
            "validate",
            value(serde_json::to_value(self.validate)),
            &json!("sample"),
        );
        put("rejected", json!(self.rejected), &Value::Null);
        let sinks: Vec<Value> = self.sinks.iter().map(SinkBlock::redacted).collect();
        put("sinks", Value::Array(sinks), &json!([]));
        put("expect", Value::Object(self.expect.written()), &json!({}));
        Value::Object(map)
    }
}

/// Whether a generator is named by a path.
pub fn is_path(generator: &str) -> bool {
    generator.ends_with(".wasm") || generator.contains(['/', '\\'])
}

#[cfg(test)]
mod tests;
