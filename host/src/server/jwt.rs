//! Tokens that somebody else issues: JSON Web Tokens (RFC 7519), signed with keys that the settings name.
//!
//! What a token says of itself is believed only after its signature holds under a key of ours. The key
//! says which algorithm that is, never the token; no address in a token is ever gone to.

mod keys;
mod verify;

use std::fmt;

use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Validation, decode, decode_header};
use serde_json::Value;

use super::tokens::Role;
use keys::Keys;

/// The claim that names a role where the settings name no other.
pub const ROLE_CLAIM: &str = "wellhead_role";
/// Before the name of a role in any other claim, which other services use too.
const PREFIX: &str = "wellhead:";
/// Seconds that the issuer's clock and ours may differ.
const LEEWAY: u64 = 30;
/// Bytes of a token: many times what issuers give.
const LONGEST: usize = 16 << 10;
/// Bytes of a subject, which the audit keeps.
const SUBJECT: usize = 255;

/// Whose tokens are taken.
#[derive(Clone, Debug)]
pub struct JwtOptions {
    /// What `iss` has to be.
    pub issuer: String,
    /// What `aud` has to be, or hold.
    pub audience: String,
    /// The file, or the address, of the issuer's keys (a JWK set).
    pub keys: String,
    /// The claim that names the role, or a pointer to it (`/realm_access/roles`).
    pub role_claim: String,
}

/// Whose a token is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The token's `sub`.
    pub subject: String,
    /// What it allows.
    pub role: Role,
}

/// Why a token isn't taken, or none can be.
#[derive(Debug, thiserror::Error)]
pub enum JwtError {
    /// It isn't valid.
    #[error("that token isn't valid: {0}")]
    Refused(String),
    /// It is valid, and allows nothing here.
    #[error(
        "the token's claim `{claim}` names no role: it takes {} read, operate or admin",
        Named(.claim)
    )]
    Roleless {
        /// Which claim.
        claim: String,
    },
    /// The issuer's keys aren't at hand.
    #[error(
        "the issuer's keys can't be had now, so no token of its can be checked; try again in a while"
    )]
    Keyless,
    /// The settings are wrong.
    #[error("[server.jwt] keys = \"{keys}\": {reason}")]
    Keys {
        /// As the settings say.
        keys: String,
        /// What is wrong.
        reason: String,
    },
}

/// How a claim spells a role.
struct Named<'a>(&'a str);

impl fmt::Display for Named<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            ROLE_CLAIM => f.write_str("one of"),
            _ => f.write_str("`wellhead:` before one of"),
        }
    }
}

/// See the module.
#[derive(Debug)]
pub struct Jwt {
    options: JwtOptions,
    keys: Keys,
}

impl Jwt {
    /// Reads the keys. Where they lie at an address that doesn't answer, that is logged, and they are
    /// fetched once a token needs them: emulations go on without whoever issues tokens.
    ///
    /// # Errors
    /// A file that can't be read or holds no key, an address that isn't to be trusted.
    pub async fn open(options: JwtOptions) -> Result<Jwt, JwtError> {
        verify::install();
        let keys = Keys::open(&options.keys).await?;
        Ok(Jwt { options, keys })
    }

    /// Reads the keys again; those from before stay where that fails.
    ///
    /// # Errors
    /// Why it failed.
    pub async fn reload(&self) -> Result<(), JwtError> {
        self.keys.reload().await
    }

