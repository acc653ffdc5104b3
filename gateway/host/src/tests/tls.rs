//! TLS to upstreams: who is trusted, and how the gateway shows who it is.
#![allow(clippy::unwrap_used, reason = "tests")]

use rcgen::{BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use std::{fs, net::SocketAddr, path::PathBuf, sync::Arc};

use rustls::{
    RootCertStore, ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    server::WebPkiClientVerifier,
};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};
use tokio_rustls::TlsAcceptor;

use super::{
    calls::{granted, open, running, small},
    guests::Sender,
};
use crate::PluginConfig;

/// An authority, a server "localhost" and a client, each made for one test.
struct Papers(tempfile::TempDir);

impl Papers {
    fn new() -> Self {
        let papers = Self(tempfile::tempdir().unwrap());
        let key = KeyPair::generate().unwrap();
        let mut authority = CertificateParams::new(Vec::new()).unwrap();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        authority.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        papers.keep("authority.pem", &authority.self_signed(&key).unwrap().pem());
        let issuer = Issuer::new(authority, key);
        for (name, names, purpose) in [
            ("server", vec!["localhost".to_owned()], ExtendedKeyUsagePurpose::ServerAuth),
            ("client", Vec::new(), ExtendedKeyUsagePurpose::ClientAuth),
        ] {
            let key = KeyPair::generate().unwrap();
            let mut params = CertificateParams::new(names).unwrap();
            params.extended_key_usages = vec![purpose];
            papers.keep(&format!("{name}.pem"), &params.signed_by(&key, &issuer).unwrap().pem());
            papers.keep(&format!("{name}-key.pem"), &key.serialize_pem());
        }
        papers
    }

    fn keep(&self, name: &str, pem: &str) {
        fs::write(self.file(name), pem).unwrap();
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }
}

/// A server "localhost" that answers "hello" to those with a client certificate, and shakes no other hand.
async fn server(papers: &Papers) -> SocketAddr {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut authorities = RootCertStore::empty();
    authorities.add(CertificateDer::from_pem_file(papers.file("authority.pem")).unwrap()).unwrap();
    let clients =
        WebPkiClientVerifier::builder_with_provider(Arc::new(authorities), Arc::clone(&provider)).build().unwrap();
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(clients)
        .with_single_cert(
            vec![CertificateDer::from_pem_file(papers.file("server.pem")).unwrap()],
            PrivateKeyDer::from_pem_file(papers.file("server-key.pem")).unwrap(),
        )
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(mut stream) = acceptor.accept(stream).await else { return };
                let mut request = Vec::new();
                while !request.windows(4).any(|window| window == b"\r\n\r\n") {
                    if stream.read_buf(&mut request).await.unwrap_or(0) == 0 {
                        return;
                    }
                }
                let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello";
                let _ = stream.write_all(answer).await;
                let _ = stream.shutdown().await;
            });
        }
    });
    address
}

async fn said(binding: Value) -> String {
    let config = PluginConfig { upstreams: serde_json::from_value(json!({ "api": binding })).unwrap(), ..granted() };
    let guest = Sender { method: 0, ..Sender::default() }.guest();
    let running = running(small(), vec![(guest, config)]).await;
    open(&running.host).await.answer.unwrap().reference
}

fn binding(papers: &Papers, address: SocketAddr) -> Value {
    json!({
        "base-url": format!("https://localhost:{}", address.port()),
        "allow-networks": ["loopback"],
        "certificate-authorities": papers.file("authority.pem"),
        "credentials": {
            "kind": "mtls", "certificate": papers.file("client.pem"), "key": { "file": papers.file("client-key.pem") },
        },
    })
}

#[tokio::test]
async fn a_client_certificate_opens_the_door() {
    let papers = Papers::new();
    assert_eq!(said(binding(&papers, server(&papers).await)).await, "hello");
}

#[tokio::test]
async fn without_a_client_certificate_the_door_stays_shut() {
    let papers = Papers::new();
    let mut nameless = binding(&papers, server(&papers).await);
    nameless.as_object_mut().unwrap().remove("credentials");
    assert!(said(nameless).await.starts_with("error "));
}

#[tokio::test]
async fn a_server_of_an_authority_that_is_not_trusted_gets_nothing() {
    let papers = Papers::new();
    let mut other = binding(&papers, server(&papers).await);
    let stranger = Papers::new();
    other["certificate-authorities"] = json!(stranger.file("authority.pem"));
    assert_eq!(said(other).await, "error 2");
}

#[tokio::test]
async fn a_server_under_another_name_gets_nothing() {
    let papers = Papers::new();
    let address = server(&papers).await;
    let mut other = binding(&papers, address);
    other["base-url"] = json!(format!("https://127.0.0.1:{}", address.port()));
    assert_eq!(said(other).await, "error 2");
}
