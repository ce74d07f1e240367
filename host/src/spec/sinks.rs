//! Sink blocks, written out or as URLs, and the connections that they refer to.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::options;
use super::place::{Origin, Problem, SpecError, suggest};
use super::secret::Secrets;
use crate::sink::{self, Address, Kind, OnFull, SINKS};

/// A named address with its secrets, which sink blocks refer to.
#[derive(Clone, Debug)]
pub struct Connection {
    /// The kind of sink that it is for.
    pub kind: String,
    /// Options that a block with this connection needn't set, secrets taken out.
    pub options: Map<String, Value>,
    /// The secrets.
    pub secrets: Secrets,
}

/// What a spec may refer to: connections by name, and those of the environment by kind of sink.
#[derive(Clone, Debug, Default)]
pub struct Connections {
    /// From the settings file.
    pub named: BTreeMap<String, Connection>,
    /// From the usual environment variables, for blocks that have no address of their own.
    pub ambient: BTreeMap<String, Connection>,
}

/// One sink of a spec.
#[derive(Clone, Debug)]
pub struct SinkBlock {
    /// Which kind of sink.
    pub kind: String,
    /// The connection that fills in what the block doesn't say.
    pub connection: Option<String>,
    /// Whether the schedule waits for it where it is slow.
    pub on_full: OnFull,
    /// Everything but `type`, `connection` and `on_full`, secrets taken out.
    pub options: Map<String, Value>,
    /// The secrets, which [`SinkBlock::configure`] alone puts back.
    pub secrets: Secrets,
    /// Where it stands in the spec; none where it came from a flag.
    pub place: Option<Origin>,
}

/// Looks a kind up; an unknown one says what there is.
pub fn kind(name: &str) -> Result<&'static Kind, Problem> {
    sink::find(name).ok_or_else(|| {
        let names: Vec<&str> = SINKS.iter().map(|kind| kind.name).collect();
        let near = super::nearest(name, names.iter().copied());
        let near = near
            .map(|near| format!("did you mean `{near}`? "))
            .unwrap_or_default();
        Problem::new(format!("there is no sink `{name}`"))
            .help(format!("{near}there are: {}", names.join(", ")))
    })
}

impl SinkBlock {
    /// From a block of a spec, or from a URL in its place.
    ///
    /// # Errors
    /// All that is wrong with it by the schema of its kind, as far as the block alone tells.
    pub fn from_value(value: &Value, origin: Option<Origin>) -> Result<SinkBlock, SpecError> {
        let at = |pointer: &str| origin.as_ref().and_then(|origin| origin.value(pointer));
        let block = match value {
            Value::String(url) => {
                let block = SinkBlock::from_url(url).map_err(|problem| problem.at(at("")))?;
                let place = origin;
                return Ok(SinkBlock { place, ..block });
            }
            Value::Object(map) => map,
            _ => {
                return Err(Problem::new("a sink is a map with `type`, or a URL")
                    .at(at(""))
                    .into());
            }
        };
        let mut options = block.clone();
        let kind_name = text_option(&mut options, "type").map_err(|p| p.at(at("/type")))?;
        let Some(kind_name) = kind_name else {
            let names: Vec<&str> = SINKS.iter().map(|kind| kind.name).collect();
            let help = format!("there are: {}", names.join(", "));
            return Err(Problem::new("this sink has no `type`")
                .help(help)
                .at(at(""))
                .into());
        };
        let connection =
            text_option(&mut options, "connection").map_err(|p| p.at(at("/connection")))?;
        let on_full =
            on_full(text_option(&mut options, "on_full")).map_err(|p| p.at(at("/on_full")))?;
        let kind = kind(&kind_name).map_err(|problem| problem.at(at("/type")))?;
        let block = SinkBlock::checked(kind, connection, options, origin)?;
        Ok(SinkBlock { on_full, ..block })
    }

