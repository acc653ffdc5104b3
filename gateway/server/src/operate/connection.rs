//! Where the gateway is, and how an operator shows who they are: a token that is bound to a key, of which each request
//! brings a proof (DPoP, RFC 9449), or to the client certificate of the connection (RFC 8705).
//!
//! Secrets come from files and the environment, never from the command line, which others on the machine can read.

use std::{io::Write, path::PathBuf, time::Duration};

use clap::Args;
use dialog_host::{file, limits::CERTIFICATES_BYTES, secret::SecretSource};
use secrecy::{ExposeSecret, SecretString};
use url::Url;
use zeroize::Zeroizing;

use super::{Failure, proof::ProofKey};
use crate::auth::keys::is_safe;

/// Where the token is where no file is named.
const TOKEN: &str = "DIALOG_GATEWAY_TOKEN";

/// Until a connection stands.
const CONNECT: Duration = Duration::from_secs(10);

/// For a request that changes something: installing compiles, and changes are made one after the other.
const CHANGE: Duration = Duration::from_secs(600);

/// The gateway, and who asks.
#[derive(Debug, Clone, Args)]
pub struct Connection {
    /// The gateway's operations listener, such as https://operations.example.no:9090
    #[arg(long, env = "DIALOG_GATEWAY_URL", global = true)]
    url: Option<Url>,
    /// A file with the operator's access token [otherwise it is in the variable DIALOG_GATEWAY_TOKEN]
    #[arg(long, env = "DIALOG_GATEWAY_TOKEN_FILE", value_name = "FILE", global = true)]
    token_file: Option<PathBuf>,
    /// The private key that the token is bound to (DPoP), PEM: ECDSA P-256 or Ed25519
    #[arg(long, env = "DIALOG_GATEWAY_PROOF_KEY", value_name = "FILE", global = true)]
    proof_key: Option<PathBuf>,
    /// What proofs are made for: the gateway's `operations.public-url`, where that is not --url
    #[arg(long, env = "DIALOG_GATEWAY_PROOF_URL", value_name = "URL", global = true)]
    proof_url: Option<Url>,
    /// The authorities that the gateway's certificate must lead to, PEM [otherwise those of this machine]
    #[arg(long, env = "DIALOG_GATEWAY_CA", value_name = "FILE", global = true)]
    ca: Option<PathBuf>,
    /// The operator's client certificate, PEM, with those between it and its authority
    #[arg(long, env = "DIALOG_GATEWAY_CERTIFICATE", value_name = "FILE", global = true)]
    certificate: Option<PathBuf>,
    /// The private key of the client certificate, PEM [otherwise it is in the certificate's file]
    #[arg(long, env = "DIALOG_GATEWAY_KEY", value_name = "FILE", global = true, requires = "certificate")]
    key: Option<PathBuf>,
}

/// What is needed to ask.
pub(super) struct Ready {
    pub(super) http: reqwest::Client,
    pub(super) base: Url,
    pub(super) proofs: Url,
    pub(super) token: SecretString,
    pub(super) key: Option<ProofKey>,
}

impl Connection {
    /// Reads all that was named.
    pub(super) fn open(&self, aside: &mut dyn Write) -> Result<Ready, Failure> {
        let Some(base) = self.url.clone() else {
            return Err(used("no gateway: name its operations listener with --url or DIALOG_GATEWAY_URL"));
        };
        for url in [Some(&base), self.proof_url.as_ref()].into_iter().flatten() {
            if !is_safe(url) || url.query().is_some() || url.fragment().is_some() {
                return Err(used(&format!(
                    "{url}: is not an https address, with at most a path (http on this machine)"
                )));
            }
        }
        let token = match &self.token_file {
            Some(path) => secret("--token-file", SecretSource::File(path.clone()), aside)?,
            None if std::env::var_os(TOKEN).is_none() => {
                return Err(used(&format!("no token: name its file with --token-file, or set {TOKEN}")));
            }
            None => secret(TOKEN, SecretSource::Env(TOKEN.to_owned()), aside)?,
        };
        let key = match &self.proof_key {
            None => None,
            Some(path) => {
                let pem = secret("--proof-key", SecretSource::File(path.clone()), aside)?;
                let key =
                    ProofKey::parse(&pem).map_err(|what| used(&format!("--proof-key {}: {what}", path.display())))?;
                Some(key)
            }
        };
        Ok(Ready {
            http: self.http(aside)?,
            proofs: self.proof_url.clone().unwrap_or_else(|| base.clone()),
            base,
            token,
            key,
        })
    }

    fn http(&self, aside: &mut dyn Write) -> Result<reqwest::Client, Failure> {
        let mut builder = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .connect_timeout(CONNECT)
            .timeout(CHANGE);
        if let Some(path) = &self.ca {
            let wrong = |what: String| used(&format!("--ca {}: {what}", path.display()));
            let pem = file::read(path, CERTIFICATES_BYTES).map_err(|error| wrong(error.to_string()))?;
            let authorities = reqwest::Certificate::from_pem_bundle(&pem).map_err(|error| wrong(error.to_string()))?;
            if authorities.is_empty() {
                return Err(wrong("holds no certificate in PEM".to_owned()));
            }
            builder = builder.tls_certs_only(authorities);
        }
        if let Some(path) = &self.certificate {
            let wrong = |what: &str| used(&format!("--certificate {}: {what}", path.display()));
            let mut pem =
                Zeroizing::new(file::read(path, CERTIFICATES_BYTES).map_err(|error| wrong(&error.to_string()))?);
            let key = self.key.as_ref().unwrap_or(path);
            let key = secret("--key", SecretSource::File(key.clone()), aside)?;
            if self.key.is_some() {
                pem.extend_from_slice(b"\n");
                pem.extend_from_slice(key.expose_secret().as_bytes());
            }
            // The error of a parser may hold what it parsed.
            let identity = reqwest::Identity::from_pem(&pem)
                .map_err(|_| wrong("does not hold a certificate in PEM, or --key not its private key in PEM"))?;
            builder = builder.identity(identity);
        }
        builder
            .build()
            .map_err(|error| used(&format!("--certificate and --key, or --ca, cannot be used: {}", chain(&error))))
    }
}

/// Reads a secret, and warns where others can read it too.
fn secret(name: &str, source: SecretSource, aside: &mut dyn Write) -> Result<SecretString, Failure> {
    if let Some(open) = source.exposed() {
        // Somebody who does not read it is not helped by a failure.
        let _ = writeln!(aside, "dialog-gateway: warning: {name}: {open}");
    }
    source.read().map_err(|error| used(&format!("{name}: {error}")))
}

fn used(what: &str) -> Failure {
    Failure::Used(what.to_owned())
}

/// An error with all of its causes: the outermost says only that there was one.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        words = format!("{words}: {error}");
        cause = error.source();
    }
    words
}
