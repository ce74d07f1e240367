//! Components in OCI registries: `oci://REGISTRY/REPOSITORY:TAG`. The only place that knows their
//! client.
//!
//! For the command line alone: a server that fetched what its callers name would reach for them
//! where they can't.

mod artifact;
mod error;
mod login;
mod place;

use std::time::Duration;

use futures::StreamExt as _;
use oci_client::client::{ClientConfig, ClientProtocol, SizedStream};
use oci_client::errors::DigestError;
use oci_client::secrets::RegistryAuth;
use oci_client::{Client, RegistryOperation};
use reqwest::header::HeaderValue;

pub use artifact::About;
pub use error::RegistryError;
pub use login::Login;
pub use place::Place;

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(10);
/// Longest that nothing may come.
const IDLE: Duration = Duration::from_secs(30);
/// Longest that all may take.
const WHOLE: Duration = Duration::from_secs(600);

/// A component that came out of a registry.
#[derive(Debug)]
pub struct Pulled {
    /// The component, with the digest that its manifest says.
    pub component: Vec<u8>,
    /// SHA-256 of the manifest, `sha256:…`: what `@` is followed by.
    pub manifest: String,
}

/// Where a component lies, and as whom it is asked for.
#[derive(Debug)]
pub struct Registry {
    place: Place,
    login: Login,
}

impl Registry {
    /// Nothing is asked yet.
    pub fn new(place: Place, login: Login) -> Registry {
        Registry { place, login }
    }

    /// Fetches a component of at most `limit` bytes, and checks it against its digests.
    ///
    /// # Errors
    /// Where the registry isn't there or lets nobody in, or there is no such thing in it; where it is no
    /// component, is too long, or isn't what its digests say.
    pub async fn pull(&self, limit: usize) -> Result<Pulled, RegistryError> {
        self.within(async {
            let (client, auth) = self.client(RegistryOperation::Pull).await?;
            let answer = client.pull_manifest(&self.place.reference, &auth).await;
            let (manifest, digest) = answer.map_err(|e| self.failed(e))?;
            let layer = artifact::layer(manifest).map_err(|found| self.no_component(found))?;
            if layer.size > limit as u64 {
                return Err(RegistryError::TooLarge {
                    place: self.place.to_string(),
                    bytes: layer.size,
                    limit,
                });
            }
            // By its digest alone: a descriptor may name other places, and nobody has said that those are to be asked.
            let reference = &self.place.reference;
            let blob = client
                .pull_blob_stream(reference, layer.digest.as_str())
                .await;
            let blob = blob.map_err(|e| self.failed(e))?;
            Ok(Pulled {
                component: self.read(blob, layer.size).await?,
                manifest: digest,
            })
        })
        .await
    }

    /// Publishes a component. Gives the digest of its manifest, which is the same for the same component.
    ///
    /// # Errors
    /// Where the registry isn't there, or doesn't take it.
    pub async fn push(&self, component: Vec<u8>, about: &About) -> Result<String, RegistryError> {
        self.within(async {
            let (client, _) = self.client(RegistryOperation::Push).await?;
            let reference = &self.place.reference;
            let published = artifact::published(component, about);
            for blob in [published.component, published.config] {
                let sent = client.push_blob(reference, blob.bytes, &blob.digest).await;
                sent.map_err(|e| self.failed(e))?;
            }
            let kind = HeaderValue::from_static(artifact::MANIFEST);
            let manifest = published.manifest;
            let sent = client
                .push_manifest_raw(reference, manifest.bytes, kind)
                .await;
            sent.map_err(|e| self.failed(e))?;
            Ok(manifest.digest)
        })
        .await
    }

    /// A client that has said who it is.
    async fn client(
        &self,
        operation: RegistryOperation,
    ) -> Result<(Client, RegistryAuth), RegistryError> {
        crate::sink::tls::install();
        let config = ClientConfig {
            protocol: match self.place.plain {
                true => ClientProtocol::Http,
                false => ClientProtocol::Https,
            },
            connect_timeout: Some(CONNECT),
            // Of a request that sends, it would count the time that sending takes.
            read_timeout: (operation == RegistryOperation::Pull).then_some(IDLE),
            user_agent: concat!("wellhead/", env!("CARGO_PKG_VERSION")),
            platform_resolver: None,
            ..ClientConfig::default()
        };
        let client = Client::try_from(config).map_err(|e| self.failed(e))?;
        let auth = self.login.auth();
        // Asked for by itself, since the requests below go on without a token that isn't given.
        let token = client.auth(&self.place.reference, &auth, operation).await;
        if let Some(token) = token.map_err(|e| self.failed(e))?
            && HeaderValue::try_from(token).is_err()
        {
            return Err(self.odd("its token is no text of a header".to_owned()));
        }
        Ok((client, auth))
    }

    /// Takes a blob in that is to have so many bytes. Its end says whether it has its digest.
    async fn read(&self, mut blob: SizedStream, size: u64) -> Result<Vec<u8>, RegistryError> {
        let mut component = Vec::new();
        while let Some(chunk) = blob.next().await {
            let chunk = chunk.map_err(|error| self.broken(&error, component.len()))?;
            component.extend_from_slice(&chunk);
            if component.len() as u64 > size {
                break;
            }
        }
        match component.len() as u64 == size {
            true => Ok(component),
            false => Err(RegistryError::Altered {
                place: self.place.to_string(),
                reason: format!(
                    "its manifest says {size} bytes, and {} came",
                    component.len()
                ),
            }),
        }
    }

    /// What a blob's stream ended with.
    fn broken(&self, error: &std::io::Error, received: usize) -> RegistryError {
        let inner = error.get_ref();
        match inner.and_then(|e| e.downcast_ref::<DigestError>()) {
            Some(error) => self.altered(error),
            None => RegistryError::CutOff {
                place: self.place.to_string(),
                received,
                reason: error::chain(error),
            },
        }
    }

    /// Bounds everything in time.
    async fn within<T>(
        &self,
        work: impl Future<Output = Result<T, RegistryError>>,
    ) -> Result<T, RegistryError> {
        let slow = |_| RegistryError::Slow {
            place: self.place.to_string(),
            time: WHOLE,
        };
        tokio::time::timeout(WHOLE, work).await.map_err(slow)?
    }
}