    /// Whose a token is.
    ///
    /// # Errors
    /// Where it isn't valid, or allows nothing here, or the keys can't be had.
    pub async fn identity(&self, text: &str) -> Result<Identity, JwtError> {
        if text.len() > LONGEST {
            return refused("it is too long");
        }
        let Ok(header) = decode_header(text) else {
            return refused(
                "its header can't be read; what is taken is a JWT that is signed with RS256, ES256 or EdDSA",
            );
        };
        // What an extension would change of the token's meaning isn't known here.
        if header.crit.is_some_and(|critical| !critical.is_empty()) {
            return refused("it takes extensions (`crit`) that there are none of here");
        }
        let Some(key) = self.keys.find(header.kid.as_deref()).await? else {
            return refused("its key (`kid`) is none of the issuer's");
        };
        let mut wanted = Validation::new(key.algorithm);
        wanted.leeway = LEEWAY;
        wanted.validate_nbf = true;
        wanted.set_issuer(&[&self.options.issuer]);
        wanted.set_audience(&[&self.options.audience]);
        wanted.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        let claims = match decode::<Value>(text, &key.key, &wanted) {
            Ok(token) => token.claims,
            Err(error) => return refused(&reason(error.kind())),
        };
        let subject = claims
            .get("sub")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let fits = !subject.is_empty() && subject.len() <= SUBJECT;
        if !fits || subject.chars().any(char::is_control) {
            return refused("its subject (`sub`) has to be 1 to 255 bytes that can be shown");
        }
        let role = role(&claims, &self.options.role_claim);
        let role = role.ok_or_else(|| JwtError::Roleless {
            claim: self.options.role_claim.clone(),
        })?;
        Ok(Identity {
            subject: subject.to_owned(),
            role,
        })
    }
}

fn refused<T>(why: &str) -> Result<T, JwtError> {
    Err(JwtError::Refused(why.to_owned()))
}

/// What is wrong with a token, in words that hold nothing of it.
fn reason(kind: &ErrorKind) -> String {
    let said = match kind {
        ErrorKind::ExpiredSignature => "it has expired",
        ErrorKind::ImmatureSignature => "its time hasn't come (`nbf`)",
        ErrorKind::InvalidAudience => "it is for another audience (`aud`)",
        ErrorKind::InvalidIssuer => "somebody else issued it (`iss`)",
        ErrorKind::InvalidSignature => "its signature doesn't hold",
        ErrorKind::InvalidAlgorithm | ErrorKind::InvalidKeyFormat => {
            "its algorithm (`alg`) isn't the one of its key"
        }
        ErrorKind::MissingRequiredClaim(claim) => {
            return format!("it has no claim `{claim}`, or none that can be read");
        }
        _ => "it can't be read",
    };
    said.to_owned()
}

/// The highest role that a claim names: a word, words with spaces between them, or a list.
fn role(claims: &Value, claim: &str) -> Option<Role> {
    let value = match claim.starts_with('/') {
        true => claims.pointer(claim),
        false => claims.get(claim),
    };
    let named = |word: &str| match (word.strip_prefix(PREFIX), claim) {
        (Some(name), _) => Role::named(name),
        (None, ROLE_CLAIM) => Role::named(word),
        // `read` in a scope may be about anything.
        (None, _) => None,
    };
    match value? {
        Value::String(words) => words.split_whitespace().filter_map(named).max(),
        Value::Array(words) => words
            .iter()
            .filter_map(Value::as_str)
            .filter_map(named)
            .max(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_claim_names_the_highest_of_its_roles() {
        for (claims, claim, expected) in [
            (
                json!({"wellhead_role": "operate"}),
                ROLE_CLAIM,
                Some(Role::Operate),
            ),
            (
                json!({"wellhead_role": ["read", "wellhead:admin"]}),
                ROLE_CLAIM,
                Some(Role::Admin),
            ),
            (json!({"wellhead_role": "root"}), ROLE_CLAIM, None),
            (json!({"wellhead_role": {"admin": true}}), ROLE_CLAIM, None),
            (
                json!({"scope": "openid wellhead:read"}),
                "scope",
                Some(Role::Read),
            ),
            // Of another service, which has the same words.
            (json!({"scope": "openid admin"}), "scope", None),
            (
                json!({"realm_access": {"roles": ["x", "wellhead:operate"]}}),
                "/realm_access/roles",
                Some(Role::Operate),
            ),
            (json!({}), "scope", None),
        ] {
            assert_eq!(role(&claims, claim), expected, "{claims} {claim}");
        }
    }
}