    /// From a URL such as `kafka://host:9092/topic?partitions=4`; the query takes the block's options.
    ///
    /// # Errors
    /// What is wrong with the URL or its options.
    pub fn from_url(url: &str) -> Result<SinkBlock, Problem> {
        let (kind_name, address) = address(url);
        let kind = kind(kind_name).map_err(|problem| match problem.help {
            Some(help) => Problem::new(problem.message).help(format!(
                "{help}; a sink is written as KIND, KIND:PATH or KIND://HOST/PATH"
            )),
            None => problem,
        })?;
        let mut options = (kind.from_address)(&address).map_err(|error| {
            Problem::new(format!(
                "the address of the {kind_name} sink is wrong: {}",
                error.message
            ))
        })?;
        let schema = schema(kind);
        let (mut connection, mut full) = (None, OnFull::default());
        for (name, text) in &address.query {
            let name = match schema["properties"].get("url") {
                // The address is the endpoint's own URL, and so is what of the query isn't ours.
                Some(_) => match sink::own_option(name, &schema) {
                    Some(name) => name,
                    None => continue,
                },
                None => name,
            };
            if name == "connection" {
                connection = Some(text.clone());
            } else if name == "on_full" {
                full = on_full(Ok(Some(text.clone())))?;
            } else {
                options::set_text(&mut options, name, text, &schema, &schema);
            }
        }
        let block = SinkBlock::checked(kind, connection, options, None).map_err(|error| {
            let messages: Vec<String> = error.problems.iter().map(Problem::to_string).collect();
            Problem::new(messages.join("; "))
        })?;
        Ok(SinkBlock {
            on_full: full,
            ..block
        })
    }

    fn checked(
        kind: &'static Kind,
        connection: Option<String>,
        mut options: Map<String, Value>,
        place: Option<Origin>,
    ) -> Result<SinkBlock, SpecError> {
        let full = schema(kind);
        options::normalise(&mut options, &full, &full);
        // What is missing may come from a connection: `configure` looks again.
        let mut partial = full.clone();
        if let Value::Object(map) = &mut partial {
            map.shift_remove("required");
        }
        let secrets = Secrets::take(&mut options.clone(), &full);
        let what = format!("the {} sink", kind.name);
        let problems = options::check(&options, &partial, place.as_ref(), &what, &secrets);
        SpecError::unless_empty(problems)?;
        let secrets = Secrets::take(&mut options, &full);
        Ok(SinkBlock {
            kind: kind.name.to_owned(),
            connection,
            on_full: OnFull::default(),
            options,
            secrets,
            place,
        })
    }

    /// Sets an option as `--format` does, on a sink that has it; others are left alone.
    pub fn set_if_known(&mut self, name: &str, text: &str) -> Result<(), SpecError> {
        let kind = kind(&self.kind)?;
        let schema = schema(kind);
        if schema["properties"].get(name).is_none() {
            return Ok(());
        }
        let mut options = self.options.clone();
        options.shift_remove(name);
        options::set_text(&mut options, name, text, &schema, &schema);
        self.secrets.restore(&mut options);
        let connection = self.connection.clone();
        let block = SinkBlock::checked(kind, connection, options, self.place.clone())?;
        *self = SinkBlock {
            on_full: self.on_full,
            ..block
        };
        Ok(())
    }

    /// The sink's own configuration, with what its connection fills in.
    ///
    /// # Errors
    /// An unknown connection, one of another kind, or what the kind itself refuses.
    pub fn configure(&self, connections: &Connections) -> Result<Arc<dyn sink::Config>, SpecError> {
        let kind = kind(&self.kind)?;
        let mut options = self.options.clone();
        self.secrets.restore(&mut options);
        if let Some(connection) = self.connection(connections)? {
            let mut base = connection.options.clone();
            connection.secrets.restore(&mut base);
            for (name, value) in options {
                base.insert(name, value);
            }
            options = base;
        }
        let what = format!("the {} sink", kind.name);
        let full = schema(kind);
        let secrets = Secrets::take(&mut options.clone(), &full);
        let place = self.place.as_ref();
        SpecError::unless_empty(options::check(&options, &full, place, &what, &secrets))?;
        (kind.configure)(&options).map_err(|error| {
            let pointer = error
                .option
                .as_ref()
                .map(|name| format!("/{}", name.replace('.', "/")));
            let place = place.and_then(|origin| origin.value(pointer.as_deref().unwrap_or("")));
            let name = error
                .option
                .map(|name| format!("`{name}` of "))
                .unwrap_or_default();
            Problem::new(format!("{name}{what}: {}", error.message))
                .at(place)
                .into()
        })
    }

