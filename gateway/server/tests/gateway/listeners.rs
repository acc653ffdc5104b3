use std::time::Duration;

use axum::{Router, routing::get};
use dialog_gateway::{limits, listener::Listener};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_util::sync::CancellationToken;

use crate::support::{Held, House, send};

async fn raw(address: std::net::SocketAddr, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request).await.unwrap();
    let mut reply = Vec::new();
    stream.read_to_end(&mut reply).await.unwrap_or_default();
    String::from_utf8_lossy(&reply).into_owned()
}

#[tokio::test]
async fn too_many_and_too_long_header_fields_are_refused_before_any_handler() {
    let house = House::open().await;
    let many: String = (0..=limits::HEADER_FIELDS).map(|at| format!("x-{at}: 1\r\n")).collect();
    let long = format!("x-long: {}\r\n", "a".repeat(2 * limits::HEAD_BYTES));
    for fields in [many, long] {
        let request = format!("GET /health/live HTTP/1.1\r\nhost: a\r\n{fields}\r\n");
        let reply = raw(house.portal, request.as_bytes()).await;
        assert!(reply.is_empty() || reply.starts_with("HTTP/1.1 431"), "{reply}");
    }
    let reply = raw(house.portal, b"GET /health/live HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").await;
    assert!(reply.starts_with("HTTP/1.1 200"), "{reply}");
}

#[tokio::test]
async fn a_caller_that_does_not_get_to_its_request_is_cut_off() {
    let stop = CancellationToken::new();
    let head = Duration::from_millis(200);
    let listener = Listener::bind(([127, 0, 0, 1], 0).into()).await.unwrap().with_head_within(head);
    let address = listener.address;
    listener.serve(Router::new().route("/", get(|| async { "here" })), stop.clone());
    // Nothing at all; the beginning of what could be HTTP/2; half a head.
    for beginning in ["", "P", "GET / HTTP/1.1\r\nhost: a\r\n"] {
        // It ends at all; how soon depends on the machine.
        let ended = tokio::time::timeout(Duration::from_secs(20), raw(address, beginning.as_bytes())).await;
        assert!(!ended.unwrap_or_else(|_| panic!("{beginning:?} stays")).contains("200"));
    }
    stop.cancel();
}

#[tokio::test]
async fn a_reader_that_takes_nothing_is_cut_off_with_all_that_is_held_for_it() {
    let stop = CancellationToken::new();
    let standstill = Duration::from_millis(200);
    let listener = Listener::bind(([127, 0, 0, 1], 0).into()).await.unwrap().with_standstill_of(standstill);
    let address = listener.address;
    let (held, mut released) = tokio::sync::mpsc::channel::<()>(1);
    let endless = move || {
        let held = held.clone();
        let chunks = futures_util::stream::repeat_with(move || {
            let _held = &held;
            Ok::<_, std::io::Error>(bytes::Bytes::from_static(&[0; 64 * 1024]))
        });
        async move { axum::body::Body::from_stream(chunks) }
    };
    listener.serve(Router::new().route("/", get(endless)), stop.clone());
    let mut reader = TcpStream::connect(address).await.unwrap();
    reader.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
    let mut beginning = [0; 12];
    reader.read_exact(&mut beginning).await.unwrap();
    assert_eq!(&beginning, b"HTTP/1.1 200");
    // The listener's end drops the router; what is left holding is the reply.
    stop.cancel();
    assert_eq!(tokio::time::timeout(Duration::from_secs(20), released.recv()).await, Ok(None));
}

#[tokio::test]
async fn event_streams_over_what_a_citizen_may_have_are_turned_away_until_one_ends() {
    let house = House::open().await;
    let mut open = Vec::new();
    for _ in 0..limits::EVENT_STREAMS_OF_A_CITIZEN {
        let stream = house.get("/v1/me/events").send().await.unwrap();
        assert_eq!(stream.status(), 200);
        open.push(stream);
    }
    let refused = send(house.get("/v1/me/events"), "GET /v1/me/events").await;
    assert_eq!((refused.status, refused.problem()), (429, "too-many-requests"));
    assert_eq!(refused.header("retry-after"), limits::EVENT_STREAM_RETRY_AFTER_SECONDS.to_string());
    assert_eq!(send(house.get("/v1/me/practice"), "GET /v1/me/practice").await.status, 200);
    open.pop();
    let again = async {
        while house.get("/v1/me/events").send().await.unwrap().status() != 200 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), again).await.unwrap();
}

#[tokio::test]
async fn http_2_is_spoken_to_whoever_begins_it_with_many_requests_on_one_connection() {
    let house = House::open().await;
    let client = reqwest::Client::builder().no_proxy().http2_prior_knowledge().build().unwrap();
    let asking = (0..20).map(|_| client.get(house.url("/v1/limits")).send());
    for reply in futures_util::future::join_all(asking).await {
        let reply = reply.unwrap();
        assert_eq!((reply.status().as_u16(), reply.version()), (200, http::Version::HTTP_2));
    }
    let long = client.get(house.url("/v1/limits")).header("x-long", "a".repeat(2 * limits::HEAD_BYTES)).send().await;
    assert!(long.is_err() || long.is_ok_and(|reply| reply.status() == 431));
}

#[tokio::test]
async fn requests_beyond_what_is_taken_are_turned_away_with_a_time_to_come_back() {
    let house = House::open().await;
    let all = house.gateway.permits.try_acquire_many(u32::try_from(limits::REQUESTS_AT_ONCE).unwrap()).unwrap();
    let reply = send(house.get("/v1/me/practice"), "GET /v1/me/practice").await;
    assert_eq!((reply.status, reply.problem()), (503, "unavailable"));
    assert_eq!(reply.header("retry-after"), limits::RETRY_AFTER_SECONDS.to_string());
    assert_eq!(reply.body["sent"], "no");
    // Whoever watches over the gateway is answered.
    assert_eq!(house.http.get(house.url("/health/live")).send().await.unwrap().status(), 200);
    let metrics = house.http.get(format!("http://{}/metrics", house.operations)).send().await.unwrap();
    assert!(metrics.text().await.unwrap().contains(r#"dialog_problems_total{problem="unavailable"} 1"#));
    drop(all);
    assert_eq!(send(house.get("/v1/me/practice"), "GET /v1/me/practice").await.status, 200);
}

#[tokio::test]
async fn a_request_under_way_is_answered_when_the_gateway_is_to_stop_and_no_new_one_is_taken() {
    let (stop, held) = (CancellationToken::new(), Held::new());
    let listener = Listener::bind(([127, 0, 0, 1], 0).into()).await.unwrap();
    let address = listener.address;
    let serving = listener.serve(held.routes(), stop.clone());
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let asking = tokio::spawn(client.get(format!("http://{address}/")).send());
    held.arrived.notified().await;
    stop.cancel();
    held.go.notify_one();
    let answer = asking.await.unwrap().unwrap();
    assert_eq!(answer.text().await.unwrap(), "done");
    serving.await.unwrap();
    assert!(TcpStream::connect(address).await.is_err());
}
