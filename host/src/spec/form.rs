//! From a text to emulations: the forms in which specs are written, and what a scenario shares.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::{
    Clock, Document, Faults, Format, Load, Origin, Place, Problem, SinkBlock, Source, Spec,
    SpecError, Until, Validate, check, expect, schema, tree, units,
};

/// Defines the forms in which specs are written: `$form` has the fields given and the shared ones.
/// serde can't flatten and refuse unknown fields at once.
macro_rules! forms {
    ($($(#[$meta:meta])* struct $form:ident { $($(#[$own:meta])* $field:ident: $type:ty,)* })*) => { $(
        #[derive(Deserialize, JsonSchema)]
        #[serde(deny_unknown_fields)]
        $(#[$meta])*
        pub(super) struct $form {
            $($(#[$own])* $field: $type,)*
            /// Whole number from which all randomness comes; drawn and said when absent. May be text.
            #[serde(default)]
            seed: Option<units::Whole>,
            /// How many deterministic parts the records are made in; 1 when absent.
            #[serde(default)]
            #[schemars(range(min = 1))]
            streams: Option<u32>,
            /// When records are due; 10/s when absent.
            #[serde(default)]
            load: Option<Load>,
            /// What event time records carry; `realtime` when absent.
            #[serde(default)]
            clock: Option<Clock>,
            /// When it ends; when it is stopped, where absent.
            #[serde(default)]
            until: Option<Until>,
            /// What is done to records on purpose on their way.
            #[serde(default)]
            faults: Option<Faults>,
            /// Which records are checked against their channel's schema; `sample` when absent.
            #[serde(default)]
            validate: Option<Validate>,
            /// Where records go.
            #[serde(default)]
            #[schemars(schema_with = "schema::sinks")]
            sinks: Option<Vec<Value>>,
            /// What the run must reach, else it exits with 3.
            #[serde(default)]
            #[schemars(schema_with = "expect::schema")]
            expect: Option<Map<String, Value>>,
        }

        impl $form {
            fn shared(&mut self) -> Shared {
                Shared {
                    seed: self.seed.take(),
                    streams: self.streams.take(),
                    load: self.load.take(),
                    clock: self.clock.take(),
                    until: self.until.take(),
                    faults: self.faults.take(),
                    validate: self.validate.take(),
                    sinks: self.sinks.take(),
                    expect: self.expect.take(),
                }
            }
        }
    )* };
}

forms! {
    /// One emulation.
    #[schemars(rename = "Emulation")]
    struct EmulationForm {
        /// Name of the emulation, by which its run is found again; the generator's when absent.
        #[serde(default)]
        name: Option<String>,
        /// `name`, `name@version`, `sha256:digest`, or (command line only) a path to a `.wasm`.
        generator: String,
        /// Settings of the generator, checked against its own schema, whose defaults are filled in.
        #[serde(default)]
        config: Map<String, Value>,
        /// Read-only data for the generator: names and paths.
        #[serde(default)]
        assets: BTreeMap<String, PathBuf>,
        /// Where records are written that a sink refuses for good.
        #[serde(default)]
        rejected: Option<PathBuf>,
    }

    /// Several emulations that share what they don't set themselves.
    #[schemars(rename = "Scenario")]
    struct ScenarioForm {
        /// Name of the scenario, by which its run is found again.
        #[serde(default)]
        name: Option<String>,
        /// The emulations.
        #[schemars(length(min = 1))]
        emulations: Vec<EmulationForm>,
    }
}

/// What the emulations of a scenario may share.
#[derive(Clone, Default)]
struct Shared {
    seed: Option<units::Whole>,
    streams: Option<u32>,
    load: Option<Load>,
    clock: Option<Clock>,
    until: Option<Until>,
    faults: Option<Faults>,
    validate: Option<Validate>,
    sinks: Option<Vec<Value>>,
    expect: Option<Map<String, Value>>,
}

/// A text that was read into a tree, from which types are taken.
pub struct Text {
    root: tree::Node,
    source: Arc<Source>,
}

impl Text {
    /// Reads a text. `name` is how messages call it: a path, or `<stdin>`.
    ///
    /// # Errors
    /// Where it isn't of its format.
    pub fn read(text: &str, format: Format, name: &str) -> Result<Text, Problem> {
        let source = Source::new(name, text);
        match tree::parse(text, format) {
            Ok(root) => Ok(Text {
                source: Arc::new(source.with_places(&root)),
                root,
            }),
            Err(error) => {
                let source = Arc::new(source);
                let place = error.span.map(|span| Place { source, span });
                Err(Problem::new(error.message).at(place))
            }
        }
    }

    /// The whole as a type.
    ///
    /// # Errors
    /// The first thing that isn't of the type, with its place.
    pub fn get<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        T::deserialize(&self.root).map_err(|fault| {
            let source = Arc::clone(&self.source);
            let place = fault.span.map(|span| Place { source, span });
            let help = fault.help;
            Problem {
                message: fault.message,
                help,
                place,
            }
        })
    }

    /// The root of the text.
    pub fn origin(&self) -> Origin {
        Origin::root(Arc::clone(&self.source))
    }

    fn has(&self, name: &str) -> bool {
        match &self.root.data {
            tree::Data::Map(entries) => entries.iter().any(|(key, _)| key.text == name),
            _ => false,
        }
    }
}

/// Reads and checks a spec. `name` is how messages call it: a path, or `<stdin>`.
///
/// # Errors
/// What is wrong, each with its place in the text.
pub fn parse(text: &str, format: Format, name: &str) -> Result<Document, SpecError> {
    let text = Text::read(text, format, name)?;
    let origin = text.origin();
    if !matches!(text.root.data, tree::Data::Map(_)) {
        let problem = Problem::new("a spec is a map of names and values")
            .help("begin with a generator: generator: transaction");
        return Err(problem.at(origin.value("")).into());
    }
    let document = if text.has("emulations") {
        scenario(text.get()?, &origin)?
    } else {
        let form: EmulationForm = text.get().map_err(|problem| {
            if text.has("generator") || problem.help.is_some() {
                return problem;
            }
            problem.help("name a generator (generator: transaction), or several emulations (emulations: [...])")
        })?;
        Document::One(Box::new(emulation(form, &Shared::default(), origin)?))
    };
    check::document(&document)?;
    Ok(document)
}

fn scenario(mut form: ScenarioForm, origin: &Origin) -> Result<Document, SpecError> {
    let shared = form.shared();
    let mut emulations = Vec::new();
    let mut problems = Vec::new();
    for (i, member) in form.emulations.into_iter().enumerate() {
        match emulation(member, &shared, origin.below(&format!("/emulations/{i}"))) {
            Ok(spec) => emulations.push(spec),
            Err(error) => problems.extend(error.problems),
        }
    }
    SpecError::unless_empty(problems)?;
    if emulations.is_empty() {
        let problem = Problem::new("a scenario needs at least one emulation");
        return Err(problem.at(origin.value("/emulations")).into());
    }
    let name = form.name;
    Ok(Document::Scenario { name, emulations })
}

fn emulation(mut form: EmulationForm, shared: &Shared, origin: Origin) -> Result<Spec, SpecError> {
    let own = form.shared();
    let mut problems = Vec::new();
    let mut sinks = Vec::new();
    let blocks = own.sinks.as_ref().or(shared.sinks.as_ref());
    for (i, block) in blocks.into_iter().flatten().enumerate() {
        match SinkBlock::from_value(block, Some(origin.below(&format!("/sinks/{i}")))) {
            Ok(block) => sinks.push(block),
            Err(error) => problems.extend(error.problems),
        }
    }
    let rules = own.expect.as_ref().or(shared.expect.as_ref());
    let expect = rules
        .map_or_else(|| Ok(expect::Expect::default()), expect::Expect::read)
        .unwrap_or_else(|(name, message)| {
            let place = origin.value(&format!("/expect/{name}"));
            problems.push(Problem::with_advice(&message).at(place));
            expect::Expect::default()
        });
    SpecError::unless_empty(problems)?;
    let standard = Spec::new(&form.generator);
    Ok(Spec {
        name: form.name,
        config: form.config,
        assets: form.assets,
        rejected: form.rejected,
        seed: own.seed.or(shared.seed).map(|seed| seed.0),
        streams: own.streams.or(shared.streams).unwrap_or(standard.streams),
        load: own.load.or(shared.load.clone()).unwrap_or_default(),
        clock: own.clock.or(shared.clock).unwrap_or_default(),
        until: own.until.or(shared.until).unwrap_or_default(),
        faults: own.faults.or(shared.faults.clone()).unwrap_or_default(),
        validate: own.validate.or(shared.validate).unwrap_or_default(),
        sinks,
        expect,
        origin: Some(origin),
        ..standard
    })
}

/// A value typed after a flag, as a spec would write it (in YAML).
///
/// # Errors
/// What is wrong, and advice behind a line feed.
pub(super) fn from_flag<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    let node = tree::parse(text, Format::Yaml).map_err(|error| error.message)?;
    T::deserialize(&node).map_err(|fault| match fault.help {
        Some(help) => format!("{}\n{help}", fault.message),
        None => fault.message,
    })
}
