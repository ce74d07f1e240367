//! The issuer's keys: where they are from, and how old they may be.

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use jsonwebtoken::jwk::{
    AlgorithmParameters, EllipticCurve, Jwk, JwkSet, KeyAlgorithm, PublicKeyUse,
};
use jsonwebtoken::{Algorithm, DecodingKey};
use url::{Host, Url};

use super::JwtError;

/// After that they are read again.
const FRESH: Duration = Duration::from_secs(15 * 60);
/// After that they aren't believed any more: one that was withdrawn would hold on for as long as nobody answers.
const STALE: Duration = Duration::from_secs(24 * 60 * 60);
/// Not read again before, whatever keys tokens name.
const PAUSE: Duration = Duration::from_secs(5);
/// How long an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(5);
/// Bytes of a JWK set.
const LARGEST: usize = 1 << 20;

/// A public key, and what it is for.
#[derive(Clone, Debug)]
pub(super) struct Key {
    id: Option<String>,
    pub algorithm: Algorithm,
    pub key: DecodingKey,
}

#[derive(Debug)]
enum Source {
    File(PathBuf),
    Address(reqwest::Client, Url),
}

#[derive(Debug)]
pub(super) struct Keys {
    /// As the settings say.
    said: String,
    source: Source,
    /// What was read last, and when.
    held: Mutex<Option<(Vec<Key>, Instant)>>,
    /// When they were last asked for; held while they are.
    asked: tokio::sync::Mutex<Option<Instant>>,
}

impl Keys {
    pub async fn open(said: &str) -> Result<Keys, JwtError> {
        let wrong = |reason: String| JwtError::Keys {
            keys: said.to_owned(),
            reason,
        };
        let source = match said.contains("://") {
            true => address(said).map_err(wrong)?,
            false => Source::File(said.into()),
        };
        let keys = Keys {
            // What some put behind it is nobody's business.
            said: said.split('?').next().unwrap_or_default().to_owned(),
            source,
            held: Mutex::default(),
            asked: tokio::sync::Mutex::default(),
        };
        match (keys.reload().await, &keys.source) {
            (Err(error), Source::File(_)) => return Err(error),
            (Err(error), Source::Address(..)) => tracing::warn!("{error}"),
            (Ok(()), _) => {}
        }
        Ok(keys)
    }

    pub async fn reload(&self) -> Result<(), JwtError> {
        let mut asked = self.asked.lock().await;
        self.read(&mut asked).await
    }

    /// The key of that name; without a name the only one that there is. Where it isn't known, or what is
    /// known is old, the keys are read again, by one request at a time.
    pub async fn find(&self, id: Option<&str>) -> Result<Option<Key>, JwtError> {
        let asked = match self.known(id) {
            Some((Some(key), age)) if age < FRESH => return Ok(Some(key)),
            // Nobody waits for what is good enough.
            Some((Some(_), _)) => self.asked.try_lock().ok(),
            _ => Some(self.asked.lock().await),
        };
        if let Some(mut asked) = asked
            && asked.is_none_or(|last| last.elapsed() >= PAUSE)
            && let Err(error) = self.read(&mut asked).await
        {
            tracing::warn!("{error}");
        }
        match self.known(id) {
            Some((key, _)) => Ok(key),
            None => Err(JwtError::Keyless),
        }
    }

    /// The key, and how old that knowledge is; nothing where nothing is known that can be believed.
    fn known(&self, id: Option<&str>) -> Option<(Option<Key>, Duration)> {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let (keys, read) = held.as_ref().filter(|(_, read)| read.elapsed() < STALE)?;
        let key = match (id, keys.as_slice()) {
            (None, [only]) => Some(only),
            (None, _) => None,
            (Some(id), keys) => keys.iter().find(|key| key.id.as_deref() == Some(id)),
        };
        Some((key.cloned(), read.elapsed()))
    }

    async fn read(&self, asked: &mut Option<Instant>) -> Result<(), JwtError> {
        let text = match &self.source {
            Source::File(path) => tokio::fs::read(path).await.map_err(|e| e.to_string()),
            Source::Address(client, address) => fetch(client, address).await,
        };
        *asked = Some(Instant::now());
        let keys = text.and_then(|text| parse(&text));
        let keys = keys.map_err(|reason| JwtError::Keys {
            keys: self.said.clone(),
            reason,
        })?;
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        *held = Some((keys, Instant::now()));
        Ok(())
    }
}

/// An address whose answer nobody on the way can change, and which holds no secret that a log would show.
fn address(said: &str) -> Result<Source, String> {
    let url = Url::parse(said).map_err(|e| format!("that is no address: {e}"))?;
    let here = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(ip)) => IpAddr::from(ip).is_loopback(),
        Some(Host::Ipv6(ip)) => IpAddr::from(ip).is_loopback(),
        None => false,
    };
    if url.scheme() != "https" && !(here && url.scheme() == "http") {
        return Err("keys are fetched by https alone, or by http from this machine".to_owned());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("public keys take no password; leave it out".to_owned());
    }
    crate::sink::tls::install();
    let client = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(PATIENCE)
        .pool_max_idle_per_host(0)
        .build();
    let client = client.map_err(|e| e.to_string())?;
    Ok(Source::Address(client, url))
}

