//! Settings: a file (TOML), overridden by the environment (a `.env` file is read), overridden by
//! flags.
//!
//! What a variable or a file says is checked when it is read; secrets are taken out at once.

mod database;
pub mod deployment;
mod environment;
pub mod log;
mod s3;
pub mod server;
mod service;
mod telemetry;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;
use schemars::{JsonSchema, Schema};
use serde::Deserialize;
use serde_json::{Map, Value};

pub use environment::Environment;
pub use log::{LogFormat, LogSettings};
pub use server::ServerSettings;
pub use service::{SignalSettings, StarterSettings};

use crate::spec::secret::Secrets;
use crate::spec::{Connection, Connections, Format, Problem, SpecError, Text, options, sinks};
use crate::telemetry::otlp;

/// What holds for the program as a whole.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Folder of runs and checkpoints.
    pub state: PathBuf,
    /// Folder of what can be made again: compiled components.
    pub cache: PathBuf,
    /// Folder of added generators.
    pub plugins: PathBuf,
    /// Folder of what a server keeps.
    pub data: PathBuf,
    /// Logs.
    pub log: LogSettings,
    /// Where traces and metrics are sent, if anywhere.
    pub telemetry: Option<otlp::Config>,
    /// Who may come into a server.
    pub server: ServerSettings,
    /// Named connections, and those of the environment.
    pub connections: Connections,
    /// Where a server reads signals.
    pub signals: Option<SignalSettings>,
    /// What a server starts by domain.
    pub start_emulator: StarterSettings,
}

/// Why there are no settings.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The settings file was named and can't be read.
    #[error("the settings file {path} can't be read: {source}; name another with --settings FILE")]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The file that says what to log can't be read.
    #[error(
        "the log configuration {path} can't be read: {source}; name another with --log-config FILE"
    )]
    LogConfig {
        /// Which file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// Nothing says where folders are.
    #[error(
        "there is no home folder ({0}); set HOME, or WELLHEAD_STATE, WELLHEAD_CACHE and WELLHEAD_PLUGINS"
    )]
    Homeless(String),
    /// Something in the file or a variable is wrong.
    #[error(transparent)]
    Wrong(#[from] SpecError),
}

/// The settings file.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "wellhead settings")]
struct SettingsForm {
    /// Folder of runs and checkpoints. Environment: WELLHEAD_STATE.
    #[serde(default)]
    state: Option<PathBuf>,
    /// Folder of what can be made again, such as compiled components. Environment: WELLHEAD_CACHE.
    #[serde(default)]
    cache: Option<PathBuf>,
    /// Folder of added generators. Environment: WELLHEAD_PLUGINS.
    #[serde(default)]
    plugins: Option<PathBuf>,
    /// Folder of what a server keeps: state, uploaded generators, files. Environment: WELLHEAD_DATA.
    #[serde(default)]
    data: Option<PathBuf>,
    /// Logs.
    #[serde(default)]
    log: LogSettings,
    /// Traces and metrics over OTLP.
    #[serde(default)]
    telemetry: telemetry::TelemetryForm,
    /// Who may come into a server.
    #[serde(default)]
    server: ServerSettings,
    /// Sink addresses with their secrets, by the name that specs refer to:
    /// {type: kafka, brokers: …}. Environment: WELLHEAD_CONNECTIONS__NAME__OPTION.
    #[serde(default)]
    connections: BTreeMap<String, Map<String, Value>>,
    /// Where a server's GET /signals/{channel} reads; the database of the environment, where there is one, when absent.
    #[serde(default)]
    signals: Option<SignalSettings>,
    /// What a server's POST /start-emulator starts.
    #[serde(default)]
    start_emulator: StarterSettings,
}

/// JSON Schema of the settings file.
pub fn schema() -> Schema {
    schemars::schema_for!(SettingsForm)
}

/// Usual variables of Kafka clients, and the options of a Kafka sink that they are.
const KAFKA: &[(&str, &str)] = &[
    ("KAFKA_BOOTSTRAP_SERVERS", "brokers"),
    ("KAFKA_USERNAME", "username"),
    ("KAFKA_PASSWORD", "password"),
    ("KAFKA_SECURITY_PROTOCOL", "security_protocol"),
    ("KAFKA_SASL_MECHANISM", "sasl_mechanism"),
];

