//! TLS of a listener: what is negotiated, who is let in, papers that are exchanged under way.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::{Extension, Router, routing::get};
use dialog_gateway::{
    listener::Listener,
    telemetry::metrics::Metrics,
    tls::{
        door::{Door, Reloaded},
        peer::Peer,
    },
};
use jiff::Timestamp;
use rustls::{
    NamedGroup, ProtocolVersion,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};
use sha2::{Digest, Sha256};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_rustls::{TlsConnector, client::TlsStream};
use tokio_util::sync::CancellationToken;

use crate::{
    papers::{Authority, Files, OPTIONAL, Pair, REQUIRED, few_handshakes, stray_key},
    support::Held,
};

/// A listener that says which certificate its caller has shown.
struct Served {
    authority: Authority,
    files: Files,
    door: Arc<Door>,
    metrics: Arc<Metrics>,
    address: SocketAddr,
    stop: CancellationToken,
}

impl Served {
    async fn with(more: &str, change: impl FnOnce(Door) -> Door) -> Self {
        let (authority, files, metrics) = (Authority::new("one"), Files::new(), Arc::<Metrics>::default());
        files.own(&authority.server());
        files.put("clients.pem", &authority.pem);
        let door = Arc::new(change(files.door(more, &metrics)));
        let listener = Listener::bind(([127, 0, 0, 1], 0).into()).await.unwrap();
        let (address, stop) = (listener.address, CancellationToken::new());
        let who = |Extension(peer): Extension<Peer>| async move {
            peer.certificate.map_or_else(|| "nobody".to_owned(), |certificate| fingerprint(&certificate))
        };
        let router = Router::new().route("/", get(who));
        listener.named("portal", Arc::clone(&metrics)).behind(Some(Arc::clone(&door))).serve(router, stop.clone());
        Self { authority, files, door, metrics, address, stop }
    }

    async fn open(more: &str) -> Self {
        Self::with(more, |door| door).await
    }

    fn url(&self) -> String {
        format!("https://{}/", self.address)
    }

    async fn shake(&self, old: bool, groups: &[NamedGroup]) -> std::io::Result<TlsStream<TcpStream>> {
        let stream = TcpStream::connect(self.address).await?;
        let name = ServerName::try_from("localhost").unwrap();
        TlsConnector::from(self.authority.client_config(old, groups)).connect(name, stream).await
    }

    /// The certificate that a new connection is shown.
    async fn shown(&self) -> String {
        let stream = self.shake(false, &[]).await.unwrap();
        fingerprint(&stream.get_ref().1.peer_certificates().unwrap()[0])
    }
}

fn fingerprint(certificate: &CertificateDer<'_>) -> String {
    Sha256::digest(certificate).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn of(pair: &Pair) -> String {
    fingerprint(&CertificateDer::from_pem_slice(pair.certificate.as_bytes()).unwrap())
}

async fn patiently<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), what).await.expect("it does not come to its end")
}

#[tokio::test]
async fn tls_1_3_with_a_key_exchange_that_outlives_quantum_computers_is_what_is_spoken() {
    let served = Served::open("").await;
    let stream = served.shake(false, &[]).await.unwrap();
    let connection = stream.get_ref().1;
    assert_eq!(connection.protocol_version(), Some(ProtocolVersion::TLSv1_3));
    assert_eq!(connection.negotiated_key_exchange_group().unwrap().name(), NamedGroup::X25519MLKEM768);
    assert_eq!(connection.alpn_protocol(), Some(&b"h2"[..]));
    // Who does not know it is served as before.
    let stream = served.shake(false, &[NamedGroup::X25519]).await.unwrap();
    assert_eq!(stream.get_ref().1.negotiated_key_exchange_group().unwrap().name(), NamedGroup::X25519);
}

#[tokio::test]
async fn tls_1_2_is_refused_unless_the_operator_asks_for_it() {
    let served = Served::open("").await;
    assert!(served.shake(true, &[]).await.is_err());
    let served = Served::open("oldest = '1.2'").await;
    let stream = served.shake(true, &[]).await.unwrap();
    assert_eq!(stream.get_ref().1.protocol_version(), Some(ProtocolVersion::TLSv1_2));
    let stream = served.shake(false, &[]).await.unwrap();
    assert_eq!(stream.get_ref().1.protocol_version(), Some(ProtocolVersion::TLSv1_3));
}