    fn connection<'a>(
        &self,
        connections: &'a Connections,
    ) -> Result<Option<&'a Connection>, Problem> {
        let at = |pointer: &str| self.place.as_ref().and_then(|origin| origin.value(pointer));
        let Some(name) = &self.connection else {
            // An address of the block's own doesn't get the environment's credentials.
            let ambient = connections.ambient.get(&self.kind);
            return Ok(ambient.filter(|ambient| {
                !ambient.options.keys().any(|name| {
                    let own = self.options.get(name);
                    ADDRESSES.contains(&name.as_str())
                        && own.is_some_and(|own| ambient.options.get(name) != Some(own))
                })
            }));
        };
        let Some(connection) = connections.named.get(name) else {
            let names: Vec<&str> = connections.named.keys().map(String::as_str).collect();
            let help = if names.is_empty() {
                "the settings hold no connections: write [connections.NAME] in the settings file"
                    .to_owned()
            } else {
                suggest(name, &names)
            };
            let problem = Problem::new(format!("there is no connection `{name}`")).help(help);
            return Err(problem.at(at("/connection")));
        };
        if connection.kind != self.kind {
            let message = format!(
                "connection `{name}` is for {}, this sink is {}",
                connection.kind, self.kind
            );
            return Err(Problem::new(message).at(at("/connection")));
        }
        Ok(Some(connection))
    }

    /// The block without its secrets, as it would be written in a spec.
    pub fn redacted(&self) -> Value {
        let mut map = Map::new();
        map.insert("type".to_owned(), self.kind.clone().into());
        if let Some(connection) = &self.connection {
            map.insert("connection".to_owned(), connection.clone().into());
        }
        if self.on_full == OnFull::Drop {
            map.insert("on_full".to_owned(), "drop".into());
        }
        map.extend(self.options.clone());
        Value::Object(map)
    }
}

/// Options that say where a service is.
const ADDRESSES: &[&str] = &["brokers", "endpoint", "host", "url"];

/// A kind's schema as a value. It has no options but those it names, also where the kind's own
/// schema leaves that open.
pub fn schema(kind: &Kind) -> Value {
    let mut schema = (kind.schema)().to_value();
    if let Value::Object(map) = &mut schema {
        map.entry("additionalProperties")
            .or_insert(Value::Bool(false));
    }
    schema
}

fn text_option(options: &mut Map<String, Value>, name: &str) -> Result<Option<String>, Problem> {
    match options.shift_remove(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(Problem::new(format!("`{name}` of a sink is text"))),
    }
}

fn on_full(given: Result<Option<String>, Problem>) -> Result<OnFull, Problem> {
    match given?.as_deref() {
        None | Some("wait") => Ok(OnFull::Wait),
        Some("drop") => Ok(OnFull::Drop),
        Some(other) => Err(Problem::new(format!("`on_full` of a sink can't be `{other}`"))
            .help("`wait` lets the slowest sink hold the schedule back (the default); `drop` leaves out what this sink has no room for, and counts it")),
    }
}

/// Takes a sink URL apart: its kind and its address.
pub fn address(url: &str) -> (&str, Address) {
    let end = url.find([':', '?']).unwrap_or(url.len());
    let (kind, rest) = url.split_at(end);
    // PostgreSQL's own programs take both.
    let kind = if kind == "postgresql" {
        "postgres"
    } else {
        kind
    };
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let rest = rest.strip_prefix(':').unwrap_or(rest);
    let (authority, path) = match rest.strip_prefix("//") {
        Some(rest) => rest.split_at(rest.find('/').unwrap_or(rest.len())),
        None => ("", rest),
    };
    // After a host the slash only parts the two; without one it begins an absolute path.
    let path = if authority.is_empty() {
        path
    } else {
        path.strip_prefix('/').unwrap_or(path)
    };
    let query = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, "true"));
            (decode(name), decode(value))
        });
    let address = Address {
        authority: authority.to_owned(),
        path: decode(path),
        query: query.collect(),
    };
    (kind, address)
}

/// Percent-decoding; what isn't a valid escape stays as it is.
fn decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let escape = (bytes[at] == b'%')
            .then(|| bytes.get(at + 1..at + 3))
            .flatten()
            .and_then(|digits| hex::decode(digits).ok());
        match escape {
            Some(byte) => {
                out.extend(byte);
                at += 3;
            }
            None => {
                out.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}
