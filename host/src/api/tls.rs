//! TLS by files: a certificate chain and its key, which can be read again while the server runs.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use rustls::ServerConfig;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

/// A certificate or a key can't be used.
#[derive(Debug, thiserror::Error)]
#[error("[server.tls] {file}: {reason}")]
pub struct TlsError {
    file: String,
    reason: String,
}

/// See the module.
pub struct Tls {
    certificate: PathBuf,
    key: PathBuf,
    config: RwLock<Arc<ServerConfig>>,
}

/// Without the key.
impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls")
            .field("certificate", &self.certificate)
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

impl Tls {
    /// Reads a certificate chain (PEM, the server's own first) and its key (PEM).
    ///
    /// # Errors
    /// Files that can't be read, or don't belong together.
    pub fn open(certificate: &Path, key: &Path) -> Result<Tls, TlsError> {
        Ok(Tls {
            config: RwLock::new(read(certificate, key)?),
            certificate: certificate.to_owned(),
            key: key.to_owned(),
        })
    }

    /// Reads both again, for the connections to come; those from before stay where that fails.
    ///
    /// # Errors
    /// Files that can't be read, or don't belong together.
    pub fn reload(&self) -> Result<(), TlsError> {
        let new = read(&self.certificate, &self.key)?;
        *self.config.write().unwrap_or_else(PoisonError::into_inner) = new;
        Ok(())
    }

    /// For the next connection.
    pub(super) fn acceptor(&self) -> TlsAcceptor {
        let config = self.config.read().unwrap_or_else(PoisonError::into_inner);
        TlsAcceptor::from(Arc::clone(&config))
    }
}

fn read(certificate: &Path, key: &Path) -> Result<Arc<ServerConfig>, TlsError> {
    let wrong = |path: &Path, reason: String| TlsError {
        file: path.display().to_string(),
        reason,
    };
    let chain = CertificateDer::pem_file_iter(certificate);
    let chain: Result<Vec<_>, _> = chain.and_then(Iterator::collect);
    let chain = chain.map_err(|e| wrong(certificate, e.to_string()))?;
    if chain.is_empty() {
        let reason = "there is no certificate (PEM) in it".to_owned();
        return Err(wrong(certificate, reason));
    }
    // The reader's errors say which part is missing, and show nothing of it.
    let secret = PrivateKeyDer::from_pem_file(key).map_err(|e| wrong(key, e.to_string()))?;
    let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|e| wrong(certificate, e.to_string()))?
        .with_no_client_auth()
        .with_single_cert(chain, secret);
    let mut config =
        config.map_err(|e| wrong(certificate, format!("{e} (with the key {})", key.display())))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}
