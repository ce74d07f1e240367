//! Who may do what: tokens in a file of the data folder, as hashes.
//!
//! A token's secret has 256 bits of entropy, so that a plain SHA-256 of it can be kept: there is
//! nothing to guess. Who can read the file can't make a token of it.

use std::fmt;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq;

/// What a token's text begins with, so that scanners of secrets find it.
const PREFIX: &str = "wellhead_";

/// What somebody may do; each may also what those before it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Look at everything.
    Read,
    /// Start, steer, stop and delete emulations.
    Operate,
    /// Add and remove generators.
    Admin,
}

impl Role {
    /// The role of that name.
    pub fn named(name: &str) -> Option<Role> {
        let all = [Role::Read, Role::Operate, Role::Admin];
        all.into_iter().find(|role| role.to_string() == name)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Role::Read => "read",
            Role::Operate => "operate",
            Role::Admin => "admin",
        })
    }
}

/// A token as it is kept.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Token {
    /// What it is called in lists and in the audit.
    pub id: String,
    /// What it allows.
    pub role: Role,
    /// SHA-256 of its secret, in hex.
    pub hash: String,
    /// When it was made.
    pub created: jiff::Timestamp,
    /// When it ends to be valid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<jiff::Timestamp>,
}

/// Why the tokens can't be read or written.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The file can't be used.
    #[error("the tokens in {path} can't be used: {reason}")]
    File {
        /// Which file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// There is no such token.
    #[error("there is no token {0}; `wellhead token list` shows those that there are")]
    Unknown(String),
    /// The system gives no random numbers, or no time.
    #[error("no token can be made: {0}")]
    System(String),
}

/// The tokens of a data folder.
#[derive(Debug)]
pub struct Tokens {
    path: PathBuf,
    read: Mutex<Read>,
}

/// What the file said when it was read.
#[derive(Debug, Default)]
struct Read {
    at: Option<SystemTime>,
    tokens: Arc<Vec<Token>>,
}

impl Tokens {
    /// Those of a data folder, which need not have any.
    pub fn of(data: &Path) -> Tokens {
        Tokens {
            path: data.join("tokens.json"),
            read: Mutex::default(),
        }
    }

    /// All of them, expired ones too; a change of the file shows at once.
    ///
    /// # Errors
    /// Where the file can't be read or isn't what was written: then nobody may come in.
    pub fn list(&self) -> Result<Arc<Vec<Token>>, TokenError> {
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        let changed = match std::fs::metadata(&self.path) {
            Ok(there) => there.modified().ok(),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
                *read = Read::default();
                return Ok(Arc::default());
            }
            Err(e) => return Err(self.failed(e)),
        };
        if changed.is_none() || read.at != changed {
            let text = std::fs::read(&self.path).map_err(|e| self.failed(e))?;
            let tokens = serde_json::from_slice(&text).map_err(|e| self.failed(e))?;
            read.tokens = Arc::new(tokens);
            read.at = changed;
        }
        Ok(Arc::clone(&read.tokens))
    }

    /// Makes one. Gives its text, which is nowhere kept.
    ///
    /// # Errors
    /// Where the file can't be written.
    pub fn add(&self, role: Role, expires: Option<jiff::Timestamp>) -> Result<String, TokenError> {
        let mut secret = [0; 32];
        let drawn = getrandom::fill(&mut secret).and_then(|()| getrandom::u32());
        let id = drawn.map_err(|e| TokenError::System(e.to_string()))?;
        let (id, secret) = (format!("{id:08x}"), hex::encode(secret));
        let mut tokens = self.list()?.to_vec();
        tokens.push(Token {
            id: id.clone(),
            role,
            hash: hash(&secret),
            created: jiff::Timestamp::now(),
            expires,
        });
        self.write(&tokens)?;
        Ok(format!("{PREFIX}{id}_{secret}"))
    }

    /// Takes one away: it isn't valid any more, also for a server that runs.
    ///
    /// # Errors
    /// Where there is none of that name, or the file can't be written.
    pub fn revoke(&self, id: &str) -> Result<(), TokenError> {
        let mut tokens = self.list()?.to_vec();
        let before = tokens.len();
        tokens.retain(|token| token.id != id);
        match tokens.len() == before {
            true => Err(TokenError::Unknown(id.to_owned())),
            false => self.write(&tokens),
        }
    }

    fn write(&self, tokens: &[Token]) -> Result<(), TokenError> {
        let folder = self.path.parent().unwrap_or(Path::new("."));
        let written = || -> std::io::Result<()> {
            std::fs::create_dir_all(folder)?;
            // Readable by its owner alone, and whole or as before.
            let mut file = tempfile::NamedTempFile::new_in(folder)?;
            serde_json::to_writer_pretty(&mut file, tokens)?;
            file.write_all(b"\n")?;
            file.as_file().sync_all()?;
            file.persist(&self.path).map_err(|e| e.error)?;
            Ok(())
        };
        written().map_err(|e| self.failed(e))
    }

    fn failed(&self, reason: impl fmt::Display) -> TokenError {
        TokenError::File {
            path: self.path.clone(),
            reason: reason.to_string(),
        }
    }
}

/// Which of `tokens` a text is, where that one is valid at `now`.
pub fn find<'a>(tokens: &'a [Token], text: &str, now: jiff::Timestamp) -> Option<&'a Token> {
    let (id, secret) = text.strip_prefix(PREFIX)?.split_once('_')?;
    let given = hash(secret);
    let mut found = None;
    // Each is compared in the same time, whether it is the one or not.
    for token in tokens {
        let same = token.hash.as_bytes().ct_eq(given.as_bytes());
        if bool::from(same) && token.id == id {
            found = Some(token);
        }
    }
    found.filter(|token| token.expires.is_none_or(|end| now < end))
}

/// Whether a text says that it is a token of ours.
pub fn is_ours(text: &str) -> bool {
    text.starts_with(PREFIX)
}

fn hash(secret: &str) -> String {
    hex::encode(Sha256::digest(secret.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_valid_until_it_expires_or_is_revoked() {
        let folder = tempfile::tempdir().unwrap();
        let tokens = Tokens::of(folder.path());
        assert!(tokens.list().unwrap().is_empty());
        let now = jiff::Timestamp::from_second(1_000).unwrap();
        let later = jiff::Timestamp::from_second(2_000).unwrap();
        let lasting = tokens.add(Role::Admin, None).unwrap();
        let passing = tokens.add(Role::Read, Some(later)).unwrap();
        let role =
            |text: &str, now| find(&tokens.list().unwrap(), text, now).map(|token| token.role);
        assert_eq!(role(&lasting, later), Some(Role::Admin));
        assert_eq!(role(&passing, now), Some(Role::Read));
        assert_eq!(role(&passing, later), None);
        let id = lasting.split('_').nth(1).unwrap();
        let forged = lasting.replace(id, "00000000");
        for wrong in [
            "",
            "wellhead_",
            "wellhead_a_b",
            &forged,
            &lasting[..lasting.len() - 1],
        ] {
            assert_eq!(role(wrong, now), None, "{wrong}");
        }
        let kept = std::fs::read_to_string(folder.path().join("tokens.json")).unwrap();
        assert!(
            !kept.contains(lasting.rsplit('_').next().unwrap()),
            "{kept}"
        );
        tokens.revoke(id).unwrap();
        assert_eq!(role(&lasting, now), None);
        let said = tokens.revoke("beef").unwrap_err().to_string();
        assert!(said.contains("there is no token beef"), "{said}");
        std::fs::write(folder.path().join("tokens.json"), "[{").unwrap();
        assert!(tokens.list().is_err());
    }
}
