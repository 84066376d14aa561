//! TLS as every remote backend uses it: rustls with the ring provider and the platform's certificates.
//!
//! No process-wide default provider is installed: another library's choice is neither used nor changed.

use std::fmt;
use std::sync::{Arc, OnceLock};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme};

use super::options::HttpVersion;
use crate::error::{Error, Result};
use crate::options::invalid;

/// The platform's certificates, read at the first handshake: a session that speaks plain HTTP reads none.
struct PlatformVerifier {
    provider: Arc<CryptoProvider>,
    extra_roots: Vec<CertificateDer<'static>>,
    inner: OnceLock<Arc<rustls_platform_verifier::Verifier>>,
}

/// One copy for all sessions without certificates of their own: a root store is about a megabyte.
static SHARED: OnceLock<Arc<rustls_platform_verifier::Verifier>> = OnceLock::new();

impl PlatformVerifier {
    fn get(&self) -> Result<Arc<rustls_platform_verifier::Verifier>, rustls::Error> {
        let cell = if self.extra_roots.is_empty() {
            &SHARED
        } else {
            &self.inner
        };
        if let Some(verifier) = cell.get() {
            return Ok(Arc::clone(verifier));
        }
        let made = Arc::new(rustls_platform_verifier::Verifier::new_with_extra_roots(
            self.extra_roots.iter().cloned(),
            Arc::clone(&self.provider),
        )?);
        // Two sessions may come here at once: the first one's is kept.
        Ok(Arc::clone(cell.get_or_init(|| made)))
    }
}

impl fmt::Debug for PlatformVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PlatformVerifier")
            .field("extra_roots", &self.extra_roots.len())
            .finish_non_exhaustive()
    }
}

impl ServerCertVerifier for PlatformVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        self.get()?
            .verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(
            message,
            cert,
            dss,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(
            message,
            cert,
            dss,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

/// The TLS configuration of one session.
pub(super) fn client_config(
    version: HttpVersion,
    extra_roots: Vec<CertificateDer<'static>>,
) -> Result<ClientConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = PlatformVerifier {
        provider: Arc::clone(&provider),
        extra_roots,
        inner: OnceLock::new(),
    };
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| invalid("http_version", error.to_string()))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    config.alpn_protocols = match version {
        HttpVersion::Http1 => vec![b"http/1.1".to_vec()],
        HttpVersion::Http2 => vec![b"h2".to_vec(), b"http/1.1".to_vec()],
        HttpVersion::Http2PriorKnowledge => vec![b"h2".to_vec()],
    };
    Ok(config)
}

/// The certificates in `bytes`: any number in PEM, or one in DER.
///
/// # Errors
/// [`Error::InvalidOption`] if there is none.
pub(super) fn certificates(key: &str, bytes: &[u8]) -> Result<Vec<CertificateDer<'static>>, Error> {
    let pem: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(bytes).collect();
    match pem {
        Ok(found) if !found.is_empty() => Ok(found),
        // DER begins with the tag of a sequence.
        Ok(_) if bytes.first() == Some(&0x30) => Ok(vec![CertificateDer::from(bytes.to_vec())]),
        Ok(_) => Err(invalid(key, "no certificate in PEM or DER")),
        Err(_) => Err(invalid(key, "broken PEM")),
    }
}
