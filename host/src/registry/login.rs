//! As whom a registry is asked: by the environment, by what `docker login` has written, or as nobody.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use oci_client::secrets::RegistryAuth;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

use crate::settings::Environment;

const USER: &str = "WELLHEAD_OCI_USER";
const PASSWORD: &str = "WELLHEAD_OCI_PASSWORD";
/// Hosts that are all docker.io.
const DOCKER: [&str; 3] = ["docker.io", "index.docker.io", "registry-1.docker.io"];

/// Who asks, and how that is known.
#[derive(Debug)]
pub struct Login {
    who: Option<Credentials>,
    /// What would have said who asks, and doesn't.
    hint: Option<String>,
}

#[derive(Debug)]
struct Credentials {
    user: String,
    password: SecretString,
    /// Where they are from.
    from: String,
}

/// What `docker login` writes, and others with it.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct DockerConfig {
    auths: BTreeMap<String, Entry>,
    cred_helpers: BTreeMap<String, String>,
    creds_store: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Entry {
    /// `user:password` in base64.
    auth: Option<SecretString>,
    /// A token of another protocol.
    identitytoken: Option<SecretString>,
}

impl Login {
    /// Nobody.
    pub fn anonymous() -> Login {
        Login {
            who: None,
            hint: None,
        }
    }

    /// What is known for a registry. What can't be used is no error yet, since most need no login: it is
    /// said where the registry refuses.
    pub fn find(registry: &str, environment: &Environment) -> Login {
        match (environment.get(USER), environment.get(PASSWORD)) {
            (Some(user), Some(password)) => Login {
                who: Some(Credentials {
                    user: user.to_owned(),
                    password: password.into(),
                    from: USER.to_owned(),
                }),
                hint: None,
            },
            (None, None) => match docker_config(environment) {
                Some(path) => of_file(&path, registry),
                None => Login::anonymous(),
            },
            _ => hinted(format!("only one of {USER} and {PASSWORD} is set")),
        }
    }

    pub(super) fn auth(&self) -> RegistryAuth {
        match &self.who {
            None => RegistryAuth::Anonymous,
            Some(Credentials { user, password, .. }) => {
                RegistryAuth::Basic(user.clone(), password.expose_secret().to_owned())
            }
        }
    }

    /// As whom it was asked.
    pub(super) fn whom(&self) -> String {
        match &self.who {
            None => "anybody who doesn't log in".to_owned(),
            Some(Credentials { user, from, .. }) => format!("the user `{user}` (by {from})"),
        }
    }

    /// What to do where that isn't enough.
    pub(super) fn advice(&self, registry: &str) -> String {
        let hint = self.hint.as_ref().map(|hint| format!("{hint}; "));
        let hint = hint.unwrap_or_default();
        let set = format!(
            "{hint}set {USER} and {PASSWORD}, or log in with `docker login {registry}`; many registries \
             refuse so what isn't there, too"
        );
        match self.who {
            None => set,
            Some(_) => format!(
                "look whether user and password (or token) are right and may do that; {set}"
            ),
        }
    }
}

fn hinted(hint: String) -> Login {
    Login {
        who: None,
        hint: Some(hint),
    }
}

/// Where `docker login` writes.
fn docker_config(environment: &Environment) -> Option<PathBuf> {
    let folder = match environment.get("DOCKER_CONFIG") {
        Some(folder) => PathBuf::from(folder),
        None => Path::new(environment.get("HOME")?).join(".docker"),
    };
    Some(folder.join("config.json"))
}

fn of_file(path: &Path, registry: &str) -> Login {
    let unusable = |reason: String| hinted(format!("{} can't be used: {reason}", path.display()));
    let text = match std::fs::read(path) {
        Ok(text) => text,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Login::anonymous(),
        Err(e) => return unusable(e.to_string()),
    };
    // What serde says of a wrong value may quote it, and it may be a password.
    let Ok(config) = serde_json::from_slice::<DockerConfig>(&text) else {
        return unusable("it isn't the JSON that `docker login` writes".to_owned());
    };
    let named = |name: &str| host(name) == host(registry);
    let entry = config.auths.iter().find(|(name, _)| named(name));
    let entry = entry.map(|(_, entry)| entry);
    if let Some(auth) = entry.and_then(|entry| entry.auth.as_ref()) {
        return match decoded(auth) {
            Some((user, password)) => Login {
                who: Some(Credentials {
                    user,
                    password,
                    from: path.display().to_string(),
                }),
                hint: None,
            },
            None => unusable(format!(
                "`auth` of {registry} is no user:password in base64"
            )),
        };
    }
    let helper = config.cred_helpers.iter().find(|(name, _)| named(name));
    let helper = helper
        .map(|(_, helper)| helper)
        .or(config.creds_store.as_ref());
    match (helper, entry) {
        (Some(helper), _) => hinted(format!(
            "{} leaves passwords to docker-credential-{helper}, which isn't run",
            path.display()
        )),
        (None, Some(entry)) if entry.identitytoken.is_some() => hinted(format!(
            "{} has an identity token for {registry}, which isn't used",
            path.display()
        )),
        _ => Login::anonymous(),
    }
}

