//! Options of a PostgreSQL block, and the connection that they make.

use std::path::PathBuf;
use std::time::Duration;

use schemars::JsonSchema;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sqlx::ConnectOptions;
use sqlx::postgres::{PgConnectOptions, PgSslMode};

use crate::sink::options::Span;
use crate::sink::sql::TableOptions;
use crate::sink::{Address, ConfigError};

/// Options of PostgreSQL.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub(super) struct Options {
    /// The server's name or address, or the folder of its socket.
    #[serde(default = "host")]
    pub(super) host: String,
    /// The server's port.
    #[serde(default = "port")]
    pub(super) port: u16,
    /// The database; that of the user's name when absent.
    #[serde(default)]
    pub(super) database: Option<String>,
    /// Who logs in.
    #[serde(default = "user")]
    pub(super) user: String,
    /// The user's password.
    #[serde(default)]
    #[schemars(with = "Option<String>", extend("writeOnly" = true))]
    password: Option<SecretString>,
    /// How the connection is secured, by libpq's names: disable, prefer (TLS where the server has it),
    /// require (TLS, no look at certificates unless sslrootcert is given), verify-ca, verify-full.
    #[serde(default)]
    sslmode: SslMode,
    /// File of the certificates (PEM) that the server's is checked against; the system's when absent.
    #[serde(default)]
    sslrootcert: Option<PathBuf>,
    /// File of our own certificate (PEM).
    #[serde(default)]
    sslcert: Option<PathBuf>,
    /// File of its private key (PEM).
    #[serde(default)]
    sslkey: Option<PathBuf>,
    /// The schema that tables are in; the first of the user's search_path when absent.
    #[serde(default)]
    pub(super) schema: Option<String>,
    /// What goes where.
    #[serde(flatten)]
    pub(super) tables: TableOptions,
    /// How long the server may take to answer a new connection.
    #[serde(default = "connect_timeout")]
    pub(super) connect_timeout: Span,
}

fn host() -> String {
    "localhost".to_owned()
}

fn port() -> u16 {
    5432
}

fn user() -> String {
    "postgres".to_owned()
}

fn connect_timeout() -> Span {
    Span(Duration::from_secs(10))
}

/// How a connection is secured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
enum SslMode {
    Disable,
    #[default]
    Prefer,
    Require,
    VerifyCa,
    VerifyFull,
}

impl Options {
    /// What types alone don't rule out.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        if self.port == 0 {
            return Err(ConfigError::option("port", "`port` has to be 1 or more"));
        }
        let files = [
            ("sslrootcert", &self.sslrootcert),
            ("sslcert", &self.sslcert),
            ("sslkey", &self.sslkey),
        ];
        for (option, file) in files {
            if file.is_some() && self.sslmode == SslMode::Disable {
                let message = format!("`{option}` is of no use with `sslmode: disable`");
                return Err(ConfigError::option(option, message));
            }
        }
        match (&self.sslcert, &self.sslkey) {
            (Some(_), None) => Err(ConfigError::option("sslcert", "`sslcert` without `sslkey`")),
            (None, Some(_)) => Err(ConfigError::option("sslkey", "`sslkey` without `sslcert`")),
            _ => self.tables.check(),
        }
    }

    /// Where the server and the database are, for people.
    pub(super) fn address(&self) -> String {
        let database = self.database.as_deref().unwrap_or(&self.user);
        match self.host.contains(':') {
            true => format!("postgres://[{}]:{}/{database}", self.host, self.port),
            false => format!("postgres://{}:{}/{database}", self.host, self.port),
        }
    }

    /// For the client.
    pub(super) fn client(&self) -> PgConnectOptions {
        // Without these, the client would take them from the environment, for whatever server.
        let password = self.password.as_ref().map_or("", |p| p.expose_secret());
        let mut client = PgConnectOptions::new_without_pgpass()
            .host(&self.host)
            .port(self.port)
            .username(&self.user)
            .password(password)
            .database(self.database.as_deref().unwrap_or(&self.user))
            .application_name("wellhead")
            .ssl_mode(match self.sslmode {
                SslMode::Disable => PgSslMode::Disable,
                SslMode::Prefer => PgSslMode::Prefer,
                SslMode::Require => PgSslMode::Require,
                SslMode::VerifyCa => PgSslMode::VerifyCa,
                SslMode::VerifyFull => PgSslMode::VerifyFull,
            })
            .disable_statement_logging();
        if let Some(file) = &self.sslrootcert {
            client = client.ssl_root_cert(file);
        }
        if let (Some(certificate), Some(key)) = (&self.sslcert, &self.sslkey) {
            client = client.ssl_client_cert(certificate).ssl_client_key(key);
        }
        client
    }
}

/// `postgres://user:password@host:5432/database`.
pub(super) fn from_address(address: &Address) -> Result<Map<String, Value>, ConfigError> {
    let mut options = Map::new();
    let (login, server) = match address.authority.rsplit_once('@') {
        Some((login, server)) => (login, server),
        None => ("", address.authority.as_str()),
    };
    let (host, port) = match server
        .strip_prefix('[')
        .and_then(|rest| rest.split_once(']'))
    {
        Some((host, rest)) => (host, rest.strip_prefix(':').unwrap_or(rest)),
        None => server.rsplit_once(':').unwrap_or((server, "")),
    };
    let mut set = |name: &str, value: String| {
        if !value.is_empty() {
            options.insert(name.to_owned(), Value::from(value));
        }
    };
    set("host", decoded("host", host)?);
    let (user, password) = login.split_once(':').unwrap_or((login, ""));
    set("user", decoded("user", user)?);
    set("password", decoded("password", password)?);
    set("database", address.path.trim_matches('/').to_owned());
    if !port.is_empty() {
        let number: u16 = port.parse().map_err(|_| {
            let message = format!("`{port}` isn't a port: write postgres://host:5432/database");
            ConfigError::option("port", message)
        })?;
        options.insert("port".to_owned(), Value::from(number));
    }
    Ok(options)
}

/// User and password come percent-encoded, so that they may hold `@`, `:` and `/`.
fn decoded(option: &str, text: &str) -> Result<String, ConfigError> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let digits = (byte == b'%').then(|| after.get(..2)).flatten();
        let code = digits
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        rest = if code.is_some() { &after[2..] } else { after };
        out.push(code.unwrap_or(byte));
    }
    String::from_utf8(out).map_err(|_| {
        let message = format!("the {option} in the address isn't UTF-8 once %XX is resolved");
        ConfigError::option(option, message)
    })
}
