//! Who may come into a server, and how.

use std::num::NonZeroU32;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;
use url::Url;

use super::Environment;
use crate::spec::Problem;

/// Who may come into a server. Its own tokens are made with `wellhead token`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ServerSettings {
    /// Web pages that may use it, by their origin: "https://console.example". None when absent.
    /// Environment: WELLHEAD_SERVER_ORIGINS, with commas between them.
    #[serde(default)]
    pub origins: Vec<String>,
    /// Requests a second that each token, or subject, may make; as many as it likes when absent.
    /// Environment: WELLHEAD_SERVER_RATE_LIMIT.
    #[serde(default)]
    pub rate_limit: Option<NonZeroU32>,
    /// Requests that may come at once after a while without any; twice `rate_limit` when absent.
    /// Environment: WELLHEAD_SERVER_BURST.
    #[serde(default)]
    pub burst: Option<NonZeroU32>,
    /// Serve over TLS.
    #[serde(default)]
    pub tls: Option<TlsSettings>,
    /// Take tokens of another issuer.
    #[serde(default)]
    pub jwt: Option<JwtSettings>,
}

/// Certificate and key of a server, read again on SIGHUP.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TlsSettings {
    /// File of the certificate chain (PEM), the server's own first.
    /// Environment: WELLHEAD_SERVER_TLS_CERTIFICATE.
    #[serde(default)]
    pub certificate: PathBuf,
    /// File of its private key (PEM). Environment: WELLHEAD_SERVER_TLS_KEY.
    #[serde(default)]
    pub key: PathBuf,
}

/// Whose JSON Web Tokens are taken: RS256, ES256 or EdDSA, with `exp`, `iss`, `aud` and `sub`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct JwtSettings {
    /// What their `iss` is. Environment: WELLHEAD_SERVER_JWT_ISSUER.
    #[serde(default)]
    pub issuer: String,
    /// What their `aud` is, or holds. Environment: WELLHEAD_SERVER_JWT_AUDIENCE.
    #[serde(default)]
    pub audience: String,
    /// File, or https address, of the issuer's keys (a JWK set). They are read again on SIGHUP, every 15
    /// minutes, and when a token names a key that isn't among them. Environment: WELLHEAD_SERVER_JWT_KEYS.
    #[serde(default)]
    pub keys: String,
    /// The claim that names the role (read, operate or admin), or a pointer to it (/realm_access/roles).
    /// In any claim but `wellhead_role`, which is taken when absent, roles are written wellhead:read.
    /// Environment: WELLHEAD_SERVER_JWT_ROLE_CLAIM.
    #[serde(default)]
    pub role_claim: Option<String>,
}

impl ServerSettings {
    /// With what the environment lays over it, and nothing left out that is needed.
    pub(super) fn under(mut self, environment: &Environment) -> Result<ServerSettings, Problem> {
        let get = |name: &str| environment.get(&format!("WELLHEAD_SERVER_{name}"));
        if let Some(origins) = get("ORIGINS") {
            let each = origins.split(',').map(str::trim);
            self.origins = each.filter(|o| !o.is_empty()).map(str::to_owned).collect();
        }
        for (name, into) in [
            ("RATE_LIMIT", &mut self.rate_limit),
            ("BURST", &mut self.burst),
        ] {
            if let Some(said) = get(name) {
                *into = Some(said.parse().map_err(|_| {
                    Problem::new(format!("WELLHEAD_SERVER_{name} is `{said}`"))
                        .help("write a number of requests, from 1")
                })?);
            }
        }
        let mut tls = self.tls.take().unwrap_or_default();
        lay(&mut tls.certificate, get("TLS_CERTIFICATE"));
        lay(&mut tls.key, get("TLS_KEY"));
        let mut jwt = self.jwt.take().unwrap_or_default();
        lay(&mut jwt.issuer, get("JWT_ISSUER"));
        lay(&mut jwt.audience, get("JWT_AUDIENCE"));
        lay(&mut jwt.keys, get("JWT_KEYS"));
        if let Some(claim) = get("JWT_ROLE_CLAIM") {
            jwt.role_claim = Some(claim.to_owned());
        }
        self.origins.iter().try_for_each(|origin| check(origin))?;
        let (certificate, key) = (
            tls.certificate.display().to_string(),
            tls.key.display().to_string(),
        );
        whole("tls", &[("certificate", &certificate), ("key", &key)])?;
        whole(
            "jwt",
            &[
                ("issuer", &jwt.issuer),
                ("audience", &jwt.audience),
                ("keys", &jwt.keys),
            ],
        )?;
        self.tls = (tls != TlsSettings::default()).then_some(tls);
        self.jwt = (!jwt.keys.is_empty()).then_some(jwt);
        Ok(self)
    }
}

