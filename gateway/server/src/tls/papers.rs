//! What a listener shows who it is with: files, read in bounds and checked, and what rustls makes of them.
//!
//! Reading and checking are two steps: whoever waits for files to change looks at their digest first.

use std::sync::Arc;

use dialog_host::{file, limits::CERTIFICATES_BYTES};
use jiff::Timestamp;
use rustls::{
    RootCertStore, ServerConfig,
    crypto::aws_lc_rs::{default_provider, sign::any_supported_type},
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    server::{NoServerSessionStorage, ServerSessionMemoryCache, WebPkiClientVerifier},
    sign::{CertifiedKey, SingleCertAndKey},
    version::{TLS12, TLS13},
};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use x509_parser::prelude::{FromDer, X509Certificate};
use zeroize::Zeroize;

use super::config::{Oldest, Tls};
use crate::{
    hex,
    limits::{CERTIFICATE_ENDS_SOON, TLS_SESSIONS, TLS_TICKETS},
};

/// What can be negotiated above TLS, in the order of preference (RFC 7301).
const PROTOCOLS: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// What is wrong with a listener's papers. Names the key of its table and the file; never holds the private key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{key}: {what}")]
pub struct PapersError {
    /// Which key of the listener's table.
    pub key: &'static str,
    /// Which file, what is wrong with it, and what to do.
    pub what: String,
}

/// The files, as they were read.
pub struct Sources {
    chain: Vec<u8>,
    key: SecretString,
    authorities: Vec<u8>,
}

/// Papers in order.
#[derive(Debug, Clone)]
pub struct Papers {
    /// What new connections are served with.
    pub config: Arc<ServerConfig>,
    /// When the first certificate of the chain ends.
    pub ends: Timestamp,
    /// SHA-256 of the listener's own certificate, lower-case hexadecimal: what tools call its fingerprint.
    pub fingerprint: String,
    /// [`Sources::digest`] of what they were made from.
    pub digest: [u8; 32],
    /// What the operator should mend before it is wrong; each with its key.
    pub warnings: Vec<PapersError>,
}

impl Sources {
    /// Reads the files.
    ///
    /// # Errors
    /// When one cannot be read.
    pub fn read(tls: &Tls) -> Result<Self, PapersError> {
        let bytes = |key: &'static str, path: &std::path::Path| {
            file::read(path, CERTIFICATES_BYTES)
                .map_err(|error| PapersError { key, what: format!("{}: {error}", path.display()) })
        };
        Ok(Self {
            chain: bytes("certificate", &tls.certificate)?,
            key: tls.key.read().map_err(|error| PapersError { key: "key", what: error.to_string() })?,
            authorities: match &tls.clients {
                Some(clients) => bytes("client-authorities", &clients.authorities)?,
                None => Vec::new(),
            },
        })
    }

    /// SHA-256 of all of them: by it a change is noticed.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        let parts = [self.chain.as_slice(), self.key.expose_secret().as_bytes(), &self.authorities];
        let hash = parts.iter().fold(Sha256::new(), |hash, part| {
            // With lengths, so that what moves from one file to another is a change too.
            hash.chain_update(part.len().to_le_bytes()).chain_update(part)
        });
        hash.finalize().into()
    }
}

impl Papers {
    /// Checks what was read: that it parses, that certificate and key belong together, and that the certificate holds
    /// at `now`.
    ///
    /// # Errors
    /// Says which key of the table is wrong, in which file, and how.
    pub fn of(sources: &Sources, tls: &Tls, now: Timestamp) -> Result<Self, PapersError> {
        let wrong = |key: &'static str, what: String| PapersError { key, what };
        let place = tls.certificate.display();
        let chain = certificates(&sources.chain).map_err(|what| wrong("certificate", format!("{place}: {what}")))?;
        let mut ends = Timestamp::MAX;
        for (at, certificate) in chain.iter().enumerate() {
            let (from, until) = validity(certificate)
                .ok_or_else(|| wrong("certificate", format!("{place}: certificate {} cannot be parsed", at + 1)))?;
            if now < from {
                return Err(wrong(
                    "certificate",
                    format!("{place}: certificate {} is not valid before {from}", at + 1),
                ));
            }
            if until < now {
                return Err(wrong("certificate", format!("{place}: certificate {} expired at {until}", at + 1)));
            }
            ends = ends.min(until);
        }
        let fingerprint = hex(&Sha256::digest(&chain[0]));
        let own = own(chain, &sources.key).map_err(|(key, what)| match key {
            "key" => wrong("key", format!("{}: {what}", tls.key)),
            _ => wrong("certificate", format!("{place}: {what}")),
        })?;
        let config = config(own, tls, &sources.authorities)?;
        let warnings = [
            (ends.duration_since(now) < CERTIFICATE_ENDS_SOON)
                .then(|| wrong("certificate", format!("{place}: expires at {ends}: renew it"))),
            tls.key.exposed().map(|what| wrong("key", what)),
        ];
        Ok(Self {
            config: Arc::new(config),
            ends,
            fingerprint,
            digest: sources.digest(),
            warnings: warnings.into_iter().flatten().collect(),
        })
    }
}