/// Begins the variables of a connection: `WELLHEAD_CONNECTIONS__STAGING__PASSWORD`.
const CONNECTION_PREFIX: &str = "WELLHEAD_CONNECTIONS__";

impl Settings {
    /// Reads the settings file (the one named, else `WELLHEAD_SETTINGS`, else `wellhead/settings.toml`
    /// in the folder of configurations where there is one) and lays the environment over it.
    ///
    /// # Errors
    /// A named file that can't be read, and what is wrong in it or in a variable.
    pub fn load(file: Option<&Path>, environment: &Environment) -> Result<Settings, SettingsError> {
        let named = file.map(Path::to_owned);
        let named = named.or_else(|| environment.get("WELLHEAD_SETTINGS").map(PathBuf::from));
        let folders = etcetera::choose_base_strategy();
        let usual = folders
            .as_ref()
            .ok()
            .map(|f| f.config_dir().join("wellhead/settings.toml"));
        let text = match (&named, &usual) {
            (Some(path), _) => Some((path, std::fs::read_to_string(path))),
            (None, Some(path)) => Some((path, std::fs::read_to_string(path))),
            (None, None) => None,
        };
        let text = match text {
            Some((path, Ok(text))) => Some((path.display().to_string(), text)),
            Some((_, Err(source)))
                if named.is_none() && source.kind() == std::io::ErrorKind::NotFound =>
            {
                None
            }
            Some((path, Err(source))) => {
                let path = path.clone();
                return Err(SettingsError::Unreadable { path, source });
            }
            None => None,
        };
        let parts = Parts::parse(
            text.as_ref()
                .map(|(name, text)| (name.as_str(), text.as_str())),
            environment,
        )?;
        let folder = |said: Option<PathBuf>,
                      usual: fn(&etcetera::base_strategy::Xdg) -> PathBuf,
                      name: &str| {
            match (said, &folders) {
                (Some(path), _) => Ok(path),
                (None, Ok(folders)) => Ok(usual(folders).join("wellhead").join(name)),
                (None, Err(error)) => Err(SettingsError::Homeless(error.to_string())),
            }
        };
        Ok(Settings {
            state: folder(
                parts.state,
                |f| f.state_dir().unwrap_or_else(|| f.data_dir()),
                "",
            )?,
            cache: folder(parts.cache, |f| f.cache_dir(), "")?,
            plugins: folder(parts.plugins, |f| f.data_dir(), "plugins")?,
            data: folder(parts.data, |f| f.data_dir(), "server")?,
            log: parts.log,
            telemetry: parts.telemetry,
            server: parts.server,
            connections: parts.connections,
            signals: parts.signals,
            start_emulator: parts.start_emulator,
        })
    }
}

/// What file and environment say, before defaults that depend on the machine.
#[derive(Debug)]
struct Parts {
    state: Option<PathBuf>,
    cache: Option<PathBuf>,
    plugins: Option<PathBuf>,
    data: Option<PathBuf>,
    log: LogSettings,
    telemetry: Option<otlp::Config>,
    server: ServerSettings,
    connections: Connections,
    signals: Option<SignalSettings>,
    start_emulator: StarterSettings,
}

impl Parts {
    /// From the file's name and text, and the environment.
    fn parse(file: Option<(&str, &str)>, environment: &Environment) -> Result<Parts, SpecError> {
        let mut form = SettingsForm::default();
        let mut origin = None;
        if let Some((name, text)) = file {
            let text = Text::read(text, Format::Toml, name)?;
            form = text.get()?;
            origin = Some(text.origin());
        }
        let path =
            |name: &str, said: Option<PathBuf>| environment.get(name).map(PathBuf::from).or(said);
        let log = form.log.under(environment)?;
        let telemetry = form.telemetry.under(environment)?;
        let server = form.server.under(environment)?;
        let mut connections = Connections::default();
        connections_from_environment(&mut form.connections, environment)?;
        for (name, options) in form.connections {
            let place = origin
                .as_ref()
                .and_then(|o| o.value(&format!("/connections/{name}")));
            let connection = connection(&name, options).map_err(|problem| problem.at(place))?;
            connections.named.insert(name, connection);
        }
        if let Some(connection) = kafka(environment)? {
            connections.ambient.insert("kafka".to_owned(), connection);
        }
        if let Some(connection) = database::postgres(environment)? {
            let kind = connection.kind.clone();
            connections.ambient.insert(kind, connection);
        }
        if let Some(connection) = s3::ambient(environment)? {
            connections.ambient.insert("s3".to_owned(), connection);
        }
        Ok(Parts {
            state: path("WELLHEAD_STATE", form.state),
            cache: path("WELLHEAD_CACHE", form.cache),
            plugins: path("WELLHEAD_PLUGINS", form.plugins),
            data: path("WELLHEAD_DATA", form.data),
            log,
            telemetry,
            server,
            connections,
            signals: form.signals,
            start_emulator: form.start_emulator,
        })
    }
}

