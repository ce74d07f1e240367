//! SASL and TLS: the options and the settings of librdkafka that they make.

use std::path::PathBuf;

use rdkafka::ClientConfig;
use schemars::JsonSchema;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use crate::sink::ConfigError;

/// How the connection is secured.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub(super) struct Security {
    /// plaintext, ssl, sasl_plaintext or sasl_ssl. When absent: sasl_ssl with a user name, ssl
    /// with any tls_ option, else plaintext.
    #[serde(default)]
    security_protocol: Option<SecurityProtocol>,
    /// PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512.
    #[serde(default)]
    sasl_mechanism: Mechanism,
    /// User name for SASL.
    #[serde(default)]
    username: Option<String>,
    /// Password for SASL.
    #[serde(default)]
    #[schemars(with = "Option<String>", extend("writeOnly" = true))]
    password: Option<SecretString>,
    /// File of the certificates (PEM) that brokers' are checked against; the system's when absent.
    #[serde(default)]
    tls_ca: Option<PathBuf>,
    /// File of our own certificate (PEM).
    #[serde(default)]
    tls_cert: Option<PathBuf>,
    /// File of its private key (PEM).
    #[serde(default)]
    tls_key: Option<PathBuf>,
    /// Password of the private key.
    #[serde(default)]
    #[schemars(with = "Option<String>", extend("writeOnly" = true))]
    tls_key_password: Option<SecretString>,
    /// Whether brokers' certificates and names are checked.
    #[serde(default = "yes")]
    tls_verify: bool,
}

fn yes() -> bool {
    true
}

/// What a connection is secured by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
enum SecurityProtocol {
    #[serde(alias = "PLAINTEXT")]
    Plaintext,
    #[serde(alias = "SSL")]
    Ssl,
    #[serde(alias = "SASL_PLAINTEXT")]
    SaslPlaintext,
    #[serde(alias = "SASL_SSL")]
    SaslSsl,
}

/// How a user proves who it is.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
enum Mechanism {
    #[default]
    #[serde(rename = "PLAIN", alias = "plain")]
    Plain,
    #[serde(rename = "SCRAM-SHA-256", alias = "scram-sha-256")]
    Scram256,
    #[serde(rename = "SCRAM-SHA-512", alias = "scram-sha-512")]
    Scram512,
}

impl Security {
    /// What types alone don't rule out.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let pairs = [
            (
                "username",
                self.username.is_some(),
                "password",
                self.password.is_some(),
            ),
            (
                "tls_cert",
                self.tls_cert.is_some(),
                "tls_key",
                self.tls_key.is_some(),
            ),
        ];
        for (one, has_one, other, has_other) in pairs {
            if has_one != has_other {
                let (given, missing) = if has_one { (one, other) } else { (other, one) };
                return Err(ConfigError::option(
                    given,
                    format!("`{given}` without `{missing}`"),
                ));
            }
        }
        Ok(())
    }

    fn protocol(&self) -> SecurityProtocol {
        let tls = self.tls_ca.is_some() || self.tls_cert.is_some();
        match self.security_protocol {
            Some(protocol) => protocol,
            None if self.username.is_some() => SecurityProtocol::SaslSsl,
            None if tls => SecurityProtocol::Ssl,
            None => SecurityProtocol::Plaintext,
        }
    }

    /// Adds the settings of librdkafka.
    pub(super) fn apply(&self, config: &mut ClientConfig) {
        let protocol = self.protocol();
        config.set(
            "security.protocol",
            match protocol {
                SecurityProtocol::Plaintext => "plaintext",
                SecurityProtocol::Ssl => "ssl",
                SecurityProtocol::SaslPlaintext => "sasl_plaintext",
                SecurityProtocol::SaslSsl => "sasl_ssl",
            },
        );
        if let (Some(username), Some(password)) = (&self.username, &self.password) {
            config
                .set("sasl.username", username)
                .set("sasl.password", password.expose_secret())
                .set(
                    "sasl.mechanism",
                    match self.sasl_mechanism {
                        Mechanism::Plain => "PLAIN",
                        Mechanism::Scram256 => "SCRAM-SHA-256",
                        Mechanism::Scram512 => "SCRAM-SHA-512",
                    },
                );
        }
        let files = [
            ("ssl.ca.location", &self.tls_ca),
            ("ssl.certificate.location", &self.tls_cert),
            ("ssl.key.location", &self.tls_key),
        ];
        for (name, file) in files {
            if let Some(file) = file {
                config.set(name, file.to_string_lossy());
            }
        }
        if let Some(password) = &self.tls_key_password {
            config.set("ssl.key.password", password.expose_secret());
        }
        if !self.tls_verify && matches!(protocol, SecurityProtocol::Ssl | SecurityProtocol::SaslSsl)
        {
            config.set("enable.ssl.certificate.verification", "false");
        }
    }
}
