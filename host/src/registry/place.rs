//! Where a component lies in a registry, as people write it.

use std::fmt;
use std::net::IpAddr;

use oci_client::Reference;

use super::RegistryError;

/// Over TLS, but for a registry on this machine.
const SECURE: &str = "oci://";
/// Without TLS, since somebody says so.
const PLAIN: &str = "oci+http://";

/// A repository with a tag or a digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    pub(super) reference: Reference,
    /// Whether it is spoken to without TLS.
    pub(super) plain: bool,
    /// Whether that was written.
    written_plain: bool,
}

impl Place {
    /// Whether that means a registry at all, and not a file.
    pub fn is_meant(text: &str) -> bool {
        text.starts_with(SECURE) || text.starts_with(PLAIN)
    }

    /// What is to be fetched: it has to say which, by a tag or a digest.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn of(text: &str) -> Result<Place, RegistryError> {
        let place = Place::parse(text)?;
        match named(text) {
            true => Ok(place),
            false => Err(wrong(text, "it doesn't say which version".to_owned())),
        }
    }

    /// Where something is published: under a tag, which is the version where none is written.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn to(text: &str, version: &semver::Version) -> Result<Place, RegistryError> {
        let place = match named(text) {
            true => Place::parse(text)?,
            // A tag has no `+`, and a version's is written so by others too.
            false => Place::parse(&format!("{text}:{}", version.to_string().replace('+', "_")))?,
        };
        match place.reference.digest() {
            None => Ok(place),
            Some(_) => Err(wrong(
                text,
                "something is published under a tag, and gets its digest by that".to_owned(),
            )),
        }
    }

    fn parse(text: &str) -> Result<Place, RegistryError> {
        let written_plain = text.starts_with(PLAIN);
        let rest = text.strip_prefix(PLAIN).or(text.strip_prefix(SECURE));
        let rest = rest.unwrap_or(text);
        // A name alone would else be one of somebody else's registry.
        let Some((registry, _)) = rest.split_once('/').filter(|(host, _)| is_host(host)) else {
            let reason = "a registry's host has to come first, and `/`".to_owned();
            return Err(wrong(text, reason));
        };
        let plain = written_plain || is_loopback(registry);
        let reference = rest.parse().map_err(|e| wrong(text, format!("{e}")))?;
        Ok(Place {
            reference,
            plain,
            written_plain,
        })
    }

    /// The registry's host, and port.
    pub fn registry(&self) -> &str {
        self.reference.registry()
    }

    /// The same by the digest of its manifest, which never means anything else.
    pub fn pinned(&self, manifest: &str) -> Place {
        Place {
            reference: self.reference.clone_with_digest(manifest.to_owned()),
            ..self.clone()
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.written_plain { PLAIN } else { SECURE };
        write!(f, "{scheme}{}", self.reference)
    }
}

/// Whether there is a tag or a digest: a `:` before the last `/` is a port's.
fn named(text: &str) -> bool {
    let last = text.rsplit('/').next().unwrap_or_default();
    last.contains([':', '@'])
}

fn is_host(text: &str) -> bool {
    text == "localhost" || text.contains(['.', ':'])
}

fn is_loopback(registry: &str) -> bool {
    let host = registry.split(':').next().unwrap_or_default();
    host == "localhost" || host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
}

fn wrong(text: &str, reason: String) -> RegistryError {
    RegistryError::Place {
        place: text.to_owned(),
        reason,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    #[test]
    fn tls_is_left_out_on_this_machine_or_where_it_is_written() {
        for (text, plain) in [
            ("oci://ghcr.io/me/meter:1.0.0", false),
            ("oci://localhost.example/me/meter:1", false),
            ("oci://127.0.0.1.example:5000/me/meter:1", false),
            ("oci://localhost:5000/me/meter:1", true),
            ("oci://localhost/me/meter:1", true),
            ("oci://127.0.0.1:5000/meter:1", true),
            ("oci+http://registry.example:5000/me/meter:1", true),
        ] {
            assert!(Place::is_meant(text));
            let place = Place::of(text).unwrap();
            assert_eq!((place.plain, place.to_string().as_str()), (plain, text));
        }
        assert!(!Place::is_meant("./oci.wasm") && !Place::is_meant("oci:/x"));
    }

    #[test]
    fn what_names_nothing_is_refused() {
        let pinned = format!("oci://ghcr.io/me/meter@{DIGEST}");
        assert_eq!(Place::of(&pinned).unwrap().to_string(), pinned);
        for (text, why) in [
            ("oci://", "host has to come first"),
            ("oci://meter:1.0.0", "host has to come first"),
            ("oci://me/meter:1.0.0", "host has to come first"),
            ("oci://ghcr.io/me/meter", "which version"),
            ("oci://ghcr.io:443/me/meter", "which version"),
            ("oci://ghcr.io/:1", "invalid"),
            ("oci://ghcr.io/Me/meter:1", "invalid"),
            ("oci://ghcr.io/me/meter@sha256:0123", "invalid"),
            ("oci://ghcr.io/me/meter:a b", "invalid"),
        ] {
            let said = Place::of(text).unwrap_err().to_string();
            assert!(said.contains(why) && said.contains(text), "{said}");
            assert!(said.contains("oci://REGISTRY/REPOSITORY:TAG"), "{said}");
        }
    }

    #[test]
    fn the_tag_is_the_version_where_none_is_written() {
        let version = "1.2.3-rc.1+5".parse().unwrap();
        let to = |text| Place::to(text, &version).map(|place| place.to_string());
        let tagged = to("oci://ghcr.io:443/me/meter").unwrap();
        assert_eq!(tagged, "oci://ghcr.io:443/me/meter:1.2.3-rc.1_5");
        assert_eq!(
            to("oci://ghcr.io/me/meter:edge").unwrap(),
            "oci://ghcr.io/me/meter:edge"
        );
        let said = to(&format!("oci://ghcr.io/me/meter@{DIGEST}")).unwrap_err();
        assert!(said.to_string().contains("under a tag"));
    }
}