async fn fetch(client: &reqwest::Client, address: &Url) -> Result<Vec<u8>, String> {
    let failed = |e: reqwest::Error| chain(&e.without_url());
    let answer = client.get(address.clone()).send().await.map_err(failed)?;
    if answer.status() != reqwest::StatusCode::OK {
        return Err(format!("the answer is {}", answer.status()));
    }
    let mut answer = answer;
    let mut text = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(failed)? {
        if text.len() + chunk.len() > LARGEST {
            return Err(format!("the answer has more than {LARGEST} bytes"));
        }
        text.extend_from_slice(&chunk);
    }
    Ok(text)
}

/// An error with what it comes from.
fn chain(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {}", chain(source)),
        None => error.to_string(),
    }
}

fn parse(text: &[u8]) -> Result<Vec<Key>, String> {
    let set: JwkSet =
        serde_json::from_slice(text).map_err(|e| format!("that is no JWK set: {e}"))?;
    let keys: Vec<Key> = set.keys.iter().filter_map(key).collect();
    match keys.is_empty() {
        true => Err("there is no key for RS256, ES256 or EdDSA in it".to_owned()),
        false => Ok(keys),
    }
}

/// One that a signature is checked with. Its type says with which algorithm; secrets (`oct`) are none.
fn key(jwk: &Jwk) -> Option<Key> {
    let algorithm = match &jwk.algorithm {
        AlgorithmParameters::RSA(_) => Algorithm::RS256,
        AlgorithmParameters::EllipticCurve(of) if of.curve == EllipticCurve::P256 => {
            Algorithm::ES256
        }
        AlgorithmParameters::OctetKeyPair(of) if of.curve == EllipticCurve::Ed25519 => {
            Algorithm::EdDSA
        }
        _ => return None,
    };
    let signs = match &jwk.common.public_key_use {
        None | Some(PublicKeyUse::Signature) => true,
        Some(_) => false,
    };
    let other = jwk.common.key_algorithm;
    if !signs || other.is_some_and(|other| other != KeyAlgorithm::from(algorithm)) {
        return None;
    }
    Some(Key {
        id: jwk.common.key_id.clone(),
        algorithm,
        key: DecodingKey::from_jwk(jwk).ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_taken_for_what_their_type_says() {
        let set = br#"{"keys": [
            {"kty": "oct", "kid": "secret", "alg": "HS256", "k": "c2VjcmV0"},
            {"kty": "RSA", "kid": "enc", "use": "enc", "n": "AQAB", "e": "AQAB"},
            {"kty": "RSA", "kid": "pss", "alg": "PS256", "n": "AQAB", "e": "AQAB"},
            {"kty": "EC", "kid": "p384", "crv": "P-384", "x": "AQAB", "y": "AQAB"},
            {"kty": "EC", "kid": "k1", "crv": "secp256k1", "x": "AQAB", "y": "AQAB"},
            {"kty": "OKP", "kid": "x", "crv": "X25519", "x": "AQAB"},
            {"kty": "RSA", "kid": "a", "alg": "RS256", "n": "AQAB", "e": "AQAB"},
            {"kty": "EC", "kid": "b", "use": "sig", "crv": "P-256", "x": "AQAB", "y": "AQAB"},
            {"kty": "OKP", "kid": "c", "crv": "Ed25519", "x": "AQAB"}]}"#;
        let keys = parse(set).unwrap();
        let of: Vec<_> = keys
            .iter()
            .map(|key| (key.id.as_deref().unwrap(), key.algorithm))
            .collect();
        assert_eq!(
            of,
            [
                ("a", Algorithm::RS256),
                ("b", Algorithm::ES256),
                ("c", Algorithm::EdDSA)
            ]
        );
        for (text, why) in [("[]", "no JWK set"), ("{\"keys\": []}", "no key for RS256")] {
            let said = parse(text.as_bytes()).unwrap_err();
            assert!(said.contains(why), "{said}");
        }
    }

    #[test]
    fn keys_come_from_where_nobody_can_change_them() {
        for (said, why) in [
            ("http://id.example/keys", "by https alone"),
            ("http://127.0.0.1.evil.example/keys", "by https alone"),
            ("file:///etc/passwd", "by https alone"),
            ("https://u:p@id.example/keys", "no password"),
            ("://", "no address"),
        ] {
            let refused = address(said).unwrap_err();
            assert!(refused.contains(why), "{said}: {refused}");
        }
        for said in [
            "https://id.example/keys",
            "http://127.0.0.1:8/keys",
            "http://[::1]/keys",
            "http://localhost/k",
        ] {
            assert!(address(said).is_ok(), "{said}");
        }
    }
}
