//! An authority for tests, what it certifies, and a door with it.

use std::{fs, path::PathBuf, sync::Arc};

use dialog_gateway::{
    telemetry::metrics::Metrics,
    tls::{
        config::{Protection, Tls, TlsTable},
        door::Door,
        handshakes::Handshakes,
        papers::{Papers, PapersError, Sources},
    },
};
use jiff::Timestamp;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    date_time_ymd,
};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    version::{TLS12, TLS13},
};

/// A certificate and its key, PEM.
pub(crate) struct Pair {
    pub(crate) certificate: String,
    pub(crate) key: String,
}

pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pub(crate) pem: String,
}

impl Authority {
    pub(crate) fn new(name: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let pem = params.self_signed(&key).unwrap().pem();
        Self { issuer: Issuer::new(params, key), pem }
    }

    pub(crate) fn server(&self) -> Pair {
        self.certify(&["localhost", "127.0.0.1"], ExtendedKeyUsagePurpose::ServerAuth, (2020, 2090))
    }

    pub(crate) fn server_of(&self, years: (i32, i32)) -> Pair {
        self.certify(&["localhost", "127.0.0.1"], ExtendedKeyUsagePurpose::ServerAuth, years)
    }

    pub(crate) fn client(&self) -> Pair {
        self.certify(&[], ExtendedKeyUsagePurpose::ClientAuth, (2020, 2090))
    }

    pub(crate) fn expired_client(&self) -> Pair {
        self.certify(&[], ExtendedKeyUsagePurpose::ClientAuth, (2020, 2021))
    }

    fn certify(&self, names: &[&str], purpose: ExtendedKeyUsagePurpose, years: (i32, i32)) -> Pair {
        let key = KeyPair::generate().unwrap();
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        params.extended_key_usages = vec![purpose];
        params.not_before = date_time_ymd(years.0, 1, 1);
        params.not_after = date_time_ymd(years.1, 1, 1);
        Pair { certificate: params.signed_by(&key, &self.issuer).unwrap().pem(), key: key.serialize_pem() }
    }

    /// A client that trusts this authority, with a certificate of its own or none.
    pub(crate) fn reqwest(&self, own: Option<&Pair>) -> reqwest::Client {
        let root = reqwest::Certificate::from_pem(self.pem.as_bytes()).unwrap();
        let builder = reqwest::Client::builder().no_proxy().tls_certs_only([root]);
        let builder = match own {
            None => builder,
            Some(pair) => {
                let pem = format!("{}{}", pair.certificate, pair.key);
                builder.identity(reqwest::Identity::from_pem(pem.as_bytes()).unwrap())
            }
        };
        builder.build().unwrap()
    }

    /// The same below HTTP, of these versions and with these groups for the key exchange; all when there are none.
    pub(crate) fn client_config(&self, oldest_is_newest: bool, groups: &[rustls::NamedGroup]) -> Arc<ClientConfig> {
        let mut provider = rustls::crypto::aws_lc_rs::default_provider();
        if !groups.is_empty() {
            provider.kx_groups.retain(|group| groups.contains(&group.name()));
        }
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(self.pem.as_bytes()).unwrap()).unwrap();
        let versions = if oldest_is_newest { vec![&TLS12] } else { vec![&TLS13, &TLS12] };
        let mut config = ClientConfig::builder_with_provider(Arc::new(provider))
            .with_protocol_versions(&versions)
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Arc::new(config)
    }
}

/// The files of one listener.
pub(crate) struct Files(tempfile::TempDir);

impl Files {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn put(&self, name: &str, content: &str) {
        fs::write(self.path(name), content).unwrap();
    }

    pub(crate) fn own(&self, pair: &Pair) {
        self.put("chain.pem", &pair.certificate);
        self.put("key.pem", &pair.key);
    }

    /// The listener's table, with more in it.
    pub(crate) fn tls(&self, more: &str) -> Tls {
        let folder = self.0.path().display();
        let table = format!(
            "certificate = '{folder}/chain.pem'\nkey = {{ file = '{folder}/key.pem' }}\n{}",
            more.replace("clients.pem", &format!("{folder}/clients.pem"))
        );
        match toml::from_str::<TlsTable>(&table).unwrap().decide().unwrap() {
            Protection::Tls(tls) => tls,
            Protection::Plaintext => panic!("{table}"),
        }
    }

    pub(crate) fn papers(&self, more: &str) -> Result<Papers, PapersError> {
        let tls = self.tls(more);
        Papers::of(&Sources::read(&tls)?, &tls, Timestamp::now())
    }

    pub(crate) fn door(&self, more: &str, metrics: &Arc<Metrics>) -> Door {
        Door::new("portal", self.tls(more), &self.papers(more).unwrap(), Arc::clone(metrics))
    }
}

/// As in the operator's table.
pub(crate) const REQUIRED: &str = "client-certificates = 'required'\nclient-authorities = 'clients.pem'";
pub(crate) const OPTIONAL: &str = "client-certificates = 'optional'\nclient-authorities = 'clients.pem'";

/// Bounds for who does not finish a handshake.
pub(crate) fn few_handshakes(most: usize, milliseconds: u64) -> Handshakes {
    Handshakes::new(most, std::time::Duration::from_millis(milliseconds))
}

/// A key that belongs to no certificate.
pub(crate) fn stray_key() -> String {
    let key = KeyPair::generate().unwrap().serialize_pem();
    assert!(PrivateKeyDer::from_pem_slice(key.as_bytes()).is_ok());
    key
}
