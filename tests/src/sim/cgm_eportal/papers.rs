//! What the vendor shows in TLS, and what it asks of its clients: a certificate of an authority that it trusts, and one
//! that was registered with it.

use super::SimError;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use std::sync::Arc;

/// Certificates and a key, PEM.
#[derive(Clone)]
pub struct Papers {
    /// The server's own certificate.
    pub certificate: String,
    /// Its key.
    pub key: String,
    /// The authority of clients.
    pub authority: String,
    /// Certificates of clients that are registered.
    pub clients: Vec<String>,
}

fn wrong(what: impl std::fmt::Display) -> SimError {
    SimError::Papers(what.to_string())
}

fn certificate(pem: &str) -> Result<CertificateDer<'static>, SimError> {
    CertificateDer::from_pem_slice(pem.as_bytes()).map_err(wrong)
}

impl Papers {
    /// How the server shakes hands: not at all with who shows no certificate of the authority's.
    pub fn server(&self) -> Result<Arc<ServerConfig>, SimError> {
        let provider = Arc::new(default_provider());
        let mut authorities = RootCertStore::empty();
        authorities.add(certificate(&self.authority)?).map_err(wrong)?;
        let clients = WebPkiClientVerifier::builder_with_provider(Arc::new(authorities), Arc::clone(&provider));
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(wrong)?
            .with_client_cert_verifier(clients.build().map_err(wrong)?)
            .with_single_cert(
                vec![certificate(&self.certificate)?],
                PrivateKeyDer::from_pem_slice(self.key.as_bytes()).map_err(wrong)?,
            )
            .map_err(wrong)?;
        Ok(Arc::new(config))
    }

    /// The registered certificates, DER.
    pub fn registered(&self) -> Result<Vec<Vec<u8>>, SimError> {
        self.clients.iter().map(|pem| Ok(certificate(pem)?.to_vec())).collect()
    }
}
