//! What costs a caller nothing and the gateway something: HTTP/2 frames that ask for nothing, requests that are taken
//! back, bodies that come in drops. The connection ends; the listener serves on.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    Router,
    routing::{get, post},
};
use dialog_gateway::{abuse::slow_body::Pace, limits, listener::Listener, telemetry::metrics::Metrics};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_util::sync::{CancellationToken, DropGuard};

struct Served {
    address: SocketAddr,
    metrics: Arc<Metrics>,
    _stop: DropGuard,
}

impl Served {
    async fn open(change: impl FnOnce(Listener) -> Listener) -> Self {
        let (stop, metrics) = (CancellationToken::new(), Arc::<Metrics>::default());
        let listener = change(Listener::bind(([127, 0, 0, 1], 0).into()).await.unwrap());
        let address = listener.address;
        let router = Router::new()
            .route("/", get(|| async { "here" }))
            .route("/never", get(std::future::pending::<()>))
            .route("/body", post(|body: bytes::Bytes| async move { body.len().to_string() }));
        listener.named("portal", Arc::clone(&metrics)).serve(router, stop.clone());
        Self { address, metrics, _stop: stop.drop_guard() }
    }

    /// The listener serves others.
    async fn serves(&self) {
        for client in [reqwest::Client::builder(), reqwest::Client::builder().http2_prior_knowledge()] {
            let client = client.no_proxy().build().unwrap();
            let reply = client.get(format!("http://{}/", self.address)).send();
            let reply = tokio::time::timeout(Duration::from_secs(20), reply).await.unwrap().unwrap();
            assert_eq!(reply.text().await.unwrap(), "here");
        }
    }
}

/// An HTTP/2 frame (RFC 9113, 4.1).
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let mut frame = u32::try_from(payload.len()).unwrap().to_be_bytes()[1..].to_vec();
    frame.extend([kind, flags]);
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const PRIORITY: u8 = 2;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const WINDOW_UPDATE: u8 = 8;
const CONTINUATION: u8 = 9;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

/// `GET http:/never`, in HPACK's static table but for the path.
const GET_NEVER: &[u8] = b"\x82\x86\x04\x06/never\x41\x01a";
/// `POST http:/body`.
const POST_BODY: &[u8] = b"\x83\x86\x04\x05/body\x41\x01a";

/// Sends `beginning`, then `next` again and again, and reads what comes. Gives how many bytes went out before the
/// connection ended.
async fn flood(served: &Served, beginning: &[u8], mut next: impl FnMut() -> Vec<u8>) -> usize {
    const MOST: usize = 256 * 1024 * 1024;
    let (mut read, mut write) = TcpStream::connect(served.address).await.unwrap().into_split();
    let ended = CancellationToken::new();
    let tell = ended.clone();
    let reader = tokio::spawn(async move {
        let mut some = vec![0; 64 * 1024];
        while read.read(&mut some).await.is_ok_and(|count| count > 0) {}
        tell.cancel();
    });
    let mut sent = 0;
    let sending = async {
        write.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await?;
        write.write_all(&frame(SETTINGS, 0, 0, &[])).await?;
        write.write_all(beginning).await?;
        while sent < MOST && !ended.is_cancelled() {
            let mut much = Vec::new();
            while much.len() < 16 * 1024 {
                much.extend(next());
            }
            write.write_all(&much).await?;
            sent += much.len();
        }
        std::io::Result::Ok(())
    };
    let _ = tokio::time::timeout(Duration::from_secs(60), sending).await.expect("it neither ends nor is read");
    tokio::time::timeout(Duration::from_secs(20), reader).await.expect("the connection stays").unwrap();
    assert!(sent < MOST, "it was never cut off");
    sent
}