/// The host of a name in that file, which may be an address.
fn host(name: &str) -> &str {
    let name = name.split_once("://").map_or(name, |(_, rest)| rest);
    let host = name.split('/').next().unwrap_or_default();
    match DOCKER.contains(&host) {
        true => DOCKER[0],
        false => host,
    }
}

fn decoded(auth: &SecretString) -> Option<(String, SecretString)> {
    let text = STANDARD.decode(auth.expose_secret()).ok()?;
    let text = String::from_utf8(text).ok()?;
    let (user, password) = text.split_once(':')?;
    Some((user.to_owned(), password.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn login(registry: &str, config: &str) -> Login {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("config.json"), config).unwrap();
        let environment =
            Environment::from_iter([("DOCKER_CONFIG", folder.path().to_str().unwrap())]);
        Login::find(registry, &environment)
    }

    fn basic(user: &str, password: &str) -> RegistryAuth {
        RegistryAuth::Basic(user.to_owned(), password.to_owned())
    }

    #[test]
    fn the_environment_comes_first_and_then_what_docker_login_has_written() {
        // me:pass:word, hub:secret
        let config = r#"{"auths": {"ghcr.io": {"auth": "bWU6cGFzczp3b3Jk"},
            "https://index.docker.io/v1/": {"auth": "aHViOnNlY3JldA=="}, "other.example": {}}}"#;
        let auth = |registry| login(registry, config).auth();
        assert_eq!(auth("ghcr.io"), basic("me", "pass:word"));
        assert_eq!(auth("docker.io"), basic("hub", "secret"));
        assert_eq!(auth("other.example"), RegistryAuth::Anonymous);
        assert_eq!(auth("ghcr.io.example"), RegistryAuth::Anonymous);
        let given =
            Environment::from_iter([(USER, "u"), (PASSWORD, "p"), ("DOCKER_CONFIG", "/nowhere")]);
        assert_eq!(Login::find("ghcr.io", &given).auth(), basic("u", "p"));
    }

    #[test]
    fn what_cannot_be_used_is_said_when_it_is_missed() {
        for (config, why) in [
            (
                r#"{"credsStore": "desktop"}"#,
                "docker-credential-desktop, which isn't run",
            ),
            (
                r#"{"credHelpers": {"ghcr.io": "gh"}}"#,
                "docker-credential-gh, which isn't run",
            ),
            (
                r#"{"auths": {"ghcr.io": {"identitytoken": "t"}}}"#,
                "identity token",
            ),
            (
                r#"{"auths": {"ghcr.io": {"auth": "hunter2!"}}}"#,
                "no user:password in base64",
            ),
            (r#"{"auths": {"ghcr.io": {"auth": 5}}}"#, "isn't the JSON"),
            (r#"{"auths": {}}"#, "set WELLHEAD_OCI_USER"),
        ] {
            let login = login("ghcr.io", config);
            assert_eq!(login.auth(), RegistryAuth::Anonymous);
            let said = login.advice("ghcr.io");
            assert!(said.contains(why), "{said}");
            assert!(!said.contains("hunter2"), "{said}");
        }
        let half = Environment::from_iter([(USER, "u")]);
        assert!(
            Login::find("ghcr.io", &half)
                .advice("ghcr.io")
                .contains("only one of")
        );
    }

    #[test]
    fn a_password_is_never_shown() {
        let given = Environment::from_iter([(USER, "u"), (PASSWORD, "hunter2")]);
        let login = Login::find("ghcr.io", &given);
        let all = format!("{login:?} {} {}", login.whom(), login.advice("ghcr.io"));
        assert!(all.contains("`u`") && !all.contains("hunter2"), "{all}");
    }
}
