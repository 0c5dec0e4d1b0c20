//! TLS: whom to believe.
//!
//! Owns the configuration: ring, given here and not installed for the process, and the platform's own certificates
//! (on Linux the system's bundle, or what `SSL_CERT_FILE` and `SSL_CERT_DIR` name). Never skips verification.

use std::sync::Arc;

use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::{CryptoProvider, ring};
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::Verifier;

use crate::error::StartError;

/// How connections are secured.
pub(crate) struct Tls {
    /// What is negotiated, and who is believed.
    pub(crate) config: ClientConfig,
    /// Why nobody is believed: what came of looking for certificates. Then https is refused, and plain HTTP works.
    pub(crate) no_certificates: Option<String>,
}

impl Tls {
    /// With the platform's certificates.
    ///
    /// A machine without any, such as a minimal container, is no reason not to start: it may well have only plugins and
    /// receivers of its own. It is told in the log, and each request over https is refused with the same words.
    pub(crate) fn platform() -> Result<Self, StartError> {
        let provider = Arc::new(ring::default_provider());
        match Verifier::new(Arc::clone(&provider)) {
            Ok(verifier) => Self::with_verifier(provider, Arc::new(verifier)),
            Err(error) => {
                tracing::warn!(%error, "no certificates on this machine: https is refused");
                let config = protocols(provider)?.with_root_certificates(RootCertStore::empty());
                Ok(Self { config: finish(config.with_no_client_auth()), no_certificates: Some(error.to_string()) })
            }
        }
    }

    fn with_verifier(provider: Arc<CryptoProvider>, verifier: Arc<dyn ServerCertVerifier>) -> Result<Self, StartError> {
        let config = protocols(provider)?.dangerous().with_custom_certificate_verifier(verifier);
        Ok(Self { config: finish(config.with_no_client_auth()), no_certificates: None })
    }
}

type Protocols = rustls::ConfigBuilder<ClientConfig, rustls::WantsVerifier>;

fn protocols(provider: Arc<CryptoProvider>) -> Result<Protocols, StartError> {
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    builder.map_err(|error| StartError::Tls { cause: error.to_string() })
}

fn finish(mut config: ClientConfig) -> ClientConfig {
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    config
}
