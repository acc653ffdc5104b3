//! A certificate authority for development: made anew by each process that opens a house, known to nobody else.
//!
//! It certifies the gateway's listeners, and whoever comes to the provider and the operations listener.

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    sync::{Arc, OnceLock},
};

use anyhow::Context;
use jiff::{SignedDuration, Timestamp, civil::Date, tz::TimeZone};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    date_time_ymd,
};
use rustls::{
    ClientConfig, RootCertStore, SupportedProtocolVersion,
    crypto::aws_lc_rs::default_provider,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject as _},
};
use tokio::net::TcpStream;
use tokio_rustls::{TlsConnector, client::TlsStream};

use super::configuration;

/// How long what it certifies holds, in days: what Mozilla advises at most.
const DAYS: i64 = 90;

/// From when on what it certifies holds, in days from today: so that no clock is too early.
const YESTERDAY: i64 = -1;

/// The authority's certificate, in the house's folder.
pub const AUTHORITY_FILE: &str = "ca.pem";

/// An operator's certificate and key, in the house's folder: what `curl --cert` takes.
pub const OPERATOR_FILE: &str = "operator.pem";

/// A certificate and its key, PEM.
pub struct Pair {
    /// The certificate.
    pub certificate: String,
    /// Its key, PKCS #8, ECDSA P-256.
    pub key: String,
}

/// The authority.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: String,
}

/// The authority of this process.
pub fn development() -> anyhow::Result<&'static Authority> {
    static MADE: OnceLock<Result<Authority, rcgen::Error>> = OnceLock::new();
    MADE.get_or_init(|| Authority::new("Dialog development")).as_ref().context("make an authority")
}

/// What calls the gateway: trusts the authority of this process, and shows a certificate of its own where it is asked.
pub fn client() -> anyhow::Result<reqwest::ClientBuilder> {
    let authority = development()?;
    Ok(authority.client(Some(&authority.caller("development")?))?)
}

impl Authority {
    /// A new one.
    ///
    /// # Errors
    /// Where no key could be made.
    pub fn new(name: &str) -> Result<Self, rcgen::Error> {
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::new(Vec::new())?;
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
        hold(&mut params, YESTERDAY);
        let certificate = params.self_signed(&key)?.pem();
        Ok(Self { issuer: Issuer::new(params, key), certificate })
    }

    /// Its certificate, PEM.
    #[must_use]
    pub fn certificate(&self) -> &str {
        &self.certificate
    }

    /// For a listener on this machine.
    ///
    /// # Errors
    /// Where no key could be made.
    pub fn listener(&self) -> Result<Pair, rcgen::Error> {
        let names = vec!["localhost".to_owned(), Ipv4Addr::LOCALHOST.to_string()];
        self.certify("Dialog gateway", names, ExtendedKeyUsagePurpose::ServerAuth)
    }

    /// For somebody who calls.
    ///
    /// # Errors
    /// Where no key could be made.
    pub fn caller(&self, name: &str) -> Result<Pair, rcgen::Error> {
        self.certify(name, Vec::new(), ExtendedKeyUsagePurpose::ClientAuth)
    }

    /// For somebody whose certificate has run out.
    ///
    /// # Errors
    /// Where no key could be made.
    pub fn former_caller(&self, name: &str) -> Result<Pair, rcgen::Error> {
        self.certify_from(-2 * DAYS, name, Vec::new(), ExtendedKeyUsagePurpose::ClientAuth)
    }

    /// A client that trusts this authority alone, and shows `own` where it is asked.
    pub fn client(&self, own: Option<&Pair>) -> reqwest::Result<reqwest::ClientBuilder> {
        let root = reqwest::Certificate::from_pem(self.certificate.as_bytes())?;
        let builder = reqwest::Client::builder().no_proxy().tls_certs_only([root]);
        Ok(match own {
            None => builder,
            Some(pair) => builder.identity(reqwest::Identity::from_pem(pair.together().as_bytes())?),
        })
    }

    /// A TLS connection to a listener on this machine, with nothing said on it yet: for what no client of HTTP says.
    /// Offers these versions,
    /// and shows a certificate where it is asked.
    pub async fn connect(
        &self,
        address: SocketAddr,
        versions: &[&'static SupportedProtocolVersion],
    ) -> anyhow::Result<TlsStream<TcpStream>> {
        let own = self.caller("development")?;
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(self.certificate.as_bytes())?)?;
        let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_protocol_versions(versions)?
            .with_root_certificates(roots)
            .with_client_auth_cert(
                vec![CertificateDer::from_pem_slice(own.certificate.as_bytes())?],
                PrivateKeyDer::from_pem_slice(own.key.as_bytes())?,
            )?;
        let stream = TcpStream::connect(address).await?;
        let name = ServerName::IpAddress(address.ip().into());
        Ok(TlsConnector::from(Arc::new(config)).connect(name, stream).await?)
    }

    fn certify(&self, name: &str, names: Vec<String>, purpose: ExtendedKeyUsagePurpose) -> Result<Pair, rcgen::Error> {
        self.certify_from(YESTERDAY, name, names, purpose)
    }

    fn certify_from(
        &self,
        day: i64,
        name: &str,
        names: Vec<String>,
        purpose: ExtendedKeyUsagePurpose,
    ) -> Result<Pair, rcgen::Error> {
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::new(names)?;
        params.distinguished_name.push(DnType::CommonName, name);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![purpose];
        params.use_authority_key_identifier_extension = true;
        hold(&mut params, day);
        Ok(Pair { certificate: params.signed_by(&key, &self.issuer)?.pem(), key: key.serialize_pem() })
    }
}

impl Pair {
    /// Both, in one text.
    #[must_use]
    pub fn together(&self) -> String {
        format!("{}{}", self.certificate, self.key)
    }
}

/// Writes what the gateway's configuration and `curl` name: the authority, a pair for each listener, one for an operator.
pub fn write(folder: &Path) -> anyhow::Result<()> {
    let authority = development()?;
    put(folder, AUTHORITY_FILE, authority.certificate())?;
    for listener in ["portal", "provider", "operations"] {
        write_listener(folder, listener)?;
    }
    put(folder, OPERATOR_FILE, &authority.caller("operator")?.together())
}

/// Writes a new pair for one listener: a renewal, where the gateway runs.
pub fn write_listener(folder: &Path, listener: &str) -> anyhow::Result<()> {
    let pair = development()?.listener()?;
    put(folder, &format!("{listener}.pem"), &pair.certificate)?;
    put(folder, &format!("{listener}.key"), &pair.key)
}

/// For nobody else's eyes: most of these hold a key.
fn put(folder: &Path, name: &str, content: &str) -> anyhow::Result<()> {
    configuration::secret(&folder.join(name), content)
}

/// From a day on, counted from today.
fn hold(params: &mut CertificateParams, from: i64) {
    let day = |days: i64| {
        let date: Date = (Timestamp::now() + SignedDuration::from_hours(24 * days)).to_zoned(TimeZone::UTC).date();
        date_time_ymd(date.year().into(), date.month().unsigned_abs(), date.day().unsigned_abs())
    };
    (params.not_before, params.not_after) = (day(from), day(from + DAYS));
}
