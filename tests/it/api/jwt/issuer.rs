//! Somebody who issues tokens: keys made here, and what is signed with them.

use std::process::Command;

use ring::rand::SystemRandom;
use ring::rsa;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256,
};
use serde_json::{Value, json};

/// Keys of each kind that is taken.
pub struct Issuer {
    rsa: rsa::KeyPair,
    ec: EcdsaKeyPair,
    ed: Ed25519KeyPair,
    random: SystemRandom,
}

impl Issuer {
    pub fn new() -> Issuer {
        let random = SystemRandom::new();
        // ring makes no RSA keys.
        let made = Command::new("openssl")
            .args([
                "genpkey",
                "-algorithm",
                "RSA",
                "-pkeyopt",
                "rsa_keygen_bits:2048",
            ])
            .args(["-outform", "DER"])
            .output()
            .unwrap();
        let rsa = rsa::KeyPair::from_der(&made.stdout)
            .or_else(|_| rsa::KeyPair::from_pkcs8(&made.stdout))
            .unwrap();
        let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let ec = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
        let ed = Ed25519KeyPair::generate_pkcs8(&random).unwrap();
        Issuer {
            rsa,
            ec: EcdsaKeyPair::from_pkcs8(algorithm, ec.as_ref(), &random).unwrap(),
            ed: Ed25519KeyPair::from_pkcs8(ed.as_ref()).unwrap(),
            random,
        }
    }

    /// The public keys, their names ending in `mark`.
    pub fn keys(&self, mark: &str) -> Value {
        let public = rsa::PublicKeyComponents::<Vec<u8>>::from(self.rsa.public());
        let point = &self.ec.public_key().as_ref()[1..];
        json!({"keys": [
            {"kty": "RSA", "kid": format!("rsa{mark}"), "use": "sig", "alg": "RS256", "n": base64(&public.n), "e": base64(&public.e)},
            {"kty": "EC", "kid": format!("ec{mark}"), "crv": "P-256", "x": base64(&point[..32]), "y": base64(&point[32..])},
            {"kty": "OKP", "kid": format!("ed{mark}"), "crv": "Ed25519", "x": base64(self.ed.public_key().as_ref())},
        ]})
    }

    /// A token with that header, signed as its `alg` says where that is one of ours.
    pub fn sign(&self, header: &Value, claims: &Value) -> String {
        let parts = (
            base64(header.to_string().as_bytes()),
            base64(claims.to_string().as_bytes()),
        );
        let message = format!("{}.{}", parts.0, parts.1);
        let bytes = message.as_bytes();
        let signed = match header["alg"].as_str().unwrap() {
            "RS256" => {
                let mut signed = vec![0; self.rsa.public().modulus_len()];
                self.rsa
                    .sign(&RSA_PKCS1_SHA256, &self.random, bytes, &mut signed)
                    .unwrap();
                signed
            }
            "ES256" => self.ec.sign(&self.random, bytes).unwrap().as_ref().to_vec(),
            "EdDSA" => self.ed.sign(bytes).as_ref().to_vec(),
            "HS256" => {
                // The public key as a secret: what some verifiers took.
                let point = self.ec.public_key().as_ref();
                let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, point);
                ring::hmac::sign(&key, bytes).as_ref().to_vec()
            }
            _ => Vec::new(),
        };
        format!("{message}.{}", base64(&signed))
    }
}

/// As JWTs write it: for URLs, without padding.
pub fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let all = chunk
            .iter()
            .fold(0_u32, |all, byte| all << 8 | u32::from(*byte));
        let all = all << (8 * (3 - chunk.len()));
        for n in 0..=chunk.len() {
            let letter = (all >> (18 - 6 * n)) & 63;
            text.push(char::from(LETTERS[letter as usize]));
        }
    }
    text
}
