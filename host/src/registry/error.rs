//! What can go wrong with a registry, said so that it is known what to do.

use std::error::Error;
use std::time::Duration;

use oci_client::errors::{OciDistributionError, OciEnvelope, OciErrorCode};

use super::Registry;
use crate::plugin::Bytes;

/// Characters of what a registry says that are shown.
const SHOWN: usize = 200;

/// What went wrong with a registry. Nothing of a component is kept then.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RegistryError {
    /// Not an address of a component.
    #[error(
        "`{place}` names no component: {reason}; write oci://REGISTRY/REPOSITORY:TAG, or …@sha256:DIGEST"
    )]
    Place {
        /// As it was given.
        place: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Nobody answers.
    #[error("no answer from the registry {registry}: {reason}; {advice}")]
    Unreachable {
        /// Host and port.
        registry: String,
        /// What the system or the client says.
        reason: String,
        /// What to look at.
        advice: String,
    },
    /// It lets nobody in, or not this one.
    #[error("{registry} refuses {whom}{}: {advice}", said(.reason))]
    Denied {
        /// Host and port.
        registry: String,
        /// As whom it was asked, for what.
        whom: String,
        /// In the registry's words.
        reason: String,
        /// How to be let in.
        advice: String,
    },
    /// There is no such repository, tag or digest.
    #[error(
        "there is no {place}{}; look whether repository and tag (or digest) are written as they were published", said(.reason)
    )]
    Missing {
        /// As it was given.
        place: String,
        /// In the registry's words.
        reason: String,
    },
    /// Something else than a component.
    #[error(
        "{place} is {found}, and a component is needed: one layer of media type application/wasm, as `wellhead plugin push` and `wkg oci push` publish it"
    )]
    NoComponent {
        /// As it was given.
        place: String,
        /// What it is.
        found: String,
    },
    /// Longer than a component may be, as its manifest says.
    #[error("{place} has {}, and the limit of a component is {}; nothing of it was fetched", Bytes(usize::try_from(*.bytes).unwrap_or(usize::MAX)), Bytes(*.limit))]
    TooLarge {
        /// As it was given.
        place: String,
        /// In bytes.
        bytes: u64,
        /// In bytes.
        limit: usize,
    },
    /// Not what its digest or its manifest says.
    #[error(
        "what the registry sent for {place} is not what was asked for: {reason}; try again, and where it stays so, don't use it: it was damaged or replaced"
    )]
    Altered {
        /// As it was given.
        place: String,
        /// What differs.
        reason: String,
    },
    /// It broke off.
    #[error("{place} broke off after {}: {reason}; try again", Bytes(*.received))]
    CutOff {
        /// As it was given.
        place: String,
        /// In bytes.
        received: usize,
        /// What the transport says.
        reason: String,
    },
    /// It took too long.
    #[error("{place} was given up after {time:?}; try again over a faster connection")]
    Slow {
        /// As it was given.
        place: String,
        /// How long.
        time: Duration,
    },
    /// It answers something else.
    #[error("the registry {registry} gives no usable answer: {reason}; {advice}")]
    Odd {
        /// Host and port.
        registry: String,
        /// What came.
        reason: String,
        /// What to look at.
        advice: String,
    },
}

impl Registry {
    pub(super) fn failed(&self, error: OciDistributionError) -> RegistryError {
        use OciDistributionError as Oci;
        match error {
            Oci::RequestError(error) => self.unreachable(&error.without_url()),
            Oci::UnauthorizedError { .. } => self.denied(""),
            Oci::AuthenticationFailure(said) => self.denied(&said),
            Oci::RegistryError { envelope, .. } => self.refused(&envelope),
            Oci::ServerError {
                code: 401 | 403,
                message,
                ..
            } => self.denied(&message),
            Oci::ServerError {
                code: 404, message, ..
            } => self.missing(&message),
            Oci::ServerError { code, message, .. } => {
                self.odd(format!("status {code}{}", said(&printable(&message))))
            }
            Oci::DigestError(error) => self.altered(&error),
            Oci::UnsupportedSchemaVersionError(_)
            | Oci::UnsupportedMediaTypeError(_)
            | Oci::ManifestParsingError(_)
            | Oci::VersionedParsingError(_) => {
                let why = printable(&error.to_string());
                self.no_component(format!("something without a manifest of an image ({why})"))
            }
            other => self.odd(printable(&other.to_string())),
        }
    }

    /// What a registry refuses, by its own word for it.
    fn refused(&self, envelope: &OciEnvelope) -> RegistryError {
        let said = envelope.errors.iter().map(|error| error.message.clone());
        let said = said.collect::<Vec<_>>().join("; ");
        let has = |codes: &[OciErrorCode]| envelope.errors.iter().any(|e| codes.contains(&e.code));
        use OciErrorCode as Code;
        if has(&[Code::Unauthorized, Code::Denied]) {
            self.denied(&said)
        } else if has(&[
            Code::ManifestUnknown,
            Code::NameUnknown,
            Code::NotFound,
            Code::BlobUnknown,
            Code::ManifestBlobUnknown,
        ]) {
            self.missing(&said)
        } else {
            let codes = envelope.errors.iter().map(|e| format!("{:?}", e.code));
            self.odd(printable(&format!("{} ({said})", listed(codes))))
        }
    }

    fn unreachable(&self, error: &reqwest::Error) -> RegistryError {
        let plain = match self.place.plain {
            true => "",
            false => {
                " (it is spoken to over TLS; one without is written oci+http://, unless it is on this machine)"
            }
        };
        RegistryError::Unreachable {
            registry: self.place.registry().to_owned(),
            reason: chain(error),
            advice: format!("is the host right, and does a registry listen there?{plain}"),
        }
    }

    fn denied(&self, reason: &str) -> RegistryError {
        RegistryError::Denied {
            registry: self.place.registry().to_owned(),
            whom: format!("{} at {}", self.login.whom(), self.place),
            reason: printable(reason),
            advice: self.login.advice(self.place.registry()),
        }
    }

    fn missing(&self, reason: &str) -> RegistryError {
        RegistryError::Missing {
            place: self.place.to_string(),
            reason: printable(reason),
        }
    }

    pub(super) fn no_component(&self, found: String) -> RegistryError {
        RegistryError::NoComponent {
            place: self.place.to_string(),
            found,
        }
    }

    pub(super) fn altered(&self, error: &dyn Error) -> RegistryError {
        RegistryError::Altered {
            place: self.place.to_string(),
            reason: printable(&error.to_string()),
        }
    }

    pub(super) fn odd(&self, reason: String) -> RegistryError {
        RegistryError::Odd {
            registry: self.place.registry().to_owned(),
            reason,
            advice: "is it a registry, and is it well? Try again later".to_owned(),
        }
    }
}

/// In parentheses, where anything was said.
fn said(reason: &str) -> String {
    match reason {
        "" => String::new(),
        reason => format!(" ({reason})"),
    }
}

/// An error with what it comes from.
pub(super) fn chain(error: &dyn Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {}", chain(source)),
        None => error.to_string(),
    }
}

/// What somebody else says, so that it can be shown on a terminal: one short line.
pub(super) fn printable(text: &str) -> String {
    let line = text.trim().replace(['\n', '\t'], " ");
    let mut shown: String = line.chars().take(SHOWN).collect();
    if shown.len() < line.len() {
        shown.push('…');
    }
    shown.replace(|c: char| c.is_control(), "?")
}

pub(super) fn listed(items: impl Iterator<Item = String>) -> String {
    items.collect::<Vec<_>>().join(", ")
}