/// Lays `WELLHEAD_CONNECTIONS__NAME__OPTION` over the connections of the file. Names and options
/// are lower case there; `__` within an option is the step into a map.
fn connections_from_environment(
    connections: &mut BTreeMap<String, Map<String, Value>>,
    environment: &Environment,
) -> Result<(), Problem> {
    let set: Vec<(String, String, &str)> = environment
        .iter()
        .filter_map(|(variable, value)| {
            let rest = variable.strip_prefix(CONNECTION_PREFIX)?.to_lowercase();
            let (name, option) = rest.split_once("__")?;
            Some((name.to_owned(), option.replace("__", "."), value))
        })
        .collect();
    // The kind comes first, since it says which options there are.
    for (name, option, value) in set.iter().filter(|(_, option, _)| option == "type") {
        let options = connections.entry(name.clone()).or_default();
        options.insert(option.clone(), Value::from(*value));
    }
    for (name, option, value) in set.iter().filter(|(_, option, _)| option != "type") {
        let variable = || format!("{CONNECTION_PREFIX}{}__…", name.to_uppercase());
        let options = connections.entry(name.clone()).or_default();
        let Some(kind) = options.get("type").and_then(Value::as_str) else {
            let message = format!("{} is set, and connection `{name}` has no type", variable());
            return Err(Problem::new(message).help(format!(
                "set {CONNECTION_PREFIX}{}__TYPE",
                name.to_uppercase()
            )));
        };
        let kind = sinks::kind(kind)?;
        let schema = sinks::schema(kind);
        options.shift_remove(option);
        options::set_text(options, option, value, &schema, &schema);
    }
    Ok(())
}

/// A connection from its options, checked by the schema of its kind.
fn connection(name: &str, mut options: Map<String, Value>) -> Result<Connection, Problem> {
    let what = format!("connection `{name}`");
    let Some(Value::String(kind_name)) = options.shift_remove("type") else {
        let help = "write type = \"kafka\", or another kind of sink";
        return Err(Problem::new(format!("{what} has no `type`")).help(help));
    };
    let kind = sinks::kind(&kind_name)?;
    let full = sinks::schema(kind);
    options::normalise(&mut options, &full, &full);
    let mut partial = full.clone();
    if let Value::Object(map) = &mut partial {
        map.shift_remove("required");
    }
    let secrets = Secrets::take(&mut options.clone(), &full);
    if let Some(problem) = options::check(&options, &partial, None, &what, &secrets)
        .into_iter()
        .next()
    {
        return Err(problem);
    }
    let secrets = Secrets::take(&mut options, &full);
    let kind = kind_name;
    Ok(Connection {
        kind,
        options,
        secrets,
    })
}

/// The connection that the usual variables of Kafka clients make, if they name brokers. A user name
/// means SASL over TLS unless the protocol is said.
fn kafka(environment: &Environment) -> Result<Option<Connection>, Problem> {
    if environment.get("KAFKA_BOOTSTRAP_SERVERS").is_none() {
        return Ok(None);
    }
    let schema = sinks::schema(sinks::kind("kafka")?);
    let mut options = Map::new();
    options.insert("type".to_owned(), Value::from("kafka"));
    for (variable, option) in KAFKA {
        if let Some(value) = environment.get(variable) {
            options::set_text(&mut options, option, value, &schema, &schema);
        }
    }
    connection("of the KAFKA_ variables", options).map(Some)
}

#[cfg(test)]
mod tests;