/// The certificates of a PEM file, at least one.
fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let found = CertificateDer::pem_slice_iter(pem)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| format!("is not PEM: {error}"))?;
    if found.is_empty() { Err("holds no certificate in PEM".to_owned()) } else { Ok(found) }
}

/// From when and until when a certificate holds.
fn validity(certificate: &CertificateDer<'_>) -> Option<(Timestamp, Timestamp)> {
    let (rest, parsed) = X509Certificate::from_der(certificate).ok()?;
    let at = |seconds: i64| Timestamp::from_second(seconds).ok();
    let validity = parsed.validity();
    // What is beyond all timestamps is without end (RFC 5280, 4.1.2.5).
    let until = at(validity.not_after.timestamp()).unwrap_or(Timestamp::MAX);
    rest.is_empty().then_some((at(validity.not_before.timestamp())?, until))
}

/// The chain with its key; else which of the two is wrong, and how.
fn own(chain: Vec<CertificateDer<'static>>, key: &SecretString) -> Result<CertifiedKey, (&'static str, String)> {
    // The error of a parser may hold what it parsed.
    let mut der = PrivateKeyDer::from_pem_slice(key.expose_secret().as_bytes())
        .map_err(|_| ("key", "holds no private key in PEM".to_owned()))?;
    let signer = any_supported_type(&der);
    der.zeroize();
    let signer = signer.map_err(|_| ("key", "is of a kind that TLS cannot use: take ECDSA P-256".to_owned()))?;
    let own = CertifiedKey::new(chain, signer);
    match own.keys_match() {
        Ok(()) => Ok(own),
        Err(rustls::Error::InconsistentKeys(_)) => {
            Err(("key", "does not belong to the certificate: one of the two is of another renewal".to_owned()))
        }
        Err(error) => Err(("certificate", format!("cannot be used: {error}"))),
    }
}

fn config(own: CertifiedKey, tls: &Tls, authorities: &[u8]) -> Result<ServerConfig, PapersError> {
    let provider = Arc::new(default_provider());
    let versions = match tls.oldest {
        Oldest::Tls13 => vec![&TLS13],
        Oldest::Tls12 => vec![&TLS13, &TLS12],
    };
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(&versions)
        .map_err(|error| PapersError { key: "oldest", what: error.to_string() })?;
    let builder = match &tls.clients {
        None => builder.with_no_client_auth(),
        Some(clients) => {
            let wrong = |what: String| PapersError {
                key: "client-authorities",
                what: format!("{}: {what}", clients.authorities.display()),
            };
            let mut roots = RootCertStore::empty();
            for authority in certificates(authorities).map_err(wrong)? {
                roots.add(authority).map_err(|error| wrong(format!("is not of an authority: {error}")))?;
            }
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            let verifier = if clients.required { verifier } else { verifier.allow_unauthenticated() };
            builder.with_client_cert_verifier(verifier.build().map_err(|error| wrong(error.to_string()))?)
        }
    };
    let mut config = builder.with_cert_resolver(Arc::new(SingleCertAndKey::from(own)));
    config.alpn_protocols = PROTOCOLS.map(<[u8]>::to_vec).to_vec();
    // Without it, TLS 1.2 can be made to share keys between two connections (RFC 7627).
    config.require_ems = true;
    // A resumed session shows no certificate anew: who must show one shows it each time, and is looked at as of now.
    // Elsewhere sessions are kept here and named by the ticket, so that no ticket key can be stolen, and each is used
    // once. What is sent before the handshake's end could be sent again by anybody: `max_early_data_size` stays 0.
    if tls.clients.is_some() {
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
    } else {
        config.session_storage = ServerSessionMemoryCache::new(TLS_SESSIONS);
        config.send_tls13_tickets = TLS_TICKETS;
    }
    Ok(config)
}