fn lay<'a, T: From<&'a str>>(over: &mut T, said: Option<&'a str>) {
    if let Some(said) = said {
        *over = said.into();
    }
}

/// All of a table, or nothing of it.
fn whole(table: &str, options: &[(&str, &String)]) -> Result<(), Problem> {
    let missing: Vec<&str> = options
        .iter()
        .filter(|(_, value)| value.is_empty())
        .map(|(name, _)| *name)
        .collect();
    match missing.is_empty() || missing.len() == options.len() {
        true => Ok(()),
        false => {
            let message = format!("[server.{table}] has no `{}`", missing.join("` and no `"));
            let names: Vec<&str> = options.iter().map(|(name, _)| *name).collect();
            let help = format!("it takes {} together, or none of them", names.join(", "));
            Err(Problem::new(message).help(help))
        }
    }
}

/// An origin as browsers write it: compared letter by letter, anything else would never match.
fn check(origin: &str) -> Result<(), Problem> {
    let url = Url::parse(origin).ok();
    let web = url.filter(|url| ["http", "https"].contains(&url.scheme()));
    let written = web.map(|url| url.origin().ascii_serialization());
    match written.as_deref() {
        Some(written) if written == origin => Ok(()),
        Some(written) => Err(Problem::new(format!("`{origin}` is no origin"))
            .help(format!("write it as browsers do: {written}"))),
        None => Err(Problem::new(format!("`{origin}` is no origin"))
            .help("name each: https://console.example; there is no wildcard")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn under(variables: &[(&str, &str)]) -> Result<ServerSettings, String> {
        let environment = variables.iter().copied().collect();
        let settings = ServerSettings::default().under(&environment);
        settings
            .map_err(|problem| format!("{} {}", problem.message, problem.help.unwrap_or_default()))
    }

    #[test]
    fn the_environment_says_all_of_it() {
        assert_eq!(under(&[]).unwrap(), ServerSettings::default());
        let said = under(&[
            (
                "WELLHEAD_SERVER_ORIGINS",
                "https://a.example, http://localhost:5173",
            ),
            ("WELLHEAD_SERVER_RATE_LIMIT", "50"),
            ("WELLHEAD_SERVER_TLS_CERTIFICATE", "c.pem"),
            ("WELLHEAD_SERVER_TLS_KEY", "k.pem"),
            ("WELLHEAD_SERVER_JWT_ISSUER", "https://id.example"),
            ("WELLHEAD_SERVER_JWT_AUDIENCE", "wellhead"),
            ("WELLHEAD_SERVER_JWT_KEYS", "keys.json"),
            ("WELLHEAD_SERVER_JWT_ROLE_CLAIM", "scope"),
        ])
        .unwrap();
        assert_eq!(said.origins, ["https://a.example", "http://localhost:5173"]);
        assert_eq!(said.rate_limit, NonZeroU32::new(50));
        assert_eq!(said.tls.unwrap().key, PathBuf::from("k.pem"));
        assert_eq!(said.jwt.unwrap().role_claim.as_deref(), Some("scope"));
    }

    #[test]
    fn what_is_half_said_is_refused() {
        for (name, value, why) in [
            ("WELLHEAD_SERVER_TLS_KEY", "k.pem", "has no `certificate`"),
            (
                "WELLHEAD_SERVER_JWT_KEYS",
                "k",
                "no `issuer` and no `audience`",
            ),
            ("WELLHEAD_SERVER_RATE_LIMIT", "0", "from 1"),
            ("WELLHEAD_SERVER_ORIGINS", "*", "no wildcard"),
            (
                "WELLHEAD_SERVER_ORIGINS",
                "https://A.example/",
                "https://a.example",
            ),
            ("WELLHEAD_SERVER_ORIGINS", "null", "no wildcard"),
        ] {
            let said = under(&[(name, value)]).unwrap_err();
            assert!(said.contains(why), "{name}={value}: {said}");
        }
    }
}