/// No more than twice what a connection may carry beside requests; what is in the system's buffers is beyond it.
const BOUND: usize = 16 * limits::BESIDE_BYTES as usize;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn frames_that_ask_for_nothing_end_the_connection_and_nobody_elses() {
    let opened = frame(HEADERS, END_HEADERS, 1, POST_BODY);
    for (what, beginning, again) in [
        ("pings", &[][..], frame(PING, 0, 0, &[7; 8])),
        ("settings", &[], frame(SETTINGS, 0, 0, &[])),
        ("settings that say something", &[], frame(SETTINGS, 0, 0, &[0, 3, 0, 0, 0, 100])),
        ("window updates", &[], frame(WINDOW_UPDATE, 0, 0, &[0, 0, 0, 0])),
        ("priorities", &[], frame(PRIORITY, 0, 1, &[0, 0, 0, 0, 1])),
        ("unknown frames", &[], frame(0xbe, 0, 0, b"hello")),
        ("empty data", &opened, frame(DATA, 0, 1, &[])),
        ("padding", &opened, frame(DATA, 8, 1, &[255; 256])),
    ] {
        let served = Served::open(|listener| listener).await;
        let sent = flood(&served, beginning, || again.clone()).await;
        assert!(sent < BOUND, "{what}: {sent} bytes");
        served.serves().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ping_flood_is_counted_as_what_it_is() {
    let served = Served::open(|listener| listener).await;
    flood(&served, &[], || frame(PING, 0, 0, &[7; 8])).await;
    let cut = r#"dialog_connections_cut_total{listener="portal",outcome="flood"} 1"#;
    let counted = async {
        while !served.metrics.text().contains(cut) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), counted).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_that_are_taken_back_at_once_end_the_connection() {
    let served = Served::open(|listener| listener).await;
    let mut stream = 1;
    let sent = flood(&served, &[], || {
        let mut pair = frame(HEADERS, END_HEADERS | END_STREAM, stream, GET_NEVER);
        pair.extend(frame(RST_STREAM, 0, stream, &[0, 0, 0, 8]));
        stream += 2;
        pair
    })
    .await;
    assert!(sent < BOUND, "{sent} bytes");
    served.serves().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_head_that_never_ends_ends_the_connection() {
    let served = Served::open(|listener| listener).await;
    // One header field without indexing, in pieces (CVE-2024-27316).
    let sent = flood(&served, &frame(HEADERS, 0, 1, GET_NEVER), || frame(CONTINUATION, 0, 1, b"\x00\x01a\x01b")).await;
    assert!(sent < BOUND, "{sent} bytes");
    let sent = flood(&served, &frame(HEADERS, 0, 1, GET_NEVER), || frame(CONTINUATION, 0, 1, &[])).await;
    assert!(sent < BOUND, "{sent} bytes");
    served.serves().await;
}

#[tokio::test]
async fn a_head_of_too_many_fields_is_refused_over_http_2_as_over_http_1() {
    let served = Served::open(|listener| listener).await;
    let client = reqwest::Client::builder().no_proxy().http2_prior_knowledge().build().unwrap();
    let mut request = client.get(format!("http://{}/", served.address));
    for at in 0..=limits::HEADER_FIELDS {
        request = request.header(format!("x-{at}"), "1");
    }
    assert_eq!(request.send().await.unwrap().status(), 431);
    served.serves().await;
}

#[tokio::test]
async fn a_body_that_comes_in_drops_is_cut_off_and_one_at_the_pace_comes_whole() {
    let pace = Pace { patience: Duration::from_millis(300), bytes_per_second: 10_000 };
    let served = Served::open(|listener| listener.with_bodies_at(pace)).await;
    let post = |length: usize| format!("POST /body HTTP/1.1\r\nhost: a\r\ncontent-length: {length}\r\n\r\n");

    let mut slow = TcpStream::connect(served.address).await.unwrap();
    slow.write_all(post(1000).as_bytes()).await.unwrap();
    let (mut read, mut write) = slow.into_split();
    let drops = tokio::spawn(async move {
        let mut every = tokio::time::interval(Duration::from_millis(20));
        while write.write_all(b"x").await.is_ok() {
            every.tick().await;
        }
    });
    let mut answer = Vec::new();
    let _ = tokio::time::timeout(Duration::from_secs(20), read.read_to_end(&mut answer)).await.expect("it is held");
    assert!(!String::from_utf8_lossy(&answer).starts_with("HTTP/1.1 200"));
    drops.abort();

    let mut steady = TcpStream::connect(served.address).await.unwrap();
    steady.write_all(post(10_000).as_bytes()).await.unwrap();
    let mut every = tokio::time::interval(Duration::from_millis(20));
    for _ in 0..20 {
        every.tick().await;
        steady.write_all(&[b'x'; 500]).await.unwrap();
    }
    let mut beginning = [0; 12];
    steady.read_exact(&mut beginning).await.unwrap();
    assert_eq!(&beginning, b"HTTP/1.1 200");
    served.serves().await;
}
