//! The TLS implementation of every client that uses rustls, and the settings of those of HTTP.

use std::path::Path;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error, SignatureScheme};
use rustls_platform_verifier::Verifier;

/// Makes ring the process's implementation of TLS, unless the program has chosen one. To be called
/// before a client is made: those of HTTP take what the process has, and fail where it has none.
pub fn install() {
    // An error says that there is one already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// Settings for HTTP/1.1 over TLS. Trusts whom the system trusts and the certificates (PEM) in `ca`,
/// or anybody where nothing is to be checked.
///
/// # Errors
/// What is wrong with the certificates.
pub(crate) fn http(ca: Option<&Path>, verify: bool) -> Result<ClientConfig, String> {
    install();
    let ring = rustls::crypto::ring::default_provider;
    let provider = CryptoProvider::get_default().map_or_else(|| Arc::new(ring()), Arc::clone);
    let own = ca.map_or(Ok(Vec::new()), certificates)?;
    let checks: Arc<dyn ServerCertVerifier> = match verify {
        true => Arc::new(
            Verifier::new_with_extra_roots(own, Arc::clone(&provider))
                .map_err(|error| error.to_string())?,
        ),
        false => Arc::new(Anybody(Arc::clone(&provider))),
    };
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .dangerous()
        .with_custom_certificate_verifier(checks)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let unread = |why: &dyn std::fmt::Display| format!("`tls_ca` {}: {why}", file.display());
    let all = CertificateDer::pem_file_iter(file).map_err(|error| unread(&error))?;
    let all: Result<Vec<_>, _> = all.collect();
    match all {
        Ok(all) if all.is_empty() => Err(unread(&"there is no certificate (PEM) in it")),
        Ok(all) => Ok(all),
        Err(error) => Err(unread(&error)),
    }
}

/// Takes any certificate, but not a signature that isn't its holder's.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let known = &self.0.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signed, known)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let known = &self.0.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signed, known)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