#[tokio::test]
async fn who_speaks_in_the_clear_to_a_tls_port_gets_no_answer_of_http() {
    let served = Served::open("").await;
    for beginning in [&b"GET / HTTP/1.1\r\nhost: a\r\n\r\n"[..], b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"] {
        let mut stream = TcpStream::connect(served.address).await.unwrap();
        stream.write_all(beginning).await.unwrap();
        let mut answer = Vec::new();
        let _ = patiently(stream.read_to_end(&mut answer)).await;
        // At most an alert (RFC 8446, 6).
        assert!(answer.is_empty() || answer[0] == 21, "{answer:?}");
    }
    assert!(served.metrics.text().contains(r#"dialog_tls_handshakes_total{listener="portal",outcome="failed"} 2"#));
}

#[tokio::test]
async fn browsers_are_told_to_come_with_tls_only_and_nobody_is_told_so_in_the_clear() {
    let served = Served::open("").await;
    let reply = served.authority.reqwest(None).get(served.url()).send().await.unwrap();
    assert_eq!(reply.headers()["strict-transport-security"], "max-age=63072000");
    assert_eq!(reply.version(), http::Version::HTTP_2);
    let listener = Listener::bind(([127, 0, 0, 1], 0).into()).await.unwrap();
    let address = listener.address;
    listener.serve(Router::new().route("/", get(|| async {})), served.stop.clone());
    let reply = reqwest::get(format!("http://{address}/")).await.unwrap();
    assert!(!reply.headers().contains_key("strict-transport-security"));
}

#[tokio::test]
async fn where_a_certificate_is_required_nobody_comes_in_without_one_of_the_right_authority_that_holds() {
    let served = Served::open(REQUIRED).await;
    let ask = async |own: Option<&Pair>| served.authority.reqwest(own).get(served.url()).send().await;
    assert!(ask(None).await.is_err());
    assert!(ask(Some(&Authority::new("other").client())).await.is_err());
    // The same name does not make an authority.
    assert!(ask(Some(&Authority::new("one").client())).await.is_err());
    assert!(ask(Some(&served.authority.expired_client())).await.is_err());
    // A server's certificate is for servers.
    assert!(ask(Some(&served.authority.server())).await.is_err());
    let own = served.authority.client();
    assert_eq!(ask(Some(&own)).await.unwrap().text().await.unwrap(), of(&own));
}

#[tokio::test]
async fn where_a_certificate_is_optional_who_has_none_is_nobody_and_who_has_one_must_have_a_good_one() {
    let served = Served::open(OPTIONAL).await;
    let ask = async |own: Option<&Pair>| served.authority.reqwest(own).get(served.url()).send().await;
    assert_eq!(ask(None).await.unwrap().text().await.unwrap(), "nobody");
    assert!(ask(Some(&Authority::new("other").client())).await.is_err());
    let own = served.authority.client();
    assert_eq!(ask(Some(&own)).await.unwrap().text().await.unwrap(), of(&own));
}

#[tokio::test]
async fn who_must_show_a_certificate_shows_it_on_every_connection() {
    for (more, resumed) in [("", true), (OPTIONAL, false)] {
        let served = Served::open(more).await;
        // One configuration: it remembers sessions.
        let connector = TlsConnector::from(served.authority.client_config(false, &[]));
        let mut kinds = Vec::new();
        for _ in 0..2 {
            let stream = TcpStream::connect(served.address).await.unwrap();
            let mut stream = connector.connect(ServerName::try_from("localhost").unwrap(), stream).await.unwrap();
            kinds.push(stream.get_ref().1.handshake_kind().unwrap());
            // Tickets come after the handshake.
            let mut some = [0; 1];
            stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await.unwrap();
            stream.read_exact(&mut some).await.unwrap();
        }
        assert_eq!(kinds[1] == rustls::HandshakeKind::Resumed, resumed, "{kinds:?}");
    }
}

#[tokio::test]
async fn a_renewed_certificate_is_shown_to_the_next_and_a_connection_that_stands_is_not_touched() {
    let served = Served::open("").await;
    let mut config = (*served.authority.client_config(false, &[])).clone();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    let stream = TcpStream::connect(served.address).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let mut standing = TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap();
    let mut ask = async || {
        standing.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
        let mut reply = Vec::new();
        while !reply.ends_with(b"\r\n\r\nnobody") {
            assert_ne!(patiently(standing.read_buf(&mut reply)).await.unwrap(), 0);
        }
    };
    ask().await;
    assert!(matches!(served.door.reload(false, Timestamp::now()), Reloaded::Unchanged));
    let renewed = served.authority.server();
    served.files.own(&renewed);
    let Reloaded::Taken(papers) = served.door.reload(false, Timestamp::now()) else { panic!() };
    assert_eq!(papers.fingerprint, of(&renewed));
    assert_eq!(served.shown().await, of(&renewed));
    ask().await;
    let text = served.metrics.text();
    assert!(text.contains(r#"dialog_tls_reloads_total{listener="portal",outcome="taken"} 1"#), "{text}");
    // 2090-01-01
    assert!(text.contains(r#"dialog_tls_certificate_ends_timestamp_seconds{listener="portal"} 3786912000"#), "{text}");
}

#[tokio::test]
async fn papers_that_are_not_in_order_are_not_taken_and_told_once() {
    let served = Served::open(OPTIONAL).await;
    let first = served.shown().await;
    let refused = |again: bool| match served.door.reload(again, Timestamp::now()) {
        Reloaded::Refused(error) => Some(error.key),
        Reloaded::Unchanged => None,
        Reloaded::Taken(papers) => panic!("{}", papers.fingerprint),
    };
    let renewed = served.authority.server();
    // The chain is written before its key.
    served.files.put("chain.pem", &renewed.certificate);
    assert_eq!((refused(false), refused(false)), (Some("key"), None));
    // The operator says that it is to be tried again.
    assert_eq!(refused(true), Some("key"));
    served.files.put("chain.pem", "");
    assert_eq!(refused(false), Some("certificate"));
    std::fs::remove_file(served.files.path("chain.pem")).unwrap();
    assert_eq!((refused(false), refused(false)), (Some("certificate"), None));
    served.files.own(&served.authority.server_of((2020, 2021)));
    assert_eq!(refused(false), Some("certificate"));
    served.files.own(&renewed);
    served.files.put("clients.pem", "nobody");
    assert_eq!(refused(false), Some("client-authorities"));
    assert_eq!(served.shown().await, first);
    served.files.put("clients.pem", &served.authority.pem);
    assert!(matches!(served.door.reload(false, Timestamp::now()), Reloaded::Taken(_)));
    assert_eq!(served.shown().await, of(&renewed));
}

#[tokio::test]
async fn an_authority_that_is_no_longer_trusted_lets_nobody_in_after_the_reload() {
    let served = Served::open(REQUIRED).await;
    let (old, other) = (served.authority.client(), Authority::new("other"));
    let ask = async |own: &Pair| served.authority.reqwest(Some(own)).get(served.url()).send().await.is_ok();
    assert!(ask(&old).await && !ask(&other.client()).await);
    served.files.put("clients.pem", &other.pem);
    assert!(matches!(served.door.reload(false, Timestamp::now()), Reloaded::Taken(_)));
    assert!(!ask(&old).await && ask(&other.client()).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_request_is_dropped_while_certificates_are_exchanged_under_load() {
    let served = Served::open("").await;
    let done = CancellationToken::new();
    let mut callers = tokio::task::JoinSet::new();
    for at in 0..4 {
        let (url, done, mut client) = (served.url(), done.clone(), served.authority.reqwest(None));
        let fresh = (at % 2 == 0).then(|| served.authority.pem.clone());
        callers.spawn(async move {
            let mut answered = 0;
            while !done.is_cancelled() {
                if let Some(pem) = &fresh {
                    // A connection of its own for each.
                    let root = reqwest::Certificate::from_pem(pem.as_bytes()).unwrap();
                    client = reqwest::Client::builder().no_proxy().tls_certs_only([root]).build().unwrap();
                }
                let reply = client.get(&url).send().await.unwrap();
                assert_eq!((reply.status().as_u16(), reply.text().await.unwrap().as_str()), (200, "nobody"));
                answered += 1;
            }
            answered
        });
    }
    for _ in 0..20 {
        let renewed = served.authority.server();
        served.files.own(&renewed);
        assert!(matches!(served.door.reload(false, Timestamp::now()), Reloaded::Taken(_)));
        assert_eq!(served.shown().await, of(&renewed));
    }
    done.cancel();
    let answered = callers.join_all().await;
    assert!(answered.iter().all(|answered| *answered > 0), "{answered:?}");
}

#[tokio::test]
async fn who_does_not_finish_the_handshake_is_cut_off() {
    let served = Served::with("", |door| door.with_handshakes(few_handshakes(10, 200))).await;
    // Nothing at all; the beginning of a record.
    for beginning in [&b""[..], b"\x16\x03\x01\x02\x00\x01"] {
        let mut stream = TcpStream::connect(served.address).await.unwrap();
        stream.write_all(beginning).await.unwrap();
        assert_eq!(patiently(stream.read_to_end(&mut Vec::new())).await.unwrap_or(0), 0);
    }
    assert!(served.metrics.text().contains(r#"{listener="portal",outcome="late"} 2"#));
    assert_eq!(served.authority.reqwest(None).get(served.url()).send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_crowd_that_does_not_finish_its_handshakes_is_in_nobodys_way() {
    let served = Served::with("", |door| door.with_handshakes(few_handshakes(8, 3_600_000))).await;
    let mut crowd = Vec::new();
    for _ in 0..50 {
        crowd.push(TcpStream::connect(served.address).await.unwrap());
        if crowd.len() % 10 == 0 {
            let reply = served.authority.reqwest(None).get(served.url()).send();
            assert_eq!(patiently(reply).await.unwrap().status(), 200);
        }
    }
    // The oldest had to go.
    assert_eq!(patiently(crowd[0].read(&mut [0; 1])).await.unwrap_or(0), 0);
    assert!(served.metrics.text().contains(r#"outcome="crowded-out""#));
}

#[tokio::test]
async fn a_request_under_way_over_tls_is_answered_when_the_gateway_is_to_stop() {
    let (stop, held) = (CancellationToken::new(), Held::new());
    let (authority, files) = (Authority::new("one"), Files::new());
    files.own(&authority.server());
    let door = Arc::new(files.door("", &Arc::default()));
    let listener = Listener::bind(([127, 0, 0, 1], 0).into()).await.unwrap();
    let address = listener.address;
    let serving = listener.behind(Some(door)).serve(held.routes(), stop.clone());
    // One in the middle of its handshake has nothing to wait for.
    let _silent = TcpStream::connect(address).await.unwrap();
    let asking = tokio::spawn(authority.reqwest(None).get(format!("https://{address}/")).send());
    held.arrived.notified().await;
    stop.cancel();
    held.go.notify_one();
    assert_eq!(asking.await.unwrap().unwrap().text().await.unwrap(), "done");
    patiently(serving).await.unwrap();
    assert!(TcpStream::connect(address).await.is_err());
}

#[test]
fn what_is_wrong_with_papers_is_said_with_the_key_and_the_file_and_never_the_private_key() {
    let (authority, files) = (Authority::new("one"), Files::new());
    let good = authority.server();
    files.put("clients.pem", &authority.pem);
    let chain = format!("{}{}", good.certificate, authority.pem);
    let broken = good.certificate.replacen("MII", "MIJ", 1);
    let expired = authority.server_of((2020, 2021));
    let future = authority.server_of((2089, 2090));
    let stray = stray_key();
    let half = &good.key[..good.key.len() / 2];
    for (certificate, key, wrong, said) in [
        ("", good.key.as_str(), "certificate", "chain.pem: holds no certificate in PEM"),
        (
            "-----BEGIN CERTIFICATE-----\n***\n-----END CERTIFICATE-----\n",
            &good.key,
            "certificate",
            "chain.pem: is not PEM",
        ),
        (&broken, &good.key, "certificate", "chain.pem: certificate 1 cannot be parsed"),
        (&expired.certificate, &expired.key, "certificate", "chain.pem: certificate 1 expired at 2021-01-01"),
        (&future.certificate, &future.key, "certificate", "chain.pem: certificate 1 is not valid before 2089-01-01"),
        (&good.certificate, &stray, "key", "key.pem: does not belong to the certificate"),
        (&good.certificate, half, "key", "key.pem: holds no private key in PEM"),
        (&good.certificate, &good.certificate, "key", "key.pem: holds no private key in PEM"),
    ] {
        files.put("chain.pem", certificate);
        files.put("key.pem", key);
        let error = files.papers("").unwrap_err();
        assert_eq!(error.key, wrong, "{error}");
        assert!(error.what.contains(said), "{said}: {error}");
        let secret = key.lines().nth(1).unwrap_or("none");
        assert!(!error.to_string().contains(secret), "{error}");
    }
    files.put("chain.pem", &chain);
    files.put("key.pem", &good.key);
    let papers = files.papers(REQUIRED).unwrap();
    assert_eq!(papers.fingerprint, of(&good));
    files.put("clients.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    assert_eq!(files.papers(REQUIRED).unwrap_err().key, "client-authorities");
}

#[test]
fn a_certificate_that_ends_soon_and_a_key_that_all_can_read_are_warned_of() {
    use std::os::unix::fs::PermissionsExt as _;
    let (authority, files) = (Authority::new("one"), Files::new());
    files.own(&authority.server());
    let mode = |mode: u32| {
        std::fs::set_permissions(files.path("key.pem"), std::fs::Permissions::from_mode(mode)).unwrap();
        files.papers("").unwrap().warnings
    };
    assert!(mode(0o600).is_empty());
    let warned = mode(0o644);
    assert!(warned.len() == 1 && warned[0].what.contains("chmod 600"), "{warned:?}");
    let tls = files.tls("");
    let read = dialog_gateway::tls::papers::Sources::read(&tls).unwrap();
    let late = "2089-12-25T00:00:00Z".parse().unwrap();
    let warnings = dialog_gateway::tls::papers::Papers::of(&read, &tls, late).unwrap().warnings;
    assert!(warnings[0].what.contains("expires at 2090-01-01"), "{warnings:?}");
}
